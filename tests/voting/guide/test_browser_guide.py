"""The first pages in a real browser: no barrier in any language, size or contrast; light; without scripts, too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Response

from tests.voting import kakuu
from tests.voting.browser import WIDTHS, Visitor, shoot, window
from tests.voting.kakuu import World
from tests.voting.offices import Town

pytestmark = pytest.mark.django_db(transaction=True)

LANGUAGES = ("en", "ja-easy", "ja")
PAGES = {
    "start": "/",
    "election": "/elections/kakuu/",
    "help": "/help/kakuu/",
    "paper": "/elections/kakuu/paper/?category=COVID_HOME",
}
MOST = 100_000
"""Bytes of the start page with everything that it loads (issue 4)."""
DEMONSTRATED = ("COVID_HOME", "COVID_HOTEL", "CLOSE_CONTACT", "OTHER_BOARD", "FACILITY")


@pytest.fixture
def world(town: Town) -> World:
    """Notice day was yesterday; the election offers what the demonstration does."""
    town.board.contact, town.board.address = "03-0000-0000", "架空市中央一丁目1番1号"
    town.board.save()
    today = timezone.localdate()
    world = kakuu.world(town, notice=today - timedelta(1), election_day=today + timedelta(6))
    for code, offer in world.offers.items():
        offer.enabled = code in DEMONSTRATED
        offer.save()
    return world


def speak(voter: Visitor, language: str) -> None:
    voter.context.add_cookies([{"name": "django_language", "value": language, "url": voter.server}])


def show(voter: Visitor, how: str) -> None:
    voter.context.add_cookies([{"name": "display", "value": how, "url": voter.server}])


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_barrier(world: World, visitor: Callable[[], Visitor], language: str) -> None:  # noqa: F811
    """
    Requirement 40: every page and language, as it comes and very large with strong contrast.

    At every width in Japanese; other languages differ in the length of words, which shows where it is narrow.
    """
    voter, widths = visitor(), WIDTHS if language == "ja" else WIDTHS[-1:]
    speak(voter, language)
    for how in ("normal.normal.on", "very-large.high.on"):
        show(voter, how)
        for name, path in PAGES.items():
            page = voter.go(path)
            voter.examine(f"guide-{name}-{language}-{how.split('.')[0]}", widths)
            assert voter.low_targets() == []
            page.locator("details.display summary").click()
        voter.examine(f"guide-switches-{language}-{how.split('.')[0]}", widths)
        assert voter.low_targets() == []


def test_other_elections(world: World, visitor: Callable[[], Visitor]) -> None:  # noqa: F811
    """Every category that there is; the sheet with all reasons; nothing to vote on."""
    voter = visitor()
    for offer in world.offers.values():
        offer.enabled = True
        offer.save()
    voter.go("/elections/kakuu/")
    voter.examine("guide-all-categories")
    voter.go("/elections/kakuu/paper/")
    voter.examine("guide-all-reasons")
    world.election.office = None
    world.election.save()
    voter.go("/")
    voter.examine("guide-no-election")
    voter.go("/help/")
    voter.examine("guide-help-general")


def test_switches_keep_what_was_typed(world: World, visitor: Callable[[], Visitor]) -> None:  # noqa: F811
    """With scripts the page changes at once and stays; the next page is shown so, too."""
    voter = visitor()
    page = voter.go("/login/letter/?election=kakuu")
    field = page.locator("main input:visible").first
    field.fill("123")
    page.locator("details.display summary").click()
    with page.expect_response("**/display/"):
        page.locator("button[name=text][value=very-large]").click()
    with page.expect_response("**/display/"):
        page.locator("button[name=contrast][value=high]").click()
    assert page.locator("html[data-text=very-large][data-contrast=high]").count() == 1
    assert page.locator("button[aria-pressed=true]").count() == 2
    assert field.input_value() == "123"
    voter.go("/")
    assert page.locator("html[data-text=very-large][data-contrast=high]").count() == 1
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "25px"


def test_readings_on_and_off(world: World, visitor: Callable[[], Visitor]) -> None:  # noqa: F811
    voter = visitor()
    speak(voter, "ja-easy")
    page = voter.go("/elections/kakuu/")
    assert page.locator("main ruby").count() > 10
    for value in ("off", "on"):
        if "#display" not in page.url:
            page.locator("details.display summary").click()
        voter.follow(page.locator(f"button[name=readings][value={value}]"))
        assert (page.locator("main ruby").count() > 10) == (value == "on")
    assert page.url.endswith("/elections/kakuu/#display")
    page.locator("button[name=readings]").first.wait_for()


def test_without_scripts(world: World, browser: Browser, live_server: object) -> None:  # noqa: F811
    """The switches work, one can find out and apply, and the page says what needs scripts: voting."""
    server = live_server.url  # type: ignore[attr-defined]
    page = window(browser, java_script_enabled=False, locale="en-GB").new_page()
    page.goto(f"{server}/elections/kakuu/")
    # Switched off by a tool, Chromium reads what is in <noscript> and does not draw it.
    assert "JavaScript is switched off" in (page.locator("noscript p").text_content() or "")
    page.locator("details.display summary").click()
    page.locator("button[name=text][value=large]").click()
    page.wait_for_url("**/elections/kakuu/#display")
    assert page.locator("html[data-text=large]").count() == 1
    page.goto(f"{server}/elections/kakuu/paper/")
    assert page.locator("button#print").is_hidden() and page.locator(".sheet").is_visible()


def test_light_and_alone(world: World, visitor: Callable[[], Visitor]) -> None:  # noqa: F811
    """The start page is under 100 kB with all that it loads, all from here, and leaves only the forms' own cookie."""
    voter = visitor()
    answers: list[Response] = []
    voter.page.on("response", lambda answer: answers.append(answer))
    voter.go("/")
    voter.page.wait_for_load_state("networkidle")
    sizes = {
        answer.url: sum(answer.request.sizes()[part] for part in ("responseBodySize", "responseHeadersSize"))
        for answer in answers
    }  # type: ignore[literal-required]
    assert len(sizes) >= 4 and 5_000 < sum(sizes.values()) < MOST, sizes
    assert all(url.startswith(voter.server) for url in sizes)
    assert [cookie["name"] for cookie in voter.context.cookies()] == ["csrftoken"]


def test_on_a_phone_the_page_begins_on_the_first_screen(world: World, visitor: Callable[[], Visitor]) -> None:  # noqa: F811
    """The header leaves most of it to what people came for."""
    voter = visitor()
    voter.page.set_viewport_size({"width": 390, "height": 844})
    for how, most in (("normal.normal.on", 220), ("very-large.high.on", 420)):
        show(voter, how)
        voter.go("/")
        box = voter.page.locator("h1").bounding_box()
        assert box is not None and box["y"] < most, (how, box)


def test_by_keyboard(world: World, visitor: Callable[[], Visitor]) -> None:  # noqa: F811
    """The first stop leads past the header; every stop can be seen."""
    voter = visitor()
    page = voter.go("/elections/kakuu/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    for _ in range(12):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert outline == "4px", page.evaluate("document.activeElement.outerHTML")


def test_one_sheet_of_paper(world: World, visitor: Callable[[], Visitor]) -> None:  # noqa: F811
    """Printed, the request is alone on one A4 page, in every language and size."""
    voter = visitor()
    voter.page.emulate_media(media="print")
    for language in LANGUAGES:
        speak(voter, language)
        for how in ("normal.normal.on", "very-large.high.on"):
            show(voter, how)
            for query in ("?category=COVID_HOME", ""):
                voter.go(f"/elections/kakuu/paper/{query}")
                shoot(voter.page, f"guide-sheet-{language}-{how.split('.')[0]}{bool(query)}")
                printed = voter.page.pdf(prefer_css_page_size=True)
                assert printed.count(b"/Type /Page\n") == 1, (language, how, query)
