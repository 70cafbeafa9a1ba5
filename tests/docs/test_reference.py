"""What the docs must mention is in them: verbs, options, settings, frames, tables, JSON keys, choices, figures of merit, the surface."""

import json
import re
from collections.abc import Collection
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from tools.write_docs import DOCS, fill_pages
from typer.main import get_command

import overflight
from overflight.catalog.parameters import list_parameters
from overflight.cli import app, main
from overflight.flow.feeders import LANDINGS
from overflight.flow.summary import CellBound
from overflight.measure.coverage import Coverage
from overflight.network.isl import TOPOLOGIES
from overflight.network.ways import ROUTINGS
from overflight.run import CAPACITY_FRAMES, FRAMES
from overflight.scenario import scenario_schema
from overflight.schedule.beams import ALLOCATORS
from overflight.schedule.strategies import STRATEGIES
from overflight.service.spreading import METHODS
from overflight.study import findings

GENERATED = fill_pages()


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def table_of(page: str, heading: str) -> list[list[str]]:
    """Rows of the first table below a heading."""
    section = f"\n{page}".split(f"\n{heading}\n", 1)[1]
    rows = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert rows is not None
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows[0].splitlines()[2:]]


def names_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("page", sorted(GENERATED), ids=lambda page: page.name)
def test_generated_parts_are_current(page: Path):
    assert page.read_text(encoding="utf-8") == GENERATED[page], "run: python tools/write_docs.py"


def test_every_verb_and_option_has_its_heading():
    page = read("reference/cli.md")

    def check(command: Any, path: str) -> None:
        assert f"\n## `{path}`\n" in page
        help_text = page.split(f"\n## `{path}`\n", 1)[1].split("\n## ", 1)[0]
        for option in (name for parameter in command.params for name in parameter.opts if name.startswith("--")):
            assert option in help_text, (path, option)
        for name, child in getattr(command, "commands", {}).items():
            check(child, f"{path} {name}")

    check(get_command(app), "overflight")


def test_every_setting_of_a_scenario_has_its_row():
    page, schema = read("reference/scenario.md"), scenario_schema()
    for definition in (schema, *schema["$defs"].values()):
        for key in definition["properties"]:
            assert f"\n| `{key}` |" in page
            assert definition["properties"][key].get("description"), f"{key}: say what it is"


CHOICES = {
    "strategies": STRATEGIES,
    "topologies": TOPOLOGIES,
    "routings": ROUTINGS,
    "allocators": ALLOCATORS,
    "landings": LANDINGS,
    "distributions": ("usual", *METHODS),
    "parameters": tuple(parameter.name for parameter in list_parameters()),
}


@pytest.mark.parametrize("registry", CHOICES.values(), ids=CHOICES.keys())
def test_every_choice_has_its_row(registry: Collection[str]):
    assert all(f"\n| `{name}` |" in read("reference/choices.md") for name in registry)


def test_every_figure_of_merit_has_its_row():
    words = set(names_in(read("nomenclature.md").split("## Figures of merit", 1)[1]))
    coverage = {field.name for field in fields(Coverage)} - {"step_s", "samples", "min_assets", "required_in_view"}
    assert coverage <= words
    reported = {field.name for kind in (findings.Coverage, findings.Latency) for field in fields(kind)}
    assert {name for name in reported if "histogram" not in name and "density" not in name} <= words


def test_every_bottleneck_has_its_row():
    rows = table_of(read("reference/run-on-disk.md"), "<!-- generated: bottlenecks -->\n")
    assert [(int(row[0]), names_in(row[1])) for row in rows] == [(int(kind), [kind.name.lower()]) for kind in CellBound]
    assert all(row[2] for row in rows)


def test_the_public_surface_is_what_the_page_lists():
    rows = table_of(read("reference/python.md"), "<!-- generated: surface -->\n")
    assert sorted(name for row in rows for name in names_in(row[0])) == sorted(overflight.__all__)
    assert all(row[3] for row in rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reference")


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, Any]:
    """A small report with two constellations, of which one has no ground segment."""
    made = overflight.report_territory("Malta", constellations=["oneweb", "kuiper"], hours=0.05, out=folder / "malta")
    return json.loads(json.dumps(made.to_dict()))


def keys_of(data: Any, path: str = "") -> set[str]:
    """Paths of all leaves of JSON, lists as ``[]``."""
    if isinstance(data, dict):
        return {key for name, value in data.items() for key in keys_of(value, f"{path}.{name}" if path else name)}
    if isinstance(data, list):
        return {key for item in data for key in keys_of(item, f"{path}[]")} or {f"{path}[]"}
    return {path}


def documented(heading: str) -> set[str]:
    return {name for row in table_of(read("reference/json.md"), heading) for name in names_in(row[0])}


def assert_documented(found: set[str], heading: str) -> None:
    """The same keys in both; ``KEY.*`` stands for all below; a list without items, or null, for what would stand below it."""
    rows = documented(heading)
    wildcards = tuple(row.removesuffix("*") for row in rows if row.endswith("*"))
    leaves = {row for row in rows if not row.endswith("*")}
    empty = tuple(f"{key}." for key in found)
    assert {
        key for key in found - leaves if not key.startswith(wildcards or "\0") and not any(row.startswith(f"{key}.") for row in leaves)
    } == set()
    assert {row for row in leaves - found if not row.startswith(empty or "\0")} == set()


def test_the_json_of_a_report_is_documented(report: dict[str, Any]):
    assert_documented(keys_of(report), "## `overflight report`")


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    with pytest.raises(SystemExit):
        main([*arguments, "--json"])
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "heading"),
    [
        (("path", "Manila", "Dalian", "--constellation", "hypatia-kuiper-630"), "## `overflight path`"),
        (("passes", "Valletta", "--constellation", "oneweb", "--hours", "0.2", "--at", "2026-08-22T00:00:00Z"), "## `overflight passes`"),
        (("visible", "Valletta", "--constellation", "oneweb", "--at", "2026-08-22T00:00:00Z"), "## `overflight visible`"),
    ],
    ids=["path", "passes", "visible"],
)
def test_the_json_of_a_verb_is_documented(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], heading: str):
    assert_documented(keys_of(run_json(capsys, *arguments)), heading)


def test_the_json_of_a_comparison_is_documented(tmp_path: Path):
    contracts, reports = tmp_path / "contracts.toml", tmp_path / "reports.csv"
    contracts.write_text('[[contracts]]\nname = "rescue"\ncustomer = "Rescue"\nterritories = ["MT"]\nterminals = 3\ndown_mbps = 5.0\n')
    reports.write_text("terminal,time,lat,lon\nKIT-1,2026-08-21T00:00:00Z,35.9,14.4\n")
    made = overflight.compare_policies("Malta", "public", "none", contracts=contracts, reports=reports, hours=0.1, slots=1)
    assert_documented(keys_of(json.loads(made.findings.to_json())), "## `overflight compare`")


def test_the_layout_of_a_run_is_documented(report: dict[str, Any], folder: Path):
    page, run = read("reference/run-on-disk.md"), folder / "malta"
    frames = {name for row in table_of(page, "<!-- generated: frames -->\n") for name in names_in(row[0])}
    assert frames == set(FRAMES)
    capacity = table_of(page, "<!-- generated: capacity-frames -->\n")
    assert {name for row in capacity for name in names_in(row[0])} == set(CAPACITY_FRAMES)
    columns: dict[str, set[str]] = {}
    table = ""
    for row in table_of(page, "## Tables"):
        table = row[0] or table
        for name in names_in(table):
            columns.setdefault(name, set()).update(names_in(row[1]))
    assert set(columns) == {path.stem for path in (run / "oneweb").glob("*.parquet")}
    for name, expected in columns.items():
        assert set(pyarrow.parquet.read_table(run / "oneweb" / f"{name}.parquet").column_names) == expected
    manifest = json.loads((run / "run.json").read_text())
    assert set(manifest) == {name for row in table_of(page, "## `run.json`") for name in names_in(row[0])}
    assert set(manifest["fleets"][0]) == set(names_in(next(row[1] for row in table_of(page, "## `run.json`") if row[0] == "`fleets`")))
    listed = {name for row in table_of(page, "# A run on disk") for name in names_in(row[0])}
    assert {path.name for path in run.iterdir() if path.is_file()} <= listed
