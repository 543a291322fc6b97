"""What the pages say, where they lead to, and what they keep: nothing."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.voting import kakuu
from tests.voting.kakuu import World
from tests.voting.login.people import person
from tests.voting.offices import Town
from voting.elections.models import Election, ElectionKind
from voting.guide import views
from voting.guide.elections import Phase
from voting.login.session import log_in

pytestmark = pytest.mark.django_db

PAGES = ("/", "/elections/kakuu/", "/elections/kakuu/paper/", "/help/", "/help/kakuu/")
NEEDS_LAW = "There is no such law yet"


@pytest.fixture
def world(town: Town) -> World:
    """Notice day was yesterday; its board answers the telephone."""
    town.board.contact, town.board.address = "03-0000-0000", "架空市中央一丁目1番1号"
    town.board.save()
    today = timezone.localdate()
    return kakuu.world(town, notice=today - timedelta(1), election_day=today + timedelta(6))


def read(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def without_frame(page: str) -> str:
    return page[page.index("<main") : page.index("</main>")]


def section(page: str, heading: str) -> str:
    """The card of a situation."""
    cards = page[page.index('<ul class="entries">') :].split("<h3 ")
    return next(card for card in cards if f">{heading}</h3>" in card)


# The start page


def test_three_steps_and_the_elections(client: Client, world: World) -> None:
    page = read(client, "/")
    steps = re.findall(r"<li>\s*<h3>(.*?)</h3>", page)
    assert steps == ["Apply", "Get your code", "Vote"]
    assert "check that your vote has arrived" in page
    assert world.election.title in page and 'href="/elections/kakuu/"' in page
    assert "Voting has not begun yet" in page and "You can apply now" in page
    assert f"{timezone.localtime(world.election.closes):%H:%M}" in page


def test_no_election(client: Client, db: None) -> None:
    assert "There is no election at present." in read(client, "/")


def test_a_finished_election_leads_to_checking(client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voting.guide.elections.reached", lambda *_: Phase.FINISHED)
    page = read(client, "/")
    assert "Elections that are over" in page and 'href="/check/kakuu/"' in page
    assert 'href="/elections/kakuu/"' not in page


# Can I vote online?


def test_requirement_11_what_a_category_says(client: Client, world: World) -> None:
    """Who, what one needs, both deadlines side by side, legal basis and status, and the way on."""
    page = read(client, "/elections/kakuu/")
    category = world.offers["COVID_HOME"].category
    card = section(page, category.name_en)
    assert category.who_en in card and category.law in card
    assert "Document asking you to isolate" in card and "No document, for a reason that you state" in card
    assert "in force, but nobody qualifies at present" in card and "since 8 May 2023" in card
    online, paper = re.findall(r'<time datetime="([^"]*)"', card)
    assert online == world.e(-1, 12).isoformat() and paper == world.e(-4, 17).isoformat()
    assert 'href="/apply/kakuu/COVID_HOME/"' in card
    assert 'href="/elections/kakuu/paper/?category=COVID_HOME"' in card
    contact = section(page, world.offers["CLOSE_CONTACT"].category.name_en)
    assert "proposed, not law" in contact and "not possible on paper" in contact
    assert "Legal basis: none" in contact and "?category=" not in contact
    assert "head of the facility" in section(page, world.offers["FACILITY"].category.name_en)


def test_why_one_cannot_apply(client: Client, world: World, town: Town) -> None:
    """A button leads to a form only while that takes requests; otherwise the page says why there is none."""
    world.offers["POSTAL_DISABILITY"].online_until = "N-5"
    world.offers["POSTAL_DISABILITY"].save()
    world.offers["OTHER_BOARD"].apply_from = "E-1"
    world.offers["OTHER_BOARD"].save()
    page = read(client, "/elections/kakuu/")
    late = section(page, world.offers["POSTAL_DISABILITY"].category.name_en)
    assert "The time for requests online is over" in late and "You can still ask on paper." in late
    assert "/apply/" not in late
    early = section(page, world.offers["OTHER_BOARD"].category.name_en)
    assert re.search(r"You can apply online from \w{3}, \d", early) and "/apply/" not in early


def test_the_other_ways_on(client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    page = read(client, "/elections/kakuu/")
    assert 'href="/login/letter/?election=kakuu"' in page and 'href="/status/"' in page
    assert "/check/kakuu/" not in page  # there is nothing to check yet
    assert "None of these fits me" in page and "Vote early" in page and "from 07:00 to 20:00" in page
    assert "<noscript>" in page
    monkeypatch.setattr("voting.guide.views.phase_of", lambda *_: Phase.VOTING)
    assert 'href="/check/kakuu/"' in read(client, "/elections/kakuu/")
    monkeypatch.setattr("voting.guide.views.phase_of", lambda *_: Phase.COUNTING)
    over = read(client, "/elections/kakuu/")
    assert "/login/letter/" not in over and "/apply/" not in over and 'href="/check/kakuu/"' in over


@pytest.mark.parametrize("kind", ElectionKind)
def test_what_needs_a_law(client: Client, world: World, kind: ElectionKind) -> None:
    """Domain, section 8.6: the product itself says that elections to public office need a law that is not there."""
    Election.objects.filter(pk=world.election.pk).update(kind=kind)
    page = read(client, "/elections/kakuu/")
    assert (NEEDS_LAW in page) == (kind not in ("REFERENDUM", "ASSOCIATION"))
    assert '<span lang="ja">架空市条例</span>' in page
    assert ("Vote early" in page) == (kind != "ASSOCIATION")


def test_no_legal_basis_is_said(client: Client, world: World) -> None:
    Election.objects.filter(pk=world.election.pk).update(legal_basis="")
    assert "Legal basis: not stated" in read(client, "/elections/kakuu/")


# Help


@pytest.mark.parametrize(
    ("anchor", "told"),
    [
        ("need", "You need no app."),
        ("secret", "Nobody at the election board can open it."),
        ("mistake", "Only your last vote counts."),
        ("pressure", "Later, when you are alone, vote again."),
        ("broken", "Voting needs JavaScript."),
        ("no-card", "You do not need a My Number Card."),
        ("counted", "open your sealed vote as a test"),
        ("who-sees", "that you voted, when, and how often. Never how you voted."),
        ("not-protected", "Whoever has the code for checking on a second phone can read that vote for ever"),
    ],
)
def test_questions_and_answers(client: Client, world: World, anchor: str, told: str) -> None:
    for path in ("/help/", "/help/kakuu/"):
        page = read(client, path)
        assert f'href="#{anchor}"' in page
        answer = page[page.index(f'<h2 id="{anchor}"') :]
        assert told in answer[: answer.index("</section>")]


def test_telephone_and_paper_on_the_same_screen(client: Client, world: World) -> None:
    """Above all questions: whom to call, and until when one can ask on paper."""
    page = read(client, "/help/kakuu/")
    top = page[: page.index("Questions and answers")]
    assert 'href="tel:0300000000">03-0000-0000</a>' in top and world.town.board.name in top
    assert f"{world.e(-4):%Y-%m-%d} 17:00" in top and 'href="/elections/kakuu/paper/"' in top
    general = read(client, "/help/")
    assert "tel:0300000000" in general and 'href="/help/kakuu/"' in general


def test_who_votes_once_is_not_told_to_vote_again(client: Client, world: World) -> None:
    Election.objects.filter(pk=world.election.pk).update(revote=False)
    page = read(client, "/help/kakuu/")
    assert "you can vote only once" in page and "Only your last vote counts" not in page


# The request on paper


def test_requirement_10_the_request_ready_to_print(client: Client, world: World) -> None:
    """Without a login: election, board with address and telephone, reason, deadline, and lines to fill in."""
    page = without_frame(read(client, "/elections/kakuu/paper/?category=COVID_HOME"))
    sheet = page[page.index('<article class="sheet"') :]
    for text in (
        "請求書兼宣誓書",
        f"{world.town.board.name}　御中",
        "架空市中央一丁目1番1号",
        "電話　03-0000-0000",
        world.election.title,
        world.offers["COVID_HOME"].category.name_ja,
        "添える書類",
        "外出自粛要請等の書面",
        "17:00必着",
        "署名（自署）",
    ):
        assert text in sheet
    assert "令和" in sheet and "架空　太郎" not in sheet


def test_without_a_reason_all_of_them(client: Client, world: World) -> None:
    """Boxes to tick, with the deadline of each; a proposal is not among them."""
    sheet = without_frame(read(client, "/elections/kakuu/paper/"))
    names = re.findall(r"<li>□ (.*?)<small>", sheet)
    paper = {offer.category.name_ja for offer in world.offers.values() if offer.category.paper_until}
    assert set(names) == paper and world.offers["CLOSE_CONTACT"].category.name_ja not in names
    assert sheet.count("必着") == len(names)


def test_who_is_logged_in_finds_the_sheet_filled_in(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Name, address and birthday of the card; nobody else's cache gets it."""
    monkeypatch.setattr(views, "voter_of", lambda _request: person())
    answer = client.get("/elections/kakuu/paper/?category=COVID_HOME")
    sheet = answer.content.decode()
    for text in ("架空太郎", "昭和55年4月1日", "架空市中央１－１－１"):
        assert text in sheet
    assert "no-store" in answer["Cache-Control"]


def test_the_card_session_is_what_fills_it_in(world: World, client: Client) -> None:
    """The seam itself: a session made by `log_in`, and no longer one that was ended."""
    session = client.session
    request = HttpRequest()
    request.session, request.META["CSRF_COOKIE"] = session, "x"
    log_in(request, person())
    session.save()
    client.cookies["sessionid"] = session.session_key or ""
    assert "架空太郎" in read(client, "/elections/kakuu/paper/")
    assert "架空太郎" not in read(Client(), "/elections/kakuu/paper/")


def test_nothing_is_stored(client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "voter_of", lambda _request: person())
    with CaptureQueriesContext(
        connection,
    ) as asked:
        for path in PAGES:
            read(client, path)
    assert all(query["sql"].startswith(("SELECT", "PRAGMA")) for query in asked.captured_queries)
    assert "sessionid" not in client.cookies


@pytest.mark.parametrize("code", ["CLOSE_CONTACT", "NONE", "covid_home", "a" * 3000])
def test_no_such_reason(client: Client, world: World, code: str) -> None:
    """What paper does not know, and what there is not."""
    assert client.get(f"/elections/kakuu/paper/?category={code}").status_code == 404


def test_too_late_for_paper(client: Client, world: World, town: Town) -> None:
    """No sheet that would arrive too late, but what to do."""
    today = timezone.localdate()
    kakuu.world(town, slug="late", notice=today - timedelta(12), election_day=today + timedelta(1))
    page = read(client, "/elections/late/paper/?category=COVID_HOME")
    assert "That time is over." in page and "tel:" in page
    assert '<article class="sheet"' not in page
    gone = kakuu.world(town, slug="gone", notice=today - timedelta(30), election_day=today - timedelta(9))
    assert gone and "it is too late to ask for a ballot on paper" in read(client, "/elections/gone/paper/")


# All of them


def test_no_such_election(client: Client, world: World) -> None:
    """Nor one that no office holds, or whose days are not fixed: only help knows that."""
    for path in ("/elections/none/", "/elections/none/paper/", "/help/none/"):
        assert client.get(path).status_code == 404
    Election.objects.filter(pk=world.election.pk).update(notice_day=None)
    for path in ("/elections/kakuu/", "/elections/kakuu/paper/"):
        assert client.get(path).status_code == 404
    assert "Ask the election board how you can vote on paper" in read(client, "/help/kakuu/")
    Election.objects.filter(pk=world.election.pk).update(office=None)
    assert client.get("/help/kakuu/").status_code == 404


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_taken_but_reading(client: Client, world: World, path: str) -> None:
    assert client.post(path).status_code == 405


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["ja", "ja-easy", "en"])
def test_in_every_language(client: Client, world: World, path: str, language: str) -> None:
    """The page says in which language it is, has one heading of the first order, and no cookie but the forms' own."""
    client.cookies["django_language"] = language
    page = read(client, path)
    assert f'<html lang="{language[:2]}"' in page and page.count("<h1") == 1
    assert set(client.cookies) == {"django_language", "csrftoken"}


def test_help_is_on_every_page(client: Client, world: World) -> None:
    """Domain, section 6: the telephone number is on each page that is about an election."""
    for path in PAGES:
        page = read(client, path)
        footer: Any = page[page.index("<footer") :]
        assert "/help/" in footer
        assert ("tel:0300000000" in footer) == ("kakuu" in path)
