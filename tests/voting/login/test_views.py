"""The pages: what they say before the login, where they lead to, and who looked at my data (requirement 39)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.voting import kakuu
from tests.voting.kakuu import World
from tests.voting.login.people import ACCESSES, CARD, RETURN, approve, begin, log_in, text_of
from tests.voting.login.provider import Provider
from voting.access.services import log
from voting.login.models import Identity
from voting.officials.roles import Act

pytestmark = pytest.mark.django_db


def test_what_is_shared_and_what_not(provider: Provider, client: Client) -> None:
    """Before anything is shared, the page says what; nothing is kept of who only reads it."""
    answer = client.get(CARD)
    page = answer.content.decode()
    for text in ("your name", "your address", "your date of birth", "your sex", "your My Number", "Go on to the app"):
        assert text in page
    assert "no-store" in answer["Cache-Control"]
    assert "sessionid" not in client.cookies


def test_the_form_may_lead_to_the_provider(provider: Provider, client: Client) -> None:
    """Browsers that follow the policy refuse the redirect otherwise; no other page may send forms elsewhere."""
    assert f"form-action 'self' {provider.origin};" in client.get(CARD)["Content-Security-Policy"] + ";"
    assert provider.origin not in client.get(RETURN)["Content-Security-Policy"]


def test_the_way_on_paper(provider: Provider, world: World, client: Client) -> None:
    """Requirement 10: the deadline of each category stands on the page of the login, and on that of its failure."""
    query = f"?election={world.election.slug}"
    page = client.get(CARD + query).content.decode()
    assert world.election.title in page and "on paper" in page
    deadlines = re.findall(r'<time datetime="[^"]*">([^<]*)</time>', page)
    assert deadlines == sorted(deadlines) and f"{world.e(-4):%Y-%m-%d}" in " ".join(deadlines)
    begin(client, query)
    failed = client.get(RETURN)
    assert failed.status_code == 400
    assert re.findall(r'<time datetime="[^"]*">([^<]*)</time>', failed.content.decode()) == deadlines
    assert f'href="{CARD}{query}"' in failed.content.decode()


def test_no_deadline_that_is_over(client: Client, world: World) -> None:
    """Requirement 10: nobody is sent to a way that is closed."""
    today = timezone.localdate()
    late = kakuu.world(world.town, slug="late", notice=today - timedelta(12), election_day=today + timedelta(1))
    page = client.get(f"{CARD}?election={late.election.slug}").content.decode()
    assert f"{late.e(-4):%Y-%m-%d}" not in page
    for shown in re.findall(r'<time datetime="[^"]*">([^<]*)</time>', page):
        assert shown >= f"{timezone.localtime():%Y-%m-%d %H:%M}"


def test_no_such_election(client: Client) -> None:
    """Nothing begins about an election that is not there."""
    assert client.get(f"{CARD}?election=none").status_code == 404
    assert client.post(f"{CARD}?election=none").status_code == 404


@pytest.mark.parametrize(
    "target", ["https://attacker.example/", "//attacker.example/", "/\\attacker.example", "javascript:alert(1)"]
)
def test_no_way_out_of_the_site(provider: Provider, client: Client, target: str) -> None:
    """A link to the login that ends at another site ends at this one."""
    assert log_in(client, f"?next={target}")["Location"] == ACCESSES


def test_on_to_where_one_wanted(provider: Provider, client: Client) -> None:
    assert log_in(client, "?next=/login/card/")["Location"] == "/login/card/"


def test_the_answer_is_the_same_for_everybody(provider: Provider, world: World) -> None:
    """Requirement 8: on the roll, not on it, twice on it, or another's row: the pages after the login are the same."""
    query = f"?election={world.election.slug}"
    kakuu.elector(world.election, "again", name="架空　花子", sex="F")
    world.electors["hanako"].delete()
    kakuu.elector(world.election, "hanako2", name="架空　花子", sex="F")
    pages = set()
    for changes in (
        {},
        {"sub": "2"},
        {"sub": "3", "name": "架空次郎"},
        {"sub": "4", "name": "架空花子", "gender": "2"},
    ):
        provider.holder |= changes
        client = Client()
        answer = log_in(client, query)
        pages.add((answer.status_code, answer["Location"], text_of(client.get(ACCESSES))))
    assert len(pages) == 1
    assert Identity.objects.count() == 1


def look_up(world: World, *people: str, **other: Any) -> None:
    subjects = [world.electors[name].pk for name in people]
    log(
        world.town.clerk, world.town.board, Act.VIEW_ROLL, other.pop("purpose", "asked by telephone"), subjects, **other
    )


def test_who_looked_at_my_data(provider: Provider, world: World, client: Client) -> None:
    """Requirement 39: office, time, act and purpose of every access to one's own data; no official's name."""
    look_up(world, "taro", "hanako")
    look_up(world, "hanako", purpose="not my business")
    look_up(world, everyone=world.election.slug, purpose="marked roll printed")
    look_up(world, everyone="another", purpose="another election")
    log_in(client, f"?election={world.election.slug}")
    answer = client.get(ACCESSES)
    page = answer.content.decode()
    assert page.index("marked roll printed") < page.index("asked by telephone")
    assert page.count("look somebody up on the roll") == page.count(world.town.board.name) == 2
    assert f"{timezone.localtime():%Y-%m-%d}" in page
    assert "(everyone on the roll)" in page
    for text in ("not my business", "another election", world.town.clerk.username, world.town.clerk.name):
        assert text not in page
    assert "no-store" in answer["Cache-Control"]


def test_nothing_looked_at(provider: Provider, client: Client, world: World) -> None:
    """Requirement 39: a sentence, not an empty page; the same for somebody on no roll."""
    log_in(client, f"?election={world.election.slug}")
    assert "There is nothing to show" in client.get(ACCESSES).content.decode()


def test_data_are_shown_to_nobody_else(provider: Provider, world: World, client: Client) -> None:
    """S-05: only the identity that is bound to the row sees what is about it."""
    look_up(world, "taro")
    log_in(client, f"?election={world.election.slug}")
    provider.holder["sub"] = "ppid-other"
    other = Client()
    log_in(other, f"?election={world.election.slug}")
    assert "asked by telephone" in client.get(ACCESSES).content.decode()
    assert "asked by telephone" not in other.get(ACCESSES).content.decode()
    assert Client().get(ACCESSES).status_code == 302


def test_text_of_officials_is_text(provider: Provider, world: World, client: Client) -> None:
    """What somebody wrote as a purpose is shown as it is, and does nothing."""
    look_up(world, "taro", purpose="<script>alert(1)</script>")
    log_in(client, f"?election={world.election.slug}")
    page = client.get(ACCESSES).content.decode()
    assert "&lt;script&gt;alert(1)" in page and "<script>" not in page


def test_unknown_parameters_are_no_trouble(provider: Provider, client: Client) -> None:
    """The provider adds `session_state`, and may add more."""
    assert client.get(approve(begin(client)) + "&more=1").status_code == 302
