"""送致書: the cast ballots that go to the manager of each voting district, as a list with its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from voting.applications.models import Application
from voting.applications.states import HELD, State
from voting.elections.models import District, Election
from voting.records.csvs import line
from voting.records.tables import Row, Table

COLUMNS = ("名簿番号", "投票区", "氏名", "受付番号", "類型")
CAST = [state for state in HELD if state is not State.ISSUED]


def dispatch(election: Election, district: District | None = None) -> Iterator[Table]:
    """A table for each voting district to which ballots go, or for one. What was decided since changes nothing.

    The digest is the SHA-256 of the table's lines in the document's CSV (UTF-8, without mark and header).
    """
    for one in [district] if district else election.districts.all():
        rows = list(_rows(one))
        if district or rows:
            digest = hashlib.sha256("".join(map(line, rows)).encode()).hexdigest()
            yield Table(f"{one.name}（{one.code}）", COLUMNS, rows, f"{len(rows)}件　一覧のSHA-256　{digest}")


def _rows(district: District) -> Iterator[Row]:
    cast = Application.objects.filter(elector__district=district, state__in=CAST)
    ordered = cast.select_related("elector", "offer__category").order_by("elector__list_number", "pk")
    for application in ordered.iterator():
        number = application.elector.list_number if application.elector else ""
        yield number, district.code, application.name, application.reference, application.offer.category.name_ja
