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
    limit_mib: float = 0.0
    """Largest resident memory allowed, of a process that does this case alone; 0: no limit is set."""


@dataclass(frozen=True, slots=True)
class Timing:
    """What a case took."""

    case: Case
    first_s: float
    """The first run: with compilation, or loading what was compiled before."""
    median_s: float
    best_s: float
    worst_s: float
    peak_mib: float

    @property
    def within(self) -> bool:
        """Whether time and memory kept to their limits."""
        return self.median_s <= self.case.limit_s and (not self.case.limit_mib or self.peak_mib <= self.case.limit_mib)


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
    return Timing(case, first_s, statistics.median(taken), min(taken), max(taken), peak_memory_mib())


def format_row(timing: Timing) -> str:
    """One row of the table in docs/benchmarks.md."""
    case = timing.case
    rate = f"{case.unit_count / timing.median_s / 1e6:.3g} M {case.unit}/s" if case.unit_count else "–"
    verdict = "yes" if timing.within else "**no**"
    above = f"{timing.median_s / case.floor_s:.1f} ×" if case.floor_s else "–"
    limit = f"{_duration(case.limit_s)}" + (f", {case.limit_mib:,.0f} MiB" if case.limit_mib else "")
    taken = f"{_duration(timing.median_s)} ({_duration(timing.best_s)} – {_duration(timing.worst_s)})"
    return (
        f"| {case.name} | {limit} | {taken} | {timing.peak_mib:,.0f} MiB | {rate} | {verdict} "
        f"| {_duration(case.floor_s)}: {case.floor_note} | {above} |"
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1.0 else f"{seconds * 1e3:.3g} ms"


HEADER = "| work | at most | median (best – worst) | memory | rate | within | floor | above it |\n|---|---|---|---|---|---|---|---|"


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
