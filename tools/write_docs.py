"""Write the pages of docs/reference that follow from the code: the command line and the scenario's settings.

``python tools/write_docs.py`` writes them; a test fails when they are not what this script would write.
"""

import os
import sys
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"


def write_pages() -> dict[str, str]:
    """Text of every generated page, by file name."""
    return {"cli.md": _cli_page(), "scenario.md": _scenario_page()}


def _cli_page() -> str:
    os.environ.update({"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"})
    import click
    from typer.main import get_command

    from overflight.cli import app

    parts = [
        "# Command line",
        "",
        "Data go to stdout, everything else to stderr. Every reporting verb takes `--json`. Progress bars appear only on a terminal.",
        "Errors are one line; `--debug` shows the traceback behind it. Times are ISO 8601 UTC; places are names or `LAT,LON`.",
        "",
        "| exit code | meaning |",
        "|---|---|",
        "| 0 | ok |",
        "| 1 | a check failed |",
        "| 2 | usage or bad input |",
        "| 3 | data missing |",
        "| 70 | a fault of Overflight itself |",
        "| 130 | interrupted; repeat the command to go on |",
        "",
    ]
    root: Any = get_command(app)

    def describe(command: Any, path: str) -> None:
        context = click.Context(command, info_name=path, max_content_width=100, terminal_width=100)
        parts.extend([f"## `{path}`", "", "```text", command.get_help(context).strip(), "```", ""])
        for name, child in getattr(command, "commands", {}).items():
            describe(child, f"{path} {name}")

    describe(root, "overflight")
    return "\n".join(parts).rstrip() + "\n"


def _scenario_page() -> str:
    from overflight.scenario import scenario_schema

    schema = scenario_schema()
    definitions = schema["$defs"]
    parts = [
        "# Scenario",
        "",
        "One frozen description of what to simulate, in TOML. `overflight scenario validate FILE` finds every problem at once,",
        "`overflight scenario show FILE` spells out every setting, `overflight scenario schema` writes the JSON Schema.",
        'A file may build on another (`extends = "base.toml"`), and may hold named variants under `[overrides.NAME]`,',
        "taken with `--override NAME`. Paths are relative to the file. A key that does not exist is an error.",
        "",
        "```toml",
        'territory = "Taiwan"',
        "",
        "[[constellations]]",
        'name = "starlink"',
        'elements = ["starlink.tle"]',
        "",
        "[time]",
        'start = "2026-08-22T00:00:00Z"',
        "hours = 6.0",
        "",
        "[overrides.without-lasers.network]",
        'topology = "none"',
        "```",
        "",
        "## Top level",
        "",
        *_rows(schema),
    ]
    titles = {
        "TimeSettings": "[time]",
        "FleetSettings": "[[constellations]]",
        "ShellSettings": "[[constellations.shells]]",
        "VisibilitySettings": "[visibility]",
        "SelectionSettings": "[selection]",
        "NetworkSettings": "[network]",
        "SamplingSettings": "[sampling]",
    }
    for name, title in titles.items():
        definition = definitions[name]
        parts.extend([f"## `{title}`", "", definition.get("description", ""), "", *_rows(definition)])
    return "\n".join(parts).rstrip() + "\n"


def _rows(definition: dict[str, Any]) -> list[str]:
    rows = ["| key | default | meaning |", "|---|---|---|"]
    required = set(definition.get("required", ()))
    for key, field in definition["properties"].items():
        default = "required" if key in required else _default(field)
        rows.append(f"| `{key}` | {default} | {field.get('description', '').replace('``', '`')} |")
    return [*rows, ""]


def _default(field: dict[str, Any]) -> str:
    value = field.get("default")
    if isinstance(value, dict | list) and value:
        return "see below"
    return "–" if value is None or value in ({}, []) else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def main() -> int:
    """Write every page."""
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name, text in write_pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
        print(REFERENCE / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
