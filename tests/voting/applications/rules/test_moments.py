"""Moments: one way to write each, Japan's clock, and limits that are inclusive to the second."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voting.applications.errors import RuleInvalid
from voting.applications.rules import Days, Moment, in_time, parse_moment
from voting.applications.rules.moments import JAPAN

DAYS = Days(notice=date(2026, 4, 28), election=date(2026, 5, 10))

moments = st.builds(
    Moment,
    st.sampled_from("NE"),
    st.integers(-999, 999),
    st.none() | st.builds(time, st.integers(0, 23), st.integers(0, 59)),
)


def japan(*parts: int) -> datetime:
    """A time in Japan."""
    return datetime(*parts, tzinfo=JAPAN)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("N", japan(2026, 4, 28), japan(2026, 4, 28, 23, 59, 59)),
        ("E", japan(2026, 5, 10), japan(2026, 5, 10, 23, 59, 59)),
        ("N-30", japan(2026, 3, 29), japan(2026, 3, 29, 23, 59, 59)),
        ("E-1", japan(2026, 5, 9), japan(2026, 5, 9, 23, 59, 59)),
        ("E-4T17:00", japan(2026, 5, 6, 17), japan(2026, 5, 6, 17)),
        ("N+1T00:00", japan(2026, 4, 29), japan(2026, 4, 29)),
        ("E-1T20:00", japan(2026, 5, 9, 20), japan(2026, 5, 9, 20)),
    ],
)
def test_a_moment_lies_on_its_day_in_japan(text: str, start: datetime, end: datetime) -> None:
    moment = parse_moment(text)
    assert (moment.as_start(DAYS), moment.as_end(DAYS)) == (start, end)
    assert moment.as_start(DAYS).utcoffset() == timedelta(hours=9)
    assert str(moment) == text


def test_until_five_takes_the_second_of_five_and_not_the_next() -> None:
    """Requirement 14: a request one second after the cutoff is refused."""
    start, end = parse_moment("N-30").as_start(DAYS), parse_moment("E-4T17:00").as_end(DAYS)
    assert in_time(japan(2026, 5, 6, 16, 59, 59), start, end)
    assert in_time(japan(2026, 5, 6, 17, 0, 0), start, end)
    assert in_time(japan(2026, 5, 6, 17, 0, 0) + timedelta(microseconds=999_999), start, end)
    assert not in_time(japan(2026, 5, 6, 17, 0, 1), start, end)
    assert in_time(datetime(2026, 5, 6, 8, 0, 0, tzinfo=UTC), start, end)
    assert not in_time(datetime(2026, 5, 6, 8, 0, 1, tzinfo=UTC), start, end)


def test_a_whole_day_ends_with_its_last_second() -> None:
    start, end = parse_moment("N-30").as_start(DAYS), parse_moment("E-1").as_end(DAYS)
    assert in_time(japan(2026, 5, 9, 23, 59, 59) + timedelta(microseconds=999_999), start, end)
    assert not in_time(japan(2026, 5, 10), start, end)


def test_the_start_is_the_first_instant() -> None:
    start, end = parse_moment("N+1T00:00").as_start(DAYS), parse_moment("E").as_end(DAYS)
    assert in_time(start, start, end)
    assert not in_time(start - timedelta(microseconds=1), start, end)


def test_in_the_shortest_campaign_the_postal_deadline_is_one_day_after_notice() -> None:
    """町村 elections: N = E-5, so that paper has one day and the online path matters most."""
    days = Days(notice=date(2026, 5, 5), election=date(2026, 5, 10))
    assert parse_moment("E-4T17:00").as_end(days) == japan(2026, 5, 6, 17)
    assert parse_moment("E-4").day(days) == days.notice + timedelta(days=1) == parse_moment("N+1").day(days)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "1 to 20"),
        ("X-4", "'X'"),
        ("-4", "''"),
        ("n-4", "'n'"),
        ("EN", "'EN'"),
        (" E", "' E'"),
        ("E ", "'E '"),
        ("E-4 ", "'-4 '"),
        ("E\n", r"'E\\n'"),
        ("E-", "'-'"),
        ("E-0", "'-0'"),
        ("E+0", r"'\+0'"),
        ("E-04", "'-04'"),
        ("E-1000", "'-1000'"),
        ("E-1-1", "'-1-1'"),
        ("E-４", "'-４'"),
        ("E-4T", "'T'"),
        ("E-4T17", "'T17'"),
        ("E-4T24:00", "'T24:00'"),
        ("E-4T17:60", "'T17:60'"),
        ("E-4T17:00:00", "'T17:00:00'"),
        ("E-4T17:00Z", "'T17:00Z'"),
        ("E-4T１７:00", "'T１７:00'"),
        ("E-4t17:00", "'-4t17:00'"),
        ("E" * 10_000, "1 to 20"),
        (None, "1 to 20"),
        (4, "1 to 20"),
    ],
)
def test_what_is_no_moment_is_refused_by_its_part(text: object, named: str) -> None:
    with pytest.raises(RuleInvalid, match=named):
        parse_moment(text)  # type: ignore[arg-type]


@given(moments)
def test_text_and_moment_say_the_same(moment: Moment) -> None:
    assert parse_moment(str(moment)) == moment


@given(st.text(max_size=25) | st.text("NET+-:0123456789", max_size=12))
def test_any_text_is_a_moment_in_its_one_spelling_or_refused(text: str) -> None:
    try:
        moment = parse_moment(text)
    except RuleInvalid:
        return
    assert str(moment) == text


@given(moments)
def test_no_moment_leaves_the_calendar(moment: Moment) -> None:
    for days in (Days(date(1900, 1, 1), date(1900, 1, 2)), Days(date(2199, 12, 30), date(2199, 12, 31))):
        assert moment.as_start(days) <= moment.as_end(days)


@pytest.mark.parametrize(
    ("notice", "election"),
    [
        (date(2026, 5, 10), date(2026, 5, 10)),
        (date(2026, 5, 11), date(2026, 5, 10)),
        (date(1899, 12, 31), date(2026, 5, 10)),
        (date(2026, 5, 10), date(2200, 1, 1)),
    ],
)
def test_days_that_are_no_election_are_refused(notice: date, election: date) -> None:
    with pytest.raises(RuleInvalid):
        Days(notice, election)
