"""What the booth refuses."""

from __future__ import annotations

from voting.errors import VotingError


class LoginNeeded(VotingError):
    """Nobody is logged in, or the login is older than half an hour (requirement 21)."""

    code = "login-required"


class OutsideHours(VotingError):
    """It is not, or no longer, the time in which this voter's category votes."""

    code = "outside-hours"


class PollsClosed(VotingError):
    """The board takes no ballot now: the close, or the hour of a contest, came first."""

    code = "election-closed"


class NotRegistered(VotingError):
    """This voter has no slot on the board yet, or the ballot is of another slot or signed by another device."""

    code = "not-registered"


class Superseded(VotingError):
    """A later ballot of this voter is on the board: this one was sealed before it and does not count."""

    code = "stale-sequence"


class VotedAlready(VotingError):
    """The election allows one ballot for each voter, and it is on the board."""

    code = "voted-already"


class OpenedAlready(VotingError):
    """This sealed ballot was opened as a test: everybody can read it, so it is never handed in."""

    code = "opened-already"


class CastAlready(VotingError):
    """This sealed ballot was handed in: it is not opened."""

    code = "cast-already"


class BallotInvalid(VotingError):
    """Replay would refuse the ballot; `check` is the name of the check that observers run."""

    code = "proof-invalid"

    def __init__(self, reason: str, where: str, check: str) -> None:
        super().__init__(reason, where)
        self.check = check


class PeopleMissing(VotingError):
    """Somebody who has to stand by has not confirmed yet."""

    code = "two-person-required"


class TooMany(VotingError):
    """More ballots in an hour than anybody needs."""

    code = "slow-down"
