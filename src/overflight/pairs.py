"""Usable pairs: which satellites may serve which cells in a block of slots, with all that a choice among them may ask."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.earth.geodesy import Sites
from overflight.measure.accesses import count_accesses_started
from overflight.schedule.selection import remaining_slots
from overflight.sky.arc import arc_separation_deg
from overflight.sky.obstruction import ObstructionMask
from overflight.sky.visibility import CellTree, VisibleSeries, find_visible_series, pair_angles

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Usable pairs of a block: flat arrays over all its slots, sorted by slot, cell and satellite."""

    slots: int
    cells: int
    slot: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    """Where each slot begins, shape (slots + 1,)."""
    cell: Integers
    satellite: Integers
    azimuth_deg: Floats
    elevation_deg: Floats
    range_km: Floats
    arc_separation_deg: Floats
    remaining_s: Floats

    def count(self, counted: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Pairs that count, by slot and cell."""
        key = (self.slot * self.cells + self.cell)[counted]
        return np.bincount(key, minlength=self.slots * self.cells).reshape(self.slots, self.cells)


class Found(NamedTuple):
    """What a block of slots has: counts of shape (slots, cells), and the pairs that may serve."""

    satellites_in_view: npt.NDArray[np.int64]
    accesses_started: npt.NDArray[np.int64]
    pairs: Pairs


@dataclass(frozen=True, slots=True)
class PairRules:
    """What makes a pair usable.

    Attributes
    ----------
    mask_deg
        Least elevation.
    arc_avoidance_deg
        Least angle to the visible geostationary arc.
    obstruction
        What stands around a terminal; None for nothing.
    step_s
        Length of a slot.
    look_ahead
        Slots after a block over which remaining access is counted; 0: it is not counted, and one slot stands for it.
    """

    mask_deg: float
    arc_avoidance_deg: float
    obstruction: ObstructionMask | None
    step_s: float
    look_ahead: int = 0


class PairFinder:
    """Finds the usable pairs of some cells, block by block.

    Parameters
    ----------
    sites, cell_ids
        The cells, in H3 order, shape (cells,).
    rules
        What makes a pair usable.
    groups
        How many parts the cells are worked on in, one after the other: look-ahead makes series much longer than blocks.
    threads
        The result does not depend on it.
    """

    def __init__(self, sites: Sites, cell_ids: npt.NDArray[np.uint64], rules: PairRules, *, groups: int = 1, threads: int = 1) -> None:
        bounds = np.linspace(0, len(cell_ids), int(np.clip(groups, 1, max(len(cell_ids), 1))) + 1).round().astype(np.int64)
        self._groups = [_Group.of(sites, cell_ids, slice(int(first), int(last))) for first, last in pairwise(bounds)]
        self._rules, self._threads = rules, threads

    def find(self, positions_km: Floats, *, slots: int, behind: int = 0) -> Found:
        """Find the pairs of a block.

        Parameters
        ----------
        positions_km
            Satellites in ITRF, shape (behind + slots + look_ahead, 3, n).
        slots
            Slots of the block.
        behind
            Slots before it, for counting the accesses that start in its first.
        """
        of_block = slice(behind, behind + slots)
        in_view, started, usable = [], [], []
        for group in self._groups:
            visible = find_visible_series(group.tree, positions_km, min_elevation_deg=self._rules.mask_deg, threads=self._threads)
            in_view.append(visible.counts[of_block])
            started.append(count_accesses_started(visible.indptr, visible.satellite)[of_block])
            usable.append(self._usable_pairs(group, _from_slot(visible, behind), positions_km[behind:], slots))
        return Found(np.concatenate(in_view, axis=1), np.concatenate(started, axis=1), _join_pairs(usable))

    def _usable_pairs(self, group: "_Group", visible: VisibleSeries, positions_km: Floats, slots: int) -> Pairs:
        """Pairs of a group's cells that stand clear of the geostationary arc and of obstructions.

        Remaining access counts usable pairs, in these slots and those of the look-ahead, which are then dropped.
        """
        rules, sites = self._rules, group.sites
        azimuth, elevation, distance = pair_angles(sites, positions_km, visible, threads=self._threads)
        counts = visible.counts
        series, cells = counts.shape
        cell = np.repeat(np.tile(np.arange(cells, dtype=np.int32), series), counts.ravel())
        separation = self._shared(arc_separation_deg, sites.lat_deg[cell], azimuth, elevation)
        usable = separation >= rules.arc_avoidance_deg
        if rules.obstruction is not None:
            usable &= rules.obstruction.clears(azimuth, elevation)
        chosen = np.flatnonzero(usable)
        remaining_s = np.full(len(chosen), rules.step_s)
        if rules.look_ahead:
            indptr = np.concatenate([[0], np.cumsum(usable)])[visible.indptr]
            remaining_s *= remaining_slots(indptr, visible.satellite[chosen])
        chosen = chosen[: np.searchsorted(chosen, visible.indptr[slots - 1, -1])]
        slot = np.repeat(np.arange(series), counts.sum(axis=1))[chosen]
        return Pairs(
            slots=slots,
            cells=cells,
            slot=slot,
            start=_find_starts(slot, slots),
            cell=cell[chosen] + np.int32(group.first),
            satellite=visible.satellite[chosen],
            azimuth_deg=azimuth[chosen],
            elevation_deg=elevation[chosen],
            range_km=distance[chosen],
            arc_separation_deg=separation[chosen],
            remaining_s=remaining_s[: len(chosen)],
        )

    def _shared(self, function: Callable[..., Floats], *columns: Floats) -> Floats:
        """Apply an element-wise function with all threads."""
        bounds = np.linspace(0, len(columns[0]), 4 * self._threads + 1).astype(np.int64)
        with ThreadPoolExecutor(max_workers=self._threads) as pool:
            parts = pool.map(lambda k: function(*(column[bounds[k] : bounds[k + 1]] for column in columns)), range(len(bounds) - 1))
            return np.concatenate(list(parts))


@dataclass(frozen=True, slots=True)
class _Group:
    """Some of the cells, one after the other: those whose pairs are worked on at a time."""

    first: int
    sites: Sites
    tree: CellTree

    @classmethod
    def of(cls, whole: Sites, cell_ids: npt.NDArray[np.uint64], rows: slice) -> "_Group":
        """Take some rows of the cells; their columns are views, so that no coordinate is computed anew."""
        sites = Sites(whole.lat_deg[rows], whole.lon_deg[rows], whole.height_m[rows], whole.ecef_km[:, rows], whole.up[:, rows])
        return cls(rows.start, sites, CellTree(sites, cell_ids=cell_ids[rows]))


def _join_pairs(parts: list[Pairs]) -> Pairs:
    """Put the pairs of groups of cells together, in the order of one group of them all."""
    if len(parts) == 1:
        return parts[0]
    slots, slot = parts[0].slots, np.concatenate([part.slot for part in parts])
    order = np.argsort(slot, kind="stable")
    columns = ("cell", "satellite", "azimuth_deg", "elevation_deg", "range_km", "arc_separation_deg", "remaining_s")
    joined = {name: np.concatenate([getattr(part, name) for part in parts])[order] for name in columns}
    slot = slot[order]
    return Pairs(slots=slots, cells=sum(part.cells for part in parts), slot=slot, start=_find_starts(slot, slots), **joined)


def _find_starts(slot: npt.NDArray[np.int64], slots: int) -> npt.NDArray[np.int64]:
    return np.searchsorted(slot, np.arange(slots + 1))


def _from_slot(visible: VisibleSeries, first: int) -> VisibleSeries:
    """The series without its first slots."""
    begin = int(visible.indptr[first, 0])
    return VisibleSeries(visible.indptr[first:] - begin, visible.satellite[begin:])
