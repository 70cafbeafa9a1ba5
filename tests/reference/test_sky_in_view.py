"""Satellites in view by latitude: measured means and minima of 2026-08-22, every catalogued Starlink object (physics.md)."""

import numpy as np
import pytest

from overflight.clock import parse_time
from overflight.earth.geodesy import make_sites
from overflight.orbit.elements import read_elements
from overflight.orbit.propagation import Propagator
from overflight.sky.visibility import CellTree, find_visible_series

MEAN_TOLERANCE = 0.01
MEASURED = {0.0: (37.2, 23), 40.0: (73.7, 55), 53.0: (55.7, 37), 70.0: (22.6, 9)}
"""Latitude: mean and minimum in view at 25° or more, 00:00 to 01:36 UTC."""

START = parse_time("2026-08-22T00:00:00Z")
LONGITUDES_DEG = np.arange(0.0, 360.0, 30.0)
MINUTES = np.arange(97)
"""Sampling with which the minima are met exactly: 12 longitudes from Greenwich, every minute, both ends included."""


@pytest.mark.shared
def test_satellites_in_view_by_latitude(shared):
    elements, _ = read_elements(shared / "data" / "elements" / "starlink_2026-08-22.tle")
    positions_km = Propagator(elements).positions_km(START + MINUTES.astype("timedelta64[m]"))
    latitudes = np.repeat(list(MEASURED), len(LONGITUDES_DEG))
    tree = CellTree(make_sites(latitudes, np.tile(LONGITUDES_DEG, len(MEASURED))))
    counts = find_visible_series(tree, positions_km, min_elevation_deg=25.0, threads=2).counts
    for lat_deg, (mean, minimum) in MEASURED.items():
        here = counts[:, latitudes == lat_deg]
        assert here.mean() == pytest.approx(mean, rel=MEAN_TOLERANCE)
        assert here.min() == minimum
