"""What opening, closing and acceptance refuse."""

from __future__ import annotations

from collections.abc import Sequence

from voting.errors import VotingError


class NotReady(VotingError):
    """Something is missing or inconsistent; `problems` names everything."""

    code = "not-ready"

    def __init__(self, problems: Sequence[str], where: str = "") -> None:
        super().__init__("; ".join(problems), where)
        self.problems = tuple(problems)
