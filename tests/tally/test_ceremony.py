"""The dealer: every t trustees hold the key and fewer do not, and what is published proves N and betrays nothing."""

from __future__ import annotations

import secrets
from concurrent.futures import Future
from itertools import combinations

import gmpy2
import pytest
from gmpy2 import mpz
from hypothesis import given, settings
from hypothesis import strategies as st

from tally import ceremony
from tally.ceremony import Dealt, deal, deal_with, key_body
from tests.election import BITS, Election
from tests.keys import safe_primes
from verifier.crypto import certificate as cert
from verifier.crypto.certificate import certificate_from_record, factors_large_hold, key_problem
from verifier.crypto.threshold import combine, verification_base, verification_keys_hold
from verifier.record.canonical import decode_integer, encode_bytes, serialise
from verifier.record.entries import Type

ELECTION = b"e" * 32
P, Q = safe_primes(BITS // 2)
N, M = P * Q, (P - 1) // 2 * ((Q - 1) // 2)


@pytest.fixture(scope="module")
def dealt() -> Dealt:
    return deal_with(P, Q, 5, 3, ELECTION)


def partial(s: mpz, x: mpz, n: int) -> mpz:
    """u = x^{2D·s_i} mod N."""
    return gmpy2.powmod(x, 2 * gmpy2.fac(n) * s, N)


@pytest.mark.parametrize(("n", "t"), [(1, 1), (2, 1), (2, 2), (3, 2), (5, 3), (7, 4)])
def test_any_t_shares_take_the_root(n: int, t: int) -> None:
    """Every choice of t trustees gives r with r^N = x."""
    shares = deal_with(P, Q, n, t, ELECTION).shares
    x = mpz(secrets.randbelow(int(N)))
    for trustees in combinations(range(1, n + 1), t):
        (r,) = combine(N, n, [x], {i: [partial(shares[i - 1], x, n)] for i in trustees})
        assert gmpy2.powmod(r, N, N) == x


def test_fewer_than_t_do_not(dealt: Dealt) -> None:
    """What t − 1 shares combine to is no root of anything in sight."""
    x = mpz(secrets.randbelow(int(N)))
    for count in (1, 2):
        for trustees in combinations(range(1, 6), count):
            (r,) = combine(N, 5, [x], {i: [partial(dealt.shares[i - 1], x, 5)] for i in trustees})
            assert gmpy2.powmod(r, 2 * N, N) != x * x % N


def interpolate(points: dict[int, mpz], at: int) -> mpz:
    """The value modulo M of the one polynomial through the points."""
    total = mpz(0)
    for i, value in points.items():
        others = [k for k in points if k != i]
        above = gmpy2.mpz(1)
        for k in others:
            above = above * (at - k) * gmpy2.invert(i - k, M) % M
        total += value * above
    return total % M


def test_the_shares_lie_on_a_polynomial_of_degree_t_minus_1_through_d(dealt: Dealt) -> None:
    """Any 3 of 5 shares give d at zero and the other shares at their places; 2 of them fit every d equally well."""
    d = gmpy2.invert(N, M)
    points = dict(enumerate(dealt.shares, 1))
    for trustees in combinations(points, 3):
        known = {i: points[i] for i in trustees}
        assert interpolate(known, 0) == d
        assert all(interpolate(known, k) == points[k] for k in points)
    for trustees in combinations(points, 2):
        assert interpolate({i: points[i] for i in trustees}, 0) != d


def test_every_ceremony_shares_afresh() -> None:
    """The same primes dealt twice give other shares: the coefficients are drawn, not derived."""
    first, second = (deal_with(P, Q, 5, 3, ELECTION).shares for _ in range(2))
    assert not set(first) & set(second)
    assert all(0 <= s < M for s in first)


@given(t=st.integers(1, 20), extra=st.integers(0, 19))
@settings(max_examples=12)
def test_verification_keys_fit_any_threshold(t: int, extra: int) -> None:
    n = min(t + extra, 20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ceremony, "_certificate", lambda *_: None)
        made = deal_with(P, Q, n, t, ELECTION)
    assert verification_keys_hold(N, n, t, made.verification_keys)
    v = verification_base(N)
    assert made.verification_keys == tuple(gmpy2.powmod(v, s, N) for s in made.shares)
    if t > 1:
        assert not verification_keys_hold(N, n, t - 1, made.verification_keys)


@pytest.mark.parametrize(("n", "t"), [(0, 0), (3, 0), (3, -1), (3, 4), (21, 2), (21, 21), (0, 1)])
def test_an_impossible_threshold_is_refused(n: int, t: int) -> None:
    with pytest.raises(ValueError, match="1 ≤ t ≤ n ≤ 20"):
        deal_with(P, Q, n, t, ELECTION)


def test_the_certificate_holds(dealt: Dealt) -> None:
    assert key_problem(dealt.N, BITS) is None
    assert cert.nth_roots_hold(dealt.N, dealt.certificate)
    assert cert.square_roots_hold(dealt.N, dealt.certificate)
    assert factors_large_hold(dealt.N, ELECTION, dealt.certificate)
    assert not factors_large_hold(dealt.N, b"f" * 32, dealt.certificate)


def test_two_ceremonies_with_the_same_primes_publish_the_same_roots(dealt: Dealt) -> None:
    """A root drawn among the four could differ from one run to the next, and both together would factor N."""
    again = deal_with(P, Q, 3, 2, b"f" * 32).certificate
    assert again.square_roots == dealt.certificate.square_roots
    assert again.nth_roots == dealt.certificate.nth_roots
    assert again.large_factors.C != dealt.certificate.large_factors.C
    swapped = deal_with(Q, P, 3, 2, ELECTION).certificate
    assert swapped.square_roots == dealt.certificate.square_roots


def test_every_published_square_root_is_itself_a_square(dealt: Dealt) -> None:
    """Of the four roots exactly one is, so there is nothing to choose."""
    for j, sigma in enumerate(dealt.certificate.square_roots):
        rho = cert.square_challenge(N, j)
        assert sigma * sigma % N in (rho, N - rho)
        assert gmpy2.legendre(sigma, P) == gmpy2.legendre(sigma, Q) == 1


def test_a_second_root_would_factor_N(dealt: Dealt) -> None:
    """gcd(σ − σ', N) is a prime factor for the two other roots: that is what the rule above prevents.

    The verifier refuses such a root too: its Jacobi symbol is −1.
    """
    for j in range(4):
        sigma = dealt.certificate.square_roots[j]
        mixed = (sigma * gmpy2.invert(Q, P) * Q - sigma * gmpy2.invert(P, Q) * P) % N  # σ mod P and −σ mod Q
        assert mixed * mixed % N == sigma * sigma % N and mixed not in (sigma, N - sigma)
        assert {gmpy2.gcd(sigma - mixed, N), gmpy2.gcd(sigma + mixed, N)} == {P, Q}
        assert gmpy2.gcd(sigma - dealt.certificate.square_roots[j], N) == N
        roots = list(dealt.certificate.square_roots)
        roots[j] = mixed
        assert not cert.square_roots_hold(N, cert.Certificate((), tuple(roots), dealt.certificate.large_factors))


def test_published_values_share_no_factor_with_N(dealt: Dealt) -> None:
    """Neither a value nor the difference of two of them splits N."""
    values = [*dealt.verification_keys, *dealt.certificate.nth_roots, *dealt.certificate.square_roots]
    assert all(gmpy2.gcd(a, N) == 1 for a in values)
    assert all(gmpy2.gcd(a - b, N) == 1 and gmpy2.gcd(a + b, N) == 1 for a, b in combinations(values, 2))


def test_the_factor_proof_is_fresh_and_in_its_ranges() -> None:
    """Two proofs of the same factors share nothing, and the responses do not run over."""
    first, second = (deal_with(P, Q, 1, 1, ELECTION).certificate.large_factors for _ in range(2))
    for part in (first, second):
        assert 0 <= max(part.z_P, part.z_Q) < cert.response_bound(N)
        assert min(part.z_rho, part.z_s) >= 0 and max(part.z_rho, part.z_s) < cert.modp_order()
    assert not set(vars(first).values()) & set(vars(second).values())


def test_the_shares_are_not_in_the_repr(dealt: Dealt) -> None:
    shown = repr(dealt)
    assert not any(str(secret) in shown for secret in (*dealt.shares, P, Q, M))


def test_the_body_of_the_key_holds_no_secret(dealt: Dealt) -> None:
    """Only N, the verification keys and the certificate, which come back from the wire as they were."""
    body = key_body(dealt, ELECTION)
    assert body.keys() == {"election", "modulus", "verification_keys", "certificate"}
    assert body["election"] == encode_bytes(ELECTION)
    width = BITS // 8
    assert decode_integer(body["modulus"], width) == N
    assert tuple(decode_integer(key, width) for key in body["verification_keys"]) == dealt.verification_keys
    assert certificate_from_record(body["certificate"], "certificate", BITS) == dealt.certificate
    raw = serialise(body)
    for secret in (P, Q, *dealt.shares):
        wire = encode_bytes(int(secret).to_bytes((secret.bit_length() + 7) // 8, "big"))
        assert wire.encode() not in raw


def test_a_whole_ceremony_makes_a_key_that_the_board_accepts() -> None:
    """Fresh primes from two processes: the entry passes replay, and the progress only grows."""
    told: list[int] = []
    election = Election()
    election.append(Type.MANIFEST, election.manifest)
    made = deal(BITS, 3, 2, election.election_id, told.append)
    assert made.N.bit_length() == BITS and made.N != N
    assert told == sorted(told)
    election.append(Type.KEY, key_body(made, election.election_id))
    assert election.state.key.N == made.N and election.state.verification_keys == made.verification_keys


def test_the_same_prime_twice_is_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """N = P² would be no modulus: both are searched again."""
    found = iter([P, P, Q, P])

    class Pool:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def __enter__(self) -> Pool:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def submit(self, *_: object) -> object:
            search: Future[mpz] = Future()
            search.set_result(next(found))
            return search

    monkeypatch.setattr(ceremony, "ProcessPoolExecutor", Pool)
    assert deal(BITS, 1, 1, ELECTION).N == N
    assert next(found, None) is None
