"""Equations about N-th powers, checked one by one or in a batch (protocol, 3.3).

Every proof about a Paillier ciphertext ends in equations of one shape,

    a · c^e · (1 + k·N) = z^N   (mod N²),

and each is *valid* when it holds on squares: (a · c^e · (1 + k·N))² = z^{2N}.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import NamedTuple

import gmpy2
from gmpy2 import mpz

from verifier.crypto.multiexp import multiexp
from verifier.crypto.paillier import PublicKey

WEIGHT_BITS = 128


class RootEquation(NamedTuple):
    """a · c^e · (1 + k·N) = z^N mod N², with a, c units mod N², e ≥ 0, k in [0, N), z a unit mod N."""

    a: mpz
    c: mpz
    e: mpz
    k: mpz
    z: mpz


class BatchDisagrees(Exception):
    """A batch was rejected although every equation in it holds: the batch checker itself is broken."""


def draw_weight() -> int:
    """A fresh even weight w = 2·random(128 bits)."""
    return 2 * secrets.randbits(WEIGHT_BITS)


def holds(key: PublicKey, equation: RootEquation) -> bool:
    """The single check that decides in a dispute: two powers modulo N²."""
    a, c, e, k, z = equation
    left = a * gmpy2.powmod(c, e, key.N2) * (1 + k * key.N) % key.N2
    right = gmpy2.powmod(z, key.N, key.N2)
    return bool((left * left - right * right) % key.N2 == 0)


def batch_holds(key: PublicKey, equations: Sequence[RootEquation], draw: Callable[[], int] = draw_weight) -> bool:
    """Π (a_i · c_i^{e_i} · (1 + k_i·N))^{w_i} = (Π z_i^{w_i} mod N)^N mod N² for fresh even weights w_i.

    One multi-exponentiation a side and a single N-th power. Sound because Z*_{N²} modulo N-th powers is
    Z_N and the key certificate bounds the factors of N.
    """
    weights = [draw() for _ in equations]
    exponent_of: dict[mpz, mpz] = {}
    plain = mpz(0)
    for (_, c, e, k, _), w in zip(equations, weights, strict=True):
        if e:
            exponent_of[c] = exponent_of.get(c, 0) + e * w
        plain += k * w
    left = multiexp([equation.a for equation in equations], weights, key.N2)
    left = left * multiexp(list(exponent_of), list(exponent_of.values()), key.N2) % key.N2
    left = left * (1 + plain % key.N * key.N) % key.N2
    root = multiexp([equation.z for equation in equations], weights, key.N)
    return bool(left == gmpy2.powmod(root, key.N, key.N2))


def failures(key: PublicKey, equations: Sequence[RootEquation]) -> list[int]:
    """The positions of the equations that do not hold, found by bisection down to single checks.

    Raises BatchDisagrees when a rejected batch contains no equation that fails alone.
    """
    if not equations or batch_holds(key, equations):
        return []
    bad = _bisect(key, equations, 0)
    if not bad:
        raise BatchDisagrees(f"a batch of {len(equations)} equations was rejected, yet each of them holds")
    return bad


def _bisect(key: PublicKey, equations: Sequence[RootEquation], offset: int) -> list[int]:
    if len(equations) == 1:
        return [] if holds(key, equations[0]) else [offset]
    bad: list[int] = []
    middle = len(equations) // 2
    for start, part in ((0, equations[:middle]), (middle, equations[middle:])):
        if not batch_holds(key, part):
            bad += _bisect(key, part, offset + start)
    return bad
