"""Territories and places as people give them: odd ones work or are refused with a way out."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.sample import Call, polygon

BOX = [[14.2, 35.8], [14.6, 35.8], [14.6, 36.1], [14.2, 36.1], [14.2, 35.8]]
OVER_THE_ANTIMERIDIAN = [
    [[179.5, -17.0], [-179.5, -17.0], [-179.5, -16.5], [179.5, -16.5], [179.5, -17.0]],
    [[179.5, -17.0], [180.5, -17.0], [180.5, -16.5], [179.5, -16.5], [179.5, -17.0]],
]
ROUND_A_POLE = [
    [[-180, -89], [-90, -89], [0, -89], [90, -89], [180, -89], [-180, -89]],
    [[0, 89], [120, 89], [-120, 89], [0, 89]],
    [[-180, 89], [0, 89], [180, 89], [180, 90], [-180, 90], [-180, 89]],
]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Narnia", "unknown territory 'Narnia'; did you mean"),
        ("Tiawan", "did you mean Taiwan or"),
        ("", "unknown territory ''; give an ISO 3166-1 code"),
        ("QQ", "unknown territory 'QQ'; give"),
        ("x" * 300, "unknown territory 'xxx"),
        ("Malta\N{NULL}x", "unknown territory"),
    ],
)
def test_an_unknown_territory_is_refused_with_the_nearest_names(report: Call, name: str, said: str):
    refused = report(name)
    assert refused.code == 2
    assert said in refused.error


@pytest.mark.parametrize("name", ["nowhere.geojson", "maps/nowhere.shp"])
def test_a_missing_file_is_missing_data(report: Call, name: str):
    refused = report(name)
    assert refused.code == 3
    assert "no such file; give a territory's name or code, or a GeoJSON file" in refused.error


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"hello", "not JSON"),
        (b'{"type": "Polygon", "coordinates": [[[1, 2', "not JSON"),
        (b"\xff\xfe\x00\x01", "not UTF-8 text"),
        (b'{"a": 1}', "not GeoJSON"),
        (b"[1, 2]", "not GeoJSON"),
        (b"7", "not GeoJSON"),
        (b'{"type": "FeatureCollection", "features": []}', "holds no geometry"),
        (b'{"type": "Point", "coordinates": [121, 25]}', "holds only 1 Point"),
        (b'{"type": "Polygon", "coordinates": 5}', "without a list of coordinates"),
        (b'{"type": "Polygon", "coordinates": [[[1, "b"], [2, 3], [3, 4]]]}', "ring 1 is not a list of positions"),
        (polygon([[121, 25], [122, 25], [123, 25], [121, 25]]).encode(), "encloses no area"),
        (polygon([[121, 25], [float("nan"), 25], [123, 26], [121, 25]]).encode(), "position 2 is not finite"),
        (polygon([[121, 25], [float("inf"), 25], [123, 26], [121, 25]]).encode(), "position 2 is not finite"),
        (polygon([[25, 121], [25, 122], [26, 122], [25, 121]]).encode(), "latitude and longitude seem swapped"),
        (polygon([[25, 500], [25, 600], [500, 122], [25, 500]]).encode(), "is out of range"),
    ],
)
def test_a_file_that_is_no_polygon_is_refused(report: Call, tmp_path: Path, content: bytes, said: str):
    (tmp_path / "t.geojson").write_bytes(content)
    refused = report("t.geojson")
    assert refused.code == 2
    assert "t.geojson" in refused.error
    assert said in refused.error


def test_a_folder_is_no_territory(report: Call, tmp_path: Path):
    (tmp_path / "maps").mkdir()
    refused = report("maps")
    assert refused.code == 2
    assert "maps: cannot be read (it is a folder)" in refused.error


def test_a_name_goes_before_a_file_of_the_same_name(report: Call, tmp_path: Path):
    (tmp_path / "Malta").write_text("not a territory", encoding="utf-8")
    assert report("Malta", "--json").json()["territory"]["code"] == "MT"


@pytest.mark.parametrize("ring", [*OVER_THE_ANTIMERIDIAN, *ROUND_A_POLE])
def test_a_polygon_over_the_antimeridian_or_a_pole_works(report: Call, tmp_path: Path, ring: list[list[float]]):
    (tmp_path / "t.geojson").write_text(polygon(ring), encoding="utf-8")
    made = report("t.geojson", "--json")
    assert made.code == 0
    area_km2 = made.json()["territory"]["area_km2"]
    # a box of 1° × 0.5° at 17° S; a cap of 1° around a pole
    assert area_km2 == pytest.approx(5_880.0 if abs(ring[0][1]) < 80 else 39_190.0, rel=0.01)
    assert "</html>" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_both_ways_over_the_antimeridian_are_the_same_territory(report: Call, tmp_path: Path):
    found = []
    for number, ring in enumerate(OVER_THE_ANTIMERIDIAN):
        (tmp_path / "t.geojson").write_text(polygon(ring), encoding="utf-8")
        found.append(report("t.geojson", "--json", out=f"out{number}").json())
    assert found[0]["territory"] == found[1]["territory"]
    assert found[0]["coverage"] == found[1]["coverage"]


def test_a_ring_that_crosses_itself_is_repaired_and_said(report: Call, tmp_path: Path):
    (tmp_path / "bow.geojson").write_text(polygon([[14.2, 35.8], [14.6, 36.1], [14.6, 35.8], [14.2, 36.1], [14.2, 35.8]]), encoding="utf-8")
    made = report("bow.geojson")
    assert made.code == 0
    assert any("self-intersection" in warning and "repaired" in warning for warning in made.warnings)


def test_a_polygon_at_sea_has_no_people_and_no_status(report: Call, tmp_path: Path):
    (tmp_path / "sea.geojson").write_text(polygon([[-30, 40], [-29.8, 40], [-29.8, 40.2], [-30, 40]]), encoding="utf-8")
    made = report("sea.geojson", "--json")
    assert made.code == 0
    assert made.json()["territory"]["population"] == 0
    assert made.json()["policy"]["verdict"] == "unknown"
    assert made.json()["policy"]["served_cells"] == 0
    assert any("at sea" in warning for warning in made.warnings)


def test_the_sea_has_no_say_in_a_polygon_with_land(report: Call, tmp_path: Path):
    (tmp_path / "coast.geojson").write_text(polygon([[13, 35], [15, 35], [15, 36.2], [13, 36.2], [13, 35]]), encoding="utf-8")
    made = report("coast.geojson", "--json")
    policy = made.json()["policy"]
    assert policy["verdict"] == "served"
    assert 0 < policy["served_cells"] < made.json()["territory"]["cells"]
    assert any("lie at sea" in warning for warning in made.warnings)


def test_swapped_coordinates_are_suspected(report: Call, tmp_path: Path):
    (tmp_path / "t.geojson").write_text(polygon([[0.5, 37.0], [0.9, 37.0], [0.9, 37.4], [0.5, 37.0]]), encoding="utf-8")
    made = report("t.geojson")
    assert made.code == 0
    assert any("swapped it would lie in Kenya" in warning for warning in made.warnings)


@pytest.mark.parametrize("name", ["Nauru", "MLT", "Vatican City", "bouvet island"])
def test_one_small_island_has_cells(report: Call, name: str):
    made = report(name, "--json")
    assert made.code == 0
    assert made.json()["territory"]["cells"] >= 1
    assert made.json()["coverage"]["satellites_in_view_mean"] >= 0.0


@pytest.mark.parametrize(("name", "least"), [("AQ", 40_000), ("RU", 60_000)])
def test_a_large_territory_is_thinned_and_says_so(report: Call, name: str, least: int):
    made = report(name, "--json")
    assert made.code == 0
    found = made.json()["territory"]
    assert found["cells"] > least
    assert found["cells_simulated"] == 400
    assert any("400 of them" in warning for warning in made.warnings)


def test_a_border_of_many_corners_is_read(report: Call, tmp_path: Path):
    turn = np.linspace(0.0, 2.0 * np.pi, 120_001)
    radius = 0.3 + 0.02 * np.sin(200.0 * turn)
    corners = np.column_stack([14.4 + radius * np.cos(turn), 35.9 + radius * np.sin(turn)])
    corners[-1] = corners[0]
    (tmp_path / "coast.geojson").write_text(polygon(corners.tolist()), encoding="utf-8")
    assert report("coast.geojson").code == 0


def test_names_and_codes_of_a_file_are_kept_and_safe(report: Call, tmp_path: Path):
    feature = {"type": "Feature", "properties": {"name": "<b>Île & Cie</b>", "code": "../x"}, "geometry": json.loads(polygon(BOX))}
    (tmp_path / "t.json").write_text(json.dumps(feature), encoding="utf-8")
    made = report("t.json", out=None)
    assert made.code == 0
    html = (tmp_path / "reports" / "..-x-2026-08-22" / "report.html").read_text(encoding="utf-8")
    assert "<b>Île" not in html
    assert "&lt;b&gt;Île &amp; Cie&lt;/b&gt;" in html


@pytest.mark.parametrize("verb", ["passes", "visible"])
@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("Tapei", "no place 'Tapei' is known; did you mean Taipei"),
        ("121,25", "latitude 121 is out of range; latitude comes first"),
        ("25,400", "longitude 400 is out of range"),
        ("nan,0", "not a finite number"),
        ("25,inf", "not a finite number"),
        ("25", "no place '25' is known; give a city"),
        ("", "a place is empty"),
        ("-95,10", "latitude -95 is out of range"),
    ],
)
def test_a_place_that_is_none_is_refused(call: Call, fleet: Path, verb: str, place: str, said: str):
    refused = call(verb, place, "--elements", fleet, "--at", "2026-08-22")
    assert refused.code == 2
    assert said in refused.error


@pytest.mark.parametrize("place", ["-17.7,178", "-17.7, 178", "-.5,178", "-17.7 178", "−17.7,178", " -17.7,178"])
def test_a_southern_place_is_no_option(call: Call, fleet: Path, place: str):
    found = call("visible", place, "--elements", fleet, "--at", "2026-08-22", "--json")
    assert found.code == 0
    assert len(found.json()) > 0


def test_a_path_between_southern_places(call: Call, fleet: Path):
    found = call("path", "-17.7,178", "-36.8,174.8", "--elements", fleet, "--at", "2026-08-22", "--json")
    assert found.code == 0
    assert found.json()["from"] == "-17.7, 178"
