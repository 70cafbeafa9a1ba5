"""What entries of each kind say: closed tables, one per kind."""

from typing import Any, Literal

from pydantic import Field, field_validator

from overflight.decisions._closed import ClosedTable, Handle, Instant, KeyId, Sha256, Text
from overflight.decisions.notes import read_verifier_key
from overflight.decisions.rules import InterestKind, Kind, Role, Rules


def _checked_key(value: str) -> str:
    read_verifier_key(value)
    return value


class Interest(ClosedTable):
    """A tie of a person with somebody."""

    kind: InterestKind
    """``contract``, ``office`` or ``tie``."""
    party: Text
    """With whom."""
    detail: str = Field(default="", max_length=400)
    """What it is, in words."""


class Evidence(ClosedTable):
    """A document by its hash."""

    name: Text
    """What it is called."""
    sha256: Sha256
    """SHA-256 of its bytes."""


class Founder(ClosedTable):
    """A person with whom a log begins."""

    person: Handle
    """Handle."""
    title: Text
    """Who that is: an office or a role rather than a name."""
    roles: tuple[Role, ...] = Field(min_length=1)
    """Roles."""
    key: str
    """Public key, ``NAME+ID+KEY``."""

    _key = field_validator("key")(_checked_key)


class Found(ClosedTable):
    """The first entry of a log: whose key signs its checkpoints, its rules, its first people."""

    log_key: str
    """Public key of the log; its name is the log's origin."""
    rules: Rules
    """Rules, every keyword spelled out."""
    people: tuple[Founder, ...] = Field(min_length=1)
    """First people."""

    _key = field_validator("log_key")(_checked_key)


class Enrol(ClosedTable):
    """A person, or other roles, or a further key for one: holds once another has confirmed it."""

    person: Handle
    """Handle."""
    title: Text
    """Who that is."""
    roles: tuple[Role, ...] = Field(min_length=1)
    """All roles that the person then has."""
    key: str | None
    """Public key to add, if any."""

    @field_validator("key")
    @classmethod
    def _key(cls, value: str | None) -> str | None:
        return value if value is None else _checked_key(value)


class Confirm(ClosedTable):
    """The second person's word on what was proposed of people, roles and keys."""

    entry: Sha256
    """The entry confirmed, by its leaf hash."""


class Suspend(ClosedTable):
    """A person may act no more."""

    person: Handle
    """Handle."""
    reason: Text
    """Why."""


class Rotate(ClosedTable):
    """A person's new key, signed with the old one, which is retired by it."""

    key: str
    """Public key."""

    _key = field_validator("key")(_checked_key)


class Revoke(ClosedTable):
    """A key that counts no more."""

    person: Handle
    """Whose."""
    key_id: KeyId
    """Which."""
    since: Instant
    """Votes signed from then on and not yet acted upon count no more: since when it may have been in other hands."""
    reason: Text
    """Why."""


class Register(ClosedTable):
    """An interest of a person, put on the register, or off it when it has ended."""

    person: Handle
    """Whose."""
    interest: Interest
    """What."""
    ended: bool
    """Whether it has ended."""


class PolicyDiff(ClosedTable):
    """What differs between two policies: names of rules, and keys of the policy itself."""

    added: tuple[str, ...]
    """Rules that are new."""
    removed: tuple[str, ...]
    """Rules that are gone."""
    changed: tuple[str, ...]
    """Rules of the same name that say something else."""
    moved: tuple[str, ...]
    """Rules that stand elsewhere in the order of those that both have."""
    settings: tuple[str, ...]
    """Keys of the policy beside its rules, the default among them."""


class Request(ClosedTable):
    """A change is asked for."""

    action: Kind
    """Kind of decision."""
    base: Sha256 | None
    """Policy (or rules) in force, by its hash; none where none is."""
    result: Sha256 | None
    """Policy (or rules) asked for; none to have no policy of this marking in force."""
    diff: PolicyDiff | None
    """What differs between the two; none for rules."""
    rules: Rules | None
    """The rules asked for, in a decision on rules."""
    reverts: Sha256 | None
    """The decision whose change is taken back, in a revert."""
    on_behalf_of: Text
    """On whose behalf."""
    channel: Text
    """Through which channel the wish came: a letter, a call, an order."""
    reason: Text
    """Stated reason."""
    parties: tuple[Text, ...]
    """Further parties concerned."""
    evidence: tuple[Evidence, ...]
    """Evidence."""
    interests: tuple[Interest, ...]
    """Interests that the requester declares; an empty list declares that there are none."""


class Assess(ClosedTable):
    """An assessment of what the change would do."""

    decision: Sha256
    """The request's leaf hash."""
    assessment: Sha256
    """SHA-256 of the assessment document."""
    before: Sha256 | None
    """Policy before, as the document says."""
    after: Sha256 | None
    """Policy after, as the document says."""


class Vote(ClosedTable):
    """Approval, rejection or ratification; it names what its author had before him."""

    decision: Sha256
    """The request's leaf hash."""
    assessment: Sha256 | None
    """The assessment attached at that time."""
    result: Sha256 | None
    """Policy (or rules) asked for."""
    role: Role
    """The role in which the author votes."""
    reason: Text
    """Why."""
    interests: tuple[Interest, ...]
    """Interests that the author declares; an empty list declares that there are none."""


class Apply(ClosedTable):
    """What was approved comes in force."""

    decision: Sha256
    """The request's leaf hash."""
    starts: Instant
    """From this moment on."""


EntryKind = Literal[
    "found", "enrol", "confirm", "suspend", "rotate", "revoke", "register", "request", "assess", "approve", "reject", "ratify", "apply"
]

BODIES: dict[EntryKind, type[ClosedTable]] = {
    "found": Found,
    "enrol": Enrol,
    "confirm": Confirm,
    "suspend": Suspend,
    "rotate": Rotate,
    "revoke": Revoke,
    "register": Register,
    "request": Request,
    "assess": Assess,
    "approve": Vote,
    "reject": Vote,
    "ratify": Vote,
    "apply": Apply,
}
"""The body of each kind of entry."""


def dump_body(body: ClosedTable) -> dict[str, Any]:
    """A body as plain tables."""
    return body.model_dump(mode="json")
