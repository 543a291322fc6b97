"""What officials do with applications: each by who may, each on the record, and a ballot only for who may have one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.voting import kakuu, offices
from tests.voting.kakuu import World
from tests.voting.offices import Town
from voting.access.models import AccessEntry
from voting.applications import review
from voting.applications.accesses import accesses_to
from voting.applications.errors import (
    AlreadyApplied,
    ConditionNotMet,
    NotMatched,
    OutOfTime,
    RequestInvalid,
    WrongState,
)
from voting.applications.grounds import REJECTIONS
from voting.applications.models import Application, Confirmation, Notice, StateChange
from voting.applications.requests import correct, withdraw
from voting.applications.states import OPEN, TRANSITIONS, Event, State
from voting.elections.models import Scope, Slot
from voting.errors import AlreadyProposed, NotEligible, NotPermitted, SamePerson, VoteTaken
from voting.officials.models import Official, Proposal
from voting.officials.roles import OfficeKind, Role
from voting.officials.services import approve as agree
from voting.officials.services import decline
from voting.roll.models import Elector, Mark, PaperWay, RollLeaf, Vote
from voting.roll.services import record_paper_vote

pytestmark = pytest.mark.django_db

WITHOUT_DOCUMENT: dict[str, Any] = {"kinds": ("OMITTED_WITH_REASON",)}


@pytest.fixture
def world(town: Town) -> World:
    return kakuu.world(town)


def everybody(world: World) -> list[Official]:
    """All of the town, the heads, and the neighbours."""
    people = [one for one in vars(world.town).values() if isinstance(one, Official)]
    return [*people, *world.heads.values(), *kakuu.neighbour()[1:]]


def only(world: World, allowed: tuple[Official, ...], act: Callable[[Official], object]) -> None:
    """Everybody else is refused, and nothing is stored by trying."""
    before = [(one.pk, one.state) for one in Application.objects.order_by("pk")]
    logged = AccessEntry.objects.count()
    for somebody in everybody(world):
        if somebody not in allowed:
            with pytest.raises(NotPermitted):
                act(somebody)
    assert [(one.pk, one.state) for one in Application.objects.order_by("pk")] == before
    assert AccessEntry.objects.count() == logged


def board(world: World) -> tuple[Official, ...]:
    town = world.town
    return (town.clerk, town.second_clerk, town.chair, town.second_chair)


def chairs(world: World) -> tuple[Official, ...]:
    return (world.town.chair, world.town.second_chair)


def approve(world: World, application: Application, *, at: datetime | None = None, **how: Any) -> Application:
    return review.approve(application, by=world.town.chair, at=at or world.n(4, 12), **how)


def refused_issue(world: World, application: Application, error: type[Exception], **how: Any) -> Any:
    """Approving is refused, and neither roll, application, record nor voter hears of it."""
    before = Elector.objects.filter(pk=application.elector_id).values("vote", "vote_at").first()
    counts = (StateChange.objects.count(), Notice.objects.count(), AccessEntry.objects.count())
    with pytest.raises(error) as refusal:
        approve(world, application, **how)
    application.refresh_from_db()
    assert (application.state, application.style) == (State.UNDER_REVIEW, None)
    assert Elector.objects.filter(pk=application.elector_id).values("vote", "vote_at").first() == before
    assert (StateChange.objects.count(), Notice.objects.count(), AccessEntry.objects.count()) == counts
    return refusal.value


def vote_of(elector: Elector) -> str:
    return Elector.objects.get(pk=elector.pk).vote


# Looking


def test_a_look_is_logged(world: World) -> None:
    application = kakuu.submit(world)
    only(world, board(world), lambda by: review.view(application, by=by, purpose="照会"))
    assert review.view(application, by=world.town.clerk, purpose="電話照会") == application
    entry = AccessEntry.objects.get()
    assert entry.purpose == f"{application.reference}: 電話照会"
    assert (entry.act, entry.subjects) == ("view-applications", [application.elector_id])


# Confirming (requirement 13)


def test_the_health_officer_of_that_office_confirms(world: World) -> None:
    """Yes with the period, once, on the record; nobody else, and no officer of another centre."""
    waiting = kakuu.submit(world, "COVID_HOME", **WITHOUT_DOCUMENT)
    other = offices.office(OfficeKind.HEALTH, "rin-hokenjo", "隣保健所")
    stranger = offices.official("rin-officer", Role.HEALTH_OFFICER, other)
    first, last = world.n(0).date(), world.n(9).date()

    def confirm(by: Official) -> Confirmation:
        return review.confirm(waiting, by=by, confirmed=True, starts=first, ends=last)

    only(world, (world.town.health_officer,), confirm)
    with pytest.raises(NotPermitted):
        confirm(stranger)
    confirmation = confirm(world.town.health_officer)
    assert (confirmation.starts, confirmation.ends, confirmation.office) == (first, last, world.town.health_centre)
    waiting.refresh_from_db()
    assert waiting.state == State.REQUESTED
    change = StateChange.objects.get()
    assert (change.event, change.official, change.office) == ("confirm", world.town.health_officer, "架空保健所")
    assert AccessEntry.objects.get().act == "confirm-isolation"
    with pytest.raises(WrongState):
        confirm(world.town.health_officer)


def test_the_head_confirms_who_asked_alone(world: World) -> None:
    waiting = kakuu.submit(world, "FACILITY")
    first, last = world.n(0).date(), world.n(9).date()
    only(
        world,
        (world.town.attestor,),
        lambda by: review.confirm(waiting, by=by, confirmed=True, starts=first, ends=last),
    )
    review.confirm(waiting, by=world.town.attestor, confirmed=True, starts=first, ends=last)
    assert Application.objects.get().state == State.REQUESTED


@pytest.mark.parametrize(
    ("first", "last"), [(None, None), (0, None), (None, 9), (9, 0)], ids=["neither", "no end", "no start", "backwards"]
)
def test_a_yes_has_a_period(world: World, first: int | None, last: int | None) -> None:
    waiting = kakuu.submit(world, "COVID_HOME", **WITHOUT_DOCUMENT)
    starts, ends = (None if day is None else world.n(day).date() for day in (first, last))
    with pytest.raises(RequestInvalid):
        review.confirm(waiting, by=world.town.health_officer, confirmed=True, starts=starts, ends=ends)
    waiting.refresh_from_db()
    assert waiting.state == State.TO_CONFIRM and not Confirmation.objects.exists()


def test_a_no_has_no_period(world: World) -> None:
    waiting = kakuu.submit(world, "COVID_HOME", **WITHOUT_DOCUMENT)
    said = review.confirm(
        waiting, by=world.town.health_officer, confirmed=False, starts=world.n(0).date(), ends=world.n(1).date()
    )
    assert (said.confirmed, said.starts, said.ends) == (False, None, None)
    assert StateChange.objects.get().event == Event.DENY


def test_what_waits_for_nobody_is_not_confirmed(world: World) -> None:
    with pytest.raises(WrongState):
        review.confirm(kakuu.submit(world), by=world.town.health_officer, confirmed=False)


def test_after_an_official_took_it_up_nobody_confirms(world: World) -> None:
    """An official decides without it (requirement 13)."""
    waiting = kakuu.submit(world, "COVID_HOME", **WITHOUT_DOCUMENT)
    review.take_up(waiting, by=world.town.clerk)
    with pytest.raises(WrongState):
        review.confirm(waiting, by=world.town.health_officer, confirmed=False)


@pytest.mark.parametrize("answer", ["none", "no"])
def test_without_a_yes_approving_needs_a_reason(world: World, answer: str) -> None:
    waiting = kakuu.submit(world, "COVID_HOME", **WITHOUT_DOCUMENT)
    if answer == "no":
        review.confirm(waiting, by=world.town.health_officer, confirmed=False)
    review.take_up(waiting, by=world.town.clerk)
    for reason in ("", "  \n"):
        refused_issue(world, waiting, RequestInvalid, reason=reason)
    assert approve(world, waiting, reason="保健所に電話で確認").state == State.ISSUED
    assert StateChange.objects.get(event=Event.ISSUE).reason == "保健所に電話で確認"


def test_with_a_yes_no_reason_is_needed(world: World) -> None:
    assert kakuu.issued(world, "COVID_HOME", **WITHOUT_DOCUMENT).state == State.ISSUED


def test_the_confirmed_period_decides(world: World) -> None:
    """The voter says sixty days, the health centre says until yesterday: no ballot, and the reviewer sees why."""
    waiting = kakuu.submit(world, "COVID_HOME", **WITHOUT_DOCUMENT)
    ended = world.n(2).date()
    review.confirm(waiting, by=world.town.health_officer, confirmed=True, starts=world.n(-9).date(), ends=ended)
    review.take_up(waiting, by=world.town.clerk)
    assert any("condition" in told for told in review.obstacles(waiting))
    refused_issue(world, waiting, ConditionNotMet)


def test_a_confirmed_period_can_help(world: World) -> None:
    """The other way round: the centre knows that it lasts longer than the voter thought."""
    made = kakuu.claims(world, "OMITTED_WITH_REASON")
    made["OMITTED_WITH_REASON"]["period"] = world.span(world.n(0), world.n(3))
    waiting = kakuu.submit(world, "COVID_HOME", claims=made, **WITHOUT_DOCUMENT)
    review.confirm(
        waiting, by=world.town.health_officer, confirmed=True, starts=world.n(0).date(), ends=world.e(9).date()
    )
    assert approve(world, review.take_up(waiting, by=world.town.clerk)).state == State.ISSUED


# Returning and rejecting (requirement 18)


def test_taking_up_is_for_the_board(world: World) -> None:
    application = kakuu.submit(world)
    only(world, board(world), lambda by: review.take_up(application, by=by))
    assert review.take_up(application, by=world.town.clerk).state == State.UNDER_REVIEW
    with pytest.raises(WrongState):
        review.take_up(application, by=world.town.second_clerk)


def test_returning_needs_a_reason(world: World) -> None:
    application = kakuu.under_review(world)
    only(world, board(world), lambda by: review.send_back(application, by=by, reason="x"))
    for reason in ("", " ", "x" * 1001):
        with pytest.raises(RequestInvalid):
            review.send_back(application, by=world.town.clerk, reason=reason)
    review.send_back(application, by=world.town.clerk, reason="住所を確認してください")
    change = StateChange.objects.get(event=Event.SEND_BACK)
    assert (change.reason, change.official, change.office) == (
        "住所を確認してください",
        world.town.clerk,
        world.town.board.name,
    )


def test_rejecting_needs_a_ground_of_the_law_and_a_reason(world: World) -> None:
    """By the chair: a clerk reviews and does not decide."""
    application = kakuu.under_review(world)
    only(world, chairs(world), lambda by: review.reject(application, by=by, ground="evidence", reason="x"))
    for ground, reason in (("", "x"), ("dislike", "x"), ("evidence", ""), ("evidence", "　")):
        with pytest.raises(RequestInvalid):
            review.reject(application, by=world.town.chair, ground=ground, reason=reason)
    rejected = review.reject(application, by=world.town.chair, ground="evidence", reason="期間が読めません")
    assert rejected.state == State.REJECTED
    change = StateChange.objects.get(event=Event.REJECT)
    assert change.ground == "evidence" and "期間が読めません" in change.reason
    assert vote_of(world.electors["taro"]) == Vote.NONE


@pytest.mark.parametrize("ground", REJECTIONS)
def test_the_longest_reason_fits_with_every_ground(world: World, ground: str) -> None:
    """PostgreSQL stores no more than the column holds."""
    reason = "理" * review.LONGEST_REASON
    review.reject(kakuu.under_review(world), by=world.town.chair, ground=ground, reason=reason)
    change = StateChange.objects.get(event=Event.REJECT)
    change.full_clean()


def test_after_a_rejection_another_request_can_come(world: World) -> None:
    review.reject(kakuu.under_review(world), by=world.town.chair, ground="evidence", reason="x")
    assert kakuu.issued(world).state == State.ISSUED


# Approving (requirements 4, 19, 20)


def test_approving_issues_and_marks_the_roll(world: World) -> None:
    """At once, with the ballot of the voter's own franchise, on the record."""
    application = kakuu.under_review(world)
    only(world, chairs(world), lambda by: review.approve(application, by=by, at=world.n(4)))
    issued = approve(world, application)
    issued.refresh_from_db()
    taro = world.electors["taro"]
    assert (issued.state, vote_of(taro)) == (State.ISSUED, Vote.ISSUED)
    assert issued.style is not None and issued.style.contests.count() == 3
    change = StateChange.objects.get(event=Event.ISSUE)
    assert (change.official, change.office) == (world.town.chair, world.town.board.name)
    entry = AccessEntry.objects.order_by("-index")[0]
    assert (entry.act, entry.official, entry.subjects) == ("decide", "chair", [taro.pk])


@pytest.mark.parametrize(("who", "contests"), [("moved", 1), ("kept", 2)])
def test_who_moved_gets_a_smaller_ballot(world: World, who: str, contests: int) -> None:
    issued = kakuu.issued(world, who=who)
    assert issued.style is not None and issued.style.contests.count() == contests


@pytest.mark.parametrize("who", ["dead", "suspended", "too_young"])
def test_who_has_no_franchise_gets_no_ballot(world: World, who: str) -> None:
    application = kakuu.under_review(world, who=who)
    assert application.elector == world.electors[who]
    assert review.obstacles(application)
    refused_issue(world, application, NotEligible)
    assert vote_of(world.electors[who]) == Vote.NONE


@pytest.mark.parametrize("who", ["moved", "kept"])
def test_who_moved_gets_none_in_the_municipality(town: Town, who: str) -> None:
    world = kakuu.world(town, scopes=(Scope.MUNICIPAL,))
    refused_issue(world, kakuu.under_review(world, who=who), NotEligible)


def test_a_death_during_the_review_counts(world: World) -> None:
    """The roll as it is at the moment of the decision (requirement 4)."""
    application = kakuu.under_review(world)
    assert application.elector is not None
    Elector.objects.filter(pk=application.elector_id).update(mark=Mark.DEAD)
    refused_issue(world, application, NotEligible)


@pytest.mark.parametrize("way", PaperWay)
def test_who_voted_on_paper_gets_no_ballot(world: World, way: PaperWay) -> None:
    application = kakuu.under_review(world)
    record_paper_vote(world.electors["taro"], way=way, by=world.town.clerk)
    assert any("voted on paper" in told for told in review.obstacles(application))
    refused_issue(world, application, VoteTaken)
    assert vote_of(world.electors["taro"]) == Vote.PAPER


@pytest.mark.parametrize("revote", [True, False])
def test_after_the_issue_paper_waits_for_giving_back(town: Town, revote: bool) -> None:
    """Requirement 20, by the officials' own ways."""
    world = kakuu.world(town, revote=revote)
    issued, taro = kakuu.issued(world), world.electors["taro"]
    with pytest.raises(VoteTaken):
        record_paper_vote(taro, way=PaperWay.EARLY, by=town.clerk)
    kakuu.give_back(world, issued)
    assert record_paper_vote(taro, way=PaperWay.EARLY, by=town.clerk).vote == Vote.PAPER


@pytest.mark.parametrize("revote", [True, False])
def test_after_casting_there_is_no_giving_back(town: Town, revote: bool) -> None:
    """And paper only where one may vote again; it then wins."""
    world = kakuu.world(town, revote=revote)
    issued, taro = kakuu.issued(world), world.electors["taro"]
    asked = review.ask_to_give_back(issued, by=town.clerk, reason="紛失")
    review.note_cast(issued)
    with pytest.raises(WrongState):
        agree(asked, by=town.second_clerk)
    asked.refresh_from_db()
    issued.refresh_from_db()
    assert (asked.decision, issued.state, vote_of(taro)) == ("pending", State.CAST, Vote.CAST)
    with pytest.raises(WrongState):
        review.ask_to_give_back(issued, by=town.chair, reason="紛失")
    if not revote:
        with pytest.raises(VoteTaken):
            record_paper_vote(taro, way=PaperWay.STATION, by=town.clerk)
        return
    assert record_paper_vote(taro, way=PaperWay.STATION, by=town.clerk).vote == Vote.PAPER_WINS


def test_a_lookalike_who_voted_stands_in_the_way(world: World) -> None:
    """Requirement 5: two rows, one ballot."""
    application = kakuu.under_review(world, who="other_twin")
    kakuu.issued(world, who="twin")
    refused_issue(world, application, SamePerson)
    assert vote_of(world.electors["other_twin"]) == Vote.NONE


def test_both_rolls_give_one_ballot(world: World) -> None:
    kakuu.issued(world, "OVERSEAS_RESIDENT", "abroad_twin")
    refused_issue(world, kakuu.under_review(world, who="twin"), SamePerson)


def test_nobody_known_nothing_issued(world: World) -> None:
    stranger = kakuu.applicant(world.electors["taro"], address="架空市中央9-9-9")
    application = kakuu.under_review(world, applicant=stranger)
    refused_issue(world, application, NotMatched)


def test_nothing_is_issued_after_voting_is_over(world: World) -> None:
    application = kakuu.under_review(world)
    for late in (timedelta(seconds=1), timedelta(days=1)):
        refused_issue(world, application, OutOfTime, at=world.e(-1, 20) + late)
    assert approve(world, application, at=world.e(-1, 19, 59, 59)).state == State.ISSUED


def test_nothing_is_issued_after_the_polls_close(world: World) -> None:
    world.election.closes = world.n(5, 12)
    world.election.save()
    refused_issue(world, kakuu.under_review(world), OutOfTime, at=world.n(5, 12))


def test_a_certificate_that_ended_since_gives_no_ballot(world: World) -> None:
    made = kakuu.claims(world, "POSTAL_CERT")
    made["POSTAL_CERT"]["cert"] = world.span(world.n(-9), world.n(3))
    application = kakuu.under_review(world, "POSTAL_DISABILITY", claims=made, at=world.n(3))
    refused_issue(world, application, ConditionNotMet, at=world.n(4))
    assert approve(world, application, at=world.n(3, 23)).state == State.ISSUED


@pytest.mark.parametrize("state", [state for state in State if (state, Event.ISSUE) not in TRANSITIONS])
def test_only_what_is_under_review_is_approved(world: World, state: State) -> None:
    application = kakuu.submit(world)
    from tests.voting import boards

    with boards.tampering():
        Application.objects.filter(pk=application.pk).update(state=state, style=world.election.styles.first())
    with pytest.raises(WrongState):
        approve(world, application)
    assert vote_of(world.electors["taro"]) == Vote.NONE


def test_a_row_that_had_a_slot_gets_no_second_one(world: World) -> None:
    """After a device was registered and its ballot cancelled, another ballot could never be bound: only paper."""
    issued, taro = kakuu.issued(world), world.electors["taro"]
    assert issued.style is not None
    RollLeaf.objects.create(election=world.election, elector=taro, index=7, salt=bytes(32), row="{}", leaf=bytes(32))
    Slot.objects.create(election=world.election, pseudonym="s1", style=issued.style, roll_index=7)
    kakuu.give_back(world, issued)
    refused_issue(world, kakuu.under_review(world), VoteTaken)
    assert record_paper_vote(taro, way=PaperWay.EARLY, by=world.town.clerk).vote == Vote.PAPER


# Giving back (返還)


def test_two_people_cancel(world: World) -> None:
    """With a reason; the roll is free again in the same transaction."""
    issued, town, taro = kakuu.issued(world), world.town, world.electors["taro"]
    only(world, board(world), lambda by: review.ask_to_give_back(issued, by=by, reason="x"))
    for reason in ("", " "):
        with pytest.raises(RequestInvalid):
            review.ask_to_give_back(issued, by=town.clerk, reason=reason)
    asked = review.ask_to_give_back(issued, by=town.clerk, reason="紛失")
    assert vote_of(taro) == Vote.ISSUED
    with pytest.raises(AlreadyProposed):
        review.ask_to_give_back(issued, by=town.chair, reason="紛失")
    allowed = tuple(one for one in board(world) if one != town.clerk)
    only(world, allowed, lambda by: agree(asked, by=by))
    agree(asked, by=town.second_clerk)
    issued.refresh_from_db()
    assert (issued.state, vote_of(taro)) == (State.GIVEN_BACK, Vote.NONE)
    change = StateChange.objects.get(event=Event.GIVE_BACK)
    assert (change.official, change.reason) == (town.second_clerk, "紛失")
    assert AccessEntry.objects.filter(act="give-back", subjects=[taro.pk]).exists()


@pytest.mark.parametrize("state", [State.REQUESTED, State.UNDER_REVIEW, State.REJECTED])
def test_only_an_issued_ballot_is_given_back(world: World, state: State) -> None:
    application = kakuu.submit(world)
    if state != State.REQUESTED:
        review.take_up(application, by=world.town.clerk)
    if state == State.REJECTED:
        review.reject(application, by=world.town.chair, ground="late", reason="x")
    application.refresh_from_db()
    with pytest.raises(WrongState):
        review.ask_to_give_back(application, by=world.town.clerk, reason="x")
    assert not Proposal.objects.exists()


# Matching by hand


def unmatched(world: World, **how: Any) -> Application:
    stranger = kakuu.applicant(world.electors["taro"], address="転居前の住所")
    return kakuu.submit(world, applicant=stranger, **how)


def test_two_people_match_by_hand(world: World) -> None:
    """The clerk looks, which is logged; asks; and another one agrees."""
    application, town, taro = unmatched(world), world.town, world.electors["taro"]
    only(world, board(world), lambda by: review.possible_electors(application, by=by))
    assert taro in review.possible_electors(application, by=town.clerk)
    looked = AccessEntry.objects.get()
    assert looked.act == "view-roll" and taro.pk in looked.subjects
    only(world, board(world), lambda by: review.ask_to_match(application, taro, by=by, reason="x"))
    with pytest.raises(RequestInvalid):
        review.ask_to_match(application, taro, by=town.clerk, reason=" ")
    asked = review.ask_to_match(application, taro, by=town.clerk, reason="電話で旧住所を確認")
    with pytest.raises(NotPermitted):
        agree(asked, by=town.clerk)
    agree(asked, by=town.second_clerk)
    application.refresh_from_db()
    assert application.elector == taro
    review.take_up(application, by=town.clerk)
    assert approve(world, application).state == State.ISSUED


def test_a_match_is_of_the_request_as_it_stood(world: World) -> None:
    """Corrected in between, it is perhaps somebody else; and a row can be gone since."""
    application, town, taro = unmatched(world), world.town, world.electors["taro"]
    asked = review.ask_to_match(application, taro, by=town.clerk, reason="電話で確認")
    review.take_up(application, by=town.clerk)
    review.send_back(application, by=town.clerk, reason="写真が読めません")
    correct(application, kakuu.request(world, "OTHER_BOARD", "hanako"), at=world.n(4))
    with pytest.raises(WrongState):
        agree(asked, by=town.second_clerk)
    assert Application.objects.get(pk=application.pk).elector == world.electors["hanako"]


def test_nobody_is_matched_to_a_row_that_is_gone(world: World) -> None:
    application, town = unmatched(world), world.town
    row = kakuu.elector(world.election, "gone", name="架空　次郎")
    asked = review.ask_to_match(application, row, by=town.clerk, reason="電話で確認")
    row.delete()
    with pytest.raises(NotMatched):
        agree(asked, by=town.second_clerk)
    assert Application.objects.get(pk=application.pk).elector is None


def test_the_birth_date_of_the_roll_decides(world: World) -> None:
    """Who claims to be 17 and is found on the roll as an adult gets no ballot of the category for the young."""
    young = kakuu.applicant(world.electors["taro"], birth=world.electors["young"].birth.earliest())
    application = kakuu.under_review(world, "HOME_BOARD_U18", applicant=young)
    agree(
        review.ask_to_match(application, world.electors["taro"], by=world.town.clerk, reason="x"), by=world.town.chair
    )
    with pytest.raises(ConditionNotMet):
        review.approve(Application.objects.get(pk=application.pk), by=world.town.chair, at=world.n(4, 9))


def test_who_is_concerned_sees_that_it_was_asked_for(world: World) -> None:
    """Requirement 39: also while a second person has not decided, and when they said no."""
    issued = kakuu.issued(world)
    asked = review.ask_to_give_back(issued, by=world.town.clerk, reason="紛失")
    decline(asked, by=world.town.second_clerk, remark="本人に確認")
    purposes = [entry.purpose for entry in accesses_to(world.electors["taro"])]
    assert f"{issued.reference}: cancel the ballot (declined)" in purposes
    assert f"{issued.reference}: cancel the ballot (asked for)" in purposes


def test_matching_stays_in_the_election_and_on_the_roll(world: World, town: Town) -> None:
    again = kakuu.world(town, slug="again")
    application = unmatched(world)
    abroad = kakuu.submit(world, "OVERSEAS_RESIDENT", "taro")
    for one, elector in (
        (application, again.electors["taro"]),
        (application, world.electors["overseas"]),
        (abroad, world.electors["taro"]),
    ):
        with pytest.raises(WrongState):
            review.ask_to_match(one, elector, by=town.clerk, reason="x")


def test_somebody_who_has_applied_is_not_matched_again(world: World) -> None:
    application, town = unmatched(world), world.town
    kakuu.submit(world)
    asked = review.ask_to_match(application, world.electors["taro"], by=town.clerk, reason="x")
    with pytest.raises(AlreadyApplied):
        agree(asked, by=town.second_clerk)
    application.refresh_from_db()
    asked.refresh_from_db()
    assert (application.elector, asked.decision) == (None, "pending")


def test_what_is_decided_meanwhile_is_not_matched(world: World) -> None:
    application, town = unmatched(world), world.town
    asked = review.ask_to_match(application, world.electors["taro"], by=town.clerk, reason="x")
    withdraw(application)
    with pytest.raises(WrongState):
        agree(asked, by=town.second_clerk)
    application.refresh_from_db()
    with pytest.raises(WrongState):
        review.ask_to_match(application, world.electors["hanako"], by=town.clerk, reason="x")


# What a reviewer is shown


def test_nothing_stands_against_a_good_request(town: Town) -> None:
    notice = date.today() + timedelta(20)  # noqa: DTZ011 - obstacles are those of today
    world = kakuu.world(town, notice=notice, election_day=notice + timedelta(7))
    assert review.obstacles(kakuu.submit(world, at=world.n(-25))) == []


def test_obstacles_are_all_named(world: World) -> None:
    """Unconfirmed, unknown, and a second one of the same name and birthday."""
    stranger = kakuu.applicant(world.electors["taro"], address="転居前の住所")
    application = kakuu.submit(world, "COVID_HOME", applicant=stranger, **WITHOUT_DOCUMENT)
    other = kakuu.submit(world)
    told = review.obstacles(application)
    assert len(told) == 3
    assert any(other.reference in one for one in told)


def test_what_is_over_is_no_second_application(world: World) -> None:
    first = withdraw(kakuu.submit(world))
    second = kakuu.submit(world)
    assert review.lookalikes(second) == [] and review.lookalikes(first) == [second]
    assert review.lookalikes(kakuu.submit(world, who="hanako")) == []


# What the board shows


def test_casting_is_noted_once(world: World) -> None:
    issued = kakuu.issued(world)
    for _ in range(3):
        review.note_cast(issued)
    issued.refresh_from_db()
    assert (issued.state, vote_of(world.electors["taro"])) == (State.CAST, Vote.CAST)
    assert StateChange.objects.filter(event=Event.CAST).count() == 1


@pytest.mark.parametrize("state", [*OPEN, State.ISSUED, State.CAST, State.REJECTED, State.GIVEN_BACK])
def test_what_was_not_used_lapses(world: World, state: State) -> None:
    """Open ones and unused ballots; what is cast or over stays. Again is no harm."""
    made: dict[State, Callable[[], Application]] = {
        State.REQUESTED: lambda: kakuu.submit(world),
        State.TO_CONFIRM: lambda: kakuu.submit(world, "FACILITY"),
        State.UNDER_REVIEW: lambda: kakuu.under_review(world),
        State.SENT_BACK: lambda: review.send_back(kakuu.under_review(world), by=world.town.clerk, reason="x"),
        State.ISSUED: lambda: kakuu.issued(world),
        State.CAST: lambda: kakuu.issued(world),
        State.REJECTED: lambda: review.reject(
            kakuu.under_review(world), by=world.town.chair, ground="late", reason="x"
        ),
        State.GIVEN_BACK: lambda: kakuu.issued(world),
    }
    application = made[state]()
    if state == State.CAST:
        review.note_cast(application)
    if state == State.GIVEN_BACK:
        kakuu.give_back(world, application)
    for _ in range(2):
        review.lapse(application)
    application.refresh_from_db()
    assert application.state == (State.LAPSED if state in (*OPEN, State.ISSUED) else state)
    assert vote_of(world.electors["taro"]) == (Vote.CAST if state == State.CAST else Vote.NONE)


def test_an_election_of_no_office_decides_nothing(world: World) -> None:
    application = kakuu.submit(world)
    world.election.office = None
    world.election.save()
    application = Application.objects.get(pk=application.pk)
    for act in (
        lambda: review.view(application, by=world.town.clerk, purpose="x"),
        lambda: review.take_up(application, by=world.town.clerk),
    ):
        with pytest.raises(NotPermitted):
            act()
