"""How far an election is, as voters read it, and what it offers to whom, to the second."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from tests.election import CLOSES, OPENS
from tests.voting import kakuu, offices
from tests.voting.kakuu import World
from tests.voting.offices import Town
from tests.voting.polling import Counter, counter, polls, ready  # noqa: F401 (fixtures)
from verifier.record.entries import Type
from voting.elections.models import Election
from voting.guide.elections import (
    Asking,
    Phase,
    Situation,
    hours_of_polling_stations,
    list_elections,
    phase_of,
    reached,
    shown,
    situations,
)

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
OPENED, CLOSED, RESULT = Type.POLLS_OPENED, Type.POLLS_CLOSED, Type.RESULT


@pytest.fixture
def world(town: Town) -> World:
    return kakuu.world(town)


def situation(of: World, code: str, at: datetime) -> Situation:
    return next(one for one in situations(of.election, at) if one.offer.category.code == code)


@pytest.mark.parametrize(
    ("turns", "at", "phase"),
    [
        (set(), OPENS - SECOND, Phase.BEFORE),
        (set(), OPENS, Phase.BEFORE),
        (set(), CLOSES, Phase.NOT_HELD),
        ({OPENED}, OPENS - SECOND, Phase.BEFORE),
        ({OPENED}, OPENS, Phase.VOTING),
        ({OPENED}, CLOSES - SECOND, Phase.VOTING),
        ({OPENED}, CLOSES, Phase.COUNTING),
        ({OPENED, CLOSED}, CLOSES, Phase.COUNTING),
        ({OPENED, CLOSED, RESULT}, CLOSES, Phase.FINISHED),
    ],
)
def test_how_far_it_is(turns: set[str], at: datetime, phase: Phase) -> None:
    """Voting is under way only when the polls are open on the board and by the clock."""
    assert reached(Election(opens=OPENS, closes=CLOSES), turns, at) == phase


def test_a_real_board(polls: Counter) -> None:  # noqa: F811
    assert phase_of(polls.row, OPENS) == Phase.VOTING
    polls.close()
    assert phase_of(polls.row, CLOSES) == Phase.COUNTING
    assert [one.phase for one in list_elections(CLOSES)[0]] == [Phase.COUNTING]


def test_what_is_listed(world: World) -> None:
    """What closes first comes first; an election that nobody held is not there, nor one without office or days."""
    election_day = world.election.election_day
    assert election_day is not None
    town, later = world.town, election_day + timedelta(7)
    second = kakuu.world(town, slug="second", notice=later - timedelta(7), election_day=later).election
    past = kakuu.world(town, slug="past", notice=later - timedelta(99), election_day=later - timedelta(90)).election
    same: dict[str, Any] = {
        "opens": second.opens, "closes": second.closes, "generators": "架空", "board_key": bytes(32), "title": "架空",
    }  # fmt: skip
    Election.objects.create(slug="undated", office=town.board, origin="board.example/undated", **same)
    days = {"notice_day": second.notice_day, "election_day": second.election_day}
    Election.objects.create(slug="nobodys", origin="board.example/nobodys", **days, **same)
    current, finished = list_elections(world.n(3, 12))
    assert [one.election.slug for one in current] == ["kakuu", "second"] and finished == []
    assert [one.asked_for for one in current] == [True, True]
    assert [one.asked_for for one in list_elections(world.n(-60))[0] if one.election != past] == [False, False]
    assert set(shown()) == {world.election, second, past}


def test_those_that_are_finished(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "voting.guide.elections._turns", lambda _elections: {world.election.pk: {OPENED, CLOSED, RESULT}}
    )
    current, finished = list_elections(world.e(2))
    assert current == [] and [one.election for one in finished] == [world.election]


@pytest.mark.parametrize(
    ("code", "first", "last"),
    [("COVID_HOME", (-30,), (-1, 12)), ("OTHER_BOARD", (-30,), (-1, 17)), ("POSTAL_DISABILITY", (-30,), (-4, 17))],
)
def test_to_the_second(world: World, code: str, first: tuple[int, ...], last: tuple[int, ...]) -> None:
    """The button is there from the first instant until the last second, as the service takes requests."""
    begins, ends = world.n(*first), world.e(*last)
    assert situation(world, code, begins - SECOND).asking == Asking.EARLY
    assert situation(world, code, begins).asking == Asking.NOW
    assert situation(world, code, ends).asking == Asking.NOW
    assert situation(world, code, ends + SECOND).asking == Asking.LATE


def test_what_can_be_asked_now_comes_first(world: World) -> None:
    """The order of the catalogue otherwise."""
    found = situations(world.election, world.e(-2))
    standings = [one.asking for one in found]
    assert Asking.NOW in standings and Asking.LATE in standings
    assert standings == sorted(standings, key=lambda asking: asking != Asking.NOW)
    for standing in (Asking.NOW, Asking.LATE):
        order = [one.offer.category.pk for one in found if one.asking == standing]
        assert order == sorted(order)


def test_only_what_the_election_enables(world: World) -> None:
    """Requirement 11, and 17: what the law does not know for this kind of election is not shown either."""
    world.offers["FACILITY"].enabled = False
    world.offers["FACILITY"].save()
    world.election.kind = "CITY"
    world.election.save()
    codes = {one.offer.category.code for one in situations(world.election, world.n(3))}
    assert "OTHER_BOARD" in codes and not codes & {"FACILITY", "SEAFARER_FAX", "ANTARCTIC_FAX"}


def test_paper_beside_online(world: World) -> None:
    """Domain, section 8.5: the paper deadline of quarantine is earlier; a proposal has none."""
    at = world.e(-3, 12)
    covid = situation(world, "COVID_HOME", at)
    assert covid.dates is not None and covid.dates.paper_until == world.e(-4, 17)
    assert covid.asking == Asking.NOW and not covid.on_paper
    assert situation(world, "COVID_HOME", world.e(-4, 17)).on_paper
    contact = situation(world, "CLOSE_CONTACT", at)
    assert contact.dates is not None and contact.dates.paper_until is None and not contact.on_paper


def test_in_the_readers_language(world: World) -> None:
    for language, name in (("ja", "指定病院"), ("ja-easy", "病院（びょういん）"), ("en", "hospital")):
        with translation.override(language):
            found = situation(world, "FACILITY", world.n(3))
            assert name in found.name and found.who
    assert found.attested_by == "head of the facility"
    assert situation(world, "COVID_HOME", world.n(3)).attested_by == ""
    assert len(situation(world, "COVID_HOME", world.n(3)).needs) == 2


def test_without_days_nothing_is_promised(world: World) -> None:
    Election.objects.filter(pk=world.election.pk).update(notice_day=None)
    world.election.refresh_from_db()
    found = situations(world.election, timezone.now())
    assert found and all(one.asking == Asking.UNKNOWN and not one.on_paper for one in found)


def test_hours_of_polling_stations(world: World) -> None:
    """The widest there are; none for an election without districts."""
    world.election.districts.filter(code="2").update(polls_open=time(6, 30), polls_close=time(18))
    assert hours_of_polling_stations(world.election) == (time(6, 30), time(20))
    empty = Election.objects.create(
        slug="empty", office=offices.board("rin", "隣市"), origin="board.example/empty", opens=OPENS, closes=CLOSES,
        generators="架空", board_key=bytes(32), title="架空",
    )  # fmt: skip
    assert hours_of_polling_stations(empty) is None
