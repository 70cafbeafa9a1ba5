"""Documents that decisions are about: policies, what differs between them, assessments, evidence.

A policy is kept as the TOML that it writes itself, every file's contents written into it, so that its hash is that of the bytes kept and
equals `Policy.digest`. An assessment is a JSON document that names the two policies which it compares; it is kept as it was given, and
its hash is that of its bytes: ``sha256sum`` checks all of them.
"""

import bisect
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
from overflight.service.policy import Policy, embed_files, load_policy, parse_policy

MAX_NAMES = 400
"""A diff names so many rules at most of each sort, and counts the rest."""

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
    old = {rule.name: rule for rule in before.rules} if before else {}
    new = {rule.name: rule for rule in after.rules} if after else {}
    both = [name for name in old if name in new]
    stayed = _longest_run([both.index(name) for name in new if name in old])
    keys = [key for key in Policy.model_fields if key != "rules"]
    return PolicyDiff(
        added=_capped(name for name in new if name not in old),
        removed=_capped(name for name in old if name not in new),
        changed=_capped(name for name in both if old[name] != new[name]),
        moved=_capped(name for place, name in enumerate(both) if place not in stayed),
        settings=tuple(key for key in keys if getattr(before, key, None) != getattr(after, key, None)),
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
    """Take an assessment document: JSON with ``policies.before`` and ``policies.after``, hashes or null; ``summary`` is lines for people.

    Raises
    ------
    DecisionError
        If it does not say what it compares.
    """
    try:
        table: Any = json.loads(raw)
        policies = table["policies"]
        before, after = policies["before"], policies["after"]
        summary = table.get("summary", [])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        msg = f"{source}: not an assessment document: JSON with policies.before and policies.after; make one with compare"
        raise DecisionError(msg) from None
    if not (_is_hash(before) and _is_hash(after) and isinstance(summary, list) and all(isinstance(line, str) for line in summary)):
        msg = f"{source}: policies.before and .after are SHA-256 hashes or null, and summary is a list of lines"
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


def _capped(names: Iterable[str]) -> tuple[str, ...]:
    listed = list(names)
    if len(listed) <= MAX_NAMES:
        return tuple(listed)
    return (*listed[:MAX_NAMES], f"and {len(listed) - MAX_NAMES:,} more")


def _longest_run(numbers: list[int]) -> set[int]:
    """A longest increasing subsequence: what keeps its order, so that only what has moved counts as moved (patience sorting)."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for place, number in enumerate(numbers):
        pile = bisect.bisect_left(tails, number)
        before.append(ends[pile - 1] if pile else -1)
        if pile == len(tails):
            tails.append(number)
            ends.append(place)
        else:
            tails[pile], ends[pile] = number, place
    kept: set[int] = set()
    place = ends[-1] if ends else -1
    while place >= 0:
        kept.add(numbers[place])
        place = before[place]
    return kept
