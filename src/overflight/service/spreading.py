"""Spreading a number of terminals over cells: whole numbers that sum exactly, whatever the order of the cells.

Shares are rounded by largest remainders, so that no more terminals are handed out than there are: a cell gets its share rounded down, and
those with the largest remainders one more each. Cells that are alike are told apart by a hash of their index, which favours no region.

References
----------
M. L. Balinski, H. P. Young, *Fair Representation* (1982), on the method of largest remainders (Hamilton's).
G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (the mixing function SplitMix64).
"""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from overflight.errors import ScenarioError
from overflight.service.rule import rule_value

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

TOWN_PEOPLE_PER_CELL = 1_000_000.0
"""In a cell of so many people one in two is counted as living in a town where terminals are paid for (assumed)."""

MAX_TERMINALS = 10**10
"""More terminals than this (more than there are people) are a slip of the pen."""


def distribute_terminals(
    population: npt.ArrayLike,
    count: int,
    *,
    method: str = "population",
    cell_ids: npt.ArrayLike | None = None,
    people_per_terminal: float = 1.0,
) -> Counts:
    """Spread terminals over cells.

    Parameters
    ----------
    population
        People in each cell, shape (cells,). Give all cells of a territory, not a sample: what is thin is judged cell by cell.
    count
        Number of terminals, whole.
    method
        ``population``: in proportion to people. ``uniform``: alike in every cell. ``thin``: in proportion to `thin_people`, as where
        subscribers are found to live. ``towns``: in proportion to `town_people`, as where few can pay. ``largest-unserved-first``: fill
        the cell with the most people not yet served, then the next; what is left when all are served is spread by people.
    cell_ids
        A number per cell that names it wherever it appears (its H3 index): with it the result does not depend on the order of cells.
        None takes the row.
    people_per_terminal
        People that one terminal serves (``largest-unserved-first``).

    Returns
    -------
    int64, shape (cells,)
        Terminals in each cell, summing exactly to ``count``.

    Raises
    ------
    ScenarioError
        If the method is unknown, the count is negative or not whole, or there is nobody and no cell to spread over.
    """
    people = np.ascontiguousarray(population, dtype=np.float64)
    number = _whole(count)
    spread = METHODS.get(method)
    if spread is None:
        msg = f"terminals spread by {method!r}: unknown; take one of {', '.join(METHODS)}"
        raise ScenarioError(msg)
    if not people_per_terminal > 0.0:
        msg = f"{people_per_terminal:g} people per terminal: give a number above 0"
        raise ScenarioError(msg)
    if number == 0:
        return np.zeros(len(people), dtype=np.int64)
    keys = np.arange(len(people), dtype=np.uint64) if cell_ids is None else np.asarray(cell_ids, dtype=np.uint64)
    return spread(people, number, keys, people_per_terminal)


def thin_people(population: npt.ArrayLike, *, half_at: float | None = None) -> Floats:
    """People who live in thinly settled country, p·D / (D + p) of the p people of a cell, shape (cells,).

    Nearly all where few live, at most D where many do: fibre and mobile networks serve towns, and a beam is shared by the cell, so that
    subscribers do not grow with a town as its people do. D = ``half_at``, by default the one fitted to territories
    (`overflight.service.rule`); within a territory the method ``thin`` takes the greater one fitted to regions.
    """
    people = np.asarray(population, dtype=np.float64)
    half = rule_value("half_at") if half_at is None else half_at
    return np.asarray(people * half / (half + people))


def town_people(population: npt.ArrayLike, *, half_at: float = TOWN_PEOPLE_PER_CELL) -> Floats:
    """Weight of a cell's p people where those who can pay live in towns: p² / (D + p), shape (cells,)."""
    people = np.asarray(population, dtype=np.float64)
    return np.asarray(people * people / (half_at + people))


def apportion(weights: npt.ArrayLike, count: int, keys: npt.NDArray[np.uint64]) -> Counts:
    """Spread ``count`` in proportion to weights by largest remainders, shape of the weights; ties go by a hash of the keys.

    Raises
    ------
    ScenarioError
        If all weights are 0, or one is negative or not a number.
    """
    shares = np.asarray(weights, dtype=np.float64)
    if not (np.isfinite(shares).all() and (shares >= 0.0).all()):
        msg = "terminals cannot be spread: people in a cell are a number, at least 0"
        raise ScenarioError(msg)
    total = math.fsum(shares)  # exact, so that the order of cells does not matter
    if total <= 0.0:
        msg = 'terminals cannot be spread by people: nobody lives in these cells; take the method "uniform"'
        raise ScenarioError(msg)
    if math.isinf(count / total):  # weights so small that a quota overflows: the same ones, by an exact power of two
        shares, total = shares * 2.0**600, total * 2.0**600
    quota = shares * (count / total)
    counts = np.floor(quota).astype(np.int64)
    short = count - int(counts.sum())
    order = np.lexsort((mix(keys), counts - quota))
    if short >= 0:
        counts[order[:short]] += 1  # always fewer than there are cells with a remainder, but for rounding of whole shares
    else:
        filled = order[::-1][counts[order[::-1]] > 0]
        counts[filled[:-short]] -= 1
    return counts


def mix(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Hash of each key (SplitMix64): the order of hashes has nothing to do with places."""
    with np.errstate(over="ignore"):
        mixed = keys + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


def _by_population(people: Floats, count: int, keys: npt.NDArray[np.uint64], _: float) -> Counts:
    return apportion(people, count, keys)


def _by_thin_people(people: Floats, count: int, keys: npt.NDArray[np.uint64], _: float) -> Counts:
    return apportion(thin_people(people, half_at=rule_value("half_at_within")), count, keys)


def _by_town_people(people: Floats, count: int, keys: npt.NDArray[np.uint64], _: float) -> Counts:
    weights = town_people(people)
    return apportion(weights if weights.any() else people, count, keys)


def _uniformly(people: Floats, count: int, keys: npt.NDArray[np.uint64], _: float) -> Counts:
    """Alike in every cell; what is left goes to cells at equal steps of their index, which is even over the land."""
    n_cells = len(people)
    if not n_cells:
        msg = "terminals cannot be spread: there is no cell"
        raise ScenarioError(msg)
    counts = np.empty(n_cells, dtype=np.int64)
    rest = np.arange(n_cells + 1, dtype=np.int64) * (count % n_cells) // n_cells
    counts[np.argsort(keys, kind="stable")] = count // n_cells + np.diff(rest)
    return counts


def _largest_unserved_first(people: Floats, count: int, keys: npt.NDArray[np.uint64], people_per_terminal: float) -> Counts:
    room = np.ceil(people / people_per_terminal).astype(np.int64)
    order = np.lexsort((mix(keys), -people))
    before = np.concatenate([[0], np.cumsum(room[order])[:-1]])
    counts = np.empty(len(people), dtype=np.int64)
    counts[order] = np.clip(count - before, 0, room[order])
    left = count - int(counts.sum())
    return counts + apportion(people, left, keys) if left else counts


METHODS: dict[str, Callable[[Floats, int, npt.NDArray[np.uint64], float], Counts]] = {
    "population": _by_population,
    "uniform": _uniformly,
    "thin": _by_thin_people,
    "towns": _by_town_people,
    "largest-unserved-first": _largest_unserved_first,
}
"""Ways to spread terminals over cells, by name."""


def _whole(count: float) -> int:
    if not (math.isfinite(count) and float(count).is_integer() and 0 <= count <= MAX_TERMINALS):
        msg = f"{count} terminals: give a whole number from 0 to {MAX_TERMINALS:,}"
        raise ScenarioError(msg)
    return int(count)
