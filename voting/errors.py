"""What the server refuses, with a stable code for machines and one sentence for people."""

from __future__ import annotations

from collections.abc import Sequence

from verifier.errors import CheckFailed


class VotingError(Exception):
    """The one family that callers catch.

    `code` never changes for the same cause, `where` is the place ("entry 17, ballot-cast"), `reason` one sentence.
    """

    code = "voting"

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(reason, where)
        self.reason = reason
        self.where = where

    def __str__(self) -> str:
        place = f" [{self.where}]" if self.where else ""
        return f"{self.reason}{place}"


class EntryRefused(VotingError):
    """Replay would not accept the entry; `code` is the name of the check, the same that observers see."""

    def __init__(self, failure: CheckFailed) -> None:
        super().__init__(failure.reason, failure.where)
        self.code = failure.check


class ClockBehind(VotingError):
    """The time is earlier than that of what is on the board already."""

    code = "clock-behind"


class ManifestIncomplete(VotingError):
    """An election's definition does not make a manifest; `problems` names everything that is wrong."""

    code = "manifest-incomplete"

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems), "manifest")
        self.problems = tuple(problems)


class ManifestDiffers(VotingError):
    """The manifest submitted is not the one that the election's definition makes."""

    code = "manifest-differs"


class BoardInconsistent(VotingError):
    """The stored board contradicts itself or its last checkpoint: nothing is served from it."""

    code = "board-inconsistent"


class BoardKeyUnusable(VotingError):
    """The board's signing key cannot be read, is readable by others, or is not the one in the manifest."""

    code = "board-key-unusable"


class NotOnBoard(VotingError):
    """The board has no such entry, or not yet a manifest."""

    code = "not-on-board"


class CosignatureRefused(VotingError):
    """A line that is not a valid cosignature, by a witness of the manifest, of the latest checkpoint."""

    code = "cosignature-refused"
