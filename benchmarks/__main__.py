"""Run every case and print the table of docs/benchmarks.md: ``python -m benchmarks [WORD …]`` (only cases whose name has a word)."""

import importlib
import sys
from pathlib import Path

from benchmarks.harness import HEADER, Case, describe_machine, format_row, peak_memory_mib, time_case


def collect() -> list[Case]:
    """Cases of every ``bench_*.py`` beside this file."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
    return [case for name in names for case in importlib.import_module(f"benchmarks.{name}").cases()]


def main(words: list[str]) -> int:
    """Time the cases; the exit code says whether all were within their limits."""
    chosen = [case for case in collect() if not words or any(word.lower() in case.name.lower() for word in words)]
    print(f"Machine: {describe_machine()}\n\n{HEADER}", flush=True)
    late = 0
    for case in chosen:
        timing = time_case(case)
        late += timing.median_s > case.limit_s
        print(format_row(timing), flush=True)
    print(f"\nLargest resident memory of this process: {peak_memory_mib():,.0f} MiB")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
