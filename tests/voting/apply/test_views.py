"""Asking: which pages there are, when, in which words, what they keep, and what they never say."""

from __future__ import annotations

import json
import logging
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.voting import kakuu
from tests.voting.apply.filled import address, errors, filled, find, photo, send, sent, text, voter
from tests.voting.kakuu import World
from tests.voting.login.people import person
from voting.applications import requests
from voting.applications.errors import NotOffered, OutOfTime
from voting.applications.models import Application, Notice
from voting.elections.models import Election
from voting.login import session

pytestmark = pytest.mark.django_db

SECRETS = ("架空　太郎", "太郎", "1980-04-01", "一丁目", "voter@example.jp", "架空保健所")
"""What is personal in the good request."""


def plain(answer: Any) -> str:
    """A page without its one-time values."""
    return re.sub(r'(name="(csrfmiddlewaretoken|once)" value=)"[^"]*"', r"\1", text(answer))


def with_card(client: Client) -> Client:
    """Logged in by the card as 架空太郎."""
    request = HttpRequest()
    request.META["CSRF_COOKIE"] = "x" * 32
    request.session = SessionStore()
    session.log_in(request, person())
    request.session.save()
    client.cookies[django_settings.SESSION_COOKIE_NAME] = request.session.session_key
    return client


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)


# Not offered


def test_what_is_not_offered_is_a_page_with_a_way_back(world: World) -> None:
    """404 for a disabled category, one that there is not, and an election that there is not."""
    world.offers["DETENTION"].enabled = False
    world.offers["DETENTION"].save()
    here = reverse("guide:election", args=[world.election.slug])
    for path, back in (
        (address(world, "DETENTION"), here),
        (address(world, "NO_SUCH"), here),
        (address(world, "covid_home"), here),
        ("/apply/no-such/COVID_HOME/", reverse("guide:start")),
    ):
        for answer in (voter().get(path), voter().post(path, {"name": "架空　太郎"})):
            assert answer.status_code == 404
            assert f'class="action" href="{back}"' in text(answer)
    assert not Application.objects.exists()


@pytest.mark.parametrize("change", [{"office": None}, {"notice_day": None}, {"election_day": None}])
def test_an_election_that_is_not_ready_offers_nothing(world: World, change: dict[str, Any]) -> None:
    Election.objects.filter(pk=world.election.pk).update(**change)
    answer = send(world, "OTHER_BOARD", filled(world, "OTHER_BOARD"))
    assert answer.status_code == 404 and not Application.objects.exists()


def test_what_is_disabled_at_this_instant_is_not_offered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_given: Any) -> None:
        raise NotOffered("no")

    monkeypatch.setattr(requests, "submit", refuse)
    assert send(world, "OTHER_BOARD", filled(world, "OTHER_BOARD")).status_code == 404


# In time


def test_before_the_first_day_one_is_told_which_it_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, world.n(-30) - timedelta(seconds=1))
    answer = voter().get(address(world, "OTHER_BOARD"))
    assert answer.status_code == 200
    first = f"{world.n(-30):%a, %-d %b %Y, %H:%M}"
    assert "You cannot apply yet" in text(answer) and first in text(answer)
    assert '<form method="post" action="/apply' not in text(answer)
    assert send(world, "OTHER_BOARD", filled(world, "OTHER_BOARD")).status_code == 409
    at(monkeypatch, world.n(-30))
    assert 'action="/apply' in text(voter().get(address(world, "OTHER_BOARD")))


def test_who_became_late_on_the_way_is_told_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline passed between the page's own look at the clock and that of the service."""

    def refuse(*_given: Any) -> None:
        raise OutOfTime("late", "OTHER_BOARD")

    monkeypatch.setattr(requests, "submit", refuse)
    answer = send(world, "OTHER_BOARD", filled(world, "OTHER_BOARD"))
    assert answer.status_code == 409 and "is over" in text(answer)


# Who is logged in


def test_who_is_logged_in_by_the_card_finds_the_particulars_filled_in(world: World) -> None:
    page = text(with_card(voter()).get(address(world, "OTHER_BOARD")))
    for name, value in (("name", "架空太郎"), ("year", "1980"), ("month", "4"), ("day", "1")):
        (tag,) = [part for part in page.split("<") if f'name="{name}"' in part]
        assert f'value="{value}"' in tag
    assert ">\n架空市中央１－１－１</textarea>" in page
    (tag,) = [part for part in page.split("<") if 'name="sex" value="M"' in part]
    assert "checked" in tag
    assert "架空太郎" not in text(voter().get(address(world, "OTHER_BOARD")))


def test_a_card_changes_nothing_about_what_is_sent(world: World) -> None:
    """What is typed counts, and it waits for officials like every other."""
    application = sent(world, client=with_card(voter()), who="hanako")
    assert (application.name, application.state) == ("架空　花子", "requested")
    assert application.way == Application.Way.SELF


# Sent


def test_what_was_sent_is_followed_at_once(world: World) -> None:
    client = voter()
    application = sent(world, client=client)
    page = client.get(reverse("apply:sent"))
    assert application.reference in text(page) and "You have not voted yet" in text(page)
    assert client.get(reverse("apply:status")).status_code == 200
    for secret in SECRETS:
        assert secret not in text(page)


def test_without_an_application_there_is_nothing_to_see(world: World) -> None:
    sent(world)
    for name in ("sent", "status", "correct", "withdraw"):
        answer = voter().get(reverse(f"apply:{name}"))
        assert (answer.status_code, answer.headers["Location"]) == (302, reverse("apply:find"))


def test_the_same_form_twice_is_one_application(world: World) -> None:
    """The answer was lost on the way and the phone asks again, also after the deadline; it has no session yet."""
    fields = filled(world, "OTHER_BOARD", once="token-of-the-page")
    first, again = voter(), voter()
    assert send(world, "OTHER_BOARD", fields, first).status_code == 302
    assert send(world, "OTHER_BOARD", fields, again).status_code == 302
    application = Application.objects.get()
    assert application.reference in text(again.get(reverse("apply:sent")))


def test_another_person_on_the_same_page_is_another_application(world: World) -> None:
    """The husband goes back and changes the name: nobody is lost, and nobody sees the other's."""
    client = voter()
    fields = filled(world, "OTHER_BOARD", once="token-of-the-page")
    send(world, "OTHER_BOARD", fields, client)
    send(world, "OTHER_BOARD", {**fields, "name": "架空　花子"}, client)
    assert {one.name for one in Application.objects.all()} == {"架空　太郎", "架空　花子"}


def test_the_same_entries_on_another_page_are_another_application(world: World) -> None:
    """Whoever knows everything that somebody typed still does not get to follow it."""
    send(world, "OTHER_BOARD", filled(world, "OTHER_BOARD", once="token-of-the-page"))
    for token in ("another", ""):
        stranger = voter()
        send(world, "OTHER_BOARD", filled(world, "OTHER_BOARD", once=token), stranger)
        assert Application.objects.earliest("pk").reference not in text(stranger.get(reverse("apply:sent")))
    assert Application.objects.count() == 3


def test_every_page_has_a_token_of_its_own(world: World) -> None:
    pages = [text(voter().get(address(world, "OTHER_BOARD"))) for _ in range(2)]
    tokens = {re.search(r'name="once" value="([^"]{22})"', page)[1] for page in pages}  # type: ignore[index]
    assert len(tokens) == 2
    (token, _other) = tokens
    answer = send(world, "OTHER_BOARD", {"once": token})
    assert f'name="once" value="{token}"' in text(answer)


# Nothing about the roll, and nothing left behind


@pytest.mark.parametrize("code", ["OTHER_BOARD", "COVID_HOME"])
def test_nothing_tells_who_is_on_the_roll(world: World, code: str) -> None:
    """Requirement 8: somebody on it, nobody on it, and somebody who has applied already read the same."""
    told = []
    strangers = {"name": "架空　次郎"}, {"year": "1981"}, {"address": "架空市北９"}
    for change in ({}, {}, *strangers):
        client = voter()
        answer = send(world, code, {**filled(world, code), **change}, client)
        pages = [client.get(reverse(f"apply:{name}")) for name in ("sent", "status")]
        headers = {name: value for name, value in answer.headers.items() if name not in ("Set-Cookie", "Expires")}
        seen = json.dumps([answer.status_code, headers, *map(plain, pages)])
        told.append(re.sub(r"[0-9A-Z]{4}-[0-9A-Z]{4}|\d\d:\d\d(:\d\d)?", "", seen))
    assert len(set(told)) == 1
    assert [one.elector is None for one in Application.objects.order_by("pk")] == [False, True, True, True, True]


def test_nothing_personal_is_in_an_address_or_a_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Nor in what the browser keeps: its cookies are of the session and of the form."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("django.db.backends").setLevel(logging.INFO)
    client = voter()
    addresses = [send(world, "COVID_HOME", {**filled(world, "COVID_HOME"), "name": ""}, client).headers]
    addresses.append(send(world, "COVID_HOME", filled(world, "COVID_HOME"), client).headers)
    application = Application.objects.get()
    addresses += [find(client, application).headers, client.post(reverse("apply:withdraw")).headers]
    kept = json.dumps([dict(headers) for headers in addresses], ensure_ascii=False)
    logged = caplog.text + " ".join(str(record.args) for record in caplog.records)
    cookies = client.cookies.output()
    for secret in (*SECRETS, application.reference):
        assert secret not in kept + logged + cookies
    assert "127.0.0.1" not in caplog.text


def test_pages_are_kept_by_no_cache(world: World) -> None:
    client = voter()
    sent(world, client=client)
    paths = [address(world, "OTHER_BOARD"), reverse("apply:find")]
    paths += [reverse(f"apply:{name}") for name in ("sent", "status", "correct", "withdraw")]
    for path in paths:
        assert "no-store" in client.get(path).headers["Cache-Control"], path


def test_a_report_about_an_error_has_nothing_that_was_typed(world: World) -> None:
    client = voter()
    sent(world, client=client)
    for path in (address(world, "OTHER_BOARD"), *map(reverse, ("apply:find", "apply:correct", "apply:withdraw"))):
        asked = client.post(path, {"name": "架空　太郎"}).wsgi_request
        assert asked.sensitive_post_parameters == "__ALL__", path  # type: ignore[attr-defined]


def test_no_other_site_sends_a_form(world: World) -> None:
    """Without the token of the page, nothing is sent, found, corrected or withdrawn."""
    client = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    assert send(world, "OTHER_BOARD", filled(world, "OTHER_BOARD"), client).status_code == 403
    application = kakuu.submit(world, at=timezone.now())
    assert find(client, application).status_code == 403
    for name in ("correct", "withdraw"):
        assert client.post(reverse(f"apply:{name}"), {"reference": application.reference}).status_code == 403
    assert Application.objects.count() == 1
    page = text(client.get(address(world, "OTHER_BOARD")))
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]  # type: ignore[index]
    fields = {**filled(world, "OTHER_BOARD"), "csrfmiddlewaretoken": token}
    assert send(world, "OTHER_BOARD", fields, client).status_code == 302


@pytest.mark.parametrize("path", ["apply:find", "form"])
def test_a_character_that_no_form_sends_is_refused(world: World, path: str) -> None:
    where = address(world, "OTHER_BOARD") if path == "form" else reverse(path)
    answer = voter().post(where, {**filled(world, "OTHER_BOARD"), "name": "架空\0太郎", "reference": "A\0"})
    assert answer.status_code == 400 and not Application.objects.exists()


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(world: World, method: str) -> None:
    client = voter()
    sent(world, client=client)
    for path in (address(world, "OTHER_BOARD"), *map(reverse, ("apply:find", "apply:sent", "apply:status"))):
        assert getattr(client, method)(path).status_code == 405
    for name in ("sent", "status"):
        assert client.post(reverse(f"apply:{name}")).status_code == 405


def test_looking_at_the_form_stores_nothing(world: World) -> None:
    """Not even a session."""
    voter().get(address(world, "OTHER_BOARD"))
    voter().get(reverse("apply:find"))
    assert not Session.objects.exists()


# Messages


def test_messages_end_with_how_to_follow(world: World, settings: Any) -> None:
    """Once the site knows its address; the reference is in the message, and nothing personal is in the address."""
    settings.SITE_URL = "https://vote.example"
    application = sent(world)
    last = Notice.objects.get(application=application).body.splitlines()[-1]
    assert last == "Follow your application: https://vote.example/status/"
    settings.SITE_URL = ""
    assert "https://" not in Notice.objects.get(application=sent(world, who="hanako")).body


def test_no_file_is_asked_for_again_when_none_was_chosen(world: World) -> None:
    answer = send(world, "OTHER_BOARD", {**filled(world, "OTHER_BOARD"), "name": ""})
    assert "Choose your photos" not in text(answer)
    fields = {**filled(world, "COVID_HOME"), "name": "", "0-ISOLATION_ORDER.file": photo(kakuu.PNG)}
    answer = send(world, "COVID_HOME", fields)
    assert "Choose your photos" in text(answer) and list(errors(answer)) == ["id_name"]
