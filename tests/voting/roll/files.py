"""Roll files of invented towns, of any size, the same every time: CSV in UTF-8 or CP932, and XLSX."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import openpyxl

from tests.voting import kakuu
from tests.voting.offices import Town
from voting.elections.models import Election
from voting.roll.columns import COLUMNS
from voting.roll.models import Elector

HEADER = [column.header for column in COLUMNS]
ENCODINGS = ("utf-8", "cp932", "xlsx")

FAMILIES = {
    "架空": "カクウ", "髙橋": "タカハシ", "山﨑": "ヤマザキ", "渡邉": "ワタナベ", "渡邊": "ワタナベ",
    "齋藤": "サイトウ", "濵田": "ハマダ", "德永": "トクナガ", "仮野": "カリノ", "試見": "タメシミ",
    "𠮷田": "ヨシダ", "葛\U000e0100城": "カツラギ",
}  # fmt: skip
"""𠮷 (outside the basic plane) and 葛 with a selector are not in CP932; all others are."""
GIVEN_FIRST = dict(
    zip("太花一美健真幸直和正優陽", "タ ハナ カズ ミ タケ マ ユキ ナオ カズ マサ ユウ ヨウ".split(), strict=True)
)
GIVEN_SECOND = dict(zip("郎子也香人樹代平斗恵介菜", "ロウ コ ヤ カ ト キ ヨ ヘイ ト エ スケ ナ".split(), strict=True))
FIRST_BIRTH, BIRTHS = date(1926, 1, 1), 29_500


def election_without_roll(town: Town) -> Election:
    """The election of 架空市 with districts 1 and 2, and nobody on its roll yet."""
    election = kakuu.world(town).election
    Elector.objects.filter(election=election).delete()
    return election


def row(number: int, **changes: str) -> dict[str, str]:
    """One row by column; `changes` are columns by name. The same number makes the same person."""
    chance = random.Random(number)
    family, reading = chance.choice(list(FAMILIES.items()))
    first, second = chance.choice(list(GIVEN_FIRST)), chance.choice(list(GIVEN_SECOND))
    district = 1 + number % 2
    ordinary = dict.fromkeys(HEADER, "") | {
        "宛名番号": f"{number:010}",
        "名簿番号": f"{district}-{number // 5000:03}-{number % 5000:04}",
        "氏名": f"{family}　{first}{second}",
        "フリガナ": f"{reading}　{GIVEN_FIRST[first]}{GIVEN_SECOND[second]}",
        "性別": chance.choice("男女"),
        "生年月日": (FIRST_BIRTH + timedelta(chance.randrange(BIRTHS))).isoformat(),
        "郵便番号": f"999{chance.randrange(10_000):04}",
        "住所": f"架空県架空市﨑町{chance.randrange(1, 9)}丁目{chance.randrange(1, 99)}番{chance.randrange(1, 99)}号",
        "方書": f"架空ハイツ{chance.randrange(101, 999)}" if chance.random() < 0.3 else "",
        "投票区": str(district),
        "登録年月日": "2024-09-01",
    }
    return ordinary | changes


def rows(count: int, start: int = 1) -> Iterator[dict[str, str]]:
    """Different people with the numbers from `start` on."""
    return (row(number) for number in range(start, start + count))


def write(
    path: Path, people: Iterable[Mapping[str, str]], encoding: str = "utf-8", header: Sequence[str] = HEADER
) -> Path:
    """Write a file with these columns; in CP932, the characters that it does not have as their ordinary forms."""
    table = ([person[name] for name in header] for person in people)
    if encoding == "xlsx":
        _write_xlsx(path, header, table)
        return path
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([in_encoding(cell, encoding) for cell in cells] for cells in table)
    return path


def in_encoding(text: str, encoding: str) -> str:
    """The text as a file in this encoding has it."""
    return text.replace("𠮷", "吉").replace("\U000e0100", "") if encoding == "cp932" else text


def _write_xlsx(path: Path, header: Sequence[str], table: Iterable[list[str]]) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(list(header))
    for cells in table:
        sheet.append(cells)
    book.save(path)
