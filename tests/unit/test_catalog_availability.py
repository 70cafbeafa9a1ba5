"""Service status per territory, and readers of the operator's files: statuses as JSON, cells as geobuf and GeoJSON."""

import json
import struct

import numpy as np
import pytest

from overflight.catalog.availability import (
    VERDICTS,
    blacklisted_cells,
    cells_of_area,
    cells_with_status,
    province_counts,
    read_availability,
    read_availability_cells,
    service_status,
    verdict_of,
)
from overflight.errors import CatalogError


@pytest.mark.parametrize(
    ("code", "published", "key", "served", "english"),
    [
        ("tw", "coming_soon", "date-unknown", False, "not served: service date unknown"),
        ("KE", "launched", "served", True, "served"),
        ("YE", "available", "served", True, "served"),
        ("RU", "blacklisted", "blacklisted", False, "not served: blacklisted by the operator"),
        ("TZ", "coming_soon", "announced", False, "not served: announced for 2026"),
        ("IN", "pending_regulatory", "pending-regulator", False, "not served: pending the regulator's approval"),
        ("TR", "coming_soon", "pending-regulator", False, "not served: pending the regulator's approval"),
        ("CU", "coming_soon", "no-date", False, "not served: no date given"),
        ("UA", "exclude", "split", None, "split: status differs by province"),
        ("EG", "unknown", "unknown", None, "unknown"),
        ("ZZ", "", "unknown", None, "unknown"),
    ],
)
def test_status_of_territories(code: str, published: str, key: str, *, served: bool | None, english: str) -> None:
    status = service_status(code)
    assert (status.code, status.published_status, status.verdict_key) == (code.upper(), published, key)
    assert status.served is served
    assert status.verdict() == english
    assert (status.date == "2026-07-23") == bool(published)


def test_other_operators_publish_nothing() -> None:
    status = service_status("KE", operator="oneweb")
    assert (status.verdict_key, status.published_status, status.source) == ("not-built-in", "", "")


def test_french_words() -> None:
    assert service_status("TW").verdict("fr") == "non desservi : date de service inconnue"
    assert service_status("TZ").verdict("fr") == "non desservi : annoncé pour 2026"


def test_words_that_are_new_to_us_are_unknown() -> None:
    assert verdict_of("opened") == verdict_of("coming_soon", "some day") == "unknown"
    assert all(len(words) == 2 and all(words) for words in VERDICTS.values())


def test_provinces_of_split_territories() -> None:
    assert province_counts("ua") == {"blacklisted": 2, "launched": 25}
    assert province_counts("GE") == {"launched": 11, "pending_regulatory": 2}
    assert province_counts("CY") == {"launched": 4, "unknown": 2}
    assert province_counts("KE") == {}


def test_cells_of_their_own() -> None:
    cells = blacklisted_cells()
    assert cells.dtype == np.uint64
    assert len(cells) == len(np.unique(cells)) == 297
    assert np.all(np.diff(cells.astype(np.int64)) > 0)
    assert np.all((cells >> np.uint64(52)) & np.uint64(15) == 5), "resolution 5"
    assert len(cells_with_status("test")) == 248
    assert len(cells_with_status("no such status")) == 0


STATUSES = {
    "admin0": {"TW": {"status": "coming_soon", "expected": "x"}, "KE": {"status": "launched"}},
    "admin1": {"b64": {"status": "launched"}},
}


def test_statuses_from_bytes() -> None:
    published, intake = read_availability(json.dumps(STATUSES).encode())
    assert [(record.key, record.published_status, record.expected) for record in published.territories] == [
        ("TW", "coming_soon", "x"),
        ("KE", "launched", ""),
    ]
    assert [record.key for record in published.provinces] == ["b64"]
    assert (intake.read, intake.used) == (3, 3)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ('"TW": {"status": "launched"}', "given twice; the first is used"),
        ('"Kenya": {"status": "launched"}', "not a code of two capital letters"),
        ('"UG": {}', "no status"),
        ('"UG": {"status": 7}', "no status"),
        ('"UG": "launched"', "not an object with a status"),
        ('"UG": {"status": "coming_soon", "expected": 2026}', "expected is not text"),
    ],
)
def test_bad_status_is_left_out_with_its_reason(entry: str, reason: str) -> None:
    data = f'{{"admin0": {{"TW": {{"status": "coming_soon"}}, {entry}}}}}'.encode()
    published, intake = read_availability(data, source="a")
    assert len(published.territories) == intake.used == 1
    assert [(item.line, item.reason) for item in intake.left_out] == [(2, reason)]
    with pytest.raises(CatalogError, match="a:2"):
        read_availability(data, source="a", strict=True)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b'{"admin0": {"TW": {"sta', "not valid JSON"),
        (b"\xff", "not UTF-8"),
        (b"[]", "no object 'admin0'"),
        (b"{}", "no object 'admin0'"),
        (b'{"admin0": []}', "no object 'admin0'"),
        (b'{"admin0": {}}', "no records"),
        (b'{"admin0": {"TW": {}}}', "no status"),
        (b'{"admin0":' * 50_000, "nested too deep"),
        (b'{"admin0": ' + b"9" * 5_000 + b"}", "thousands of digits"),
    ],
)
def test_bad_status_file_is_an_error_of_one_line(data: bytes, message: str) -> None:
    with pytest.raises(CatalogError, match=message) as caught:
        read_availability(data)
    assert "\n" not in str(caught.value)


# A minimal writer of geobuf, so that the reader meets files that nobody publishes


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def packed(numbers: list[int]) -> bytes:
    return b"".join(map(varint, numbers))


def geometry(kind: int, deltas: list[int], lengths: list[int] | None = None) -> bytes:
    zigzag = [value << 1 ^ value >> 63 for value in deltas]
    return field(1, kind) + (field(2, packed(lengths)) if lengths else b"") + field(3, packed(zigzag))


def geobuf(*features: bytes, keys: tuple[str, ...] = ("status",)) -> bytes:
    return b"".join(field(1, key.encode()) for key in keys) + field(2, 2) + field(3, 6) + field(4, b"".join(field(1, f) for f in features))


SQUARE = [10_000_000, 20_000_000, 1_000_000, 0, 0, 1_000_000, -1_000_000, 0]
RING = [[10.0, 20.0], [11.0, 20.0], [11.0, 21.0], [10.0, 21.0], [10.0, 20.0]]
TEST_AREA = field(1, geometry(5, SQUARE)) + field(13, field(1, b"test")) + field(14, packed([0, 0]))


def test_geobuf_square_and_its_properties() -> None:
    (feature,), intake = read_availability_cells(geobuf(TEST_AREA))
    assert (feature.published_status, feature.expected) == ("test", "")
    np.testing.assert_array_equal(feature.polygons[0][0], RING)
    assert (intake.read, intake.used) == (1, 1)


def test_geobuf_rings_and_polygons() -> None:
    lengths = [2, 2, 4, 4, 1, 4]
    (feature,), _ = read_availability_cells(geobuf(field(1, geometry(5, SQUARE * 3, lengths))))
    assert [len(polygon) for polygon in feature.polygons] == [2, 1]
    for polygon in feature.polygons:
        for ring in polygon:
            np.testing.assert_array_equal(ring, RING)


def test_geobuf_values_of_every_type() -> None:
    keys = ("a", "b", "c", "d", "e", "f")
    wire = varint(2 << 3 | 1) + struct.pack("<d", 2.5)
    values = [field(1, "é".encode()), wire, field(3, 7), field(4, 7), field(5, 1), field(6, b'{"x": [1]}')]
    feature = field(1, geometry(4, SQUARE, [4])) + b"".join(field(13, value) for value in values)
    feature += field(14, packed([number for key in range(6) for number in (key, key)]))
    (read,), _ = read_availability_cells(geobuf(feature, keys=keys))
    assert read.properties == {"a": "é", "b": 2.5, "c": 7, "d": -7, "e": True, "f": {"x": [1]}}


@pytest.mark.parametrize(
    ("feature", "reason"),
    [
        (field(1, geometry(0, [0, 0])), "geometry is a Point, not an area"),
        (field(1, geometry(99, [0, 0])), "geometry of an unknown type"),
        (field(1, geometry(5, SQUARE, [2, 1, 4, 1, 4])), "4 points where the rings need 8"),
        (field(1, geometry(5, SQUARE, [3, 1, 4])), "lengths of rings do not add up"),
        (field(1, geometry(4, SQUARE, [4, 0])), "a ring without points"),
        (field(1, geometry(5, SQUARE[:-1])), "coordinates do not fill whole points"),
        (field(1, geometry(5, [200_000_000, 0, *SQUARE[2:]])), "a coordinate outside -180 to 180 or -90 to 90"),
        (field(1, geometry(5, SQUARE[:4])), "a ring that is not closed"),
        (field(1, geometry(5, SQUARE)) + field(14, packed([0, 3])), "properties point beyond their keys and values"),
        (field(1, geometry(5, SQUARE)) + field(13, field(6, b"{")) + field(14, packed([0, 0])), "a property is not JSON"),
    ],
)
def test_bad_geobuf_feature_is_left_out_with_its_reason(feature: bytes, reason: str) -> None:
    features, intake = read_availability_cells(geobuf(TEST_AREA, feature), source="pb")
    assert len(features) == intake.used == 1
    assert [(item.line, item.reason) for item in intake.left_out] == [(2, reason)]
    with pytest.raises(CatalogError, match="pb:2"):
        read_availability_cells(geobuf(TEST_AREA, feature), source="pb", strict=True)


@pytest.mark.parametrize(
    "data", [b"", b"  ", b"\x00\x01\x02", b"hello", b"\xff" * 40, geobuf(), b"{", b'{"type": "Topology"}', b'{"features": []}']
)
def test_bad_cell_file_is_an_error_of_one_line(data: bytes) -> None:
    with pytest.raises(CatalogError) as caught:
        read_availability_cells(data, source="cells")
    assert str(caught.value).startswith("cells")
    assert "\n" not in str(caught.value)


def test_every_truncation_of_a_geobuf_is_refused_or_accounted_for() -> None:
    whole = geobuf(TEST_AREA, TEST_AREA)
    for length in range(len(whole)):
        with pytest.raises(CatalogError):
            read_availability_cells(whole[:length])


def geojson(geometry: object) -> bytes:
    good = {"type": "Feature", "properties": {"status": "test"}, "geometry": {"type": "Polygon", "coordinates": [RING]}}
    return json.dumps({"type": "FeatureCollection", "features": [good, {"type": "Feature", "geometry": geometry}]}).encode()


@pytest.mark.parametrize(
    ("geometry", "reason"),
    [
        (None, "geometry is not an area"),
        ({"type": "Point", "coordinates": [1, 2]}, "geometry is a Point, not an area"),
        ({"type": "Polygon", "coordinates": []}, "an area without rings"),
        ({"type": "MultiPolygon", "coordinates": None}, "an area without rings"),
        ({"type": "Polygon", "coordinates": [RING[:-1]]}, "a ring that is not closed"),
        ({"type": "Polygon", "coordinates": [[[float("nan"), 1], [2, 2], [3, 1], [float("nan"), 1]]]}, "a coordinate that is not finite"),
        ({"type": "Polygon", "coordinates": [[[0, 91], [2, 2], [3, 1], [0, 91]]]}, "a coordinate outside -180 to 180 or -90 to 90"),
        ({"type": "Polygon", "coordinates": [["a", "b", "c", "d"]]}, "coordinates are not rings of points"),
        ({"type": "Polygon", "coordinates": 5}, "coordinates are not rings of points"),
        ({"type": "Polygon", "coordinates": [[[10**400, 1]]]}, "coordinates are not rings of points"),
        ({"type": ["Polygon"], "coordinates": []}, "geometry is not an area"),
    ],
)
def test_bad_geojson_feature_is_left_out_with_its_reason(geometry: object, reason: str) -> None:
    features, intake = read_availability_cells(geojson(geometry))
    assert len(features) == 1
    assert [(item.line, item.reason) for item in intake.left_out] == [(2, reason)]


def test_area_that_is_no_union_of_cells_is_counted() -> None:
    ring = np.array(RING)
    cells, unmatched = cells_of_area(((ring,),))
    assert (len(cells), unmatched) == (0, 1)
    over_the_antimeridian = np.array([[-180.0, 0], [180.0, 0], [180.0, 1], [-180.0, 0]])
    assert cells_of_area(((over_the_antimeridian,),))[1] == 1
