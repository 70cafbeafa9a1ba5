"""SGP4 of a real fleet into ITRF, and DSNS's task: 50,688 satellites × 400 steps with the lengths of their links."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.harness import Case
from overflight.catalog.constellations import Shell
from overflight.clock import Instants
from overflight.network.isl import TopologyInput, isl_lengths_km, plus_grid
from overflight.orbit.elements import ElementSets, read_elements
from overflight.orbit.propagation import Propagator
from overflight.orbit.shells import shell_elements

REAL_FLEET = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "elements" / "starlink_2026-08-22.tle"
START = np.datetime64("2026-08-22T00:00:12", "us")
SLOTS = 240
"""An hour of 15-s slots."""
STEPS = 400
STEPS_AT_ONCE = 16

OPERATIONS_PER_8_STATES = 246
"""Packed additions, multiplications and fused ones in the four loops of the kernel, counted in its assembly (AVX-512)."""
PACKED_OPERATIONS_PER_S = 2 * 2.9e9
"""Two 512-bit units at 2.9 GHz."""
STATE_S = OPERATIONS_PER_8_STATES / 8 / PACKED_OPERATIONS_PER_S
LENGTH_S = 32 / 1e10
"""A link's length: 24 bytes of its end's position from the caches and 8 bytes written, at 10 GB/s."""


def make_times(count: int) -> Instants:
    """Instants 15 s apart."""
    return START + np.arange(count) * np.timedelta64(15_000_000, "us")


@cache
def load_fleet() -> Propagator:
    """Starlink as flown, or without that file a shell of as many satellites."""
    if REAL_FLEET.is_file():
        return Propagator(read_elements(REAL_FLEET)[0])
    return Propagator(make_shell(54, 199))


def make_shell(planes: int, satellites_per_plane: int) -> ElementSets:
    """One Walker delta shell at 550 km, 53°."""
    shell = Shell(
        name="benchmark",
        planes=planes,
        satellites_per_plane=satellites_per_plane,
        satellites=planes * satellites_per_plane,
        altitude_km=550.0,
        mean_motion_rev_day=None,
        inclination_deg=53.0,
        pattern="delta",
        phasing_f=1.0,
    )
    return shell_elements([shell], START)


@cache
def _output(satellites: int, count: int) -> np.ndarray:
    return np.empty((count, 3, satellites))


def propagate_hour(threads: int) -> np.ndarray:
    """Positions of the real fleet in ITRF with UT1 and polar motion, an hour, into an array that stays."""
    propagator = load_fleet()
    return propagator.positions_km(make_times(SLOTS), threads=threads, out=_output(len(propagator), SLOTS))


def propagate_frame() -> np.ndarray:
    """One instant, as a caller who goes slot by slot asks for it."""
    return load_fleet().positions_km(make_times(1))


@cache
def make_grid() -> tuple[Propagator, np.ndarray]:
    """50,688 satellites in 288 planes and their +Grid."""
    elements = make_shell(288, 176)
    propagator = Propagator(elements)
    at_start = propagator.positions_km(make_times(1))[0]
    return propagator, plus_grid(TopologyInput(at_start, elements.shell, elements.plane, elements.slot))


def propagate_grid(threads: int) -> float:
    """Positions and link lengths of all steps, some steps at a time; the sum of lengths keeps it honest."""
    propagator, neighbours = make_grid()
    times = make_times(STEPS)
    positions_km = _output(len(propagator), STEPS_AT_ONCE)
    total_km = 0.0
    for first in range(0, STEPS, STEPS_AT_ONCE):
        propagator.positions_km(times[first : first + STEPS_AT_ONCE], threads=threads, out=positions_km)
        lengths_km = isl_lengths_km(positions_km, neighbours, threads=threads)
        total_km += float(lengths_km[-1, -1, -1])
    return total_km


def cases() -> list[Case]:
    """All timed pieces of work."""
    fleet_states = SLOTS * len(load_fleet())
    grid_states = STEPS * 50_688
    note = f"{OPERATIONS_PER_8_STATES} packed operations per 8 states, 2 units at 2.9 GHz"

    def fleet_case(threads: int) -> Case:
        run: Callable[[], object] = lambda: propagate_hour(threads)  # noqa: E731
        name = f"SGP4 to ITRF, {len(load_fleet()):,} satellites × {SLOTS}, {threads} core{'s' * (threads > 1)}"
        return Case(name, fleet_states / 40e6, fleet_states * STATE_S / threads, note, run, fleet_states, "states")

    return [
        fleet_case(1),
        fleet_case(2),
        Case(
            "SGP4 to ITRF, one instant",
            1e-3,
            len(load_fleet()) * STATE_S,
            note,
            propagate_frame,
            len(load_fleet()),
            "states",
            repeats=50,
        ),
        Case(
            "50,688 satellites × 400 steps, positions and ISL lengths, 2 cores",
            3.0,
            grid_states * (STATE_S + 4 * LENGTH_S) / 2,
            f"{note}; 32 bytes per length at 10 GB/s",
            lambda: propagate_grid(2),
            grid_states,
            "states",
            repeats=3,
            limit_mib=1000.0,
        ),
    ]
