"""Acts of two people: one alone, the same one twice, the wrong second one, and both at the same instant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests.voting import boards, offices
from tests.voting.offices import Town
from tests.voting.postgres import Runner, both, race, says, transactional
from voting.access.models import AccessEntry
from voting.errors import AlreadyProposed, NotPermitted, ProposalClosed, RolesIncompatible, VotingError
from voting.officials import services
from voting.officials.models import Appointment, Office, Official, Proposal
from voting.officials.roles import FOUR_EYES, PERMITTED, Act, Role
from voting.officials.services import (
    approve,
    approved,
    decline,
    end_appointment,
    may,
    pending,
    propose,
    roles_at,
    take_back,
    target_of,
)

pytestmark = pytest.mark.django_db
each_act = pytest.mark.parametrize("act", FOUR_EYES)

Decision = Proposal.Decision
FOR_POLLS = {Act.REFUSE_BALLOT: ("poll_manager", "poll_witness")}
FOR_THE_COUNT = {
    Act.FREEZE_TALLY: ("count_manager", "count_witness"),
    Act.ADJUDICATE: ("count_manager", "count_witness"),
    Act.PUBLISH_RESULT: ("count_manager", "returning_officer"),
}
FOR_CHAIRS = {Act.GRANT_ROLE: ("chair", "second_chair")}
PEOPLE = dict.fromkeys(FOUR_EYES, ("clerk", "second_chair")) | FOR_POLLS | FOR_THE_COUNT | FOR_CHAIRS
"""who asks and who approves in these tests"""


class Done(list[tuple[int, str]]):
    """Which proposals were carried out, and on whose approval."""

    def __call__(self, proposal: Proposal, by: Official) -> None:
        self.append((proposal.pk, by.username))


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> Iterator[Done]:
    """Every act is only written down here."""
    record = Done()
    monkeypatch.setattr(services, "_handlers", dict.fromkeys(FOUR_EYES, record))
    yield record


def people(act: Act, town: Town) -> tuple[Official, Official]:
    first, second = PEOPLE[act]
    return getattr(town, first), getattr(town, second)


def ask(act: Act, town: Town, by: Official | None = None, **changes: Any) -> Proposal:
    """The act is asked for at 架空市, about the hospital's row."""
    fields = {"office": town.board, "target": town.hospital, "summary": f"架空: {act.value}", "reason": "試験"}
    return propose(act, by=by or people(act, town)[0], **{**fields, **changes})


def everybody(town: Town) -> list[Official]:
    return [one for one in vars(town).values() if isinstance(one, Official)]


def undecided(proposal: Proposal, done: Done) -> None:
    """Nobody decided, nothing was done, and nothing but the request is in the access log."""
    proposal.refresh_from_db()
    assert (proposal.decision, proposal.decided_by, proposal.decided_at) == ("pending", None, None)
    assert done == []
    assert [entry.purpose for entry in AccessEntry.objects.filter(act=proposal.act)] == [
        f"{proposal.summary} (asked for)"
    ]


# One person


@each_act
def test_asking_alone_does_nothing(act: Act, town: Town, done: Done) -> None:
    """The request is on the record, with who and why, and in the access log."""
    proposal, first = ask(act, town, payload={"roll": 5}), people(act, town)[0]
    undecided(proposal, done)
    assert (proposal.requested_by, proposal.office, proposal.reason, proposal.payload) == (
        first,
        town.board,
        "試験",
        {"roll": 5},
    )
    assert proposal.target == f"officials.office:{town.hospital.pk}" == target_of(town.hospital)
    assert approved(act, town.hospital) is None
    entry = AccessEntry.objects.get()
    assert (entry.official, entry.office, entry.act) == (first.username, town.board.name, act.value)


@each_act
def test_only_who_may_ask_asks(act: Act, town: Town, done: Done) -> None:
    """Everybody else of the town is refused, and nothing stays behind."""
    for somebody in everybody(town):
        if may(somebody, act, town.board):
            continue
        with pytest.raises(NotPermitted):
            ask(act, town, by=somebody)
    assert not Proposal.objects.exists() and not AccessEntry.objects.exists()


@each_act
def test_who_asks_does_not_approve(act: Act, town: Town, done: Done) -> None:
    """Not by the service; and not even somebody with every role that the act knows."""
    first, _ = people(act, town)
    for role in FOUR_EYES[act].approved_by:
        Appointment.objects.get_or_create(official=first, office=town.board, role=role, until=None)
    proposal = ask(act, town)
    with pytest.raises(NotPermitted, match="who asks for an act does not decide"):
        approve(proposal, by=first)
    with pytest.raises(NotPermitted, match="who asks for an act does not decide"):
        decline(proposal, by=first, remark="")
    undecided(proposal, done)
    assert proposal not in pending(first)


@each_act
def test_the_database_refuses_one_person_twice(act: Act, town: Town, done: Done) -> None:
    """Whoever goes past the service meets the constraint."""
    proposal, (first, _) = ask(act, town), people(act, town)
    row = Proposal.objects.filter(pk=proposal.pk)
    for decided_by in (first, None):
        with pytest.raises(IntegrityError, match="proposal_two_people|proposal_decided"), transaction.atomic():
            row.update(decision=Decision.APPROVED, decided_by=decided_by, decided_at=timezone.now())
    undecided(proposal, done)


def test_the_database_keeps_decision_and_who_decided_together(town: Town, done: Done) -> None:
    """No half of a decision can be stored, nor a request taken back by somebody else."""
    proposal, now = ask(Act.OPEN_POLLS, town), timezone.now()
    halves: list[dict[str, Any]] = [
        {"decision": "pending", "decided_by": town.chair, "decided_at": now},
        {"decision": "approved", "decided_by": town.chair, "decided_at": None},
        {"decision": "declined", "decided_by": None, "decided_at": now},
        {"decision": "taken-back", "decided_by": town.chair, "decided_at": now},
        {"decision": "done", "decided_by": town.chair, "decided_at": now},
    ]
    for half in halves:
        with pytest.raises(IntegrityError, match="proposal_"), transaction.atomic():
            Proposal.objects.filter(pk=proposal.pk).update(**half)
    undecided(proposal, done)


# A second person


@each_act
def test_a_second_person_has_it_done_once(act: Act, town: Town, done: Done) -> None:
    """Both are on the record; once decided it stays decided, whoever tries again and however."""
    proposal, (first, second) = ask(act, town), people(act, town)
    assert proposal in pending(second)
    decided = approve(proposal, by=second, remark="異議なし")
    assert done == [(proposal.pk, second.username)]
    assert (decided.decision, decided.decided_by, decided.remark) == (Decision.APPROVED, second, "異議なし")
    proposal.refresh_from_db()
    assert (proposal.requested_by, proposal.decided_by, proposal.decision) == (first, second, "approved")
    assert approved(act, town.hospital) == proposal and proposal not in pending(second)
    entries = AccessEntry.objects.filter(act=act).order_by("index").values_list("official", "purpose")
    assert list(entries) == [
        (first.username, f"{proposal.summary} (asked for)"),
        (second.username, f"{proposal.summary} (approved)"),
    ]
    for again in (
        lambda: approve(proposal, by=second),
        lambda: decline(proposal, by=second, remark=""),
        lambda: take_back(proposal, by=first),
    ):
        with pytest.raises(ProposalClosed) as refusal:
            again()
        assert refusal.value.code == "proposal-closed"
    assert done == [(proposal.pk, second.username)]


@each_act
def test_nobody_else_approves(act: Act, town: Town, done: Done) -> None:
    """Everybody without the role, somebody with the role at another board, and somebody no longer active."""
    proposal = ask(act, town)
    strangers = [one for one in everybody(town) if not roles_at(one, town.board) & FOUR_EYES[act].approved_by]
    elsewhere = offices.board("betsu", "別市選挙管理委員会")
    for role in FOUR_EYES[act].approved_by:
        strangers.append(offices.official(f"elsewhere-{role}", role, elsewhere))
        strangers.append(offices.official(f"gone-{role}", role, town.board, is_active=False))
    assert len(strangers) > 6
    for stranger in strangers:
        for decide in (lambda who: approve(proposal, by=who), lambda who: decline(proposal, by=who, remark="")):
            with pytest.raises(NotPermitted):
                decide(stranger)
        assert proposal not in pending(stranger)
    undecided(proposal, done)


@each_act
def test_a_second_person_says_no(act: Act, town: Town, done: Done) -> None:
    """Then nothing is done, it stays on the record, and the same can be asked for again."""
    proposal, (_, second) = ask(act, town), people(act, town)
    decided = decline(proposal, by=second, remark="書類不備")
    assert (decided.decision, decided.decided_by, decided.remark) == (Decision.DECLINED, second, "書類不備")
    assert done == [] and approved(act, town.hospital) is None
    assert AccessEntry.objects.filter(purpose=f"{proposal.summary} (declined)", official=second.username).exists()
    with pytest.raises(ProposalClosed):
        approve(proposal, by=second)
    assert ask(act, town).pk != proposal.pk and Proposal.objects.count() == 2


@each_act
def test_only_who_asked_takes_back(act: Act, town: Town, done: Done) -> None:
    proposal, (first, second) = ask(act, town), people(act, town)
    for other in everybody(town):
        if other != first:
            with pytest.raises(NotPermitted, match="only who asked takes back"):
                take_back(proposal, by=other)
    undecided(proposal, done)
    assert take_back(proposal, by=first).decision == Decision.TAKEN_BACK
    with pytest.raises(ProposalClosed):
        approve(proposal, by=second)
    assert done == []


@each_act
@pytest.mark.parametrize("how", ["ended", "inactive"])
def test_the_request_of_somebody_who_left_is_not_approved(act: Act, how: str, town: Town, done: Done) -> None:
    """The appointment ended, or the account was closed, between the two people; it can still be declined."""
    proposal, (first, second) = ask(act, town), people(act, town)
    if how == "ended":
        first.appointments.update(until=timezone.now())
    else:
        Official.objects.filter(pk=first.pk).update(is_active=False)
    with pytest.raises(NotPermitted, match="may no longer ask for"):
        approve(proposal, by=second)
    undecided(proposal, done)
    assert decline(proposal, by=second, remark="退職").decision == Decision.DECLINED


@each_act
@pytest.mark.parametrize("error", [RolesIncompatible("no"), ValueError("no")])
def test_an_act_that_fails_is_not_decided(
    act: Act, error: Exception, town: Town, done: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what the act had changed is undone; and it can be approved later."""

    def fail(proposal: Proposal, by: Official) -> None:
        Office.objects.filter(pk=town.hospital.pk).update(name="改名")
        raise error

    proposal, (_, second) = ask(act, town), people(act, town)
    monkeypatch.setitem(services._handlers, act, fail)
    with pytest.raises(type(error), match="no"):
        approve(proposal, by=second)
    undecided(proposal, done)
    town.hospital.refresh_from_db()
    assert town.hospital.name == "架空病院"
    monkeypatch.setitem(services._handlers, act, done)
    approve(proposal, by=second)
    assert done == [(proposal.pk, second.username)]


def test_a_stale_copy_decides_nothing(town: Town, done: Done) -> None:
    """The row in the database counts, not what somebody's browser still shows."""
    proposal = ask(Act.OPEN_POLLS, town)
    stale = Proposal.objects.get(pk=proposal.pk)
    decline(proposal, by=town.chair, remark="まだ")
    assert stale.decision == Decision.PENDING
    stale.requested_by, stale.act = town.second_clerk, Act.IMPORT_ROLL
    with pytest.raises(ProposalClosed):
        approve(stale, by=town.second_chair)
    assert done == []


# What can be asked for


@each_act
def test_the_same_is_asked_for_once_at_a_time(act: Act, town: Town, done: Done) -> None:
    """Also not by another; about another row it can be."""
    proposal = ask(act, town)
    with pytest.raises(AlreadyProposed) as refusal:
        ask(act, town)
    assert refusal.value.code == "already-proposed"
    undecided(proposal, done)
    assert ask(act, town, target=town.ship).pk != proposal.pk


@pytest.mark.parametrize("act", PERMITTED)
def test_an_act_of_one_person_is_not_proposed(act: Act, town: Town) -> None:
    """By nobody, and nobody is told that it waits already."""
    for somebody in everybody(town):
        with pytest.raises((VotingError, ValueError)) as refusal:
            ask(act, town, by=somebody)
        assert not isinstance(refusal.value, AlreadyProposed)
    assert not Proposal.objects.exists()


def test_what_waits_for_somebody_is_what_they_may_decide(town: Town, done: Done) -> None:
    """Of every act: each of the town sees exactly those that the service would let them approve."""
    proposals = [ask(act, town) for act in FOUR_EYES]
    other = offices.board("betsu", "別市選挙管理委員会")
    foreign = propose(
        Act.OPEN_POLLS,
        office=other,
        target=other,
        summary="別市",
        by=offices.official("betsu-clerk", Role.BOARD_CLERK, other),
    )
    for somebody in everybody(town):
        mine = {
            one
            for one in proposals
            if one.requested_by != somebody and services.may_approve(somebody, Act(one.act), town.board)
        }
        assert set(pending(somebody)) == mine
        assert foreign not in pending(somebody)


# Granting a role


def grants(town: Town, official: Official, role: Role, office: Office, by: Official | None = None) -> Proposal:
    return propose(
        Act.GRANT_ROLE,
        office=town.board,
        target=official,
        summary=f"{official}: {role.value}",
        by=by or town.chair,
        payload={"official": official.pk, "role": role.value, "office": office.pk},
    )


def test_two_chairs_appoint_somebody(town: Town) -> None:
    """From the request to the first thing that the new clerk may do, and on the record who wanted it."""
    novice = offices.official("novice")
    proposal = grants(town, novice, Role.BOARD_CLERK, town.board)
    assert not may(novice, Act.REVIEW, town.board) and not novice.is_staff
    approve(proposal, by=town.second_chair)
    assert may(novice, Act.REVIEW, town.board) and novice.is_staff
    appointment = Appointment.objects.get(official=novice)
    assert (appointment.role, appointment.office, appointment.until) == ("board-clerk", town.board, None)
    end_appointment(appointment, by=town.chair, office=town.board)
    assert not may(novice, Act.REVIEW, town.board) and not novice.is_staff


@pytest.mark.parametrize(
    ("somebody", "role"), [("auditor", Role.BOARD_CLERK), ("poll_witness", Role.POLL_MANAGER), ("clerk", Role.AUDITOR)]
)
def test_two_chairs_do_not_make_roles_that_do_not_go_together(town: Town, somebody: str, role: Role) -> None:
    proposal = grants(town, getattr(town, somebody), role, town.board)
    with pytest.raises(RolesIncompatible):
        approve(proposal, by=town.second_chair)
    proposal.refresh_from_db()
    assert proposal.decision == Decision.PENDING
    assert not Appointment.objects.filter(official=getattr(town, somebody), role=role).exists()


@pytest.mark.parametrize("role", [Role.BOARD_CHAIR, Role.BOARD_CLERK, Role.AUDITOR])
def test_two_chairs_of_one_town_appoint_nobody_at_another(town: Town, role: Role) -> None:
    """Where the request is made is where they are chairs; where the role is must be the same board."""
    other, friend = offices.board("betsu", "別市選挙管理委員会"), offices.official("friend")
    with pytest.raises(VotingError):
        approve(grants(town, friend, role, other), by=town.second_chair)
    assert not friend.appointments.exists()


def test_two_chairs_appoint_no_system_administrator(town: Town) -> None:
    """The platform ends any appointment everywhere: no single town decides who does."""
    friend = offices.official("friend")
    with pytest.raises(VotingError):
        approve(grants(town, friend, Role.SYSTEM_ADMIN, town.platform), by=town.second_chair)
    assert not friend.appointments.exists()


@pytest.mark.parametrize("change", [{"role": "emperor"}, {"official": 0}, {"office": 0}, {"role": None}, {}])
def test_a_request_with_damaged_particulars_appoints_nobody(town: Town, change: dict[str, Any]) -> None:
    proposal = grants(town, offices.official("novice"), Role.BOARD_CLERK, town.board)
    with boards.tampering():
        Proposal.objects.filter(pk=proposal.pk).update(payload={**proposal.payload, **change} if change else {})
    before = Appointment.objects.count()
    with pytest.raises(Exception, match=r"."):
        approve(proposal, by=town.second_chair)
    proposal.refresh_from_db()
    assert proposal.decision == Decision.PENDING and Appointment.objects.count() == before


# The same instant


@race
@transactional
@both
def test_of_two_approvals_at_once_one_counts(run: Runner, town: Town) -> None:
    """Two chairs press the button together; the appointment is made once. Ten times."""
    for step in range(10):
        proposal = grants(town, offices.official(f"novice-{step}"), Role.COUNT_WITNESS, town.board, by=town.chair)
        third = offices.official(f"third-{step}", Role.BOARD_CHAIR, town.board)
        answers = run([says(lambda p=proposal, by=by: approve(p, by=by).decision) for by in (town.second_chair, third)])
        assert sorted(answers) == ["approved", "proposal-closed"]
        assert Appointment.objects.filter(official__username=f"novice-{step}").count() == 1
        entries = AccessEntry.objects.filter(act=Act.GRANT_ROLE, purpose=f"{proposal.summary} (approved)")
        assert entries.count() == 1


@race
@transactional
@both
def test_approving_against_taking_back_at_once(run: Runner, town: Town) -> None:
    """Either it was done or it was taken back."""
    for step in range(10):
        novice = offices.official(f"novice-{step}")
        proposal = grants(town, novice, Role.COUNT_WITNESS, town.board)
        works = [
            lambda p=proposal: approve(p, by=town.second_chair).decision,
            lambda p=proposal: take_back(p, by=town.chair).decision,
        ]
        answers = run([says(work) for work in works])
        assert answers in (["approved", "proposal-closed"], ["proposal-closed", "taken-back"])
        assert novice.appointments.exists() == (answers[0] == "approved")


@race
@transactional
@both
def test_the_same_request_at_once_is_made_once(run: Runner, town: Town) -> None:
    works = [
        says(lambda by=by: ask(Act.OPEN_POLLS, town, by=by).decision)
        for by in (town.clerk, town.second_clerk, town.chair, town.second_chair)
    ]
    assert sorted(run(works)) == ["already-proposed"] * 3 + ["pending"]
    assert Proposal.objects.count() == AccessEntry.objects.count() == 1
