"""Appointing, ending appointments, and designations: which roles go together, and whose reach ends where."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from tests.voting import offices
from tests.voting.offices import Town
from tests.voting.postgres import Runner, both, race, says, transactional
from voting.access.models import AccessEntry
from voting.errors import NotPermitted, RolesIncompatible
from voting.officials import services
from voting.officials.models import Appointment, Designation, Office, Official
from voting.officials.roles import INCOMPATIBLE, OfficeKind, Role
from voting.officials.services import designated_on, end_appointment, grant, roles_at

pytestmark = pytest.mark.django_db

BOARDS = [
    Role.BOARD_CLERK,
    Role.BOARD_CHAIR,
    Role.POLL_MANAGER,
    Role.POLL_WITNESS,
    Role.COUNT_MANAGER,
    Role.COUNT_WITNESS,
    Role.RETURNING_OFFICER,
    Role.AUDITOR,
]
KINDS = {
    Role.ATTESTOR: OfficeKind.FACILITY,
    Role.HEALTH_OFFICER: OfficeKind.HEALTH,
    Role.PREFECTURE_CLERK: OfficeKind.PREFECTURE,
    Role.NATIONAL_CLERK: OfficeKind.NATIONAL,
    Role.SYSTEM_ADMIN: OfficeKind.PLATFORM,
    **dict.fromkeys(BOARDS, OfficeKind.BOARD),
}
APART = [*((Role.AUDITOR, role) for role in Role if role is not Role.AUDITOR)]
APART += [(Role.SYSTEM_ADMIN, role) for role in Role if role not in (Role.SYSTEM_ADMIN, Role.AUDITOR)]
APART += [(Role.POLL_MANAGER, Role.POLL_WITNESS)]


def office_for(role: Role) -> Office:
    kind = KINDS[role]
    return Office.objects.get_or_create(kind=kind, code=kind.value, defaults={"name": f"架空{kind.value}"})[0]


# Which roles go together


@pytest.mark.parametrize(("first", "second"), [*APART, *((two, one) for one, two in APART)])
def test_nobody_holds_roles_that_do_not_go_together(first: Role, second: Role) -> None:
    """In either order, at whichever offices."""
    somebody = offices.official("somebody", first, office_for(first))
    with pytest.raises(RolesIncompatible) as refusal, transaction.atomic():
        grant(somebody, second, office_for(second))
    assert refusal.value.code == "roles-incompatible" and refusal.value.where == str(somebody)
    assert [one.role for one in somebody.appointments.all()] == [first]


def test_they_go_one_after_the_other(town: Town) -> None:
    """What ended does not count."""
    end_appointment(town.auditor.appointments.get(), by=town.chair, office=town.board)
    offices.grant(town.auditor, Role.BOARD_CLERK, town.board)
    assert roles_at(town.auditor, town.board) == {Role.BOARD_CLERK}


def test_other_roles_go_together(town: Town) -> None:
    """A clerk counts on election night, and a captain is also a clerk ashore."""
    for role in (Role.COUNT_MANAGER, Role.BOARD_CHAIR, Role.POLL_MANAGER):
        offices.grant(town.clerk, role, town.board)
    offices.grant(town.captain, Role.BOARD_CLERK, town.board)
    assert len(roles_at(town.clerk, town.board)) == 4
    assert (Role.BOARD_CLERK, Role.BOARD_CHAIR) not in INCOMPATIBLE


@pytest.mark.parametrize("role", Role)
def test_an_office_appoints_only_to_its_own_roles(role: Role) -> None:
    somebody = offices.official("somebody")
    for kind in OfficeKind:
        here = offices.office(kind, f"here-{kind}", f"架空{kind}")
        fits = kind == KINDS[role] or (role is Role.ATTESTOR and kind in ("institution", "ship", "unit", "port"))
        if fits:
            continue
        with pytest.raises(RolesIncompatible, match="cannot appoint"), transaction.atomic():
            grant(somebody, role, here)
    assert not somebody.appointments.exists()


def test_granting_twice_is_one_appointment(town: Town) -> None:
    before = Appointment.objects.count()
    assert offices.grant(town.clerk, Role.BOARD_CLERK, town.board) == town.clerk.appointments.get()
    assert Appointment.objects.count() == before
    with pytest.raises(IntegrityError), transaction.atomic():
        Appointment.objects.create(official=town.clerk, office=town.board, role=Role.BOARD_CLERK)
    with pytest.raises(IntegrityError, match="appointment_role"), transaction.atomic():
        Appointment.objects.create(official=town.clerk, office=town.board, role="emperor")


@transactional
def test_granting_needs_no_transaction_of_the_caller() -> None:
    """As a command that installs the first officials calls it, on every database."""
    board = offices.board()
    somebody = offices.official("somebody")
    grant(somebody, Role.BOARD_CHAIR, board)
    assert roles_at(somebody, board) == {Role.BOARD_CHAIR}


# Ending


def test_a_chair_ends_appointments_of_the_own_board_only(town: Town) -> None:
    end_appointment(town.clerk.appointments.get(), by=town.chair, office=town.board)
    assert roles_at(town.clerk, town.board) == frozenset()
    entry = AccessEntry.objects.get()
    assert (entry.official, entry.act, entry.office) == ("chair", "end-role", town.board.name)
    other = offices.board("betsu", "別市選挙管理委員会")
    theirs = offices.official("theirs", Role.BOARD_CLERK, other).appointments.get()
    for where in (town.board, other):
        with pytest.raises(NotPermitted):
            end_appointment(theirs, by=town.chair, office=where)
    with pytest.raises(NotPermitted):
        end_appointment(town.system_admin.appointments.get(), by=town.chair, office=town.board)
    theirs.refresh_from_db()
    assert theirs.until is None


@pytest.mark.parametrize(
    "who", ["clerk", "poll_manager", "auditor", "health_officer", "attestor", "prefecture_clerk", "captain"]
)
def test_nobody_else_ends_an_appointment(town: Town, who: str) -> None:
    """Not even their own."""
    somebody: Official = getattr(town, who)
    own = somebody.appointments.get()
    for appointment in (own, town.second_clerk.appointments.get()):
        for where in (own.office, town.board, appointment.office):
            with pytest.raises(NotPermitted):
                end_appointment(appointment, by=somebody, office=where)
    assert not Appointment.objects.exclude(until=None).exists() and not AccessEntry.objects.exists()


def test_a_system_administrator_ends_any_and_it_is_logged(town: Town) -> None:
    """At the platform, not in the name of a board."""
    for somebody in (town.chair, town.attestor, town.health_officer):
        appointment = somebody.appointments.get()
        with pytest.raises(NotPermitted):
            end_appointment(appointment, by=town.system_admin, office=appointment.office)
        end_appointment(appointment, by=town.system_admin, office=town.platform)
        appointment.refresh_from_db()
        assert appointment.until is not None
    logged = AccessEntry.objects.values_list("official", "office", "act")
    assert list(logged) == [("system-admin", town.platform.name, "end-role")] * 3


def test_an_ended_appointment_keeps_its_end(town: Town) -> None:
    """Ending it again moves nothing and writes nothing."""
    appointment = town.clerk.appointments.get()
    end_appointment(appointment, by=town.chair, office=town.board)
    appointment.refresh_from_db()
    first = appointment.until
    end_appointment(appointment, by=town.second_chair, office=town.board)
    appointment.refresh_from_db()
    assert appointment.until == first and AccessEntry.objects.count() == 1


@transactional
def test_what_is_not_logged_is_not_ended(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The appointment and its entry are one transaction also when the caller has none."""

    def fail(*values: object) -> None:
        raise OSError("no log")

    monkeypatch.setattr(services, "log", fail)
    with pytest.raises(OSError, match="no log"):
        end_appointment(town.clerk.appointments.get(), by=town.chair, office=town.board)
    assert town.clerk.appointments.get().until is None


# Accounts and designations


def test_an_account_has_a_checked_name_and_no_appointment() -> None:
    somebody = Official.objects.create_user("novice", "架空 花子", "a long enough passphrase")
    assert somebody.check_password("a long enough passphrase") and not somebody.is_staff
    for username, name in (("novice", "架空 次郎"), ("", "架空 次郎"), ("a b", "架空 次郎"), ("other", "")):
        with pytest.raises(ValidationError):
            Official.objects.create_user(username, name)
    assert Official.objects.count() == 1


def test_a_designation_covers_its_days(town: Town) -> None:
    """The first and the last day belong to it; of several the latest counts."""
    first = Designation.objects.create(office=town.hospital, starts=date(2026, 4, 1), ends=date(2027, 3, 31))
    second = Designation.objects.create(office=town.hospital, starts=date(2027, 4, 2))
    expected = {
        date(2026, 3, 31): None,
        date(2026, 4, 1): first,
        date(2027, 3, 31): first,
        date(2027, 4, 1): None,
        date(2027, 4, 2): second,
        date(2100, 1, 1): second,
    }
    assert {day: designated_on(town.hospital, day) for day in expected} == expected
    assert designated_on(town.ship, date(2026, 4, 1)) is None
    with pytest.raises(IntegrityError, match="designation_not_backwards"), transaction.atomic():
        Designation.objects.create(office=town.ship, starts=date(2026, 4, 2), ends=date(2026, 4, 1))


# The same instant


@race
@transactional
@both
def test_of_two_grants_that_do_not_go_together_one_wins(run: Runner, town: Town) -> None:
    """Each would be in order, were there not the other. Ten times."""
    for step in range(10):
        somebody = offices.official(f"somebody-{step}")
        roles = (Role.POLL_MANAGER, Role.POLL_WITNESS, Role.AUDITOR)
        answers = run([says(lambda s=somebody, r=role: grant(s, r, town.board).until) for role in roles])
        assert sorted(answers) == ["None", "roles-incompatible", "roles-incompatible"]
        assert somebody.appointments.count() == 1


@race
@transactional
@both
def test_the_same_grant_at_once_is_one_appointment(run: Runner, town: Town) -> None:
    somebody = offices.official("somebody")
    assert run([says(lambda: grant(somebody, Role.COUNT_WITNESS, town.board).role)] * 6) == ["count-witness"] * 6
    assert somebody.appointments.count() == 1
