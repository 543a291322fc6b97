"""The key certificate: a healthy key passes, and each kind of unhealthy one is found by the part that is for it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import gmpy2
import pytest
from gmpy2 import mpz

from tally import ceremony
from tally.ceremony import deal_with
from tests.keys import safe_primes
from verifier.crypto import certificate as cert
from verifier.crypto.certificate import Certificate
from verifier.record.manifest import MODULUS_BITS

P, Q = safe_primes(256)
N = P * Q
ELECTION = b"e" * 32


@cache
def certified() -> Certificate:
    return deal_with(P, Q, 3, 2, ELECTION).certificate


def test_a_healthy_key_is_certified() -> None:
    assert cert.key_problem(N, 512) is None
    assert cert.nth_roots_hold(N, certified())
    assert cert.square_roots_hold(N, certified())
    assert cert.factors_large_hold(N, ELECTION, certified())


def test_the_certificate_survives_its_wire_form() -> None:
    wire = cert.certificate_record(certified(), 512)
    assert cert.certificate_from_record(wire, "certificate", 512) == certified()


@pytest.mark.parametrize(
    ("modulus", "bits", "problem"),
    [
        (N, 511, "512 bits, not 511"),
        (2 * N, 513, "even"),
        (65521 * P, (65521 * P).bit_length(), "below 2^16"),
        (P * P, (P * P).bit_length(), "perfect power"),
        (P, P.bit_length(), "prime number"),
        (mpz(0), 0, "even"),
    ],
)
def test_a_modulus_that_cannot_be_one_is_named(modulus: mpz, bits: int, problem: str) -> None:
    found = cert.key_problem(modulus, bits)
    assert found is not None
    assert problem in found


def test_strong_pseudoprimes_to_few_bases_are_not_taken_for_primes() -> None:
    """3215031751 is a strong pseudoprime to 2, 3, 5 and 7: a verdict on fewer bases would be wrong."""
    assert not all(gmpy2.is_strong_prp(mpz(3215031751), base) for base in cert.FIXED_BASES)


def test_roots_of_other_values_are_refused() -> None:
    part = certified()
    assert not cert.nth_roots_hold(N, replace(part, nth_roots=part.nth_roots[::-1]))
    assert not cert.nth_roots_hold(N, replace(part, nth_roots=part.nth_roots[:-1]))
    assert not cert.nth_roots_hold(N, replace(part, nth_roots=(part.nth_roots[0] + N, *part.nth_roots[1:])))
    assert not cert.square_roots_hold(N, replace(part, square_roots=part.square_roots[::-1]))
    assert not cert.square_roots_hold(N, replace(part, square_roots=(mpz(0), *part.square_roots[1:])))


def test_a_modulus_whose_factor_divides_phi_has_no_nth_roots() -> None:
    """N = p·q with p | q − 1: a ciphertext would have several plaintexts; most values have no N-th root at all."""
    p = safe_primes(64)[0]
    q = next(q for k in range(2, 10_000, 2) if gmpy2.is_prime(q := k * p + 1))
    modulus, order = p * q, (p - 1) * (q - 1)
    assert gmpy2.gcd(modulus, order) == p
    without_root = [
        j for j in range(cert.NTH_ROOTS) if gmpy2.powmod(cert.nth_challenge(modulus, j), (q - 1) // p, q) != 1
    ]
    assert without_root


def test_three_prime_factors_leave_values_without_square_root() -> None:
    p, q, r = (gmpy2.next_prime(mpz(s) << 100) for s in (3, 5, 7))
    modulus = p * q * r

    def has_root(value: mpz) -> bool:
        return all(gmpy2.legendre(value, factor) == 1 for factor in (p, q, r))

    values = [cert.square_challenge(modulus, j) for j in range(cert.SQUARE_ROOTS)]
    stuck = [value for value in values if not has_root(value) and not has_root(modulus - value)]
    assert len(stuck) > cert.SQUARE_ROOTS // 4


def test_forgery_a_second_square_root_would_factor_the_modulus() -> None:
    """The dealer publishes the root that is itself a square; another one is refused by its Jacobi symbol."""
    first = certified().square_roots[0]
    inverse = gmpy2.invert(P, Q)
    other = (first + (-2 * first % Q) * inverse % Q * P) % N  # first mod P, −first mod Q
    assert other * other % N == first * first % N
    assert 1 < gmpy2.gcd(first - other, N) < N
    again = deal_with(P, Q, 3, 2, ELECTION).certificate
    assert again.square_roots == certified().square_roots
    assert not cert.square_roots_hold(N, replace(certified(), square_roots=(other, *certified().square_roots[1:])))


def test_forgery_a_small_factor_is_stopped_by_the_range_of_the_responses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A 40-bit factor passes the shape and the roots. Only the bound on z_Q shows that the other one is too large."""
    small = safe_primes(40)[0]
    large = safe_primes(472)[0]
    modulus = small * large
    bits = modulus.bit_length()
    assert cert.key_problem(modulus, bits) is None
    dealt = deal_with(small, large, 3, 2, ELECTION).certificate
    assert cert.nth_roots_hold(modulus, dealt)
    assert cert.square_roots_hold(modulus, dealt)
    assert not cert.factors_large_hold(modulus, ELECTION, dealt)
    monkeypatch.setattr(cert, "response_bound", lambda _: mpz(1) << 2000)
    assert cert.factors_large_hold(modulus, ELECTION, dealt)


@pytest.mark.parametrize("name", ["C", "t_1", "t_2", "z_P", "z_Q", "z_rho", "z_s"])
def test_every_part_of_the_proof_of_large_factors_matters(name: str) -> None:
    part = certified().large_factors
    for changed in (getattr(part, name) + 1, mpz(0), cert.modp() - 1):
        spoiled = replace(certified(), large_factors=replace(part, **{name: changed}))
        assert not cert.factors_large_hold(N, ELECTION, spoiled)


def test_the_proof_of_large_factors_is_of_one_election_and_one_modulus() -> None:
    assert not cert.factors_large_hold(N, b"f" * 32, certified())
    assert not cert.factors_large_hold(P * safe_primes(255)[0], ELECTION, certified())


def test_no_challenge_space_is_above_the_proven_bound_on_factors() -> None:
    """Factors are at least 2^(|N|/2 − 258); challenges and batch weights have 128 bits (protocol, section 1)."""
    assert min(MODULUS_BITS) // 2 - 258 > 128


def test_the_group_of_rfc_3526() -> None:
    p = cert.modp()
    assert p.bit_length() == 6144
    assert hex(p).startswith("0xffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd1")
    assert hex(p).endswith("e694f91e6dcc4024ffffffffffffffff")
    assert gmpy2.is_prime(p)
    assert gmpy2.is_prime(cert.modp_order())
    assert gmpy2.legendre(2, p) == gmpy2.legendre(cert.modp_h(), p) == 1


def test_the_dealer_refuses_impossible_numbers_of_trustees() -> None:
    for n, t in ((3, 0), (3, 4), (21, 3)):
        with pytest.raises(ValueError, match="trustees"):
            ceremony.deal_with(P, Q, n, t, ELECTION)
