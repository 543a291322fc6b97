"""`manage.py export_archive`: one file that an observer finds valid, or one line that says why there is none."""

from __future__ import annotations

import json
import zipfile
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.election import BITS, CLOSES, Election
from tests.voting import boards
from tests.voting.boards import AFTERWARDS
from verifier.crypto.checkpoint import parse_note
from verifier.verify import verify
from voting.board import archive as board_archive
from voting.board.models import BoardEntry, Checkpoint
from voting.board.replica import forget_all
from voting.board.services import add_cosignature, publish_checkpoint
from voting.elections.models import Election as ElectionRow

pytestmark = pytest.mark.django_db(transaction=True)


def export(slug: str, path: Path) -> str:
    """What the command says."""
    said = StringIO()
    call_command("export_archive", slug, str(path), stdout=said)
    return said.getvalue()


def one_line(slug: str, path: Path) -> str:
    """The command's error, which is one line."""
    with pytest.raises(CommandError) as failure:
        export(slug, path)
    assert "\n" not in str(failure.value) and str(failure.value)
    return str(failure.value)


def test_an_exported_election_is_valid(finished: Election, full_board: ElectionRow, tmp_path: Path) -> None:
    """Admitted one by one, signed, cosigned and exported, it passes every check, and it is what was admitted."""
    published = publish_checkpoint(full_board, AFTERWARDS)
    cosigned = add_cosignature(full_board, boards.cosignature(published.text))
    path = tmp_path / "archive.zip"
    assert export(full_board.slug, path) == f"{path}: {len(finished.entries)} entries\n"
    outcome = verify(path, allowed_bits=(BITS,))
    assert outcome.report.failures == [] and outcome.report.valid
    assert outcome.state.result == finished.state.result
    with zipfile.ZipFile(path) as archive:
        assert archive.read("entries.jsonl").splitlines() == finished.entries
        assert archive.read("checkpoint").decode() == cosigned.text
        names = {f"columns/{digest.hex()}.txt": data for digest, data in finished.columns.items()}
        assert {name: archive.read(name) for name in archive.namelist() if name in names} == names
        assert set(archive.namelist()) == {"archive.json", "checkpoint", "entries.jsonl", *names}


def test_without_its_cosignature_the_archive_is_not_valid(full_board: ElectionRow, tmp_path: Path) -> None:
    """The one check that fails is that of the witnesses."""
    publish_checkpoint(full_board, AFTERWARDS)
    export(full_board.slug, tmp_path / "archive.zip")
    outcome = verify(tmp_path / "archive.zip", allowed_bits=(BITS,))
    assert {failure.check for failure in outcome.report.failures} == {"V2.3 HeadWitnessed"}


def test_the_same_board_gives_the_same_bytes(full_board: ElectionRow, tmp_path: Path) -> None:
    """Also from a process that has just started."""
    publish_checkpoint(full_board, AFTERWARDS)
    export(full_board.slug, tmp_path / "first.zip")
    forget_all()
    export(full_board.slug, tmp_path / "second.zip")
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


def test_new_entries_get_a_new_checkpoint(
    polling: Election, open_board: ElectionRow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export never leaves out what is there when it begins."""
    monkeypatch.setattr("voting.board.services.timezone.now", lambda: CLOSES)
    export(open_board.slug, tmp_path / "archive.zip")
    boards.submit(open_board, boards.ballot(polling, "v1"), time=CLOSES.replace(hour=10))
    size = len(polling.entries) + 1
    assert f"{size} entries" in export(open_board.slug, tmp_path / "archive.zip")
    with zipfile.ZipFile(tmp_path / "archive.zip") as archive:
        assert parse_note(archive.read("checkpoint")).checkpoint.size == size
        assert json.loads(archive.read("archive.json"))["entries"] == size
        assert archive.read("entries.jsonl").splitlines() == boards.stored(open_board)


def test_entries_that_arrive_meanwhile_wait_for_the_next_export(
    polling: Election, open_board: ElectionRow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive is that of its checkpoint, whatever is admitted while it is written."""
    publish_checkpoint(open_board, CLOSES.replace(hour=9))
    original = board_archive.write_archive

    def write(*parts: object) -> None:
        boards.submit(open_board, boards.ballot(polling, "v1"), time=CLOSES.replace(hour=10))
        original(*parts)

    monkeypatch.setattr(board_archive, "write_archive", write)
    export(open_board.slug, tmp_path / "archive.zip")
    with zipfile.ZipFile(tmp_path / "archive.zip") as archive:
        assert archive.read("entries.jsonl").splitlines() == polling.entries
        assert parse_note(archive.read("checkpoint")).checkpoint.size == len(polling.entries)
    assert len(boards.stored(open_board)) == len(polling.entries) + 1


def test_an_unknown_election_is_one_line(db: None, tmp_path: Path) -> None:
    assert one_line("nowhere", tmp_path / "archive.zip") == "there is no election 'nowhere'"
    assert list(tmp_path.glob("archive*")) == []


def test_an_election_without_manifest_is_one_line(polling: Election, tmp_path: Path) -> None:
    row = boards.define(polling)
    assert "manifest" in one_line(row.slug, tmp_path / "archive.zip")
    assert list(tmp_path.glob("archive*")) == []


def test_a_path_that_cannot_be_written_is_one_line(full_board: ElectionRow, tmp_path: Path) -> None:
    """A folder that is missing, a file in a folder's place, a folder in the file's place: each is named."""
    publish_checkpoint(full_board, AFTERWARDS)
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "missing" / "archive.zip", tmp_path / "file" / "archive.zip", tmp_path / "folder"):
        assert str(path.parent if path.name == "archive.zip" else path) in one_line(full_board.slug, path)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["board.key", "file", "folder"]
    assert (tmp_path / "file").read_text() == "kept"


def test_a_key_that_cannot_be_used_is_one_line(
    full_board: ElectionRow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voting.board.services.timezone.now", lambda: AFTERWARDS)
    (tmp_path / "board.key").chmod(0o644)
    assert "mode 0600" in one_line(full_board.slug, tmp_path / "archive.zip")
    assert not Checkpoint.objects.exists()


def test_an_existing_file_is_replaced_only_by_a_finished_one(
    full_board: ElectionRow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a row is missing or the disk is full half-way, the old archive stays and nothing else remains."""
    path = tmp_path / "archive.zip"
    path.write_bytes(b"the archive of yesterday")
    publish_checkpoint(full_board, AFTERWARDS)
    before = sorted(tmp_path.iterdir())

    def full(*parts: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("verifier.record.archive._add", full)
        assert "No space left on device" in one_line(full_board.slug, path)
    assert path.read_bytes() == b"the archive of yesterday" and sorted(tmp_path.iterdir()) == before
    with boards.tampering():
        missing = BoardEntry.objects.get(election=full_board, index=5)
        missing.columns.all().delete()
        BoardEntry.objects.filter(pk=missing.pk).delete()
    assert "entry 5 is missing" in one_line(full_board.slug, path)
    assert path.read_bytes() == b"the archive of yesterday" and sorted(tmp_path.iterdir()) == before
    with boards.tampering():
        missing.save(force_insert=True)
    export(full_board.slug, path)
    assert zipfile.is_zipfile(path) and sorted(tmp_path.iterdir()) == before


def test_an_archive_shorter_than_its_checkpoint_is_never_written(full_board: ElectionRow, tmp_path: Path) -> None:
    """Entries removed from the end after the checkpoint was signed: the export fails instead of writing less."""
    publish_checkpoint(full_board, AFTERWARDS)
    with boards.tampering():
        BoardEntry.objects.filter(election=full_board, type="result").delete()
    forget_all()
    one_line(full_board.slug, tmp_path / "archive.zip")
    assert not (tmp_path / "archive.zip").exists()
