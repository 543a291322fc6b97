"""The balance (requirement 38): numbers worked out by hand, and each identity broken on purpose."""

from __future__ import annotations

import pytest
from django.db import connection

from tests.voting import boards
from tests.voting.records.filled import Filled
from voting.applications import steps
from voting.applications.states import Event, State
from voting.polls.acceptance import PUBLISHED, strip, withdrawals_body
from voting.records.balance import STANDING, WITHIN, Counts, OnBoard, balance, on_board

pytestmark = pytest.mark.django_db

BY_HAND = {
    "OTHER_BOARD": Counts(received=4, rejected=1, expired=1, issued=2, cast=2, accepted=1, refused=1),
    "FACILITY": Counts(received=1, issued=1, cast=1, accepted=1),
    "COVID_HOME": Counts(received=7, withdrawn=1, expired=1, issued=5, returned=2, lapsed=1, cast=2, accepted=2),
    "CLOSE_CONTACT": Counts(received=1, issued=1, cast=1, accepted=1),
}
TOTAL = Counts(
    received=13, rejected=1, withdrawn=1, expired=2, issued=9, returned=2, lapsed=1, cast=6, accepted=5, refused=1
)


def sql(statement: str, *values: object) -> None:
    """Somebody with the database's password."""
    with boards.tampering(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_the_numbers_are_those_worked_out_by_hand(filled: Filled) -> None:
    """Requirement 38: applications that ended in every way, counted by category and in total; everything agrees."""
    found = balance(filled.election)
    assert {category.code: counts for category, counts in found.categories.items()} == BY_HAND
    assert found.total == TOTAL
    assert (found.voted_on_roll, found.cancelled, found.refused_for) == (6, 1, {"paper": 1})
    assert found.problems() == []


def test_the_board_is_what_the_services_said_it_should_be(polls: Filled) -> None:
    """The withdrawals of the fixture are those that this server writes, and their numbers come back from the board."""
    polls.close()
    polls.accept_all()
    body = withdrawals_body(polls.election)
    polls.withdraw()
    reasons = {PUBLISHED["paper"]: 1, PUBLISHED["given-back"]: 1}
    assert {part["reason"]: part["slots"] for part in body["reasons"]} == reasons
    assert on_board(polls.election) == OnBoard(closed=True, counted=5, withdrawn=2, reasons=reasons)


def test_while_the_polls_are_open_what_is_under_way_is_counted(polls: Filled) -> None:
    """Before the close applications wait and ballots are out; nobody has decided about the cast ones yet."""
    found = balance(polls.election)
    assert (found.total.undecided, found.total.outstanding, found.total.cast) == (2, 1, 6)
    assert {problem.split(": ")[1] for problem in found.problems()} == {
        "cast = accepted + refused",
        "ballots counted = accepted",
        "slots withdrawn = refused + cancelled",
        f"withdrawn ({PUBLISHED['given-back']}) = refused",
    }


def test_stripping_and_counting_change_no_sum(filled: Filled) -> None:
    """Accepted ballots stay accepted when names are separated and ballots counted; the identities still hold, although
    the links from which cancelled slots were counted are gone."""
    filled.freeze()
    strip(filled.election)
    steps.take(filled.now("contact"), Event.TALLY)
    found = balance(filled.election)
    assert (found.total.accepted, found.total.stripped, found.total.tallied) == (5, 5, 1)
    assert found.cancelled == 1
    assert found.problems() == []


def test_every_state_counts_as_something() -> None:
    """A state that the table of counts forgets would make ballots vanish."""
    assert set(State) - set(STANDING) == {State.CAST, State.LAPSED}


def test_the_words_of_an_identity_are_its_fields() -> None:
    """The sentence that is translated says what is added up."""
    for name, whole, parts in WITHIN:
        assert str(name) == f"{whole} = {' + '.join(parts)}"


@pytest.mark.parametrize(
    ("short", "statement", "expected"),
    [
        (
            "rejected",
            "UPDATE applications_application SET state = 'lapsed' WHERE id = %s",
            ["received = rejected + withdrawn + undecided + expired + issued: 4 ≠ 3"],
        ),
        (
            "returned",
            "UPDATE applications_application SET state = 'lapsed' WHERE id = %s",
            ["issued = cast + returned + lapsed + outstanding: 5 ≠ 4"],
        ),
        (
            "unused",
            "DELETE FROM applications_statechange WHERE event = 'lapse' AND application_id = %s",
            ["issued = cast + returned + lapsed + outstanding: 5 ≠ 4"],
        ),
        (
            "patient",
            "UPDATE applications_application SET state = 'cast' WHERE id = %s",
            ["cast = accepted + refused: 1 ≠ 0", "ballots counted = accepted: 5 ≠ 4"],
        ),
        (
            "refused",
            "UPDATE applications_application SET state = 'accepted' WHERE id = %s",
            ["ballots counted = accepted: 5 ≠ 6", "slots withdrawn = refused + cancelled: 2 ≠ 1"],
        ),
        (
            "refused",
            "UPDATE applications_statechange SET ground = 'dead' WHERE event = 'refuse' AND application_id = %s",
            [
                f"withdrawn ({PUBLISHED['paper']}) = refused: 1 ≠ 0",
                f"withdrawn ({PUBLISHED['dead']}) = refused: 0 ≠ 1",
            ],
        ),
        (
            "cancelled",
            "DELETE FROM credentials_binding WHERE application_id = %s",
            [
                "slots withdrawn = refused + cancelled: 2 ≠ 1",
                f"withdrawn ({PUBLISHED['given-back']}) = refused: 1 ≠ 0",
            ],
        ),
        (
            "contact",
            "UPDATE roll_elector SET vote = 'none' WHERE id = (SELECT elector_id FROM applications_application"
            " WHERE id = %s)",
            ["marked as cast = cast: 5 ≠ 6"],
        ),
        (
            "contact",
            "INSERT INTO applications_statechange (application_id, event, before, after, at, office, ground, reason)"
            " SELECT application_id, event, before, after, at, office, ground, reason FROM applications_statechange"
            " WHERE event = 'issue' AND application_id = %s",
            [
                "received = rejected + withdrawn + undecided + expired + issued: 1 ≠ 2",
                "issued = cast + returned + lapsed + outstanding: 2 ≠ 1",
            ],
        ),
    ],
)
def test_each_broken_identity_is_named_with_its_numbers(
    filled: Filled, short: str, statement: str, expected: list[str]
) -> None:
    """Requirement 38: past all triggers one row is changed, and exactly what no longer agrees is named."""
    sql(statement, filled.applications[short].pk)
    assert [problem.partition(": ")[2] for problem in balance(filled.election).problems()] == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"counted": 4}, ["ballots counted = accepted: 4 ≠ 5"]),
        ({"withdrawn": 3}, ["slots withdrawn = refused + cancelled: 3 ≠ 2"]),
        (
            {"reasons": {PUBLISHED["given-back"]: 9, PUBLISHED["paper"]: 1}, "frozen": True},
            [
                "slots withdrawn = refused + cancelled: 2 ≠ 3",
                f"withdrawn ({PUBLISHED['given-back']}) = refused: 9 ≠ 2",
            ],
        ),
    ],
)
def test_a_board_that_says_something_else_is_noticed(
    filled: Filled, changes: dict[str, object], expected: list[str]
) -> None:
    """Fewer ballots, a slot withdrawn too many, or, after the freeze, more cancelled slots than were given back."""
    board = OnBoard(**{**vars(on_board(filled.election)), **changes})
    found = balance(filled.election, board).problems()
    assert [problem.partition(": ")[2] for problem in found] == expected
