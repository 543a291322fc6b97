"""A date of birth, however people write it; and impossible days are named."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone

from voting.login.birth import BirthForm, read_birth, read_birth_text


@pytest.mark.parametrize(
    ("typed", "birth"),
    [
        (("", "1950", "4", "1"), date(1950, 4, 1)),
        (("", "1950", "04", "01"), date(1950, 4, 1)),
        (("", "１９５０", "４", "１"), date(1950, 4, 1)),
        (("", " 1950 ", "4 ", " 1"), date(1950, 4, 1)),
        (("S", "25", "4", "1"), date(1950, 4, 1)),
        (("S", "２５", "4", "1"), date(1950, 4, 1)),
        (("H", "元", "1", "8"), date(1989, 1, 8)),
        (("H", "1", "1", "8"), date(1989, 1, 8)),
        (("R", "1", "5", "1"), date(2019, 5, 1)),
        (("T", "15", "12", "24"), date(1926, 12, 24)),
        # Who fills in the year wholly means it, whatever calendar is chosen.
        (("S", "1950", "4", "1"), date(1950, 4, 1)),
        (("", "昭和25", "4", "1"), date(1950, 4, 1)),
        (("S", "昭和25", "4", "1"), date(1950, 4, 1)),
        (("", "S25", "4", "1"), date(1950, 4, 1)),
        (("", "1996", "2", "29"), date(1996, 2, 29)),
    ],
)
def test_a_day_as_people_write_it(typed: tuple[str, str, str, str], birth: date) -> None:
    calendar, *parts = typed
    assert read_birth(*typed) == birth
    assert read_birth_text(f"{calendar}{'-'.join(parts)}") == birth


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (("", "", "4", "1"), "Enter your date of birth"),
        (("", "1950", "", "1"), "Enter your date of birth"),
        (("", "1950", "4", " "), "Enter your date of birth"),
        (("", "50", "4", "1"), "four digits, or choose the era"),
        (("", "195", "4", "1"), "four digits, or choose the era"),
        (("", "19500", "4", "1"), "four digits, or choose the era"),
        (("", "1950", "13", "1"), "The month is a number from 1 to 12"),
        (("", "1950", "0", "1"), "The month is a number from 1 to 12"),
        (("", "1950", "4月", "1"), "The month is a number from 1 to 12"),
        (("", "1950", "4", "32"), "The day is a number from 1 to 31"),
        (("", "1950", "4", "-1"), "The day is a number from 1 to 31"),
        (("", "1951", "2", "29"), "1951-2-29"),
        (("S", "26", "2", "29"), "昭和26-2-29"),
        (("S", "64", "1", "8"), "not in the era 昭和: 昭和64-1-8"),
        (("H", "31", "5", "1"), "not in the era 平成: 平成31-5-1"),
        (("S", "x", "1", "8"), "昭和x-1-8"),
        (("", "0000", "1", "1"), "0000-1-1"),
        (("", "1950", "4", "1" * 5000), "Enter a short number"),
        (("", "1950" * 5000, "4", "1"), "Enter a short number"),
    ],
)
def test_what_is_no_day_is_named(typed: tuple[str, str, str, str], says: str) -> None:
    with pytest.raises(ValueError) as refused:
        read_birth(*typed)
    assert says in str(refused.value)


def test_nobody_is_born_tomorrow() -> None:
    tomorrow = timezone.localdate() + timedelta(1)
    with pytest.raises(ValueError, match="still to come"):
        read_birth("", str(tomorrow.year), str(tomorrow.month), str(tomorrow.day))


@pytest.mark.parametrize("text", ["", "S", "1950", "1950-4", "1950-4-1-1", "X25-4-1", "1950/4/1", "\0", "\ud800-1-1"])
def test_texts_that_are_no_day(text: str) -> None:
    """What a device sends is as wild as what an attacker sends."""
    with pytest.raises(ValueError):
        read_birth_text(text)


@pytest.mark.parametrize("wrong", [{"calendar": "X"}, {"year": "19\x0050"}, {"day": "\0"}, {"month": "13"}])
def test_a_form_says_it_at_the_year(wrong: dict[str, str]) -> None:
    """One sentence for the four fields, whatever was sent."""
    form = BirthForm({"calendar": "", "year": "1950", "month": "4", "day": "1", **wrong})
    assert not form.is_valid() and len(form.errors["year"]) == 1 and "birth" not in form.cleaned_data
