"""What the server refuses, with a stable code for machines and one sentence for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

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


# Officials


class NotPermitted(VotingError):
    """This person may not do this, here or alone."""

    code = "not-permitted"


class AlreadyProposed(VotingError):
    """The same act about the same thing waits for a second person already."""

    code = "already-proposed"


class ProposalClosed(VotingError):
    """Somebody decided about it before."""

    code = "proposal-closed"


class TextTooLong(VotingError):
    """A text is longer than its field; `where` names the field, `limit` is its length in characters."""

    code = "text-too-long"

    def __init__(self, reason: str, where: str, limit: int) -> None:
        super().__init__(reason, where)
        self.limit = limit


class RolesIncompatible(VotingError):
    """An office cannot appoint to this role, or the person holds one that does not go with it."""

    code = "roles-incompatible"


class AccessLogBroken(VotingError):
    """The access log is not the chain that it should be."""

    code = "access-log-broken"


class KeyUnusable(VotingError):
    """A key file cannot be read, is readable by others, or does not hold a key."""

    code = "key-unusable"


class FileRefused(VotingError):
    """An evidence file is of no accepted type, too large, damaged, active or infected."""

    code = "file-refused"


class ScanFailed(VotingError):
    """The virus scanner gave no verdict on a file, which is therefore not taken."""

    code = "scan-failed"


class EvidenceUnreadable(VotingError):
    """A sealed file does not open: damaged, of another row, under another master key, or its key is deleted."""

    code = "evidence-unreadable"


class CodeMistyped(VotingError):
    """A one-time code that nobody was ever given, by its form alone.

    `kind` says what is wrong with the form; `position` counts from 1, separators left out, for `kind` "character" only.
    """

    code = "code-mistyped"

    def __init__(
        self, reason: str, kind: Literal["length", "character", "checksum"], position: int | None = None
    ) -> None:
        super().__init__(reason)
        self.kind = kind
        self.position = position


# The roll


class NotEligible(VotingError):
    """The roll says that this person has no vote here, or none in any contest."""

    code = "not-eligible"


class VoteTaken(VotingError):
    """This person's vote in the election is taken: issued, cast, or given on paper."""

    code = "vote-taken"


class SamePerson(VotingError):
    """Another row of the roll looks like the same person, and holds a ballot or has voted."""

    code = "same-person"


class RollNotReady(VotingError):
    """The roll is not in a state for this: not imported, committed already, or not yet committed to."""

    code = "roll-not-ready"
