"""When an appointment is held, and who appoints whom where."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests.voting import offices
from tests.voting.offices import Town
from voting.access.models import AccessEntry
from voting.errors import NotPermitted, RolesIncompatible
from voting.officials.models import Appointment, Office, Official
from voting.officials.roles import APPOINTS, Act, OfficeKind, Role
from voting.officials.services import (
    approve,
    end_appointment,
    grant,
    may,
    may_approve,
    offices_appointed_by,
    offices_to_approve,
    offices_where,
    pending,
    propose,
    roles_at,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def chair(town: Town, since: timedelta, until: timedelta | None) -> Official:
    """A chair of 架空市 from one moment to another, counted from now."""
    somebody, now = offices.official("somebody"), timezone.now()
    Appointment.objects.create(
        official=somebody,
        office=town.board,
        role=Role.BOARD_CHAIR,
        since=now + since,
        until=None if until is None else now + until,
    )
    return somebody


# Held now


@pytest.mark.parametrize(
    ("since", "until", "held"),
    [
        (-DAY, None, True),
        (-DAY, DAY, True),
        (-DAY, timedelta(0), False),
        (-2 * DAY, -DAY, False),
        (DAY, None, False),
        (DAY, 2 * DAY, False),
    ],
)
def test_an_appointment_counts_from_its_first_moment_until_its_end(
    since: timedelta, until: timedelta | None, held: bool, town: Town
) -> None:
    """In every question that is asked about it, and for the way into the officials' site."""
    somebody = chair(town, since, until)
    asked = propose(Act.OPEN_POLLS, office=town.board, target=town.board, summary="開始", by=town.clerk)
    assert bool(roles_at(somebody, town.board)) is held
    assert may(somebody, Act.DECIDE, town.board) is may_approve(somebody, Act.OPEN_POLLS, town.board) is held
    assert offices_where(somebody, Act.DECIDE).exists() is offices_to_approve(somebody, Act.OPEN_POLLS).exists() is held
    assert (asked in pending(somebody)) is somebody.is_staff is held
    if not held:
        with pytest.raises(NotPermitted):
            approve(asked, by=somebody)


def test_nobody_is_appointed_backwards(town: Town) -> None:
    """An end at the beginning is an appointment that was never held; an end before it is nonsense."""
    somebody = chair(town, DAY, DAY)
    assert roles_at(somebody, town.board) == frozenset()
    with pytest.raises(IntegrityError, match="appointment_not_backwards"), transaction.atomic():
        Appointment.objects.filter(official=somebody).update(until=timezone.now())


@pytest.mark.parametrize(("since", "until"), [(DAY, None), (-DAY, DAY), (-DAY, None)])
def test_roles_that_do_not_go_together_do_not_overlap_later_either(
    since: timedelta, until: timedelta | None, town: Town
) -> None:
    somebody = chair(town, since, until)
    with pytest.raises(RolesIncompatible):
        grant(somebody, Role.AUDITOR, town.board)


def test_one_appointment_without_an_end_at_a_time(town: Town) -> None:
    """What ended, or is to end, does not stand in the way of the next; another without an end does."""
    somebody = chair(town, -DAY, DAY)
    lasting = grant(somebody, Role.BOARD_CHAIR, town.board)
    assert lasting.until is None and grant(somebody, Role.BOARD_CHAIR, town.board) == lasting
    assert somebody.appointments.count() == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        Appointment.objects.create(official=somebody, office=town.board, role=Role.BOARD_CHAIR, since=timezone.now())


@pytest.mark.parametrize(("since", "until"), [(-DAY, DAY), (DAY, None), (DAY, 2 * DAY)])
def test_what_is_to_end_or_to_begin_can_be_ended_now(since: timedelta, until: timedelta | None, town: Town) -> None:
    """Once: ending it again moves nothing and logs nothing."""
    somebody = chair(town, since, until)
    appointment = somebody.appointments.get()
    for _again in range(2):
        end_appointment(appointment, by=town.chair, office=town.board)
    appointment.refresh_from_db()
    assert appointment.until is not None
    assert appointment.until == (appointment.since if since > timedelta(0) else appointment.until)
    assert appointment.until <= max(timezone.now(), appointment.since)
    assert roles_at(somebody, town.board) == frozenset()
    assert AccessEntry.objects.filter(act=Act.END_ROLE).count() == 1


# Who appoints where

PLACES = ("health", "facility", "institution", "ship", "unit", "port")
NEAR = ("own", "prefecture")
ALLOWED = {("board", "board", "same"), *(("board", kind, above) for kind in PLACES for above in NEAR)}
"""(kind of the office whose two people appoint, kind of the office where, whose that is)"""


@pytest.mark.parametrize("above", ["nobody", "stranger", *NEAR])
@pytest.mark.parametrize(("kind", "where"), [*product(OfficeKind, OfficeKind)])
def test_the_table_of_office_kinds(kind: OfficeKind, where: OfficeKind, above: str) -> None:
    """Boards at themselves, and at places that are theirs or their prefecture's."""
    prefecture = offices.office(OfficeKind.PREFECTURE, "ken", "県")
    stranger = offices.office(OfficeKind.PREFECTURE, "yoso", "余所県")
    own = offices.office(kind, "own", "自", above=prefecture)
    owner = {"nobody": None, "stranger": stranger, "own": own, "prefecture": prefecture}[above]
    other = offices.office(where, "other", "他", above=owner)
    reach = offices_appointed_by(Office.objects.filter(pk=own.pk))
    assert (other in reach) is ((kind, where, above) in ALLOWED)
    assert (own in reach) is ((kind, kind, "same") in ALLOWED)


def test_no_office_appoints_nowhere() -> None:
    offices.office(OfficeKind.FACILITY, "byoin", "病院")
    assert not offices_appointed_by(Office.objects.none()).exists()


@pytest.mark.parametrize("kind", OfficeKind)
def test_two_people_of_a_board_appoint_just_there(kind: OfficeKind, town: Town) -> None:
    """The rule is kept by the act itself, whatever a form let through; of each kind one office elsewhere."""
    there = offices.office(kind, "there", "そこ", above=town.board)
    for role in APPOINTS[kind]:
        novice = offices.official(f"novice-{role}")
        asked = propose(
            Act.GRANT_ROLE,
            office=town.board,
            target=novice,
            summary="任命",
            by=town.clerk,
            payload={"official": novice.pk, "role": role.value, "office": there.pk},
        )
        if kind in PLACES:
            approve(asked, by=town.chair)
        else:
            with pytest.raises(NotPermitted, match="appoints nobody at"):
                approve(asked, by=town.chair)
        assert novice.appointments.filter(office=there, role=role).exists() is (kind in PLACES)


@pytest.mark.parametrize(
    "who", ["prefecture_clerk", "attestor", "health_officer", "system_admin", "auditor", "captain"]
)
def test_nobody_but_boards_asks_to_appoint(who: str, town: Town) -> None:
    """Not even at the own office."""
    somebody: Official = getattr(town, who)
    for office in Office.objects.all():
        with pytest.raises(NotPermitted):
            propose(Act.GRANT_ROLE, office=office, target=office, summary="任命", by=somebody)
