"""Compiled loops of the schedule: who has how long left, and who serves."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def count_remaining(offset, indptr, satellite, cap, remaining):
    """Walk backwards over slots; merge each cell's ascending list with that of the next slot.

    ``offset`` (nt,), ``indptr`` (nt, n_cells + 1): the list of cell c in slot t is
    ``satellite[offset[t] + indptr[t, c] : offset[t] + indptr[t, c + 1]]``. Fills ``remaining`` (pairs,), slots left, this one included.
    """
    slots, columns = indptr.shape
    for t in range(slots - 1, -1, -1):
        for c in range(columns - 1):
            here = offset[t] + indptr[t, c]
            here_end = offset[t] + indptr[t, c + 1]
            if t == slots - 1:
                for i in range(here, here_end):
                    remaining[i] = 1
                continue
            there = offset[t + 1] + indptr[t + 1, c]
            there_end = offset[t + 1] + indptr[t + 1, c + 1]
            for i in range(here, here_end):
                wanted = satellite[i]
                while there < there_end and satellite[there] < wanted:
                    there += 1
                if there < there_end and satellite[there] == wanted:
                    remaining[i] = min(remaining[there] + 1, cap)
                else:
                    remaining[i] = 1


@njit(cache=True, nogil=True, error_model="numpy")
def best_satellites(cell, satellite, score, way_delay_ms, serving, best):
    """Fill ``serving`` (n_cells,) with the satellite of the highest score; ``best`` (n_cells,) is scratch that starts at -inf.

    NaN and -inf never serve, nor does a pair without a way; among equal scores the lowest satellite serves.
    """
    for i in range(len(cell)):
        c = cell[i]
        value = score[i]
        if not value > -np.inf or way_delay_ms[i] == np.inf:
            continue
        if value > best[c] or (value == best[c] and satellite[i] < serving[c]):
            best[c] = value
            serving[c] = satellite[i]
