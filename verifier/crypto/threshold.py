"""Threshold N-th roots: verification keys, partial roots and their combination (protocol, sections 2.3 and 7).

The proof of partial roots is Shoup's (*Practical Threshold Signatures*, 2000), one for a whole batch of elements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import factorial
from typing import Any

import gmpy2
from gmpy2 import mpz

from verifier.crypto.equation import draw_weight
from verifier.crypto.multiexp import multiexp
from verifier.crypto.transcript import CHALLENGE_BITS, Transcript, hash_to_range
from verifier.errors import NotCanonical
from verifier.record.canonical import encode_integer
from verifier.record.column import write_column
from verifier.record.schema import anything, number, record

ReadColumn = Callable[[Any, int], list[mpz]]
"""(wire form, bytes of each integer) → the integers of a column"""


@dataclass(frozen=True)
class PartialRoots:
    """What one trustee publishes for everything that is opened."""

    index: int
    """the trustee, 1 … n"""
    roots: list[mpz]
    """u_k = x_k^{2D·s_i} mod N"""
    a_1: mpz
    a_2: mpz
    z: mpz
    """k + e·s_i, an integer in [0, 2^{|N|+2λ+1})"""


def verification_base(N: mpz) -> mpz:
    """v: the square of a value hashed from N."""
    root = hash_to_range(N, "verification base", N)
    return root * root % N


def response_bits(N_bits: int) -> int:
    """|N| + 2λ + 1."""
    return N_bits + 2 * CHALLENGE_BITS + 1


def lagrange_at_zero(T: Sequence[int], j: int, n: int) -> int:
    """ℓ_j = D·Π_{k∈T, k≠j} k/(k−j) with D = n!: an integer."""
    above, below = factorial(n), 1
    for k in T:
        if k != j:
            above, below = above * k, below * (k - j)
    return above // below


def _lagrange_at(T: Sequence[int], j: int, at: int, n: int) -> int:
    """D·Π_{l∈T, l≠j} (at−l)/(j−l): an integer."""
    above, below = factorial(n), 1
    for other in T:
        if other != j:
            above, below = above * (at - other), below * (j - other)
    return above // below


def _product(bases: Iterable[mpz], exponents: Iterable[int], N: mpz) -> mpz:
    """Π b^e mod N; exponents may be negative."""
    product = mpz(1)
    for base, e in zip(bases, exponents, strict=True):
        product = product * gmpy2.powmod(base, e, N) % N
    return product


def verification_keys_hold(N: mpz, n: int, t: int, keys: Sequence[mpz]) -> bool:
    """v_1 … v_n lie on one polynomial of degree t−1 whose value at 0 is d = N^{−1}, with T = {1 … t}, D = n!:

    (Π_{j∈T} v_j^{2ℓ_j})^N = v^{2D}, and for each k > t: Π_{j∈T} v_j^{D·Π_{l∈T,l≠j}(k−l)/(j−l)} = v_k^D, mod N.
    """
    if len(keys) != n or not 1 <= t <= n or any(not 0 < key < N or gmpy2.gcd(key, N) != 1 for key in keys):
        return False
    T, D = range(1, t + 1), factorial(n)
    at_zero = _product(keys[:t], [2 * lagrange_at_zero(T, j, n) for j in T], N)
    if gmpy2.powmod(at_zero, N, N) != gmpy2.powmod(verification_base(N), 2 * D, N):
        return False
    return all(
        _product(keys[:t], [_lagrange_at(T, j, k, n) for j in T], N) == gmpy2.powmod(keys[k - 1], D, N)
        for k in range(t + 1, n + 1)
    )


class Challenge:
    """The transcript of one trustee's proof: first the weights ω_k, then e."""

    def __init__(
        self, election: bytes, N: mpz, n: int, t: int, v_i: mpz, i: int, xs: Sequence[mpz], us: Sequence[mpz]
    ) -> None:
        self._transcript = Transcript("partial roots", election)
        self._transcript.absorb(N, n, t, verification_base(N), v_i, i, list(xs), list(us))
        self.weights = self._transcript.challenges("weights", len(xs))

    def e(self, a_1: mpz, a_2: mpz) -> mpz:
        """e = H(N, n, t, v, v_i, i, all x, all u_i, a_1, a_2) in [0, 2^λ)."""
        self._transcript.absorb(a_1, a_2)
        return self._transcript.challenge("e")


def share_proven(
    election: bytes, N: mpz, n: int, t: int, keys: Sequence[mpz], xs: Sequence[mpz], proof: PartialRoots
) -> bool:
    """v^z = a_1·v_i^e and x*^{4D·z} = a_2·u*^{2e}, where x* = Π x_k^{ω_k} and u* = Π u_k^{ω_k}, mod N.

    Ranges are checked by V4.10 and V4.11. Two multi-exponentiations mod N with exponents of 128 bits.
    """
    i, D, v_i = proof.index, factorial(n), keys[proof.index - 1]
    challenge = Challenge(election, N, n, t, v_i, i, xs, proof.roots)
    x_star = multiexp(xs, challenge.weights, N)
    u_star = multiexp(proof.roots, challenge.weights, N)
    e = challenge.e(proof.a_1, proof.a_2)
    power = gmpy2.powmod
    return bool(
        power(verification_base(N), proof.z, N) == proof.a_1 * power(v_i, e, N) % N
        and power(x_star, 4 * D * proof.z, N) == proof.a_2 * power(u_star, 2 * e, N) % N
    )


def combine(N: mpz, n: int, xs: Sequence[mpz], partials: Mapping[int, Sequence[mpz]]) -> list[mpz]:
    """r with r^N = x for each x, from the partial roots of any t trustees by index (one power mod N for each).

    W = Π u_j^{2ℓ_j} = x^{4D²·d}; with α·4D² + β·N = 1: r = W^α·x^β mod N.
    """
    T = sorted(partials)
    exponents = [2 * lagrange_at_zero(T, j, n) for j in T]
    _, alpha, beta = gmpy2.gcdext(mpz(4 * factorial(n) ** 2), N)
    roots = []
    for x, us in zip(xs, zip(*(partials[j] for j in T), strict=True), strict=True):
        W = _product(us, exponents, N)
        roots.append(gmpy2.powmod(W, alpha, N) * gmpy2.powmod(x, beta, N) % N)
    return roots


def combination_holds(
    N: mpz, n: int, xs: Sequence[mpz], partials: Mapping[int, PartialRoots], roots: Sequence[mpz]
) -> bool:
    """The partial roots combine to the published roots, up to the sign.

    Combining is a homomorphism, so with fresh even weights one combination of products stands for all.
    """
    weights = [draw_weight() for _ in xs]
    x_star = multiexp(xs, weights, N)
    u_star = {j: [multiexp(partial.roots, weights, N)] for j, partial in partials.items()}
    return bool(combine(N, n, [x_star], u_star) == [multiexp(roots, weights, N)])


def to_record(proof: PartialRoots, bits: int) -> tuple[dict[str, Any], dict[bytes, bytes]]:
    """The wire form, and the column that it names."""
    width = (bits + 7) // 8
    column, data = write_column(proof.roots, width)
    wire = {
        "roots": column.to_record(),
        "a_1": encode_integer(proof.a_1, width),
        "a_2": encode_integer(proof.a_2, width),
        "z": encode_integer(proof.z, (response_bits(bits) + 7) // 8),
    }
    return wire, {column.digest: data}


def from_record(wire: Any, read_column: ReadColumn, trustee: int, count: int, bits: int) -> PartialRoots:
    """The partial roots of `count` elements by `trustee`. Raises NotCanonical or BadInteger."""
    width = (bits + 7) // 8
    fields = record(
        wire,
        "proof",
        roots=anything,
        a_1=number(width),
        a_2=number(width),
        z=number((response_bits(bits) + 7) // 8),
    )
    roots = read_column(fields["roots"], width)
    if len(roots) != count:
        raise NotCanonical(f"proof, roots: {len(roots)} rows where {count} were expected")
    return PartialRoots(trustee, roots, fields["a_1"], fields["a_2"], fields["z"])
