"""The rows of an XLSX file, read as a stream (ECMA-376, SpreadsheetML).

Not with openpyxl: it takes four minutes for 800,000 rows of a roll, this one, and it passes silently over a row that
comes twice, which a roll must not.
"""

from __future__ import annotations

import re
import zlib
from array import array
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import IO
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from voting.roll.errors import Message, TableRefused

MAX_UNCOMPRESSED_BYTES = 3 << 30
MAX_PART_BYTES = 16 << 20
"""Of the small parts, which are read whole: workbook, relations, styles."""
MAX_STRINGS_BYTES = 512 << 20
MAX_RATIO = 200
MAX_COLUMNS = 16_384
_LAST_DAY = 2_900_000
_CHUNK = 1 << 16

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_INTEGER = re.compile(r"-?[0-9]{1,15}")
_LETTERS = re.compile(r"[A-Z]{1,3}")
_DATE_FORMATS = frozenset([*range(14, 18), 22, *range(27, 32), 36, *range(50, 55), 57, 58])
_FORMAT_TEXT = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|General', re.IGNORECASE)
_DATE_LETTER = re.compile(r"[ydg]", re.IGNORECASE)

Row = tuple[int, list[str]]
Attributes = dict[str, str]


def sheet_rows(file: IO[bytes]) -> Iterator[Row]:
    """Number (from 1) and cells of each row of the only sheet that has any; dates are ISO, integers their digits.

    A row is padded to the width of the first. TableRefused for anything that is not plain values.
    """
    try:
        with ZipFile(file) as archive:
            yield from _Workbook(archive).rows()
    except expat.ExpatError as error:
        raise _damaged(f"XML, {error}") from None
    except (BadZipFile, zlib.error, EOFError, LookupError, ValueError, NotImplementedError, RuntimeError) as error:
        raise _damaged(type(error).__name__) from None


def _damaged(what: str) -> TableRefused:
    return TableRefused("damaged-xlsx", format_lazy(_("the Excel file is damaged ({what})"), what=what))


def _too_much() -> TableRefused:
    return TableRefused("zip-bomb", _("the Excel file unpacks to too much: it is no table of people"))


class _Workbook:
    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        self._check_sizes()
        relations = self._relations("_rels/.rels", "")
        workbook = next((target for kind, target in relations.values() if kind == "officeDocument"), None)
        if workbook is None:
            raise TableRefused("not-xlsx", _("this is a ZIP file, but not an Excel workbook"))
        folder, _slash, name = workbook.rpartition("/")
        self._parts = self._relations(f"{folder}/_rels/{name}.rels", folder)
        self._epoch = 1900
        self._sheets: list[tuple[str, str]] = []
        self._read_whole(workbook, self._on_workbook)

    def rows(self) -> Iterator[Row]:
        """The rows of the one sheet that is not empty."""
        filled = [sheet for sheet in self._sheets if next(self._sheet(*sheet, strings=None), None) is not None]
        if not filled:
            raise TableRefused("empty", _("the workbook has no values"))
        if len(filled) > 1:
            names = ", ".join(name for name, _path in filled)
            raise TableRefused("several-sheets", format_lazy(_("several sheets have values: {names}"), names=names))
        width = 0
        for number, cells in self._sheet(*filled[0], strings=self._strings()):
            width = width or len(cells)
            yield number, cells + [""] * (width - len(cells))

    def _check_sizes(self) -> None:
        parts = self._archive.infolist()
        if any(part.flag_bits & 1 for part in parts):
            raise TableRefused("encrypted", _("the Excel file is protected by a password: save it without"))
        # A part cannot grow beyond the size it declares: zipfile stops there.
        total = sum(part.file_size for part in parts)
        packed = sum(part.compress_size for part in parts)
        if total > MAX_UNCOMPRESSED_BYTES or total > MAX_RATIO * packed + MAX_PART_BYTES:
            raise _too_much()

    def _check_part(self, path: str, limit: int) -> None:
        if self._archive.getinfo(path).file_size > limit:
            raise _too_much()

    def _relations(self, path: str, folder: str) -> dict[str, tuple[str, str]]:
        """Id to kind and path of what a part refers to."""
        found: dict[str, tuple[str, str]] = {}

        def on_start(tag: str, attributes: Attributes) -> None:
            if tag == "Relationship":
                target = attributes["Target"]
                full = target[1:] if target.startswith("/") else f"{folder}/{target}".lstrip("/")
                found[attributes["Id"]] = (attributes["Type"].rpartition("/")[2], full)

        if path in self._archive.namelist():
            self._read_whole(path, on_start)
        return found

    def _on_workbook(self, tag: str, attributes: Attributes) -> None:
        if tag == "workbookPr" and attributes.get("date1904") in ("1", "true"):
            self._epoch = 1904
        if tag == "sheet":
            relation = [value for name, value in attributes.items() if name.endswith(":id")]
            kind, path = self._parts[relation[0]]
            if kind == "worksheet":
                self._sheets.append((attributes["name"], path))

    def _read_whole(self, path: str, on_start: Callable[[str, Attributes], None]) -> None:
        self._check_part(path, MAX_PART_BYTES)
        parser = _parser()
        parser.StartElementHandler = lambda tag, attributes: on_start(_local(tag), attributes)
        parser.Parse(self._archive.read(path), True)

    def _part_of_kind(self, kind: str) -> str | None:
        return next((path for found, path in self._parts.values() if found == kind), None)

    def _strings(self) -> _Strings:
        strings = _Strings()
        path = self._part_of_kind("sharedStrings")
        if path is not None:
            self._check_part(path, MAX_STRINGS_BYTES)
            with self._archive.open(path) as part:
                for _chunk in strings.feed(part):
                    pass
        return strings

    def _date_styles(self) -> frozenset[str]:
        """The numbers of the cell styles that show a date."""
        path = self._part_of_kind("styles")
        formats: dict[str, str] = {}
        styles: list[str] = []
        inside = False

        def on_start(tag: str, attributes: Attributes) -> None:
            nonlocal inside
            if tag == "numFmt":
                formats[attributes["numFmtId"]] = attributes["formatCode"]
            elif tag in ("cellXfs", "cellStyleXfs", "dxfs"):
                inside = tag == "cellXfs"
            elif tag == "xf" and inside:
                styles.append(attributes.get("numFmtId", "0"))

        if path is not None:
            self._read_whole(path, on_start)
        dates = {str(number) for number in _DATE_FORMATS}
        dates |= {key for key, code in formats.items() if _DATE_LETTER.search(_FORMAT_TEXT.sub("", code))}
        return frozenset(str(number) for number, style in enumerate(styles) if style in dates)

    def _sheet(self, name: str, path: str, strings: _Strings | None) -> Iterator[Row]:
        """Rows with values. Without `strings` only to see whether there are any: texts are then not looked up."""
        sheet = _Sheet(strings, self._date_styles(), self._epoch)
        with self._archive.open(path) as part:
            for _chunk in sheet.feed(part):
                yield from sheet.rows
                sheet.rows.clear()


def _parser() -> expat.XMLParserType:
    """A parser that knows no document types, so no entities either, outside or exploding ones."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


def _local(name: str) -> str:
    return name.rpartition(":")[2] if ":" in name else name


def _refuse_doctype(*_declaration: object) -> None:
    raise TableRefused("doctype", _("the Excel file contains a document type, which no spreadsheet program writes"))


class _Texts:
    """Collects the texts of `t` and `v` elements, without readings (rPh), which Japanese Excel puts next to them.

    What else is done where an element begins or ends is in `starts` and `ends`, by the element's local name.
    """

    def __init__(self) -> None:
        self.starts: dict[str, Callable[[Attributes], None]] = {
            "t": self._open_text,
            "v": self._open_text,
            "rPh": self._open_reading,
        }
        self.ends: dict[str, Callable[[], None]] = {
            "t": self._close_text,
            "v": self._close_text,
            "rPh": self._close_reading,
        }
        self._pieces: list[str] = []
        self._in_reading = False
        self._parser = _parser()
        self._parser.StartElementHandler = self._on_start
        self._parser.EndElementHandler = self._on_end

    def feed(self, part: IO[bytes]) -> Iterator[None]:
        """Parse the part; stops after each chunk, for the caller to take what has been read."""
        while chunk := part.read(_CHUNK):
            self._parser.Parse(chunk, False)
            if sum(map(len, self._pieces)) > _CHUNK:
                raise TableRefused("long-field", _("a text in the Excel file is longer than Excel allows"))
            yield
        self._parser.Parse(b"", True)
        yield

    def _on_start(self, name: str, attributes: Attributes) -> None:
        act = self.starts.get(_local(name))
        if act is not None:
            act(attributes)

    def _on_end(self, name: str) -> None:
        act = self.ends.get(_local(name))
        if act is not None:
            act()

    def _open_text(self, _attributes: Attributes) -> None:
        if not self._in_reading:
            self._parser.CharacterDataHandler = self._pieces.append

    def _close_text(self) -> None:
        self._parser.CharacterDataHandler = None

    def _open_reading(self, _attributes: Attributes) -> None:
        self._in_reading = True

    def _close_reading(self) -> None:
        self._in_reading = False

    def take(self) -> str:
        """The text since the last time."""
        text = "".join(self._pieces)
        self._pieces.clear()
        return _ESCAPED.sub(_unescape, text) if "_x" in text else text


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))


class _Strings(_Texts):
    """The shared texts, one after the other in UTF-8: millions of them in little more memory than their bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.ends["si"] = self._close_string
        self._bytes = bytearray()
        self._ends = array("Q", [0])

    def _close_string(self) -> None:
        # A text may escape half a surrogate pair; it is kept, for the row's check to name.
        self._bytes += self.take().encode("utf-8", "surrogatepass")
        self._ends.append(len(self._bytes))

    def text(self, number: int) -> str:
        """The text with this number from 0. IndexError if there is none."""
        if number < 0:
            raise IndexError(number)
        return self._bytes[self._ends[number] : self._ends[number + 1]].decode("utf-8", "surrogatepass")


class _Sheet(_Texts):
    """Turns a sheet into rows; `rows` has those that are complete and not empty."""

    def __init__(self, strings: _Strings | None, date_styles: frozenset[str], epoch: int) -> None:
        super().__init__()
        self.starts |= {"row": self._open_row, "c": self._open_cell, "f": self._open_formula}
        self.ends |= {"row": self._close_row, "c": self._close_cell}
        self.rows: list[Row] = []
        self._strings = strings
        self._date_styles = date_styles
        self._epoch = epoch
        self._columns: dict[str, int] = {}
        self._number = 0
        self._cells: list[str] = []
        self._in_cell = False
        self._type = self._style = ""

    def _open_row(self, attributes: Attributes) -> None:
        number = int(attributes.get("r", self._number + 1))
        if number <= self._number:
            raise TableRefused("row-order", _("a row of the Excel file comes twice or out of order"), number)
        self._number, self._cells = number, []

    def _close_row(self) -> None:
        while self._cells and not self._cells[-1]:
            self._cells.pop()
        if self._cells:
            self.rows.append((self._number, self._cells))

    def _open_cell(self, attributes: Attributes) -> None:
        reference = attributes.get("r")
        column = self._column_of(reference) if reference else len(self._cells) + 1
        gap = column - len(self._cells) - 1
        if gap < 0:
            raise self._refusal("cell-order", _("a cell of the Excel file comes twice or out of order"))
        if gap:
            self._cells += [""] * gap
        self._type, self._style = attributes.get("t", "n"), attributes.get("s", "")
        self._in_cell = True
        self._pieces.clear()

    def _close_cell(self) -> None:
        text = self.take()
        self._cells.append(self._value(text) if text else "")
        self._in_cell = False

    def _open_formula(self, _attributes: Attributes) -> None:
        if self._in_cell and self._strings is not None:
            raise self._refusal("formula", _("a cell has a formula: replace it by its value"))

    def _column_of(self, reference: str) -> int:
        """1 for A7, 27 for AA7."""
        letters = reference.rstrip("0123456789")
        column = self._columns.get(letters)
        if column is None:
            column = 0
            for letter in letters:
                column = column * 26 + ord(letter) - ord("A") + 1
            if not _LETTERS.fullmatch(letters) or column > MAX_COLUMNS:
                raise self._refusal("cell-order", _("a cell of the Excel file is in no column"))
            self._columns[letters] = column
        return column

    def _value(self, text: str) -> str:
        if self._strings is None:
            return text
        match self._type:
            case "s":
                return self._strings.text(int(text))
            case "inlineStr" | "str" | "b":
                return text
            case "n":
                return self._number_text(text)
            case "d":
                return date.fromisoformat(text.removesuffix("T00:00:00")).isoformat()
        raise self._refusal("error-cell", _("a cell shows an error of Excel, not a value"))

    def _number_text(self, text: str) -> str:
        if not _INTEGER.fullmatch(text):
            raise self._refusal(
                "number", _("a cell has a number that is not whole or too long: format the column as text")
            )
        if self._style not in self._date_styles:
            return text
        day = _day(int(text), self._epoch)
        if day is None:
            raise self._refusal("date", _("a cell is formatted as a date, and its number is no day"))
        return day.isoformat()

    def _refusal(self, code: str, reason: Message) -> TableRefused:
        return TableRefused(code, reason, self._number, len(self._cells) + 1)


def _day(number: int, epoch: int) -> date | None:
    """The day of an Excel date; None if there is none.

    The calendar of 1900 counts a 29 February 1900 that there never was, as 60: days before it are off by one.
    """
    if number < 0 or number > _LAST_DAY or (epoch == 1900 and number in (0, 60)):
        return None
    if epoch == 1904:
        return date(1904, 1, 1) + timedelta(days=number)
    return date(1899, 12, 30 if number > 60 else 31) + timedelta(days=number)
