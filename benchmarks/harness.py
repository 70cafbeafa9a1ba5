"""How a case is timed: once to compile and warm up, then several times; the median is quoted, with the machine it ran on."""

import platform
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Case:
    """One piece of work with the time it may take and the least time it could take."""

    name: str
    limit_s: float
    floor_s: float
    """Estimate of the least time: operations or bytes over what this kind of machine can do."""
    floor_note: str
    run: Callable[[], object]
    unit_count: float = 0.0
    """How many units of work one run does, for a rate."""
    unit: str = ""
    repeats: int = 5


@dataclass(frozen=True, slots=True)
class Timing:
    """What a case took."""

    case: Case
    first_s: float
    """The first run: with compilation, or loading what was compiled before."""
    median_s: float
    best_s: float
    worst_s: float


def time_case(case: Case) -> Timing:
    """Run a case once to warm up and then ``repeats`` times."""
    begin = time.perf_counter()
    case.run()
    first_s = time.perf_counter() - begin
    taken = []
    for _ in range(case.repeats):
        begin = time.perf_counter()
        case.run()
        taken.append(time.perf_counter() - begin)
    return Timing(case, first_s, statistics.median(taken), min(taken), max(taken))


def format_row(timing: Timing) -> str:
    """One row of the table in docs/benchmarks.md."""
    case = timing.case
    rate = f"{case.unit_count / timing.median_s / 1e6:.1f} M {case.unit}/s" if case.unit_count else "–"
    verdict = "yes" if timing.median_s <= case.limit_s else "**no**"
    above = f"{timing.median_s / case.floor_s:.1f} ×" if case.floor_s else "–"
    return (
        f"| {case.name} | {case.limit_s:g} s | {timing.median_s:.3g} s ({timing.best_s:.3g}–{timing.worst_s:.3g}) | {rate} | {verdict} "
        f"| {case.floor_s:.2g} s: {case.floor_note} | {above} |"
    )


HEADER = "| work | at most | median (best–worst) | rate | within | floor | above it |\n|---|---|---|---|---|---|---|"


def describe_machine() -> str:
    """Processor, cores and memory in one line."""
    model = "unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [
            line.split(":", 1)[1].strip() for line in cpuinfo.read_text(encoding="utf-8").splitlines() if line.startswith("model name")
        ]
        model = f"{len(names)} × {names[0]}" if names else model
    return f"{model}, Python {platform.python_version()}, {platform.system()}"


def peak_memory_mib() -> float:
    """Largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
