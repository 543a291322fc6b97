"""Officials at their browsers: they close the polls, freeze what is counted, watch, and publish; no page is reloaded to
see how far the count is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tally.submission import parse_submission
from tests.voting.booth.hall import Hall
from tests.voting.browser import Visitor
from verifier.record.entries import Type
from voting.counting import progress, tasks
from voting.counting.adjudication import adjudicated
from voting.officials.models import Official, Proposal
from voting.officials.roles import Act

pytestmark = pytest.mark.django_db(transaction=True)
ROOM = "/office/counting/kakuu/"


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the test does what mixers and trustees do."""
    monkeypatch.setattr(tasks, "start", lambda election: None)
    monkeypatch.setattr("voting.polls.views.start", lambda election: None)


@pytest.fixture
def voted(hall: Hall) -> Hall:
    """Three people have voted; it is the minute in which the polls close."""
    hall.vote({"name": "架空 花子"}, {"name": "架空花子"}, {"name": "仮名さん"})
    return hall


@pytest.fixture
def comes(visitor: Callable[[], Visitor]) -> Callable[[], Visitor]:
    """Somebody new at a browser. What its page asks for by itself is answered only while the test waits for the page:
    SQLite in memory lets nobody write while somebody else reads.
    """

    def answer(route: Route) -> None:
        route.fulfill(response=route.fetch())

    def made() -> Visitor:
        somebody = visitor()
        somebody.page.route("**/live/**", answer)
        return somebody

    return made


def approve(somebody: Visitor, official: Official, act: Act) -> None:
    """The second person looks at the request from the control room, and approves it by keyboard."""
    somebody.enter(official).go(ROOM)
    somebody.follow(somebody.page.locator(".asking a.action"))
    button = somebody.page.locator("button[value=approve]")
    button.focus()
    with somebody.page.expect_navigation():
        somebody.page.keyboard.press("Enter")
    assert Proposal.objects.filter(act=act).latest("pk").decision == "approved"


def sign(page: Page, kind: Type) -> None:
    """The entry is there to download; the test brings it to the board in the minute of the close."""
    with page.expect_download() as download:
        page.locator(f"a[href*='/entry/{kind}/']").click()
    assert parse_submission(Path(download.value.path()).read_bytes(), kind).type is kind


def never_reloaded(page: Page) -> Callable[[], None]:
    """Marks the document, and tells later that it is still the same."""
    page.evaluate("document.documentElement.dataset.same = 'yes'")
    return lambda: expect(page.locator("html[data-same=yes]")).to_have_count(1)


def test_officials_close_freeze_watch_and_publish(
    voted: Hall, comes: Callable[[], Visitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    town = voted.town
    monkeypatch.setattr("voting.counting.views.EVERY", 1)
    clerk, manager, second = comes(), comes(), comes()

    # The clerk closes the polls, the chair agrees.
    page = clerk.enter(town.clerk).go(ROOM)
    clerk.follow(page.locator(f"form[action$='/ask/{Act.CLOSE_POLLS}/'] button"))
    approve(second, town.chair, Act.CLOSE_POLLS)
    voted.act(Type.POLLS_CLOSED, voted.closes)
    voted.accept_rest()

    # The counting manager freezes, a witness agrees: by keyboard.
    page = manager.enter(town.count_manager).go(ROOM)
    manager.examine("room-closed")
    assert manager.low_targets() == []
    page.locator("#reason-tally-frozen").fill("開票を始める")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    approve(comes(), town.count_witness, Act.FREEZE_TALLY)
    manager.go(ROOM)
    sign(page, Type.TALLY_FROZEN)
    voted.act(Type.TALLY_FROZEN, voted.closes)

    # They watch: progress, mixers and steps come by themselves.
    page = manager.go(ROOM)
    same = never_reloaded(page)
    progress.note(voted.row.pk, "mix", 100, 1000, "council", 0, 1)
    expect(page.locator(".going progress")).to_have_attribute("value", "100")
    progress.note(voted.row.pk, "mix", 900, 1000, "council", 0, 1)
    expect(page.locator(".going progress")).to_have_attribute("value", "900")
    progress.problem(voted.row.pk, "mixer 2", "混合者2から応答がありません。")
    expect(page.locator(".problems")).to_contain_text("混合者2")
    manager.examine("room-mixing")
    progress.finish(voted.row.pk, "mix", "council", 0, 1)
    progress.solved(voted.row.pk, "mixer 2")
    voted.mix()
    expect(page.locator("#stage")).to_contain_text("trustee 1")
    voted.unlock()
    expect(page.locator(f"form[action$='/ask/{Act.PUBLISH_RESULT}/'] button")).to_be_visible()
    same()
    assert not manager.console

    # The manager publishes, the returning officer agrees.
    manager.follow(page.locator(f"form[action$='/ask/{Act.PUBLISH_RESULT}/'] button"))
    approve(comes(), town.returning_officer, Act.PUBLISH_RESULT)
    voted.act(Type.RESULT, voted.closes)
    page = manager.go(ROOM)
    expect(page.locator(".steps li.done")).to_have_count(10)
    manager.examine("room-published")
    decide_about_names(voted, manager, comes())
    divide(manager)


def decide_about_names(voted: Hall, manager: Visitor, witness: Visitor) -> None:
    """Two variants of one name, and a text that is none; at every width, with labels and by keyboard."""
    page = manager.go(f"{ROOM}write-ins/name/")
    manager.examine("names")
    assert manager.low_targets() == []
    for line in page.locator("fieldset.written").all():
        text = line.locator("bdi").first.inner_text()
        line.locator("select").select_option("no-candidate" if text == "仮名さん" else "name")
    page.locator("#id_reason").fill("同じ人")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    witness.enter(voted.town.count_witness).go(f"{ROOM}write-ins/name/")
    witness.examine("names-to-decide")
    witness.follow(witness.page.locator("a.action"))
    with witness.page.expect_navigation():
        witness.page.locator("button[value=approve]").press("Enter")
    found = adjudicated(voted.row, "name")
    assert (found.votes, found.invalid, found.undecided) == ({"架空 花子": 2}, {"no-candidate": 1}, {})
    manager.go(f"{ROOM}write-ins/name/")
    manager.examine("names-decided")


def divide(manager: Visitor) -> None:
    page = manager.go(f"{ROOM}proration/")
    manager.follow(page.locator("main a[href='?contest=mayor']"))
    manager.follow(page.get_by_role("link", name="架空:"))
    page.locator("input[name=p0-a]").fill("3000")
    page.locator("input[name=p0-b]").fill("997")
    page.locator("input[name=a0]").fill("150")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator(".shared")).to_contain_text("112.500")
    manager.examine("proration-shared")
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_what_somebody_types_is_not_swept_away(
    voted: Hall, comes: Callable[[], Visitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something new comes while a reason is being typed: it is announced, and the form stays. Without the network the
    page says that it may be old.
    """
    monkeypatch.setattr("voting.counting.views.EVERY", 1)
    clerk = comes()
    page = clerk.enter(voted.town.clerk).go(ROOM)
    page.locator("#reason-polls-closed").fill("時刻に")
    voted.agree(Act.CLOSE_POLLS)
    expect(page.locator("#new")).to_be_visible()
    expect(page.locator("#reason-polls-closed")).to_have_value("時刻に")
    clerk.follow(page.locator("#new a"))
    expect(page.locator("#reason-polls-closed")).to_have_count(0)

    page.route("**/live/**", lambda route: route.abort())
    expect(page.locator("#lost")).to_be_visible()
    page.unroute("**/live/**")
    expect(page.locator("#lost")).to_be_hidden()


def test_without_scripts_everything_is_there(voted: Hall, visitor: Callable[[], Visitor]) -> None:
    """The same page by reload."""
    clerk = visitor()
    clerk.context.close()
    context = clerk.browser.new_context(java_script_enabled=False, locale="ja-JP")
    clerk.context, clerk.page = context, context.new_page()
    page = clerk.enter(voted.town.clerk).go(ROOM)
    expect(page.locator("#lost")).to_be_hidden()
    expect(page.locator(f"form[action$='/ask/{Act.CLOSE_POLLS}/'] button")).to_be_visible()
    progress.note(voted.row.pk, "check", 1, 2)
    page.reload()
    expect(page.locator(".going progress")).to_have_attribute("value", "1")
