"""The dates of an election as one list: those of the law, of each category, of each contest (requirement 1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from voting.applications.offers import days_of, offered, windows
from voting.applications.rules.moments import JAPAN
from voting.elections.models import Election, ElectionKind
from voting.eras import era_date

CAMPAIGN_DAYS = {
    ElectionKind.SHUGIIN_GENERAL: 12,
    ElectionKind.SANGIIN_REGULAR: 17,
    ElectionKind.GOVERNOR: 17,
    ElectionKind.DESIGNATED_CITY_MAYOR: 14,
    ElectionKind.PREFECTURE_COUNCIL: 9,
    ElectionKind.DESIGNATED_CITY_COUNCIL: 9,
    ElectionKind.CITY: 7,
    ElectionKind.TOWN: 5,
}
"""Fewest days from notice to election (公職選挙法31–34条); other kinds have their own rules."""


@dataclass(frozen=True, order=True)
class Entry:
    """One line of the list."""

    at: datetime
    what: str
    source: str

    @property
    def era(self) -> str:
        """The day in the Japanese calendar."""
        return era_date(timezone.localdate(self.at, JAPAN))


def dated_list(election: Election) -> list[Entry]:
    """Every date that follows from the rules, in order. Raises RuleInvalid while N and E are not set."""
    return sorted(_entries(election))


def _entries(election: Election) -> Iterator[Entry]:
    days = days_of(election)
    yield _day(days.notice, _("Notice (N)"), _("election"))
    yield _day(days.election, _("Election day (E)"), _("election"))
    yield _at(days.notice + timedelta(days=1), time(8, 30), _("Early voting on paper begins"), "法48の2")
    yield _at(days.election - timedelta(days=1), time(20), _("Early voting on paper ends"), "法48の2")
    yield Entry(_local(election.opens), _("Online polls open"), _("election"))
    yield Entry(_local(election.closes), _("Online polls close"), _("election"))
    for contest in election.contests.all():
        if contest.opens:
            yield Entry(_local(contest.opens), _("%(contest)s: voting begins") % {"contest": contest.title}, "")
        if contest.closes:
            yield Entry(_local(contest.closes), _("%(contest)s: voting ends") % {"contest": contest.title}, "")
    for opening in sorted({district.polls_open for district in election.districts.all()}):
        yield _at(days.election, opening, _("Polling stations open"), "法40")
    for closing in sorted({district.polls_close for district in election.districts.all()}):
        yield _at(days.election, closing, _("Polling stations close"), "法40")
    for offer in offered(election):
        dates, name, law = windows(offer), offer.category.name_ja, offer.category.law
        yield Entry(dates.apply_from, _("%(name)s: requests begin") % {"name": name}, law)
        if dates.paper_until:
            yield Entry(dates.paper_until, _("%(name)s: requests on paper end") % {"name": name}, law)
        yield Entry(dates.online_until, _("%(name)s: requests online end") % {"name": name}, law)
        if dates.member_notice_until:
            yield Entry(dates.member_notice_until, _("%(name)s: members tell their head") % {"name": name}, law)
        yield Entry(dates.vote_from, _("%(name)s: voting online begins") % {"name": name}, law)
        yield Entry(dates.vote_until, _("%(name)s: voting online ends") % {"name": name}, law)


def _day(day: date, what: str, source: str) -> Entry:
    return _at(day, time(), what, source)


def _at(day: date, moment: time, what: str, source: str) -> Entry:
    return Entry(datetime.combine(day, moment, JAPAN), what, source)


def _local(at: datetime) -> datetime:
    return at.astimezone(JAPAN)


def calendar_problems(election: Election) -> Iterator[str]:
    """Where the days contradict the law or the hours of the polls, in words."""
    if election.notice_day is None or election.election_day is None:
        yield _("notice day and election day are not set")
        return
    campaign = (election.election_day - election.notice_day).days
    fewest = CAMPAIGN_DAYS.get(ElectionKind(election.kind))
    if fewest is not None and campaign < fewest:
        yield _("there are %(days)s days from notice to election, and the law asks for %(fewest)s") % {
            "days": campaign,
            "fewest": fewest,
        }
    if timezone.localdate(election.opens, JAPAN) <= election.notice_day:
        yield _("the online polls open before the day after notice")
    if timezone.localdate(election.closes, JAPAN) > election.election_day:
        yield _("the online polls close after election day")
