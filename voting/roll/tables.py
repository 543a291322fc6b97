"""Tables from outside, CSV in UTF-8 or CP932 and XLSX, as a stream of rows with bounded memory.

What is doubtful is refused with its place: no byte is replaced, no row skipped, no value guessed. Only rows without any
value are passed over.
"""

from __future__ import annotations

import csv
import mmap
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from voting.roll.errors import Message, TableRefused
from voting.roll.sheets import sheet_rows

MAX_ROWS = 3_000_000
MAX_FIELD_CHARS = 1000
MAX_LINE_BYTES = 1 << 16
MAX_LINES_OF_A_ROW = 100

_BOM = b"\xef\xbb\xbf"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FIELD = re.compile(r'"(?:[^"]|"")*"(?=,|\r?\n|$)|[^",\r\n]*(?=,|\r?\n|$)')
_QUOTED = re.compile(r'"(?:[^"]|"")*"?')

Row = tuple[int, list[str]]


@dataclass(frozen=True)
class Table:
    """A table that is being read. Iterating gives, once, each row as its line (the header is about line 1) and cells.

    Rows are as wide as the file has them; the reader of the columns says what is missing. `lines` is how many lines the
    file has, header included; None where only reading would tell (XLSX).
    """

    encoding: str
    header: list[str]
    lines: int | None
    _rows: Iterator[Row] = field(repr=False)

    def __iter__(self) -> Iterator[Row]:
        return self._rows


@contextmanager
def open_table(path: Path) -> Iterator[Table]:
    """Open a CSV or XLSX file, by its content, not by its name.

    The encoding is "utf-8", "cp932" or "xlsx". Text is UTF-8 if its header is, and else CP932; the whole file is
    decoded strictly before the first row is given. TableRefused here, or from the iteration.
    """
    with path.open("rb") as file:
        start = file.read(len(_OLE))
        file.seek(0)
        if not start:
            raise TableRefused("empty", _("the file is empty"))
        if start == _OLE:
            raise _ole_refusal(file)
        if start.startswith(b"PK"):
            yield _table("xlsx", None, sheet_rows(file))
            return
        if path.suffix.lower() == ".xlsx":
            raise TableRefused("not-xlsx", _("the file is named .xlsx, but is not an Excel file"))
        encoding = _encoding_of(file)
        lines = _check_bytes(file, encoding)
        yield _table(encoding, lines, _csv_rows(file, encoding))


def _table(encoding: str, lines: int | None, rows: Iterator[Row]) -> Table:
    line, header = next(rows, (1, []))
    if not any(map(str.strip, header)):
        raise TableRefused("no-header", _("the first row has no column names"), line)
    if encoding != "xlsx" and len(header) == 1:
        for delimiter, name in (("\t", _("tabs")), (";", _("semicolons"))):
            if delimiter in header[0]:
                reason = format_lazy(_("the columns are separated by {name}: save the file with commas"), name=name)
                raise TableRefused("delimiter", reason, line)
    return Table(encoding, header, lines, _bounded(rows))


def _bounded(rows: Iterator[Row]) -> Iterator[Row]:
    count = 0
    for line, cells in rows:
        if not any(cells):
            continue
        count += 1
        if count > MAX_ROWS:
            raise _too_many_rows(line)
        if len(max(cells, key=len)) > MAX_FIELD_CHARS:
            column = next(i for i, cell in enumerate(cells, 1) if len(cell) > MAX_FIELD_CHARS)
            reason = format_lazy(_("a cell has more than {limit} characters"), limit=MAX_FIELD_CHARS)
            raise TableRefused("long-field", reason, line, column)
        yield line, cells


def _too_many_rows(line: int) -> TableRefused:
    return TableRefused("too-many-rows", format_lazy(_("the file has more than {limit} rows"), limit=MAX_ROWS), line)


def _ole_refusal(file: BinaryIO) -> TableRefused:
    """The old container of Excel holds an .xls, or an .xlsx that is encrypted."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        encrypted = content.find("EncryptedPackage".encode("utf-16-le")) >= 0
    if encrypted:
        return TableRefused("encrypted", _("the Excel file is protected by a password: save it without"))
    return TableRefused("old-excel", _("this is an old Excel file: save it as .xlsx or as CSV"))


# --- CSV -------------------------------------------------------------------------------------------------------------


def _raw_lines(file: BinaryIO) -> Iterator[bytes]:
    """Physical lines, without the mark of UTF-8 before the first.

    In UTF-8 and CP932 a byte 0A is always a line feed, never the second half of a character.
    """
    file.seek(len(_BOM) if _has_bom(file) else 0)
    for number, line in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES + 1), b""), 1):
        if len(line) > MAX_LINE_BYTES:
            raise TableRefused("long-row", format_lazy(_("a row has more than {n} bytes"), n=MAX_LINE_BYTES), number)
        yield line


def _has_bom(file: BinaryIO) -> bool:
    file.seek(0)
    return file.read(len(_BOM)) == _BOM


def _encoding_of(file: BinaryIO) -> str:
    """By the header, because a damaged byte further down must not turn UTF-8 into readable nonsense of CP932."""
    header = next(_raw_lines(file))
    if header.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise TableRefused("utf-16", _("the file is in UTF-16: save it as CSV in UTF-8"), 1)
    if _has_bom(file):
        return "utf-8"
    try:
        header.decode("utf-8")
    except UnicodeDecodeError:
        return "cp932"
    return "utf-8"


def _check_bytes(file: BinaryIO, encoding: str) -> int:
    """Decode everything once, and return how many lines there are."""
    offset, number = len(_BOM) if _has_bom(file) else 0, 0
    for number, line in enumerate(_raw_lines(file), 1):
        if number > MAX_ROWS + 1:
            raise _too_many_rows(number)
        try:
            line.decode(encoding)
        except UnicodeDecodeError as error:
            reason = format_lazy(
                _("the byte {byte} is not {encoding}"), byte=f"{line[error.start]:02X}", encoding=encoding.upper()
            )
            raise _byte_refusal("undecodable", reason, number, line, error.start, offset, encoding) from None
        if b"\0" in line:
            reason = _("a NUL byte: this is not a text file, or it is damaged")
            raise _byte_refusal("nul", reason, number, line, line.index(b"\0"), offset, encoding)
        body = line.removesuffix(b"\n").removesuffix(b"\r")
        if b"\r" in body:
            reason = _("a carriage return without a line feed: save the file with line ends of Windows or Unix")
            raise _byte_refusal("carriage-return", reason, number, line, body.index(b"\r"), offset, encoding)
        offset += len(line)
    return number


def _byte_refusal(
    code: str, reason: Message, number: int, line: bytes, start: int, offset: int, encoding: str
) -> TableRefused:
    column = 1 + _QUOTED.sub("", line[:start].decode(encoding)).count(",")
    return TableRefused(code, reason, number, column, offset + start)


def _csv_rows(file: BinaryIO, encoding: str) -> Iterator[Row]:
    record: list[str] = []
    first = 1

    def feed() -> Iterator[str]:
        for raw in _raw_lines(file):
            line = raw.decode(encoding)
            record.append(line)
            if len(record) > MAX_LINES_OF_A_ROW:
                raise _quote_refusal(first, record)
            yield line

    reader = csv.reader(feed(), strict=True)
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            raise _quote_refusal(first, record) from None
        if cells is None:
            return
        # csv takes a lone quote inside a bare field for a letter.
        if '"' in "".join(cells) and _broken_field(record) is not None:
            raise _quote_refusal(first, record)
        yield first, cells
        first += len(record)
        record.clear()


def _broken_field(record: list[str]) -> tuple[int, bool] | None:
    """The column of the first field with a quote out of place, and whether that field is never closed."""
    text = "".join(record)
    position, column = 0, 1
    while match := _FIELD.match(text, position):
        if not text.startswith(",", match.end()):
            return None
        position, column = match.end() + 1, column + 1
    quoted = _QUOTED.match(text, position)
    return column, quoted is not None and quoted.end() == len(text)


def _quote_refusal(line: int, record: list[str]) -> TableRefused:
    column, unclosed = _broken_field(record) or (None, True)
    if unclosed:
        return TableRefused("open-quote", _("a quotation mark is opened here and never closed"), line, column)
    return TableRefused("lone-quote", _('a quotation mark inside a cell must be doubled ("")'), line, column)
