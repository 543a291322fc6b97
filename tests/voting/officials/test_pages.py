"""The pages of accounts and of acts of two people: whose accounts a board handles, and what forms let through."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.voting import kakuu, offices
from tests.voting.offices import Town
from voting.access.models import AccessEntry
from voting.elections.models import Unit
from voting.officials import views
from voting.officials.models import Designation, Office, Official, Proposal
from voting.officials.roles import Act, Role
from voting.officials.services import end_appointment, propose, roles_at
from voting.officials.views import first_password_path

pytestmark = pytest.mark.django_db


def enter(official: Official) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(official)
    return client


def link(by: Official, of: Official) -> Any:
    """The answer to a request for a link to choose a first password."""
    return enter(by).post(reverse("admin:officials_first_password", args=[of.pk]))


def account(home: Office | None, *held: tuple[Role, Office]) -> Official:
    made = offices.official("novice", home=home)
    for role, office in held:
        offices.grant(made, role, office)
    return made


# Accounts


def test_a_clerk_asks_and_the_only_chair_approves(town: Town) -> None:
    """From the new account to the appointment, as an office with one chair does it."""
    end_appointment(town.second_chair.appointments.get(), by=town.chair, office=town.board)
    chair, clerk = enter(town.chair), enter(town.clerk)
    answer = chair.post(reverse("admin:officials_official_add"), {"username": "novice", "name": "架空 新"})
    assert answer.status_code == 302
    novice = Official.objects.get(username="novice")
    assert novice.home == town.board and not novice.has_usable_password() and not novice.is_staff
    assert novice.name in clerk.get(reverse("admin:officials_official_changelist")).text
    wanted = {"board": town.board.pk, "role": "count-witness", "office": town.board.pk, "reason": "開票"}
    clerk.post(reverse("admin:officials_appoint", args=[novice.pk]), wanted)
    asked = Proposal.objects.get(act=Act.GRANT_ROLE)
    chair.post(reverse("admin:officials_proposal_decide", args=[asked.pk]), {"decision": "approve"})
    assert roles_at(novice, town.board) == {Role.COUNT_WITNESS}


def test_a_clerk_makes_and_changes_no_account(town: Town) -> None:
    clerk, novice = enter(town.clerk), account(town.board)
    assert clerk.get(reverse("admin:officials_official_add")).status_code == 403
    change = reverse("admin:officials_official_change", args=[novice.pk])
    assert clerk.post(change, {"name": "x", "is_active": ""}).status_code == 403
    assert link(town.clerk, novice).status_code == 403


def test_a_link_to_an_account_that_nobody_holds_yet_is_for_its_own_board(town: Town) -> None:
    """Else a chair elsewhere chose the password, and became a clerk here when two people here appoint the account."""
    _board, _clerk, other_chair = kakuu.neighbour()
    novice = account(town.board)
    assert link(other_chair, novice).status_code == 404
    assert novice.name not in enter(other_chair).get(reverse("admin:officials_official_changelist")).text
    answer = link(town.chair, novice)
    assert answer.status_code == 200 and "/office/first-password/" in answer.text


def test_nobody_on_the_site_but_the_operator_handles_accounts_made_on_the_server(town: Town) -> None:
    novice = account(None)
    assert link(town.chair, novice).status_code == 404
    assert link(town.system_admin, novice).status_code == 200


def test_a_board_hands_out_the_links_of_the_attestors_whom_it_appointed(town: Town) -> None:
    novice = account(town.board, (Role.ATTESTOR, town.hospital))
    assert link(town.chair, novice).status_code == 200


def test_not_of_people_who_work_at_another_board(town: Town) -> None:
    """Not even when the account was made here, and neither board of somebody at both."""
    other, _clerk, other_chair = kakuu.neighbour()
    novice = account(town.board, (Role.COUNT_WITNESS, town.board), (Role.COUNT_WITNESS, other))
    assert link(town.chair, novice).status_code == 403
    assert link(other_chair, novice).status_code == 403
    assert AccessEntry.objects.filter(purpose__startswith="link").count() == 0


def test_a_first_password_that_is_not_logged_is_not_set(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    novice = account(town.board)
    client = Client(raise_request_exception=False)
    form = client.get(first_password_path(novice)).headers["Location"]

    def fail(*values: object) -> None:
        raise OSError("no log")

    password = {"new_password1": "correct horse battery", "new_password2": "correct horse battery"}
    with monkeypatch.context() as patched:
        patched.setattr(views, "log", fail)
        assert client.post(form, password).status_code == 500
    novice.refresh_from_db()
    assert not novice.has_usable_password()
    assert client.post(form, password).status_code == 302
    novice.refresh_from_db()
    assert novice.check_password("correct horse battery")
    assert AccessEntry.objects.latest("index").purpose == "chose a first password"


def test_a_first_password_is_for_accounts_without_one(town: Town) -> None:
    """No chair sets the password of somebody who works: neither is a link made, nor does an older one open."""
    novice = account(town.board)
    older = first_password_path(novice)
    assert link(town.chair, novice).status_code == 200
    assert Client().get(older).status_code == 302
    novice.is_active = False
    novice.save()
    assert "new_password1" not in Client().get(first_password_path(novice), follow=True).text
    novice.is_active = True
    novice.set_password("correct horse battery")
    novice.save()
    assert link(town.chair, novice).status_code == 403
    assert "new_password1" not in Client().get(first_password_path(novice), follow=True).text


# Acts of two people


def ask(town: Town) -> Proposal:
    return propose(Act.OPEN_POLLS, office=town.board, target=town.board, summary="開始", by=town.clerk)


def test_a_remark_that_is_too_long_decides_nothing(town: Town) -> None:
    """It is not cut: what the second person said is kept whole, or not at all."""
    asked, chair = ask(town), enter(town.chair)
    page, decide = (reverse(f"admin:officials_proposal_{name}", args=[asked.pk]) for name in ("change", "decide"))
    assert 'maxlength="1000"' in chair.get(page).text
    answer = chair.post(decide, {"decision": "decline", "remark": "長" * 1001}, follow=True)
    assert 'class="error"' in answer.text
    assert "Say why you decline." in chair.post(decide, {"decision": "decline", "remark": " "}, follow=True).text
    asked.refresh_from_db()
    assert asked.decision == Proposal.Decision.PENDING
    chair.post(decide, {"decision": "decline", "remark": "長" * 1000})
    asked.refresh_from_db()
    assert (asked.decision, asked.remark) == ("declined", "長" * 1000)


def test_the_button_to_take_back_is_there_while_it_works(town: Town) -> None:
    asked, clerk = ask(town), enter(town.clerk)
    page = reverse("admin:officials_proposal_change", args=[asked.pk])
    assert 'value="take-back"' in clerk.get(page).text
    offices.grant(town.clerk, Role.COUNT_WITNESS, town.board)
    town.clerk.appointments.filter(role=Role.BOARD_CLERK).update(until=asked.requested_at, since=asked.requested_at)
    assert 'value="take-back"' not in clerk.get(page).text


# Places that a prefecture designates


def test_nobody_changes_a_place_without_a_superior(town: Town) -> None:
    """The ship is nobody's to designate, though its captain sees it and designates elsewhere."""
    offices.grant(town.captain, Role.PREFECTURE_CLERK, town.prefecture)
    captain = enter(town.captain)
    for place, status in ((town.ship, 403), (town.hospital, 302)):
        change = reverse("admin:officials_office_change", args=[place.pk])
        answer = captain.post(change, {"name": "架空の別名", "address": "", "contact": ""})
        assert answer.status_code == status
        place.refresh_from_db()
        assert (place.name == "架空の別名") is (status == 302)


@pytest.mark.parametrize("kind", ["platform", "health", "board"])
def test_a_prefecture_adds_only_what_it_designates(town: Town, kind: str) -> None:
    """Not an office that appoints, confirms or runs the system; and a municipal board below it is not its to change."""
    clerk, place = enter(town.prefecture_clerk), {"code": "new", "name": "架空", "above": town.prefecture.pk}
    before = Office.objects.count()
    assert clerk.post(reverse("admin:officials_office_add"), {**place, "kind": kind}).status_code == 200
    assert Office.objects.count() == before
    assert town.board.above == town.prefecture
    change = reverse("admin:officials_office_change", args=[town.board.pk])
    assert clerk.post(change, {"name": "別名", "address": "", "contact": ""}).status_code == 403
    add = reverse("admin:officials_designation_add")
    assert clerk.post(add, {"office": town.board.pk, "starts": "2026-01-01"}).status_code == 200
    assert not Designation.objects.filter(office=town.board).exists()


# The log comes last


def test_a_deletion_is_logged_after_it_is_done(town: Town) -> None:
    """Whoever has logged holds the log's head, and then takes no lock of a row; also, the key is still known."""
    world = kakuu.world(town)
    unit = Unit.objects.create(election=world.election, position=9, identifier="u9", name="第9開票区")
    clerk = enter(town.clerk)
    with CaptureQueriesContext(connection) as queries:
        clerk.post(reverse("admin:elections_unit_delete", args=[unit.pk]), {"post": "yes"})
    written = [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    written = [sql for sql in written if "django_session" not in sql]
    deleted = next(at for at, sql in enumerate(written) if sql.startswith('DELETE FROM "elections_unit"'))
    assert {sql.split('"')[1] for sql in written[deleted + 1 :]} == {"access_accessentry", "access_accesshead"}
    assert not any("access_" in sql for sql in written[:deleted])
    assert AccessEntry.objects.latest("index").purpose == f"deleted: unit {unit.pk}"
    assert AccessEntry.objects.latest("index").office == town.board.name
