"""Work travels as data: what comes out is what went in, and nothing is executed on the way."""

from __future__ import annotations

import pickle

import pytest
from gmpy2 import mpz
from hypothesis import given
from hypothesis import strategies as st

from tally.errors import DamagedFile
from tally.mixing import Rho
from tally.parcels import pack, unpack
from tests.keys import secret_key

KEY = secret_key().public
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple),
    max_leaves=20,
)


@given(VALUES)
def test_values_come_out_as_they_went_in(value: object) -> None:
    """Also with their types: True is not 1, a list no tuple, a text no bytes."""
    found = unpack(pack(value))
    assert found == value
    assert _types(found) == _types(value)


def _types(value: object) -> object:
    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(_types, value)]
    return "int" if type(value) in (int, type(mpz(0))) else type(value).__name__


@given(st.integers(-(2**7000), 2**7000))
def test_integers_of_any_size(number: int) -> None:
    assert unpack(pack(mpz(number))) == unpack(pack([number]))[0] == number


def test_keys_and_rho_travel() -> None:
    key, rho = unpack(pack((KEY, Rho(mpz(2) ** 900, 1, 0))))
    assert key == KEY and key.N2 == KEY.N2
    assert rho == Rho(mpz(2) ** 900, 1, 0) and isinstance(rho, Rho) and isinstance(rho.b, int)


@pytest.mark.parametrize("value", [object(), {1: 2}, {"a"}, print, 1j, 0.5])
def test_other_things_stay_at_home(value: object) -> None:
    with pytest.raises(TypeError, match="cannot travel"):
        pack(value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"3",
        b'"text"',
        b'["q", 1]',
        b'["i", "xyz"]',
        b'["b", "*"]',
        b'["key"]',
        b'["rho", ["i", "1"]]',
        pickle.dumps([1]),
        b"[" * 100_000,
    ],
)
def test_what_is_no_parcel_is_refused(data: bytes) -> None:
    """With one typed error, whatever is wrong with it."""
    with pytest.raises(DamagedFile, match="parcel"):
        unpack(data)
