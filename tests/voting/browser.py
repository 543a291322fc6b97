"""Somebody at Chromium, who notices what its console says, barriers, and pages that are too wide.

Without Chromium these tests fail: they are never skipped. Pictures of the pages go to the folder that TASHIKA_SHOTS
names, if it is set, for people to look at.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect, sync_playwright

from tests.voting.booth.pages import CHROMIUM
from voting.officials.models import Official

PASSWORD = "架空の長い合言葉です"
WIDTHS = (1280, 390, 320)
GRAVE = ("serious", "critical")
SHOTS = os.environ.get("TASHIKA_SHOTS")
SLOW = 60_000  # ms: two cores may be busy with other tests

expect.set_options(timeout=SLOW)


def window(browser: Browser, **how: Any) -> BrowserContext:
    """A fresh profile whose pages are waited for as long as they may need."""
    context = browser.new_context(**how)
    context.set_default_timeout(SLOW)
    return context


class Visitor:
    """Somebody at a browser of their own."""

    def __init__(self, browser: Browser, server: str, locale: str = "ja-JP") -> None:
        self.browser = browser
        self.context = window(browser, locale=locale, viewport={"width": WIDTHS[0], "height": 900})
        self.page: Page = self.context.new_page()
        self.server = server
        self.console: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.console.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.console.append(f"{self.page.url}: {message.text} {message.location}")

    def go(self, path: str) -> Page:
        answer = self.page.goto(self.server + path)
        assert answer is not None and answer.ok, path
        return self.page

    def follow(self, way: Locator) -> Page:
        """Click a link or a button, and wait until the page that it leads to is there."""
        with self.page.expect_navigation():
            way.click()
        return self.page

    def log_in(self, official: Official, path: str = "/office/") -> Page:
        """By the login page, with a password set just before; ends at `path`."""
        official.set_password(PASSWORD)
        official.save()
        self.go(path)
        self.page.locator("#id_username").fill(official.username)
        self.page.locator("#id_password").fill(PASSWORD)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        assert self.page.url == self.server + path
        return self.page

    def enter(self, official: Official) -> Visitor:
        """With the session of somebody who has logged in already."""
        client = Client()
        client.force_login(official)
        name = settings.SESSION_COOKIE_NAME
        self.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": self.server}])
        return self

    def examine(self, name: str, widths: tuple[int, ...] = WIDTHS) -> None:
        """No serious barrier, nothing wider than the window, nothing in the console; at every width."""
        self.page.wait_for_load_state()
        for width in widths:
            self.page.set_viewport_size({"width": width, "height": 900})
            shoot(self.page, f"{name}-{width}")
            assert not self.console, (name, self.console)
            found = Axe().run(self.page).response["violations"]
            self.console.clear()  # axe's own styles are refused, too
            grave = [
                (fault["id"], [node["html"][:200] for node in fault["nodes"]])
                for fault in found
                if fault["impact"] in GRAVE
            ]
            assert not grave, (name, width, grave)
            overflow = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert overflow <= 0, f"{name} at {width}: {overflow} px too wide"
        self.page.set_viewport_size({"width": WIDTHS[0], "height": 900})

    def low_targets(self) -> list[str]:
        """Buttons and fields lower than 44 px."""
        low: list[str] = self.page.evaluate(
            """() => [...document.querySelectorAll("button, select, textarea, input:not([type=hidden], [type=radio])")]
                .filter(part => part.offsetHeight && part.offsetHeight < 44).map(part => part.outerHTML.slice(0, 99))"""
        )
        return low


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One program for all tests of a file; each has windows and cookies of its own."""
    assert CHROMIUM, "these tests need Chromium or Google Chrome: install one and try again"
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright's loop runs in this thread, where Django would then refuse its database.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        program = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield program
        program.close()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    yield chromium
    for context in chromium.contexts:
        for page in context.pages:
            page.unroute_all(behavior="wait")  # what is being answered for a page is not cut off
        context.close()


@pytest.fixture
def visitor(browser: Browser, live_server: object) -> Callable[..., Visitor]:
    return lambda *locale: Visitor(browser, live_server.url, *locale)  # type: ignore[attr-defined]
