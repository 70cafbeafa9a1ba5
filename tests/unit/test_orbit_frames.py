"""Sidereal time, Earth orientation and their settings."""

import numpy as np
import pytest

from overflight.catalog.tables import PROVENANCE, STATUSES, read_table
from overflight.errors import InputError
from overflight.orbit.frames import (
    EarthOrientation,
    as_instants,
    earth_orientation_at,
    gmst82_rad,
    orientation_warning,
    polar_motion_matrix,
    teme_to_itrf_km,
    teme_to_itrf_matrix,
)


def instants(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[us]")


def test_gmst_at_j2000_and_a_sidereal_day_later() -> None:
    # Aoki et al.: 18 h 41 min 50.54841 s at noon UT1 of 2000-01-01.
    angle = gmst82_rad(instants("2000-01-01T12:00:00", "2000-01-02T11:56:04.090531"))
    assert np.rad2deg(angle) == pytest.approx([280.46061837504] * 2, abs=2e-7)


def test_ut1_turns_the_earth() -> None:
    time = instants("2026-08-22T00:00:00")
    turned = gmst82_rad(time, 0.5) - gmst82_rad(time, 0.0)
    assert turned[0] == pytest.approx(0.5 * 7.292115855e-5, abs=4e-9)


def test_table_holds_the_published_days() -> None:
    # Bulletin A: 2015-01-01 and 2020-01-01.
    orientation = earth_orientation_at(instants("2015-01-01", "2020-01-01"))
    assert orientation.ut1_utc_s[0] == pytest.approx(-0.4599, abs=2e-4)
    assert orientation.ut1_utc_s[1] == pytest.approx(-0.1771, abs=4e-4)
    assert orientation.x_p_arcsec[0] == pytest.approx(0.0307, abs=2e-3)
    assert orientation.y_p_arcsec[0] == pytest.approx(0.2808, abs=2e-3)


def test_leap_second_is_a_step_of_ut1_utc() -> None:
    before, after = earth_orientation_at(instants("2016-12-31T23:59:59.999999", "2017-01-01T00:00:00")).ut1_utc_s
    assert after - before == pytest.approx(1.0, abs=1e-6)
    assert -0.41 < before < -0.40


def test_table_interpolates_between_days() -> None:
    at = earth_orientation_at(instants("2015-01-01", "2015-01-02", "2015-01-03")).ut1_utc_s
    assert at[1] == pytest.approx((at[0] + at[2]) / 2.0, abs=1e-12)
    assert at[0] != at[2]


def test_outside_the_table_the_nearest_values_and_a_warning() -> None:
    early = earth_orientation_at(instants("2001-06-01", "2015-01-01"))
    assert early.x_p_arcsec[0] == early.x_p_arcsec[1]
    assert early.ut1_utc_s[0] == early.ut1_utc_s[1]
    assert orientation_warning(instants("2015-01-01", "2026-08-22")) is None
    warning = orientation_warning(instants("2001-06-01"))
    assert warning is not None
    assert "2015-01-01" in warning
    assert orientation_warning(instants("2099-01-01")) is not None
    assert orientation_warning(instants("2099-01-01"), "none") is None
    assert orientation_warning(np.array([], dtype="datetime64[us]")) is None


def test_none_is_ut1_equal_to_utc_without_polar_motion() -> None:
    time = instants("2026-08-22T00:00:00")
    zero = earth_orientation_at(time, "none")
    assert (zero.ut1_utc_s, zero.x_p_arcsec, zero.y_p_arcsec) == (0.0, 0.0, 0.0)
    assert np.array_equal(teme_to_itrf_matrix(time, earth_orientation="none")[0, 2], [0.0, 0.0, 1.0])


def test_values_of_the_caller_as_numbers_or_rows() -> None:
    times = instants("2026-08-22", "2026-08-23")
    constant = teme_to_itrf_matrix(times, earth_orientation=EarthOrientation(0.1, 0.2, 0.3))
    rows = teme_to_itrf_matrix(times, earth_orientation=EarthOrientation(np.full(2, 0.1), 0.2, np.full(2, 0.3)))
    assert np.array_equal(constant, rows)


@pytest.mark.parametrize("setting", ["tables", EarthOrientation(np.zeros(3)), EarthOrientation(np.nan)])
def test_settings_that_cannot_be_used(setting) -> None:
    with pytest.raises(InputError, match="Earth orientation"):
        earth_orientation_at(instants("2026-08-22", "2026-08-23"), setting)


@pytest.mark.parametrize("times", [np.array(["NaT"], dtype="datetime64[us]"), np.zeros(3), np.zeros((2, 2), dtype="datetime64[us]")])
def test_times_that_cannot_be_used(times) -> None:
    with pytest.raises(InputError, match="times"):
        as_instants(times)


def test_one_instant_is_a_row_of_one() -> None:
    assert as_instants(np.datetime64("2026-08-22")).shape == (1,)


def test_rotations_keep_lengths_and_hands() -> None:
    matrix = teme_to_itrf_matrix(instants("2015-06-01", "2026-08-22"))
    assert matrix @ np.swapaxes(matrix, 1, 2) == pytest.approx(np.broadcast_to(np.eye(3), (2, 3, 3)), abs=1e-15)
    assert np.linalg.det(matrix) == pytest.approx(1.0, abs=1e-15)
    assert polar_motion_matrix(0.0, 0.0)[0] == pytest.approx(np.eye(3), abs=0.0)


def test_rotation_of_many_satellites() -> None:
    times = instants("2026-08-22", "2026-08-23")
    teme_km = np.random.default_rng(1).normal(size=(2, 3, 5)) * 7000.0
    itrf_km = teme_to_itrf_km(teme_km, times)
    assert itrf_km[1, :, 3] == pytest.approx(teme_to_itrf_matrix(times)[1] @ teme_km[1, :, 3], rel=1e-14)


def test_table_states_its_provenance() -> None:
    table = read_table("earth_orientation")
    assert set(PROVENANCE) <= set(table)
    assert set(table["status"]) <= set(STATUSES)
    measured = {status for status, predicted in zip(table["status"], table["predicted"], strict=True) if predicted == "0"}
    assert measured == {"measured"}
    assert table["utc_day"] == sorted(table["utc_day"])
