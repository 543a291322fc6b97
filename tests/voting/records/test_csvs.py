"""CSV: what a spreadsheet must not run, what CP932 cannot hold, and what must come back unchanged."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voting.records.csvs import FORMULA, MARK, MOST_NAMED, csv_bytes, line, require_mappable
from voting.records.errors import NotEncodable, Unmappable
from voting.records.tables import Table

CELLS = st.text(alphabet=st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)


def table(*rows: tuple[str, ...], columns: tuple[str, ...] = ("名簿番号", "氏名")) -> Table:
    return Table("", columns, rows)


def test_utf8_has_its_mark_and_crlf() -> None:
    """Spreadsheets know it as UTF-8, and leading zeros stay in the file."""
    written = b"".join(csv_bytes([table(("0012", "架空　太郎"), ("0013", '架空, "花子"'))]))
    assert written == (MARK + '名簿番号,氏名\r\n0012,架空　太郎\r\n0013,"架空, ""花子"""\r\n').encode()


def test_tables_alike_share_a_header_and_others_follow_an_empty_line() -> None:
    """A roll of many districts is one list."""
    written = b"".join(csv_bytes([table(("1", "甲")), table(("2", "乙")), table(("計",), columns=("x",))], "cp932"))
    assert written.decode("cp932") == "名簿番号,氏名\r\n1,甲\r\n2,乙\r\n\r\nx\r\n計\r\n"


@pytest.mark.parametrize("start", FORMULA)
def test_no_cell_is_a_formula(start: str) -> None:
    """An applicant named =HYPERLINK(...) does nothing on an official's machine, in wide characters neither."""
    [cell] = next(csv.reader(io.StringIO(line((f'{start}HYPERLINK("http://evil.example")',)), newline="")))
    assert cell == f'\'{start}HYPERLINK("http://evil.example")'


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_what_spreadsheets_run_is_on_the_list(start: str) -> None:
    """The list above could lose one: these are written out."""
    assert line((f"{start}1+1", "架空")).lstrip('"').startswith(f"'{start}")


@given(cells=st.lists(CELLS, min_size=2, max_size=5))
def test_what_is_written_is_read_again(cells: list[str]) -> None:
    """Only the guard before a formula is added, whatever the text, and one row stays one row."""
    [read] = list(csv.reader(io.StringIO(line(cells), newline="")))
    assert [cell.removeprefix("'") for cell in read] == [cell.removeprefix("'") for cell in cells]
    assert not any(cell.startswith(FORMULA) for cell in read)


def test_cp932_holds_the_usual_variants_only() -> None:
    """髙﨑 have a place there; 𠮷 and a selector are named with row and column, and nothing becomes a question mark."""
    require_mappable([table(("1", "髙﨑　太郎"))], "cp932")
    tables = [table(("1", "髙﨑"), ("2", "𠮷田　𠮷子")), table(("3", "葛\U000e0100飾"))]
    with pytest.raises(NotEncodable) as refused:
        require_mappable(tables, "cp932")
    assert refused.value.cells == (Unmappable(3, "氏名", "𠮷"), Unmappable(4, "氏名", "\U000e0100"))
    assert refused.value.count == 2
    assert "3" in refused.value.problems[0] and "𠮷" in refused.value.problems[0]
    require_mappable(tables, "utf-8")
    with pytest.raises(UnicodeEncodeError):
        b"".join(csv_bytes(tables, "cp932"))


def test_a_refusal_names_the_first_hundred_and_counts_all() -> None:
    with pytest.raises(NotEncodable) as refused:
        require_mappable([table(*[(str(number), "𠮷") for number in range(250)])], "cp932")
    assert (len(refused.value.cells), refused.value.count) == (MOST_NAMED, 250)
