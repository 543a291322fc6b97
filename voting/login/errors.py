"""What the login refuses. Voters read one neutral sentence for all of it; logs name the cause and never a person."""

from __future__ import annotations

from datetime import datetime

from voting.errors import VotingError


class LoginRefused(VotingError):
    """What came back is not, in every part, the answer to the login that this session began."""

    code = "login-refused"


class ProviderUnavailable(LoginRefused):
    """The provider does not answer in time, in bounds, with success, or is not set up."""

    code = "provider-unavailable"


class BirthRefused(VotingError):
    """The date of birth is not that of the application. It was counted."""

    code = "birth-refused"


class LockedOut(VotingError):
    """Too many wrong dates of birth: an official lets the voter try again."""

    code = "locked-out"


class TooFast(VotingError):
    """Too many tries from one address; `until` is when there may be more, `wait` the seconds until then."""

    code = "too-fast"

    def __init__(self, reason: str, until: datetime, wait: int) -> None:
        super().__init__(reason)
        self.until = until
        self.wait = wait


class ClaimMalformed(VotingError):
    """What a device sends cannot be read; `where` names the field."""

    code = "malformed"


class BirthUnreadable(VotingError):
    """What a device sends as a date of birth is none; the sentence is for the voter."""

    code = "birth-unreadable"


class ChallengeExpired(VotingError):
    """The session has no challenge, or it is too old: ask for another."""

    code = "challenge-expired"


class DeviceRefused(VotingError):
    """No device with a ballot has this key, signature and date of birth. Which of them is wrong is not said."""

    code = "device-refused"
