"""Azimuth, elevation, range and passes against skyfield, on real Starlink element sets."""

from datetime import UTC

import numpy as np
import pytest

from overflight.clock import parse_time
from overflight.earth.geodesy import make_sites
from overflight.orbit.elements import read_elements
from overflight.orbit.frames import EarthOrientation
from overflight.orbit.propagation import Propagator
from overflight.sky.angles import look_angles
from overflight.sky.passes import find_passes

ANGLE_TOLERANCE_DEG = 0.001
RANGE_TOLERANCE_M = 10.0
TIME_TOLERANCE_S = 0.1
TIME_TOLERANCE_OF_FIND_EVENTS_S = 0.6
"""skyfield's own search stops within half a second; at 0.1 s we ask its altitude instead."""

START = parse_time("2026-08-22T00:00:00Z")
DAY = np.timedelta64(86400, "s")
SITES = ((48.5216, 9.0576, 341.0), (-77.85, 166.67, 10.0), (0.0, -78.5, 2850.0), (25.03, 121.56, 0.0))
MASK_DEG = 25.0


class Fleet:
    """A sample of real satellites, for us and for skyfield, which has UT1 of its own and no polar motion by default."""

    def __init__(self, shared, every):
        skyfield = pytest.importorskip("skyfield.api")
        elements, _ = read_elements(shared / "data" / "elements" / "starlink_2026-08-22.tle")
        self.elements = elements.select(np.arange(0, len(elements), every))
        lines = (shared / "data" / "elements" / "starlink_2026-08-22.tle").read_text().splitlines()
        by_id = {int(lines[i + 1][2:7]): lines[i : i + 3] for i in range(0, len(lines), 3)}
        self.timescale = skyfield.load.timescale(builtin=True)
        self.satellites = [skyfield.EarthSatellite(*by_id[int(n)][1:], by_id[int(n)][0], self.timescale) for n in self.elements.norad_id]
        ut1_utc_s = float(self.at([START]).dut1[0])
        self.orientation = EarthOrientation(ut1_utc_s=ut1_utc_s, x_p_arcsec=0.0, y_p_arcsec=0.0)
        self.propagator = Propagator(self.elements)
        self.observer = skyfield.wgs84.latlon

    def at(self, instants):
        return self.timescale.from_datetimes([np.datetime64(t, "us").astype(object).replace(tzinfo=UTC) for t in instants])

    def positions_at(self, times):
        return self.propagator.positions_km(times, earth_orientation=self.orientation)


@pytest.fixture(scope="module")
def fleet(shared):
    return Fleet(shared, every=900)


@pytest.mark.shared
@pytest.mark.parametrize("place", SITES)
def test_look_angles_agree_with_skyfield(fleet, place):
    times = START + np.arange(0, 86400, 3600).astype("timedelta64[s]")
    azimuth_deg, elevation_deg, range_km = look_angles(make_sites(*place), fleet.positions_at(times))
    observer = fleet.observer(place[0], place[1], elevation_m=place[2])
    for i, satellite in enumerate(fleet.satellites):
        altitude, azimuth, distance = (satellite - observer).at(fleet.at(times)).altaz()
        turn = (azimuth.degrees - azimuth_deg[:, 0, i] + 180.0) % 360.0 - 180.0
        assert np.abs(altitude.degrees - elevation_deg[:, 0, i]).max() < ANGLE_TOLERANCE_DEG
        assert np.abs(turn * np.cos(np.radians(elevation_deg[:, 0, i]))).max() < ANGLE_TOLERANCE_DEG
        assert np.abs(distance.km - range_km[:, 0, i]).max() * 1e3 < RANGE_TOLERANCE_M


@pytest.mark.shared
@pytest.mark.parametrize("place", SITES[:2])
def test_passes_agree_with_skyfield(fleet, place):
    observer = fleet.observer(place[0], place[1], elevation_m=place[2])
    passes = find_passes(
        fleet.positions_at, fleet.elements.name, fleet.elements.norad_id, make_sites(*place), START, START + DAY, min_elevation_deg=MASK_DEG
    )
    assert passes
    for satellite in fleet.satellites:
        ours = [item for item in passes if item.norad_id == satellite.model.satnum]
        instants, kinds = satellite.find_events(observer, *fleet.at([START, START + DAY]), altitude_degrees=MASK_DEG)
        for kind, moments in (
            (0, [item.rise for item in ours if not item.in_progress_at_start]),
            (2, [item.set for item in ours if not item.in_progress_at_end]),
        ):
            theirs = [t.utc_datetime().replace(tzinfo=None) for t, k in zip(instants, kinds, strict=True) if k == kind]
            assert len(theirs) == len(moments)
            for mine, other in zip(moments, theirs, strict=True):
                assert abs((mine.astype(object) - other).total_seconds()) < TIME_TOLERANCE_OF_FIND_EVENTS_S
            check_crossings(fleet, satellite, observer, moments, rising=kind == 0)
        check_culminations(fleet, satellite, observer, ours)


def check_crossings(fleet, satellite, observer, moments, *, rising):
    """By skyfield, the satellite is below the mask 0.1 s on one side of each crossing and above it 0.1 s on the other."""
    if not moments:
        return
    offset = np.timedelta64(round(TIME_TOLERANCE_S * 1e6), "us")
    earlier, later = ((satellite - observer).at(fleet.at([t + sign * offset for t in moments])).altaz()[0].degrees for sign in (-1, 1))
    below, above = (earlier, later) if rising else (later, earlier)
    assert np.all(below < MASK_DEG)
    assert np.all(above > MASK_DEG)


def check_culminations(fleet, satellite, observer, passes):
    if not passes:
        return
    relative = satellite - observer
    altitude, _, distance = relative.at(fleet.at([item.culmination for item in passes])).altaz()
    assert np.abs(altitude.degrees - [item.max_elevation_deg for item in passes]).max() < ANGLE_TOLERANCE_DEG
    assert np.abs(distance.km - [item.range_km for item in passes]).max() * 1e3 < RANGE_TOLERANCE_M
    for seconds in (-5, 5):  # no higher point beside it
        beside = relative.at(fleet.at([item.culmination + np.timedelta64(seconds, "s") for item in passes])).altaz()[0].degrees
        whole = np.array([not (item.in_progress_at_start or item.in_progress_at_end) for item in passes])
        assert np.all(beside[whole] < altitude.degrees[whole])
