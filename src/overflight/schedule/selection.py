"""Which of the satellites in view serves a cell: candidates, the choice among them, and how long each will remain.

A strategy is a plain function from the candidates of one slot to one score per candidate; the highest score serves. Those
built in stand in `overflight.schedule.strategies`; anyone may pass their own::

    def least_delay(candidates: Candidates) -> Floats:
        return -candidates.way_delay_ms

What no strategy can override: a pair whose ``way_delay_ms`` is infinite (no way to a gateway and its PoP) never serves, nor does one
whose score is NaN or minus infinity; among equal scores the lowest satellite index serves.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from overflight.errors import ScenarioError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]

NOBODY = -1
"""In arrays of serving satellites: the cell is not served."""

LOOK_AHEAD_SLOTS = 60
"""How far ahead remaining access is counted: 15 minutes, longer than any pass above 25° below 1,500 km."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs of cell and satellite that may serve in one slot: flat arrays of one length, sorted by cell, then satellite.

    Attributes
    ----------
    slot_index
        Number of the slot (see `overflight.schedule.slots.slot_numbers`).
    cell
        Row of the cell, int32.
    satellite
        Row of the satellite, int32.
    norad_id
        Catalogue number of the satellite, int64.
    elevation_deg, azimuth_deg, range_km
        Where the satellite stands as seen from the cell's centre.
    remaining_s
        Access that remains, this slot included, seconds; counted as far as the look-ahead reaches.
    serving
        Whether the satellite served this cell in the previous slot, bool.
    way_delay_ms
        One-way delay from the satellite to the cell's PoP; infinite where there is no way.
    arc_separation_deg
        Angle to the nearest point of the visible geostationary arc.
    cell_key
        A number per candidate that names its cell wherever it appears (its H3 index), uint64; None takes the row of the cell.
        Strategies that draw lots seed them with it, so that a cell fares alike in any territory.
    """

    slot_index: int
    cell: Integers
    satellite: Integers
    norad_id: npt.NDArray[np.int64]
    elevation_deg: Floats
    azimuth_deg: Floats
    range_km: Floats
    remaining_s: Floats
    serving: npt.NDArray[np.bool_]
    way_delay_ms: Floats
    arc_separation_deg: Floats
    cell_key: npt.NDArray[np.uint64] | None = None

    def __len__(self) -> int:
        return len(self.cell)


Strategy = Callable[[Candidates], Floats]
"""A satellite choice: one score per candidate, shape (pairs,); the highest serves."""


def choose_serving(candidates: Candidates, scores: npt.ArrayLike, n_cells: int) -> Integers:
    """Let the candidate of the highest score serve each cell.

    Parameters
    ----------
    candidates
        The pairs of one slot.
    scores
        One number per pair, shape (pairs,). NaN and minus infinity: may not serve.
    n_cells
        Number of cells; those without a candidate stay unserved.

    Returns
    -------
    Integers
        Serving satellite of each cell, int32, shape (n_cells,); −1 where nobody serves.

    Raises
    ------
    ScenarioError
        If the strategy did not return one number per candidate.
    """
    from overflight.schedule._kernels import best_satellites

    values = np.ascontiguousarray(scores, dtype=np.float64)
    if values.shape != candidates.cell.shape:
        msg = f"satellite choice returned scores of shape {values.shape} for {len(candidates)} candidates: return one number each"
        raise ScenarioError(msg)
    serving = np.full(n_cells, NOBODY, dtype=np.int32)
    best_satellites(candidates.cell, candidates.satellite, values, candidates.way_delay_ms, serving, np.full(n_cells, -np.inf))
    return serving


def remaining_slots(
    indptr: npt.NDArray[np.int64],
    satellite: Integers,
    *,
    offset: npt.NDArray[np.int64] | None = None,
    cap_slots: int = LOOK_AHEAD_SLOTS,
) -> npt.NDArray[np.int16]:
    """How many slots each pair will go on being visible without a break, its own slot included.

    The last slots of the series know nothing of what follows: give the series ``cap_slots`` − 1 slots more than are needed, and the
    counts of the slots before do not depend on where the series ends.

    Parameters
    ----------
    indptr
        Bounds of each cell's list within its slot, int64, shape (nt, n_cells + 1).
    satellite
        All lists, one after the other, each ascending, int32, shape (pairs,).
    offset
        Where each slot's pairs begin in ``satellite``, int64, shape (nt,); None if ``indptr`` already counts from the beginning
        of ``satellite``.
    cap_slots
        Counts stop here: the look-ahead.

    Returns
    -------
    ndarray
        int16, shape (pairs,), from 1 to ``cap_slots``.

    Raises
    ------
    ScenarioError
        If ``cap_slots`` is not between 1 and 32,767.
    """
    from overflight.schedule._kernels import count_remaining

    if not 1 <= cap_slots <= np.iinfo(np.int16).max:
        msg = f"look-ahead of {cap_slots} slots: must be between 1 and {np.iinfo(np.int16).max}"
        raise ScenarioError(msg)
    begins = np.zeros(len(indptr), dtype=np.int64) if offset is None else np.ascontiguousarray(offset, dtype=np.int64)
    remaining = np.empty(len(satellite), dtype=np.int16)
    count_remaining(begins, np.ascontiguousarray(indptr, dtype=np.int64), satellite, cap_slots, remaining)
    return remaining
