"""Usable pairs of many cells and satellites, as bare lists: what `overflight.pairs` finds, without the angles."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from overflight.earth.geodesy import WGS84_ECCENTRICITY_SQUARED, WGS84_EQUATORIAL_RADIUS_KM, Sites
from overflight.pairs import PairFinder, PairRules, Pairs
from overflight.sky.arc import GEOSTATIONARY_RADIUS_KM
from overflight.sky.visibility import CellTree

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Item = TypeVar("Item")
Result = TypeVar("Result")

SLOTS_A_WALK = 4
"""Slots that share one walk down the tree of cells where there are few cells (see `overflight.sky.visibility`)."""

MANY_CELLS = 2_000
"""From here on, walks are short beside the tests."""

TASKS_A_THREAD = 4

_SURE_TO_DEG = 40.0
"""Up to this least angle to the arc, one point of the arc decides all but close cases."""
_SURE_SHARE, _SURE_DEG, _SURE_COSINE = 0.99, 0.01, 2e-6
"""How much nearer the arc may be than that point, and room for single precision."""


class Usable(NamedTuple):
    """Usable pairs of one slot: cell c may use ``satellite[indptr[c]:indptr[c + 1]]``, ascending."""

    indptr: Rows
    satellite: Integers


class UsableFinder:
    """Finds usable pairs of some cells.

    Parameters
    ----------
    sites, cell_ids
        The cells, shape (cells,).
    home
        Row of each cell's PoP among those in use, shape (cells,).
    rules
        What makes a pair usable besides a way to that PoP.
    """

    def __init__(self, sites: Sites, cell_ids: npt.NDArray[np.uint64], home: Integers, rules: PairRules) -> None:
        self._home = home
        # What stands around a terminal asks for azimuths.
        self._slow = None if rules.obstruction is None else PairFinder(sites, cell_ids, rules)
        self._tree = CellTree(sites, cell_ids=cell_ids)
        order = self._tree.order
        self._home_by_tree = np.ascontiguousarray(home[order], dtype=np.int64)
        self._meridian = _describe_meridians(sites.lat_deg[order], sites.lon_deg[order])
        sine, self._node_sine = self._tree.mask_sines(rules.mask_deg)
        self._square = sine * np.abs(sine)
        self._arc = _limit_arc(rules.arc_avoidance_deg)

    def walk_bounds(self, slots: int) -> list[int]:
        """Where the parts of some slots begin that are found together, and the end of the last."""
        step = SLOTS_A_WALK if len(self._home) < MANY_CELLS else 1
        return [*range(0, slots, step), slots]

    def mark(self, positions_km: Floats, *, threads: int = 1) -> "Marked":
        """Mark the pairs of some slots that are usable if there is a way.

        Parameters
        ----------
        positions_km
            Satellites in ITRF, shape (slots, 3, n); slots near in time are faster.
        threads
            The result does not depend on it.
        """
        if self._slow is not None:
            return _Measured(self._slow.find(positions_km, slots=len(positions_km)).pairs, self._home)
        states = _bound_positions(positions_km)
        rows = share_out(lambda part: self._mark_part(states, positions_km, part), _split_groups(self._tree, threads), threads)
        return _MarkedTree(self._tree, self._home_by_tree, rows, threads)

    def _mark_part(self, states: Floats, positions_km: Floats, part: tuple[int, int]) -> "_Part":
        """Mark the pairs of some groups of cells."""
        from overflight.capacity import _kernels
        from overflight.sky import _kernels as sky_kernels

        tree = self._tree
        indptr, ids = sky_kernels.candidates_of_groups(tree.nodes, self._node_sine, tree.node_parent, tree.level_start, *part, *states)
        sites = np.diff(tree.parent_start[part[0] : part[1] + 1])
        marks = np.empty(int(((np.diff(indptr) + 7) // 8 * 8 * sites).sum()) * len(positions_km), dtype=np.uint8)
        _kernels.mark_clear(
            tree.parent_start, tree.ecef_km, tree.up, self._meridian, self._square, positions_km, *part, indptr, ids, self._arc, marks
        )
        return _Part(part, indptr, ids, marks)


class Marked(Protocol):
    """Pairs of some slots that are usable if there is a way."""

    def list(self, has_way: Flags) -> list[Usable]:
        """List the usable pairs slot by slot; ``has_way``: from each satellite to each PoP, shape (slots, pops, n). To be called once."""
        ...


class _Part(NamedTuple):
    """Some groups of the tree: candidates of each, and which of them each cell may use."""

    groups: tuple[int, int]
    indptr: Rows
    ids: Integers
    marks: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _MarkedTree:
    tree: CellTree
    home: Rows
    parts: list[_Part]
    threads: int

    def list(self, has_way: Flags) -> list[Usable]:
        from overflight.capacity import _kernels
        from overflight.sky import _kernels as sky_kernels

        tree, slots = self.tree, len(has_way)
        counts = np.zeros((slots, len(tree) + 1), dtype=np.int64)
        ways = np.ascontiguousarray(has_way).view(np.uint8)

        def count(part: _Part) -> None:
            _kernels.count_ways(tree.parent_start, tree.order, *part.groups, part.indptr, part.ids, self.home, ways, part.marks, counts)

        share_out(count, self.parts, self.threads)
        starts = np.concatenate([[0], np.cumsum(counts.sum(axis=1))])
        # One array for all slots, as the kernel has it.
        counts[:, 0] = starts[:-1]
        np.cumsum(counts, axis=1, out=counts)
        satellite = np.empty(int(starts[-1]), dtype=np.int32)

        def write(part: _Part) -> None:
            sky_kernels.list_marked(
                tree.parent_start, tree.order, 0, slots, *part.groups, part.indptr, part.ids, part.marks, counts, satellite
            )

        share_out(write, self.parts, self.threads)
        return [Usable(row - row[0], satellite[row[0] : row[-1]]) for row in counts]


@dataclass(frozen=True, slots=True)
class _Measured:
    pairs: Pairs
    home: Integers

    def list(self, has_way: Flags) -> list[Usable]:
        pairs, slots = self.pairs, self.pairs.slots
        kept = has_way[pairs.slot, self.home[pairs.cell], pairs.satellite]
        indptr = np.zeros((slots, pairs.cells + 1), dtype=np.int64)
        np.cumsum(pairs.count(kept), axis=1, out=indptr[:, 1:])
        starts = np.concatenate([[0], np.cumsum(indptr[:, -1])])
        satellite = pairs.satellite[kept]
        return [Usable(indptr[k], satellite[starts[k] : starts[k + 1]]) for k in range(slots)]


def _describe_meridians(lat_deg: Floats, lon_deg: Floats) -> Floats:
    """What the kernel wants of each site and the geostationary arc, shape (6, sites): see `mark_usable`."""
    sine, cosine = np.sin(np.radians(lat_deg)), np.cos(np.radians(lat_deg))
    radius = WGS84_EQUATORIAL_RADIUS_KM / GEOSTATIONARY_RADIUS_KM
    root = np.sqrt(1.0 - WGS84_ECCENTRICITY_SQUARED * sine * sine)
    end = np.where(cosine > 0.0, radius * root / np.maximum(cosine, 1e-300), np.inf)
    return np.ascontiguousarray(
        [
            np.cos(np.radians(lon_deg)),
            np.sin(np.radians(lon_deg)),
            radius / root * cosine,
            radius / root * (1.0 - WGS84_ECCENTRICITY_SQUARED) * sine,
            end,
            np.sqrt(np.maximum(0.0, 1.0 - np.minimum(end, 1.0) ** 2)),
        ]
    )


def _limit_arc(least_deg: float) -> Floats:
    """Least angle to the arc, and the cosines of the angles to one of its points that settle the matter."""
    if least_deg > _SURE_TO_DEG:
        return np.array([least_deg, -2.0, 2.0])  # nothing is sure
    clear = np.cos(np.radians((least_deg + _SURE_DEG) / _SURE_SHARE)) - _SURE_COSINE
    blocked = np.cos(np.radians(max(least_deg - _SURE_DEG, 0.0))) + _SURE_COSINE
    return np.array([least_deg, clear, blocked])


def _bound_positions(positions_km: Floats) -> Floats:
    """One position of each satellite for some slots (NaN: no state in any), and the farthest it is from it: shape (4, n)."""
    from overflight.sky import _kernels

    states = np.zeros((4, positions_km.shape[2]))
    states[:3] = positions_km[len(positions_km) // 2]
    if len(positions_km) > 1:
        for position in positions_km:
            lost = np.flatnonzero(np.isnan(states[0]))
            states[:3, lost] = position[:, lost]
        for x, y, z in positions_km:
            _kernels.follow_farthest(x, y, z, *states)
        np.sqrt(states[3], out=states[3])
    return states


def _split_groups(tree: CellTree, threads: int) -> list[tuple[int, int]]:
    """Split the last level's groups into tasks of about as many cells."""
    groups = len(tree.parent_start) - 1
    tasks = 1 if threads == 1 else min(groups, TASKS_A_THREAD * threads)
    bounds = np.unique(np.searchsorted(tree.parent_start, np.linspace(0, len(tree), tasks + 1)))
    bounds[0], bounds[-1] = 0, groups
    return [(int(first), int(last)) for first, last in pairwise(bounds)]


def share_out(function: Callable[[Item], Result], items: Sequence[Item], threads: int) -> list[Result]:
    """Apply a function that leaves the interpreter free to all items, in threads where there are several."""
    if threads == 1 or len(items) == 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(max_workers=threads) as pool:
        return list(pool.map(function, items))
