"""The salted roll commitment: a Merkle root over H(tag, index, salt, row) (protocol, section 4).

The roll stays private. Who has it, with the salts, can open every row; the public sees numbers and uniqueness.
"""

from __future__ import annotations

from collections.abc import Iterable

from verifier.crypto.merkle import MerkleTree
from verifier.crypto.transcript import digest

SALT_BYTES = 32


def roll_leaf(index: int, salt: bytes, row: str) -> bytes:
    """H(tag, index, 32-byte salt, row): 32 bytes, the leaf hash of roll row `index`. Raises ValueError."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes")
    return digest("roll row", index, salt, row)


def roll_tree(leaves: Iterable[bytes]) -> MerkleTree:
    """The Merkle tree over the roll's leaves in order of their index."""
    tree = MerkleTree()
    for leaf in leaves:
        tree.append(leaf)
    return tree
