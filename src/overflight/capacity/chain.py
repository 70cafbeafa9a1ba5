"""One slot, from a scene to rates: beams are allocated, terminals spread over them, flows led to their PoPs and shared fairly.

A group of terminals is those of one class in one cell on one beam; they all get the same rate. A cell's active terminals are spread over
its beams in proportion to what the beams carry. Uplinks follow: a beam's uplink is that of the same satellite, times the satellite's
uplink beams over its downlink beams.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from overflight.capacity.links import PairRates, Surroundings, UserLinks, find_surroundings, rate_beams, rate_lit, rate_pairs
from overflight.capacity.market import Market
from overflight.capacity.plant import Plant, Sky
from overflight.capacity.scenes import Scene
from overflight.capacity.usable import share_out
from overflight.flow.contention import expected_shares
from overflight.flow.fair import FairRates, fair_rates
from overflight.flow.feeders import Landing
from overflight.flow.paths import Assembly, Backbone, Capacities, assemble_flows, replace_capacities
from overflight.schedule.beams import Allocator, BeamPlan, BeamRequest, validate_plan

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]

UNHINDERED = 0.95
"""Who gets so much of what it asks for counts as held back by nothing: among others that come and go, nobody gets all at all times."""

MAX_NEED = 64
"""No cell wants more beams than this, whatever it asks for."""


@dataclass(frozen=True, slots=True)
class Rules:
    """By which rules a slot is worked out.

    Attributes
    ----------
    allocate
        Gives beams to cells.
    is_checked
        Whether what it returns is checked: an allocator of a user's own.
    landing
        Leads traffic to gateways.
    cells_per_beam, satellites_per_channel
        See `overflight.schedule.beams.BeamRequest`.
    saturated
        Whether the territory's terminals ask for ever more, so that what they get is what can be had.
    """

    allocate: Allocator
    is_checked: bool
    landing: str | Landing
    cells_per_beam: int = 1
    satellites_per_channel: int = 1
    saturated: bool = False


@dataclass(frozen=True, slots=True)
class Network:
    """What a slot's flows lead through besides satellites: fibre, and names of satellites.

    Attributes
    ----------
    backhaul_ms
        From each gateway to each PoP in use, shape (pops, gateways); infinite where it serves it not.
    home
        Each cell's PoP among those in use, int32, shape (cells,).
    norad_id
        Catalogue numbers, which settle ties, shape (satellites,).
    """

    backhaul_ms: Floats
    home: Integers
    norad_id: npt.NDArray[np.int64]


class Groups(NamedTuple):
    """Groups of terminals: row of the beam in the plan, cell, class, and active terminals, a fraction where they are few."""

    beam: Integers
    cell: Integers
    of_class: npt.NDArray[np.int8]
    terminals: Floats


@dataclass(frozen=True, slots=True)
class SlotResult:
    """What one slot found.

    Attributes
    ----------
    plan
        Beams.
    beam_mbps
        Downlink rate of each beam's channel, all of its time.
    groups
        Groups of terminals.
    down_mbps, up_mbps
        What each group gets together.
    bottleneck
        Kind of resource (`overflight.flow.paths.ResourceKind`) that holds each group's downlink back; −1: it has all it asks for.
    assembly, part_mbps, load_mbps
        The flows of the downlink, what each of their parts gets, and the load of each of their resources.
    active, asked_mbps
        Active terminals of each cell, and what they ask for together, downlink, shape (cells,).
    need
        Beams that each cell wanted, int32, shape (cells,).
    seen
        Whether a satellite may serve it, bool, shape (cells,).
    """

    plan: BeamPlan
    beam_mbps: Floats
    groups: Groups
    down_mbps: Floats
    up_mbps: Floats
    bottleneck: npt.NDArray[np.int8]
    assembly: Assembly
    part_mbps: Floats
    load_mbps: Floats
    active: Floats
    asked_mbps: Floats
    need: Integers
    seen: npt.NDArray[np.bool_]


def work_slot(
    scene: Scene,
    market: Market,
    plant: Plant,
    sky: Sky,
    links: UserLinks,
    network: Network,
    rules: Rules,
    activity: Floats,
    *,
    held: BeamPlan | None = None,
    surroundings: Surroundings | None = None,
    threads: int = 1,
) -> SlotResult:
    """Work one slot out.

    Parameters
    ----------
    scene, market, plant, sky, links, network
        Where satellites stand, who asks, and what there is to serve them with.
    rules
        Beams and landing.
    activity
        Demand of each cell as a share of the busiest hour's, shape (cells,).
    held
        Beams of the slot before.
    surroundings
        Cells within the ring of the model of interference; None: they are found anew.
    threads
        The result does not depend on it.
    """
    from overflight.capacity import _kernels

    cells = len(market)
    active, whole, asked_mbps = np.empty(market.terminals.shape), np.empty(cells), np.empty(cells)
    _kernels.ask_rates(market.terminals, market.active_share, activity, market.down_mbps, active, whole, asked_mbps)
    rates = rate_pairs(scene, links, plant, sky, threads=threads)
    request = _request_beams(scene, market, plant, network, rules, asked_mbps, whole, rates, held)
    plan = rules.allocate(request)
    if rules.is_checked:
        validate_plan(request, plan)
    if links.interference is not None:
        near = surroundings or find_surroundings(market.sites, links.interference.ring_km)
        beam_mbps = rate_beams(scene, plan, links, plant, sky, near, threads=threads)
    else:
        beam_mbps = rate_lit(scene, plan, links, plant, sky, is_up=False, threads=threads)
    beam_up_mbps = rate_lit(scene, plan, links, plant, sky, is_up=True, threads=threads)
    groups = _group_terminals(plan, beam_mbps * plan.share, active)
    offers = _weigh_groups(groups, market, network, saturated=rules.saturated)
    share = plan.share * plant.values["user_share_of_beam"]
    carries_mbps = _let_contend(offers.down_mbps, groups, plan, beam_mbps * share, whole)
    carries_up_mbps = beam_up_mbps * share * plant.uplink_beam_share[plan.satellite]
    carries_up_mbps = _let_contend(offers.up_mbps, groups, plan, carries_up_mbps, whole)
    assembly = assemble_flows(
        plan.satellite,
        beam=groups.beam,
        pop=offers.pop,
        weight=offers.weight,
        demand_mbps=offers.down_mbps,
        backbone=Backbone(scene.next_hop, network.backhaul_ms, scene.reach),
        capacities=_capacities(plant, carries_mbps, plant.satellite_mbps),
        landing=rules.landing,
    )
    upwards = _capacities(plant, carries_up_mbps, plant.satellite_up_mbps)

    down, up = share_out(
        lambda is_up: _share_uplinks(assembly, offers.up_mbps, upwards) if is_up else _share_downlinks(assembly), [False, True], threads
    )
    return SlotResult(
        plan=plan,
        beam_mbps=beam_mbps,
        groups=groups,
        down_mbps=down.group_mbps,
        up_mbps=up.group_mbps,
        bottleneck=np.where(down.group_mbps >= UNHINDERED * offers.down_mbps, np.int8(-1), down.kind),
        assembly=assembly,
        part_mbps=down.rates.rate,
        load_mbps=down.rates.load,
        active=whole,
        asked_mbps=asked_mbps,
        need=request.need,
        seen=np.diff(request.indptr) > 0,
    )


def _request_beams(
    scene: Scene,
    market: Market,
    plant: Plant,
    network: Network,
    rules: Rules,
    asked_mbps: Floats,
    active: Floats,
    rates: PairRates,
    held: BeamPlan | None,
) -> BeamRequest:
    """Ask for as many beams as a cell's terminals would fill, by the best channel that it has in sight."""
    fills = rates.best_mbps * plant.values["user_share_of_beam"]
    licensed = np.bitwise_count(plant.licensed).astype(np.int64) * rules.satellites_per_channel
    wanted = np.where(fills > 0.0, np.ceil(asked_mbps / np.maximum(fills, 1e-9) - 1e-9), 0.0)
    if rules.saturated:
        wanted = np.where(market.own & (active > 0.0), np.inf, wanted)
    return BeamRequest(
        indptr=scene.indptr,
        satellite=scene.satellite,
        value_mbps=rates.rate_mbps,
        need=np.minimum(np.minimum(wanted, licensed), MAX_NEED).astype(np.int32),
        priority=np.ones(len(market)),
        licensed=plant.licensed,
        beams=plant.beams,
        beams_per_channel=plant.beams_per_channel,
        neighbours=market.neighbours,
        channels=len(plant.down),
        satellites_per_channel=rules.satellites_per_channel,
        cells_per_beam=rules.cells_per_beam,
        held=held,
        cell_key=market.cell_ids,
        satellite_key=network.norad_id,
    )


def _group_terminals(plan: BeamPlan, carries_mbps: Floats, active: Floats) -> Groups:
    """Spread each cell's active terminals over its beams in proportion to what they carry."""
    from overflight.capacity import _kernels

    room = len(plan) * active.shape[1]
    groups = Groups(np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.int8), np.empty(room))
    count = _kernels.group_terminals(plan.cell, carries_mbps, active, *groups)
    return Groups(groups.beam[:count], groups.cell[:count], groups.of_class[:count], groups.terminals[:count])


class _Offers(NamedTuple):
    """Weight of each group, what it asks for, and row of its PoP."""

    weight: Floats
    down_mbps: Floats
    up_mbps: Floats
    pop: Integers


def _weigh_groups(groups: Groups, market: Market, network: Network, *, saturated: bool) -> _Offers:
    from overflight.capacity import _kernels

    count = len(groups.cell)
    offers = _Offers(np.empty(count), np.empty(count), np.empty(count), np.empty(count, np.int32))
    endless = market.own if saturated else market.own[:0]
    _kernels.weigh_groups(*groups[1:], market.weight, market.down_mbps, market.up_mbps, network.home, endless, *offers)
    return offers


def _let_contend(asked_mbps: Floats, groups: Groups, plan: BeamPlan, beam_mbps: Floats, active: Floats) -> Floats:
    """What the beams of cells can be expected to carry where terminals come and go, Mbit/s, shape (beams,).

    The beams of a cell serve its terminals together; these move among them faster than they come and go. Each asks for the mean of what all
    ask for, but no more than the best beam carries. How they share what there is, weights and demands decide.
    """
    cells = len(active)
    best, together = np.zeros(cells), np.bincount(plan.cell, weights=beam_mbps, minlength=cells)
    np.maximum.at(best, plan.cell, beam_mbps)
    asked = np.bincount(groups.cell, weights=asked_mbps, minlength=cells)
    each_mbps = np.minimum(np.divide(asked, active, out=np.zeros(cells), where=active > 0.0), best)
    bounded = np.isfinite(asked) & (each_mbps > 0.0)
    room = np.divide(together, each_mbps, out=np.ones(cells), where=bounded)
    expected = active * each_mbps * expected_shares(active, room)
    # Where all is asked for that there is, or nothing, beams carry what they carry.
    kept = np.divide(expected, together, out=np.ones(cells), where=bounded & (together > 0.0))
    return beam_mbps * np.minimum(kept, 1.0)[plan.cell]


def _capacities(plant: Plant, beam_mbps: Floats, satellite_mbps: Floats) -> Capacities:
    return Capacities(
        beam_mbps=beam_mbps,
        satellite_mbps=satellite_mbps,
        laser_mbps=plant.laser_mbps,
        landing_mbps=plant.feeder_mbps,
        feeder_mbps=plant.dish_mbps if (plant.gateway_share == 1.0).all() else partial(_feeder_mbps, plant),
        gateway_mbps=plant.gateway_mbps,
        pop_mbps=plant.pop_mbps,
    )


def _feeder_mbps(plant: Plant, satellite: Integers, gateway: Integers) -> Floats:
    """What each feeder link carries in the weather over its gateway."""
    return plant.dish_mbps[satellite] * plant.gateway_share[gateway]


class _Shared(NamedTuple):
    """Rates of the parts of flows, those of groups, Mbit/s, and the kind of what holds each group back."""

    rates: FairRates
    group_mbps: Floats
    kind: npt.NDArray[np.int8]


def _share_downlinks(assembly: Assembly) -> _Shared:
    return _merge(assembly, fair_rates(assembly.flows, assembly.resources.capacity_mbps))


def _share_uplinks(assembly: Assembly, demand_mbps: Floats, capacities: Capacities) -> _Shared:
    """Rates of the uplink over the same ways."""
    flows = replace(assembly.flows, demand=demand_mbps[assembly.part_of] * assembly.fraction)
    resources = replace_capacities(assembly.resources, capacities)
    return _merge(assembly, fair_rates(flows, resources.capacity_mbps))


def _merge(assembly: Assembly, rates: FairRates) -> _Shared:
    from overflight.capacity import _kernels

    merged, kind = np.empty(assembly.count), np.empty(assembly.count, np.int8)
    _kernels.merge_parts(assembly.part_of, assembly.flows.weight, rates.rate, rates.bottleneck, assembly.resources.first, merged, kind)
    return _Shared(rates, merged, kind)
