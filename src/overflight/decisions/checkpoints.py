"""Signed checkpoints of a log, proofs that an entry is in it, and proofs that it only grew, in the published text formats.

References
----------
C2SP tlog-checkpoint (c2sp.org/tlog-checkpoint): origin, size and root as a signed note. C2SP tlog-proof (c2sp.org/tlog-proof): an entry's
audit path with a checkpoint, verifiable offline. C2SP tlog-witness (c2sp.org/tlog-witness): the old size, a consistency proof and a
checkpoint, as a witness takes them.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from overflight.decisions.notes import VerifierKey, open_note, read_note, sign_note
from overflight.decisions.refusals import TamperError
from overflight.decisions.tree import hash_leaf, holds_consistency, holds_inclusion

PROOF_HEADER = "c2sp.org/tlog-proof@v1"
MAX_STEPS = 63


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: whose, how many entries, and the root of its tree."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{encode(self.root)}\n"


@dataclass(frozen=True, slots=True)
class Proof:
    """That an entry stands at a place of a log: its index, the audit path, the checkpoint as it was signed."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class Growth:
    """That a log only grew since it had so many entries: the consistency proof, the checkpoint as it was signed."""

    old_size: int
    path: tuple[bytes, ...]
    checkpoint: bytes


def encode(raw: bytes) -> str:
    """Write bytes in base64."""
    return base64.b64encode(raw).decode()


def decode_hash(text: str) -> bytes:
    """Read a hash in base64.

    Raises
    ------
    ValueError
        If the text is not a SHA-256 hash in canonical base64.
    """
    raw = base64.b64decode(text, validate=True)
    if len(raw) != 32 or encode(raw) != text:
        msg = "not a hash in base64"
        raise ValueError(msg)
    return raw


def sign_checkpoint(checkpoint: Checkpoint, private: Ed25519PrivateKey) -> bytes:
    """Sign the head of a log with the log's key, whose name is the origin."""
    return sign_note(checkpoint.text, checkpoint.origin, private)


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint; lines beyond the third are passed over.

    Raises
    ------
    ValueError
        If the text is not that of a checkpoint.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() != "" or not all(lines):
        msg = "not a checkpoint: it has no origin, size and root"
        raise ValueError(msg)
    return Checkpoint(lines[0], _number(lines[1]), decode_hash(lines[2]))


def open_checkpoint(raw: bytes, key: VerifierKey) -> Checkpoint:
    """Check a checkpoint's signature by the log's key and read it.

    Raises
    ------
    TamperError
        If it is malformed, of another log, or not signed by the key.
    """
    try:
        checkpoint = parse_checkpoint(open_note(raw, key))
    except ValueError as error:
        msg = f"checkpoint of {key.name}: {error}"
        raise TamperError(msg) from None
    if checkpoint.origin != key.name:
        msg = f"checkpoint of {checkpoint.origin}: the key given is that of {key.name}"
        raise TamperError(msg)
    return checkpoint


def origin_of(raw: bytes) -> str:
    """Whose checkpoint this says it is; nothing is checked.

    Raises
    ------
    TamperError
        If it is no checkpoint.
    """
    try:
        return parse_checkpoint(read_note(raw).text).origin
    except ValueError as error:
        msg = f"checkpoint: {error}"
        raise TamperError(msg) from None


def write_proof(proof: Proof) -> bytes:
    """Write a proof of inclusion."""
    lines = [PROOF_HEADER, f"index {proof.index}", *map(encode, proof.path)]
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" + proof.checkpoint


def read_proof(raw: bytes) -> Proof:
    """Read a proof of inclusion; its line ``extra``, if any, is passed over, for nobody vouches for it.

    Raises
    ------
    TamperError
        If it is malformed.
    """
    try:
        lines, checkpoint = _split(raw)
        rest = _after_header(lines)
        return Proof(_keyed(rest[0], "index"), tuple(map(decode_hash, rest[1:])), checkpoint)
    except (ValueError, IndexError) as error:
        msg = f"proof: malformed ({error})"
        raise TamperError(msg) from None


def write_growth(growth: Growth) -> bytes:
    """Write a proof of consistency as a witness takes it (``add-checkpoint``)."""
    lines = [f"old {growth.old_size}", *map(encode, growth.path)]
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" + growth.checkpoint


def read_growth(raw: bytes) -> Growth:
    """Read a proof of consistency.

    Raises
    ------
    TamperError
        If it is malformed.
    """
    try:
        lines, checkpoint = _split(raw)
        return Growth(_keyed(lines[0], "old"), tuple(map(decode_hash, lines[1:])), checkpoint)
    except (ValueError, IndexError) as error:
        msg = f"consistency proof: malformed ({error})"
        raise TamperError(msg) from None


def check_proof(note: bytes, proof: Proof, key: VerifierKey) -> Checkpoint:
    """Check that an entry is in the log whose key this is; the checkpoint that says so.

    Raises
    ------
    TamperError
        If the checkpoint is not the log's, or the entry is not where the proof says.
    """
    head = open_checkpoint(proof.checkpoint, key)
    if not holds_inclusion(hash_leaf(note), proof.index, head.size, proof.path, head.root):
        msg = f"entry: not entry {proof.index} of {head.origin} with {head.size} entries; it, its proof or its checkpoint was changed"
        raise TamperError(msg)
    return head


def check_growth(kept: Checkpoint, growth: Growth, key: VerifierKey) -> Checkpoint:
    """Check that a log still begins as it was when a checkpoint was kept; the later checkpoint.

    Raises
    ------
    TamperError
        If it does not.
    """
    head = open_checkpoint(growth.checkpoint, key)
    check_same_log(kept, head, growth.path)
    return head


def check_same_log(kept: Checkpoint, head: Checkpoint, path: Sequence[bytes]) -> None:
    """Check that a later head of a log continues an earlier one.

    Raises
    ------
    TamperError
        If it does not: the log was rewritten, or is not the same.
    """
    if kept.origin != head.origin or not holds_consistency(kept.size, kept.root, head.size, head.root, path):
        msg = (
            f"{head.origin} with {head.size} entries does not continue {kept.origin} as it was with {kept.size}; "
            "the record was rewritten, or the proof is not for these two"
        )
        raise TamperError(msg)


def _split(raw: bytes) -> tuple[list[str], bytes]:
    head, gap, checkpoint = raw.partition(b"\n\n")
    lines = head.decode("ascii").split("\n")
    if not gap or len(lines) > MAX_STEPS + 3:
        msg = "no checkpoint after an empty line"
        raise ValueError(msg)
    return lines, checkpoint


def _after_header(lines: list[str]) -> list[str]:
    if lines[0] != PROOF_HEADER:
        msg = f"its first line is not {PROOF_HEADER}"
        raise ValueError(msg)
    return lines[2:] if lines[1].startswith("extra ") else lines[1:]


def _keyed(line: str, word: str) -> int:
    if not line.startswith(f"{word} "):
        msg = f"no line '{word} …'"
        raise ValueError(msg)
    return _number(line.removeprefix(f"{word} "))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or str(int(text)) != text or int(text) >= 2**63:
        msg = f"'{text[:20]}' is not a number of entries"
        raise ValueError(msg)
    return int(text)
