"""Polygons over the antimeridian, round a pole, odd and wrong."""

import math

import numpy as np
import pytest
import shapely

from overflight.earth import polygons
from overflight.errors import TerritoryError

SQUARE = [[179, -18], [181, -18], [181, -16], [179, -16], [179, -18]]
WGS84_AREA_KM2 = 510_065_621.7


def flat(*rings):
    return polygons.flatten_polygon(rings, where="p")


def test_longitudes_beyond_180_are_cut() -> None:
    geometry, warnings = flat(SQUARE)
    assert warnings == ()
    assert geometry.bounds == (-180.0, -18.0, 180.0, -16.0)
    assert geometry.area == pytest.approx(4.0)
    assert shapely.intersects_xy(geometry, [179.5, -179.5, 0.0], [-17.0] * 3).tolist() == [True, True, False]


def test_jumping_ring_is_the_same_area() -> None:
    jumping = [[lon - 360 if lon > 180 else lon, lat] for lon, lat in SQUARE]
    geometry, warnings = flat(jumping)
    assert warnings == ()
    assert geometry.equals(flat(SQUARE)[0])


def test_hole_is_cut_out_on_the_other_side_of_the_antimeridian() -> None:
    hole = [[-179.8, -17.5], [-179.2, -17.5], [-179.2, -16.5], [-179.8, -16.5], [-179.8, -17.5]]
    assert flat(SQUARE, hole)[0].area == pytest.approx(4.0 - 0.6)


def test_wide_edge_warns_that_it_goes_the_short_way() -> None:
    geometry, warnings = flat([[-100, 0], [100, 0], [100, 10], [-100, 10], [-100, 0]])
    assert geometry.area == pytest.approx(1600.0)
    assert "short way" in warnings[0]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("reverse", [False, True])
def test_ring_round_the_earth_holds_its_pole(sign: int, *, reverse: bool) -> None:
    lon = np.array([0, 90, 180, -90, 0])
    ring = np.column_stack([lon, np.full(5, 70.0 * sign)])
    geometry, warnings = flat(ring[::-1] if reverse else ring)
    assert warnings == ()
    assert geometry.area == pytest.approx(360.0 * 20.0)
    assert shapely.intersects_xy(geometry, 12.0, 89.9 * sign)
    assert not shapely.intersects_xy(geometry, 12.0, -89.9 * sign)


@pytest.mark.parametrize("sign", [1, -1])
def test_ring_from_180_to_180_round_a_pole_holds_it(sign: int) -> None:
    lon = [-180, -90, 0, 90, 180, -180]
    round_pole = flat([[0, 70 * sign], [90, 65 * sign], [180, 70 * sign], [-90, 65 * sign], [0, 70 * sign]])[0]
    ends = flat(list(zip(lon, [70 * sign, 65 * sign, 70 * sign, 65 * sign, 70 * sign, 70 * sign], strict=True)))[0]
    assert shapely.symmetric_difference(round_pole, ends).area == pytest.approx(0.0, abs=1e-9)
    assert flat(list(zip(lon, [80 * sign] * 6, strict=True)))[0].area == pytest.approx(360.0 * 10.0)


def test_cap_cut_as_rfc_7946_asks_is_the_same_cap() -> None:
    round_pole = flat([[0, -70], [90, -65], [180, -70], [-90, -65], [0, -70]])[0]
    cut = flat([[-180, -90], [-180, -70], [-90, -65], [0, -70], [90, -65], [180, -70], [180, -90], [-180, -90]])[0]
    assert shapely.symmetric_difference(round_pole, cut).area == pytest.approx(0.0, abs=1e-9)


def test_ring_between_poles_leaves_a_band() -> None:
    lon = np.array([0, 90, 180, -90, 0])
    geometry, _ = flat(np.column_stack([lon, np.full(5, -60.0)]), np.column_stack([lon, np.full(5, -80.0)]))
    assert geometry.area == pytest.approx(360.0 * 20.0)
    assert not shapely.intersects_xy(geometry, 10.0, -85.0)


def test_band_written_with_whole_parallels() -> None:
    geometry, _ = flat([[-180, 10], [180, 10], [180, 20], [-180, 20], [-180, 10]])
    assert geometry.area == pytest.approx(3600.0)


def test_ring_across_the_equator_takes_the_pole_on_its_left() -> None:
    lon = np.array([0, 90, 180, -90, 0])
    lat = np.array([5, -5, 5, -5, 5])
    eastward, warnings = flat(np.column_stack([lon, lat]))
    assert shapely.intersects_xy(eastward, 0.0, 89.0)
    assert "north pole" in warnings[0]
    westward, _ = flat(np.column_stack([lon, lat])[::-1])
    assert shapely.intersects_xy(westward, 0.0, -89.0)


def test_crossing_ring_is_repaired_with_a_warning() -> None:
    geometry, warnings = flat([[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]])
    assert geometry.area == pytest.approx(2.0)
    assert "self-intersection at longitude and latitude 1 1; repaired" in warnings[0]


def test_open_ring_is_closed_with_a_warning() -> None:
    geometry, warnings = flat([[0, 0], [2, 0], [2, 2]])
    assert geometry.area == pytest.approx(2.0)
    assert "not closed" in warnings[0]


@pytest.mark.parametrize(
    ("ring", "message"),
    [
        ([[0, 0], [1, 1]], "at least three positions"),
        ([[0, 0], [0, 0], [0, 0], [0, 0]], "at least three different positions"),
        ([[0, 0], [1, 1], [2, 2], [0, 0]], "encloses no area"),
        ([[0, 0], [1, math.nan], [2, 2], [0, 0]], "position 2 is not finite"),
        ([[0, 0], [math.inf, 1], [2, 2], [0, 0]], "position 2 is not finite"),
        ([[22, 120], [25, 120], [25, 122], [22, 120]], "latitude 120 of position 1 is out of range; latitude and longitude seem swapped"),
        ([[0, 0], [1, 95], [150, 2], [0, 0]], "latitude 95 of position 2 is out of range; it must lie in −90"),
        ([[300000, 0], [300001, 95], [2, 2], [0, 0]], "latitude 95"),
        ([[361, 0], [362, 0], [362, 1], [361, 0]], "longitude 361 of position 1 is out of range"),
    ],
)
def test_unusable_ring_is_refused_in_one_line(ring, message: str) -> None:
    with pytest.raises(TerritoryError, match=message) as caught:
        flat(ring)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("p: ")


def test_area_of_the_whole_ellipsoid() -> None:
    assert polygons.area_km2(shapely.box(-180, -90, 180, 90)) == pytest.approx(WGS84_AREA_KM2, rel=1e-9)


def test_centre_is_not_displaced_by_the_cut() -> None:
    lat, lon = polygons.centre(flat(SQUARE)[0])
    assert lat == pytest.approx(-17.0, abs=0.01)
    assert abs(lon) == pytest.approx(180.0, abs=0.01)


def test_outlines_leave_out_the_cut() -> None:
    lines = polygons.outlines(flat(SQUARE)[0])
    for line in lines:
        along_cut = (np.abs(line[:-1, 0]) == 180.0) & (np.abs(line[1:, 0]) == 180.0)
        assert not along_cut.any()
    assert sum(float(np.hypot(*np.diff(line, axis=0).T).sum()) for line in lines) == pytest.approx(8.0)
