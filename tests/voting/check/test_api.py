"""The board for programs: open to everybody, without a trace of who asks, and every refusal in one form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from tests.election import Election
from tests.voting import boards
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type, tracker
from voting.board.services import publish_checkpoint
from voting.check import services
from voting.elections.models import Election as ElectionRow
from voting.officials.models import Official

pytestmark = pytest.mark.django_db(transaction=True)
SLUG = "kakuu"
FOR_EVER = "public, max-age=31536000, immutable"


def opened(polling: Election) -> str:
    """The tracker of the ballot that was opened, as it stands in an address."""
    body = json.loads(polling.entries[boards.place(polling, Type.BALLOT_OPENED)])["body"]
    return encode_bytes(tracker(body["ballot"]))


def addresses(polling: Election) -> dict[str, str]:
    """Each with how long its answer may be kept."""
    return {
        "checkpoint": "no-store",
        "setup": "public, max-age=60",
        "entry/3": "public, max-age=86400",
        f"ballot/{opened(polling)}": "no-store",
        "consistency/2/7": FOR_EVER,
    }


def test_what_is_answered(open_board: ElectionRow, polling: Election, client: Client) -> None:
    """The same as the services say, for programs to read."""
    publish_checkpoint(open_board)
    body = json.loads(polling.entries[boards.place(polling, Type.BALLOT_OPENED)])["body"]
    expected = {
        "setup": services.setup(open_board),
        "entry/3": services.proven_entry(open_board, 3),
        f"ballot/{opened(polling)}": services.ballot_entry(open_board, tracker(body["ballot"])),
        "consistency/2/7": services.consistency(open_board, 2, 7),
    }
    for path, said in expected.items():
        answer = client.get(f"/board/{SLUG}/{path}")
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
        assert answer.json() == said
    note = client.get(f"/board/{SLUG}/checkpoint")
    assert note["Content-Type"] == "text/plain; charset=utf-8"
    assert note.content.decode() == services.current_checkpoint(open_board)


def test_nothing_about_who_asks(open_board: ElectionRow, polling: Election, client: Client) -> None:
    """No cookie is set, none is looked at, the session stays closed; and each answer says how long it may be kept."""
    official = Official.objects.create_user("clerk", "架空 書記")
    client.force_login(official)
    for path, kept in addresses(polling).items():
        for asking in (client, Client()):
            answer = asking.get(f"/board/{SLUG}/{path}")
            assert answer.status_code == 200, path
            assert answer["Cache-Control"] == kept
            assert not answer.cookies and "Cookie" not in answer.get("Vary", "")
            assert not answer.wsgi_request.session.accessed


def test_only_reading(open_board: ElectionRow, polling: Election, client: Client) -> None:
    for path in addresses(polling):
        assert client.head(f"/board/{SLUG}/{path}").status_code == 200
        for method in ("post", "put", "delete"):
            assert getattr(client, method)(f"/board/{SLUG}/{path}").status_code == 405


REFUSED = {
    f"{SLUG}/entry/100000": (404, "not-on-board"),
    f"{SLUG}/entry/{'9' * 40}": (404, "not-on-board"),
    f"{SLUG}/ballot/{'A' * 43}": (404, "not-on-board"),
    f"{SLUG}/ballot/{'A' * 42}": (400, "bad-integer"),
    f"{SLUG}/ballot/{'A' * 44}": (400, "bad-integer"),
    f"{SLUG}/ballot/{'A' * 42}B": (400, "bad-integer"),
    f"{SLUG}/consistency/0/3": (404, "not-on-board"),
    f"{SLUG}/consistency/3/2": (404, "not-on-board"),
    f"{SLUG}/consistency/3/{'9' * 30}": (404, "not-on-board"),
    "none/checkpoint": (404, "not-on-board"),
    "none/setup": (404, "not-on-board"),
}


def test_a_refusal_is_a_problem(open_board: ElectionRow, client: Client) -> None:
    """RFC 9457: the type, a code that programs know and a sentence; nobody keeps it."""
    for path, expected in REFUSED.items():
        answer = client.get(f"/board/{path}")
        problem = json.loads(answer.content)
        assert (answer.status_code, problem["code"]) == expected, path
        assert problem.keys() == {"code", "detail"} and problem["detail"]
        assert answer["Content-Type"] == "application/problem+json"
        assert answer["Cache-Control"] == "no-store" and not answer.cookies


def test_an_address_that_is_none(open_board: ElectionRow, client: Client) -> None:
    for path in ("entry/-1", "entry/x", "entry/1.5", "ballot/a%2Fb", "ballot/%00", "consistency/1", ""):
        assert client.get(f"/board/{SLUG}/{path}").status_code == 404, path


def test_before_the_manifest(polling: Election, client: Client) -> None:
    """An election that is still being prepared has no board, and its title is told to nobody."""
    boards.define(polling)
    for path in addresses(polling):
        answer = client.get(f"/board/{SLUG}/{path}")
        assert answer.status_code == 404 and polling.manifest["title"] not in answer.content.decode()


def test_a_board_that_cannot_be_served(open_board: ElectionRow, client: Client, settings: Any) -> None:
    """The cause has a code; what it is exactly, and where on the server, is for the operators' log."""
    settings.BOARD_KEY_FILE.unlink()
    answer = client.get(f"/board/{SLUG}/checkpoint")
    assert (answer.status_code, answer.json()["code"]) == (503, "board-key-unusable")
    assert str(settings.BOARD_KEY_FILE) not in answer.content.decode()
