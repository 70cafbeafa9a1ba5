"""Territories by name and by GeoJSON, with every odd input a user has given."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from overflight.earth.population import built_in_cells, population_of_cells, territories_of_cells
from overflight.earth.territory import USER_CODE, find_code, find_territory, list_territories, parse_territory
from overflight.errors import TerritoryError

BOX = [[[121.0, 24.0], [121.6, 24.0], [121.6, 24.6], [121.0, 24.6], [121.0, 24.0]]]


def as_bytes(document) -> bytes:
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("Taiwan", "TW"), ("TW", "TW"), ("twn", "TW"), ("158", "TW"), ("  taïwan ", "TW"), ("Republic of China (Taiwan)", "TW"),
        ("Ivory Coast", "CI"), ("cote d'ivoire", "CI"), ("Côte d’Ivoire", "CI"), ("Burma", "MM"), ("UK", "GB"), ("Great Britain", "GB"),
        ("USA", "US"), ("u.s.a.", "US"), ("Etats-Unis", "US"), ("Czech Republic", "CZ"), ("Czechia", "CZ"), ("Turkey", "TR"),
        ("turkiye", "TR"), ("St. Lucia", "LC"), ("Saint Lucia", "LC"), ("Kosovo", "XK"), ("The Gambia", "GM"), ("Antigua & Barbuda", "AG"),
        ("Allemagne", "DE"), ("Aland Islands", "AX"), ("Réunion", "RE"), ("la reunion", "RE"), ("Congo-Kinshasa", "CD"), ("Congo", "CG"),
        ("Vatican", "VA"), ("Niger", "NE"), ("Dominica", "DM"), ("Guinea", "GN"), ("Saint-Martin", "MF"), ("Micronésie", "FM"),
    ],
)  # fmt: skip
def test_finds_by_any_name(query: str, code: str) -> None:
    assert find_code(query) == code


def test_unknown_offers_the_nearest() -> None:
    with pytest.raises(TerritoryError, match=r"unknown territory 'Taiwam'; did you mean Taiwan") as caught:
        find_territory("Taiwam")
    assert "\n" not in str(caught.value)
    for query in ("", "Atlantis", "QZ", "🛰"):
        with pytest.raises(TerritoryError, match="unknown territory"):
            find_territory(query)


def test_repr_teaches() -> None:
    assert repr(find_territory("Malta")).startswith("<Territory MT Malta: ")


def test_crimea_and_western_sahara_are_drawn_as_stated() -> None:
    import shapely

    simferopol, dakhla, laayoune, nicosia_north = (
        shapely.Point(*at) for at in ((34.1, 44.95), (-15.9, 23.75), (-13.1, 27.1), (33.36, 35.25))
    )
    assert find_territory("UA").geometry.contains(simferopol)
    assert not find_territory("RU").geometry.contains(simferopol)
    assert find_territory("EH").geometry.contains(laayoune)
    assert find_territory("EH").geometry.distance(dakhla) < 0.1
    assert not find_territory("MA").geometry.contains(laayoune)
    assert find_territory("CY").geometry.contains(nicosia_north)
    assert "Crimea is drawn with Ukraine" in find_territory("UA").worldview


def test_overseas_codes_are_not_drawn_twice() -> None:
    for whole, parts in {"FR": ("GF", "GP", "MQ", "RE", "YT"), "NO": ("SJ", "BV"), "NL": ("BQ",), "NZ": ("TK",)}.items():
        for part in parts:
            assert not set(built_in_cells(whole).tolist()) & set(built_in_cells(part).tolist()), part


def test_feature_names_the_territory() -> None:
    feature = {
        "type": "Feature",
        "id": "site-7",
        "properties": {"name": "Site", "name_fr": "Lieu"},
        "geometry": {"type": "Polygon", "coordinates": BOX},
    }
    territory = parse_territory(as_bytes({"type": "FeatureCollection", "features": [feature]}), source="sites.geojson")
    assert (territory.code, territory.name, territory.name_fr) == ("site-7", "Site", "Lieu")
    assert territory.source == "GeoJSON file sites.geojson"
    assert territory.warnings == ()


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_bare_geometry_takes_the_name_of_the_file(tmp_path: Path, bom: bytes) -> None:
    path = tmp_path / "north taiwan.geojson"
    path.write_bytes(bom + as_bytes({"type": "Polygon", "coordinates": BOX}))
    for query in (path, str(path)):
        territory = find_territory(query)
        assert (territory.code, territory.name) == (USER_CODE, "north taiwan")
    inside = np.isin(territory.cells, built_in_cells("TW"))
    assert inside.all()
    taiwan = find_territory("TW")
    np.testing.assert_array_equal(territory.population, taiwan.population[np.isin(taiwan.cells, territory.cells)])


def test_collections_and_3d_positions_are_read() -> None:
    raised = [[[*position, 100.0] for position in BOX[0]]]
    plain = parse_territory(as_bytes({"type": "MultiPolygon", "coordinates": [BOX]}), source="a.json")
    other = parse_territory(
        as_bytes({"type": "GeometryCollection", "geometries": [{"type": "Polygon", "coordinates": raised}]}), source="b.json"
    )
    np.testing.assert_array_equal(plain.cells, other.cells)


def test_points_beside_polygons_are_left_out_with_a_count() -> None:
    features = [
        {"type": "Feature", "properties": None, "geometry": {"type": "Point", "coordinates": [0, 0]}},
        {"type": "Feature", "properties": {}, "geometry": None},
        {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": BOX}},
    ]
    warnings = parse_territory(as_bytes({"type": "FeatureCollection", "features": features}), source="c.json").warnings
    assert any("1 Point left out" in warning for warning in warnings)
    assert any("1 Feature without geometry left out" in warning for warning in warnings)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "x.json: the file is empty"),
        (b"\x89PNG\r\n", "x.json: not UTF-8"),
        (b"{", "x.json:1: not JSON"),
        (b"[1, 2]", "not GeoJSON"),
        (b'{"a": 1}', "not GeoJSON"),
        (b'"Polygon"', "not GeoJSON"),
        (b'{"type": "Topology"}', "not GeoJSON"),
        (b'{"type": "Polygon"}', "Polygon without a list of coordinates"),
        (b'{"type": "Polygon", "coordinates": []}', "has no ring"),
        (b'{"type": "Polygon", "coordinates": [[]]}', "at least three positions"),
        (b'{"type": "Polygon", "coordinates": [[["a", "b"], [1, 2], [3, 4]]]}', "ring 1 is not a list of positions"),
        (b'{"type": "Polygon", "coordinates": [[[1], [2], [3]]]}', "ring"),
        (b'{"type": "Polygon", "coordinates": [[[1, 2, 3], 4, 5]]}', "ring 1 is not a list of positions"),
        (b'{"type": "Polygon", "coordinates": [[[null, 1], [1, 2], [3, 4]]]}', "ring 1 is not a list of positions"),
        (b'{"type": "Polygon", "coordinates": [[[0, 0], [NaN, 1], [1, 1], [0, 0]]]}', "not finite"),
        (b'{"type": "Polygon", "coordinates": [[[24, 121], [25, 121], [25, 122], [24, 121]]]}', "seem swapped"),
        (b'{"type": "FeatureCollection", "features": []}', "holds no geometry"),
        (b'{"type": "FeatureCollection"}', "without a list of features"),
        (b'{"type": "FeatureCollection", "features": [null]}', "feature 1: not GeoJSON"),
        (b'{"type": "Point", "coordinates": [0, 0]}', "holds only 1 Point"),
        (b'{"type": "Feature", "properties": {}, "geometry": null}', "holds only 1 Feature without geometry"),
        (b"[" * 200_000, "x.json"),
    ],
)
def test_unusable_file_is_one_clear_line(data: bytes, message: str) -> None:
    with pytest.raises(TerritoryError, match=message) as caught:
        parse_territory(data, source="x.json")
    assert "\n" not in str(caught.value)
    assert "x.json" in str(caught.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(TerritoryError, match="no such file"):
        find_territory("nowhere.geojson")
    with pytest.raises(TerritoryError, match="cannot be read"):
        find_territory(tmp_path)


def test_crossing_ring_is_repaired_and_said() -> None:
    bow = [[[121.0, 24.0], [121.6, 24.6], [121.6, 24.0], [121.0, 24.6], [121.0, 24.0]]]
    territory = parse_territory(as_bytes({"type": "Polygon", "coordinates": bow}), source="bow.json")
    assert "self-intersection" in territory.warnings[0]
    assert len(territory.cells)


def test_swapped_coordinates_are_suspected() -> None:
    kenya_swapped = [[[0.0, 36.0], [1.0, 36.0], [1.0, 37.5], [0.0, 37.5], [0.0, 36.0]]]
    at_sea = [[[0.5, 37.0], [0.9, 37.0], [0.9, 37.4], [0.5, 37.4], [0.5, 37.0]]]
    for rings in (kenya_swapped, at_sea):
        warnings = parse_territory(as_bytes({"type": "Polygon", "coordinates": rings}), source="k.json").warnings
        if rings is at_sea:
            assert "swapped it would lie in Kenya" in warnings[0]


def test_other_reference_system_is_said_to_be_ignored() -> None:
    document = {"type": "Polygon", "coordinates": BOX, "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}}
    assert "EPSG::3857" in parse_territory(as_bytes(document), source="m.json").warnings[0]


def test_polygon_at_sea_has_no_people() -> None:
    rings = [[[-30.0, -1.0], [-29.0, -1.0], [-29.0, 0.0], [-30.0, 0.0], [-30.0, -1.0]]]
    territory = parse_territory(as_bytes({"type": "Polygon", "coordinates": rings}), source="sea.json")
    assert territory.population_total == 0.0
    assert "wholly at sea" in territory.warnings[0]


def test_people_of_a_border_cell_are_those_of_all_its_owners() -> None:
    vatican = find_territory("VA")
    owners = territories_of_cells(vatican.cells)
    assert ("IT", "VA") in owners
    total = population_of_cells(vatican.cells)
    assert (total >= vatican.population).all()
    assert population_of_cells([]).shape == (0,)


def test_list_has_every_code_once() -> None:
    rows = list_territories()
    assert len({row.code for row in rows}) == len(rows) == 250


def test_import_is_light() -> None:
    probe = "import sys, overflight.earth.territory; print(sorted({'shapely', 'pyarrow', 'numba', 'pandas', 'matplotlib', 'h3'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.strip() == "[]"
