"""What a program that holds secrets refuses, in one sentence. No message ever carries a secret."""

from __future__ import annotations


class TallyError(Exception):
    """The one family that callers catch."""


class DamagedFile(TallyError):
    """A share, key, memory or entry file is not what was written."""


class WrongPassphrase(TallyError):
    """The file is whole, but this passphrase does not open it."""


class OtherElection(TallyError):
    """A share, key or memory belongs to another election, key or party."""


class ShareDoesNotVerify(TallyError):
    """v^{s_i} is not the verification key on the board."""


class ThresholdNotMet(TallyError):
    """Fewer than t trustees have delivered their partial roots."""


class LogRefused(TallyError):
    """The log does not verify, or does not continue what was seen before."""


class InUse(TallyError):
    """Another program works with the same trustee's file."""


class NothingToDo(TallyError):
    """Replay names nothing to mix, root or count now."""


class AlreadyOpened(TallyError):
    """This trustee has rooted another counted set of this election: there is one, ever."""


class StoreUnreachable(TallyError):
    """The place where work lies for other processes is away, or not private enough."""


class WorkFailed(TallyError):
    """A worker process could not do its piece of work: a fault of ours, told with its type only."""


class OrderRefused(TallyError):
    """What a mixer was asked to mix is not from the board of an election that names this mixer."""
