"""``overflight compare`` and ``decision assess`` by the twin: documents, addresses, refusals."""

import hashlib
import json
from pathlib import Path

import pytest
from tests.cli.sample import Answer, Call

CLOSED = 'name = "closed"\n[default]\nverdict = "deny"\nreason = "nobody"\n'
OPEN = (
    CLOSED.replace("closed", "open")
    + '[[rules]]\nname = "malta"\nverdict = "allow"\nreason = "licensed"\nwithin = { territories = ["MT"] }\n'
)
CONTRACTS = """
[[contracts]]
name = "rescue"
customer = "Rescue service"
territories = ["MT"]
terminals = 4
down_mbps = 2.0
value_per_year = 1000
"""
SCENARIO = 'territory = "MT"\n[time]\nhours = 0.1\n[capacity]\n'
REPORTS = """terminal,time,lat,lon,owner
KIT-1,2026-08-20T00:00:00Z,35.9,14.4,Harbour
KIT-2,2026-08-20T00:00:00Z,35.9,14.4,Navy
KIT-2,2026-08-21T00:00:00Z,48.0,14.4,Navy
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, text in (
        ("closed.toml", CLOSED),
        ("open.toml", OPEN),
        ("contracts.toml", CONTRACTS),
        ("scenario.toml", SCENARIO),
        ("reports.csv", REPORTS),
    ):
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def compare(call: Call, files: Path) -> Call:
    """Compare two policies over Malta for a few minutes; a keyword replaces an option, None takes it away."""

    def run(before: object = "closed.toml", after: object = "open.toml", *more: object, **options: object) -> Answer:
        assert files.is_dir()
        chosen = {"territory": "Malta", "hours": 0.1, "slots": 1, "out": "out", **options}
        return call(
            "compare", before, after, *(word for name, value in chosen.items() if value is not None for word in (f"--{name}", value)), *more
        )

    return run


def test_a_comparison_says_who_gains_and_writes_its_document(compare: Call, files: Path):
    done = compare(contracts="contracts.toml", reports="reports.csv")
    assert done.code == 0
    assert "people gain service" in done.out.splitlines()[0]
    assert "contracts, of 1 in force: 0 kept before, 1 after; broken by the change: 0, mended: 1" in done.out
    assert "known terminals, of 1 in the territory: 1 gain service, 0 lose it" in done.out
    raw = (files / "out" / "assessment.json").read_bytes()
    assert hashlib.sha256(raw).hexdigest() in done.err
    found = json.loads(raw)
    assert found["policies"]["names"] == ["closed", "open"]
    assert found["people"]["served"][0] == 0
    assert found["people"]["gaining"] == pytest.approx(found["people"]["total"])
    assert found["contracts"][0]["change"] == "mended"
    assert found["terminals"]["known"]["by_owner"] == [
        {"name": "Harbour", "terminals": 1.0, "served": [0.0, 1.0], "limited": [0.0, 0.0], "gaining": 1.0, "losing": 0.0}
    ]
    assert str(files) not in raw.decode()
    names = {path.name for path in (files / "out").iterdir()}
    assert names == {"assessment.json", "assessment.html", "before.toml", "after.toml", "contracts.toml", "scenario.toml"}


def test_json_is_the_document_to_the_byte(compare: Call, files: Path):
    assert compare("closed.toml", "open.toml", "--json").out == (files / "out" / "assessment.json").read_text()


def test_an_own_polygon_lies_beside_the_document_that_it_gives(call: Call, files: Path):
    square = {"type": "Polygon", "coordinates": [[[14.3, 35.8], [14.6, 35.8], [14.6, 36.0], [14.3, 36.0], [14.3, 35.8]]]}
    (files / "there").mkdir()
    (files / "there" / "square.geojson").write_text(json.dumps(square))
    options = ("--slots", "1", "--hours", "0.1")
    made = call("compare", "closed.toml", "open.toml", "--territory", "there/square.geojson", *options, "--out", "out")
    assert made.code == 0
    address = hashlib.sha256((files / "out" / "assessment.json").read_bytes()).hexdigest()
    (files / "there" / "square.geojson").unlink()
    beside = ("--scenario", "out/scenario.toml", "--slots", "1", "--out", "again", "--expect", address)
    assert call("compare", "out/before.toml", "out/after.toml", *beside).code == 0


def test_the_address_does_not_depend_on_folders(compare: Call, files: Path):
    addresses = []
    for folder in ("one", "two"):
        (files / folder).mkdir()
        (files / folder / "reports.csv").write_text(REPORTS + "KIT-9,no time,1,2,X\n")
        (files / folder / "terminals.csv").write_text("lat_deg,lon_deg,terminals\n35.9,14.4,30\n99,0,1\n")
        done = compare(reports=f"{folder}/reports.csv", terminals=f"{folder}/terminals.csv", out=f"out-{folder}")
        assert done.code == 0
        addresses.append(hashlib.sha256((files / f"out-{folder}" / "assessment.json").read_bytes()).hexdigest())
    assert addresses[0] == addresses[1]


def test_what_lies_beside_the_document_gives_it_again(compare: Call, call: Call, files: Path):
    compare(contracts="contracts.toml")
    address = hashlib.sha256((files / "out" / "assessment.json").read_bytes()).hexdigest()
    beside = {"contracts": "out/contracts.toml", "scenario": "out/scenario.toml", "slots": 1, "out": "again", "expect": address}
    options = [word for name, value in beside.items() for word in (f"--{name}", value)]
    assert call("compare", "out/before.toml", "out/after.toml", *options).code == 0
    other = call("compare", "out/after.toml", "out/before.toml", *options, "--overwrite")
    assert other.code == 1
    assert "another assessment" in other.err
    assert json.loads((files / "again" / "assessment.json").read_text())["people"]["losing"] > 0


def test_another_assessment_is_not_overwritten(compare: Call, files: Path):
    compare()
    before = (files / "out" / "assessment.json").read_bytes()
    refused = compare("open.toml", "closed.toml")
    assert refused.code == 2
    assert "holds another assessment" in refused.err
    assert (files / "out" / "assessment.json").read_bytes() == before
    assert compare().code == 0
    assert compare("open.toml", "closed.toml", "--overwrite").code == 0


def test_no_policy_at_all_serves_nobody(compare: Call):
    found = json.loads(compare("none", "open.toml", "--json").out)
    assert found["policies"]["before"] is None
    assert found["rates"]["median_mbps"][0] is None
    assert found["rates"]["capacity_gbps"][0] == 0


def test_the_folder_has_the_address_in_its_name(compare: Call, files: Path):
    compare(out=None)
    (folder,) = (files / "assessments").iterdir()
    assert folder.name == f"MT-{hashlib.sha256((folder / 'assessment.json').read_bytes()).hexdigest()[:12]}"


def test_two_scenarios_are_compared_under_one_policy(call: Call, files: Path):
    (files / "alone.toml").write_text('extends = "scenario.toml"\n[network]\nwithout_pops = ["Milan"]\n')
    done = call("compare", "scenario.toml", "alone.toml", "--policy", "open.toml", "--slots", 1, "--out", "out", "--json")
    assert done.code == 0
    found = json.loads(done.out)
    assert found["settings"] == [{"key": "network.without_pops", "before": "–", "after": "Milan"}]
    assert found["people"]["gaining"] == found["people"]["losing"] == 0
    assert {row["name"] for row in found["gateways"]}
    assert (files / "out" / "scenario-after.toml").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("closed.toml", "nowhere.toml", "--territory", "MT"), 3, "nowhere.toml: no such file; give a policy in TOML"),
        (("closed.toml", "open.toml"), 2, "give --territory, or a --scenario"),
        (("closed.toml", "open.toml", "--territory", "Atlantis"), 2, "Atlantis"),
        (("closed.toml", "open.toml", "--territory", "MT", "--scenario", "scenario.toml"), 2, "not both"),
        (("closed.toml", "open.toml", "--scenario", "scenario.toml", "--hours", "2"), 2, "write them into the scenario"),
        (("closed.toml", "scenario.toml", "--territory", "MT"), 2, "one is a scenario, the other a policy"),
        (("closed.toml", "open.toml", "--territory", "MT", "--policy", "public"), 2, "--policy goes with two scenarios"),
        (("scenario.toml", "scenario.toml", "--territory", "MT"), 2, "two scenarios say what is simulated"),
        (("closed.toml", "open.toml", "--territory", "MT", "--contracts", "open.toml"), 2, "contracts"),
        (("closed.toml", "open.toml", "--territory", "MT", "--class", "pirate"), 2, "class 'pirate': unknown"),
        (("closed.toml", "open.toml", "--territory", "MT", "--registry", "reports.csv"), 2, "give --reports with it"),
        (("closed.toml", "open.toml", "--territory", "MT", "--expect", "xyz"), 2, "not the address of an assessment"),
        (("closed.toml", "open.toml", "--territory", "MT", "--constellation", "kuiper"), 2, "no gateway is known"),
        (("closed.toml", "open.toml", "--territory", "MT", "--lang", "xx"), 2, "not one of en, fr"),
        (("closed.toml", "open.toml", "--territory", "MT", "--slots", "0"), 2, "slots"),
        (("closed.toml", "open.toml", "--territory", "MT", "--reports", "open.toml"), 2, "open.toml"),
    ],
)
def test_wrong_input_gets_one_line(call: Call, files: Path, words: tuple[str, ...], code: int, said: str):
    done = call("compare", *words, "--out", "out")
    assert done.code == code
    assert said in done.err
    assert len([line for line in done.err.splitlines() if not line.startswith("overflight: warning")]) == 1
    assert done.out == ""
    assert not (files / "out").exists()


def test_a_scenario_without_capacity_is_refused(call: Call, files: Path):
    (files / "bare.toml").write_text('territory = "MT"\n')
    assert "has no table [capacity]" in call("compare", "closed.toml", "open.toml", "--scenario", "bare.toml").err


@pytest.fixture
def record(call: Call, files: Path) -> Path:
    """A record with an analyst, in which the opening of Malta is asked for."""
    people = ""
    for person, role in (("operator-1", "operator"), ("requester-1", "requester"), ("analyst-1", "analyst"), ("auditor-1", "auditor")):
        call("decision", "key", "new", person)
        clearance = "secret" if person == "operator-1" else "public"
        people += (
            f'[[people]]\nperson = "{person}"\ntitle = "{role}"\nroles = ["{role}"]\nkey = "{person}.pub"\nclearance = "{clearance}"\n'
        )
    (files / "founders.toml").write_text(people)
    assert call("decision", "init", "--origin", "example.org/t", "--founders", "founders.toml", "--key", "operator-1.key").code == 0
    grounds = ("--on-behalf-of", "Ministry", "--channel", "letter", "--reason", "licence", "--no-interests")
    assert call("decision", "request", "--policy", "open.toml", *grounds, "--key", "requester-1.key").code == 0
    return files


def test_a_decision_is_assessed_from_the_records_own_policies(call: Call, record: Path):
    (record / "open.toml").unlink()
    options = ("--territory", "MT", "--hours", "0.1", "--slots", "1", "--out", "out", "--contracts", "contracts.toml")
    assert call("decision", "assess", "last", *options, "--key", "analyst-1.key").code == 0
    story = json.loads(call("decision", "log", "last", "--json").out)
    document = json.loads((record / "out" / "assessment.json").read_text())
    assert (document["policies"]["before"], document["policies"]["after"]) == (story["before"], story["after"])
    assert story["assessments"][0]["sha256"] == hashlib.sha256((record / "out" / "assessment.json").read_bytes()).hexdigest()
    assert "people gain service" in call("decision", "log", "last").out


def test_a_public_record_names_no_owner_of_a_terminal(call: Call, record: Path):
    options = ("--territory", "MT", "--hours", "0.1", "--slots", "1", "--out", "out", "--reports", "reports.csv")
    assert call("decision", "assess", "last", *options, "--key", "analyst-1.key").code == 0
    raw = (record / "out" / "assessment.json").read_text()
    assert json.loads(raw)["terminals"]["known"]["in_territory"] == 1
    assert not any(name in raw for name in ("KIT-1", "Harbour", "Navy"))


@pytest.mark.parametrize(
    "changes",
    [{"document": "else"}, {"summary": ["one", "\x1b[2Jtwo"]}, {"summary": "one"}, {"policies": {"before": None}}],
    ids=["kind", "escape", "text", "half"],
)
def test_what_is_no_assessment_is_refused(call: Call, record: Path, changes: dict[str, object]):
    document = {"document": "overflight-assessment", "policies": {"before": None, "after": None}, "summary": []} | changes
    (record / "made.json").write_text(json.dumps(document))
    refused = call("decision", "assess", "last", "made.json", "--key", "analyst-1.key")
    assert refused.code == 2
    assert "made.json" in refused.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("assess", "last", "--key", "analyst-1.key"), "give --territory"),
        (("assess", "last", "--territory", "MT"), "give your private key with --key"),
        (("assess", "last", "open.toml", "--territory", "MT", "--key", "analyst-1.key"), "is an assessment already"),
        (("assess", "last", "open.toml", "--key", "analyst-1.key"), "not an assessment document"),
        (("assess", "0000", "--territory", "MT", "--key", "analyst-1.key"), "no decision '0000'"),
        (("assess", "last", "--territory", "Atlantis", "--key", "analyst-1.key"), "Atlantis"),
    ],
)
def test_a_wrong_assessment_leaves_the_record_as_it_was(call: Call, record: Path, words: tuple[str, ...], said: str):
    entries = call("decision", "log", "--entries").out
    refused = call("decision", *words)
    assert refused.code == 2
    assert said in refused.err
    assert call("decision", "log", "--entries").out == entries
    assert record.is_dir()


def test_an_assessment_of_other_policies_is_refused(call: Call, record: Path, compare: Call):
    compare("open.toml", "closed.toml")
    refused = call("decision", "assess", "last", "out/assessment.json", "--key", "analyst-1.key")
    assert refused.code == 2
    assert record.is_dir()
