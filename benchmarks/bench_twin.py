"""A day of Taiwan over real satellites, written to disk; and what a newcomer waits for: the help, the first report."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.harness import Case

ROOT = Path(__file__).resolve().parent.parent
ELEMENTS = ROOT.parent / "shared" / "data" / "elements" / "starlink_2026-08-22.tle"
CELLS = 168
SLOTS = 5760
SATELLITES = 10_746


def cases() -> list[Case]:
    """Work of the whole program; the day uses every catalogued satellite."""
    return [_day(), *_commands()]


def _day() -> Case:
    from overflight.inputs import gather_inputs
    from overflight.scenario import parse_scenario
    from overflight.twin import run_inputs

    scenario = parse_scenario(
        {
            "territory": "Taiwan",
            "constellations": [{"name": "starlink", "elements": [str(ELEMENTS)], "in_service": "all"}],
            "sampling": {"sensitivity": False},
        },
        source="benchmark",
    )

    def run() -> object:
        folder = tempfile.mkdtemp(prefix="overflight-benchmark-")
        try:
            return run_inputs(gather_inputs(scenario), Path(folder) / "run")
        finally:
            shutil.rmtree(folder)

    return Case(
        name="a day of Taiwan at 15-s slots, 10,746 real satellites: coverage, serving satellite, latency, on disk",
        limit_s=20.0,
        floor_s=SLOTS * SATELLITES / 120e6 + SLOTS * CELLS * 55 * 40e-9 / 2 + SLOTS * 45e-6 / 2,
        floor_note="62 M states, 53 M pairs at 40 ns, 5,760 trees at 45 µs, two cores",
        run=run,
        unit_count=SLOTS * CELLS,
        unit="cell-slots",
        repeats=3,
        limit_mib=1000.0,
    )


def _commands() -> list[Case]:
    program = [sys.executable, "-m", "overflight"]

    def first_report() -> object:
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "NUMBA_CACHE_DIR": str(Path(folder) / "cache")}
            return subprocess.run(
                [*program, "report", "Taiwan", "--out", str(Path(folder) / "out")], check=True, env=environment, capture_output=True
            )

    return [
        Case(
            name="overflight --help",
            limit_s=0.4,
            floor_s=0.02,
            floor_note="Python itself",
            run=lambda: subprocess.run([*program, "--help"], check=True, capture_output=True),
        ),
        Case(
            name="first report of a fresh install (Taiwan, a day, built-in fleet), compilation included",
            limit_s=60.0,
            floor_s=15.0,
            floor_note="the day above and the drawing; the rest is compilation",
            run=first_report,
            repeats=1,
        ),
    ]
