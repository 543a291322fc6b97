"""Moments counted from an election's own days: "N-30", "E-4T17:00".

N is the day of public notice (公示・告示日), E election day (選挙期日), times are those of Japan. A moment without a
time is a whole day: it begins at 00:00:00 and its last second is 23:59:59. Limits are inclusive to the second: "until
17:00" takes what is received at 17:00:00 and nothing received at 17:00:01. (The board's own close is exclusive and
knows only minutes: it takes `Moment.as_end` of a time as it stands.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from voting.applications.errors import RuleInvalid

JAPAN = ZoneInfo("Asia/Tokyo")
YEARS = range(1900, 2200)
"""Years in which a day can lie: far enough from the calendar's ends that no offset leaves it."""

LAST_SECOND = time(23, 59, 59)
LONGEST = 20
PARTS = re.compile(r"(?P<anchor>[^-+T]*)(?P<offset>[-+][^T]*)?(?P<time>T.*)?", re.DOTALL)
OFFSET = re.compile(r"[-+][1-9][0-9]{0,2}")
TIME = re.compile(r"T([01][0-9]|2[0-3]):[0-5][0-9]")


@dataclass(frozen=True)
class Days:
    """The two days from which an election's moments are counted; raises RuleInvalid unless notice < election."""

    notice: date
    election: date

    def __post_init__(self) -> None:
        if not (self.notice.year in YEARS and self.election.year in YEARS):
            raise RuleInvalid(f"the days of an election lie in the years {YEARS[0]} to {YEARS[-1]}", "days")
        if self.notice >= self.election:
            raise RuleInvalid("the notice day must come before election day", "days")


@dataclass(frozen=True)
class Moment:
    """A day counted from N or E, with or without a time; `str` gives the text that `parse_moment` reads."""

    anchor: str
    offset: int = 0
    time: time | None = None

    def __str__(self) -> str:
        offset = f"{self.offset:+d}" if self.offset else ""
        return f"{self.anchor}{offset}{self.time:T%H:%M}" if self.time else f"{self.anchor}{offset}"

    def day(self, days: Days) -> date:
        """The calendar day in this election."""
        anchor = days.notice if self.anchor == "N" else days.election
        return anchor + timedelta(days=self.offset)

    def as_start(self, days: Days) -> datetime:
        """The first instant that is not too early, in Japan's time."""
        return datetime.combine(self.day(days), self.time or time(), JAPAN)

    def as_end(self, days: Days) -> datetime:
        """The last whole second that is not too late, in Japan's time; compare with `in_time`."""
        return datetime.combine(self.day(days), LAST_SECOND if self.time is None else self.time, JAPAN)


def in_time(at: datetime, start: datetime, end: datetime) -> bool:
    """Whether `at` lies between `Moment.as_start` and `Moment.as_end`, the second of `end` included whole."""
    return start <= at and at.replace(microsecond=0) <= end


def parse_moment(text: str) -> Moment:
    """The moment written as N or E, an offset of 1 to 999 days, and a time: "N", "E-1", "N+1T00:00".

    There is one way to write each moment. Raises RuleInvalid naming the part that is wrong.
    """
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST:
        raise RuleInvalid(f"a moment is a text of 1 to {LONGEST} characters", "moment")
    parts = PARTS.fullmatch(text)
    anchor, offset, clock = parts.group("anchor", "offset", "time") if parts else (text, None, None)
    if anchor not in ("N", "E"):
        raise RuleInvalid(f"a moment is counted from N or E, not from {anchor!r}", repr(text))
    if offset and not OFFSET.fullmatch(offset):
        raise RuleInvalid(f"{offset!r} is not an offset of 1 to 999 days such as -4", repr(text))
    if clock and not TIME.fullmatch(clock):
        raise RuleInvalid(f"{clock!r} is not a time such as T17:00", repr(text))
    return Moment(anchor, int(offset or 0), time.fromisoformat(clock[1:]) if clock else None)
