"""What is read of a board is proved, is the same as observers find, and costs the same however long the board is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.election import Election, signing_key
from tests.forge import at
from tests.voting import boards
from tests.voting.boards import define, fill, place
from verifier.crypto.checkpoint import Note, board_signature_holds, parse_note
from verifier.crypto.merkle import consistency_holds, inclusion_holds, leaf_hash
from verifier.receipt import fate, parse_receipt
from verifier.record.canonical import decode_bytes, serialise
from verifier.record.entries import Type, statement_digest
from voting.board.models import Checkpoint
from voting.board.replica import forget_all
from voting.board.services import publish_checkpoint, receipt
from voting.check import services
from voting.check.services import ballot_entry, consistency, current_checkpoint, proven_entry, setup
from voting.elections.models import Election as ElectionRow
from voting.errors import BoardInconsistent, BoardKeyUnusable, NotOnBoard

pytestmark = pytest.mark.django_db(transaction=True)


def head_of(text: str) -> Note:
    """The note, when the board's key signed it."""
    note = parse_note(text.encode())
    assert board_signature_holds(note, note.checkpoint.origin, bytes(signing_key("board").verify_key))
    return note


def proved(entry: dict[str, Any], checkpoint: str) -> bool:
    head = head_of(checkpoint).checkpoint
    path = [decode_bytes(node, 32) for node in entry["path"]]
    return inclusion_holds(leaf_hash(entry["raw"].encode()), entry["index"], head.size, path, head.root)


def tracker_at(election: Election, index: int) -> bytes:
    entry = json.loads(election.entries[index])
    return statement_digest(Type(entry["type"]), entry["body"])


def ballots(election: Election) -> list[int]:
    kinds = (Type.BALLOT_CAST, Type.BALLOT_OPENED)
    return [index for index, raw in enumerate(election.entries) if json.loads(raw)["type"] in kinds]


# Entries


def test_every_entry_is_proved(full_board: ElectionRow, finished: Election) -> None:
    """In the one checkpoint that covers all of them."""
    publish_checkpoint(full_board)
    for index, raw in enumerate(finished.entries):
        answer = proven_entry(full_board, index)
        assert answer.keys() == {"raw", "index", "path", "checkpoint"}
        assert answer["raw"].encode() == raw and answer["index"] == index
        assert proved(answer, answer["checkpoint"])
    assert Checkpoint.objects.count() == 1


def test_a_checkpoint_is_published_only_when_none_covers_the_entry(open_board: ElectionRow, polling: Election) -> None:
    assert Checkpoint.objects.count() == 0
    first = proven_entry(open_board, 3)["checkpoint"]
    assert head_of(first).checkpoint.size == len(polling.entries)
    boards.submit(open_board, boards.ballot(polling, "v2", sequence=2), time=polling.clock)
    assert proven_entry(open_board, 3)["checkpoint"] == first
    assert Checkpoint.objects.count() == 1
    newest = proven_entry(open_board, len(polling.entries))
    assert proved(newest, newest["checkpoint"])
    assert Checkpoint.objects.count() == 2


@pytest.mark.parametrize("index", [-1, 10_000, 2**63, 10**40])
def test_no_such_entry(open_board: ElectionRow, index: int) -> None:
    with pytest.raises(NotOnBoard):
        proven_entry(open_board, index)
    assert Checkpoint.objects.count() == 0


def test_nothing_before_the_manifest(polling: Election) -> None:
    row = define(polling)
    for ask in (lambda: proven_entry(row, 0), lambda: current_checkpoint(row), lambda: setup(row)):
        with pytest.raises(NotOnBoard):
            ask()
    with pytest.raises(NotOnBoard):
        ballot_entry(row, bytes(32))


# Ballots


@pytest.mark.parametrize("stage", ["voted", "closed", "withdrawn", "frozen", "mixed", "published"])
def test_the_status_is_what_observers_find(stage: str, tmp_path: Path) -> None:
    """Every ballot, cast or opened: `verifier receipt` on the archive says the same word."""
    election = at(stage)
    row = define(election)
    fill(row, election)
    archive = election.write(tmp_path / "election.zip")
    found = set()
    for index in ballots(election):
        answer = ballot_entry(row, tracker_at(election, index))
        assert answer.pop("status") == fate(archive, parse_receipt(serialise(receipt(row, index))))
        assert answer == proven_entry(row, index) and proved(answer, answer["checkpoint"])
        found.add(ballot_entry(row, tracker_at(election, index))["status"])
    assert found <= set(services.STATUSES) and {"superseded", "opened"} < found


def test_a_later_ballot_supersedes_at_once(open_board: ElectionRow, polling: Election) -> None:
    *_, last = ballots(polling)
    tracker = tracker_at(polling, last)
    assert ballot_entry(open_board, tracker)["status"] == "not counted yet"
    boards.submit(open_board, boards.ballot(polling, "v6", sequence=2), time=polling.clock)
    assert ballot_entry(open_board, tracker)["status"] == "superseded"


def test_no_such_ballot(open_board: ElectionRow, polling: Election) -> None:
    """Neither a tracker that nobody has, nor the hash of an entry that is no ballot."""
    for tracker in (bytes(32), tracker_at(polling, 0), b""):
        with pytest.raises(NotOnBoard):
            ballot_entry(open_board, tracker)


# The setup


def test_the_setup_under_one_checkpoint(full_board: ElectionRow, finished: Election) -> None:
    answer = setup(full_board)
    checkpoint = answer.pop("checkpoint")
    assert list(answer) == ["manifest", "key", "roll-commitment"]
    for kind, entry in answer.items():
        assert json.loads(entry["raw"])["type"] == kind
        assert entry["index"] == place(finished, Type(kind)) and proved(entry, checkpoint)


def test_the_setup_is_whole_or_not_there(polling: Election) -> None:
    row = define(polling)
    end = place(polling, Type.ROLL_COMMITMENT)
    fill(row, polling, 0, end)
    with pytest.raises(NotOnBoard, match="roll-commitment"):
        setup(row)
    fill(row, polling, end, end + 1)
    assert setup(row)["roll-commitment"]["index"] == end


# The board only grows


def test_checkpoints_continue_each_other(full_board: ElectionRow, finished: Election) -> None:
    """Any two sizes, as RFC 6962 has it."""
    roots = {size: finished.replay.tree.root(size) for size in range(1, len(finished.entries) + 1)}
    for old in roots:
        for new in range(old, len(roots) + 1):
            answer = consistency(full_board, old, new)
            path = [decode_bytes(node, 32) for node in answer.pop("path")]
            assert answer == {"old": old, "new": new}
            assert consistency_holds(old, new, roots[old], roots[new], path)


@pytest.mark.parametrize(("old", "new"), [(0, 5), (5, 4), (1, 10_000), (2**70, 2**71), (-1, 2)])
def test_it_never_had_so_many(open_board: ElectionRow, old: int, new: int) -> None:
    with pytest.raises(NotOnBoard):
        consistency(open_board, old, new)


# Cost, and a board that is not right


def test_the_cost_does_not_grow_with_the_board(open_board: ElectionRow, polling: Election) -> None:
    """The same number of queries before and after many more entries, each answered by a few rows."""

    def queries() -> list[int]:
        counted = []
        tracker = tracker_at(polling, ballots(polling)[0])
        for ask in (
            lambda: proven_entry(open_board, 3),
            lambda: ballot_entry(open_board, tracker),
            lambda: setup(open_board),
            lambda: consistency(open_board, 2, 7),
            lambda: current_checkpoint(open_board),
        ):
            with CaptureQueriesContext(connection) as captured:
                ask()
            counted.append(len(captured))
        return counted

    publish_checkpoint(open_board)
    queries()
    before = queries()
    for sequence in range(2, 12):
        boards.submit(open_board, boards.ballot(polling, "v2", sequence=sequence), time=polling.clock)
    assert queries() == before
    assert max(before) <= 7


def test_a_board_that_contradicts_itself_is_not_served(open_board: ElectionRow, polling: Election) -> None:
    """D-03: somebody with the database's password removed a ballot that was signed for."""
    publish_checkpoint(open_board)
    with boards.tampering():
        open_board.entries.order_by("index").last().delete()  # type: ignore[union-attr]
    for ask in (lambda: proven_entry(open_board, 0), lambda: current_checkpoint(open_board), lambda: setup(open_board)):
        forget_all()
        with pytest.raises(BoardInconsistent):
            ask()


def test_without_its_key_the_board_serves_what_it_has_signed(open_board: ElectionRow, settings: Any) -> None:
    last = open_board.entries.count() - 1
    publish_checkpoint(open_board)
    settings.BOARD_KEY_FILE.unlink()
    entry = proven_entry(open_board, last)
    assert proved(entry, entry["checkpoint"])


def test_without_its_key_the_board_signs_nothing(open_board: ElectionRow, settings: Any) -> None:
    settings.BOARD_KEY_FILE.unlink()
    with pytest.raises(BoardKeyUnusable):
        proven_entry(open_board, 0)
    assert not Checkpoint.objects.exists()


def test_the_latest_checkpoint(open_board: ElectionRow) -> None:
    """The first one is made when somebody asks; afterwards it is what was published last."""
    first = current_checkpoint(open_board)
    assert head_of(first).checkpoint.size == open_board.entries.count()
    assert current_checkpoint(open_board) == first and Checkpoint.objects.count() == 1


def test_ballots_of_another_election_are_not_here(open_board: ElectionRow, polling: Election) -> None:
    other = define(at("set up"), slug="other")
    fill(other, at("set up"))
    with pytest.raises(NotOnBoard):
        ballot_entry(other, tracker_at(polling, ballots(polling)[0]))
