"""The machine of states: who may do what when, and what each refusal says."""

import numpy as np
import pytest
from tests.decisions_sample import ORIGIN, Office, private_key, public_line, small_policy

from overflight.clock import add_seconds
from overflight.decisions import acts
from overflight.decisions.bodies import Interest
from overflight.decisions.entry import Head, sign_entry
from overflight.decisions.lineage import in_force, lines_of
from overflight.decisions.machine import missing_seats, status_of
from overflight.decisions.refusals import DecisionError, TamperError
from overflight.decisions.rules import InterestRules, KindRules, KindsRules, Rules
from overflight.decisions.state import heads

FIRST, SECOND, THIRD = small_policy("first", "MT"), small_policy("second", "MT", "TV"), small_policy("third", "TV")


@pytest.fixture
def office() -> Office:
    return Office()


def now_in_force(office: Office, marking: str = "public"):
    return in_force(lines_of(office.logs, marking), office.now)


def test_a_change_from_request_to_force(office: Office):
    decision = office.request(FIRST)
    assert status_of(office.logs, office.decision(decision), office.now) == "requested"
    office.assess(decision)
    assert status_of(office.logs, office.decision(decision), office.now) == "assessed"
    office.vote("approve", decision, "approver-1")
    assert missing_seats(office.logs, office.decision(decision), "approve") == ["operator"]
    office.vote("approve", decision, "operator-1")
    assert status_of(office.logs, office.decision(decision), office.now) == "approved"
    assert now_in_force(office).policy is None
    office.apply(decision)
    assert now_in_force(office).policy == FIRST.digest()
    assert now_in_force(office).decision == decision


def test_what_was_in_force_at_any_past_moment(office: Office):
    moments = []
    for policy in (FIRST, SECOND, THIRD):
        office.decide(policy)
        office.wait(1.0)
        moments.append((office.now, policy.digest()))
    for moment, digest in moments:
        assert in_force(lines_of(office.logs, "public"), moment).policy == digest
    assert in_force(lines_of(office.logs, "public"), np.datetime64("2026-08-21", "us")).policy is None


@pytest.mark.parametrize(
    ("who", "role", "said"),
    [
        ("requester-2", "approver", "nobody votes on a request of their own"),
        ("analyst-1", "approver", "that takes the role approver, not analyst"),
        ("auditor-1", "auditor", "no seat of auditor is empty"),
        ("approver-1", "operator", "that takes the role operator"),
    ],
)
def test_who_may_not_approve(office: Office, who: str, role: str, said: str):
    decision = office.request(FIRST, who="requester-2")
    office.assess(decision)
    with pytest.raises(DecisionError, match=said):
        office.vote("approve", decision, who, role=role)


def test_two_people_of_one_role_are_not_enough(office: Office):
    decision = office.request(FIRST)
    office.assess(decision)
    office.vote("approve", decision, "approver-1")
    with pytest.raises(DecisionError, match="no seat of approver is empty"):
        office.vote("approve", decision, "approver-2")
    with pytest.raises(DecisionError, match="it lacks operator"):
        office.apply(decision)


def test_an_approval_is_given_once_and_a_replay_is_refused(office: Office):
    decision = office.request(FIRST)
    office.assess(decision)
    entry = office.vote("approve", decision, "approver-1")
    with pytest.raises(DecisionError, match="'approver-1' has done this already"):
        office.vote("approve", decision, "approver-1")
    with pytest.raises(DecisionError, match="signed for another state of the record"):
        office.record.submit(entry.note)


def test_an_entry_of_another_record_is_refused(office: Office):
    actor = office.actor("requester-1")
    draft = acts.request_policy(
        actor,
        office.logs,
        office.record.store.document,
        marking="public",
        action="change",
        policy=None,
        document=None,
        grounds=acts.Grounds("a", "b", "c"),
    ).draft
    note = sign_entry(draft, record="elsewhere.example", after=heads(office.logs, "public"), private=private_key("requester-1"))
    with pytest.raises(DecisionError, match=f"belongs to the record elsewhere.example; sign it anew for {ORIGIN}"):
        office.record.submit(note)


def test_an_assessment_of_another_policy_is_refused(office: Office):
    decision = office.request(FIRST)
    with pytest.raises(DecisionError, match=r"the assessment compares no policy with .*; assess that"):
        office.assess(decision, after=SECOND.digest())
    assert office.decision(decision).assessments == ()


def test_votes_before_another_assessment_do_not_count(office: Office):
    decision = office.request(FIRST)
    office.assess(decision)
    office.vote("approve", decision, "approver-1")
    office.vote("approve", decision, "operator-2")
    office.assess(decision, note="somebody loses after all")
    with pytest.raises(DecisionError, match=r"it lacks approver and operator \('approver-1' voted on another assessment"):
        office.apply(decision)
    office.vote("approve", decision, "approver-1")
    office.vote("approve", decision, "operator-2")
    office.apply(decision)


def test_who_assessed_does_not_vote():
    office = Office()
    office.act(
        "operator-1",
        lambda actor, logs: acts.enrol(
            actor, logs, person="approver-1", title=None, roles=("analyst", "approver"), key=None, markings=("public",)
        ),
    )
    office.act("auditor-1", lambda actor, logs: acts.confirm(actor, logs, text="approver-1"))
    decision = office.request(FIRST)
    office.assess(decision, who="approver-1")
    with pytest.raises(DecisionError, match="who assessed a change does not vote on it"):
        office.vote("approve", decision, "approver-1", role="approver")


def test_rejection_takes_the_seats_that_the_rules_ask_for(office: Office):
    decision = office.request(FIRST)
    office.assess(decision)
    office.vote("reject", decision, "approver-1")
    assert status_of(office.logs, office.decision(decision), office.now) == "assessed"
    office.vote("reject", decision, "operator-2")
    assert status_of(office.logs, office.decision(decision), office.now) == "rejected"
    for act in (lambda: office.vote("approve", decision, "approver-2"), lambda: office.apply(decision), lambda: office.assess(decision)):
        with pytest.raises(DecisionError, match="was rejected on"):
            act()


def test_the_last_word_of_a_voter_counts(office: Office):
    decision = office.request(FIRST)
    office.assess(decision)
    office.vote("approve", decision, "approver-1")
    office.vote("approve", decision, "operator-2")
    office.vote("reject", decision, "approver-1")
    with pytest.raises(DecisionError, match="it lacks approver"):
        office.apply(decision)


@pytest.mark.parametrize(
    ("registered", "declared", "said"),
    [
        (None, [("contract", "A Ministry")], r"a conflicting interest \(contract with A Ministry"),
        (None, [("tie", "requester-1")], "a conflicting interest"),
        (None, [("office", "neighbour state")], "a conflicting interest"),
        (("contract", "a ministry"), [], r"a registered interest is not declared \(contract with a ministry\)"),
        (("contract", "a ministry"), [("contract", "a ministry")], "a conflicting interest"),
    ],
)
def test_interests_bar(office: Office, registered, declared, said: str):
    if registered:
        interest = Interest(kind=registered[0], party=registered[1])
        office.act(
            "auditor-1",
            lambda actor, logs: acts.register(actor, logs, person="approver-1", interest=interest, ended=False, marking="public"),
        )
    decision = office.request(FIRST, parties=("Neighbour  State",))
    office.assess(decision)
    with pytest.raises(DecisionError, match=said):
        office.vote("approve", decision, "approver-1", interests=[Interest(kind=kind, party=party) for kind, party in declared])


def test_an_interest_without_bearing_is_declared_and_does_not_bar(office: Office):
    decision = office.request(FIRST)
    office.assess(decision)
    office.vote("approve", decision, "approver-1", interests=[Interest(kind="contract", party="a bakery")])
    assert next(office.decision(decision).standing("approve")).vote.interests[0].party == "a bakery"


def test_rules_may_bar_a_kind_of_interest_altogether():
    office = Office(rules=Rules(interests=InterestRules(barring=("office",))))
    decision = office.request(FIRST)
    office.assess(decision)
    with pytest.raises(DecisionError, match="the rules bar whoever has such an interest"):
        office.vote("approve", decision, "approver-1", interests=[Interest(kind="office", party="a bakery")])


def test_an_interest_found_out_later_takes_the_approval_back(office: Office):
    decision = office.request(FIRST)
    office.assess(decision)
    office.vote("approve", decision, "approver-1")
    office.vote("approve", decision, "operator-2")
    interest = Interest(kind="contract", party="a ministry")
    office.act(
        "auditor-1", lambda actor, logs: acts.register(actor, logs, person="approver-1", interest=interest, ended=False, marking="public")
    )
    with pytest.raises(DecisionError, match=r"it lacks approver \('approver-1': a registered interest is not declared"):
        office.apply(decision)


def emergency(office: Office, policy=SECOND) -> str:
    decision = office.request(policy, action="emergency")
    office.vote("approve", decision, "approver-1")
    office.apply(decision)
    return decision


def test_an_emergency_expires_by_itself(office: Office):
    office.decide(FIRST)
    decision = emergency(office)
    assert now_in_force(office).policy == SECOND.digest()
    applied = office.decision(decision).applied
    assert applied is not None
    lines = lines_of(office.logs, "public")
    assert in_force(lines, add_seconds(applied.lapses, -1.0)).policy == SECOND.digest()
    assert in_force(lines, applied.lapses).policy == FIRST.digest()
    assert status_of(office.logs, office.decision(decision), applied.lapses) == "lapsed"
    office.wait(73.0)
    with pytest.raises(DecisionError, match=r"lapsed on .*; it takes a change in the ordinary way"):
        office.vote("ratify", decision, "approver-2")
    with pytest.raises(DecisionError, match="the same policy was in force as the emergency"):
        office.request(SECOND, action="emergency")


def test_an_emergency_that_is_ratified_stays(office: Office):
    office.decide(FIRST)
    decision = emergency(office)
    with pytest.raises(DecisionError, match="has no assessment yet"):
        office.vote("ratify", decision, "approver-2")
    office.assess(decision)
    with pytest.raises(DecisionError, match=r"'approver-1' approved .*; others ratify"):
        office.vote("ratify", decision, "approver-1")
    with pytest.raises(DecisionError, match="nobody votes on a request of their own"):
        office.vote("ratify", decision, "requester-1", role="approver")
    office.vote("ratify", decision, "approver-2")
    assert office.decision(decision).ratified is None
    office.vote("ratify", decision, "operator-2")
    office.wait(1000.0)
    assert now_in_force(office).policy == SECOND.digest()
    with pytest.raises(DecisionError, match="not an emergency in force that waits"):
        office.vote("ratify", decision, "operator-1")


def test_a_change_made_during_an_emergency_outlives_it(office: Office):
    office.decide(FIRST)
    emergency(office)
    office.decide(THIRD)
    office.wait(100.0)
    assert now_in_force(office).policy == THIRD.digest()


def test_a_revert_leads_back_and_is_a_decision_like_any_other(office: Office):
    first, second = office.decide(FIRST), office.decide(SECOND)
    with pytest.raises(DecisionError, match="is not what is in force; only that can be reverted"):
        office.revert(first)
    back = office.revert(second)
    office.assess(back)
    with pytest.raises(DecisionError, match="it lacks approver and operator"):
        office.apply(back)
    office.vote("approve", back, "approver-1")
    office.vote("approve", back, "operator-2")
    office.apply(back)
    assert now_in_force(office).policy == FIRST.digest()
    assert status_of(office.logs, office.decision(second), office.now) == "superseded"


def test_reverting_the_first_decision_leaves_none_in_force(office: Office):
    first = office.decide(FIRST)
    back = office.revert(first)
    office.assess(back)
    office.vote("approve", back, "approver-1")
    office.vote("approve", back, "operator-2")
    office.apply(back)
    assert now_in_force(office).policy is None


def test_a_change_of_a_policy_no_longer_in_force_is_refused(office: Office):
    office.decide(FIRST)
    late = office.request(SECOND)
    office.assess(late)
    office.vote("approve", late, "approver-1")
    office.vote("approve", late, "operator-2")
    office.decide(THIRD)
    with pytest.raises(DecisionError, match=r"is not the one that .* changes; request anew"):
        office.apply(late)


def test_a_scheduled_change_is_void_if_its_base_is_gone_by_then(office: Office):
    office.decide(FIRST)
    planned = office.request(SECOND)
    office.assess(planned)
    office.vote("approve", planned, "approver-1")
    office.vote("approve", planned, "operator-2")
    starts = add_seconds(office.now, 48 * 3600.0)
    office.apply(planned, starts=starts)
    assert status_of(office.logs, office.decision(planned), office.now) == "scheduled"
    assert in_force(lines_of(office.logs, "public"), starts).policy == SECOND.digest()
    emergency(office, THIRD)
    assert in_force(lines_of(office.logs, "public"), starts).policy == THIRD.digest()
    assert status_of(office.logs, office.decision(planned), office.now) == "void"


def test_nothing_comes_in_force_in_the_past(office: Office):
    decision = office.request(FIRST)
    office.assess(decision)
    office.vote("approve", decision, "approver-1")
    office.vote("approve", decision, "operator-2")
    with pytest.raises(DecisionError, match=r"cannot come in force at .*, which is past"):
        office.apply(decision, starts=add_seconds(office.now, -3600.0))


def test_requests_expire(office: Office):
    decision = office.request(FIRST)
    office.assess(decision)
    office.vote("approve", decision, "approver-1")
    office.wait(721.0)
    assert status_of(office.logs, office.decision(decision), office.now) == "expired"
    with pytest.raises(DecisionError, match=r"expired on .*; request anew"):
        office.vote("approve", decision, "operator-2")


def test_what_is_in_force_already_needs_no_decision(office: Office):
    office.decide(FIRST)
    with pytest.raises(DecisionError, match="there is nothing to decide"):
        office.request(FIRST)


def test_the_clock_does_not_go_backwards(office: Office):
    office.request(FIRST)
    office.wait(-2.0)
    before = office.logs
    with pytest.raises(DecisionError, match="the clock says 2026-08-21T22:00:02Z, but the last entry is of"):
        office.request(SECOND)
    assert office.logs is before


def test_a_revoked_key_signs_nothing_more(office: Office):
    key = public_line("approver-1").split("+")[1]
    office.act("operator-1", lambda actor, logs: acts.revoke(actor, logs, person="approver-1", key_id=key, since=None, reason="lost"))
    decision = office.request(FIRST)
    office.assess(decision)
    with pytest.raises(DecisionError, match=rf"key approver-1\+{key} was revoked on .*; sign with another key"):
        office.vote("approve", decision, "approver-1")


def test_votes_since_a_key_was_in_other_hands_count_no_more(office: Office):
    decision = office.request(FIRST)
    office.assess(decision)
    doubtful = office.now
    office.vote("approve", decision, "approver-1")
    office.vote("approve", decision, "operator-2")
    key = public_line("approver-1").split("+")[1]
    office.act("auditor-1", lambda actor, logs: acts.revoke(actor, logs, person="approver-1", key_id=key, since=doubtful, reason="stolen"))
    with pytest.raises(DecisionError, match="the key of 'approver-1' was revoked as of"):
        office.apply(decision)
    office.vote("approve", decision, "approver-2")
    office.apply(decision)


def test_votes_before_a_key_was_in_doubt_stand(office: Office):
    decision = office.request(FIRST)
    office.assess(decision)
    office.vote("approve", decision, "approver-1")
    office.wait(1.0)
    key = public_line("approver-1").split("+")[1]
    office.act("approver-1", lambda actor, logs: acts.revoke(actor, logs, person="approver-1", key_id=key, since=None, reason="lost"))
    office.vote("approve", decision, "operator-2")
    office.apply(decision)


def test_keys_are_rotated_by_their_owner(office: Office):
    line = public_line("second key", "approver-1")
    office.act("approver-1", lambda actor, logs: acts.rotate(actor, logs, key=line))
    decision = office.request(FIRST)
    office.assess(decision)
    with pytest.raises(DecisionError, match=r"was replaced on .*; sign with the new one"):
        office.vote("approve", decision, "approver-1")
    office.vote("approve", decision, "approver-1", key="second key")
    with pytest.raises(DecisionError, match="is known already; a key is issued once"):
        office.act("approver-1", lambda actor, logs: acts.rotate(actor, logs, key=line), key="second key")


def enrol(office: Office, person: str, roles=("approver",), key: str | None = None, who: str = "operator-1"):
    return office.act(
        who,
        lambda actor, logs: acts.enrol(
            actor, logs, person=person, title="New", roles=roles, key=key or public_line(person), markings=("public",)
        ),
    )


def test_people_take_two(office: Office):
    (proposal,) = enrol(office, "newcomer")
    decision = office.request(FIRST)
    office.assess(decision)
    with pytest.raises(DecisionError, match="'newcomer' is not enrolled"):
        office.vote("approve", decision, "newcomer", role="approver")
    for who, said in (("operator-1", "may not confirm people: that takes auditor"), ("operator-2", "may not confirm")):
        with pytest.raises(DecisionError, match=said):
            office.act(who, lambda actor, logs: acts.confirm(actor, logs, text="newcomer"))
    office.act("auditor-1", lambda actor, logs: acts.confirm(actor, logs, text=proposal.short))
    office.vote("approve", decision, "newcomer")
    with pytest.raises(DecisionError, match="nothing about 'newcomer' waits"):
        office.act("auditor-1", lambda actor, logs: acts.confirm(actor, logs, text="newcomer"))


def test_nobody_confirms_what_is_about_them(office: Office):
    enrol(office, "auditor-1", roles=("auditor", "approver"), key=public_line("more", "auditor-1"))
    with pytest.raises(DecisionError, match="or it is about them; another person confirms"):
        office.act("auditor-1", lambda actor, logs: acts.confirm(actor, logs, text="auditor-1"))


def test_a_key_has_one_owner(office: Office):
    with pytest.raises(DecisionError, match="a key is issued once, to one person"):
        enrol(office, "twin", key=public_line("approver-1", "twin"))
    with pytest.raises(DecisionError, match="the key is not named 'twin'"):
        enrol(office, "twin", key=public_line("approver-1"))


def test_the_suspended_do_nothing_and_their_votes_fall(office: Office):
    decision = office.request(FIRST)
    office.assess(decision)
    office.vote("approve", decision, "approver-1")
    office.vote("approve", decision, "operator-2")
    office.act("auditor-1", lambda actor, logs: acts.suspend(actor, logs, person="approver-1", reason="inquiry"))
    with pytest.raises(DecisionError, match="'approver-1' was suspended since"):
        office.apply(decision)
    with pytest.raises(DecisionError, match="'approver-1' is suspended since"):
        office.vote("reject", decision, "approver-1")


def test_rules_change_under_dual_control(office: Office):
    stricter = Rules(name="stricter", kinds=KindsRules(change=KindRules(approve=("approver", "operator", "auditor"))))
    decision = office.request_rules(stricter)
    office.vote("approve", decision, "approver-1")
    with pytest.raises(DecisionError, match="it lacks auditor"):
        office.apply(decision)
    office.vote("approve", decision, "auditor-1")
    office.apply(decision)
    assert office.logs["public"].rules.name == "stricter"
    change = office.request(FIRST)
    office.assess(change)
    office.vote("approve", change, "approver-1")
    office.vote("approve", change, "operator-2")
    with pytest.raises(DecisionError, match="it lacks auditor"):
        office.apply(change)


@pytest.mark.parametrize(
    ("who", "what", "said"),
    [
        (
            "approver-1",
            lambda office: office.request(FIRST, who="approver-1"),
            "may not request changes: that takes requester, not approver",
        ),
        ("approver-1", lambda office: office.assess(office.request(FIRST), who="approver-1"), "may not attach assessments"),
        ("approver-1", lambda office: enrol(office, "x", who="approver-1"), "may not propose people"),
        ("nobody", lambda office: office.request(FIRST, who="nobody"), "'nobody' is not enrolled for what is public"),
    ],
)
def test_roles_hold(office: Office, who: str, what, said: str):
    with pytest.raises(DecisionError, match=said):
        what(office)


def test_a_forged_signature_is_refused(office: Office):
    with pytest.raises(DecisionError, match="is not one of 'requester-1'; sign with a key that was issued and confirmed"):
        office.act(
            "requester-1",
            lambda actor, logs: [
                acts.request_policy(
                    actor,
                    logs,
                    office.record.store.document,
                    marking="public",
                    action="change",
                    policy=None,
                    document=None,
                    grounds=acts.Grounds("a", "b", "c"),
                )
            ],
            key="thief",
        )


def test_entries_name_what_they_come_after(office: Office):
    actor = office.actor("requester-1")
    draft = acts.apply(actor, decision=office.decision(office.request(FIRST)), starts=None).draft
    note = sign_entry(draft, record=ORIGIN, after={"public": Head(1, bytes(32))}, private=private_key("requester-1"))
    with pytest.raises(DecisionError, match="signed for another state of the record"):
        office.record.submit(note)
    with pytest.raises(TamperError, match="not an entry"):
        office.record.submit(note.replace(b'"apply"', b'"Apply"'))


def test_higher_markings_override_and_lower_show_through():
    cleared = dict.fromkeys(("operator-2", "auditor-1", "requester-1", "analyst-1", "approver-1"), "secret")
    office = Office(clearance=cleared)
    office.decide(FIRST)
    secret = office.decide(SECOND, marking="secret")
    assert now_in_force(office, "secret").policy == SECOND.digest()
    assert now_in_force(office, "public").policy == FIRST.digest()
    office.decide(THIRD)
    assert now_in_force(office, "secret").policy == SECOND.digest()
    back = office.revert(secret)
    office.assess(back)
    office.vote("approve", back, "approver-1")
    office.vote("approve", back, "operator-2")
    office.apply(back)
    assert now_in_force(office, "secret").policy == THIRD.digest()
    assert now_in_force(office, "secret").marking == "public"


def test_who_is_not_enrolled_above_does_nothing_there():
    office = Office()
    with pytest.raises(DecisionError, match="'requester-1' is not enrolled for what is secret"):
        office.request(FIRST, marking="secret")
