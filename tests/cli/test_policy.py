"""``overflight policy`` and ``overflight terminals``: answers, refusals, files."""

import json
from pathlib import Path

import pytest
from tests.cli.sample import Call

from overflight.cli import app, policy, terminals

for _verb, _module in (("policy", policy), ("terminals", terminals)):
    if _verb not in {group.name for group in app.registered_groups}:
        app.add_typer(_module.app, name=_verb)

SMALL = """
[default]
verdict = "deny"
reason = "end"

[[rules]]
name = "fast"
verdict = "deny"
reason = "too fast"
within = { territories = ["LU"] }
speed_over_kmh = 75

[[rules]]
name = "served"
verdict = "limit"
reason = "up to 5 Mbit/s"
source = "the regulator"
limit = { down_mbps = 5.0, traffic = ["messages"] }
within = { territories = ["LU"] }
classes = ["government"]
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def test_explain_gives_verdict_rule_reason_and_source(call: Call):
    told = json.loads(call("policy", "explain", "--at", "25.03,121.56", "--json").out)
    assert (told["verdict"], told["rule"]) == ("deny", "TW")
    assert told["reason"] == "coming_soon: Service date is unknown at this time"
    assert told["source"].endswith("2026-07-23")
    assert told["report"]["territory"] == "TW"
    assert [miss["rule"] for miss in told["before"]][:2] == ["area-1-blacklisted", "area-7-test"]


def test_explain_takes_what_is_known_of_a_terminal(call: Call, small: Path):
    told = json.loads(call("policy", "explain", small, "--at", "49.75,6.1", "--class", "government", "--speed", "75", "--json").out)
    assert (told["verdict"], told["rule"], told["limit"]) == ("limit", "served", {"down_mbps": 5.0, "traffic": ["messages"]})
    shown = call("policy", "explain", small, "--at", "49.75,6.1", "--class", "government", "--speed", "80.5")
    assert shown.out.splitlines()[1] == "rule     fast"
    shown = call("policy", "explain", small, "--at", "49.75,6.1", "--class", "government")
    assert "before   fast: no speed is stated, the rule asks for over 75 km/h" in shown.out
    assert "limit    down_mbps 5, traffic messages" in shown.out


def test_explain_looks_a_terminal_up_and_finds_its_last_report(call: Call, small: Path, tmp_path: Path):
    (tmp_path / "reg.csv").write_text("terminal,class,owner,home\nA,government,o,LU\n")
    (tmp_path / "rep.csv").write_text(
        "terminal,time,lat,lon,speed\nA,2026-03-01T01:00:00Z,49.7,6.1,10\nA,2026-03-01T00:00:00Z,10,10,0\nB,2026-03-02T00:00:00Z,1,1,1\n"
    )
    told = json.loads(call("policy", "explain", small, "--terminal", "A", "--registry", "reg.csv", "--reports", "rep.csv", "--json").out)
    assert (told["rule"], told["report"]["lat_deg"], told["report"]["class"]) == ("served", 49.7, "government")
    assert told["report"]["time"] == "2026-03-01T01:00:00Z"
    refused = call("policy", "explain", small, "--terminal", "Z", "--reports", "rep.csv")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "no report of terminal 'Z'" in refused.err


def test_a_southern_place_and_a_place_by_name(call: Call):
    assert json.loads(call("policy", "explain", "--at", "-17.7,178", "--json").out)["rule"] == "FJ"
    assert json.loads(call("policy", "explain", "--at", "Taipei", "--json").out)["rule"] == "TW"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("explain",), "nothing says where; give --at LAT,LON"),
        (("explain", "--at", "95,0"), "latitude 95 is out of range"),
        (("explain", "--at", "1,1", "--class", "goverment"), "did you mean 'government'?"),
        (("explain", "--at", "1,1", "--home", "Nowhere"), "unknown territory 'Nowhere'"),
        (("explain", "--at", "1,1", "--time", "soon"), "not ISO 8601"),
        (("explain", "--at", "1,1", "--registry", "x.csv"), "--registry needs --terminal"),
        (("explain", "none.toml", "--at", "1,1"), "none.toml: no such file"),
        (("show", "--map", "map.pdf"), "ends in .svg or .png"),
        (("import", "none.json"), "no such file"),
        (("check", "none.toml"), "no such file"),
    ],
)
def test_refusals_are_one_line(call: Call, arguments, said):
    answer = call("policy", *arguments)
    assert answer.code in {2, 3}
    assert answer.out == ""
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_check_fails_on_errors_only(call: Call, small: Path, tmp_path: Path):
    assert call("policy", "check", small).code == 0
    (tmp_path / "bad.toml").write_text(
        SMALL + '[[rules]]\nname = "late"\nverdict = "allow"\nreason = "r"\nwithin = { territories = ["LU"] }\nspeed_over_kmh = 90\n'
    )
    answer = call("policy", "check", "bad.toml", "--json")
    told = json.loads(answer.out)
    assert (answer.code, told["valid"]) == (1, False)
    assert {(one["kind"], one["rule"]) for one in told["findings"]} >= {("contradiction", "late"), ("not-mentioned", None)}
    assert "error: rule 'late': says allow, but 'fast' before it matches" in call("policy", "check", "bad.toml").out


def test_show_lists_rules_writes_toml_and_draws(call: Call, small: Path, tmp_path: Path):
    listed = call("policy", "show", small).out.splitlines()
    assert listed[0].split()[:3] == ["1", "deny", "fast"]
    assert listed[-1].split()[:2] == ["deny", "default"]
    (tmp_path / "again.toml").write_text(call("policy", "show", small, "--toml").out)
    assert json.loads(call("policy", "show", "again.toml", "--json").out) == json.loads(call("policy", "show", small, "--json").out)
    for name in ("map.svg", "map.png"):
        assert call("policy", "show", small, "--map", name, "--territory", "LU", "--time", "2026-03-01T00:00:00Z").code == 0
        assert (tmp_path / name).stat().st_size > 5_000


@pytest.mark.shared
def test_import_reads_the_operator_s_files(call: Call, shared: Path, tmp_path: Path):
    folder = shared / "data" / "availability"
    files = folder / "starlink_availability_2026-07-23.json", folder / "starlink_availability-cells_2026-07-23.pb"
    told = json.loads(call("policy", "import", *files, "--out", "p.toml", "--json").out)
    assert told["rules"] == 308
    assert told["inputs"][0]["used"] == 301
    assert json.loads(call("policy", "explain", "p.toml", "--at", "25.03,121.56", "--json").out)["rule"] == "TW"


def test_a_fleet_is_made_and_audited(call: Call, small: Path, tmp_path: Path):
    (tmp_path / "p.toml").write_text(
        SMALL.replace("LU", "US") + '[[rules]]\nname="all"\nverdict="allow"\nreason="r"\nwithin={territories=["US","CN"]}\n'
    )
    made = json.loads(
        call("terminals", "generate", "--policy", "p.toml", "--terminals", "60", "--days", "20", "--out", "fleet", "--json").out
    )
    assert sum(made["behaviours"].values()) == 60
    answer = call(
        "terminals", "audit", "fleet/reports.csv", "--policy", "p.toml", "--registry", "fleet/registry.csv", "--truth", "fleet/truth.csv",
        "--geojson", "found.geojson", "--map", "found.png", "--json",
    )  # fmt: skip
    told = json.loads(answer.out)
    assert told["scores"]["all"]["precision"] == 1.0
    assert told["rows"]["read"] == told["rows"]["judged"] + told["rows"]["duplicates"] + sum(told["rows"]["broken"].values())
    assert len(json.loads((tmp_path / "found.geojson").read_text())["features"]) == len(told["findings"])
    assert (tmp_path / "found.png").stat().st_size > 5_000
    table = call("terminals", "audit", "fleet/reports.csv", "--policy", "p.toml")
    assert table.out.startswith("terminal ")
    assert "rows:" in table.err


@pytest.mark.parametrize(
    ("text", "said"), [("", "empty"), ("a,b\n", "no column 'terminal'"), (None, "no such file")], ids=["empty", "columns", "missing"]
)
def test_an_audit_refuses_in_one_line(call: Call, tmp_path: Path, text, said):
    if text is not None:
        (tmp_path / "r.csv").write_text(text)
    answer = call("terminals", "audit", "r.csv")
    assert answer.code in {2, 3}
    assert said in answer.err
    assert answer.err.count("\n") == 1
