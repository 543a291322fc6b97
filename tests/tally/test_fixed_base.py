"""A table of powers gives what powmod gives, and refuses an exponent that is not in it."""

from __future__ import annotations

import gmpy2
import pytest
from gmpy2 import mpz
from hypothesis import given, settings
from hypothesis import strategies as st

from tally.fixed_base import FixedBase, powers
from tests.keys import secret_key

KEY = secret_key().public
BITS = 21
TABLE = FixedBase(KEY.h, KEY.N2, 320)


@given(st.integers(0, 2**320 - 1))
@settings(max_examples=200)
def test_every_exponent_of_the_table_gives_the_power(e: int) -> None:
    assert TABLE.pow(e) == TABLE.pow(mpz(e)) == gmpy2.powmod(KEY.h, e, KEY.N2)


@given(
    base=st.integers(0, 2**80),
    modulus=st.integers(2, 2**70),
    bits=st.integers(1, 40),
    share=st.floats(0, 1),
)
@settings(max_examples=60)
def test_any_base_modulus_and_size(base: int, modulus: int, bits: int, share: float) -> None:
    """Also a base larger than the modulus, zero, and sizes that are no whole number of bytes."""
    e = int(share * (2**bits - 1))
    assert FixedBase(mpz(base), mpz(modulus), bits).pow(e) % modulus == pow(base, e, modulus)


@pytest.mark.parametrize("bits", [1, 7, 8, 9, 16, BITS, 24])
def test_the_ends_of_the_range(bits: int) -> None:
    """2^bits − 1 is the last exponent; 2^bits and −1 are refused, also where the last byte has room for them."""
    table = FixedBase(mpz(3), KEY.N, bits)
    assert table.pow(0) == 1 and table.pow(1) == 3
    assert table.pow(2**bits - 1) == gmpy2.powmod(3, 2**bits - 1, KEY.N)
    for outside in (2**bits, 2**bits + 1, 2 ** (bits + 64), -1, mpz(-1), mpz(2) ** bits):
        with pytest.raises(ValueError, match="outside"):
            table.pow(outside)


@given(st.integers(2**BITS, 2**400) | st.integers(-(2**400), -1))
def test_no_exponent_outside_is_reduced_in_silence(e: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        FixedBase(mpz(5), mpz(1009), BITS).pow(e)


@given(st.integers(0, 2**520), st.lists(st.integers(0, 2**130), max_size=6))
def test_shared_squarings_give_the_same_powers(base: int, exponents: list[int]) -> None:
    found = powers(mpz(base), [mpz(e) for e in exponents], KEY.N2)
    assert found == [gmpy2.powmod(base, e, KEY.N2) for e in exponents]
