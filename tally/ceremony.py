"""The dealer's key ceremony (protocol, section 2): offline, once, and then everything secret is wiped.

The dealer makes N, splits d = N^{−1} mod M among the trustees, and proves to everyone that N is healthy.
"""

from __future__ import annotations

import secrets
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import gmpy2
from gmpy2 import mpz

from tally.primes import safe_prime
from tally.progress import Tested, silent
from verifier.crypto import certificate as cert
from verifier.crypto.certificate import Certificate, LargeFactors
from verifier.crypto.threshold import verification_base
from verifier.record.canonical import encode_bytes, encode_integer
from verifier.record.manifest import MOST_TRUSTEES

POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Dealt:
    """What the ceremony leaves: the public key with its proofs, and a share for each trustee."""

    N: mpz
    verification_keys: tuple[mpz, ...]
    certificate: Certificate
    shares: tuple[mpz, ...] = field(repr=False)
    """s_1 … s_n, secret: each goes to its trustee and nowhere else"""


def deal(bits: int, n: int, t: int, election: bytes, progress: Tested = silent) -> Dealt:
    """Make a key of `bits` bits for n trustees of whom t open; both primes are searched at the same time."""
    P, Q = _two_safe_primes(bits // 2, progress)
    return deal_with(P, Q, n, t, election)


def deal_with(P: mpz, Q: mpz, n: int, t: int, election: bytes) -> Dealt:
    """Shares, verification keys and certificate for the safe primes P = 2P' + 1 and Q = 2Q' + 1.

    d = N^{−1} mod M with M = P'·Q'; f of degree t−1 over Z_M with f(0) = d; s_i = f(i); v_i = v^{s_i} mod N.
    Raises ValueError when 1 ≤ t ≤ n ≤ 20 does not hold.
    """
    if not 1 <= t <= n <= MOST_TRUSTEES:
        raise ValueError(f"{t} of {n} trustees: 1 ≤ t ≤ n ≤ {MOST_TRUSTEES} is needed")
    N, M = P * Q, (P - 1) // 2 * ((Q - 1) // 2)
    coefficients = [gmpy2.invert(N, M), *(mpz(secrets.randbelow(int(M))) for _ in range(t - 1))]
    shares = tuple(sum(c * i**power for power, c in enumerate(coefficients)) % M for i in range(1, n + 1))
    v = verification_base(N)
    keys = tuple(gmpy2.powmod_sec(v, s, N) for s in shares)
    return Dealt(N, keys, _certificate(P, Q, election), shares)


def key_body(dealt: Dealt, election: bytes) -> dict[str, Any]:
    """The body of the key entry."""
    bits = dealt.N.bit_length()
    width = (bits + 7) // 8
    return {
        "election": encode_bytes(election),
        "modulus": encode_integer(dealt.N, width),
        "verification_keys": [encode_integer(key, width) for key in dealt.verification_keys],
        "certificate": cert.certificate_record(dealt.certificate, bits),
    }


# Primes

_tested: Any = None


def _two_safe_primes(bits: int, progress: Tested) -> tuple[mpz, mpz]:
    context = get_context("spawn")
    tested = context.Value("Q", 0)
    with ProcessPoolExecutor(2, context, initializer=_share_counter, initargs=(tested,)) as pool:
        searches = [pool.submit(_search, bits) for _ in range(2)]
        while wait(searches, timeout=POLL_SECONDS).not_done:
            progress(tested.value)
        P, Q = (search.result() for search in searches)
    return (P, Q) if P != Q else _two_safe_primes(bits, progress)


def _share_counter(tested: Any) -> None:
    global _tested
    _tested = tested


def _search(bits: int) -> mpz:
    seen = 0

    def count(tested: int) -> None:
        nonlocal seen
        with _tested.get_lock():
            _tested.value += tested - seen
        seen = tested

    return safe_prime(bits, count)


# Certificate (protocol, 2.4)


def _certificate(P: mpz, Q: mpz, election: bytes) -> Certificate:
    N, M = P * Q, (P - 1) // 2 * ((Q - 1) // 2)
    d = gmpy2.invert(N, 4 * M)
    nth_roots = tuple(gmpy2.powmod_sec(cert.nth_challenge(N, j), d, N) for j in range(cert.NTH_ROOTS))
    square_roots = tuple(_square_root(cert.square_challenge(N, j), P, Q) for j in range(cert.SQUARE_ROOTS))
    return Certificate(nth_roots, square_roots, _large_factors(P, Q, election))


def _square_root(rho: mpz, P: mpz, Q: mpz) -> mpz:
    """The root of whichever of ρ, −ρ is a square that is itself a square: the only one that may ever be published."""
    N, M = P * Q, (P - 1) // 2 * ((Q - 1) // 2)
    square = rho if gmpy2.legendre(rho, P) == 1 else N - rho
    return gmpy2.powmod_sec(square, (M + 1) // 2, N)


def _large_factors(P: mpz, Q: mpz, election: bytes) -> LargeFactors:
    """C = g^P h'^ρ and a proof that g^N = C^Q h'^s, so s = −ρ·Q; g = 2."""
    p, q, h, N = cert.modp(), cert.modp_order(), cert.modp_h(), P * Q
    bound = int(cert.response_bound(N) >> 1)
    rho = mpz(secrets.randbelow(int(q)))
    s = -rho * Q % q
    u_P, u_Q = mpz(secrets.randbelow(bound)), mpz(secrets.randbelow(bound))
    u_rho, u_s = mpz(secrets.randbelow(int(q))), mpz(secrets.randbelow(int(q)))
    power = gmpy2.powmod_sec
    C = power(mpz(2), P, p) * power(h, rho, p) % p
    t_1 = power(mpz(2), u_P, p) * power(h, u_rho, p) % p
    t_2 = power(C, u_Q, p) * power(h, u_s, p) % p
    e = cert.large_factors_challenge(N, election, C, t_1, t_2)
    return LargeFactors(C, t_1, t_2, u_P + e * P, u_Q + e * Q, (u_rho + e * rho) % q, (u_s + e * s) % q)
