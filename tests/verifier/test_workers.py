"""Where checks run makes no difference to what they say."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.election import Election
from tests.forge import at, edit
from verifier import cli, workers
from verifier.ballots import Sealed, Setting
from verifier.checks import CHECKS
from verifier.errors import Unreadable
from verifier.record.archive import Archive, open_archive
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type, parse_entry
from verifier.report import Gate, Report
from verifier.workers import InProcess, Pool, Unexamined

ROOT = Path(__file__).parents[2]
SHOWN = "V2.4 V4.5 V4.6 V4.7 V5.5 V5.6 V5.7 V5.20".split()


@pytest.fixture
def forged(tmp_path: Path) -> Archive:
    """An election whose opened ballot comes with another seed, as an archive on disk."""
    election = edit(at("published"), Type.BALLOT_OPENED, lambda body: body.update(seed=encode_bytes(b"s" * 32)))
    return open_archive(election.write(tmp_path / "election.zip"), tmp_path / "unpacked")


@pytest.fixture
def setting() -> Setting:
    return setting_of(at("published"))


def setting_of(election: Election) -> Setting:
    manifest, key = election.state.require()
    return Setting(manifest, key, election.state.base)


def ballots(archive: Archive) -> Iterator[tuple[int, Sealed]]:
    for index in range(archive.size):
        entry = parse_entry(archive.entry(index))
        if entry.type in (Type.BALLOT_CAST, Type.BALLOT_OPENED):
            yield index, Sealed(f"entry {index}", entry)


def examined(archive: Archive, setting: Setting, jobs: int) -> tuple[Report, list[int]]:
    report, progress = Report(), list[int]()
    with Pool(jobs, archive, report, progress.append) as pool:
        for index, ballot in ballots(archive):
            pool.examine(Report(), setting, ballot, index)
        pool.drain()
    return report, progress


def counts(report: Report) -> dict[str, int]:
    return {code: tally.count for code, tally in report.tallies.items()}


def words(report: Report) -> list[str]:
    return [str(failure) for failure in report.failures]


def test_one_process_two_and_none_of_its_own_say_the_same(
    forged: Archive, setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "CHUNK", 3)
    here, (alone, told), (both, told_by_two) = Report(), examined(forged, setting, 1), examined(forged, setting, 2)
    for index, ballot in ballots(forged):
        InProcess().examine(here, setting, ballot, index)
    assert told == told_by_two == [3, 3, 2]
    assert counts(alone) == counts(both) == counts(here)
    assert words(alone) == words(both) == words(here)
    assert {failure.check for failure in here.failures} == {"V5.20 AuditedOpened"}
    assert set(SHOWN) <= set(counts(here)) <= set(CHECKS)
    assert counts(here)["V2.4"] == 8


def test_nothing_is_examined_before_a_chunk_is_full_or_the_pool_drained(forged: Archive, setting: Setting) -> None:
    report, progress = Report(), list[int]()
    with Pool(1, forged, report, progress.append) as pool:
        for index, ballot in ballots(forged):
            pool.examine(report, setting, ballot, index)
        assert (report.tallies, progress) == ({}, [])
        pool.drain()
        pool.drain()
    assert progress == [8]
    assert report.tallies["V2.4"].count == 8


def test_waiting_chunks_are_bounded_and_in_order(
    forged: Archive, setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With two workers at most four chunks wait, whatever the length of the log."""
    monkeypatch.setattr(workers, "CHUNK", 1)
    report, progress = Report(), list[int]()
    with Pool(2, forged, report, progress.append) as pool:
        for index, ballot in ballots(forged):
            pool.examine(report, setting, ballot, index)
        assert len(progress) == 4
        pool.drain()
    assert len(progress) == 8


def test_a_worker_opens_the_archive_itself(forged: Archive, setting: Setting) -> None:
    """The file that this process holds open does not travel to it."""
    forged.entry(0)
    report, _ = examined(forged, setting, 2)
    assert report.tallies["V2.4"].count == 8


def test_a_worker_that_cannot_read_is_an_error_and_no_verdict(
    forged: Archive, setting: Setting, tmp_path: Path
) -> None:
    held = list(ballots(forged))
    forged.index()
    forged.close()
    shutil.rmtree(tmp_path / "unpacked")
    for jobs in (1, 2):
        with pytest.raises(OSError, match="entries.jsonl"), Pool(jobs, forged, Report(), lambda _: None) as pool:
            for index, ballot in held:
                pool.examine(Report(), setting, ballot, index)
            pool.drain()


def process_of(_: int) -> int:
    return os.getpid()


def test_leaving_the_pool_ends_its_processes() -> None:
    with Pool(2, at("published"), Report(), lambda _: None) as pool:
        pids = set(pool.map(process_of, range(4)))
        assert os.getpid() not in pids
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_map_keeps_the_order() -> None:
    with Pool(2, at("published"), Report(), lambda _: None) as pool:
        assert list(pool.map(abs, range(-3, 4))) == [3, 2, 1, 0, 1, 2, 3]
    with Pool(1, at("published"), Report(), lambda _: None) as pool:
        assert list(pool.map(process_of, [1])) == [os.getpid()]
    assert list(InProcess().map(abs, [-1])) == [1]


def test_a_log_that_was_judged_before_is_not_examined(forged: Archive, setting: Setting) -> None:
    for index, ballot in ballots(forged):
        Unexamined().examine(Gate(), setting, ballot, index)


INTERRUPTED = """
import sys, time
from verifier import cli
from verifier.report import Report
from verifier.workers import Pool

def verify(*_):
    with Pool(2, None, Report(), print) as pool:
        list(pool.map(abs, range(8)))
        print("ready", flush=True)
        list(pool.map(time.sleep, [2]))

cli.verify = verify
sys.exit(cli.main(["verify", "election.zip"]))
"""


def listening() -> None:
    """A shell starts its background jobs deaf to Ctrl-C, and these tests may be one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_is_one_line_whatever_the_number_of_processes() -> None:
    """A terminal sends the signal to every process of the program. Only the first one speaks."""
    command = [sys.executable, "-c", INTERRUPTED]
    started = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=listening,
    )
    assert started.stdout and started.stdout.readline() == "ready\n"
    time.sleep(0.5)
    os.killpg(started.pid, signal.SIGINT)
    _, err = started.communicate(timeout=60)
    assert (started.returncode, err) == (2, "verifier: interrupted\n")


def die(*_: object) -> None:
    """What the kernel does to a process that wants too much memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_was_killed_is_no_verdict(forged: Archive) -> None:
    """An honest archive must never be called invalid because this machine is too small."""
    with Pool(2, forged, Report(), lambda _: None) as pool, pytest.raises(Unreadable, match="worker process died"):
        pool.map(die, [1, 2])
    with Pool(2, forged, Report(), lambda _: None) as pool:
        for _ in range(2):
            with pytest.raises(Unreadable, match="worker process died"):
                pool.map(die, [1])


def test_a_worker_that_was_killed_ends_the_program_as_unreadable(
    forged: Archive, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(workers, "_examine_chunk", die)
    assert cli.main(["verify", str(tmp_path / "election.zip"), "--jobs", "2"]) == cli.UNREADABLE
    assert capsys.readouterr().err.startswith("verifier: a worker process died")
