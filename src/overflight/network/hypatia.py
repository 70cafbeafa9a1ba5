"""Hypatia's conventions, as a named mode: its reach by slant range, its forwarding state, its node numbers.

Hypatia is the field's reference simulator. Its satellites are reachable up to a slant range (not above an elevation), its links have no
limit of their own, ground stations stand only at the ends of a path, the least distance wins, and the round-trip time is ``2 d / c``.
Nodes are numbered satellites first, then ground stations. Positions: SGP4, TEME turned by GMST with UT1 = UTC and no polar motion.

References
----------
Kassing et al., "Exploring the 'Internet from space' with Hypatia", IMC 2020.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from overflight.earth.geodesy import Sites
from overflight.network import _kernels
from overflight.network._rows import LANES
from overflight.network.isl import check_neighbours
from overflight.network.routes import PathRules
from overflight.network.ways import BUCKET_MS, MS_PER_KM, Links, make_rows

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]


def hypatia_rules(max_range_km: float) -> PathRules:
    """Rules of a path by Hypatia's conventions, given the greatest slant range of its ground links."""
    return PathRules(min_elevation_deg=-90.0, max_range_km=max_range_km, isl_range_km=np.inf, isl_clearance_km=None)


@dataclass(frozen=True, slots=True, eq=False)
class ForwardingBlock:
    """Forwarding states of consecutive steps.

    Attributes
    ----------
    steps, satellites, sites
        How many there are of each.
    """

    steps: int
    satellites: int
    sites: int
    _next_hop: list[Indices]

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> Indices:
        """State of a step, counted from the start of the block: next hop from each node (row) to each ground station (column).

        int32, shape (n + sites, sites); nodes are numbered satellites first; -1 where there is no way, and from a station to itself.
        """
        if not 0 <= step < self.steps:
            msg = f"step {step}: the block has steps 0 to {self.steps - 1}"
            raise IndexError(msg)
        group, lane = divmod(step, LANES)
        rows = self._next_hop[group].reshape(self.sites, self.satellites + self.sites, LANES)
        return rows[:, :, lane].T


def stream_forwarding(
    position_blocks: Iterable[Floats], neighbours: npt.ArrayLike, sites: Sites, *, max_range_km: float, threads: int = 1
) -> Iterator[ForwardingBlock]:
    """Compute the next hop of every node to every ground station, step by step.

    Parameters
    ----------
    position_blocks
        Satellites in ITRF, arrays of shape (steps, 3, n), one after the other; memory is that of one block's states, 4 bytes per step,
        node and station.
    neighbours
        Linked satellites, int32, shape (n, k), padded with -1.
    sites
        The ground stations.
    max_range_km
        Greatest slant range of a ground link.
    threads
        How many threads share a block; the result does not depend on it.

    Yields
    ------
    ForwardingBlock
        The states of each block.
    """
    links: Links | None = None
    with ThreadPoolExecutor(max_workers=threads) as pool:
        orders: dict[int, Indices] = {}
        for block in position_blocks:
            positions = np.ascontiguousarray(block, dtype=np.float64)
            if links is None:
                links = Links(check_neighbours(neighbours, positions.shape[2]), isl_range_km=np.inf, isl_clearance_km=None)
            groups = range(-(-positions.shape[0] // LANES))
            share = max(1, -(-len(groups) // threads))
            parts = [groups[first : first + share] for first in range(0, len(groups), share)]
            work = partial(_solve_part, positions, links, sites, max_range_km, orders)
            solved = pool.map(work, parts)
            states = [state for part in solved for state in part]
            yield ForwardingBlock(positions.shape[0], positions.shape[2], len(sites), states)


def _solve_part(
    positions_km: Floats, links: Links, sites: Sites, max_range_km: float, orders: dict[int, Indices], part: range
) -> list[Indices]:
    """Solve consecutive groups of steps. `orders` keeps, per part, the order to relax in; the states do not depend on it."""
    n, count = positions_km.shape[2], len(sites)
    x_km, y_km, z_km, middle_km = make_rows(n), make_rows(n), make_rows(n), np.empty((3, n))
    has_order = part.start in orders
    order = orders.setdefault(part.start, np.empty((count, n), np.int32))
    sines, longest_km = np.full(count, -2.0), np.full(count, max_range_km)
    room, starts, weight = 64 * count, np.empty(count + 1, np.int64), links.make_weights()
    states = []
    for group in part:
        _kernels.fill_rows(positions_km, group * LANES, x_km, y_km, z_km)
        margin_km, radius_km = _kernels.find_reach_margin(x_km, y_km, z_km, middle_km)
        in_reach, slant = np.empty(room, np.int32), make_rows(room)
        seen = (x_km, y_km, z_km, middle_km, margin_km, radius_km, sites.ecef_km, sites.up, sines, longest_km, MS_PER_KM)
        while not _kernels.list_slants(*seen, starts, in_reach, slant):
            room *= 4
            in_reach, slant = np.empty(room, np.int32), make_rows(room)
        links.weigh(x_km, y_km, z_km, 0.0, weight)
        next_hop = np.empty((count, (n + count) * LANES), np.int32)
        _kernels.grow_forwarding(
            starts, in_reach, slant, links.neighbour, links.link_of, weight, links.quads, order, has_order, BUCKET_MS, next_hop
        )
        has_order = True
        states.append(next_hop)
    return states
