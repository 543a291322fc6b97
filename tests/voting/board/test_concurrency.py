"""Many submit at once: PostgreSQL orders them, and every process agrees on the order."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.election import BITS, CLOSES, OPENS, Election, small_manifest
from tests.voting import boards
from tests.voting.postgres import Runner, Work, both, race, says, transactional
from verifier.record.entries import Type
from verifier.replay import Replay
from verifier.report import Report
from voting.board.log import DatabaseLog
from voting.board.models import BoardEntry, Checkpoint
from voting.board.replica import replica_of
from voting.board.services import publish_checkpoint
from voting.elections.models import Election as ElectionRow

NOON = OPENS + timedelta(hours=12)


def submission(row: ElectionRow, raw: bytes) -> Work:
    """Says the index of the entry."""
    return says(lambda: boards.submit(row, raw, time=NOON).index)


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
