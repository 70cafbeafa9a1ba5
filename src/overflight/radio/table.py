"""Reading a table of attenuation from within kernels.

The columns of a table are evenly spaced in w(s) = a s - (1 - s²)^¼ - b / s of the sine s of the elevation, so that a reader finds its place
without a search: the middle term follows the horizontal reduction factor of P.618-13, step 6, whose slope is infinite at the zenith, the
last one the path at low elevations. What is held is the attenuation times the sine, which varies little, shifted so that straight lines
between columns err as much above the curve as below it.
"""
# mypy: disable-error-code="untyped-decorator"

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from overflight.radio._limits import LEAST_ELEVATION_DEG

_OPTIONS: Any = {"cache": True, "nogil": True, "error_model": "numpy"}

_DEGREE = math.pi / 180.0
_LEAST_SINE = math.sin(LEAST_ELEVATION_DEG * _DEGREE)
_LINEAR, _INVERSE = 0.7, 0.03
_FIRST = _LINEAR * _LEAST_SINE - (1.0 - _LEAST_SINE * _LEAST_SINE) ** 0.25 - _INVERSE / _LEAST_SINE
_SPAN = _LINEAR - _INVERSE - _FIRST


def table_sines(nodes: int) -> npt.NDArray[np.float64]:
    """Sines of the elevations of a table's columns, ascending from 5° to the zenith, shape (nodes,)."""
    target = _FIRST + _SPAN * np.arange(nodes) / (nodes - 1)
    # w is solved for the angle from the zenith, in which it is smooth; halving its interval finds it to the last bits.
    low, high = np.zeros(nodes), np.full(nodes, math.pi / 2.0 - LEAST_ELEVATION_DEG * _DEGREE)
    for _ in range(60):
        middle = 0.5 * (low + high)
        sine = np.cos(middle)
        above = _LINEAR * sine - np.sqrt(np.sin(middle)) - _INVERSE / sine > target
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    sines: npt.NDArray[np.float64] = np.cos(0.5 * (low + high))
    sines[0], sines[-1] = _LEAST_SINE, 1.0
    return sines


@njit(inline="always", **_OPTIONS)
def interpolate_db(db: Any, site: Any, sin_elevation: Any) -> Any:
    """Attenuation, dB, of the row ``site`` of a table's ``db`` at the sine of an elevation; below 5° that of 5°."""
    sine = min(max(sin_elevation, _LEAST_SINE), 1.0)
    nodes = db.shape[1]
    place = (_LINEAR * sine - math.sqrt(math.sqrt(1.0 - sine * sine)) - _INVERSE / sine - _FIRST) * ((nodes - 1) / _SPAN)
    column = min(max(int(place), 0), nodes - 2)
    share = place - column
    return (db[site, column] * (1.0 - share) + db[site, column + 1] * share) / sine


@njit(**_OPTIONS)
def read_pairs(db: Any, site: Any, elevation_deg: Any, out: Any) -> None:
    """Write the attenuation of each pair of a site's row and an elevation."""
    for n in range(site.size):
        out[n] = interpolate_db(db, site[n], math.sin(elevation_deg[n] * _DEGREE))
