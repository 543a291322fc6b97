"""Acts of two people are a record that the database keeps: whoever goes past the services meets its triggers."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tests.voting import boards, offices
from tests.voting.offices import Town
from voting.errors import TextTooLong
from voting.officials.admin import LONGEST_TEXT
from voting.officials.models import Office, Official, Proposal
from voting.officials.roles import Act
from voting.officials.services import approve, decline, propose, take_back

pytestmark = pytest.mark.django_db

RECORD, DELETED, BORN = "stays on the record", "acts stay on the record", "begins as a request"
TABLE = "officials_proposal"


def ask(town: Town, **fields: Any) -> Proposal:
    """Chair and clerk appoint a counting witness, so that approving does something."""
    novice = Official.objects.filter(username="novice").first() or offices.official("novice")
    payload = {"official": novice.pk, "role": "count-witness", "office": town.board.pk}
    about = {"office": town.board, "target": novice, "summary": "任命", "by": town.clerk, "payload": payload}
    return propose(Act.GRANT_ROLE, **{**about, **fields})


def execute(sql: str, *values: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


def refused(sentence: str, sql: str, *values: object) -> None:
    with pytest.raises(IntegrityError, match=sentence), transaction.atomic():
        execute(sql, *values)


def decided(town: Town, how: str) -> Proposal:
    if how == "approved":
        return approve(ask(town), by=town.chair)
    if how == "declined":
        return decline(ask(town), by=town.chair, remark="no")
    return take_back(ask(town), by=town.clerk)


every_decision = pytest.mark.parametrize("how", ["approved", "declined", "taken-back"])


# Triggers


@pytest.mark.parametrize(
    "change",
    [
        "act = 'open-polls'",
        "office_id = {other}",
        "target = 'elections.election:1'",
        "summary = 'x'",
        "reason = 'x'",
        "payload = '{{}}'",
        "requested_by_id = {chair}",
        "requested_at = '2020-01-01 00:00:00+00'",
        "id = id + 1000",
        "summary = 'x', decision = 'declined', decided_by_id = {chair}, decided_at = requested_at",
    ],
)
def test_what_was_asked_for_is_never_changed(change: str, town: Town) -> None:
    """Not before the decision, not with it, and not after it."""
    waiting, past = ask(town), decline(ask(town, target=town.board), by=town.chair, remark="no")
    values = {"other": town.hospital.pk, "chair": town.second_chair.pk}
    before = list(Proposal.objects.values())
    for proposal in (waiting, past):
        refused(RECORD, f"UPDATE {TABLE} SET {change.format(**values)} WHERE id = {proposal.pk}")
    assert list(Proposal.objects.values()) == before


@every_decision
@pytest.mark.parametrize(
    "change",
    [
        "decision = 'pending', decided_by_id = NULL, decided_at = NULL",
        "decision = 'approved', decided_by_id = {chair}",
        "decision = 'declined', decided_by_id = {chair}",
        "decision = 'taken-back', decided_by_id = requested_by_id",
        "decided_by_id = {chair}",
        "decided_at = '2020-01-01 00:00:00+00'",
        "remark = 'x'",
        "remark = remark",
    ],
)
def test_what_is_decided_stays_decided(how: str, change: str, town: Town) -> None:
    proposal = decided(town, how)
    before = Proposal.objects.values().get()
    refused(RECORD, f"UPDATE {TABLE} SET {change.format(chair=town.second_chair.pk)} WHERE id = {proposal.pk}")
    assert Proposal.objects.values().get() == before


def test_one_decided_row_protects_the_others(town: Town) -> None:
    """A statement over the whole table is refused as a whole."""
    waiting = ask(town, target=town.board)
    decided(town, "declined")
    refused(RECORD, f"UPDATE {TABLE} SET remark = 'x'")
    waiting.refresh_from_db()
    assert waiting.remark == ""


@pytest.mark.parametrize("how", ["pending", "approved", "declined", "taken-back"])
def test_nothing_is_deleted(how: str, town: Town) -> None:
    """Neither one by one, nor the whole table, nor by writing another row in its place."""
    proposal = ask(town) if how == "pending" else decided(town, how)
    refused(DELETED, f"DELETE FROM {TABLE} WHERE id = {proposal.pk}")
    refused(DELETED, f"DELETE FROM {TABLE}")
    with pytest.raises(IntegrityError, match=DELETED), transaction.atomic():
        proposal.delete()
    if connection.vendor == "postgresql":
        execute("SET CONSTRAINTS ALL IMMEDIATE")  # else PostgreSQL would refuse for a reason of its own
        refused(DELETED, f"TRUNCATE {TABLE} CASCADE")
    else:
        copy = f"SELECT * FROM {TABLE} WHERE id = {proposal.pk}"
        refused("record|request", f"REPLACE INTO {TABLE} {copy}")
    assert Proposal.objects.count() == 1


@pytest.mark.parametrize("how", ["approved", "declined", "taken-back"])
def test_nothing_is_born_decided(how: str, town: Town) -> None:
    """An approval cannot be written in after the fact, with two names under it that never met."""
    by = town.clerk if how == "taken-back" else town.chair
    with pytest.raises(IntegrityError, match=BORN), transaction.atomic():
        Proposal.objects.create(
            act=Act.OPEN_POLLS,
            office=town.board,
            target="elections.election:1",
            summary="開始",
            requested_by=town.clerk,
            decision=how,
            decided_by=by,
            decided_at=timezone.now(),
        )
    assert not Proposal.objects.exists()


def test_it_is_the_triggers_that_refuse(town: Town) -> None:
    """Without them all of it would happen; with them again, none of it."""
    proposal = decided(town, "declined")
    with boards.tampering():
        assert execute(f"UPDATE {TABLE} SET remark = 'x', summary = 'y' WHERE id = {proposal.pk}") == 1
    refused(RECORD, f"UPDATE {TABLE} SET remark = 'no' WHERE id = {proposal.pk}")


# Constraints


@pytest.mark.parametrize("decision", ["approved", "declined"])
def test_the_database_wants_two_people_for_yes_and_no(decision: str, town: Town) -> None:
    """From whoever goes past the service, with every other column in order."""
    proposal = ask(town)
    change = {"decision": decision, "decided_by": town.clerk, "decided_at": timezone.now()}
    with pytest.raises(IntegrityError, match="proposal_two_people"), transaction.atomic():
        Proposal.objects.filter(pk=proposal.pk).update(**change)
    assert Proposal.objects.filter(pk=proposal.pk).update(**{**change, "decided_by": town.chair}) == 1


# Lengths


def limits() -> dict[str, int]:
    return {name: Proposal._meta.get_field(name).max_length or 0 for name in ("summary", "reason", "remark")}


def test_a_text_that_does_not_fit_is_refused_by_name(town: Town) -> None:
    """Before any database sees it: PostgreSQL would answer with an error of its own, SQLite would keep it."""
    assert limits() == {"summary": 500, "reason": 1000, "remark": 1000}
    for name in ("summary", "reason"):
        with pytest.raises(TextTooLong, match=rf"Too long: {name}. At most {limits()[name]} characters fit") as refusal:
            ask(town, **{name: "長" * (limits()[name] + 1)})
        assert (refusal.value.code, refusal.value.where) == ("text-too-long", name)
        assert refusal.value.limit == limits()[name]
    assert not Proposal.objects.exists()
    fits = ask(town, summary="長" * 500, reason="長" * 1000)
    for decide in (approve, decline):
        with pytest.raises(TextTooLong, match="remark"):
            decide(fits, by=town.chair, remark="長" * 1001)
    fits.refresh_from_db()
    assert fits.decision == Proposal.Decision.PENDING
    assert decline(fits, by=town.chair, remark="長" * 1000).remark == "長" * 1000


def test_who_may_not_ask_is_told_that_first(town: Town) -> None:
    with pytest.raises(Exception, match="may not"):
        ask(town, by=town.auditor, summary="長" * 501)


def test_the_forms_have_the_same_limits() -> None:
    assert limits()["reason"] == limits()["remark"] == LONGEST_TEXT


# Taking back


@pytest.mark.parametrize("how", ["ended", "inactive", "other office"])
def test_who_may_no_longer_ask_takes_nothing_back(how: str, town: Town) -> None:
    """A request is withdrawn by an official, not by somebody who was one."""
    proposal = ask(town)
    if how == "inactive":
        Official.objects.filter(pk=town.clerk.pk).update(is_active=False)
    else:
        town.clerk.appointments.update(until=timezone.now())
    if how == "other office":
        elsewhere: Office = offices.board("betsu", "別市選挙管理委員会")
        offices.grant(town.clerk, offices.Role.BOARD_CLERK, elsewhere)
    with pytest.raises(Exception, match="may not"):
        take_back(proposal, by=town.clerk)
    proposal.refresh_from_db()
    assert proposal.decision == Proposal.Decision.PENDING


def test_a_stale_copy_of_a_closed_account_decides_nothing(town: Town) -> None:
    """Whether an account is active is asked of the database."""
    proposal = ask(town)
    Official.objects.filter(pk=town.chair.pk).update(is_active=False)
    assert town.chair.is_active
    for decide in (approve, decline):
        with pytest.raises(Exception, match="may not approve"):
            decide(proposal, by=town.chair, remark="no")
    proposal.refresh_from_db()
    assert proposal.decision == Proposal.Decision.PENDING
