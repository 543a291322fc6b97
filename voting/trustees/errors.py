"""What is refused of a trustee's file: `reason` is a sentence for whoever holds it, in the language of the page."""

from __future__ import annotations

from voting.errors import VotingError


class HandInRefused(VotingError):
    """A file that is not taken; `code` says which case, and never changes for it."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason, "upload")
        self.code = code
