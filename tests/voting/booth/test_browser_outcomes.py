"""Whatever happens between sealing and the receipt, there is one outcome, and the voter is told which."""

from __future__ import annotations

import base64
import io
import json
import re
import urllib.parse
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext
from playwright.sync_api import Dialog, Error, Page, Request, Route, expect

from tests.election import BITS
from tests.voting.booth.hall import CHOICES, Hall, device, registered, signature
from tests.voting.booth.voter import Voter, entries
from tests.voting.browser import window
from verifier.opened import contents, parse_opened
from verifier.receipt import fate, parse_receipt
from verifier.record.canonical import decode_bytes
from verifier.record.entries import Type
from verifier.verify import verify
from voting import booth
from voting.booth import api, services

pytestmark = pytest.mark.django_db(transaction=True)

WORDS = "export const drawQr = (text) => document.createTextNode(text);"
"""In place of the picture, what it says; how it is drawn, the tests of the checks look at."""
SECRET = "極秘のあだ名"
"""What is written on the ballot: nobody but the voter's device may ever have it."""


NEVER_DRAWN = "export const drawQr = () => new Promise(() => {});"


@pytest.fixture
def sealed(voter: Voter) -> Voter:
    """A voter whose ballot is sealed and not handed in."""
    return to_sealed(voter)


def to_sealed(voter: Voter) -> Voter:
    voter.enter_by_letter()
    voter.register()
    voter.to_the_ballot()
    voter.choose()
    voter.seal()
    return voter


def problem(page: Page) -> str:
    page.locator("#problem").wait_for()
    return page.locator("#problem").inner_text()


def translated(sentence: str) -> str:
    """As the server says it to a Japanese browser."""
    with translation.override("ja"):
        return gettext(sentence)


def said(page: Page, code: str) -> str:
    return page.locator(f'[data-say="{code}"]').text_content() or ""


def test_a_double_click_is_one_ballot_and_leaving_before_it_warns(voter: Voter, hall: Hall) -> None:
    """
    Requirement 24. Before the cast is acknowledged the page asks whether to leave; afterwards it does not,
    though the picture for the second device is still being drawn.
    """
    voter.page.route("**/check/qr.js", lambda route: route.fulfill(body=NEVER_DRAWN, content_type="text/javascript"))
    page = to_sealed(voter).page
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    with page.expect_event("dialog"):
        page.close(run_before_unload=True)
    assert asked == ["beforeunload"]
    page.locator("#cast").dblclick()
    page.locator('[data-step="cast"]').wait_for()
    assert entries(hall, "ballot-cast") == 1
    expect(page.locator("input:checked")).to_have_count(0)  # no choice is left on the page
    page.go_back()
    page.wait_for_url(f"**/vote/{hall.row.slug}/")
    page.locator("#voted").wait_for()
    page.wait_for_load_state("networkidle")
    assert not page.locator("#pending").is_visible()  # there was an answer: nothing is left to ask
    assert asked == ["beforeunload"]


def test_a_lost_answer_is_asked_for_again_and_the_ballot_is_there_once(sealed: Voter, hall: Hall) -> None:
    """The server has the ballot, the voter's phone never hears of it, and tries again."""
    page = sealed.page
    lost: list[str] = []

    def lose(route: Route) -> None:
        route.fetch()
        lost.append(route.request.url)
        route.abort()

    page.route("**/cast/", lose, times=1)
    page.locator("#cast").click()
    assert problem(page) == said(page, "unknown")
    assert (len(lost), entries(hall, "ballot-cast")) == (1, 1)
    assert page.locator('[data-step="unsure"]').is_visible()
    assert not page.locator("#open").is_visible() and not page.locator("#again").is_visible()
    page.locator("#retry").click()
    page.locator('[data-step="cast"]').wait_for()
    assert entries(hall, "ballot-cast") == 1


def test_without_a_connection_nothing_is_lost(sealed: Voter, hall: Hall) -> None:
    page = sealed.page
    sealed.context.set_offline(True)
    page.locator("#cast").click()
    assert problem(page) == said(page, "unknown")
    assert entries(hall, "ballot-cast") == 0
    sealed.context.set_offline(False)
    page.locator("#retry").click()
    page.locator('[data-step="cast"]').wait_for()
    assert entries(hall, "ballot-cast") == 1


@pytest.mark.parametrize("part", ["signature", "tracker"])
def test_without_the_boards_own_receipt_for_the_tracker_no_ballot_leaves_the_device(
    voter: Voter,
    hall: Hall,
    part: str,
) -> None:
    """
    The server must have signed for the tracker before the voter decides (protocol, 3.5): until its receipt verifies,
    handing in and opening only ask for the receipt again.
    """
    sent: list[str] = []
    voter.context.on("request", lambda request: sent.append(urllib.parse.urlsplit(request.url).path.split("/")[-2]))
    voter.enter_by_letter()
    voter.register()
    page = voter.to_the_ballot()

    def lie(route: Route) -> None:
        answer = route.fetch().json()
        answer["receipt"][part] = "A" * len(answer["receipt"][part])
        route.fulfill(json=answer)

    page.route("**/tracker/", lie)
    voter.choose()
    page.locator("#seal").click()
    assert problem(page) == said(page, "not-on-board")
    page.locator("#cast").click()
    page.locator("#problem:focus").wait_for()
    assert problem(page) == said(page, "not-on-board")
    page.locator("details:has(#open) summary").click()
    page.locator("#open").click()
    page.locator("#problem:focus").wait_for()
    assert problem(page) == said(page, "not-on-board")
    assert sent.count("tracker") == 3 and not {"cast", "open"} & set(sent)
    assert (entries(hall, "ballot-cast"), entries(hall, "ballot-opened")) == (0, 0)


@pytest.mark.parametrize("part", ["election", "tracker", "entry", "path", "checkpoint", "another ballot"])
def test_a_receipt_that_does_not_prove_this_ballot_is_never_shown_as_cast(
    sealed: Voter,
    hall: Hall,
    part: str,
) -> None:
    """The device looks itself whether its ballot is on the board; a good receipt of somebody else's is none either."""
    other = registered(hall, 1)
    ballot, _seed = hall.make(other, device("1"))
    theirs = services.cast(other, ballot, decode_bytes(signature(device("1"), Type.BALLOT_CAST, ballot), 64))

    def lie(route: Route) -> None:
        receipt = route.fetch().json()
        assert receipt.keys() == theirs.keys() == {"election", "tracker", "entry", "path", "checkpoint"}
        if part == "another ballot":
            receipt = theirs
        elif part == "entry":
            receipt["entry"] -= 1
        elif part == "path":
            receipt["path"] = receipt["path"][:-1]
        elif part == "checkpoint":
            receipt["checkpoint"] = receipt["checkpoint"].replace("\n", "\n1", 1)
        else:
            receipt[part] = "A" * 43
        route.fulfill(json=receipt)

    page = sealed.page
    page.route("**/cast/", lie)
    page.locator("#cast").click()
    assert problem(page) == said(page, "no-proof")
    assert page.locator('[data-step="unsure"]').is_visible()
    assert not page.locator('[data-step="cast"]').is_visible()
    page.locator("#retry").click()  # what really became of it
    page.locator('[data-step="cast"]').wait_for()
    assert entries(hall, "ballot-cast") == 2


def test_a_vote_is_never_shown_as_a_test(sealed: Voter, hall: Hall) -> None:
    """The server has the ballot in the ballot box and says that it was a test; the board says otherwise."""
    page = sealed.page

    def lie(route: Route) -> None:
        route.fulfill(json=route.fetch().json() | {"outcome": "opened"})

    page.route("**/cast/", lambda route: (route.fetch(), route.abort()), times=1)
    page.route("**/outcome/", lie)
    page.locator("#cast").click()
    assert problem(page) == said(page, "unknown")
    page.locator("#retry").click()
    page.locator("#problem", has_text=said(page, "no-proof")).wait_for()
    assert page.locator('[data-step="unsure"]').is_visible()
    assert not page.locator('[data-step="opened"]').is_visible()
    assert (entries(hall, "ballot-cast"), entries(hall, "ballot-opened")) == (1, 0)


def test_a_page_that_was_closed_on_the_way_says_afterwards_what_became_of_the_ballot(sealed: Voter, hall: Hall) -> None:
    page = sealed.page
    page.route("**/cast/", lambda route: (route.fetch(), route.abort()), times=1)
    page.locator("#cast").click()
    problem(page)
    page.once("dialog", lambda dialog: dialog.accept())
    page.goto(f"{sealed.server}/vote/{hall.row.slug}/")
    page.locator("#pending").wait_for()
    assert page.locator("#pending").inner_text() == said(page, "outcome-cast")
    assert page.locator("#voted").is_visible()
    page.reload()
    page.locator("#voted").wait_for()
    assert not page.locator("#pending").is_visible()


def test_of_two_tabs_one_wins_and_the_other_is_told(sealed: Voter, hall: Hall) -> None:
    page = sealed.page
    other = sealed.context.new_page()
    other.goto(f"{sealed.server}/vote/{hall.row.slug}/ballot/")
    first, sealed.page = sealed.page, other
    other.locator('[data-step="0"]').wait_for()
    sealed.choose()
    sealed.seal()
    sealed.cast()
    first.locator("#cast").click()
    told = "A later ballot of yours was handed in meanwhile: this one was not."
    assert problem(page) == translated(told)
    assert page.locator('[data-step="0"]').is_visible()
    assert entries(hall, "ballot-cast") == 1


def test_a_login_that_has_ended_is_renewed_by_the_device_and_the_ballot_is_still_there(
    sealed: Voter, hall: Hall
) -> None:
    page = sealed.page
    sealed.context.clear_cookies(name="sessionid")
    page.locator("#cast").click()
    page.locator("#login-again").wait_for()
    sealed.fill_birth(page, "#login-again")
    page.locator("#login-again button.primary").click()
    page.locator('[data-step="cast"]').wait_for()
    assert entries(hall, "ballot-cast") == 1


def test_a_second_after_the_close_the_voter_is_told(sealed: Voter, hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement 30, to the second."""
    late = hall.closes + timedelta(hours=30)
    monkeypatch.setattr(api, "timezone", SimpleNamespace(now=lambda: late))
    page = sealed.page
    page.locator("#cast").click()
    text = problem(page)
    assert text == translated("Voting is over.")
    assert entries(hall, "ballot-cast") == 0


def test_the_back_button_does_not_lose_a_sealed_ballot(sealed: Voter, hall: Hall) -> None:
    page = sealed.page
    page.go_back()
    page.locator("#away").wait_for()
    page.locator("#away button").click()
    assert page.locator('[data-step="sealed"]').is_visible()
    page.locator("#again").click()
    page.locator('[data-step="0"]').wait_for()
    sealed.choose()
    page.go_back()
    page.locator('[data-contest="name"]').wait_for()


@pytest.mark.parametrize("part", ["raw", "path", "checkpoint"])
def test_a_board_that_does_not_fit_together_is_refused_before_anything_is_sealed(
    voter: Voter,
    hall: Hall,
    part: str,
) -> None:
    """The manifest, its proof or its checkpoint is not what the board signed (threat A-07, W-02)."""
    voter.enter_by_letter()
    voter.register()

    def lie(route: Route) -> None:
        try:
            answer = route.fetch().json()
        except Error:  # asked for once more while the browser closes
            return
        if part == "raw":
            answer["key"]["raw"] = answer["key"]["raw"].replace("A", "B", 1)
        elif part == "path":
            answer["key"]["path"] = answer["manifest"]["path"]
        else:
            answer["checkpoint"] = answer["checkpoint"].replace("\n", "\n1", 1)
        route.fulfill(json=answer)

    voter.page.route("**/setup", lie)
    voter.to_the_ballot()
    assert problem(voter.page) == said(voter.page, "not-on-board")
    voter.choose()
    voter.page.locator("#seal").click()
    assert problem(voter.page) == said(voter.page, "not-on-board")
    assert entries(hall, "ballot-cast") == 0


def test_a_page_that_shows_other_names_than_the_board_is_refused(voter: Voter, hall: Hall) -> None:
    """The server exchanges two candidates for one voter (threat W-02): what is marked would not be what is sealed."""
    voter.enter_by_letter()
    voter.register()

    def exchange(route: Route) -> None:
        page = route.fetch()
        text = page.text().replace('value="a"', 'value="z"', 1).replace('value="b"', 'value="a"', 1)
        route.fulfill(response=page, body=text.replace('value="z"', 'value="b"', 1))

    voter.page.route("**/ballot/", exchange)
    voter.to_the_ballot()
    assert problem(voter.page) == said(voter.page, "not-on-board")


def test_a_page_that_would_show_the_ballot_to_another_site_is_refused(voter: Voter, hall: Hall) -> None:
    """The link for the second device holds the seed: it leads to nobody but this site (threat W-02)."""
    voter.enter_by_letter()
    voter.register()

    def lead_away(route: Route) -> None:
        page = route.fetch()
        text, exchanged = re.subn(
            r'data-check-ballot="[^"]*"', 'data-check-ballot="https://elsewhere.test/"', page.text()
        )
        assert exchanged == 1
        route.fulfill(response=page, body=text)

    voter.page.route("**/ballot/", lead_away)
    page = voter.to_the_ballot()
    assert problem(page) == said(page, "not-on-board")
    voter.choose()
    page.locator("#seal").click()
    assert problem(page) == said(page, "not-on-board")
    assert (page.locator('[data-step="sealed"]').is_visible(), entries(hall, "ballot-cast")) == (False, 0)


@pytest.mark.parametrize("lie", ["ballot-cast", "other key", "other election", "one key more"])
def test_the_device_signs_nothing_but_its_own_registration(voter: Voter, hall: Hall, lie: str) -> None:
    """A server that answers the first click with a ballot of its own making gets no signature under it."""
    sent: list[str] = []
    page = voter.enter_by_letter()

    def answer(route: Route) -> None:
        if '"signature"' in (route.request.post_data or ""):
            sent.append(route.request.post_data or "")
        made = route.fetch().json()
        if lie == "ballot-cast":
            made = {"type": "ballot-cast", "body": {"election": "A" * 43, "slot": "v-x", "answers": []}}
        elif "body" in made:
            part = {"other key": "credential", "other election": "election", "one key more": "sequence"}[lie]
            made["body"][part] = "A" * 43
        route.fulfill(json=made)

    page.route("**/register/", answer)
    page.locator("#register").click()
    assert problem(page) == said(page, "failed")
    assert sent == []


def test_two_people_share_a_phone(voter: Voter, hall: Hall) -> None:
    """Each has a key of their own, and says whose it is when they log in again."""
    voter.enter_by_letter()
    voter.register()
    first = voter.application
    voter.context.clear_cookies(name="sessionid")
    voter.application = hall.approved(1)
    voter.enter_by_letter()
    voter.register()
    assert entries(hall, "credential-registered") == 2
    voter.context.clear_cookies(name="sessionid")
    page = voter.go(f"/vote/{hall.row.slug}/")
    page.locator("#which").wait_for()
    page.locator("#which-device").select_option(label=first.reference)
    voter.fill_birth(page, "#birth")
    voter.follow(page.locator("#birth button"))
    page.locator("#ready").wait_for()
    assert page.locator("#slot").inner_text() == first.binding.pseudonym


def test_a_test_after_a_cast_that_failed_is_not_told_as_a_vote(sealed: Voter, hall: Hall) -> None:
    """Nothing is opened while it is not known whether the ballot was handed in."""
    page = sealed.page
    page.route("**/cast/", lambda route: route.abort(), times=1)
    page.locator("#cast").click()
    problem(page)
    assert not page.locator("#open").is_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    page.goto(f"{sealed.server}/vote/{hall.row.slug}/")
    page.locator("#pending").wait_for()
    assert page.locator("#pending").inner_text() == said(page, "outcome-none")
    assert page.locator("#first").is_visible()


def test_everything_that_can_be_refused_has_a_sentence(hall: Hall) -> None:
    """What the booth's own program refuses is said in the page's language; the server's refusals bring their own."""
    scripts = Path(booth.__file__).parent / "static" / "booth"
    text = "".join(path.read_text() for path in scripts.glob("*.js") if path.name != "worker.js")
    codes = set(re.findall(r'new Refused\(\s*"([a-z-]+)"', text)) - {"login-required"}
    page = render_to_string("booth/said.html")
    assert len(codes) > 10
    assert [code for code in sorted(codes) if f'data-say="{code}"' not in page] == []


# Secrecy


def forms(text: str) -> list[bytes]:
    """A text as it could stand in a request, a log or a table."""
    raw = text.encode()
    plain = base64.b64encode(raw).rstrip(b"=")
    return [
        raw,
        plain[:-1],
        base64.urlsafe_b64encode(raw).rstrip(b"=")[:-1],
        raw.hex().encode(),
        urllib.parse.quote(text).encode(),
        json.dumps(text)[1:-1].encode(),
        text.encode("utf-16-le"),
    ]


def dump() -> bytes:
    """Every row of every table."""
    found = io.BytesIO()
    for model in apps.get_models(include_auto_created=True):
        for row in model._default_manager.values_list():
            for part in row:
                found.write(bytes(part) if isinstance(part, bytes | memoryview) else str(part).encode())
    return found.getvalue()


def test_no_request_no_log_and_no_table_ever_holds_the_choice(
    voter: Voter,
    hall: Hall,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Requirement 23; threat W-06: nothing in the browser's own storage either."""
    caplog.set_level(0)
    sent: list[bytes] = []

    def hear(request: Request) -> None:
        sent.append(request.url.encode() + (request.post_data_buffer or b"") + str(request.headers).encode())

    voter.context.on("request", hear)
    voter.enter_by_letter()
    voter.register()
    page = voter.to_the_ballot()
    voter.choose()
    page.locator(".change").last.click()
    page.locator(".written").fill(SECRET)
    page.locator('[data-contest="name"] .next').click()
    voter.seal()
    kept_before = storage(page)
    voter.cast()
    everything = b"\n".join([*sent, dump(), caplog.text.encode(), kept_before, storage(page), page.url.encode()])
    assert len(sent) > 20 and b"ballot-cast" in everything
    for form in forms(SECRET):
        assert form not in everything
    assert SECRET not in page.content()
    # The same search finds what is there: the voter's name, which the server does know.
    assert any(form in everything for form in forms(voter.application.name))


def storage(page: Page) -> bytes:
    """What the browser keeps for the site: both storages, caches, IndexedDB (keys cannot be exported and stay out)."""
    text: str = page.evaluate(
        """async () => {
            const kept = [localStorage, sessionStorage, await caches.keys()].map((part) => JSON.stringify(part));
            for (const { name } of await indexedDB.databases()) {
                const database = await new Promise((done) => {
                    const asked = indexedDB.open(name); asked.onsuccess = () => done(asked.result);
                });
                for (const store of database.objectStoreNames) {
                    const rows = await new Promise((done) => {
                        const asked = database.transaction(store).objectStore(store).getAll();
                        asked.onsuccess = () => done(asked.result);
                    });
                    kept.push(JSON.stringify(rows));
                }
                database.close();
            }
            return kept.join("\\n");
        }"""
    )
    return text.encode()


def test_the_key_of_the_device_cannot_be_taken_out_of_the_browser(voter: Voter) -> None:
    voter.enter_by_letter()
    page = voter.register()
    verdict = page.evaluate(
        """async () => {
            const database = await new Promise((done) => {
                const asked = indexedDB.open("tashika"); asked.onsuccess = () => done(asked.result);
            });
            const [row] = await new Promise((done) => {
                const asked = database.transaction("devices").objectStore("devices").getAll();
                asked.onsuccess = () => done(asked.result);
            });
            const tried = await Promise.allSettled(
                ["pkcs8", "jwk", "raw"].map((form) => crypto.subtle.exportKey(form, row.keys.privateKey)),
            );
            return [row.keys.privateKey.extractable, tried.map(({ status }) => status)];
        }"""
    )
    assert verdict == [False, ["rejected"] * 3]


# A test of the device, another vote, a second device, and the count


def test_challenge_vote_vote_again_second_device_and_the_count(
    voter: Voter,
    hall: Hall,
    tmp_path: Path,
    browser: Any,
) -> None:
    """Requirements 25-27, and the issue's own: what the browser made is mixed, tallied and verified with the rest."""
    voter.page.route("**/check/qr.js", lambda route: route.fulfill(body=WORDS, content_type="text/javascript"))
    voter.enter_by_letter()
    voter.register()
    page = voter.to_the_ballot()
    voter.choose()
    voter.seal()
    page.locator("details:has(#open) summary").click()
    page.locator("#open").click()
    page.locator('[data-step="opened"]').wait_for()
    assert (entries(hall, "ballot-opened"), entries(hall, "ballot-cast")) == (1, 0)
    with voter.context.expect_page() as opening:
        page.locator("#see").click()
    opened = opening.value
    opened.get_by_text("架空 花子").first.wait_for()
    assert opened.get_by_text("議員 41").is_visible()
    with opened.expect_download() as download:
        opened.locator("#save").click()
    saved = tmp_path / "opened.json"
    download.value.save_as(saved)
    chosen = dict(contents(parse_opened(saved.read_bytes()), (BITS,)).choices)
    assert {contest.id: choice for contest, choice in chosen.items()} == CHOICES
    opened.close()

    page.locator("#vote-now").click()
    page.locator('[data-step="0"]').wait_for()
    voter.choose()
    voter.seal()
    voter.cast()
    voter.follow(page.locator('[data-step="cast"] a.action'))
    page.locator("#voted").wait_for()
    voter.to_the_ballot()
    voter.choose()
    page.locator(".change").first.click()
    page.locator('[data-contest="mayor"] input[value="c"]').check()
    page.locator('[data-contest="mayor"] .next').click()
    voter.seal()
    voter.cast()
    assert (entries(hall, "ballot-cast"), hall.state.superseded) == (2, 1)
    with page.expect_download() as download:
        page.locator(".save").click()
    receipt = tmp_path / "receipt.json"
    download.value.save_as(receipt)

    expect(page.locator("#qr .picture")).not_to_have_text("")  # drawn when all else is done
    address = page.locator("#qr .picture").text_content()
    assert address is not None
    second = window(browser, locale="ja-JP", viewport={"width": 360, "height": 740}).new_page()
    second.goto(address)
    second.get_by_text("仮名 次郎").first.wait_for()
    assert "#" not in second.url
    assert second.locator('[data-value="slot"]').inner_text() == voter.application.binding.pseudonym
    second.context.close()

    for number in (1, 2):  # two voters whose ballots Python makes
        other = registered(hall, number)
        ballot, _seed = hall.make(other, device(str(number)))
        services.cast(other, ballot, decode_bytes(signature(device(str(number)), Type.BALLOT_CAST, ballot), 64))
    hall.count()
    archive = tmp_path / "election.zip"
    call_command("export_archive", hall.row.slug, str(archive), stdout=io.StringIO())
    assert verify(archive, allowed_bits=(BITS,)).report.valid
    assert fate(archive, parse_receipt(receipt.read_bytes())) == "counts"
    result = hall.state.result
    assert result is not None
    totals = {contest["contest"]: contest["total"] for contest in result["contests"]}
    assert _votes(totals["mayor"]) == {"b": 2, "c": 1}
    assert _votes(totals["council"]) == {"c41": 3}
    assert _votes(totals["judges"]) == {"j2": 3, "j15": 3}
    assert _votes(totals["name"]) == {"架空 花子": 3}


def _votes(total: dict[str, Any]) -> dict[str, int]:
    return {line["answer"]: line["count"] for line in total["counts"] if line["count"]}
