"""`manage.py appoint`: the first officials of an installation, and nobody after them."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.voting import offices
from tests.voting.offices import Town
from voting.access.models import AccessEntry
from voting.officials.models import Appointment, Office, Official
from voting.officials.roles import Role
from voting.officials.services import roles_at

pytestmark = pytest.mark.django_db

BOARD = {"office_kind": "board", "office_name": "架空市選挙管理委員会"}


def appoint(username: str, name: str, role: str, office: str, **options: Any) -> str:
    """What the command prints."""
    printed = StringIO()
    call_command("appoint", username, name, role, office, stdout=printed, **options)
    return printed.getvalue()


def nothing_happens(match: str, *arguments: str, **options: Any) -> None:
    """Refused, and nothing stays behind: no office, no account, no entry."""
    rows = [Office, Official, Appointment, AccessEntry]
    before = [model._default_manager.count() for model in rows]
    with pytest.raises(CommandError, match=match):
        appoint(*arguments, **options)
    assert [model._default_manager.count() for model in rows] == before


def test_the_first_official_of_all() -> None:
    """Office, account and appointment, in the log; the password is printed once and kept only as a hash."""
    printed = appoint("hanako", "架空 花子", "board-chair", "kakuu", **BOARD)
    official, office = Official.objects.get(), Office.objects.get()
    assert (office.kind, office.name, office.code) == ("board", "架空市選挙管理委員会", "kakuu")
    assert roles_at(official, office) == {Role.BOARD_CHAIR}
    [password] = re.findall(r"first password of hanako, .*: (\S+)", printed)
    assert len(password) >= 20 and official.check_password(password)
    assert password not in official.password
    entry = AccessEntry.objects.get()
    assert (entry.official, entry.act, entry.office) == ("manage.py appoint", "grant-role", office.name)
    assert "hanako" in entry.purpose and password not in entry.purpose


def test_a_known_account_keeps_its_password() -> None:
    first = appoint("hanako", "架空 花子", "board-clerk", "kakuu", **BOARD)
    before = Official.objects.get().password
    again = appoint("hanako", "架空 花子", "board-chair", "kakuu")
    assert "password" in first and "password" not in again
    assert Official.objects.get().password == before
    assert roles_at(Official.objects.get(), Office.objects.get()) == {Role.BOARD_CLERK, Role.BOARD_CHAIR}
    assert AccessEntry.objects.count() == 2


def test_each_new_account_has_a_password_of_its_own() -> None:
    printed = [appoint(f"o{number}", "架空 花子", "board-clerk", "kakuu", **BOARD) for number in range(5)]
    assert len({text.rpartition(": ")[2] for text in printed}) == 5


@pytest.mark.parametrize(
    ("role", "kind"),
    [("prefecture-clerk", "prefecture"), ("national-clerk", "national"), ("system-admin", "platform")],
)
def test_those_whom_no_board_appoints(role: str, kind: str) -> None:
    """Prefecture, national board and operator are appointed here only."""
    appoint("hanako", "架空 花子", role, "code", office_kind=kind, office_name="架空")
    assert roles_at(Official.objects.get(), Office.objects.get()) == {role}


def test_two_chairs_appoint_on_the_site(town: Town) -> None:
    """Whoever has the server's command line cannot add to an office that can do it itself."""
    nothing_happens("has 2 chairs", "hanako", "架空 花子", "board-clerk", "kakuu")
    nothing_happens("has 2 chairs", "chair", "架空 chair", "count-manager", "kakuu")


@pytest.mark.parametrize("how", ["ended", "inactive", "not yet"])
def test_a_chair_who_is_none_now_does_not_count(how: str, town: Town) -> None:
    """An office that lost its second chair is helped out again."""
    held = town.second_chair.appointments
    if how == "ended":
        held.update(until=timezone.now())
    elif how == "inactive":
        Official.objects.filter(pk=town.second_chair.pk).update(is_active=False)
    else:
        held.update(since=timezone.now() + timedelta(days=1))
    appoint("hanako", "架空 花子", "board-chair", "kakuu")
    assert roles_at(Official.objects.get(username="hanako"), town.board) == {Role.BOARD_CHAIR}


def test_what_is_refused(town: Town) -> None:
    known = offices.official("hanako", name="架空 花子")
    hospital = (town.hospital.code, "架空 花子")
    nothing_happens("there is no office 'nowhere'", "hanako", "架空 花子", "board-chair", "nowhere")
    nothing_happens("there is no office", "hanako", "架空 花子", "board-chair", "x", office_kind="board")
    nothing_happens("valid", "hanako", "架空 花子", "board-chair", "no slug", **BOARD)
    nothing_happens("hanako is 架空 花子, not 別人", "hanako", "別人", "attestor", hospital[0])
    nothing_happens("roles-incompatible: 架空病院 cannot appoint", "hanako", hospital[1], "board-chair", hospital[0])
    nothing_happens("roles-incompatible: Nobody is", "auditor", "架空 auditor", "attestor", hospital[0])
    nothing_happens(".", "a b", "架空 次郎", "attestor", hospital[0])
    nothing_happens("invalid choice", "hanako", "架空 花子", "emperor", hospital[0])
    assert not known.appointments.exists()
