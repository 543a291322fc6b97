"""Paillier's cryptosystem, public side (protocol, section 1): E(m; r) = (1 + m·N) · r^N mod N²."""

from __future__ import annotations

from dataclasses import dataclass, field

import gmpy2
from gmpy2 import mpz

from verifier.crypto.transcript import hash_to_range


@dataclass(frozen=True)
class PublicKey:
    """A Paillier modulus and what is derived from it."""

    N: mpz
    N2: mpz = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "N", mpz(self.N))
        object.__setattr__(self, "N2", self.N * self.N)

    @property
    def bits(self) -> int:
        """|N|."""
        return int(self.N.bit_length())

    @property
    def h(self) -> mpz:
        """h_N: a square hashed from N, the base of short-exponent randomness (protocol, 3.4)."""
        root = hash_to_range(self.N, "randomness base", self.N)
        return root * root % self.N

    def encrypt(self, m: mpz, r: mpz) -> mpz:
        """E(m; r) for m in [0, N) and a unit r mod N: one power modulo N²."""
        return (1 + m * self.N) * gmpy2.powmod(r, self.N, self.N2) % self.N2

    def is_element(self, x: mpz) -> bool:
        """Is x in [1, N) and coprime to N?"""
        return bool(0 < x < self.N and gmpy2.gcd(x, self.N) == 1)

    def without_sign(self, c: mpz) -> mpz:
        """min(c, N² − c): the form in which copies of a ciphertext are found (protocol, section 1)."""
        return min(c, self.N2 - c)
