"""Requirement 31: between the close and the freeze the poll manager and a witness decide; what they refuse is never
opened. Requirement 32: after the freeze nothing here joins a counted ballot to a name, except the roll row of its slot.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command

from tally.signing import public_key
from tally.stages import freeze_body
from tally.submission import Submission
from tests.election import CLOSES
from tests.voting import boards
from tests.voting.polling import Counter, electors, key, sign
from tests.voting.roll import files
from verifier.record.entries import Type
from voting.access.models import AccessEntry
from voting.applications import review
from voting.applications.errors import RequestInvalid, WrongState
from voting.applications.grounds import REFUSALS
from voting.applications.models import Application
from voting.applications.states import State
from voting.board.replica import replica_of
from voting.credentials.letters import issue_letter
from voting.credentials.models import Binding, Replacement
from voting.credentials.services import ask_to_replace, begin_replacement, sign_replacement
from voting.elections.models import Slot
from voting.errors import NotOnBoard, NotPermitted, ProposalClosed, RollNotReady, VoteTaken
from voting.officials import services as officials
from voting.officials.models import Proposal
from voting.officials.roles import Act
from voting.polls.acceptance import (
    PUBLISHED,
    accept_rest,
    ask_to_refuse,
    exceptional,
    follow_board,
    note_tallied,
    settle,
    strip,
)
from voting.polls.errors import NotReady
from voting.polls.opening import prepare
from voting.roll.imports import begin_import
from voting.roll.models import Elector, Mark, PaperWay, RollImport, RollLeaf, Vote
from voting.roll.services import record_paper_vote

pytestmark = pytest.mark.django_db


def followed() -> str:
    """What `manage.py follow_board` says."""
    said = io.StringIO()
    call_command("follow_board", stdout=said)
    return said.getvalue()


def test_the_command_brings_the_roll_up_to_date(polls: Counter) -> None:
    """Every minute: polling places see who has cast, of every election whose polls are open."""
    application = polls.voter(electors(polls.row)[0])
    assert followed() == "kakuu: 1 ballots cast\n"
    assert (polls.fresh(application).state, electors(polls.row)[0].vote) == (State.CAST, Vote.CAST)


def test_after_the_close_the_command_lets_unused_ballots_lapse(polls: Counter) -> None:
    """Or polling stations would turn these voters away on election day."""
    application = polls.issue(electors(polls.row)[0])
    polls.close()
    followed()
    assert (polls.fresh(application).state, electors(polls.row)[0].vote) == (State.LAPSED, Vote.NONE)


def test_a_ballot_that_was_just_cast_is_not_cancelled(polls: Counter) -> None:
    """The board is looked at, not only what was noted of it: when it is asked for, and when it is approved."""
    application = polls.issue(electors(polls.row)[0])
    polls.bind(application, key("0"))
    asked = review.ask_to_give_back(application, by=polls.town.clerk, reason="紙で投票する")
    polls.cast(application, key("0"))
    assert polls.fresh(application).state == State.ISSUED
    with pytest.raises(WrongState):
        officials.approve(asked, by=polls.town.second_clerk)
    assert polls.fresh(application).state == State.ISSUED
    officials.take_back(asked, by=polls.town.clerk)
    with pytest.raises(WrongState):
        review.ask_to_give_back(polls.fresh(application), by=polls.town.clerk, reason="紙で投票する")
    assert (polls.fresh(application).state, electors(polls.row)[0].vote) == (State.CAST, Vote.CAST)


@pytest.fixture
def cast(polls: Counter) -> list[Application]:
    """Four people of north and south who have cast a ballot, and the polls still open."""
    applications = [polls.voter(elector) for elector in electors(polls.row)[:4]]
    follow_board(polls.row)
    return [polls.fresh(application) for application in applications]


@pytest.fixture
def closed(polls: Counter, cast: list[Application]) -> list[Application]:
    """The same after the close."""
    polls.close()
    return cast


def states(applications: list[Application]) -> list[str]:
    return [Application.objects.get(pk=application.pk).state for application in applications]


def row_of(application: Application) -> Elector:
    """The roll row of an applicant, as it is now."""
    return Elector.objects.get(pk=application.elector_id)


def paper(counter: Counter, application: Application) -> None:
    """The voter comes to the polling station."""
    record_paper_vote(row_of(application), way=PaperWay.STATION, by=counter.town.poll_manager)


def delta(application: Application, **changes: Any) -> None:
    """What a later roll file says."""
    Elector.objects.filter(pk=application.elector_id).update(**changes)


def withdraw(counter: Counter) -> None:
    counter.act(Type.WITHDRAWALS, CLOSES)


def freeze(counter: Counter) -> None:
    counter.freeze()


def prepared(counter: Counter, kind: Type) -> Submission:
    if kind is Type.TALLY_FROZEN:
        counter.agree(Act.FREEZE_TALLY)
    return prepare(counter.row, kind)


def give_back(counter: Counter, application: Application) -> None:
    application.refresh_from_db()
    asked = review.ask_to_give_back(application, by=counter.town.clerk, reason="紙で投票する")
    officials.approve(asked, by=counter.town.second_clerk)


# Following the board


def test_what_is_cast_on_the_board_is_cast_on_the_roll(polls: Counter) -> None:
    """Also when it is followed again, and for nobody else."""
    voted, waiting = polls.voter(electors(polls.row)[0]), polls.issue(electors(polls.row)[1])
    polls.bind(waiting, key("late"))
    for _ in range(2):
        follow_board(polls.row)
        assert states([voted, waiting]) == [State.CAST, State.ISSUED]
        assert [row_of(one).vote for one in (voted, waiting)] == [Vote.CAST, Vote.ISSUED]


def test_the_close_settles_everything(polls: Counter) -> None:
    """Cast is cast, though nobody followed the board until then; unused and undecided lapse, and free the roll."""
    people = electors(polls.row)
    voted, unused, open_request = polls.voter(people[0]), polls.issue(people[1]), polls.request(people[2])
    reviewed = review.take_up(polls.request(people[3]), by=polls.town.clerk)
    rejected = review.take_up(polls.request(people[4]), by=polls.town.clerk)
    review.reject(rejected, by=polls.town.chair, ground="evidence", reason="証明にならない")
    with pytest.raises(NotOnBoard):
        settle(polls.row)
    polls.close()
    for _ in range(2):
        settle(polls.row)
        assert states([voted, unused, open_request, reviewed, rejected]) == [
            State.CAST,
            State.LAPSED,
            State.LAPSED,
            State.LAPSED,
            State.REJECTED,
        ]
    assert [row_of(one).vote for one in (voted, unused)] == [Vote.CAST, Vote.NONE]
    paper(polls, unused)


# Exceptional ballots


FRANCHISE: list[tuple[dict[str, Any], str]] = [
    ({"mark": Mark.DEAD}, "dead"),
    ({"mark": Mark.SUSPENDED}, "franchise"),
    ({"mark": Mark.LOST}, "franchise"),
    ({"mark": Mark.STRUCK}, "franchise"),
    ({"mark": Mark.MOVED}, "franchise"),
    ({"mark": Mark.MOVED, "kept_in_prefecture": True}, "franchise"),
    ({"municipal": False}, "franchise"),
    ({"birth_year": 2010}, "franchise"),
]


@pytest.mark.parametrize(("changes", "ground"), FRANCHISE)
def test_a_later_roll_file_makes_a_cast_ballot_exceptional(
    polls: Counter, cast: list[Application], changes: dict[str, Any], ground: str
) -> None:
    """Whoever has not the franchise on election day, for every contest of the ballot (法43)."""
    assert exceptional(polls.row) == []
    delta(cast[0], **changes)
    assert [(case.application, case.ground) for case in exceptional(polls.row)] == [(cast[0], ground)]


@pytest.mark.parametrize("changes", [{"address": "架空市港1番地"}, {"braille": True}, {"prefectural": False}])
def test_what_does_not_touch_the_franchise_is_not_exceptional(
    polls: Counter, cast: list[Application], changes: dict[str, Any]
) -> None:
    delta(cast[0], **changes)
    assert exceptional(polls.row) == []


def test_a_vote_on_paper_after_casting_makes_it_exceptional(polls: Counter, cast: list[Application]) -> None:
    """Under `until_close` paper wins, before the close and on election day."""
    paper(polls, cast[0])
    polls.close()
    paper(polls, cast[1])
    assert [case.ground for case in exceptional(polls.row)] == ["paper", "paper"]
    assert row_of(cast[0]).vote == Vote.PAPER_WINS


def test_without_revoting_there_is_no_paper_after_casting(polls: Counter, cast: list[Application]) -> None:
    """Requirement 20 under `forbidden`. The setting is fixed, so the election is looked at as if it said so."""
    with boards.tampering():
        type(polls.row).objects.filter(pk=polls.row.pk).update(revote=False)
    with pytest.raises(VoteTaken):
        paper(polls, cast[0])
    assert row_of(cast[0]).vote == Vote.CAST


# Refusing


def test_refused_by_manager_and_witness(polls: Counter, closed: list[Application]) -> None:
    delta(closed[0], mark=Mark.DEAD)
    polls.refuse(closed[0], "dead")
    change = closed[0].changes.last()
    assert change is not None
    assert (states(closed)[0], change.ground, change.official) == (State.REFUSED, "dead", polls.town.poll_witness)
    proposal = Proposal.objects.get(act="refuse-ballot")
    assert (proposal.requested_by, proposal.decided_by) == (polls.town.poll_manager, polls.town.poll_witness)
    entry = AccessEntry.objects.filter(act="refuse-ballot").latest("index")
    assert entry.official == "poll-witness"
    assert AccessEntry.objects.filter(act="refuse-ballot", people__subject=closed[0].elector_id).exists()


@pytest.mark.parametrize("role", ["clerk", "chair", "second_chair", "poll_witness", "auditor", "system_admin"])
def test_only_the_poll_manager_asks(polls: Counter, closed: list[Application], role: str) -> None:
    with pytest.raises(NotPermitted):
        ask_to_refuse(closed[0], ground="dead", reason="台帳", by=getattr(polls.town, role))


@pytest.mark.parametrize("role", ["clerk", "chair", "second_chair", "poll_manager", "auditor", "system_admin"])
def test_only_the_witness_gives_the_second_opinion(polls: Counter, closed: list[Application], role: str) -> None:
    """Not who asked, and nobody of the election board."""
    asked = ask_to_refuse(closed[0], ground="dead", reason="台帳", by=polls.town.poll_manager)
    with pytest.raises(NotPermitted):
        officials.approve(asked, by=getattr(polls.town, role))
    assert states(closed)[0] == State.CAST


def test_a_refusal_has_a_ground_and_a_reason(polls: Counter, closed: list[Application]) -> None:
    with pytest.raises(ValueError, match="no such ground"):
        ask_to_refuse(closed[0], ground="dislike", reason="台帳", by=polls.town.poll_manager)
    for reason in ("", "  "):
        with pytest.raises(RequestInvalid):
            ask_to_refuse(closed[0], ground="dead", reason=reason, by=polls.town.poll_manager)
    assert REFUSALS.keys() == PUBLISHED.keys()


def test_nothing_is_refused_before_the_close(polls: Counter, cast: list[Application]) -> None:
    with pytest.raises(NotOnBoard):
        ask_to_refuse(cast[0], ground="dead", reason="台帳", by=polls.town.poll_manager)


def test_nothing_is_refused_that_is_not_cast(polls: Counter, closed: list[Application]) -> None:
    unused = polls.request(electors(polls.row)[5])
    with pytest.raises(WrongState):
        ask_to_refuse(unused, ground="dead", reason="台帳", by=polls.town.poll_manager)
    polls.refuse(closed[0], "dead")
    with pytest.raises(WrongState):
        ask_to_refuse(polls.fresh(closed[0]), ground="dead", reason="台帳", by=polls.town.poll_manager)


def test_nothing_is_refused_after_the_withdrawals(polls: Counter, closed: list[Application]) -> None:
    """One batch: what is on the board stays, and accepted ballots stay accepted."""
    polls.refuse(closed[0], "dead")
    polls.accept_rest()
    withdraw(polls)
    for application in closed:
        with pytest.raises(WrongState):
            ask_to_refuse(polls.fresh(application), ground="dead", reason="台帳", by=polls.town.poll_manager)


def test_an_approval_after_the_withdrawals_is_refused(polls: Counter, closed: list[Application]) -> None:
    """A body from elsewhere went to the board while the witness thought about it."""
    asked = ask_to_refuse(closed[0], ground="dead", reason="台帳", by=polls.town.poll_manager)
    slot = Binding.objects.get(application=closed[1]).pseudonym
    body = {
        "election": prepare(polls.row, Type.POLLS_CLOSED).body["election"],
        "slots": [slot],
        "reasons": [{"reason": PUBLISHED["other"], "slots": 1}],
    }
    polls.submit(Submission(Type.WITHDRAWALS, body), time=CLOSES)
    with pytest.raises(WrongState):
        officials.approve(asked, by=polls.town.poll_witness)


# Accepting the rest


def test_the_rest_is_accepted_at_once(polls: Counter, closed: list[Application]) -> None:
    polls.refuse(closed[0], "other")
    assert polls.accept_rest() == 3
    assert states(closed) == [State.REFUSED, *[State.ACCEPTED] * 3]
    assert polls.accept_rest() == 0


@pytest.mark.parametrize("role", ["clerk", "chair", "poll_witness", "auditor", "system_admin"])
def test_only_the_poll_manager_accepts(polls: Counter, closed: list[Application], role: str) -> None:
    with pytest.raises(NotPermitted):
        accept_rest(polls.row, by=getattr(polls.town, role))
    assert states(closed) == [State.CAST] * 4


def test_nothing_is_accepted_before_the_close(polls: Counter, cast: list[Application]) -> None:
    with pytest.raises(NotOnBoard):
        polls.accept_rest()
    assert states(cast) == [State.CAST] * 4


def test_nothing_is_accepted_while_something_is_undecided(polls: Counter, closed: list[Application]) -> None:
    """Exceptional ballots and requests that wait for the witness are named, each with its reference."""
    delta(closed[0], mark=Mark.DEAD)
    paper(polls, closed[1])
    ask_to_refuse(closed[2], ground="other", reason="台帳", by=polls.town.poll_manager)
    with pytest.raises(NotReady) as error:
        polls.accept_rest()
    told = "\n".join(error.value.problems)
    assert len(error.value.problems) == 3
    assert all(application.reference in told for application in closed[:3])
    assert states(closed) == [State.CAST] * 4


def test_after_acceptance_no_paper_vote_is_recorded(polls: Counter, closed: list[Application]) -> None:
    """Otherwise two votes of one person would count."""
    polls.accept_rest()
    with pytest.raises(VoteTaken):
        paper(polls, closed[0])
    assert row_of(closed[0]).vote == Vote.ACCEPTED


# What goes to the board


def test_withdrawn_are_the_slots_and_only_totals_of_reasons(polls: Counter, closed: list[Application]) -> None:
    """Which slot has which reason, and whose slots they are, cannot be read from the entry."""
    delta(closed[0], mark=Mark.DEAD)
    paper(polls, closed[1])
    paper(polls, closed[2])
    for application, ground in zip(closed, ["dead", "paper", "paper"], strict=False):
        polls.refuse(application, ground)
    polls.accept_rest()
    body = prepare(polls.row, Type.WITHDRAWALS).body
    slots = {Binding.objects.get(application=application).pseudonym for application in closed[:3]}
    assert body.keys() == {"election", "slots", "reasons"}
    assert body["slots"] == sorted(slots)
    assert body["reasons"] == [
        {"reason": PUBLISHED["dead"], "slots": 1},
        {"reason": PUBLISHED["paper"], "slots": 2},
    ]
    text = json.dumps(body, ensure_ascii=False)
    assert not any(application.reference in text or application.name in text for application in closed)


def test_a_refused_ballot_is_never_counted(polls: Counter, closed: list[Application]) -> None:
    """The board takes the entry, the freeze leaves the slot out, and the result has one ballot less in its unit."""
    polls.refuse(closed[1], "other")
    polls.accept_rest()
    withdraw(polls)
    freeze(polls)
    entry = polls.state.slots[Binding.objects.get(application=closed[1]).pseudonym]
    assert entry.withdrawn and polls.state.withdrawals == 1
    with pytest.raises(NotOnBoard):
        note_tallied(polls.row)
    assert followed() == "kakuu: 4 links cut\n"
    assert not Binding.objects.exists() and followed() == ""
    polls.publish()
    result = polls.state.result
    assert result is not None
    assert result["turnout"]["ballots"] == 3
    assert followed() == ""
    assert states(closed) == [State.TALLIED, State.REFUSED, State.TALLIED, State.TALLIED]
    note_tallied(polls.row)


def test_a_cancelled_ballots_slot_is_withdrawn(polls: Counter, cast: list[Application]) -> None:
    """Its device could still cast on the board until the close, and the voter has voted on paper."""
    application = polls.issue(electors(polls.row)[4])
    polls.bind(application, key("cancelled"))
    give_back(polls, application)
    paper(polls, application)
    polls.cast(application, key("cancelled"))
    polls.close()
    polls.accept_rest()
    body = prepare(polls.row, Type.WITHDRAWALS).body
    assert body["slots"] == [application.binding.pseudonym]
    assert body["reasons"] == [{"reason": PUBLISHED["given-back"], "slots": 1}]
    withdraw(polls)
    freeze(polls)
    assert polls.state.withdrawals == 1 and polls.state.cast == 5


@pytest.mark.parametrize("fate", ["refused", "given-back"])
def test_a_slot_whose_registration_was_cut_off_is_withdrawn(polls: Counter, fate: str) -> None:
    """The server stopped between the board and its own note: the ballot on the board is this person's all the same."""
    polls.voter(electors(polls.row)[1])
    application = polls.issue(electors(polls.row)[0])
    polls.bind(application, key("cut off"))
    Binding.objects.filter(application=application).update(slot=None)
    if fate == "given-back":
        give_back(polls, application)
    polls.cast(application, key("cut off"))
    polls.close()
    settle(polls.row)
    if fate == "refused":
        Binding.objects.filter(application=application).update(slot=None)
        polls.refuse(application, "other")
    polls.accept_rest()
    assert prepare(polls.row, Type.WITHDRAWALS).body["slots"] == [application.binding.pseudonym]


def test_nothing_is_withdrawn_before_the_close(polls: Counter, cast: list[Application]) -> None:
    give_back(polls, polls.issue(electors(polls.row)[4]))
    with pytest.raises(NotReady):
        prepare(polls.row, Type.WITHDRAWALS)


@pytest.mark.parametrize("kind", [Type.WITHDRAWALS, Type.TALLY_FROZEN])
def test_nothing_is_prepared_while_ballots_are_undecided(polls: Counter, kind: Type) -> None:
    """Not even when nobody has followed the board yet: one batch is all that the board takes."""
    for elector in electors(polls.row)[:2]:
        polls.voter(elector)
    give_back(polls, polls.issue(electors(polls.row)[4]))
    polls.close()
    with pytest.raises(NotReady, match="neither accepted"):
        prepared(polls, kind)
    settle(polls.row)
    with pytest.raises(NotReady, match="neither accepted"):
        prepared(polls, kind)


def test_nothing_is_frozen_before_refused_ballots_are_withdrawn(polls: Counter, closed: list[Application]) -> None:
    """A freeze straight after the close would open them."""
    polls.refuse(closed[0], "other")
    polls.accept_rest()
    with pytest.raises(NotReady, match="1 refused ballots"):
        freeze(polls)
    replica = replica_of(polls.row.pk)
    assert freeze_body(polls.state, replica.log)["counted"] == 4
    withdraw(polls)
    polls.agree(Act.FREEZE_TALLY)
    assert prepare(polls.row, Type.TALLY_FROZEN).body["counted"] == 3


def test_without_refusals_there_is_nothing_to_withdraw(polls: Counter, closed: list[Application]) -> None:
    polls.accept_rest()
    with pytest.raises(RollNotReady):
        prepare(polls.row, Type.WITHDRAWALS)
    freeze(polls)
    assert polls.state.stage == "frozen for the tally"


# Separating names from ballots


def test_nothing_is_cut_before_the_freeze(polls: Counter, closed: list[Application]) -> None:
    polls.accept_rest()
    with pytest.raises(NotOnBoard):
        strip(polls.row)
    assert Binding.objects.count() == 4 and states(closed) == [State.ACCEPTED] * 4


def tables_with(texts: list[str]) -> set[str]:
    """The tables in which one of the texts stands in some value, bytes read as text and as hex."""
    found = set()
    for model in apps.get_models():
        for row in model._base_manager.values_list():
            values = [f"{bytes(v)!r} {bytes(v).hex()}" if isinstance(v, bytes | memoryview) else str(v) for v in row]
            if any(text in value for value in values for text in texts):
                found.add(model._meta.db_table)
    return found


def lost_phone(counter: Counter, application: Application) -> None:
    """A replacement that went as far as the registrar's signature."""
    application.refresh_from_db()
    asked = ask_to_replace(application, by=counter.town.clerk, reason="紛失")
    officials.approve(asked, by=counter.town.second_clerk)
    body = begin_replacement(application, public_key(key("new")))
    sign_replacement(application, public_key(key("new")), sign(key("new"), Type.CREDENTIAL_REPLACED, body))


def test_after_the_freeze_nothing_names_a_slot_but_the_board(polls: Counter, cast: list[Application]) -> None:
    """Every table is searched for every pseudonym and every device key: the board has them, and nobody else.

    What is left is what the protocol knows: a slot states the index of its roll row, and the leaf of the commitment
    says whose row that is (domain document, 8.2: "except the slot").
    """
    issue_letter(cast[0], by=polls.town.clerk)
    lost_phone(polls, cast[1])
    names = list(Binding.objects.values_list("pseudonym", flat=True))
    keys = [bytes(credential).hex() for credential in Binding.objects.values_list("credential", flat=True)]
    assert tables_with(names) == {
        "elections_slot",
        "board_boardentry",
        "credentials_binding",
        "credentials_replacement",
    }
    polls.close()
    polls.refuse(cast[3], "other")
    polls.accept_rest()
    withdraw(polls)
    freeze(polls)
    assert strip(polls.row) == 4
    assert not Binding.objects.exists()
    assert tables_with(names) == {"elections_slot", "board_boardentry"}
    assert tables_with(keys) == set()
    assert all(row.body is None and row.signatures == [] for row in Replacement.objects.all())
    assert states(cast) == [*[State.STRIPPED] * 3, State.REFUSED]


def test_no_foreign_key_leads_from_a_person_to_a_slot(polls: Counter) -> None:
    """In the schema itself: the binding is the only model that points at a slot."""
    pointing = {
        model._meta.label
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.is_relation and field.concrete and field.related_model is Slot
    }
    assert pointing == {"credentials.Binding"}


def test_the_leaf_is_the_join_that_remains(polls: Counter, closed: list[Application]) -> None:
    """Said aloud, so that nobody is surprised: roll leaf → index → slot → ciphertext on the board."""
    polls.accept_rest()
    freeze(polls)
    strip(polls.row)
    indices = Slot.objects.filter(election=polls.row).values_list("roll_index", flat=True)
    people = set(RollLeaf.objects.filter(election=polls.row, index__in=indices).values_list("elector", flat=True))
    assert people == {application.elector_id for application in closed}


def test_stripping_is_on_the_record(polls: Counter, closed: list[Application]) -> None:
    """For everyone of the election, by the program, with how many."""
    polls.accept_rest()
    freeze(polls)
    strip(polls.row)
    entry = AccessEntry.objects.get(act="strip")
    assert (entry.official, entry.everyone, entry.purpose) == ("strip", "kakuu", "kakuu: 4 links cut")
    assert strip(polls.row) == 0


def test_a_decided_refusal_is_decided_once(polls: Counter, closed: list[Application]) -> None:
    asked = ask_to_refuse(closed[0], ground="other", reason="台帳", by=polls.town.poll_manager)
    officials.approve(asked, by=polls.town.poll_witness)
    with pytest.raises(ProposalClosed):
        officials.approve(asked, by=polls.town.poll_witness)


def test_after_the_freeze_the_roll_stays_as_it_is(polls: Counter, cast: list[Application], tmp_path: Path) -> None:
    """What the records print is what was sealed."""
    polls.close()
    polls.accept_rest()
    freeze(polls)
    path = files.write(tmp_path / "roll.csv", files.rows(1))
    with pytest.raises(RollNotReady, match="frozen"):
        begin_import(polls.row, path, kind=RollImport.Kind.DELTA, file_name="名簿.csv", by=polls.town.clerk)
