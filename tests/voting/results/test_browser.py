"""The pages of count and result in Chromium: no barrier at any width, and the count is followed without reloading."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import Page, Request, expect

from tests.voting import boards
from tests.voting.browser import Visitor
from tests.voting.results.conftest import Count
from verifier.record.entries import Type
from voting.board.services import add_cosignature, publish_checkpoint
from voting.counting import progress
from voting.elections.models import ElectionKind
from voting.results.report import make_report

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/results/kakuu/"
WIDTHS = (1280, 320)


def test_the_pages_have_no_barriers(visitor: Callable[..., Visitor], count_of: Callable[[ElectionKind], Count]) -> None:
    """Before the close, while it is counted, and the result with every part unfolded."""
    somebody, count = visitor(), count_of(ElectionKind.CITY)
    count.go(Type.POLLS_OPENED)
    somebody.go(PAGE)
    somebody.examine("results-before", WIDTHS)
    count.go(Type.MIX_STAGE, 2)
    progress.note(count.row.pk, "mix", 1200, 5000, "names", 1, 2)
    somebody.go(PAGE)
    somebody.examine("results-counting", WIDTHS)
    count.published()
    page = somebody.go(PAGE)
    for fold in page.locator("main details summary").all():
        fold.click()
    somebody.examine("results-result", WIDTHS)
    assert somebody.low_targets() == []


def test_the_server_s_own_check_has_no_barriers(visitor: Callable[..., Visitor], count: Count) -> None:
    """All named checks at every width."""
    count.published()
    add_cosignature(count.row, boards.cosignature(publish_checkpoint(count.row).text))
    make_report(count.row)
    somebody = visitor()
    somebody.go(reverse("results:verification", args=["kakuu"]))
    somebody.examine("results-report", WIDTHS)


def watch(page: Page) -> list[str]:
    """What the page's program asks for from now on; the browser itself may fetch the icon late."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if request.resource_type == "fetch":
            asked.append(request.url.rpartition("/")[2])

    page.on("request", note)
    return asked


def test_before_the_close_nothing_is_asked(visitor: Callable[..., Visitor], count: Count) -> None:
    """Hours pass, and the page asks nothing; it does not follow the close either, until somebody loads it."""
    count.go(Type.BALLOT_CAST, 3)
    somebody = visitor("en")
    somebody.page.clock.install()
    page = somebody.go(PAGE)
    asked = watch(page)
    page.clock.run_for(3 * 60 * 60 * 1000)
    assert asked == []
    expect(page.locator("#count")).to_have_attribute("data-phase", "before")


def test_the_count_is_followed_without_reloading(visitor: Callable[..., Visitor], count: Count) -> None:
    """Entries come while the page is open: each step, the work that goes on, and at last the result. What is read aloud
    changes only with the step. Then nothing more is asked."""
    count.go(Type.TALLY_FROZEN)
    somebody = visitor("en")
    somebody.page.clock.install()
    page = somebody.go(PAGE)
    loaded: list[str] = []
    page.on("load", lambda: loaded.append("again"))
    told = page.locator("#told")
    expect(told).to_contain_text("Step 4 of 7:")
    sentence = told.locator("p").element_handle()
    progress.note(count.row.pk, "mix", 3, 7, "council", 0, 1)
    page.clock.run_for(6_000)
    expect(page.locator("#count progress")).to_have_attribute("value", "3")
    assert sentence.evaluate("node => node.isConnected"), "nothing was said again"
    count.go(Type.MIX_STAGE, 15)
    page.clock.run_for(6_000)
    expect(told).to_contain_text("Step 5 of 7:")
    count.published()
    page.clock.run_for(6_000)
    expect(told).to_contain_text("The result is published.")
    expect(page.locator("#votes-mayor")).to_be_visible()
    asked = watch(page)
    page.clock.run_for(10 * 60_000)
    assert asked == [] and loaded == []
    somebody.examine("results-followed", widths=(1280,))


def test_nobody_is_asked_for_while_the_page_is_hidden(visitor: Callable[..., Visitor], count: Count) -> None:
    """And at once when somebody looks again."""
    count.go(Type.TALLY_FROZEN)
    somebody = visitor("en")
    somebody.page.clock.install()
    page = somebody.go(PAGE)
    shown = "state => {Object.defineProperty(document, 'visibilityState', {value: state, configurable: true});"
    turn = shown + "document.dispatchEvent(new Event('visibilitychange'));}"
    page.evaluate(turn, "hidden")
    asked = watch(page)
    page.clock.run_for(10 * 60_000)
    assert asked == []
    count.go(Type.MIX_STAGE, 15)
    page.evaluate(turn, "visible")
    expect(page.locator("#told")).to_contain_text("Step 5 of 7:")


def test_a_server_that_does_not_answer_is_asked_less_often(visitor: Callable[..., Visitor], count: Count) -> None:
    """The page says so, keeps what it shows, and goes on."""
    count.go(Type.TALLY_FROZEN)
    somebody = visitor("en")
    somebody.page.clock.install()
    page = somebody.go(PAGE)
    unanswered = page.locator("#unanswered")
    expect(unanswered).to_be_hidden()
    page.route("**/progress", lambda route: route.abort())
    asked = watch(page)
    page.clock.run_for(6_000)
    expect(unanswered).to_be_visible()
    expect(page.locator("#told")).to_contain_text("Step 4 of 7:")
    assert asked == ["progress"]
    page.clock.run_for(6_000)
    assert asked == ["progress"], "it waits twice as long"
    page.unroute("**/progress")
    count.go(Type.MIX_STAGE, 15)
    page.clock.run_for(6_000)
    expect(page.locator("#told")).to_contain_text("Step 5 of 7:")
    expect(unanswered).to_be_hidden()
    somebody.console.clear()  # the answers that were cut off
