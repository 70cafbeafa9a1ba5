"""Beam allocation on the real fleet of 2026-08-22: time, and the gap to what no plan can exceed.

``python -m benchmarks.bench_beams`` prints the gaps of docs/models/beams.md; they take minutes, as bounds are slow.
"""

import gzip
import time
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt

from benchmarks.harness import Case
from overflight.clock import parse_time
from overflight.earth.cells import cell_centres
from overflight.earth.geodesy import make_sites
from overflight.earth.territory import find_territory
from overflight.orbit.elements import ElementSets, mean_altitude_km, read_elements
from overflight.orbit.propagation import Propagator
from overflight.schedule.beam_bounds import BeamBound, bound_by_matching, bound_by_programme
from overflight.schedule.beams import BeamPlan, BeamRequest, PriorityGreedy, count_beams, share_kept, validate_plan
from overflight.sky.visibility import CellTree, find_visible, pair_angles

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
START = parse_time("2026-08-22T00:00:12Z")
MASK_DEG = 25.0
CHANNELS = 8
BEAMS = 48
BEAMS_PER_CHANNEL = 6
SLOTS = 20

Cells = npt.NDArray[np.uint64]


@cache
def fleet() -> ElementSets:
    elements = read_elements(SHARED / "elements" / "starlink_2026-08-22.tle")[0]
    return elements.select(np.flatnonzero(mean_altitude_km(elements) > 440.0))


@cache
def cells_of(name: str) -> Cells:
    """Service cells of the world, every fifth of them, or the cells of a territory; sorted."""
    if name not in ("world", "fifth"):
        return np.asarray(find_territory(name).cells, dtype=np.uint64)
    with gzip.open(SHARED / "cells" / "starlink_service_cells_h3r5.txt.gz", "rt") as lines:
        world = np.unique(np.array([int(line, 16) for line in lines.read().split()], dtype=np.uint64))
    return world if name == "world" else np.sort(np.random.default_rng(0).choice(world, 50_000, replace=False))


@cache
def neighbours_of(name: str) -> npt.NDArray[np.int32]:
    """Rows of the adjacent cells, shape (cells, 6)."""
    row = {cell: number for number, cell in enumerate(cells_of(name).tolist())}
    table = np.full((len(row), 6), -1, np.int32)
    for cell, number in row.items():
        others = sorted(row.get(other, -1) for other in h3.grid_disk(cell, 1) if other != cell)
        table[number, : len(others)] = others
    return table


def rate_mbps(elevation_deg: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A stand-in for the link budget: what 240 MHz carry with 12 dB at the zenith, free-space loss and 3 dB of scan loss at the mask."""
    sine = np.sin(np.radians(elevation_deg))
    height_km, radius_km = 500.0, 6378.0
    range_km = np.sqrt((radius_km * sine) ** 2 + 2.0 * radius_km * height_km + height_km**2) - radius_km * sine
    scan_db = 3.0 * (1.0 - sine) / (1.0 - np.sin(np.radians(MASK_DEG)))
    ratio_db = 12.0 - 20.0 * np.log10(range_km / height_km) - scan_db
    return np.asarray(240.0 * 0.9 * np.log2(1.0 + 10.0 ** (ratio_db / 10.0) / 1.5))


@cache
def make_request(
    name: str, *, most: int, slot: int = 0, beams: int = BEAMS, per_channel: int = BEAMS_PER_CHANNEL, skewed: bool = True
) -> BeamRequest:
    """Needs are drawn evenly from 1 … ``most``, priorities from a Pareto distribution (or all alike)."""
    cells = cells_of(name)
    sites = make_sites(*cell_centres(cells))
    positions = Propagator(fleet()).positions_km(np.array([START + np.timedelta64(15 * slot, "s")]))[0]
    visible = find_visible(CellTree(sites, cell_ids=cells), positions, min_elevation_deg=MASK_DEG)
    generator = np.random.default_rng(0)
    n, satellites = len(cells), len(fleet())
    return BeamRequest(
        indptr=visible.indptr.astype(np.int64),
        satellite=visible.satellite.astype(np.int32),
        value_mbps=rate_mbps(pair_angles(sites, positions, visible)[1]),
        need=generator.integers(1, most + 1, n).astype(np.int32),
        priority=generator.pareto(1.2, n) + 0.01 if skewed else np.ones(n),
        licensed=np.full(n, (1 << CHANNELS) - 1, np.uint32),
        beams=np.full(satellites, beams, np.int32),
        beams_per_channel=np.full(satellites, per_channel, np.int32),
        neighbours=neighbours_of(name),
        channels=CHANNELS,
    )


def hold(request: BeamRequest, plan: BeamPlan) -> BeamRequest:
    """The same request, with a plan held from the slot before."""
    return replace(request, held=plan)


def show_gap(label: str, request: BeamRequest, bound: BeamBound, allocate: PriorityGreedy) -> None:
    """Print a row: processor time, beams and cells served, gaps."""
    allocate(request)
    taken = []
    for _ in range(5):
        begin = time.process_time()
        plan = allocate(request)
        taken.append(time.process_time() - begin)
    validate_plan(request, plan)
    counts = count_beams(request, plan)
    gaps = " | ".join(
        f"{100.0 * max(0.0, 1.0 - got / most):.2f} %" if np.isfinite(most) else "–"
        for got, most in (
            (counts.given, bound.beams),
            (counts.weighted_first, bound.weighted_first),
            (counts.weighted_need, bound.weighted_need),
            (counts.rate_mbps, bound.rate_mbps),
        )
    )
    served = f"{counts.given:,} of {counts.wanted:,} | {counts.cells_lit:,} of {counts.cells_wanting:,}"
    print(f"| {label}, {allocate.order} | {min(taken) * 1e3:.3g} ms | {served} | {gaps} |", flush=True)


def show_gaps() -> None:
    """Print the table of gaps."""
    print("| case, order | time | beams | cells | gap: beams | first beams × priority | beams × priority | Mbit/s |")
    print("|---|---|---|---|---|---|---|---|")
    cases = [
        ("50,000 cells, 2.4 M pairs, need 1, 8 beams", make_request("fifth", most=1, beams=8, per_channel=8), bound_by_matching),
        ("50,000 cells, 2.4 M pairs, need 1, 4 beams", make_request("fifth", most=1, beams=4, per_channel=4), bound_by_matching),
        ("Taiwan, need to 8", make_request("Taiwan", most=8), bound_by_programme),
        ("Taiwan, need to 8, 8 beams", make_request("Taiwan", most=8, beams=8, per_channel=1), bound_by_programme),
        ("Great Britain, need to 8", make_request("United Kingdom", most=8), bound_by_programme),
        ("world, need 1", make_request("world", most=1), bound_by_matching),
        ("world, need to 3", make_request("world", most=3), bound_by_matching),
    ]
    for label, request, find_bound in cases:
        bound = find_bound(request)
        for order in ("shares", "cells"):
            show_gap(label, request, bound, PriorityGreedy(order=order))


def show_handovers() -> None:
    """Print what holding on to beams costs over twenty slots of Taiwan."""
    print("| gain | kept | Gbit/s |\n|---|---|---|")
    for gain in (None, 0.0, 0.1, 0.25, 0.5, np.inf):
        held: BeamPlan | None = None
        kept, rate = [], []
        for slot in range(SLOTS):
            request = make_request("Taiwan", most=8, slot=slot, skewed=False)
            asked = request if gain is None or held is None else hold(request, held)
            plan = PriorityGreedy(handover_gain=0.0 if gain is None else gain)(asked)
            if held is not None:
                kept.append(share_kept(held, plan))
            rate.append(count_beams(request, plan).rate_mbps / 1e3)
            held = plan
        print(f"| {'nothing held' if gain is None else gain} | {100.0 * np.mean(kept):.0f} % | {np.mean(rate):.1f} |", flush=True)


def cases() -> list[Case]:
    """Cases of the beam allocation."""
    greedy = PriorityGreedy()
    world, thirds = make_request("world", most=1), make_request("world", most=3)
    taiwan, fifth = make_request("Taiwan", most=8), make_request("fifth", most=1, beams=8, per_channel=8)
    again = hold(taiwan, greedy(taiwan))
    return [
        Case(
            f"beams, {name}",
            limit_s=limit_s,
            floor_s=len(request.satellite) * 12.0 / 10e9,
            floor_note="each pair read once, 12 bytes at 10 GB/s",
            run=partial(greedy, request),
            unit_count=float(len(request.satellite)),
            unit="pairs",
        )
        for name, request, limit_s in (
            ("world slot, 249,053 cells, need 1, one core", world, 0.25),
            ("world slot, 249,053 cells, need up to 3, one core", thirds, 0.40),
            ("50,000 cells, 2.4 M pairs, need 1, one core", fifth, 0.08),
            ("Taiwan, need up to 8", taiwan, 0.0015),
            ("Taiwan, need up to 8, beams held", again, 0.002),
        )
    ]


if __name__ == "__main__":
    show_gaps()
    show_handovers()
