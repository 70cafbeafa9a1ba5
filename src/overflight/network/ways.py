"""Ways: over which lasers and which gateway each satellite's traffic reaches each PoP, slot by slot.

A way is a sum of delays: over lasers and the feeder link at the speed of light in vacuum, then over fibre from the gateway to the PoP. The
built-in routings are exact: the sums they find equal those of Dijkstra's algorithm to the last bit (`fewest_hops`: to 1e-9 ms).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.earth.geodesy import LIGHT_SPEED_KM_S, WGS84_EQUATORIAL_RADIUS_KM
from overflight.errors import InputError, ScenarioError
from overflight.network import _kernels
from overflight.network._rows import LANES, QUAD
from overflight.network.gateways import GroundSegment
from overflight.network.isl import ISL_CLEARANCE_KM, ISL_RANGE_KM, axis_ratio, check_neighbours, link_is_feasible, measure_isl_km

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]

NO_WAY = int(_kernels.NO_WAY)
"""Next hop of a satellite from which no way leads to the PoP."""

MS_PER_KM = 1e3 / LIGHT_SPEED_KM_S
"""Delay of a kilometre in vacuum."""

_HOP_PENALTY_MS = 4096.0
"""More than the delay of any way: sums of penalty and delay then compare by hops first, by delay second."""

BUCKET_MS = 0.3
"""Satellites whose delays differ by less may be relaxed in any order."""


@dataclass(frozen=True, slots=True)
class LinkState:
    """What a routing of one's own is given: one slot of the network.

    Attributes
    ----------
    positions_km
        Satellites in ITRF, shape (3, n).
    neighbours
        Linked satellites, int32, shape (n, k), padded with -1.
    isl_delay_ms
        One-way delay over each of these links, shape (n, k); infinite where the link does not carry in this slot.
    down_delay_ms
        Least delay straight down through a gateway in reach and on to each PoP, shape (n_pops, n); infinite where there is none.
    down_gateway
        That gateway, int32, shape (n_pops, n); -1 where there is none.
    """

    positions_km: Floats
    neighbours: Indices
    isl_delay_ms: Floats
    down_delay_ms: Floats
    down_gateway: Indices


class SlotWays(NamedTuple):
    """The ways of one slot: what a routing returns.

    Attributes
    ----------
    delay_ms
        One-way delay from each satellite to each PoP, shape (n_pops, n); infinite where there is no way.
    next_hop
        int32, shape (n_pops, n): the next satellite (0 and up), ``-1 - g`` for down to gateway g, or `NO_WAY`.
    """

    delay_ms: Floats
    next_hop: Indices


Routing = Callable[[LinkState], SlotWays]
"""A routing of one's own: a function from the state of the links in one slot to the ways."""


class Followed(NamedTuple):
    """Ways followed to their ends, one row per satellite asked for.

    Attributes
    ----------
    delay_ms
        One-way delay from the satellite to the PoP; infinite where there is no way.
    propagation_ms
        The part in space: lasers and feeder link.
    feeder_ms
        The feeder link alone.
    backhaul_ms
        The part on the ground: fibre from the gateway to the PoP.
    isl_hops
        Lasers on the way.
    gateway
        Where it comes down; -1 where there is no way.
    """

    delay_ms: Floats
    propagation_ms: Floats
    feeder_ms: Floats
    backhaul_ms: Floats
    isl_hops: Indices
    gateway: Indices


class Hop(NamedTuple):
    """One step of a route: the node it leads to, and the delay of the link that leads there.

    Attributes
    ----------
    kind
        ``"satellite"``, ``"gateway"``, ``"pop"``, ``"site"`` (an end of a path).
    row
        Row of the node in its table.
    delay_ms
        One-way delay from the node before; 0 for the first.
    """

    kind: str
    row: int
    delay_ms: float


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """The ways of a block of slots, from every satellite to every PoP.

    Attributes
    ----------
    positions_km
        Satellites in ITRF, shape (nt, 3, n).
    ground
        Gateways and backhaul.
    """

    positions_km: Floats
    ground: GroundSegment
    _delay: Floats
    _next_hop: Indices

    def __len__(self) -> int:
        return int(self.positions_km.shape[0])

    def __getitem__(self, slot: int) -> SlotWays:
        """Ways of one slot, counted from the start of the block (views, not copies)."""
        if not 0 <= slot < len(self):
            msg = f"slot {slot}: the block has slots 0 to {len(self) - 1}"
            raise IndexError(msg)
        pops, n = self.ground.backhaul_ms.shape[0], self.positions_km.shape[2]
        group, lane = divmod(slot, LANES)
        delay, hop = (rows[group].reshape(pops, n + 1, LANES)[:, :n, lane] for rows in (self._delay, self._next_hop))
        return SlotWays(delay, hop)

    def follow(self, slots: npt.ArrayLike, pops: npt.ArrayLike, satellites: npt.ArrayLike) -> Followed:
        """Follow ways to their ends; the three arguments broadcast against each other to shape (m,).

        Raises
        ------
        InputError
            If an index is out of range, or the next hops of a routing of one's own lead round in a circle.
        """
        asked = np.broadcast_arrays(*(np.asarray(index, dtype=np.int64) for index in (slots, pops, satellites)))
        slot, pop, satellite = (index.flatten() for index in asked)
        n_pops, n = self.ground.backhaul_ms.shape[0], self.positions_km.shape[2]
        for name, index, count in (("slot", slot, len(self)), ("PoP", pop, n_pops), ("satellite", satellite, n)):
            if index.size and not (index.min() >= 0 and index.max() < count):
                msg = f"ways: a {name} outside 0..{count - 1}; indices count from 0 within the block"
                raise InputError(msg)
        gateway, hops = np.empty(slot.size, np.int32), np.empty(slot.size, np.int32)
        isl_km, feeder_km = np.empty(slot.size), np.empty(slot.size)
        _kernels.follow_ways(
            self.positions_km, self._next_hop, slot, pop, satellite, self.ground.sites.ecef_km, gateway, hops, isl_km, feeder_km
        )
        if (gateway == -2).any():
            msg = f"ways: from satellite {satellite[np.argmax(gateway == -2)]} the next hops lead round in a circle; mend the routing"
            raise InputError(msg)
        found = gateway >= 0
        propagation_ms = np.where(found, (isl_km + feeder_km) * MS_PER_KM, np.inf)
        feeder_ms = feeder_km * MS_PER_KM
        backhaul_ms = np.where(found, self.ground.backhaul_ms[pop, np.maximum(gateway, 0)], np.inf)
        delay_ms = self._delay[slot // LANES, pop, satellite * LANES + slot % LANES]
        return Followed(delay_ms, propagation_ms, feeder_ms, backhaul_ms, np.where(found, hops, 0).astype(np.int32), gateway)


def find_ways(
    positions_km: Floats,
    neighbours: Indices,
    ground: GroundSegment,
    *,
    routing: str | Routing = "least-delay",
    isl_range_km: float = ISL_RANGE_KM,
    isl_clearance_km: float | None = ISL_CLEARANCE_KM,
    max_isl_hops: int | None = None,
    may_land: npt.NDArray[np.bool_] | None = None,
    threads: int = 1,
) -> Ways:
    """Find the ways from every satellite to every PoP in a block of slots.

    Parameters
    ----------
    positions_km
        Satellites in ITRF, shape (nt, 3, n), NaN where a satellite has no state. Memory is about 12 bytes per slot, PoP and satellite:
        give long times in blocks. Slots advance in groups of 8: blocks of a multiple of 8 waste nothing.
    neighbours
        Linked satellites, int32, shape (n, k), padded with -1 (see `overflight.network.isl`); ``k = 0`` for none.
    ground
        Gateways, their masks, and the backhaul to each PoP.
    routing
        ``"least-delay"``, ``"fewest-hops"`` (the fewest lasers, then the least delay), or a function of your own.
    isl_range_km
        A laser carries up to this length.
    isl_clearance_km
        Its line of sight must clear the ellipsoid by this height; None for no such limit.
    max_isl_hops
        A way with more lasers than this is dropped: traffic sent along the tree would be discarded after so many.
    may_land
        Whether each satellite may come down itself on the way to each PoP, shape (nt, n_pops, n); by default any in a gateway's reach may.
    threads
        How many threads share the groups of slots. The result does not depend on it.

    Raises
    ------
    InputError
        If a shape, an index, the routing's name or a limit cannot be used.
    """
    positions = np.ascontiguousarray(positions_km, dtype=np.float64)
    if positions.ndim != 3 or positions.shape[1] != 3:
        msg = f"positions_km: shape {positions.shape}; give (nt, 3, n)"
        raise InputError(msg)
    links = check_neighbours(neighbours, positions.shape[2])
    if threads < 1 or (max_isl_hops is not None and max_isl_hops < 0) or not isl_range_km >= 0.0:
        msg = f"ways: threads={threads}, max_isl_hops={max_isl_hops}, isl_range_km={isl_range_km}; give positive values"
        raise InputError(msg)
    if may_land is not None and may_land.shape != (positions.shape[0], ground.backhaul_ms.shape[0], positions.shape[2]):
        msg = f"may_land: shape {may_land.shape}; give one truth per slot, PoP and satellite"
        raise InputError(msg)
    own = find_routing(routing) if isinstance(routing, str) else routing
    groups, pops, n = -(-positions.shape[0] // LANES), ground.backhaul_ms.shape[0], positions.shape[2]
    delay, next_hop = make_rows(groups, pops, n + 1), np.empty((groups, pops, (n + 1) * LANES), np.int32)
    work = _Work(
        positions,
        links,
        Links(links, isl_range_km=isl_range_km, isl_clearance_km=isl_clearance_km),
        ground,
        isl_range_km,
        isl_clearance_km,
        may_land,
        delay,
        next_hop,
    )
    share = -(-groups // threads)
    parts = [range(first, min(first + share, groups)) for first in range(0, groups, share)] if groups else []
    if len(parts) == 1:
        _solve_groups(work, parts[0], own, max_isl_hops)
    else:
        with ThreadPoolExecutor(max_workers=threads) as pool:
            list(pool.map(lambda part: _solve_groups(work, part, own, max_isl_hops), parts))
    return Ways(positions, ground, delay, next_hop)


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """A block as its groups share it."""

    positions_km: Floats
    neighbours: Indices
    links: "Links"
    ground: GroundSegment
    isl_range_km: float
    isl_clearance_km: float | None
    may_land: npt.NDArray[np.bool_] | None
    delay: Floats
    next_hop: Indices


def make_rows(*shape: int) -> Floats:
    """Room for rows on boundaries of 64 bytes: a row that lies across two cache lines costs twice."""
    *outer, count = shape
    size = int(np.prod(outer, dtype=np.int64)) * count * LANES
    raw = np.empty(size + 7)
    shift = (-raw.ctypes.data % 64) // 8
    return raw[shift : shift + size].reshape(*outer, count * LANES)


def _solve_groups(work: _Work, part: range, routing: Routing, max_isl_hops: int | None) -> None:
    """Solve consecutive groups of slots, each starting from the order that the one before found."""
    n, pops = work.positions_km.shape[2], work.delay.shape[1]
    net = work.links
    weight = net.make_weights()
    penalty_ms = next((penalty for compiled, penalty in _COMPILED if compiled is routing), None)
    x_km, y_km, z_km = make_rows(n), make_rows(n), make_rows(n)
    middle_km = np.empty((3, n))
    orders = np.empty((pops, n), np.int32)
    sines = np.where(work.ground.min_elevation_deg <= -90.0, -2.0, np.sin(np.radians(work.ground.min_elevation_deg)))
    backhaul = make_rows(pops * len(work.ground))
    backhaul[:] = np.repeat(work.ground.backhaul_ms.ravel(), LANES)
    for group in part:
        _kernels.fill_rows(work.positions_km, group * LANES, x_km, y_km, z_km)
        margin_km, radius_km = _kernels.find_reach_margin(x_km, y_km, z_km, middle_km)
        delay, next_hop = work.delay[group], work.next_hop[group]
        _kernels.seed_delays(
            x_km, y_km, z_km, middle_km, margin_km, radius_km, work.ground.sites.ecef_km, work.ground.sites.up, sines,
            work.ground.max_range_km, MS_PER_KM, backhaul, delay, next_hop,
        )  # fmt: skip
        if work.may_land is not None:
            _close_landings(delay, next_hop, work.may_land[group * LANES : (group + 1) * LANES])
        if penalty_ms is None:
            _apply_routing(work, group, routing)
        elif net.quads and max_isl_hops != 0:
            net.weigh(x_km, y_km, z_km, penalty_ms, weight)
            _kernels.grow_trees(
                delay, net.neighbour, net.link_of, weight, net.quads, orders, group != part[0], BUCKET_MS + penalty_ms / 16.0, next_hop
            )
            if penalty_ms:
                np.fmod(delay, penalty_ms, out=delay, where=np.isfinite(delay))
        if max_isl_hops is not None:
            _drop_long_ways(delay, next_hop, max_isl_hops)


def _close_landings(delay: Floats, next_hop: Indices, may_land: npt.NDArray[np.bool_]) -> None:
    """Take the way straight down from satellites that may not land, in place."""
    lanes, pops, n = may_land.shape
    closed = ~may_land.transpose(1, 2, 0)
    delay.reshape(pops, n + 1, LANES)[:, :n, :lanes][closed] = np.inf
    next_hop.reshape(pops, n + 1, LANES)[:, :n, :lanes][closed] = NO_WAY


class Links:
    """Links in the kernels' form: neighbours in quads padded with a satellite that nobody reaches, and numbered links.

    Parameters
    ----------
    neighbours
        Checked table of neighbours.
    isl_range_km, isl_clearance_km
        Limits of a link.
    """

    def __init__(self, neighbours: Indices, *, isl_range_km: float, isl_clearance_km: float | None) -> None:
        n, k = neighbours.shape
        self.quads = -(-k // QUAD)
        self._range_km = isl_range_km
        self._clear_km = 0.0 if isl_clearance_km is None else WGS84_EQUATORIAL_RADIUS_KM + isl_clearance_km
        self._flatten = 1.0 if isl_clearance_km is None else axis_ratio(isl_clearance_km)
        padded = np.full((n, self.quads * QUAD), n, np.int32)
        padded[:, :k] = np.where(neighbours < 0, n, neighbours)
        self.neighbour = padded.ravel()
        link_of, ends_a, ends_b = np.empty_like(padded), np.empty(n * k, np.int32), np.empty(n * k, np.int32)
        count = _kernels.number_links(neighbours, ends_a, ends_b, link_of)
        self.link_of = link_of.ravel()
        self._ends_a, self._ends_b = ends_a[:count].copy(), ends_b[:count].copy()

    def make_weights(self) -> Floats:
        """Room for a row per link, and one for no link, which never carries."""
        weight = make_rows(self._ends_a.size + 1)
        weight[:] = np.inf
        return weight

    def weigh(self, x_km: Floats, y_km: Floats, z_km: Floats, per_link_ms: float, weight: Floats) -> None:
        """Fill the rows of link weights for a group: delay plus `per_link_ms`, infinite where a link does not carry."""
        ends_a, ends_b = self._ends_a, self._ends_b
        _kernels.weigh_links(
            x_km, y_km, z_km, ends_a, ends_b, self._flatten, self._clear_km, self._range_km, MS_PER_KM, per_link_ms, weight
        )


def _apply_routing(work: _Work, group: int, routing: Routing) -> None:
    """Let a routing of one's own replace the seeds of a group, slot by slot."""
    pops, n = work.delay.shape[1], work.positions_km.shape[2]
    delay = work.delay[group].reshape(pops, n + 1, LANES)[:, :n]
    next_hop = work.next_hop[group].reshape(pops, n + 1, LANES)[:, :n]
    for lane in range(min(LANES, work.positions_km.shape[0] - group * LANES)):
        down = next_hop[:, :, lane]
        found = routing(_link_state(work, group * LANES + lane, delay[:, :, lane].copy(), np.where(down == NO_WAY, -1, -1 - down)))
        for name, array in (("delay_ms", found.delay_ms), ("next_hop", found.next_hop)):
            if np.shape(array) != (pops, n):
                msg = f"routing: {name} has shape {np.shape(array)}; return ({pops}, {n})"
                raise InputError(msg)
        hops = np.asarray(found.next_hop)
        if not ((hops == NO_WAY) | ((hops < n) & (hops >= -len(work.ground)))).all():
            msg = "routing: a next hop that is neither a satellite, a gateway (-1 - g) nor NO_WAY"
            raise InputError(msg)
        delay[:, :, lane], next_hop[:, :, lane] = found.delay_ms, hops


def _link_state(work: _Work, slot: int, down_delay_ms: Floats, down_gateway: Indices) -> LinkState:
    positions = work.positions_km[slot]
    carries = link_is_feasible(positions, work.neighbours, max_range_km=work.isl_range_km, clearance_km=work.isl_clearance_km)
    delay_ms = np.where(carries, measure_isl_km(positions, work.neighbours) * MS_PER_KM, np.inf)
    return LinkState(positions, work.neighbours, delay_ms, down_delay_ms, down_gateway.astype(np.int32))


def _drop_long_ways(delay: Floats, next_hop: Indices, max_isl_hops: int) -> None:
    """Take away the ways with more lasers than allowed, in place."""
    pops = delay.shape[0]
    hop = next_hop.reshape(pops, -1, LANES)
    at, steps = hop, 0
    while steps < max_isl_hops and (at >= 0).any():
        at = np.where(at >= 0, np.take_along_axis(hop, np.maximum(at, 0), axis=1), at)
        steps += 1
    too_long = at.reshape(pops, -1) >= 0
    delay[too_long], next_hop[too_long] = np.inf, NO_WAY


def trace_route(ways: Ways, slot: int, satellite: int, pop: int) -> list[Hop]:
    """List the nodes from a satellite to a PoP with the delay of each link; empty where there is no way."""
    followed = ways.follow(slot, pop, satellite)
    if followed.gateway[0] < 0:
        return []
    next_hop, positions_km = ways[slot].next_hop[pop], ways.positions_km[slot]
    route = [Hop("satellite", satellite, 0.0)]
    at = satellite
    while (hop := int(next_hop[at])) >= 0:
        route.append(Hop("satellite", hop, float(np.linalg.norm(positions_km[:, hop] - positions_km[:, at])) * MS_PER_KM))
        at = hop
    gateway = -1 - hop
    feeder_km = float(np.linalg.norm(positions_km[:, at] - ways.ground.sites.ecef_km[:, gateway]))
    route.append(Hop("gateway", gateway, feeder_km * MS_PER_KM))
    route.append(Hop("pop", pop, float(ways.ground.backhaul_ms[pop, gateway])))
    return route


def least_delay(state: LinkState) -> SlotWays:
    """Route by least delay, slot by slot in plain NumPy: the rule of ``"least-delay"`` to read, to test against and to start from."""
    return _relax_slot(state, state.isl_delay_ms)


def fewest_hops(state: LinkState) -> SlotWays:
    """Route by fewest lasers and then least delay, slot by slot in plain NumPy: the rule of ``"fewest-hops"``."""
    ways = _relax_slot(state, state.isl_delay_ms + _HOP_PENALTY_MS)
    return SlotWays(np.fmod(ways.delay_ms, _HOP_PENALTY_MS, out=ways.delay_ms, where=np.isfinite(ways.delay_ms)), ways.next_hop)


ROUTINGS: dict[str, Routing] = {"least-delay": least_delay, "fewest-hops": fewest_hops}
"""Routings by name. `find_ways` runs these two compiled; the functions here give the same ways, slowly."""

_COMPILED: tuple[tuple[Routing, float], ...] = ((least_delay, 0.0), (fewest_hops, _HOP_PENALTY_MS))
"""Routings that the kernels run, and what they add to the delay of a laser."""


def find_routing(name: str) -> Routing:
    """Look a built-in routing up.

    Raises
    ------
    ScenarioError
        If there is none of that name; the message lists those there are.
    """
    try:
        return ROUTINGS[name]
    except KeyError:
        msg = f"routing '{name}': unknown; take one of {', '.join(ROUTINGS)}"
        raise ScenarioError(msg) from None


def _relax_slot(state: LinkState, weight: Floats) -> SlotWays:
    """Bellman and Ford: all satellites ask all neighbours until nothing changes."""
    delay = state.down_delay_ms.copy()
    next_hop = np.where(state.down_gateway < 0, NO_WAY, -1 - state.down_gateway).astype(np.int32)
    neighbours, satellites = np.maximum(state.neighbours, 0), np.arange(delay.shape[1])
    while state.neighbours.shape[1]:
        offers = np.where(state.neighbours < 0, np.inf, delay[:, neighbours] + weight)
        side = np.argmin(offers, axis=2)
        least = np.take_along_axis(offers, side[:, :, None], axis=2)[:, :, 0]
        lower = least < delay
        if not lower.any():
            break
        delay = np.where(lower, least, delay)
        next_hop = np.where(lower, neighbours[satellites, side], next_hop).astype(np.int32)
    return SlotWays(delay, next_hop)
