"""A ballot seed opens exactly the ciphertexts that were made from it."""

from __future__ import annotations

import gmpy2
import pytest
from gmpy2 import mpz
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.keys import secret_key
from verifier.crypto.seed import exponent, exponent_bits, plaintext, randomness

KEY = secret_key().public
SEED = b"s" * 32


@given(st.integers(0, 2**500), st.binary(min_size=32, max_size=32), st.integers(0, 9))
@settings(max_examples=25)
def test_the_seed_opens_what_was_made_from_it(m: int, seed: bytes, position: int) -> None:
    r = randomness(KEY, seed, "mayor", position)
    assert plaintext(KEY, KEY.encrypt(mpz(m), r), r) == m


def test_every_contest_and_option_has_randomness_of_its_own() -> None:
    drawn = {exponent(KEY, seed, contest, at) for seed in (SEED, b"t" * 32) for contest in "ab" for at in range(3)}
    assert len(drawn) == 12
    assert all(0 <= alpha < 1 << exponent_bits(KEY) for alpha in drawn)


def test_randomness_is_a_square_and_so_marks_no_ballot() -> None:
    secret = secret_key()
    assert all(gmpy2.legendre(randomness(KEY, SEED, "mayor", at), secret.P) == 1 for at in range(10))


@pytest.mark.parametrize("r", [mpz(2), mpz(3), KEY.N - 1, KEY.h])
def test_forgery_a_wrong_randomness_opens_to_nothing(r: mpz) -> None:
    """Floor division would open it to something: a device could show any voter a vote that was never cast."""
    c = KEY.encrypt(mpz(3), randomness(KEY, SEED, "mayor", 0))
    quotient = c * gmpy2.invert(gmpy2.powmod(r, KEY.N, KEY.N2), KEY.N2) % KEY.N2
    assert 0 <= (quotient - 1) // KEY.N < KEY.N, "the floor is a plaintext like any other"
    assert plaintext(KEY, c, r) is None


def test_the_negated_ciphertext_is_not_opened_by_the_same_randomness() -> None:
    r = randomness(KEY, SEED, "mayor", 0)
    assert plaintext(KEY, KEY.N2 - KEY.encrypt(mpz(3), r), r) is None
    assert plaintext(KEY, KEY.N2 - KEY.encrypt(mpz(3), r), KEY.N - r) == 3
