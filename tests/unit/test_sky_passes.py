"""Passes of made-up satellites: grazing ones, those that never set, those that decay, those in progress."""

import numpy as np
import pytest

from overflight.clock import parse_time, seconds_between
from overflight.earth.geodesy import make_sites
from overflight.errors import InputError, TimeError
from overflight.sky.angles import look_angles
from overflight.sky.passes import find_passes

START = parse_time("2026-08-22T00:00:00Z")
SITE = make_sites(20.0, 30.0, 100.0)
EARTH_TURNS_RAD_S = 7.2921159e-5


def circular(radius_km, inclination_deg, node_deg, phase_deg):
    """Satellites on circular Kepler orbits over a turning Earth, as a function of time."""
    rate = np.sqrt(398600.4418 / np.asarray(radius_km, dtype=float) ** 3)
    i, node, phase = np.radians(inclination_deg), np.radians(node_deg), np.radians(phase_deg)

    def positions_at(times):
        t = np.array([seconds_between(START, x) for x in times])[:, None]
        u, w = phase + rate * t, node - EARTH_TURNS_RAD_S * t
        x, y, z = np.cos(u), np.sin(u) * np.cos(i), np.sin(u) * np.sin(i)
        return radius_km * np.stack([x * np.cos(w) - y * np.sin(w), x * np.sin(w) + y * np.cos(w), z], axis=1)

    return positions_at


def fleet(n=60, seed=0):
    rng = np.random.default_rng(seed)
    columns = rng.uniform(6700.0, 8400.0, n), rng.uniform(0, 100, n), rng.uniform(0, 360, n), rng.uniform(0, 360, n)
    return circular(*columns), [f"S{k}" for k in range(n)], np.arange(n)


def find(satellites, seconds, mask_deg=25.0, start=START):
    return find_passes(*satellites, SITE, start, start + np.timedelta64(round(seconds * 1e6), "us"), min_elevation_deg=mask_deg)


def dense_elevation_deg(positions_at, seconds, step_s=1.0):
    t = START + (np.arange(0.0, seconds, step_s) * 1e6).astype("timedelta64[us]")
    return look_angles(SITE, positions_at(t))[1][:, 0]


@pytest.mark.parametrize("mask_deg", [0.0, 10.0, 25.0, 60.0])
def test_every_pass_of_a_dense_search_is_found(mask_deg):
    satellites = fleet()
    elevation_deg = dense_elevation_deg(satellites[0], 6 * 3600.0)
    passes = find(satellites, 6 * 3600.0, mask_deg)
    for k in range(elevation_deg.shape[1]):
        above = np.concatenate([[False], elevation_deg[:, k] >= mask_deg, [False]])
        rises, sets = np.flatnonzero(~above[:-1] & above[1:]), np.flatnonzero(above[:-1] & ~above[1:])
        ours = [item for item in passes if item.norad_id == k and item.duration_s > 2.0]
        theirs = [(a, b) for a, b in zip(rises, sets, strict=True) if b - a > 2]
        assert len(ours) >= len(theirs)
        for a, b in theirs:
            match = [item for item in ours if abs(seconds_between(START, item.rise) - a) <= 1.0]
            assert len(match) == 1
            assert abs(seconds_between(START, match[0].set) - b) <= 1.0
            assert match[0].max_elevation_deg >= elevation_deg[a:b, k].max() - 1e-6


def test_grazing_passes_of_seconds_are_found():
    """Masks a hair below each culmination leave passes far shorter than the 30-s step."""
    satellites = fleet(20, seed=1)
    for item in find(satellites, 4 * 3600.0, 10.0):
        if item.in_progress_at_start or item.in_progress_at_end:
            continue
        hair = item.max_elevation_deg - 1e-4
        again = [
            p
            for p in find(satellites, 4 * 3600.0, hair)
            if p.norad_id == item.norad_id and abs(seconds_between(p.rise, item.culmination)) < 60
        ]
        assert len(again) == 1
        assert 0.0 < again[0].duration_s < 30.0
        assert again[0].rise <= item.culmination <= again[0].set


def test_interval_cuts_passes_and_says_so():
    satellites = fleet()
    whole = next(item for item in find(satellites, 3 * 3600.0) if item.duration_s > 100.0 and not item.in_progress_at_start)
    middle = seconds_between(START, whole.rise) + 40.0
    after = next(
        p for p in find(satellites, 1800.0, start=START + np.timedelta64(round(middle * 1e6), "us")) if p.norad_id == whole.norad_id
    )
    assert after.in_progress_at_start
    assert not after.in_progress_at_end
    assert seconds_between(START, after.rise) == pytest.approx(middle, abs=1e-5)
    assert abs(seconds_between(after.set, whole.set)) < 1e-3
    before = [p for p in find(satellites, middle) if p.norad_id == whole.norad_id][-1]
    assert before.in_progress_at_end
    assert not before.in_progress_at_start
    assert abs(seconds_between(before.rise, whole.rise)) < 1e-3
    assert before.max_elevation_deg < whole.max_elevation_deg


def test_a_satellite_that_never_sets_is_one_pass():
    geostationary = circular(np.array([42164.17]), np.array([0.0]), np.array([40.0]), np.array([0.0]))

    def still(times):
        return np.broadcast_to(geostationary(np.array([START])), (len(times), 3, 1)).copy()

    (only,) = find_passes(still, ["GEO"], [1], SITE, START, START + np.timedelta64(3, "h"), min_elevation_deg=10.0)
    assert only.in_progress_at_start
    assert only.in_progress_at_end
    assert only.duration_s == 3 * 3600.0


def test_states_that_end_cut_a_pass():
    satellites = fleet()
    whole = next(item for item in find(satellites, 3600.0) if item.duration_s > 150.0 and not item.in_progress_at_start)
    lost_at = whole.set

    def decaying(times):
        positions_km = satellites[0](times)
        positions_km[np.asarray(times) > lost_at] = np.nan
        return positions_km

    found = [
        p
        for p in find((decaying, *satellites[1:]), 3600.0)
        if p.norad_id == whole.norad_id and abs(seconds_between(p.rise, whole.rise)) < 1
    ]
    assert len(found) == 1
    assert found[0].in_progress_at_end
    assert 0.0 < seconds_between(found[0].set, whole.set) < 180.0


def test_order_is_by_rise_and_blocks_do_not_show():
    """Two hours in one go, and the second hour alone: the same passes."""
    satellites = fleet(100, seed=2)
    both = find(satellites, 3 * 3600.0)
    assert [p.rise for p in both] == sorted(p.rise for p in both)
    later = find(satellites, 1.9 * 3600.0, start=START + np.timedelta64(3967, "s"))
    expected = [p for p in both if p.rise > START + np.timedelta64(3967, "s")]
    found = [p for p in later if not p.in_progress_at_start and p.rise < START + np.timedelta64(3 * 3600, "s")]
    assert [p.norad_id for p in found] == [p.norad_id for p in expected]
    assert max(abs(seconds_between(a.rise, b.rise)) for a, b in zip(found, expected, strict=True)) < 1e-3


def test_refusals():
    satellites = fleet(2)
    with pytest.raises(TimeError, match="empty"):
        find(satellites, -5.0)
    with pytest.raises(InputError, match="one site"):
        find_passes(*satellites, make_sites([0.0, 1.0], 0.0), START, START + np.timedelta64(1, "h"))
    with pytest.raises(InputError, match="not an elevation"):
        find(satellites, 60.0, mask_deg=100.0)
    assert find((lambda times: np.empty((len(times), 3, 0)), [], []), 60.0) == []
