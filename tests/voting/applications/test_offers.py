"""What an election offers: by kind of election, with dates of its own, changed by one person or by two."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from tests.voting import kakuu
from tests.voting.kakuu import JAPAN, World
from tests.voting.offices import Town
from voting.access.models import AccessEntry
from voting.applications.catalogue import load_catalogue
from voting.applications.errors import NotOffered, RuleInvalid
from voting.applications.models import Category, Offer
from voting.applications.offers import (
    change_offer,
    days_of,
    is_held_in,
    load_categories,
    offer_category,
    offer_problems,
    offered,
    takes_requests,
    taking_requests,
    windows,
)
from voting.elections.models import ElectionKind
from voting.errors import NotPermitted
from voting.officials.models import Official, Proposal
from voting.officials.roles import Act
from voting.officials.services import approve

pytestmark = pytest.mark.django_db

FAX = {"SEAFARER_FAX", "ANTARCTIC_FAX"}
NATIONAL = {ElectionKind.SHUGIIN_GENERAL, ElectionKind.SANGIIN_REGULAR, ElectionKind.KOKUMIN_SHINSA}


@pytest.fixture
def world(town: Town) -> World:
    return kakuu.world(town)


def underway(town: Town, days: int = 0, **how: Any) -> World:
    """An election whose notice day was so many days ago."""
    notice = timezone.localdate() - timedelta(days)
    return kakuu.world(town, notice=notice, election_day=notice + timedelta(7), kind=ElectionKind.CITY, **how)


def codes(offers: list[Offer]) -> set[str]:
    return {offer.category.code for offer in offers}


# The catalogue


@pytest.mark.django_db
def test_the_catalogue_is_loaded_once() -> None:
    assert load_categories() == len(load_catalogue()) == Category.objects.count()
    Category.objects.filter(code="FACILITY").update(name_ja="改めた名")
    assert load_categories() == 0
    assert Category.objects.get(code="FACILITY").name_ja == "改めた名"


def test_every_loaded_category_is_in_the_language_of_the_rules() -> None:
    load_categories()
    for category in Category.objects.all():
        category.full_clean()
    assert {category.code for category in Category.objects.filter(status="dormant")} == {
        "COVID_HOME",
        "COVID_HOTEL",
        "QUARANTINE_STAY",
    }


# Who knows what


@pytest.mark.parametrize("kind", ElectionKind)
def test_categories_are_limited_to_kinds_of_election(town: Town, kind: ElectionKind) -> None:
    """Requirement 17: by fax only in the great national elections; from abroad also in national by-elections."""
    known = codes(offered(kakuu.world(town, kind=kind).election))
    assert (known >= FAX) is (kind in NATIONAL)
    assert not known & FAX or kind in NATIONAL
    assert ("OVERSEAS_RESIDENT" in known) is (kind in {*NATIONAL, ElectionKind.NATIONAL_BYELECTION})
    assert "OVERSEAS_UNIT" in known


def test_what_the_law_does_not_know_is_not_offered(town: Town) -> None:
    world = kakuu.world(town, kind=ElectionKind.CITY)
    Offer.objects.all().delete()
    for code in FAX:
        category = Category.objects.get(code=code)
        assert not is_held_in(category, world.election)
        with pytest.raises(NotOffered) as refusal:
            offer_category(world.election, category, by=town.clerk)
        assert refusal.value.where == code
    assert not Offer.objects.exists()


def test_disabled_offers_are_not_shown(world: World) -> None:
    Offer.objects.exclude(category__code="COVID_HOME").update(enabled=False)
    assert codes(offered(world.election)) == {"COVID_HOME"}
    assert codes(taking_requests(world.election, world.n(1))) == {"COVID_HOME"}


# Dates


def test_the_dates_of_a_category(world: World) -> None:
    """The paper deadline and the online one side by side (domain, 8.5): E-4 17:00, and E-1 12:00."""
    dates = windows(world.offers["COVID_HOME"])
    assert dates.apply_from == datetime(2030, 4, 12, tzinfo=JAPAN)
    assert dates.paper_until == datetime(2030, 5, 15, 17, tzinfo=JAPAN)
    assert dates.online_until == datetime(2030, 5, 18, 12, tzinfo=JAPAN)
    assert dates.member_notice_until is None
    assert dates.vote_from == datetime(2030, 5, 13, tzinfo=JAPAN)
    assert dates.vote_until == datetime(2030, 5, 18, 20, tzinfo=JAPAN)
    unit = windows(world.offers["OVERSEAS_UNIT"])
    assert unit.member_notice_until == datetime(2030, 5, 14, 23, 59, 59, tzinfo=JAPAN)
    assert unit.online_until == datetime(2030, 5, 16, 17, tzinfo=JAPAN)
    assert windows(world.offers["CLOSE_CONTACT"]).paper_until is None


def test_an_election_has_its_own_deadline(world: World) -> None:
    """The category keeps the one of the catalogue."""
    offer = world.offers["POSTAL_DISABILITY"]
    change_offer(offer, by=world.town.clerk, online_until="E-2T09:30")
    assert windows(Offer.objects.get(pk=offer.pk)).online_until == world.e(-2, 9, 30)
    assert Category.objects.get(code="POSTAL_DISABILITY").online_until == "E-4T17:00"


def test_requests_are_taken_to_the_second(world: World) -> None:
    offer = world.offers["OTHER_BOARD"]
    for at, taken in {
        world.n(-31, 23, 59, 59): False,
        world.n(-30, 0, 0, 0): True,
        world.e(-1, 16, 59, 59): True,
        world.e(-1, 17, 0, 0): True,
        world.e(-1, 17, 0, 0) + timedelta(microseconds=999_999): True,
        world.e(-1, 17, 0, 1): False,
    }.items():
        assert takes_requests(offer, at) is taken, at
        assert ("OTHER_BOARD" in codes(taking_requests(world.election, at))) is taken


def test_without_days_there_are_no_dates(world: World) -> None:
    for gap in ("notice_day", "election_day"):
        bare = kakuu.Election.objects.get(pk=world.election.pk)
        setattr(bare, gap, None)
        with pytest.raises(RuleInvalid):
            days_of(bare)
        assert list(offer_problems(Offer(election=bare, category=world.offers["FACILITY"].category)))


# Changing


def test_before_notice_day_one_official_changes(world: World) -> None:
    offer = world.offers["COVID_HOME"]
    changed = change_offer(offer, by=world.town.clerk, online_until="E-1T10:00", enabled=False)
    assert isinstance(changed, Offer)
    offer.refresh_from_db()
    assert (offer.online_until, offer.enabled, offer.apply_from) == ("E-1T10:00", False, "N-30")
    assert not Proposal.objects.exists()
    entry = AccessEntry.objects.get()
    assert (entry.official, entry.office, entry.act) == ("clerk", world.town.board.name, Act.CHANGE_OFFER)
    assert entry.purpose == "COVID_HOME: enabled = False, online_until = E-1T10:00"


@pytest.mark.parametrize("days", [0, 3])
def test_from_notice_day_on_two_officials_change(town: Town, days: int) -> None:
    """Nothing changes until a chair who is somebody else agrees."""
    world = underway(town, days)
    offer = world.offers["COVID_HOME"]
    asked = change_offer(offer, by=town.chair, online_until="E-1T10:00")
    assert isinstance(asked, Proposal) and asked.act == Act.CHANGE_OFFER_LATE
    offer.refresh_from_db()
    assert offer.online_until == "E-1T12:00"
    with pytest.raises(NotPermitted):
        approve(asked, by=town.chair)
    with pytest.raises(NotPermitted):
        approve(asked, by=town.clerk)
    approve(asked, by=town.second_chair)
    offer.refresh_from_db()
    assert offer.online_until == "E-1T10:00"


def test_the_day_before_notice_is_before_notice(town: Town) -> None:
    world = underway(town, -1)
    assert isinstance(change_offer(world.offers["COVID_HOME"], by=town.clerk, enabled=False), Offer)


def test_from_notice_day_on_no_category_comes_by_one_person(town: Town) -> None:
    """Four eyes for every change after notice day (domain, 5): nothing new is offered by a clerk alone."""
    world = underway(town)
    category = Category.objects.get(code="CLOSE_CONTACT")
    Offer.objects.filter(category=category).delete()
    offer_category(world.election, category, by=town.clerk)
    assert "CLOSE_CONTACT" not in codes(offered(world.election))
    approve(Proposal.objects.get(act=Act.CHANGE_OFFER_LATE), by=town.chair)
    assert "CLOSE_CONTACT" in codes(offered(world.election))


@pytest.mark.parametrize(
    "changes",
    [
        {"online_until": "E-40"},
        {"online_until": "E"},
        {"apply_from": "E", "online_until": "E-1T12:00"},
        {"online_until": "E-1T25:00"},
        {"online_until": ""},
        {"apply_from": "yesterday"},
    ],
)
def test_dates_that_contradict_are_refused(town: Town, changes: dict[str, str]) -> None:
    """Early or late, by one or by two: nothing is stored and nothing is asked for."""
    for world in (kakuu.world(town), underway(town, slug="underway")):
        offer = world.offers["COVID_HOME"]
        with pytest.raises(RuleInvalid):
            change_offer(offer, by=town.clerk, **changes)
        offer.refresh_from_db()
        assert (offer.apply_from, offer.online_until) == ("N-30", "E-1T12:00")
    assert not Proposal.objects.exists()


def test_a_change_that_became_impossible_is_not_done(town: Town) -> None:
    """It was asked for when it was right; the days moved since."""
    world = underway(town)
    offer = world.offers["COVID_HOME"]
    asked = change_offer(offer, by=town.clerk, online_until="E-4T12:00")
    assert isinstance(asked, Proposal)
    world.election.election_day = (world.election.notice_day or date.min) + timedelta(2)
    world.election.save()
    with pytest.raises(RuleInvalid):
        approve(asked, by=town.chair)
    offer.refresh_from_db()
    asked.refresh_from_db()
    assert (offer.online_until, asked.decision) == ("E-1T12:00", "pending")


def test_what_has_no_time_left_can_be_switched_off(town: Town) -> None:
    """The days moved so that nobody could vote in it: it stands against opening until it is off, early or late."""
    for world in (kakuu.world(town), underway(town, slug="underway")):
        offer, election = world.offers["COVID_HOME"], world.election
        election.election_day = (election.notice_day or date.min) + timedelta(1)
        election.save()
        assert list(offer_problems(offer))
        with pytest.raises(RuleInvalid):
            change_offer(offer, by=town.clerk, enabled=True)
        asked = change_offer(offer, by=town.clerk, enabled=False)
        if isinstance(asked, Proposal):
            approve(asked, by=town.chair)
        offer.refresh_from_db()
        assert not offer.enabled


def test_only_these_things_change(world: World) -> None:
    for name in ("category", "election", "pk", "vote_until"):
        with pytest.raises(ValueError, match=name):
            change_offer(world.offers["COVID_HOME"], by=world.town.clerk, **{name: 1})


def test_who_may_offer_and_change(world: World) -> None:
    """Clerks and chairs of this board; nobody else of the town, nobody of another municipality."""
    _board, *neighbours = kakuu.neighbour()
    offer, town = world.offers["COVID_HOME"], world.town
    everybody = [one for one in vars(town).values() if isinstance(one, Official)]
    for somebody in [*everybody, *neighbours]:
        if somebody in (town.clerk, town.second_clerk, town.chair, town.second_chair):
            offer_category(world.election, offer.category, by=somebody)
            change_offer(offer, by=somebody, enabled=True)
            continue
        with pytest.raises(NotPermitted):
            offer_category(world.election, offer.category, by=somebody)
        with pytest.raises(NotPermitted):
            change_offer(offer, by=somebody, enabled=False)
    offer.refresh_from_db()
    assert offer.enabled


def test_offering_twice_is_offering_once(world: World) -> None:
    """Dates that were changed stay."""
    offer = world.offers["COVID_HOME"]
    change_offer(offer, by=world.town.clerk, online_until="E-1T10:00")
    assert offer_category(world.election, offer.category, by=world.town.clerk) == offer
    assert Offer.objects.get(pk=offer.pk).online_until == "E-1T10:00"
    assert AccessEntry.objects.filter(act=Act.CHANGE_OFFER).exists()


def test_problems_are_named(town: Town) -> None:
    """Requirement 2: a deadline before notice day is an inconsistent window. On a town's short calendar E-4 is fine."""
    world = kakuu.world(town, notice=date(2030, 5, 14), kind=ElectionKind.TOWN)
    assert [list(offer_problems(offer)) for offer in offered(world.election)] == [[]] * len(offered(world.election))
    late = world.offers["POSTAL_DISABILITY"]
    late.online_until = "E-6"
    (problem,) = offer_problems(late)
    assert late.category.name_ja in problem
    world.election.opens, world.election.closes = world.e(0), world.e(1)
    late = world.offers["COVID_HOME"]
    late.election = world.election
    assert len(list(offer_problems(late))) == 1


def test_the_categories_of_the_law_are_loaded_once() -> None:
    """A new installation has them after one command; what officials changed since stays."""
    Offer.objects.all().delete()
    Category.objects.all().delete()
    said = [StringIO(), StringIO()]
    call_command("load_categories", stdout=said[0])
    Category.objects.filter(code="COVID_HOME").update(online_until="E-2T12:00")
    call_command("load_categories", stdout=said[1])
    assert [out.getvalue() for out in said] == ["17 categories added\n", "0 categories added\n"]
    assert Category.objects.get(code="COVID_HOME").online_until == "E-2T12:00"
