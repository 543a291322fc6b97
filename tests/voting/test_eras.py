"""Dates by era and with unknown parts: what is read, what is refused, and when an age is attained."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voting.eras import PartialDate, era_date, parse_date, parse_partial_date

DAYS = st.dates(date(1873, 1, 1), date(2099, 12, 31))

# Five rows by hand: the last and first days of the eras.
BY_HAND = [
    (date(1912, 7, 29), "明治45年7月29日"),
    (date(1926, 12, 24), "大正15年12月24日"),
    (date(1989, 1, 7), "昭和64年1月7日"),
    (date(2019, 4, 30), "平成31年4月30日"),
    (date(2019, 5, 1), "令和元年5月1日"),
]


@pytest.mark.parametrize(("day", "text"), [*BY_HAND, (date(2026, 11, 21), "令和8年11月21日")])
def test_era_dates_by_hand(day: date, text: str) -> None:
    assert era_date(day) == text
    assert parse_date(text) == day


@given(DAYS)
def test_every_day_comes_back(day: date) -> None:
    assert parse_date(era_date(day)) == day
    assert parse_date(day.isoformat()) == day
    assert parse_date(day.strftime("%Y%m%d")) == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2006-01-02", date(2006, 1, 2)),
        ("2006/1/2", date(2006, 1, 2)),
        ("20060102", date(2006, 1, 2)),
        ("2006年1月2日", date(2006, 1, 2)),
        ("昭和55年3月1日", date(1980, 3, 1)),
        ("S55.3.1", date(1980, 3, 1)),
        ("s55.3.1", date(1980, 3, 1)),
        ("R01/05/01", date(2019, 5, 1)),
        ("Ｓ５５．３．１", date(1980, 3, 1)),
        ("昭和５５年３月１日", date(1980, 3, 1)),
        ("明治45年7月30日", date(1912, 7, 30)),
        ("大正元年7月30日", date(1912, 7, 30)),
        ("大正15年12月25日", date(1926, 12, 25)),
        ("昭和元年12月25日", date(1926, 12, 25)),
    ],
)
def test_notations(text: str, day: date) -> None:
    assert parse_date(text) == day


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("昭和64年1月8日", "era 昭和"),
        ("平成元年1月7日", "era 平成"),
        ("平成31年5月1日", "era 平成"),
        ("昭和0年1月1日", "era 昭和"),
        ("明治5年12月1日", "era 明治"),
        ("昭和65年不詳", "era 昭和"),
        ("2026-02-29", "no such day"),
        ("令和7年2月29日", "no such day"),
        ("20261301", "no such day"),
        ("0000-01-01", "no such day"),
        ("2006-0-2", "day without its month"),
        ("2006-1/2", "date was expected"),
        ("06-01-02", "date was expected"),
        ("X55.3.1", "date was expected"),
        ("2006-01-02 00:00", "date was expected"),
        ("", "date was expected"),
        ("٢٠٠٦-٠١-٠٢", "date was expected"),
    ],
)
def test_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_partial_date(text)


@pytest.mark.parametrize("text", ["昭和20年3月不詳", "昭和20年不詳", "1945-03-00", "19450000"])
def test_a_whole_date_has_no_unknown_part(text: str) -> None:
    with pytest.raises(ValueError, match="whole date"):
        parse_date(text)


def test_days_before_the_common_calendar_have_no_era_date() -> None:
    with pytest.raises(ValueError, match="1873"):
        era_date(date(1872, 12, 31))


@pytest.mark.parametrize(
    ("text", "partial"),
    [
        ("昭和20年3月不詳", PartialDate(1945, 3)),
        ("昭和20年3月不詳日", PartialDate(1945, 3)),
        ("昭和20年3月日不詳", PartialDate(1945, 3)),
        ("昭和20年不詳", PartialDate(1945)),
        ("昭和20年月日不詳", PartialDate(1945)),
        ("昭和20年不詳月不詳日", PartialDate(1945)),
        ("昭和20年00月00日", PartialDate(1945)),
        ("1945-03-00", PartialDate(1945, 3)),
        ("1945-不詳-不詳", PartialDate(1945)),
        ("19450000", PartialDate(1945)),
        ("昭和64年不詳", PartialDate(1989)),
        ("1945-03-04", PartialDate(1945, 3, 4)),
    ],
)
def test_unknown_parts(text: str, partial: PartialDate) -> None:
    assert parse_partial_date(text) == partial


@pytest.mark.parametrize(
    ("birth", "day", "age"),
    [
        (PartialDate(2008, 4, 2), date(2026, 3, 31), 17),
        (PartialDate(2008, 4, 2), date(2026, 4, 1), 18),  # the day before the birthday
        (PartialDate(2008, 4, 1), date(2026, 3, 31), 18),
        (PartialDate(2008, 1, 1), date(2025, 12, 31), 18),
        (PartialDate(2008, 2, 29), date(2026, 2, 27), 17),
        (PartialDate(2008, 2, 29), date(2026, 2, 28), 18),
        (PartialDate(2008, 2, 29), date(2028, 2, 28), 20),  # a leap year has the birthday itself
        (PartialDate(2008, 3, 1), date(2026, 2, 27), 17),
        (PartialDate(2008, 3, 1), date(2026, 2, 28), 18),
        (PartialDate(2008, 4), date(2026, 4, 28), 17),
        (PartialDate(2008, 4), date(2026, 4, 29), 18),  # counts as the 30th
        (PartialDate(2008, 2), date(2026, 2, 28), 18),
        (PartialDate(2008), date(2026, 12, 29), 17),
        (PartialDate(2008), date(2026, 12, 30), 18),  # counts as 31 December
        (PartialDate(2026), date(2026, 6, 1), 0),
    ],
)
def test_age(birth: PartialDate, day: date, age: int) -> None:
    assert birth.age_on(day) == age


@given(DAYS, st.integers(0, 40_000))
def test_nobody_is_older_than_proven(born: date, days: int) -> None:
    day = born + timedelta(days)
    whole = PartialDate(born.year, born.month, born.day).age_on(day)
    month, year = PartialDate(born.year, born.month).age_on(day), PartialDate(born.year).age_on(day)
    assert whole - 1 <= year <= month <= whole


@pytest.mark.parametrize("parts", [(2026, None, 3), (2026, 13, None), (2025, 2, 29), (2025, 2, 0), (0, 1, 1)])
def test_no_partial_date_is_impossible(parts: tuple[int, int | None, int | None]) -> None:
    with pytest.raises(ValueError, match="day"):
        PartialDate(*parts)
