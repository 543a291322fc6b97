"""The login in a real browser, in every language, by keyboard; the policy lets the form lead to the provider."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from playwright.sync_api import Browser

from tests.voting import kakuu
from tests.voting.browser import Visitor, window
from tests.voting.kakuu import World
from tests.voting.login.people import print_code
from tests.voting.login.provider import Provider
from voting.access.services import log
from voting.credentials.codes import printed
from voting.login import throttle
from voting.login.throttle import MOST
from voting.officials.roles import Act

pytestmark = pytest.mark.django_db(transaction=True)


def test_there_and_back(provider: Provider, world: World, visitor: Callable[[], Visitor]) -> None:  # noqa: F811
    """Requirements 7 and 40."""
    log(world.town.clerk, world.town.board, Act.VIEW_ROLL, "電話での問い合わせ", [world.electors["taro"].pk])
    voter: Visitor = visitor()
    page = voter.go(f"/login/card/?election={world.election.slug}")
    for language in ("en", "ja-easy", "ja"):
        with page.expect_navigation():
            page.locator(f"button[value={language}]").click()
        assert page.url.endswith(f"?election={world.election.slug}")
        voter.examine(f"login-card-{language}")
    assert voter.low_targets() == []
    page.locator("button.primary").focus()
    with page.expect_navigation(url="**/login/accesses/"):
        page.keyboard.press("Enter")
    assert page.get_by_text("電話での問い合わせ").is_visible()
    voter.examine("login-accesses")
    assert voter.low_targets() == []
    voter.follow(page.locator("main button"))
    assert page.url == voter.server + "/"
    answer = page.goto(voter.server + "/login/card/return/")
    assert answer is not None and answer.status == 400
    voter.console.clear()  # Chromium tells of the status
    voter.examine("login-refused")
    assert provider.refusals == []


def test_by_a_letter(world: World, visitor: Callable[[], Visitor]) -> None:  # noqa: F811
    """In every language, by keyboard alone, with slips on the way that are pointed at (requirement 40)."""
    code = print_code(world, kakuu.issued(world))
    voter: Visitor = visitor()
    page = voter.go(f"/login/letter/?election={world.election.slug}&next=/login/accesses/")
    for language in ("en", "ja-easy", "ja"):
        voter.follow(page.locator(f"button[value={language}]"))
        voter.examine(f"login-letter-{language}")
    assert voter.low_targets() == []
    page.locator("#id_code").focus()
    page.keyboard.type("O" + code[1:])
    page.keyboard.press("Tab")
    for _ in range(3):  # to 昭和
        page.keyboard.press("ArrowDown")
    for text in ("55", "2", "30"):
        page.keyboard.press("Tab")
        page.keyboard.type(text)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator("[role=alert]").is_visible() and page.locator("[aria-invalid=true]").count() == 4
    voter.examine("login-letter-wrong")
    page.locator("[role=alert] a").first.press("Enter")
    assert page.evaluate("document.activeElement.id") == "id_code"
    page.locator("#id_code").fill(printed(code).lower())
    page.locator("#id_month").fill("4")
    page.locator("#id_day").fill("１")
    page.locator("#id_day").press("Enter")
    page.wait_for_url("**/login/accesses/**")  # the browser keeps the fragment of the link
    voter.examine("login-letter-accesses")


def test_by_a_letter_without_scripts(world: World, browser: Browser, live_server: object) -> None:  # noqa: F811
    """Requirement 40: who has switched them off, or whose browser is old, comes in as well."""
    code = print_code(world, kakuu.issued(world))
    server = live_server.url  # type: ignore[attr-defined]
    page = window(browser, java_script_enabled=False).new_page()
    page.goto(f"{server}/login/letter/?next=/login/accesses/")
    for field, text in (("code", code), ("year", "1980"), ("month", "4"), ("day", "1")):
        page.locator(f"#id_{field}").fill(text)
    page.locator("main button.primary").click()
    page.wait_for_url("**/login/accesses/")


def test_too_many_tries(
    world: World,  # noqa: F811
    visitor: Callable[[], Visitor],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The page that asks to wait."""
    monkeypatch.setattr(throttle, "time", SimpleNamespace(time=lambda: 1_800_000_000.0))  # no new window begins
    voter: Visitor = visitor()
    page = voter.go("/login/letter/")
    for _ in range(MOST + 1):
        for field, text in (("code", "3" * 20), ("year", "1980"), ("month", "4"), ("day", "1")):
            page.locator(f"#id_{field}").fill(text)
        voter.follow(page.locator("main button.primary"))
    assert page.locator("main time").is_visible()
    voter.console.clear()  # Chromium tells of the status
    voter.examine("login-too-fast")
