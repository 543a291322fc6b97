"""How far long work is: a hint that is right while it is fresh, and that nobody needs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from redis import RedisError

from voting.counting import progress

ELECTION = 7


class Clock:
    """A time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", SimpleNamespace(time=made.time))
    return made


def told() -> progress.Work:
    [work] = progress.going_on(ELECTION)
    return work


def test_nothing_is_known_of_an_election_that_is_not_counted() -> None:
    assert progress.going_on(ELECTION) == [] and progress.problems(ELECTION) == {}


def test_rate_and_remaining_time(clock: Clock) -> None:
    """From the first news on; with the first alone nothing can be said."""
    progress.note(ELECTION, "combine", 0, 1000)
    assert (told().rate, told().remaining) == (None, None)
    clock.now += 10
    progress.note(ELECTION, "combine", 250, 1000)
    assert (told().rate, told().remaining) == (25.0, 30.0)
    clock.now += 30
    progress.note(ELECTION, "combine", 1000, 1000)
    assert (told().rate, told().remaining) == (25.0, 0.0)


def test_what_was_done_before_anybody_told_makes_it_no_faster(clock: Clock) -> None:
    """A mixer has been at it for hours when the cache is emptied: its rate is that of what comes from then on."""
    progress.note(ELECTION, "mix", 3000, 5000, "council", 0, 1)
    assert told().rate is None
    clock.now += 10
    progress.note(ELECTION, "mix", 3010, 5000, "council", 0, 1)
    assert (told().rate, told().remaining) == (1.0, 1990.0)


def test_work_that_begins_again_is_measured_anew(clock: Clock) -> None:
    progress.note(ELECTION, "check", 90, 100)
    clock.now += 9
    progress.note(ELECTION, "check", 0, 100)
    assert told().started == clock.now and told().rate is None
    clock.now += 5
    progress.note(ELECTION, "check", 10, 100)
    assert told().rate == 2.0


def test_what_is_quiet_does_not_go_on(clock: Clock) -> None:
    """Whoever did it may have been killed; news of it make it go on again."""
    progress.note(ELECTION, "mix", 1, 9, "council", 0, 1)
    clock.now += progress.QUIET - 1
    assert told().done == 1
    clock.now += 1
    assert progress.going_on(ELECTION) == []
    progress.note(ELECTION, "mix", 2, 9, "council", 0, 1)
    assert told().done == 2


def test_each_piece_is_told_apart_and_ends_by_itself(clock: Clock) -> None:
    """In the order in which they began, whatever was heard last; of other elections nothing."""
    places = [("council", 0, 1), ("council", 1, 1), ("name", 0, 2)]
    for contest, group, stage in places:
        progress.note(ELECTION, "mix", 1, 9, contest, group, stage)
        clock.now += 1
    progress.note(ELECTION, "mix", 5, 9, "council", 0, 1)
    progress.note(ELECTION + 1, "verify", 1, 9)
    going = progress.going_on(ELECTION)
    assert [(work.contest, work.group, work.stage, work.done) for work in going] == [
        ("council", 0, 1, 5),
        ("council", 1, 1, 1),
        ("name", 0, 2, 1),
    ]
    progress.finish(ELECTION, "mix", "council", 1, 1)
    progress.finish(ELECTION, "mix", "council", 1, 1)
    assert [(work.contest, work.group) for work in progress.going_on(ELECTION)] == [("council", 0), ("name", 0)]


def test_a_problem_stands_until_it_is_solved() -> None:
    """The last sentence about a thing counts; solving it again, or another, is no harm."""
    progress.problem(ELECTION, "mixer 1", "It does not answer.")
    progress.problem(ELECTION, "mixer 1", "It still does not answer.")
    progress.problem(ELECTION, "count", "The clock is behind.")
    progress.solved(ELECTION, "mixer 2")
    progress.solved(ELECTION + 1, "mixer 1")
    assert progress.problems(ELECTION) == {
        "mixer 1": "It still does not answer.",
        "count": "The clock is behind.",
    }
    for _ in range(2):
        progress.solved(ELECTION, "mixer 1")
        assert list(progress.problems(ELECTION)) == ["count"]


def test_a_cache_that_is_away_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told about the count never undoes it."""

    def away(*_: object) -> None:
        raise RedisError

    monkeypatch.setattr(progress.cache, "get", away)
    monkeypatch.setattr(progress.cache, "set", away)
    progress.note(1, "mix", 1, 2)
    progress.finish(1, "mix")
    progress.problem(1, "mixer 1", "silent")
    progress.solved(1, "mixer 1")
    assert progress.going_on(1) == [] and progress.problems(1) == {}
