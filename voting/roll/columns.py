"""The columns of a roll file, by the names that municipal systems give them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from voting.roll.characters import fold_name
from voting.roll.errors import EXCERPT_LENGTH, Fault, HeaderInvalid, Message


@dataclass(frozen=True)
class Column:
    """A column by the name that its header has; a `required` one must be in every file."""

    header: str
    required: bool = False


NUMBER = Column("宛名番号", required=True)
LIST_NUMBER = Column("名簿番号", required=True)
NAME = Column("氏名", required=True)
KANA = Column("フリガナ", required=True)
OTHER_NAME = Column("旧氏・通称")
SEX = Column("性別", required=True)
BIRTH = Column("生年月日", required=True)
POSTCODE = Column("郵便番号")
ADDRESS = Column("住所", required=True)
BUILDING = Column("方書")
DISTRICT = Column("投票区", required=True)
REGISTERED_ON = Column("登録年月日")
MARK = Column("表示区分")
MARKED_ON = Column("異動日")
KEPT_IN_PREFECTURE = Column("県内転出")
NATIONAL = Column("国政")
PREFECTURAL = Column("県")
MUNICIPAL = Column("市")
BRAILLE = Column("点字希望")
PROXY = Column("代理投票希望")
ROLL = Column("名簿種別")

COLUMNS = (
    NUMBER, LIST_NUMBER, NAME, KANA, OTHER_NAME, SEX, BIRTH, POSTCODE, ADDRESS, BUILDING, DISTRICT, REGISTERED_ON,
    MARK, MARKED_ON, KEPT_IN_PREFECTURE, NATIONAL, PREFECTURAL, MUNICIPAL, BRAILLE, PROXY, ROLL,
)  # fmt: skip
_BY_KEY = {fold_name(column.header): column for column in COLUMNS}


class Header:
    """Where the columns of one file are, in any order. HeaderInvalid names every unknown, repeated or missing one."""

    def __init__(self, cells: Sequence[str], line: int = 1) -> None:
        columns = [_BY_KEY.get(fold_name(cell)) for cell in cells]
        counts = Counter(columns)
        faults = [
            _header_fault(line, cell.strip(), "header-unknown", _("{column} is not a column of a roll"))
            for cell, column in zip(cells, columns, strict=True)
            if column is None
        ]
        faults += [
            _header_fault(line, column.header, "header-duplicate", _("the column {column} comes twice"))
            for column in COLUMNS
            if counts[column] > 1
        ]
        faults += [
            _header_fault(line, column.header, "header-missing", _("the column {column} is missing"))
            for column in COLUMNS
            if column.required and not counts[column]
        ]
        if faults:
            raise HeaderInvalid(faults)
        self.width = len(cells)
        # A column that the file does not have is looked up behind the last cell, where there is an empty one.
        places = {column: place for place, column in enumerate(columns)}
        self._arranged = itemgetter(*(places.get(column, self.width) for column in COLUMNS))

    def arrange(self, cells: list[str]) -> list[str]:
        """The cells of a row of the right width, in the order of COLUMNS, stripped; "" where there is no column."""
        return [cell.strip() for cell in self._arranged([*cells, ""])]


def _header_fault(line: int, name: str, code: str, message: Message) -> Fault:
    shown = name[:EXCERPT_LENGTH]
    return Fault(line, shown, code, format_lazy(message, column=shown), shown)
