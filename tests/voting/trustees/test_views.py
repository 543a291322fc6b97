"""The trustees' page without a browser: what it says at each stage, to whom, and what an upload answers."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from tests.voting import boards
from tests.voting.trustees.files import board, rehearsal, roots, share, stage, upload
from voting.elections.models import Election as ElectionRow
from voting.login.throttle import MOST
from voting.trustees import views

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/trustees/kakuu/"


def shown(client: Client) -> str:
    answer = client.get(PAGE)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """For which elections the count was told to go on."""
    told: list[str] = []
    monkeypatch.setattr(views.tasks, "start", lambda election: told.append(election.slug))
    return told


def test_there_is_no_page_before_the_manifest(client: Client) -> None:
    boards.define(stage("set up"))
    assert client.get(PAGE).status_code == 404
    assert client.post(PAGE, {"file": upload(b"{}")}).status_code == 404


@pytest.mark.parametrize(
    ("name", "words", "form"),
    [
        ("voted", ("There is nothing to open yet.", "0 of 3 trustees have proved", "Next: prove that the share"), True),
        ("frozen", ("There is nothing to open yet.", "0 of 12 steps are done", "wait until the votes are mixed"), True),
        ("mixed", ("The votes can be opened now.", "still needed: 2", "Next: open, and hand in"), True),
        ("rooted", ("Enough trustees have opened.", "nothing more to do: it works without"), True),
        ("published", ("Opening is complete.",), False),
    ],
)
def test_what_is_next(name: str, words: tuple[str, ...], form: bool, client: Client) -> None:
    """And any t suffice; who has confirmed and opened; how to do it, with the commands."""
    board(name)
    text = shown(client)
    for said in (*words, "any 2 of them are enough", "If fewer than 2 are left, nobody can ever open the votes"):
        assert said in text, said
    assert ("trustee open trustee.tashika archive.zip" in text) == form
    assert (f'action="{PAGE}"' in text) == form
    assert ("/results/kakuu/archive.zip" in text) == form


def test_the_page_is_for_everybody_and_kept_by_no_cache(client: Client) -> None:
    board("voted")
    answer = client.get(PAGE)
    assert "no-store" in answer["Cache-Control"]
    assert settings.SESSION_COOKIE_NAME not in answer.cookies


def test_what_is_taken_is_told_and_starts_the_count(started: list[str], client: Client) -> None:
    row = board("mixed")
    answer = client.post(PAGE, {"file": upload(roots(1))})
    assert answer.status_code == 302 and answer["Location"] == PAGE and started == ["kakuu"]
    text = shown(client)
    assert "Taken: the partial roots of trustee 1 (trustee 1). The proof holds." in text
    assert "still needed: 1" in text
    client.post(PAGE, {"file": upload(rehearsal(row, "mixed", 2))})
    assert "Taken: trustee 2 (trustee 2) has proved that the share works." in shown(client)


def test_what_is_refused_is_told_and_starts_nothing(started: list[str], client: Client) -> None:
    board("mixed")
    for raw in (b"\xff\xd8\xff\xe0 JFIF", roots(1, signer="trustee 2"), roots(2, with_share_of=3)):
        answer = client.post(PAGE, {"file": upload(raw)})
        assert answer.status_code == 422 and "The file was not taken" in answer.content.decode()
    assert client.post(PAGE).status_code == 422
    assert started == []


def test_nothing_of_a_share_comes_back(client: Client) -> None:
    """Uploaded by mistake: the page says what it is, and shows none of it."""
    board("voted")
    raw = share(1).seal("a long passphrase")
    answer = client.post(PAGE, {"file": upload(raw, "share-1.json")})
    assert answer.status_code == 422 and "Never hand it in anywhere" in answer.content.decode()
    assert raw[100:160] not in answer.content and b"share-1.json" not in answer.content


def test_who_tries_too_often_waits(client: Client) -> None:
    """Refused files count, taken ones do not; nobody else waits, and no address is kept in clear."""
    board("mixed")
    for _ in range(MOST):
        assert client.post(PAGE, {"file": upload(b"no")}).status_code == 422
    answer = client.post(PAGE, {"file": upload(roots(1))})
    assert answer.status_code == 429 and int(answer["Retry-After"]) > 0
    assert "Too many tries from your connection" in answer.content.decode()
    other = Client(REMOTE_ADDR="198.51.100.7")
    for number in (1, 2):
        assert other.post(PAGE, {"file": upload(roots(number))}).status_code == 302
    assert not [key for key in cache._cache if "198.51.100.7" in key or "127.0.0.1" in key]


def test_a_form_of_another_site_hands_in_nothing(open_board: ElectionRow) -> None:
    stranger = Client(enforce_csrf_checks=True)
    assert stranger.post(PAGE, {"file": upload(b"no")}).status_code == 403


def test_only_what_the_page_is_for(client: Client) -> None:
    board("voted")
    assert client.put(PAGE).status_code == 405 and client.delete(PAGE).status_code == 405
    assert client.get("/trustees/").status_code == 404
