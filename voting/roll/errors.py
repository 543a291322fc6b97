"""What a roll file is refused for: the file as a whole, or the faults of one row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from voting.errors import VotingError

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

Message: TypeAlias = "str | _StrPromise"
"""A sentence for people; it is translated when it is shown."""
EXCERPT_LENGTH = 40


class TableRefused(VotingError):
    """A file cannot be read as a table; nothing of it may be imported.

    `code` names the cause. `line` (from 1), `column` (from 1) and `offset` (bytes from 0) say where, as far as known.
    """

    def __init__(
        self,
        code: str,
        reason: Message,
        line: int | None = None,
        column: int | None = None,
        offset: int | None = None,
    ) -> None:
        places = (("row", line), ("column", column), ("byte", offset))
        super().__init__(str(reason), ", ".join(f"{name} {number}" for name, number in places if number is not None))
        self.code = code
        self.message = reason
        self.line = line
        self.column = column
        self.offset = offset


@dataclass(frozen=True)
class Fault:
    """One thing wrong with one cell: `column` is its header, `code` a stable name, `message` a sentence for people.

    The value is personal data: it is not in the repr, so that it does not end in a log.
    """

    line: int
    column: str
    code: str
    message: Message
    value_excerpt: str = field(default="", repr=False)


class _Faulty(VotingError):
    """The place and the codes, never the values, are in the exception's text."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        named = "; ".join(f"{fault.column}: {fault.code}" for fault in faults)
        super().__init__(named, f"row {faults[0].line}")
        self.faults = tuple(faults)


class HeaderInvalid(_Faulty):
    """The header has unknown, repeated or missing columns; `faults` names every one."""

    code = "header-invalid"


class RowInvalid(_Faulty):
    """A row of the roll has faults; `faults` names every one."""

    code = "row-invalid"
