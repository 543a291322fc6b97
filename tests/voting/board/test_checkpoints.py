"""What the board signs: heads of one history only, receipts that find their ballot, and nothing from a changed log."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import F
from nacl.signing import SigningKey

from tally.signing import public_key
from tests.election import CLOSES, OPENS, Election, signing_key
from tests.voting import boards
from tests.voting.boards import AFTERWARDS
from verifier.crypto import checkpoint
from verifier.crypto.merkle import inclusion_holds, leaf_hash
from verifier.crypto.signatures import verify
from verifier.errors import CheckFailed
from verifier.receipt import Receipt, fate, parse_receipt
from verifier.record import schema
from verifier.record.canonical import decode_bytes, encode_bytes, serialise
from verifier.record.entries import Type, tracker
from voting.board import replica, services
from voting.board.models import BoardEntry, Checkpoint, ColumnBlob
from voting.board.replica import forget_all, replica_of
from voting.board.services import acknowledge_tracker, add_cosignature, publish_checkpoint, receipt, tracker_message
from voting.elections.models import Election as ElectionRow
from voting.errors import BoardInconsistent, BoardKeyUnusable, ClockBehind, CosignatureRefused, NotOnBoard

pytestmark = pytest.mark.django_db(transaction=True)

BOARD_KEY = public_key(signing_key("board"))


def head(published: Checkpoint) -> checkpoint.Checkpoint:
    """What a checkpoint says, once its board signature was found valid."""
    note = checkpoint.parse_note(published.text.encode())
    assert checkpoint.board_signature_holds(note, note.checkpoint.origin, BOARD_KEY)
    return note.checkpoint


# Heads


def test_a_checkpoint_signs_the_head_in_whole_minutes(finished: Election, full_board: ElectionRow) -> None:
    published = publish_checkpoint(full_board, AFTERWARDS + timedelta(seconds=59))
    signed = head(published)
    assert signed.origin == finished.manifest["board"]["origin"]
    assert (signed.size, signed.root) == (len(finished.entries), finished.replay.tree.root())
    assert signed.time == int(AFTERWARDS.timestamp())
    assert (published.size, published.time) == (signed.size, AFTERWARDS)


def test_the_same_head_in_the_same_minute_is_signed_once(full_board: ElectionRow) -> None:
    first = publish_checkpoint(full_board, AFTERWARDS)
    assert publish_checkpoint(full_board, AFTERWARDS + timedelta(seconds=30)) == first
    later = publish_checkpoint(full_board, AFTERWARDS + timedelta(minutes=1))
    assert later != first and head(later).root == head(first).root
    assert Checkpoint.objects.count() == 2


def test_every_later_head_continues_the_one_before(polling: Election) -> None:
    """Signed after each entry, the heads are those of one growing tree."""
    row = boards.define(polling)
    for size in range(1, len(polling.entries) + 1):
        boards.fill(row, polling, size - 1, size)
        signed = head(publish_checkpoint(row, CLOSES))
        assert (signed.size, signed.root) == (size, polling.replay.tree.root(size))


def test_a_checkpoint_does_not_go_back_in_time(full_board: ElectionRow) -> None:
    """Neither behind the last entry nor behind the last checkpoint."""
    with pytest.raises(ClockBehind):
        publish_checkpoint(full_board, CLOSES - timedelta(minutes=1))
    publish_checkpoint(full_board, AFTERWARDS)
    with pytest.raises(ClockBehind, match="last checkpoint"):
        publish_checkpoint(full_board, AFTERWARDS - timedelta(minutes=1))
    assert Checkpoint.objects.count() == 1


def test_nothing_is_signed_before_the_manifest(polling: Election) -> None:
    row = boards.define(polling)
    for ask in (publish_checkpoint, lambda row: receipt(row, 0), lambda row: acknowledge_tracker(row, bytes(32))):
        with pytest.raises(NotOnBoard):
            ask(row)
    with pytest.raises(NotOnBoard):
        add_cosignature(row, "x")
    boards.fill(row, polling, 0, 1)
    with pytest.raises(NotOnBoard, match="no checkpoint"):
        add_cosignature(row, "x")
    assert not Checkpoint.objects.exists()


def test_only_the_board_key_of_the_manifest_signs(full_board: ElectionRow, settings: Any) -> None:
    """Another key, or none, signs neither checkpoints nor tracker receipts."""
    text = encode_bytes(bytes(SigningKey.generate())).replace("-", "+").replace("_", "/") + "=\n"
    settings.BOARD_KEY_FILE.write_text(text)
    for ask in (lambda: publish_checkpoint(full_board, AFTERWARDS), lambda: acknowledge_tracker(full_board, bytes(32))):
        with pytest.raises(BoardKeyUnusable, match="not the board key of the manifest"):
            ask()
    settings.BOARD_KEY_FILE.unlink()
    with pytest.raises(BoardKeyUnusable, match="No such file"):
        publish_checkpoint(full_board, AFTERWARDS)
    assert not Checkpoint.objects.exists() and not settings.BOARD_KEY_FILE.exists()


# Witnesses


def test_a_witness_cosigns_once(full_board: ElectionRow) -> None:
    """The line is added to what was there; with or without a newline, the same line again changes nothing."""
    published = publish_checkpoint(full_board, AFTERWARDS)
    line = boards.cosignature(published.text)
    cosigned = add_cosignature(full_board, line)
    assert cosigned.text == f"{published.text}{line}\n"
    note = checkpoint.parse_note(cosigned.text.encode())
    witness = public_key(signing_key("witness 1"))
    assert list(checkpoint.cosignature_times(note, {"witness-1": witness})) == ["witness-1"]
    assert add_cosignature(full_board, line + "\n").text == cosigned.text
    assert [stored.text for stored in Checkpoint.objects.all()] == [cosigned.text]
    forget_all()
    assert publish_checkpoint(full_board, AFTERWARDS).text == cosigned.text


@pytest.mark.parametrize(
    "line",
    [
        lambda text: boards.cosignature(text, witness="stranger"),
        lambda text: boards.cosignature(text, name="witness-2"),
        lambda text: boards.cosignature(text, size=1),
        lambda text: boards.cosignature(text, root=bytes(32)),
        lambda text: text.splitlines()[-1],
        lambda text: boards.cosignature(text)[:-8],
        lambda text: boards.cosignature(text).replace("\N{EM DASH}", "-"),
        lambda text: "",
        lambda text: "\n",
        lambda text: "\ud800",
        lambda text: text,
        lambda text: "x" * 70_000,
    ],
)
def test_what_is_no_witness_line_is_refused(full_board: ElectionRow, line: Callable[[str], str]) -> None:
    """A stranger's key or name, another head, half a line: the checkpoint keeps its text."""
    published = publish_checkpoint(full_board, AFTERWARDS)
    with pytest.raises(CosignatureRefused):
        add_cosignature(full_board, line(published.text))
    assert [stored.text for stored in Checkpoint.objects.all()] == [published.text]


def test_a_valid_line_carries_no_other_in(full_board: ElectionRow) -> None:
    """Cosignatures are public: a stranger must not put lines of their own before one, such as a bad board line.

    That one would spoil the checkpoint for everybody, and triggers keep it from being taken out again.
    """
    published = publish_checkpoint(full_board, AFTERWARDS)
    origin = head(published).origin
    bad = checkpoint.board_line(origin, BOARD_KEY, bytes(64))
    with pytest.raises(CosignatureRefused):
        add_cosignature(full_board, f"{bad}\n{boards.cosignature(published.text)}")
    head(Checkpoint.objects.get())


def test_one_witness_does_not_fill_the_checkpoint(full_board: ElectionRow) -> None:
    """A second line of the same witness, at another time, changes nothing, so that others find room."""
    published = publish_checkpoint(full_board, AFTERWARDS)
    cosigned = add_cosignature(full_board, boards.cosignature(published.text))
    key, at_head = signing_key("witness 1"), head(published)
    for time in range(5):
        later = checkpoint.cosignature_line(
            "witness-1", public_key(key), time, key.sign(checkpoint.cosignature_message(at_head, time)).signature
        )
        assert add_cosignature(full_board, later).text == cosigned.text


# Receipts


def export(row: ElectionRow, path: Path) -> Path:
    call_command("export_archive", row.slug, str(path), stdout=StringIO())
    return path


def parsed(row: ElectionRow, index: int) -> Receipt:
    """The receipt of an entry, as the voter's device reads it."""
    return parse_receipt(serialise(receipt(row, index)))


def test_a_receipt_tells_what_became_of_the_ballot(finished: Election, full_board: ElectionRow, tmp_path: Path) -> None:
    """One ballot of every fate, and each receipt names its entry and its tracker."""
    publish_checkpoint(full_board, AFTERWARDS)
    archive = export(full_board, tmp_path / "archive.zip")
    cast = [boards.place(finished, Type.BALLOT_CAST, which) for which in range(7)]
    opened = boards.place(finished, Type.BALLOT_OPENED)
    fates = {cast[0]: "superseded", opened: "opened", **dict.fromkeys(cast[1:6], "counts"), cast[6]: "withdrawn"}
    for index, expected in fates.items():
        held = parsed(full_board, index)
        assert held.entry == index
        assert fate(archive, held) == expected
    body = json.loads(finished.entries[cast[1]])["body"]
    assert parsed(full_board, cast[1]).tracker == tracker(body)
    assert parsed(full_board, cast[1]).election == finished.election_id


def test_a_receipt_outlives_the_checkpoint_that_it_carries(finished: Election, tmp_path: Path) -> None:
    """Received while the polls were open, it is still good for the archive of the finished election."""
    row = boards.define(finished)
    close = boards.place(finished, Type.POLLS_CLOSED)
    boards.fill(row, finished, 0, close)
    publish_checkpoint(row, CLOSES - timedelta(minutes=1))
    held = parsed(row, boards.place(finished, Type.BALLOT_CAST, 2))
    assert held.checkpoint.checkpoint.size == close
    assert fate(export(row, tmp_path / "open.zip"), held) == "not counted yet"
    boards.fill(row, finished, close)
    publish_checkpoint(row, AFTERWARDS)
    assert fate(export(row, tmp_path / "closed.zip"), held) == "counts"


def test_a_forged_receipt_does_not_fit(finished: Election, full_board: ElectionRow, tmp_path: Path) -> None:
    publish_checkpoint(full_board, AFTERWARDS)
    archive = export(full_board, tmp_path / "archive.zip")
    index = boards.place(finished, Type.BALLOT_CAST, 1)
    good, other = receipt(full_board, index), receipt(full_board, index + 1)
    for forged in (
        {**good, "entry": index + 1},
        {**good, "tracker": other["tracker"]},
        {**good, "path": other["path"]},
    ):
        with pytest.raises(CheckFailed, match="V2.11"):
            fate(archive, parse_receipt(serialise(forged)))


def test_a_receipt_publishes_a_checkpoint_only_when_none_covers_the_ballot(
    polling: Election, open_board: ElectionRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voting.board.services.timezone.now", lambda: CLOSES - timedelta(minutes=5))
    index = len(polling.entries) - 1
    assert parsed(open_board, index).checkpoint.checkpoint.size == len(polling.entries)
    assert parsed(open_board, index - 1).checkpoint.checkpoint.size == len(polling.entries)
    assert Checkpoint.objects.count() == 1
    boards.submit(open_board, boards.ballot(polling, "v3"))
    assert parsed(open_board, index + 1).checkpoint.checkpoint.size == len(polling.entries) + 1
    assert Checkpoint.objects.count() == 2


def test_only_ballots_have_receipts(finished: Election, full_board: ElectionRow) -> None:
    publish_checkpoint(full_board, AFTERWARDS)
    size = len(finished.entries)
    for index in (-1, 0, boards.place(finished, Type.POLLS_CLOSED), size - 1, size, 10**30):
        with pytest.raises(NotOnBoard):
            receipt(full_board, index)


def test_a_receipt_is_right_while_another_process_appends_and_publishes(
    polling: Election, open_board: ElectionRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ballot and a checkpoint of another process arrive while this one makes a receipt."""
    publish_checkpoint(open_board, CLOSES - timedelta(minutes=9))
    index = len(polling.entries) - 1
    mine, original = replica_of(open_board.pk), services.latest_checkpoint
    assert mine.catch_up().state.size == index + 1

    def meanwhile(row: ElectionRow) -> Checkpoint | None:
        monkeypatch.setattr(services, "latest_checkpoint", original)
        forget_all()
        boards.submit(open_board, boards.ballot(polling, "v3"), time=CLOSES - timedelta(minutes=8))
        publish_checkpoint(open_board, CLOSES - timedelta(minutes=7))
        replica._replicas[open_board.pk] = mine
        return original(row)

    monkeypatch.setattr(services, "latest_checkpoint", meanwhile)
    held = parsed(open_board, index)
    signed = held.checkpoint.checkpoint
    assert checkpoint.board_signature_holds(held.checkpoint, signed.origin, BOARD_KEY)
    assert inclusion_holds(leaf_hash(polling.entries[index]), index, signed.size, list(held.path), signed.root)


def test_a_tracker_is_acknowledged_under_the_board_key(polling: Election, open_board: ElectionRow) -> None:
    """The signature is for this tracker of this election alone, and nothing is stored."""
    told = bytes(range(32))
    answer = acknowledge_tracker(open_board, told)
    assert answer["election"] == encode_bytes(polling.election_id) and answer["tracker"] == encode_bytes(told)
    signature = decode_bytes(answer["signature"], 64)
    assert verify(BOARD_KEY, tracker_message(polling.election_id, told), signature)
    assert not verify(BOARD_KEY, tracker_message(polling.election_id, bytes(32)), signature)
    assert not verify(BOARD_KEY, tracker_message(bytes(32), told), signature)
    assert boards.stored(open_board) == polling.entries and not Checkpoint.objects.exists()
    for wrong in (b"", told[:-1], told + b"x"):
        with pytest.raises(ValueError, match="32 bytes"):
            acknowledge_tracker(open_board, wrong)


# A changed database


def nothing_is_signed(row: ElectionRow, polling: Election) -> None:
    """Every way to a signature or to a further entry ends in BoardInconsistent, for good."""
    before = list(Checkpoint.objects.values_list("text", flat=True)), boards.stored(row)
    raw = boards.ballot(polling, "v2")
    ways: list[Callable[[], object]] = [
        lambda: publish_checkpoint(row, CLOSES),
        lambda: boards.submit(row, raw, time=CLOSES - timedelta(minutes=1)),
        lambda: receipt(row, boards.place(polling, Type.BALLOT_CAST)),
        lambda: acknowledge_tracker(row, bytes(32)),
        lambda: add_cosignature(row, "x"),
        lambda: publish_checkpoint(row, CLOSES),
    ]
    for way in ways:
        with pytest.raises(BoardInconsistent):
            way()
    assert (list(Checkpoint.objects.values_list("text", flat=True)), boards.stored(row)) == before


def rewrite(row: ElectionRow, index: int, raw: bytes) -> None:
    """Another entry in an entry's place, with the hash that belongs to it."""
    BoardEntry.objects.filter(election=row, index=index).update(raw=raw, leaf_hash=leaf_hash(raw))


def other_ballot(row: ElectionRow, polling: Election) -> None:
    """A valid ballot of the same voter, with another choice."""
    index = boards.place(polling, Type.BALLOT_CAST, 2)
    entry = json.loads(polling.entries[index])
    body = polling.ballot("v2", {**boards.vote("v2"), "mayor": "c"}, entry["body"]["sequence"])
    time = schema.minute(entry["time"], "time")
    rewrite(row, index, polling.raw(Type.BALLOT_CAST, body, ["v2"], time))


def other_time(row: ElectionRow, polling: Election) -> None:
    index = boards.place(polling, Type.BALLOT_CAST, 2)
    rewrite(row, index, polling.entries[index].replace(b"T01:0", b"T01:1"))


def other_manifest(row: ElectionRow, polling: Election) -> None:
    manifest = {**polling.manifest, "minimum_group": 9}
    rewrite(row, 0, polling.raw(Type.MANIFEST, manifest, ["official 1", "official 2"], OPENS - timedelta(days=2)))


def entries_exchanged(row: ElectionRow, polling: Election) -> None:
    at = boards.place(polling, Type.BALLOT_CAST, 3)
    rewrite(row, at, polling.entries[at + 1])
    rewrite(row, at + 1, polling.entries[at])


def entry_damaged(row: ElectionRow, polling: Election) -> None:
    rewrite(row, boards.place(polling, Type.BALLOT_CAST), b"{}")


def key_damaged(row: ElectionRow, polling: Election) -> None:
    rewrite(row, boards.place(polling, Type.KEY), b"\xff")


def manifest_damaged(row: ElectionRow, polling: Election) -> None:
    rewrite(row, 0, b"null")


def signature_removed(row: ElectionRow, polling: Election) -> None:
    index = boards.place(polling, Type.POLLS_OPENED)
    rewrite(row, index, polling.raw(Type.POLLS_OPENED, polling.body(), [], OPENS - timedelta(days=2)))


def last_removed(row: ElectionRow, polling: Election) -> None:
    BoardEntry.objects.filter(election=row, index__gte=len(polling.entries) - 3).delete()


def first_removed(row: ElectionRow, polling: Election) -> None:
    BoardEntry.objects.filter(election=row, index=0).delete()


def middle_removed(row: ElectionRow, polling: Election) -> None:
    BoardEntry.objects.filter(election=row, index=boards.place(polling, Type.BALLOT_CAST, 1)).delete()


def all_removed(row: ElectionRow, polling: Election) -> None:
    BoardEntry.objects.filter(election=row).delete()


def middle_cut_out(row: ElectionRow, polling: Election) -> None:
    """A ballot removed and the later ones moved up, so that no index is missing."""
    cut = boards.place(polling, Type.BALLOT_CAST, 1)
    BoardEntry.objects.filter(election=row, index=cut).delete()
    for index in range(cut + 1, len(polling.entries)):
        BoardEntry.objects.filter(election=row, index=index).update(index=F("index") - 1)


def checkpoint_unsigned(row: ElectionRow, polling: Election) -> None:
    """The root of a checkpoint replaced by another."""
    last = Checkpoint.objects.get(election=row)
    root = last.text.splitlines()[2]
    Checkpoint.objects.filter(pk=last.pk).update(text=last.text.replace(root, "A" * 43 + "="))


def checkpoint_damaged(row: ElectionRow, polling: Election) -> None:
    Checkpoint.objects.filter(election=row).update(text="nothing")


CHANGES = [
    other_ballot,
    other_time,
    other_manifest,
    entries_exchanged,
    entry_damaged,
    key_damaged,
    manifest_damaged,
    signature_removed,
    last_removed,
    first_removed,
    middle_removed,
    all_removed,
    middle_cut_out,
    checkpoint_unsigned,
    checkpoint_damaged,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_database_is_found_on_a_cold_start(
    polling: Election, open_board: ElectionRow, change: Callable[[ElectionRow, Election], None]
) -> None:
    """What was covered by a checkpoint cannot be changed: no second history is signed, nothing is added to it."""
    publish_checkpoint(open_board, CLOSES - timedelta(minutes=2))
    with boards.tampering():
        change(open_board, polling)
    forget_all()
    nothing_is_signed(open_board, polling)


@pytest.mark.parametrize("change", [last_removed, all_removed, middle_cut_out])
def test_a_shortened_log_is_found_by_a_running_process(
    polling: Election, open_board: ElectionRow, change: Callable[[ElectionRow, Election], None]
) -> None:
    """It does not go on from its memory when the end of the log is no longer what it was."""
    publish_checkpoint(open_board, CLOSES - timedelta(minutes=2))
    with boards.tampering():
        change(open_board, polling)
    nothing_is_signed(open_board, polling)


@pytest.mark.parametrize("change", CHANGES)
def test_a_running_process_signs_no_second_history(
    polling: Election, open_board: ElectionRow, change: Callable[[ElectionRow, Election], None]
) -> None:
    """Whatever is changed behind its back, a further checkpoint continues the one before or is not signed."""
    publish_checkpoint(open_board, CLOSES - timedelta(minutes=2))
    with boards.tampering():
        change(open_board, polling)
    try:
        later = head(publish_checkpoint(open_board, CLOSES - timedelta(minutes=1)))
    except BoardInconsistent:
        return
    assert later.root == polling.replay.tree.root(later.size) and later.size == len(polling.entries)


def test_a_restored_backup_without_the_last_ballots_is_found(polling: Election) -> None:
    """The database of an hour ago, brought back with the checkpoints of now: the board stands still."""
    row = boards.define(polling)
    boards.fill(row, polling, 0, len(polling.entries) - 2)
    publish_checkpoint(row, CLOSES - timedelta(minutes=3))
    boards.fill(row, polling, len(polling.entries) - 2)
    publish_checkpoint(row, CLOSES - timedelta(minutes=2))
    with boards.tampering():
        BoardEntry.objects.filter(election=row, index__gte=len(polling.entries) - 2).delete()
    forget_all()
    nothing_is_signed(row, polling)


def test_a_changed_column_is_found_on_a_cold_start(finished: Election, full_board: ElectionRow) -> None:
    """A column is fixed by its digest as an entry is by the checkpoint."""
    publish_checkpoint(full_board, AFTERWARDS)
    blob = ColumnBlob.objects.filter(election=full_board).earliest("pk")
    with boards.tampering():
        ColumnBlob.objects.filter(pk=blob.pk).update(data=bytes([blob.data[0] ^ 1]) + bytes(blob.data[1:]))
    forget_all()
    with pytest.raises(BoardInconsistent):
        publish_checkpoint(full_board, AFTERWARDS + timedelta(minutes=1))
    assert Checkpoint.objects.count() == 1


def test_rubble_under_a_freeze_is_told_too(full_board: ElectionRow, finished: Election) -> None:
    """One ballot's bytes over another's: no check of its own fails, but the freeze finds a ballot without a tracker."""
    at = boards.place(finished, Type.BALLOT_CAST, 3)
    with boards.tampering():
        rewrite(full_board, at, finished.entries[at + 1])
    forget_all()
    with pytest.raises(BoardInconsistent, match="cannot be replayed"):
        replica_of(full_board.pk).catch_up()
