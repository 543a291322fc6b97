"""Files as tables: every row arrives as it was written, and whatever is doubtful is refused with its place."""

from __future__ import annotations

import csv
import io
import re
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voting.roll import sheets, tables
from voting.roll.errors import TableRefused
from voting.roll.tables import open_table

HEADER = ["氏名", "住所", "投票区"]
ROW = ["髙橋　太郎", "架空市﨑町1-2", "001"]


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def csv_bytes(*rows: list[str], encoding: str = "utf-8") -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode(encoding)


def read(path: Path) -> tuple[str, list[str], list[tuple[int, list[str]]]]:
    with open_table(path) as table:
        return table.encoding, table.header, list(table)


def refusal(path: Path) -> TableRefused:
    with pytest.raises(TableRefused) as caught:
        read(path)
    return caught.value


# --- CSV -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codec", "name"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("cp932", "cp932")], ids=["utf-8", "BOM", "cp932"]
)
def test_both_encodings_are_found(codec: str, name: str, tmp_path: Path) -> None:
    path = written(tmp_path / "roll.csv", csv_bytes(HEADER, ROW, encoding=codec))
    assert read(path) == (name, HEADER, [(2, ROW)])


def test_ibm_and_nec_kanji_need_cp932_and_not_shift_jis(tmp_path: Path) -> None:
    row = ["髙﨑①㈱", "架空市", "001"]
    with pytest.raises(UnicodeEncodeError):
        "髙".encode("shift_jis")
    assert read(written(tmp_path / "roll.csv", csv_bytes(HEADER, row, encoding="cp932")))[2] == [(2, row)]


def test_supplementary_kanji_and_selectors_come_unchanged(tmp_path: Path) -> None:
    row = ["𠮷田 葛󠄀", "\ufa19田町", "001"]
    assert read(written(tmp_path / "roll.csv", csv_bytes(HEADER, row)))[2] == [(2, row)]


@given(
    rows=st.lists(
        st.lists(st.text("架空髙﨑aｱ ,\"\n'", min_size=1, max_size=12), min_size=3, max_size=3), min_size=1, max_size=8
    ),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp932"]),
)
def test_any_table_comes_back(rows: list[list[str]], encoding: str, tmp_path: Path) -> None:
    """Quotes, commas and line breaks inside cells too, and the line is the one on which the row begins."""
    path = written(tmp_path / "roll.csv", csv_bytes(HEADER, *rows, encoding=encoding))
    expected, line = [], 2
    for row in rows:
        expected.append((line, row))
        line += 1 + "".join(row).count("\n")
    assert read(path)[2] == expected


def test_rows_without_values_are_passed_over_and_counted_as_lines(tmp_path: Path) -> None:
    content = csv_bytes(HEADER) + b",,\r\n\r\n" + csv_bytes(ROW) + b"\r\n"
    assert read(written(tmp_path / "roll.csv", content))[2] == [(4, ROW)]


def test_rows_keep_their_own_width(tmp_path: Path) -> None:
    """The reader of the columns names a wrong width, together with all other faults of the file."""
    assert read(written(tmp_path / "roll.csv", csv_bytes(HEADER, ["a", "b"], list("abcd"))))[2] == [
        (2, ["a", "b"]),
        (3, list("abcd")),
    ]


def test_lines_are_counted_before_reading(tmp_path: Path) -> None:
    with open_table(written(tmp_path / "roll.csv", csv_bytes(HEADER, ROW, ROW))) as table:
        assert table.lines == 3


GOOD = csv_bytes(HEADER, ROW)
GOOD_932 = csv_bytes(HEADER, ROW, encoding="cp932")

CSV_DAMAGES: dict[str, tuple[bytes, str, int | None, int | None]] = {
    "nothing": (b"", "empty", None, None),
    "only line ends": (b"\r\n\r\n", "no-header", 1, None),
    "header of commas": (b",,\r\n" + GOOD, "no-header", 1, None),
    "tabs": (GOOD.replace(b",", b"\t"), "delimiter", 1, None),
    "semicolons": (GOOD.replace(b",", b";"), "delimiter", 1, None),
    "UTF-16": ("氏名,住所\r\n".encode("utf-16"), "utf-16", 1, None),
    "Latin byte in UTF-8": (GOOD + b"a,\xe9,c\r\n", "undecodable", 3, 2),
    "Latin byte in UTF-8 with BOM": (b"\xef\xbb\xbf" + GOOD + b"\xe9,b,c\r\n", "undecodable", 3, 1),
    "half a kanji in UTF-8": (GOOD + "a,b,架".encode()[:-1] + b"\r\n", "undecodable", 3, 3),
    "surrogate in UTF-8": (GOOD + b"a,\xed\xa0\x80,c\r\n", "undecodable", 3, 2),
    "no such character of CP932": (GOOD_932 + b"a,\x85\x9f,c\r\n", "undecodable", 3, 2),
    "CP932 cells under a UTF-8 header": (GOOD + "a,\"b,c\",空".encode("cp932") + b"\r\n", "undecodable", 3, 3),
    "NUL": (GOOD + b"a,b\0,c\r\n", "nul", 3, 2),
    "old Macintosh": (GOOD.replace(b"\r\n", b"\r"), "carriage-return", 1, 3),
    "open quote": (GOOD + b'a,"b,c\r\n' + GOOD, "open-quote", 3, 2),
    "open quote, long file": (GOOD + b'"a,b,c\r\n' + GOOD * 200, "open-quote", 3, 1),
    "quote in a bare cell": (GOOD + b'a,b,c"d\r\n' + GOOD, "lone-quote", 3, 3),
    "letters after a quoted cell": (GOOD + b'a,"b"x,c\r\n', "lone-quote", 3, 2),
    "quote opened twice": (GOOD + b'a,b,"c\r\n"a",b,c\r\n', "lone-quote", 3, 3),
    "long cell": (GOOD + b"a," + b"b" * 1001 + b",c\r\n", "long-field", 3, 2),
    "long row": (GOOD + b"a," + b"b" * 70_000, "long-row", 3, None),
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "old-excel", None, None),
    "Excel with a password": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + "EncryptedPackage".encode("utf-16-le"),
        "encrypted",
        None,
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", CSV_DAMAGES)
def test_a_damaged_file_is_refused_at_its_place(damage: str, tmp_path: Path) -> None:
    content, code, line, column = CSV_DAMAGES[damage]
    found = refusal(written(tmp_path / "roll.csv", content))
    assert (found.code, found.line) == (code, line)
    if column is not None:
        assert found.column == column


def test_an_undecodable_byte_is_named_with_its_offset(tmp_path: Path) -> None:
    found = refusal(written(tmp_path / "roll.csv", GOOD + b"a,b\xff,c\r\n"))
    assert found.offset == len(GOOD) + 3
    assert found.where == f"row 3, column 2, byte {len(GOOD) + 3}"
    assert "FF" in found.reason
    assert "UTF-8" in found.reason


def test_damaged_utf_8_is_never_read_as_cp932(tmp_path: Path) -> None:
    """These bytes decode as CP932 as well, into nonsense."""
    content = "氏名,住所\r\na,架空".encode() + b"\x81\x40\r\n"
    assert content.decode("cp932")
    assert refusal(written(tmp_path / "roll.csv", content)).code == "undecodable"


def test_damage_at_the_end_is_found_before_the_first_row(tmp_path: Path) -> None:
    path = written(tmp_path / "roll.csv", GOOD * 1000 + b"\xff")
    with pytest.raises(TableRefused), open_table(path):
        pytest.fail("opened")


def test_too_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_ROWS", 3)
    assert len(read(written(tmp_path / "three.csv", csv_bytes(HEADER, *[ROW] * 3)))[2]) == 3
    found = refusal(written(tmp_path / "four.csv", csv_bytes(HEADER, *[ROW] * 4)))
    assert (found.code, found.line) == ("too-many-rows", 5)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = written(tmp_path / "roll.csv", csv_bytes(HEADER, *[ROW] * 100_000))
    tracemalloc.start()
    with open_table(path) as table:
        count = sum(1 for _row in table)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 100_000
    assert peak < 1 << 20


# --- XLSX ------------------------------------------------------------------------------------------------------------


def workbook(path: Path, *rows: list[Any], change: Callable[[openpyxl.Workbook], None] | None = None) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    if change is not None:
        change(book)
    book.save(path)
    return path


def edited(path: Path, part: str, edit: Callable[[bytes], bytes]) -> Path:
    """The same file with one part changed, as no spreadsheet program would write it."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts[part] = edit(parts.get(part, b""))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in parts.items():
            new.writestr(name, content)
    return path


SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"
INLINE = re.compile(rb't="inlineStr"><is>(<t.*?</t>)</is>')
RELATION = b'<Relationship Id="s" Target="sharedStrings.xml" Type="http://example.com/relationships/sharedStrings"/>'


def shared(path: Path) -> Path:
    """The same file with its texts in a part of their own, as Excel writes them."""
    texts: list[bytes] = []

    def number(match: re.Match[bytes]) -> bytes:
        texts.append(match[1])
        return b't="s"><v>%d</v>' % (len(texts) - 1)

    edited(path, SHEET, lambda xml: INLINE.sub(number, xml))
    edited(
        path, "xl/_rels/workbook.xml.rels", lambda xml: xml.replace(b"</Relationships>", RELATION + b"</Relationships>")
    )
    return edited(path, STRINGS, lambda _: b"<sst>" + b"".join(b"<si>%b</si>" % text for text in texts) + b"</sst>")


def test_a_workbook_is_read(tmp_path: Path) -> None:
    rows = [ROW, ["𠮷田 葛󠄀", "", "002"], [], ["a", "b", "003"]]
    path = workbook(tmp_path / "roll.xlsx", HEADER, *rows)
    assert read(path) == ("xlsx", HEADER, [(2, ROW), (3, rows[1]), (5, rows[3])])


def test_a_workbook_is_known_by_its_content(tmp_path: Path) -> None:
    path = workbook(tmp_path / "roll.xlsx", HEADER, ROW).rename(tmp_path / "upload")
    assert read(path)[0] == "xlsx"


def test_shared_texts_are_read(tmp_path: Path) -> None:
    path = shared(workbook(tmp_path / "roll.xlsx", HEADER, ROW, ["𠮷田 葛󠄀", "", "x"]))
    assert read(path)[1:] == (HEADER, [(2, ROW), (3, ["𠮷田 葛󠄀", "", "x"])])


def test_names_with_a_prefix_are_read(tmp_path: Path) -> None:
    def with_prefix(xml: bytes) -> bytes:
        return re.sub(rb"<(/?)(?=[a-z])", rb"<\1x:", xml).replace(b"xmlns=", b"xmlns:x=")

    assert read(edited(workbook(tmp_path / "roll.xlsx", HEADER, ROW), SHEET, with_prefix))[2] == [(2, ROW)]


@given(
    rows=st.lists(
        st.lists(st.text("架空髙𠮷aｱ ,\"&<>'\n", min_size=1, max_size=12), min_size=3, max_size=3),
        min_size=1,
        max_size=5,
    )
)
@settings(max_examples=25)
def test_any_workbook_comes_back(rows: list[list[str]], tmp_path: Path) -> None:
    assert read(workbook(tmp_path / "roll.xlsx", HEADER, *rows))[2] == list(enumerate(rows, 2))


def test_numbers_and_dates_become_their_text(tmp_path: Path) -> None:
    row = [12, date(1980, 3, 1), datetime(2026, 11, 21)]  # noqa: DTZ001
    assert read(workbook(tmp_path / "roll.xlsx", HEADER, row, [True, "x", "y"]))[2] == [
        (2, ["12", "1980-03-01", "2026-11-21"]),
        (3, ["1", "x", "y"]),
    ]


def test_dates_of_either_calendar_and_in_japanese_format(tmp_path: Path) -> None:
    def era_format(book: openpyxl.Workbook) -> None:
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
        book.worksheets[0]["A2"].number_format = '[$-411]ggge"年"m"月"d"日"'
        book.worksheets[0]["B2"].number_format = '[Red]0"days"'

    path = workbook(tmp_path / "roll.xlsx", HEADER, [1, 1, date(1980, 3, 1)], change=era_format)
    assert read(path)[2] == [(2, ["1904-01-02", "1", "1980-03-01"])]


@pytest.mark.parametrize(("number", "day"), [(1, date(1900, 1, 1)), (59, date(1900, 2, 28)), (61, date(1900, 3, 1))])
def test_the_calendar_of_1900(number: int, day: date) -> None:
    assert sheets._day(number, 1900) == day


def test_readings_that_excel_stores_are_not_the_text(tmp_path: Path) -> None:
    path = shared(workbook(tmp_path / "roll.xlsx", HEADER, ROW))

    def with_reading(xml: bytes) -> bytes:
        name = "<t>髙橋　太郎</t>".encode()
        assert name in xml
        return xml.replace(name, name + '<rPh sb="0" eb="2"><t>タカハシ</t></rPh><phoneticPr fontId="1"/>'.encode())

    assert read(edited(path, STRINGS, with_reading))[2] == [(2, ROW)]


def test_escaped_control_characters_are_not_hidden(tmp_path: Path) -> None:
    path = shared(workbook(tmp_path / "roll.xlsx", HEADER, ["a", "b", "c"]))
    path = edited(path, STRINGS, lambda xml: xml.replace(b"<t>b</t>", b"<t>b_x0007_</t>"))
    assert read(path)[2] == [(2, ["a", "b\x07", "c"])]


def test_a_false_dimension_hides_no_rows(tmp_path: Path) -> None:
    path = workbook(tmp_path / "roll.xlsx", HEADER, ROW, ROW)
    path = edited(path, SHEET, lambda xml: xml.replace(b'ref="A1:C3"', b'ref="A1:B2"'))
    assert read(path)[2] == [(2, ROW), (3, ROW)]


def test_a_wider_row_keeps_its_width(tmp_path: Path) -> None:
    assert read(workbook(tmp_path / "roll.xlsx", HEADER, [*ROW, "x"]))[2] == [(2, [*ROW, "x"])]


def replaced(old: bytes, new: bytes, part: str = SHEET) -> Callable[[Path], Path]:
    def damage(path: Path) -> Path:
        def edit(content: bytes) -> bytes:
            assert old in content
            return content.replace(old, new, 1)

        return edited(path, part, edit)

    return damage


def cell(value: Any) -> Callable[[Path], Path]:
    """C2 holds the value."""
    return lambda path: workbook(path, HEADER, [*ROW[:2], value])


def with_sheet(path: Path) -> Path:
    def change(book: openpyxl.Workbook) -> None:
        book.create_sheet("空")
        book.create_sheet("抹消者").append(["a"])

    return workbook(path, HEADER, ROW, change=change)


def with_hidden_sheet(path: Path) -> Path:
    def change(book: openpyxl.Workbook) -> None:
        hidden = book.create_sheet("隠")
        hidden.append(["a"])
        hidden.sheet_state = "hidden"

    return workbook(path, HEADER, ROW, change=change)


def bomb(path: Path) -> Path:
    return edited(path, SHEET, lambda xml: xml.replace(b"<sheetData>", b"<sheetData>" + b" " * (40 << 20)))


def encrypted(path: Path) -> Path:
    """The flag that the entries of a ZIP file with a password have, in the central directory."""
    content = bytearray(path.read_bytes())
    start = content.index(b"PK\x01\x02")
    content[start + 8] |= 1
    return written(path, bytes(content))


def cut(path: Path) -> Path:
    return written(path, path.read_bytes()[:-200])


def flipped(path: Path) -> Path:
    """Some bytes inside a compressed part are others."""
    content = bytearray(path.read_bytes())
    start = content.index(SHEET.encode()) + len(SHEET) + 20
    content[start : start + 40] = bytes(40)
    return written(path, bytes(content))


DOCTYPE = b'<!DOCTYPE w [<!ENTITY a "b">]><worksheet '

XLSX_DAMAGES: dict[str, tuple[Callable[[Path], Path], str, int | None, int | None]] = {
    "not a ZIP file": (lambda path: written(path, b"a,b,c\r\n"), "not-xlsx", None, None),
    "only the start of one": (lambda path: written(path, b"PK\x03\x04" + bytes(50)), "damaged-xlsx", None, None),
    "another ZIP file": (
        replaced(b"relationships/officeDocument", b"relationships/other", "_rels/.rels"),
        "not-xlsx",
        None,
        None,
    ),
    "cut off": (cut, "damaged-xlsx", None, None),
    "bytes changed": (flipped, "damaged-xlsx", None, None),
    "XML broken": (replaced(b"</sheetData>", b""), "damaged-xlsx", None, None),
    "missing part": (replaced(b"sheet1.xml", b"sheet9.xml", "xl/_rels/workbook.xml.rels"), "damaged-xlsx", None, None),
    "text number out of range": (
        lambda path: replaced(b"<v>0</v>", b"<v>99</v>")(shared(path)),
        "damaged-xlsx",
        None,
        None,
    ),
    "negative text number": (
        lambda path: replaced(b"<v>0</v>", b"<v>-1</v>")(shared(path)),
        "damaged-xlsx",
        None,
        None,
    ),
    "password": (encrypted, "encrypted", None, None),
    "bomb": (bomb, "zip-bomb", None, None),
    "entities": (replaced(b"<worksheet ", DOCTYPE), "doctype", None, None),
    "no values": (lambda path: workbook(path), "empty", None, None),
    "several sheets": (with_sheet, "several-sheets", None, None),
    "hidden sheet": (with_hidden_sheet, "several-sheets", None, None),
    "formula": (cell("=1+1"), "formula", 2, 3),
    "decimal": (cell(1.5), "number", 2, 3),
    "long number": (cell(12345678901234567), "number", 2, 3),
    "time of day": (cell(datetime(2026, 11, 21, 12, 30)), "number", 2, 3),  # noqa: DTZ001
    "error value": (cell("#N/A"), "error-cell", 2, 3),
    "row twice": (replaced(b'<row r="2"', b'<row r="1"'), "row-order", 1, None),
    "cell twice": (replaced(b'r="B2"', b'r="A2"'), "cell-order", 2, 2),
    "cell in no column": (replaced(b'r="C2"', b'r="ZZZ2"'), "cell-order", 2, 3),
    "cell of another alphabet": (replaced(b'r="C2"', b'r="c2"'), "cell-order", 2, 3),
    "long cell": (cell("a" * 1001), "long-field", 2, 3),
}


@pytest.mark.parametrize("damage", XLSX_DAMAGES)
def test_a_damaged_workbook_is_refused_at_its_place(damage: str, tmp_path: Path) -> None:
    change, code, line, column = XLSX_DAMAGES[damage]
    found = refusal(change(workbook(tmp_path / "roll.xlsx", HEADER, ROW)))
    assert (found.code, found.line, found.column) == (code, line, column)


def test_sheets_with_values_are_named(tmp_path: Path) -> None:
    assert "Sheet, 抹消者" in refusal(with_sheet(tmp_path / "roll.xlsx")).reason


@pytest.mark.parametrize("number", [0, 60, -1, 99_999_999_999])
def test_a_date_that_is_none(number: int, tmp_path: Path) -> None:
    def as_date(book: openpyxl.Workbook) -> None:
        book.worksheets[0]["C2"].number_format = "yyyy/mm/dd"

    found = refusal(workbook(tmp_path / "roll.xlsx", HEADER, ["a", "b", number], change=as_date))
    assert (found.code, found.line, found.column) == ("date", 2, 3)


def test_one_endless_text_does_not_fill_the_memory(tmp_path: Path) -> None:
    """It is refused while it comes in, before there is a cell to name."""
    path = shared(workbook(tmp_path / "roll.xlsx", HEADER, ["a", "b", "c"]))
    endless = b"<t>" + b"xy" * 200_000 + b"</t>"
    found = refusal(edited(path, STRINGS, lambda xml: xml.replace(b"<t>b</t>", endless)))
    assert (found.code, found.line) == ("long-field", None)


def test_a_refusal_has_no_values(tmp_path: Path) -> None:
    for content, *_place in CSV_DAMAGES.values():
        found = refusal(written(tmp_path / "roll.csv", content))
        assert "架空" not in f"{found} {found!r}"


def test_a_row_of_endless_lines_does_not_fill_the_memory(tmp_path: Path) -> None:
    """Every quote is closed, so only the number of lines gives it away."""
    found = refusal(written(tmp_path / "roll.csv", GOOD + b'"\r\n",' * 200 + b"\r\n"))
    assert (found.code, found.line) == ("open-quote", 3)


@pytest.mark.parametrize("limit", ["MAX_UNCOMPRESSED_BYTES", "MAX_PART_BYTES", "MAX_STRINGS_BYTES"])
def test_each_size_of_a_workbook_is_bounded(limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared(workbook(tmp_path / "roll.xlsx", HEADER, ROW))
    assert read(path)[2] == [(2, ROW)]
    monkeypatch.setattr(sheets, limit, 50)
    monkeypatch.setattr(sheets, "MAX_RATIO", 1000)
    assert refusal(path).code == "zip-bomb"
