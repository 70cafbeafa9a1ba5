"""The geostationary arc against a brute force over its points."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from overflight.earth.geodesy import make_sites
from overflight.sky.arc import GEOSTATIONARY_RADIUS_KM, arc_separation_deg, clears_arc

TOLERANCE_DEG = 0.01
POINTS = 20_001

angles = st.tuples(st.floats(-90.0, 90.0), st.floats(-360.0, 720.0), st.floats(0.0, 90.0))


def brute_force_deg(lat_deg, azimuth_deg, elevation_deg):
    """Sample the whole ring from the site at longitude 0 and keep what is above the horizon."""
    site = make_sites(lat_deg, 0.0)
    t = np.linspace(-np.pi / 2.0, np.pi / 2.0, POINTS)
    ring = GEOSTATIONARY_RADIUS_KM * np.stack([np.cos(t), np.sin(t), np.zeros(POINTS)])
    offset = ring - site.ecef_km
    offset /= np.linalg.norm(offset, axis=0)
    offset = offset[:, (offset * site.up).sum(axis=0) >= 0.0]
    if offset.size == 0:
        return np.inf
    lat, az, el = np.radians([lat_deg, azimuth_deg, elevation_deg])
    north = np.array([-np.sin(lat), 0.0, np.cos(lat)])
    direction = np.cos(el) * (np.sin(az) * np.array([0.0, 1.0, 0.0]) + np.cos(az) * north) + np.sin(el) * site.up[:, 0]
    return np.degrees(2.0 * np.arcsin(np.linalg.norm(offset.T - direction, axis=1).min() / 2.0))


@settings(max_examples=250, deadline=None)
@given(angles)
@example((0.0, 90.0, 40.0))
@example((0.0, 0.0, 90.0))
@example((81.2, 180.0, 0.0))
@example((-21.88, 180.0, 13.75))
@example((49.45, 0.0, 43.84))
@example((90.0, 0.0, 45.0))
def test_separation_equals_brute_force(direction):
    expected = brute_force_deg(*direction)
    found = float(arc_separation_deg(*direction))
    lat_deg = abs(direction[0])
    if 81.2 < lat_deg < 81.4 and np.isfinite(expected) != np.isfinite(found):
        return  # a sliver of arc on the horizon, shorter than the brute force's spacing
    slack = 0.02 if lat_deg > 80.0 else 0.0  # the brute force's last point stands up to its spacing short of the horizon
    assert found == expected or found == pytest.approx(expected, abs=TOLERANCE_DEG + slack)


def test_separation_does_not_depend_on_neighbours():
    rng = np.random.default_rng(7)
    lat = np.repeat(rng.uniform(-90.0, 90.0, 60), rng.integers(1, 400, 60))
    azimuth, elevation = rng.uniform(0.0, 360.0, lat.size), rng.uniform(0.0, 90.0, lat.size)
    together = arc_separation_deg(lat, azimuth, elevation)
    order = rng.permutation(lat.size)
    assert np.array_equal(arc_separation_deg(lat[order], azimuth[order], elevation[order]), together[order])


def test_separation_broadcasts_and_keeps_nan():
    found = arc_separation_deg(np.array([[0.0], [60.0], [85.0]]), np.array([180.0, 90.0, np.nan]), 30.0)
    assert found.shape == (3, 3)
    assert np.all(np.isinf(found[2, :2]))
    assert np.all(np.isnan(found[:, 2]))


def test_mask_is_the_separation_compared():
    azimuth = np.linspace(0.0, 360.0, 181)
    clear = clears_arc(45.0, azimuth, 35.0)
    assert np.array_equal(clear, arc_separation_deg(45.0, azimuth, 35.0) >= 18.0)
    assert clear[0]
    assert not clear[90]
    assert clears_arc(85.0, 180.0, 5.0)
    with pytest.raises(ValueError, match="min_separation_deg"):
        clears_arc(0.0, 0.0, 0.0, min_separation_deg=-1.0)
