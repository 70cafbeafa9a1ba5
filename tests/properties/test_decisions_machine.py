"""Random acts by random people never lead to a state that must not be. What must not be is judged from the entries alone, read as JSON."""

import hashlib
import json

import hypothesis.strategies as st
from hypothesis import HealthCheck, event, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.decisions_sample import ROLES, MemoryStore, Office, small_policy

from overflight.clock import parse_time
from overflight.decisions import acts
from overflight.decisions.bodies import Interest
from overflight.decisions.lineage import in_force, lines_of
from overflight.decisions.machine import status_of
from overflight.decisions.refusals import DecisionError
from overflight.decisions.verify import verify_store

POLICIES = [small_policy(f"policy-{number}", *codes) for number, codes in enumerate((("MT",), ("TV",), ("MT", "TV"), ()))]
PEOPLE = sorted(ROLES)
LASTS_H = 72.0


def read(note: bytes) -> dict:
    return json.loads(note.decode().split("\n\n", 1)[0])


class Decide(RuleBasedStateMachine):
    """People act, sensibly or not; refusals are fine, wrong states are not."""

    @initialize()
    def begin(self) -> None:
        self.office = Office(MemoryStore())
        self.notes: list[bytes] = []
        self.refusals: list[str] = []
        self.decisions: list[str] = []
        self.answers: list[tuple] = []
        self.registered: list[tuple[str, str]] = []

    def attempt(self, act) -> object:
        try:
            return act()
        except DecisionError as error:
            self.refusals.append(str(error))
            return None

    @rule(who=st.sampled_from(PEOPLE), policy=st.sampled_from(POLICIES), urgent=st.booleans())
    def ask(self, who: str, policy, *, urgent: bool) -> None:
        found = self.attempt(lambda: self.office.request(policy, who=who, action="emergency" if urgent else "change"))
        if found:
            self.decisions.append(found)

    @rule(
        policy=st.sampled_from(POLICIES),
        urgent=st.booleans(),
        later=st.sampled_from([None, None, 5.0, -3.0]),
        odd=st.sampled_from([None, None, "tied", "assessed anew"]),
        asks=st.sampled_from(["requester-1", "requester-2"]),
        first=st.sampled_from(["approver-1", "approver-1", "requester-2", "operator-1"]),
        second=st.sampled_from(["operator-2", "operator-2", "analyst-1", "approver-2"]),
    )
    def decide(self, policy, *, urgent: bool, later, odd, asks: str, first: str, second: str) -> None:
        """Go the whole way, with the right people or with wrong ones in the right seats."""
        known = len(self.decisions)
        self.ask(asks, policy, urgent=urgent)
        for decision in self.decisions[known:]:
            self.attempt(lambda decision=decision: self.office.assess(decision))
            for who, role in ((first, "approver"), (second, "operator")):
                self.approve(decision, who, role, tied=odd == "tied" and who == first)
            if odd == "assessed anew":
                self.attempt(lambda decision=decision: self.office.assess(decision, note="somebody loses"))
            starts = None if later is None else self.office.now + int(later * 3600) * 1_000_000
            self.attempt(lambda decision=decision, starts=starts: self.office.apply(decision, starts=starts))

    def approve(self, decision: str, who: str, role: str, *, tied: bool) -> None:
        interests = [Interest(kind="contract", party="a ministry")] if tied else []
        self.attempt(lambda: self.office.vote("approve", decision, who, role=role, interests=interests))

    @precondition(lambda self: self.decisions)
    @rule(who=st.sampled_from(PEOPLE), data=st.data(), right=st.booleans())
    def assess(self, who: str, data, *, right: bool) -> None:
        decision = data.draw(st.sampled_from(self.decisions))
        if right:
            self.attempt(lambda: self.office.assess(decision))
        else:
            self.attempt(lambda: self.office.assess(decision, who=who, after=POLICIES[0].digest(), note=who))

    @precondition(lambda self: self.decisions)
    @rule(
        who=st.sampled_from(PEOPLE),
        verb=st.sampled_from(["approve", "approve", "approve", "reject", "ratify"]),
        data=st.data(),
        role=st.sampled_from([None, None, "approver", "operator"]),
        tied=st.sampled_from([False, False, False, True]),
    )
    def vote(self, who: str, verb: str, data, role, *, tied: bool) -> None:
        decision = data.draw(st.sampled_from(self.decisions))
        interests = [Interest(kind="contract", party="a ministry")] if tied else []
        self.attempt(lambda: self.office.vote(verb, decision, who, role=role, interests=interests))

    @precondition(lambda self: self.decisions)
    @rule(verb=st.sampled_from(["approve", "ratify"]), data=st.data(), tail=st.sampled_from(["1", "2"]))
    def vote_sensibly(self, verb: str, data, tail: str) -> None:
        decision = data.draw(st.sampled_from(self.decisions))
        self.attempt(lambda: self.office.assess(decision))
        for who in (f"approver-{tail}", f"operator-{tail}"):
            self.attempt(lambda who=who: self.office.vote(verb, decision, who))

    @precondition(lambda self: self.decisions)
    @rule(who=st.sampled_from([*PEOPLE, "operator-1", "operator-1"]), data=st.data(), later=st.sampled_from([None, None, 5.0, 90.0]))
    def apply(self, who: str, data, later) -> None:
        decision = data.draw(st.sampled_from(self.decisions))
        starts = None if later is None else self.office.now + int(later * 3600) * 1_000_000
        self.attempt(lambda: self.office.apply(decision, who=who, starts=starts))

    @precondition(lambda self: self.decisions)
    @rule(data=st.data())
    def revert(self, data) -> None:
        found = self.attempt(lambda: self.office.revert(data.draw(st.sampled_from(self.decisions)), who="requester-2"))
        if found:
            self.decisions.append(found)

    @rule(who=st.sampled_from(PEOPLE))
    def register(self, who: str) -> None:
        interest = Interest(kind="tie", party="a ministry")
        done = self.attempt(
            lambda: self.office.act(
                "auditor-1", lambda actor, logs: acts.register(actor, logs, person=who, interest=interest, ended=False, marking="public")
            )
        )
        if done:
            self.registered.append((who, str(done[0].time)))

    @precondition(lambda self: self.notes)
    @rule(data=st.data())
    def replay(self, data) -> None:
        note = data.draw(st.sampled_from(self.notes))
        assert self.attempt(lambda: self.office.record.submit(note)) is None

    @rule(hours=st.sampled_from([0.5, 10.0, 80.0, -1.0]))
    def wait(self, hours: float) -> None:
        last = self.office.logs["public"].time
        self.office.wait(hours)
        if self.office.now < last:
            assert self.attempt(lambda: self.office.request(POLICIES[0])) is None
            self.office.now = last
        # What a clock that was ahead said of moments that had not come is no answer about the past.
        self.answers = [(moment, answer) for moment, answer in self.answers if moment <= self.office.now]

    @invariant()
    def nothing_is_lost_or_reordered(self) -> None:
        if hasattr(self, "office"):
            kept = self.office.record.store.notes("public")
            assert kept[: len(self.notes)] == self.notes
            self.notes = kept

    @invariant()
    def the_past_stays(self) -> None:
        if hasattr(self, "office"):
            lines = lines_of(self.office.logs, "public")
            for moment, answer in self.answers:
                assert in_force(lines, moment) == answer
            self.answers = [*self.answers[-20:], (self.office.now, in_force(lines, self.office.now))]

    @invariant()
    def what_is_in_force_was_approved(self) -> None:
        if not hasattr(self, "office"):
            return
        found = in_force(lines_of(self.office.logs, "public"), self.office.now)
        if found.policy is None:
            return
        entries = [read(note) for note in self.notes]
        asked = next(entry for note, entry in zip(self.notes, entries, strict=True) if hash_of(note) == found.decision)
        about = [entry for entry in entries if entry["body"].get("decision") == found.decision]
        place = next(number for number, entry in enumerate(about) if entry["kind"] == "apply")
        words: dict[str, dict] = {}
        for entry in about[:place]:
            if entry["kind"] in {"approve", "reject"}:
                words[entry["author"]] = entry
        newest = [entry["body"]["assessment"] for entry in about[:place] if entry["kind"] == "assess"][-1:] or [None]
        good = [one for one in words.values() if one["kind"] == "approve" and one["body"]["assessment"] == newest[0]]
        roles = {one["body"]["role"] for one in good}
        emergency = asked["body"]["action"] == "emergency"
        assert asked["body"]["result"] == found.policy
        assert asked["author"] not in {one["author"] for one in good}
        assert roles >= ({"approver"} if emergency else {"approver", "operator"})
        assert all(one["body"]["role"] in ROLES[one["author"]] for one in good)
        applied_at = about[place]["time"]
        barred = {who for who, when in self.registered if when < applied_at.removesuffix("Z")}
        assert {one["author"] for one in good if one["author"] not in barred and not one["body"]["interests"]} == {
            one["author"] for one in good if one["author"] not in barred
        }
        if emergency:
            ratified = {one["body"]["role"] for one in about[place:] if one["kind"] == "ratify"} >= {"approver", "operator"}
            age_h = (self.office.now - parse_time(about[place]["body"]["starts"])).astype(int) / 3.6e9
            assert ratified or age_h < LASTS_H

    def teardown(self) -> None:
        if hasattr(self, "office"):
            assert verify_store(self.office.record.store).problems == ()
            assert all("\n" not in refusal for refusal in self.refusals)
            for decision in self.office.logs["public"].decisions.values():
                event(f"{decision.request.action} {status_of(self.office.logs, decision, self.office.now)}")


def hash_of(note: bytes) -> str:
    return hashlib.sha256(b"\x00" + note).hexdigest()


TestDecide = Decide.TestCase
TestDecide.settings = settings(max_examples=100, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
