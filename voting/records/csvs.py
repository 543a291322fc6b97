"""Documents as CSV: UTF-8 with a mark so that spreadsheets know it, or CP932 when every character has a place there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Literal

from voting.records.errors import NotEncodable, Unmappable
from voting.records.tables import Row, Table

Encoding = Literal["utf-8", "cp932"]
ENCODINGS: tuple[Encoding, ...] = ("utf-8", "cp932")
MARK = "\ufeff"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula; Japanese ones also the wide forms."""
MOST_NAMED = 100
"""unmappable cells named in a refusal; all are counted"""


def csv_bytes(tables: Iterable[Table], encoding: Encoding = "utf-8") -> Iterator[bytes]:
    """The document, a line at a time; tables with the same columns share one header, others follow an empty line.

    For "cp932" ask `require_mappable` first: here an unmappable character is a UnicodeEncodeError.
    """
    if encoding == "utf-8":
        yield MARK.encode()
    for _columns, row in _lines(tables):
        yield line(row).encode(encoding)


def _lines(tables: Iterable[Table]) -> Iterator[tuple[tuple[str, ...], Row]]:
    """Every line as (its columns, its cells)."""
    before: tuple[str, ...] = ()
    for table in tables:
        if table.columns != before:
            if before:
                yield (), ()
            yield table.columns, table.columns
            before = table.columns
        yield from ((table.columns, row) for row in table.rows)


def line(row: Row) -> str:
    """A row with its CRLF; no cell is a formula."""
    text = io.StringIO()
    csv.writer(text).writerow([_harmless(cell) for cell in row])
    return text.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def require_mappable(tables: Iterable[Table], encoding: Encoding) -> None:
    """Raises NotEncodable naming the cells with characters that the encoding lacks (髙 has a place, 𠮷 has none)."""
    if encoding == "utf-8":
        return
    cells: list[Unmappable] = []
    count = 0
    for number, (columns, row) in enumerate(_lines(tables), 1):
        for column, cell in zip(columns, row, strict=True):
            missing = _missing(cell, encoding)
            count += bool(missing)
            if missing and len(cells) < MOST_NAMED:
                cells.append(Unmappable(number, column, missing))
    if count:
        raise NotEncodable(cells, count, encoding)


def _missing(cell: str, encoding: Encoding) -> str:
    if _has(cell, encoding):
        return ""
    return "".join(sorted({character for character in cell if not _has(character, encoding)}))


def _has(text: str, encoding: Encoding) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
