"""Somebody with a letter and a phone, who goes through the booth in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page

from tests.voting.booth.hall import Hall
from tests.voting.browser import Visitor
from tests.voting.polling import BORN
from voting.applications.models import Application
from voting.board.models import BoardEntry


class Voter(Visitor):
    """Somebody with a letter and a phone."""

    hall: Hall
    application: Application

    def enter_by_letter(self) -> Page:
        """The letter's code and the date of birth."""
        code = self.hall.letter(self.application)
        page = self.go(f"/login/letter/?election={self.hall.row.slug}")
        page.fill("#id_code", code)
        self.fill_birth(page)
        self.follow(page.locator("main button.primary"))
        assert page.url.endswith(f"/vote/{self.hall.row.slug}/")
        return page

    @staticmethod
    def fill_birth(page: Page, scope: str = "") -> None:
        page.fill(f"{scope} #id_year", str(BORN.year))
        page.fill(f"{scope} #id_month", str(BORN.month))
        page.fill(f"{scope} #id_day", str(BORN.day))

    def register(self) -> Page:
        self.page.locator("#register").click()
        self.page.locator("#ready").wait_for()
        return self.page

    def to_the_ballot(self) -> Page:
        self.follow(self.page.locator("#go a"))
        self.page.locator('[data-step="0"]').wait_for()
        return self.page

    def choose(self) -> None:
        """An answer to every contest, to the review."""
        page = self.page
        for section, act in (
            ("mayor", lambda part: part.locator('input[value="b"]').check()),
            ("council", self._search),
            (
                "judges",
                lambda part: (part.locator('input[value="j2"]').check(), part.locator('input[value="j15"]').check()),
            ),
            (
                "chair",
                lambda part: (
                    part.locator("select").nth(0).select_option("b"),
                    part.locator("select").nth(1).select_option("a"),
                ),
            ),
            ("name", lambda part: part.locator(".written").fill("架空 花子")),
        ):
            part = page.locator(f'[data-contest="{section}"]')
            part.wait_for()
            act(part)
            part.locator(".next").click()
        page.locator('[data-step="review"]').wait_for()

    @staticmethod
    def _mark(*options: str) -> Callable[[Locator], None]:
        def mark(part: Locator) -> None:
            for option in options:
                part.locator(f'input[value="{option}"]').check()

        return mark

    @staticmethod
    def _rank(part: Locator) -> None:
        for place, candidate in enumerate("ba"):
            part.locator("select").nth(place).select_option(candidate)

    @staticmethod
    def _search(part: Locator) -> None:
        part.locator(".filter").fill("カクウ 41")
        assert part.locator(".candidates li:visible").count() == 1
        part.locator('input[value="c41"]').check()

    def seal(self) -> None:
        self.page.locator("#seal").click()
        self.page.locator('[data-step="sealed"]').wait_for()

    def cast(self) -> None:
        self.page.locator("#cast").click()
        self.page.locator('[data-step="cast"]').wait_for()


@pytest.fixture
def voter(browser: Any, live_server: Any, hall: Hall) -> Voter:
    somebody = Voter(browser, live_server.url)
    somebody.hall, somebody.application = hall, hall.approved()
    somebody.page.set_viewport_size({"width": 390, "height": 844})
    return somebody


def entries(hall: Hall, kind: str) -> int:
    return BoardEntry.objects.filter(election=hall.row, type=kind).count()
