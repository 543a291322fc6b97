"""The randomness of a ballot's ciphertexts, expanded from one 32-byte ballot seed (protocol, 3.4)."""

from __future__ import annotations

import hashlib

import gmpy2
from gmpy2 import mpz

from verifier import PROTOCOL
from verifier.crypto.paillier import PublicKey
from verifier.crypto.transcript import encode

SEED_BYTES = 32


def exponent_bits(key: PublicKey) -> int:
    """|N|/2 + 64: short exponents of a square are as good as uniform ones (Goldreich–Rosen)."""
    return key.bits // 2 + 64


def exponent(key: PublicKey, seed: bytes, contest: str, position: int) -> mpz:
    """α in [0, 2^(|N|/2 + 64)) for the ciphertext at `position` of `contest`."""
    bits = exponent_bits(key)
    size = (bits + 7) // 8
    data = hashlib.shake_256(encode([PROTOCOL, "ballot randomness", seed, contest, position])).digest(size)
    return mpz(int.from_bytes(data, "big") >> (8 * size - bits))


def randomness(key: PublicKey, seed: bytes, contest: str, position: int) -> mpz:
    """r = h_N^α mod N: one power with a short exponent."""
    return gmpy2.powmod(key.h, exponent(key, seed, contest, position), key.N)


def plaintext(key: PublicKey, c: mpz, r: mpz) -> mpz | None:
    """m = ((c·r^{−N} mod N²) − 1)/N, or None when r is not the randomness of c.

    The division must be exact: a floor division would accept any r (protocol, section 9).
    """
    quotient = c * gmpy2.invert(gmpy2.powmod(r, key.N, key.N2), key.N2) % key.N2
    if quotient % key.N != 1:
        return None
    return (quotient - 1) // key.N
