"""Handovers, runs and outages, counted from who served which cell in each slot."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class HandoverCounts:
    """What happened to each cell over a number of slots; counts of successive blocks add up with ``+``.

    Attributes
    ----------
    slots
        Number of slots counted.
    served_slots
        Slots with a serving satellite, shape (n_cells,).
    handovers
        Times the serving satellite changed from one served slot to the next, shape (n_cells,).
    runs
        Unbroken stretches of slots with the same satellite, shape (n_cells,).
    outages
        Unbroken stretches of slots without a satellite, shape (n_cells,).
    """

    slots: int
    served_slots: Counts
    handovers: Counts
    runs: Counts
    outages: Counts

    @property
    def mean_run_slots(self) -> npt.NDArray[np.float64]:
        """Mean number of slots a satellite serves without a break, shape (n_cells,); NaN for a cell never served."""
        return np.where(self.runs > 0, self.served_slots / np.maximum(self.runs, 1), np.nan)

    def __add__(self, other: "HandoverCounts") -> "HandoverCounts":
        return HandoverCounts(
            self.slots + other.slots,
            self.served_slots + other.served_slots,
            self.handovers + other.handovers,
            self.runs + other.runs,
            self.outages + other.outages,
        )


def count_handovers(serving: npt.NDArray[np.integer], *, before: npt.NDArray[np.integer] | None = None) -> HandoverCounts:
    """Count handovers, runs and outages.

    Parameters
    ----------
    serving
        Serving satellite by slot and cell, shape (nt, n_cells); negative where nobody serves.
    before
        Who served in the slot before the first, shape (n_cells,); None at the beginning of a run. Counting a run in blocks, each with
        the last row of the block before, and adding the counts gives the counts of the whole.

    Returns
    -------
    HandoverCounts
        Counts per cell.
    """
    rows = np.where(serving < 0, -1, serving)
    served = rows >= 0
    first = np.full((1, rows.shape[1]), -2, dtype=rows.dtype) if before is None else np.where(before < 0, -1, before)[np.newaxis]
    previous = np.concatenate([first, rows[:-1]])
    changed = rows != previous
    return HandoverCounts(
        slots=len(rows),
        served_slots=served.sum(axis=0, dtype=np.int64),
        handovers=(served & changed & (previous >= 0)).sum(axis=0, dtype=np.int64),
        runs=(served & changed).sum(axis=0, dtype=np.int64),
        outages=(~served & changed).sum(axis=0, dtype=np.int64),
    )
