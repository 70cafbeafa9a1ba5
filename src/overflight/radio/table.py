"""Reading a table of attenuation from within kernels.

A table holds the attenuation times the sine of the elevation, which varies little, at a row of elevations from 5° to the zenith, and is
read along straight lines between them. Seven of twenty intervals lie below 25°, where P.618-13, step 10, has a bend, evenly spaced in the
sine s; the others, above, evenly in s - (1 - s²)^¼, which follows the horizontal reduction factor of step 6, whose slope is infinite at the
zenith. So a reader finds its place without a search. Values are shifted so that the lines err above the curve as much as below it.
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
_BEND_DEG = 25.0
_LEAST_SINE, _BEND_SINE = math.sin(LEAST_ELEVATION_DEG * _DEGREE), math.sin(_BEND_DEG * _DEGREE)
_BEND = _BEND_SINE - math.sqrt(math.cos(_BEND_DEG * _DEGREE))


def table_sines(nodes: int) -> npt.NDArray[np.float64]:
    """Sines of the elevations of a table's columns and, between each two, of the one halfway; ascending, shape (2 nodes - 1,)."""
    low = _count_low(nodes)
    below = np.linspace(_LEAST_SINE, _BEND_SINE, 2 * low + 1)
    target = np.linspace(_BEND, 1.0, 2 * (nodes - 1 - low) + 1)[1:]
    # Solved for the angle from the zenith, in which the scale is smooth; halving its interval finds it to the last bits.
    near, far = np.zeros(len(target)), np.full(len(target), math.pi / 2.0 - _BEND_DEG * _DEGREE)
    for _ in range(60):
        middle = 0.5 * (near + far)
        above = np.cos(middle) - np.sqrt(np.sin(middle)) > target
        near, far = np.where(above, middle, near), np.where(above, far, middle)
    sines: npt.NDArray[np.float64] = np.concatenate([below, np.cos(0.5 * (near + far))])
    sines[-1] = 1.0
    return sines


def _count_low(nodes: int) -> int:
    """Intervals below the bend."""
    return max((nodes - 1) * 7 // 20, 1)


@njit(inline="always", **_OPTIONS)
def interpolate_db(db: Any, site: Any, sin_elevation: Any) -> Any:
    """Attenuation, dB, of the row ``site`` of a table's ``db`` at the sine of an elevation; below 5° that of 5°."""
    sine = min(max(sin_elevation, _LEAST_SINE), 1.0)
    intervals = db.shape[1] - 1
    low = max(intervals * 7 // 20, 1)
    if sine < _BEND_SINE:
        place = (sine - _LEAST_SINE) * (low / (_BEND_SINE - _LEAST_SINE))
    else:
        place = low + (sine - math.sqrt(math.sqrt(1.0 - sine * sine)) - _BEND) * ((intervals - low) / (1.0 - _BEND))
    column = min(max(int(place), 0), intervals - 1)
    share = place - column
    return (db[site, column] * (1.0 - share) + db[site, column + 1] * share) / sine


@njit(**_OPTIONS)
def read_pairs(db: Any, site: Any, elevation_deg: Any, out: Any) -> None:
    """Write the attenuation of each pair of a site's row and an elevation."""
    for n in range(site.size):
        out[n] = interpolate_db(db, site[n], math.sin(elevation_deg[n] * _DEGREE))
