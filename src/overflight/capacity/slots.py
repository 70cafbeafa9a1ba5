"""Which slots capacity is worked out in: all, or stretches evenly spread over a run."""

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]

STRETCH_SLOTS = 8
"""Slots that follow one another in a stretch: beams are kept from one to the next as a satellite choice would keep them."""

MIN_STRETCHES = 24
"""A day has its hours: as many stretches are worked out however many cells there are."""


def choose_slots(slots: int, cells: int, *, max_cell_slots: int) -> tuple[Rows, int]:
    """Choose slots within a budget of cells × slots.

    Parameters
    ----------
    slots
        Slots of the run.
    cells
        Cells that are worked out, those elsewhere included.
    max_cell_slots
        The budget; `MIN_STRETCHES` stretches are chosen even if they exceed it.

    Returns
    -------
    rows, stretch
        Rows of the chosen slots, ascending, and how many follow one another.
    """
    affordable = max(max_cell_slots // max(cells, 1), MIN_STRETCHES * STRETCH_SLOTS)
    if affordable >= slots:
        return np.arange(slots, dtype=np.int64), slots
    stretches = affordable // STRETCH_SLOTS
    starts = np.linspace(0, slots - STRETCH_SLOTS, stretches).round().astype(np.int64)
    return np.unique((starts[:, None] + np.arange(STRETCH_SLOTS)).ravel()), STRETCH_SLOTS


def stretch_starts(rows: Rows) -> npt.NDArray[np.bool_]:
    """Whether each chosen slot begins a stretch: the slot before it was not chosen, shape (rows,)."""
    return np.append(True, np.diff(rows) > 1)[: len(rows)]


def spread_ends(count: int, at_most: int) -> Rows:
    """Some of ``count`` rows, evenly spread from the first to the last."""
    return np.unique(np.linspace(0, count - 1, min(count, at_most)).round().astype(np.int64))


def spread_middles(count: int, at_most: int) -> Rows:
    """Some of ``count`` rows, each in the middle of an equal part of them: a day's first and last are the same hour."""
    some = min(count, at_most)
    return np.asarray((np.arange(some) + 0.5) * count / some, dtype=np.int64)
