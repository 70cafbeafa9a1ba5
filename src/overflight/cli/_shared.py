"""What the verbs share: options, messages on stderr, progress, choice of fleet and places."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import numpy as np

    from overflight.earth.geodesy import Sites
    from overflight.orbit.elements import ElementSets

MAX_HOURS = 24.0 * 366.0
"""Longest duration that a verb takes: a year."""


def within(low: float, high: float, what: str, *, above: bool = False) -> Callable[[float | None], float | None]:
    """Make the check of an option's number: finite, from ``low`` to ``high``, or above ``low``."""

    def check(value: float | None) -> float | None:
        if value is None:
            return None
        if not (low < value if above else low <= value) or not value <= high:
            bounds = f"above {low:g}, at most {high:g}" if above else f"from {low:g} to {high:g}"
            msg = f"{value:g} is not a number of {what} {bounds}"
            raise typer.BadParameter(msg)
        return value

    return check


ElementsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--elements",
        metavar="FILE",
        help="File of element sets (TLE, 3LE, OMM; may be gzipped); may be repeated. Default: the built-in fleet.",
        show_default=False,
    ),
]
ConstellationOption = Annotated[
    str | None,
    typer.Option(
        "--constellation", metavar="NAME", help="Built-in constellation instead of --elements; doctor lists them.", show_default=False
    ),
]
HoursOption = Annotated[
    float, typer.Option("--hours", metavar="H", help="Duration in hours.", callback=within(0.0, MAX_HOURS, "hours", above=True))
]
HeightOption = Annotated[
    float,
    typer.Option(
        "--height", metavar="M", help="Height of the site above the ellipsoid, metres.", callback=within(-1000.0, 100_000.0, "metres")
    ),
]
MaskOption = Annotated[
    float | None,
    typer.Option(
        "--mask",
        metavar="DEG",
        help="Least elevation of a satellite for a user, degrees. Default: each constellation's own, of Starlink 25.",
        callback=within(0.0, 90.0, "degrees"),
        show_default=False,
    ),
]
LowMaskOption = Annotated[
    float,
    typer.Option(
        "--mask", metavar="DEG", help="Least elevation, degrees; below 0 under the horizon.", callback=within(-90.0, 90.0, "degrees")
    ),
]
ArcOption = Annotated[
    float,
    typer.Option(
        "--arc", metavar="DEG", help="Geostationary-arc avoidance, degrees; 0 switches it off.", callback=within(0.0, 90.0, "degrees")
    ),
]
TopologyOption = Annotated[
    str,
    typer.Option("--topology", metavar="NAME", help="Lasers: none, plus-grid, three-link, nearest, or auto (the constellation's own)."),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads", metavar="N", min=1, help="Threads; the result does not depend on it. Default: the processor's.", show_default=False
    ),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace a run of another scenario in --out.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")]
StrictOption = Annotated[bool, typer.Option("--strict", help="Refuse a file with any bad record instead of leaving the record out.")]

Progress = Callable[[float], None]
"""Called with the share of the work done, 0 to 1."""


def say(message: str) -> None:
    """Tell the user something that is not data."""
    if sys.stderr is not None:  # closed by the caller: nobody listens
        print(f"overflight: {message}", file=sys.stderr)


def write_json(data: Any) -> None:
    """Write data to stdout as JSON; NaN and infinities have no place there, nor letters that the terminal's encoding lacks."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    print(json.dumps(data, indent=2, ensure_ascii=not encoding.startswith("utf"), allow_nan=False))


def write_document(text: str) -> None:
    """Write a document to stdout, to the byte, as its hash is that of its bytes."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def read_instant(text: str) -> "np.datetime64":
    """Read a time of the command line, with a warning when it names no zone."""
    from overflight.clock import parse_time, zone_warning

    instant = parse_time(text)
    warning = zone_warning(text)
    if warning is not None:
        say(f"warning: {warning}")
    return instant


def read_fleet(elements: list[Path] | None, constellation: str | None, *, strict: bool = False) -> tuple["ElementSets", bool]:
    """Element sets of the files given, or those of a built-in constellation, and whether they are real; what was left out is told."""
    from overflight.catalog.constellations import find_constellation
    from overflight.errors import ScenarioError
    from overflight.orbit.elements import join_elements, read_elements
    from overflight.orbit.shells import shell_elements

    if elements and constellation:
        msg = "--elements and --constellation name two fleets; give one of them"
        raise ScenarioError(msg)
    if not elements:
        known = find_constellation(constellation or "starlink")
        say(f"warning: {known.title}: no element sets given, built-in shells stand for the fleet; single satellites are not real")
        return shell_elements(known.shells, known.epoch), False
    tables = []
    for path in elements:
        table, intake = read_elements(path, strict=strict)
        for warning in intake.notices("element sets"):
            say(f"warning: {warning}")
        tables.append(table)
    joined, older = join_elements(tables)
    if older:
        say(f"warning: {older} element sets left out: another file has the same satellite with a later or the same epoch")
    return joined, True


def warn_of_age(elements: "ElementSets", instant: "np.datetime64") -> None:
    """Tell when element sets are too old, or too new, for the instant."""
    from overflight.orbit.fleet import age_warnings

    for warning in age_warnings(elements, instant):
        say(f"warning: {warning}")


def read_site(text: str, height_m: float) -> "Sites":
    """Make one site from ``LAT,LON`` or the name of a place."""
    from overflight.earth.geodesy import make_sites
    from overflight.earth.places import find_place

    place = find_place(text)
    return make_sites(place.lat_deg, place.lon_deg, height_m)


@contextmanager
def show_progress(title: str) -> Iterator[Progress]:
    """Draw a progress bar on stderr while the work goes on, if a person is watching."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda share: bar.update(task, completed=share)


def in_words(count: int, one: str, many: str) -> str:
    """A number and what it counts: ``1 pass``, ``1,200 passes``."""
    return f"{count:,} {one if count == 1 else many}"
