"""Which satellites stand above the mask of which sites: exact on WGS-84, found by descending a tree of sites.

A satellite S is visible from a site p with unit normal n of the ellipsoid when ``(S - p)·n >= sin(mask) |S - p|``. Sites are grouped in
a tree (by H3 index, or by a grid on the cube); a group keeps only the satellites that can be seen from some point of it, by the bound

    (S - C)·N + |dn| D + max (C - p)·n >= sin(mask) (D - max |p - C|),   D = |S - C|,

which is necessary for every site of the group (C, N: mean position and normal; |dn|: largest difference of normals). Only the survivors
are tested, each pair exactly, in float64.

References
----------
Uber H3, *Indexing*: https://h3geo.org/docs/core-library/h3Indexing (every ancestor of sorted cells owns a contiguous range).
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from overflight.earth.geodesy import Sites
from overflight.errors import InputError
from overflight.sky import _kernels
from overflight.sky.angles import local_axes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Item = TypeVar("Item")
Result = TypeVar("Result")

_BLOCK_SLOTS = 8
"""Most slots that share one walk down the tree: satellites move 120 km in 15 s, so that sharing costs candidates, which sites test."""

_CUBE_BITS = 10
_CUBE_LEVELS = (1, 3, 5, 7)
"""Grids of the cube used as levels: squares of 45°, 11°, 2.8° and 0.7°."""

_ROUNDING_KM = 1e-6
"""Added to every bound of a group, far above the rounding of coordinates."""


@dataclass(frozen=True, slots=True)
class Visible:
    """Visible satellites at one instant, by site.

    Attributes
    ----------
    indptr
        int64, shape (n_sites + 1,): site ``s`` sees ``satellite[indptr[s]:indptr[s + 1]]``.
    satellite
        int32, shape (pairs,): column of the satellite in the positions, ascending for each site.
    """

    indptr: Ints
    satellite: npt.NDArray[np.int32]

    def of_site(self, site: int) -> npt.NDArray[np.int32]:
        """Satellites that one site sees, ascending."""
        return self.satellite[self.indptr[site] : self.indptr[site + 1]]

    @property
    def counts(self) -> Ints:
        """Satellites in view, shape (n_sites,)."""
        return np.diff(self.indptr)


@dataclass(frozen=True, slots=True)
class VisibleSeries:
    """Visible satellites at several instants, by instant and site.

    Attributes
    ----------
    indptr
        int64, shape (nt, n_sites + 1): at instant ``k`` site ``s`` sees ``satellite[indptr[k, s]:indptr[k, s + 1]]``.
    satellite
        int32, shape (pairs,), ascending for each instant and site; instants follow one another.
    """

    indptr: Ints
    satellite: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.indptr)

    def at(self, instant: int) -> Visible:
        """What is seen at one instant; its ``satellite`` is a view."""
        row = self.indptr[instant]
        return Visible(row - row[0], self.satellite[row[0] : row[-1]])

    @property
    def counts(self) -> Ints:
        """Satellites in view, shape (nt, n_sites)."""
        return np.diff(self.indptr, axis=1)


@dataclass(frozen=True, slots=True)
class _Level:
    """Groups of one level: first site of each (in the tree's order) and their shapes."""

    start: Ints
    shape: Floats


@dataclass(frozen=True, slots=True)
class _Marked:
    """A block of slots and a range of the last level's groups: candidates of each group, and which of them each site sees."""

    slots: tuple[int, int]
    parents: tuple[int, int]
    indptr: Ints
    ids: npt.NDArray[np.int32]
    marks: npt.NDArray[np.uint8]


class CellTree:
    """Sites grouped for `find_visible`. Building one takes about 0.1 µs a site and level; it depends on no mask and no time.

    Parameters
    ----------
    sites
        Any points of the ground, in any order; results come in this order.
    cell_ids
        H3 indexes of the sites (uint64, one resolution), if they are cells: the groups are then their ancestors. Without it the groups
        are squares of a grid on a cube around the Earth.

    Raises
    ------
    InputError
        If the indexes are not as many as the sites.
    """

    def __init__(self, sites: Sites, *, cell_ids: npt.NDArray[np.uint64] | None = None) -> None:
        self.sites = sites
        keys = _h3_keys(cell_ids, len(sites)) if cell_ids is not None else None
        if keys is None:
            keys = _cube_keys(sites)
        ids, shifts = keys
        self.order = np.argsort(ids, kind="stable").astype(np.int64)
        ids = ids[self.order]
        self.ecef_km = np.ascontiguousarray(sites.ecef_km[:, self.order])
        self.up = np.ascontiguousarray(sites.up[:, self.order])
        levels = [_group(self.ecef_km, self.up, ids >> np.uint64(shift)) for shift in shifts]
        levels = _drop_idle(levels)
        self.level_start = np.concatenate([[0], np.cumsum([len(level.start) for level in levels])]).astype(np.int64)
        self.nodes = np.ascontiguousarray(np.concatenate([level.shape for level in levels], axis=1))
        self.node_parent = _find_parents(levels)
        self.parent_start = np.append(levels[-1].start, len(sites)).astype(np.int64)
        self._starts = [level.start for level in levels]

    def __len__(self) -> int:
        return len(self.sites)

    def mask_sines(self, min_elevation_deg: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Sine of the mask of each site, in the order of the tree, and the smallest below each group.

        Raises
        ------
        InputError
            If there is neither one mask nor one for each site, or one is not within -90 to 90 degrees.
        """
        mask_deg = np.asarray(min_elevation_deg, dtype=np.float64)
        if mask_deg.shape not in {(), (len(self),)}:
            msg = f"min_elevation_deg: shape {mask_deg.shape}; give one value, or one for each of the {len(self)} sites"
            raise InputError(msg)
        if not np.all(np.abs(mask_deg) <= 90.0):
            msg = f"min_elevation_deg: {mask_deg[~(np.abs(mask_deg) <= 90.0)].flat[0]} is not an elevation; give degrees from -90 to 90"
            raise InputError(msg)
        sine = np.sin(np.radians(mask_deg))
        if not mask_deg.shape:
            return np.full(len(self), sine), np.full(self.nodes.shape[1], sine)
        sine = sine[self.order]
        return sine, np.concatenate([np.minimum.reduceat(sine, start) for start in self._starts])


def find_visible(tree: CellTree, positions_km: Floats, *, min_elevation_deg: npt.ArrayLike, threads: int = 1) -> Visible:
    """List the satellites at or above the mask of every site at one instant.

    Parameters
    ----------
    tree
        The sites.
    positions_km
        Satellites in ITRF, shape (3, n), kilometres; NaN: never visible.
    min_elevation_deg
        Elevation mask, degrees, one value or one for each site.
    threads
        Threads to use; the result does not depend on it.

    Raises
    ------
    InputError
        If shapes do not fit or a mask is not within -90 to 90 degrees.
    """
    positions = np.asarray(positions_km, dtype=np.float64)
    if positions.ndim != 2:
        msg = f"positions_km: shape {positions.shape}; give (3, satellites), or use find_visible_series for several instants"
        raise InputError(msg)
    series = find_visible_series(tree, positions[None], min_elevation_deg=min_elevation_deg, threads=threads)
    return Visible(series.indptr[0], series.satellite)


def find_visible_series(tree: CellTree, positions_km: Floats, *, min_elevation_deg: npt.ArrayLike, threads: int = 1) -> VisibleSeries:
    """List the satellites at or above the mask of every site at several instants.

    As `find_visible`, with ``positions_km`` of shape (nt, 3, n). Instants near each other in time are faster, any will do.
    """
    positions = np.ascontiguousarray(positions_km, dtype=np.float64)
    if positions.ndim != 3 or positions.shape[1] != 3:
        msg = f"positions_km: shape {positions.shape}; give (instants, 3, satellites)"
        raise InputError(msg)
    n_times, n_sites = len(positions), len(tree)
    sine, node_sine = tree.mask_sines(min_elevation_deg)
    indptr = np.zeros((n_times, n_sites + 1), dtype=np.int64)
    if n_times == 0 or n_sites == 0:
        return VisibleSeries(indptr, np.empty(0, dtype=np.int32))
    search = _Search(tree, positions, node_sine, sine * np.abs(sine), indptr)
    step = _choose_block(n_sites, tree.nodes.shape[1])
    blocks = [(start, min(start + step, n_times)) for start in range(0, n_times, step)]
    states = _share_out(search.find_references, blocks, threads)
    parts = _split_parents(tree, threads, len(blocks))
    tasks = [(block, state, part) for block, state in zip(blocks, states, strict=True) for part in parts]
    marked = _share_out(lambda task: search.mark(*task), tasks, threads)
    np.cumsum(indptr.ravel(), out=indptr.ravel())
    satellite = np.empty(int(indptr[-1, -1]), dtype=np.int32)
    _share_out(lambda found: search.write(found, satellite), marked, threads)
    return VisibleSeries(indptr, satellite)


def pair_angles(sites: Sites, positions_km: Floats, visible: Visible | VisibleSeries, *, threads: int = 1) -> tuple[Floats, Floats, Floats]:
    """Azimuth (degrees, 0 north, clockwise), elevation (degrees) and range (km) of every visible pair, each shape (pairs,).

    ``sites`` and ``positions_km`` are those given to `find_visible` (3, n) or `find_visible_series` (nt, 3, n).

    Raises
    ------
    InputError
        If sites or positions do not fit the pairs.
    """
    series = visible if isinstance(visible, VisibleSeries) else VisibleSeries(visible.indptr[None], visible.satellite)
    positions = np.ascontiguousarray(positions_km, dtype=np.float64)
    positions = positions if isinstance(visible, VisibleSeries) else positions[None]
    if positions.ndim != 3 or positions.shape[:2] != (len(series), 3) or series.indptr.shape[1] != len(sites) + 1:
        msg = f"positions_km of shape {np.shape(positions_km)}, {len(sites)} sites: give those that the visible pairs were found with"
        raise InputError(msg)
    azimuth_deg, elevation_deg, range_km = (np.empty(len(series.satellite)) for _ in range(3))
    east, north = local_axes(sites)

    def measure(block: tuple[int, int]) -> None:
        _kernels.angles_of_pairs(
            sites.ecef_km, east, north, sites.up, positions, series.indptr, series.satellite, *block, azimuth_deg, elevation_deg, range_km
        )

    step = max(1, -(-len(series) // (4 * max(threads, 1))))
    _share_out(measure, [(start, min(start + step, len(series))) for start in range(0, len(series), step)], threads)
    return azimuth_deg, elevation_deg, range_km


@dataclass(frozen=True, slots=True)
class _Search:
    """One search: its arrays, and the compiled steps on them."""

    tree: CellTree
    positions: Floats
    node_sine: Floats
    square: Floats
    indptr: Ints

    def find_references(self, slots: tuple[int, int]) -> Floats:
        """One position of each satellite for a block of slots (NaN: no state in any), and the farthest it is from it: shape (4, n)."""
        block = self.positions[slots[0] : slots[1]]
        states = np.zeros((4, block.shape[2]))
        states[:3] = block[len(block) // 2]
        for position in block:
            lost = np.flatnonzero(np.isnan(states[:3].sum(axis=0)))
            if lost.size == 0:
                break
            states[:3, lost] = position[:, lost]
        if len(block) > 1:
            for x, y, z in block:
                _kernels.follow_farthest(x, y, z, *states)
            np.sqrt(states[3], out=states[3])
        return states

    def mark(self, slots: tuple[int, int], states: Floats, parents: tuple[int, int]) -> _Marked:
        """Mark what each site sees among the candidates of its group, and count it into ``indptr``."""
        tree = self.tree
        indptr, ids = _kernels.candidates_of_groups(tree.nodes, self.node_sine, tree.node_parent, tree.level_start, *parents, *states)
        sites = np.diff(tree.parent_start[parents[0] : parents[1] + 1])
        room = int(((np.diff(indptr) + 7) // 8 * 8 * sites).sum()) * (slots[1] - slots[0])
        marks = np.empty(room, dtype=np.uint8)
        _kernels.mark_visible(
            tree.parent_start,
            tree.order,
            tree.ecef_km,
            tree.up,
            self.square,
            self.positions,
            *slots,
            *parents,
            indptr,
            ids,
            marks,
            self.indptr,
        )
        return _Marked(slots, parents, indptr, ids, marks)

    def write(self, found: _Marked, satellite: npt.NDArray[np.int32]) -> None:
        """List what each site sees at the place that ``indptr`` gives."""
        tree = self.tree
        _kernels.list_marked(
            tree.parent_start, tree.order, *found.slots, *found.parents, found.indptr, found.ids, found.marks, self.indptr, satellite
        )


def _share_out(function: Callable[[Item], Result], items: Sequence[Item], threads: int) -> list[Result]:
    """Apply a function that leaves the interpreter free to every item, in threads where that helps."""
    if threads <= 1 or len(items) == 1:
        return [function(item) for item in items]
    size = -(-len(items) // (4 * threads))
    chunks = [items[start : start + size] for start in range(0, len(items), size)]
    with ThreadPoolExecutor(max_workers=threads) as pool:
        return [result for results in pool.map(lambda chunk: [function(item) for item in chunk], chunks) for result in results]


def _choose_block(n_sites: int, n_groups: int) -> int:
    """Slots that share a walk: many where walks cost most (few sites to a group), one where tests do (thousands of sites)."""
    if 2 * n_groups >= n_sites:
        return _BLOCK_SLOTS
    return _BLOCK_SLOTS // 2 if n_sites < 2000 else 1


def _split_parents(tree: CellTree, threads: int, n_blocks: int) -> list[tuple[int, int]]:
    """Split the last level's groups among threads, where there are too few blocks of slots to share out."""
    n_parents = len(tree.parent_start) - 1
    parts = min(n_parents, 1 if n_blocks >= 2 * threads else 4 * threads)
    bounds = np.unique(np.searchsorted(tree.parent_start, np.linspace(0, len(tree), parts + 1)))
    bounds[0], bounds[-1] = 0, n_parents
    return [(int(a), int(b)) for a, b in pairwise(bounds)]


def _h3_keys(cell_ids: npt.NDArray[np.uint64], n_sites: int) -> tuple[npt.NDArray[np.uint64], list[int]] | None:
    """H3 indexes and the shifts that lead to their ancestors; None where resolutions are mixed."""
    ids = np.asarray(cell_ids, dtype=np.uint64)
    if ids.shape != (n_sites,):
        msg = f"cell_ids: {ids.size} indexes for {n_sites} sites; give one for each"
        raise InputError(msg)
    resolutions = np.unique((ids >> np.uint64(52)) & np.uint64(15))
    if len(resolutions) != 1:
        return None
    resolution = int(resolutions[0])
    ancestors = sorted({0, *(level for level in (2, resolution - 2) if 0 <= level < resolution)})
    return ids, [3 * (15 - level) for level in ancestors]


def _cube_keys(sites: Sites) -> tuple[npt.NDArray[np.uint64], list[int]]:
    """Place of each site on an equiangular grid of a cube's faces, in Morton order, and the shifts that lead to coarser grids."""
    direction = sites.up
    axis = np.argmax(np.abs(direction), axis=0)
    columns = np.arange(len(sites))
    major, first, second = (direction[(axis + turn) % 3, columns] for turn in range(3))
    face = axis * 2 + (major < 0.0)
    key = face.astype(np.uint64) << np.uint64(2 * _CUBE_BITS)
    for place, minor in enumerate((first, second)):
        index = np.clip((np.arctan(minor / np.abs(major)) / np.pi * 2.0 + 0.5) * 2**_CUBE_BITS, 0, 2**_CUBE_BITS - 1).astype(np.uint64)
        for bit in range(_CUBE_BITS):
            key |= ((index >> np.uint64(bit)) & np.uint64(1)) << np.uint64(2 * bit + place)
    return key, [2 * (_CUBE_BITS - level) for level in _CUBE_LEVELS]


def _group(ecef_km: Floats, up: Floats, keys: npt.NDArray[np.uint64]) -> _Level:
    """Group sites of equal keys: mean position and normal (6 rows), then |dn|, max (C - p)·n and max |p - C|."""
    first = np.ones(len(keys), dtype=np.bool_)
    first[1:] = keys[1:] != keys[:-1]
    start = np.flatnonzero(first).astype(np.int64)
    size = np.diff(np.append(start, len(keys)))
    centre, normal = (np.add.reduceat(rows, start, axis=1) / size for rows in (ecef_km, up))
    offset = np.repeat(centre, size, axis=1) - ecef_km
    tilt = np.linalg.norm(np.repeat(normal, size, axis=1) - up, axis=0)
    bounds = [tilt + _ROUNDING_KM / 1e3, (offset * up).sum(axis=0) + _ROUNDING_KM, np.linalg.norm(offset, axis=0) + _ROUNDING_KM]
    return _Level(start, np.stack([*centre, *normal, *(np.maximum.reduceat(bound, start) for bound in bounds)]))


def _drop_idle(levels: list[_Level]) -> list[_Level]:
    """Leave out levels that group as the next finer one does."""
    kept = [level for level, finer in pairwise(levels) if len(level.start) < len(finer.start)]
    return [*kept, levels[-1]]


def _find_parents(levels: list[_Level]) -> Ints:
    """Node one level up of every node; -1 for the first level."""
    parents = [np.full(len(levels[0].start), -1, dtype=np.int64)]
    first = 0
    for coarser, level in pairwise(levels):
        parents.append(np.searchsorted(coarser.start, level.start, side="right").astype(np.int64) - 1 + first)
        first += len(coarser.start)
    return np.concatenate(parents)
