"""Fill in the parts of the docs that follow from the code: the command line, settings, frames, choices and the public surface.

A page marks such a part with ``<!-- generated: NAME -->`` and ``<!-- end -->``; what stands between is replaced. ``python
tools/write_docs.py`` fills in all pages; a test fails when a page is not what this script would write.
"""

import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"

_PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill_pages() -> dict[Path, str]:
    """Text of every page that has generated parts, as it should be."""
    pages = {}
    for path in sorted(DOCS.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        filled = _PART.sub(lambda part: f"{part[1]}\n{_PARTS[part[2]]().strip()}\n\n{part[3]}", text)
        if _PART.search(text):
            pages[path] = filled
    return pages


def _list_commands() -> str:
    os.environ.update({"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"})
    import click
    from typer.main import get_command

    from overflight.cli import app

    parts: list[str] = []

    def describe(command: Any, path: str) -> None:
        context = click.Context(command, info_name=path, max_content_width=100, terminal_width=100)
        parts.append(f"## `{path}`\n\n```text\n{command.get_help(context).strip()}\n```\n")
        for name, child in getattr(command, "commands", {}).items():
            describe(child, f"{path} {name}")

    describe(get_command(app), "overflight")
    return "\n".join(parts)


_TABLES_OF_SCENARIO = {
    "Scenario": "Top level",
    "TimeSettings": "`[time]`",
    "FleetSettings": "`[[constellations]]`",
    "ShellSettings": "`[[constellations.shells]]`",
    "VisibilitySettings": "`[visibility]`",
    "SelectionSettings": "`[selection]`",
    "NetworkSettings": "`[network]`",
    "AddedGateway": "`[[network.added_gateways]]`",
    "SamplingSettings": "`[sampling]`",
    "WeatherSettings": "`[weather]`",
    "CapacitySettings": "`[capacity]`",
}


def _list_settings() -> str:
    from overflight.scenario import scenario_schema

    schema = scenario_schema()
    parts = []
    for name, title in _TABLES_OF_SCENARIO.items():
        definition = schema if name == "Scenario" else schema["$defs"][name]
        parts += [f"## {title}\n", _plain(definition["description"]) + "\n", _describe_keys(definition) + "\n"]
    return "\n".join(parts)


def _list_contracts() -> str:
    from overflight.service.contracts import contracts_schema

    return _describe_keys(contracts_schema()["$defs"]["Contract"])


def _describe_keys(definition: dict[str, Any]) -> str:
    """A row for each key of a table, from its JSON Schema."""
    required = set(definition.get("required", ()))
    rows = [
        (f"`{key}`", _values_of(field), "required" if key in required else _default_of(field), _plain(field["description"]))
        for key, field in definition["properties"].items()
    ]
    return _table(("key", "values", "default", "meaning"), rows)


def _values_of(field: dict[str, Any]) -> str:
    """What a setting may be, from its JSON Schema."""
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "anyOf" in field:
        return _values_of(next(choice for choice in field["anyOf"] if choice.get("type") != "null"))
    if field.get("type") == "array":
        return "tables" if "$ref" in field["items"] else f"list of {_values_of(field['items'])}s"
    if "$ref" in field:
        return "table"
    if field.get("type") == "object":
        return f"table of {_values_of(field['additionalProperties'])}s"
    words = {"number": "number", "integer": "integer", "string": "text", "boolean": "`true`, `false`"}[field["type"]]
    bounds = [
        f"{sign} {field[key]:g}"
        for key, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))
        if key in field
    ]
    return " ".join([words, ", ".join(bounds)]).strip()


def _default_of(field: dict[str, Any]) -> str:
    value = field.get("default")
    if isinstance(value, dict | list) and value:
        return "see below"
    return "–" if value is None or value in ({}, [], "") else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _list_frames() -> str:
    from overflight.run import COVERAGE_FRAMES, FRAMES

    rows = []
    for frame in FRAMES.values():
        unit = "–" if frame.unit == "1" else frame.unit
        missing = "–" if frame.missing is None else str(frame.missing)
        scale = "–" if frame.scale == 1.0 else f"{frame.scale:g}"
        always = "always" if frame.name in COVERAGE_FRAMES else "with a ground segment"
        rows.append((f"`{frame.name}`", frame.dtype, unit, scale, missing, always, frame.about))
    return _table(("frame", "stored as", "unit", "scale", "missing", "written", "meaning"), rows)


def _list_capacity_frames() -> str:
    from overflight.run import CAPACITY_FRAMES

    axes = {"cell": "slot, cell", "gateway": "slot, gateway", None: "slot"}
    rows = []
    for frame in CAPACITY_FRAMES.values():
        unit = "–" if frame.unit == "1" else frame.unit
        missing = "–" if frame.missing is None else str(frame.missing)
        scale = "–" if frame.scale == 1.0 else f"{frame.scale:g}"
        rows.append((f"`{frame.name}`", axes[frame.axis], frame.dtype, unit, scale, missing, _plain(frame.about)))
    return _table(("frame", "axes", "stored as", "unit", "scale", "missing", "meaning"), rows)


def _list_bottlenecks() -> str:
    from overflight.flow.summary import CellBound

    source = inspect.getsource(CellBound)
    words = dict(re.findall(r'^    ([A-Z_]+) = \d+\n    """(.*?)"""', source, re.MULTILINE | re.DOTALL))
    rows = [(str(int(kind)), f"`{kind.name.lower()}`", _plain(words[kind.name])) for kind in CellBound]
    return _table(("number", "name", "meaning"), rows)


def _list_choices(registry: dict[str, Any]) -> str:
    rows = []
    for name, choice in registry.items():
        later = inspect.getclosurevars(choice).nonlocals if inspect.isfunction(choice) else {}
        named = getattr(import_module(later["module"]), later["name"]) if "module" in later else choice
        named = named if hasattr(named, "__name__") else type(named)  # an object with settings that is called as a function is
        rows.append((f"`{name}`", f"`{named.__module__}.{named.__name__}`", _first_paragraph(named)))
    return _table(("name", "function", "what it does"), rows)


def _list_strategies() -> str:
    from overflight.schedule.strategies import STRATEGIES

    return _list_choices(dict(STRATEGIES))


def _list_topologies() -> str:
    from overflight.network.isl import TOPOLOGIES

    return _list_choices(dict(TOPOLOGIES))


def _list_routings() -> str:
    from overflight.network.ways import ROUTINGS

    return _list_choices(dict(ROUTINGS))


def _list_allocators() -> str:
    from overflight.schedule.beams import ALLOCATORS

    return _list_choices(dict(ALLOCATORS))


def _list_landings() -> str:
    from overflight.flow.feeders import LANDINGS

    return _list_choices(dict(LANDINGS))


def _list_versions() -> str:
    from overflight.catalog.versions import SatelliteVersions

    least, usual, most = (SatelliteVersions.at(position) for position in (-1.0, 0.0, 1.0))

    def ranged(name: str, row: int) -> str:
        low, value, high = (getattr(table, name)[row] for table in (least, usual, most))
        return f"{value:g}" if low == high else f"{value:g} ({low:g} … {high:g})"

    columns = {
        "downlink_beams": "beams",
        "beams_per_channel": "on a channel",
        "throughput_gbps": "Gbit/s down",
        "uplink_gbps": "Gbit/s up",
        "feeder_gbps": "feeders, Gbit/s",
        "feeder_dishes": "gateways at a time",
        "lasers": "lasers",
        "laser_gbps": "Gbit/s each",
    }
    rows = [
        (f"`{usual.operator[row]}`", f"`{usual.version[row]}`", *(ranged(name, row) for name in columns), usual.status[row])
        for row in range(len(usual))
    ]
    return _table(("operator", "version", *columns.values(), "status"), rows)


def _list_parameters() -> str:
    from overflight.catalog.parameters import list_parameters

    rows = []
    for row in list_parameters():
        unit = "–" if row.unit in ("", "1") else row.unit
        rows.append((f"`{row.name}`", f"{row.value:g}", f"{row.low:g} … {row.high:g}", unit, row.status, _plain(row.meaning)))
    return _table(("parameter", "value", "range", "unit", "status", "meaning"), rows)


def _list_constellations() -> str:
    from overflight.catalog.constellations import find_constellation, list_constellations

    rows = []
    for name in list_constellations():
        known = find_constellation(name)
        rows.append((f"`{name}`", known.title, f"{known.satellites:,}", str(len(known.shells)), f"`{known.topology}`", known.status))
    return _table(("name", "what it is", "satellites", "rows of shells", "topology", "status"), rows)


def _list_surface() -> str:
    import overflight

    rows = []
    for name in sorted(overflight.__all__, key=str.casefold):
        thing = getattr(overflight, name)
        home = f"`{thing.__module__}`" if hasattr(thing, "__module__") and not isinstance(thing, dict) else "–"
        rows.append((f"`{name}`", _kind_of(thing), home, _about(name, thing)))
    return _table(("name", "what", "defined in", "in one line"), rows)


def _kind_of(thing: Any) -> str:
    if inspect.isclass(thing):
        return "exception" if issubclass(thing, Exception) else "class"
    return "function" if callable(thing) else "value"


def _about(name: str, thing: Any) -> str:
    """First paragraph of a docstring; values have none of their own."""
    values = {
        "__version__": "Version of the package.",
        "STRATEGIES": "Built-in satellite choices by name.",
        "TOPOLOGIES": "Built-in topologies of lasers by name.",
    }
    return values[name] if name in values else _first_paragraph(thing)


def _list_errors() -> str:
    from overflight import errors

    def walk(error: type[errors.OverflightError], depth: int) -> Iterator[tuple[str, ...]]:
        yield f"{'&nbsp;' * 4 * depth}`{error.__name__}`", str(error.exit_code), _first_paragraph(error)
        for child in error.__subclasses__():
            if child.__module__ == errors.__name__:
                yield from walk(child, depth + 1)

    return _table(("error", "exit code", "meaning"), walk(errors.OverflightError, 0))


_PARTS: dict[str, Callable[[], str]] = {
    "commands": _list_commands,
    "settings": _list_settings,
    "contracts": _list_contracts,
    "frames": _list_frames,
    "capacity-frames": _list_capacity_frames,
    "bottlenecks": _list_bottlenecks,
    "strategies": _list_strategies,
    "topologies": _list_topologies,
    "routings": _list_routings,
    "allocators": _list_allocators,
    "landings": _list_landings,
    "versions": _list_versions,
    "parameters": _list_parameters,
    "constellations": _list_constellations,
    "surface": _list_surface,
    "errors": _list_errors,
}


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines).replace("| --- ", "|---").replace("--- |", "---|")


def _first_paragraph(thing: Any) -> str:
    return _plain((inspect.getdoc(thing) or "").split("\n\n")[0])


def _plain(text: str) -> str:
    """One line of Markdown from a docstring."""
    return " ".join(text.split()).replace("``", "`").replace("|", "\\|")


def main() -> int:
    """Fill in every page."""
    for path, text in fill_pages().items():
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
