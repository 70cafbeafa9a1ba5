"""Canonical JSON, signed notes, the tree, checkpoints and proofs: vectors of the specifications, and what is refused."""

import hashlib

import pytest
from tests.decisions_sample import private_key

from overflight.decisions.canonical import read_canonical, write_canonical
from overflight.decisions.checkpoints import (
    Checkpoint,
    Growth,
    Proof,
    check_growth,
    check_proof,
    open_checkpoint,
    parse_checkpoint,
    read_growth,
    read_proof,
    sign_checkpoint,
    write_growth,
    write_proof,
)
from overflight.decisions.notes import open_note, read_note, read_verifier_key, sign_note, verifier_key_of
from overflight.decisions.refusals import TamperError
from overflight.decisions.tree import (
    EMPTY_ROOT,
    Frontier,
    hash_leaf,
    holds_consistency,
    holds_inclusion,
    prove_consistency,
    prove_inclusion,
    root_of,
)

# The example of Go's package golang.org/x/mod/sumdb/note, whence the format comes.
KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()

# Leaves and roots with which implementations of RFC 6962 test themselves (certificate-transparency's merkle_tree_test).
LEAVES = [
    bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def test_the_note_of_the_specification_opens():
    assert open_note(NOTE, read_verifier_key(KEY)).endswith("your problem is.\n")
    assert str(read_verifier_key(KEY)) == KEY


def test_notes_are_read_as_they_were_signed_and_changed_ones_are_not():
    private = private_key("a")
    key = verifier_key_of("a.example/log", private)
    note = sign_note("one\n\ntwo\n", key.name, private)
    assert open_note(note, key) == "one\n\ntwo\n"
    for place in range(len(note)):
        changed = bytearray(note)
        changed[place] ^= 1
        with pytest.raises(ValueError, match=r".+"):
            open_note(bytes(changed), key)


def test_signatures_of_others_are_passed_over():
    private, other = private_key("a"), private_key("b")
    note = sign_note("text\n", "a", private) + sign_note("text\n", "b", other).partition(b"\n\n")[2]
    assert len(read_note(note).signatures) == 2
    assert open_note(note, verifier_key_of("b", other)) == "text\n"
    with pytest.raises(ValueError, match="no signature of c"):
        open_note(note, verifier_key_of("c", private_key("c")))


@pytest.mark.parametrize(
    "bad", [b"", b"text", b"text\n", b"text\n\n", b"text\n\n\xe2\x80\x94 a\n", b"te\x01xt\n\n\xe2\x80\x94 a AAAAAAAA\n", b"\xff\n\n"]
)
def test_what_is_no_note_is_refused(bad: bytes):
    with pytest.raises(ValueError, match=r".+"):
        read_note(bad)


@pytest.mark.parametrize("line", ["", "a", "a+b", "a+00000000+AQ==", KEY.replace("c74f", "c74e"), KEY + "=", KEY.replace("+AR", "+Ag")])
def test_what_is_no_key_is_refused(line: str):
    with pytest.raises(ValueError, match=r".+"):
        read_verifier_key(line)


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_published_vectors(size: int):
    leaves = [hash_leaf(leaf) for leaf in LEAVES[:size]]
    assert root_of(leaves).hex() == (ROOTS[size] if size else hashlib.sha256(b"").hexdigest())
    frontier = Frontier()
    for leaf in leaves:
        frontier = frontier.append(leaf)
    assert (frontier.size, frontier.root) == (size, root_of(leaves))


def test_proofs_hold_for_what_they_prove_and_for_nothing_else():
    leaves = [hash_leaf(bytes([number])) for number in range(20)]
    for size in range(1, 20):
        root = root_of(leaves[:size])
        for index in range(size):
            path = prove_inclusion(index, leaves[:size])
            assert holds_inclusion(leaves[index], index, size, path, root)
            assert not holds_inclusion(leaves[index + 1], index, size, path, root)
            assert not holds_inclusion(leaves[index], index, size, [*path, root], root)
            assert size == 1 or not holds_inclusion(leaves[index], index, size, path[:-1], root)
        for old in range(size + 1):
            path = prove_consistency(old, leaves[:size])
            first = root_of(leaves[:old])
            assert holds_consistency(old, first, size, root, path)
            assert not holds_consistency(old, hash_leaf(first), size, root, path)
            assert not holds_consistency(old, first, size, root, [*path, root])
            if 0 < old < size:
                assert not holds_consistency(old, first, size, hash_leaf(root), path)
    assert holds_consistency(0, EMPTY_ROOT, 3, root_of(leaves[:3]), [])
    assert not holds_consistency(3, root_of(leaves[:3]), 2, root_of(leaves[:2]), [])


def test_the_checkpoint_of_the_specification_is_read():
    found = parse_checkpoint("example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n")
    assert (found.origin, found.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert parse_checkpoint(found.text + "an extension\n") == found


@pytest.mark.parametrize(
    "text",
    [
        "a\n1\n",
        "a\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "a\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "a\n1\nCsUYapGGPo4d\n",
        "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
        "a\n²\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str):
    with pytest.raises(ValueError, match=r".+"):
        parse_checkpoint(text)


def test_proofs_and_growth_survive_their_files_and_no_byte_of_them_can_be_changed():
    private = private_key("log")
    key = verifier_key_of("example.org/log", private)
    notes = [f"entry {number}\n".encode() for number in range(7)]
    leaves = [hash_leaf(note) for note in notes]
    heads = [sign_checkpoint(Checkpoint(key.name, size, root_of(leaves[:size])), private) for size in range(8)]
    proof = write_proof(Proof(2, tuple(prove_inclusion(2, leaves)), heads[7]))
    assert proof.startswith(b"c2sp.org/tlog-proof@v1\nindex 2\n")
    assert check_proof(notes[2], read_proof(proof), key).size == 7
    with_extra = proof.replace(b"index", b"extra AAAA\nindex", 1)
    assert read_proof(with_extra) == read_proof(proof)
    kept = open_checkpoint(heads[3], key)
    growth = write_growth(Growth(3, tuple(prove_consistency(3, leaves)), heads[7]))
    assert growth.startswith(b"old 3\n")
    assert check_growth(kept, read_growth(growth), key).size == 7
    for place in range(len(proof)):
        changed = proof[:place] + bytes([proof[place] ^ 1]) + proof[place + 1 :]
        with pytest.raises(TamperError):
            check_proof(notes[2], read_proof(changed), key)
    for place in range(len(b"old 3\n"), len(growth)):
        changed = growth[:place] + bytes([growth[place] ^ 1]) + growth[place + 1 :]
        with pytest.raises(TamperError):
            check_growth(kept, read_growth(changed), key)
    with pytest.raises(TamperError, match="does not continue"):
        check_growth(open_checkpoint(heads[7], key), read_growth(write_growth(Growth(7, (), heads[3]))), key)


def test_canonical_json_is_in_the_order_of_utf16_and_reads_back():
    value = {"€": 1, "\r": 2, "\ufb33": 3, "1": 4, "😀": 5, "\x80": 6, "ö": 7}
    # The order of keys in the example of RFC 8785, section 3.2.3.
    assert list(read_canonical(write_canonical(value))) == ["\r", "1", "\x80", "ö", "€", "😀", "\ufb33"]
    assert write_canonical({"b": [True, None, '\x1f"\\/\n'], "a": -1}) == b'{"a":-1,"b":[true,null,"\\u001f\\"\\\\/\\n"]}'


@pytest.mark.parametrize(
    "bad",
    [b'{"a": 1}', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b'{"a":1.0}', b'{"a":1e2}', b'"\\u0041"', b"NaN", b"\xff", b"[" * 5000, b'"\\ud800"'],
)
def test_what_is_not_canonical_is_refused(bad: bytes):
    with pytest.raises(ValueError, match=r".+"):
        read_canonical(bad)


@pytest.mark.parametrize("bad", [1.5, {1: 2}, 2**53, float("nan"), "\ud800", b"bytes", {"a": object()}])
def test_what_has_no_canonical_form_is_refused(bad: object):
    with pytest.raises(ValueError, match=r".+"):
        write_canonical(bad)
