"""Paillier's public side, against its own algebra and against python-paillier, which was written by others."""

from __future__ import annotations

import pytest
from gmpy2 import mpz
from hypothesis import given, settings
from hypothesis import strategies as st
from phe.paillier import PaillierPrivateKey, PaillierPublicKey

from tests.keys import secret_key
from verifier.checks import integrity
from verifier.crypto.paillier import PublicKey
from verifier.errors import CheckFailed
from verifier.report import Gate

SECRET = secret_key()
KEY = SECRET.public
THEIRS = PaillierPublicKey(int(KEY.N))
THEIR_SECRET = PaillierPrivateKey(THEIRS, int(SECRET.P), int(SECRET.Q))


def is_ciphertext(c: mpz) -> bool:
    """What V4.4 says."""
    try:
        return Gate().run(integrity.ciphertext_domain, "", KEY, [c])
    except CheckFailed:
        return False


plaintexts = st.integers(0, int(KEY.N) - 1)
randomness = st.integers(2, 2**500)


@given(plaintexts, randomness)
@settings(max_examples=40)
def test_python_paillier_encrypts_and_decrypts_the_same(m: int, r: int) -> None:
    c = KEY.encrypt(mpz(m), mpz(r))
    assert c == THEIRS.raw_encrypt(m, r_value=r)
    assert THEIR_SECRET.raw_decrypt(int(c)) == m


@given(plaintexts, plaintexts, randomness, randomness)
@settings(max_examples=30)
def test_products_encrypt_sums(m: int, n: int, r: int, s: int) -> None:
    product = KEY.encrypt(mpz(m), mpz(r)) * KEY.encrypt(mpz(n), mpz(s)) % KEY.N2
    assert SECRET.decrypt(product) == (m + n) % KEY.N


def test_the_sign_of_a_ciphertext_changes_its_randomness_only() -> None:
    c = KEY.encrypt(mpz(42), mpz(7))
    assert SECRET.decrypt(KEY.N2 - c) == 42
    assert KEY.without_sign(c) == KEY.without_sign(KEY.N2 - c)
    assert KEY.without_sign(c) != KEY.without_sign(c + 1)


@pytest.mark.parametrize("x", [0, -1, KEY.N, SECRET.P, 5 * SECRET.Q])
def test_what_is_no_unit_modulo_N_is_refused(x: int) -> None:
    assert not KEY.is_element(mpz(x))
    assert not is_ciphertext(mpz(x))


def test_the_ranges_end_where_the_protocol_says() -> None:
    assert KEY.is_element(mpz(1))
    assert KEY.is_element(KEY.N - 1)
    assert not KEY.is_element(KEY.N + 1)
    assert is_ciphertext(KEY.N + 1)
    assert is_ciphertext(KEY.N2 - 1)
    assert not is_ciphertext(KEY.N2 + 1)


def test_the_base_of_short_randomness_is_a_square_that_anyone_computes() -> None:
    assert PublicKey(KEY.N).h == KEY.h
    assert pow(KEY.h, (SECRET.P - 1) // 2, SECRET.P) == pow(KEY.h, (SECRET.Q - 1) // 2, SECRET.Q) == 1
