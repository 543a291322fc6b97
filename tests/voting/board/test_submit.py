"""`manage.py submit`: what trustees, mixers and officials bring goes on the board, or one line says why not."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tally.submission import Submission
from tests.election import BITS, CLOSES, Election, signing_key
from tests.voting import boards
from tests.voting.boards import AFTERWARDS
from verifier.record.entries import Type
from verifier.verify import verify
from voting.board.models import BoardEntry, ColumnBlob
from voting.board.services import add_cosignature, publish_checkpoint
from voting.elections.models import Election as ElectionRow

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the minute of the close."""
    monkeypatch.setattr("voting.board.services.timezone.now", lambda: CLOSES)


def submit(slug: str, *paths: Path) -> str:
    """What the command says."""
    said = StringIO()
    call_command("submit", slug, *map(str, paths), stdout=said)
    return said.getvalue()


def one_line(slug: str, *paths: Path) -> str:
    """The command's error, which is one line."""
    with pytest.raises(CommandError) as failure:
        submit(slug, *paths)
    assert "\n" not in str(failure.value) and str(failure.value)
    return str(failure.value)


def submission(election: Election, index: int) -> Submission:
    """The entry as its author would bring it, with every column that there is."""
    entry = json.loads(election.entries[index])
    return Submission(Type(entry["type"]), entry["body"], tuple(entry["signatures"]), election.columns)


def brought(election: Election, folder: Path, start: int, stop: int | None = None) -> list[Path]:
    """A file for each of these entries, in their order."""
    paths = []
    for index in range(start, len(election.entries) if stop is None else stop):
        paths.append(folder / f"entry-{index}.json")
        submission(election, index).write(paths[-1])
    return paths


@pytest.fixture
def mixed_board(finished: Election) -> ElectionRow:
    """The board of `finished` before the first partial roots."""
    row = boards.define(finished)
    boards.fill(row, finished, 0, boards.place(finished, Type.PARTIAL_ROOTS))
    return row


def test_submitted_entries_make_a_valid_archive(finished: Election, mixed_board: ElectionRow, tmp_path: Path) -> None:
    """Partial roots, opening and result in one command: the board is what it was in memory, columns too."""
    start = boards.place(finished, Type.PARTIAL_ROOTS)
    paths = brought(finished, tmp_path, start)
    said = submit(mixed_board.slug, *paths)
    assert [line.split(": ")[0] for line in said.splitlines()] == [str(path) for path in paths]
    assert boards.stored(mixed_board) == finished.entries
    published = publish_checkpoint(mixed_board, AFTERWARDS)
    add_cosignature(mixed_board, boards.cosignature(published.text))
    call_command("export_archive", mixed_board.slug, str(tmp_path / "archive.zip"), stdout=StringIO())
    outcome = verify(tmp_path / "archive.zip", allowed_bits=(BITS,))
    assert outcome.report.failures == [] and outcome.report.valid
    assert outcome.state.result == finished.state.result


def test_only_the_columns_that_an_entry_names_are_kept(
    finished: Election, mixed_board: ElectionRow, tmp_path: Path
) -> None:
    """A file may carry anything; what no entry names would make the archive invalid."""
    before = ColumnBlob.objects.count()
    (path,) = brought(finished, tmp_path, start := boards.place(finished, Type.PARTIAL_ROOTS), start + 1)
    submit(mixed_board.slug, path)
    assert ColumnBlob.objects.count() == before + 1


def test_the_same_file_again_changes_nothing(finished: Election, mixed_board: ElectionRow, tmp_path: Path) -> None:
    start = boards.place(finished, Type.PARTIAL_ROOTS)
    paths = brought(finished, tmp_path, start, start + 1)
    first = submit(mixed_board.slug, *paths)
    assert submit(mixed_board.slug, *paths) == first
    assert len(boards.stored(mixed_board)) == start + 1


def test_the_first_refusal_ends_it(finished: Election, mixed_board: ElectionRow, tmp_path: Path) -> None:
    """What came before it stays, what comes after it is not tried; the check is named, as observers see it."""
    start = boards.place(finished, Type.PARTIAL_ROOTS)
    first, second, *rest = brought(finished, tmp_path, start)
    made = submission(finished, start + 1)
    wrong = tmp_path / "wrong.json"
    Submission(made.type, made.body, (), made.columns).signed_by(signing_key("trustee 2")).write(wrong)
    said = one_line(mixed_board.slug, first, wrong, second, *rest)
    assert said.startswith(f"{wrong}: ") and "TrusteeSigned" in said
    assert boards.stored(mixed_board) == finished.entries[: start + 1]
    submit(mixed_board.slug, second, *rest)
    assert boards.stored(mixed_board) == finished.entries


def test_the_wrong_order_is_refused(finished: Election, mixed_board: ElectionRow, tmp_path: Path) -> None:
    """A result before the opening."""
    before = boards.stored(mixed_board)
    *_, result = brought(finished, tmp_path, len(finished.entries) - 1)
    assert one_line(mixed_board.slug, result).startswith(f"{result}: V")
    assert boards.stored(mixed_board) == before


def test_a_missing_column_is_refused(finished: Election, mixed_board: ElectionRow, tmp_path: Path) -> None:
    before = boards.stored(mixed_board)
    made = submission(finished, boards.place(finished, Type.PARTIAL_ROOTS))
    path = tmp_path / "roots.json"
    Submission(made.type, made.body, made.signatures, {}).write(path)
    assert one_line(mixed_board.slug, path).startswith(f"{path}: V")
    assert boards.stored(mixed_board) == before and not BoardEntry.objects.filter(type="partial-roots").exists()


def test_an_unknown_election_is_one_line(db: None, finished: Election, tmp_path: Path) -> None:
    (path,) = brought(finished, tmp_path, 0, 1)
    assert one_line("nowhere", path) == "there is no election 'nowhere'"


def test_a_damaged_file_is_one_line(finished: Election, mixed_board: ElectionRow, tmp_path: Path) -> None:
    """Named, and nothing of it is on the board."""
    before = boards.stored(mixed_board)
    (path,) = brought(finished, tmp_path, start := boards.place(finished, Type.PARTIAL_ROOTS), start + 1)
    whole = path.read_bytes()
    for raw in (b"", whole[:-1], whole[: len(whole) // 2], whole + b"\n", b"\xff" * 40, b"{}"):
        path.write_bytes(raw)
        assert one_line(mixed_board.slug, path).startswith(f"{path.name}: not an entry for the board, or damaged")
    assert boards.stored(mixed_board) == before


def test_a_file_that_is_not_there_is_one_line(mixed_board: ElectionRow, tmp_path: Path) -> None:
    missing = tmp_path / "missing.json"
    assert one_line(mixed_board.slug, missing) == f"{missing}: No such file or directory"
    assert one_line(mixed_board.slug, tmp_path) == f"{tmp_path}: Is a directory"


@pytest.mark.parametrize("body", [{}, None, [], "text", {"ballot": None}])
@pytest.mark.parametrize("kind", [Type.MANIFEST, Type.BALLOT_OPENED, Type.BALLOT_CAST, Type.PARTIAL_ROOTS])
def test_a_body_of_another_shape_is_one_line(
    kind: Type, body: object, finished: Election, tmp_path: Path, db: None
) -> None:
    """Whatever the file says, it is refused and never crashes the command."""
    row = boards.define(finished)
    path = tmp_path / "entry.json"
    Submission(kind, body).write(path)
    assert one_line(row.slug, path).startswith(f"{path}: ")
    assert boards.stored(row) == []


def test_a_clock_that_is_behind_is_one_line(
    finished: Election, mixed_board: ElectionRow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voting.board.services.timezone.now", lambda: CLOSES.replace(hour=1))
    before = boards.stored(mixed_board)
    (path,) = brought(finished, tmp_path, start := boards.place(finished, Type.PARTIAL_ROOTS), start + 1)
    assert one_line(mixed_board.slug, path).startswith(f"{path}: clock-behind: ")
    assert boards.stored(mixed_board) == before
