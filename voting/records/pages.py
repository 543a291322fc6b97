"""Documents as pages to print, a few hundred rows at a time: a roll never stands in memory whole."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone, translation

from voting.elections.models import District, Election
from voting.records.documents import LANDSCAPE, SIGNED_BY, STATEMENT, tables
from voting.records.models import Document, Part, Seal
from voting.records.tables import Table
from voting.records.words import era_minute

AT_ONCE = 200
PLACE = "<!-- here -->"
"""Where in a template the parts that follow one by one are put; data cannot hold it, because it is escaped."""


def pieces(document: Document, election: Election, district: District | None = None) -> Iterator[str]:
    """The document as HTML, in pieces. Raises BoardInconsistent before the first piece, where it needs the board."""
    seal = next((one for one in Seal.objects.filter(election=election) if document in Part(one.part).documents), None)
    parts = tables(document, election, district)
    first = next(parts, None)
    before, after = _around(
        "records/document.html",
        {
            "document": document,
            "election": election,
            "district": district,
            "landscape": document in LANDSCAPE,
            "statement": STATEMENT[document],
            "signatures": SIGNED_BY[document],
            "seal": seal,
            "sealed_at": era_minute(seal.sealed_at) if seal else "",
            "digest": seal.digests.get(document.value, "") if seal else "",
            "made_at": era_minute(timezone.now()),
        },
    )
    return _parts(before, first, parts, after, document.label)


def _parts(before: str, first: Table | None, rest: Iterator[Table], after: str, name: str) -> Iterator[str]:
    yield before
    if first is not None:
        yield from _table(first, name)
    for table in rest:
        yield from _table(table, name)
    yield after


def _table(table: Table, name: str) -> Iterator[str]:
    before, after = _around("records/table.html", {"table": table, "caption": table.caption or name})
    yield before
    rows = iter(table.rows)
    chunk = list(islice(rows, AT_ONCE))
    if not chunk:
        yield render_to_string("records/no_rows.html", {"table": table})
    while chunk:
        yield render_to_string("records/rows.html", {"rows": chunk})
        chunk = list(islice(rows, AT_ONCE))
    yield after


def _around(template: str, context: dict[str, Any]) -> tuple[str, str]:
    # Whoever looks may read another language; the document is Japanese by law.
    with translation.override("ja"):
        before, _place, after = render_to_string(template, context).partition(PLACE)
    return before, after
