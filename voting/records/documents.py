"""The documents that the law knows: what each is made of, who signs it, whom it is about."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from django.db.models import QuerySet

from voting.applications.models import Application
from voting.elections.models import District, Election
from voting.records.count_record import count_record
from voting.records.csvs import csv_bytes, line
from voting.records.dispatch import CAST, dispatch
from voting.records.election_record import election_record
from voting.records.marked_roll import marked_roll
from voting.records.models import Document
from voting.records.poll_record import poll_record
from voting.records.register import register
from voting.records.reports import absentee_report, papers_report
from voting.records.tables import Row, Table
from voting.roll.models import Elector

Builder = Callable[[Election, District | None], Iterator[Table]]
BUILDERS: Mapping[Document, Builder] = {
    Document.REGISTER: register,
    Document.ABSENTEE_REPORT: absentee_report,
    Document.PAPERS_REPORT: papers_report,
    Document.DISPATCH: dispatch,
    Document.POLL_RECORD: poll_record,
    Document.MARKED_ROLL: marked_roll,
    Document.COUNT_RECORD: count_record,
    Document.ELECTION_RECORD: election_record,
}
PERSONAL = frozenset({Document.REGISTER, Document.DISPATCH, Document.MARKED_ROLL})
"""Documents with names: their CSV leaves the house only when two people agreed."""
BY_DISTRICT = frozenset({Document.DISPATCH, Document.MARKED_ROLL})
"""Documents that are printed for one voting district at a time."""
LANDSCAPE = frozenset({Document.REGISTER, Document.ABSENTEE_REPORT})
"""Documents with too many columns for upright paper."""
_CHAIR = "選挙管理委員会委員長"
SIGNED_BY: Mapping[Document, tuple[str, ...]] = {
    Document.REGISTER: ("作成者", "確認者"),
    Document.ABSENTEE_REPORT: (_CHAIR,),
    Document.PAPERS_REPORT: ("作成者", _CHAIR),
    Document.DISPATCH: (_CHAIR, "受領者（投票管理者）"),
    Document.POLL_RECORD: ("投票管理者", "投票立会人", "投票立会人"),
    Document.MARKED_ROLL: (_CHAIR,),
    Document.COUNT_RECORD: ("開票管理者", "開票立会人", "開票立会人", "開票立会人"),
    Document.ELECTION_RECORD: ("選挙長", "選挙立会人", "選挙立会人", "選挙立会人"),
}
STATEMENT: Mapping[Document, str] = {
    Document.REGISTER: "この事務処理簿は、不在者投票に関する事務の処理の状況を記載したものである。",
    Document.ABSENTEE_REPORT: "不在者投票の状況は、この調書のとおりである。",
    Document.PAPERS_REPORT: "投票用紙等（オンラインのものを含む。）の交付及び返還等の状況は、この調書のとおりである。",
    Document.DISPATCH: "この一覧の投票を送致する。",
    Document.POLL_RECORD: "この投票録に記載した事項は真正であることを認め、署名する。",
    Document.MARKED_ROLL: "この抄本は、選挙人名簿と相違ないことを証明する。",
    Document.COUNT_RECORD: "この開票録に記載した事項は真正であることを認め、署名する。",
    Document.ELECTION_RECORD: "この選挙録に記載した事項は真正であることを認め、署名する。",
}


def tables(document: Document, election: Election, district: District | None = None) -> Iterator[Table]:
    """The document as it is now; of one voting district, where it is by district. Raises BoardInconsistent."""
    return BUILDERS[document](election, district)


@dataclass(frozen=True)
class Fingerprint:
    """A document as it is now."""

    digest: str
    """SHA-256 of its UTF-8 CSV, in hex: the same bytes as its download"""
    parts: Mapping[str, tuple[int, str]]
    """caption of each table → its rows, and the SHA-256 of their lines"""


def fingerprint(document: Document, election: Election) -> Fingerprint:
    """One reading of the document. Raises BoardInconsistent."""
    parts: dict[str, _Part] = {}
    total = hashlib.sha256()
    for piece in csv_bytes(_noted(tables(document, election), parts)):
        total.update(piece)
    return Fingerprint(total.hexdigest(), {name: (part.rows, part.sha.hexdigest()) for name, part in parts.items()})


class _Part:
    """A table's rows, counted and hashed while somebody else reads them."""

    def __init__(self) -> None:
        self.rows = 0
        self.sha = hashlib.sha256()

    def read(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            self.rows += 1
            self.sha.update(line(row).encode())
            yield row


def _noted(made: Iterable[Table], parts: dict[str, _Part]) -> Iterator[Table]:
    for table in made:
        part = parts[table.caption] = _Part()
        yield replace(table, rows=part.read(table.rows))


def digest(document: Document, election: Election) -> str:
    """SHA-256 of the document's UTF-8 CSV, in hex."""
    return fingerprint(document, election).digest


def subjects(document: Document, election: Election, district: District | None = None) -> QuerySet[Elector]:
    """The electors whom the document names."""
    if document not in PERSONAL:
        return Elector.objects.none()
    within = Elector.objects.filter(election=election)
    if district is not None:
        within = within.filter(district=district)
    if document is Document.MARKED_ROLL:
        return within
    listed = Application.objects.filter(election=election)
    if document is Document.DISPATCH:
        listed = listed.filter(state__in=CAST)
    return within.filter(pk__in=listed.filter(elector__isnull=False).values("elector"))
