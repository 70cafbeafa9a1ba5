"""Laser links between satellites: which is linked with which (topologies), and whether a link can carry.

A topology is a plain function from a fleet at one instant to a table of neighbours; write your own with the same signature. Which
satellite of a real network is linked with which is not public: every topology here is an assumption. Links are chosen once for a while
(the twin's ``relink_s``); in each slot a link carries only while it is short enough and its line of sight clears the atmosphere.

References
----------
Lasers reach 5,400 km and a line of sight must clear 80 km: reported (see docs/models/network.md).
+Grid: Handley, "Delay is Not an Option" (HotNets 2018); Bhattacherjee and Singla, "Network topology design at 27,000 km/hour"
(CoNEXT 2019).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from overflight.earth.geodesy import WGS84_EQUATORIAL_RADIUS_KM, WGS84_FLATTENING, ecef_to_geodetic
from overflight.errors import InputError, ScenarioError

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

ISL_RANGE_KM = 5400.0
ISL_CLEARANCE_KM = 80.0
MAX_HEADING_DEG = 30.0
MAX_DEGREE = 4

_CROSS_CANDIDATES = 3
_EVEN = 1.25
_NEAR_CANDIDATES = 8


@dataclass(frozen=True, slots=True, eq=False)
class TopologyInput:
    """A fleet at the instant when its links are chosen, and the limits to keep to.

    Attributes
    ----------
    positions_km
        Satellites in ITRF, shape (3, n); a satellite with NaN gets no link that depends on where it is.
    shell, plane, slot
        Where each satellite belongs, shape (n,); -1 where that is unknown. Slots count up in the direction of flight.
    velocities_km_s
        Velocities in ITRF, shape (3, n), or None: then links do not depend on which way satellites fly.
    max_range_km
        Longest link.
    clearance_km
        Least height of the line of sight above the ellipsoid.
    max_heading_deg
        Greatest angle between the velocities of two linked satellites of different planes: satellites that fly alike stay near each
        other. Assumed.
    scope
        Whether links join satellites of one shell only.
    """

    positions_km: Floats
    shell: npt.NDArray[np.int16]
    plane: npt.NDArray[np.int16]
    slot: npt.NDArray[np.int16]
    velocities_km_s: Floats | None = None
    max_range_km: float = ISL_RANGE_KM
    clearance_km: float = ISL_CLEARANCE_KM
    max_heading_deg: float = MAX_HEADING_DEG
    scope: Literal["per-shell", "whole-fleet"] = "per-shell"

    def __len__(self) -> int:
        return int(self.positions_km.shape[1])


Topology = Callable[[TopologyInput], Indices]
"""From a fleet to its links: int32 of shape (n, k), row i the satellites linked with i, padded with -1, symmetric."""


def no_links(fleet: TopologyInput) -> Indices:
    """Link nothing: every satellite is a bent pipe. Shape (n, 0)."""
    return np.empty((len(fleet), 0), np.int32)


def plus_grid(fleet: TopologyInput, *, pairing: Literal["fitted", "same-slot"] = "fitted") -> Indices:
    """Link each satellite with the next and the last of its plane, and with one in either adjacent plane of its shell. Shape (n, 4).

    Where all planes of a shell hold as many satellites, evenly spaced, that is the same slot of the adjacent plane, or the slot a fixed
    shift away if that more than halves the links (Walker's phasing adds up to some slots between the last plane and the first). Elsewhere
    the pairs of adjacent planes are matched by distance, the shortest first, within the fleet's limits. Planes are adjacent in the order
    of their numbers, the last with the first, unless they fly against each other (the seam of a Walker star).

    Parameters
    ----------
    fleet
        Satellites; those without shell, plane or slot get no link.
    pairing
        ``same-slot`` never shifts and never looks for a seam: Hypatia's rule, for complete shells.
    """
    ring_a, ring_b = _ring_pairs(fleet)
    cross_a, cross_b, _ = _cross_pairs(fleet, pairing=pairing)
    n = len(fleet)
    chosen = _accept(cross_a, n + cross_b, np.ones(2 * n, np.int32))
    return neighbours_from_pairs(np.append(ring_a, cross_a[chosen]), np.append(ring_b, cross_b[chosen]), n, width=4)


def three_link(fleet: TopologyInput) -> Indices:
    """Link each satellite with the next and the last of its plane, and with one in one of the adjacent planes. Shape (n, 3).

    Of pairs that slots fix, those with an even sum of plane and slot come first; of others, the shortest.
    """
    ring_a, ring_b = _ring_pairs(fleet)
    cross_a, cross_b, paired = _cross_pairs(fleet, pairing="fitted")
    n = len(fleet)
    later = paired & ((fleet.plane[cross_a].astype(np.int64) + fleet.slot[cross_a]) % 2 == 1)
    order = np.argsort(later, kind="stable")
    cross_a, cross_b = cross_a[order], cross_b[order]
    chosen = _accept(cross_a, cross_b, np.ones(n, np.int32))
    return neighbours_from_pairs(np.append(ring_a, cross_a[chosen]), np.append(ring_b, cross_b[chosen]), n, width=3)


def nearest_links(fleet: TopologyInput, *, degree: int = MAX_DEGREE) -> Indices:
    """Link the nearest satellites that fly alike, the shortest links first, at most `degree` for each. Shape (n, degree).

    Needs no planes or slots: it works on any real fleet. Candidates are the eight nearest of each satellite within the fleet's limits.
    """
    from overflight.network._matching import pair_nearest

    n = len(fleet)
    valid = np.flatnonzero(np.isfinite(fleet.positions_km).all(axis=0))
    shell = fleet.shell[valid] if fleet.scope == "per-shell" else np.zeros(valid.size, np.int16)
    member = valid[np.argsort(shell, kind="stable")]
    starts = np.concatenate([[0], np.cumsum(np.unique(shell, return_counts=True)[1])])
    points_km, headings, least_cosine = _points(fleet, np.arange(n))
    pairs, square = np.empty((2, n * _NEAR_CANDIDATES), np.int64), np.empty(n * _NEAR_CANDIDATES)
    count = pair_nearest(points_km, headings, least_cosine, member, starts, fleet.max_range_km, _NEAR_CANDIDATES, pairs, square)
    a, b = pairs[:, _order_shortest(square[:count])]
    clear = _is_clear(fleet.positions_km[:, a], fleet.positions_km[:, b], fleet.clearance_km)
    a, b = a[clear], b[clear]
    chosen = _accept(a, b, np.full(n, degree, np.int32))
    return neighbours_from_pairs(a[chosen], b[chosen], n, width=degree)


TOPOLOGIES: dict[str, Topology] = {"none": no_links, "plus-grid": plus_grid, "three-link": three_link, "nearest": nearest_links}
"""Topologies by name."""


def find_topology(name: str) -> Topology:
    """Look a built-in topology up.

    Raises
    ------
    ScenarioError
        If there is none of that name; the message lists those there are.
    """
    try:
        return TOPOLOGIES[name]
    except KeyError:
        msg = f"topology '{name}': unknown; take one of {', '.join(TOPOLOGIES)}"
        raise ScenarioError(msg) from None


def neighbours_from_pairs(a: npt.ArrayLike, b: npt.ArrayLike, n: int, *, width: int | None = None) -> Indices:
    """Turn pairs of linked satellites into a symmetric table of neighbours, ascending in each row.

    Parameters
    ----------
    a, b
        The pairs; each may be given in either direction or both, links of a satellite with itself are left out.
    n
        Number of satellites.
    width
        Columns of the table; by default as many as the best-linked satellite needs.

    Raises
    ------
    InputError
        If a satellite is out of range or has more links than `width`.
    """
    ends_a, ends_b = np.asarray(a, dtype=np.int64).ravel(), np.asarray(b, dtype=np.int64).ravel()
    if ends_a.size and not (min(ends_a.min(), ends_b.min()) >= 0 and max(ends_a.max(), ends_b.max()) < n):
        msg = f"links: a satellite outside 0..{n - 1}; rows count from 0"
        raise InputError(msg)
    other = ends_a != ends_b
    keys = _sort_unique(np.append(ends_a[other] * n + ends_b[other], ends_b[other] * n + ends_a[other]))
    start, to = np.divmod(keys, max(n, 1))
    degrees = np.bincount(start, minlength=n)
    most = int(degrees.max(initial=0))
    if width is not None and most > width:
        msg = f"links: satellite {int(np.argmax(degrees))} has {most} links, more than {width}; leave some out or allow more"
        raise InputError(msg)
    neighbours = np.full((n, most if width is None else width), -1, np.int32)
    neighbours[start, np.arange(start.size) - np.repeat(np.cumsum(degrees) - degrees, degrees)] = to
    return neighbours


def check_neighbours(neighbours: npt.ArrayLike, n: int) -> Indices:
    """Check a table of neighbours, such as a topology of one's own returns, and return it as contiguous int32.

    Raises
    ------
    InputError
        If its shape does not fit n satellites, or a row names a satellite that does not exist, itself, one twice, or one that does not
        name it back.
    """
    from overflight.network._kernels import find_wrong_row

    table = np.ascontiguousarray(neighbours, dtype=np.int32)
    if table.ndim != 2 or table.shape[0] != n:
        msg = f"neighbours: shape {table.shape}; give ({n}, k), padded with -1"
        raise InputError(msg)
    row = int(find_wrong_row(table))
    if row >= 0:
        msg = f"neighbours: row {row} names itself, one twice, or one that does not exist or does not name it back; make it symmetric"
        raise InputError(msg)
    return table


def line_of_sight_height_km(a_km: Floats, b_km: Floats) -> Floats:
    """Least height of the straight line between two positions above the WGS-84 ellipsoid, kilometres.

    Parameters
    ----------
    a_km, b_km
        Positions in ITRF, shape (3, ...), broadcast against each other.

    Notes
    -----
    The lowest point is found where the line passes nearest to the centre once the polar axis is stretched to make the ellipsoid a sphere.
    """
    a, b = np.broadcast_arrays(np.asarray(a_km, dtype=np.float64), np.asarray(b_km, dtype=np.float64))
    stretch = np.array([1.0, 1.0, axis_ratio(ISL_CLEARANCE_KM)]).reshape(3, *(1,) * (a.ndim - 1))
    start, step = a * stretch, (b - a) * stretch
    square = (step * step).sum(axis=0)
    along = np.clip(-(start * step).sum(axis=0) / np.where(square > 0.0, square, 1.0), 0.0, 1.0)
    return np.asarray(ecef_to_geodetic(a + along * (b - a))[2] * 1e-3)


def measure_isl_km(positions_km: Floats, neighbours: Indices) -> Floats:
    """Length of the link to each neighbour at one instant, shape (n, k); NaN where there is none. Positions (3, n)."""
    return np.asarray(isl_lengths_km(positions_km[None], neighbours)[0])


def isl_lengths_km(positions_km: Floats, neighbours: Indices, *, threads: int = 1) -> Floats:
    """Length of the link to each neighbour over time.

    Parameters
    ----------
    positions_km
        Shape (nt, 3, n), ITRF or any other frame.
    neighbours
        Shape (n, k), padded with -1.
    threads
        How many threads share the slots; the result does not depend on it.

    Returns
    -------
    ndarray
        Shape (nt, n, k), kilometres; NaN where there is no link.
    """
    from overflight.network._kernels import measure_links

    positions = np.ascontiguousarray(positions_km, dtype=np.float64)
    table = np.ascontiguousarray(neighbours, dtype=np.int32)
    length_km = np.empty((positions.shape[0], *table.shape))
    bounds = np.linspace(0, positions.shape[0], threads + 1).astype(int)
    with ThreadPoolExecutor(max_workers=threads) as pool:
        parts = [slice(first, stop) for first, stop in pairwise(bounds)]
        list(pool.map(lambda part: measure_links(positions[part], table, length_km[part]), parts))
    return length_km


def link_is_feasible(
    positions_km: Floats, neighbours: Indices, *, max_range_km: float = ISL_RANGE_KM, clearance_km: float | None = ISL_CLEARANCE_KM
) -> Bools:
    """Whether each link can carry at one instant: no longer than the limit, and its line of sight clear of the atmosphere.

    Parameters
    ----------
    positions_km
        Shape (3, n), ITRF.
    neighbours
        Shape (n, k), padded with -1.
    max_range_km, clearance_km
        The limits; None for no least height. Two records of one satellite (a millimetre apart) are no link.

    Returns
    -------
    ndarray
        bool, shape (n, k).
    """
    a = positions_km[:, :, None]
    b = positions_km[:, np.maximum(neighbours, 0)]
    length_km = np.sqrt(((b - a) ** 2).sum(axis=0))
    carries = (neighbours >= 0) & (length_km <= max_range_km) & (length_km > 1e-6)
    if clearance_km is not None:
        carries &= _is_clear(np.broadcast_to(a, b.shape), b, clearance_km)
    return np.asarray(carries)


def _is_clear(a_km: Floats, b_km: Floats, clearance_km: float) -> Bools:
    """Whether lines of sight stay outside the ellipsoid `clearance_km` above WGS-84 (as `weigh_links` has it)."""
    clear_km, flatten = WGS84_EQUATORIAL_RADIUS_KM + clearance_km, axis_ratio(clearance_km)
    x, y, z = a_km[0], a_km[1], a_km[2] * flatten
    dx, dy, dz = b_km[0] - a_km[0], b_km[1] - a_km[1], (b_km[2] - a_km[2]) * flatten
    square = dx * dx + dy * dy + dz * dz
    along = x * dx + y * dy + z * dz
    behind = (x * x + y * y + z * z - clear_km * clear_km) * square < along * along
    return np.asarray(~((along < 0.0) & (along + square > 0.0) & behind))


def axis_ratio(height_km: float) -> float:
    """Axes of the ellipsoid `height_km` above WGS-84, equatorial over polar."""
    polar_km = WGS84_EQUATORIAL_RADIUS_KM * (1.0 - WGS84_FLATTENING)
    return (WGS84_EQUATORIAL_RADIUS_KM + height_km) / (polar_km + height_km)


def _sort_unique(keys: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    ordered = np.sort(keys)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if keys.size else keys


def _order_shortest(square: Floats) -> npt.NDArray[np.int64]:
    """Order of squared lengths, to a millionth of a square kilometre, equals as they come: the same on any machine, unlike a quick sort."""
    bits = int(square.size).bit_length()
    scale = 2.0 ** (61 - bits) / max(float(square.max(initial=1.0)), 1.0)
    keys = ((square * scale).astype(np.int64) << bits) | np.arange(square.size)
    return np.sort(keys) & ((1 << bits) - 1)


def _accept(port_a: npt.NDArray[np.int64], port_b: npt.NDArray[np.int64], free: Indices) -> Bools:
    from overflight.network._matching import accept_in_order

    accepted = np.empty(port_a.size, np.bool_)
    accept_in_order(port_a, port_b, free, accepted)
    return accepted


def _planes(fleet: TopologyInput) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Satellites that belong to a plane, ordered by shell, plane and slot, and where each plane starts in that list (and the last ends)."""
    member = np.flatnonzero((fleet.shell >= 0) & (fleet.plane >= 0) & (fleet.slot >= 0))
    order = member[np.lexsort((fleet.slot[member], fleet.plane[member], fleet.shell[member]))]
    new = np.flatnonzero((np.diff(fleet.shell[order]) != 0) | (np.diff(fleet.plane[order]) != 0)) + 1
    return order, np.concatenate([[0], new, [order.size]]) if order.size else np.zeros(1, np.int64)


def _ring_pairs(fleet: TopologyInput) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Each satellite with the next one of its plane, round the plane."""
    order, starts = _planes(fleet)
    return order, order[_following(starts)]


def _following(starts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """For each place in a list of planes, the place of the next satellite round the plane."""
    following = np.arange(starts[-1]) + 1
    following[starts[1:] - 1] = starts[:-1]
    return following


def _cross_pairs(
    fleet: TopologyInput, *, pairing: Literal["fitted", "same-slot"]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Bools]:
    """Pairs that may be linked across adjacent planes, the preferred first, and whether slots fix a pair (or it is only near)."""
    order, starts = _planes(fleet)
    fixed_a, fixed_b = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    target = np.full(starts.size - 1, -1, np.int64)
    sizes, shell_of = np.diff(starts), fleet.shell[order[starts[:-1]]]
    normals, evenness = _describe_planes(fleet.positions_km[:, order], starts)
    for shell in np.unique(shell_of):
        members = np.flatnonzero(shell_of == shell)
        steps = list(pairwise(members.tolist()))
        if members.size > 2:  # two planes are adjacent once, not twice
            steps.append((int(members[-1]), int(members[0])))
        even = pairing == "same-slot" or (sizes[members].min() == sizes[members].max() and bool((evenness[members] <= _EVEN).all()))
        for a, b in steps:
            if pairing == "fitted" and normals[:, a] @ normals[:, b] < 0.0:
                continue
            if even:
                plane_a, plane_b = order[starts[a] : starts[a + 1]], order[starts[b] : starts[b + 1]]
                shift = _best_shift(fleet.positions_km, plane_a, plane_b) if pairing == "fitted" else 0
                fixed_a.append(plane_a)
                fixed_b.append(np.roll(plane_b, -shift))
            else:
                target[a] = b
    near_a, near_b = _near_pairs(fleet, order, starts, target)
    fixed = np.concatenate(fixed_a)
    paired = np.zeros(fixed.size + near_a.size, np.bool_)
    paired[: fixed.size] = True
    return np.append(fixed, near_a), np.append(np.concatenate(fixed_b), near_b), paired


def _describe_planes(ordered_km: Floats, starts: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Of each plane, the direction of its normal (in the sense of flight) and the greatest over the least gap between its satellites."""
    if starts.size < 2:
        return np.empty((3, 0)), np.empty(0)
    x, y, z = ordered_km
    u, v, w = ordered_km[:, _following(starts)]
    areas = np.nan_to_num(np.stack([y * w - z * v, z * u - x * w, x * v - y * u]))
    gaps = np.sqrt((u - x) ** 2 + (v - y) ** 2 + (w - z) ** 2)
    widest, least = np.maximum.reduceat(gaps, starts[:-1]), np.minimum.reduceat(gaps, starts[:-1])
    return np.add.reduceat(areas, starts[:-1], axis=1), np.where(least > 0.0, widest / np.where(least > 0.0, least, 1.0), np.inf)


def _best_shift(positions_km: Floats, a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> int:
    """Shift of slots between two even planes: none, unless another more than halves the mean length of the links."""
    slots = np.arange(b.size)
    between_km = np.sqrt(((positions_km[:, a, None] - positions_km[:, None, b]) ** 2).sum(axis=0))
    lengths = between_km[slots, (slots[:, None] + slots) % b.size].mean(axis=1)
    best = int(np.argmin(np.round(lengths, 6)))
    return best if lengths[best] < 0.5 * lengths[0] else 0


def _near_pairs(
    fleet: TopologyInput, order: npt.NDArray[np.int64], starts: npt.NDArray[np.int64], target: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For planes with a target plane: each satellite with its nearest three over there, the shortest pairs first."""
    from overflight.network._matching import find_nearest_in_rows

    plane = np.repeat(np.arange(target.size), np.diff(starts))
    asking = np.flatnonzero(target[plane] >= 0)
    among = target[plane[asking]]
    points_km, headings, least_cosine = _points(fleet, order)
    near, square = np.empty((asking.size, _CROSS_CANDIDATES), np.int32), np.empty((asking.size, _CROSS_CANDIDATES))
    first, stop = starts[among], starts[among + 1]
    find_nearest_in_rows(*points_km, *headings, least_cosine, asking, first, stop, fleet.max_range_km, near, square)
    found = near >= 0
    a = order[np.broadcast_to(asking[:, None], near.shape)[found]]
    b = order[near[found]]
    clear = _is_clear(fleet.positions_km[:, a], fleet.positions_km[:, b], fleet.clearance_km)
    nearest_first = _order_shortest(square[found][clear])
    return a[clear][nearest_first], b[clear][nearest_first]


def _points(fleet: TopologyInput, rows: npt.NDArray[np.int64]) -> tuple[Floats, Floats, float]:
    """Positions and directions of flight of some satellites, and the least cosine between two directions that may be linked."""
    points_km = np.ascontiguousarray(fleet.positions_km[:, rows])
    if fleet.velocities_km_s is None:
        return points_km, np.zeros_like(points_km), -2.0
    velocity = fleet.velocities_km_s[:, rows]
    headings = np.ascontiguousarray(velocity / np.sqrt((velocity * velocity).sum(axis=0)))
    return points_km, headings, float(np.cos(np.radians(fleet.max_heading_deg)))
