"""The batch and the single check give one verdict, and a forged equation is found and named."""

from __future__ import annotations

import pytest
from gmpy2 import mpz
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.keys import secret_key
from verifier.crypto import equation
from verifier.crypto.equation import BatchDisagrees, RootEquation, batch_holds, failures, holds

KEY = secret_key().public


def encryption(m: int, r: int) -> RootEquation:
    """The equation that c = E(m; r)."""
    return RootEquation(KEY.encrypt(mpz(m), mpz(r)), mpz(1), mpz(0), mpz(-m) % KEY.N, mpz(r))


def product(m: int, r: int, e: int, s: int) -> RootEquation:
    """a · c^e · (1 − e·m·N) = (s·r^e)^N for c = E(m; r), a = s^N: a membership branch."""
    c, a = KEY.encrypt(mpz(m), mpz(r)), KEY.encrypt(mpz(0), mpz(s))
    return RootEquation(a, c, mpz(e), -mpz(m) * e % KEY.N, s * pow(mpz(r), e, KEY.N) % KEY.N)


small = st.integers(2, 2**64)


@given(small, small, st.integers(0, 2**128 - 1), small)
@settings(max_examples=20)
def test_true_equations_hold_alone_and_together(m: int, r: int, e: int, s: int) -> None:
    equations = [encryption(m, r), product(m, r, e, s)]
    assert all(holds(KEY, true) for true in equations)
    assert batch_holds(KEY, equations)
    assert failures(KEY, equations) == []


def test_no_equations_is_no_failure() -> None:
    assert failures(KEY, []) == []


@pytest.mark.parametrize("bad", [[0], [6], [2, 3], [0, 1, 2, 3, 4, 5, 6]])
def test_bisection_names_exactly_the_bad_ones(bad: list[int]) -> None:
    equations = [encryption(m, m + 7) for m in range(7)]
    for position in bad:
        equations[position] = equations[position]._replace(k=mpz(5))
    assert failures(KEY, equations) == bad


def test_errors_that_would_cancel_under_equal_weights_are_found() -> None:
    first, second = encryption(1, 11), encryption(1, 13)
    forged = [first._replace(k=(first.k + 1) % KEY.N), second._replace(k=(second.k - 1) % KEY.N)]
    assert batch_holds(KEY, forged, draw=lambda: 2)
    assert failures(KEY, forged) == [0, 1]


def test_a_sign_flip_gets_one_verdict_from_single_check_and_batch() -> None:
    """−1 is an N-th power, so both accept: validity is defined on squares."""
    true = encryption(3, 17)
    for flipped in (true._replace(a=KEY.N2 - true.a), true._replace(z=KEY.N - true.z)):
        assert holds(KEY, flipped)
        assert all(batch_holds(KEY, [flipped, true]) for _ in range(8))


def test_odd_weights_would_make_honest_checkers_disagree() -> None:
    true = encryption(3, 17)
    flipped = true._replace(a=KEY.N2 - true.a)
    assert not batch_holds(KEY, [flipped], draw=lambda: 3)
    assert batch_holds(KEY, [flipped], draw=lambda: 6)


def test_weights_are_even_fresh_and_128_bits_wide() -> None:
    weights = [equation.draw_weight() for _ in range(200)]
    assert len(set(weights)) == 200
    assert all(weight % 2 == 0 for weight in weights)
    assert 120 < max(weight.bit_length() for weight in weights) <= 129


def test_a_broken_batch_is_reported_and_passes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equation, "batch_holds", lambda *_: False)
    with pytest.raises(BatchDisagrees):
        failures(KEY, [encryption(1, 3), encryption(2, 5)])
