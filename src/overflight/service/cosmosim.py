"""CosmoSim's ways to spread terminals over a country's cells, and over the channels of a cell.

References
----------
CosmoSim, ACM Internet Measurement Conference 2025.
"""

import re

import numpy as np
import numpy.typing as npt

from overflight.catalog.cosmosim import TERMINALS_PER_CELL
from overflight.errors import ScenarioError

Counts = npt.NDArray[np.int64]

DISTRIBUTIONS = ("population", "waterfill", "waterfill_variant_K")
"""Names; K is a number of people."""

MAX_TERMINALS = 10**9
"""More terminals than this are a slip of the pen."""

_VARIANT = re.compile(r"waterfill_variant_(\d{1,12})")


def spread_terminals(population: npt.ArrayLike, count: int, *, distribution: str) -> Counts:
    """Spread terminals over cells as CosmoSim does.

    ``population`` rounds each cell's share of the people (halves to even); what then lacks goes, one each, to the most populated cells;
    where rounding gave out more than there are, every cell gets one more still, which is the study's rule. ``waterfill`` fills the cells
    with 102 each, the most populated first, and deals what is left one by one round those where people live; ``waterfill_variant_K`` does
    so over the cells with K people or more.

    Parameters
    ----------
    population
        People in each cell, shape (cells,). Cells alike are taken in the order given: give them by H3 index.
    count
        Number of terminals.
    distribution
        One of `DISTRIBUTIONS`.

    Returns
    -------
    int64, shape (cells,)
        Terminals in each cell. ``population`` may hand out more than ``count``; a variant without any cell hands out none.

    Raises
    ------
    ScenarioError
        If the distribution is unknown, the count is no whole number from 1 to a thousand million, or nobody lives in the cells.
    """
    people = np.asarray(population, dtype=np.float64)
    threshold = least_people(distribution)
    check_count(count)
    if not people.sum() > 0.0:
        msg = "terminals cannot be spread by people: nobody lives in these cells; give cells with people"
        raise ScenarioError(msg)
    order = np.argsort(-people, kind="stable")
    if threshold is None:
        return _round_shares(people, int(count), order)
    return _fill_cells(people, int(count), order[people[order] >= threshold])


def check_count(count: int) -> None:
    """Refuse a number of terminals that is none.

    Raises
    ------
    ScenarioError
        If it is no whole number from 1 to `MAX_TERMINALS`.
    """
    if not (isinstance(count, int | np.integer) and 0 < count <= MAX_TERMINALS):
        msg = f"{count} terminals: give a whole number from 1 to {MAX_TERMINALS:,}"
        raise ScenarioError(msg)


def least_people(distribution: str) -> int | None:
    """People from which a distribution fills a cell; None for one by shares.

    Raises
    ------
    ScenarioError
        If the distribution is unknown.
    """
    if distribution == "population":
        return None
    if distribution == "waterfill":
        return 0
    found = _VARIANT.fullmatch(distribution)
    if found is None:
        msg = f"terminals spread by {distribution!r}: unknown; take one of {', '.join(DISTRIBUTIONS)} (K: a number of people)"
        raise ScenarioError(msg)
    return int(found.group(1))


def _round_shares(people: npt.NDArray[np.float64], count: int, order: npt.NDArray[np.intp]) -> Counts:
    terminals: Counts = np.rint(people * count / people.sum()).astype(np.int64)
    lacking = count - int(terminals.sum())
    if lacking > 0:
        terminals[order[:lacking]] += 1
    elif lacking < 0:
        terminals += 1
    return terminals


def _fill_cells(people: npt.NDArray[np.float64], count: int, order: npt.NDArray[np.intp]) -> Counts:
    terminals = np.zeros(len(people), dtype=np.int64)
    filled_before = np.arange(len(order)) * TERMINALS_PER_CELL
    terminals[order] = np.clip(count - filled_before, 0, TERMINALS_PER_CELL)
    lived_in = order[people[order] > 0.0]
    surplus = count - int(terminals.sum())
    if surplus > 0 and len(lived_in):
        each, more = divmod(surplus, len(lived_in))
        terminals[lived_in] += each
        terminals[lived_in[:more]] += 1
    return terminals


def share_over_beams(beam_cell: npt.NDArray[np.int32], terminals: Counts) -> Counts:
    """Terminals that each beam serves: those of its cell as evenly as can be, the odd ones to the first beams.

    Parameters
    ----------
    beam_cell
        Row of the cell of each beam, ascending, shape (beams,).
    terminals
        Terminals in each cell, shape (cells,).
    """
    beams = np.bincount(beam_cell, minlength=len(terminals))
    first = np.concatenate([[0], np.cumsum(beams)])
    place = np.arange(len(beam_cell)) - first[beam_cell]
    each, more = np.divmod(terminals, np.maximum(beams, 1))
    shared: Counts = np.add(each[beam_cell], place < more[beam_cell], dtype=np.int64)
    return shared
