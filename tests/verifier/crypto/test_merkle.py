"""The tree against an oracle written from the text of RFC 6962, section 2.1, and forged proofs against the checks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.crypto.merkle import (
    EMPTY_ROOT,
    MerkleTree,
    consistency_holds,
    inclusion_holds,
    leaf_hash,
    node_hash,
    root_from_inclusion,
)

MOST = 70


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def k_of(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def mth(d: Sequence[bytes]) -> bytes:
    if not d:
        return sha(b"")
    if len(d) == 1:
        return sha(b"\0" + d[0])
    k = k_of(len(d))
    return sha(b"\1" + mth(d[:k]) + mth(d[k:]))


def path(m: int, d: Sequence[bytes]) -> list[bytes]:
    if len(d) == 1:
        return []
    k = k_of(len(d))
    return [*path(m, d[:k]), mth(d[k:])] if m < k else [*path(m - k, d[k:]), mth(d[:k])]


def subproof(m: int, d: Sequence[bytes], b: bool) -> list[bytes]:
    if m == len(d):
        return [] if b else [mth(d)]
    k = k_of(len(d))
    if m <= k:
        return [*subproof(m, d[:k], b), mth(d[k:])]
    return [*subproof(m - k, d[k:], False), mth(d[:k])]


DATA = [bytes([n]) * (n % 5) for n in range(MOST)]
LEAVES = [leaf_hash(data) for data in DATA]
ROOTS = [mth(DATA[:n]) for n in range(MOST + 1)]


@pytest.fixture(scope="module")
def tree() -> MerkleTree:
    return grown(MOST)


def grown(size: int) -> MerkleTree:
    tree = MerkleTree()
    for leaf in LEAVES[:size]:
        tree.append(leaf)
    return tree


def test_known_roots() -> None:
    """SHA-256 of nothing, and the eight leaves of the Certificate Transparency test vectors."""
    assert MerkleTree().root() == EMPTY_ROOT == sha(b"")
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    inputs = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
    tree = MerkleTree()
    for data in inputs:
        tree.append(leaf_hash(bytes.fromhex(data)))
    assert tree.root(1).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert tree.root().hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_every_size_as_it_grows() -> None:
    tree = MerkleTree()
    for n, leaf in enumerate(LEAVES):
        assert (tree.size, tree.root()) == (n, ROOTS[n])
        tree.append(leaf)
    assert [tree.root(n) for n in range(MOST + 1)] == ROOTS


def test_every_inclusion(tree: MerkleTree) -> None:
    for size in range(1, MOST + 1):
        for index in range(size):
            proof = tree.inclusion_path(index, size)
            assert proof == path(index, DATA[:size])
            assert root_from_inclusion(LEAVES[index], index, size, proof) == ROOTS[size]


def test_every_consistency(tree: MerkleTree) -> None:
    for new in range(1, MOST + 1):
        for old in range(1, new + 1):
            proof = tree.consistency_path(old, new)
            assert proof == subproof(old, DATA[:new], True)
            assert consistency_holds(old, new, ROOTS[old], ROOTS[new], proof)


def test_the_empty_tree_is_a_prefix(tree: MerkleTree) -> None:
    assert tree.consistency_path(0, 9) == []
    assert consistency_holds(0, 9, EMPTY_ROOT, ROOTS[9], [])
    assert consistency_holds(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    assert not consistency_holds(0, 9, ROOTS[1], ROOTS[9], [])
    assert not consistency_holds(0, 9, EMPTY_ROOT, ROOTS[9], [ROOTS[1]])
    assert not consistency_holds(0, 0, EMPTY_ROOT, ROOTS[1], [])


@given(st.integers(1, MOST), st.data())
def test_another_index_size_leaf_or_path_does_not_hold(size: int, draw: st.DataObject) -> None:
    index = draw.draw(st.integers(0, size - 1))
    proof = grown(size).inclusion_path(index, size)
    root, leaf = ROOTS[size], LEAVES[index]
    for other in range(-1, size + 2):
        assert inclusion_holds(leaf, other, size, proof, root) == (other == index)
    assert not inclusion_holds(LEAVES[index - 1] if size > 1 else bytes(32), index, size, proof, root)
    assert not inclusion_holds(leaf, index, size, [*proof, bytes(32)], root)
    assert not inclusion_holds(leaf, index, size, [leaf, *proof], root)
    assert not inclusion_holds(leaf, index, size, proof, ROOTS[size - 1])
    for at in range(len(proof)):
        assert not inclusion_holds(leaf, index, size, proof[:at] + proof[at + 1 :], root)
        assert not inclusion_holds(leaf, index, size, [*proof[:at], proof[at][:31], *proof[at + 1 :]], root)
        assert not inclusion_holds(leaf, index, size, [*proof[:at], bytes(32), *proof[at + 1 :]], root)


@given(st.integers(2, MOST), st.data())
def test_another_history_is_not_consistent(new: int, draw: st.DataObject) -> None:
    old = draw.draw(st.integers(1, new - 1))
    proof = grown(new).consistency_path(old, new)
    forked = mth([b"another", *DATA[1:old]])
    assert not consistency_holds(old, new, forked, ROOTS[new], proof)
    assert not consistency_holds(old, new, ROOTS[old], mth([*DATA[: new - 1], b"another"]), proof)
    assert not consistency_holds(new, old, ROOTS[new], ROOTS[old], proof)
    assert not consistency_holds(old, new, ROOTS[old], ROOTS[new], [*proof, bytes(32)])
    assert not consistency_holds(old, new, ROOTS[old], ROOTS[new], [])
    for at in range(len(proof)):
        assert not consistency_holds(old, new, ROOTS[old], ROOTS[new], proof[:at] + proof[at + 1 :])
        assert not consistency_holds(old, new, ROOTS[old], ROOTS[new], [*proof[:at], bytes(32), *proof[at + 1 :]])


def test_the_same_size_is_the_same_root() -> None:
    assert consistency_holds(5, 5, ROOTS[5], ROOTS[5], [])
    assert not consistency_holds(5, 5, ROOTS[5], ROOTS[4], [])
    assert not consistency_holds(5, 5, ROOTS[5], ROOTS[5], [bytes(32)])


def test_a_node_is_no_leaf() -> None:
    """Without the prefixes the two halves of a tree would pass for one entry."""
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != node_hash(LEAVES[0], LEAVES[1]) == ROOTS[2]


def test_the_last_leaf_twice_is_another_tree() -> None:
    """CVE-2012-2459: a tree that pads with its last leaf has the same root with and without a copy of it."""
    tree = grown(3)
    tree.append(LEAVES[2])
    assert tree.root() != ROOTS[3]


def test_what_is_asked_wrongly(tree: MerkleTree) -> None:
    for ask in (
        lambda: tree.root(MOST + 1),
        lambda: tree.root(-1),
        lambda: tree.inclusion_path(3, 3),
        lambda: tree.inclusion_path(-1, 3),
        lambda: tree.inclusion_path(0, MOST + 1),
        lambda: tree.consistency_path(4, 3),
        lambda: tree.consistency_path(1, MOST + 1),
        lambda: tree.append(b"data"),
    ):
        with pytest.raises(ValueError, match="leaf|leaves"):
            ask()
