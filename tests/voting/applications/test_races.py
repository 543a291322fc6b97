"""The same person at the same instant: at two counters, by two officials, on paper and online. One wins, nobody waits
for each other for ever, and the roll, the applications and the access log agree afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from django.db import close_old_connections

from tests.voting import kakuu
from tests.voting.kakuu import World
from tests.voting.offices import Town
from tests.voting.postgres import Runner, both, race, says, transactional
from voting.access.services import check_log
from voting.applications import review
from voting.applications.models import Application, StateChange
from voting.applications.requests import correct, submit, submit_for_others, withdraw
from voting.applications.states import HELD, Event, State
from voting.officials.models import Official
from voting.officials.services import approve as agree
from voting.roll.models import Elector, PaperWay, Vote
from voting.roll.services import record_paper_vote

ROUNDS = 3
"""A race is run a few times: the order of two threads is chance."""


def ballots() -> int:
    return Application.objects.filter(state__in=HELD).count()


def vote_of(world: World, who: str) -> str:
    return Elector.objects.get(pk=world.electors[who].pk).vote


def approving(world: World, application: Application, by: str = "chair") -> Callable[[], object]:
    return lambda: review.approve(application, by=getattr(world.town, by), at=world.n(4)).state


def on_paper(world: World, who: str) -> Callable[[], object]:
    return lambda: record_paper_vote(world.electors[who], way=PaperWay.EARLY, by=world.town.poll_manager).vote


def runs(run: Runner, *works: Callable[[], object]) -> list[str]:
    """What each says, sorted; nobody was stopped by a deadlock, and the access log is whole."""
    close_old_connections()
    said = sorted(run([says(work) for work in works]))
    assert not [one for one in said if "Error" in one or one == "no answer"], said
    check_log()
    return said


@race
@transactional
@both
def test_two_chairs_approve_one_application(run: Runner, town: Town) -> None:
    for number in range(ROUNDS):
        world = kakuu.world(town, slug=f"race-{number}")
        application = kakuu.under_review(world)
        said = runs(run, approving(world, application), approving(world, application, "second_chair"))
        assert said == ["issued", "wrong-state"]
        assert StateChange.objects.filter(application=application, event=Event.ISSUE).count() == 1
        assert vote_of(world, "taro") == Vote.ISSUED


@race
@transactional
@both
def test_two_lookalikes_are_approved(run: Runner, town: Town) -> None:
    """Two rows of one person, in both orders: one ballot."""
    for number in range(ROUNDS):
        world = kakuu.world(town, slug=f"race-{number}")
        first, second = (kakuu.under_review(world, who=who) for who in ("twin", "other_twin"))
        works = [approving(world, second), approving(world, first, "second_chair")]
        assert runs(run, *works) == ["issued", "same-person"]
        assert Application.objects.filter(election=world.election, state=State.ISSUED).count() == 1


@race
@transactional
@both
def test_three_lookalikes_on_both_rolls(run: Runner, town: Town) -> None:
    """The locks are taken in one order, so that three who all wait end too."""
    for number in range(ROUNDS):
        world = kakuu.world(town, slug=f"race-{number}")
        third = kakuu.under_review(world, "OVERSEAS_RESIDENT", "abroad_twin")
        first = kakuu.under_review(world, who="twin")
        said = runs(
            run, approving(world, third), on_paper(world, "other_twin"), approving(world, first, "second_chair")
        )
        assert said.count("same-person") == 2


@race
@transactional
@both
def test_two_matched_to_one_elector(run: Runner, town: Town) -> None:
    """Two applications without a row, two pairs of officials who find the same one: one of them gets it."""
    for number in range(ROUNDS):
        world = kakuu.world(town, slug=f"race-{number}")
        taro = world.electors["taro"]
        asked = []
        for address in ("転居前の住所", "その前の住所"):
            stranger = kakuu.applicant(taro, address=address)
            unmatched = kakuu.submit(world, applicant=stranger)
            asked.append(review.ask_to_match(unmatched, taro, by=town.clerk, reason="x"))
        said = runs(
            run,
            lambda first=asked[0]: agree(first, by=town.second_clerk).decision,
            lambda second=asked[1]: agree(second, by=town.chair).decision,
        )
        assert said == ["already-applied", "approved"]
        assert Application.objects.filter(elector=taro).count() == 1


@race
@transactional
@both
def test_two_applications_of_one_elector(run: Runner, town: Town) -> None:
    """A double click, or somebody else at the same instant: both are taken, one of them has the row."""
    for number in range(ROUNDS):
        world = kakuu.world(town, slug=f"race-{number}")
        said = runs(run, *[lambda world=world: kakuu.submit(world).state] * 2)
        assert said == ["requested", "requested"]
        mine = Application.objects.filter(election=world.election)
        assert sorted(one.elector is None for one in mine) == [False, True]


@race
@transactional
@both
def test_one_elector_at_two_counters(run: Runner, town: Town) -> None:
    for number in range(ROUNDS):
        world = kakuu.world(town, slug=f"race-{number}")

        def file(by: Official, world: World = world) -> str:
            made, offer = kakuu.request(world, "OTHER_BOARD"), world.offers["OTHER_BOARD"]
            return submit(offer, made, at=world.n(3), way=Application.Way.COUNTER, by=by).state

        said = runs(run, *[lambda by=by, file=file: file(by) for by in (town.clerk, town.second_clerk)])
        assert said == ["already-applied", "requested"]


@race
@transactional
@both
def test_a_ballot_is_issued_against_paper(run: Runner, town: Town) -> None:
    """The polling place marks while the chair approves (requirements 19 and 20)."""
    for number in range(ROUNDS):
        world = kakuu.world(town, slug=f"race-{number}")
        application = kakuu.under_review(world)
        said = runs(run, approving(world, application), on_paper(world, "taro"))
        assert said in (["issued", "vote-taken"], ["paper", "vote-taken"])
        application.refresh_from_db()
        assert (application.state, vote_of(world, "taro")) in (
            (State.ISSUED, Vote.ISSUED),
            (State.UNDER_REVIEW, Vote.PAPER),
        )


@race
@transactional
@both
def test_paper_against_giving_back(run: Runner, town: Town) -> None:
    """Paper is either too early, or comes after the cancellation; the cancellation is done in both cases."""
    for number in range(ROUNDS):
        world = kakuu.world(town, slug=f"race-{number}")
        issued = kakuu.issued(world)
        asked = review.ask_to_give_back(issued, by=town.clerk, reason="x")
        said = runs(run, lambda asked=asked: agree(asked, by=town.second_clerk).decision, on_paper(world, "taro"))
        assert said in (["approved", "paper"], ["approved", "vote-taken"])
        assert vote_of(world, "taro") == (Vote.PAPER if "paper" in said else Vote.NONE)


@race
@transactional
@both
def test_casting_against_giving_back(run: Runner, town: Town) -> None:
    """Either it was cast and stays so, or it was cancelled."""
    for number in range(ROUNDS):
        world = kakuu.world(town, slug=f"race-{number}")
        issued = kakuu.issued(world)
        asked = review.ask_to_give_back(issued, by=town.clerk, reason="x")
        said = runs(
            run,
            lambda asked=asked: agree(asked, by=town.second_clerk).decision,
            lambda issued=issued: review.note_cast(issued),
        )
        issued.refresh_from_db()
        assert (issued.state, vote_of(world, "taro"), said[-1]) in (
            (State.CAST, Vote.CAST, "wrong-state"),
            (State.GIVEN_BACK, Vote.NONE, "approved"),
        )


@race
@transactional
@both
def test_cancelling_and_approving_others_wait_for_no_circle(run: Runner, town: Town) -> None:
    """Each holds its own rows and then the head of the access log, which everybody takes last."""
    for number in range(ROUNDS):
        world = kakuu.world(town, slug=f"race-{number}")
        issued = [kakuu.issued(world, who=who) for who in ("taro", "hanako")]
        asked = [review.ask_to_give_back(one, by=town.clerk, reason="x") for one in issued]
        others = [kakuu.under_review(world, who=who) for who in ("takahashi", "twin")]
        said = runs(
            run,
            *[lambda one=one: agree(one, by=town.second_clerk).decision for one in asked],
            *[approving(world, one) for one in others],
        )
        assert said == ["approved", "approved", "issued", "issued"]


@race
@transactional
@both
def test_a_long_list_against_the_polling_place(run: Runner, town: Town) -> None:
    """The head files for many while some of them vote on paper and others apply by themselves: no circle."""
    world = kakuu.world(town)
    people = [kakuu.elector(world.election, f"k{number}", name=f"架空　第{number}") for number in range(30)]
    made = [kakuu.replace(kakuu.request(world, "FACILITY"), applicant=kakuu.applicant(elector)) for elector in people]
    hospital = town.hospital

    def file() -> str:
        offer = world.offers["FACILITY"]
        return str(len(submit_for_others(offer, made, office=hospital, by=town.attestor, at=world.n(3))))

    def mark(elector: Elector) -> Callable[[], object]:
        return lambda: record_paper_vote(elector, way=PaperWay.EARLY, by=town.poll_manager).vote

    said = runs(run, file, *[mark(people[at]) for at in (29, 20, 10, 3)])
    assert said == ["30", *["paper"] * 4]


@race
@transactional
@both
def test_a_list_against_somebody_on_it(run: Runner, town: Town) -> None:
    """A clerk files at the counter for one whom the head's list has: one of them is refused, whole."""
    for number in range(ROUNDS):
        world = kakuu.world(town, slug=f"race-{number}")
        made = [kakuu.request(world, "FACILITY", who) for who in ("taro", "hanako", "kept", "takahashi")]

        def file(world: World = world, made: list[kakuu.Request] = made) -> str:
            offer = world.offers["FACILITY"]
            return str(len(submit_for_others(offer, made, office=town.hospital, by=town.attestor, at=world.n(3))))

        def counter(world: World = world) -> str:
            one, offer = kakuu.request(world, "OTHER_BOARD", "takahashi"), world.offers["OTHER_BOARD"]
            return submit(offer, one, at=world.n(3), way=Application.Way.COUNTER, by=town.clerk).state

        said = runs(run, file, counter)
        assert said in (["4", "already-applied"], ["request-invalid", "requested"])
        assert Application.objects.filter(election=world.election).count() == (4 if "4" in said else 1)


@race
@transactional
@both
def test_withdrawing_against_approving(run: Runner, town: Town) -> None:
    for number in range(ROUNDS):
        world = kakuu.world(town, slug=f"race-{number}")
        application = kakuu.under_review(world)
        said = runs(run, approving(world, application), lambda one=application: withdraw(one).state)
        assert said in (["issued", "wrong-state"], ["withdrawn", "wrong-state"])
        assert vote_of(world, "taro") == (Vote.ISSUED if "issued" in said else Vote.NONE)


@race
@transactional
@both
def test_a_correction_against_a_request_of_the_same_person(run: Runner, town: Town) -> None:
    """Both are taken, one of them has the row."""
    for number in range(ROUNDS):
        world = kakuu.world(town, slug=f"race-{number}")
        slip = kakuu.applicant(world.electors["taro"], address="架空市中央9-9-9")
        returned = review.send_back(kakuu.under_review(world, applicant=slip), by=town.clerk, reason="x")
        made = kakuu.request(world, "OTHER_BOARD")
        said = runs(
            run,
            lambda world=world, returned=returned, made=made: correct(returned, made, at=world.n(4)).state,
            lambda world=world: kakuu.submit(world).state,
        )
        assert said == ["requested", "requested"]
        mine = Application.objects.filter(election=world.election)
        assert sorted(one.elector is None for one in mine) == [False, True]


@race
@transactional
@both
def test_an_answer_against_taking_up(run: Runner, town: Town) -> None:
    """The health officer confirms while a clerk decides not to wait: both work, or the answer is too late."""
    for number in range(ROUNDS):
        world = kakuu.world(town, slug=f"race-{number}")
        waiting = kakuu.submit(world, "COVID_HOME", kinds=("OMITTED_WITH_REASON",))
        said = runs(
            run,
            lambda one=waiting: (
                review.confirm(
                    one, by=town.health_officer, confirmed=True, starts=date(2030, 5, 1), ends=date(2030, 5, 30)
                ).confirmed
            ),
            lambda one=waiting: review.take_up(one, by=town.clerk).state,
        )
        assert said in (["True", "under-review"], ["under-review", "wrong-state"])
        waiting.refresh_from_db()
        assert waiting.state == State.UNDER_REVIEW


@race
@transactional
@both
def test_one_ballot_for_one_person_whatever_comes_together(run: Runner, town: Town) -> None:
    """Everything at once about one person with three rows."""
    world = kakuu.world(town)
    first, second = (kakuu.under_review(world, who=who) for who in ("twin", "other_twin"))
    third = kakuu.under_review(world, "OVERSEAS_RESIDENT", "abroad_twin")
    works = [
        *[approving(world, one) for one in (first, second, third)],
        *[approving(world, one, "second_chair") for one in (third, second, first)],
        *[on_paper(world, who) for who in ("abroad_twin", "twin")],
    ]
    said = runs(run, *works)
    votes = Elector.objects.filter(election=world.election, number__contains="twin").exclude(vote=Vote.NONE)
    assert votes.count() == 1 and sum(one in ("issued", "paper") for one in said) == 1
    assert ballots() == (1 if "issued" in said else 0)
