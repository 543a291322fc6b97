"""Partial roots: what a trustee publishes is right, proven, and of exactly the elements given."""

from __future__ import annotations

import secrets
from dataclasses import replace
from itertools import combinations

import gmpy2
import pytest
from gmpy2 import mpz

from tally.ceremony import Dealt, deal_with
from tally.roots import partial_roots
from tests.keys import safe_primes
from verifier.crypto.threshold import PartialRoots, combination_holds, combine, response_bits, share_proven

ELECTION = b"e" * 32
TRUSTEES, THRESHOLD = 4, 3
P, Q = safe_primes(256)
N, M = P * Q, (P - 1) // 2 * ((Q - 1) // 2)
D = gmpy2.fac(TRUSTEES)


@pytest.fixture(scope="module")
def dealt() -> Dealt:
    return deal_with(P, Q, TRUSTEES, THRESHOLD, ELECTION)


@pytest.fixture(scope="module")
def xs() -> list[mpz]:
    """Squares and non-squares, 1 and N − 1, and one element twice."""
    drawn = [mpz(secrets.randbelow(int(N))) for _ in range(8)]
    return [*drawn, drawn[0], mpz(1), N - 1]


def made(dealt: Dealt, i: int, xs: list[mpz], **changes: object) -> PartialRoots:
    given = {"s_i": dealt.shares[i - 1], "election": ELECTION, "n": TRUSTEES, "t": THRESHOLD, **changes}
    return partial_roots(i=i, N=N, xs=xs, **given)  # type: ignore[arg-type]


def proven(dealt: Dealt, xs: list[mpz], proof: PartialRoots, election: bytes = ELECTION) -> bool:
    return share_proven(election, N, TRUSTEES, THRESHOLD, dealt.verification_keys, xs, proof)


def test_any_threshold_of_trustees_combine_to_the_roots(dealt: Dealt, xs: list[mpz]) -> None:
    """Each r has r^N = x, and the verifier finds each proof and the combination right."""
    proofs = {i: made(dealt, i, xs) for i in range(1, TRUSTEES + 1)}
    assert all(proven(dealt, xs, proof) for proof in proofs.values())
    for chosen in combinations(proofs, THRESHOLD):
        roots = combine(N, TRUSTEES, xs, {i: proofs[i].roots for i in chosen})
        assert [gmpy2.powmod(r, N, N) for r in roots] == xs
        assert combination_holds(N, TRUSTEES, xs, {i: proofs[i] for i in chosen}, roots)


def test_fewer_trustees_do_not(dealt: Dealt, xs: list[mpz]) -> None:
    proofs = {i: made(dealt, i, xs).roots for i in (1, 3)}
    roots = combine(N, TRUSTEES, xs[:8], {i: roots[:8] for i, roots in proofs.items()})
    assert all(gmpy2.powmod(r, 2 * N, N) != x * x % N for r, x in zip(roots, xs, strict=False))


def test_the_roots_are_those_of_the_elements_in_their_order(dealt: Dealt, xs: list[mpz]) -> None:
    """u_k = x_k^{2D·s_i}: as many as asked for, and squares, so that no sign says anything about s_i."""
    proof = made(dealt, 2, xs)
    s = dealt.shares[1] % M
    assert proof.index == 2
    assert proof.roots == [gmpy2.powmod(gmpy2.powmod(x, D, N), 2 * s, N) for x in xs]
    assert all(gmpy2.legendre(u, P) == gmpy2.legendre(u, Q) == 1 for u in proof.roots)


def test_the_proof_is_bound_to_its_statement(dealt: Dealt, xs: list[mpz]) -> None:
    """Another election, another element, other trustees: the proof does not go with it."""
    proof = made(dealt, 1, xs)
    assert proven(dealt, xs, proof)
    assert not proven(dealt, xs, proof, b"f" * 32)
    assert not proven(dealt, [*xs[:-1], xs[0]], proof)
    assert not proven(dealt, xs[1:] + xs[:1], proof)
    assert not proven(dealt, xs, replace(proof, index=2))
    assert not share_proven(ELECTION, N, TRUSTEES, 2, dealt.verification_keys, xs, proof)


def test_another_share_is_not_proven(dealt: Dealt, xs: list[mpz]) -> None:
    for wrong in (dealt.shares[1], dealt.shares[0] + 1, mpz(1)):
        assert not proven(dealt, xs, made(dealt, 1, xs, s_i=wrong))


def test_the_response_hides_the_share(dealt: Dealt, xs: list[mpz]) -> None:
    """k is fresh each time and 2λ bits longer than N, so z says nothing about s_i and lies in its range."""
    proofs = [made(dealt, 1, xs[:1]) for _ in range(200)]
    assert len({proof.z for proof in proofs}) == len({proof.a_1 for proof in proofs}) == 200
    lengths = [proof.z.bit_length() for proof in proofs]
    assert max(lengths) <= response_bits(512)
    assert max(lengths) >= 512 + 256 - 31  # all 200 below this has a chance of 2^-6200


def test_k_comes_from_the_secret_generator_and_is_never_short(
    dealt: Dealt, xs: list[mpz], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def randbits(bits: int) -> int:
        asked.append(bits)
        return 12345

    monkeypatch.setattr("tally.roots.secrets.randbits", randbits)
    proof = made(dealt, 1, xs)
    assert asked == [512 + 2 * 128]
    assert (proof.z - 12345) % dealt.shares[0] == 0


def test_progress_counts_the_roots(dealt: Dealt, xs: list[mpz]) -> None:
    told: list[tuple[int, int]] = []
    made(dealt, 1, xs, progress=lambda done, total: told.append((done, total)))
    assert told == [(done, len(xs)) for done in range(1, len(xs) + 1)]
