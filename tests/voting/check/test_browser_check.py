"""The checks as voters make them, in Chromium: what is shown when all is well, and what when the server lies.

Requirements 24 and 25: a second device reads the sealed ballot, and a receipt is verified, by the browser alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.election import Election
from tests.forge import ALLOWED
from tests.voting import boards
from tests.voting.browser import Visitor, window
from tests.voting.check import lying
from tests.voting.check.lying import changing, saying, tracker_at
from verifier.opened import contents, in_words, parse_opened
from verifier.record.canonical import encode_bytes, serialise
from verifier.record.entries import Type, tracker
from voting.board.services import publish_checkpoint, receipt
from voting.elections.models import Election as ElectionRow

pytestmark = pytest.mark.django_db(transaction=True)
START, RECEIPT, BALLOT = "/check/kakuu/", "/check/kakuu/receipt/", "/check/kakuu/ballot/"
CHOICES: dict[str, Any] = {
    "mayor": "b",
    "judges": ("a", "c"),
    "council": "d",
    "chair": ("c", "a"),
    "name": "山\u202e田",
}
WORDS = [
    "Mayor",
    "架空 花子",
    "Judges",
    "判事 甲",
    "判事 丙",
    "Council",
    "議員 卯",
    "Chair",
    "委員 梅",
    "委員 松",
    "Name",
]
BLANK: dict[str, Any] = {"mayor": "blank", "judges": (), "council": "blank", "chair": (), "name": ""}


@dataclass
class Sealed:
    """A ballot whose seed is known, as a voter's device holds it."""

    row: ElectionRow
    entries: list[bytes]
    index: int
    tracker: str
    seed: str

    @property
    def code(self) -> str:
        """What the QR code ends with."""
        return f"#{self.tracker}.{self.seed}"

    def file(self) -> dict[str, Any]:
        """The receipt file."""
        return {
            "name": "receipt.json",
            "mimeType": "application/json",
            "buffer": serialise(receipt(self.row, self.index)),
        }


def cast(row: ElectionRow, election: Election, slot: str, choices: dict[str, Any], sequence: int = 2) -> Sealed:
    """A further ballot of the slot, by a device that keeps its seed."""
    seed = bytes([sequence]) * 32
    body = election.ballot(slot, choices, sequence, seed)
    entry = boards.submit(row, election.raw(Type.BALLOT_CAST, body, [slot]), time=election.clock)
    return Sealed(row, boards.stored(row), entry.index, encode_bytes(tracker(body)), encode_bytes(seed))


@pytest.fixture
def sealed(open_board: ElectionRow, polling: Election) -> Sealed:
    return cast(open_board, polling, "v2", CHOICES)


@pytest.fixture
def voter(visitor: Callable[..., Visitor]) -> Visitor:  # noqa: F811
    """With another phone, in English."""
    return visitor("en-US")


def scan(voter: Visitor, code: str) -> Page:
    """Open the address of a QR code, and wait until the page has nothing more to do."""
    page = voter.page
    page.goto("about:blank")
    voter.go(BALLOT + code)
    return settled(page)


def settled(page: Page) -> Page:
    checking = page.evaluate("document.querySelector('template[data-says=checking]').content.textContent.trim()")
    busy = page.locator("#result").get_by_text(checking).or_(page.locator("#result progress"))
    expect(busy).to_have_count(0)
    return page


def shown(page: Page) -> str:
    """What the page says of the ballot."""
    return page.locator("#result").inner_text()


def refusal(page: Page) -> str:
    """Why it says nothing. Then it says nothing else: no contents, no proof."""
    expect(page.locator("#refused h2")).to_have_count(1)
    assert page.locator("#result").inner_text() == ""
    assert not page.locator("#saving").is_visible()
    return page.locator("#refused h2").inner_text()


# The second device


def test_what_the_sealed_ballot_contains(sealed: Sealed, voter: Visitor) -> None:
    """Every kind of contest in names; slot, sequence and place; then nothing is left of the code in the browser."""
    asked: list[str] = []
    voter.page.on("request", lambda request: asked.append(f"{request.url} {request.headers} {request.post_data or ''}"))
    page = scan(voter, sealed.code)
    text = shown(page)
    assert "This is what the sealed ballot contains" in text
    places = [text.index(word) for word in WORDS]
    assert places == sorted(places)
    assert "判事 乙" not in text and "仮名 次郎" not in text
    assert page.locator("#result bdi").last.inner_text() == "山\u202e田"
    assert page.locator("dd.code").inner_text() == "v2"
    for fact in (str(sealed.index), str(len(sealed.entries)), "2026-11-21 21:00"):
        assert page.locator("#result dd").get_by_text(fact, exact=True).count() == 1
    assert "It is the latest ballot of its voter. The count has not begun yet." in text
    assert not page.locator("#saving").is_visible()
    # Nothing left behind
    assert page.url == voter.server + BALLOT
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    assert page.evaluate("indexedDB.databases()") == []
    assert len(asked) > 5 and not any(sealed.seed in request or "#" in request.split()[0] for request in asked)
    voter.examine("check-ballot")
    assert page.evaluate("history.length") <= 2


def test_leaving_the_page_clears_it(sealed: Sealed, voter: Visitor) -> None:
    """Who presses "back" on a shared device sees no vote: the browser may have kept the page as it was."""
    page = scan(voter, sealed.code)
    assert "架空 花子" in shown(page)
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    assert "架空 花子" not in page.content() and "Scan the QR code" in shown(page)
    voter.go(START)
    page.go_back()
    assert "Scan the QR code" in shown(settled(page))


def test_a_blank_ballot(open_board: ElectionRow, polling: Election, voter: Visitor) -> None:
    blank = cast(open_board, polling, "v3", BLANK)
    page = scan(voter, blank.code)
    assert shown(page).count("Blank vote") == 4 and "No marks" in shown(page)
    assert page.locator("#result ol").count() == 0


def test_by_keyboard_and_for_listeners(sealed: Sealed, voter: Visitor) -> None:
    """What comes is announced; on a page of its own each code is read, also when scanned into the same window."""
    page = scan(voter, "")
    assert "Scan the QR code" in shown(page)
    assert page.locator("#result").get_attribute("role") == "status"
    assert page.locator("#refused").get_attribute("role") == "alert"
    page.evaluate("code => { location.hash = code; }", sealed.code)
    expect(page.locator("#result h2").first).to_have_text("This is what the sealed ballot contains")
    assert page.url == voter.server + BALLOT
    voter.examine("check-ballot-again")


def test_a_ballot_that_is_not_the_latest(open_board: ElectionRow, polling: Election, voter: Visitor) -> None:
    """Its contents are shown, and that a later ballot has taken its place."""
    first = cast(open_board, polling, "v2", CHOICES)
    boards.submit(open_board, boards.ballot(polling, "v2", sequence=3), time=polling.clock)
    text = shown(scan(voter, first.code))
    assert "架空 花子" in text and "a later ballot of the same voter has taken its place" in text
    assert "It is the latest" not in text


def test_a_wrong_seed_shows_nothing(sealed: Sealed, voter: Visitor) -> None:
    """The device sealed something else, and shows a code for what the voter wanted to see."""
    for seed in (encode_bytes(b"t" * 32), "A" * 43):
        page = scan(voter, f"#{sealed.tracker}.{seed}")
        assert refusal(page) == "The code does not open this ballot"
    voter.examine("check-ballot-refused")


def test_codes_that_are_none(sealed: Sealed, voter: Visitor) -> None:
    for code in (f"#{sealed.tracker[:-1]}", f"#{sealed.tracker}.", f"{sealed.code}x", "#", f"#{sealed.tracker}.abc"):
        page = scan(voter, code)
        if code == "#":
            assert "Scan the QR code" in shown(page)
            continue
        assert refusal(page) == "The code is not complete"
        assert page.url == voter.server + BALLOT
    assert refusal(scan(voter, f"#{sealed.tracker}")) == "This ballot is sealed"
    assert refusal(scan(voter, f"#{'A' * 43}.{sealed.seed}")) == "Not found"


# A ballot opened as a test


def test_an_opened_ballot(open_board: ElectionRow, polling: Election, voter: Visitor, tmp_path: Path) -> None:
    """Its seed is on the board; and what is saved is what `python -m verifier opened` reads, with the same words."""
    (index,) = lying.ballots(polling.entries, "v1", Type.BALLOT_OPENED)
    page = scan(voter, f"#{tracker_at(polling.entries, index)}")
    text = shown(page)
    assert "It was opened as a test. A ballot opened as a test never counts." in text
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as a file").click()
    download.value.save_as(tmp_path / "opened.json")
    found = contents(parse_opened((tmp_path / "opened.json").read_bytes()), ALLOWED)
    said = [in_words(contest, choice) for contest, choice in found.choices]
    assert said == ["架空 一郎", "判事 甲, 判事 丙", "議員 卯", "委員 竹 > 委員 松", "山田"]
    for words in said:
        assert all(name in text for name in words.replace(" > ", ", ").split(", "))
    voter.examine("check-ballot-opened")
    assert voter.low_targets() == []


def test_an_opened_ballot_reads_the_seed_of_the_board(
    open_board: ElectionRow, polling: Election, voter: Visitor
) -> None:
    """A device that shows another seed in its code does not get another reading."""
    (index,) = lying.ballots(polling.entries, "v1", Type.BALLOT_OPENED)
    page = scan(voter, f"#{tracker_at(polling.entries, index)}.{'A' * 43}")
    assert "架空 一郎" in shown(page)


# Lies on the page of the second device


def test_another_ballot(sealed: Sealed, polling: Election, voter: Visitor) -> None:
    """Somebody else's ballot, proved to be on the board, for this voter's code."""
    (other,) = lying.ballots(polling.entries, "v3")
    saying(voter.page, "ballot/*", lying.ballot(polling, sealed.entries, other, "not counted yet"))
    assert refusal(scan(voter, sealed.code)) == "Not proved: do not rely on it"


def test_an_older_ballot_of_the_same_voter(open_board: ElectionRow, polling: Election, voter: Visitor) -> None:
    """The server hides the ballot that the device just cast behind the one before."""
    first = cast(open_board, polling, "v2", BLANK)
    second = cast(open_board, polling, "v2", CHOICES, sequence=3)
    publish_checkpoint(open_board)
    saying(voter.page, "ballot/*", lying.ballot(polling, second.entries, first.index, "not counted yet"))
    assert refusal(scan(voter, second.code)) == "Not proved: do not rely on it"


def test_an_older_board(sealed: Sealed, polling: Election, voter: Visitor) -> None:
    boards.submit(sealed.row, boards.ballot(polling, "v2", sequence=3), time=polling.clock)
    publish_checkpoint(sealed.row)
    old = sealed.entries[: sealed.index + 1]
    saying(voter.page, "ballot/*", lying.ballot(polling, old, sealed.index, "not counted yet"))
    assert refusal(scan(voter, sealed.code)) == "The server shows an old board"


def test_another_board(sealed: Sealed, polling: Election, voter: Visitor) -> None:
    """A board that only this voter is shown."""
    private = [*sealed.entries[:8], *sealed.entries[9:], sealed.entries[8]]
    index = private.index(sealed.entries[sealed.index])
    publish_checkpoint(sealed.row)
    saying(voter.page, "ballot/*", lying.ballot(polling, private, index, "not counted yet"))
    assert refusal(scan(voter, sealed.code)) == "The board contradicts itself"


def test_names_of_another_manifest(sealed: Sealed, polling: Election, voter: Visitor) -> None:
    """The candidates' names are swapped in the manifest, so that the sealed vote looks right."""

    def swap(said: dict[str, Any]) -> None:
        entry = json.loads(said["manifest"]["raw"])
        first, second, *_ = entry["body"]["contests"][0]["options"]
        first["name"], second["name"] = second["name"], first["name"]
        said["manifest"]["raw"] = serialise(entry).decode()

    changing(voter.page, "setup", swap)
    assert refusal(scan(voter, sealed.code)) == "Not proved: do not rely on it"


def test_without_a_connection(sealed: Sealed, voter: Visitor) -> None:
    voter.page.route("**/board/**", lambda route: route.abort())
    assert refusal(scan(voter, sealed.code)) == "No connection"


MISSING = {
    "no Ed25519": """SubtleCrypto.prototype.importKey =
        () => Promise.reject(new DOMException("no", "NotSupportedError"))""",
    "no WebCrypto": """Object.defineProperty(Crypto.prototype, "subtle", { get: () => undefined })""",
}


def test_a_browser_that_cannot_verify(sealed: Sealed, voter: Visitor) -> None:
    """It says so on each page; nothing looks verified."""
    for missing in MISSING.values():
        somebody = Visitor(voter.context.browser, voter.server, "en-US")  # type: ignore[arg-type]
        somebody.page.add_init_script(missing)
        assert refusal(scan(somebody, sealed.code)) == "Your browser cannot check this"
        page = choose(somebody, sealed.file())
        assert refusal(page) == "Your browser cannot check this"
        somebody.go(f"{START}?tracker={sealed.tracker}")
        assert refusal(settled(somebody.page)) == "Your browser cannot check this"


# Receipts


def choose(voter: Visitor, file: dict[str, Any]) -> Page:
    page = voter.page
    voter.go(RECEIPT)
    page.get_by_label("Receipt file").set_input_files(file)  # type: ignore[arg-type]
    return settled(page)


def changed(sealed: Sealed, **changes: Any) -> dict[str, Any]:
    """The receipt file with some of its fields changed."""
    record = {**json.loads(sealed.file()["buffer"]), **changes}
    return {**sealed.file(), "buffer": serialise(record)}


def test_a_receipt(sealed: Sealed, polling: Election, voter: Visitor) -> None:
    """On the board at its place; first not counted yet, then superseded; the file stays in the browser."""
    asked: list[str] = []
    voter.page.on("request", lambda request: asked.append(f"{request.method} {request.post_data or ''}"))
    page = choose(voter, sealed.file())
    text = shown(page)
    assert "Proved: the ballot is on the board" in text and f"It is entry {sealed.index} of the board" in text
    assert "It is the latest ballot of its voter. The count has not begun yet." in text
    assert not page.locator("#needs-script").is_visible()
    assert set(asked) == {"GET "}
    voter.examine("check-receipt")
    assert voter.low_targets() == []
    held = sealed.file()
    boards.submit(sealed.row, boards.ballot(polling, "v2", sequence=3), time=polling.clock)
    publish_checkpoint(sealed.row)
    text = shown(choose(voter, held))
    assert f"It is entry {sealed.index} of the board" in text and "has taken its place" in text


def test_a_receipt_after_the_count(full_board: ElectionRow, finished: Election, voter: Visitor) -> None:
    for slot, words in (("v2", "and it counts"), ("v6", "two officials took it out of the count")):
        (index,) = lying.ballots(finished.entries, slot)
        held = Sealed(full_board, finished.entries, index, tracker_at(finished.entries, index), "")
        assert words in shown(choose(voter, held.file()))


def test_files_that_are_no_receipt(sealed: Sealed, voter: Visitor) -> None:
    """Each is refused with the same sentence; the field says that it is wrong."""
    good = sealed.file()
    for raw in (b"", b"receipt", b"\xff\xfe", b"[]", b"{}", good["buffer"][:-2], good["buffer"] + b"\n", b" " * 2**20):
        page = choose(voter, {**good, "buffer": raw})
        assert refusal(page) == "This is not a receipt of this election"
        assert page.get_by_label("Receipt file").get_attribute("aria-invalid") == "true"
    for changes in (
        {"entry": -1},
        {"entry": "7"},
        {"path": []},
        {"path": [encode_bytes(b"p" * 32)] * 5},
        {"tracker": "x"},
        {"checkpoint": "x"},
        {"checkpoint": 7},
        {"name": "山田"},
    ):
        page = choose(voter, changed(sealed, **changes))
        assert (changes, refusal(page)) == (changes, "This is not a receipt of this election")
    voter.examine("check-receipt-refused")


def test_receipts_that_somebody_made(sealed: Sealed, voter: Visitor) -> None:
    """Without the board's key nobody makes a receipt, and none fits another ballot or another election."""
    head = json.loads(sealed.file()["buffer"])["checkpoint"]
    other, entry = tracker_at(sealed.entries, 16), json.loads(sealed.file()["buffer"])["entry"]
    said = {
        "This is not a receipt of this election": [
            {"checkpoint": head.replace(f"\n{len(sealed.entries)}\n", f"\n{len(sealed.entries) + 1}\n")},
            {"tracker": other},
            {"entry": entry - 1},
        ],
        "This is of another election": [{"election": encode_bytes(b"e" * 32)}],
        "Your receipt is genuine, but the ballot is missing": [{"tracker": encode_bytes(b"t" * 32)}],
    }
    for heading, changes in said.items():
        for change in changes:
            assert (change, refusal(choose(voter, changed(sealed, **change)))) == (change, heading)


def test_a_later_file_has_the_word(sealed: Sealed, voter: Visitor) -> None:
    """What is found about a file chosen before does not overwrite it."""
    page = voter.go(RECEIPT)
    held: list[Any] = []
    page.route("**/board/kakuu/setup", lambda route: held.append(route))
    page.get_by_label("Receipt file").set_input_files(sealed.file())  # type: ignore[arg-type]
    expect(page.get_by_text("One moment")).to_be_visible()
    while not held:
        page.wait_for_timeout(20)
    page.get_by_label("Receipt file").set_input_files({**sealed.file(), "buffer": b"{}"})  # type: ignore[arg-type]
    assert refusal(page) == "This is not a receipt of this election"
    held[0].continue_()
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)
    assert refusal(page) == "This is not a receipt of this election"


# Lies on the page of receipts


def test_the_ballot_of_a_receipt_is_gone(sealed: Sealed, polling: Election, voter: Visitor) -> None:
    """The board signed for it, and now says that it never had it."""
    held = sealed.file()
    saying(voter.page, "ballot/*", {"code": "not-on-board", "detail": "no"}, status=404)
    assert refusal(choose(voter, held)) == "Your receipt is genuine, but the ballot is missing"


def test_a_board_without_the_receipts_checkpoint(sealed: Sealed, polling: Election, voter: Visitor) -> None:
    """Rolled back to before the ballot; or another history, in which the ballot is at another place."""
    held = sealed.file()
    rolled_back = sealed.entries[: sealed.index]
    saying(voter.page, "setup", lying.setup(polling, rolled_back))
    saying(voter.page, "consistency/*/*", {"code": "not-on-board", "detail": "no"}, status=404)
    assert refusal(choose(voter, held)) == "The board contradicts itself"
    lying.honest(voter.page)
    other = [*sealed.entries[:-1], sealed.entries[3], sealed.entries[-1]]
    saying(voter.page, "setup", lying.setup(polling, other))
    saying(voter.page, "ballot/*", lying.ballot(polling, other, len(other) - 1, "not counted yet"))
    saying(voter.page, "consistency/*/*", lying.consistency(other, sealed.index + 1))
    assert refusal(choose(voter, held)) == "The board contradicts itself"


def test_an_older_board_than_the_receipts(sealed: Sealed, polling: Election, voter: Visitor) -> None:
    """The answer leaves out what came between the ballot and the receipt's checkpoint."""
    boards.submit(sealed.row, boards.ballot(polling, "v3", sequence=2), time=polling.clock)
    publish_checkpoint(sealed.row)
    held = sealed.file()
    old = sealed.entries[: sealed.index + 1]
    saying(voter.page, "setup", lying.setup(polling, old))
    saying(voter.page, "ballot/*", lying.ballot(polling, old, sealed.index, "not counted yet"))
    assert refusal(choose(voter, held)) == "The server shows an old board"


# By the tracker


def test_a_tracker(sealed: Sealed, polling: Election, voter: Visitor) -> None:
    """With JavaScript the server's answer is proved; all widths, all languages."""
    page = voter.go(START)
    voter.examine("check-start")
    assert voter.low_targets() == []
    page.get_by_label("Tracker", exact=True).fill(sealed.tracker)
    voter.follow(page.get_by_role("button", name="Look it up"))
    text = shown(settled(page))
    assert "Proved: the ballot is on the board" in text and f"It is entry {sealed.index} of the board" in text
    assert "This is only what the server says" not in text
    voter.examine("check-tracker")
    page.get_by_label("Tracker", exact=True).fill("A" * 42)
    voter.follow(page.get_by_role("button", name="Look it up"))
    assert page.get_by_role("alert").get_by_role("link").inner_text().startswith("This is not a whole tracker")
    voter.examine("check-tracker-mistyped")
    page.get_by_label("Tracker", exact=True).fill("A" * 43)
    voter.follow(page.get_by_role("button", name="Look it up"))
    assert "no ballot with this tracker is on the board" in shown(page)


def test_a_false_answer_to_a_tracker_is_taken_back(sealed: Sealed, voter: Visitor) -> None:
    """The server's word stood on the page; the proof fails, and the word is gone."""
    changing(voter.page, "ballot/*", lambda said: said["path"].pop() and None)
    voter.go(f"{START}?tracker={sealed.tracker}")
    assert refusal(settled(voter.page)) == "Not proved: do not rely on it"
    assert "The election server says that this ballot is entry" not in voter.page.locator("main").inner_text()


def test_from_the_tracker_to_the_opened_ballot(open_board: ElectionRow, polling: Election, voter: Visitor) -> None:
    (index,) = lying.ballots(polling.entries, "v1", Type.BALLOT_OPENED)
    page = voter.go(f"{START}?tracker={tracker_at(polling.entries, index)}")
    settled(page)
    voter.follow(page.get_by_role("link", name="See what the opened ballot contains"))
    assert "架空 一郎" in shown(settled(page))


@pytest.fixture
def without_script(voter: Visitor) -> Iterator[Page]:
    """A browser in which JavaScript is off."""
    context = window(voter.browser, java_script_enabled=False, locale="en-US")  # type: ignore[union-attr]
    yield context.new_page()
    context.close()


def test_without_javascript(sealed: Sealed, voter: Visitor, without_script: Page) -> None:
    """The look-up works and says what it is worth; the other pages say what they need."""
    page = without_script
    page.goto(voter.server + START)
    page.get_by_label("Tracker", exact=True).fill(sealed.tracker)
    page.get_by_role("button", name="Look it up").click()
    page.wait_for_url("**?tracker=*")
    assert "This is only what the server says" in shown(page) and "Proved" not in shown(page)
    page.goto(voter.server + RECEIPT)
    assert page.locator("#needs-script").is_visible() and not page.locator("#choose").is_visible()
    page.goto(voter.server + BALLOT + sealed.code)
    assert "Your browser does not run the program of this page" in shown(page)


def test_in_every_language(sealed: Sealed, voter: Visitor) -> None:
    """Nothing that a program says is only in English source text: every sentence is in the page, in each language."""
    for language in ("en", "ja", "ja-easy"):
        voter.go(START)
        voter.follow(voter.page.locator(f"button[value={language}]"))
        for path in (START, RECEIPT, BALLOT):
            voter.go(path)
            voter.examine(f"check-{path.strip('/').replace('/', '-')}-{language}")
        scan(voter, sealed.code)
        assert voter.page.locator("#result .panel.good").is_visible()
