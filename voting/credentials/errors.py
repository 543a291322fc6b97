"""What the credentials refuse."""

from __future__ import annotations

from voting.errors import VotingError


class CodeRefused(VotingError):
    """No valid letter has this code and date of birth. Which of them is wrong is not said."""

    code = "code-refused"


class NoBallot(VotingError):
    """There is no issued ballot that a device could be bound to."""

    code = "no-ballot"


class AlreadyBound(VotingError):
    """Another device is bound to this voter's slot; a lost one is replaced by two officials."""

    code = "already-bound"


class DeviceSignatureInvalid(VotingError):
    """The device did not sign the entry that was prepared for it."""

    code = "device-signature-invalid"
