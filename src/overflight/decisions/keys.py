"""Files of keys: private ones for their owner's eyes only, public ones as one line to hand out."""

import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from overflight.decisions.notes import VerifierKey, read_verifier_key, verifier_key_of
from overflight.decisions.refusals import KeyFileError
from overflight.intake import read_bytes

PRIVATE_MODE = 0o600
"""Permissions of a file with a private key: its owner reads and writes."""


def make_key(path: Path, name: str, *, passphrase: bytes | None = None) -> VerifierKey:
    """Make a key: the private half into ``path`` (PKCS #8, PEM, mode 0600), the public half beside it with the ending ``.pub``.

    Raises
    ------
    KeyFileError
        If either file is there already or cannot be written.
    """
    private = Ed25519PrivateKey.generate()
    how: KeySerializationEncryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    public = verifier_key_of(name, private)
    _create(path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how), PRIVATE_MODE)
    try:
        _create(public_path(path), f"{public}\n".encode(), 0o644)
    except KeyFileError:
        path.unlink()
        raise
    return public


def public_path(path: Path) -> Path:
    """Where the public half of a key's file stands."""
    return path.with_name(f"{path.name.removesuffix('.key')}.pub")


def is_locked(path: Path) -> bool:
    """Whether a private key's file needs a passphrase."""
    return b"ENCRYPTED PRIVATE KEY" in read_bytes(path, wanted="a private key as key new makes it", refused=KeyFileError)


def load_key(path: Path, *, passphrase: bytes | None = None) -> Ed25519PrivateKey:
    """Read a private key.

    Raises
    ------
    KeyFileError
        If others may read the file, it is no Ed25519 key, or the passphrase is wrong or lacking.
    """
    raw = read_bytes(path, wanted="a private key as key new makes it", refused=KeyFileError)
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        msg = f"{path}: others may read this private key (mode {mode:04o}); chmod 600 it, and make a new one if they have"
        raise KeyFileError(msg)
    try:
        private = load_pem_private_key(raw, passphrase)
    except TypeError:
        why = "needs a passphrase; give --passphrase-file" if passphrase is None else "has no passphrase; leave it out"
        msg = f"{path}: this key {why}"
        raise KeyFileError(msg) from None
    except (ValueError, UnsupportedAlgorithm):
        msg = f"{path}: not a private key, or the passphrase is wrong; give a file that key new made"
        raise KeyFileError(msg) from None
    if not isinstance(private, Ed25519PrivateKey):
        msg = f"{path}: not an Ed25519 key; make one with key new"
        raise KeyFileError(msg)
    return private


def load_public(source: str) -> VerifierKey:
    """Read a public key from a file, or from the line itself.

    Raises
    ------
    KeyFileError
        If it is neither.
    """
    text = source
    if "+" not in source or Path(source).exists():
        raw = read_bytes(source, wanted="a public key: a .pub file, or NAME+ID+KEY", refused=KeyFileError)
        text = raw.decode("utf-8", "replace")
    try:
        return read_verifier_key(text)
    except ValueError as error:
        msg = f"{source if len(source) < 80 else 'public key'}: {error}"
        raise KeyFileError(msg) from None


def _create(path: Path, content: bytes, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        msg = f"{path}: exists; a key is never overwritten, choose another name"
        raise KeyFileError(msg) from None
    except OSError as error:
        msg = f"{path}: cannot be written ({error.strerror}); choose another place"
        raise KeyFileError(msg) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
