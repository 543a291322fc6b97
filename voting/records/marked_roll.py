"""選挙人名簿抄本: the roll of each voting district with its marks (法44②)."""

from __future__ import annotations

from collections.abc import Iterator

from voting.elections.models import District, Election
from voting.eras import PartialDate
from voting.records.tables import Row, Table
from voting.records.words import era_birth, marks
from voting.roll.models import Elector

AT_ONCE = 1000
COLUMNS = ("名簿番号", "投票区", "氏名", "生年月日", "住所", "表示")
FIELDS = (
    "list_number",
    "name",
    "birth_year",
    "birth_month",
    "birth_day",
    "address",
    "building",
    "vote",
    "paper_way",
    "mark",
)


def marked_roll(election: Election, district: District | None = None) -> Iterator[Table]:
    """A table for each voting district, or for one; its rows are a stream."""
    for one in [district] if district else election.districts.all():
        number = Elector.objects.filter(district=one).count()
        yield Table(f"{one.name}（{one.code}）", COLUMNS, _rows(one), f"選挙人　{number}人")


def _rows(district: District) -> Iterator[Row]:
    electors = Elector.objects.filter(district=district).order_by("list_number", "pk").values_list(*FIELDS)
    for number, name, year, month, day, address, building, vote, way, mark in electors.iterator(chunk_size=AT_ONCE):
        born = era_birth(PartialDate(year, month, day))
        yield number, district.code, name, born, f"{address}{building}", marks(vote, way, mark)
