"""What a record says, for people and as JSON: decisions and what became of them, who is enrolled, what is in force."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from overflight.clock import format_time
from overflight.decisions.bodies import dump_body
from overflight.decisions.documents import parse_assessment
from overflight.decisions.entry import Entry, read_entry
from overflight.decisions.lineage import in_force, lines_of
from overflight.decisions.machine import closes_at, missing_seats, status_of
from overflight.decisions.markings import Marking
from overflight.decisions.people import why_not_count
from overflight.decisions.refusals import DecisionError
from overflight.decisions.state import Cast, Decision, Logs
from overflight.decisions.storage import Store

Table = dict[str, Any]
Fetch = Callable[[Marking, str], bytes | None]


def list_decisions(logs: Logs, now: np.datetime64) -> list[Table]:
    """Every decision that these logs hold, in the order of time."""
    found = [(decision, summarise(logs, decision, now)) for log in logs.values() for decision in log.decisions.values()]
    return [table for _, table in sorted(found, key=lambda pair: (pair[0].time, pair[0].id))]


def summarise(logs: Logs, decision: Decision, now: np.datetime64) -> Table:
    """A decision in a few words."""
    request = decision.request
    return {
        "decision": decision.id,
        "marking": decision.marking,
        "action": request.action,
        "status": status_of(logs, decision, now),
        "requested": format_time(decision.time),
        "requester": _person(logs, decision.marking, decision.requester),
        "on_behalf_of": request.on_behalf_of,
        "channel": request.channel,
        "reason": request.reason,
        "before": request.base,
        "after": request.result,
    }


def tell_decision(logs: Logs, decision: Decision, now: np.datetime64, fetch: Fetch) -> Table:
    """The whole story of a decision."""
    request, applied = decision.request, decision.applied
    verb = "ratify" if applied is not None else "approve"
    status = status_of(logs, decision, now)
    open_still = status in {"requested", "assessed"} or (applied is not None and applied.lapses is not None and status == "in force")
    return {
        **summarise(logs, decision, now),
        "diff": None if request.diff is None else dump_body(request.diff),
        "rules": None if request.rules is None else dump_body(request.rules),
        "reverts": request.reverts,
        "parties": list(request.parties),
        "evidence": [dump_body(one) for one in request.evidence],
        "interests": [dump_body(one) for one in request.interests],
        "assessments": [
            {
                "sha256": one.sha256,
                "author": _person(logs, decision.marking, one.author),
                "time": format_time(one.time),
                "summary": _summary_of(fetch(decision.marking, one.sha256)),
            }
            for one in decision.assessments
        ],
        "votes": [_tell_vote(logs, decision, cast) for cast in decision.casts],
        "lacking": missing_seats(logs, decision, verb) if open_still and decision.ratified is None else [],
        "closes": format_time(closes_at(logs, decision)),
        "rejected": _time(decision.rejected),
        "applied": None
        if applied is None
        else {
            "time": format_time(applied.time),
            "author": _person(logs, decision.marking, applied.author),
            "starts": format_time(applied.starts),
            "lapses": _time(applied.lapses if decision.ratified is None else None),
            "ratified": _time(decision.ratified),
        },
    }


def list_people(logs: Logs) -> list[Table]:
    """Who is enrolled, log by log, and what waits for confirmation."""
    return [
        {
            "marking": marking,
            "person": person.handle,
            "title": person.title,
            "roles": list(person.roles),
            "keys": [
                {"key_id": key.public.key_id, "status": key.status, "since": format_time(key.since), "key": str(key.public)}
                for key in person.keys
            ],
            "interests": [dump_body(one) for one in person.interests],
            "suspended": _time(person.suspended),
        }
        for marking, log in logs.items()
        for person in sorted(log.people.values(), key=lambda one: one.handle)
    ]


def list_pending(logs: Logs) -> list[Table]:
    """What of people, roles and keys waits for confirmation."""
    return [
        {"entry": entry.id, "marking": marking, "proposed_by": entry.author, "time": format_time(entry.time), **dump_body(entry.body)}
        for marking, log in logs.items()
        for entry in log.pending.values()
    ]


def tell_in_force(logs: Logs, time: np.datetime64) -> Table:
    """The policy in force at a moment, and below it what shows to those cleared for less."""
    lines = lines_of(logs, next(reversed(list(logs))))
    found = in_force(lines, time)
    table = {
        "time": format_time(time),
        "policy": found.policy,
        "decision": found.decision,
        "marking": found.marking,
        "since": _time(found.since),
    }
    below = []
    for marking in list(lines)[:-1]:
        own = in_force({name: lines[name] for name in list(lines)[: list(lines).index(marking) + 1]}, time)
        below.append({"marking": marking, "policy": own.policy, "decision": own.decision, "since": _time(own.since)})
    return {**table, "seen_below": below}


def list_entries(store: Store, logs: Logs) -> Iterator[Table]:
    """Every entry of these logs as it was signed."""
    for marking in logs:
        for position, note in enumerate(store.notes(marking)):
            entry = read_entry(note)
            yield {
                "entry": entry.id,
                "marking": marking,
                "position": position,
                "time": format_time(entry.time),
                "author": entry.author,
                "key_id": entry.key_id,
                "kind": entry.kind,
                "body": dump_body(entry.body),
            }


def find_entry(store: Store, logs: Logs, text: str) -> tuple[Entry, int]:
    """An entry by the first digits of its hash, and its position.

    Raises
    ------
    DecisionError
        If none that can be seen begins so, or several do.
    """
    found = [
        (entry, position)
        for marking in logs
        for position, entry in enumerate(map(read_entry, store.notes(marking)))
        if len(text) >= 4 and entry.id.startswith(text)
    ]
    if len(found) != 1:
        msg = f"entry '{text}': {'none begins' if not found else f'{len(found)} begin'} so; decision log --entries lists them"
        raise DecisionError(msg)
    return found[0]


def _tell_vote(logs: Logs, decision: Decision, cast: Cast) -> Table:
    last = cast in set(decision.standing(cast.verb))
    why = why_not_count(logs, decision, cast) if decision.applied is None or cast.verb == "ratify" else None
    return {
        "vote": cast.verb,
        "author": _person(logs, decision.marking, cast.author),
        "role": cast.vote.role,
        "time": format_time(cast.time),
        "reason": cast.vote.reason,
        "interests": [dump_body(one) for one in cast.vote.interests],
        "assessment": cast.vote.assessment,
        "counts": last and why is None,
        "why_not": why if last else "taken back by a later vote",
    }


def _person(logs: Logs, marking: Marking, handle: str) -> Table:
    return {"person": handle, "title": logs[marking].people[handle].title}


def _summary_of(content: bytes | None) -> list[str]:
    return [] if content is None else list(parse_assessment(content, source="assessment").summary)


def _time(instant: np.datetime64 | None) -> str | None:
    return None if instant is None else format_time(instant)
