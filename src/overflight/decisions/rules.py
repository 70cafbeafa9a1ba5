"""Rules of a record: which roles may do what, how many must agree, which interests bar. TOML, closed schema.

Every keyword is documented in docs/reference/decisions.md. Rules are themselves under dual control: a decision of the kind ``rules``
changes them.
"""

import hashlib
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import Field, ValidationError, model_validator

from overflight.decisions._closed import ClosedTable, Text, problems_of
from overflight.decisions.canonical import write_canonical
from overflight.decisions.refusals import DecisionError
from overflight.intake import read_bytes

Role = Literal["viewer", "analyst", "requester", "approver", "operator", "auditor"]
ROLES: tuple[Role, ...] = ("viewer", "analyst", "requester", "approver", "operator", "auditor")

Kind = Literal["change", "emergency", "revert", "rules"]
KINDS: tuple[Kind, ...] = ("change", "emergency", "revert", "rules")

InterestKind = Literal["contract", "office", "tie"]
INTERESTS: tuple[InterestKind, ...] = ("contract", "office", "tie")

LEAST = 2
"""Fewest people, and fewest roles among them, that a quorum may ask for; an emergency, which expires, may begin with one."""


def _check_seats(name: str, seats: tuple[Role, ...], least: int) -> None:
    if len(seats) < least or len(set(seats)) < least:
        what = "one person" if least == 1 else f"{least} people of {least} different roles"
        msg = f"{name} = {list(seats)} asks for too few: {what} at least"
        raise ValueError(msg)
    if "viewer" in seats:
        msg = f"{name} gives a seat to a viewer, who only reads; name another role"
        raise ValueError(msg)


class KindRules(ClosedTable):
    """What one kind of decision needs."""

    approve: tuple[Role, ...] = ("approver", "operator")
    """Seats that must approve, each filled by another person who holds that role."""
    reject: tuple[Role, ...] = ("approver", "operator")
    """Seats that must reject for the request to be closed."""
    assessment: bool = True
    """Whether an assessment must be attached before anybody can approve."""
    open_h: int = Field(default=720, ge=1, le=87_600)
    """Hours from the request after which it can be neither approved nor applied."""
    lasts_h: int | None = Field(default=None, ge=1, le=8760)
    """``emergency`` only: hours after which the change falls away by itself unless it has been ratified."""
    ratify: tuple[Role, ...] = ()
    """``emergency`` only: seats that must ratify, none of them filled by who requested or approved it."""
    ratify_assessment: bool = True
    """``emergency`` only: whether an assessment must be attached before anybody can ratify."""

    @model_validator(mode="after")
    def _enough(self) -> "KindRules":
        passing = self.lasts_h is not None
        _check_seats("approve", self.approve, 1 if passing else LEAST)
        _check_seats("reject", self.reject, 1)
        if passing:
            _check_seats("ratify", self.ratify, LEAST)
        elif self.ratify:
            msg = "ratify goes with lasts_h: only what expires can be ratified"
            raise ValueError(msg)
        return self


class ActionRules(ClosedTable):
    """Which roles may do what needs no quorum; anybody enrolled may read what his clearance covers."""

    request: tuple[Role, ...] = ("requester",)
    """Ask for a change."""
    assess: tuple[Role, ...] = ("analyst",)
    """Attach an assessment."""
    apply: tuple[Role, ...] = ("operator",)
    """Put in force what was approved."""
    enrol: tuple[Role, ...] = ("operator",)
    """Propose people, roles and keys."""
    confirm: tuple[Role, ...] = ("auditor",)
    """Confirm what another has proposed of people, roles and keys."""
    suspend: tuple[Role, ...] = ("operator", "auditor")
    """Suspend people and revoke keys, at once."""
    register_interest: tuple[Role, ...] = ("auditor",)
    """Register interests of others; everybody may register his own."""

    @model_validator(mode="after")
    def _somebody(self) -> "ActionRules":
        for name in type(self).model_fields:
            if not getattr(self, name):
                msg = f"'{name}' names no role; nobody could ever do it"
                raise ValueError(msg)
        return self


class InterestRules(ClosedTable):
    """Which interests keep a person from voting."""

    conflicting: tuple[InterestKind, ...] = INTERESTS
    """Kinds that bar whoever has one with a party to the decision: who asks, on whose behalf, and whom the request names."""
    barring: tuple[InterestKind, ...] = ()
    """Kinds that bar whoever has one with anybody."""


class KindsRules(ClosedTable):
    """The kinds of decisions."""

    change: KindRules = KindRules()
    """Another policy."""
    emergency: KindRules = KindRules(
        approve=("approver",), reject=("approver",), assessment=False, open_h=24, lasts_h=72, ratify=("approver", "operator")
    )
    """Another policy at once, for a time."""
    revert: KindRules = KindRules()
    """Back to the policy before the one in force."""
    rules: KindRules = KindRules(approve=("approver", "auditor"), reject=("approver", "auditor"), assessment=False)
    """Other rules."""

    @model_validator(mode="after")
    def _fitting(self) -> "KindsRules":
        if self.emergency.lasts_h is None:
            msg = "'emergency' has no lasts_h; say after how many hours it expires"
            raise ValueError(msg)
        for name in KINDS:
            if name != "emergency" and getattr(self, name).lasts_h is not None:
                msg = f"'{name}' has lasts_h; only an emergency expires"
                raise ValueError(msg)
        return self


class Rules(ClosedTable):
    """Rules of one log of a record."""

    name: Text = "default"
    """What the rules are called."""
    assessor_may_approve: bool = False
    """Whether who assessed a change may vote on it."""
    actions: ActionRules = ActionRules()
    """Who may do what."""
    interests: InterestRules = InterestRules()
    """Which interests bar."""
    kinds: KindsRules = KindsRules()
    """What each kind of decision needs."""

    def of_kind(self, kind: Kind) -> KindRules:
        """What decisions of a kind need."""
        found: KindRules = getattr(self.kinds, kind)
        return found

    def digest(self) -> str:
        """SHA-256 of the rules, every keyword spelled out, as canonical JSON."""
        return hashlib.sha256(write_canonical(self.model_dump(mode="json"))).hexdigest()

    def to_toml(self) -> str:
        """Write the rules with every keyword spelled out."""
        return tomli_w.dumps(_without_none(self.model_dump(mode="json")))


def load_rules(path: str | Path) -> Rules:
    """Read rules from TOML.

    Raises
    ------
    DecisionError
        With every problem found.
    """
    raw = read_bytes(path, wanted="the rules of a record in TOML", refused=DecisionError)
    try:
        return Rules.model_validate(tomllib.loads(raw.decode("utf-8-sig")))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"{path}: not TOML: {error}; mend it there, or give rules in TOML"
    except ValidationError as error:
        msg = f"{path}: {problems_of(error)}"
    raise DecisionError(msg)


def empty_seats(seats: tuple[Role, ...], filled: list[Role]) -> list[Role]:
    """Seats that are left when so many roles have filled theirs."""
    return list((Counter(seats) - Counter(filled)).elements())


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return value
