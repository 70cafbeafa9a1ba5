"""Who may do what: keys that count, roles held, interests that bar. Pure: logs in, an answer or a refusal out.

A log knows its own people: being enrolled in the log of a marking is the clearance for it. What is known of a person in a log below
counts as well (a key revoked there, an interest registered there); what is known above never does, for it would show below.
"""

from collections.abc import Iterator

import numpy as np

from overflight.clock import format_time
from overflight.decisions.bodies import Interest, Vote
from overflight.decisions.entry import Entry
from overflight.decisions.markings import Marking, up_to
from overflight.decisions.notes import VerifierKey
from overflight.decisions.refusals import DecisionError
from overflight.decisions.rules import Role
from overflight.decisions.state import Cast, Decision, Key, Logs, Person


def find_person(logs: Logs, marking: Marking, handle: str) -> Person:
    """A person enrolled in a log.

    Raises
    ------
    DecisionError
        If nobody of that handle is.
    """
    person = logs[marking].people.get(handle)
    if person is None:
        msg = f"'{handle}' is not enrolled for what is {marking}; person add enrols"
        raise DecisionError(msg)
    return person


def find_author(logs: Logs, entry: Entry, *, check_signature: bool = True) -> Person:
    """The person who signed an entry, with a key that counted when he did.

    Raises
    ------
    DecisionError
        If he is not enrolled or suspended, or the key is not his, retired, revoked, or did not sign this.
    """
    person = find_person(logs, entry.marking, entry.author)
    key = find_key(logs, entry.marking, person, entry.key_id, entry.time)
    if check_signature and not entry.is_signed_by(key.public):
        msg = f"entry {entry.short} of {entry.author}: the signature does not hold; sign it anew"
        raise DecisionError(msg)
    return person


def find_key(logs: Logs, marking: Marking, person: Person, key_id: str, time: np.datetime64) -> Key:
    """A key of a person, if it counts at a time.

    Raises
    ------
    DecisionError
        If it does not, or the person is suspended.
    """
    for known in _below(logs, marking, person.handle):
        if known.suspended is not None:
            msg = f"'{person.handle}' is suspended since {format_time(known.suspended)}"
            raise DecisionError(msg)
    key = next((one for one in person.keys if one.public.key_id == key_id), None)
    if key is None:
        msg = f"key {person.handle}+{key_id} is not one of '{person.handle}'; sign with a key that was issued and confirmed"
        raise DecisionError(msg)
    for known in _below(logs, marking, person.handle):
        for same in known.keys:
            if same.public == key.public and same.revoked is not None:
                msg = f"key {person.handle}+{key_id} was revoked on {format_time(same.revoked)}; sign with another key"
                raise DecisionError(msg)
    if key.retired is not None:
        msg = f"key {person.handle}+{key_id} was replaced on {format_time(key.retired)}; sign with the new one"
        raise DecisionError(msg)
    if time < key.since:
        msg = f"key {person.handle}+{key_id} counts from {format_time(key.since)} on; the clock says {format_time(time)}"
        raise DecisionError(msg)
    return key


def owner_of(logs: Logs, marking: Marking, public: bytes) -> tuple[Person, VerifierKey] | None:
    """Whose key this is in a log, whatever became of it; a key that counts goes before one that does not."""
    found = [(person, key) for person in logs[marking].people.values() for key in person.keys if key.public.public == public]
    found.sort(key=lambda pair: pair[1].status != "active")
    return (found[0][0], found[0][1].public) if found else None


def require_role(logs: Logs, entry: Entry, person: Person, action: str) -> None:
    """Check that a person holds a role for an action.

    Raises
    ------
    DecisionError
        If not.
    """
    roles: tuple[Role, ...] = getattr(logs[entry.marking].rules.actions, action)
    if not set(roles) & set(person.roles):
        msg = f"'{person.handle}' may not {_VERBS.get(action, action)}: that takes {' or '.join(roles)}, not {', '.join(person.roles)}"
        raise DecisionError(msg)


def check_voter(logs: Logs, decision: Decision, person: Person, vote: Vote) -> None:
    """Check that a person may vote on a decision: not his own, the role is his, no interest bars him or is kept back.

    Raises
    ------
    DecisionError
        Saying why not.
    """
    reason = why_not_vote(logs, decision, person, vote)
    if reason is not None:
        msg = f"'{person.handle}' may not vote on {decision.id[:16]}: {reason}"
        raise DecisionError(msg)


def why_not_vote(logs: Logs, decision: Decision, person: Person, vote: Vote) -> str | None:
    """Why a vote of this person does not count; None if it does."""
    rules = logs[decision.marking].rules
    if person.handle == decision.requester:
        return "nobody votes on a request of their own"
    if vote.role not in person.roles:
        return f"that takes the role {vote.role}, not {', '.join(person.roles)}"
    if not rules.assessor_may_approve and any(one.author == person.handle for one in decision.assessments):
        return "who assessed a change does not vote on it"
    registered = registered_interests(logs, decision.marking, person.handle)
    parties = parties_of(decision)
    declared = {(one.kind, _same(one.party)) for one in vote.interests}
    for interest in registered:
        if _same(interest.party) in parties and (interest.kind, _same(interest.party)) not in declared:
            return f"a registered interest is not declared ({interest.kind} with {interest.party})"
    for interest in (*registered, *vote.interests):
        if interest.kind in rules.interests.barring:
            return f"the rules bar whoever has such an interest ({interest.kind} with {interest.party})"
        if interest.kind in rules.interests.conflicting and _same(interest.party) in parties:
            return f"a conflicting interest ({interest.kind} with {interest.party}, a party to it)"
    return None


def why_not_count(logs: Logs, decision: Decision, cast: Cast) -> str | None:
    """Why a vote that was taken does not count any more; None if it does."""
    person = logs[decision.marking].people[cast.author]
    for known in _below(logs, decision.marking, cast.author):
        if known.suspended is not None:
            return f"'{cast.author}' was suspended since"
    public = next(key.public for key in person.keys if key.public.key_id == cast.key_id)
    for known in _below(logs, decision.marking, cast.author):
        for key in known.keys:
            if key.public == public and key.doubtful is not None and key.doubtful <= cast.time:
                return f"the key of '{cast.author}' was revoked as of {format_time(key.doubtful)}"
    if cast.vote.assessment != decision.assessment:
        return f"'{cast.author}' voted on another assessment"
    reason = why_not_vote(logs, decision, person, cast.vote)
    return None if reason is None else f"'{cast.author}': {reason}"


def registered_interests(logs: Logs, marking: Marking, handle: str) -> list[Interest]:
    """What the registers up to a marking say of a person's interests."""
    return [interest for known in _below(logs, marking, handle) for interest in known.interests]


def parties_of(decision: Decision) -> set[str]:
    """Who is a party to a decision, in letters that compare: who asks, on whose behalf, whom the request names or is tied to."""
    request = decision.request
    return {
        _same(name)
        for name in (decision.requester, request.on_behalf_of, *request.parties, *(interest.party for interest in request.interests))
    }


def _below(logs: Logs, marking: Marking, handle: str) -> Iterator[Person]:
    return (logs[below].people[handle] for below in up_to(marking) if handle in logs[below].people)


def _same(name: str) -> str:
    return " ".join(name.casefold().split())


_VERBS = {
    "enrol": "propose people",
    "confirm": "confirm people",
    "register_interest": "register interests of others",
    "suspend": "suspend or revoke",
    "request": "request changes",
    "assess": "attach assessments",
    "apply": "apply decisions",
}
