"""Scenarios with typos, circles, missing files and other mistakes."""

from pathlib import Path

import pytest
from tests.cli.sample import Call

GOOD = """territory = "Vatican City"
[time]
hours = 0.02
[[constellations]]
name = "mine"
elements = ["fleet.tle"]
[overrides.night.time]
hours = 0.05
"""


@pytest.fixture
def folder(tmp_path: Path, fleet: Path) -> Path:
    """A folder with a good scenario and its elements."""
    (tmp_path / "good.toml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "fleet.tle").write_bytes(fleet.read_bytes())
    return tmp_path


@pytest.mark.parametrize("verb", ["scenario validate", "scenario show", "run --out out"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "'territory' is missing"),
        (b"\xff\xfe\x00", "not text in UTF-8 (byte 0)"),
        (b'territory = "Malta\n', "not TOML: "),
        (b"territory = 5", "'territory' = 5: must be text in quotes"),
        (b'teritory = "Malta"', "unknown key 'teritory' (did you mean 'territory'?)"),
        (b'territory = "Malta"\n[time]\nhors = 2', "unknown key 'time.hors' (did you mean 'hours'?)"),
        (b'territory = "Malta"\nconstellations = [{name = "x", shels = []}]', "unknown key 'constellations.0.shels' (did you mean 'shells'?)"),
        (b'territory = "Malta"\n[time]\nhours = -2', "'time.hours' = -2: must be greater than 0"),
        (b'territory = "Malta"\n[time]\nhours = nan', "'time.hours' = nan: must be a finite number"),
        (b'territory = "Malta"\n[time]\nhours = "a"', "'time.hours' = 'a': must be a valid number"),
        (b'territory = "Malta"\n[time]\nstep_s = 0', "'time.step_s' = 0: must be greater than or equal to 1"),
        (b'territory = "Malta"\n[time]\nstart = "soon"', "time 'soon': not ISO 8601"),
        (b'territory = "Malta"\n[time]\nstart = 12:00:00', "not ISO 8601"),
        (b'territory = "Malta"\n[visibility]\nuser_mask_deg = 95', "'visibility.user_mask_deg' = 95: must be less than or equal to 90"),
        (b'territory = "Malta"\n[network]\nrouting = "fast"', "must be 'least-delay' or 'fewest-hops'"),
        (b'territory = "Malta"\ntime = 5', "'time' = 5: must be a table"),
        (b'territory = "Malta"\nconstellations = "starlink"', "'constellations' = 'starlink': must be a list"),
        (b'territory = "Malta"\nconstellations = []', "no constellation given"),
        (b'territory = "Malta"\nconstellations = [{name = "a b"}]', "may have letters, digits"),
        (b'territory = "Malta"\noverrides = 4', "overrides are tables"),
        (b'territory = "Malta"\noverrides.a = 4', "overrides are tables"),
        (b'territory = "Malta"\nextends = 5', "'extends' = 5: must be the path of another scenario"),
        (b'territory = "Malta"\nextends = "bad.toml"', "bad.toml: extends itself; break the circle"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(call: Call, folder: Path, verb: str, content: bytes, said: str):
    (folder / "bad.toml").write_bytes(content)
    first, *options = verb.split(" --")
    refused = call(*first.split(), "bad.toml", *(word for option in options for word in f"--{option}".split()))
    assert refused.code == 2
    assert refused.error.startswith("bad.toml: ") or "bad.toml" in refused.error
    assert said in refused.error
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('territory = "Narnia"', "unknown territory 'Narnia'"),
        ('territory = "Malta"\n[selection]\nstrategy = "best"', "satellite choice 'best': unknown"),
        ('territory = "Malta"\n[network]\ntopology = "mesh"', "topology 'mesh': unknown"),
        ('territory = "Malta"\n[network]\nhoming = "Atlantis"', "PoP 'Atlantis'"),
        ('territory = "Malta"\n[network]\nwithout_gateways = ["Moon"]', "has a gateway 'Moon'"),
        ('territory = "Malta"\nconstellations = [{name = "nope"}]', "constellation 'nope' is not built in"),
    ],
)
def test_a_name_that_does_not_exist_is_refused(call: Call, folder: Path, content: str, said: str):
    (folder / "bad.toml").write_text(content, encoding="utf-8")
    refused = call("scenario", "validate", "bad.toml")
    assert refused.code == 2
    assert said in refused.error


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "bad.toml: no such file; give the path of a scenario in TOML"),
        ('extends = "base.toml"', "base.toml: no such file; give the path of a scenario in TOML (it is what bad.toml extends)"),
        ('territory = "Malta"\nconstellations = [{name = "a", elements = ["none.tle"]}]', "none.tle: no such file"),
        ('territory = "Malta"\nconstellations = [{gateways = "none.csv"}]', "none.csv: no such file; give a CSV or JSON list of gateways"),
        ('territory = "Malta"\nconstellations = [{pops = "none.csv"}]', "none.csv: no such file; give a CSV or JSON list of PoPs"),
        ('territory = "Malta"\n[visibility]\nobstruction = "none.csv"', "none.csv: no such file; give a CSV with the columns azimuth_deg"),
        ('territory = "none.geojson"', "none.geojson: no such file"),
    ],
)
def test_a_missing_file_is_missing_data(call: Call, folder: Path, content: str | None, said: str):
    if content is not None:
        (folder / "bad.toml").write_text(content, encoding="utf-8")
    refused = call("scenario", "validate", "bad.toml")
    assert refused.code == 3
    assert said in refused.error


def test_all_mistakes_come_at_once(call: Call, folder: Path):
    (folder / "bad.toml").write_text('teritory = "x"\n[time]\nhours = -1\nstep_s = "a"\n', encoding="utf-8")
    refused = call("scenario", "validate", "bad.toml")
    assert all(word in refused.error for word in ("'territory' is missing", "teritory", "time.hours", "time.step_s"))


def test_a_circle_through_another_file_is_broken(call: Call, folder: Path):
    (folder / "a.toml").write_text('extends = "b.toml"', encoding="utf-8")
    (folder / "b.toml").write_text('extends = "a.toml"', encoding="utf-8")
    refused = call("run", "a.toml", "--out", "out")
    assert refused.code == 2
    assert "a.toml: extends itself; break the circle" in refused.error


def test_an_unknown_override_is_refused_with_the_nearest(call: Call, folder: Path):
    refused = call("scenario", "validate", "good.toml", "--override", "nihgt")
    assert refused.code == 2
    assert refused.error == "good.toml: no override 'nihgt'; did you mean 'night'?"
    (folder / "plain.toml").write_text('territory = "Malta"', encoding="utf-8")
    assert "there are none" in call("scenario", "show", "plain.toml", "--override", "x").error


def test_a_good_scenario_is_shown_whole_and_runs(call: Call, folder: Path):
    assert call("scenario", "validate", "good.toml") == (0, "good.toml: valid\n", "")
    assert call("scenario", "validate", "good.toml", "--json").json() == {"valid": True, "warnings": []}
    shown = call("scenario", "show", "good.toml", "--override", "night")
    assert "hours = 0.05" in shown.out
    (folder / "again.toml").write_text(shown.out, encoding="utf-8")
    assert call("scenario", "show", "again.toml").out == shown.out
    run = call("run", "good.toml", "--out", "out", "--json")
    assert run.code == 0
    assert run.err == ""
    assert run.json()["fleets"][0]["satellites_used"] == 720
    assert call("scenario", "validate", "out/scenario.toml").code == 0
    again = call("run", "good.toml", "--out", "out")
    assert again.code == 0
    assert "1 cell," in again.out


@pytest.mark.parametrize("start", ["2026-08-22T00:00:00", '"2026-08-22T00:00:00"'])
@pytest.mark.parametrize("verb", ["scenario validate good.toml", "scenario show good.toml", "run good.toml --out out"])
def test_a_start_without_a_zone_is_utc_with_a_warning(call: Call, folder: Path, verb: str, start: str):
    (folder / "good.toml").write_text(GOOD.replace("[time]", f"[time]\nstart = {start}"), encoding="utf-8")
    made = call(*verb.split())
    assert made.code == 0
    assert made.warnings == ["time '2026-08-22T00:00:00' names no zone and is read as UTC; end it with Z to say so"]


def test_a_bad_record_is_told_or_refused(call: Call, folder: Path):
    text = (folder / "fleet.tle").read_text(encoding="ascii")
    (folder / "fleet.tle").write_text(text.replace(" 53.0000 ", " 53.000x ", 1), encoding="ascii")
    told = call("scenario", "validate", "good.toml")
    assert told.code == 0
    assert "1 of 720 element sets left out: line 2: STARLINK-1000" in told.warnings[0]
    for verb in ("scenario validate", "run --out out"):
        assert call(*verb.split(), "good.toml", "--strict").code == 2


def test_the_schema_is_json(call: Call):
    assert call("scenario", "schema").json()["properties"]["territory"]["description"]


def test_a_report_takes_a_scenario_with_all_its_settings(call: Call, folder: Path):
    assert call("report", "good.toml", "--out", "out").code == 0
    assert (folder / "out" / "report.html").is_file()
    assert "is a scenario: write settings into it" in call("report", "good.toml", "--hours", "3", "--out", "out").error
