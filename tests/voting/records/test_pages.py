"""The pages: what is in them, that nothing in them runs, and that a roll of a city does not fill the memory."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from tests.voting.records.filled import Filled
from voting.elections.models import District
from voting.officials.services import approve
from voting.records.csvs import csv_bytes
from voting.records.documents import BY_DISTRICT, SIGNED_BY, digest, tables
from voting.records.models import Document
from voting.records.pages import pieces
from voting.records.seal import ask_to_seal
from voting.roll.models import Elector

pytestmark = pytest.mark.django_db
MANY = 20_000
ROOM = 4 << 20
"""bytes; the rows of a roll of MANY people are many times that"""


class Outline(HTMLParser):
    """Elements with their attributes, in order; unclosed ones are noticed."""

    VOID = ("meta", "link", "br")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def html(document: Document, filled: Filled) -> str:
    district = filled.election.districts.first() if document in BY_DISTRICT else None
    return "".join(pieces(document, filled.election, district))


@pytest.mark.parametrize("document", Document)
def test_a_page_is_whole_japanese_and_tells_its_structure(document: Document, filled: Filled) -> None:
    """Each table has a caption, scoped headers and a region that the keyboard reaches; signers have their lines."""
    page = html(document, filled)
    outline = Outline(page)
    assert outline.all("html")[0]["lang"] == "ja"
    assert len(outline.all("caption")) == len(outline.all("table")) >= 1
    assert {header["scope"] for header in outline.all("th")} == {"col", "row"}
    regions = [one for one in outline.all("div") if one.get("class") == "scroll"]
    assert len(regions) == len(outline.all("table"))
    assert all(one["tabindex"] == "0" and one["role"] == "region" and one["aria-label"] for one in regions)
    assert [f"<dt>{name}</dt>" in page for name in SIGNED_BY[document]] == [True] * len(SIGNED_BY[document])
    assert document.label in str(outline.all("html")[0]["data-running"])
    assert "架空市選挙管理委員会" in page and "封印前" in page
    assert re.search(r"令和\d+年\d+月\d+日 \d\d時\d\d分現在", page)


@pytest.mark.parametrize("document", Document)
def test_nothing_inline_runs_or_styles(document: Document, filled: Filled) -> None:
    """The site's policy forbids it, and a page that needs it would print badly."""
    outline = Outline(html(document, filled))
    assert not outline.all("script") and not outline.all("style")
    assert not [name for _tag, one in outline.elements for name in one if name == "style" or name.startswith("on")]


def test_a_name_is_text(filled: Filled) -> None:
    """The attacker's side: an applicant whose name is markup, or the place where the template takes rows."""
    filled.apply("evil", "OTHER_BOARD", name='<script src="//evil.example"></script><!-- here -->')
    page = html(Document.REGISTER, filled)
    assert "&lt;script src=" in page and not Outline(page).all("script")
    assert page.count("TEST-0001") == 1


def test_an_empty_table_says_so(polls: Filled) -> None:
    """Nothing was refused yet: the form says 該当なし, as an official would write."""
    assert "該当なし" in html(Document.POLL_RECORD, polls)


def test_a_sealed_page_carries_its_digest(filled: Filled) -> None:
    approve(ask_to_seal(filled.election, by=filled.town.clerk), by=filled.town.chair)
    page = html(Document.REGISTER, filled)
    assert "封印済" in page and digest(Document.REGISTER, filled.election) in page


@pytest.fixture
def city(filled: Filled) -> District:
    """A voting district with MANY people."""
    model = Elector.objects.filter(district__code="02").values()[0]
    del model["id"]
    Elector.objects.bulk_create(
        (
            Elector(**{**model, "number": f"n{number}", "list_number": f"n{number:06}", "vote": "none"})
            for number in range(MANY)
        ),
        batch_size=500,
    )
    return District.objects.get(code="02")


def peak(stream: Iterator[object]) -> tuple[int, int]:
    """(pieces, most bytes held while they are consumed one by one)"""
    tracemalloc.start()
    try:
        count = sum(1 for _piece in stream)
        return count, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_large_roll_is_streamed(filled: Filled, city: District) -> None:
    """20,000 rows: page, CSV and digest each take no more memory than some hundred rows need."""
    list(pieces(Document.MARKED_ROLL, filled.election, filled.election.districts.get(code="01")))  # templates loaded
    count, most = peak(pieces(Document.MARKED_ROLL, filled.election, city))
    assert count > MANY / 1000 and most < ROOM
    count, most = peak(csv_bytes(tables(Document.MARKED_ROLL, filled.election)))
    assert count > MANY and most < ROOM
