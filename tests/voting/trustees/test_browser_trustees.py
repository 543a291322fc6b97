"""Trustees at the page, in Chromium: a right file is taken, a wrong one refused in a sentence for everybody."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.election import Election, small_manifest
from tests.voting.browser import Visitor
from tests.voting.trustees.files import board, rehearsal, roots, share
from verifier.record.canonical import encode_bytes, serialise
from verifier.record.entries import Type
from voting.board.models import BoardEntry
from voting.elections.models import Election as ElectionRow

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/trustees/kakuu/"


def hand_in(page: Page, folder: Path, raw: bytes, name: str = "file.json") -> None:
    file = folder / name
    file.write_bytes(raw)
    page.locator("#file").set_input_files(file)
    with page.expect_navigation():
        page.locator("form[enctype] button").click()


def opened(row: ElectionRow) -> int:
    return BoardEntry.objects.filter(election=row, type=Type.PARTIAL_ROOTS).count()


def of_another_election() -> bytes:
    """The roots of trustee 1, as if for the other election of the same day."""
    whole = json.loads(roots(1))
    whole["body"]["election"] = encode_bytes(Election(small_manifest(title="市議会")).set_up().election_id)
    return serialise(whole)


def with_a_changed_byte() -> bytes:
    """One letter of one root."""
    whole = json.loads(roots(1))
    ((digest, column),) = whole["columns"].items()
    whole["columns"][digest] = ("B" if column[0] == "A" else "A") + column[1:]
    return serialise(whole)


def test_a_trustee_hands_in(visitor: Callable[..., Visitor], tmp_path: Path) -> None:
    """Wrong files first: nothing is taken, and the page stays usable. Then the right ones, until there are enough."""
    row, guest = board("mixed"), visitor("en")
    page = guest.go(PAGE)
    expect(page.get_by_text("The votes can be opened now.")).to_be_visible()
    guest.examine("trustees-ready")
    wrong = [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(9000), "holiday.jpg", "This is not a file that the trustees' program"),
        (of_another_election(), "roots.json", "This file is of another election."),
        (with_a_changed_byte(), "roots.json", "The file is damaged"),
        (roots(1, signer="trustee 2"), "roots.json", "The file speaks for trustee 1 (trustee 1), but it is not signed"),
        (share(1).seal("a long passphrase"), "share-1.json", "Never hand it in anywhere."),
        (roots(2, with_share_of=3), "roots.json", "Partial roots of trustee 2 (trustee 2): the proof does not hold."),
    ]
    for raw, name, sentence in wrong:
        hand_in(page, tmp_path, raw, name)
        expect(page.get_by_role("alert")).to_contain_text(sentence)
        expect(page.locator("#file")).to_have_attribute("aria-invalid", "true")
        assert opened(row) == 0
        guest.console.clear()  # Chromium tells of the answer 422
    guest.examine("trustees-refused")
    guest.follow(page.get_by_role("button", name="English"))  # from the answer of a refused file, too
    expect(page.get_by_role("heading", level=1)).to_have_text("Trustees")
    hand_in(page, tmp_path, roots(1))
    expect(page.get_by_role("status")).to_contain_text("Taken: the partial roots of trustee 1 (trustee 1).")
    expect(page.get_by_text("Trustees who are still needed: 1.")).to_be_visible()
    first = page.locator(".entries > li").first
    expect(first).to_contain_text("Done. This trustee has nothing more to do.")
    hand_in(page, tmp_path, roots(3))
    expect(page.get_by_text("Enough trustees have opened.")).to_be_visible()
    assert opened(row) == 2
    guest.examine("trustees-enough")


def test_a_rehearsal_in_japanese(visitor: Callable[..., Visitor], tmp_path: Path) -> None:
    """Before the close, by keyboard: what was proved stands beside the trustee's name."""
    row, guest = board("voted"), visitor()
    page = guest.go(PAGE)
    guest.examine("trustees-before")
    (tmp_path / "rehearsal-2.json").write_bytes(rehearsal(row, "voted", 2))
    page.locator("#file").set_input_files(tmp_path / "rehearsal-2.json")
    page.locator("#file").focus()
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("trustee 2")
    expect(page.locator(".entries > li").nth(1).locator("time")).to_have_count(2)
    expect(page.locator(".entries > li").nth(0).locator("time")).to_have_count(1)
    assert not guest.low_targets()
