"""Verify a whole archive: replay its log under a Report, then compare with its checkpoint and files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from verifier.checks import authenticity, completeness, consistency, integrity
from verifier.checks.read import Skip, read
from verifier.crypto.checkpoint import Note, parse_note
from verifier.errors import NotCanonical, UnsafeArchive
from verifier.record.archive import Archive, open_archive
from verifier.record.manifest import MODULUS_BITS
from verifier.replay import Replay
from verifier.replay.state import Stage, State
from verifier.report import BROKEN, Report
from verifier.workers import Pool

Progress = Callable[[str, int, int], None]
"""(what is being done, how many are done, how many there are)"""

MAY_BE_EMPTY: dict[Stage, tuple[str, ...]] = {
    Stage.EMPTY: ("V2.11", "V3.6"),
    Stage.OPEN: (
        *("V2.4", "V2.5", "V2.6", "V3.9", "V3.10", "V3.11", "V3.12"),
        *("V4.4", "V4.5", "V4.6", "V4.7", "V5.5", "V5.6", "V5.7", "V5.20"),
    ),
    Stage.OPENED: (
        *("V1.5", "V2.8", "V3.2", "V3.14", "V4.8", "V4.9", "V5.9", "V5.10", "V5.11"),
        *("V1.6", "V3.18", "V4.10", "V4.11", "V5.13", "V5.14", "V5.15"),
    ),
    Stage.PUBLISHED: ("V5.16",),
}
"""Checks that an honest log may hold no object for, by the stage at which that is certain."""


@dataclass
class Outcome:
    """What verifying found."""

    report: Report
    state: State
    size: int
    checkpoint: bytes = b""
    """the archive's signed checkpoint"""


def silent(what: str, done: int, total: int) -> None:
    """Report no progress."""


def verify(
    path: Path,
    jobs: int = 1,
    known: Sequence[bytes] = (),
    progress: Progress = silent,
    allowed_bits: tuple[int, ...] = MODULUS_BITS,
) -> Outcome:
    """Run every check on the archive at `path`; `known` are checkpoints that the observer kept (signed notes).

    Raises Unreadable or UnsupportedVersion; whatever else is wrong is in the report.
    """
    report = Report()
    with tempfile.TemporaryDirectory(prefix="tashika-verify-") as workspace:
        try:
            archive = open_archive(path, Path(workspace))
        except (UnsafeArchive, NotCanonical) as danger:
            report.run(integrity.archive_safe, path.name, danger)
            report.run(integrity.canonical, path.name, danger)
            report.run(completeness.nothing_skipped, "", report.tallies)
            return Outcome(report, State(), 0)
        report.run(integrity.archive_safe, path.name, None)
        with closing(archive):
            replay = _replay(archive, jobs, report, progress, allowed_bits)
        with suppress(Skip):
            _compare(archive, replay, report, known)
        checkpoint = archive.checkpoint
    _finish(report, replay.state)
    return Outcome(report, replay.state, replay.state.size, checkpoint)


def _replay(archive: Archive, jobs: int, report: Report, progress: Progress, allowed_bits: tuple[int, ...]) -> Replay:
    checked = 0

    def advance(ballots: int) -> None:
        nonlocal checked
        checked += ballots
        progress("proofs of ballots", checked, max(checked, state.cast + state.opened))

    with Pool(jobs, archive, report, advance) as pool:
        replay = Replay(archive, report, pool, allowed_bits)
        state = replay.state
        with suppress(Skip):
            entries = len(read(report, "entries.jsonl", archive.index))
            for index in range(entries):
                _apply(replay, index, archive.entry(index))
                progress("entries", index + 1, entries)
        pool.drain()
    return replay


def _apply(replay: Replay, index: int, raw: bytes) -> None:
    """A rule that breaks on the rubble of an earlier failure ends the replay as one more failure, never as a crash."""
    try:
        replay.apply(raw)
    except BROKEN as error:
        unreadable = NotCanonical(f"the entry cannot be judged after what came before ({type(error).__name__})")
        replay.judge.run(integrity.canonical, f"entry {index}", unreadable)
        raise Skip from error


def _compare(archive: Archive, replay: Replay, report: Report, known: Sequence[bytes]) -> None:
    state, tree = replay.state, replay.tree
    report.run(completeness.files_present, "columns", state.columns, archive.columns)
    note: Note = read(report, "checkpoint", parse_note, archive.checkpoint)
    head = note.checkpoint
    report.run(completeness.board_complete, "entries.jsonl", archive.size, state.size, head.size)
    report.run(consistency.board_chained, "checkpoint", tree.root(), head)
    if state.manifest is None:
        return
    report.run(authenticity.head_signed, "checkpoint", state.manifest, note)
    report.run(authenticity.head_witnessed, "checkpoint", state.manifest, note)
    for number, text in enumerate(known):
        where = f"known checkpoint {number}"
        kept: Note = read(report, where, parse_note, text)
        report.run(authenticity.head_signed, where, state.manifest, kept)
        report.run(consistency.board_prefix, where, tree, kept.checkpoint, state.manifest.origin)


def _finish(report: Report, state: State) -> None:
    stages = list(Stage)
    for stage, codes in MAY_BE_EMPTY.items():
        if stages.index(state.stage) >= stages.index(stage):
            report.nothing_to_check(codes)
    ran = set(report.tallies)
    report.run(completeness.nothing_skipped, "", ran)
