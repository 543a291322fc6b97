"""Safe primes: P = 2P' + 1 with P' prime (protocol, 2.1).

A window of candidates P' is sieved for small factors of P' and of 2P' + 1 at once; what is left goes through one
Fermat test each, about one in a thousand survives both, and 40 rounds of Miller–Rabin confirm it.
"""

from __future__ import annotations

import secrets
from functools import cache

import gmpy2
from gmpy2 import mpz

from tally.progress import Tested, silent

WINDOW = 1 << 18
SIEVE_BOUND = 1 << 20
ROUNDS = 40


def safe_prime(bits: int, progress: Tested = silent) -> mpz:
    """A fresh safe prime of exactly `bits` bits whose two top bits are set, so that a product of two has 2·bits."""
    tested = 0
    while True:
        start = mpz(3 << (bits - 3) | secrets.randbits(bits - 3) | 1)
        for candidate in _sieved(start, bits):
            tested += 1
            if tested % 64 == 0:
                progress(tested)
            if _is_safe(candidate):
                return 2 * candidate + 1


def _is_safe(candidate: mpz) -> bool:
    P = 2 * candidate + 1
    return bool(
        gmpy2.powmod(2, candidate - 1, candidate) == 1
        and gmpy2.powmod(2, P - 1, P) == 1
        and gmpy2.is_prime(candidate, ROUNDS)
        and gmpy2.is_prime(P, ROUNDS)
    )


def _sieved(start: mpz, bits: int) -> list[mpz]:
    """start + 2k for 0 ≤ k < WINDOW where neither it nor 2·it + 1 has a prime factor below the bound."""
    left = bytearray(b"\1") * WINDOW
    for r in _small_primes(min(SIEVE_BOUND, 1 << (bits // 2))):
        half, residue = (r + 1) // 2, int(start % r)
        for root in (0, (r - 1) // 2):  # P' = 0, and 2P' + 1 = 0, mod r
            first = (root - residue) * half % r
            left[first::r] = bytes(len(range(first, WINDOW, r)))
    bound = mpz(1) << (bits - 1)
    return [start + 2 * k for k in range(WINDOW) if left[k] and start + 2 * k < bound]


@cache
def _small_primes(bound: int) -> list[int]:
    """The odd primes below `bound`."""
    left = bytearray(b"\1") * bound
    for r in range(3, int(bound**0.5) + 1, 2):
        if left[r]:
            left[r * r :: 2 * r] = bytes(len(range(r * r, bound, 2 * r)))
    return [r for r in range(3, bound, 2) if left[r]]
