"""Landings: from which satellite, down to which gateways, the traffic of each satellite for each PoP comes.

A landing rule is a plain function from the state of one slot to the landings. Those built in are ``"least-delay"``, ``"hot-potato"`` and
``"load-aware"``; anyone may pass their own::

    def highest_capacity(state: LandingState) -> Landings:
        ...

What none can override: traffic reaches the satellite it comes down from along the next hops of its PoP; only what a rule gives a landing
has a way; loads never exceed capacities, whatever the rule hoped for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.errors import InputError, ScenarioError

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]
Offsets = npt.NDArray[np.int64]

UNIT_MBPS = 2_600.0
"""Traffic is split in units of one beam of a feeder link: 20.8 Gbit/s over 8 beams (reported)."""

MOST_UNITS = 16
"""No traffic of one satellite to one PoP is split finer."""

COMFORTABLE = 0.8
"""The load-aware rule leaves traffic on its way of least delay while nothing on the ground side of it is fuller than this (assumed)."""

ROUNDS = 3
"""How often the load-aware rule reconsiders all units."""

GATEWAYS_PER_SATELLITE = 2
"""Gateways that the load-aware rule lets a satellite come down to at a time (assumed)."""


class Reach(NamedTuple):
    """Gateways in reach of each satellite.

    Attributes
    ----------
    indptr
        Bounds of each satellite's list, int64, shape (satellites + 1,).
    gateway
        The lists, each ascending, int32.
    delay_ms
        One-way delay of each feeder link.
    """

    indptr: Offsets
    gateway: Indices
    delay_ms: Floats


class Landings(NamedTuple):
    """Where traffic comes down: for each row of traffic a list of places and the share of it that each takes.

    Attributes
    ----------
    indptr
        Bounds of each row's list, int64, shape (traffic + 1,); an empty list: no way.
    satellite
        The satellite it comes down from: its own or one on the way along the next hops, int32.
    gateway
        Where it comes down, int32.
    share
        Part of the row's traffic, above 0; the shares of a row add up to 1.
    """

    indptr: Offsets
    satellite: Indices
    gateway: Indices
    share: Floats


@dataclass(frozen=True, slots=True)
class LandingState:
    """What a landing rule is given: the traffic and the links of one slot. One row of traffic per satellite and PoP, sorted by both.

    Attributes
    ----------
    satellite, pop
        Satellite whose beams carry the traffic, and the PoP it is bound for, int32, shape (traffic,).
    offered_mbps
        What the flows would bring if only beams, demands and the satellite held them back, shape (traffic,).
    next_hop
        The ways, shape (n_pops, satellites): the next satellite (0 and up), ``-1 - g`` for down to gateway g; anything lower: no way.
    reach
        Gateways in reach of each satellite.
    backhaul_ms
        One-way delay from each gateway to each PoP, shape (n_pops, gateways); infinite where it does not serve the PoP.
    gateway_mbps
        Capacity of each gateway, shape (gateways,).
    feeder_mbps
        Capacity of each feeder link in reach, row by row as in ``reach.gateway``.
    landing_mbps
        What each satellite can bring down over all its feeder links, shape (satellites,).
    """

    satellite: Indices
    pop: Indices
    offered_mbps: Floats
    next_hop: Indices
    reach: Reach
    backhaul_ms: Floats
    gateway_mbps: Floats
    feeder_mbps: Floats
    landing_mbps: Floats


Landing = Callable[[LandingState], Landings]
"""A landing rule: a function from the state of one slot to the landings."""


def least_delay(state: LandingState) -> Landings:
    """Come down where the next hops say."""
    return _land(state, early=False)


def hot_potato(state: LandingState) -> Landings:
    """Come down as soon as possible.

    The satellite whose beams carry the traffic lands it at the nearest gateway in reach from which fibre leads to the PoP; where there is
    none, the first satellite on the way that has one does.
    """
    return _land(state, early=True)


@dataclass(frozen=True, slots=True)
class LoadAware:
    """The rule ``"load-aware"``: split the traffic over the gateways in reach, the least used first.

    The traffic of each row is cut in units. A unit stays on the way of least delay while gateway, feeder link and landing satellite are
    comfortable with it; otherwise it takes, of all gateways in reach of the satellites on its way, the one at which the fullest of the
    three is emptiest. Only a satellite and a gateway that have a link already, or an aerial free each, come into question; where there
    are none, the unit goes the way of least delay. Rows with the fewest choices go first; then all units reconsider, a few times. The
    order of rows is that of their numbers, so the result is the same on any machine.

    Attributes
    ----------
    unit_mbps
        Size of a unit, Mbit/s.
    comfortable
        Up to this share of a capacity nothing moves; 0: always the least used.
    rounds
        How often all units reconsider.
    gateways_per_satellite
        A satellite comes down to at most so many gateways at a time (its feeder aerials).
    satellites_per_gateway
        A gateway follows at most so many satellites at a time (its dishes); None: only its capacity counts.
    """

    unit_mbps: float = UNIT_MBPS
    comfortable: float = COMFORTABLE
    rounds: int = ROUNDS
    gateways_per_satellite: int = GATEWAYS_PER_SATELLITE
    satellites_per_gateway: int | None = None

    def __post_init__(self) -> None:
        links, dishes = self.gateways_per_satellite, self.satellites_per_gateway
        counted = self.rounds >= 0 and links >= 1 and (dishes is None or dishes >= 1)
        if not (self.unit_mbps > 0.0 and self.comfortable >= 0.0 and counted):
            settings = (
                f"unit of {self.unit_mbps} Mbit/s, comfortable up to {self.comfortable}, {self.rounds} rounds, {links} and {dishes} links"
            )
            msg = f"load-aware landing: {settings}; give positive values"
            raise ScenarioError(msg)

    def __call__(self, state: LandingState) -> Landings:
        """Land the traffic of one slot."""
        from overflight.flow import _path_kernels as kernels

        rows, gateways = len(state.satellite), state.backhaul_ms.shape[1]
        where = (state.satellite, state.pop, state.next_hop, gateways, state.reach.indptr, state.reach.gateway, state.backhaul_ms)
        indptr, none = np.empty(rows + 1, np.int64), np.empty(0, np.int32)
        if not kernels.list_choices(*where, indptr, none, none, none):
            raise InputError(_ROUND)
        down_from, down_to, pair = (np.empty(indptr[-1], np.int32) for _ in range(3))
        kernels.list_choices(*where, indptr, down_from, down_to, pair)
        units, chosen = np.empty(rows, np.int64), np.empty((rows, MOST_UNITS), np.int64)
        kernels.spread_units(
            state.offered_mbps, self.unit_mbps, MOST_UNITS, self.rounds, self.comfortable,
            self.gateways_per_satellite, len(state.landing_mbps) if self.satellites_per_gateway is None else self.satellites_per_gateway,
            indptr, down_from, down_to, pair, state.gateway_mbps, state.feeder_mbps, state.landing_mbps, units, chosen,
        )  # fmt: skip
        bounds, size = np.empty(rows + 1, np.int64), int(units.sum())
        satellite, gateway, share = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size)
        used = kernels.gather_shares(units, chosen, down_from, down_to, bounds, satellite, gateway, share)
        return Landings(bounds, satellite[:used], gateway[:used], share[:used])


load_aware = LoadAware()
"""The load-aware rule with its default settings."""

LANDINGS: dict[str, Landing] = {"least-delay": least_delay, "hot-potato": hot_potato, "load-aware": load_aware}
"""Built-in landing rules by name."""


def find_landing(name: str) -> Landing:
    """Look a built-in landing rule up.

    Raises
    ------
    ScenarioError
        If there is none of that name; the message lists those there are.
    """
    try:
        return LANDINGS[name]
    except KeyError:
        msg = f"landing '{name}': unknown; take one of {', '.join(LANDINGS)}"
        raise ScenarioError(msg) from None


def find_reach(
    positions_km: Floats,
    gateways_km: Floats,
    up: Floats,
    *,
    min_elevation_deg: npt.ArrayLike,
    max_range_km: npt.ArrayLike = np.inf,
) -> Reach:
    """List the gateways that each satellite could come down to in one slot.

    Parameters
    ----------
    positions_km
        Satellites in ITRF, shape (3, n); NaN: without a state, nothing is in reach.
    gateways_km, up
        Gateways in ITRF and the unit vectors of their verticals, shape (3, gateways).
    min_elevation_deg, max_range_km
        Masks and greatest slant ranges of the gateways, one for all or one each.

    Raises
    ------
    InputError
        If a shape does not fit.
    """
    from overflight.earth.geodesy import LIGHT_SPEED_KM_S
    from overflight.flow._path_kernels import list_reach

    places, count = np.ascontiguousarray(positions_km, np.float64), gateways_km.shape[-1]
    if places.ndim != 2 or places.shape[0] != 3 or gateways_km.shape != (3, count) or up.shape != (3, count):
        msg = f"reach: shapes {places.shape}, {gateways_km.shape}, {up.shape}; give (3, satellites) and (3, gateways) twice"
        raise InputError(msg)
    sines = np.broadcast_to(np.sin(np.radians(np.asarray(min_elevation_deg, np.float64))), (count,)).copy()
    longest_km = np.broadcast_to(np.asarray(max_range_km, np.float64), (count,)).copy()
    sites_km, ups = np.ascontiguousarray(gateways_km, np.float64), np.ascontiguousarray(up, np.float64)
    indptr, room = np.empty(places.shape[1] + 1, np.int64), 16 * places.shape[1] + 64
    while True:
        gateway, range_km = np.empty(room, np.int32), np.empty(room)
        if list_reach(places[0], places[1], places[2], sites_km, ups, sines, longest_km, indptr, gateway, range_km):
            break
        room *= 2
    used = indptr[-1]
    return Reach(indptr, gateway[:used].copy(), range_km[:used] * (1e3 / LIGHT_SPEED_KM_S))


def gateway_capacity_mbps(dishes: npt.ArrayLike, *, dish_mbps: npt.ArrayLike) -> Floats:
    """Capacity of gateways: each dish follows one satellite and carries one feeder link, Mbit/s."""
    return np.asarray(dishes, np.float64) * np.asarray(dish_mbps, np.float64)


def check_landings(landings: Landings, state: LandingState) -> Landings:
    """Check what a landing rule returned.

    Raises
    ------
    InputError
        If a shape, an index or a share cannot be used.
    """
    satellites, gateways, rows = state.next_hop.shape[1], state.backhaul_ms.shape[1], len(state.satellite)
    indptr, satellite = np.ascontiguousarray(landings.indptr, np.int64), np.ascontiguousarray(landings.satellite, np.int32)
    gateway, share = np.ascontiguousarray(landings.gateway, np.int32), np.ascontiguousarray(landings.share, np.float64)
    count = len(satellite)
    if indptr.shape != (rows + 1,) or indptr[0] != 0 or indptr[-1] != count or (np.diff(indptr) < 0).any():
        msg = f"landing: {len(indptr)} bounds for {rows} rows of traffic; return one more than rows, from 0 to the number of landings"
        raise InputError(msg)
    if gateway.shape != (count,) or share.shape != (count,) or not (share > 0.0).all():
        msg = "landing: as many gateways and shares as satellites are wanted, and shares above 0"
        raise InputError(msg)
    if count and not (satellite.min() >= 0 and satellite.max() < satellites and gateway.min() >= 0 and gateway.max() < gateways):
        msg = f"landing: a satellite outside 0..{satellites - 1} or a gateway outside 0..{gateways - 1}"
        raise InputError(msg)
    filled = np.flatnonzero(np.diff(indptr))
    sums = np.add.reduceat(share, indptr[filled]) if len(filled) else share
    if len(filled) and np.abs(sums - 1.0).max() > 1e-9:
        msg = f"landing: the shares of traffic row {filled[np.argmax(np.abs(sums - 1.0))]} do not add up to 1"
        raise InputError(msg)
    return Landings(indptr, satellite, gateway, share)


_ROUND = "landing: next hops lead round in a circle; mend the routing"


def _land(state: LandingState, *, early: bool) -> Landings:
    from overflight.flow import _path_kernels as kernels

    rows = len(state.satellite)
    satellite, gateway = np.empty(rows, np.int32), np.empty(rows, np.int32)
    kernels.land(
        state.satellite, state.pop, state.next_hop, state.backhaul_ms.shape[1], early,
        state.reach.indptr, state.reach.gateway, state.reach.delay_ms, state.backhaul_ms, satellite, gateway,
    )  # fmt: skip
    if (gateway == kernels.ROUND).any():
        raise InputError(_ROUND)
    lands = gateway >= 0
    indptr = np.concatenate([[0], np.cumsum(lands)])
    return Landings(indptr, satellite[lands], gateway[lands], np.ones(int(indptr[-1])))
