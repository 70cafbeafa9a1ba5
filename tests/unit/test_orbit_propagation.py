"""The propagator's contract: shapes, settings, what becomes NaN, and bits that depend on nothing but the state."""

import numpy as np
import pytest

from overflight.errors import InputError
from overflight.orbit._package import UNUSABLE_ELEMENTS
from overflight.orbit.elements import ElementSets
from overflight.orbit.frames import EarthOrientation, teme_to_itrf_km
from overflight.orbit.propagation import Propagator

EPOCH = np.datetime64("2026-08-22T01:02:03.456789", "us")
MIXED_KM = 5e-8


def make_fleet(count: int = 150, **columns) -> ElementSets:
    rng = np.random.default_rng(7)
    given = {
        "norad_id": np.arange(count) + 1,
        "epoch": EPOCH - rng.integers(0, 86_400_000_000, count).astype("timedelta64[us]"),
        "mean_motion_rev_day": rng.uniform(13.0, 15.8, count),
        "eccentricity": rng.uniform(0.0, 0.01, count),
        "inclination_deg": rng.uniform(0.0, 98.0, count),
        "raan_deg": rng.uniform(0.0, 360.0, count),
        "argument_of_perigee_deg": rng.uniform(0.0, 360.0, count),
        "mean_anomaly_deg": rng.uniform(0.0, 360.0, count),
        "bstar": rng.uniform(-1e-3, 1e-3, count),
    }
    return ElementSets.from_columns(**(given | columns))


def minutes(*values: float) -> np.ndarray:
    return EPOCH + np.round(np.array(values) * 60e6).astype("timedelta64[us]")


TIMES = EPOCH + np.arange(70) * np.timedelta64(15_000_000, "us")


def make_odd_fleet() -> ElementSets:
    """Near-Earth, eccentric, deep-space, retrograde-equatorial, low, decaying and impossible satellites side by side."""
    return make_fleet(
        9,
        mean_motion_rev_day=[15.2, 12.0, 2.0, 15.0, 16.3, 16.4, 15.0, 15.0, -1.0],
        eccentricity=[0.001, 0.2, 0.7, 0.001, 0.0005, 0.0005, np.nan, 1.0, 0.001],
        inclination_deg=[53.0, 63.4, 63.4, 179.99, 53.0, 53.0, 53.0, 53.0, 53.0],
        bstar=[1e-4, 1e-4, 0.0, 1e-4, 1e-3, 0.1, 1e-4, 1e-4, 1e-4],
    )


def test_shape_order_and_distance() -> None:
    fleet = make_fleet()
    positions_km = Propagator(fleet).positions_km(TIMES)
    assert positions_km.shape == (70, 3, 150)
    assert positions_km.flags.c_contiguous
    radius_km = np.linalg.norm(positions_km, axis=1)
    assert radius_km.min() > 6500.0
    assert radius_km.max() < 8000.0


def test_kernel_equals_package_in_teme_and_itrf() -> None:
    propagator = Propagator(make_fleet())
    assert propagator.fast.all()
    reference_km, _, error = propagator.states_teme(TIMES)
    assert not error.any()
    assert np.abs(propagator.positions_teme_km(TIMES) - reference_km).max() <= MIXED_KM
    for setting in ("table", "none", EarthOrientation(0.3, 2.0, -3.0)):
        expected_km = teme_to_itrf_km(reference_km, TIMES, earth_orientation=setting)
        assert np.abs(propagator.positions_km(TIMES, earth_orientation=setting) - expected_km).max() <= MIXED_KM


def test_both_ways_behind_one_interface() -> None:
    propagator = Propagator(make_odd_fleet())
    assert propagator.fast.tolist() == [True, False, False, False, True, True, False, False, False]
    times = minutes(-1440.0, 0.0, 1440.0, 30 * 1440.0)
    reference_km, velocity_km_s, error = propagator.states_teme(times)
    positions_km = propagator.positions_km(times)
    assert np.array_equal(np.isnan(positions_km).any(axis=1), error > 0)
    assert np.array_equal(np.isnan(velocity_km_s).any(axis=1), error > 0)
    assert np.nanmax(np.abs(positions_km - teme_to_itrf_km(reference_km, times))) <= MIXED_KM
    assert (error[:, 6:] == UNUSABLE_ELEMENTS).all()
    assert error[:, 5].any()
    assert "3 by the near-Earth kernel, 6 by the sgp4 package" in repr(propagator)


def test_decay_is_nan_exactly_where_the_package_says_so() -> None:
    # High drag from low orbits: within days each passes from orbit through the kernel's limits into SGP4's error conditions.
    fleet = make_fleet(
        60, mean_motion_rev_day=np.linspace(15.6, 16.7, 60), eccentricity=np.linspace(0.0, 0.015, 60), bstar=np.geomspace(1e-4, 0.3, 60)
    )
    propagator = Propagator(fleet)
    times = minutes(*np.arange(0.0, 20.0 * 1440.0, 613.0))
    _, _, error = propagator.states_teme(times)
    positions_km = propagator.positions_teme_km(times)
    assert 0.1 < (error > 0).mean() < 0.9
    assert set(np.unique(error)) >= {0, 1, 6}
    assert np.array_equal(np.isnan(positions_km).all(axis=1), error > 0)
    assert np.array_equal(np.isnan(positions_km).any(axis=1), error > 0)


def test_bits_do_not_depend_on_threads() -> None:
    fleet = ElementSets.concatenate([make_fleet(), make_odd_fleet()])
    propagator = Propagator(fleet)
    one = propagator.positions_km(TIMES)
    for threads in (2, 3, 16):
        assert np.array_equal(one, propagator.positions_km(TIMES, threads=threads), equal_nan=True)


def test_bits_do_not_depend_on_the_other_satellites() -> None:
    fleet = ElementSets.concatenate([make_fleet(), make_odd_fleet()])
    whole = Propagator(fleet).positions_km(TIMES)
    rng = np.random.default_rng(3)
    for rows in (rng.permutation(159), np.arange(0, 159, 7), np.array([0]), np.array([149, 150, 3]), np.r_[np.arange(70, 130), 5]):
        assert np.array_equal(whole[:, :, rows], Propagator(fleet.select(rows)).positions_km(TIMES), equal_nan=True)


def test_bits_do_not_depend_on_the_other_instants() -> None:
    propagator = Propagator(make_fleet())
    whole = propagator.positions_km(TIMES)
    for part in (slice(0, 1), slice(5, 23), slice(None, None, -1), slice(3, 70, 11)):
        assert np.array_equal(whole[part], propagator.positions_km(np.ascontiguousarray(TIMES[part])))


def test_time_is_kept_to_the_microsecond() -> None:
    # Ten years from the epoch a Julian date in double precision has steps of 40 µs: 0.3 m of orbit.
    fleet = make_fleet(1, epoch=[EPOCH], bstar=[0.0])
    late = EPOCH + np.timedelta64(3650, "D")
    positions_km = Propagator(fleet).positions_teme_km(np.array([late, late + np.timedelta64(1, "us"), late + np.timedelta64(2, "us")]))
    steps_mm = np.linalg.norm(np.diff(positions_km[:, :, 0], axis=0), axis=1) * 1e6
    assert steps_mm == pytest.approx([7.5, 7.5], abs=1.0)


def test_out_is_filled_and_returned() -> None:
    propagator = Propagator(make_fleet(5))
    out = np.full((70, 3, 5), -1.0)
    assert propagator.positions_km(TIMES, out=out) is out
    assert np.array_equal(out, propagator.positions_km(TIMES))


@pytest.mark.parametrize("out", [np.empty((70, 3, 4)), np.empty((70, 3, 5), dtype=np.float32), np.empty((70, 5, 3)).transpose(0, 2, 1)])
def test_out_that_cannot_be_used(out: np.ndarray) -> None:
    with pytest.raises(InputError, match="out must be"):
        Propagator(make_fleet(5)).positions_km(TIMES, out=out)


def test_threads_below_one() -> None:
    with pytest.raises(InputError, match="threads"):
        Propagator(make_fleet(5)).positions_km(TIMES, threads=0)


def test_times_that_are_none() -> None:
    with pytest.raises(InputError, match="times"):
        Propagator(make_fleet(5)).positions_km(np.arange(3.0))


def test_no_satellites_and_no_instants() -> None:
    nobody = Propagator(ElementSets.concatenate([]))
    assert nobody.positions_km(TIMES).shape == (70, 3, 0)
    assert nobody.states_teme(TIMES)[2].shape == (70, 0)
    assert Propagator(make_fleet(5)).positions_km(TIMES[:0]).shape == (0, 3, 5)


def test_velocity_is_the_rate_of_position() -> None:
    propagator = Propagator(make_fleet(20))
    position_km, velocity_km_s, _ = propagator.states_teme(minutes(10.0 - 1 / 60, 10.0, 10.0 + 1 / 60))
    assert velocity_km_s[1] == pytest.approx((position_km[2] - position_km[0]) / 2.0, abs=2e-4)  # SGP4 drops small terms of the rate
