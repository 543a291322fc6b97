"""The browser takes nothing on trust: every field of every answer that is false is refused, by name, and so is every
story that the board's own key signs but that does not hold together."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.election import Election, signing_key, small_manifest
from tests.forge import at, edit, envelope
from tests.voting.boards import place
from tests.voting.browser import Visitor
from tests.voting.check import lying
from tests.voting.check.lying import changing, saying, tracker_at
from verifier.crypto.checkpoint import board_line, note_text, parse_note
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type
from voting.board.services import publish_checkpoint
from voting.elections.models import Election as ElectionRow

pytestmark = pytest.mark.django_db(transaction=True)

FETCH = """async (tracker) => {
  const { fetchBallot, fetchSetup } = await import("/static/check/record.js");
  try {
    const setup = await fetchSetup("kakuu");
    const { index, status, entry, ballot, seed, checkpoint } = await fetchBallot(setup, tracker);
    return {
      index, status, seed, type: entry.type, slot: ballot.slot, size: checkpoint.size, time: checkpoint.time,
      rows: setup.rows, head: setup.head.size, title: setup.manifest.title,
    };
  } catch (error) {
    return { refused: error.code ?? String(error), reason: error.reason };
  }
}"""
ENTRY = """async (index) => {
  const { fetchEntry, fetchSetup } = await import("/static/check/record.js");
  try {
    return (await fetchEntry(await fetchSetup("kakuu"), index)).raw;
  } catch (error) {
    return { refused: error.code ?? String(error), reason: error.reason };
  }
}"""


@pytest.fixture
def page(open_board: ElectionRow, visitor: Callable[[], Visitor]) -> Page:  # noqa: F811
    publish_checkpoint(open_board)
    return visitor().go("/check/kakuu/receipt/")


@pytest.fixture
def mine(polling: Election) -> tuple[int, str]:
    """A cast ballot, the latest of its slot: its place and its tracker."""
    (index,) = lying.ballots(polling.entries, "v2")
    return index, tracker_at(polling.entries, index)


def refused(page: Page, tracker: str) -> str:
    found = page.evaluate(FETCH, tracker)
    assert "refused" in found, found
    return str(found["refused"])


def test_what_is_true_is_found(page: Page, polling: Election, mine: tuple[int, str]) -> None:
    index, tracker = mine
    head = parse_note(page.request.get(page.url.replace("/check/kakuu/receipt/", "/board/kakuu/checkpoint")).body())
    size = len(polling.entries)
    assert page.evaluate(FETCH, tracker) == {
        "index": index, "status": "not counted yet", "seed": None, "type": "ballot-cast", "slot": "v2", "size": size,
        "time": head.checkpoint.time, "rows": 40, "head": size, "title": "架空市長選挙",
    }  # fmt: skip
    (opened,) = lying.ballots(polling.entries, "v1", Type.BALLOT_OPENED)
    found = page.evaluate(FETCH, tracker_at(polling.entries, opened))
    body = json.loads(polling.entries[opened])["body"]
    assert (found["type"], found["status"], found["seed"]) == ("ballot-opened", "opened", body["seed"])


def test_every_entry(page: Page, polling: Election) -> None:
    for index in (0, 1, 7, len(polling.entries) - 1):
        assert page.evaluate(ENTRY, index) == polling.entries[index].decode()
    assert page.evaluate(ENTRY, len(polling.entries))["refused"] == "not-on-board"
    changing(page, "entry/*", lambda said: said.update(lying.proof(polling.entries, 3)))
    assert page.evaluate(ENTRY, 7)["refused"] == "unproved"


# One field at a time


def set_to(field: str, value: Any) -> lying.Change:
    return lambda said: said.update({field: value})


def in_raw(old: str, new: str) -> lying.Change:
    def change(said: dict[str, Any]) -> None:
        assert old in said["raw"]
        said["raw"] = said["raw"].replace(old, new, 1)

    return change


def in_note(line: int, do: Callable[[str], str]) -> lying.Change:
    """One line of the checkpoint changed."""

    def change(said: dict[str, Any]) -> None:
        lines = said["checkpoint"].split("\n")
        lines[line] = do(lines[line])
        said["checkpoint"] = "\n".join(lines)

    return change


def signed_by(name: str) -> lying.Change:
    """The same head under another key, which the line names rightly."""

    def change(said: dict[str, Any]) -> None:
        head, key = parse_note(said["checkpoint"].encode()).checkpoint, signing_key(name)
        line = board_line(head.origin, bytes(key.verify_key), key.sign(head.body()).signature)
        said["checkpoint"] = note_text(head, [line]).decode()

    return change


NODE = encode_bytes(b"n" * 32)
CHANGES: dict[str, lying.Change] = {
    "raw: another slot": in_raw('"slot":"v2"', '"slot":"v3"'),
    "raw: another time": in_raw('"time":"2026', '"time":"2027'),
    "raw: another type": in_raw('"ballot-cast"', '"ballot-opened"'),
    "raw: a space": in_raw(",", ", "),
    "raw: nothing": set_to("raw", ""),
    "raw: a number": set_to("raw", 7),
    "raw: the parsed entry": lambda said: said.update(raw=json.loads(said["raw"])),
    "index: the next": lambda said: said.update(index=said["index"] + 1),
    "index: a text": lambda said: said.update(index=str(said["index"])),
    "index: negative": set_to("index", -1),
    "index: huge": set_to("index", 2**52),
    "path: another node": lambda said: said["path"].__setitem__(0, NODE),
    "path: too short": lambda said: said["path"].pop(),
    "path: too long": lambda said: said["path"].append(NODE),
    "path: far too long": set_to("path", [NODE] * 65),
    "path: empty": set_to("path", []),
    "path: a text": set_to("path", NODE),
    "path: a short node": lambda said: said["path"].__setitem__(0, NODE[:-2]),
    "checkpoint: another origin": in_note(0, lambda line: line + "x"),
    "checkpoint: another size": in_note(1, lambda line: str(int(line) + 1)),
    "checkpoint: another root": in_note(2, lambda line: ("B" if line[0] == "A" else "A") + line[1:]),
    "checkpoint: another time": in_note(3, lambda line: line + "0"),
    "checkpoint: another signature": in_note(5, lambda line: line[:-9] + ("B" if line[-9] == "A" else "A") + line[-8:]),
    "checkpoint: a second signature that fails": in_note(
        5, lambda line: line + "\n" + line[:-9] + ("B" if line[-9] == "A" else "A") + line[-8:]
    ),
    "checkpoint: unsigned": in_note(5, lambda line: ""),
    "checkpoint: by a stranger": signed_by("stranger"),
    "checkpoint: by the registrar": signed_by("registrar"),
    "checkpoint: a list": set_to("checkpoint", []),
    "status: unknown": set_to("status", "COUNTS"),
    "status: of an opened ballot": set_to("status", "opened"),
    "a field too many": set_to("proof", "trust me"),
    "a field missing": lambda said: said.pop("path") and None,
    "null": lambda said: [None],
    "a list": lambda said: [said],
}


def test_each_false_field_of_a_ballot_is_refused(page: Page, mine: tuple[int, str]) -> None:
    _index, tracker = mine
    for name, change in CHANGES.items():
        changing(page, "ballot/*", change)
        assert (name, refused(page, tracker)) == (name, "unproved")
        lying.honest(page)
    assert "refused" not in page.evaluate(FETCH, tracker)


IN_SETUP = [name for name in CHANGES if not name.startswith(("status", "checkpoint", "raw: another", "null", "a "))]


def test_each_false_field_of_the_setup_is_refused(page: Page, mine: tuple[int, str]) -> None:
    _index, tracker = mine
    for kind in ("manifest", "key", "roll-commitment"):
        for name in IN_SETUP:

            def change(said: dict[str, Any], kind: str = kind, name: str = name) -> None:
                CHANGES[name](said[kind])

            changing(page, "setup", change)
            assert (kind, name, refused(page, tracker)) == (kind, name, "unproved")
            lying.honest(page)
    for name, change in CHANGES.items():
        if name.startswith(("checkpoint", "a ", "null")) and name != "a field missing":
            changing(page, "setup", change)
            assert (name, refused(page, tracker)) == (name, "unproved")
            lying.honest(page)
    swapped = {"key": "roll-commitment", "roll-commitment": "key", "manifest": "key"}
    for one, other in swapped.items():
        changing(page, "setup", lambda said, one=one, other=other: said.update({one: said[other]}))
        assert refused(page, tracker) == "unproved"
        lying.honest(page)


def test_another_ballot_instead(page: Page, polling: Election, mine: tuple[int, str]) -> None:
    """Proved and on the board, but not the one asked for: other ballots, and what is no ballot."""
    index, tracker = mine
    for other in (lying.ballots(polling.entries, "v3")[0], lying.ballots(polling.entries, "v1")[1], 0, index - 1):
        answer = lying.ballot(polling, polling.entries, other, "not counted yet")
        saying(page, "ballot/*", answer)
        assert refused(page, tracker) == "unproved"
        lying.honest(page)
    (opened,) = lying.ballots(polling.entries, "v1", Type.BALLOT_OPENED)
    saying(page, "ballot/*", lying.ballot(polling, polling.entries, opened, "opened"))
    assert refused(page, tracker) == "unproved"


def test_what_is_no_ballot(page: Page, polling: Election) -> None:
    """Asked by its own hash, an official act could pass for a ballot; and an opened ballot for one that counts."""
    for kind in (Type.KEY, Type.ROLL_COMMITMENT, Type.POLLS_OPENED):
        index = place(polling, kind)
        saying(page, "ballot/*", lying.ballot(polling, polling.entries, index, "counts"))
        assert refused(page, tracker_at(polling.entries, index)) == "unproved"
        lying.honest(page)
    (opened,) = lying.ballots(polling.entries, "v1", Type.BALLOT_OPENED)
    saying(page, "ballot/*", lying.ballot(polling, polling.entries, opened, "counts"))
    assert refused(page, tracker_at(polling.entries, opened)) == "unproved"


# Lies that the board's key signs


def forged(**changes: Callable[[Election], object]) -> dict[str, Election]:
    made = {}
    for name, change in changes.items():
        election = at("voted")
        change(election)
        made[name] = election
    return made


def test_officials_sign_what_the_board_cannot(page: Page, polling: Election) -> None:
    """S-06: who holds the board's key shows a key of their own, or another roll. The officials did not sign it."""

    def modulus(body: dict[str, Any]) -> None:
        body["modulus"] = body["modulus"][:-2] + ("Ab" if body["modulus"][-2:] != "Ab" else "Aa")

    def signatures(kind: Type, keep: Callable[[list[Any]], list[Any]]) -> Callable[[Election], object]:
        return lambda e: envelope(e, kind, lambda entry: entry.update(signatures=keep(entry["signatures"])))

    def by(kind: Type, *names: str) -> Callable[[Election], object]:
        def change(election: Election) -> None:
            index = place(election, kind)
            entry = json.loads(election.entries[index])
            election.entries[index] = election.raw(kind, entry["body"], names)

        return change

    def unsigned(kind: Type, change: Callable[[dict[str, Any]], object]) -> Callable[[Election], object]:
        return lambda e: envelope(e, kind, lambda entry: change(entry["body"]))

    for kind in (Type.MANIFEST, Type.KEY, Type.ROLL_COMMITMENT):
        stories = forged(
            nobody=signatures(kind, lambda held: []),
            one=signatures(kind, lambda held: held[:1]),
            strangers=by(kind, "stranger 1", "stranger 2"),
            stranger_too=by(kind, "official 1", "official 2", "stranger"),
            board=by(kind, "board", "registrar"),
        )
        if kind is Type.KEY:
            stories |= forged(modulus=unsigned(kind, modulus))
        if kind is Type.ROLL_COMMITMENT:
            stories |= forged(rows=unsigned(kind, lambda body: body.update(rows=400)))
        for name, election in stories.items():
            (index,) = lying.ballots(election.entries, "v2")
            saying(page, "setup", lying.setup(election, election.entries))
            saying(page, "ballot/*", lying.ballot(election, election.entries, index, "not counted yet"))
            story = (kind, name, refused(page, tracker_at(election.entries, index)))
            assert story == (kind, name, "unproved")
            lying.honest(page)


def test_the_manifest_comes_first(page: Page, polling: Election, mine: tuple[int, str]) -> None:
    """A board that begins with something else is no board of this election."""
    index, tracker = mine
    entries = [*polling.entries, polling.entries[0]]
    answer = {**lying.setup(polling, entries), "manifest": lying.proof(entries, len(entries) - 1)}
    saying(page, "setup", answer)
    saying(page, "ballot/*", lying.ballot(polling, entries, index, "not counted yet"))
    assert refused(page, tracker) == "unproved"


def test_a_key_of_another_election(page: Page) -> None:
    """Signed by all officials, for an election that is not this one."""
    other = encode_bytes(b"e" * 32)
    for kind in (Type.KEY, Type.ROLL_COMMITMENT):
        election = edit(at("voted"), kind, lambda body: body.update(election=other))
        (index,) = lying.ballots(election.entries, "v2")
        saying(page, "setup", lying.setup(election, election.entries))
        saying(page, "ballot/*", lying.ballot(election, election.entries, index, "not counted yet"))
        assert refused(page, tracker_at(election.entries, index)) == "unproved"
        lying.honest(page)


def test_the_manifest_of_another_election(page: Page, polling: Election, mine: tuple[int, str]) -> None:
    """A whole other election, rightly signed, with this ballot added to its board: the ballot says whose it is."""
    index, tracker = mine
    other = Election(small_manifest(title="架空町長選挙")).set_up()
    other.entries.append(polling.entries[index])
    saying(page, "setup", lying.setup(other, other.entries))
    last = len(other.entries) - 1
    saying(page, "ballot/*", lying.ballot(other, other.entries, last, "not counted yet"))
    assert refused(page, tracker) == "other-election"


def test_two_histories(page: Page, polling: Election, mine: tuple[int, str]) -> None:
    """D-03: the ballot is on a board that only this voter sees; whatever is said of how the two fit together."""
    index, tracker = mine
    private = copy.deepcopy(polling.entries)
    private[5], private[6] = private[6], private[5]
    longer = [*private, polling.entries[0]]
    shorter = private[: index + 1]
    for story in (private, longer, shorter):
        answer = lying.ballot(polling, story, index, "not counted yet")
        for about in ({"old": 1, "new": 2, "path": []}, {"path": [NODE] * 5}, None):
            saying(page, "ballot/*", answer)
            if about:
                saying(page, "consistency/*/*", about)
            assert refused(page, tracker) == "forked"
            lying.honest(page)


def test_a_board_that_was_longer_before(page: Page, polling: Election, mine: tuple[int, str]) -> None:
    """A true proof in an older checkpoint hides what came since: within one visit, the board does not shrink."""
    index, tracker = mine
    entries = polling.entries[: index + 2]
    saying(page, "ballot/*", lying.ballot(polling, entries, index, "not counted yet"))
    assert refused(page, tracker) == "older"


def test_a_board_that_grew_meanwhile(page: Page, polling: Election, mine: tuple[int, str]) -> None:
    """An older setup, from a cache, is continued by the newer answer."""
    index, tracker = mine
    saying(page, "setup", lying.setup(polling, polling.entries[:index]))
    found = page.evaluate(FETCH, tracker)
    assert (found["size"], found["head"]) == (len(polling.entries), len(polling.entries))


# No answer


def test_no_answer_is_no_proof(page: Page, mine: tuple[int, str]) -> None:
    _index, tracker = mine
    for question in ("setup", "ballot/*"):
        page.route(f"**/board/kakuu/{question}", lambda route: route.abort())
        assert refused(page, tracker) == "offline"
        lying.honest(page)
        page.route(f"**/board/kakuu/{question}", lambda route: route.fulfill(status=200, body="<h1>Hotel Wi-Fi</h1>"))
        assert refused(page, tracker) == "offline"
        lying.honest(page)
        page.route(f"**/board/kakuu/{question}", lambda route: route.fulfill(status=502, body="<h1>502</h1>"))
        assert refused(page, tracker) == "unavailable"
        lying.honest(page)
        saying(page, question, {"code": "board-inconsistent", "detail": "x"}, status=503)
        assert refused(page, tracker) == "unavailable"
        lying.honest(page)
    assert refused(page, "A" * 43) == "not-on-board"
    for typed in ("A" * 42, "../setup", "", "A" * 42 + "B", "あ" * 43):
        assert refused(page, typed) == "bad-tracker"


@pytest.mark.parametrize(
    "missing",
    [
        'crypto.subtle.importKey = () => Promise.reject(new DOMException("no", "NotSupportedError"))',
        'crypto.subtle.verify = () => Promise.reject(new DOMException("no", "NotSupportedError"))',
        'Object.defineProperty(globalThis, "crypto", { value: { getRandomValues() {} } })',
    ],
)
def test_a_browser_without_the_means(page: Page, mine: tuple[int, str], missing: str) -> None:
    page.evaluate(f"() => {{ {missing}; }}")
    assert refused(page, mine[1]) == "no-crypto"
