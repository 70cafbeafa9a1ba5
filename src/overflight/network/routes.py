"""Routes between places: over satellites from one ground station to another, or down at a gateway and on over fibre."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from overflight.earth.geodesy import Sites
from overflight.errors import InputError
from overflight.network.gateways import FIBRE_INDEX, ROUTE_FACTOR, GroundSegment, backhaul_delay_ms, make_ground_segment
from overflight.network.isl import ISL_CLEARANCE_KM, ISL_RANGE_KM
from overflight.network.ways import MS_PER_KM, Hop, Routing, Ways, find_ways, trace_route

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]

_BLOCK_SLOTS = 64

UserLinkRule = Callable[[Sites, Floats], npt.NDArray[np.bool_]]
"""Whether one site may use satellites in its reach: from their positions, shape (3, m), to truths, shape (m,)."""


@dataclass(frozen=True, slots=True)
class PathRules:
    """What a route may use.

    Attributes
    ----------
    min_elevation_deg
        Least elevation at which an end of the path uses a satellite.
    max_range_km
        Greatest slant range of such a link.
    may_use
        What else an end asks of a satellite, such as to stand clear of the geostationary arc; None for nothing.
    isl_range_km, isl_clearance_km, routing, max_isl_hops
        See `overflight.network.ways.find_ways`.
    route_factor, fibre_index
        Of the fibre from a PoP to the target: see `overflight.network.gateways.fibre_delay_ms`.
    """

    min_elevation_deg: float = 25.0
    max_range_km: float = np.inf
    may_use: UserLinkRule | None = None
    isl_range_km: float = ISL_RANGE_KM
    isl_clearance_km: float | None = ISL_CLEARANCE_KM
    routing: str | Routing = "least-delay"
    max_isl_hops: int | None = None
    route_factor: float = ROUTE_FACTOR
    fibre_index: float = FIBRE_INDEX


@dataclass(frozen=True, slots=True)
class PairRoutes:
    """Routes between pairs of sites over a block of instants.

    Attributes
    ----------
    rtt_ms
        Round-trip time, twice the sum of the delays, shape (nt, n_pairs); infinite where there is no route.
    satellite
        First satellite of each route, int32, shape (nt, n_pairs); -1 where there is no route.
    up_delay_ms
        One-way delay to it, shape (nt, n_pairs).
    target_pop
        The target of each pair as a row of `ways`' PoPs, shape (n_pairs,).
    ways
        The ways from every satellite to the targets.
    """

    rtt_ms: Floats
    satellite: Indices
    up_delay_ms: Floats
    target_pop: Indices
    ways: Ways


@dataclass(frozen=True, slots=True)
class Paths:
    """One route over time.

    Attributes
    ----------
    rtt_ms
        Round-trip time, shape (nt,); infinite where there is no route.
    hops
        Nodes of the route at each instant, from one end to the other, with the one-way delay of the link that leads to each; empty where
        there is no route. Kinds: ``site`` (0 the source, 1 the target), ``satellite``, ``gateway``, ``pop``.
    """

    rtt_ms: Floats
    hops: tuple[tuple[Hop, ...], ...]


def find_pair_routes(
    positions_km: Floats, neighbours: Indices, sites: Sites, pairs: npt.ArrayLike, *, rules: PathRules | None = None, threads: int = 1
) -> PairRoutes:
    """Find the best route between each pair of sites, at each instant: up to a satellite, over lasers, down.

    Parameters
    ----------
    positions_km
        Satellites in ITRF, shape (nt, 3, n). Memory is about 12 bytes per instant, target and satellite: give long times in blocks.
    neighbours
        Linked satellites, int32, shape (n, k), padded with -1.
    sites
        The places.
    pairs
        Rows of `sites`, source and target, shape (n_pairs, 2).
    rules
        What a route may use; by default a mask of 25 degrees and the limits of `overflight.network.isl`.
    threads
        How many threads share the work; the result does not depend on it.

    Raises
    ------
    InputError
        If a shape or an index does not fit.
    """
    rules = rules or PathRules()
    table = np.atleast_2d(np.asarray(pairs, dtype=np.int64))
    if table.shape[1:] != (2,) or (table.size and not (table.min() >= 0 and table.max() < len(sites))):
        msg = f"pairs: shape {table.shape} or a row outside 0..{len(sites) - 1}; give rows of sites, shape (n_pairs, 2)"
        raise InputError(msg)
    targets, pop = np.unique(table[:, 1], return_inverse=True)
    ends = _select_sites(sites, targets)
    ground = make_ground_segment(
        ends,
        backhaul_ms=np.where(np.eye(targets.size, dtype=np.bool_), 0.0, np.inf),
        min_elevation_deg=rules.min_elevation_deg,
        max_range_km=rules.max_range_km,
    )
    ways = _find_ways(positions_km, neighbours, ground, rules, threads, ends=ends)
    return _start_routes(ways, _select_sites(sites, table[:, 0]), pop.astype(np.int32).ravel(), rules)


def find_paths(
    positions_km: Floats,
    neighbours: Indices,
    source: Sites,
    target: Sites,
    *,
    ground: GroundSegment | None = None,
    pops: Sites | None = None,
    rules: PathRules | None = None,
    threads: int = 1,
) -> Paths:
    """Find the best route from one place to another at each instant, hop by hop.

    Without a ground segment both ends are terminals: user link up, lasers, user link down. With one, traffic lands: user link up, lasers,
    feeder link to a gateway, fibre to a PoP, fibre to the target, whichever gateway and PoP make the sum least.

    Parameters
    ----------
    positions_km
        Satellites in ITRF, shape (nt, 3, n).
    neighbours
        Linked satellites, int32, shape (n, k), padded with -1.
    source, target
        The ends, one row each.
    ground, pops
        Gateways with the backhaul to these PoPs.
    rules
        What the route may use (the mask of `ground` holds for gateways).
    threads
        How many threads share the work; the result does not depend on it.

    Raises
    ------
    InputError
        If a shape does not fit, or PoPs and ground segment do not belong together.
    """
    rules = rules or PathRules()
    down = _down_to_sites(target, rules) if ground is None else ground
    via = np.zeros(len(down), np.int64)
    if ground is not None:
        if pops is None or len(pops) != ground.backhaul_ms.shape[0]:
            msg = f"paths: the ground segment has delays to {ground.backhaul_ms.shape[0]} PoPs; give these as pops"
            raise InputError(msg)
        onward_ms = backhaul_delay_ms(pops, target, route_factor=rules.route_factor, fibre_index=rules.fibre_index)[0]
        total_ms = ground.backhaul_ms + onward_ms[:, None]
        via = np.argmin(total_ms, axis=0)
        down = make_ground_segment(
            ground.sites,
            backhaul_ms=total_ms[via, np.arange(len(ground))],
            min_elevation_deg=ground.min_elevation_deg,
            max_range_km=ground.max_range_km,
        )
    rtt_ms, hops = np.empty(len(positions_km)), []
    for first in range(0, len(positions_km), _BLOCK_SLOTS):
        block_km = positions_km[first : first + _BLOCK_SLOTS]
        ways = _find_ways(block_km, neighbours, down, rules, threads, ends=target if ground is None else None)
        routes = _start_routes(ways, source, np.zeros(1, np.int32), rules)
        rtt_ms[first : first + len(ways)] = routes.rtt_ms[:, 0]
        for slot in range(len(ways)):
            route = _list_hops(routes, slot)
            if route and ground is None:
                route = [*route[:-2], Hop("site", 1, route[-2].delay_ms)]
            elif route and ground is not None:
                gateway, pop = route[-2].row, int(via[route[-2].row])
                route = [*route[:-1], Hop("pop", pop, float(ground.backhaul_ms[pop, gateway])), Hop("site", 1, float(onward_ms[pop]))]
            hops.append(tuple(route))
    return Paths(rtt_ms, tuple(hops))


def slant_ranges_km(site: Sites, positions_km: Floats, *, min_elevation_deg: float, max_range_km: float = np.inf) -> Floats:
    """Slant range from one site to each satellite, infinite below the mask or beyond the range: positions (..., 3, n) give (..., n)."""
    step = positions_km - site.ecef_km[:, :1]
    length_km = np.sqrt((step * step).sum(axis=-2))
    sine = -2.0 if min_elevation_deg <= -90.0 else np.sin(np.radians(min_elevation_deg))
    in_reach = (sine * length_km <= (step * site.up[:, :1]).sum(axis=-2)) & (length_km <= max_range_km)
    return np.where(in_reach, length_km, np.inf)


def _find_ways(
    positions_km: Floats, neighbours: Indices, ground: GroundSegment, rules: PathRules, threads: int, *, ends: Sites | None
) -> Ways:
    """Ways to `ground`; `ends` are the terminals that stand for its gateways, one per PoP, if they are such."""
    may_land = None
    if ends is not None and rules.may_use is not None:
        slants = [_user_slants_km(_select_sites(ends, [row]), positions_km, rules) for row in range(len(ends))]
        may_land = np.isfinite(np.stack(slants, axis=1))
    return find_ways(
        positions_km,
        neighbours,
        ground,
        routing=rules.routing,
        isl_range_km=rules.isl_range_km,
        isl_clearance_km=rules.isl_clearance_km,
        max_isl_hops=rules.max_isl_hops,
        may_land=may_land,
        threads=threads,
    )


def _user_slants_km(site: Sites, positions_km: Floats, rules: PathRules) -> Floats:
    """Slant range from an end to each satellite, infinite where the rules forbid the link: positions (nt, 3, n) give (nt, n)."""
    slant_km = slant_ranges_km(site, positions_km, min_elevation_deg=rules.min_elevation_deg, max_range_km=rules.max_range_km)
    if rules.may_use is not None:
        slot, satellite = np.nonzero(slant_km < np.inf)
        forbidden = ~rules.may_use(site, np.ascontiguousarray(positions_km[slot, :, satellite].T))
        slant_km[slot[forbidden], satellite[forbidden]] = np.inf
    return slant_km


def _start_routes(ways: Ways, sources: Sites, pop: Indices, rules: PathRules) -> PairRoutes:
    """Choose the first satellite of each route: the one over which the whole sum is least (the lowest number, in a tie)."""
    shape = (len(ways), len(pop))
    rtt_ms, satellite, up_ms = np.full(shape, np.inf), np.full(shape, -1, np.int32), np.full(shape, np.inf)
    for pair in range(len(pop)):
        site = _select_sites(sources, [pair])
        slant_km = _user_slants_km(site, ways.positions_km, rules)
        for slot in range(len(ways)):
            near = np.flatnonzero(slant_km[slot] < np.inf)
            if near.size:
                total = slant_km[slot, near] * MS_PER_KM + ways[slot].delay_ms[pop[pair], near]
                best = int(np.argmin(total))
                if total[best] < np.inf:
                    rtt_ms[slot, pair] = 2.0 * total[best]
                    satellite[slot, pair], up_ms[slot, pair] = near[best], slant_km[slot, near[best]] * MS_PER_KM
    return PairRoutes(rtt_ms, satellite, up_ms, pop, ways)


def list_route(routes: PairRoutes, slot: int, pair: int) -> Sequence[int]:
    """Numbers of the satellites on a route, in order; empty where there is none."""
    first = int(routes.satellite[slot, pair])
    if first < 0:
        return []
    return [hop.row for hop in trace_route(routes.ways, slot, first, int(routes.target_pop[pair])) if hop.kind == "satellite"]


def _list_hops(routes: PairRoutes, slot: int) -> list[Hop]:
    first = int(routes.satellite[slot, 0])
    if first < 0:
        return []
    route = trace_route(routes.ways, slot, first, 0)
    return [Hop("site", 0, 0.0), Hop("satellite", first, float(routes.up_delay_ms[slot, 0])), *route[1:]]


def _down_to_sites(sites: Sites, rules: PathRules) -> GroundSegment:
    return make_ground_segment(sites, min_elevation_deg=rules.min_elevation_deg, max_range_km=rules.max_range_km)


def _select_sites(sites: Sites, rows: npt.ArrayLike) -> Sites:
    index = np.asarray(rows)
    return Sites(
        sites.lat_deg[index],
        sites.lon_deg[index],
        sites.height_m[index],
        np.ascontiguousarray(sites.ecef_km[:, index]),
        np.ascontiguousarray(sites.up[:, index]),
    )
