"""Compiled loop of CosmoSim's reach: which satellites are within their slant range of which points."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def list_in_reach(px, py, pz, near, x, y, z, reach_square, indptr, satellite):
    """List for each point the satellites of ``near`` in reach, in that order; fills ``indptr``, and ``satellite`` as far as it goes.

    Returns how many there are: call again with more room where that is more than ``satellite`` holds.
    """
    room = satellite.size
    count = 0
    square = np.empty(near.size)
    for point in range(px.size):
        indptr[point] = count
        a, b, c = px[point], py[point], pz[point]
        for k in range(near.size):
            dx, dy, dz = x[k] - a, y[k] - b, z[k] - c
            square[k] = dx * dx + dy * dy + dz * dz - reach_square[k]
        for k in range(near.size):
            if square[k] <= 0.0:
                if count < room:
                    satellite[count] = near[k]
                count += 1
    indptr[px.size] = count
    return count
