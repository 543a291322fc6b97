"""The verifier as a program: its exit codes, one line for each error, never a traceback, and nothing but itself."""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.demonstration import ROOT, demonstration
from tests.election import Election, signed_checkpoint, tree_of
from tests.forge import ALLOWED, at, edit
from verifier import cli
from verifier.checks import CHECKS
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type
from verifier.verify import Outcome, Progress, verify

CONTESTS = ["mayor", "council", "review"]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with a modulus that the program allows."""
    return demonstration(tmp_path_factory).archive


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the verifier in it, where nothing else of the project and no server can be imported."""
    folder = tmp_path_factory.mktemp("alone")
    shutil.copytree(ROOT / "verifier", folder / "verifier", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("django", "tally", "tests", "voting"):
        (folder / f"{name}.py").write_text("raise ImportError('the verifier stands alone')\n")
    return folder


def program(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """`python -m verifier` in this folder."""
    command = [sys.executable, "-m", "verifier", *map(str, arguments)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"COLUMNS": "120"}
    return subprocess.run(
        command, cwd=folder, env=environment, timeout=300, capture_output=True, text=True, check=False
    )


def one_line(text: str) -> bool:
    return text.startswith("verifier: ") and text.count("\n") == 1 and "Traceback" not in text


# Exit code 0


@pytest.mark.slow
def test_a_valid_archive(real: Path, alone: Path, tmp_path: Path) -> None:
    """In a folder of its own, without the server: verdict, results, JSON report, and a checkpoint that was kept."""
    note = zipfile.ZipFile(real).read("checkpoint")
    (tmp_path / "kept").write_bytes(note)
    report = tmp_path / "report.json"
    ended = program(alone, "verify", real, "--json", report, "--jobs", 2, "--known-checkpoint", tmp_path / "kept")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[-1] == "VALID: every check ran and passed."
    assert "架空市長選挙 (choose-one)" in ended.stdout
    written = json.loads(report.read_text(encoding="utf-8"))
    assert written["verdict"] == "valid"
    assert [check["check"] for check in written["checks"]] == [
        check.name for check in sorted(CHECKS.values(), key=lambda check: check.order)
    ]
    assert all(check["status"] == "PASS" and check["failures"] == [] for check in written["checks"])
    counts = {check["check"]: check["count"] for check in written["checks"]}
    assert counts["V3.6 BoardPrefix"] == 1
    assert counts["V2.4 BallotSigned"] >= 45
    assert [contest["contest"] for contest in written["result"]["contests"]] == CONTESTS
    assert {contest["total"]["ballots"] for contest in written["result"]["contests"]} == {39}
    assert written["entries"] == len(zipfile.ZipFile(real).read("entries.jsonl").splitlines())


@pytest.mark.slow
def test_a_changed_byte_in_a_real_archive(real: Path, tmp_path: Path) -> None:
    """Exit code 1; no result is shown, and the failures are on the terminal and in the report."""
    shutil.unpack_archive(real, tmp_path / "unpacked")
    entries = tmp_path / "unpacked" / "entries.jsonl"
    raw = entries.read_bytes()
    position = raw.rindex(b'"signature":"') + len(b'"signature":"')
    other = b"B" if raw[position : position + 1] == b"A" else b"A"
    entries.write_bytes(raw[:position] + other + raw[position + 1 :])
    ended = program(ROOT, "verify", tmp_path / "unpacked", "--json", tmp_path / "report.json", "--jobs", 1)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert ended.stdout.splitlines()[-1] == "NOT VALID: no result is shown, because none is proved."
    assert "架空市長選挙" not in ended.stdout
    assert "FAILED V2.9 ActSigned" in ended.stdout and "FAILED V3.5 BoardChained" in ended.stdout
    written = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert written["verdict"] == "invalid"
    failed = {check["check"].split()[0]: check["failures"] for check in written["checks"] if check["failures"]}
    assert set(failed) == {"V2.9", "V3.5"}
    assert failed["V2.9"][0]["reason"] == "a signature does not verify"
    assert failed["V3.5"] == [
        {
            "check": "V3.5 BoardChained",
            "where": "checkpoint",
            "reason": "the entries do not hash to the checkpoint's root",
        }
    ]


def listening() -> None:
    """A shell starts its background jobs deaf to Ctrl-C, and these tests may be one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
def test_interrupted(real: Path, tmp_path: Path) -> None:
    """While it verifies: the archive is being unpacked, or was."""
    command = [sys.executable, "-m", "verifier", "verify", str(real), "--jobs", "1"]
    started = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=listening,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    started.send_signal(signal.SIGINT)
    out, err = started.communicate(timeout=60)
    assert (started.returncode, out, err) == (2, "", "verifier: interrupted\n")


# Exit code 1


@pytest.fixture
def toys_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program in this process accepts the small modulus of tests."""

    def lenient(path: Path, jobs: int, known: list[bytes], progress: Progress) -> Outcome:
        return verify(path, jobs, known, progress, ALLOWED)

    monkeypatch.setattr(cli, "verify", lenient)


def test_a_modulus_of_512_bits_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There is no option that allows it."""
    path = at("published").write(tmp_path / "election.zip")
    assert cli.main(["verify", str(path), "--jobs", "1"]) == 1
    out, _ = capsys.readouterr()
    assert [line for line in out.splitlines() if line.startswith("FAILED")] == [
        "FAILED V3.4 ParametersSafe [entry 5, roll-commitment]: a modulus of 512 bits is not allowed"
    ]


@pytest.mark.usefixtures("toys_allowed")
def test_a_checkpoint_that_was_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The option may come several times; one that does not fit is a failure of the archive."""
    election = at("published")
    path = str(election.write(tmp_path / "election.zip"))
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(signed_checkpoint(election.manifest, 5, tree_of(election.entries[:5]).root()))
    bad.write_bytes(signed_checkpoint(election.manifest, 5, b"r" * 32))
    kept = ["--known-checkpoint", str(good)]
    assert cli.main(["verify", path, "--jobs", "1", *kept, *kept]) == 0
    assert cli.main(["verify", path, "--jobs", "1", *kept, "--known-checkpoint", str(bad)]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert "FAILED V3.6 BoardPrefix [known checkpoint 1]: the first 5 entries differ" in out


@pytest.mark.usefixtures("toys_allowed")
def test_an_archive_that_is_not_safe_is_invalid_not_unreadable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = at("published").write(tmp_path / "election.zip")
    with zipfile.ZipFile(path, "a") as target:
        target.writestr("../evil.txt", "x")
    assert cli.main(["verify", str(path), "--json", str(tmp_path / "report.json")]) == 1
    out, _ = capsys.readouterr()
    assert "FAILED V4.3 ArchiveSafe [election.zip]" in out
    written = json.loads((tmp_path / "report.json").read_text())
    assert (written["verdict"], written["election"], written["title"], written["result"]) == ("invalid", *[None] * 3)


@pytest.mark.usefixtures("toys_allowed")
def test_the_json_report_of_an_invalid_archive_has_every_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    election = edit(at("published"), Type.BALLOT_OPENED, lambda body: body.update(seed=encode_bytes(b"s" * 32)))
    path, report = election.write(tmp_path / "election.zip"), tmp_path / "report.json"
    assert cli.main(["verify", str(path), "--json", str(report), "--jobs", "1"]) == 1
    capsys.readouterr()
    written = json.loads(report.read_text(encoding="utf-8"))
    assert written["title"] == "架空市長選挙" and "架空市長選挙" in report.read_text(encoding="utf-8")
    assert written["election"] == encode_bytes(at("published").election_id)
    failures = [failure for check in written["checks"] for failure in check["failures"]]
    assert len(failures) == 5
    assert {failure["where"].rpartition(", ")[2] for failure in failures} == {
        f"contest {contest['id']}" for contest in election.manifest["contests"]
    }


# Exit codes 2 and 3


def truncated(election: Election, path: Path) -> None:
    election.write(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damaged(election: Election, path: Path) -> None:
    """What the entries unpack to is not what both their headers say."""
    election.write(path)
    crc = zipfile.ZipFile(path).getinfo("entries.jsonl").CRC
    raw = path.read_bytes()
    stated, other = struct.pack("<L", crc), struct.pack("<L", crc ^ 1)
    assert raw.count(stated) >= 2
    path.write_bytes(raw.replace(stated, other))


def headed(header: str) -> Callable[[Election, Path], None]:
    """A directory whose archive.json says this."""

    def make(election: Election, path: Path) -> None:
        election.write(path.with_suffix(".packed"))
        shutil.unpack_archive(path.with_suffix(".packed"), path, "zip")
        (path / "archive.json").write_text(header)

    return make


REFUSED: dict[str, tuple[Callable[[Election, Path], object], int]] = {
    "no such file": (lambda e, path: None, 2),
    "an empty file": (lambda e, path: path.write_bytes(b""), 2),
    "garbage": (lambda e, path: path.write_bytes(bytes(range(256)) * 40), 2),
    "text named .zip": (lambda e, path: path.write_text("Dear voters, the election is valid.\n"), 2),
    "an empty directory": (lambda e, path: path.mkdir(), 2),
    "truncated": (truncated, 2),
    "damaged": (damaged, 2),
    "version 2": (headed('{"entries":40,"format":"tashika-archive","version":2}'), 3),
    "a version in words": (headed('{"entries":40,"format":"tashika-archive","version":"one"}'), 3),
    "another format": (headed('{"entries":40,"format":"tashika-roll","version":1}'), 3),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("command", ["verify", "receipt"])
def test_what_cannot_be_read_is_one_line(
    name: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, code = REFUSED[name]
    election = at("voted")
    path = tmp_path / "election.zip"
    make(election, path)
    arguments = [command, str(path)] + ([str(receipt_file(election, tmp_path))] if command == "receipt" else [])
    assert cli.main(arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert one_line(err), err
    assert err.strip().isprintable()


def receipt_file(election: Election, folder: Path) -> Path:
    path = folder / "receipt.json"
    record = {
        "checkpoint": election.checkpoint().decode(),
        "election": encode_bytes(election.election_id),
        "entry": 12,
        "path": [],
        "tracker": encode_bytes(bytes(32)),
    }
    path.write_text(json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
    return path


def test_as_a_program_too(tmp_path: Path, alone: Path) -> None:
    """The same through a process: the code is the process's exit status, and the line is on standard error."""
    (tmp_path / "text.zip").write_text("Dear voters, the election is valid.\n")
    headed('{"entries":40,"format":"tashika-archive","version":2}')(at("voted"), tmp_path / "later")
    for name, code in (("nothing.zip", 2), ("text.zip", 2), ("later", 3)):
        ended = program(alone, "verify", tmp_path / name)
        assert (ended.returncode, ended.stdout) == (code, "")
        assert one_line(ended.stderr), ended.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["count"],
        ["verify"],
        ["verify", "a.zip", "b.zip"],
        ["verify", "a.zip", "--jobs", "0"],
        ["verify", "a.zip", "--jobs", "-1"],
        ["verify", "a.zip", "--jobs", "513"],
        ["verify", "a.zip", "--jobs", "two"],
        ["verify", "a.zip", "--jobs", "²"],
        ["verify", "a.zip", "--jobs", "1.5"],
        ["verify", "a.zip", "--allow-small"],
        ["verify", "a.zip", "--known-checkpoint"],
        ["receipt", "a.zip"],
    ],
)
def test_wrong_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """argparse explains the use on standard error, and ends the program with the code for misuse."""
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    out, err = capsys.readouterr()
    assert (caught.value.code, out) == (2, "")
    assert "usage: python -m verifier" in err and "error:" in err


def test_wrong_arguments_of_the_program(alone: Path) -> None:
    ended = program(alone, "verify", "a.zip", "--jobs", 0)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "--jobs: a number from 1 to 512" in ended.stderr and "Traceback" not in ended.stderr


@pytest.mark.parametrize("jobs", ["1", "512"])
def test_the_bounds_of_jobs_are_accepted(jobs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", str(tmp_path / "none.zip"), "--jobs", jobs]) == 2
    assert "No such file" in capsys.readouterr().err


def test_a_checkpoint_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = at("published").write(tmp_path / "election.zip")
    assert cli.main(["verify", str(path), "--known-checkpoint", str(tmp_path / "none")]) == 2
    out, err = capsys.readouterr()
    assert out == "" and one_line(err) and "none" in err


@pytest.mark.usefixtures("toys_allowed")
def test_a_report_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = at("published").write(tmp_path / "election.zip")
    assert cli.main(["verify", str(path), "--jobs", "1", "--json", str(tmp_path / "no" / "report.json")]) == 2
    _, err = capsys.readouterr()
    assert one_line(err)


def test_a_name_that_steers_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", str(tmp_path / "a\x1b[2J\nb.zip")]) == 2
    _, err = capsys.readouterr()
    assert one_line(err)
    assert "\x1b" not in err and r"a\x1b[2J\nb.zip" in err


# Nothing but itself


def test_the_program_needs_no_server_and_no_secret_half(alone: Path) -> None:
    words = "import sys, verifier.cli, verifier.__main__; print(sorted({name.split('.')[0] for name in sys.modules}))"
    ended = subprocess.run(
        [sys.executable, "-c", words], cwd=alone, timeout=60, capture_output=True, text=True, check=True
    )
    assert "'verifier'" in ended.stdout and "'gmpy2'" in ended.stdout
    for name in ("django", "rest_framework", "celery", "phe", "psycopg", "redis", "tally", "voting"):
        assert f"'{name}'" not in ended.stdout


def test_help(alone: Path) -> None:
    ended = program(alone, "--help")
    assert ended.returncode == 0
    assert "verify" in ended.stdout and "receipt" in ended.stdout
