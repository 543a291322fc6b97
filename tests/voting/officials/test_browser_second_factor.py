"""The first login in a real browser: picture, secret, code and recovery codes; then the second login; at any width."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.voting import offices
from tests.voting.browser import Visitor
from tests.voting.factors import PASSWORD, code
from voting.officials import second_factor as factor
from voting.officials.models import Official
from voting.officials.roles import Role

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("second_factor")]


def test_the_first_login_and_the_second(visitor: Callable[[], Visitor]) -> None:  # noqa: F811
    clerk = offices.official("clerk", Role.BOARD_CLERK, offices.board())
    clerk.set_password(PASSWORD)
    clerk.save()
    first = visitor()
    password(first, clerk)
    shown = first.page.evaluate("[...document.images].map(one => one.complete && one.naturalWidth)")
    assert len(shown) == 1 and shown[0] > 100
    first.examine("second-factor-set-up")
    assert first.low_targets() == []
    secret = b32_to_hex(first.page.locator("#secret").inner_text())
    used = code(secret)
    enter(first.page, used)
    first.examine("second-factor-codes")
    codes = first.page.locator("ol.codes code").all_inner_texts()
    assert len(codes) == factor.RECOVERY_CODES
    with first.page.expect_navigation():
        first.page.locator("a.action").click()
    assert first.page.url.endswith("/office/roll/search/")

    second = visitor()
    password(second, clerk)
    assert second.page.locator("img.qr").count() == 0
    second.examine("second-factor-code")
    assert second.low_targets() == []
    enter(second.page, used)
    assert second.page.locator("[role=alert]").count() == 1
    second.console.clear()  # the browser notes the status 400
    second.examine("second-factor-wrong")
    enter(second.page, codes[0])
    assert second.page.url.endswith("/office/roll/search/")


def test_the_lock_out_says_so(visitor: Callable[[], Visitor], db: None) -> None:  # noqa: F811
    somebody = visitor()
    for _step in range(5):
        somebody.go("/office/login/")
        fill(somebody.page, "clerk", "wrong")
    assert somebody.page.locator("[role=alert]").count() == 1
    somebody.console.clear()  # the browser notes the status 429
    somebody.examine("locked-out")


def password(visitor: Visitor, official: Official) -> None:  # noqa: F811
    visitor.go("/office/roll/search/")
    fill(visitor.page, official.username, PASSWORD)
    assert "/office/second-factor/" in visitor.page.url


def fill(page: Page, username: str, typed: str) -> None:
    page.locator("#id_username").fill(username)
    page.locator("#id_password").fill(typed)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def enter(page: Page, typed: str) -> None:
    page.locator("#id_code").fill(typed)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def b32_to_hex(text: str) -> str:
    """The secret as the page shows it, for the app."""
    return base64.b32decode(text.replace(" ", "")).hex()
