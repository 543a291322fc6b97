"""Threshold roots: any t trustees open, a faulty one is named, and nothing false combines."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache
from math import factorial

import gmpy2
import pytest
from gmpy2 import mpz
from hypothesis import given, settings
from hypothesis import strategies as st

from tally.ceremony import Dealt, deal_with
from tally.roots import partial_roots
from tests.keys import safe_primes
from verifier.crypto import threshold
from verifier.crypto.paillier import PublicKey
from verifier.crypto.seed import plaintext
from verifier.crypto.threshold import PartialRoots
from verifier.errors import NotCanonical
from verifier.record.column import Column, read_column

P, Q = safe_primes(256)
N = P * Q
KEY = PublicKey(N)
ELECTION = b"e" * 32
PLAIN = [mpz(0), mpz(1), mpz(2) ** 300, N - 1]
CIPHERTEXTS = [KEY.encrypt(m, mpz(1000 + at)) for at, m in enumerate(PLAIN)]
XS = [c % N for c in CIPHERTEXTS]


@cache
def dealt(n: int, t: int) -> Dealt:
    return deal_with(P, Q, n, t, ELECTION)


@cache
def partial(n: int, t: int, i: int) -> PartialRoots:
    return partial_roots(dealt(n, t).shares[i - 1], i, N, XS, ELECTION, n, t)


def proven(n: int, t: int, proof: PartialRoots, xs: list[mpz] = XS, election: bytes = ELECTION) -> bool:
    return threshold.share_proven(election, N, n, t, dealt(n, t).verification_keys, xs, proof)


@pytest.mark.parametrize(("n", "t"), [(1, 1), (2, 1), (3, 2), (5, 3), (4, 4)])
def test_any_t_trustees_open_everything(n: int, t: int) -> None:
    assert threshold.verification_keys_hold(N, n, t, dealt(n, t).verification_keys)
    for chosen in itertools.combinations(range(1, n + 1), t):
        partials = {i: partial(n, t, i) for i in chosen}
        assert all(proven(n, t, proof) for proof in partials.values())
        roots = threshold.combine(N, n, XS, {i: proof.roots for i, proof in partials.items()})
        assert [gmpy2.powmod(r, N, N) for r in roots] == XS
        assert [plaintext(KEY, c, r) for c, r in zip(CIPHERTEXTS, roots, strict=True)] == PLAIN
        assert threshold.combination_holds(N, n, XS, partials, roots)


def test_fewer_than_t_open_nothing() -> None:
    roots = threshold.combine(N, 5, XS, {i: partial(5, 3, i).roots for i in (1, 4)})
    assert all(gmpy2.powmod(r, N, N) != x for r, x in zip(roots, XS, strict=True) if x != 1)


@given(st.integers(1, 20), st.data())
@settings(max_examples=50)
def test_lagrange_coefficients_at_zero_are_integers_that_interpolate(n: int, data: st.DataObject) -> None:
    T = data.draw(st.lists(st.integers(1, n), min_size=1, unique=True))
    coefficients = data.draw(st.lists(st.integers(-(10**9), 10**9), min_size=len(T), max_size=len(T)))

    def f(i: int) -> int:
        return sum(c * i**power for power, c in enumerate(coefficients))

    assert sum(threshold.lagrange_at_zero(T, j, n) * f(j) for j in T) == factorial(n) * f(0)


@pytest.mark.parametrize("wrong", range(5))
def test_a_verification_key_off_the_polynomial_is_found(wrong: int) -> None:
    keys = list(dealt(5, 3).verification_keys)
    keys[wrong] = keys[wrong] * 4 % N
    assert not threshold.verification_keys_hold(N, 5, 3, keys)


def test_verification_keys_of_another_exponent_are_found() -> None:
    """All on one polynomial, but its value at 0 is not N^{−1}."""
    keys = [key * key % N for key in dealt(5, 3).verification_keys]
    assert not threshold.verification_keys_hold(N, 5, 3, keys)
    assert not threshold.verification_keys_hold(N, 5, 3, dealt(5, 3).verification_keys[:4])
    assert not threshold.verification_keys_hold(N, 5, 3, [mpz(0)] * 5)
    assert not threshold.verification_keys_hold(N, 5, 3, [key + N for key in dealt(5, 3).verification_keys])


@pytest.mark.parametrize("row", range(len(XS)))
def test_one_wrong_partial_root_among_many_names_its_trustee(row: int) -> None:
    honest = partial(5, 3, 2)
    roots = list(honest.roots)
    roots[row] = roots[row] * 4 % N
    assert not proven(5, 3, replace(honest, roots=roots))


def test_wrong_partial_roots_that_would_cancel_under_equal_weights_are_found() -> None:
    honest = partial(5, 3, 2)
    roots = [honest.roots[0] * 4 % N, honest.roots[1] * gmpy2.invert(4, N) % N, *honest.roots[2:]]
    assert not proven(5, 3, replace(honest, roots=roots))


@pytest.mark.parametrize("change", [{"z": 1}, {"a_1": 2}, {"a_2": 2}, {"index": 3}])
def test_every_part_of_the_proof_matters(change: dict[str, int]) -> None:
    honest = partial(5, 3, 2)
    name, value = next(iter(change.items()))
    changed = value if name == "index" else getattr(honest, name) + value
    assert not proven(5, 3, replace(honest, **{name: changed}))


def test_a_proof_is_of_one_election_and_one_list() -> None:
    honest = partial(5, 3, 2)
    assert proven(5, 3, honest)
    assert not proven(5, 3, honest, election=b"f" * 32)
    assert not proven(5, 3, honest, xs=XS[::-1])


def test_nothing_to_root_is_proven_too() -> None:
    empty = partial_roots(dealt(3, 2).shares[0], 1, N, [], ELECTION, 3, 2)
    assert empty.roots == []
    assert proven(3, 2, empty, xs=[])


def test_roots_that_do_not_follow_from_the_partial_roots_are_found() -> None:
    partials = {i: partial(5, 3, i) for i in (1, 2, 5)}
    roots = threshold.combine(N, 5, XS, {i: proof.roots for i, proof in partials.items()})
    assert threshold.combination_holds(N, 5, XS, partials, [N - roots[0], *roots[1:]]), "a sign divides nobody"
    for row in range(len(roots)):
        wrong = list(roots)
        wrong[row] = wrong[row] * 2 % N
        assert not threshold.combination_holds(N, 5, XS, partials, wrong)


def test_partial_roots_survive_their_wire_form() -> None:
    honest = partial(5, 3, 4)
    wire, columns = threshold.to_record(honest, 512)

    def column(value: object, width: int) -> list[mpz]:
        named = Column.from_record(value, width)
        return read_column(columns[named.digest], named)

    assert threshold.from_record(wire, column, 4, len(XS), 512) == honest
    with pytest.raises(NotCanonical, match="rows"):
        threshold.from_record(wire, column, 4, len(XS) + 1, 512)


def test_the_masks_hide_the_share() -> None:
    """z is statistically independent of s_i: the mask is 2λ bits longer than e·s_i could move it."""
    honest = partial(5, 3, 1)
    assert honest.z < mpz(1) << threshold.response_bits(512)
    again = partial_roots(dealt(5, 3).shares[0], 1, N, XS, ELECTION, 5, 3)
    assert again.roots == honest.roots
    assert again.z != honest.z
