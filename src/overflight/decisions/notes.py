"""Signed notes: text signed by one or more keys, and public keys as one line.

References
----------
C2SP signed-note (c2sp.org/signed-note@v1.0.0): the format of notes, signature type 0x01 (Ed25519) and verifier keys.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = 0x01
"""Type of signature: Ed25519 over the note's text."""

MAX_NOTE_BYTES = 1 << 20
MAX_SIGNATURES = 16

_DASH = "— "
_NAME = re.compile(r"[^\s+]+")
_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: the key's name, the first four bytes of its hash, and the signature."""

    name: str
    key_id: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signatures, none of them checked yet."""

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name."""

    name: str
    public: bytes

    @property
    def key_id(self) -> str:
        """First four bytes, in hexadecimal, of the hash of name, type and key."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([ED25519]) + self.public).hexdigest()[:8]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id}+{base64.b64encode(bytes([ED25519]) + self.public).decode()}"

    def verifies(self, text: str, signature: bytes) -> bool:
        """Whether this key signed the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


def read_verifier_key(line: str) -> VerifierKey:
    """Read a public key as ``NAME+ID+KEY``.

    Raises
    ------
    ValueError
        If the line is not a key, or its identifier is not that of the key.
    """
    name, _, rest = line.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    material = _from_base64(encoded)
    if not _NAME.fullmatch(name) or len(material) != 33 or material[0] != ED25519:
        msg = "not a public key of the form NAME+ID+KEY (Ed25519)"
        raise ValueError(msg)
    key = VerifierKey(name, material[1:])
    if str(key) != line.strip() or key.key_id != key_id:
        msg = f"the identifier {key_id} is not that of the key"
        raise ValueError(msg)
    return key


def verifier_key_of(name: str, private: Ed25519PrivateKey) -> VerifierKey:
    """The public half of a key."""
    return VerifierKey(name, private.public_key().public_bytes_raw())


def sign_note(text: str, name: str, private: Ed25519PrivateKey) -> bytes:
    """Sign a text, which ends with a line end, under a name."""
    assert text.endswith("\n")
    assert _NAME.fullmatch(name)
    signature = bytes.fromhex(verifier_key_of(name, private).key_id) + private.sign(text.encode())
    return f"{text}\n{_DASH}{name} {base64.b64encode(signature).decode()}\n".encode()


def read_note(raw: bytes) -> Note:
    """Take a note apart, without checking its signatures.

    Raises
    ------
    ValueError
        If the bytes are not a note.
    """
    if len(raw) > MAX_NOTE_BYTES or _CONTROL.search(raw):
        msg = "not a signed note: it is too long, or has control characters"
        raise ValueError(msg)
    text, gap, tail = raw.decode().rpartition("\n\n")
    lines = tail.split("\n")
    if not gap or lines.pop() != "" or not 1 <= len(lines) <= MAX_SIGNATURES:
        msg = "not a signed note: no signatures after its last empty line"
        raise ValueError(msg)
    return Note(f"{text}\n", tuple(_read_signature(line) for line in lines))


def open_note(raw: bytes, key: VerifierKey) -> str:
    """The text of a note, once the signature of the key named is found and holds; signatures of other keys are passed over.

    Raises
    ------
    ValueError
        If the bytes are not a note, or the key has not signed it.
    """
    note = read_note(raw)
    own = [one for one in note.signatures if (one.name, one.key_id) == (key.name, key.key_id)]
    if not own:
        msg = f"no signature of {key.name}+{key.key_id}"
        raise ValueError(msg)
    if not all(key.verifies(note.text, one.signature) for one in own):
        msg = f"the signature of {key.name}+{key.key_id} does not hold"
        raise ValueError(msg)
    return note.text


def _read_signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    raw = _from_base64(encoded)
    if not line.startswith(_DASH) or not _NAME.fullmatch(name) or len(raw) < 5:
        msg = "not a signed note: a line of its signatures is malformed"
        raise ValueError(msg)
    return Signature(name, raw[:4].hex(), raw[4:])


def _from_base64(text: str) -> bytes:
    """Decode base64 written in the one canonical way; else nothing."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return raw if base64.b64encode(raw).decode() == text else b""
