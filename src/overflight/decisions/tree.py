"""The Merkle tree of a log: roots, inclusion and consistency proofs, and their checks.

The tree is small to write down and every step of it is fixed by the RFC, so it is written here rather than taken from a library: of the
well-kept ones in Python, one checks inclusion only and keeps that to itself, another is under a licence that this project cannot take.

References
----------
RFC 6962, section 2.1 (hashes, audit paths, consistency proofs); RFC 9162, sections 2.1.3.2 and 2.1.4.2 (how proofs are checked).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of a tree without leaves."""


def hash_leaf(entry: bytes) -> bytes:
    """Hash of an entry as a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Hash of two subtrees together."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree as far as appending to it needs: roots of its complete subtrees, the largest first."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> "Frontier":
        """The tree with one more leaf, given by its hash."""
        peaks, left = list(self.peaks), self.size
        while left & 1:
            leaf = hash_node(peaks.pop(), leaf)
            left >>= 1
        return Frontier(self.size + 1, (*peaks, leaf))

    @property
    def root(self) -> bytes:
        """Root of the tree."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = hash_node(peak, root)
        return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Root of the tree over leaves given by their hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier = frontier.append(leaf)
    return frontier.root


def prove_inclusion(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Audit path of a leaf in the tree over ``leaves``, from the leaf's sibling up."""
    if len(leaves) <= 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*prove_inclusion(index, leaves[:split]), root_of(leaves[split:])]
    return [*prove_inclusion(index - split, leaves[split:]), root_of(leaves[:split])]


def prove_consistency(size: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Proof that the tree over the first ``size`` of ``leaves`` is the beginning of the tree over all of them; empty for none or all."""
    return _subproof(size, leaves, whole=True) if 0 < size < len(leaves) else []


def holds_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether an audit path leads from the leaf at ``index`` to the root of a tree of ``size``."""
    if not 0 <= index < size:
        return False
    node, last, value = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            value = hash_node(step, value)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            value = hash_node(value, step)
        node, last = node >> 1, last >> 1
    return last == 0 and value == root


def holds_consistency(old_size: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether a proof shows that a tree is the beginning of another, larger or equal."""
    if not 0 <= old_size <= size:
        return False
    if old_size in {0, size}:
        return not path and old_root == (EMPTY_ROOT if old_size == 0 else root)
    steps = list(path)
    if old_size & (old_size - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        return False
    node, last = old_size - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = hash_node(step, old), hash_node(step, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = hash_node(new, step)
        node, last = node >> 1, last >> 1
    return last == 0 and (old, new) == (old_root, root)


def _split(size: int) -> int:
    """The largest power of two below the size."""
    return 1 << (size - 1).bit_length() - 1


def _subproof(size: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    if size == len(leaves):
        return [] if whole else [root_of(leaves)]
    split = _split(len(leaves))
    if size <= split:
        return [*_subproof(size, leaves[:split], whole=whole), root_of(leaves[split:])]
    return [*_subproof(size - split, leaves[split:], whole=False), root_of(leaves[:split])]
