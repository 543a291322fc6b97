"""The reports in numbers: 不在者投票に関する調書 and 不在者投票用紙等の調書."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from voting.elections.models import District, Election
from voting.records.balance import Counts, balance
from voting.records.tables import Row, Table
from voting.records.words import MANAGERS

ABSENTEE: Mapping[str, str] = {
    "請求": "received",
    "取下げ": "withdrawn",
    "不交付": "rejected",
    "審査中": "undecided",
    "期間満了": "expired",
    "交付": "issued",
    "返還": "returned",
    "未使用": "lapsed",
    "投票": "cast",
    "受理": "accepted",
    "不受理": "refused",
}
PAPERS: Mapping[str, str] = {
    "交付": "issued",
    "使用（投票）": "cast",
    "返還": "returned",
    "未使用": "lapsed",
    "未処理": "outstanding",
}
DIFFERENCE = "差引"
TOTAL = "合計"


def absentee_report(election: Election, district: District | None = None) -> Iterator[Table]:
    """Counts by category, and by kind of absentee voting manager."""
    found = balance(election)
    by_category = [(category.name_ja, counts) for category, counts in found.categories.items()]
    by_manager = dict.fromkeys(MANAGERS.values(), Counts())
    for category, counts in found.categories.items():
        by_manager[MANAGERS[category.attest]] += counts
    yield _report("類型別", "類型", by_category, found.total)
    yield _report("不在者投票管理者の区分別", "不在者投票管理者の区分", by_manager.items(), found.total)


def _report(caption: str, first: str, lines: Iterable[tuple[str, Counts]], total: Counts) -> Table:
    rows = [(name, *_numbers(counts, ABSENTEE)) for name, counts in (*lines, (TOTAL, total))]
    return Table(caption, (first, *ABSENTEE), rows, numeric=True)


def papers_report(election: Election, district: District | None = None) -> Iterator[Table]:
    """Ballots issued, used, given back and unused, by category: the last column must be 0."""
    found = balance(election)
    lines = [(category.name_ja, counts) for category, counts in found.categories.items()]
    rows = [_papers(name, counts) for name, counts in (*lines, (TOTAL, found.total))]
    yield Table("", ("類型", *PAPERS, DIFFERENCE), rows, "差引＝交付－使用－返還－未使用－未処理", numeric=True)


def _papers(name: str, counts: Counts) -> Row:
    difference = counts.issued - counts.cast - counts.returned - counts.lapsed - counts.outstanding
    return (name, *_numbers(counts, PAPERS), str(difference))


def _numbers(counts: Counts, columns: Mapping[str, str]) -> Iterable[str]:
    return (str(getattr(counts, name)) for name in columns.values())
