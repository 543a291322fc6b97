"""What can be wrong with data from outside. Nothing else leaves `verifier`."""

from __future__ import annotations


class VerifierError(Exception):
    """The one family that callers catch."""


class Unreadable(VerifierError):
    """A file cannot be read as what it claims to be (exit code 2)."""


class UnsupportedVersion(VerifierError):
    """The archive is of a format version that this program does not know (exit code 3)."""


class NotCanonical(VerifierError):
    """Bytes are not the one canonical form of what they say."""


class BadInteger(VerifierError):
    """A text is not the one encoding of an integer or byte string of its type."""


class UnsafeArchive(VerifierError):
    """An archive's names, sizes or counts break the rules before anything in it is used."""


class CheckFailed(VerifierError):
    """A named check rejected an object.

    `check` is the name as printed ("V2.4 BallotSigned"), `where` the place ("entry 17, contest mayor"),
    `reason` one sentence.
    """

    def __init__(self, check: str, reason: str, where: str = "") -> None:
        super().__init__(check, reason, where)
        self.check = check
        self.reason = reason
        self.where = where

    def __str__(self) -> str:
        place = f" [{self.where}]" if self.where else ""
        return f"{self.check}{place}: {self.reason}"
