"""What a report says of how to make it again: true, or not said."""

import shlex
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.cli.sample import walker
from tests.unit.report_sample import make_findings
from tests.unit.test_report_html import check

from overflight.cli import main
from overflight.clock import parse_time
from overflight.report.html import render_report
from overflight.report.words import LANGUAGES
from overflight.scenario import parse_scenario
from overflight.study.reproduction import reproduce_command, reproduce_script
from overflight.study.territory import default_folder, report_scenario, study_territory
from overflight.twin import Plugins

START = parse_time("2026-08-22T00:00:00Z")
QUICK = {"time": {"start": "2026-08-22T00:00:00Z", "hours": 0.01}, "sampling": {"sensitivity": False}}


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Two files of element sets in the working folder, the second with a name that a shell would take amiss."""
    monkeypatch.chdir(tmp_path)
    names = ("a.tle", "b'; rm c.tle")
    for name in names:
        (tmp_path / name).write_text(walker(), encoding="ascii")
    return names


def findings_of(scenario):
    text = scenario if isinstance(scenario, str) else scenario.to_toml()
    return replace(make_findings("NR", slots=8), scenario_toml=text)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "--constellation starlink"),
        ({"hours": 1.0 / 3.0}, "--hours 0.3333333333333333 --constellation starlink"),
        ({"constellations": ("oneweb", "starlink")}, "--constellation oneweb --constellation starlink"),
        ({"elements": (0,)}, "--elements a.tle"),
        ({"elements": (0, 1), "constellations": ("oneweb",)}, """--elements a.tle --elements 'b'"'"'; rm c.tle' --constellation oneweb"""),
        ({"elements": (0, 0)}, "--elements a.tle --elements a.tle"),
        (
            {
                "step_s": 30.0,
                "user_mask_deg": 40.0,
                "arc_avoidance_deg": 0.0,
                "strategy": "nearest",
                "topology": "none",
                "homing": "Sydney",
            },
            "--constellation starlink --step 30 --mask 40 --arc 0 --strategy nearest --topology none --pop Sydney",
        ),
    ],
)
def test_a_command_is_printed_where_it_makes_the_very_scenario(files, settings, said):
    asked = {"hours": 24.0, **settings, "elements": tuple(files[number] for number in settings.get("elements", ()))}
    command = reproduce_command(findings_of(report_scenario("Nauru", start=START, **asked)), "fr")
    assert command is not None
    assert command.endswith(f"{said} --lang fr")
    assert shlex.split(command)[:5] == ["overflight", "report", "Nauru", "--at", "2026-08-22T00:00:00Z"]


OWN_SHELL = {"name": "low", "planes": 2, "satellites_per_plane": 3, "altitude_km": 550.0, "inclination_deg": 53.0}


@pytest.mark.parametrize(
    "tables",
    [
        {"constellations": [{"name": "both", "elements": ["a.tle", "b'; rm c.tle"]}]},
        {"constellations": [{"name": "mine", "shells": [OWN_SHELL]}]},
        {"constellations": [{"name": "starlink", "gateways": "g.csv"}]},
        {"constellations": [{"name": "starlink", "pops": "p.csv"}]},
        {"constellations": [{"name": "starlink"}, {"name": "a", "elements": ["a.tle"]}]},
        {"constellations": [{"name": "gone", "elements": ["gone.tle"]}]},
        {"visibility": {"obstruction": "o.csv"}},
        {"selection": {"seed": 1}},
        {"network": {"routing": "fewest-hops"}},
        {"sampling": {"max_cells": 7}},
        {"stop_after": "coverage"},
    ],
    ids=str,
)
def test_no_command_is_printed_for_what_it_cannot_say(files, tables):
    scenario = parse_scenario({"territory": "Nauru", **QUICK, **tables, "sampling": tables.get("sampling", {})}, source="test")
    assert reproduce_command(findings_of(scenario), "en") is None


def test_without_a_command_the_scenario_is_the_way():
    found = findings_of(parse_scenario({"territory": "Nauru", **QUICK}, source="test"))
    for lang in LANGUAGES:
        said = check(render_report(found, lang=lang))
        text = "".join(said.text)
        assert "overflight report Nauru" not in text
        assert "overflight run scenario.toml --out run" in text
        assert reproduce_script(found, lang) in text


@pytest.mark.parametrize("text", ["", "</pre><script>1</script>", "territory = 3"])
def test_a_scenario_that_cannot_be_read_has_no_command(text):
    assert reproduce_command(findings_of(text), "en") is None


def test_the_command_makes_the_same_report(files, tmp_path):
    scenario = report_scenario("Nauru", elements=files[:1], hours=0.01, step_s=30.0, start=START)
    found, _ = study_territory(scenario, tmp_path / "first")
    page = render_report(found)
    assert "those of this report are 30\u00a0s long" in page
    command = reproduce_command(found, "en")
    assert command is not None
    with pytest.raises(SystemExit) as done:
        main([*shlex.split(command)[1:], "--out", "again"])
    assert done.value.code == 0
    assert (tmp_path / "again/report.html").read_text(encoding="utf-8") == page


def test_the_lines_of_python_make_the_same_report(files, tmp_path):
    tables = {"constellations": [{"name": "both", "elements": [str(tmp_path / name) for name in files]}]}
    found, _ = study_territory(parse_scenario({"territory": "Nauru", **QUICK, **tables}, source="test"), tmp_path / "first")
    (tmp_path / "scenario.toml").write_text(found.scenario_toml, encoding="utf-8")
    exec(reproduce_script(found, "fr"), {})
    assert (tmp_path / "run/report.html").read_text(encoding="utf-8") == render_report(found, lang="fr")


def test_functions_of_ones_own_are_named_and_not_forgotten(files, tmp_path):
    def lowest(candidates):
        return -np.asarray(candidates.elevation_deg)

    scenario = report_scenario("Nauru", elements=files[:1], hours=0.01, start=START)
    found, _ = study_territory(scenario, tmp_path / "own", plugins=Plugins(strategy=lowest))
    assert reproduce_command(found, "en") is None
    english, french = ("".join(check(render_report(found, lang=lang)).text) for lang in LANGUAGES)
    assert "own function: strategy" in english
    assert "lowest" in english
    assert "fonction propre à l’utilisateur\u00a0: choix du satellite" in french
    assert "overflight run scenario.toml" not in english
    assert "plugins=plugins)" in english


@pytest.mark.parametrize(
    ("file", "code", "folder"), [("my area.geojson", "XX", "my-area"), ("my area.geojson", "TX", "TX"), ("Nauru", "NR", "NR")]
)
def test_polygons_without_a_code_have_folders_of_their_own(file, code, folder):
    asked = SimpleNamespace(scenario=SimpleNamespace(territory=file), territory=SimpleNamespace(code=code), start=START)
    assert default_folder(asked) == Path("reports") / f"{folder}-2026-08-22"
