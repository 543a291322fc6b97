"""Requirement 1: from N, E, contests and categories follow all dates of an election, in one list, 和暦 and 西暦."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from tests.election import CLOSES, OPENS
from tests.voting.polling import ELECTION, NOTICE, Counter
from voting.applications.errors import RuleInvalid
from voting.applications.models import Category
from voting.applications.offers import offered
from voting.applications.rules.moments import JAPAN
from voting.elections.models import ElectionKind
from voting.polls.calendar import CAMPAIGN_DAYS, calendar_problems, dated_list

pytestmark = pytest.mark.django_db

Line = tuple[str, str, str]
"""西暦 with the time, 和暦, what"""


def lines(counter: Counter) -> list[Line]:
    return [(f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.era, entry.what) for entry in dated_list(counter.row)]


def days_before(counter: Counter, kind: ElectionKind, days: int) -> Counter:
    """The same election day with another kind, and notice so many days before; the polls open the day after."""
    row = counter.row
    row.kind, row.notice_day = kind, ELECTION - timedelta(days=days)
    row.opens = datetime.combine(row.notice_day + timedelta(days=1), time(9), JAPAN)
    row.save()
    counter.offer.refresh_from_db()
    return counter


def test_requirement_1_the_whole_list_of_a_city(counter: Counter) -> None:
    """A city election with one category of paper and one that is only online: every line, in its order."""
    counter.offer_of("CLOSE_CONTACT")
    counter.row.contests.filter(identifier="judges").update(opens=OPENS + timedelta(days=1), closes=None)
    away, contact = "名簿登録地以外の選管での投票", "濃厚接触者の投票（提案）"
    assert lines(counter) == [
        ("2026-10-16 00:00:00", "令和8年10月16日", f"{away}: requests begin"),
        ("2026-10-16 00:00:00", "令和8年10月16日", f"{contact}: requests begin"),
        ("2026-11-15 00:00:00", "令和8年11月15日", "Notice (N)"),
        ("2026-11-16 00:00:00", "令和8年11月16日", f"{away}: voting online begins"),
        ("2026-11-16 00:00:00", "令和8年11月16日", f"{contact}: voting online begins"),
        ("2026-11-16 08:30:00", "令和8年11月16日", "Early voting on paper begins"),
        ("2026-11-16 09:00:00", "令和8年11月16日", "Online polls open"),
        ("2026-11-17 09:00:00", "令和8年11月17日", "Judges: voting begins"),
        ("2026-11-21 12:00:00", "令和8年11月21日", f"{contact}: requests online end"),
        ("2026-11-21 17:00:00", "令和8年11月21日", f"{away}: requests on paper end"),
        ("2026-11-21 17:00:00", "令和8年11月21日", f"{away}: requests online end"),
        ("2026-11-21 20:00:00", "令和8年11月21日", "Early voting on paper ends"),
        ("2026-11-21 20:00:00", "令和8年11月21日", "Online polls close"),
        ("2026-11-21 20:00:00", "令和8年11月21日", f"{away}: voting online ends"),
        ("2026-11-21 20:00:00", "令和8年11月21日", f"{contact}: voting online ends"),
        ("2026-11-22 00:00:00", "令和8年11月22日", "Election day (E)"),
        ("2026-11-22 07:00:00", "令和8年11月22日", "Polling stations open"),
        ("2026-11-22 20:00:00", "令和8年11月22日", "Polling stations close"),
    ]


@pytest.mark.parametrize("kind", ElectionKind)
def test_every_kind_of_election_has_its_list(counter: Counter, kind: ElectionKind) -> None:
    """With every category that the law knows for it: six windows each, within the days of the law, and no other."""
    days_before(counter, kind, CAMPAIGN_DAYS.get(kind, 7))
    for category in Category.objects.exclude(code="OTHER_BOARD"):
        counter.offer_of(category.code)
    said = [what for _at, _era, what in lines(counter)]
    names = [offer.category.name_ja for offer in offered(counter.row)]
    assert len(names) == len(set(names)) >= 14
    for name in names:
        ends = ("requests begin", "requests online end", "voting online begins", "voting online ends")
        assert all(said.count(f"{name}: {end}") == 1 for end in ends), name
    fax = [name for name in names if "ファクシミリ" in name]
    national = kind in (ElectionKind.SHUGIIN_GENERAL, ElectionKind.SANGIIN_REGULAR, ElectionKind.KOKUMIN_SHINSA)
    assert bool(fax) is national
    assert list(calendar_problems(counter.row)) == []
    at = [entry.at for entry in dated_list(counter.row)]
    assert at == sorted(at) and all(moment.tzinfo is not None for moment in at)


@pytest.mark.parametrize("code", ["COVID_HOME", "COVID_HOTEL", "QUARANTINE_STAY"])
def test_paper_and_online_deadline_stand_side_by_side(counter: Counter, code: str) -> None:
    """The quarantine categories: paper E-4 17:00, online E-1 12:00 (domain document, 8.5)."""
    offer = counter.offer_of(code)
    name = offer.category.name_ja
    mine = {what.removeprefix(f"{name}: "): at for at, _era, what in lines(counter) if what.startswith(f"{name}: ")}
    assert mine["requests on paper end"] == "2026-11-18 17:00:00"
    assert mine["requests online end"] == "2026-11-21 12:00:00"
    assert mine["voting online ends"] == "2026-11-21 20:00:00"


def test_a_town_has_its_postal_deadline_the_day_after_notice(counter: Counter) -> None:
    """N = E-5: the paper deadline E-4 is one day later, and online there are four days more."""
    days_before(counter, ElectionKind.TOWN, 5)
    offer = counter.offer_of("COVID_HOME")
    at = {entry.what: entry.at for entry in dated_list(counter.row)}
    assert at["Notice (N)"].date() == date(2026, 11, 17)
    name = offer.category.name_ja
    assert at[f"{name}: requests on paper end"] == datetime(2026, 11, 18, 17, tzinfo=JAPAN)
    assert at[f"{name}: requests online end"] == datetime(2026, 11, 21, 12, tzinfo=JAPAN)
    assert list(calendar_problems(counter.row)) == []


def test_a_units_members_tell_their_head_first(counter: Counter) -> None:
    """E-5, and the head asks until E-3."""
    counter.offer_of("OVERSEAS_UNIT")
    at = {entry.what.rpartition(": ")[2]: entry.at for entry in dated_list(counter.row) if "派遣" in entry.what}
    assert at["members tell their head"].date() == date(2026, 11, 17)
    assert at["requests on paper end"].date() == date(2026, 11, 19)


def test_contests_with_hours_of_their_own(counter: Counter) -> None:
    """A review of judges that begins later than the contest on the same day, and one that ends earlier."""
    counter.row.contests.filter(identifier="judges").update(opens=OPENS + timedelta(hours=1))
    counter.row.contests.filter(identifier="mayor").update(closes=CLOSES - timedelta(hours=1))
    said = lines(counter)
    assert ("2026-11-16 10:00:00", "令和8年11月16日", "Judges: voting begins") in said
    assert ("2026-11-21 19:00:00", "令和8年11月21日", "Mayor: voting ends") in said
    assert not any(what in ("Judges: voting ends", "Mayor: voting begins") for _at, _era, what in said)


def test_hours_of_the_polling_stations(counter: Counter) -> None:
    """An island that closes two hours earlier has its line; equal hours are one line."""
    counter.row.districts.filter(code="south").update(polls_close=time(18))
    said = [(at, what) for at, _era, what in lines(counter)]
    assert [at for at, what in said if what == "Polling stations close"] == [
        "2026-11-22 18:00:00",
        "2026-11-22 20:00:00",
    ]
    assert sum(what == "Polling stations open" for _at, what in said) == 1


def test_disabled_categories_are_not_in_the_list(counter: Counter) -> None:
    counter.offer.enabled = False
    counter.offer.save()
    assert not any("選管での投票" in what for _at, _era, what in lines(counter))


def test_the_first_year_of_an_era_is_gannen(counter: Counter) -> None:
    """元年 across a change of era: notice on 平成31年4月28日, election on 令和元年5月5日."""
    row = counter.row
    row.notice_day, row.election_day = date(2019, 4, 28), date(2019, 5, 5)
    row.opens = datetime(2019, 4, 29, 9, tzinfo=JAPAN)
    row.closes = datetime(2019, 5, 4, 20, tzinfo=JAPAN)
    row.save()
    eras = {entry.what: entry.era for entry in dated_list(row)}
    assert (eras["Notice (N)"], eras["Election day (E)"]) == ("平成31年4月28日", "令和元年5月5日")


def test_without_days_there_is_no_list(counter: Counter) -> None:
    counter.row.election_day = None
    with pytest.raises(RuleInvalid):
        dated_list(counter.row)
    assert list(calendar_problems(counter.row)) == ["notice day and election day are not set"]


@pytest.mark.parametrize(("kind", "fewest"), CAMPAIGN_DAYS.items())
def test_a_campaign_has_its_fewest_days(counter: Counter, kind: ElectionKind, fewest: int) -> None:
    """公職選挙法31–34条: exactly the days of the law are enough, one less is named."""
    assert list(calendar_problems(days_before(counter, kind, fewest).row)) == []
    short = f"there are {fewest - 1} days from notice to election, and the law asks for {fewest}"
    assert list(calendar_problems(days_before(counter, kind, fewest - 1).row)) == [short]


@pytest.mark.parametrize("kind", [ElectionKind.ASSOCIATION, ElectionKind.REFERENDUM, ElectionKind.NATIONAL_BYELECTION])
def test_other_kinds_have_rules_of_their_own(counter: Counter, kind: ElectionKind) -> None:
    assert list(calendar_problems(days_before(counter, kind, 2).row)) == []


def test_online_polls_lie_between_notice_and_election(counter: Counter) -> None:
    """From N+1 00:00 to the end of E in Japan's time; a minute more is named."""
    row = counter.row
    row.opens = datetime.combine(NOTICE + timedelta(days=1), time(), JAPAN)
    row.closes = datetime.combine(ELECTION, time(23, 59), JAPAN)
    assert list(calendar_problems(row)) == []
    row.opens -= timedelta(minutes=1)
    row.closes += timedelta(minutes=1)
    assert list(calendar_problems(row)) == [
        "the online polls open before the day after notice",
        "the online polls close after election day",
    ]
