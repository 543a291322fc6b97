"""The table of transitions: the life of an absentee ballot on paper, and no way around a part of it."""

from __future__ import annotations

import pytest

from voting.applications.states import FIRST, HELD, LIVE, OPEN, TRANSITIONS, Event, State

OVER = (State.REJECTED, State.WITHDRAWN, State.GIVEN_BACK, State.LAPSED)


def reached(starts: set[State], without: State | None = None) -> set[State]:
    """Every state that can follow, never passing through `without`."""
    found, waiting = set(starts), list(starts)
    while waiting:
        state = waiting.pop()
        for (before, _event), after in TRANSITIONS.items():
            if before == state and after not in found and after != without:
                found.add(after)
                waiting.append(after)
    return found


def test_every_state_is_reached_and_every_event_leads_somewhere() -> None:
    assert reached(set(FIRST)) == set(State)
    assert {event for _state, event in TRANSITIONS} == set(Event)


@pytest.mark.parametrize(
    ("station", "later"),
    [
        (State.UNDER_REVIEW, State.ISSUED),
        (State.ISSUED, State.CAST),
        (State.CAST, State.ACCEPTED),
        (State.ACCEPTED, State.STRIPPED),
        (State.STRIPPED, State.TALLIED),
    ],
)
def test_no_station_is_skipped(station: State, later: State) -> None:
    """Nothing is issued unreviewed, accepted uncast, counted before it is separated from its name."""
    assert later in reached(set(FIRST))
    assert later not in reached(set(FIRST), without=station)


def test_what_is_cast_is_neither_given_back_nor_lapses() -> None:
    """令64: papers are returned only while they are unused."""
    assert not reached({State.CAST}) & {State.GIVEN_BACK, State.LAPSED, State.WITHDRAWN, *OPEN}
    assert reached({State.REFUSED}) == {State.REFUSED}


def test_what_is_over_stays_over() -> None:
    for state in OVER:
        assert reached({state}) == {state}


def test_the_voter_can_withdraw_until_it_is_decided() -> None:
    withdrawable = {state for state, event in TRANSITIONS if event == Event.WITHDRAW}
    assert withdrawable == set(OPEN)


def test_nobody_decides_without_a_review() -> None:
    """A denial by the authority is not a rejection: an official decides (requirement 13)."""
    assert {state for state, event in TRANSITIONS if event in (Event.ISSUE, Event.REJECT, Event.SEND_BACK)} == {
        State.UNDER_REVIEW
    }
    assert TRANSITIONS[State.TO_CONFIRM, Event.DENY] == State.REQUESTED


def test_the_groups_are_what_they_say() -> None:
    assert set(FIRST) <= set(OPEN) <= set(LIVE)
    assert set(LIVE) == set(State) - set(OVER)
    assert set(HELD) == reached({State.ISSUED}) - set(OVER)


def test_the_table_cannot_be_written_to() -> None:
    with pytest.raises(TypeError):
        TRANSITIONS[State.REJECTED, Event.ISSUE] = State.ISSUED  # type: ignore[index]
