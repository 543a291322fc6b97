"""From the form to the decision in a real browser, on a phone: by labels, with a fault on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page

from tests.voting import kakuu
from tests.voting.apply.filled import address
from tests.voting.browser import Visitor, window
from tests.voting.kakuu import World
from voting.applications import review
from voting.applications.models import Application
from voting.applications.states import State

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = {"width": 390, "height": 844}


def in_english(somebody: Visitor, path: str) -> Page:
    page = somebody.go(path)
    somebody.follow(page.locator("button[value=en]"))
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    return page


def send(somebody: Visitor) -> None:
    somebody.follow(somebody.page.locator("main form button.primary"))


def examine(somebody: Visitor, name: str) -> None:
    somebody.examine(name)
    # The labels of checkboxes are as high as buttons, and as good to hit.
    assert [part for part in somebody.low_targets() if "checkbox" not in part] == []
    somebody.page.set_viewport_size(PHONE)  # type: ignore[arg-type]


def test_from_the_form_to_the_decision(
    world: World,
    visitor: Callable[[], Visitor],  # noqa: F811
    tmp_path: Path,
) -> None:
    """Requirements 11, 18 and 40: fill in, be told of a fault, mend it, send, follow, correct, withdraw."""
    order, day = tmp_path / "order.png", timezone.localdate()
    order.write_bytes(kakuu.PNG)
    voter: Visitor = visitor()
    page = in_english(voter, address(world, "COVID_HOME"))
    examine(voter, "apply-form")
    page.get_by_label("Full name").fill("架空　太郎")
    page.get_by_label("Year").fill("昭和55")
    page.get_by_label("Month").fill("4")
    page.get_by_label("Day", exact=True).fill("1")
    page.get_by_label("male", exact=True).check()
    page.get_by_label("Registered address").fill("架空市中央一丁目1番地1号")
    page.get_by_label("E-mail").fill("voter@example.jp")
    page.get_by_label("Document asking you to isolate").check()
    shown = page.locator(".particulars:visible")
    assert shown.count() == 1
    shown.get_by_label("Issued by").fill("架空保健所")
    shown.get_by_label("First day").fill((day - timedelta(3)).isoformat())
    shown.get_by_label("Photo or PDF of it").set_input_files(order)
    send(voter)

    summary = page.get_by_role("alert")
    assert summary.get_by_role("link").all_inner_texts() == [
        "Last day: This is needed.",
        "The declaration that the request is true is missing.",
    ]
    assert "Choose your photos and files again" in summary.inner_text()
    examine(voter, "apply-form-faults")
    summary.get_by_role("link").first.click()
    assert page.evaluate("document.activeElement.name") == "0-ISOLATION_ORDER.period.end"
    shown.get_by_label("Last day").fill((day + timedelta(5)).isoformat())
    shown.get_by_label("Photo or PDF of it").set_input_files(order)
    page.get_by_label("I declare").check()
    assert page.get_by_label("Full name").input_value() == "架空　太郎"
    send(voter)

    application = Application.objects.get()
    assert page.url == f"{voter.server}/apply/sent/"
    assert page.locator(".code").inner_text() == application.reference
    examine(voter, "apply-sent")
    voter.follow(page.get_by_role("link", name="See where it stands"))
    assert "We have your application" in page.locator("main").inner_text()
    examine(voter, "apply-status")
    assert application.elector == world.electors["taro"]

    review.take_up(application, by=world.town.clerk)
    review.send_back(application, by=world.town.clerk, reason="写真が読めません")
    again: Visitor = visitor()
    page = in_english(again, "/status/")
    page.get_by_label("Reference").fill(application.reference.lower().replace("-", " "))
    page.get_by_label("Year").fill("1980")
    page.get_by_label("Month").fill("4")
    page.get_by_label("Day", exact=True).fill("2")
    send(again)
    assert "No application was found" in page.get_by_role("alert").inner_text()
    examine(again, "apply-find-faults")
    page.get_by_label("Day", exact=True).fill("1")
    send(again)
    assert page.get_by_text("写真が読めません").is_visible()
    examine(again, "apply-status-sent-back")
    again.follow(page.get_by_role("link", name="Correct your application"))
    assert page.get_by_label("Full name").input_value() == "架空　太郎"
    examine(again, "apply-correct")
    page.get_by_label("I declare").check()
    send(again)
    assert page.url == f"{again.server}/status/mine/"
    again.follow(page.get_by_role("link", name="Withdraw this application"))
    examine(again, "apply-withdraw")
    again.follow(page.get_by_role("button", name="Yes, withdraw it"))
    assert "You have withdrawn" in page.locator("main").inner_text()
    application.refresh_from_db()
    assert application.state == State.WITHDRAWN


@pytest.mark.parametrize("language", ["ja", "ja-easy", "en"])
def test_every_page_in_every_language(world: World, visitor: Callable[[], Visitor], language: str) -> None:  # noqa: F811
    """Requirement 40: the pages that the way above does not come by, every fault at once, and the largest type."""
    voter: Visitor = visitor()
    page = voter.go("/status/")
    voter.follow(page.locator(f"button[value={language}]"))
    examine(voter, f"apply-find-{language}")
    voter.go(address(world, "COVID_HOME"))
    page.get_by_role("radio").nth(4).check()  # without the document
    send(voter)
    examine(voter, f"apply-form-empty-{language}")
    page.goto(voter.server + address(world, "NO_SUCH"))
    voter.console.clear()  # Chromium tells of the status
    examine(voter, f"apply-not-offered-{language}")
    offer = world.offers["COVID_HOME"]
    offer.online_until = "N"
    offer.save()
    voter.go(address(world, "COVID_HOME"))
    examine(voter, f"apply-late-{language}")
    voter.context.add_cookies([{"name": "display", "value": "very-large.high.on", "url": voter.server}])
    voter.go(address(world, "FACILITY"))
    examine(voter, f"apply-form-very-large-{language}")


def test_a_double_click_is_one_application(world: World, visitor: Callable[[], Visitor]) -> None:  # noqa: F811
    voter: Visitor = visitor()
    page = in_english(voter, address(world, "OTHER_BOARD"))
    fill_in_an_absence(page)
    with page.expect_navigation(url="**/apply/sent/"):
        page.locator("main form button.primary").dblclick()
    assert Application.objects.count() == 1


def test_by_keyboard_alone(world: World, visitor: Callable[[], Visitor]) -> None:  # noqa: F811
    """From field to field with the tabulator, choices with arrows and space, sent with the enter key."""
    voter: Visitor = visitor()
    page = in_english(voter, address(world, "OTHER_BOARD"))
    page.get_by_label("Full name").focus()

    def type_and_go_on(*texts: str) -> None:
        for text in texts:
            page.keyboard.type(text)
            page.keyboard.press("Tab")

    type_and_go_on("架空　太郎", "", "", "1980", "4", "1")
    page.keyboard.press("ArrowDown")  # into the sexes: the second one, male
    page.keyboard.press("Tab")
    type_and_go_on("架空市中央一丁目1番地1号", "", "", "")
    page.keyboard.press("Space")  # work
    page.keyboard.press("Tab")
    type_and_go_on("出張")
    days = page.locator("input[type=date]")
    days.nth(0).fill(f"{world.e(-3):%Y-%m-%d}")
    days.nth(1).fill(f"{world.e(3):%Y-%m-%d}")
    page.locator("#id_sworn").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.url.endswith("/apply/sent/"), page.get_by_role("alert").inner_text()
    application = Application.objects.get()
    assert application.elector == world.electors["taro"]
    assert application.claims["SWORN_REASON"]["item"] == "work"


def test_without_javascript(world: World, browser: Browser, live_server: object) -> None:  # noqa: F811
    """The same form, and the alternative that is chosen opens by itself."""
    context = window(browser, java_script_enabled=False, viewport=PHONE, locale="en")
    page = context.new_page()
    server = live_server.url  # type: ignore[attr-defined]
    page.goto(server + address(world, "COVID_HOME"))
    assert page.locator(".particulars:visible").count() == 0
    page.get_by_label("No document, for a reason that you state").check()
    assert page.locator(".particulars:visible").get_by_label("Why you cannot send the document").is_visible()
    page.goto(server + address(world, "OTHER_BOARD"))
    fill_in_an_absence(page)
    with page.expect_navigation(url="**/apply/sent/"):
        page.locator("main form button.primary").click()
    assert page.locator(".code").inner_text() == Application.objects.get().reference
    assert not page.get_by_role("button", name="Print this page").is_visible()


def fill_in_an_absence(page: Page) -> None:
    day = timezone.localdate()
    page.get_by_label("Full name").fill("架空　太郎")
    page.get_by_label("Year").fill("1980")
    page.get_by_label("Month").fill("4")
    page.get_by_label("Day", exact=True).fill("1")
    page.get_by_label("Registered address").fill("架空市中央一丁目1番地1号")
    page.get_by_label("Work, or another duty").check()
    page.get_by_label("First day").fill(day.isoformat())
    page.get_by_label("Last day").fill((day + timedelta(20)).isoformat())
    page.get_by_label("I declare").check()
