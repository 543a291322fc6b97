"""The pages of the checks without JavaScript: what they say, and that they claim no more than the server knows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from tests.election import Election
from tests.voting import boards
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type, statement_digest
from voting.elections.models import Election as ElectionRow

pytestmark = pytest.mark.django_db(transaction=True)
START, RECEIPT, BALLOT = "/check/kakuu/", "/check/kakuu/receipt/", "/check/kakuu/ballot/"


def tracker_of(election: Election, kind: Type, which: int = 0) -> str:
    entry = json.loads(election.entries[boards.place(election, kind, which)])
    return encode_bytes(statement_digest(kind, entry["body"]))


def page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def result(text: str) -> str:
    """What the server says of the ballot, without the sentences that only programs show."""
    return text.partition('id="result"')[2].partition("</section>")[0] if 'id="result"' in text else ""


def test_the_truth_about_what_is_protected(open_board: ElectionRow, client: Client) -> None:
    """Protocol, section 8: each limit has its sentence, and the way to check everything is named."""
    text = page(client, START)
    for words in (
        "who is registered, and only the last one of each counts",
        "Who may vote: the election office decides",
        "the officials who sign for it",
        "Only you can check it",
        "Officials know who voted online, when and how often",
        "Who has your QR code can read that ballot for ever",
        "Secrecy does not last for ever",
        "This page comes from the election server",
        "python -m verifier verify ARCHIVE",
        "python -m verifier opened ARCHIVE FILE",
    ):
        assert words in text, words


def test_the_server_says_only_what_it_says(open_board: ElectionRow, polling: Election, client: Client) -> None:
    """Without JavaScript: the answer, and that nothing of it is proved."""
    tracker = tracker_of(polling, Type.BALLOT_CAST)
    said = result(page(client, f"{START}?tracker={tracker}"))
    place = boards.place(polling, Type.BALLOT_CAST)
    assert f"says that this ballot is entry {place} of the board" in said
    assert "a later ballot of the same voter has taken its place" in said
    assert "This is only what the server says: nothing of it is proved here" in said
    assert "Proved" not in said


def test_what_became_of_it(full_board: ElectionRow, finished: Election, client: Client) -> None:
    """In words, one for each status; only an opened ballot can be looked into."""
    for kind, which, words in (
        (Type.BALLOT_CAST, 1, "It is the latest ballot of its voter, and it counts."),
        (Type.BALLOT_CAST, 0, "It does not count: a later ballot"),
        (Type.BALLOT_CAST, 6, "two officials took it out of the count"),
        (Type.BALLOT_OPENED, 0, "It was opened as a test"),
    ):
        tracker = tracker_of(finished, kind, which)
        said = result(page(client, f"{START}?tracker={tracker}"))
        assert words in said
        assert (f'href="{BALLOT}#{tracker}"' in said) == (kind is Type.BALLOT_OPENED)


def test_a_tracker_with_spaces_from_copying(open_board: ElectionRow, polling: Election, client: Client) -> None:
    tracker = tracker_of(polling, Type.BALLOT_CAST)
    said = client.get(START, {"tracker": f" {tracker[:20]} \n{tracker[20:]}\t"}).content.decode()
    assert f'data-tracker="{tracker}"' in said


def test_a_mistyped_tracker(open_board: ElectionRow, client: Client) -> None:
    """Said at the top and at the field, which keeps what was typed; what was typed is text."""
    for typed in ("", "A", "A" * 42, "A" * 44, "あ" * 43, "<script>alert(1)</script>", '"><b>'):
        text = client.get(START, {"tracker": typed}).content.decode()
        assert 'role="alert"' in text.partition("<h1>")[0] and 'href="#tracker"' in text
        assert 'aria-invalid="true"' in text and 'id="tracker-error"' in text
        assert "<script>alert" not in text and "<b>" not in text
        assert "start-page.js" not in text


def test_no_such_ballot(open_board: ElectionRow, client: Client) -> None:
    text = page(client, f"{START}?tracker={'A' * 43}")
    assert "says that no ballot with this tracker is on the board" in result(text)
    assert "start-page.js" not in text


def test_a_board_that_cannot_answer(open_board: ElectionRow, client: Client, settings: Any, polling: Election) -> None:
    settings.BOARD_KEY_FILE.unlink()
    text = page(client, f"{START}?tracker={tracker_of(polling, Type.BALLOT_CAST)}")
    assert "The server cannot answer now" in text and "entry" not in result(text)


def test_pages_that_need_a_program_say_so(open_board: ElectionRow, client: Client) -> None:
    for path in (RECEIPT, BALLOT):
        assert "Your browser does not run the program of this page" in page(client, path)


def test_nothing_personal(open_board: ElectionRow, client: Client) -> None:
    """No login, no session, nothing but reading; and who looked up what is not kept by a cache."""
    for path in (START, RECEIPT, BALLOT):
        assert "sessionid" not in client.get(path).cookies
        assert client.post(path).status_code == 405
    assert "no-store" in client.get(START, {"tracker": "A" * 43})["Cache-Control"]


def test_no_page_before_the_manifest(polling: Election, client: Client) -> None:
    for path in (START, RECEIPT, BALLOT):
        assert client.get(path).status_code == 404
    boards.define(polling)
    for path in (START, RECEIPT, BALLOT):
        assert client.get(path).status_code == 404
