"""From beams to PoPs: which resources each flow crosses, what they can carry, and what they are called."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from overflight.errors import InputError
from overflight.flow.fair import FlowTable
from overflight.flow.feeders import Landing, LandingState, Reach, check_landings, find_landing

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]
Offsets = npt.NDArray[np.int64]

LinkCapacity = float | Floats | Callable[[Indices, Indices], Floats]
"""Mbit/s of links: one for all, one per satellite, or a function of the two ends' rows."""


class ResourceKind(IntEnum):
    """What a resource is, and what its two rows ``a`` and ``b`` name (-1: nothing). Resources stand in blocks in this order."""

    BEAM = 0
    """A channel of satellite b that lights a cell: a is the row of the beam."""
    SATELLITE = 1
    """What satellite a carries for its users in all."""
    LASER = 2
    """A laser from satellite a, nearer the user, to satellite b, nearer the gateway."""
    LANDING = 3
    """What satellite a brings down over all its feeder links."""
    FEEDER = 4
    """The feeder link of satellite a with gateway b."""
    GATEWAY = 5
    """Gateway a: its dishes together."""
    POP = 6
    """PoP a."""
    NO_WAY = 7
    """No way leads from the satellite to the PoP: one resource of capacity 0."""
    SPECTRUM = 8
    """No resource of its own: a cell that has all licensed channels and wants more (`overflight.flow.summary.classify_cells`)."""


@dataclass(frozen=True, slots=True)
class Capacities:
    """What each kind of resource carries in one direction, Mbit/s. Infinite: it holds nobody back.

    Attributes
    ----------
    beam_mbps
        Each beam, shape (beams,): the rate of its channel times its share of time.
    satellite_mbps
        Each satellite towards its users: one for all, or shape (satellites,).
    laser_mbps
        A laser in one direction: one for all; one per satellite, of which the lesser of both ends holds; or a function of both ends.
    landing_mbps
        Each satellite over all its feeder links: one for all, or shape (satellites,).
    feeder_mbps
        A feeder link: one for all, one per satellite, or a function of rows of satellites and gateways (weather at the gateway).
    gateway_mbps
        Each gateway: one for all, or shape (gateways,); see `overflight.flow.feeders.gateway_capacity_mbps`.
    pop_mbps
        Each PoP: one for all, or shape (n_pops,).
    """

    beam_mbps: Floats
    satellite_mbps: float | Floats = np.inf
    laser_mbps: LinkCapacity = np.inf
    landing_mbps: float | Floats = np.inf
    feeder_mbps: LinkCapacity = np.inf
    gateway_mbps: float | Floats = np.inf
    pop_mbps: float | Floats = np.inf


@dataclass(frozen=True, slots=True, eq=False)
class Resources:
    """Resources in blocks by kind. Beams, satellites, gateways and PoPs have all their rows; of lasers and feeders only those in use.

    Attributes
    ----------
    capacity_mbps
        Shape (resources,).
    first
        Where the block of each kind begins, by its number, and the end of the last: int64, shape (9,).
    beam_satellite
        Satellite of each beam, int32.
    laser_ends, feeder_ends
        Satellites a and b of each laser, satellite and gateway of each feeder link, int32, shape (2, n).
    """

    capacity_mbps: Floats
    first: Offsets
    beam_satellite: Indices
    laser_ends: Indices
    feeder_ends: Indices

    def __len__(self) -> int:
        return len(self.capacity_mbps)

    def rows(self, kind: ResourceKind) -> slice:
        """Where a kind stands."""
        return slice(int(self.first[kind]), int(self.first[kind + 1]))

    @property
    def kind(self) -> npt.NDArray[np.int8]:
        """Kind of each resource, int8."""
        return np.repeat(np.arange(len(self.first) - 1, dtype=np.int8), np.diff(self.first))

    @property
    def a(self) -> Indices:
        """First row that names each resource, int32 (see `ResourceKind`)."""
        rows = np.arange(len(self), dtype=np.int32) - np.repeat(self.first[:-1], np.diff(self.first)).astype(np.int32)
        rows[self.rows(ResourceKind.LASER)] = self.laser_ends[0]
        rows[self.rows(ResourceKind.FEEDER)] = self.feeder_ends[0]
        rows[self.rows(ResourceKind.NO_WAY)] = -1
        return rows

    @property
    def b(self) -> Indices:
        """Second row that names each resource, int32, -1 where it has none."""
        rows = np.full(len(self), -1, np.int32)
        rows[self.rows(ResourceKind.BEAM)] = self.beam_satellite
        rows[self.rows(ResourceKind.LASER)] = self.laser_ends[1]
        rows[self.rows(ResourceKind.FEEDER)] = self.feeder_ends[1]
        return rows

    def kind_of(self, resource: npt.ArrayLike) -> npt.NDArray[np.int8]:
        """Kind of each resource asked for; -1 for -1 (no bottleneck)."""
        asked = np.asarray(resource)
        return (np.searchsorted(self.first[:-1], asked, side="right") - 1).astype(np.int8)


@dataclass(frozen=True, slots=True, eq=False)
class Assembly:
    """Flows led from their beams to their PoPs.

    Attributes
    ----------
    flows
        The parts of the flows: a flow whose traffic is split over several gateways has a part for each.
    resources
        What they cross.
    part_of
        The flow that each part belongs to, int32, ascending.
    fraction
        How much of the flow's weight and demand the part has.
    count
        Number of flows.
    """

    flows: FlowTable
    resources: Resources
    part_of: Indices
    fraction: Floats
    count: int

    def merge_rates(self, rate: Floats) -> Floats:
        """Rate of each flow from those of its parts, Mbit/s."""
        return add_by_row(self.part_of, rate, self.count)

    def merge_bottlenecks(self, bottleneck: Indices, rate: Floats) -> Indices:
        """Bottleneck of each flow: that of the part with the least rate for its size; -1 if no part has one."""
        held = bottleneck >= 0
        size = np.where(self.flows.weight > 0.0, self.flows.weight, 1.0)
        per_weight = np.where(held, rate / size, np.inf)
        order = np.lexsort((per_weight, self.part_of))
        first = np.searchsorted(self.part_of[order], np.arange(self.count))
        merged: Indices = bottleneck[order[first]]
        return merged


@dataclass(frozen=True, slots=True)
class Backbone:
    """Links of one slot that lead from satellites to PoPs.

    Attributes
    ----------
    next_hop
        Shape (n_pops, satellites): the next satellite (0 and up), ``-1 - g`` for down to gateway g; anything lower: no way.
    backhaul_ms
        One-way delay from each gateway to each PoP, shape (n_pops, gateways); infinite where it does not serve the PoP.
    reach
        Gateways in reach of each satellite (`overflight.flow.feeders.find_reach`); None if the landing rule needs none.
    """

    next_hop: Indices
    backhaul_ms: Floats
    reach: Reach | None = None


def assemble_flows(
    beam_satellite: Indices,
    *,
    beam: Indices,
    pop: Indices,
    weight: Floats,
    demand_mbps: Floats,
    backbone: Backbone,
    capacities: Capacities,
    landing: str | Landing = "least-delay",
) -> Assembly:
    """Lead flows from their beams to their PoPs.

    The flows of one satellite to one PoP have one way, which is traced once. Where the landing rule splits it, the flows are laid end to
    end by what they offer and the line is cut: few flows are cut in two, the rest stay whole.

    Parameters
    ----------
    beam_satellite
        Satellite of each beam, int32, shape (beams,).
    beam, pop
        Beam and PoP of each flow, int32, shape (flows,).
    weight, demand_mbps
        See `overflight.flow.fair.FlowTable`.
    backbone
        Ways, fibre, and gateways in reach.
    capacities
        What everything carries.
    landing
        ``"least-delay"``, ``"hot-potato"``, ``"load-aware"``, or a function of your own (`overflight.flow.feeders`).

    Raises
    ------
    InputError
        If a shape or an index cannot be used, next hops lead round in a circle, or a landing rule names a satellite that is not on the way.
    """
    from overflight.flow import _kernels, _path_kernels

    rule = find_landing(landing) if isinstance(landing, str) else landing
    lights, flow_beam, flow_pop = (np.ascontiguousarray(rows, np.int32) for rows in (beam_satellite, beam, pop))
    weights, demands = np.ascontiguousarray(weight, np.float64), np.ascontiguousarray(demand_mbps, np.float64)
    _check_rows(lights, flow_beam, flow_pop, weights, demands, backbone, capacities)
    satellites = backbone.next_hop.shape[1]
    pair_of, pair_satellite, pair_pop = _path_kernels.number_traffic(lights[flow_beam], flow_pop, satellites)
    offer = np.empty(len(flow_beam))
    _path_kernels.estimate_offers(flow_beam, weights, demands, np.ascontiguousarray(capacities.beam_mbps, np.float64), offer)
    state = _landing_state(pair_of, pair_satellite, pair_pop, offer, backbone, capacities)
    landings = check_landings(rule(state), state)

    pair = np.repeat(np.arange(len(pair_satellite)), np.diff(landings.indptr))
    wrong, path_indptr, path_resource, *ends = _path_kernels.trace_paths(
        pair_satellite[pair], pair_pop[pair], landings.satellite, landings.gateway,
        backbone.next_hop, len(lights), satellites, backbone.backhaul_ms.shape[1],
    )  # fmt: skip
    if wrong >= 0:
        way = f"the way of satellite {pair_satellite[pair[wrong]]} to PoP {pair_pop[pair[wrong]]}"
        msg = f"landing: satellite {landings.satellite[wrong]} is not on {way}; land on the way along the next hops"
        raise InputError(msg)
    resources = _make_resources(lights, np.stack(ends[:2]), np.stack(ends[2:]), backbone, capacities)
    no_path = len(path_indptr) - 1
    path_indptr = np.append(path_indptr, path_indptr[-1] + 1)
    path_resource = np.append(path_resource, np.int32(len(resources) - 1))
    starts, members = _kernels.group_rows(pair_of, len(pair_satellite))
    room = len(flow_beam) + len(landings.satellite)
    part_of, path, fraction = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room)
    used = _path_kernels.cut_flows(pair_of, starts, members, offer, landings.indptr, landings.share, no_path, part_of, path, fraction)
    part_of, path, fraction = part_of[:used], path[:used], fraction[:used]
    flows = FlowTable(
        np.arange(used + 1),
        flow_beam[part_of],
        weights[part_of] * fraction,
        demands[part_of] * fraction,
        path,
        path_indptr,
        path_resource,
    )
    return Assembly(flows, resources, part_of, fraction, len(flow_beam))


def replace_capacities(resources: Resources, capacities: Capacities) -> Resources:
    """Give the same resources other capacities: the other direction, or other weather at a gateway."""
    ends = (resources.laser_ends, resources.feeder_ends)
    sizes = np.diff(resources.first)
    gateways, pops, satellites = (int(sizes[kind]) for kind in (ResourceKind.GATEWAY, ResourceKind.POP, ResourceKind.SATELLITE))
    capacity = _fill_capacities(resources.first, *ends, satellites, gateways, pops, capacities)
    return Resources(capacity, resources.first, resources.beam_satellite, *ends)


def measure_imbalance(resources: Resources, load: Floats) -> float:
    """Greatest difference between what enters and what leaves a satellite or gateway, relative to the greater; 0 where flow is conserved.

    Beams fill a satellite; satellite and lasers that come in fill its landing and the lasers that go out; its feeder links carry its
    landing; gateways carry their feeder links; PoPs, in all, carry the gateways.
    """
    part = {kind: load[resources.rows(kind)] for kind in ResourceKind if kind < ResourceKind.NO_WAY}
    lasers, feeders = resources.laser_ends, resources.feeder_ends
    satellites, gateways = len(part[ResourceKind.SATELLITE]), len(part[ResourceKind.GATEWAY])

    laser, feeder, landing = part[ResourceKind.LASER], part[ResourceKind.FEEDER], part[ResourceKind.LANDING]
    sides = [
        (add_by_row(lasers[1], laser, satellites) + part[ResourceKind.SATELLITE], add_by_row(lasers[0], laser, satellites) + landing),
        (landing, add_by_row(feeders[0], feeder, satellites)),
        (part[ResourceKind.GATEWAY], add_by_row(feeders[1], feeder, gateways)),
        (part[ResourceKind.POP].sum(keepdims=True), part[ResourceKind.GATEWAY].sum(keepdims=True)),
    ]
    without_way = load[resources.rows(ResourceKind.NO_WAY)].sum()
    if not without_way:
        sides.append((add_by_row(resources.beam_satellite, part[ResourceKind.BEAM], satellites), part[ResourceKind.SATELLITE]))
    worst = 0.0
    for come, go in sides:
        most = np.maximum(come, go)
        worst = max(worst, float((np.abs(come - go)[most > 0.0] / most[most > 0.0]).max(initial=0.0)))
    return worst


def _check_rows(
    lights: Indices, beam: Indices, pop: Indices, weight: Floats, demand: Floats, backbone: Backbone, capacities: Capacities
) -> None:
    """Refuse rows that do not exist and shapes that do not fit."""
    if backbone.next_hop.ndim != 2 or backbone.backhaul_ms.shape[:1] != backbone.next_hop.shape[:1]:
        msg = f"backbone: next_hop {backbone.next_hop.shape} and backhaul_ms {backbone.backhaul_ms.shape} do not fit; give (n_pops, …)"
        raise InputError(msg)
    n_pops, satellites = backbone.next_hop.shape
    if not len(beam) == len(pop) == len(weight) == len(demand):
        msg = f"flows: {len(beam)} beams, {len(pop)} PoPs, {len(weight)} weights, {len(demand)} demands; give one of each per flow"
        raise InputError(msg)
    if np.shape(capacities.beam_mbps) != (len(lights),):
        msg = f"capacities: beam_mbps has shape {np.shape(capacities.beam_mbps)} for {len(lights)} beams; give one each"
        raise InputError(msg)
    for name, rows, count in (("satellite", lights, satellites), ("beam", beam, len(lights)), ("PoP", pop, n_pops)):
        if len(rows) and not (rows.min() >= 0 and rows.max() < count):
            msg = f"flows: a {name} outside 0..{count - 1}"
            raise InputError(msg)


def _landing_state(
    pair_of: Indices, satellite: Indices, pop: Indices, offer: Floats, backbone: Backbone, capacities: Capacities
) -> LandingState:
    """Put together what a landing rule is given."""
    satellites, gateways = backbone.next_hop.shape[1], backbone.backhaul_ms.shape[1]
    reach = backbone.reach
    if reach is None:
        reach = Reach(np.zeros(satellites + 1, np.int64), np.empty(0, np.int32), np.empty(0))
    offered = add_by_row(pair_of, offer, len(satellite))
    limit = _spread(capacities.satellite_mbps, satellites, "satellite_mbps")
    if np.isfinite(limit).any():
        together = add_by_row(satellite, offered, satellites)
        offered = offered * np.minimum(1.0, limit / np.maximum(together, 1e-300))[satellite]
    ends = (np.repeat(np.arange(satellites, dtype=np.int32), np.diff(reach.indptr)), reach.gateway)
    return LandingState(
        satellite,
        pop,
        offered,
        backbone.next_hop,
        reach,
        np.ascontiguousarray(backbone.backhaul_ms),
        _spread(capacities.gateway_mbps, gateways, "gateway_mbps"),
        _feeder_capacities(*ends, satellites, capacities),
        _spread(capacities.landing_mbps, satellites, "landing_mbps"),
    )


def _make_resources(lights: Indices, lasers: Indices, feeders: Indices, backbone: Backbone, capacities: Capacities) -> Resources:
    """Lay resources out in blocks."""
    (pops, satellites), gateways = backbone.next_hop.shape, backbone.backhaul_ms.shape[1]
    sizes = (len(lights), satellites, lasers.shape[1], satellites, feeders.shape[1], gateways, pops, 1)
    first = np.concatenate([[0], np.cumsum(sizes)])
    capacity = _fill_capacities(first, lasers, feeders, satellites, gateways, pops, capacities)
    return Resources(capacity, first, lights, lasers, feeders)


def _fill_capacities(
    first: Offsets, lasers: Indices, feeders: Indices, satellites: int, gateways: int, pops: int, capacities: Capacities
) -> Floats:
    """Capacity of every resource, in blocks by kind."""
    capacity = np.zeros(first[-1])
    blocks: dict[ResourceKind, npt.ArrayLike] = {
        ResourceKind.BEAM: capacities.beam_mbps,
        ResourceKind.SATELLITE: _spread(capacities.satellite_mbps, satellites, "satellite_mbps"),
        ResourceKind.LASER: _laser_capacities(lasers[0], lasers[1], satellites, capacities),
        ResourceKind.LANDING: _spread(capacities.landing_mbps, satellites, "landing_mbps"),
        ResourceKind.FEEDER: _feeder_capacities(feeders[0], feeders[1], satellites, capacities),
        ResourceKind.GATEWAY: _spread(capacities.gateway_mbps, gateways, "gateway_mbps"),
        ResourceKind.POP: _spread(capacities.pop_mbps, pops, "pop_mbps"),
    }
    for kind, block in blocks.items():
        capacity[first[kind] : first[kind + 1]] = block
    return capacity


def _laser_capacities(a: Indices, b: Indices, satellites: int, capacities: Capacities) -> Floats:
    """Capacity of lasers: of two ends the lesser."""
    given = capacities.laser_mbps
    if callable(given):
        return _spread(given(a, b), len(a), "laser_mbps")
    ends = _spread(given, satellites, "laser_mbps")
    return np.minimum(ends[a], ends[b])


def _feeder_capacities(satellite: Indices, gateway: Indices, satellites: int, capacities: Capacities) -> Floats:
    """Capacity of feeder links."""
    given = capacities.feeder_mbps
    if callable(given):
        return _spread(given(satellite, gateway), len(satellite), "feeder_mbps")
    return _spread(given, satellites, "feeder_mbps")[satellite]


def add_by_row(row: Indices, value: Floats, count: int) -> Floats:
    """Sum of the values of each row from 0 to `count`, in the order given."""
    sums: Floats = np.bincount(row, weights=value, minlength=count).astype(np.float64, copy=False)
    return sums


def _spread(value: npt.ArrayLike, count: int, name: str) -> Floats:
    """One value for all or one each, checked."""
    values = np.asarray(value, np.float64)
    if values.shape not in ((), (count,)) or not (values >= 0.0).all():
        msg = f"capacities: {name} has shape {values.shape} or negative values; give one for all or one for each of {count}, 0 or more"
        raise InputError(msg)
    return np.broadcast_to(values, (count,)).astype(np.float64)
