"""Somebody's way through the login, step by step, and what every refusal looks like."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import requests
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from tests.voting.kakuu import World
from voting.applications.models import Application
from voting.credentials.letters import issue_letter
from voting.login.person import VerifiedPerson

CARD, RETURN, OUT, ACCESSES = "/login/card/", "/login/card/return/", "/login/out/", "/login/accesses/"
LETTER, CHALLENGE, DEVICE = "/login/letter/", "/login/device/challenge/", "/login/device/"


def begin(client: Client, query: str = "") -> str:
    """The provider's address to which the site sends the browser."""
    answer = client.post(CARD + query)
    assert answer.status_code == 302, answer.content.decode()
    return answer["Location"]


def approve(url: str) -> str:
    """The person uses the card; where the provider sends the browser back to, without the host."""
    answer = requests.get(url, allow_redirects=False, timeout=5)
    back = urlsplit(answer.headers["Location"])
    assert back.path == RETURN
    return f"{back.path}?{back.query}"


def log_in(client: Client, query: str = "") -> Any:
    """The whole way; the site's last answer."""
    return client.get(approve(begin(client, query)))


def text_of(answer: Any) -> str:
    """A page without its one-time values."""
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", answer.content.decode())


def neutral_page() -> str:
    """What somebody reads who comes back without having begun."""
    answer = Client().get(RETURN)
    assert answer.status_code == 400
    return text_of(answer)


def assert_refused(client: Client, answer: Any) -> None:
    """The neutral page, and nobody is logged in."""
    assert answer.status_code == 400
    assert text_of(answer) == neutral_page()
    assert "no-store" in answer["Cache-Control"]
    assert_nobody(client)


def assert_nobody(client: Client) -> None:
    assert "voter" not in client.session
    assert client.get(ACCESSES).status_code == 302


def stored(key: str) -> dict[str, Any]:
    """What the server keeps under a session id."""
    return SessionStore(key).load()


def person(**other: Any) -> VerifiedPerson:
    """架空太郎, who is on the roll, or somebody else in what is said."""
    fields = {
        "issuer": "https://provider.example",
        "subject": "ppid-of-taro",
        "name": "架空太郎",
        "birth": date(1980, 4, 1),
        "sex": "M",
        "address": "架空市中央１－１－１",
        **other,
    }
    return VerifiedPerson(**fields)


# Letters


def print_code(world: World, application: Application) -> str:
    """The code of a new letter."""
    return issue_letter(application, by=world.town.clerk)[1]


def typed(code: str, birth: str = "1980-4-1", calendar: str = "") -> dict[str, str]:
    """The form of a letter, filled in. 架空太郎 was born on 1980-04-01."""
    year, month, day = birth.split("-")
    return {"code": code, "calendar": calendar, "year": year, "month": month, "day": day}


def enter(client: Client, code: str, query: str = "", **other: str) -> Any:
    """The answer to the form of a letter."""
    return client.post(LETTER + query, typed(code, **other))
