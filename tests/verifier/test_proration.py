"""按分: votes for a name that several bear, in exact shares; three decimals are shown, and what is cut off is named."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.proration import CannotProrate, prorate


def shown(exact: dict[str, int | Fraction], ambiguous: int) -> list[str]:
    return [str(share.truncated) for share in prorate(exact, ambiguous).shares.values()]


def test_requirement_36_the_legal_example() -> None:
    """36: "truncated-to-3-decimals shares equal to the legal example (150 split 112.500/37.500)"."""
    found = prorate({"田中 一郎": 3000, "田中 花子": 1000}, 150)
    assert [share.exact for share in found.shares.values()] == [Fraction(225, 2), Fraction(75, 2)]
    assert shown({"田中 一郎": 3000, "田中 花子": 1000}, 150) == ["112.500", "37.500"]
    assert found.residual == 0


def test_paper_and_online_votes_are_added_before() -> None:
    """The exact votes of the counting unit on paper and online: 2,400 + 600 and 900 + 100."""
    assert shown({"a": 2400 + 600, "b": 900 + 100}, 150) == ["112.500", "37.500"]


def test_the_fourth_decimal_is_cut_off_and_never_rounded() -> None:
    """1/3 and 2/3 of a vote: 0.333 and 0.666, and 0.001 that nobody gets."""
    found = prorate({"a": 1, "b": 2}, 1)
    assert [str(share.truncated) for share in found.shares.values()] == ["0.333", "0.666"]
    assert [share.exact for share in found.shares.values()] == [Fraction(1, 3), Fraction(2, 3)]
    assert found.residual == Fraction(1, 1000)
    assert shown({"a": 99_999, "b": 1}, 10) == ["9.999", "0.000"]


def test_shares_of_earlier_shares_stay_exact() -> None:
    """A candidate's other votes may hold fractions themselves, when family name and given name are both ambiguous."""
    found = prorate({"a": 3000 + Fraction(1, 3), "b": 1000}, 7)
    assert found.shares["a"].exact == Fraction(9001, 12001) * 7


def test_who_has_no_other_votes_gets_nothing() -> None:
    assert shown({"a": 10, "b": 0}, 5) == ["5.000", "0.000"]


def test_nothing_to_share() -> None:
    found = prorate({"a": 0, "b": 0}, 0)
    assert shown({"a": 0, "b": 0}, 0) == ["0.000", "0.000"] and found.residual == 0


def test_without_any_other_vote_there_is_no_proportion() -> None:
    with pytest.raises(CannotProrate, match="any other valid vote") as refusal:
        prorate({"a": 0, "b": 0}, 5)
    assert refusal.value.code == "no-proportion"


@pytest.mark.parametrize(
    ("exact", "ambiguous", "code"),
    [
        ({}, 5, "no-candidates"),
        ({"a": -1, "b": 2}, 5, "not-a-count"),
        ({"a": 1.5, "b": 2}, 5, "not-a-count"),
        ({"a": True, "b": 2}, 5, "not-a-count"),
        ({"a": "1", "b": 2}, 5, "not-a-count"),
        ({"a": 1, "b": 2}, -5, "not-a-count"),
        ({"a": 1, "b": 2}, 5.0, "not-a-count"),
        ({"a": 1, "b": 2}, Fraction(1, 2), "not-a-count"),
    ],
)
def test_what_is_no_count_is_refused(exact: dict[str, int | Fraction], ambiguous: int, code: str) -> None:
    """Floats above all: they are no exact numbers of votes."""
    with pytest.raises(CannotProrate) as refusal:
        prorate(exact, ambiguous)
    assert refusal.value.code == code


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=6).filter(any), st.integers(0, 10**7))
def test_nothing_is_lost_and_nothing_is_made(others: list[int], ambiguous: int) -> None:
    """Exact shares add up; what is shown is at most the share, by less than a thousandth; the residual is the rest."""
    found = prorate({str(at): number for at, number in enumerate(others)}, ambiguous)
    shares = list(found.shares.values())
    assert sum(share.exact for share in shares) == ambiguous
    assert all(0 <= share.exact - Fraction(share.truncated) < Fraction(1, 1000) for share in shares)
    assert all(share.truncated.as_tuple().exponent == -3 for share in shares)
    assert sum(Fraction(share.truncated) for share in shares) + found.residual == ambiguous
    assert all(isinstance(share.truncated, Decimal) for share in shares)
