"""Flows of the real fleet: ways, landings and fair rates of a slot over the world and over Taiwan, and a table at random."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from benchmarks.bench_network import SHARED, load_fleet, load_gateways, load_links
from benchmarks.harness import Case
from overflight.catalog.ground import builtin_pops
from overflight.earth.cells import cell_centres
from overflight.earth.geodesy import make_sites
from overflight.flow.fair import FairRates, FlowTable, certify_fair, expand_paths, fair_rates
from overflight.flow.feeders import find_reach, gateway_capacity_mbps
from overflight.flow.paths import Assembly, Backbone, Capacities, assemble_flows
from overflight.network.gateways import make_ground_segment
from overflight.network.ways import find_ways

WORLD_BEAMS = 150_000
TAIWAN_BEAMS = 1_200
RANDOM_FLOWS, RANDOM_RESOURCES = 100_000, 50_000
INCIDENCE_S = 6e-9
"""One incidence is written and read four times, 4 bytes each, and one row of 32 bytes is updated in the second-level cache."""

MODEL = Capacities(
    beam_mbps=np.empty(0),
    satellite_mbps=20_000.0,
    laser_mbps=100_000.0,
    landing_mbps=20_800.0,
    feeder_mbps=20_800.0,
    gateway_mbps=float(gateway_capacity_mbps(8, dish_mbps=20_800.0)),
)
"""Round figures, all of them reported (see ../shared/physics.md)."""


@dataclass(frozen=True)
class Slot:
    """One slot: beams and flows over the ways of the real fleet."""

    beam_satellite: npt.NDArray[np.int32]
    beam: npt.NDArray[np.int32]
    pop: npt.NDArray[np.int32]
    weight: npt.NDArray[np.float64]
    demand_mbps: npt.NDArray[np.float64]
    backbone: Backbone
    capacities: Capacities

    def assemble(self, landing: str) -> Assembly:
        """Lead the slot's flows to their PoPs."""
        return assemble_flows(
            self.beam_satellite,
            beam=self.beam,
            pop=self.pop,
            weight=self.weight,
            demand_mbps=self.demand_mbps,
            backbone=self.backbone,
            capacities=self.capacities,
            landing=landing,
        )


@cache
def load_backbone() -> tuple[Backbone, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Ways of the real fleet to all built-in PoPs at one instant; positions of satellites and PoPs."""
    positions_km, sites = load_fleet().positions_km[0], load_gateways()
    pops = builtin_pops("starlink")
    pop_sites = make_sites(pops.lat_deg, pops.lon_deg)
    ground = make_ground_segment(sites, pops=pop_sites)
    ways = find_ways(positions_km[:8], load_links(0), ground)
    reach = find_reach(positions_km[0], sites.ecef_km, sites.up, min_elevation_deg=ground.min_elevation_deg)
    return Backbone(ways[0].next_hop, ground.backhaul_ms, reach), positions_km[0], pop_sites.ecef_km


@cache
def make_slot(beams: int, box_deg: tuple[float, float, float, float] | None = None) -> Slot:
    """Light beams in cells drawn at random, by one of the ten nearest satellites each, bound for the nearest PoP."""
    from scipy.spatial import cKDTree

    generator = np.random.default_rng(3)
    backbone, positions_km, pops_km = load_backbone()
    with gzip.open(SHARED / "cells" / "starlink_service_cells_h3r5.txt.gz", "rt", encoding="utf-8") as lines:
        cells = np.array([int(line, 16) for line in lines if line.strip()], dtype=np.uint64)
    lat_deg, lon_deg = cell_centres(cells)
    if box_deg is not None:
        inside = (lat_deg > box_deg[0]) & (lat_deg < box_deg[1]) & (lon_deg > box_deg[2]) & (lon_deg < box_deg[3])
        lat_deg, lon_deg = lat_deg[inside], lon_deg[inside]
    drawn = np.sort(generator.integers(0, len(lat_deg), beams))
    ecef_km = make_sites(lat_deg[drawn], lon_deg[drawn]).ecef_km.T
    flying = np.flatnonzero(np.isfinite(positions_km[0]))
    near = cKDTree(positions_km.T[flying]).query(ecef_km, k=10)[1]
    satellite = flying[near[np.arange(beams), generator.integers(0, 10, beams)]].astype(np.int32)
    home = cKDTree(pops_km.T).query(ecef_km)[1].astype(np.int32)
    beam = np.sort(np.concatenate([np.arange(beams), generator.choice(beams, beams // 4, replace=False)])).astype(np.int32)
    terminals = generator.integers(1, 30, len(beam)).astype(np.float64)
    demand = np.where(generator.random(len(beam)) < 0.3, np.inf, terminals * generator.choice([5.0, 25.0, 100.0], len(beam)))
    capacities = Capacities(
        generator.uniform(200.0, 1_280.0, beams), MODEL.satellite_mbps, MODEL.laser_mbps, MODEL.landing_mbps, MODEL.feeder_mbps,
        MODEL.gateway_mbps,
    )  # fmt: skip
    return Slot(satellite, beam, home[beam], terminals, demand, backbone, capacities)


def make_world() -> Slot:
    """Make a slot of the whole world."""
    return make_slot(WORLD_BEAMS)


def make_taiwan() -> Slot:
    """Make a slot of a territory of Taiwan's size: Kyushu, as Taiwan has no cells in service."""
    return make_slot(TAIWAN_BEAMS, (31.0, 34.0, 129.5, 132.2))


@cache
def make_random() -> tuple[FlowTable, npt.NDArray[np.float64]]:
    """Draw 100,000 flows over 8 to 16 of 50,000 resources each: nothing is near anything else, the worst for caches."""
    generator = np.random.default_rng(0)
    lengths = generator.integers(8, 17, RANDOM_FLOWS)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    resource = generator.integers(0, RANDOM_RESOURCES, indptr[-1]).astype(np.int32)
    weight = generator.integers(1, 200, RANDOM_FLOWS).astype(np.float64)
    demand = np.where(generator.random(RANDOM_FLOWS) < 0.5, np.inf, weight * generator.choice([1.0, 5.0, 25.0, 100.0], RANDOM_FLOWS))
    return FlowTable(indptr, resource, weight, demand), generator.uniform(500.0, 40_000.0, RANDOM_RESOURCES)


def solve(flows: FlowTable, capacity: npt.NDArray[np.float64], *, certify: bool) -> FairRates:
    """Fair rates, with their certificate where asked for."""
    rates = fair_rates(flows, capacity)
    if certify:
        assert certify_fair(flows, capacity, rates).holds()
    return rates


def cases() -> list[Case]:
    """Cases of the flows."""
    table, capacity = make_random()
    world, taiwan = make_world(), make_taiwan()
    led = world.assemble("least-delay")
    long_lists = expand_paths(led.flows)
    incidences = len(long_lists.resource)

    def assemble(slot: Slot, landing: str) -> Callable[[], object]:
        return lambda: slot.assemble(landing)

    def serve_taiwan() -> FairRates:
        parts = taiwan.assemble("least-delay")
        return fair_rates(parts.flows, parts.resources.capacity_mbps)

    world_size = f"{len(world.beam):,} flows, {WORLD_BEAMS:,} beams, 10,746 satellites, 214 gateways"
    return [
        Case(
            f"max-min fair rates with certificate, {RANDOM_FLOWS:,} flows over {RANDOM_RESOURCES:,} resources at random, one core",
            limit_s=0.08,
            floor_s=len(table.resource) * INCIDENCE_S,
            floor_note="6 ns an incidence",
            run=lambda: solve(table, capacity, certify=True),
            unit_count=float(len(table.resource)),
            unit="incidences",
        ),
        Case(
            f"fair rates of the world, one list per flow: {incidences:,} incidences, with certificate, one core",
            limit_s=0.2,
            floor_s=incidences * INCIDENCE_S,
            floor_note="6 ns an incidence",
            run=lambda: solve(long_lists, led.resources.capacity_mbps, certify=True),
            unit_count=float(incidences),
            unit="incidences",
        ),
        Case(
            f"fair rates of the world, shared paths: {world_size}, one core",
            limit_s=0.1,
            floor_s=len(world.beam) * 4 * INCIDENCE_S,
            floor_note="6 ns an incidence, 4 a flow",
            run=lambda: solve(led.flows, led.resources.capacity_mbps, certify=False),
            unit_count=float(len(world.beam)),
            unit="flows",
        ),
        *(
            Case(
                f"flows of the world led to their PoPs, {landing}, one core",
                limit_s=0.06,
                floor_s=len(world.beam) * 100.0 / 10e9,
                floor_note="100 bytes a flow at 10 GB/s",
                run=assemble(world, landing),
                unit_count=float(len(world.beam)),
                unit="flows",
            )
            for landing in ("least-delay", "hot-potato", "load-aware")
        ),
        Case(
            f"flows of a slot of a territory of Taiwan's size led to their PoPs: {len(taiwan.beam):,} flows, one core",
            limit_s=0.5e-3,
            floor_s=0.1e-3,
            floor_note="capacities of 30,000 resources written at 10 GB/s, and Python's calls",
            run=assemble(taiwan, "least-delay"),
            repeats=51,
        ),
        Case(
            "the same with fair rates",
            limit_s=1.5e-3,
            floor_s=0.3e-3,
            floor_note="the above; 30,000 rows of resources set up and read once",
            run=serve_taiwan,
            repeats=51,
        ),
    ]
