"""The board as dealer, trustees, mixers and witnesses take it: an archive that they verify themselves."""

from __future__ import annotations

from pathlib import Path

from tally.errors import LogRefused
from verifier.checks import consistency
from verifier.crypto.checkpoint import parse_note
from verifier.errors import CheckFailed
from verifier.record.manifest import MODULUS_BITS
from verifier.replay.state import State
from verifier.verify import Progress, silent, verify

NOT_YET = ("V1.9",)
"""An election under way cannot have passed every check."""


def verified_state(
    archive: Path,
    known: str | None = None,
    jobs: int = 1,
    progress: Progress = silent,
    allowed_bits: tuple[int, ...] = MODULUS_BITS,
    excused: tuple[str, ...] = NOT_YET,
) -> tuple[State, str]:
    """(state, checkpoint) of a log that holds so far, under every check of the verifier that has anything to check yet.

    `excused` are checks that need not pass: the one for completeness, and for a witness the one for witnesses.
    Raises LogRefused naming the first failure; Unreadable or UnsupportedVersion.
    """
    outcome = verify(archive, jobs, [] if known is None else [known.encode()], progress, allowed_bits)
    failures = [failure for failure in outcome.report.failures if failure.check.split()[0] not in excused]
    if known is not None and failures and all(failure.check == consistency.board_prefix.name for failure in failures):
        raise LogRefused(_not_continued(outcome.size, known, failures[0]))
    if failures:
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        raise LogRefused(f"the log does not verify: {failures[0]}{more}")
    return outcome.state, outcome.checkpoint.decode()


def _not_continued(size: int, known: str, failure: CheckFailed) -> str:
    """Why a log that is in order by itself is refused by whoever has seen another one."""
    seen = parse_note(known.encode()).checkpoint.size
    if size < seen:
        return f"this log is older than the one that was seen before ({size} entries now, {seen} then): get a newer one"
    return (
        "this is another log than the one that was seen before: of another election, or another history of the same. "
        f"Nothing was done. If it is the same election, tell the observers at once ({failure})"
    )
