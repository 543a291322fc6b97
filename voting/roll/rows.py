"""One row of a roll file: every cell checked, every fault named."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from voting.eras import PartialDate, parse_date, parse_partial_date
from voting.roll.columns import (
    ADDRESS,
    BIRTH,
    BRAILLE,
    BUILDING,
    COLUMNS,
    DISTRICT,
    KANA,
    KEPT_IN_PREFECTURE,
    LIST_NUMBER,
    MARK,
    MARKED_ON,
    MUNICIPAL,
    NAME,
    NATIONAL,
    NUMBER,
    OTHER_NAME,
    POSTCODE,
    PREFECTURAL,
    PROXY,
    REGISTERED_ON,
    ROLL,
    SEX,
    Column,
    Header,
)
from voting.roll.errors import EXCERPT_LENGTH, Fault, Message, RowInvalid

OLDEST_BIRTH = date(1880, 1, 1)
YOUNGEST_AGE = 17
"""Years on election day: boards list the seventeen-year-olds who turn 18 soon."""
MAX_NAME_CHARS = 100
MAX_ADDRESS_CHARS = 200
_NO_BIRTH = PartialDate(1)

_SEXES = {"男": "M", "1": "M", "女": "F", "2": "F", "": ""}
_FLAGS = ("0", "1", "")
_MARKS = {
    "": "", "転出": "moved", "公民権停止": "suspended", "失権": "lost", "死亡": "dead", "抹消": "struck",
}  # fmt: skip
_ROLLS = {"": "resident", "選挙人名簿": "resident", "在外選挙人名簿": "overseas"}

_IDENTIFIER = re.compile(r"[0-9A-Za-z][0-9A-Za-z/-]{0,29}")
_POSTCODE = re.compile(r"[0-9]{3}-?[0-9]{4}")
# Hiragana, katakana with ー and ・, half-width katakana, spaces.
_KANA = re.compile(r"[\u3041-\u3096\u3099-\u309f\u30a1-\u30ff\uff65-\uff9f \u3000]+")
_DIGIT = re.compile(r"[0-9０-９]")
_LOST = re.compile(r"[?？〓\ufffd]")
_IDEOGRAPHIC_PLANES = range(0x20000, 0x40000)
_FORMULA_STARTS = frozenset("=+-@＝＋－＠")


@dataclass(frozen=True, slots=True)
class RollRow:
    """One row of a roll file. Texts are the file's own characters, without the blanks around them.

    `sex` is "M", "F" or ""; `postcode` seven digits or ""; `mark` "", "moved", "suspended", "lost", "dead" or "struck";
    `roll` "resident" or "overseas".
    """

    number: str
    list_number: str
    name: str
    kana: str
    other_name: str
    sex: str
    birth: PartialDate
    postcode: str
    address: str
    building: str
    district: str
    registered_on: date | None
    mark: str
    marked_on: date | None
    kept_in_prefecture: bool
    national: bool
    prefectural: bool
    municipal: bool
    braille: bool
    proxy: bool
    roll: str


@dataclass(frozen=True)
class Context:
    """What rows are checked against: the codes of the election's districts, election day, and today in Japan."""

    districts: frozenset[str]
    election_day: date
    today: date


def parse_row(header: Header, line: int, cells: list[str], context: Context) -> RollRow:
    """Check and read one row; RowInvalid names every cell that is wrong, with the first cause of each.

    Whether somebody is on the roll twice is not looked at here.
    """
    faults = _Faults(line)
    if len(cells) != header.width:
        faults.add_width(len(cells), header.width)
        raise RowInvalid(faults.found)
    values = header.arrange(cells)
    (
        number, list_number, name, kana, other_name, sex, birth, postcode, address, building, district, registered_on,
        mark, marked_on, kept_in_prefecture, national, prefectural, municipal, braille, proxy, roll,
    ) = values  # fmt: skip
    if _SUSPECT.search("".join(values)):
        _check_characters(values, faults)

    _check_identifier(NUMBER, number, faults)
    _check_identifier(LIST_NUMBER, list_number, faults)
    _check_name(NAME, name, faults)
    if other_name:
        _check_name(OTHER_NAME, other_name, faults)
    _check_kana(kana, faults)
    _check_text(ADDRESS, address, MAX_ADDRESS_CHARS, faults)
    if building:
        _check_text(BUILDING, building, MAX_ADDRESS_CHARS, faults)
    if postcode and not _POSTCODE.fullmatch(postcode):
        faults.add(POSTCODE, "postcode", _("{column}: 1234567 or 123-4567 was expected"), postcode)
    if district not in context.districts:
        _refuse_district(district, faults)

    born = _birth(birth, context, faults)
    kind = _choice(MARK, mark, _MARKS, faults)
    on_roll = _choice(ROLL, roll, _ROLLS, faults)
    local = on_roll != "overseas"
    row = RollRow(
        number=number,
        list_number=list_number,
        name=name,
        kana=kana,
        other_name=other_name,
        sex=_choice(SEX, sex, _SEXES, faults),
        birth=born,
        postcode=postcode.replace("-", ""),
        address=address,
        building=building,
        district=district,
        registered_on=_past_day(REGISTERED_ON, registered_on, born, context, faults),
        mark=kind,
        marked_on=_past_day(MARKED_ON, marked_on, born, context, faults),
        kept_in_prefecture=_flag(KEPT_IN_PREFECTURE, kept_in_prefecture, False, faults),
        national=_flag(NATIONAL, national, True, faults),
        prefectural=_flag(PREFECTURAL, prefectural, local, faults),
        municipal=_flag(MUNICIPAL, municipal, local, faults),
        braille=_flag(BRAILLE, braille, False, faults),
        proxy=_flag(PROXY, proxy, False, faults),
        roll=on_roll,
    )
    _check_agreement(row, mark, marked_on, faults)
    if faults.found:
        raise RowInvalid(faults.found)
    return row


class _Faults:
    """Collects what is wrong with one row, one fault for each column."""

    def __init__(self, line: int) -> None:
        self._line = line
        self.found: list[Fault] = []

    def add(self, column: Column, code: str, message: Message, value: str, **parts: str | int) -> None:
        if any(fault.column == column.header for fault in self.found):
            return
        text = format_lazy(message, column=column.header, **parts)
        self.found.append(Fault(self._line, column.header, code, text, value[:EXCERPT_LENGTH]))

    def add_width(self, found: int, expected: int) -> None:
        message = format_lazy(_("the row has {found} columns, the header {expected}"), found=found, expected=expected)
        self.found.append(Fault(self._line, "", "column-count", message))


# --- characters ------------------------------------------------------------------------------------------------------

_BAD_CATEGORIES = {
    "Co": (
        "private-use",
        _("{column}: {point} is a private character (外字): use 行政事務標準文字, with a variation selector if needed"),
    ),
    "Cs": ("surrogate", _("{column}: {point} is half a character")),
    "Cc": ("control", _("{column}: {point} is a control character, such as a line break or a tab")),
    "Cf": ("invisible", _("{column}: {point} is an invisible character")),
    "Zl": ("control", _("{column}: {point} is a line break")),
    "Zp": ("control", _("{column}: {point} is a line break")),
    "Cn": ("unassigned", _("{column}: {point} is no character of Unicode")),
}


def _is_bad(char: str) -> bool:
    """Whether a character may stand in no cell.

    What Python's tables do not know yet in the ideographic planes is a newer kanji (行政事務標準文字 has some).
    """
    category, point = unicodedata.category(char), ord(char)
    if category == "Cn" and point in _IDEOGRAPHIC_PLANES:
        return point & 0xFFFE == 0xFFFE
    return category in _BAD_CATEGORIES


# One search over the whole row. Everything beyond the BMP is only suspected: it is rare, and looked at one by one.
_SUSPECT = re.compile(
    "[" + "".join(rf"\u{point:04x}" for point in range(0x10000) if _is_bad(chr(point))) + r"\U00010000-\U0010ffff]"
)


def _check_characters(values: list[str], faults: _Faults) -> None:
    for column, value in zip(COLUMNS, values, strict=True):
        bad = next(filter(_is_bad, value), None)
        if bad is not None:
            code, message = _BAD_CATEGORIES[unicodedata.category(bad)]
            faults.add(column, code, message, value, point=f"U+{ord(bad):04X}")


# --- single cells ----------------------------------------------------------------------------------------------------


def _refuse_empty(column: Column, faults: _Faults) -> None:
    faults.add(column, "empty", _("{column}: a value is needed"), "")


def _check_identifier(column: Column, value: str, faults: _Faults) -> None:
    if _IDENTIFIER.fullmatch(value):
        return
    if not value:
        _refuse_empty(column, faults)
        return
    faults.add(column, "identifier", _("{column}: up to 30 of 0-9, A-Z, a-z, - and / were expected"), value)


def _check_text(column: Column, value: str, limit: int, faults: _Faults) -> None:
    if not value:
        _refuse_empty(column, faults)
    elif value[0] in _FORMULA_STARTS:
        faults.add(column, "formula", _("{column}: starts like a formula of a spreadsheet"), value)
    elif len(value) > limit:
        faults.add(column, "too-long", _("{column}: more than {limit} characters"), value, limit=limit)
    elif lost := _LOST.search(value):
        faults.add(
            column, "lost-character", _("{column}: “{char}” stands for a character that was lost"), value, char=lost[0]
        )


def _check_name(column: Column, value: str, faults: _Faults) -> None:
    _check_text(column, value, MAX_NAME_CHARS, faults)
    if _DIGIT.search(value):
        faults.add(column, "name-digit", _("{column}: a name has no digits; are columns shifted?"), value)
    elif value and not any(char.isalpha() or ord(char) in _IDEOGRAPHIC_PLANES for char in value):
        faults.add(column, "name-letter", _("{column}: a name needs a letter"), value)


def _check_kana(value: str, faults: _Faults) -> None:
    if not value:
        _refuse_empty(KANA, faults)
    elif not _KANA.fullmatch(value):
        faults.add(KANA, "kana", _("{column}: only katakana, hiragana and spaces were expected"), value)
    elif len(value) > MAX_NAME_CHARS:
        faults.add(KANA, "too-long", _("{column}: more than {limit} characters"), value, limit=MAX_NAME_CHARS)


def _refuse_district(value: str, faults: _Faults) -> None:
    if not value:
        _refuse_empty(DISTRICT, faults)
        return
    faults.add(DISTRICT, "district", _("{column}: the election has no district of this code; are zeros lost?"), value)


def _choice(column: Column, value: str, choices: Mapping[str, str], faults: _Faults) -> str:
    choice = choices.get(value)
    if choice is not None:
        return choice
    allowed = ", ".join(filter(None, choices))
    faults.add(column, "choice", _("{column}: one of {allowed} was expected"), value, allowed=allowed)
    return ""


def _flag(column: Column, value: str, default: bool, faults: _Faults) -> bool:
    if value not in _FLAGS:
        faults.add(column, "flag", _("{column}: 0 or 1 was expected"), value)
    return value == "1" if value else default


def _birth(value: str, context: Context, faults: _Faults) -> PartialDate:
    """The date of birth; on a fault, which refuses the row, one that no other cell contradicts."""
    if not value:
        _refuse_empty(BIRTH, faults)
        return _NO_BIRTH
    try:
        born = parse_partial_date(value)
    except ValueError as error:
        _refuse_date(BIRTH, error, value, faults)
        return _NO_BIRTH
    if born.earliest() > context.today:
        faults.add(BIRTH, "future", _("{column}: the day is in the future"), value)
    elif born.earliest() < OLDEST_BIRTH:
        faults.add(BIRTH, "birth-too-old", _("{column}: before {year}"), value, year=OLDEST_BIRTH.year)
    elif born.age_on(context.election_day) < YOUNGEST_AGE:
        faults.add(BIRTH, "too-young", _("{column}: younger than {age} on election day"), value, age=YOUNGEST_AGE)
    else:
        return born
    return _NO_BIRTH


def _past_day(column: Column, value: str, born: PartialDate, context: Context, faults: _Faults) -> date | None:
    if not value:
        return None
    try:
        day = parse_date(value)
    except ValueError as error:
        _refuse_date(column, error, value, faults)
        return None
    if day > context.today:
        faults.add(column, "future", _("{column}: the day is in the future"), value)
    elif day < born.earliest():
        faults.add(column, "before-birth", _("{column}: the day is before the birth"), value)
    return day


def _refuse_date(column: Column, error: ValueError, value: str, faults: _Faults) -> None:
    faults.add(column, "date", _("{column}: {reason}"), value, reason=error.args[0])


def _check_agreement(row: RollRow, mark: str, marked_on: str, faults: _Faults) -> None:
    """What one cell says about another."""
    if mark and not marked_on:
        faults.add(MARKED_ON, "mark-without-day", _("{column}: needed where 表示区分 is given"), marked_on)
    if marked_on and not mark:
        faults.add(MARKED_ON, "day-without-mark", _("{column}: given without 表示区分"), marked_on)
    if row.kept_in_prefecture and row.mark != "moved":
        faults.add(KEPT_IN_PREFECTURE, "kept-not-moved", _("{column}: only for those marked 転出"), "1")
    if row.roll == "overseas":
        # The overseas roll is for national elections only (公職選挙法49条の2).
        for column, value in ((PREFECTURAL, row.prefectural), (MUNICIPAL, row.municipal)):
            if value:
                faults.add(column, "overseas-local", _("{column}: nobody on 在外選挙人名簿 has this franchise"), "1")
