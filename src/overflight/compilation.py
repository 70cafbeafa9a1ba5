"""Compilation ahead of need: a second process compiles the loops of capacity while the first is busy with coverage.

Only the first report of an installation needs it: numba keeps compiled loops on disk, and the first process finds there what the second
has finished. Results cannot differ: each process runs what it would have compiled itself. The second prints nothing, ends with the
first, whatever becomes of that, and where it cannot be started, nothing is lost but time.

``python -m overflight.compilation`` is that second process.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

HOURS, SLOTS = 1.0, 2
"""Of the run whose first slots are worked out: short, but its second slot has one before it."""


@contextmanager
def compile_ahead() -> Iterator[None]:
    """Let another process compile meanwhile, if this is the first run of an installation; it is ended at the end of the block."""
    process = _start() if is_cold() else None
    try:
        yield
    finally:
        if process is not None:
            with process:  # waits, and closes the pipe
                process.kill()


def is_cold() -> bool:
    """Whether the loops of the beam allocation have never been compiled, or not since their file last changed."""
    from overflight.schedule import _beam_kernels

    stats = getattr(_beam_kernels.walk_steps, "stats", None)
    if stats is None or stats.cache_path is None:
        # Compilation is off, or nothing can be kept.
        return False
    changed = Path(_beam_kernels.__file__).stat().st_mtime
    indices = Path(stats.cache_path).glob("_beam_kernels.walk_steps-*.nbi")
    return not any(index.stat().st_mtime >= changed for index in indices)


def _start() -> "subprocess.Popen[bytes] | None":
    with suppress(OSError):
        return subprocess.Popen(
            [sys.executable, "-m", "overflight.compilation"],
            # The other end of the pipe closes when this process ends, however it does.
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    return None


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def compile_capacity() -> None:
    """Run every loop that a capacity needs once: what coverage needs, too, last, for by then the first process has it compiled."""
    _grant_beams()
    _share_rates()
    _work_slots()


def _grant_beams() -> None:
    from overflight.schedule.beams import NEIGHBOURS, BeamRequest, PriorityGreedy

    request = BeamRequest(
        indptr=np.array([0, 1, 2], dtype=np.int64),
        satellite=np.zeros(2, dtype=np.int32),
        value_mbps=np.ones(2),
        need=np.ones(2, dtype=np.int32),
        priority=np.ones(2),
        licensed=np.ones(2, dtype=np.uint32),
        beams=np.ones(1, dtype=np.int32),
        beams_per_channel=np.ones(1, dtype=np.int32),
        neighbours=np.full((2, NEIGHBOURS), -1, dtype=np.int32),
        channels=1,
    )
    PriorityGreedy()(request)


def _share_rates() -> None:
    from overflight.flow.fair import FlowTable, fair_rates

    one = np.array([0, 1], dtype=np.int64)
    row = np.zeros(1, dtype=np.int32)
    table = FlowTable(one, row, np.ones(1), np.ones(1), row, one, row)
    fair_rates(table, np.ones(1))


def _work_slots() -> None:
    from overflight.capacity.twin import CapacityTwin
    from overflight.inputs import gather_inputs
    from overflight.scenario import parse_scenario

    scenario = parse_scenario({"territory": "Malta", "time": {"hours": HOURS}, "capacity": {}}, source="compilation")
    inputs = gather_inputs(scenario)
    twin = CapacityTwin(inputs, inputs.fleets[0])
    for _ in twin.work(twin.find_scenes(twin.rows[:SLOTS]), twin.case):
        pass


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    compile_capacity()
