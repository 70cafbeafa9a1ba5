"""``overflight decision``: a decision from the first key to the outsider's check, and every refusal in one line."""

import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from tests.cli.sample import Answer, Call

from overflight import clock
from overflight.decisions._sqlite import MIGRATIONS

POLICY = """name = "{name}"
[default]
verdict = "deny"
reason = "not licensed"
[[rules]]
name = "open"
verdict = "allow"
reason = "licensed"
within = {{ territories = ["{code}"] }}
"""
FOUNDERS = {"operator-1": "operator", "operator-2": "operator", "auditor-1": "auditor", "requester-1": "requester"}
OTHERS = {"analyst-1": "analyst", "approver-1": "approver"}


class Desk:
    """Calls of ``overflight decision`` in a folder with keys, at a time of ours."""

    def __init__(self, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
        self._call = call
        self.now = np.datetime64("2026-08-22T00:00:00", "us")
        monkeypatch.setattr(clock, "now", self.tick)

    def tick(self) -> np.datetime64:
        self.now = self.now + np.timedelta64(1, "s")
        return self.now

    def __call__(self, line: str, *more: str, who: str | None = None) -> Answer:
        return self._call("decision", *line.split(), *more, *(["--key", f"{who}.key"] if who else []))

    def good(self, line: str, *more: str, who: str | None = None) -> Answer:
        answer = self(line, *more, who=who)
        assert answer.code == 0, answer.err
        return answer

    def bad(self, line: str, *more: str, who: str | None = None, code: int = 2) -> str:
        answer = self(line, *more, who=who)
        assert answer.code == code, answer.err
        return answer.error

    def ask(self, policy: str = "first.toml", *more: str) -> str:
        words = "--on-behalf-of Ministry --channel letter --no-interests --json --reason"
        return self.good(f"request --policy {policy} {words}", "it is wished", *more, who="requester-1").json()["decision"]

    def assess(self, decision: str) -> None:
        told = self.good(f"log {decision} --json").json()
        Path("assessment.json").write_text(
            json.dumps(
                {
                    "document": "overflight-assessment",
                    "policies": {"before": told["before"], "after": told["after"]},
                    "summary": ["nobody loses"],
                }
            )
        )
        self.good(f"assess {decision} assessment.json", who="analyst-1")

    def decide(self, policy: str = "first.toml") -> str:
        decision = self.ask(policy)
        self.assess(decision)
        for who in ("approver-1", "operator-2"):
            self.good(f"approve {decision[:12]} --reason good --no-interests", who=who)
        self.good(f"apply {decision}", who="operator-1")
        return decision


@pytest.fixture
def desk(call: Call, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(call, monkeypatch)
    for name, code in (("first", "MT"), ("second", "TV")):
        Path(f"{name}.toml").write_text(POLICY.format(name=name, code=code))
    for person in (*FOUNDERS, *OTHERS):
        desk.good(f"key new {person}")
    tables = [
        f'[[people]]\nperson = "{person}"\ntitle = "The {person}"\nroles = ["{role}"]\nkey = "{person}.pub"\n'
        + ('clearance = "secret"\n' if person == "operator-1" else "")
        for person, role in FOUNDERS.items()
    ]
    Path("founders.toml").write_text("".join(tables))
    desk.good("init --origin example.org/decisions --founders founders.toml", who="operator-1")
    for person, role in OTHERS.items():
        desk.good(f"person add {person} --role {role} --public {person}.pub --title", f"The {person}", who="operator-1")
        desk.good(f"person confirm {person}", who="auditor-1")
    return desk


def test_the_story_of_a_decision_can_be_read_by_a_stranger(desk: Desk):
    decision = desk.decide()
    told = desk.good(f"log {decision[:8]} --json").json()
    assert told["status"] == "in force"
    assert told["requester"] == {"person": "requester-1", "title": "The requester-1"}
    assert told["on_behalf_of"] == "Ministry"
    assert [(vote["author"]["person"], vote["role"], vote["counts"]) for vote in told["votes"]] == [
        ("approver-1", "approver", True),
        ("operator-2", "operator", True),
    ]
    assert told["assessments"][0]["summary"] == ["nobody loses"]
    assert told["diff"]["added"] == ["open"]
    page = desk.good(f"log {decision[:8]}").out
    for words in (
        "public change: in force",
        "on behalf of Ministry, by letter",
        "nobody loses",
        "declared   no interests",
        "as operator: good",
    ):
        assert words in page
    assert desk.good("log").out.split()[0] == decision[:16]
    entries = desk.good("log --entries --json").json()
    assert [entry["kind"] for entry in entries] == ["found", *["enrol", "confirm"] * 2, "request", "assess", "approve", "approve", "apply"]


def test_what_was_in_force_when(desk: Desk):
    before = clock.format_time(desk.now)
    first = desk.decide()
    between = clock.format_time(desk.now)
    desk.decide("second.toml")
    assert desk.good(f"in-force --at {before} --json").json()["policy"] is None
    assert desk.good(f"in-force --at {between} --json").json()["decision"] == first
    assert desk.good(f"in-force --at {before}").out == f"{before}: no policy in force\n"
    desk.good("in-force --out now.toml")
    assert '"TV"' in Path("now.toml").read_text()
    assert "nothing to write" in desk.bad(f"in-force --at {before} --out never.toml")
    assert not Path("never.toml").exists()


def test_a_revert_and_a_rejection(desk: Desk):
    first = desk.decide()
    words = "--on-behalf-of Court --channel order --reason unlawful --no-interests"
    back = desk.good(f"revert {first} {words} --json", who="requester-1").json()["decision"]
    for who in ("approver-1", "operator-1"):
        desk.good(f"reject {back} --reason lawful --no-interests", who=who)
    assert desk.good(f"log {back} --json").json()["status"] == "rejected"
    assert "was rejected on" in desk.bad(f"apply {back}", who="operator-1")


def test_an_emergency_from_request_to_ratification(desk: Desk):
    desk.decide()
    decision = desk.ask("second.toml", "--emergency")
    desk.good(f"approve {decision} --reason urgent --no-interests", who="approver-1")
    desk.good(f"apply {decision}", who="operator-1")
    told = desk.good(f"log {decision} --json").json()
    assert told["status"] == "in force"
    assert told["applied"]["lapses"] is not None
    assert told["lacking"] == ["approver", "operator"]
    desk.assess(decision)
    desk.good(f"ratify {decision} --reason right --no-interests", who="operator-2")
    assert "unless ratified" in desk.good(f"log {decision}").out
    assert "others ratify" in desk.bad(f"ratify {decision} --reason right --no-interests", who="approver-1")
    desk.now = desk.now + np.timedelta64(80, "h")
    assert desk.good(f"log {decision} --json").json()["status"] == "lapsed"


def test_an_outsider_verifies_with_what_was_handed_out(desk: Desk):
    decision = desk.decide()
    desk.good("checkpoint --log-key log-keys/public.key --out kept.checkpoint")
    desk.decide("second.toml")
    desk.good("checkpoint --log-key log-keys/public.key")
    desk.good(f"log --entry {decision[:16]} --out request.note")
    desk.good("checkpoint --since kept.checkpoint --out growth")
    desk.good("log --export export")
    key = "--log-key log-keys/public.pub"
    told = desk.good(f"verify --entry request.note {key} --json").json()
    assert told["entry"] == decision
    assert told["body"]["on_behalf_of"] == "Ministry"
    assert "nothing before it was changed" in desk.good(f"verify --growth growth --checkpoint kept.checkpoint {key}").out
    report = desk.good(f"verify --record export {key} --checkpoint kept.checkpoint --json").json()
    assert report["whole"] is True
    assert report["continues"] == ["example.org/decisions/public with 10 entries"]
    assert "whole: every signature" in desk.good(f"verify {key}").out
    assert decision[:16] in desk.good("log --record export").out
    Path("request.note").write_bytes(Path("request.note").read_bytes().replace(b"Ministry", b"minister"))
    assert "it, its proof or its checkpoint was changed" in desk.bad(f"verify --entry request.note {key}", code=1)
    assert "to be read only" in desk.bad(f"approve {decision} --reason x --no-interests --record export", who="approver-1")


def test_a_changed_record_fails_its_check(desk: Desk):
    desk.decide()
    with sqlite3.connect("record.db") as link:
        link.execute("DROP TRIGGER entries_stay")
        link.execute("UPDATE entries SET note = CAST(replace(CAST(note AS TEXT), 'Ministry', 'minister') AS BLOB) WHERE position = 5")
    link.close()
    answer = desk("verify")
    assert answer.code == 1
    assert answer.err.count("error:") >= 2
    assert desk("verify --json").json()["whole"] is False
    assert "the record was changed" in desk.bad("log", code=1)


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM entries WHERE marking = 'secret'",
        "UPDATE entries SET note = x'00' WHERE marking = 'secret'",
        "UPDATE entries SET position = 9 WHERE marking = 'secret'",
    ],
)
def test_damage_above_shows_to_who_is_cleared_and_to_nobody_else(desk: Desk, change: str):
    desk.good("checkpoint --marking secret --log-key log-keys/secret.key --out secret.checkpoint")
    assert "decisions/secret" in desk.good("verify --marking secret", who="operator-1").out
    with sqlite3.connect("record.db") as link:
        for trigger in ("entries_stay", "entries_remain"):
            link.execute(f"DROP TRIGGER {trigger}")
        link.execute(change)
        for statement in (
            statement for step in MIGRATIONS for statement in step if "entries_stay" in statement or "entries_remain" in statement
        ):
            link.execute(statement)
    link.close()
    said = "the record does not show that you are cleared for what is secret: you are not, or it was changed"
    assert desk.bad("verify --marking secret", who="operator-1", code=1) == said
    assert desk.bad("verify --marking secret", who="auditor-1", code=1) == said
    assert desk("verify --checkpoint secret.checkpoint", who="operator-1").code == 1
    assert desk.good("verify", who="auditor-1").out == desk.good("verify").out
    assert desk.good("log --entries", who="auditor-1").out == desk.good("log --entries").out
    desk.ask()


def test_backup_and_restore(desk: Desk):
    desk.decide()
    assert desk.good("backup public.db --json").json() == {"written": "public.db", "entries": {"public": 10}}
    assert desk.good("backup all.db --json", who="operator-1").json()["entries"] == {"public": 10, "restricted": 1, "secret": 1}
    assert desk.good("restore all.db --record again.db --json").json()["entries"]["secret"] == 1
    assert desk.good("log --record again.db").out == desk.good("log").out
    assert "you are not cleared for what is secret" in desk.bad("backup more.db --marking secret", who="auditor-1")
    assert "never overwrites" in desk.bad("backup all.db")
    assert "never overwritten" in desk.bad("restore all.db")
    assert "no such" in desk.bad("restore missing.db --record new.db", code=3)


def test_people_and_keys(desk: Desk):
    listed = desk.good("person list --json").json()
    assert {one["person"] for one in listed["people"]} == {*FOUNDERS, *OTHERS}
    assert {one["marking"] for one in listed["people"]} == {"public"}
    assert {one["marking"] for one in desk.good("person list --json", who="operator-1").json()["people"]} == {
        "public",
        "restricted",
        "secret",
    }
    desk.good("key new approver-1 --out second.key")
    desk.good("key rotate second.pub", who="approver-1")
    assert "no longer counts" in desk.bad("person list", who="approver-1")
    decision = desk.ask()
    desk.assess(decision)
    assert "was replaced on" in desk.bad(f"approve {decision} --reason x --no-interests", who="approver-1")
    desk.good(f"approve {decision} --reason x --no-interests --key second.key")
    key = next(one for one in desk.good("person list --json").json()["people"] if one["person"] == "approver-1")["keys"][1]
    assert key["status"] == "active"
    desk.good(f"key revoke approver-1 {key['key_id']} --reason lost", who="auditor-1")
    assert "no longer counts" in desk.bad(f"approve {decision} --reason x --no-interests --key second.key")
    desk.good("key new approver-1 --out third.key")
    desk.good("key issue approver-1 third.pub", who="operator-1")
    desk.good("person confirm approver-1", who="auditor-1")
    desk.good("person interest approver-1", "contract:Ministry:a study", who="auditor-1")
    refused = desk.bad(f"approve {decision} --reason x --no-interests --key third.key")
    assert "a registered interest is not declared (contract with Ministry)" in refused
    desk.good("person suspend approver-1 --reason inquiry", who="auditor-1")
    assert "suspended" in desk.good("person list").out


def test_a_key_with_a_passphrase(desk: Desk):
    Path("words").write_text("open sesame\n")
    Path("wrong").write_text("close\n")
    desk.good("key new requester-1 --out locked.key --passphrase-file words")
    desk.good("key rotate locked.pub", who="requester-1")
    words = "request --policy first.toml --on-behalf-of a --channel b --reason c --no-interests --key locked.key"
    assert "nobody is there to be asked; give --passphrase-file" in desk.bad(words)
    assert "the passphrase is wrong" in desk.bad(f"{words} --passphrase-file wrong")
    desk.good(f"{words} --passphrase-file words")


def test_what_is_above_is_not_there(desk: Desk):
    answer = desk.bad("log 1234abcd")
    assert answer == desk.bad("log 1234abcd", who="auditor-1")
    assert answer == "no decision '1234abcd'; decision log lists them"
    assert "you are not cleared for what is secret" in desk.bad(
        "request --policy first.toml --marking secret --on-behalf-of a --channel b --reason c --no-interests", who="requester-1"
    )
    assert "you have no checkpoint of the secret log to read" in desk.bad("checkpoint --marking secret", who="auditor-1")
    assert desk.good("verify --json").json()["logs"][0]["marking"] == "public"
    assert len(desk.good("verify --json").json()["logs"]) == 1


@pytest.mark.parametrize(
    ("line", "who", "said", "code"),
    [
        ("log --record none.db", None, "none.db: no such record; begin one with decision init", 3),
        ("request --policy first.toml --on-behalf-of a --channel b --reason c", "requester-1", "declare your interests", 2),
        ("request --on-behalf-of a --channel b --reason c --no-interests", "requester-1", "give --policy, or --rules", 2),
        ("request --policy none.toml --on-behalf-of a --channel b --reason c --no-interests", "requester-1", "none.toml: no such file", 3),
        ("request --policy first.toml --on-behalf-of a --channel b --reason c --no-interests", None, "give your private key with --key", 2),
        ("request --policy first.toml --on-behalf-of a --channel b --reason c --no-interests", "auditor-1", "'auditor-1' may not request changes", 2),
        ("request --policy first.toml --on-behalf-of a --channel b --reason c --interest gift:x", "requester-1", "'kind'", 2),
        ("request --policy first.toml --on-behalf-of a --channel b --reason c --interest contract", "requester-1", "write KIND:PARTY", 2),
        ("request --policy first.toml --marking cosmic --on-behalf-of a --channel b --reason c --no-interests", "requester-1", "marking 'cosmic': unknown", 2),
        ("request --policy none --on-behalf-of a --channel b --reason c --no-interests", "requester-1", "there is nothing to decide", 2),
        ("request --rules bad.toml --on-behalf-of a --channel b --reason c --no-interests", "requester-1", "bad.toml: unknown key 'kinds.change.aprove'", 2),
        ("approve abcd --reason x --no-interests", "operator-1", "no decision 'abcd'", 2),
        ("approve abcd --reason x --no-interests --role king", "operator-1", "role 'king': unknown", 2),
        ("assess abcd first.toml", "analyst-1", "not an assessment document", 2),
        ("apply abcd --from never", "operator-1", "time 'never': not ISO 8601", 2),
        ("person add x --role king", "operator-1", "role 'king': unknown", 2),
        ("person add x --role viewer", "operator-1", "'x' is new to what is public; give --title and --role", 2),
        ("person confirm nobody", "auditor-1", "nothing about 'nobody' waits for confirmation", 2),
        ("person add x --role viewer --title t --public first.toml", "operator-1", "not a public key", 2),
        ("key new Bad+Name", None, "is no handle", 2),
        ("key new operator-1", None, "a key is never overwritten", 2),
        ("key revoke approver-1 00000000 --reason x", "operator-1", "no such key, or revoked already", 2),
        ("verify --entry first.toml", None, "verified with the log's public key", 2),
        ("verify --checkpoint first.toml", None, "checkpoint: not a signed note", 1),
        ("checkpoint --log-key operator-1.key", None, "the key is not that of the public log", 2),
        ("log --export export", None, "entries that no checkpoint covers", 2),
        ("log --entry 0123abcd", None, "none begins so", 2),
        ("init --origin x --founders founders.toml --log-keys other", "operator-1", "record.db: exists; a record is never overwritten", 2),
        ("init --origin x --founders founders.toml --record new.db", "operator-1", "a key is never overwritten", 2),
        ("init --origin x --founders founders.toml --record new.db --log-keys n", "operator-2", 'give clearance = "secret"', 2),
        ("init --origin x --founders founders.toml --record new.db --log-keys n", "analyst-1", "the key given is none of the founders'", 2),
        ("init --origin x --founders first.toml --record new.db --log-keys n", "operator-1", "first.toml: 'people' is missing", 2),
    ],
)  # fmt: skip
def test_refusals_are_one_line_and_change_nothing(desk: Desk, line: str, who: str | None, said: str, code: int):
    Path("bad.toml").write_text('[kinds.change]\naprove = ["approver"]\n')
    before = desk.good("log --entries --json", who="operator-1").out
    answer = desk(line, who=who)
    assert answer.code == code, answer.err
    lines = [text for text in answer.err.splitlines() if "error:" in text]
    assert len(lines) == 1
    assert said in lines[0]
    assert "Traceback" not in answer.err
    assert desk.good("log --entries --json", who="operator-1").out == before
    assert not Path("new.db").exists()


def test_rules_from_a_file(desk: Desk):
    Path("rules.toml").write_text('name = "stricter"\n[kinds.change]\napprove = ["approver", "operator", "auditor"]\n')
    words = "--on-behalf-of office --channel meeting --reason stricter --no-interests --json"
    decision = desk.good(f"request --rules rules.toml {words}", who="requester-1").json()["decision"]
    for who in ("approver-1", "auditor-1"):
        desk.good(f"approve {decision} --reason good --no-interests", who=who)
    desk.good(f"apply {decision}", who="operator-1")
    assert desk.good(f"log {decision} --json").json()["rules"]["name"] == "stricter"


def test_the_clock_went_backwards(desk: Desk):
    desk.ask()
    desk.now = desk.now - np.timedelta64(1, "h")
    words = "request --policy second.toml --on-behalf-of a --channel b --reason c --no-interests"
    assert "it went backwards; set it right" in desk.bad(words, who="requester-1")
