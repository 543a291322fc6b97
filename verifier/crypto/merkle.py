"""The Merkle tree of the board: RFC 6962, section 2.1, with SHA-256.

    MTH({}) = SHA-256()
    MTH({d}) = SHA-256(0x00 ‖ d)
    MTH(D[n]) = SHA-256(0x01 ‖ MTH(D[0:k]) ‖ MTH(D[k:n])), k the largest power of two below n

The two prefixes keep a leaf from passing for a node. All hashes here are 32 bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 ‖ d)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class MerkleTree:
    """A tree that only grows. It keeps every complete subtree's hash: about 64 bytes for each leaf."""

    def __init__(self) -> None:
        self._levels: list[bytearray] = [bytearray()]  # level j: the hashes of D[i·2^j : (i+1)·2^j]

    @property
    def size(self) -> int:
        """Leaves."""
        return len(self._levels[0]) // HASH_BYTES

    def append(self, leaf: bytes) -> None:
        """Add a leaf by its `leaf_hash`; O(1) hashes on average. Raises ValueError when it is not 32 bytes."""
        if len(leaf) != HASH_BYTES:
            raise ValueError("a leaf hash is 32 bytes")
        level, node = 0, leaf
        while True:
            hashes = self._levels[level]
            hashes += node
            if len(hashes) // HASH_BYTES % 2:
                return
            node = hashlib.sha256(b"\x01" + hashes[-2 * HASH_BYTES :]).digest()
            level += 1
            if level == len(self._levels):
                self._levels.append(bytearray())

    def root(self, size: int | None = None) -> bytes:
        """The root of the first `size` leaves, of all by default. Raises ValueError when there are fewer."""
        size = self.size if size is None else size
        if not 0 <= size <= self.size:
            raise ValueError(f"no tree of {size} leaves in one of {self.size}")
        return self._hash(0, size) if size else EMPTY_ROOT

    def inclusion_path(self, index: int, size: int) -> list[bytes]:
        """PATH(index, D[size]) of RFC 6962, 2.1.1. Raises ValueError unless 0 ≤ index < size ≤ self.size."""
        if not 0 <= index < size <= self.size:
            raise ValueError(f"no leaf {index} in a tree of {size} leaves")
        path, start, end = [], 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._hash(middle, end))
                end = middle
            else:
                path.append(self._hash(start, middle))
                start = middle
        return path[::-1]

    def consistency_path(self, old: int, new: int) -> list[bytes]:
        """PROOF(old, D[new]) of RFC 6962, 2.1.2; empty when old is 0. Raises ValueError unless old ≤ new ≤ size."""
        if not 0 <= old <= new <= self.size:
            raise ValueError(f"no way from {old} to {new} leaves in a tree of {self.size}")
        if old == 0:
            return []
        path, start, end = [], 0, new
        while end != old:
            middle = start + _split(end - start)
            if old <= middle:
                path.append(self._hash(middle, end))
                end = middle
            else:
                path.append(self._hash(start, middle))
                start = middle
        if start:  # otherwise the old root itself, which the verifier has
            path.append(self._hash(start, end))
        return path[::-1]

    def _hash(self, start: int, end: int) -> bytes:
        """MTH(D[start:end]) for a subtree of the tree, so that `start` is a multiple of its left part."""
        size = end - start
        if size & (size - 1) == 0:
            level = size.bit_length() - 1
            offset = (start >> level) * HASH_BYTES
            return bytes(self._levels[level][offset : offset + HASH_BYTES])
        middle = start + _split(size)
        return node_hash(self._hash(start, middle), self._hash(middle, end))


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that an inclusion path leads to; None when it cannot be one of leaf `index` in `size` leaves.

    RFC 9162, 2.1.3.2. `leaf` is the leaf's hash.
    """
    if not 0 <= index < size or not _are_hashes(leaf, *path):
        return None
    fn, sn, r = index, size - 1, leaf
    for p in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    return r if sn == 0 else None


def inclusion_holds(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Does `path` show that leaf `index` of the tree with `size` leaves and this root has the hash `leaf`?"""
    return root_from_inclusion(leaf, index, size, path) == root


def consistency_holds(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Does `path` show that the tree of `old` leaves is a prefix of the tree of `new`? (RFC 9162, 2.1.4.2)

    The empty tree is a prefix of every tree, shown by an empty path.
    """
    if not 0 <= old <= new or not _are_hashes(old_root, new_root, *path):
        return False
    if old == 0:
        return not path and old_root == EMPTY_ROOT and (new > 0 or new_root == EMPTY_ROOT)
    if old == new:
        return not path and old_root == new_root
    proof = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if len(proof) < 2:
        return False
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for c in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == new_root


def _split(n: int) -> int:
    """k, the largest power of two below n ≥ 2."""
    return 1 << ((n - 1).bit_length() - 1)


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_BYTES for value in values)
