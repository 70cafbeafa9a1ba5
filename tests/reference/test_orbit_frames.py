"""TEME to ITRF against Vallado's published vector and against skyfield."""

import numpy as np
import pytest
from skyfield.api import EarthSatellite, load
from skyfield.framelib import itrs
from skyfield.sgp4lib import theta_GMST1982

from overflight.orbit.elements import parse_elements
from overflight.orbit.frames import EarthOrientation, gmst82_rad, polar_motion_matrix, teme_to_itrf_km
from overflight.orbit.propagation import Propagator

VALLADO_TOLERANCE_KM = 1e-6
SKYFIELD_TOLERANCE_KM = 2e-5
"""With skyfield's own UT1 and, as there, no polar motion; our UT1 is rounded to 40 µs, 1 cm."""
GMST_TOLERANCE_RAD = 2e-9

STATION = b"""ISS
1 25544U 98067A   26234.17284867  .00010000  00000+0  18000-3 0  9992
2 25544  51.6400 110.2629 0005172  75.9267 284.2321 15.50000000374489
"""


def test_vallado_vector() -> None:
    # Vallado et al. (2006), appendix C: 2004-04-06 07:51:28.386009 UTC.
    time = np.array(["2004-04-06T07:51:28.386009"], dtype="datetime64[us]")
    teme_km = np.array([[[5094.18016210], [6127.64465950], [6380.34453270]]])
    orientation = EarthOrientation(ut1_utc_s=-0.4399619, x_p_arcsec=-0.140682, y_p_arcsec=0.333309)
    itrf_km = teme_to_itrf_km(teme_km, time, earth_orientation=orientation)
    assert np.linalg.norm(itrf_km[0, :, 0] - [-1033.47938304, 7901.29527539, 6380.35659575]) <= VALLADO_TOLERANCE_KM


def test_vallado_vector_in_pef() -> None:
    # The same source, before polar motion.
    time = np.array(["2004-04-06T07:51:28.386009"], dtype="datetime64[us]")
    teme_km = np.array([[[5094.18016210], [6127.64465950], [6380.34453270]]])
    pef_km = teme_to_itrf_km(teme_km, time, earth_orientation=EarthOrientation(ut1_utc_s=-0.4399619))
    assert np.linalg.norm(pef_km[0, :, 0] - [-1033.47503120, 7901.30558560, 6380.34453270]) <= VALLADO_TOLERANCE_KM


@pytest.fixture(scope="module")
def timescale():
    return load.timescale(builtin=True)


def test_gmst_equals_skyfield(timescale) -> None:
    times = np.datetime64("2026-08-22T00:00:00", "us") + np.arange(50) * np.timedelta64(7_654_321_000, "us")
    moments = timescale.utc(2026, 8, 22, 0, 0, np.arange(50) * 7654.321)
    expected = np.array([theta_GMST1982(whole, part)[0] for whole, part in zip(moments.whole, moments.ut1_fraction, strict=True)])
    difference = gmst82_rad(times, moments.dut1) - expected
    assert np.abs((difference + np.pi) % (2.0 * np.pi) - np.pi).max() <= GMST_TOLERANCE_RAD


def test_positions_equal_skyfield(timescale) -> None:
    elements, _ = parse_elements(STATION, source="station")
    name, first, second = STATION.decode().splitlines()
    times = np.datetime64("2026-08-22T06:00:00", "us") + np.arange(24) * np.timedelta64(3600, "s")
    moments = timescale.utc(2026, 8, 22, 6 + np.arange(24))
    expected_km = EarthSatellite(first, second, name, timescale).at(moments).frame_xyz(itrs).km
    position_km = Propagator(elements).positions_km(times, earth_orientation=EarthOrientation(ut1_utc_s=moments.dut1))
    assert np.linalg.norm(position_km[:, :, 0].T - expected_km, axis=0).max() <= SKYFIELD_TOLERANCE_KM


def test_polar_motion_signs() -> None:
    # The pole itself, seen from ITRF, stands at (x_p, −y_p).
    arcsec = np.pi / 648_000.0
    pole = polar_motion_matrix(0.2, 0.4)[0] @ [0.0, 0.0, 1.0]
    assert pole[:2] == pytest.approx([0.2 * arcsec, -0.4 * arcsec], rel=1e-6)
