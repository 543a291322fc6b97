"""Conditions with the facts of one application: what was stated, what an authority said, which days count."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.voting import kakuu
from tests.voting.kakuu import World
from tests.voting.offices import Town
from voting.applications import review
from voting.applications.errors import ConditionNotMet
from voting.applications.facts import confirmed_spans, require_condition, require_still_met
from voting.applications.models import Application
from voting.applications.rules import Span
from voting.officials.models import Designation, Office

pytestmark = pytest.mark.django_db

BORN = date(1980, 4, 1)


@pytest.fixture
def world(town: Town) -> World:
    return kakuu.world(town)


def holds(world: World, code: str, at: datetime, claims: Mapping[str, Any], **more: Any) -> bool:
    office: Office | None = more.pop("office", None)
    birth: date = more.pop("birth", BORN)
    try:
        require_condition(world.offers[code], claims, birth, at, office, **more)
    except ConditionNotMet as refusal:
        assert refusal.code == "condition-not-met" and refusal.where == code
        return False
    return True


def claim(world: World, kind: str, **changes: Any) -> dict[str, Any]:
    return {kind: {**kakuu.claims(world, kind)[kind], **changes}}


def test_a_stay_covers_a_day_of_voting_that_is_still_to_come(world: World) -> None:
    """From N+1 to E-1, and not before the day of the request."""
    n, e = world.n, world.e
    for first, last, at, good in (
        (n(0), n(1), n(0), True),
        (n(0), n(1), n(1, 23), True),
        (n(0), n(1), n(2), False),
        (n(-9), n(0), n(0), False),
        (e(-1), e(5), n(0), True),
        (e(0), e(5), n(0), False),
    ):
        stated = claim(world, "INSTITUTION_ROSTER", stay=world.span(first, last))
        assert holds(world, "DETENTION", at, stated) is good, (first, last, at)


def test_a_stay_without_an_end_goes_on(world: World) -> None:
    stated = claim(world, "INSTITUTION_ROSTER", stay={"start": "2030-01-01"})
    assert holds(world, "DETENTION", world.n(3), stated)


def test_stay_and_designation_meet_on_one_day(world: World) -> None:
    """Each covers some day of voting, but no day both: not met. Two designations do not add up either."""
    Designation.objects.all().delete()
    hospital = world.town.hospital
    stated = claim(world, "FACILITY_ROSTER", stay=world.span(world.n(3), world.n(4)))

    def designate(first: datetime, last: datetime | None) -> None:
        Designation.objects.create(office=hospital, starts=first.date(), ends=last.date() if last else None)

    assert not holds(world, "FACILITY", world.n(1), stated, office=hospital)
    designate(world.n(-99), world.n(2))
    designate(world.n(5), None)
    assert not holds(world, "FACILITY", world.n(1), stated, office=hospital)
    designate(world.n(4), world.n(4))
    assert holds(world, "FACILITY", world.n(1), stated, office=hospital)
    assert not holds(world, "FACILITY", world.n(1), stated, office=None)
    assert not holds(world, "FACILITY", world.n(1), stated, office=world.town.ship)


def test_both_certificates_cover_the_same_day(world: World) -> None:
    cert = claim(world, "POSTAL_CERT_PROXY", cert=world.span(world.n(-9), world.n(3)))
    for first, good in ((world.n(3), True), (world.n(4), False)):
        proxy = claim(world, "PROXY_REGISTRATION", proxy={"start": first.date().isoformat()})
        assert holds(world, "POSTAL_PROXY", world.n(1), {**cert, **proxy}) is good


def test_seventeen_on_some_day_of_voting_and_eighteen_on_election_day(world: World) -> None:
    """公職選挙法43条: whoever can vote early as anybody else does not need this."""
    e = world.e
    for birthday, good in ((e(1), True), (e(0), True), (e(2), False), (world.n(3), True), (world.n(2), False)):
        birth = birthday.date().replace(year=2012)
        assert holds(world, "HOME_BOARD_U18", world.n(0), {"ROLL_DOB": {}}, birth=birth) is good, birthday
    # Born on N+3, eighteen from N+2 on: too late on that day.
    late = world.n(3).date().replace(year=2012)
    assert not holds(world, "HOME_BOARD_U18", world.n(2), {"ROLL_DOB": {}}, birth=late)


def test_the_day_of_receipt_is_that_of_japan(world: World) -> None:
    """23:30 in UTC is the next morning in Japan, when the isolation is over."""
    stated = claim(world, "SWORN", period=world.span(world.n(0), world.n(3)))
    last = world.n(3, 23, 59, 59)
    utc = kakuu.ZoneInfo("UTC")
    assert holds(world, "CLOSE_CONTACT", last.astimezone(utc), stated)
    assert not holds(world, "CLOSE_CONTACT", (last + timedelta(seconds=1)).astimezone(utc), stated)


def test_what_an_authority_confirmed_stands_over_what_was_stated(world: World) -> None:
    """In both directions; what it says nothing about stays as stated."""
    stated = claim(world, "OMITTED_WITH_REASON")
    n = world.n

    def confirmed(first: datetime, last: datetime) -> dict[str, Span]:
        return {"period": Span(first.date(), last.date())}

    assert not holds(world, "COVID_HOME", n(3), stated, confirmed=confirmed(n(-9), n(0)))
    assert not holds(world, "COVID_HOME", n(3), stated, confirmed=confirmed(n(0), n(2)))
    short = claim(world, "OMITTED_WITH_REASON", period=world.span(n(-9), n(0)))
    assert not holds(world, "COVID_HOME", n(3), short)
    assert holds(world, "COVID_HOME", n(3), short, confirmed=confirmed(n(0), n(9)))
    sea = {**claim(world, "SEAFARER_CERT", cert=world.span(n(-9), n(0))), **claim(world, "SHIP")}
    assert not holds(world, "SEAFARER_ONBOARD", n(0), sea, confirmed={"voyage": Span(n(0).date(), n(9).date())})


def test_a_member_has_told_the_head(world: World) -> None:
    """By E-5, and not after the request itself."""
    for told, at, good in ((-5, -3, True), (-4, -3, False), (-6, -6, True), (-5, -6, False)):
        stated = claim(world, "UNIT_ROSTER", member_notice_on=world.e(told).date().isoformat())
        assert holds(world, "OVERSEAS_UNIT", world.e(at, 12), stated) is good
    untold = kakuu.claims(world, "UNIT_ROSTER")
    del untold["UNIT_ROSTER"]["member_notice_on"]
    assert not holds(world, "OVERSEAS_UNIT", world.e(-6), untold)


def test_a_condition_that_cannot_be_answered_is_not_met(world: World) -> None:
    assert not holds(world, "COVID_HOME", world.n(3), {"ISOLATION_ORDER": {"issuer": "架空保健所"}})


# The decision


def test_for_the_decision_only_days_to_come_count(world: World) -> None:
    """Left the institution since: the days on which that was true are over."""
    stay = claim(world, "INSTITUTION_ROSTER", stay=world.span(world.n(-9), world.n(4)))
    application = kakuu.submit(world, "DETENTION", claims=stay, at=world.n(2))
    require_still_met(application, world.n(4, 23))
    with pytest.raises(ConditionNotMet):
        require_still_met(application, world.n(5))


def test_for_the_decision_the_request_came_when_it_came(world: World) -> None:
    """The isolation lasted when the request arrived; that it is over by the decision does not matter (3条2項)."""
    order = claim(world, "ISOLATION_ORDER", period=world.span(world.n(0), world.n(3)))
    application = kakuu.submit(world, "COVID_HOME", claims=order, at=world.n(3, 23))
    require_still_met(application, world.e(-1, 12))


@pytest.mark.parametrize(
    ("code", "name"), [("FACILITY", "stay"), ("SEAFARER_ONBOARD", "voyage"), ("OVERSEAS_UNIT", "tour")]
)
def test_a_head_confirms_under_the_name_of_the_claim(world: World, code: str, name: str) -> None:
    application = kakuu.submit(world, code)
    assert confirmed_spans(application) == {}
    assert application.office is not None
    head = world.heads[kakuu.OfficeKind(application.office.kind)]
    first, last = world.n(0).date(), world.n(9).date()
    review.confirm(application, by=head, confirmed=True, starts=first, ends=last)
    assert confirmed_spans(application) == {name: Span(first, last)}


def test_a_denial_confirms_nothing(world: World) -> None:
    application = kakuu.submit(world, "COVID_HOME", kinds=("OMITTED_WITH_REASON",))
    review.confirm(application, by=world.town.health_officer, confirmed=False)
    assert confirmed_spans(Application.objects.get(pk=application.pk)) == {}
