"""The key certificate: why nobody needs to trust the dealer about N (protocol, 2.4).

*One plaintext per ciphertext*: N-th roots of hashed values (Goldberg, Reyzin, Sagga, Baldimtsi 2019). *Two prime
factors*: square roots of hashed values (van de Graaf, Peralta 1987). *Both large*: a proof in the 6144-bit group of
RFC 3526 that the committed factors multiply to N with bounded responses.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import gmpy2
from gmpy2 import mpz

from verifier.crypto.paillier import PublicKey
from verifier.crypto.transcript import CHALLENGE_BITS, HIDING_BITS, Transcript, hash_to_range
from verifier.record.canonical import encode_integer
from verifier.record.schema import list_of, number, record, shape

NTH_ROOTS, SQUARE_ROOTS = 8, 128
SMALL_FACTORS = 1 << 16
FIXED_BASES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
MODP_BYTES = 768


@dataclass(frozen=True)
class LargeFactors:
    """C = g^P h'^ρ and the proof that g^N = C^Q h'^s with P and Q of bounded size."""

    C: mpz
    t_1: mpz
    t_2: mpz
    z_P: mpz
    z_Q: mpz
    z_rho: mpz
    z_s: mpz


@dataclass(frozen=True)
class Certificate:
    """What the dealer publishes about N."""

    nth_roots: tuple[mpz, ...]
    """σ_j with σ_j^N = ρ_j mod N"""
    square_roots: tuple[mpz, ...]
    """the square root, itself a square, of whichever of ρ_j, −ρ_j is a square mod N"""
    large_factors: LargeFactors


# The group of RFC 3526, section 7


@cache
def modp() -> mpz:
    """The 6144-bit safe prime 2^6144 − 2^6080 − 1 + 2^64·(⌊2^6014·π⌋ + 929484)."""
    with gmpy2.context(gmpy2.get_context(), precision=6400):
        pi = mpz(gmpy2.floor(gmpy2.mul_2exp(gmpy2.const_pi(), 6014)))
    return (mpz(1) << 6144) - (mpz(1) << 6080) - 1 + (mpz(1) << 64) * (pi + 929484)


def modp_order() -> mpz:
    """q', the prime order of the squares."""
    return (modp() - 1) // 2


@cache
def modp_h() -> mpz:
    """h', hashed to a square; nobody knows its logarithm to g = 2."""
    root = hash_to_range(modp(), "certificate generator")
    return root * root % modp()


def _is_square(x: mpz) -> bool:
    """x is in the group of order q': for a safe prime, the values of Legendre symbol 1."""
    return bool(0 < x < modp() and gmpy2.legendre(x, modp()) == 1)


# Hashed values


def nth_challenge(N: mpz, j: int) -> mpz:
    """ρ_j in [1, N), whose N-th root is published."""
    return hash_to_range(N, "nth root challenge", N, j)


def square_challenge(N: mpz, j: int) -> mpz:
    """ρ_j in [1, N) of Jacobi symbol +1: the first of a hashed sequence."""
    attempt = 0
    while gmpy2.jacobi(rho := hash_to_range(N, "square root challenge", N, j, attempt), N) != 1:
        attempt += 1
    return rho


def response_bound(N: mpz) -> mpz:
    """2^(|N|/2 + 257): where z_P and z_Q lie."""
    return mpz(1) << (N.bit_length() // 2 + CHALLENGE_BITS + HIDING_BITS + 1)


def large_factors_challenge(N: mpz, election: bytes, C: mpz, t_1: mpz, t_2: mpz) -> mpz:
    """e in [0, 2^λ) over the whole statement and both commitments."""
    transcript = Transcript("large factors", election)
    transcript.absorb(modp(), 2, modp_h(), N, C, t_1, t_2)
    return transcript.challenge("e")


# Checks


def key_problem(N: mpz, bits: int) -> str | None:
    """Why N cannot be a modulus of so many bits, or None: odd, exact length, no factor below 2^16, composite.

    Miller–Rabin with the fixed bases 2 … 37, so that the verdict is the same everywhere.
    """
    if N.bit_length() != bits:
        return f"the modulus has {N.bit_length()} bits, not {bits}"
    if N % 2 == 0:
        return "the modulus is even"
    if gmpy2.gcd(N, gmpy2.primorial(SMALL_FACTORS)) != 1:
        return "the modulus has a prime factor below 2^16"
    if gmpy2.is_power(N):
        return "the modulus is a perfect power"
    if all(gmpy2.is_strong_prp(N, base) for base in FIXED_BASES):
        return "the modulus is a prime number"
    return None


def nth_roots_hold(N: mpz, certificate: Certificate) -> bool:
    """σ_j^N = ρ_j mod N (on squares) for 8 hashed values: gcd(N, φ(N)) = 1, so a ciphertext has one plaintext."""
    key = PublicKey(N)
    return len(certificate.nth_roots) == NTH_ROOTS and all(
        key.is_element(sigma) and gmpy2.powmod(sigma, 2 * N, N) == nth_challenge(N, j) ** 2 % N
        for j, sigma in enumerate(certificate.nth_roots)
    )


def square_roots_hold(N: mpz, certificate: Certificate) -> bool:
    """σ_j² = ±ρ_j mod N for 128 hashed values of Jacobi symbol +1: at most two prime factors.

    Of the four roots only ±σ have Jacobi symbol +1. Another one is refused: with the first it would factor N.
    """
    return len(certificate.square_roots) == SQUARE_ROOTS and all(
        0 < sigma < N
        and gmpy2.jacobi(sigma, N) == 1
        and sigma * sigma % N in ((rho := square_challenge(N, j)), N - rho)
        for j, sigma in enumerate(certificate.square_roots)
    )


def factors_large_hold(N: mpz, election: bytes, certificate: Certificate) -> bool:
    """g^{z_P} h'^{z_ρ} = t_1·C^e and C^{z_Q} h'^{z_s} = t_2·g^{N·e}, with z_P, z_Q in [0, 2^{|N|/2+257}).

    Two transcripts give N·Δe² = Δz_P·Δz_Q over the integers: no factor is below 2^{|N|/2−258}.
    """
    part = certificate.large_factors
    p, q, h = modp(), modp_order(), modp_h()
    if not all(map(_is_square, (part.C, part.t_1, part.t_2))):
        return False
    if max(part.z_P, part.z_Q) >= response_bound(N) or max(part.z_rho, part.z_s) >= q:
        return False
    e = large_factors_challenge(N, election, part.C, part.t_1, part.t_2)
    power = gmpy2.powmod
    left_1 = power(2, part.z_P, p) * power(h, part.z_rho, p) % p
    left_2 = power(part.C, part.z_Q, p) * power(h, part.z_s, p) % p
    return bool(left_1 == part.t_1 * power(part.C, e, p) % p and left_2 == part.t_2 * power(2, N * e % q, p) % p)


# The wire form


def _response_bytes(bits: int) -> int:
    """z_P and z_Q have |N|/2 + 257 bits."""
    return (bits // 2 + CHALLENGE_BITS + HIDING_BITS + 1 + 7) // 8


def certificate_from_record(value: Any, where: str, bits: int) -> Certificate:
    """The shape of a certificate for a modulus of `bits` bits. Raises NotCanonical or BadInteger."""
    element, modp_element, response = number((bits + 7) // 8), number(MODP_BYTES), number(_response_bytes(bits))
    large = shape(
        C=modp_element,
        t_1=modp_element,
        t_2=modp_element,
        z_P=response,
        z_Q=response,
        z_rho=modp_element,
        z_s=modp_element,
    )
    fields = record(
        value,
        where,
        nth_roots=list_of(element, NTH_ROOTS, NTH_ROOTS),
        square_roots=list_of(element, SQUARE_ROOTS, SQUARE_ROOTS),
        large_factors=large,
    )
    return Certificate(**{**fields, "large_factors": LargeFactors(**fields["large_factors"])})


def certificate_record(certificate: Certificate, bits: int) -> dict[str, Any]:
    """The wire form of a certificate."""
    width, response, part = (bits + 7) // 8, _response_bytes(bits), certificate.large_factors
    return {
        "nth_roots": [encode_integer(root, width) for root in certificate.nth_roots],
        "square_roots": [encode_integer(root, width) for root in certificate.square_roots],
        "large_factors": {
            **{name: encode_integer(getattr(part, name), MODP_BYTES) for name in ("C", "t_1", "t_2", "z_rho", "z_s")},
            **{name: encode_integer(getattr(part, name), response) for name in ("z_P", "z_Q")},
        },
    }
