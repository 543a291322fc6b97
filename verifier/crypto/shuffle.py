"""The argument that a list of ciphertexts is another one, permuted and re-encrypted (protocol, section 5).

After Groth (*A verifiable secret shuffle of homomorphic encryptions*) with Bayer and Groth's single-value product
argument, and integer responses f that link the commitment group to Paillier. C_i = c_{π(i)}·E(0; ρ_i).

Cost of checking n rows of one column, in multiplications: about 52·n mod N² for Π C_i^{f_i}, 18·n for Π c_i^{τ_i}, and
one multi-exponentiation of size min(n, K) mod p.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import gmpy2
from gmpy2 import mpz

from verifier.crypto.equation import draw_weight
from verifier.crypto.group import GROUP, K, generators
from verifier.crypto.multiexp import Parallel, multiexp, parallel_multiexps
from verifier.crypto.paillier import PublicKey
from verifier.crypto.transcript import CHALLENGE_BITS, HIDING_BITS, Transcript
from verifier.errors import NotCanonical
from verifier.record.canonical import encode_integer
from verifier.record.column import write_column
from verifier.record.schema import Shape, anything, list_of, number, record

MASK_BITS = 2 * CHALLENGE_BITS + HIDING_BITS
"""bits of μ_i; f_i has one more"""
RESPONSE_BOUND = mpz(1) << (MASK_BITS + 1)
ELEMENT_BYTES, SCALAR_BYTES, RESPONSE_BYTES = 384, 64, 49
COMMITMENTS = ("A", "B", "M", "U", "V", "W")
VECTORS = {"f": RESPONSE_BYTES, "a": SCALAR_BYTES, "b": SCALAR_BYTES}
RANDOMISERS = ("r_f", "r_a", "r_w")

Rows = list[mpz]
"""a vector commitment: one element of the group for each row of K values"""


@dataclass(frozen=True)
class Statement:
    """The outputs are the inputs, permuted and re-encrypted."""

    key: PublicKey
    context: bytes
    """hash of contest, group, stage number and input digest"""
    election: bytes
    inputs: Sequence[Sequence[mpz]]
    """w columns of n ciphertexts c_i"""
    outputs: Sequence[Sequence[mpz]]
    """w columns of n ciphertexts C_i"""
    input_digest: bytes
    output_digest: bytes
    """what stands for the two lists in the hash"""

    @property
    def n(self) -> int:
        return len(self.inputs[0])


@dataclass(frozen=True)
class Proof:
    """Commitments and responses, named as in the protocol."""

    A: Rows
    B: Rows
    M: Rows
    U: Rows
    V: Rows
    W: Rows
    F: list[mpz]
    """per column, a unit mod N²"""
    f: list[mpz]
    """x·τ_{π(i)} + μ_i in [0, 2^{2λ+κ+1})"""
    a: list[mpz]
    """ã_i = x·a_i + β_i in Z_q"""
    b: list[mpz]
    """b̃_i = x·b_i + γ_i in Z_q"""
    r_f: list[mpz]
    r_a: list[mpz]
    r_w: list[mpz]
    """randomisers of com(f), com(ã) and com(x·b̃_{i+1} − b̃_i·ã_{i+1}), one for each row, in Z_q"""
    z: list[mpz]
    """per column, a unit mod N"""


@dataclass(frozen=True)
class Challenges:
    """τ_1 … τ_n and x below 2^λ; y, ζ in Z_q."""

    tau: list[mpz]
    y: mpz
    zeta: mpz
    x: mpz


class ShuffleTranscript:
    """The hash that prover and verifier share: what is committed to decides the next challenge."""

    def __init__(self, statement: Statement) -> None:
        transcript = Transcript("shuffle", statement.election)
        transcript.absorb(statement.key.N, statement.context, statement.n, len(statement.outputs))
        transcript.absorb(statement.input_digest, statement.output_digest, GROUP.seed)
        self._transcript, self._n = transcript, statement.n

    def tau(self, A: Rows) -> list[mpz]:
        """τ_1 … τ_n in [0, 2^λ)."""
        self._transcript.absorb(A)
        return self._transcript.challenges("tau", self._n)

    def y_zeta(self, B: Rows, M: Rows, F: list[mpz]) -> tuple[mpz, mpz]:
        """y and ζ in Z_q."""
        self._transcript.absorb(B, M, F)
        return self._transcript.scalar("y", GROUP.q), self._transcript.scalar("zeta", GROUP.q)

    def x(self, U: Rows, V: Rows, W: Rows) -> mpz:
        """x in [1, 2^λ)."""
        self._transcript.absorb(U, V, W)
        while not (x := self._transcript.challenge("x")):
            continue
        return x


def challenges(statement: Statement, proof: Proof) -> Challenges:
    """All challenges, recomputed."""
    transcript = ShuffleTranscript(statement)
    tau = transcript.tau(proof.A)
    y, zeta = transcript.y_zeta(proof.B, proof.M, proof.F)
    return Challenges(tau, y, zeta, transcript.x(proof.U, proof.V, proof.W))


def row_count(n: int) -> int:
    """⌈n/K⌉."""
    return -(-n // K)


def rows_of(vector: Sequence[mpz]) -> Iterator[Sequence[mpz]]:
    """The vector cut into rows of K values."""
    return (vector[start : start + K] for start in range(0, len(vector), K))


def commit(vectors: Sequence[tuple[Sequence[mpz], Sequence[mpz]]], workers: Parallel) -> list[Rows]:
    """com(v) of each (v, its randomisers): h^r Π g_i^{v_i} for each row; the rows of all are one batch of work."""
    p = GROUP.p
    rows = [row for vector, _ in vectors for row in rows_of(vector)]
    products = iter(workers.map(on_generators, rows))
    return [[gmpy2.powmod(GROUP.h, r, p) * next(products) % p for r in randomisers] for _, randomisers in vectors]


def on_generators(row: Sequence[mpz]) -> mpz:
    """Π g_i^{v_i} for at most K values."""
    return multiexp(generators(len(row)), row, GROUP.p)


# Checks


def responses_in_range(proof: Proof) -> bool:
    """0 ≤ f_i < 2^{2λ+κ+1}; every other response is a scalar in [0, q).

    Without the bound on f all mixed ballots can be replaced: f would be free modulo q.
    """
    scalars = (proof.a, proof.b, proof.r_f, proof.r_a, proof.r_w)
    return all(0 <= f < RESPONSE_BOUND for f in proof.f) and all(0 <= s < GROUP.q for part in scalars for s in part)


def commitments_in_group(proof: Proof) -> bool:
    """Each row commitment x has 0 < x < p and x^q = 1."""
    return all(GROUP.is_element(x) for name in COMMITMENTS for x in getattr(proof, name))


def product_holds(proof: Proof, challenges: Challenges) -> bool:
    """b̃_1 = ã_1 and b̃_n = x·Π(y·i + τ_i − ζ) mod q: the product of the committed values is that of a permutation."""
    q, y, zeta = GROUP.q, challenges.y, challenges.zeta
    product = challenges.x
    for i, tau in enumerate(challenges.tau, 1):
        product = product * (y * i + tau - zeta) % q
    return bool(proof.b[0] == proof.a[0] and proof.b[-1] == product)


def openings_hold(statement: Statement, proof: Proof, challenges: Challenges) -> bool:
    """com(a)^x·U = com(ã) with com(a) = A^y·B·com(ζ, …)^{−1};  W^x·V = com(x·b̃_{i+1} − b̃_i·ã_{i+1});  B^x·M = com(f).

    All rows of all three under fresh even weights: one multi-exponentiation over the K generators.
    """
    q, n = GROUP.q, statement.n
    x, y, zeta = challenges.x, challenges.y, challenges.zeta
    steps = [(x * b_next - b * a_next) % q for (b, b_next), a_next in zip(pairwise(proof.b), proof.a[1:], strict=True)]
    on_g, on_h = [mpz(0)] * min(n, K), mpz(0)
    commitments: list[mpz] = []
    exponents: list[mpz] = []

    def relation(vector: Sequence[mpz], randomisers: Sequence[mpz], *left: tuple[Rows, mpz]) -> None:
        """Add Π left^exponent = com(vector), each row with a weight of its own."""
        nonlocal on_h
        for at_row, (row, r) in enumerate(zip(rows_of(vector), randomisers, strict=True)):
            w = mpz(draw_weight())
            on_h += w * r
            for at, value in enumerate(row):
                on_g[at] += w * value
            for rows, exponent in left:
                commitments.append(rows[at_row])
                exponents.append(w * exponent % q)

    shifted = [a + x * zeta for a in proof.a]
    relation(shifted, proof.r_a, (proof.A, x * y), (proof.B, x), (proof.U, mpz(1)))
    relation(steps, proof.r_w, (proof.W, x), (proof.V, mpz(1)))
    relation(proof.f, proof.r_f, (proof.B, x), (proof.M, mpz(1)))
    bases = [GROUP.h, *generators(len(on_g))]
    right = multiexp(bases, [value % q for value in (on_h, *on_g)], GROUP.p)
    return bool(multiexp(commitments, exponents, GROUP.p) == right)


def ciphertexts_hold(statement: Statement, proof: Proof, challenges: Challenges, workers: Parallel) -> bool:
    """Π C_i^{f_i} = F·(Π c_i^{τ_i})^x·z^N for each column, on squares."""
    key, x = statement.key, challenges.x
    for c, C, F, z in zip(statement.inputs, statement.outputs, proof.F, proof.z, strict=True):
        left, inner = parallel_multiexps([(C, proof.f), (c, challenges.tau)], key.N2, workers)
        right = F * gmpy2.powmod(inner, x, key.N2) * gmpy2.powmod(z, key.N, key.N2) % key.N2
        if (left * left - right * right) % key.N2 != 0:
            return False
    return True


# The wire form


def to_record(proof: Proof, bits: int) -> tuple[dict[str, Any], dict[bytes, bytes]]:
    """The wire form, and the columns that it names."""
    width = (bits + 7) // 8
    wire: dict[str, Any] = {}
    columns: dict[bytes, bytes] = {}
    for name in COMMITMENTS:
        wire[name] = [encode_integer(x, ELEMENT_BYTES) for x in getattr(proof, name)]
    for name in RANDOMISERS:
        wire[name] = [encode_integer(r, SCALAR_BYTES) for r in getattr(proof, name)]
    for name, size in VECTORS.items():
        column, data = write_column(getattr(proof, name), size)
        wire[name] = column.to_record()
        columns[column.digest] = data
    wire["F"] = [encode_integer(F, 2 * width) for F in proof.F]
    wire["z"] = [encode_integer(z, width) for z in proof.z]
    return wire, columns


def from_record(wire: Any, read_column: Callable[[Any, int], list[mpz]], n: int, columns: int, bits: int) -> Proof:
    """The proof for n ≥ 1 rows of so many columns. Raises NotCanonical or BadInteger."""
    width = (bits + 7) // 8
    rows, steps = row_count(n), row_count(n - 1)
    lengths = dict.fromkeys((*COMMITMENTS, *RANDOMISERS), rows) | dict.fromkeys(("V", "W", "r_w"), steps)
    shapes: dict[str, Shape] = {}
    for name in COMMITMENTS:
        shapes[name] = list_of(number(ELEMENT_BYTES), lengths[name], lengths[name])
    for name in RANDOMISERS:
        shapes[name] = list_of(number(SCALAR_BYTES), lengths[name], lengths[name])
    shapes["F"] = list_of(number(2 * width), columns, columns)
    shapes["z"] = list_of(number(width), columns, columns)
    fields = record(wire, "proof", **shapes, **dict.fromkeys(VECTORS, anything))
    for name, size in VECTORS.items():
        fields[name] = read_column(fields[name], size)
        if len(fields[name]) != n:
            raise NotCanonical(f"proof, {name}: {len(fields[name])} rows where {n} were expected")
    return Proof(**{name: list(value) for name, value in fields.items()})
