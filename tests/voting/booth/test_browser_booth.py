"""A voter with one phone: from the letter to a ballot that is in the ballot box, in a real browser."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.voting.booth.hall import Hall, device, registered, signature
from tests.voting.booth.voter import Voter, entries
from tests.voting.browser import Visitor, window
from tests.voting.polling import BORN
from verifier.record.canonical import decode_bytes
from verifier.record.entries import Type
from voting.applications import review
from voting.applications.models import Application, Category
from voting.applications.states import State
from voting.booth import presence, services
from voting.officials.models import Designation
from voting.roll.models import Elector

pytestmark = pytest.mark.django_db(transaction=True)


def test_from_the_letter_to_the_receipt(voter: Voter, hall: Hall) -> None:
    voter.enter_by_letter()
    voter.register()
    assert entries(hall, "credential-registered") == 1
    voter.to_the_ballot()
    voter.choose()
    voter.seal()
    assert entries(hall, "ballot-cast") == 0
    voter.cast()
    assert entries(hall, "ballot-cast") == 1
    assert hall.fresh(voter.application).state == State.CAST
    assert voter.console == []


def test_every_page_of_the_booth_is_accessible(voter: Voter, hall: Hall) -> None:
    voter.go(f"/vote/{hall.row.slug}/")
    voter.examine("booth-login")
    page = voter.enter_by_letter()
    page.locator("#new").wait_for()
    voter.examine("booth-new")
    voter.register()
    voter.examine("booth-ready")
    voter.to_the_ballot()
    voter.examine("booth-contest")
    assert voter.low_targets() == []
    voter.choose()
    voter.examine("booth-review")
    voter.seal()
    voter.examine("booth-sealed")
    voter.cast()
    page.locator("#qr summary").click()
    page.locator("#qr svg").wait_for()
    voter.examine("booth-cast")


@pytest.mark.parametrize("language", ["ja-easy", "en"])
def test_in_the_other_languages_the_largest_letters_and_high_contrast(voter: Voter, language: str) -> None:
    """Requirement 40. What scripts say has its readings, too: no brackets are left where they are shown above."""

    def examine(name: str) -> None:
        voter.examine(f"booth-{name}-{language}", (320,))

    page = voter.go(f"/vote/{voter.hall.row.slug}/")
    voter.follow(page.locator(f"button[value={language}]"))
    voter.context.add_cookies([{"name": "display", "value": "very-large.high.on", "url": voter.server}])
    page.reload()
    examine("login")
    voter.enter_by_letter()
    page.locator("#new").wait_for()
    examine("new")
    voter.register()
    examine("ready")
    voter.to_the_ballot()
    examine("contest")
    page.locator('[data-step="0"] .next').click()
    page.locator("#problem").wait_for()
    examine("problem")
    if language == "ja-easy":
        assert page.locator("#problem ruby").count() > 0
        assert page.locator("#problem rp").first.is_hidden()
    voter.choose()
    examine("review")
    voter.seal()
    examine("sealed")
    voter.cast()
    examine("cast")


def test_blank_and_abstaining_are_sealed_and_counted_as_blank(voter: Voter, hall: Hall) -> None:
    """Requirement 22: choose, leave blank, skip, go back; the review says which, the seal does not."""
    voter.enter_by_letter()
    voter.register()
    page = voter.to_the_ballot()
    for contest, none in (("mayor", "blank"), ("council", "skip")):
        section = page.locator(f'[data-contest="{contest}"]')
        section.locator(".candidates input").first.check()
        section.locator(f'[data-none="{none}"]').check()
        assert section.locator(".candidates input:checked").count() == 0
        section.locator(".next").click()
    page.locator('[data-contest="judges"] .back').click()
    page.locator('[data-contest="council"] .next').click()
    page.locator('[data-contest="judges"] .next').click()
    for contest in ("chair", "name"):
        page.locator(f'[data-contest="{contest}"] [data-none="blank"]').check()
        page.locator(f'[data-contest="{contest}"] .next').click()
    said = page.locator("#review .chosen").all_inner_texts()
    assert said[0] == page.locator("#word-blank").text_content()
    assert said[1] == page.locator("#word-skip").text_content()
    assert said[2] == page.locator("#word-none").text_content()
    voter.seal()
    voter.cast()
    for number in (1, 2):
        other = registered(hall, number)
        ballot, _seed = hall.make(other, device(str(number)))
        services.cast(other, ballot, decode_bytes(signature(device(str(number)), Type.BALLOT_CAST, ballot), 64))
    hall.count()
    result = hall.state.result
    assert result is not None
    blanks = {contest["contest"]: contest["total"]["blank"] for contest in result["contests"]}
    assert (blanks["mayor"], blanks["council"], blanks["chair"], blanks["name"]) == (1, 1, 1, 1)


def test_the_ballot_waits_for_the_head_who_sees_no_choice(
    voter: Voter, hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Requirement 28: the head of the hospital confirms on another device; until then nothing can be handed in.

    What was confirmed too long ago is told as that, and leads to a new ballot.
    """
    Designation.objects.get_or_create(office=hall.town.hospital, starts=date(2020, 1, 1), ends=None)
    today = timezone.localdate()
    stay = {"start": today.isoformat(), "end": (today + timedelta(days=3)).isoformat()}
    claims = {"FACILITY_ROSTER": {"stay": stay}}
    voter.application = hall.approved(1, offer=hall.offer_of("FACILITY"), claims=claims, office=hall.town.hospital)
    voter.enter_by_letter()
    voter.register()
    page = voter.to_the_ballot()
    voter.choose()
    voter.seal()
    assert page.locator("#cast").is_disabled()
    assert page.locator("#missing li").count() == 1
    short = page.locator("#short").inner_text()
    head = Visitor(voter.context.browser, voter.server)  # type: ignore[arg-type]
    office = head.enter(hall.town.attestor).go("/office/stand-by/")
    assert office.locator(".tracker-start").inner_text() == short
    assert "架空 花子" not in office.content()
    head.examine("stand-by")
    office.locator('input[name="witness"]').fill("立会 人")
    head.follow(office.locator("main button.primary, #content button.primary").first)
    expect(page.locator("#cast")).to_be_enabled()
    with monkeypatch.context() as later:
        later.setattr(presence, "LASTS", timedelta(0))  # more than half an hour later
        page.locator("#cast").click()
        page.locator('[data-step="0"]').wait_for()
    sentence = page.locator('[data-say="two-person-required"]').text_content()
    assert sentence and page.locator("#problem").inner_text() == sentence
    assert entries(hall, "ballot-cast") == 0
    voter.choose()
    voter.seal()
    head.go("/office/stand-by/")
    office.locator('input[name="witness"]').fill("立会 人")
    head.follow(office.locator("main button.primary, #content button.primary").first)
    expect(page.locator("#cast")).to_be_enabled()
    voter.cast()
    assert entries(hall, "ballot-cast") == 1


def test_a_proxy_writer_who_is_not_registered_leads_back_to_the_name(voter: Voter, hall: Hall) -> None:
    """At once, and when the first try had no connection; nothing that was chosen is lost."""
    Category.objects.filter(code="POSTAL_PROXY").update(online_until="E-1", apply_from="N-30")
    today = timezone.localdate()
    span = {"start": (today - timedelta(days=1)).isoformat(), "end": (today + timedelta(days=3)).isoformat()}
    claims = {
        "POSTAL_CERT_PROXY": {"number": "架空-1", "cert": span},
        "PROXY_REGISTRATION": {"proxy_name": "渡邉 代筆", "proxy": span},
    }
    voter.application = hall.approved(1, offer=hall.offer_of("POSTAL_PROXY"), claims=claims)
    voter.enter_by_letter()
    voter.register()
    page = voter.to_the_ballot()
    voter.choose()
    page.locator("#proxy").fill("別の 人")
    page.locator("#seal").click()
    page.locator("#problem").wait_for()
    assert page.locator('[data-step="review"]').is_visible()
    voter.context.set_offline(True)
    page.locator("#seal").click()
    page.locator('[data-step="sealed"]').wait_for()
    voter.context.set_offline(False)
    page.locator("#cast").click()
    page.locator('[data-step="review"]').wait_for()
    page.locator("#proxy").fill("渡辺 代筆")
    voter.seal()
    voter.cast()
    assert entries(hall, "ballot-cast") == 1


def test_who_needs_no_help_after_all_waits_for_nobody(voter: Voter) -> None:
    voter.enter_by_letter()
    voter.register()
    page = voter.to_the_ballot()
    voter.choose()
    page.locator("details:has(#assisted) summary").click()
    page.locator("#assisted").check()
    voter.seal()
    assert page.locator("#missing li").count() == 2
    page.locator("#again").click()
    page.locator('[data-step="0"]').wait_for()
    voter.choose()
    page.locator("#assisted").uncheck()
    voter.seal()
    assert not page.locator("#people").is_visible()
    assert page.locator("#cast").is_enabled()


def test_from_the_start_page_to_the_receipt(voter: Voter, hall: Hall) -> None:
    """A voter finds out, applies, is approved, follows it, and votes: one phone, one browser."""
    elector = hall.electors()[4]
    page = voter.go("/")
    voter.follow(page.locator("button[value=en]"))
    voter.follow(page.locator(f'a[href="/elections/{hall.row.slug}/"]').first)
    voter.follow(page.locator(f'a[href="/apply/{hall.row.slug}/CLOSE_CONTACT/"]').first)
    fill_request(page, elector)
    voter.follow(page.locator("main form button.primary").last)
    assert page.url.endswith("/apply/sent/"), page.locator("main").inner_text()
    voter.application = Application.objects.get(name=elector.name)
    review.take_up(voter.application, by=hall.town.clerk)
    review.approve(hall.fresh(voter.application), by=hall.town.chair, at=timezone.now())
    voter.go("/status/mine/")
    voter.enter_by_letter()
    voter.register()
    voter.to_the_ballot()
    voter.choose()
    voter.seal()
    voter.cast()
    assert hall.fresh(voter.application).state == State.CAST


def test_with_the_keyboard_alone_at_400_percent(voter: Voter, hall: Hall) -> None:
    """1280 by 1024 at 400 % is 320 by 256. Tab, space, arrows and Enter are all that is used."""
    page = voter.enter_by_letter()
    page.set_viewport_size({"width": 320, "height": 256})
    page.locator("#register").wait_for()
    page.locator("#register").focus()
    page.keyboard.press("Enter")
    page.locator("#go a").wait_for()
    page.locator("#go a").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    for contest in ("mayor", "council", "judges", "chair", "name"):
        page.locator(f'[data-contest="{contest}"]').wait_for()
        assert page.evaluate("document.activeElement.tagName") == "H1"
        tab_to(page, "SEARCH" if contest == "council" else FIELD[contest])
        if contest == "council":
            page.keyboard.type("41")
            tab_to(page, "RADIO")
        if contest in ("mayor", "council", "judges"):
            page.keyboard.press("Space")
        if contest == "chair":
            page.keyboard.press("ArrowDown")
        if contest == "name":
            page.keyboard.type("花子")
        tab_to(page, "BUTTON")
        page.keyboard.press("Enter")
    page.locator('[data-step="review"]').wait_for()
    for button, step in (("seal", "sealed"), ("cast", "cast")):
        for _ in range(200):
            if page.evaluate("document.activeElement.id") == button:
                break
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.locator(f'[data-step="{step}"]').wait_for()
    assert entries(hall, "ballot-cast") == 1


FIELD = {"mayor": "RADIO", "judges": "CHECKBOX", "chair": "SELECT-ONE", "name": "TEXT"}


def tab_to(page: Page, kind: str) -> None:
    """Press Tab until a control of this kind has the focus, inside the step that is shown."""
    for _press in range(120):
        page.keyboard.press("Tab")
        found = page.evaluate(
            """() => {
                const at = document.activeElement;
                return at.closest(".step") ? (at.tagName === "BUTTON" ? "BUTTON" : (at.type ?? "")).toUpperCase() : "";
            }"""
        )
        if found == kind:
            return
    raise AssertionError(f"no {kind} is reached by Tab")


def test_without_javascript_there_is_the_way_on_paper(voter: Voter, hall: Hall) -> None:
    """Requirement 40: no dead end, and nothing on the page that could send a choice."""
    voter.enter_by_letter()
    cookies = voter.context.cookies()
    plain = window(voter.browser, java_script_enabled=False, locale="ja-JP")  # type: ignore[union-attr]
    plain.add_cookies(cookies)  # type: ignore[arg-type]
    page = plain.new_page()
    for path in ("", "ballot/"):
        page.goto(f"{voter.server}/vote/{hall.row.slug}/{path}")
        assert "JavaScript" in page.content().split("<noscript>")[1].split("</noscript>")[0]
        assert page.locator("#paper").is_visible()
        assert page.locator("input[type=radio]:visible, input[type=checkbox]:visible").count() == 0
    plain.close()


def fill_request(page: Page, elector: Elector) -> None:
    """A close contact's request, by the labels that a person sees."""
    page.get_by_label("Full name").fill(elector.name)
    page.get_by_label("Year").fill(str(BORN.year))
    page.get_by_label("Month").fill(str(BORN.month))
    page.get_by_label("Day", exact=True).fill(str(BORN.day))
    page.get_by_label("male", exact=True).check()
    page.get_by_label("Registered address").fill(elector.address)
    page.get_by_label("E-mail").fill("voter@example.jp")
    page.get_by_label("Your own declaration, under oath").check()
    shown = page.locator(".particulars:visible")
    shown.get_by_label("What happened").fill("家族が感染した")
    today = timezone.localdate()
    shown.get_by_label("First day").fill(today.isoformat())
    shown.get_by_label("Last day").fill((today + timedelta(days=1)).isoformat())
    page.get_by_label("I declare").check()
