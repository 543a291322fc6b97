"""`python -m verifier files`: what observers compare with the files that a site serves."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.election import Election, small_manifest
from verifier.cli import main
from verifier.errors import Unreadable
from verifier.record.canonical import encode_bytes
from verifier.served import files


def archive(directory: Path, *, start: int | None = 0) -> Path:
    """An archive whose manifest names one file by the hash of "booth"; from entry `start` on, or with none."""
    digest = bytes.fromhex("e1ec4b8ecdb1d52f3b3b2e5fa34d96b4b2d6dc3d0b8dd3a9a3dcdf0c4bbcd5c6")
    served = [{"path": "booth/worker.js", "sha256": encode_bytes(digest)}]
    election = Election(small_manifest(served=served)).set_up()
    return election.write(directory / "election.zip", election.entries[start:] if start is not None else [])


def test_each_file_is_printed_in_the_form_of_sha256sum(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["files", str(archive(tmp_path))]) == 0
    line = capsys.readouterr().out
    assert line == "e1ec4b8ecdb1d52f3b3b2e5fa34d96b4b2d6dc3d0b8dd3a9a3dcdf0c4bbcd5c6  booth/worker.js\n"
    (tmp_path / "booth").mkdir()
    (tmp_path / "booth" / "worker.js").write_text("something else")
    compared = subprocess.run(
        ["sha256sum", "--check"],  # noqa: S607
        input=line, text=True, cwd=tmp_path, capture_output=True, check=False,
    )  # fmt: skip
    assert (compared.returncode, "FAILED" in compared.stdout) == (1, True)


@pytest.mark.parametrize(("start", "said"), [(1, "does not begin with a manifest"), (None, "has no entries")])
def test_an_archive_without_a_manifest_at_its_beginning_is_refused(
    tmp_path: Path, start: int | None, said: str
) -> None:
    path = archive(tmp_path, start=start)
    with pytest.raises(Unreadable, match=said):
        files(path)
    assert main(["files", str(path)]) == 2
