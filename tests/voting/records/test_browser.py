"""The records in a real browser: no barrier at any width, and on paper A4, upright or across, with nothing cut off."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db.models import Value
from django.db.models.functions import Concat
from django.urls import reverse
from playwright.sync_api import Page

from tests.voting import boards
from tests.voting.browser import SHOTS, Visitor
from tests.voting.records.filled import Filled
from voting.applications.models import Application
from voting.officials.models import Official, Proposal
from voting.officials.roles import Act
from voting.officials.services import approve
from voting.records.documents import BY_DISTRICT, LANDSCAPE
from voting.records.exports import ask_to_export
from voting.records.models import Document, Part, Seal
from voting.roll.models import Elector

pytestmark = pytest.mark.django_db(transaction=True)

A4 = (595, 842)
"""width and height in points, upright"""
MARGINS = {False: 15, True: 10}
"""left and right, in mm; across: True"""
WIDE = 297 / 25.4 * 96
"""pixels of the long side"""
HIGH = 210 / 25.4 * 96


def address(name: str, *args: object) -> str:
    return reverse(f"records:{name}", args=["kakuu", *args])


def document_address(document: Document, filled: Filled) -> str:
    if document in BY_DISTRICT:
        return address("district", document.value, filled.election.districts.get(code="02").pk)
    return address("document", document.value)


@pytest.fixture
def desk(visitor: Callable[[], Visitor]) -> Visitor:  # noqa: F811
    return visitor()


def sheets(pdf: bytes) -> set[tuple[int, int]]:
    """The sizes of the pages, in points."""
    boxes = re.findall(rb"/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)\s*\]", pdf)
    return {(round(float(width)), round(float(height))) for width, height in boxes}


def print_out(page: Page, name: str) -> bytes:
    page.emulate_media(media="print")
    pdf = page.pdf(path=Path(SHOTS) / f"{name}.pdf" if SHOTS else None, prefer_css_page_size=True)
    page.emulate_media(media="screen")
    return pdf


def too_wide_on_paper(page: Page, across: bool) -> int:
    """Pixels by which the page is wider than the paper between its margins."""
    room = (WIDE if across else HIGH) - 2 * MARGINS[across] / 25.4 * 96
    page.emulate_media(media="print")
    page.set_viewport_size({"width": int(room), "height": 900})
    over: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 1280, "height": 900})
    return over


@pytest.mark.parametrize("document", Part.VOTING.documents)
def test_a_document_is_read_at_every_width_and_printed_on_a4(desk: Visitor, filled: Filled, document: Document) -> None:
    """Long tables scroll in a region that the keyboard reaches; paper has the right way up and holds the columns,
    whatever somebody wrote without a space.
    """
    with boards.tampering():
        Application.objects.update(name="W" * 60)
        Elector.objects.update(name="W" * 60, building="W" * 100, list_number=Concat(Value("W" * 20), "number"))
        Official.objects.update(name="W" * 60)
    page = desk.enter(filled.town.clerk).go(document_address(document, filled))
    desk.examine(f"records-{document.value}")
    region = page.locator('[role="region"][tabindex="0"][aria-label]')
    assert region.count() == page.locator("table").count() >= 1
    across = document in LANDSCAPE
    assert too_wide_on_paper(page, across) <= 0
    pdf = print_out(page, f"records-{document.value}")
    assert pdf.startswith(b"%PDF")
    assert sheets(pdf) == {A4[::-1] if across else A4}


@pytest.mark.parametrize("document", Part.COUNT.documents)
def test_the_records_of_the_count_are_read_and_printed_on_a4(desk: Visitor, result: Filled, document: Document) -> None:
    """With every table that a count of all kinds of contests has; hashes break, and nothing is cut off."""
    page = desk.enter(result.town.clerk).go(document_address(document, result))
    desk.examine(f"records-{document.value}", (1280, 320))
    assert too_wide_on_paper(page, across=False) <= 0
    assert sheets(print_out(page, f"records-{document.value}")) == {A4}


def test_the_lists_around_the_documents(desk: Visitor, filled: Filled) -> None:
    """The index when everything agrees, and a list of voting districts."""
    desk.enter(filled.town.clerk).go(address("index"))
    desk.examine("records-index")
    assert desk.low_targets() == []
    desk.go(address("document", Document.MARKED_ROLL.value))
    desk.examine("records-districts")


def test_while_the_polls_are_open_the_index_says_what_is_missing(desk: Visitor, polls: Filled) -> None:
    """Each on a line of its own, in the reader's language."""
    page = desk.enter(polls.town.clerk).go(address("index"))
    desk.examine("records-index-open")
    problems = page.locator(".problems li").all_inner_texts()
    assert len(problems) >= 5 and "投票が終了していません" in problems


def test_records_are_sealed_and_the_seal_is_checked(desk: Visitor, filled: Filled) -> None:
    """Asked for with the keyboard, agreed to by the chair, whole; then somebody touches the roll, and the page says
    which document, which voting district, and how.
    """
    page = desk.enter(filled.town.clerk).go(address("index"))
    page.fill("#reason-voting", "異議なし")
    page.keyboard.press("Enter")
    page.wait_for_selector(".messagelist .success")
    desk.examine("records-seal-asked")
    approve(Proposal.objects.get(act=Act.SEAL_RECORDS), by=filled.town.chair)
    desk.go(address("index"))
    desk.examine("records-index-sealed")
    desk.follow(page.locator(f'a[href="{address("check")}"]'))
    page.wait_for_selector("p.good")
    desk.examine("records-seal-whole")
    Elector.objects.filter(list_number="02-005").update(mark="moved")
    page.reload()
    [changed] = page.locator(".problems > li").all_inner_texts()
    assert "選挙人名簿抄本" in changed and "架空第二投票区（02）" in changed
    desk.examine("records-seal-changed")
    page = desk.go(document_address(Document.DISPATCH, filled))
    assert page.locator(".seal span").inner_text() == Seal.objects.get().digests[Document.DISPATCH]


def test_a_refusal_is_a_page_that_everybody_can_read(desk: Visitor, filled: Filled) -> None:
    """𠮷 has no place in CP932: the cell is named, at every width, and the approval is still there."""
    asked = ask_to_export(filled.election, Document.REGISTER, by=filled.town.clerk, reason="照会")
    approve(asked, by=filled.town.chair)
    page = desk.enter(filled.town.clerk).go(address("index"))
    desk.examine("records-index-approved")
    page.select_option(f"#encoding-{Document.REGISTER.value}", "cp932")
    page.locator(f'form[action="{address("csv", Document.REGISTER.value)}"] button').click()
    page.wait_for_selector('[role="alert"]')
    assert "𠮷" in page.locator(".problems").inner_text()
    assert len(desk.console) == 1 and "409" in desk.console.pop()
    desk.examine("records-refused")
    desk.follow(page.locator(f'main a[href="{address("index")}"]'))
    with page.expect_download() as download:
        page.locator(f'form[action="{address("csv", Document.REGISTER.value)}"] button').click()
    assert download.value.suggested_filename == "kakuu-jimushori-bo.csv"
