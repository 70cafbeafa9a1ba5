"""The machine of states: an entry and what was recorded before it in; what is recorded then, or a refusal, out. No I/O, no clock.

Whether an entry is admitted depends on its own log and those below, never on one above: whatever is recorded above, who may not see it
gets the same answers.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from overflight.clock import add_seconds, format_time, parse_time
from overflight.decisions.bodies import Interest, Vote
from overflight.decisions.entry import Entry
from overflight.decisions.lineage import in_force, lines_of
from overflight.decisions.markings import Marking, up_to
from overflight.decisions.notes import read_verifier_key
from overflight.decisions.people import check_voter, find_author, find_person, require_role, why_not_count
from overflight.decisions.refusals import DecisionError
from overflight.decisions.rules import Rules, empty_seats
from overflight.decisions.state import Applied, Assessed, Cast, Decision, Key, Logs, LogState, Person, heads

HOUR_S = 3600.0


def admit(logs: Logs, entry: Entry, *, check_signature: bool = True) -> LogState:
    """Take an entry into its log; the log as it is then.

    Raises
    ------
    DecisionError
        If the entry is not allowed, with what would have to be otherwise. Nothing is changed then.
    """
    log = logs[entry.marking]
    _check_place(logs, entry)
    if entry.kind == "found":
        after = _found(logs, entry, check_signature=check_signature)
    else:
        if log.log_key is None:
            msg = f"the {entry.marking} log has not been founded; begin it with init"
            raise DecisionError(msg)
        author = find_author(logs, entry, check_signature=check_signature)
        after = _STEPS[entry.kind](logs, entry, author)
    return replace(after, time=entry.time, frontier=log.frontier.append(bytes.fromhex(entry.id)))


def _check_place(logs: Logs, entry: Entry) -> None:
    """Check that an entry belongs here and now."""
    if logs[entry.marking].log_key is not None and entry.record != logs[entry.marking].record:
        msg = f"entry {entry.short} belongs to the record {entry.record}; sign it anew for {logs[entry.marking].record}"
        raise DecisionError(msg)
    if entry.after != heads(logs, entry.marking):
        msg = f"entry {entry.short} was signed for another state of the record (a replay, or something came between); sign it anew"
        raise DecisionError(msg)
    for below in up_to(entry.marking):
        last = logs[below].time
        if last is not None and entry.time < last:
            msg = f"the clock says {format_time(entry.time)}, but the last entry is of {format_time(last)}: it went backwards; set it right"
            raise DecisionError(msg)


def _found(logs: Logs, entry: Entry, *, check_signature: bool) -> LogState:
    log = logs[entry.marking]
    if log.log_key is not None:
        msg = f"the {entry.marking} log is founded already"
        raise DecisionError(msg)
    people: dict[str, Person] = {}
    for founder in entry.body.people:
        key = read_verifier_key(founder.key)
        if founder.person in people or key.name != founder.person:
            msg = f"founder '{founder.person}': named twice, or the key is that of '{key.name}'; give each once, with a key of their own"
            raise DecisionError(msg)
        _check_new_key(people, founder.key)
        people[founder.person] = Person(founder.person, founder.title, founder.roles, (Key(key, entry.time),))
    log_key = read_verifier_key(entry.body.log_key)
    if log_key.name != f"{entry.record}/{entry.marking}":
        msg = f"the log's key is named '{log_key.name}'; name it {entry.record}/{entry.marking}"
        raise DecisionError(msg)
    signer = people.get(entry.author)
    if signer is None or (check_signature and not entry.is_signed_by(signer.keys[0].public)):
        msg = f"the first entry is signed by '{entry.author}', whose key is not among its people's; sign it with a founder's key"
        raise DecisionError(msg)
    return replace(log, record=entry.record, log_key=log_key, rules=entry.body.rules, people=people)


def _enrol(logs: Logs, entry: Entry, author: Person) -> LogState:
    log = logs[entry.marking]
    require_role(logs, entry, author, "enrol")
    if entry.body.key is None and entry.body.person not in log.people:
        msg = f"'{entry.body.person}' is new and needs a key; give his public key"
        raise DecisionError(msg)
    if entry.body.key is not None:
        if read_verifier_key(entry.body.key).name != entry.body.person:
            msg = f"the key is not named '{entry.body.person}'; make it with key new {entry.body.person}"
            raise DecisionError(msg)
        _check_new_key(log.people, entry.body.key)
    return replace(log, pending={**log.pending, entry.id: entry})


def _confirm(logs: Logs, entry: Entry, author: Person) -> LogState:
    log = logs[entry.marking]
    require_role(logs, entry, author, "confirm")
    proposal = log.pending.get(entry.body.entry)
    if proposal is None:
        msg = f"entry {entry.body.entry[:16]}: nothing that waits for confirmation"
        raise DecisionError(msg)
    body = proposal.body
    if author.handle in {proposal.author, body.person}:
        msg = f"'{author.handle}' proposed this, or it is about them; another person confirms"
        raise DecisionError(msg)
    known = log.people.get(body.person)
    keys = known.keys if known else ()
    if body.key is not None:
        _check_new_key(log.people, body.key)
        keys = (*keys, Key(read_verifier_key(body.key), entry.time))
    interests = known.interests if known else ()
    person = Person(body.person, body.title, body.roles, keys, interests)
    pending = {name: one for name, one in log.pending.items() if name != proposal.id}
    return replace(log, people={**log.people, person.handle: person}, pending=pending)


def _suspend(logs: Logs, entry: Entry, author: Person) -> LogState:
    require_role(logs, entry, author, "suspend")
    person = find_person(logs, entry.marking, entry.body.person)
    if person.suspended is not None:
        msg = f"'{person.handle}' is suspended already"
        raise DecisionError(msg)
    return _with_person(logs[entry.marking], replace(person, suspended=entry.time))


def _rotate(logs: Logs, entry: Entry, author: Person) -> LogState:
    key = read_verifier_key(entry.body.key)
    if key.name != author.handle:
        msg = f"the new key is not named '{author.handle}'; make it with key new {author.handle}"
        raise DecisionError(msg)
    _check_new_key(logs[entry.marking].people, entry.body.key)
    keys = tuple(replace(one, retired=entry.time) if one.public.key_id == entry.key_id else one for one in author.keys)
    return _with_person(logs[entry.marking], replace(author, keys=(*keys, Key(key, entry.time))))


def _revoke(logs: Logs, entry: Entry, author: Person) -> LogState:
    body = entry.body
    person = find_person(logs, entry.marking, body.person)
    if author.handle != person.handle:
        require_role(logs, entry, author, "suspend")
    key = next((one for one in person.keys if one.public.key_id == body.key_id), None)
    if key is None or key.revoked is not None:
        msg = f"key {body.person}+{body.key_id}: no such key, or revoked already"
        raise DecisionError(msg)
    since = parse_time(body.since)
    if since > entry.time:
        msg = f"key {body.person}+{body.key_id}: revoked as of {body.since}, which is to come; give now or a time past"
        raise DecisionError(msg)
    revoked = replace(key, revoked=entry.time, doubtful=since)
    return _with_person(logs[entry.marking], replace(person, keys=tuple(revoked if one is key else one for one in person.keys)))


def _register(logs: Logs, entry: Entry, author: Person) -> LogState:
    body = entry.body
    person = find_person(logs, entry.marking, body.person)
    if author.handle != person.handle:
        require_role(logs, entry, author, "register_interest")
    known = [one for one in person.interests if (one.kind, one.party) == (body.interest.kind, body.interest.party)]
    if body.ended != bool(known):
        state = "not" if body.ended else "already"
        msg = f"the interest of '{person.handle}' ({body.interest.kind} with {body.interest.party}) is {state} registered"
        raise DecisionError(msg)
    if body.ended and author.handle == person.handle:
        require_role(logs, entry, author, "register_interest")
    interests: tuple[Interest, ...] = tuple(one for one in person.interests if one not in known)
    return _with_person(logs[entry.marking], replace(person, interests=interests if body.ended else (*interests, body.interest)))


def _request(logs: Logs, entry: Entry, author: Person) -> LogState:
    log, body = logs[entry.marking], entry.body
    require_role(logs, entry, author, "request")
    if body.action == "rules":
        _check_rules_request(log, entry)
    else:
        _check_policy_request(logs, entry)
    if body.base == body.result:
        msg = "what is asked for is in force already; there is nothing to decide"
        raise DecisionError(msg)
    decision = Decision(entry.id, entry.marking, author.handle, entry.time, body)
    return replace(log, decisions={**log.decisions, decision.id: decision})


def _check_rules_request(log: LogState, entry: Entry) -> None:
    body = entry.body
    rules: Rules | None = body.rules
    if rules is None or body.diff is not None or body.reverts is not None or body.result != rules.digest():
        msg = "a decision on rules gives the rules and nothing else"
        raise DecisionError(msg)
    if body.base != log.rules.digest():
        msg = "the rules have changed meanwhile; request anew"
        raise DecisionError(msg)


def _check_policy_request(logs: Logs, entry: Entry) -> None:
    body = entry.body
    if body.rules is not None or body.diff is None or (body.reverts is not None) != (body.action == "revert"):
        msg = f"a request of the kind {body.action} gives the change of a policy, and the decision reverted if it is a revert"
        raise DecisionError(msg)
    lines = lines_of(logs, entry.marking)
    now = in_force(lines, entry.time)
    if body.base != now.policy:
        msg = "the request is not based on the policy in force, which has changed meanwhile; request anew"
        raise DecisionError(msg)
    if body.action == "revert":
        wanted = find_reverted(logs, entry.marking, body.reverts, entry.time)
        if body.result != wanted:
            msg = f"a revert of {body.reverts[:16]} leads back to the policy before it, and to no other"
            raise DecisionError(msg)
    if body.action == "emergency":
        for decision in logs[entry.marking].decisions.values():
            if decision.request.result == body.result and status_of(logs, decision, entry.time) == "lapsed":
                msg = f"the same policy was in force as the emergency {decision.id[:16]} and lapsed; it takes a change in the ordinary way"
                raise DecisionError(msg)


def find_reverted(logs: Logs, marking: Marking, decision_id: str, time: np.datetime64) -> str | None:
    """The policy to which a revert of the decision in force leads back; None for none of this marking.

    Raises
    ------
    DecisionError
        If that decision is not the one in force.
    """
    line = lines_of(logs, marking)[marking]
    now = line.at(time)
    if now is None or now.decision != decision_id:
        msg = f"decision {decision_id[:16]} is not what is in force; only that can be reverted, anything else is a change"
        raise DecisionError(msg)
    first = next(place for place, one in enumerate(line.stretches) if one.decision == decision_id)
    own = line.stretches[first - 1].policy if first else None
    return None if own is None else logs[marking].decisions[decision_id].request.base


def _assess(logs: Logs, entry: Entry, author: Person) -> LogState:
    body = entry.body
    require_role(logs, entry, author, "assess")
    decision = _open_decision(logs, entry, applied=True)
    if (body.before, body.after) != (decision.request.base, decision.request.result):
        msg = (
            f"the assessment compares {_digits(body.before)} with {_digits(body.after)}, but {decision.id[:16]} asks for "
            f"{_digits(decision.request.base)} to become {_digits(decision.request.result)}; assess that"
        )
        raise DecisionError(msg)
    if any(one.sha256 == body.assessment for one in decision.assessments):
        msg = f"assessment {body.assessment[:16]} is attached already"
        raise DecisionError(msg)
    assessed = Assessed(entry.id, author.handle, entry.time, body.assessment)
    return _with_decision(logs[entry.marking], replace(decision, assessments=(*decision.assessments, assessed)))


def _vote(logs: Logs, entry: Entry, author: Person) -> LogState:
    """Approve, reject or ratify."""
    vote: Vote = entry.body
    ratifying = entry.kind == "ratify"
    decision = _ratifiable(logs, entry) if ratifying else _open_decision(logs, entry)
    rules = logs[entry.marking].rules.of_kind(decision.request.action)
    if vote.result != decision.request.result or vote.assessment != decision.assessment:
        msg = f"the vote is on another policy or assessment than {decision.id[:16]} has now; look again and vote anew"
        raise DecisionError(msg)
    needs = rules.ratify_assessment if ratifying else rules.assessment and entry.kind == "approve"
    if needs and decision.assessment is None:
        msg = f"{decision.id[:16]} has no assessment yet, and the rules ask for one; attach it with assess"
        raise DecisionError(msg)
    check_voter(logs, decision, author, vote)
    if ratifying and any(cast.author == author.handle for cast in decision.standing("approve")):
        msg = f"'{author.handle}' approved {decision.id[:16]}; others ratify"
        raise DecisionError(msg)
    counted = counting(logs, decision, entry.kind)
    if any(cast.author == author.handle for cast in counted):
        msg = f"'{author.handle}' has done this already: {entry.kind} of {decision.id[:16]}"
        raise DecisionError(msg)
    seats = {"approve": rules.approve, "reject": rules.reject, "ratify": rules.ratify}[entry.kind]
    if vote.role not in empty_seats(seats, [cast.vote.role for cast in counted]):
        msg = f"no seat of {vote.role} is empty to {entry.kind} {decision.id[:16]}; it takes {', '.join(seats)}"
        raise DecisionError(msg)
    cast = Cast(entry.kind, entry.id, author.handle, entry.key_id, entry.time, vote)
    decision = replace(decision, casts=(*decision.casts, cast))
    if not missing_seats(logs, decision, entry.kind):
        if ratifying:
            decision = replace(decision, ratified=entry.time)
        elif entry.kind == "reject":
            decision = replace(decision, rejected=entry.time)
    return _with_decision(logs[entry.marking], decision)


def _apply(logs: Logs, entry: Entry, author: Person) -> LogState:
    log, body = logs[entry.marking], entry.body
    require_role(logs, entry, author, "apply")
    decision = _open_decision(logs, entry)
    _check_approved(logs, decision)
    starts = parse_time(body.starts)
    if starts < entry.time:
        msg = f"{decision.id[:16]} cannot come in force at {body.starts}, which is past; give now or a time to come"
        raise DecisionError(msg)
    action = decision.request.action
    rules = log.rules.of_kind(action)
    if action == "rules":
        if starts != entry.time or decision.request.base != log.rules.digest():
            msg = (
                f"the rules of {decision.id[:16]} come in force at once, on the rules they were based on; leave --from out, or request anew"
            )
            raise DecisionError(msg)
        assert decision.request.rules is not None
        log = replace(log, rules=decision.request.rules)
    elif in_force(lines_of(logs, entry.marking), starts).policy != decision.request.base:
        msg = f"the policy in force at {body.starts} is not the one that {decision.id[:16]} changes; request anew"
        raise DecisionError(msg)
    lapses = None if rules.lasts_h is None else add_seconds(starts, rules.lasts_h * HOUR_S)
    applied = Applied(entry.id, author.handle, entry.time, starts, lapses)
    return _with_decision(replace(log, applied=log.applied + 1), replace(decision, applied=applied, order=log.applied))


def counting(logs: Logs, decision: Decision, verb: str) -> list[Cast]:
    """The votes that count: the last word of each, by people who still may, on the assessment attached last."""
    return [cast for cast in decision.standing(verb) if why_not_count(logs, decision, cast) is None]


def missing_seats(logs: Logs, decision: Decision, verb: str) -> list[str]:
    """Roles that have yet to approve, reject or ratify."""
    rules = logs[decision.marking].rules.of_kind(decision.request.action)
    seats = {"approve": rules.approve, "reject": rules.reject, "ratify": rules.ratify}[verb]
    return [str(role) for role in empty_seats(seats, [cast.vote.role for cast in counting(logs, decision, verb)])]


def closes_at(logs: Logs, decision: Decision) -> np.datetime64:
    """When a request can be neither approved nor applied any more."""
    return add_seconds(decision.time, logs[decision.marking].rules.of_kind(decision.request.action).open_h * HOUR_S)


def status_of(logs: Logs, decision: Decision, time: np.datetime64) -> str:
    """What has become of a decision, in one word."""
    if decision.applied is None:
        if decision.rejected is not None:
            return "rejected"
        if time >= closes_at(logs, decision):
            return "expired"
        if not missing_seats(logs, decision, "approve"):
            return "approved"
        return "assessed" if decision.assessments else "requested"
    if decision.request.action == "rules":
        return "in force" if logs[decision.marking].rules.digest() == decision.request.result else "superseded"
    line = lines_of(logs, decision.marking)[decision.marking]
    if decision.id in line.void:
        return "void"
    if time < decision.applied.starts:
        return "scheduled"
    now = line.at(time)
    if now is not None and now.decision == decision.id:
        return "in force"
    lapses = decision.applied.lapses
    return "lapsed" if lapses is not None and decision.ratified is None and time >= lapses else "superseded"


def _check_approved(logs: Logs, decision: Decision) -> None:
    missing = missing_seats(logs, decision, "approve")
    if missing:
        lost = [why for cast in decision.standing("approve") if (why := why_not_count(logs, decision, cast)) is not None]
        because = f" ({'; '.join(lost)})" if lost else ""
        msg = f"{decision.id[:16]} is not approved: it lacks {' and '.join(missing)}{because}"
        raise DecisionError(msg)


def _open_decision(logs: Logs, entry: Entry, *, applied: bool = False) -> Decision:
    """The decision that an entry is about, if something can still be done about it."""
    decision = logs[entry.marking].decisions.get(entry.body.decision)
    if decision is None:
        msg = f"no {entry.marking} decision {entry.body.decision[:16]}; decision log lists them"
        raise DecisionError(msg)
    if decision.rejected is not None:
        msg = f"{decision.id[:16]} was rejected on {format_time(decision.rejected)}; request anew"
        raise DecisionError(msg)
    if decision.applied is not None:
        if applied and decision.applied.lapses is not None and decision.ratified is None:
            return decision
        msg = f"{decision.id[:16]} was applied on {format_time(decision.applied.time)}; what changes it is another decision"
        raise DecisionError(msg)
    closes = closes_at(logs, decision)
    if entry.time >= closes:
        msg = f"{decision.id[:16]} expired on {format_time(closes)}; request anew"
        raise DecisionError(msg)
    return decision


def _ratifiable(logs: Logs, entry: Entry) -> Decision:
    decision = logs[entry.marking].decisions.get(entry.body.decision)
    if decision is None:
        msg = f"no {entry.marking} decision {entry.body.decision[:16]}; decision log lists them"
        raise DecisionError(msg)
    if decision.applied is None or decision.applied.lapses is None or decision.ratified is not None:
        msg = f"{decision.id[:16]} is not an emergency in force that waits to be ratified"
        raise DecisionError(msg)
    if entry.time >= decision.applied.lapses:
        msg = f"{decision.id[:16]} lapsed on {format_time(decision.applied.lapses)}; it takes a change in the ordinary way"
        raise DecisionError(msg)
    return decision


def _check_new_key(people: Mapping[str, Person], line: str) -> None:
    key = read_verifier_key(line)
    for person in people.values():
        if any(one.public.public == key.public or (one.public.name, one.public.key_id) == (key.name, key.key_id) for one in person.keys):
            msg = f"key {key.name}+{key.key_id} is known already; a key is issued once, to one person"
            raise DecisionError(msg)


def _with_person(log: LogState, person: Person) -> LogState:
    return replace(log, people={**log.people, person.handle: person})


def _with_decision(log: LogState, decision: Decision) -> LogState:
    return replace(log, decisions={**log.decisions, decision.id: decision})


def _digits(sha256: str | None) -> str:
    return "no policy" if sha256 is None else sha256[:16]


_STEPS: dict[str, Callable[[Logs, Entry, Person], LogState]] = {
    "enrol": _enrol,
    "confirm": _confirm,
    "suspend": _suspend,
    "rotate": _rotate,
    "revoke": _revoke,
    "register": _register,
    "request": _request,
    "assess": _assess,
    "approve": _vote,
    "reject": _vote,
    "ratify": _vote,
    "apply": _apply,
}
