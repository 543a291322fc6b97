"""The mixer: re-encrypts and permutes a list, and proves it (protocol, section 5).

Cost for n rows of one column, in multiplications: (|N|/2 + 64)/8 + 2 mod N² a row to re-encrypt from a table, about 52
for F, and six vector commitments mod p, about 95 a row for each of U, V and W, 70 for M, 25 for B, 3 for A.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import gmpy2
from gmpy2 import mpz

from tally.fixed_base import FixedBase
from tally.progress import Steps, silent
from verifier.crypto.group import GROUP
from verifier.crypto.multiexp import Parallel, parallel_multiexp
from verifier.crypto.paillier import PublicKey
from verifier.crypto.seed import exponent_bits
from verifier.crypto.shuffle import MASK_BITS, Proof, ShuffleTranscript, Statement, commit, row_count
from verifier.crypto.transcript import hash_to_range
from verifier.workers import InProcess

PART = 512
"""rows that are re-encrypted as one piece of work: a second or two"""


class Rho(NamedTuple):
    """ρ = h_N^α · y^b · (−1)^{b'}, by its exponents."""

    alpha: mpz
    b: int
    sign: int


class MixerRandomness:
    """Draws ρ = h_N^α · y^b · (−1)^{b'}, which covers every coset of the squares.

    With squares alone, one Jacobi symbol would tag a coerced ballot through the whole mix (protocol, 3.4). Only ρ^N and
    products of powers of ρ are ever needed, so ρ stays in its exponents.
    """

    def __init__(self, key: PublicKey) -> None:
        self._key, self._bits = key, exponent_bits(key)
        self._h_power = FixedBase(gmpy2.powmod(key.h, key.N, key.N2), key.N2, self._bits)
        self._y = non_residue(key)
        self._y_power = gmpy2.powmod(self._y, key.N, key.N2)

    def draw(self) -> tuple[Rho, mpz]:
        """(ρ, ρ^N mod N²) for a fresh ρ."""
        key, rho = self._key, Rho(mpz(secrets.randbits(self._bits)), secrets.randbits(1), secrets.randbits(1))
        power = self._h_power.pow(rho.alpha)
        if rho.b:
            power = power * self._y_power % key.N2
        return rho, key.N2 - power if rho.sign else power

    def product(self, rhos: Sequence[Rho], exponents: Sequence[mpz]) -> mpz:
        """Π ρ_i^{e_i} mod N."""
        key, pairs = self._key, list(zip(rhos, exponents, strict=True))
        alpha = sum((rho.alpha * e for rho, e in pairs), mpz(0))
        b = sum((e for rho, e in pairs if rho.b), mpz(0))
        sign = sum(int(e) & 1 for rho, e in pairs if rho.sign) & 1
        product = gmpy2.powmod(key.h, alpha, key.N) * gmpy2.powmod(self._y, b, key.N) % key.N
        return key.N - product if sign else product


def non_residue(key: PublicKey) -> mpz:
    """y: the first hashed value of Jacobi symbol −1."""
    attempt = 0
    while gmpy2.jacobi(y := hash_to_range(key.N, "mixer randomness", key.N, attempt), key.N) != -1:
        attempt += 1
    return y


@dataclass(frozen=True)
class Shuffled:
    """A shuffled list and what makes it so. The secrets live no longer than the proof takes."""

    outputs: list[list[mpz]]
    """C_i = c_{π(i)}·E(0; ρ_i), by column"""
    permutation: list[int] = field(repr=False)
    """π(i) for i = 1 … n, counted from 1"""
    rho: list[list[Rho]] = field(repr=False)
    """ρ_i, by column"""
    randomness: MixerRandomness = field(repr=False)


def shuffle(
    key: PublicKey, columns: Sequence[Sequence[mpz]], progress: Steps = silent, workers: Parallel | None = None
) -> Shuffled:
    """A fresh permutation and re-encryption of the rows. Whoever the `workers` are, they learn both."""
    n, width = len(columns[0]), len(columns)
    permutation = list(range(1, n + 1))
    secrets.SystemRandom().shuffle(permutation)
    parts = [
        (key, [column[source - 1] for source in permutation[start : start + PART]])
        for column in columns
        for start in range(0, n, PART)
    ]
    mixed: list[mpz] = []
    rho: list[Rho] = []
    for outputs, drawn in (workers or InProcess()).map(re_encrypt, parts):
        mixed += outputs
        rho += drawn
        progress(len(mixed), width * n)
    cuts = [slice(start, start + n) for start in range(0, width * n, n)]
    return Shuffled([mixed[cut] for cut in cuts], permutation, [rho[cut] for cut in cuts], randomness_of(key))


@lru_cache(maxsize=1)
def randomness_of(key: PublicKey) -> MixerRandomness:
    """The table of powers, made once in each process."""
    return MixerRandomness(key)


def re_encrypt(part: tuple[PublicKey, Sequence[mpz]]) -> tuple[list[mpz], list[Rho]]:
    """(c·E(0; ρ), ρ) for each c, with a fresh ρ."""
    key, ciphertexts = part
    drawn = [randomness_of(key).draw() for _ in ciphertexts]
    return [c * power % key.N2 for c, (_, power) in zip(ciphertexts, drawn, strict=True)], [rho for rho, _ in drawn]


def prove(statement: Statement, shuffled: Shuffled, workers: Parallel | None = None) -> Proof:
    """The argument of protocol section 5 for n ≥ 1 rows, with its letters and in its order."""
    workers = workers or InProcess()
    key, n, q = statement.key, statement.n, GROUP.q
    transcript = ShuffleTranscript(statement)
    pi = [mpz(source) for source in shuffled.permutation]
    rows, steps = row_count(n), row_count(n - 1)

    r_A = _scalars(rows)
    (A,) = commit([(pi, r_A)], workers)
    tau = transcript.tau(A)
    permuted = [tau[source - 1] for source in shuffled.permutation]

    r_B, r_M = _scalars(rows), _scalars(rows)
    mu = [mpz(secrets.randbits(MASK_BITS)) for _ in range(n)]
    B, M = commit([(permuted, r_B), (mu, r_M)], workers)
    masks = [shuffled.randomness.draw() for _ in statement.outputs]
    F = [
        power * parallel_multiexp(C, mu, key.N2, workers) % key.N2
        for C, (_, power) in zip(statement.outputs, masks, strict=True)
    ]
    y, zeta = transcript.y_zeta(B, M, F)

    a = [(y * source + t - zeta) % q for source, t in zip(pi, permuted, strict=True)]
    b = _running_products(a)
    beta = _scalars(n)
    gamma = [beta[0], *_scalars(n - 2), mpz(0)] if n > 1 else [mpz(0)]
    if n == 1:
        beta = [mpz(0)]
    r_U, r_V, r_W = _scalars(rows), _scalars(steps), _scalars(steps)
    v = [-g * next_beta % q for g, next_beta in zip(gamma, beta[1:], strict=False)]
    w = [
        (next_gamma - next_a * g - b_i * next_beta) % q
        for (g, next_gamma), next_a, b_i, next_beta in zip(pairwise(gamma), a[1:], b, beta[1:], strict=False)
    ]
    U, V, W = commit([(beta, r_U), (v, r_V), (w, r_W)], workers)
    x = transcript.x(U, V, W)
    product = shuffled.randomness.product

    return Proof(
        A, B, M, U, V, W, F,
        f=[x * t + m for t, m in zip(permuted, mu, strict=True)],
        a=[(x * value + mask) % q for value, mask in zip(a, beta, strict=True)],
        b=[(x * value + mask) % q for value, mask in zip(b, gamma, strict=True)],
        r_f=[(x * r + s) % q for r, s in zip(r_B, r_M, strict=True)],
        r_a=[(x * (y * r + s) + u) % q for r, s, u in zip(r_A, r_B, r_U, strict=True)],
        r_w=[(x * r + s) % q for r, s in zip(r_W, r_V, strict=True)],
        z=[
            gmpy2.powmod(product(rho, permuted), x, key.N) * gmpy2.invert(product([s], [mpz(1)]), key.N) % key.N
            for rho, (s, _) in zip(shuffled.rho, masks, strict=True)
        ],
    )  # fmt: skip


def _scalars(count: int) -> list[mpz]:
    return [mpz(secrets.randbelow(int(GROUP.q))) for _ in range(count)]


def _running_products(a: Sequence[mpz]) -> list[mpz]:
    """b_i = a_1 ⋯ a_i."""
    b = [a[0]]
    for value in a[1:]:
        b.append(b[-1] * value % GROUP.q)
    return b
