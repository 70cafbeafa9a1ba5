"""Nobody sees, lists, counts or infers what is above their clearance: with or without it, the same bytes and the same answers."""

import json
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from tests.decisions_sample import ROLES, MemoryStore, Office, private_key, public_line, small_policy

from overflight.decisions import acts
from overflight.decisions.bodies import Interest
from overflight.decisions.markings import MARKINGS, up_to
from overflight.decisions.record import identify
from overflight.decisions.refusals import DecisionError
from overflight.decisions.story import list_decisions, list_entries, list_pending, list_people, tell_decision, tell_in_force
from overflight.decisions.tiles import export_logs
from overflight.decisions.verify import verify_store

POLICIES = [small_policy(f"policy-{number}", *codes) for number, codes in enumerate((("MT",), ("TV",), ("MT", "TV")))]
CLEARED = dict.fromkeys(ROLES, "secret")

ACTS = st.tuples(
    st.sampled_from(MARKINGS),
    st.sampled_from(["request", "emergency", "assess", "approve", "apply", "decide", "enrol", "suspend", "register", "revoke", "guess"]),
    st.integers(0, 2),
)


def do(office: Office, marking: str, what: str, choice: int) -> str:
    """One act in the log of a marking; what its author is told."""
    log = office.logs[marking]
    decisions = sorted(log.decisions.values(), key=lambda one: one.time)
    decision = decisions[-1 - choice % len(decisions)].id if decisions else "0" * 64
    voter = f"approver-{1 + choice % 2}"
    try:
        if what in {"request", "emergency"}:
            return office.request(POLICIES[choice], marking=marking, action="change" if what == "request" else what)
        if what == "decide":
            return office.decide(POLICIES[choice], marking=marking)
        if what == "assess":
            return office.assess(decision).id
        if what == "approve":
            return office.vote("approve", decision, voter).id + office.vote("approve", decision, "operator-2").id
        if what == "apply":
            return office.apply(decision).id
        if what == "guess":
            # The beginning of every identifier, as somebody would try who looks for what is hidden.
            office.record_view = {one: office.logs[one] for one in up_to(marking)}
            return acts.find_decision(office.record_view, f"{choice:x}abc").id
        return office.act(
            "operator-1" if what in {"enrol", "suspend"} else "auditor-1", lambda actor, logs: people(actor, logs, marking, what, choice)
        )[0].id
    except DecisionError as error:
        return str(error)


def people(actor, logs, marking: str, what: str, choice: int):
    name = f"newcomer-{choice}"
    if what == "enrol":
        return acts.enrol(actor, logs, person=name, title="New", roles=("approver",), key=public_line(name), markings=(marking,))
    if what == "suspend":
        return acts.suspend(actor, {marking: logs[marking]}, person=f"approver-{1 + choice % 2}", reason="inquiry")
    if what == "revoke":
        key = public_line("requester-2").split("+")[1]
        return acts.revoke(actor, {marking: logs[marking]}, person="requester-2", key_id=key, since=None, reason="lost")
    return acts.register(
        actor, logs, person="approver-1", interest=Interest(kind="tie", party=f"party {choice}"), ended=False, marking=marking
    )


def seen(office: Office, clearance: str) -> str:
    """Everything that a reader of a clearance can get to see."""
    view = {marking: office.logs[marking] for marking in up_to(clearance)}
    store, now = office.record.store, office.now
    report = verify_store(store, clearance=clearance)
    return json.dumps(
        {
            "decisions": list_decisions(view, now),
            "stories": [tell_decision(view, one, now, store.document) for log in view.values() for one in log.decisions.values()],
            "people": list_people(view),
            "pending": list_pending(view),
            "in force": tell_in_force(view, now),
            "entries": list(list_entries(store, view)),
            "documents": [store.documents(marking) for marking in view],
            "checkpoints": [[(size, note.hex()) for size, note in store.checkpoints(marking)] for marking in view],
            "verified": [repr(report.logs), report.problems],
        }
    )


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(script=st.lists(ACTS, min_size=1, max_size=14), clearance=st.sampled_from(["public", "restricted"]))
def test_what_is_above_leaves_no_trace_below(script, clearance: str):
    with_it, without = (Office(MemoryStore(), clearance=CLEARED) for _ in range(2))
    for marking, what, choice in script:
        below = marking in up_to(clearance)
        without.now = with_it.now
        told = do(with_it, marking, what, choice)
        if below:
            assert do(without, marking, what, choice) == told
        without.now = with_it.now
    for office in (with_it, without):
        office.sign_heads()
    for marking in up_to(clearance):
        assert with_it.record.store.notes(marking) == without.record.store.notes(marking)
    assert seen(with_it, clearance) == seen(without, clearance)


def test_an_export_is_the_same_bytes_whatever_is_above(tmp_path: Path):
    for name, secret in (("with", True), ("without", False)):
        office = Office(MemoryStore(), clearance=CLEARED)
        office.decide(POLICIES[0])
        before = office.now
        if secret:
            office.decide(POLICIES[1], marking="secret")
        office.now = before
        office.decide(POLICIES[2])
        office.sign_heads()
        export_logs(office.record.store, up_to("public"), tmp_path / name)
    files = {path.relative_to(tmp_path / "with"): path.read_bytes() for path in (tmp_path / "with").rglob("*") if path.is_file()}
    assert files == {
        path.relative_to(tmp_path / "without"): path.read_bytes() for path in (tmp_path / "without").rglob("*") if path.is_file()
    }
    assert files


def test_a_key_opens_what_its_owner_is_cleared_for_and_no_more():
    office = Office(MemoryStore(), clearance={"approver-1": "restricted"})
    assert identify(office.logs, private_key("approver-1")).clearance == "restricted"
    assert identify(office.logs, private_key("approver-2")).clearance == "public"
    assert identify(office.logs, private_key("operator-1")).clearance == "secret"
    for key in ("stranger", "another"):
        with pytest.raises(DecisionError, match=r"^the key given is nobody's in this record, or no longer counts$"):
            identify(office.logs, private_key(key))


def test_a_revoked_key_opens_nothing():
    office = Office(MemoryStore(), clearance={"approver-1": "secret"})
    key = public_line("approver-1").split("+")[1]
    office.act(
        "operator-1",
        lambda actor, logs: acts.revoke(actor, {"public": logs["public"]}, person="approver-1", key_id=key, since=None, reason="lost"),
    )
    with pytest.raises(DecisionError, match="nobody's in this record"):
        identify(office.logs, private_key("approver-1"))
