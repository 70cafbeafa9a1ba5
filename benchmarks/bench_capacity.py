"""Capacity: one slot of the whole world, its stages, and a day of Taiwan on disk."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.harness import Case
from overflight.capacity.chain import SlotResult
from overflight.capacity.links import add_interference, rate_pairs
from overflight.capacity.scenes import Scene
from overflight.capacity.twin import CapacityTwin
from overflight.capacity.world import make_world_market
from overflight.inputs import Inputs, gather_inputs
from overflight.scenario import parse_scenario

ROOT = Path(__file__).resolve().parent.parent
ELEMENTS = ROOT.parent / "shared" / "data" / "elements" / "starlink_2026-08-22.tle"
THREADS = 2
SLOTS = 5760
SATELLITES = 10_746
CANDIDATES, PAIRS, BEAMS = 14.6e6, 8.6e6, 240_000
"""Of one slot of the world: pairs that are tested, those that are usable, beams that are lit."""

TEST_S, RATE_S, GRANT_S, FLOW_S, TREE_S = 2e-9, 8e-9, 0.35e-6, 0.1e-6, 45e-6
"""A test: 25 operations in double precision, 45 in single precision, eight and sixteen abreast. A rate: 17 look-ups at half a nanosecond.
A beam: two rows of pairs read out of order. A flow and a routing tree: as docs/benchmarks.md measures them."""


def cases() -> list[Case]:
    """The limits of capacity, and what the slot of the world consists of."""
    return [_world_slot(), *_world_stages(), _day()]


def load(territory: str, capacity: dict[str, object], in_service: str) -> Inputs:
    """Inputs over the real fleet."""
    return gather_inputs(
        parse_scenario(
            {
                "territory": territory,
                "constellations": [{"name": "starlink", "elements": [str(ELEMENTS)], "in_service": in_service}],
                "capacity": capacity,
            },
            source="benchmark",
        )
    )


@cache
def make_world() -> CapacityTwin:
    """The twin of the whole world; its territory is only a name. Beams are whole, so that interference is worked out."""
    inputs = load("Malta", {"cells_per_beam": 1}, "populated-shells")
    fleet = inputs.fleets[0]
    return CapacityTwin(inputs, fleet, threads=THREADS, market=make_world_market(fleet))


def find_scene(row: int = 100) -> Scene:
    """A scene of the world."""
    return next(make_world().find_scenes(np.array([row]), threads=THREADS))


def _world_slot() -> Case:
    rows = iter(range(100, 5000, 24))

    def run() -> object:
        twin = make_world()
        return twin.work_scene(find_scene(next(rows)), twin.case, threads=THREADS)

    return Case(
        name="one slot of the whole world, positions to fair rates: 260,475 cells, 8.6 M usable pairs, 233 gateways, 240,000 beams",
        limit_s=0.5,
        floor_s=(CANDIDATES * TEST_S + PAIRS * RATE_S) / THREADS + BEAMS * (GRANT_S + FLOW_S) + 52 * TREE_S,
        floor_note="14.6 M tests at 2 ns and 8.6 M rates at 8 ns on two cores; beams and flows in turn at 0.45 µs; 52 trees",
        run=run,
        unit_count=PAIRS,
        unit="pairs",
    )


def _world_stages() -> list[Case]:
    @cache
    def scene() -> Scene:
        return find_scene()

    @cache
    def lit() -> SlotResult:
        return make_world().work_scene(scene(), make_world().case, threads=THREADS)

    def rate() -> npt.NDArray[np.float64]:
        case = make_world().case
        return rate_pairs(scene(), case.links, case.plant, case.sky, threads=THREADS).rate_mbps

    def interfere() -> object:
        twin = make_world()
        model, near = twin.case.links.interference, twin.look_around(twin.case)
        assert model is not None
        assert near is not None
        return add_interference(model, scene(), lit().plan, near, threads=THREADS)

    return [
        Case(
            name="its scene: positions, lasers and ways to 52 PoPs, usable pairs, gateways in reach",
            limit_s=0.15,
            floor_s=CANDIDATES * TEST_S / THREADS + 52 * TREE_S,
            floor_note="14.6 M tests at 2 ns on two cores, 52 trees",
            run=find_scene,
            unit_count=PAIRS,
            unit="pairs",
        ),
        Case(
            name="its rates: geometry, attenuation, link budget and MODCOD of 8.6 M pairs",
            limit_s=0.1,
            floor_s=PAIRS * RATE_S / THREADS,
            floor_note="8 ns a pair, two cores",
            run=rate,
            unit_count=PAIRS,
            unit="pairs",
        ),
        Case(
            name="its interference: 240,000 lit beams, each other's",
            limit_s=0.06,
            floor_s=BEAMS * 0.15e-6 / THREADS,
            floor_note="38 cells at 1 ns, 7 neighbours at 15 ns, two cores",
            run=interfere,
            unit_count=BEAMS,
            unit="beams",
        ),
    ]


def _day() -> Case:
    from overflight.twin import run_inputs

    def run() -> object:
        capacity: dict[str, object] = {"terminals": 200_000, "incumbents": 0.0, "max_cell_slots": 10**9}
        folder = tempfile.mkdtemp(prefix="overflight-benchmark-")
        try:
            return run_inputs(load("Taiwan", capacity, "all"), Path(folder) / "run", threads=THREADS)
        finally:
            shutil.rmtree(folder)

    return Case(
        name="a day of Taiwan at 15-s slots, 10,746 real satellites, 200,000 terminals: all frames, on disk",
        limit_s=60.0,
        floor_s=2.0 * SLOTS * SATELLITES / 120e6 + SLOTS * 1.0e-3 / THREADS + 5.0,
        floor_note="positions twice, 1 ms a slot of compiled loops on two cores, 5 s of coverage and latency",
        run=run,
        unit_count=SLOTS,
        unit="slots",
        repeats=1,
        limit_mib=1500.0,
    )
