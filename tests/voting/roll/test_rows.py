"""Rows of a roll: a good one is read as it stands, and every damaged cell is named with row, column and cause."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from voting.eras import PartialDate
from voting.roll.columns import COLUMNS, Header
from voting.roll.errors import Fault, HeaderInvalid, RowInvalid
from voting.roll.rows import Context, RollRow, parse_row
from voting.roll.tables import open_table

NAMES = [column.header for column in COLUMNS]
HEADER = Header(NAMES)
CONTEXT = Context(frozenset({"001", "002"}), election_day=date(2026, 11, 29), today=date(2026, 11, 21))
GOOD = {
    "宛名番号": "0000000001",
    "名簿番号": "001-002-0003",
    "氏名": "髙橋　太郎",
    "フリガナ": "タカハシ　タロウ",
    "旧氏・通称": "",
    "性別": "男",
    "生年月日": "昭和55年3月1日",
    "郵便番号": "999-0001",
    "住所": "架空県架空市﨑町1丁目2番3号",
    "方書": "架空ハイツ１０１",
    "投票区": "001",
    "登録年月日": "2026-09-01",
    "表示区分": "",
    "異動日": "",
    "県内転出": "",
    "国政": "",
    "県": "",
    "市": "",
    "点字希望": "",
    "代理投票希望": "",
    "名簿種別": "",
}


def cells(**changes: str) -> list[str]:
    return list((GOOD | changes).values())


def parsed(**changes: str) -> RollRow:
    return parse_row(HEADER, 2, cells(**changes), CONTEXT)


def faults(**changes: str) -> list[tuple[str, str]]:
    with pytest.raises(RowInvalid) as caught:
        parsed(**changes)
    return [(fault.column, fault.code) for fault in caught.value.faults]


def test_a_good_row() -> None:
    assert parsed() == RollRow(
        number="0000000001",
        list_number="001-002-0003",
        name="髙橋　太郎",
        kana="タカハシ　タロウ",
        other_name="",
        sex="M",
        birth=PartialDate(1980, 3, 1),
        postcode="9990001",
        address="架空県架空市﨑町1丁目2番3号",
        building="架空ハイツ１０１",
        district="001",
        registered_on=date(2026, 9, 1),
        mark="",
        marked_on=None,
        kept_in_prefecture=False,
        national=True,
        prefectural=True,
        municipal=True,
        braille=False,
        proxy=False,
        roll="resident",
    )


def test_columns_are_found_in_any_order_and_width() -> None:
    header = Header([name.replace("・", "･") for name in reversed(NAMES)])
    assert parse_row(header, 2, list(reversed(cells())), CONTEXT) == parsed()


def test_columns_that_a_file_need_not_have() -> None:
    needed = [column.header for column in COLUMNS if column.required]
    row = parse_row(Header(needed), 2, [GOOD[name] for name in needed], CONTEXT)
    assert (row.name, row.postcode, row.registered_on, row.municipal, row.roll) == (
        "髙橋　太郎",
        "",
        None,
        True,
        "resident",
    )


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([*NAMES, "備考"], [("備考", "header-unknown")]),
        ([*NAMES, ""], [("", "header-unknown")]),
        ([*NAMES, "氏名"], [("氏名", "header-duplicate")]),
        (NAMES[1:], [("宛名番号", "header-missing")]),
        (
            ["謎", "氏名", *NAMES[1:]],
            [("謎", "header-unknown"), ("氏名", "header-duplicate"), ("宛名番号", "header-missing")],
        ),
    ],
)
def test_a_wrong_header_is_named(names: list[str], expected: list[tuple[str, str]]) -> None:
    with pytest.raises(HeaderInvalid) as caught:
        Header(names, 1)
    assert [(fault.column, fault.code) for fault in caught.value.faults] == expected
    assert all(fault.line == 1 and fault.column in str(fault.message) for fault in caught.value.faults)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("氏名", "𠮷田 葛󠄀"),
        ("氏名", "\ufa19田 太郎"),  # a compatibility ideograph, which NFC would replace
        ("氏名", "か\u3099 太郎"),  # decomposed
        ("氏名", "\U00031350 太郎"),  # newer than Python's tables, as some of 行政事務標準文字
        ("住所", "架空市 が丘"),
        ("方書", "ﾒｿﾞﾝ架空 A-1 ①㈱"),
    ],
)
def test_texts_are_kept_as_they_are(name: str, value: str) -> None:
    field = {"氏名": "name", "住所": "address", "方書": "building"}[name]
    assert getattr(parsed(**{name: value}), field) == value


@pytest.mark.parametrize("kana", ["カクウ　タロウ", "ｶｸｳ ﾀﾛｳ", "かくう たろう", "ジョーン・ヴァ"])
def test_readings(kana: str) -> None:
    assert parsed(フリガナ=kana).kana == kana


@pytest.mark.parametrize(("text", "sex"), [("男", "M"), ("女", "F"), ("1", "M"), ("2", "F"), ("", "")])
def test_sexes(text: str, sex: str) -> None:
    assert parsed(性別=text).sex == sex


@pytest.mark.parametrize(
    ("text", "mark"),
    [("転出", "moved"), ("公民権停止", "suspended"), ("失権", "lost"), ("死亡", "dead"), ("抹消", "struck")],
)
def test_marks(text: str, mark: str) -> None:
    row = parsed(表示区分=text, 異動日="R8.10.1")
    assert (row.mark, row.marked_on) == (mark, date(2026, 10, 1))


def test_franchises_and_wishes() -> None:
    row = parsed(
        表示区分="転出", 異動日="R8.10.1", 県内転出="1", 国政="1", 県="1", 市="0", 点字希望="1", 代理投票希望="1"
    )
    assert (row.kept_in_prefecture, row.national, row.prefectural, row.municipal) == (True, True, True, False)
    assert (row.braille, row.proxy) == (True, True)


def test_the_overseas_roll_votes_in_national_elections_only() -> None:
    row = parsed(名簿種別="在外選挙人名簿")
    assert (row.roll, row.national, row.prefectural, row.municipal) == ("overseas", True, False, False)
    assert faults(名簿種別="在外選挙人名簿", 県="1", 市="1") == [("県", "overseas-local"), ("市", "overseas-local")]


def test_unknown_parts_of_a_birth() -> None:
    assert parsed(生年月日="昭和20年3月不詳").birth == PartialDate(1945, 3)
    assert parsed(生年月日="19450000").birth == PartialDate(1945)


def test_the_youngest_and_the_oldest_on_a_roll() -> None:
    """Seventeen on election day is attained on the day before the birthday."""
    assert parsed(生年月日="2009-11-30")
    assert faults(生年月日="2009-12-01") == [("生年月日", "too-young")]
    assert parsed(生年月日="2009-11-不詳")
    assert faults(生年月日="2009年不詳") == [("生年月日", "too-young")]
    assert parsed(生年月日="1880-01-01")
    assert faults(生年月日="1879-12-31") == [("生年月日", "birth-too-old")]


def test_days_may_be_today_and_the_day_of_birth() -> None:
    assert parsed(登録年月日="2026-11-21", 表示区分="死亡", 異動日="2026-11-21")
    assert parsed(登録年月日="1980-03-01")


# Each damage of a row: the cells that are changed, then the column, the code, and words of the message.
DAMAGES: dict[str, tuple[dict[str, str], str, str, str]] = {
    "no number": ({"宛名番号": ""}, "宛名番号", "empty", "宛名番号: a value is needed"),
    "number with a space": ({"宛名番号": "12 34"}, "宛名番号", "identifier", "up to 30"),
    "number of full width": ({"宛名番号": "１２３４"}, "宛名番号", "identifier", "0-9"),
    "number too long": ({"宛名番号": "1" * 31}, "宛名番号", "identifier", "30"),
    "number as a formula": ({"宛名番号": "=1+1"}, "宛名番号", "identifier", "宛名番号"),
    "no roll number": ({"名簿番号": "　"}, "名簿番号", "empty", "名簿番号: a value is needed"),
    "roll number of words": ({"名簿番号": "第1冊"}, "名簿番号", "identifier", "名簿番号"),
    "no name": ({"氏名": ""}, "氏名", "empty", "氏名: a value is needed"),
    "name as a formula": ({"氏名": '=HYPERLINK("x")'}, "氏名", "formula", "formula"),
    "name as a command": ({"氏名": "@架空"}, "氏名", "formula", "formula"),
    "name as a full-width formula": ({"氏名": "＝架空"}, "氏名", "formula", "formula"),
    "name with a digit": ({"氏名": "架空 太郎2"}, "氏名", "name-digit", "digits"),
    "name with a wide digit": ({"氏名": "架空　２郎"}, "氏名", "name-digit", "shifted"),
    "name without a letter": ({"氏名": "・・"}, "氏名", "name-letter", "letter"),
    "name with a question mark": ({"氏名": "架空 ?郎"}, "氏名", "lost-character", "“?”"),
    "name with a wide question mark": ({"氏名": "架空　？郎"}, "氏名", "lost-character", "“？”"),
    "name with a geta": ({"氏名": "〓田 太郎"}, "氏名", "lost-character", "“〓”"),
    "name with a replacement": ({"氏名": "架空 \ufffd郎"}, "氏名", "lost-character", "lost"),
    "name with a private character": ({"氏名": "架\ue000 太郎"}, "氏名", "private-use", "U+E000"),
    "name with a private character of a plane": ({"氏名": "架\U000f0001"}, "氏名", "private-use", "U+F0001"),
    "name with a line break": ({"氏名": "架空\n太郎"}, "氏名", "control", "U+000A"),
    "name with a tab": ({"氏名": "架空\t太郎"}, "氏名", "control", "U+0009"),
    "name with a C1 control": ({"氏名": "架空\x80太郎"}, "氏名", "control", "U+0080"),
    "name with a line separator": ({"氏名": "架空\u2028太郎"}, "氏名", "control", "U+2028"),
    "name with a zero-width space": ({"氏名": "架空\u200b太郎"}, "氏名", "invisible", "U+200B"),
    "name that turns direction": ({"氏名": "架空\u202e太郎"}, "氏名", "invisible", "U+202E"),
    "name with an unassigned character": ({"氏名": "架空\u0378"}, "氏名", "unassigned", "U+0378"),
    "name with no character of a plane": ({"氏名": "架空\U0002ffff"}, "氏名", "unassigned", "U+2FFFF"),
    "name too long": ({"氏名": "架" * 101}, "氏名", "too-long", "more than 100"),
    "no reading": ({"フリガナ": ""}, "フリガナ", "empty", "フリガナ: a value is needed"),
    "reading in kanji": ({"フリガナ": "架空タロウ"}, "フリガナ", "kana", "katakana"),
    "reading in Latin letters": ({"フリガナ": "Kakuu"}, "フリガナ", "kana", "katakana"),
    "reading too long": ({"フリガナ": "ア" * 101}, "フリガナ", "too-long", "more than 100"),
    "former name with a digit": ({"旧氏・通称": "1"}, "旧氏・通称", "name-digit", "旧氏・通称"),
    "former name as a formula": ({"旧氏・通称": "+架空"}, "旧氏・通称", "formula", "旧氏・通称"),
    "sex unknown": ({"性別": "3"}, "性別", "choice", "男, 1, 女, 2"),
    "no birth": ({"生年月日": ""}, "生年月日", "empty", "生年月日: a value is needed"),
    "birth no date": ({"生年月日": "むかし"}, "生年月日", "date", "a date was expected"),
    "birth no day": ({"生年月日": "2001-02-29"}, "生年月日", "date", "no such day"),
    "birth outside its era": ({"生年月日": "昭和64年1月8日"}, "生年月日", "date", "not in the era 昭和"),
    "birth in the future": ({"生年月日": "2027-01-01"}, "生年月日", "future", "future"),
    "birth before 1880": ({"生年月日": "1879-12-31"}, "生年月日", "birth-too-old", "before 1880"),
    "too young": ({"生年月日": "2015-04-01"}, "生年月日", "too-young", "younger than 17"),
    "postcode too short": ({"郵便番号": "600001"}, "郵便番号", "postcode", "1234567"),
    "postcode with letters": ({"郵便番号": "999-000O"}, "郵便番号", "postcode", "123-4567"),
    "no address": ({"住所": ""}, "住所", "empty", "住所: a value is needed"),
    "address too long": ({"住所": "架" * 201}, "住所", "too-long", "more than 200"),
    "address as a formula": ({"住所": "-1+1"}, "住所", "formula", "住所"),
    "address with a lost character": ({"住所": "架空市?町1"}, "住所", "lost-character", "“?”"),
    "building with a private character": ({"方書": "架空\uf8f1"}, "方書", "private-use", "U+F8F1"),
    "building as a formula": ({"方書": "＠架空"}, "方書", "formula", "方書"),
    "building too long": ({"方書": "架" * 201}, "方書", "too-long", "more than 200"),
    "no district": ({"投票区": ""}, "投票区", "empty", "投票区: a value is needed"),
    "district unknown": ({"投票区": "099"}, "投票区", "district", "no district"),
    "district without its zeros": ({"投票区": "1"}, "投票区", "district", "zeros"),
    "registration no date": ({"登録年月日": "9月1日"}, "登録年月日", "date", "登録年月日: a date was expected"),
    "registration not whole": ({"登録年月日": "2026-09-00"}, "登録年月日", "date", "whole date"),
    "registration in the future": ({"登録年月日": "2026-11-22"}, "登録年月日", "future", "登録年月日: the day is in"),
    "registration before birth": ({"登録年月日": "1979-01-01"}, "登録年月日", "before-birth", "before the birth"),
    "mark unknown": ({"表示区分": "転居", "異動日": "2026-10-01"}, "表示区分", "choice", "転出, 公民権停止"),
    "mark without its day": ({"表示区分": "死亡"}, "異動日", "mark-without-day", "needed where 表示区分"),
    "day without a mark": ({"異動日": "2026-10-01"}, "異動日", "day-without-mark", "without 表示区分"),
    "marked before birth": ({"表示区分": "転出", "異動日": "1970-10-01"}, "異動日", "before-birth", "異動日"),
    "marked in the future": ({"表示区分": "転出", "異動日": "2026-11-22"}, "異動日", "future", "異動日"),
    "marked on no day": ({"表示区分": "転出", "異動日": "令和8年11月31日"}, "異動日", "date", "no such day"),
    "kept, but not moved": ({"県内転出": "1"}, "県内転出", "kept-not-moved", "転出"),
    "kept, no flag": ({"県内転出": "有"}, "県内転出", "flag", "0 or 1"),
    "national, no flag": ({"国政": "2"}, "国政", "flag", "国政: 0 or 1"),
    "prefectural, no flag": ({"県": "○"}, "県", "flag", "県: 0 or 1"),
    "municipal, no flag": ({"市": "True"}, "市", "flag", "市: 0 or 1"),
    "braille, no flag": ({"点字希望": "希望"}, "点字希望", "flag", "点字希望: 0 or 1"),
    "proxy, no flag": ({"代理投票希望": "-1"}, "代理投票希望", "flag", "代理投票希望: 0 or 1"),
    "roll unknown": ({"名簿種別": "住民票"}, "名簿種別", "choice", "在外選挙人名簿"),
    "overseas, but prefectural": ({"名簿種別": "在外選挙人名簿", "県": "1"}, "県", "overseas-local", "在外選挙人名簿"),
    "overseas, but municipal": ({"名簿種別": "在外選挙人名簿", "市": "1"}, "市", "overseas-local", "在外選挙人名簿"),
}


def test_at_least_fifty_kinds_of_damage() -> None:
    assert len({(column, code) for _changes, column, code, _words in DAMAGES.values()}) >= 50


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_row_gets_one_precise_message(damage: str) -> None:
    changes, column, code, words = DAMAGES[damage]
    with translation.override("en"), pytest.raises(RowInvalid) as caught:
        parse_row(HEADER, 17, cells(**changes), CONTEXT)
    (fault,) = caught.value.faults
    assert (fault.line, fault.column, fault.code) == (17, column, code)
    with translation.override("en"):
        message = str(fault.message)
    assert words in message
    assert message.startswith(f"{column}: ")
    assert fault.value_excerpt == changes.get(column, "").strip()[:40]


def csv_file(path: Path, rows: list[list[str]], encoding: str) -> Path:
    quoted = (",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    path.write_bytes("".join(f"{line}\r\n" for line in quoted).encode(encoding))
    return path


def xlsx_file(path: Path, rows: list[list[str]], _encoding: str) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
        for cell in book.worksheets[0][book.worksheets[0].max_row]:
            cell.data_type = "s"  # openpyxl takes a text with "=" for a formula
    book.save(path)
    return path


@pytest.mark.parametrize(
    ("write", "encoding"),
    [(csv_file, "utf-8"), (csv_file, "utf-8-sig"), (xlsx_file, "xlsx")],
    ids=["csv", "bom", "xlsx"],
)
def test_a_file_with_fifty_kinds_of_damage_gets_fifty_precise_messages(
    write: Callable[[Path, list[list[str]], str], Path], encoding: str, tmp_path: Path
) -> None:
    """In one file, between good rows, each at its line; and the good ones are read."""
    rows, expected, line = [NAMES], [], 1
    for changes, column, code, _words in DAMAGES.values():
        if encoding == "xlsx" and any(char in "".join(changes.values()) for char in "\x80\ue000\t\n"):
            continue  # openpyxl does not write every control character
        rows += [cells(), cells(**changes)]
        line += 2
        # A line break inside a cell moves the lines that follow.
        expected.append((line, column, code))
        line += "".join(changes.values()).count("\n")
    found, good = [], 0
    with open_table(write(tmp_path / "roll", rows, encoding)) as table:
        header = Header(table.header)
        for number, row in table:
            try:
                parse_row(header, number, row, CONTEXT)
                good += 1
            except RowInvalid as invalid:
                found += [(fault.line, fault.column, fault.code) for fault in invalid.faults]
    assert found == expected
    assert len(found) == good >= 50


def test_cp932_private_characters_are_named(tmp_path: Path) -> None:
    """F040 is the first 外字 of CP932: it decodes, and only its maker knows what it means."""
    path = csv_file(tmp_path / "roll.csv", [NAMES, cells(氏名="架\ue000 太郎")], "cp932")
    assert b"\xf0\x40" in path.read_bytes()
    with open_table(path) as table, pytest.raises(RowInvalid) as caught:
        for number, row in table:
            parse_row(Header(table.header), number, row, CONTEXT)
    assert [(fault.line, fault.column, fault.code) for fault in caught.value.faults] == [(2, "氏名", "private-use")]


@pytest.mark.parametrize("row", [[], ["a"], [*GOOD.values(), ""], list(GOOD.values())[:-1]])
def test_a_row_of_another_width(row: list[str]) -> None:
    with pytest.raises(RowInvalid) as caught:
        parse_row(HEADER, 5, row, CONTEXT)
    (fault,) = caught.value.faults
    assert (fault.line, fault.code) == (5, "column-count")
    assert str(len(row)) in str(fault.message)


def test_every_fault_of_a_row_is_named_one_for_each_cell() -> None:
    bad = dict.fromkeys(NAMES, "\ue000?=1")
    found = faults(**bad)
    assert sorted(column for column, _code in found) == sorted(NAMES)
    assert {code for _column, code in found} == {"private-use"}


def test_a_surrogate_is_named() -> None:
    assert faults(氏名="架空\ud842") == [("氏名", "surrogate")]


def test_faults_hold_no_values_where_logs_look() -> None:
    with pytest.raises(RowInvalid) as caught:
        parsed(氏名="架空秘密太郎9", 住所="")
    assert "秘密" not in f"{caught.value} {caught.value!r} {caught.value.faults!r}"
    assert str(caught.value) == "氏名: name-digit; 住所: empty [row 2]"


def test_a_fault_is_translated_when_it_is_shown_and_survives_a_queue() -> None:
    with pytest.raises(RowInvalid) as caught:
        parsed(氏名="")
    fault: Fault = pickle.loads(pickle.dumps(caught.value.faults[0]))
    with translation.override("en"):
        assert str(fault.message) == "氏名: a value is needed"


@given(st.lists(st.text(max_size=30), min_size=len(NAMES), max_size=len(NAMES)))
def test_whatever_comes_is_read_or_refused_row_by_row(row: list[str]) -> None:
    with pytest.raises(RowInvalid):
        parse_row(HEADER, 2, row, CONTEXT)


@given(st.sampled_from(NAMES), st.text(max_size=30))
def test_one_strange_cell_is_read_or_named(name: str, value: str) -> None:
    try:
        parsed(**{name: value})
    except RowInvalid as invalid:
        # A mark and its day name each other.
        assert {fault.column for fault in invalid.faults} <= {name, "異動日", "登録年月日"}
