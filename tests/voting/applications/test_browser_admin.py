"""The officials' pages in a real browser: a chair finds, approves and prints; no barrier, no refused script."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.voting import kakuu, offices
from tests.voting.browser import SHOTS, Visitor
from tests.voting.kakuu import World
from voting.applications.models import Application
from voting.applications.states import State
from voting.credentials.models import Letter

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(settings: Any, tmp_path: Path) -> World:
    settings.EVIDENCE_KEY_FILE = tmp_path / "evidence.key"
    settings.CODE_KEY_FILE = tmp_path / "code.key"
    today = timezone.localdate()
    of = kakuu.world(offices.town(), notice=today - timedelta(days=3), election_day=today + timedelta(days=4))
    of.town.board.contact, of.town.board.address = "000-000-0000", "架空市中央1番1号"
    of.town.board.save()
    at = of.n(1, 9)
    kakuu.submit(of, "COVID_HOME", "hanako", kinds=("OMITTED_WITH_REASON",), at=at)
    kakuu.submit(of, "FACILITY", "taro", at=at + timedelta(minutes=3))
    kakuu.submit(of, "CLOSE_CONTACT", "twin", at=at + timedelta(minutes=5))
    stranger = kakuu.applicant(of.electors["taro"], address="架空市どこか", name="架空 たろう")
    kakuu.under_review(of, applicant=stranger, at=at + timedelta(minutes=9))
    return of


@pytest.fixture
def takahashi(world: World) -> Application:
    """髙橋 typed as 高橋, with a photo of the document."""
    person = kakuu.applicant(
        world.electors["takahashi"], name="高橋 一郎", kana="タカハシ イチロウ", phone="000-0000-4321"
    )
    return kakuu.under_review(world, "COVID_HOME", applicant=person, at=world.n(1, 15))


@pytest.fixture
def desk(visitor: Callable[[], Visitor]) -> Visitor:  # noqa: F811
    return visitor()


def address(name: str, *args: object) -> str:
    return reverse(f"admin:{name}", args=args)


def test_a_chair_finds_and_approves_and_a_clerk_prints(desk: Visitor, world: World, takahashi: Application) -> None:
    """From the login page to the letter, by the labels that a person sees."""
    page = desk.log_in(world.town.chair, address("applications_application_changelist"))
    desk.examine("queue")

    page.fill("#q", "髙橋")
    with page.expect_navigation():
        page.press("#q", "Enter")
    desk.follow(page.get_by_role("link", name=takahashi.reference))
    assert page.get_by_role("heading", level=1).inner_text().endswith(takahashi.reference)
    desk.examine("application")

    approve = page.locator(f'form[action="{address("applications_application_act", takahashi.pk, "approve")}"] button')
    approve.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".messagelist .success")
    takahashi.refresh_from_db()
    assert takahashi.state == State.ISSUED
    desk.examine("approved")

    page = desk.enter(world.town.clerk).go(address("applications_application_change", takahashi.pk))
    page.locator(f'form[action="{address("credentials_letter_print", takahashi.pk)}"] button').click()
    page.wait_for_selector(".code")
    assert Letter.objects.filter(application=takahashi).count() == 1
    desk.examine("letter")
    page.emulate_media(media="print")
    if SHOTS:
        page.pdf(path=Path(SHOTS) / "letter.pdf", prefer_css_page_size=True)
    sheet = page.locator(".sheet").bounding_box()
    assert sheet is not None and sheet["height"] <= 297 / 25.4 * 96, "one A4 page"


def test_the_other_pages_have_no_barriers(desk: Visitor, world: World, takahashi: Application) -> None:
    """Matching, offers, categories; confirming; a head's place, and the form for several people."""
    lost = Application.objects.get(name="架空 たろう")
    desk.enter(world.town.clerk)
    for name, path in {
        "match": address("applications_application_match", lost.pk),
        "unmatched": address("applications_application_change", lost.pk),
        "offers": address("applications_offer_of", world.election.pk),
        "categories": address("applications_category_changelist"),
        "category": address("applications_category_change", takahashi.offer.category_id),
    }.items():
        desk.go(path)
        desk.examine(name)
    desk.enter(world.town.health_officer).go(address("applications_confirmation_changelist"))
    desk.examine("confirm")
    desk.enter(world.town.attestor).go(address("applications_confirmation_changelist"))
    desk.examine("attest")
    desk.go(address("applications_confirmation_file", world.town.hospital.pk, world.offers["FACILITY"].pk))
    desk.examine("file")


def test_a_health_officer_confirms_with_one_tap(desk: Visitor, world: World) -> None:
    """The period is filled in already; the keyboard alone is enough."""
    page = desk.enter(world.town.health_officer).go(address("applications_confirmation_changelist"))
    page.locator(".question button.primary").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".messagelist .success")
    application = Application.objects.get(offer__category__code="COVID_HOME", state=State.REQUESTED)
    assert application.confirmation.confirmed


def test_the_browser_does_not_let_an_empty_reason_through(desk: Visitor, takahashi: Application, world: World) -> None:
    """Before the server has to say it."""
    page = desk.enter(world.town.clerk).go(address("applications_application_change", takahashi.pk))
    form = page.locator(f'form[action="{address("applications_application_act", takahashi.pk, "send-back")}"]')
    page.locator("details", has=form).locator("summary").click()
    form.locator("button").click()
    assert form.locator("textarea:invalid").count() == 1
    takahashi.refresh_from_db()
    assert takahashi.state == State.UNDER_REVIEW
