"""Gateways and PoPs: the built-in tables, and files good and bad; every record is used or left out with a reason."""

import json
from pathlib import Path

import numpy as np
import pytest

from overflight.catalog.ground import Gateways, Pops, builtin_gateways, builtin_pops, list_operators, read_gateways, read_pops
from overflight.errors import CatalogError

HEADED = b"name,lat,lon,country\nAlpha,10,20,KE\nBeta,-5.5,190,KE\n"


def reasons(data: bytes) -> tuple[int, list[tuple[int | None, str]]]:
    gateways, intake = read_gateways(data, source="g")
    assert intake.read == intake.used + len(intake.left_out)
    assert intake.used == len(gateways)
    return len(gateways), [(item.line, item.reason) for item in intake.left_out]


def test_header_in_any_order_and_names() -> None:
    data = b"Longitude;Country;LATITUDE;Elevation;site;state\n36.8;Kenya;-1.3;1700;Nairobi;planned\n2.3;FRA;48.8;;Paris;active\n"
    gateways, intake = read_gateways(data, include_planned=True, operator="own")
    assert gateways.name == ("Nairobi", "Paris")
    assert gateways.country == ("KE", "FR")
    assert gateways.state == ("planned", "operational")
    assert gateways.operator == ("own", "own")
    np.testing.assert_array_equal(gateways.lat_deg, [-1.3, 48.8])
    np.testing.assert_array_equal(gateways.height_m, [1700.0, 0.0])
    assert intake.warnings == ()


@pytest.mark.parametrize(
    ("data", "name", "lat", "lon"),
    [
        (b"36.8,-1.3\n", "-1.300,36.800", -1.3, 36.8),
        (b"Nairobi,-1.3,36.8\n", "Nairobi", -1.3, 36.8),
        (b"0,Nairobi,-1.3,36.8,1700\n", "Nairobi", -1.3, 36.8),
        (
            b'{"stations": [{"name": "Nairobi", "lat": -1.3, "lon": 36.8, "status": "operational", "type": "gateway"}]}',
            "Nairobi",
            -1.3,
            36.8,
        ),
        (b'\xef\xbb\xbf[{"city": "Nairobi", "lat": "-1.3", "lng": 36.8}]', "Nairobi", -1.3, 36.8),
    ],
)
def test_every_form_of_file(data: bytes, name: str, lat: float, lon: float) -> None:
    gateways, intake = read_gateways(data)
    assert (gateways.name, gateways.lat_deg.tolist(), gateways.lon_deg.tolist()) == ((name,), [lat], [lon])
    assert gateways.country == ("KE",)
    assert (intake.read, intake.used) == (1, 1)


def test_longitude_beyond_180_is_wrapped() -> None:
    gateways, _ = read_gateways(HEADED)
    np.testing.assert_array_equal(gateways.lon_deg, [20.0, -170.0])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"C,91,0,KE", "lat 91 is outside -90 to 90"),
        (b"C,0,-181,KE", "lon -181 is outside -180 to 360"),
        (b"C,nan,0,KE", "lat is nan"),
        (b"C,1,inf,KE", "lon is inf"),
        (b"C,north,1,KE", "lat 'north' is not a number"),
        (b"C,,1,KE", "no lat"),
        (b"C,0,0,KE", "position 0, 0 stands for an unknown one"),
        (b"Alpha,10,20,KE", "duplicate of record 2"),
        (b"C,1", "2 cells where 4 are expected"),
    ],
)
def test_bad_line_is_left_out_with_its_reason(line: bytes, reason: str) -> None:
    assert reasons(HEADED + line + b"\n") == (2, [(4, reason)])
    with pytest.raises(CatalogError, match="g:4") as caught:
        read_gateways(HEADED + line + b"\n", source="g", strict=True)
    assert "\n" not in str(caught.value)


def test_unusable_state_is_left_out_and_an_odd_one_warned_of() -> None:
    data = b"name,lat,lon,country,state\nA,1,2,KE,closed\nB,1,3,KE,planned\nC,1,4,KE,California\n"
    gateways, intake = read_gateways(data)
    assert gateways.name == ("C",)
    assert [item.reason for item in intake.left_out] == ["state is retired", "state is planned"]
    assert intake.warnings == ("states not understood and taken as operational: california",)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"a\0b,1,2", "not text"),
        (b"name,lat,lon\n", "no records"),
        (b"hello world\n", "neither a header"),
        (b"a,b,c,d,e,f\n", "neither a header"),
        (b"one,two,three\n", "neither a header"),
        (b'{"stations": [{"name": "A", ', "not valid JSON at line 1"),
        (b'{"features": []}', "without a list of records"),
        (b"[]", "no records"),
        (b"[1, null]", "none of 2 records is a gateway that can be used"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[" + b"9" * 5_000 + b"]", "not valid JSON"),
        (b"name,lat,lon\nA,99,0\n", "none of 1 records"),
    ],
)
def test_bad_file_is_an_error_of_one_line(data: bytes, message: str) -> None:
    with pytest.raises(CatalogError, match=message) as caught:
        read_gateways(data, source="g")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("g")


def test_missing_file_is_an_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"none\.csv: no such file; give a CSV or JSON list of PoPs"):
        read_pops(tmp_path / "none.csv")


def test_records_of_another_kind_are_left_out_even_when_strict() -> None:
    records = [
        {"name": "G", "lat": 1, "lon": 2, "type": "gateway", "country": "KE"},
        {"code": "p", "lat": 1, "lon": 3, "type": "netfac", "country": "KE", "show": True},
        {"code": "q", "lat": 1, "lon": 4, "type": "pop", "country": "KE", "show": False},
        {"code": "r", "lat": 1, "lon": 5, "type": "community_gateway", "country": "KE"},
    ]
    pops, intake = read_pops(json.dumps(records).encode(), strict=True)
    assert pops.code == ("p",)
    assert [item.reason for item in intake.left_out] == [
        "is a gateway, not a PoP",
        "marked as not shown by its list",
        "is a community gateway, not a PoP",
    ]


def test_builtin_tables() -> None:
    assert len(builtin_gateways("starlink")) == 214
    assert len(builtin_gateways("starlink", include_planned=True)) == 214 + 93
    assert len(builtin_gateways("oneweb")) == 40
    assert len(builtin_pops("oneweb")) == 29
    assert len(builtin_gateways("kuiper")) == len(builtin_pops("telesat")) == 0
    assert list_operators() == ("oneweb", "starlink")
    pops = builtin_pops("starlink")
    assert set(pops.kind) == {"pop"}
    assert set(pops.state) == {"operational"}
    everything = builtin_pops("starlink", include_planned=True, include_community=True)
    assert {"community_gateway", "pop"} == set(everything.kind)
    assert "unverified" not in everything.state
    for table in (builtin_gateways("starlink", include_planned=True), builtin_gateways("oneweb"), everything, builtin_pops("oneweb")):
        assert all(len(country) == 2 and country.isupper() for country in table.country)
        assert np.all(np.abs(table.lat_deg) <= 90)
        assert np.all(np.abs(table.lon_deg) <= 180)
        assert all(table.source)


@pytest.mark.parametrize(
    ("name", "country"),
    [
        ("Baxley, GA", "US"),
        ("Aguadilla, PR", "PR"),
        ("Guam", "GU"),
        ("Potts Junction, GU", "GU"),
        ("St. John's, NL", "CA"),
        ("Hoofddorp, NL", "NL"),
        ("Isle of Man, UK", "IM"),
        ("Caleta, DR", "DO"),
        ("Willemstad, Curaçao", "CW"),
        ("Angola, IN", "US"),
    ],
)
def test_country_of_ambiguous_names(name: str, country: str) -> None:
    gateways = builtin_gateways("starlink", include_planned=True)
    assert gateways.country[gateways.name.index(name)] == country


def test_select_by_index_and_mask_and_concatenate() -> None:
    gateways, _ = read_gateways(HEADED)
    assert gateways.select([1, 0]).name == ("Beta", "Alpha")
    assert gateways.select(gateways.lat_deg > 0).name == ("Alpha",)
    assert isinstance(gateways.select([0]), Gateways)
    assert len(builtin_gateways("nobody").select(np.zeros(0, dtype=bool))) == 0
    assert Gateways.concatenate([gateways, gateways]).name == ("Alpha", "Beta", "Alpha", "Beta")
    assert len(Pops.from_rows([])) == 0


def test_a_builtin_table_written_as_csv_reads_back() -> None:
    pops = builtin_pops("starlink")
    lines = ["operator,kind,name,country,lat_deg,lon_deg,state,status"]
    lines += [
        f'{pops.operator[i]},{pops.kind[i]},"{pops.name[i]}",{pops.country[i]},{pops.lat_deg[i]},{pops.lon_deg[i]},{pops.state[i]},{pops.status[i]}'
        for i in range(len(pops))
    ]
    again, intake = read_pops("\n".join(lines).encode())
    assert intake.left_out == ()
    assert again.name == pops.name
    assert again.status == pops.status
    np.testing.assert_array_equal(again.lat_deg, pops.lat_deg)
