"""Strong Fiat–Shamir and hashing to integers (protocol, section 10).

A transcript is SHAKE-256 over typed, length-prefixed items, so that two different sequences of items
never give the same bytes. It starts with the protocol version, the kind of statement and the election.
"""

from __future__ import annotations

import hashlib

from gmpy2 import mpz

from verifier import PROTOCOL

CHALLENGE_BITS = 128  # λ
HIDING_BITS = 128  # κ


def encode(item: object) -> bytes:
    """Encode an integer ≥ 0, a string, bytes or a list of these; injective.

    Raises TypeError for anything else, ValueError for a negative integer.
    """
    if isinstance(item, bytes):
        return b"b" + len(item).to_bytes(8, "big") + item
    if isinstance(item, str):
        text = item.encode()
        return b"s" + len(text).to_bytes(8, "big") + text
    if isinstance(item, list | tuple):
        return b"l" + len(item).to_bytes(8, "big") + b"".join(encode(part) for part in item)
    if isinstance(item, bool) or not isinstance(item, int | mpz):
        raise TypeError(f"cannot hash a {type(item).__name__}")
    if item < 0:
        raise ValueError("cannot hash a negative integer")
    number = int(item)
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return b"i" + len(data).to_bytes(8, "big") + data


class Transcript:
    """A running hash: what has been absorbed determines every later challenge."""

    def __init__(self, kind: str, election: bytes) -> None:
        """`kind` names the statement ("membership", "shuffle" …), `election` is the manifest's 32-byte hash."""
        self._hash = hashlib.shake_256()
        self.absorb(PROTOCOL, kind, election)

    def absorb(self, *items: object) -> None:
        """Add items in order: integers ≥ 0, strings, bytes or lists of these."""
        for item in items:
            self._hash.update(encode(item))

    def _squeeze(self, label: str, length: int) -> bytes:
        self.absorb("challenge", label)
        return self._hash.copy().digest(length)

    def challenge(self, label: str, bits: int = CHALLENGE_BITS) -> mpz:
        """A challenge in [0, 2^bits); `bits` is a multiple of 8."""
        return mpz(int.from_bytes(self._squeeze(label, bits // 8), "big"))

    def challenges(self, label: str, count: int) -> list[mpz]:
        """`count` challenges in [0, 2^λ)."""
        size = CHALLENGE_BITS // 8
        stream = self._squeeze(label, size * count)
        return [mpz(int.from_bytes(stream[i : i + size], "big")) for i in range(0, len(stream), size)]

    def scalar(self, label: str, q: mpz) -> mpz:
        """A challenge in Z_q for a 512-bit q, from 640 bits, so that the bias is below 2^-128."""
        return self.challenge(label, 640) % q


def hash_to_range(bound: mpz, tag: str, *items: object) -> mpz:
    """A value in [1, bound), by rejection from SHAKE-256 over `(PROTOCOL, tag, items)`.

    Every use has its own tag. Raises ValueError when the range is empty.
    """
    if bound < 2:
        raise ValueError("nothing lies in an empty range")
    bits = (bound - 1).bit_length()
    size = (bits + 7) // 8
    seed = encode([PROTOCOL, "hash to range", tag, list(items)])
    attempt = 0
    while True:
        digest = hashlib.shake_256(seed + attempt.to_bytes(8, "big")).digest(size)
        value = mpz(int.from_bytes(digest, "big") >> (8 * size - bits))
        if 0 < value < bound:
            return value
        attempt += 1


def digest(tag: str, *items: object) -> bytes:
    """SHA-256 over `(PROTOCOL, tag, items)`: 32 bytes."""
    return hashlib.sha256(encode([PROTOCOL, tag, list(items)])).digest()
