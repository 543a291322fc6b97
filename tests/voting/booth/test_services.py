"""Handing in and opening: whatever happens on the way there is one outcome, and the voter is told which."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone

from tests.voting import boards
from tests.voting.booth.hall import Hall, device, registered, signature
from verifier.crypto.transcript import digest
from verifier.errors import CheckFailed
from verifier.receipt import parse_receipt
from verifier.record.canonical import decode_bytes, encode_bytes, serialise
from verifier.record.entries import Type
from voting.applications.models import Application, Notice
from voting.applications.states import State
from voting.board.models import BoardEntry
from voting.booth import errors, services
from voting.credentials.errors import NoBallot
from voting.credentials.services import forget
from voting.errors import EntryRefused

pytestmark = pytest.mark.django_db(transaction=True)


def cast(hall: Hall, application: Application, ballot: object, name: str = "0", **changes: object) -> dict:
    signature = decode_bytes(sign(name, Type.BALLOT_CAST, ballot), 64)
    return services.cast(application, ballot, signature, **changes)


def sign(name: str, kind: Type, body: object) -> str:
    return signature(device(name), kind, body)


def hand_in(hall: Hall, application: Application, made: tuple, name: str = "0", **changes: object) -> dict:
    """`cast` of what `Hall.make` gives."""
    return cast(hall, application, made[0], name, **changes)


def open_up(hall: Hall, application: Application, made: tuple, name: str = "0", **changes: object) -> dict:
    """Have what `Hall.make` gives opened as a test."""
    ballot, seed = made
    signed = decode_bytes(sign(name, Type.BALLOT_OPENED, {"ballot": ballot, "seed": encode_bytes(seed)}), 64)
    return services.open_ballot(application, ballot, seed, signed, **changes)


both_ways = pytest.mark.parametrize("send", [hand_in, open_up])
"""What is refused to a ballot that is handed in is refused to one that is opened: both stay on the board for ever."""


def ballot_entries(hall: Hall) -> int:
    """Ballots on the board, handed in or opened."""
    return BoardEntry.objects.filter(election=hall.row, type__in=list(services.OUTCOMES)).count()


def cast_entries(hall: Hall) -> int:
    return BoardEntry.objects.filter(election=hall.row, type=Type.BALLOT_CAST).count()


def test_a_ballot_is_handed_in_once_and_asking_again_gives_the_same_receipt(hall: Hall) -> None:
    """Requirement 24: double click, retry after a time-out."""
    voter = registered(hall)
    ballot, _seed = hall.make(voter, device("0"))
    first = cast(hall, voter, ballot)
    assert cast(hall, voter, ballot) == first
    assert cast_entries(hall) == 1
    receipt = parse_receipt(serialise(first))
    assert receipt.tracker == digest("tracker", serialise(ballot))
    assert hall.fresh(voter).state == State.CAST
    told = Notice.objects.filter(application=voter).values_list("body", flat=True)
    assert sum("Your ballot is in the ballot box" in body for body in told) == 1


def test_the_last_ballot_counts_and_the_voter_hears_of_each(hall: Hall) -> None:
    """Requirement 27."""
    voter = registered(hall)
    cast(hall, voter, hall.make(voter, device("0"))[0])
    cast(hall, voter, hall.make(voter, device("0"))[0])
    assert hall.state.slots[voter.binding.pseudonym].sequence == 2
    assert hall.state.superseded == 1
    told = Notice.objects.filter(application=voter).values_list("body", flat=True)
    assert sum("took the place of the one before" in body for body in told) == 1


def test_of_two_tabs_the_first_wins_and_the_other_is_told(hall: Hall) -> None:
    voter = registered(hall)
    first, second = (hall.make(voter, device("0"))[0] for _tab in range(2))
    cast(hall, voter, first)
    with pytest.raises(errors.Superseded):
        cast(hall, voter, second)
    assert cast_entries(hall) == 1


def test_one_ballot_where_the_election_allows_one(town: object, hall_settings: None) -> None:
    hall = Hall(town, revote=False)  # type: ignore[arg-type]
    voter = registered(hall)
    cast(hall, voter, hall.make(voter, device("0"))[0])
    with pytest.raises(errors.VotedAlready):
        cast(hall, voter, hall.make(voter, device("0"))[0])


def test_an_opened_ballot_is_never_handed_in_and_a_cast_one_never_opened(hall: Hall) -> None:
    """Requirement 26: nothing is countable twice, and nothing that counts is public."""
    voter = registered(hall)
    tested, seed = hall.make(voter, device("0"))
    body = {"ballot": tested, "seed": encode_bytes(seed)}
    signed = decode_bytes(sign("0", Type.BALLOT_OPENED, body), 64)
    receipt = services.open_ballot(voter, tested, seed, signed)
    assert services.open_ballot(voter, tested, seed, signed) == receipt
    with pytest.raises(errors.OpenedAlready):
        cast(hall, voter, tested)
    ballot, seed = hall.make(voter, device("0"))
    cast(hall, voter, ballot)
    body = {"ballot": ballot, "seed": encode_bytes(seed)}
    with pytest.raises(errors.CastAlready):
        services.open_ballot(voter, ballot, seed, decode_bytes(sign("0", Type.BALLOT_OPENED, body), 64))
    assert (hall.state.cast, hall.state.opened) == (1, 1)


def test_the_outcome_of_a_ballot_whose_answer_was_lost(hall: Hall) -> None:
    voter, other = registered(hall), registered(hall, 1)
    ballot, _seed = hall.make(voter, device("0"))
    tracker = services.tracker_of(ballot)
    assert services.outcome(voter, tracker) == {"outcome": "none"}
    receipt = cast(hall, voter, ballot)
    assert services.outcome(voter, tracker) == {"outcome": "cast", "receipt": receipt}
    assert services.outcome(other, tracker) == {"outcome": "none"}


@both_ways
def test_nobody_hands_in_or_opens_for_somebody_else(hall: Hall, send: Callable[..., dict]) -> None:
    """A login of one voter with the ballot of another is refused, also when the other's device has signed it."""
    voter, other = registered(hall), registered(hall, 1)
    made = hall.make(other, device("1"))
    with pytest.raises(errors.NotRegistered):
        send(hall, voter, made, "1")
    assert ballot_entries(hall) == 0
    send(hall, other, made, "1")
    with pytest.raises(errors.NotRegistered):  # no receipt of it either
        send(hall, voter, made, "1")


def test_the_signature_of_another_device_is_refused_by_the_check_of_observers(hall: Hall) -> None:
    voter = registered(hall)
    ballot, _seed = hall.make(voter, device("0"))
    with pytest.raises(errors.BallotInvalid) as refused:
        cast(hall, voter, ballot, "stolen")
    assert refused.value.check.startswith("V2.")
    assert cast_entries(hall) == 0


@pytest.mark.parametrize("ballot", [None, [], "text", {}, {"slot": 5}, {"slot": "v-none"}, {"slot": "\ud800"}])
def test_what_is_no_ballot_changes_nothing(hall: Hall, ballot: object) -> None:
    voter = registered(hall)
    with pytest.raises((errors.BallotInvalid, errors.NotRegistered)):
        services.cast(voter, ballot, bytes(64))
    assert cast_entries(hall) == 0


def test_a_proof_that_is_wrong_is_refused_by_its_check(hall: Hall) -> None:
    voter = registered(hall)
    ballot, _seed = hall.make(voter, device("0"))
    first, second = ballot["answers"][0]["proofs"][0]["z"][:2]
    ballot["answers"][0]["proofs"][0]["z"][:2] = [second, first]
    with pytest.raises(errors.BallotInvalid) as refused:
        cast(hall, voter, ballot)
    assert refused.value.check.startswith("V5.")
    assert hall.fresh(voter).state == State.ISSUED


@both_ways
def test_only_in_the_hours_of_the_category_and_of_the_board(hall: Hall, send: Callable[..., dict]) -> None:
    """Requirements 21 and 30, to the second: what was received at the close is in time, a second later it is not."""
    voter = registered(hall)
    made = hall.make(voter, device("0"))
    opens, closes = services.hours(voter.offer)
    with pytest.raises(errors.OutsideHours):
        send(hall, voter, made, received=opens - timedelta(seconds=1))
    with pytest.raises(errors.OutsideHours):
        send(hall, voter, made, received=closes + timedelta(seconds=1))
    with pytest.raises((errors.OutsideHours, errors.PollsClosed)):
        send(hall, voter, made, received=hall.closes)
    receipt = send(hall, voter, made)
    late = send(hall, voter, made, received=hall.closes + timedelta(hours=1))
    assert late["entry"] == receipt["entry"]  # its receipt was issued before: it is kept


@both_ways
def test_without_a_ballot_nothing_is_handed_in_or_opened(hall: Hall, send: Callable[..., dict]) -> None:
    voter = registered(hall)
    made = hall.make(voter, device("0"))
    Application.objects.filter(pk=voter.pk).update(state=State.GIVEN_BACK)
    with pytest.raises(NoBallot):
        send(hall, voter, made)
    unregistered = hall.approved(2)
    with pytest.raises(errors.NotRegistered):
        send(hall, unregistered, made)
    assert ballot_entries(hall) == 0


@both_ways
def test_nobody_fills_the_board(hall: Hall, monkeypatch: pytest.MonkeyPatch, send: Callable[..., dict]) -> None:
    monkeypatch.setattr(services, "MOST_AN_HOUR", 2)
    voter, other = registered(hall), registered(hall, 1)
    for _round in range(2):
        send(hall, voter, hall.make(voter, device("0")))
    with pytest.raises(errors.TooMany):
        send(hall, voter, hall.make(voter, device("0")))
    send(hall, other, hall.make(other, device("1")), "1")


def test_a_minute_that_has_passed_on_the_board_refuses_nobody(hall: Hall) -> None:
    """The request was received before another entry's minute began: it is taken with the later minute."""
    voter, other = registered(hall), registered(hall, 1)
    mine, _seed = hall.make(voter, device("0"))
    cast(hall, other, hall.make(other, device("1"))[0], "1")
    receipt = cast(hall, voter, mine, received=timezone.now() - timedelta(minutes=2))
    assert receipt["entry"] > 0


def test_a_try_beside_an_earlier_one_that_is_still_on_its_way_has_the_same_outcome(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first request arrives between this one's look at the board and its turn there."""
    voter = registered(hall)
    ballot, _seed = hall.make(voter, device("0"))
    first = cast(hall, voter, ballot)
    look, looks = services._entry_of, []

    def too_early(*about: object) -> object:
        looks.append(about)
        return None if len(looks) == 1 else look(*about)  # type: ignore[arg-type]

    monkeypatch.setattr(services, "_entry_of", too_early)
    monkeypatch.setattr(services, "append", refuse_as_stale)
    assert cast(hall, voter, ballot) == first
    assert cast_entries(hall) == 1


def refuse_as_stale(*_about: object, **_how: object) -> None:
    """What the board says of the same ballot under another signature: its sequence is there already."""
    raise EntryRefused(CheckFailed(services.STALE, "sequence 1 does not come after 1", "entry 9"))


def test_who_is_cancelled_at_that_instant_is_told_to_go_to_the_polling_station(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ballot is on the board, and will be withdrawn: "you have voted" would be untrue."""
    voter = registered(hall)
    ballot, _seed = hall.make(voter, device("0"))

    def cancelled(application: Application) -> None:
        with boards.tampering():
            Application.objects.filter(pk=application.pk).update(state=State.GIVEN_BACK)

    monkeypatch.setattr(services, "note_cast", cancelled)
    with pytest.raises(NoBallot, match="cancelled at this moment"):
        cast(hall, voter, ballot)


def test_after_the_freeze_no_message_names_a_slot(hall: Hall) -> None:
    """The number that a voter was told leads to the board; it goes with the binding."""
    voter = registered(hall)
    slot = voter.binding.pseudonym
    assert Notice.objects.filter(application=voter, body__contains=slot).count() == 1
    BoardEntry.objects.create(
        election=hall.row, index=999, type=Type.TALLY_FROZEN, raw=b"{}", leaf_hash=bytes(32), submission=bytes(32),
        created=timezone.now(),
    )  # fmt: skip
    assert forget(hall.row) == 1
    assert not Notice.objects.filter(body__contains=slot).exists()


PAGES = ("booth/home.html", "booth/ballot.html", "check/start.html", "check/ballot.html")
ALSO_TRUE = (
    "if you did not vote again",  # of a ballot that a later one replaced
    '<p class="revote" hidden>you can vote again',  # shown only where it is so
    "afterwards you vote again with a new ballot",  # instead of a test
)


@pytest.mark.parametrize("template", PAGES)
def test_who_votes_once_is_not_told_to_vote_again(hall: Hall, rf: RequestFactory, template: str) -> None:
    """Where an election allows one ballot, no page says that another one, or one on paper, would take its place."""
    for revote in (True, False):
        hall.row.revote = revote
        page = render_to_string(template, {"election": hall.row}, rf.get("/")).lower()
        for words in ALSO_TRUE:
            page = page.replace(words, "")
        assert ("vote again" in page) is revote
