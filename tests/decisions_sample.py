"""An office that decides: people with keys, a clock that ticks, a record in memory or on disk, small policies."""

import hashlib
import json
from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from overflight.clock import add_seconds, parse_time
from overflight.decisions import acts
from overflight.decisions.acts import Actor, Grounds
from overflight.decisions.bodies import Founder, Interest
from overflight.decisions.documents import KIND, Document, parse_assessment
from overflight.decisions.entry import Draft, Entry
from overflight.decisions.markings import MARKINGS
from overflight.decisions.notes import verifier_key_of
from overflight.decisions.record import Identity, Record, found_acts
from overflight.decisions.rules import Rules
from overflight.decisions.state import Decision
from overflight.decisions.storage import Store
from overflight.service.policy import Policy, parse_policy

ORIGIN = "example.org/decisions"
START = parse_time("2026-08-22T00:00:00Z")
ROLES = {
    "operator-1": ("operator",),
    "operator-2": ("operator",),
    "auditor-1": ("auditor",),
    "requester-1": ("requester",),
    "requester-2": ("requester", "approver"),
    "analyst-1": ("analyst",),
    "approver-1": ("approver",),
    "approver-2": ("approver",),
}


def private_key(name: str) -> Ed25519PrivateKey:
    """The same key for the same name, every time."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def public_line(name: str, owner: str | None = None) -> str:
    """The public half of a key as its line."""
    return str(verifier_key_of(owner or name, private_key(name)))


def small_policy(name: str, *allowed: str) -> Policy:
    """A policy that allows service in the territories named."""
    rules = [{"name": code.lower(), "verdict": "allow", "reason": "licensed", "within": {"territories": [code]}} for code in allowed]
    return parse_policy({"name": name, "default": {"verdict": "deny", "reason": "not licensed"}, "rules": rules})


class MemoryStore:
    """A record kept in lists."""

    name = "memory"

    def __init__(self) -> None:
        self.logs: dict[str, list[bytes]] = {marking: [] for marking in MARKINGS}
        self.files: dict[str, dict[str, bytes]] = {marking: {} for marking in MARKINGS}
        self.heads: dict[str, list[tuple[int, bytes]]] = {marking: [] for marking in MARKINGS}

    def notes(self, marking, start=0):
        return self.logs[marking][start:]

    def document(self, marking, sha256):
        return self.files[marking].get(sha256)

    def documents(self, marking):
        return sorted(self.files[marking])

    def checkpoints(self, marking):
        return list(self.heads[marking])

    @contextmanager
    def writing(self):
        before = [{name: type(kept)(kept) for name, kept in table.items()} for table in (self.logs, self.files, self.heads)]
        try:
            yield
        except BaseException:
            self.logs, self.files, self.heads = before
            raise

    def add_note(self, marking, position, note):
        assert position == len(self.logs[marking])
        self.logs[marking].append(note)

    def add_document(self, marking, sha256, content):
        self.files[marking].setdefault(sha256, content)

    def add_checkpoint(self, marking, size, note):
        self.heads[marking].append((size, note))

    def faults(self):
        return []

    def close(self):
        pass

    def discard(self):
        pass


class Office:
    """People who decide, each with one key; every act takes a second."""

    def __init__(
        self,
        store: Store | None = None,
        *,
        rules: Rules | None = None,
        clearance: dict[str, str] | None = None,
        people: Iterable[str] = tuple(ROLES),
    ) -> None:
        self.record = Record(store if store is not None else MemoryStore())
        self.now = START
        self.clearance = clearance or {}
        founders = {
            name: (Founder(person=name, title=f"The {name}", roles=roles, key=public_line(name)), self.clearance.get(name, "public"))
            for name, roles in ROLES.items()
            if name in people
        }
        founders["operator-1"] = (founders["operator-1"][0], "secret")
        log_keys = {marking: public_line(f"log {marking}", f"{ORIGIN}/{marking}") for marking in MARKINGS}
        first = found_acts(
            founders,
            author="operator-1",
            log_keys=log_keys,
            rules=rules or Rules(),
            draft=lambda kind, marking, author, body: Draft(kind, marking, author, self.now, body),
        )
        self.record.act(private_key("operator-1"), lambda _: first)

    @property
    def logs(self):
        return self.record.logs

    def wait(self, hours: float) -> None:
        """Let time pass."""
        self.now = add_seconds(self.now, hours * 3600.0)

    def actor(self, who: str, key: str | None = None) -> Actor:
        """Who acts now."""
        return Actor(Identity(who, MARKINGS[-1], private_key(key or who)), self.now)

    def act(self, who: str, make, *, key: str | None = None) -> list[Entry]:
        """Act; a second passes."""
        self.now = add_seconds(self.now, 1.0)
        actor = self.actor(who, key)
        return self.record.act(actor.identity.private, lambda logs: make(actor, logs))

    def decision(self, entry: Entry | str) -> Decision:
        """A decision as it is now."""
        return acts.find_decision(self.logs, entry if isinstance(entry, str) else entry.id)

    def request(
        self, policy: Policy | None, *, who: str = "requester-1", action: str = "change", marking: str = "public", **grounds: object
    ) -> str:
        """Ask for a policy; the decision's hash."""
        words = {"on_behalf_of": "a ministry", "channel": "a letter", "reason": "it is wished", **grounds}
        document = None if policy is None else Document(policy.to_toml().encode())
        fetch = self.record.store.document
        (entry,) = self.act(
            who,
            lambda actor, logs: [
                acts.request_policy(
                    actor, logs, fetch, marking=marking, action=action, policy=policy, document=document, grounds=Grounds(**words)
                )
            ],
        )
        return entry.id

    def revert(self, decision: str, *, who: str = "requester-1") -> str:
        """Ask for the policy before the one in force."""
        fetch, grounds = self.record.store.document, Grounds("a ministry", "a letter", "it was wrong")
        (entry,) = self.act(
            who,
            lambda actor, logs: [acts.request_revert(actor, logs, fetch, decision=acts.find_decision(logs, decision), grounds=grounds)],
        )
        return entry.id

    def request_rules(self, rules: Rules, *, who: str = "requester-1", marking: str = "public") -> str:
        """Ask for other rules."""
        grounds = Grounds("the office", "a meeting", "to be stricter")
        (entry,) = self.act(who, lambda actor, logs: [acts.request_rules(actor, logs, marking=marking, rules=rules, grounds=grounds)])
        return entry.id

    def assess(self, decision: str, *, who: str = "analyst-1", note: str = "nobody loses", **other: object) -> Entry:
        """Attach an assessment of the decision's two policies, or of others."""
        request = self.decision(decision).request
        policies = {"before": request.base, "after": request.result, **other}
        found = parse_assessment(json.dumps({"document": KIND, "policies": policies, "summary": [note]}).encode(), source="test")
        return self.act(who, lambda actor, logs: [acts.assess(actor, decision=acts.find_decision(logs, decision), assessment=found)])[0]

    def vote(
        self, verb: str, decision: str, who: str, *, role: str | None = None, interests: Iterable[Interest] = (), key: str | None = None
    ) -> Entry:
        """Approve, reject or ratify."""
        declared = tuple(interests)
        return self.act(
            who,
            lambda actor, logs: [
                acts.vote(
                    actor,
                    logs,
                    verb,
                    decision=acts.find_decision(logs, decision),
                    role=role,
                    reason="considered",
                    interests=declared,
                )
            ],
            key=key,
        )[0]

    def apply(self, decision: str, *, who: str = "operator-1", starts: np.datetime64 | None = None) -> Entry:
        """Put in force."""
        return self.act(who, lambda actor, logs: [acts.apply(actor, decision=acts.find_decision(logs, decision), starts=starts)])[0]

    def decide(self, policy: Policy | None, *, marking: str = "public", **grounds: object) -> str:
        """Request, assess, approve twice, apply."""
        decision = self.request(policy, marking=marking, **grounds)
        self.assess(decision)
        self.vote("approve", decision, "approver-1")
        self.vote("approve", decision, "operator-2")
        self.apply(decision)
        return decision

    def sign_heads(self) -> None:
        """Sign a checkpoint of every log."""
        for marking in MARKINGS:
            self.record.sign_head(marking, private_key(f"log {marking}"))


def office_on_disk(path: Path, **options: object) -> Office:
    """An office whose record is a SQLite file."""
    from overflight.decisions.storage import open_store

    return Office(open_store(str(path), create=True), **options)
