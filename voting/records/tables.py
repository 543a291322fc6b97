"""What a document is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Row = Sequence[str]


@dataclass(frozen=True)
class Table:
    """A table of a document. The first cell of a row names it; rows may be a stream, to be read once."""

    caption: str
    columns: tuple[str, ...]
    rows: Iterable[Row]
    note: str = ""
    """what stands under it on the page"""
    numeric: bool = False
    """whether all cells but the first are numbers"""
