"""How pages are shown: every position of every switch, in a cookie that can hold nothing else; no way off the site."""

from __future__ import annotations

import pytest
from django.test import Client

from voting.guide.display import COOKIE, LASTS, Display, DisplayUnknown, switched

POSITIONS = [
    ("text", "normal"),
    ("text", "large"),
    ("text", "very-large"),
    ("contrast", "normal"),
    ("contrast", "high"),
    ("readings", "on"),
    ("readings", "off"),
]
JUNK = [
    "",
    "huge.normal.on",
    "large.high",
    "large.high.off.more",
    "LARGE.high.on",
    "large.high.on ",
    '"><script>.high.on',
    "." * 5000,
    "é.high.on",
]

pytestmark = pytest.mark.django_db


def shown(client: Client) -> tuple[str, str]:
    page = client.get("/help/").content.decode()
    html = page[page.index("<html") : page.index(">", page.index("<html"))]
    return tuple(html.split(f'data-{name}="')[1].split('"')[0] for name in ("text", "contrast"))  # type: ignore[return-value]


@pytest.mark.parametrize(("name", "value"), POSITIONS)
def test_every_position(client: Client, name: str, value: str) -> None:
    """It is kept for a year, is sent to this site only, and no script reads it; the next page is shown so."""
    answer = client.post("/display/", {name: value, "next": "/help/"})
    assert answer.status_code == 302 and answer["Location"] == "/help/#display"
    cookie = answer.cookies[COOKIE]
    assert cookie.value == str(switched(Display(), {name: value}))
    assert cookie["max-age"] == LASTS == 365 * 24 * 60 * 60
    assert cookie["samesite"] == "Lax" and cookie["httponly"]
    assert "sessionid" not in client.cookies
    if name != "readings":
        assert shown(client)[["text", "contrast"].index(name)] == value
        assert f'name="{name}" value="{value}" aria-pressed="true"' in client.get("/help/").content.decode()


def test_one_switch_leaves_the_others(client: Client) -> None:
    for name, value in (("text", "large"), ("contrast", "high"), ("readings", "off"), ("text", "very-large")):
        client.post("/display/", {name: value})
    assert client.cookies[COOKIE].value == "very-large.high.off"
    assert shown(client) == ("very-large", "high")


@pytest.mark.parametrize("cookie", JUNK)
def test_junk_in_the_cookie_counts_for_nothing(client: Client, cookie: str) -> None:
    """Nobody writes into our pages through it, and no page fails."""
    client.cookies[COOKIE] = cookie
    assert shown(client) == ("normal", "normal")
    assert client.post("/display/", {"text": "large"}).cookies[COOKIE].value == "large.normal.on"


@pytest.mark.parametrize(
    "sent",
    [{}, {"next": "/"}, {"text": ""}, {"text": "huge"}, {"contrast": "very-large"}, {"text": "large", "readings": "x"}],
)
def test_no_such_switch(client: Client, sent: dict[str, str]) -> None:
    """It is said in a sentence, and no cookie is set."""
    answer = client.post("/display/", sent)
    assert answer.status_code == 400 and "not in this way" in answer.content.decode()
    assert answer["Content-Type"].startswith("text/plain") and COOKIE not in answer.cookies
    with pytest.raises(DisplayUnknown):
        switched(Display(), sent)


@pytest.mark.parametrize(
    "target",
    [
        "https://attacker.example/",
        "//attacker.example/",
        "///attacker.example",
        "/\\attacker.example",
        "\\\\attacker.example",
        "javascript:alert(1)",
        "attacker.example",
        "",
    ],
)
def test_no_way_out_of_the_site(client: Client, target: str) -> None:
    assert client.post("/display/", {"text": "large", "next": target})["Location"] == "/#display"


def test_back_to_where_one_was(client: Client) -> None:
    answer = client.post("/display/", {"text": "large", "next": "/login/card/?election=kakuu#top"})
    assert answer["Location"] == "/login/card/?election=kakuu#display"


def test_only_our_own_forms_switch() -> None:
    """Another site's form has no token; and an address alone changes nothing."""
    stranger = Client(enforce_csrf_checks=True)
    answer = stranger.post("/display/", {"text": "large"})
    assert answer.status_code == 403 and COOKIE not in answer.cookies
    assert stranger.get("/display/?text=large").status_code == 405
