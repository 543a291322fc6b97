"""Letters and devices at the same instant: one redemption, one slot, one vote."""

from __future__ import annotations

from datetime import date

import pytest

from tally.signing import public_key
from tests.voting.polling import BORN, POLLING, Counter, electors, key, sign
from tests.voting.postgres import Runner, Work, both, race, says, transactional
from verifier.record.entries import Type
from voting.applications import review
from voting.applications.models import Application
from voting.applications.states import State
from voting.credentials.letters import MOST_FAILURES, issue_letter, redeem
from voting.credentials.models import Binding, Letter
from voting.credentials.services import begin_binding, finish_binding
from voting.elections.models import Slot
from voting.officials import services as officials
from voting.polls.acceptance import accept_rest, follow_board
from voting.roll.models import Elector, PaperWay, Vote
from voting.roll.services import record_paper_vote


@pytest.fixture
def issued(polls: Counter) -> Application:
    """An application with a ballot, and no device yet."""
    return polls.issue(electors(polls.row)[0])


def redeems(code: str, birth: date = BORN) -> Work:
    return says(lambda: redeem(code, birth, at=POLLING).reference)


def registers(application: Application, name: str) -> Work:
    """A device from the first question to the board; says its slot."""

    def work() -> str:
        mine = Application.objects.get(pk=application.pk)
        body = begin_binding(mine, public_key(key(name)))
        finish_binding(mine, sign(key(name), Type.CREDENTIAL_REGISTERED, body), time=POLLING)
        return str(body["slot"])

    return says(work)


@race
@transactional
@both
def test_many_redemptions_meet_a_device(polls: Counter, issued: Application, run: Runner) -> None:
    """A code is good until the device is on the board; whenever that is, one device is, and the code is dead then."""
    _letter, code = issue_letter(issued, by=polls.town.clerk)
    answers = run([registers(issued, "phone"), *[redeems(code) for _ in range(5)]])
    assert set(answers[1:]) <= {issued.reference, "code-refused"}
    assert answers[0] == Slot.objects.get(election=polls.row).pseudonym
    assert redeems(code)() == "code-refused"


@race
@transactional
@both
def test_redemptions_meet_a_new_letter(polls: Counter, issued: Application, run: Runner) -> None:
    """Letter and application are locked in one order by all: nobody waits for the other for ever."""
    Application.objects.filter(pk=issued.pk).update(email="voter@example.jp")  # each use and each letter is told
    _letter, code = issue_letter(issued, by=polls.town.clerk)

    def prints() -> str:
        return str(issue_letter(issued, by=polls.town.clerk)[0].pk)

    answers = run([says(prints), *[redeems(code) for _ in range(4)], says(prints)])
    assert set(answers[1:5]) <= {issued.reference, "code-refused"}
    assert redeems(code)() == "code-refused"


@race
@transactional
@both
def test_guesses_at_the_same_instant_are_all_counted(polls: Counter, issued: Application, run: Runner) -> None:
    """Nobody gets more than five by hurrying."""
    _letter, code = issue_letter(issued, by=polls.town.clerk)
    answers = run([redeems(code, date(1980, 1, day)) for day in range(3, 11)])
    assert answers == ["code-refused"] * 8
    assert Letter.objects.get().failures == MOST_FAILURES


@race
@transactional
@both
def test_two_letters_at_the_same_instant_leave_one_valid(polls: Counter, issued: Application, run: Runner) -> None:
    def prints() -> str:
        return issue_letter(issued, by=polls.town.clerk)[1]

    codes = run([says(prints)] * 4)
    assert Letter.objects.filter(revoked_at=None).count() == 1
    answers = [redeems(code)() for code in codes]
    assert sorted(answers) == sorted([issued.reference, *["code-refused"] * 3])


@race
@transactional
@both
def test_of_two_devices_one_is_bound(polls: Counter, issued: Application, run: Runner) -> None:
    """One slot, whose key is the one that the binding says; the other device is told in words, and can do nothing."""
    answers = run([registers(issued, name) for name in ("first", "second", "third")])
    slot = Slot.objects.get(election=polls.row)
    assert answers.count(slot.pseudonym) == 1
    assert set(answers) <= {slot.pseudonym, "already-bound", "device-signature-invalid"}
    follow_board(polls.row)
    binding = Binding.objects.get()
    assert binding.slot == slot
    assert bytes(binding.credential) == polls.state.slots[slot.pseudonym].credential


@race
@transactional
@both
def test_one_device_twice_is_one_slot(polls: Counter, issued: Application, run: Runner) -> None:
    """A double click."""
    answers = run([registers(issued, "only")] * 4)
    assert set(answers) == {Slot.objects.get(election=polls.row).pseudonym}


@race
@transactional
@both
def test_a_cancellation_meets_a_device(polls: Counter, issued: Application, run: Runner) -> None:
    """Whichever is first: afterwards no slot is left that would count, and paper is free."""
    asked = review.ask_to_give_back(issued, by=polls.town.clerk, reason="紙で投票する")
    cancels = says(lambda: officials.approve(asked, by=polls.town.second_clerk).decision)
    answers = run([cancels, registers(issued, "phone")])
    assert answers[0] == "approved"
    assert Application.objects.get(pk=issued.pk).state == State.GIVEN_BACK
    assert Elector.objects.get(pk=issued.elector_id).vote == Vote.NONE
    slots = set(Slot.objects.filter(election=polls.row).values_list("pseudonym", flat=True))
    follow_board(polls.row)
    assert slots == set(Binding.objects.exclude(slot=None).values_list("pseudonym", flat=True))


@race
@transactional
@both
def test_acceptance_meets_a_vote_on_paper(polls: Counter, run: Runner) -> None:
    """At the same instant: either the ballot is accepted and paper refused, or paper stands and nothing is accepted."""
    application = polls.voter(electors(polls.row)[0])
    polls.close()
    follow_board(polls.row)
    elector = Elector.objects.get(pk=application.elector_id)
    manager = polls.town.poll_manager
    votes = says(lambda: record_paper_vote(elector, way=PaperWay.STATION, by=manager).vote)
    accepts = says(lambda: accept_rest(polls.row, by=manager))
    answers = run([votes, accepts])
    now = (Application.objects.get(pk=application.pk).state, Elector.objects.get(pk=elector.pk).vote)
    if now == (State.ACCEPTED, Vote.ACCEPTED):
        assert answers == ["vote-taken", "1"]
    else:
        assert now == (State.CAST, Vote.PAPER_WINS)
        assert answers[0] == "paper-wins" and answers[1] in ("not-ready", "vote-taken", "0")
