"""What holds for every territory, and for every polygon however it is written."""

import json
from functools import cache

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from overflight.catalog.tables import read_table
from overflight.earth._borders import read_all_borders
from overflight.earth.cells import SMALL_PART_CELLS, _whole_parts, cell_centres, cells_of_polygon, cells_touching
from overflight.earth.polygons import area_km2, flatten_polygon
from overflight.earth.population import built_in_cells, population_of_cells, read_world_cells
from overflight.earth.territory import Territory, find_code, find_territory, list_territories, parse_territory

CODES = [row.code for row in list_territories()]
REFILLED = ("TW", "UA", "TO", "FJ", "NO", "KE", "MT", "NR", "KI", "CL", "IT", "VA", "XK", "EH", "NZ", "TF")


@pytest.fixture(scope="module")
def territories() -> dict[str, Territory]:
    return {code: find_territory(code) for code in CODES}


def test_every_code_is_found_by_all_its_names() -> None:
    for row in list_territories():
        for query in (row.code, row.code.lower(), row.alpha3, row.name, row.name_fr, row.name.upper(), row.name_fr.lower()):
            assert find_code(query) == row.code, query


def test_every_iso_code_is_there() -> None:
    numeric = read_table("territories")["numeric"]
    assert len(CODES) == 250
    assert sum(bool(number) for number in numeric) == 249
    assert len(set(filter(None, numeric))) == 249


def test_every_territory_has_cells_people_and_an_area(territories: dict[str, Territory]) -> None:
    totals = dict(zip(read_table("territories")["code"], map(float, read_table("territories")["population"]), strict=True))
    for code, territory in territories.items():
        assert len(territory.cells) >= 1, code
        assert (np.diff(territory.cells.astype(np.int64)) > 0).all(), code
        assert territory.cells.dtype == np.uint64
        assert territory.population.shape == territory.cells.shape
        assert territory.population.min() >= 0.0
        assert territory.population.sum() == totals[code], code
        assert territory.area_km2 > 0.0
        assert territory.geometry.is_valid, code
        assert area_km2(territory.geometry) == pytest.approx(territory.area_km2, rel=5e-3, abs=0.1), code
        assert all(h3.is_valid_cell(int(cell)) and h3.get_resolution(int(cell)) == 5 for cell in territory.cells[:3])


def test_centres_lie_in_the_polygon_but_for_small_parts(territories: dict[str, Territory]) -> None:
    for code, territory in territories.items():
        lat, lon = cell_centres(territory.cells)
        outside = ~shapely.intersects_xy(territory.geometry, lon, lat)
        if not outside.any():
            continue
        parts = _whole_parts(territory.geometry)
        held = np.bincount(shapely.STRtree(shapely.points(lon, lat)).query(parts, predicate="intersects")[0], minlength=len(parts))
        small = shapely.union_all([part for part, count in zip(parts, held.tolist(), strict=True) if count < SMALL_PART_CELLS])
        stray = shapely.distance(shapely.points(lon[outside], lat[outside]), small) * np.cos(np.radians(lat[outside]))
        assert stray.max() < 0.15, code


def test_every_part_is_in_some_cell(territories: dict[str, Territory]) -> None:
    for code in ("TO", "NR", "MT", "TV", "KI", "MV", "BV", "UM", "VA", "MC", "GI", "TK", "CC"):
        territory = territories[code]
        for part in shapely.get_parts(territory.geometry):
            at = shapely.point_on_surface(part)
            assert h3.latlng_to_cell(at.y, at.x, 5) in territory.cells.tolist(), code


@pytest.mark.parametrize("code", REFILLED)
def test_stored_cells_are_those_of_the_stored_border(code: str) -> None:
    np.testing.assert_array_equal(built_in_cells(code), cells_of_polygon(find_territory(code).geometry))


@cache
def _borders() -> dict[str, shapely.Geometry]:
    return read_all_borders()


def test_only_cells_of_small_parts_belong_to_two_territories() -> None:
    world = read_world_cells()
    distinct, counts = np.unique(world.cells, return_counts=True)
    shared = distinct[counts > 1]
    assert len(shared) < 0.002 * len(distinct)
    assert world.population.sum() == population_of_cells(distinct).sum()
    lat, lon = cell_centres(shared)
    for cell, *at in zip(shared.tolist(), lat.tolist(), lon.tolist(), strict=True):
        owners = [world.codes[row] for row in world.territory[world.cells == cell]]
        holding = [code for code in owners if shapely.intersects_xy(_borders()[code], at[1], at[0])]
        assert len(holding) <= 1, (cell, owners)


def _document(rings: list[list[tuple[float, float]]]) -> bytes:
    return json.dumps({"type": "Polygon", "coordinates": rings}).encode()


@settings(max_examples=25, deadline=None)
@given(
    west=st.floats(170.0, 179.9),
    width=st.floats(0.3, 12.0),
    south=st.floats(-80.0, 75.0),
    height=st.floats(0.3, 8.0),
    slant=st.floats(-2.0, 2.0),
)
def test_cells_do_not_depend_on_how_the_antimeridian_is_written(
    west: float, width: float, south: float, height: float, slant: float
) -> None:
    beyond = [(west, south), (west + width, south), (west + width + slant, south + height), (west + slant, south + height), (west, south)]
    below = [(lon - 360.0, lat) for lon, lat in beyond]
    jumping = [((lon + 180.0) % 360.0 - 180.0, lat) for lon, lat in beyond]
    cut = shapely.geometry.mapping(flatten_polygon([beyond])[0])
    one = parse_territory(_document([beyond]), source="a.json")
    for other in (_document([below]), _document([jumping]), json.dumps(cut).encode(), _document([beyond[::-1]])):
        again = parse_territory(other, source="b.json")
        assert np.setxor1d(one.cells, again.cells).size == 0
        assert again.area_km2 == pytest.approx(one.area_km2, rel=1e-9)


@settings(max_examples=10, deadline=None)
@given(lats=st.lists(st.floats(78.0, 88.0), min_size=3, max_size=9), start=st.floats(-180.0, 180.0), south=st.booleans())
def test_a_pole_inside_is_filled(lats: list[float], start: float, *, south: bool) -> None:
    sign = -1.0 if south else 1.0
    lon = (start + np.arange(len(lats)) * 360.0 / len(lats) + 180.0) % 360.0 - 180.0
    ring = np.column_stack([lon, sign * np.array(lats)])
    ring = np.vstack([ring, ring[:1]])
    cells = cells_of_polygon(flatten_polygon([ring])[0])
    lat, lon = cell_centres(_all_cells_poleward(77.0, sign))
    # independent of the plane: a point lies inside if it is poleward of the edge (straight in longitude and latitude) at its longitude
    unwrapped = np.unwrap(ring[:, 0], period=360.0)
    edge = np.interp((lon - unwrapped[0]) % 360.0, *_increasing(unwrapped - unwrapped[0], ring[:, 1]))
    expected = _all_cells_poleward(77.0, sign)[sign * (lat - edge) > 0.0]
    np.testing.assert_array_equal(cells, np.sort(expected))


def _increasing(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (x, y) if x[-1] > 0.0 else (x[::-1] + 360.0, y[::-1])


def _all_cells_poleward(lat_deg: float, sign: float) -> np.ndarray:
    pole = h3.latlng_to_cell(90.0 * sign, 0.0, 2)
    coarse = [cell for cell in h3.grid_disk(pole, 6) if sign * h3.cell_to_latlng(cell)[0] > lat_deg - 4.0]
    return np.array([child for cell in coarse for child in h3.cell_to_children(cell, 5)], dtype=np.uint64)


@settings(max_examples=25, deadline=None)
@given(lat=st.floats(-89.5, 89.5), lon=st.floats(-180.0, 180.0), size=st.floats(1e-4, 0.05))
def test_a_tiny_polygon_has_every_cell_it_touches(lat: float, lon: float, size: float) -> None:
    ring = [(lon, lat), (lon + size, lat), (lon + size, lat + size), (lon, lat + size), (lon, lat)]
    geometry, _ = flatten_polygon([ring])
    cells = set(cells_of_polygon(geometry).tolist())
    assert cells
    assert cells == set(cells_touching(geometry).tolist())
    steps = np.linspace(0.001, 0.999, 9)
    for x in steps:
        for y in steps:
            assert h3.latlng_to_cell(lat + y * size, lon + x * size, 5) in cells
