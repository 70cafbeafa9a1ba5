"""Proofs and checkpoints check with implementations that are not ours.

Inclusion and canonical JSON: those of sigstore and rfc8785 (Apache-2.0). Signatures: OpenSSL's command line. Consistency, for which no
library of a licence that this project can take was found: the definitions of RFC 6962, section 2.1, written down word for word, slowly
and recursively, which shares no line and no method with the iterative checks of the package.
"""

import base64
import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from tests.decisions_sample import ORIGIN, MemoryStore, Office, public_line, small_policy

from overflight.decisions.canonical import write_canonical
from overflight.decisions.checkpoints import Proof, read_proof, write_proof
from overflight.decisions.tree import hash_leaf, prove_consistency, prove_inclusion, root_of


def mth(d: list[bytes]) -> bytes:
    """Merkle Tree Hash (RFC 6962, section 2.1)."""
    if not d:
        return hashlib.sha256().digest()
    if len(d) == 1:
        return hashlib.sha256(b"\x00" + d[0]).digest()
    k = max(2**power for power in range(64) if 2**power < len(d))
    return hashlib.sha256(b"\x01" + mth(d[:k]) + mth(d[k:])).digest()


def path(m: int, d: list[bytes]) -> list[bytes]:
    """Merkle audit path (section 2.1.1)."""
    if len(d) == 1:
        return []
    k = max(2**power for power in range(64) if 2**power < len(d))
    return [*path(m, d[:k]), mth(d[k:])] if m < k else [*path(m - k, d[k:]), mth(d[:k])]


def subproof(m: int, d: list[bytes], *, b: bool) -> list[bytes]:
    """SUBPROOF (section 2.1.2)."""
    if m == len(d):
        return [] if b else [mth(d)]
    k = max(2**power for power in range(64) if 2**power < len(d))
    if m <= k:
        return [*subproof(m, d[:k], b=b), mth(d[k:])]
    return [*subproof(m - k, d[k:], b=False), mth(d[:k])]


@pytest.mark.parametrize("size", range(1, 34))
def test_the_tree_is_that_of_the_rfc(size: int):
    entries = [f"entry {number}".encode() for number in range(size)]
    leaves = [hash_leaf(entry) for entry in entries]
    assert root_of(leaves) == mth(entries)
    for index in range(size):
        assert prove_inclusion(index, leaves) == path(index, entries)
    for old in range(1, size):
        assert prove_consistency(old, leaves) == subproof(old, entries, b=True)


def test_inclusion_checks_with_sigstore():
    merkle = pytest.importorskip("sigstore._internal.merkle")
    errors = pytest.importorskip("sigstore.errors")
    office = Office(MemoryStore())
    office.decide(small_policy("p", "MT"))
    office.sign_heads()
    notes = office.record.store.notes("public")
    leaves = [hash_leaf(note) for note in notes]
    _, head = office.record.store.checkpoints("public")[-1]
    for index, note in enumerate(notes):
        proof = read_proof(write_proof(Proof(index, tuple(prove_inclusion(index, leaves)), head)))
        root = base64.b64decode(proof.checkpoint.split(b"\n")[2])
        shown = SimpleNamespace(log_index=index, tree_size=len(notes), hashes=list(proof.path), root_hash=root)
        merkle.verify_merkle_inclusion(SimpleNamespace(_inner=SimpleNamespace(inclusion_proof=shown, canonicalized_body=note)))
        other = SimpleNamespace(_inner=SimpleNamespace(inclusion_proof=shown, canonicalized_body=note + b"x"))
        with pytest.raises(errors.VerificationError):
            merkle.verify_merkle_inclusion(other)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",))), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(value=JSON)
def test_canonical_json_is_that_of_another_implementation(value: object):
    assert write_canonical(value) == pytest.importorskip("rfc8785").dumps(value)


def test_signatures_check_with_openssl(tmp_path: Path):
    """Entries and checkpoints alike: text before the last empty line, signature after the key's four bytes."""
    if shutil.which("openssl") is None:
        pytest.skip("the command openssl is not here")
    office = Office(MemoryStore())
    decision = office.request(small_policy("p", "MT"))
    office.sign_heads()
    note = office.record.store.notes("public")[-1]
    assert hashlib.sha256(b"\x00" + note).hexdigest() == decision
    head = office.record.store.checkpoints("public")[-1][1]
    for raw, line in ((note, public_line("requester-1")), (head, public_line("log public", f"{ORIGIN}/public"))):
        text, _, tail = raw.rpartition(b"\n\n")
        public = base64.b64decode(line.split("+", 2)[2])[1:]
        (tmp_path / "text").write_bytes(text + b"\n")
        (tmp_path / "signature").write_bytes(base64.b64decode(tail.split()[-1])[4:])
        (tmp_path / "key.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + public)
        command = "openssl pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin -in text -sigfile signature"
        done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(text) if raw is note else text.startswith(b"example.org/")
