"""The count in the background: begun where there is work, begun again when it was lost, never in the way of a page."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tally.errors import StoreUnreachable
from tests.voting import boards
from tests.voting.counting.frozen import published
from verifier.record.entries import Type
from voting.counting import tasks
from voting.elections.models import Election as ElectionRow
from voting.results.models import Verification

pytestmark = pytest.mark.django_db


class Queue:
    """A broker that writes down what it is sent, and may be away."""

    def __init__(self) -> None:
        self.away = False
        self.sent: list[tuple[str, str, str]] = []

    def sender(self, task: Any, queue: str) -> Any:
        def send(name: str) -> None:
            if self.away:
                raise StoreUnreachable("the broker: OperationalError")
            self.sent.append((task.name, queue, name))

        return send


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Queue:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    made = Queue()
    monkeypatch.setattr(tasks, "sender", made.sender)
    return made


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The elections whose conductor began."""
    found: list[str] = []
    monkeypatch.setattr(tasks, "go_on", lambda election, hands: found.append(f"{election.slug} by {hands}"))
    monkeypatch.setattr(tasks, "hands", lambda: "hands")
    return found


def board(slug: str, until: Type | None) -> ElectionRow:
    """A board that ends with the first entry of this type; None for an empty one."""
    memory = published()
    row = boards.define(memory, slug)
    stop = 0 if until is None else boards.place(memory, until) + 1
    boards.store(row, memory, 0, stop)
    return row


def reported(row: ElectionRow, size: int) -> None:
    """Our verifier's report about so many entries."""
    Verification.objects.create(
        election=row, tag=str(size), size=size, root="00", program="00", report={"verdict": "valid"}, text=""
    )


def test_without_workers_a_thread_counts(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Whoever asked goes on at once."""
    settings.REDIS_URL = ""
    begun: list[int] = []
    monkeypatch.setattr(tasks, "in_background", begun.append)
    row = board("kakuu", None)
    tasks.start(row)
    assert begun == [row.pk]


def test_the_thread_is_another_and_ends_with_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # of tests/voting/conftest.py
    seen: list[tuple[int, bool, bool]] = []
    done = threading.Event()

    def counting(election: int) -> None:
        here = threading.current_thread()
        seen.append((election, here is threading.main_thread(), here.daemon))
        done.set()

    monkeypatch.setattr(tasks, "_count", counting)
    tasks.in_background(7)
    assert done.wait(60) and seen == [(7, False, True)]


def test_the_thread_counts_with_the_hands_that_are_there(counted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """And gives its connection back, whatever happens."""
    closed: list[bool] = []
    monkeypatch.setattr(tasks, "close_old_connections", lambda: closed.append(True))
    tasks._count(board("kakuu", None).pk)
    assert counted == ["kakuu by hands"] and closed == [True]
    with pytest.raises(ElectionRow.DoesNotExist):
        tasks._count(0)
    assert closed == [True, True]


def test_with_redis_the_queue_gets_the_number_and_nothing_else(queue: Queue, counted: list[str]) -> None:
    row = board("kakuu", None)
    tasks.start(row)
    assert queue.sent == [("voting.count", "count", str(row.pk))] and counted == []
    tasks.count(str(row.pk))
    assert counted == ["kakuu by hands"]


def test_a_broker_that_is_away_is_in_nobodys_way(queue: Queue, caplog: pytest.LogCaptureFixture) -> None:
    """It is told in the log, and the watch begins the count when the broker is back."""
    row = board("kakuu", Type.TALLY_FROZEN)
    queue.away = True
    tasks.start(row)
    assert queue.sent == [] and "the broker is away; the count of kakuu" in caplog.text
    queue.away = False
    tasks.watch()
    assert queue.sent == [("voting.count", "count", str(row.pk))]


def test_the_watch_begins_what_is_frozen_and_has_no_report_of_its_result(queue: Queue) -> None:
    """Nothing before the freeze, and nothing that is over; a report of the board before the result does not count."""
    stages = {
        "empty": None,
        "open": Type.POLLS_OPENED,
        "closed": Type.POLLS_CLOSED,
        "frozen": Type.TALLY_FROZEN,
        "rooted": Type.PARTIAL_ROOTS,
        "unsigned": Type.OPENING,
        "unreported": Type.RESULT,
        "early": Type.RESULT,
        "over": Type.RESULT,
        "corrected": Type.RESULT,
    }
    rows = {slug: board(slug, until) for slug, until in stages.items()}
    size = len(published().entries)
    reported(rows["closed"], size - 20)
    reported(rows["unsigned"], size - 1)
    reported(rows["early"], size - 1)
    reported(rows["over"], size - 1)
    reported(rows["over"], size)
    reported(rows["corrected"], size + 1)
    tasks.watch()
    begun = {pk for _, _, pk in queue.sent}
    assert len(begun) == len(queue.sent)
    assert {slug for slug, row in rows.items() if str(row.pk) in begun} == {
        "frozen",
        "rooted",
        "unsigned",
        "unreported",
        "early",
    }


def test_the_watch_goes_by_itself() -> None:
    """Celery's beat sends it to the queue of counts; one that waited for too long is left out."""
    [entry] = tasks.app.conf.beat_schedule.values()
    assert entry["task"] == tasks.watch.name and tasks.watch.name in tasks.app.tasks
    assert entry["schedule"] == entry["options"]["expires"] == tasks.WATCHED
    assert entry["options"]["queue"] == tasks.QUEUE
