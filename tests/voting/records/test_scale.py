"""Numbers of a city: queries do not grow with electors, and with applications only by one for every few hundred."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.voting import boards
from tests.voting.records.filled import RECEIVED, Filled
from voting.applications.models import Application, Offer, StateChange
from voting.applications.states import Event, State
from voting.elections.models import District
from voting.records.csvs import csv_bytes
from voting.records.documents import tables
from voting.records.models import Document
from voting.records.pages import pieces
from voting.records.register import AT_ONCE
from voting.roll.models import Elector

pytestmark = pytest.mark.django_db

ELECTORS = 5_000
"""of one voting district: a large one"""
MANY_MORE = 100_000
"""numbers on the roll from here on belong to those who cast"""


def queries(read: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        read()
    return len(captured)


def people(filled: Filled, number: int, start: int = 0) -> None:
    """More electors of the second voting district."""
    model = Elector.objects.filter(district__code="02").order_by("pk")[0]
    fields = {field.attname: getattr(model, field.attname) for field in Elector._meta.concrete_fields}
    del fields["id"]
    Elector.objects.bulk_create(
        (
            Elector(**{**fields, "number": f"n{one:06}", "list_number": f"n{one:06}", "vote": "none"})
            for one in range(start, start + number)
        ),
        batch_size=500,
    )


def requests(filled: Filled, number: int, start: int = 0) -> None:
    """More cast ballots of as many electors, each with three steps, through a facility."""
    offer = Offer.objects.get(election=filled.election, category__code="FACILITY")
    people(filled, number, MANY_MORE + start)
    electors = Elector.objects.filter(number__gte=f"n{MANY_MORE + start:06}").order_by("number")[:number]
    style = filled.now("patient").style
    with boards.tampering():
        made = Application.objects.bulk_create(
            (
                Application(
                    election=filled.election,
                    offer=offer,
                    reference=f"MANY-{elector.number}",
                    received_at=RECEIVED,
                    elector=elector,
                    style=style,
                    office=filled.town.hospital,
                    name=elector.name,
                    birth=RECEIVED.date(),
                    address=elector.address,
                    sworn=True,
                    state=State.CAST,
                )
                for elector in electors
            ),
            batch_size=500,
        )
        StateChange.objects.bulk_create(
            (
                StateChange(application=one, event=event, before=State.ISSUED, after=State.CAST, at=RECEIVED)
                for one in made
                for event in (Event.TAKE_UP, Event.ISSUE, Event.CAST)
            ),
            batch_size=500,
        )
    assert len(made) == number


def test_a_roll_of_a_large_district_takes_as_many_queries_as_one_of_three_people(filled: Filled) -> None:
    """Page and CSV."""
    district = District.objects.get(code="02")

    def page() -> int:
        return sum(1 for _piece in pieces(Document.MARKED_ROLL, filled.election, district))

    def written() -> int:
        return sum(1 for _line in csv_bytes(tables(Document.MARKED_ROLL, filled.election)))

    before = queries(page), queries(written)
    people(filled, ELECTORS)
    assert (queries(page), queries(written)) == before
    assert written() > ELECTORS


def test_a_register_takes_one_query_more_for_each_few_hundred_applications(filled: Filled) -> None:
    """The steps of a chunk are read at once; category, elector, district and office come with the row."""

    def page() -> int:
        return sum(1 for _piece in pieces(Document.REGISTER, filled.election))

    before = queries(page)
    requests(filled, AT_ONCE)
    assert queries(page) == before + 1
    requests(filled, 2 * AT_ONCE, AT_ONCE)
    assert queries(page) == before + 3


@pytest.mark.parametrize("document", sorted(set(Document) - {Document.REGISTER, Document.MARKED_ROLL}))
def test_no_other_document_takes_more_queries_for_more_applications(filled: Filled, document: Document) -> None:
    """Counted in the database, or one reading for each voting district."""

    def page() -> list[str]:
        return list(pieces(document, filled.election))

    page()
    before = queries(page)
    requests(filled, 50)
    assert queries(page) == before


def test_the_index_takes_as_many_queries_for_more_applications_and_electors(filled: Filled) -> None:
    """Whether everything agrees is a matter of sums."""
    clerk = Client()
    clerk.force_login(filled.town.clerk)
    address = reverse("records:index", args=["kakuu"])
    clerk.get(address)
    before = queries(lambda: clerk.get(address))
    people(filled, 50)
    requests(filled, 50)
    assert queries(lambda: clerk.get(address)) == before


def test_a_download_is_a_stream(filled: Filled) -> None:
    """Its first line leaves before the last row is read."""
    clerk = Client()
    clerk.force_login(filled.town.clerk)
    response = clerk.get(reverse("records:csv", args=["kakuu", Document.PAPERS_REPORT]))
    assert response.streaming
    people(filled, ELECTORS)
    lines = csv_bytes(tables(Document.MARKED_ROLL, filled.election))
    assert queries(lambda: [next(lines) for _line in range(20)]) <= 5
