"""What a log says so far: people and their keys, decisions and their votes, rules. Frozen; every entry makes a new one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from overflight.decisions.bodies import Interest, Request, Vote
from overflight.decisions.entry import Entry, Head
from overflight.decisions.markings import MARKINGS, Marking, up_to
from overflight.decisions.notes import VerifierKey
from overflight.decisions.rules import Role, Rules
from overflight.decisions.tree import Frontier


@dataclass(frozen=True, slots=True)
class Key:
    """A public key of a person, and when it counts."""

    public: VerifierKey
    since: np.datetime64
    retired: np.datetime64 | None = None
    revoked: np.datetime64 | None = None
    doubtful: np.datetime64 | None = None
    """Since when it may have been in other hands."""

    @property
    def status(self) -> str:
        """One word."""
        return "revoked" if self.revoked is not None else "retired" if self.retired is not None else "active"


@dataclass(frozen=True, slots=True)
class Person:
    """A person as a log knows him."""

    handle: str
    title: str
    roles: tuple[Role, ...]
    keys: tuple[Key, ...]
    interests: tuple[Interest, ...] = ()
    suspended: np.datetime64 | None = None


@dataclass(frozen=True, slots=True)
class Cast:
    """A vote that was cast."""

    verb: str
    entry: str
    author: str
    key_id: str
    time: np.datetime64
    vote: Vote


@dataclass(frozen=True, slots=True)
class Assessed:
    """An assessment that was attached."""

    entry: str
    author: str
    time: np.datetime64
    sha256: str


@dataclass(frozen=True, slots=True)
class Applied:
    """When, by whom, and from when on a decision was applied."""

    entry: str
    author: str
    time: np.datetime64
    starts: np.datetime64
    lapses: np.datetime64 | None
    """When an emergency falls away unless ratified."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A request and what became of it. ``order`` is its place among the applied ones of its log."""

    id: str
    marking: Marking
    requester: str
    time: np.datetime64
    request: Request
    assessments: tuple[Assessed, ...] = ()
    casts: tuple[Cast, ...] = ()
    rejected: np.datetime64 | None = None
    applied: Applied | None = None
    order: int = -1
    ratified: np.datetime64 | None = None

    @property
    def assessment(self) -> str | None:
        """The assessment attached last."""
        return self.assessments[-1].sha256 if self.assessments else None

    def standing(self, *verbs: str) -> Iterator[Cast]:
        """The last word of everybody who voted, among the verbs given; ratifications stand beside the votes on the request."""
        last: dict[tuple[str, bool], Cast] = {(cast.author, cast.verb == "ratify"): cast for cast in self.casts}
        return (cast for cast in last.values() if cast.verb in verbs)


@dataclass(frozen=True, slots=True)
class LogState:
    """What one log says so far."""

    marking: Marking
    record: str = ""
    log_key: VerifierKey | None = None
    rules: Rules = field(default_factory=Rules)
    people: Mapping[str, Person] = field(default_factory=dict)
    pending: Mapping[str, Entry] = field(default_factory=dict)
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    applied: int = 0
    """How many decisions have been applied."""
    time: np.datetime64 | None = None
    """Time of the last entry."""
    frontier: Frontier = field(default_factory=Frontier)

    @property
    def head(self) -> Head:
        """Size and root of the log."""
        return Head(self.frontier.size, self.frontier.root)


Logs = Mapping[Marking, LogState]
"""The logs of a record, or those that a reader may see."""


def no_logs(clearance: Marking = MARKINGS[-1]) -> dict[Marking, LogState]:
    """Logs without entries."""
    return {marking: LogState(marking) for marking in up_to(clearance)}


def heads(logs: Logs, marking: Marking) -> dict[Marking, Head]:
    """What an entry of a marking comes after: its own log's head and those below."""
    return {below: logs[below].head for below in up_to(marking)}
