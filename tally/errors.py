"""What a program that holds secrets refuses, in one sentence. No message ever carries a secret."""

from __future__ import annotations


class TallyError(Exception):
    """The one family that callers catch."""


class DamagedFile(TallyError):
    """A share or key file is not what was written."""


class WrongPassphrase(TallyError):
    """The file is whole, but this passphrase does not open it."""


class OtherElection(TallyError):
    """A share, key or state file belongs to another election, key or trustee."""


class ShareDoesNotVerify(TallyError):
    """v^{s_i} is not the verification key on the board."""


class ThresholdNotMet(TallyError):
    """Fewer than t trustees have delivered their partial roots."""


class LogRefused(TallyError):
    """The log does not verify, or is not a continuation of what this trustee saw before."""


class NothingToOpen(TallyError):
    """Replay names nothing that this trustee should root now."""


class AlreadyOpened(TallyError):
    """This trustee has rooted another counted set of this election: there is one, ever."""
