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

ElementsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--elements", help="File of element sets (TLE, 3LE, OMM); may be repeated. Default: the built-in fleet.", show_default=False
    ),
]
AtOption = Annotated[
    str | None, typer.Option("--at", help="Start, ISO 8601 UTC. Default: midnight of the elements' day.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")]
StrictOption = Annotated[bool, typer.Option("--strict", help="Refuse a file with any bad record instead of leaving the record out.")]

Progress = Callable[[float], None]
"""Called with the share of the work done, 0 to 1."""


def say(message: str) -> None:
    """Tell the user something that is not data."""
    print(f"overflight: {message}", file=sys.stderr)


def write_json(data: Any) -> None:
    """Write data to stdout as JSON; NaN and infinities have no place there."""
    print(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def read_instant(text: str) -> "np.datetime64":
    """Read a time of the command line, with a warning when it names no zone."""
    from overflight.clock import has_zone, parse_time

    instant = parse_time(text)
    if len(text.strip()) > len("2026-08-22") and not has_zone(text):
        say(f"warning: time '{text}' names no zone and is read as UTC; end it with Z to say so")
    return instant


def read_fleet(elements: list[Path] | None, constellation: str | None, *, strict: bool = False) -> "ElementSets":
    """Element sets of the files given, or those of a built-in constellation; what was left out is told."""
    from overflight.catalog.constellations import find_constellation
    from overflight.errors import ScenarioError
    from overflight.orbit.elements import ElementSets, read_elements
    from overflight.orbit.shells import shell_elements

    if elements and constellation:
        msg = "--elements and --constellation name two fleets; give one of them"
        raise ScenarioError(msg)
    if not elements:
        known = find_constellation(constellation or "starlink")
        if constellation is None:
            say(f"note: no --elements given: built-in shells of '{known.title}' stand for the fleet; single satellites are not real")
        return shell_elements(known.shells, known.epoch)
    tables = []
    for path in elements:
        table, intake = read_elements(path, strict=strict)
        for warning in (*intake.warnings, *(str(item) for item in intake.left_out[:5])):
            say(f"warning: {warning}")
        if len(intake.left_out) > 5:
            say(f"warning: {intake.source}: {len(intake.left_out)} of {intake.read} records left out in all")
        tables.append(table)
    return tables[0] if len(tables) == 1 else ElementSets.concatenate(tables)


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
    if not sys.stderr.isatty():
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
