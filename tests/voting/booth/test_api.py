"""What the booth asks: only for whoever is logged in, only what is well formed, each refusal with its code."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from tests.voting import boards
from tests.voting.booth.hall import Hall, device, signature
from tests.voting.polling import BORN
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type
from voting.applications.models import Application
from voting.applications.states import State
from voting.board.models import BoardEntry
from voting.booth import services

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = ("slot", "register", "tracker", "cast", "open", "outcome")
MALFORMED = (
    *("", "[]", "null", "{", '{"a":1,"a":2}', '{"unknown":1}', "NaN", '{"tracker":5}', "[" * 50 + "]" * 50),
    b"\xff",
)


class Phone:
    """A browser that is logged in by a letter."""

    def __init__(self, hall: Hall, application: Application, **how: Any) -> None:
        self.hall, self.client = hall, Client(**how)
        code = hall.letter(application)
        born = {"calendar": "", "year": BORN.year, "month": BORN.month, "day": BORN.day}
        address = f"/login/letter/?election={hall.row.slug}"
        answer = self.client.post(address, {"code": code, **born})
        assert answer.status_code == 302, answer.content

    def grow_older(self, seconds: int) -> None:
        """The login was so long ago."""
        session = self.client.session
        session["voter"] = {**session["voter"], "at": session["voter"]["at"] - seconds}
        session.save()

    def ask(self, what: str, question: Any, **how: Any) -> Any:
        raw = question if isinstance(question, str | bytes) else json.dumps(question)
        address = f"/vote/{self.hall.row.slug}/{what}/"
        return self.client.post(address, raw, content_type=how.pop("content_type", "application/json"), **how)


@pytest.fixture
def phone(hall: Hall) -> Phone:
    return Phone(hall, hall.approved())


def register(phone: Phone, name: str = "0") -> Any:
    key = encode_bytes(bytes(device(name).verify_key))
    begun = phone.ask("register", {"credential": key}).json()
    signed = signature(device(name), Type(begun["type"]), begun["body"])
    return phone.ask("register", {"credential": key, "signature": signed})


def test_from_registering_to_the_receipt(hall: Hall, phone: Phone) -> None:
    assert phone.ask("slot", {}).json() == {"registered": False, "replace": False, "waiting": ""}
    assert register(phone).status_code == 200
    standing = phone.ask("slot", {}).json()
    assert (standing["registered"], standing["sequence"], standing["last"]) == (True, 0, "")
    application = Application.objects.get()
    ballot, _seed = hall.make(application, device("0"))
    tracker = encode_bytes(services.tracker_of(ballot))
    told = phone.ask("tracker", {"tracker": tracker, "assisted": False, "proxy": ""}).json()
    assert told["receipt"]["tracker"] == tracker and told["missing"] == []
    signed = signature(device("0"), Type.BALLOT_CAST, ballot)
    receipt = phone.ask("cast", {"ballot": ballot, "signature": signed})
    assert receipt.status_code == 200
    assert receipt["Cache-Control"].startswith("max-age=0")
    assert phone.ask("outcome", {"tracker": tracker}).json() == {
        "outcome": "cast", "receipt": receipt.json(), "missing": [],
    }  # fmt: skip
    assert phone.ask("slot", {}).json()["last"] == tracker


def test_nobody_asks_without_a_login(hall: Hall) -> None:
    for page in PAGES:
        answer = Client().post(f"/vote/{hall.row.slug}/{page}/", "{}", content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (401, "login-required"), page


def test_a_login_ends_after_half_an_hour(phone: Phone) -> None:
    """Requirement 21."""
    phone.grow_older(1801)
    assert [phone.ask(page, {}).status_code for page in PAGES] == [401] * len(PAGES)


def test_a_letter_that_is_made_void_ends_the_login(hall: Hall, phone: Phone) -> None:
    """Another one is printed, because the first was in wrong hands."""
    phone.grow_older(60)
    hall.letter(Application.objects.get())
    assert phone.ask("slot", {}).status_code == 401


def test_the_token_against_forged_requests_is_asked_for(hall: Hall, phone: Phone) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = phone.client.cookies
    for page in PAGES:
        answer = strict.post(f"/vote/{hall.row.slug}/{page}/", "{}", content_type="application/json")
        assert answer.status_code == 403, page


def test_what_is_malformed_is_refused_and_changes_nothing(phone: Phone) -> None:
    before = BoardEntry.objects.count()
    for page in PAGES:
        for question in MALFORMED:
            answer = phone.ask(page, question)
            assert (answer.status_code, answer.json()["code"]) == (422, "proof-invalid"), (page, question)
    assert BoardEntry.objects.count() == before


def test_only_json_and_only_so_much(phone: Phone) -> None:
    assert phone.ask("slot", "{}", content_type="text/plain").status_code == 422
    for megabytes, said in ((3, "object"), (5, "larger than any ballot")):
        answer = phone.ask("cast", b'"' + b"x" * (megabytes << 20) + b'"')
        assert (answer.status_code, answer.json()["code"]) == (422, "proof-invalid") and said in answer.json()["detail"]


def test_two_elections_are_two(hall: Hall, phone: Phone) -> None:
    """A login of one election is none in another, nor where there is none."""
    assert phone.client.post("/vote/another/slot/", "{}", content_type="application/json").status_code == 401
    assert phone.client.get("/vote/another/").status_code == 404


def test_a_second_device_is_told_that_another_is_registered(phone: Phone) -> None:
    assert register(phone).status_code == 200
    key = encode_bytes(bytes(device("second").verify_key))
    answer = phone.ask("register", {"credential": key})
    assert (answer.status_code, answer.json()["code"]) == (409, "already-bound")
    assert BoardEntry.objects.filter(type=Type.CREDENTIAL_REGISTERED).count() == 1


def test_the_page_of_the_ballot_has_the_candidates_in_the_order_of_the_board(hall: Hall, phone: Phone) -> None:
    """Requirements 6 and 22: every contest is a step, with name, reading and party in lot order."""
    register(phone)
    page = phone.client.get(f"/vote/{hall.row.slug}/ballot/").content.decode()
    for contest in hall.row.contests.all():
        assert f'data-contest="{contest.identifier}"' in page
        places = [page.index(candidate.name) for candidate in contest.candidates.all()]
        assert places == sorted(places)
    assert "議員 80" in page and "かくう 80" in page and "れいの会" in page
    booth = page.split('id="ballot"')[1].split('data-step="sealing"')[0]
    assert "<form" not in booth and "formaction" not in booth  # nothing that a browser could send by itself


def test_without_a_login_the_ballot_leads_to_the_login(hall: Hall) -> None:
    answer = Client().get(f"/vote/{hall.row.slug}/ballot/")
    assert (answer.status_code, answer["Location"]) == (302, f"/vote/{hall.row.slug}/")


def test_who_was_cancelled_meanwhile_is_told_so_and_not_to_log_in_again(hall: Hall, phone: Phone) -> None:
    register(phone)
    with boards.tampering():
        Application.objects.update(state=State.GIVEN_BACK)
    answer = phone.ask("slot", {})
    assert (answer.status_code, answer.json()["code"]) == (403, "no-ballot")
