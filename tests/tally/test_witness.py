"""A witness cosigns what verifies and continues what was seen before, and nothing else."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from tally import sealed
from tally.cli import main
from tally.errors import OtherElection
from tally.sealed import seal_signing_key
from tally.witness import cosign
from tests.election import BITS, signed_checkpoint, signing_key, tree_of
from tests.forge import at
from verifier.crypto.checkpoint import cosignature_times, parse_note
from verifier.record.archive import write_archive

PASSPHRASE = "a witness keeps watch"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "OPERATIONS", 1)
    monkeypatch.setattr(sealed, "MEMORY", 8192)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "witness.key"
    path.write_bytes(seal_signing_key(signing_key("witness 1"), PASSPHRASE))
    return path


def unwitnessed(stage: str, path: Path, drop: int = 0) -> Path:
    """The archive of the election at this stage, before anyone cosigned its checkpoint."""
    election = at(stage)
    entries = election.entries[: len(election.entries) - drop]
    tree = tree_of(entries)
    note = signed_checkpoint(election.manifest, tree.size, tree.root())
    board_only = b"".join(note.splitlines(keepends=True)[:-1])
    write_archive(path, entries, sorted(election.columns.items()), board_only)
    return path


def witness(archive: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, Path, Path]:
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSPHRASE + "\n"))
    memory, out = key_file.with_name("memory"), key_file.with_name("line")
    arguments = ["witness", str(archive), "--key", str(key_file), "--memory", str(memory), "--out", str(out)]
    return main([*arguments, "--jobs", "1"], allowed_bits=(BITS,)), memory, out


def test_a_board_that_holds_is_cosigned(key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, memory, out = witness(unwitnessed("voted", tmp_path / "first.zip"), key_file, monkeypatch)
    assert code == 0
    note = parse_note(memory.read_bytes() + out.read_bytes())
    keys = {"witness-1": bytes(signing_key("witness 1").verify_key)}
    assert len(cosignature_times(note, keys)) == 1
    code, _, _ = witness(unwitnessed("closed", tmp_path / "second.zip"), key_file, monkeypatch)
    assert code == 0, "the second board continues the first"


def test_a_board_that_goes_back_is_not_cosigned(
    key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    witness(unwitnessed("closed", tmp_path / "first.zip"), key_file, monkeypatch)
    (tmp_path / "line").unlink()
    before = (tmp_path / "memory").read_bytes()
    code, memory, out = witness(unwitnessed("voted", tmp_path / "second.zip"), key_file, monkeypatch)
    assert code == 1
    assert "this log is older than the one that was seen before" in capsys.readouterr().err
    assert not out.exists()
    assert memory.read_bytes() == before


def test_a_board_that_does_not_verify_is_not_cosigned(
    key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    election = at("voted")
    election.entries[-1] = election.entries[-2]
    tree = tree_of(election.entries)
    archive = tmp_path / "bad.zip"
    note = signed_checkpoint(election.manifest, tree.size, tree.root())
    write_archive(archive, election.entries, sorted(election.columns.items()), note)
    code, memory, out = witness(archive, key_file, monkeypatch)
    assert code == 1
    assert capsys.readouterr().err.startswith("tally: the log does not verify")
    assert not out.exists()
    assert not memory.exists()


def test_a_stranger_is_no_witness() -> None:
    election = at("voted")
    with pytest.raises(OtherElection, match="no witness"):
        cosign(election.state.manifest, election.checkpoint().decode(), SigningKey.generate())


def test_a_memory_that_is_no_text_is_one_line(
    key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "memory").write_bytes(b"\xff\xfe")
    code, _, out = witness(unwitnessed("voted", tmp_path / "first.zip"), key_file, monkeypatch)
    assert code == 1
    assert capsys.readouterr().err.endswith("memory: not a checkpoint\n")
    assert not out.exists()
