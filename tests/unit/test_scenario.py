"""Scenarios: reading, checking, explaining."""

import tomllib

import pytest

from overflight.errors import OverflightError, ScenarioError
from overflight.scenario import Scenario, load_scenario, parse_scenario, scenario_schema


def test_a_scenario_written_reads_back_equal():
    scenario = parse_scenario(
        {
            "territory": "Tonga",
            "time": {"start": "2026-08-22T08:00:00+08:00", "hours": 2},
            "constellations": [
                {"name": "a", "shells": [{"name": "s", "planes": 2, "satellites_per_plane": 3, "altitude_km": 550, "inclination_deg": 53}]}
            ],
        },
        source="test",
    )
    assert scenario.time.start == "2026-08-22T00:00:00Z"
    again = parse_scenario(tomllib.loads(scenario.to_toml()), source="test")
    assert again == scenario
    assert again.digest() == scenario.digest()
    assert Scenario(territory="Tonga").digest() != scenario.digest()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({}, "'territory' is missing"),
        ({"territory": "x", "tme": {}}, "did you mean 'time'"),
        ({"territory": "x", "time": {"hous": 3}}, "did you mean 'hours'"),
        ({"territory": "x", "constellations": [{"elments": []}]}, "did you mean 'elements'"),
        ({"territory": "x", "time": {"hours": -3}}, "'time.hours' = -3"),
        ({"territory": "x", "time": {"hours": float("nan")}}, "time.hours"),
        ({"territory": "x", "time": {"start": "yesterday"}}, "not ISO 8601"),
        ({"territory": "x", "visibility": {"user_mask_deg": 95}}, "user_mask_deg"),
        ({"territory": "x", "constellations": [{"in_service": "listed"}]}, "in_service_list"),
        ({"territory": "x", "constellations": []}, "no constellation given"),
        ({"territory": "x", "constellations": [{"name": "a"}, {"name": "a"}]}, "share a name"),
        ({"territory": "x", "constellations": [{"name": "../a"}]}, "constellations.0.name"),
        ({"territory": "x", "constellations": [{"elements": ["f"], "shells": [{"name": "s", "planes": 1, "satellites_per_plane": 1, "altitude_km": 500, "inclination_deg": 1}]}]}, "both elements and shells"),
    ],
)  # fmt: skip
def test_a_problem_is_named_with_its_place(raw, words):
    with pytest.raises(ScenarioError, match=r"^test: ") as caught:
        parse_scenario(raw, source="test")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_problems_come_at_once():
    with pytest.raises(ScenarioError) as caught:
        parse_scenario({"tme": {}, "time": {"hours": 0}}, source="test")
    assert all(word in str(caught.value) for word in ("tme", "territory", "hours"))


def test_extends_and_overrides(tmp_path):
    (tmp_path / "base.toml").write_text('territory = "Fiji"\n[time]\nhours = 6\nstep_s = 30\n', encoding="utf-8")
    (tmp_path / "fine.toml").write_text(
        'extends = "base.toml"\n[time]\nhours = 1\n[overrides.bent-pipe.network]\ntopology = "none"\n', encoding="utf-8"
    )
    scenario = load_scenario(tmp_path / "fine.toml")
    assert (scenario.territory, scenario.time.hours, scenario.time.step_s, scenario.network.topology) == ("Fiji", 1.0, 30.0, "auto")
    assert load_scenario(tmp_path / "fine.toml", override="bent-pipe").network.topology == "none"
    with pytest.raises(ScenarioError, match="did you mean 'bent-pipe'"):
        load_scenario(tmp_path / "fine.toml", override="bentpipe")


def test_paths_are_relative_to_the_file(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "s.toml").write_text(
        'territory = "Fiji"\n[[constellations]]\nname = "a"\nelements = ["a.tle"]\nin_service = "listed"\nin_service_list = "a.txt"\n',
        encoding="utf-8",
    )
    (fleet,) = load_scenario(folder / "s.toml").constellations
    assert fleet.elements == (str(folder / "a.tle"),)
    assert fleet.in_service_list == str(folder / "a.txt")


def test_paths_of_overrides_are_relative_to_the_file(tmp_path):
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "s.toml").write_text('territory = "Fiji"\n[overrides.trees.visibility]\nobstruction = "trees.csv"\n', encoding="utf-8")
    assert load_scenario(folder / "s.toml", override="trees").visibility.obstruction == str(folder / "trees.csv")


def test_a_circle_of_extends_is_refused(tmp_path):
    (tmp_path / "a.toml").write_text('extends = "b.toml"\n', encoding="utf-8")
    (tmp_path / "b.toml").write_text('extends = "a.toml"\n', encoding="utf-8")
    with pytest.raises(ScenarioError, match="extends itself"):
        load_scenario(tmp_path / "a.toml")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"territory = ", b""])
def test_what_is_not_a_scenario_is_an_error_of_one_line(tmp_path, content):
    path = tmp_path / "s.toml"
    path.write_bytes(content)
    with pytest.raises(OverflightError) as caught:
        load_scenario(path)
    assert "\n" not in str(caught.value)


def test_every_setting_says_what_it_means():
    schema = scenario_schema()
    for definition in (schema, *schema["$defs"].values()):
        for name, field in definition["properties"].items():
            assert field.get("description"), name
