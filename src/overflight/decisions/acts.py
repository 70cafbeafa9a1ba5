"""Acts of people: from words and files to entries, given what the record says."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import ValidationError

from overflight.clock import format_time
from overflight.decisions._closed import ClosedTable, problems_of
from overflight.decisions.bodies import (
    Apply,
    Assess,
    Confirm,
    Enrol,
    EntryKind,
    Evidence,
    Interest,
    Register,
    Request,
    Revoke,
    Rotate,
    Suspend,
    Vote,
)
from overflight.decisions.documents import Assessment, Document, diff_policies, read_policy
from overflight.decisions.entry import Draft
from overflight.decisions.lineage import in_force, lines_of
from overflight.decisions.machine import counting, find_reverted
from overflight.decisions.markings import Marking, up_to
from overflight.decisions.people import find_person
from overflight.decisions.record import Act, Identity
from overflight.decisions.refusals import DecisionError
from overflight.decisions.rules import Kind, Role, Rules, empty_seats
from overflight.decisions.state import Decision, Logs
from overflight.service.policy import Policy

Fetch = Callable[[Marking, str], bytes | None]
"""Gives a document of a log by its hash."""


LAST = "last"
"""Names the decision requested last."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and when."""

    identity: Identity
    now: np.datetime64

    def draft(self, kind: EntryKind, marking: Marking, body: ClosedTable) -> Draft:
        """A draft of an entry of his."""
        return Draft(kind, marking, self.identity.handle, self.now, body)


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why, for whom and how a change is asked for."""

    on_behalf_of: str
    channel: str
    reason: str
    parties: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    interests: tuple[Interest, ...] = ()


def find_decision(logs: Logs, text: str) -> Decision:
    """A decision by its hash, as many of its first digits as no other has, or ``last``, the one requested last.

    Raises
    ------
    DecisionError
        If none that can be seen begins so, or several do.
    """
    wanted = text.strip().lower()
    if wanted == LAST:
        every = [one for log in logs.values() for one in log.decisions.values()]
        if every:
            return max(reversed(every), key=lambda one: one.time)
    found = [one for log in logs.values() for name, one in log.decisions.items() if name.startswith(wanted) and len(wanted) >= 4]
    if len(found) != 1:
        why = f"{len(found)} begin so; give more digits" if found else "decision log lists them"
        msg = f"no decision '{text}'; {why}" if not found else f"decision '{text}': {why}"
        raise DecisionError(msg)
    return found[0]


def request_policy(
    actor: Actor,
    logs: Logs,
    fetch: Fetch,
    *,
    marking: Marking,
    action: Kind,
    policy: Policy | None,
    document: Document | None,
    grounds: Grounds,
) -> Act:
    """Ask for another policy than the one in force; none asks for no policy of this marking."""
    _check_cleared(logs, marking)
    now = in_force(lines_of(logs, marking), actor.now)
    base = _policy_of(fetch, logs, now.policy)
    body = _body(
        Request,
        action=action,
        base=now.policy,
        result=None if document is None else document.sha256,
        diff=diff_policies(base, policy),
        rules=None,
        reverts=None,
        **_words(grounds),
    )
    documents = tuple(one for one in (None if document is None else document.content, _content(fetch, logs, now.policy)) if one is not None)
    return Act(actor.draft("request", marking, body), documents)


def request_rules(actor: Actor, logs: Logs, *, marking: Marking, rules: Rules, grounds: Grounds) -> Act:
    """Ask for other rules."""
    _check_cleared(logs, marking)
    base = logs[marking].rules.digest()
    body = _body(Request, action="rules", base=base, result=rules.digest(), diff=None, rules=rules, reverts=None, **_words(grounds))
    return Act(actor.draft("request", marking, body))


def request_revert(actor: Actor, logs: Logs, fetch: Fetch, *, decision: Decision, grounds: Grounds) -> Act:
    """Ask for the policy before the one in force."""
    marking = decision.marking
    result = find_reverted(logs, marking, decision.id, actor.now)
    now = in_force(lines_of(logs, marking), actor.now)
    diff = diff_policies(_policy_of(fetch, logs, now.policy), _policy_of(fetch, logs, result))
    body = _body(Request, action="revert", base=now.policy, result=result, diff=diff, rules=None, reverts=decision.id, **_words(grounds))
    return Act(actor.draft("request", marking, body))


def policies_of(fetch: Fetch, logs: Logs, decision: Decision) -> tuple[tuple[str, Policy | None], tuple[str, Policy | None]]:
    """The policies before and after a decision, each with a name; None where there is none.

    Raises
    ------
    DecisionError
        If it is a decision on rules, or the record lacks a policy.
    """
    request = decision.request
    if request.rules is not None:
        msg = f"decision {decision.id[:16]} is about the rules of the record; only changes of policy are assessed by the twin"
        raise DecisionError(msg)
    before, after = (_policy_of(fetch, logs, sha256) for sha256 in (request.base, request.result))
    return _named(before), _named(after)


def _named(policy: Policy | None) -> tuple[str, Policy | None]:
    return ("none" if policy is None else policy.name), policy


def assess(actor: Actor, *, decision: Decision, assessment: Assessment) -> Act:
    """Attach an assessment."""
    body = _body(Assess, decision=decision.id, assessment=assessment.document.sha256, before=assessment.before, after=assessment.after)
    return Act(actor.draft("assess", decision.marking, body), (assessment.document.content,))


def vote(
    actor: Actor, logs: Logs, verb: EntryKind, *, decision: Decision, role: Role | None, reason: str, interests: tuple[Interest, ...]
) -> Act:
    """Approve, reject or ratify, in a role that is given or, if there is one, the first empty seat that the actor can fill."""
    body = _body(
        Vote,
        decision=decision.id,
        assessment=decision.assessment,
        result=decision.request.result,
        role=role or _seat_for(logs, decision, actor.identity.handle, verb),
        reason=reason,
        interests=interests,
    )
    return Act(actor.draft(verb, decision.marking, body))


def apply(actor: Actor, *, decision: Decision, starts: np.datetime64 | None) -> Act:
    """Put in force what was approved, from a moment on; by default at once."""
    moment = actor.now if starts is None else starts.astype("datetime64[s]").astype("datetime64[us]")
    return Act(actor.draft("apply", decision.marking, _body(Apply, decision=decision.id, starts=format_time(moment))))


def enrol(
    actor: Actor, logs: Logs, *, person: str, title: str | None, roles: tuple[Role, ...], key: str | None, markings: tuple[Marking, ...]
) -> list[Act]:
    """Propose a person, other roles, or a further key, in the logs named."""
    acts = []
    for marking in markings:
        _check_cleared(logs, marking)
        known = logs[marking].people.get(person)
        if known is None and (title is None or not roles):
            msg = f"'{person}' is new to what is {marking}; give --title and --role"
            raise DecisionError(msg)
        body = _body(
            Enrol,
            person=person,
            title=title or (known.title if known else person),
            roles=roles or (known.roles if known else ()),
            key=key,
        )
        acts.append(Act(actor.draft("enrol", marking, body)))
    return acts


def confirm(actor: Actor, logs: Logs, *, text: str) -> list[Act]:
    """Confirm what waits under this entry's digits, or all that waits about a person."""
    waiting = [
        (marking, entry)
        for marking, log in logs.items()
        for entry in log.pending.values()
        if entry.body.person == text or (len(text) >= 4 and entry.id.startswith(text))
    ]
    if not waiting:
        msg = f"nothing about '{text}' waits for confirmation; decision person list shows what does"
        raise DecisionError(msg)
    return [Act(actor.draft("confirm", marking, _body(Confirm, entry=entry.id))) for marking, entry in waiting]


def suspend(actor: Actor, logs: Logs, *, person: str, reason: str) -> list[Act]:
    """Suspend a person wherever the actor knows him."""
    return [
        Act(actor.draft("suspend", marking, _body(Suspend, person=person, reason=reason))) for marking in where_known(actor, logs, person)
    ]


def register(actor: Actor, logs: Logs, *, person: str, interest: Interest, ended: bool, marking: Marking) -> list[Act]:
    """Put an interest on the register, or take it off."""
    _check_cleared(logs, marking)
    find_person(logs, marking, person)
    return [Act(actor.draft("register", marking, _body(Register, person=person, interest=interest, ended=ended)))]


def rotate(actor: Actor, logs: Logs, *, key: str) -> list[Act]:
    """Replace the actor's key by another, wherever he is enrolled with it."""
    public = actor.identity.private.public_key().public_bytes_raw()
    acts = []
    for marking in where_known(actor, logs, actor.identity.handle):
        person = logs[marking].people[actor.identity.handle]
        if any(one.public.public == public and one.status == "active" for one in person.keys):
            acts.append(Act(actor.draft("rotate", marking, _body(Rotate, key=key))))
    return acts


def revoke(actor: Actor, logs: Logs, *, person: str, key_id: str, since: np.datetime64 | None, reason: str) -> list[Act]:
    """Revoke a key wherever it is known."""
    body = _body(
        Revoke,
        person=person,
        key_id=key_id,
        since=format_time(actor.now if since is None else since.astype("datetime64[s]").astype("datetime64[us]")),
        reason=reason,
    )
    known = [
        marking
        for marking in where_known(actor, logs, person)
        if any(key.public.key_id == key_id and key.revoked is None for key in logs[marking].people[person].keys)
    ]
    if not known:
        msg = f"key {person}+{key_id}: no such key, or revoked already"
        raise DecisionError(msg)
    # From the highest down: where the actor signs with that very key, revoking it below would silence him above.
    return [Act(actor.draft("revoke", marking, body)) for marking in reversed(known)]


def where_known(actor: Actor, logs: Logs, person: str) -> tuple[Marking, ...]:
    """The logs in which both the actor and a person are enrolled.

    Raises
    ------
    DecisionError
        If there is none.
    """
    found = tuple(
        marking
        for marking in up_to(actor.identity.clearance)
        if marking in logs and person in logs[marking].people and actor.identity.handle in logs[marking].people
    )
    if not found:
        msg = f"'{person}' is not enrolled where '{actor.identity.handle}' is; decision person list shows who is"
        raise DecisionError(msg)
    return found


def _check_cleared(logs: Logs, marking: Marking) -> None:
    if marking not in logs:
        msg = f"you are not cleared for what is {marking}"
        raise DecisionError(msg)


def _seat_for(logs: Logs, decision: Decision, handle: str, verb: str) -> Role:
    rules = logs[decision.marking].rules.of_kind(decision.request.action)
    seats = {"approve": rules.approve, "reject": rules.reject, "ratify": rules.ratify}[verb]
    held = find_person(logs, decision.marking, handle).roles
    empty = empty_seats(seats, [cast.vote.role for cast in counting(logs, decision, verb)])
    return next((role for role in empty if role in held), held[0])


def make_interest(kind: str, party: str, detail: str = "") -> Interest:
    """An interest from its words.

    Raises
    ------
    DecisionError
        If it is malformed.
    """
    interest: Interest = _body(Interest, kind=kind, party=party, detail=detail)
    return interest


def _body(model: type[ClosedTable], **values: object) -> Any:
    """Make a table, with what is wrong with it in one line."""
    try:
        return model(**values)
    except ValidationError as error:
        raise DecisionError(problems_of(error)) from None


def _words(grounds: Grounds) -> dict[str, object]:
    return {
        "on_behalf_of": grounds.on_behalf_of,
        "channel": grounds.channel,
        "reason": grounds.reason,
        "parties": grounds.parties,
        "evidence": grounds.evidence,
        "interests": grounds.interests,
    }


def _content(fetch: Fetch, logs: Logs, sha256: str | None) -> bytes | None:
    if sha256 is None:
        return None
    for marking in reversed(list(logs)):
        content = fetch(marking, sha256)
        if content is not None:
            return content
    return None


def _policy_of(fetch: Fetch, logs: Logs, sha256: str | None) -> Policy | None:
    content = _content(fetch, logs, sha256)
    if sha256 is not None and content is None:
        msg = f"the record lacks the policy {sha256[:16]}; decision verify says what else"
        raise DecisionError(msg)
    return None if content is None else read_policy(content)
