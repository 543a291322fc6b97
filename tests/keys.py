"""Paillier keys for tests, with their factors, so that a test can decrypt and forge."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import gmpy2
from gmpy2 import mpz

from verifier.crypto.paillier import PublicKey


@dataclass(frozen=True)
class SecretKey:
    """A modulus with its factors."""

    P: mpz
    Q: mpz

    @property
    def public(self) -> PublicKey:
        return PublicKey(self.P * self.Q)

    def root(self, x: mpz) -> mpz:
        """The N-th root of x modulo N."""
        N = self.P * self.Q
        return gmpy2.powmod(x, gmpy2.invert(N, (self.P - 1) * (self.Q - 1)), N)

    def decrypt(self, c: mpz) -> mpz:
        """The plaintext of any unit modulo N²."""
        key = self.public
        r = self.root(c % key.N)
        quotient = c * gmpy2.invert(gmpy2.powmod(r, key.N, key.N2), key.N2) % key.N2
        return (quotient - 1) // key.N


def _prime(start: int, bits: int) -> mpz:
    """A Blum prime ≡ 3 mod 4 from a fixed start, so that tests repeat."""
    candidate = mpz(start) | (mpz(3) << (bits - 2))
    while True:
        candidate = gmpy2.next_prime(candidate)
        if candidate % 4 == 3:
            return candidate


@cache
def secret_key(bits: int = 512) -> SecretKey:
    """A key of exactly `bits` bits, the same at each call."""
    half = bits // 2
    return SecretKey(_prime(0x1234567, half), _prime(0x7654321 << 40, half))


@cache
def safe_primes(bits: int) -> tuple[mpz, mpz]:
    """Two safe primes of exactly `bits` bits from fixed starts, so that tests repeat."""
    return _safe_prime(0x1234567, bits), _safe_prime(0x7654321 << 40, bits)


def _safe_prime(start: int, bits: int) -> mpz:
    small = gmpy2.primorial(1 << 12)
    candidate = mpz(start) | (mpz(3) << (bits - 3)) | 1
    while True:
        candidate += 2
        if bits > 64 and gmpy2.gcd(candidate * (2 * candidate + 1), small) != 1:
            continue
        if gmpy2.is_prime(candidate) and gmpy2.is_prime(2 * candidate + 1):
            return 2 * candidate + 1
