"""What the records refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.utils.translation import gettext as _

from voting.errors import VotingError


class NotBalanced(VotingError):
    """The records cannot be sealed; `problems` names everything that does not agree or is not finished."""

    code = "not-balanced"

    def __init__(self, problems: Sequence[str], where: str = "") -> None:
        super().__init__("; ".join(problems), where)
        self.problems = tuple(problems)


class AlreadySealed(VotingError):
    """The records were sealed before."""

    code = "already-sealed"


class NotSealed(VotingError):
    """The records are not sealed yet."""

    code = "not-sealed"


class NotApproved(VotingError):
    """No approved and unused request, younger than its limit, allows this person to export this document."""

    code = "not-approved"


class Unmappable(NamedTuple):
    """A cell with characters that an encoding lacks. `row` counts from 1, the header included."""

    row: int
    column: str
    characters: str


class NotEncodable(VotingError):
    """The document holds characters that the encoding lacks; `cells` names the first of them, `count` is of all."""

    code = "not-encodable"

    def __init__(self, cells: Sequence[Unmappable], count: int, encoding: str) -> None:
        super().__init__(_("%(count)d cells cannot be written in this encoding") % {"count": count}, encoding)
        self.cells = tuple(cells)
        self.count = count

    @property
    def problems(self) -> list[str]:
        """The cells in words."""
        told = _("row %(row)d, %(column)s: %(characters)s")
        return [told % cell._asdict() for cell in self.cells]
