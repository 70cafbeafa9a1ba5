"""Cells: numbering, centres, small parts, and archives of cells."""

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely

from overflight.earth import cells
from overflight.earth._borders import pack_cells, pack_geometry, unpack_cells, unpack_geometry
from overflight.earth.geodesy import great_circle_km

TAIPEI_CELL = h3.latlng_to_cell(25.05, 121.53, 5)


def test_centres_and_numbers_go_round() -> None:
    lat, lon = cells.cell_centres([TAIPEI_CELL])
    assert lat.shape == lon.shape == (1,)
    assert cells.cell_of(lat[0], lon[0]) == TAIPEI_CELL


def test_no_cells_have_no_centres() -> None:
    lat, lon = cells.cell_centres(np.empty(0, dtype=np.uint64))
    assert lat.shape == lon.shape == (0,)


def test_tiny_polygon_owns_the_cells_that_hold_it() -> None:
    lat, lon = cells.cell_centres([TAIPEI_CELL])
    inside = cells.cells_of_polygon(shapely.Point(lon[0], lat[0]).buffer(0.01))
    assert inside.tolist() == [TAIPEI_CELL]
    corner_lat, corner_lon = h3.cell_to_boundary(TAIPEI_CELL)[0]
    at_corner = cells.cells_of_polygon(shapely.Point(corner_lon, corner_lat).buffer(0.005))
    assert len(at_corner) == 3
    assert TAIPEI_CELL in at_corner.tolist()


def test_tiny_polygon_at_the_pole() -> None:
    owned = cells.cells_of_polygon(shapely.box(-180.0, 89.999, 180.0, 90.0))
    assert h3.latlng_to_cell(90.0, 0.0, 5) in owned.tolist()
    assert len(owned) <= 3


def test_islet_on_the_antimeridian_counts_as_one_part() -> None:
    whole = shapely.box(0.0, 0.0, 0.1, 0.1)
    cut = shapely.MultiPolygon([shapely.box(179.95, 0.0, 180.0, 0.1), shapely.box(-180.0, 0.0, -179.95, 0.1)])
    assert len(cells._whole_parts(cut)) == len(cells._whole_parts(whole)) == 1


def test_reach_bounds_hold_on_a_sample() -> None:
    base = sorted(h3.get_res0_cells())[::11]
    for resolution, reach in enumerate(cells._REACH_DEG[:3]):
        for parent in (h3.cell_to_center_child(cell, resolution) if resolution else cell for cell in base):
            lat0, lon0 = h3.cell_to_latlng(parent)
            lat, lon = cells.cell_centres(h3.cell_to_children(parent, 5))
            assert np.degrees(great_circle_km(lat, lon, lat0, lon0).max() / 6371.0088) < reach


def test_areas_are_near_the_mean() -> None:
    assert cells.cell_area_km2([TAIPEI_CELL])[0] == pytest.approx(253.0, rel=0.3)


def test_boundary_is_continuous_over_the_antimeridian() -> None:
    for corners in cells.cell_boundaries([h3.latlng_to_cell(-17.0, 180.0, 5), TAIPEI_CELL]):
        assert np.ptp(corners[:, 0]) < 1.0


def test_covered_share_of_half_a_cell() -> None:
    lat, lon = cells.cell_centres([TAIPEI_CELL])
    half = shapely.box(lon[0], lat[0] - 1.0, lon[0] + 1.0, lat[0] + 1.0)
    assert cells.covered_shares([TAIPEI_CELL], half)[0] == pytest.approx(0.5, abs=0.01)
    assert cells.covered_shares([TAIPEI_CELL], shapely.box(0.0, 0.0, 1.0, 1.0))[0] == 0.0


def test_archives_go_round() -> None:
    polygon = shapely.MultiPolygon([shapely.box(0, 0, 2, 2).difference(shapely.box(0.5, 0.5, 1, 1)), shapely.box(5, 5, 6, 6)])
    assert unpack_geometry(pack_geometry(polygon)).equals(polygon)
    ids = np.sort(np.array(h3.grid_disk(TAIPEI_CELL, 3), dtype=np.uint64))
    np.testing.assert_array_equal(unpack_cells(pack_cells(ids)), ids)


def test_neighbours_are_those_of_h3_and_lie_on_both_sides() -> None:
    near_taipei = np.sort(np.array(h3.grid_disk(TAIPEI_CELL, 2), dtype=np.uint64))
    found = cells.cell_neighbours(near_taipei)
    for row, cell in enumerate(near_taipei.tolist()):
        expected = {other for other in h3.grid_ring(cell, 1) if other in set(near_taipei.tolist())}
        assert {int(near_taipei[near]) for near in found[row] if near >= 0} == expected
    assert all(row in found[near] for row in range(len(near_taipei)) for near in found[row] if near >= 0)


def test_parents_are_those_of_h3() -> None:
    near_taipei = np.array(h3.grid_disk(TAIPEI_CELL, 4), dtype=np.uint64)
    for resolution in (0, 3, 4):
        expected = [h3.cell_to_parent(cell, resolution) for cell in near_taipei.tolist()]
        assert cells.cell_parents(near_taipei, resolution).tolist() == expected
