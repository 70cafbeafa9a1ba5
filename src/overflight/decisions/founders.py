"""The file of founders: the people with whom a record begins, in TOML, closed schema."""

import tomllib
from pathlib import Path

from pydantic import Field, ValidationError

from overflight.decisions._closed import ClosedTable, Handle, Text, problems_of
from overflight.decisions.bodies import Founder
from overflight.decisions.keys import load_public
from overflight.decisions.markings import PUBLIC, Marking
from overflight.decisions.refusals import DecisionError
from overflight.decisions.rules import Role
from overflight.intake import read_bytes


class FounderSettings(ClosedTable):
    """One founder."""

    person: Handle
    """Handle: small letters, digits, ``.``, ``_`` and ``-``; the name of his key."""
    title: Text
    """Who that is: an office rather than a name."""
    roles: tuple[Role, ...] = Field(min_length=1)
    """Roles."""
    key: str
    """File of the public key, relative to this one, or the key itself."""
    clearance: Marking = PUBLIC
    """Highest marking for which the founder is enrolled."""


class FoundersFile(ClosedTable):
    """The founders."""

    people: tuple[FounderSettings, ...] = Field(min_length=1)
    """Founders, one table each."""


def load_founders(path: str | Path) -> dict[str, tuple[Founder, Marking]]:
    """Read founders and their clearances, by handle.

    Raises
    ------
    DecisionError
        With every problem found.
    KeyFileError
        If a key cannot be used.
    """
    path = Path(path)
    raw = read_bytes(path, wanted="the founders of a record in TOML", refused=DecisionError)
    try:
        listed = FoundersFile.model_validate(tomllib.loads(raw.decode("utf-8-sig"))).people
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"{path}: not TOML: {error}; mend it there, or give founders in TOML"
        raise DecisionError(msg) from None
    except ValidationError as error:
        msg = f"{path}: {problems_of(error)}"
        raise DecisionError(msg) from None
    founders: dict[str, tuple[Founder, Marking]] = {}
    for one in listed:
        if one.person in founders:
            msg = f"{path}: '{one.person}' is named twice"
            raise DecisionError(msg)
        key = load_public(one.key if "+" in one.key else str(path.parent / one.key))
        founders[one.person] = (Founder(person=one.person, title=one.title, roles=one.roles, key=str(key)), one.clearance)
    return founders
