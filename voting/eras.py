"""Dates as Japanese rolls and documents write them: by era, by the common calendar, and with unknown parts."""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Era:
    """An era with the first and the last day that may be written in it; `year_zero` + 1 is its 元年."""

    name: str
    letter: str
    year_zero: int
    first: date
    last: date


# The days on which 明治 and 大正 ended also began the next era, and records of them exist in both.
# 明治 starts with the common calendar (明治6年1月1日): days before it were counted by the moon.
ERAS = (
    Era("令和", "R", 2018, date(2019, 5, 1), date.max),
    Era("平成", "H", 1988, date(1989, 1, 8), date(2019, 4, 30)),
    Era("昭和", "S", 1925, date(1926, 12, 25), date(1989, 1, 7)),
    Era("大正", "T", 1911, date(1912, 7, 30), date(1926, 12, 25)),
    Era("明治", "M", 1867, date(1873, 1, 1), date(1912, 7, 30)),
)
_ERA = {key: era for era in ERAS for key in (era.name, era.letter)}

_UNKNOWN = "不詳"
_DATE = re.compile(
    rf"""
      (?P<digits> [0-9]{{8}} )
    | (?: (?P<era> {"|".join(_ERA)} ) (?P<year> 元 | [0-9]{{1,2}} ) | (?P<common> [0-9]{{4}} ) )
      (?: 年 (?: 月日 )? {_UNKNOWN}
        | (?P<mark> [-/.] ) (?P<month> [0-9]{{1,2}} | {_UNKNOWN} ) (?P=mark) (?P<day> [0-9]{{1,2}} | {_UNKNOWN} )
        | 年 (?P<kanji_month> [0-9]{{1,2}} | {_UNKNOWN} ) 月
             (?: (?P<kanji_day> [0-9]{{1,2}} | {_UNKNOWN} ) 日 | 日? {_UNKNOWN} )
      )
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class PartialDate:
    """A date whose day, or month and day, may be unknown (不詳).

    ValueError if there is no such date.
    """

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        if self.month is None and self.day is not None:
            raise ValueError(_("a day without its month is not a date"))
        try:
            date(self.year, self.month or 1, 1 if self.day is None else self.day)
        except ValueError:
            raise ValueError(_("there is no such day in the calendar")) from None

    def earliest(self) -> date:
        """The first day that this can be."""
        return date(self.year, self.month or 1, self.day or 1)

    def latest(self) -> date:
        """The last day that this can be."""
        month = self.month or 12
        return date(self.year, month, self.day or monthrange(self.year, month)[1])

    def age_on(self, day: date) -> int:
        """Full years on `day` of a person born on this date; 0 before the first.

        A year is complete on the day before the birthday (年齢計算ニ関スル法律, 民法143条): who is born on 2008-04-02
        turns 18 on 2026-04-01, and who is born on 29 February on 28 February. Unknown parts count as the latest
        possible day, so nobody is taken for older than is proven.
        """
        born, following = self.latest(), day + timedelta(days=1)
        before_birthday = (following.month, following.day) < (born.month, born.day)
        return max(0, following.year - born.year - before_birthday)


def era_date(day: date) -> str:
    """The day as 令和8年11月21日; the first year of an era is 元年. ValueError before 1873."""
    for era in ERAS:
        if day >= era.first:
            year = day.year - era.year_zero
            return f"{era.name}{'元' if year == 1 else year}年{day.month}月{day.day}日"
    raise ValueError(_("days before 1873 have no date in an era here"))


def parse_date(text: str) -> date:
    """The day that `text` writes: 2006-01-02, 2006/1/2, 20060102, 2006年1月2日, 昭和55年3月1日 or S55.3.1.

    Full-width characters are read like narrow ones. ValueError for anything else, for a day that does not exist, is
    outside its era (昭和64年1月8日), or is partly unknown.
    """
    partial = parse_partial_date(text)
    if partial.day is None:
        raise ValueError(_("a whole date is needed here, with month and day"))
    return partial.earliest()


@lru_cache(maxsize=1 << 16)
def parse_partial_date(text: str) -> PartialDate:
    """Like `parse_date`, and the day, or month and day, may be 不詳 or 0: 昭和20年3月不詳, 昭和20年不詳, 1945-03-00."""
    # Nothing but digits, era names and marks can match, so here NFKC loses nothing.
    match = _DATE.fullmatch(unicodedata.normalize("NFKC", text).strip().upper())
    if match is None:
        raise ValueError(_("a date was expected, such as 2006-01-02, 20060102, 昭和55年3月1日 or S55.3.1"))
    digits = match["digits"]
    if digits:
        return PartialDate(int(digits[:4]), _part(digits[4:6]), _part(digits[6:]))
    month, day = _part(match["month"] or match["kanji_month"]), _part(match["day"] or match["kanji_day"])
    if match["common"]:
        return PartialDate(int(match["common"]), month, day)
    era = _ERA[match["era"]]
    year = 1 if match["year"] == "元" else int(match["year"])
    found = PartialDate(era.year_zero + year, month, day)
    if found.latest() < era.first or found.earliest() > era.last:
        raise ValueError(format_lazy(_("this day is not in the era {era}"), era=era.name))
    return found


def _part(text: str | None) -> int | None:
    """A month or day; None if it is unknown, which registers write as 不詳, 0 or 00, or leave out."""
    if text is None or text == _UNKNOWN:
        return None
    return int(text) or None
