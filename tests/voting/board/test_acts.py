"""`manage.py prepare` and `manage.py cosign`: what officials sign, and what witnesses add."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tally.submission import parse_submission
from tests.election import Election, signing_key, small_manifest, voted
from tests.voting import boards
from verifier.record.canonical import parse
from verifier.record.entries import MAX_ENTRY_BYTES, Type
from voting.board.models import Checkpoint
from voting.board.services import publish_checkpoint
from voting.elections.models import Election as ElectionRow

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: Any) -> str:
    out = StringIO()
    call_command(*map(str, arguments), stdout=out)
    return out.getvalue()


def body_of(election: Election, kind: Type) -> Any:
    raw = election.entries[boards.place(election, kind)]
    return parse(raw, MAX_ENTRY_BYTES)["body"]


@pytest.mark.parametrize("act", [Type.MANIFEST, Type.POLLS_OPENED, Type.POLLS_CLOSED])
def test_an_act_is_written_as_replay_expects_it(act: Type, finished: Election, tmp_path: Path) -> None:
    row = boards.define(finished)
    boards.fill(row, finished, 0, boards.place(finished, act))
    run("prepare", row.slug, act, tmp_path / "act.json")
    submission = parse_submission((tmp_path / "act.json").read_bytes(), "act.json")
    assert (submission.type, submission.body, submission.signatures) == (act, body_of(finished, act), ())


def test_a_prepared_freeze_is_signed_by_two_and_admitted(
    finished: Election, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voting.board.services.timezone.now", lambda: boards.AFTERWARDS)
    row, path = boards.define(finished), tmp_path / "freeze.json"
    at_freeze = boards.place(finished, Type.TALLY_FROZEN)
    boards.fill(row, finished, 0, at_freeze)
    run("prepare", row.slug, "tally-frozen", path)
    submission = parse_submission(path.read_bytes(), "freeze.json")
    assert submission.body == body_of(finished, Type.TALLY_FROZEN)
    submission.signed_by(signing_key("official 1")).write(path)
    with pytest.raises(CommandError, match=r"V2\.9"):
        run("submit", row.slug, path)
    parse_submission(path.read_bytes(), "x").signed_by(signing_key("official 2")).write(path)
    assert f"entry {at_freeze}" in run("submit", row.slug, path)


def test_two_officials_may_open_a_contest_below_the_minimum(tmp_path: Path) -> None:
    election = voted(manifest=small_manifest(minimum_group=6))
    election.close_polls()
    row = boards.define(election)
    boards.fill(row, election)
    run("prepare", row.slug, "tally-frozen", "--open", "mayor", tmp_path / "freeze.json")
    body = parse_submission((tmp_path / "freeze.json").read_bytes(), "x").body
    open_contests = {contest["contest"] for contest in body["contests"] if contest["open"]}
    assert {"mayor"} <= open_contests
    assert "chair" not in open_contests


@pytest.mark.parametrize("act", ["polls-opened", "polls-closed", "tally-frozen"])
def test_nothing_is_prepared_before_the_manifest(act: str, polling: Election, tmp_path: Path) -> None:
    row = boards.define(polling)
    with pytest.raises(CommandError, match="manifest is not on the board"):
        run("prepare", row.slug, act, tmp_path / "act.json")
    assert not (tmp_path / "act.json").exists()


def test_an_election_that_does_not_exist_is_named(tmp_path: Path) -> None:
    for command in (("prepare", "nowhere", "manifest", tmp_path / "x"), ("cosign", "nowhere", tmp_path / "x")):
        with pytest.raises(CommandError, match="there is no election 'nowhere'"):
            run(*command)


def test_a_witness_line_is_added_once(full_board: ElectionRow, tmp_path: Path) -> None:
    published = publish_checkpoint(full_board, boards.AFTERWARDS)
    line = tmp_path / "line"
    line.write_text(boards.cosignature(published.text) + "\n")
    for _ in range(2):
        run("cosign", full_board.slug, line)
    assert Checkpoint.objects.get().text.count("witness-1") == 1


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\xff\xfe", "— witness-1 AAAA\n".encode()])
def test_a_line_that_is_none_is_refused_in_one_line(full_board: ElectionRow, tmp_path: Path, content: bytes) -> None:
    published = publish_checkpoint(full_board, boards.AFTERWARDS)
    (tmp_path / "line").write_bytes(content)
    with pytest.raises(CommandError) as caught:
        run("cosign", full_board.slug, tmp_path / "line")
    assert str(caught.value).startswith(str(tmp_path / "line"))
    assert "\n" not in str(caught.value)
    assert Checkpoint.objects.get().text == published.text


def test_a_contest_that_is_misspelt_is_not_left_closed_in_silence(polling: Election, tmp_path: Path) -> None:
    row = boards.define(polling)
    with pytest.raises(CommandError, match="there is no contest 'mayorr'"):
        run("prepare", row.slug, "tally-frozen", "--open", "mayorr", tmp_path / "x")
    with pytest.raises(CommandError, match="--open belongs to tally-frozen"):
        run("prepare", row.slug, "polls-closed", "--open", "mayor", tmp_path / "x")
    assert not (tmp_path / "x").exists()
