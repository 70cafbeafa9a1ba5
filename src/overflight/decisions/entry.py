"""Entries: what somebody did, in canonical JSON, as a note signed by its author.

The text of the note is one line of canonical JSON; the note with its signature is the leaf of the log's tree. An entry names the record,
the marking, and the heads of its own log and of those below as they were before it (`after`), so that no entry can be left out, moved,
or taken over into another record, not even by who holds the log's key, without every later author's signature failing.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field, ValidationError

from overflight.clock import format_time, parse_time
from overflight.decisions._closed import ClosedTable, Handle, Instant, Text, problems_of
from overflight.decisions.bodies import BODIES, EntryKind, dump_body
from overflight.decisions.canonical import read_canonical, write_canonical
from overflight.decisions.checkpoints import decode_hash, encode
from overflight.decisions.markings import Marking, up_to
from overflight.decisions.notes import VerifierKey, read_note, sign_note
from overflight.decisions.refusals import TamperError
from overflight.decisions.tree import hash_leaf

FORMAT = "overflight-entry/1"

MAX_ENTRY_BYTES = 65_535
"""Longest entry: what an entry bundle of C2SP tlog-tiles takes."""

SHORT = 16
"""Hexadecimal digits of a leaf hash by which people name an entry or a decision."""


@dataclass(frozen=True, slots=True)
class Head:
    """How many entries a log had, and the root of its tree."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that is not signed yet."""

    kind: EntryKind
    marking: Marking
    author: str
    time: np.datetime64
    body: ClosedTable


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it was read; its signature is checked where the author's key is known.

    Attributes
    ----------
    id
        Leaf hash in hexadecimal.
    note
        The bytes that were signed and logged.
    """

    id: str
    note: bytes
    text: str
    signature: bytes
    key_id: str
    record: str
    kind: EntryKind
    marking: Marking
    author: str
    time: np.datetime64
    after: dict[Marking, Head]
    body: Any

    def is_signed_by(self, key: VerifierKey) -> bool:
        """Whether the key signed this entry."""
        return (key.name, key.key_id) == (self.author, self.key_id) and key.verifies(self.text, self.signature)

    @property
    def short(self) -> str:
        """The first digits of its hash."""
        return self.id[:SHORT]


class _HeadTable(ClosedTable):
    size: int = Field(ge=0, strict=True)
    root: str


class _EntryTable(ClosedTable):
    format: str
    record: Text
    kind: EntryKind
    marking: Marking
    author: Handle
    time: Instant
    after: dict[Marking, _HeadTable]
    body: dict[str, Any]


def sign_entry(draft: Draft, *, record: str, after: dict[Marking, Head], private: Ed25519PrivateKey) -> bytes:
    """Write and sign an entry."""
    table = {
        "format": FORMAT,
        "record": record,
        "kind": draft.kind,
        "marking": draft.marking,
        "author": draft.author,
        "time": format_time(draft.time),
        "after": {marking: {"size": head.size, "root": encode(head.root)} for marking, head in after.items()},
        "body": dump_body(draft.body),
    }
    return sign_note(write_canonical(table).decode() + "\n", draft.author, private)


def read_entry(note: bytes) -> Entry:
    """Read an entry.

    Raises
    ------
    TamperError
        If it is not an entry in its one canonical form.
    """
    try:
        return _read(note)
    except ValidationError as error:
        why = problems_of(error)
    except ValueError as error:
        why = str(error)
    msg = f"entry {hash_leaf(note).hex()[:SHORT]}: not an entry: {why}"
    raise TamperError(msg)


def _read(note: bytes) -> Entry:
    opened = read_note(note)
    table = _EntryTable.model_validate(read_canonical(opened.text.removesuffix("\n").encode()))
    body = BODIES[table.kind].model_validate(table.body)
    if len(opened.signatures) != 1 or opened.signatures[0].name != table.author or len(note) > MAX_ENTRY_BYTES:
        msg = "it needs one signature, of its author, and at most 65,535 bytes"
        raise ValueError(msg)
    if table.format != FORMAT or set(table.after) != set(up_to(table.marking)):
        msg = f"it must say {FORMAT} and what it comes after, in its own log and every one below"
        raise ValueError(msg)
    if write_canonical(dump_body(body)) != write_canonical(table.body) or parse_time(table.time) != np.datetime64(
        table.time.removesuffix("Z"), "us"
    ):
        msg = "its body is not spelled out in full"
        raise ValueError(msg)
    return Entry(
        id=hash_leaf(note).hex(),
        note=note,
        text=opened.text,
        signature=opened.signatures[0].signature,
        key_id=opened.signatures[0].key_id,
        record=table.record,
        kind=table.kind,
        marking=table.marking,
        author=table.author,
        time=parse_time(table.time),
        after={marking: Head(head.size, decode_hash(head.root)) for marking, head in table.after.items()},
        body=body,
    )
