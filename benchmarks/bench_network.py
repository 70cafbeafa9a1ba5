"""Links, ways and routes: a day's ways of the real fleet, Hypatia's whole task, LEOCraft's comparison."""

import csv
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.harness import Case
from overflight.catalog.constellations import Shell, find_constellation
from overflight.clock import parse_time
from overflight.earth.geodesy import Sites, make_sites
from overflight.network.gateways import make_ground_segment
from overflight.network.hypatia import stream_forwarding
from overflight.network.isl import TopologyInput, nearest_links, no_links, plus_grid
from overflight.network.routes import PathRules, find_pair_routes
from overflight.network.ways import find_ways
from overflight.orbit.elements import read_elements
from overflight.orbit.fleet import assign_planes
from overflight.orbit.propagation import Propagator
from overflight.orbit.shells import shell_elements

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
START = parse_time("2026-08-22T12:00:00Z")
THREADS = 2
DAY_SLOTS, STRETCH_SLOTS, STRETCHES = 5_760, 20, 12
"""A day in stretches of five minutes with the same links; the positions of one hour are used again and again."""

ROW_BYTES, L2_BYTES_S = 64, 60e9
RELAX_ROWS, LANES = 9, 8
"""Relaxing a satellite once in eight slots reads its own row, four neighbours' and four links'."""


@dataclass(frozen=True)
class Fleet:
    """An hour of the real fleet: positions by stretch, velocities at the start of each."""

    positions_km: list[npt.NDArray[np.float64]]
    inputs: list[TopologyInput]


@cache
def load_fleet() -> Fleet:
    elements = assign_planes(read_elements(SHARED / "elements" / "starlink_2026-08-22.tle")[0], START)
    propagator, blocks, inputs = Propagator(elements), [], []
    for stretch in range(STRETCHES):
        first = START + np.timedelta64(stretch * STRETCH_SLOTS * 15, "s")
        blocks.append(propagator.positions_km(first + np.arange(STRETCH_SLOTS) * np.timedelta64(15, "s")))
        later = propagator.positions_km(np.array([first + np.timedelta64(1, "s")]))[0]
        inputs.append(TopologyInput(blocks[-1][0], elements.shell, elements.plane, elements.slot, velocities_km_s=later - blocks[-1][0]))
    return Fleet(blocks, inputs)


@cache
def load_gateways() -> Sites:
    stations = json.loads((SHARED / "ground" / "starlink_gateways_2026-03-20.json").read_text(encoding="utf-8"))["stations"]
    rows = [(s["lat"], s["lon"]) for s in stations if s["type"] != "pop" and s["status"] == "operational"]
    return make_sites(*np.array(rows).T)


@cache
def load_stations() -> Sites:
    with (SHARED / "networks" / "cities_top_100.txt").open(encoding="utf-8") as lines:
        rows = [(float(row[2]), float(row[3])) for row in csv.reader(lines)]
    return make_sites(*np.array(rows).T)


@cache
def load_links(stretch: int) -> npt.NDArray[np.int32]:
    return nearest_links(load_fleet().inputs[stretch])


def find_day(pops: int, links: Callable[[int], npt.NDArray[np.int32]]) -> float:
    """Find the ways of a day, stretch by stretch, over the links of each stretch."""
    fleet = load_fleet()
    ground = make_ground_segment(load_gateways(), pops=make_sites([35.7, 1.35, 14.6, 22.3][:pops], [139.7, 103.8, 121.0, 114.2][:pops]))

    def find(number: int) -> float:
        stretch = number % STRETCHES
        return float(find_ways(fleet.positions_km[stretch], links(stretch), ground)[0].delay_ms[0, 0])

    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        return sum(pool.map(find, range(DAY_SLOTS // STRETCH_SLOTS)))


def forward_hypatia() -> int:
    """Next hop of every node to every ground station, 200 s in steps of 100 ms, with positions and links."""
    constellation = find_constellation("hypatia-starlink-550")
    elements = shell_elements(constellation.shells, constellation.epoch)
    propagator = Propagator(elements)
    times = constellation.epoch + np.arange(2000) * np.timedelta64(100_000, "us")
    start_km = propagator.positions_km(times[:1], earth_orientation="none")[0]
    links = plus_grid(TopologyInput(start_km, elements.shell, elements.plane, elements.slot), pairing="same-slot")
    blocks = (propagator.positions_km(times[k : k + 80], earth_orientation="none") for k in range(0, 2000, 80))
    assert constellation.max_user_range_km is not None
    reach_km = constellation.max_user_range_km
    states = stream_forwarding(blocks, links, load_stations(), max_range_km=reach_km, threads=THREADS)
    return sum(int(block[0][0, 0]) for block in states)


def route_grid() -> float:
    """A 75 × 75 +Grid, 50 routes among 100 ground stations, 200 steps of 1 s, with positions and links."""
    shell = Shell("grid", 75, 75, 75 * 75, 550.0, None, 53.0, "delta", odd_plane_offset_slots=0.5)
    elements = shell_elements([shell], START)
    propagator = Propagator(elements)
    times = START + np.arange(200) * np.timedelta64(1, "s")
    start_km = propagator.positions_km(times[:1])[0]
    links = plus_grid(TopologyInput(start_km, elements.shell, elements.plane, elements.slot), pairing="same-slot")
    pairs = np.stack([np.arange(50), np.arange(50, 100)], axis=1)
    total = 0.0
    for first in range(0, 200, 40):
        positions = propagator.positions_km(times[first : first + 40], threads=THREADS)
        total += float(find_pair_routes(positions, links, load_stations(), pairs, rules=PathRules(), threads=THREADS).rtt_ms[0, 0])
    return total


def cases() -> list[Case]:
    """All timed pieces of work."""
    fleet_size = len(load_fleet().inputs[0])
    per_tree_s = RELAX_ROWS * ROW_BYTES / L2_BYTES_S / LANES / THREADS
    note = "every satellite relaxed once in 8 slots, 9 rows of 64 bytes from the second-level cache at 60 GB/s"

    def day(pops: int, limit_s: float) -> Case:
        trees = DAY_SLOTS * pops
        name = f"a day's ways, {fleet_size:,} satellites, 214 gateways, {pops} PoP{'s' * (pops > 1)}, {THREADS} cores"
        return Case(name, limit_s, trees * fleet_size * per_tree_s, note, lambda: find_day(pops, load_links), trees, "ways", 3)

    return [
        day(1, 4.0),
        day(4, 8.0),
        Case(
            "a day's links (nearest, every 5 minutes) and ways, 1 PoP, 2 cores",
            8.0,
            DAY_SLOTS * fleet_size * per_tree_s + DAY_SLOTS / STRETCH_SLOTS * fleet_size * 85 * 3e-9 / THREADS,
            f"{note}; 85 distances a satellite and choice of links at 3 ns",
            lambda: find_day(1, lambda stretch: nearest_links(load_fleet().inputs[stretch])),
            repeats=3,
        ),
        Case(
            "a day's ways without lasers, 1 PoP, 2 cores",
            2.0,
            DAY_SLOTS * fleet_size * 12 / 10e9 / THREADS,
            "12 bytes written per satellite and slot at 10 GB/s",
            lambda: find_day(1, lambda stretch: no_links(load_fleet().inputs[stretch])),
            repeats=3,
        ),
        Case(
            "Hypatia's whole task, Starlink 72 × 22, 100 ground stations, 2,000 steps, 2 cores",
            5.0,
            2000 * 100 * 1584 * per_tree_s,
            note,
            forward_hypatia,
            2000 * 100 * 1684,
            "next hops",
            repeats=3,
        ),
        Case(
            "75 × 75 +Grid, 50 routes among 100 stations, 200 steps, 2 cores",
            5.0,
            200 * 50 * 5625 * per_tree_s,
            note,
            route_grid,
            200 * 50,
            "routes",
            repeats=3,
        ),
        Case(
            "topology of the real fleet: nearest",
            0.1,
            fleet_size * 85 * 3e-9,
            "85 distances a satellite at 3 ns",
            lambda: nearest_links(load_fleet().inputs[0]),
        ),
        Case(
            "topology of the real fleet: plus-grid",
            0.1,
            fleet_size * 15 * 3e-9,
            "15 distances a satellite at 3 ns",
            lambda: plus_grid(load_fleet().inputs[0]),
        ),
    ]
