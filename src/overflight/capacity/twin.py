"""Capacity of one constellation over one territory, block by block: scenes are found, slots worked out, frames filled."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from overflight.account import Account
from overflight.backbone import Backbone
from overflight.capacity.chain import Network, Rules, SlotResult, work_slot
from overflight.capacity.links import Surroundings, UserLinks, find_surroundings, make_user_links
from overflight.capacity.market import Market, OwnDemand, find_others, make_market, settle_demand
from overflight.capacity.plant import Plant, Sky, make_landing, make_plant, make_sky, read_weather
from overflight.capacity.scenes import Scene, SceneFinder
from overflight.capacity.slots import choose_slots
from overflight.clock import Instants
from overflight.flow.feeders import Landing
from overflight.flow.paths import ResourceKind
from overflight.flow.summary import classify_cells
from overflight.inputs import FleetInputs, Inputs
from overflight.network.isl import Topology
from overflight.network.ways import Routing
from overflight.orbit.propagation import Propagator
from overflight.radio.attenuation import CLEAR
from overflight.run import CAPACITY_FRAMES, FleetHeader
from overflight.scenario import CapacitySettings, Scenario
from overflight.schedule.beams import Allocator, BeamPlan, find_allocator
from overflight.service.demand import activity

Floats = npt.NDArray[np.float64]
Frames = dict[str, npt.NDArray[Any]]
Rows = npt.NDArray[np.int64]

BLOCK_SLOTS = 24
"""Slots that are worked out together. Beams are kept from slot to slot within them and chosen afresh at their beginning, so that any
block can be worked out alone."""


@dataclass(frozen=True, slots=True)
class OwnRules:
    """A researcher's own functions in place of the scenario's; None leaves the scenario's."""

    allocator: Allocator | None = None
    landing: Landing | None = None
    topology: Topology | None = None
    routing: Routing | None = None


NO_OWN_RULES = OwnRules()


@dataclass(frozen=True, slots=True)
class Case:
    """One complete set of what capacity depends on besides scenes: varied one thing at a time by studies."""

    market: Market
    plant: Plant
    sky: Sky
    links: UserLinks
    rules: Rules


class CapacityTwin:
    """Capacity of one fleet over one territory.

    Parameters
    ----------
    inputs, fleet
        What is simulated.
    threads
        The result does not depend on it.
    own
        Own functions.
    propagator
        Of the fleet's elements; None for one of its own.
    market
        Cells and terminals in place of the scenario's: the whole world's (`overflight.capacity.world`).

    Attributes
    ----------
    account
        What was read for it: files, tables, warnings.
    demand
        The territory's terminals and what they ask for.
    case
        What the scenario says.
    """

    def __init__(
        self,
        inputs: Inputs,
        fleet: FleetInputs,
        *,
        threads: int = 1,
        own: OwnRules = NO_OWN_RULES,
        propagator: Propagator | None = None,
        market: Market | None = None,
    ) -> None:
        assert inputs.scenario.capacity is not None
        self.inputs, self.fleet, self.threads, self.own = inputs, fleet, threads, own
        self.settings: CapacitySettings = inputs.scenario.capacity
        self.account = Account()
        self.demand: OwnDemand = settle_demand(inputs, fleet, self.settings, self.account)
        if market is None:
            market = make_market(inputs, fleet, self.demand, find_others(inputs.territory.cells, fleet, scale=self.settings.incumbents))
        self._propagator = propagator or Propagator(fleet.elements)
        self.case = self._make_case(market)
        self._surroundings: dict[float, Surroundings] = {}
        self._pops = np.unique(market.home_pop)
        self.backbone = self._make_backbone(inputs.scenario)
        self._finder = SceneFinder(inputs, fleet, market, self.backbone, self._propagator)
        self.network = Network(
            backhaul_ms=self.backbone.ground.backhaul_ms,
            home=np.searchsorted(self._pops, market.home_pop).astype(np.int32),
            norad_id=fleet.elements.norad_id,
        )
        self.rows, self.stretch_slots = choose_slots(len(inputs.slot_start), len(market), max_cell_slots=self.settings.max_cell_slots)

    def _make_case(self, market: Market) -> Case:
        settings, fleet = self.settings, self.fleet
        weather = read_weather(self.inputs.scenario.weather)
        wet = weather if self.inputs.scenario.weather.gateways == "same" else CLEAR
        plant = make_plant(fleet, market, settings, settings.parameters, gateway_weather=wet)
        links = make_user_links(fleet.operator, plant, computed=settings.interference == "computed", coding=settings.coding)
        diameter_m, maps = plant.values["terminal_diameter_m"], self.inputs.scenario.weather.maps
        sky = make_sky(market, fleet.operator, weather, diameter_m=diameter_m, maps=maps, threads=self.threads)
        rules = Rules(
            allocate=self.own.allocator or find_allocator(settings.allocator),
            is_checked=self.own.allocator is not None,
            landing=self.own.landing or make_landing(settings.landing, plant.values),
            cells_per_beam=settings.cells_per_beam,
            satellites_per_channel=settings.satellites_per_channel,
        )
        return Case(market, plant, sky, links, rules)

    def _make_backbone(self, scenario: Scenario) -> Backbone:
        return Backbone(self.fleet, scenario, self._pops, topology=self.own.topology, routing=self.own.routing)

    @property
    def market(self) -> Market:
        """Cells and terminals."""
        return self.case.market

    @property
    def slot_start(self) -> Instants:
        """The slots that are worked out."""
        return self.inputs.slot_start[self.rows]

    def header(self) -> FleetHeader:
        """What is known of the frames before the first slot."""
        market, own = self.market, self.market.own
        terminals = market.terminals[own]
        tables = {
            "capacity_cells": {
                "cell": market.cell_ids[own],
                "population": market.population[own],
                **{f"terminals_{name}": terminals[:, k].astype(np.int64) for k, name in enumerate(market.classes)},
            }
        }
        about = {"stretch_slots": self.stretch_slots, "others_cells": int((~own).sum())}
        assert self.fleet.gateways is not None
        axes = {"gateway": len(self.fleet.gateways)}
        block = min(BLOCK_SLOTS, self.stretch_slots)
        return FleetHeader(
            self.fleet.name, self.slot_start, market.cell_ids[own], block, tuple(CAPACITY_FRAMES), tables, about, "capacity", axes
        )

    def find_scenes(self, rows: Rows, *, threads: int = 1) -> Iterator[Scene]:
        """Find the scenes of some slots of the run, stretch by stretch."""
        bounds = [0, *(np.flatnonzero(np.diff(rows) > 1) + 1).tolist(), len(rows)]
        for first, last in pairwise(bounds):
            if last > first:
                yield from self._finder.find(self.inputs.slot_start[rows[first:last]], threads=threads)

    def blocks(self, *, done: int = 0) -> Iterator[Frames]:
        """Work the blocks of slots out, in order, from the first that is not done."""
        step = min(BLOCK_SLOTS, self.stretch_slots)
        parts = [self.rows[start : start + step] for start in range(done * step, len(self.rows), step)]
        ahead: deque[Future[Frames]] = deque()
        with ThreadPoolExecutor(max_workers=self.threads) as pool:
            for part in parts:
                ahead.append(pool.submit(self._work_block, part))
                if len(ahead) > self.threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()

    def _work_block(self, rows: Rows) -> Frames:
        results = list(self.work(self.find_scenes(rows), self.case))
        return {name: np.stack([row[name] for row in results]) for name in CAPACITY_FRAMES}

    def work(self, scenes: Iterator[Scene], case: Case) -> Iterator[Frames]:
        """Work scenes out one after the other; beams are kept from each to the next."""
        held: BeamPlan | None = None
        for scene in scenes:
            result = self.work_scene(scene, case, held=held)
            held = result.plan
            yield fill_frames(result, case, gateways=self.network.backhaul_ms.shape[1])

    def work_scene(self, scene: Scene, case: Case, *, held: BeamPlan | None = None, threads: int = 1) -> SlotResult:
        """Work one scene out."""
        asked = activity(np.array([scene.instant]), case.market.sites.lon_deg)[0]
        return work_slot(
            scene,
            case.market,
            case.plant,
            case.sky,
            case.links,
            self.network,
            case.rules,
            asked,
            held=held,
            surroundings=self.look_around(case),
            threads=threads,
        )

    def look_around(self, case: Case) -> Surroundings | None:
        """Cells near each other, found once for each width of the ring; all cases have the same cells."""
        if case.links.interference is None:
            return None
        ring_km = case.links.interference.ring_km
        if ring_km not in self._surroundings:
            self._surroundings = {ring_km: find_surroundings(self.market.sites, ring_km)}
        return self._surroundings[ring_km]


def saturate(case: Case) -> Case:
    """The same case with the territory's terminals asking for ever more."""
    return replace(case, rules=replace(case.rules, saturated=True))


def fill_frames(result: SlotResult, case: Case, *, gateways: int) -> Frames:
    """Frames of one slot: of the territory's cells, of gateways, and of the cells elsewhere together (`overflight.run.CAPACITY_FRAMES`)."""
    own, cells = case.market.own, len(case.market)
    groups, plan = result.groups, result.plan
    delivered = [np.bincount(groups.cell, weights=rate, minlength=cells) for rate in (result.down_mbps, result.up_mbps)]
    beams = np.bincount(plan.cell, minlength=cells)
    carried = np.bincount(plan.cell, weights=result.beam_mbps, minlength=cells)
    with np.errstate(divide="ignore", invalid="ignore"):
        down, up = (np.where(result.active > 0.0, rate / result.active, np.nan) for rate in delivered)
        channel_mbps = np.where(beams > 0, carried / beams, np.nan)
    return {
        "active_terminals": result.active[own],
        "beams": np.minimum(beams[own], 255),
        "channel_mbps": channel_mbps[own],
        "down_mbps": down[own],
        "up_mbps": up[own],
        "delivered_down_mbps": delivered[0][own],
        "delivered_up_mbps": delivered[1][own],
        "bottleneck": find_bounds(result, case)[own],
        "gateway_mbps": land_traffic(result, own, gateways),
        "others_active_terminals": np.asarray(result.active[~own].sum()),
        "others_down_mbps": np.asarray(delivered[0][~own].sum()),
    }


def find_bounds(result: SlotResult, case: Case) -> npt.NDArray[np.int8]:
    """What holds most of each cell's active terminals back, a number of `overflight.flow.summary.CellBound`, shape (cells,)."""
    licensed = np.bitwise_count(case.plant.licensed).astype(np.int64) * case.rules.satellites_per_channel
    return classify_cells(
        result.groups.cell.astype(np.int32),
        result.bottleneck,
        result.groups.terminals,
        wanted=np.maximum(result.need, result.active > 0.0),
        got=np.bincount(result.plan.cell, minlength=len(case.market)),
        licensed=licensed,
        seen=result.seen,
    )


def land_traffic(result: SlotResult, cells: npt.NDArray[np.bool_], gateways: int) -> Floats:
    """What each gateway lands of the downlink traffic of some cells, Mbit/s, shape (gateways,)."""
    assembly = result.assembly
    flows, first = assembly.flows, assembly.resources.rows(ResourceKind.GATEWAY).start
    assert flows.path is not None
    assert flows.path_indptr is not None
    assert flows.path_resource is not None
    at_gateway = (flows.path_resource >= first) & (flows.path_resource < first + gateways)
    path = np.repeat(np.arange(len(flows.path_indptr) - 1), np.diff(flows.path_indptr))[at_gateway]
    gateway_of = np.full(len(flows.path_indptr) - 1, -1)
    gateway_of[path] = flows.path_resource[at_gateway] - first
    landed = gateway_of[flows.path]
    group = assembly.part_of
    ours = cells[result.groups.cell[group]] & (landed >= 0)
    return np.bincount(landed[ours], weights=result.part_mbps[ours], minlength=gateways).astype(np.float64)
