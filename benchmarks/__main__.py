"""Time every case, each in a process of its own, and print the table of docs/benchmarks.md.

``python -m benchmarks [WORD …]`` runs the cases whose name has one of the words; ``--passes 2`` all of them twice; ``--write`` puts the
tables into docs/benchmarks.md. The exit code says whether all kept to their limits.
"""

import argparse
import importlib
import pickle
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.harness import HEADER, Case, Timing, describe_machine, format_row, time_case

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
HEADING = "## Measured\n"


def module_names() -> list[str]:
    """Modules with cases, in the table's order."""
    first = ["bench_orbit", "bench_sky", "bench_network", "bench_twin"]
    found = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
    return [*first, *(name for name in found if name not in first)]


def read_cases(module: str) -> list[Case]:
    """Cases of one module."""
    cases: list[Case] = importlib.import_module(f"benchmarks.{module}").cases()
    return cases


def time_alone(module: str, number: int) -> tuple[float, ...]:
    """Time one case in a process of its own, so that its memory is its own."""
    command = [sys.executable, "-m", "benchmarks", "--case", module, str(number)]
    done = subprocess.run(command, check=True, capture_output=True)
    figures: tuple[float, ...] = pickle.loads(done.stdout)
    return figures


def time_all(words: list[str]) -> Iterator[Timing]:
    """Time the chosen cases, one after the other."""
    for module in module_names():
        for number, case in enumerate(read_cases(module)):
            if not words or any(word.lower() in case.name.lower() for word in words):
                yield Timing(case, *time_alone(module, number))


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("words", nargs="*", help="only cases whose name has one of these words")
    parser.add_argument("--passes", type=int, default=1, help="how often to run the whole table")
    parser.add_argument("--write", action="store_true", help="write the tables to docs/benchmarks.md")
    parser.add_argument("--case", nargs=2, metavar=("MODULE", "NUMBER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        timing = time_case(read_cases(options.case[0])[int(options.case[1])])
        sys.stdout.buffer.write(pickle.dumps((timing.first_s, timing.median_s, timing.best_s, timing.worst_s, timing.peak_mib)))
        return 0
    parts, late = [], 0
    for number in range(options.passes):
        title = f"### Run {number + 1}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, on {describe_machine()}\n\n{HEADER}"
        print(title, flush=True)
        rows = []
        for timing in time_all(options.words):
            late += not timing.within
            rows.append(format_row(timing))
            print(rows[-1], flush=True)
        parts.append("\n".join([title, *rows]))
    if options.write:
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(text[: text.index(HEADING)] + HEADING + "\n" + "\n\n".join(parts) + "\n", encoding="utf-8")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
