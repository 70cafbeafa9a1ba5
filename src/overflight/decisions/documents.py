"""Documents that decisions are about: policies, what differs between them, assessments, evidence.

A policy is kept as the TOML that it writes itself, every file's contents written into it, so that its hash is that of the bytes kept and
equals `Policy.digest`. An assessment is a JSON document that names the two policies which it compares; it is kept as it was given, and
its hash is that of its bytes: ``sha256sum`` checks all of them.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overflight.decisions.bodies import Evidence, PolicyDiff
from overflight.decisions.refusals import DecisionError
from overflight.intake import read_bytes
from overflight.service.difference import find_difference
from overflight.service.policy import Policy, embed_files, load_policy, parse_policy

MAX_NAMES = 400
"""A diff names so many rules at most of each sort, and counts the rest."""

KIND = "overflight-assessment"
"""What an assessment document calls itself."""

MAX_DOCUMENT_BYTES = 1 << 28


@dataclass(frozen=True, slots=True)
class Document:
    """Bytes and their hash."""

    content: bytes

    @property
    def sha256(self) -> str:
        """SHA-256 in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Assessment:
    """An assessment document and the policies that it compares."""

    document: Document
    before: str | None
    after: str | None
    summary: tuple[str, ...]


def policy_document(source: str | Path) -> tuple[Policy, Document]:
    """Read a policy, from a file or the built-in one by its name, and write it as it is kept.

    Raises
    ------
    PolicyError, TerritoryError
        If it cannot be used.
    """
    policy = embed_files(load_policy(source))
    return policy, Document(policy.to_toml().encode())


def read_policy(content: bytes) -> Policy:
    """A policy from the bytes that were kept.

    Raises
    ------
    PolicyError
        If they are not a policy.
    """
    return parse_policy(tomllib.loads(content.decode()))


def diff_policies(before: Policy | None, after: Policy | None) -> PolicyDiff:
    """What differs between two policies, by the names of rules; none stands for a policy without anything."""
    found = find_difference(before, after)
    return PolicyDiff(
        **{key: _capped(names) for key, names in found._asdict().items() if key != "settings"},
        settings=found.settings,
    )


def read_assessment(path: str | Path) -> Assessment:
    """Read an assessment document from a file.

    Raises
    ------
    DecisionError
        If it is not one.
    """
    raw = read_bytes(path, wanted="an assessment document in JSON", refused=DecisionError)
    return parse_assessment(raw, source=str(path))


def parse_assessment(raw: bytes, *, source: str) -> Assessment:
    """Take an assessment document, as ``overflight compare`` writes it.

    Looked at are its kind, the two policies (hashes or null) and its summary, lines for people. What else it says, its author answers for
    with a signature; whoever has the inputs works it out again.

    Raises
    ------
    DecisionError
        If it is not one.
    """
    try:
        table: Any = json.loads(raw)
        kind, policies, summary = table["document"], table["policies"], table["summary"]
        before, after = policies["before"], policies["after"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        msg = f"{source}: not an assessment document; make one with compare"
        raise DecisionError(msg) from None
    if kind != KIND or not (_is_hash(before) and _is_hash(after)):
        msg = f"{source}: not an assessment document ('document' is {KIND!r}, policies.before and .after are SHA-256 hashes or null)"
        raise DecisionError(msg)
    if not (isinstance(summary, list) and all(isinstance(line, str) and line.isprintable() for line in summary)):
        msg = f"{source}: 'summary' must be a list of lines of plain text"
        raise DecisionError(msg)
    return Assessment(Document(raw), before, after, tuple(summary))


def read_evidence(paths: Iterable[str | Path]) -> tuple[Evidence, ...]:
    """Take the hashes of files; the files themselves stay where they are.

    Raises
    ------
    DecisionError
        If one cannot be read.
    """
    found = []
    for path in paths:
        raw = read_bytes(path, wanted="a file that is evidence", refused=DecisionError)
        found.append(Evidence(name=Path(path).name, sha256=hashlib.sha256(raw).hexdigest()))
    return tuple(found)


def _is_hash(value: object) -> bool:
    return value is None or (isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef"))


def _capped(names: tuple[str, ...]) -> tuple[str, ...]:
    return names if len(names) <= MAX_NAMES else (*names[:MAX_NAMES], f"and {len(names) - MAX_NAMES:,} more")
