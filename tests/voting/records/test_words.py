"""How documents write days and marks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from voting.eras import PartialDate
from voting.records.words import era_birth, era_day, era_minute, marks


def test_times_are_those_of_japan_in_its_eras() -> None:
    """The last minute of 平成 and the first of 令和, which is 元年; midnight is Japan's, not Greenwich's."""
    assert era_minute(datetime(2019, 4, 30, 14, 59, tzinfo=UTC)) == "平成31年4月30日 23時59分"
    assert era_minute(datetime(2019, 4, 30, 15, 0, tzinfo=UTC)) == "令和元年5月1日 00時00分"
    assert era_day(datetime(2026, 11, 21, 11, 0, tzinfo=UTC)) == "令和8年11月21日"
    assert era_day(None) == era_minute(None) == "―"


@pytest.mark.parametrize(
    ("born", "written"),
    [
        (PartialDate(1989, 1, 7), "昭和64年1月7日"),
        (PartialDate(1989, 1, 8), "平成元年1月8日"),
        (PartialDate(1945, 3), "昭和20年3月不詳"),
        (PartialDate(1945), "昭和20年不詳"),
        (PartialDate(1989, 1), "西暦1989年1月不詳"),
        (PartialDate(1926), "西暦1926年不詳"),
    ],
)
def test_births_say_what_is_unknown_and_guess_no_era(born: PartialDate, written: str) -> None:
    assert era_birth(born) == written


@pytest.mark.parametrize(
    ("vote", "way", "mark", "shown"),
    [
        ("none", "", "", ""),
        ("issued", "", "", "不在者（オンライン）交付済"),
        ("cast", "", "", "不在者（オンライン）投票済"),
        ("accepted", "", "", "不在者（オンライン）投票済"),
        ("paper", "early", "", "期日前投票済"),
        ("paper", "absentee", "", "不在者投票（用紙）済"),
        ("paper", "station", "", "投票済"),
        ("paper-wins", "early", "", "期日前投票済（オンライン投票は不受理）"),
        ("none", "", "suspended", "公民権停止"),
        ("cast", "", "dead", "不在者（オンライン）投票済・死亡"),
        ("none", "", "moved", "転出"),
        ("none", "", "lost", "失権"),
        ("none", "", "struck", "抹消"),
    ],
)
def test_marks(vote: str, way: str, mark: str, shown: str) -> None:
    assert marks(vote, way, mark) == shown
