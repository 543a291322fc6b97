"""The login by a letter: forgiving about how things are typed, and silent about what was wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tests.voting import kakuu
from tests.voting.kakuu import World
from tests.voting.login.people import ACCESSES, LETTER, enter, print_code, text_of, typed
from tests.voting.login.provider import Provider
from voting.applications.models import Application
from voting.credentials.codes import ALPHABET, normalise, printed
from voting.credentials.letters import MOST_FAILURES
from voting.credentials.models import Binding, Letter
from voting.login import throttle
from voting.login.services import ballot_of

pytestmark = pytest.mark.django_db

NEUTRAL = "do not belong together, or the letter is no longer valid"


@pytest.fixture
def issued(world: World) -> Application:
    """架空太郎's application, with a ballot."""
    return kakuu.issued(world)


@pytest.fixture
def code(world: World, issued: Application) -> str:
    return print_code(world, issued)


def booth(world: World) -> str:
    return reverse("booth:home", args=[world.election.slug])


def application_in(client: Client) -> Any:
    """The application whose ballot the client's session may cast."""
    return client.session.get("voter", {}).get("application")


def assert_out(client: Client, answer: Any) -> None:
    """The form again, and nobody is logged in."""
    assert answer.status_code == 200 and 'role="alert"' in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert application_in(client) is None


# In


def test_a_code_and_a_birthday_lead_to_the_booth(client: Client, world: World, issued: Application, code: str) -> None:
    answer = enter(client, code, f"?election={world.election.slug}")
    assert (answer.status_code, answer["Location"]) == (302, booth(world))
    assert application_in(client) == issued.pk
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("way", [printed, str.lower, " ".join, lambda code: f" {printed(code).replace('-', 'ー')} "])
@pytest.mark.parametrize("birth", [("1980-4-1", ""), ("５５-04-０１", "S"), ("昭和55-4-1", "")])
def test_however_it_is_typed(
    client: Client, issued: Application, code: str, way: Callable[[str], str], birth: tuple[str, str]
) -> None:
    enter(client, way(code), birth=birth[0], calendar=birth[1])
    assert application_in(client) == issued.pk


def test_the_letter_says_where_it_belongs(client: Client, world: World, issued: Application, code: str) -> None:
    """The page without an election, and that of another one: the letter leads to its own."""
    second = kakuu.world(world.town, slug="kakuu-2")
    assert enter(client, code)["Location"] == booth(world)
    away = f"?election={second.election.slug}&next=/vote/{second.election.slug}/"
    assert enter(client, code, away)["Location"] == booth(world)
    assert application_in(client) == issued.pk


@pytest.mark.parametrize(
    "target",
    ["https://attacker.example/", "//attacker.example/", "/\\attacker.example", "javascript:alert(1)", "\t//x"],
)
def test_no_way_out_of_the_site(client: Client, world: World, code: str, target: str) -> None:
    """S-11: a link to this page that ends at another site ends at this one."""
    assert enter(client, code, f"?election={world.election.slug}&next={target}")["Location"] == booth(world)


def test_on_to_where_one_wanted(client: Client, world: World, code: str) -> None:
    assert enter(client, code, f"?election={world.election.slug}&next={ACCESSES}")["Location"] == ACCESSES
    assert enter(client, code, f"?next={ACCESSES}")["Location"] == ACCESSES


def test_the_session_is_new(client: Client, code: str) -> None:
    """S-02: an id that an attacker knows or planted is worth nothing after the login."""
    kept = client.session
    kept["planted"] = "by the attacker"
    kept.save()
    client.cookies["sessionid"] = kept.session_key
    enter(client, code)
    assert client.session.session_key != kept.session_key and "planted" not in client.session
    assert not Session.objects.filter(session_key=kept.session_key).exists()


def test_the_form_token_rotates_and_is_needed(code: str) -> None:
    """S-01: no other site logs anybody in here, and a token from before opens no form afterwards."""
    client = Client(enforce_csrf_checks=True)
    assert client.post(LETTER, typed(code)).status_code == 403
    client.get(LETTER)
    before = client.cookies["csrftoken"].value
    assert client.post(LETTER, {**typed(code), "csrfmiddlewaretoken": before}).status_code == 302
    assert client.cookies["csrftoken"].value != before


def test_an_official_does_not_become_a_voter_as_well(client: Client, world: World, code: str) -> None:
    client.force_login(world.town.clerk)
    enter(client, code)
    assert "_auth_user_id" not in client.session


def test_a_browser_that_crashes_costs_no_vote(world: World, issued: Application, code: str) -> None:
    """The code works again, in another browser, until a device is registered."""
    for _ in range(2):
        client = Client()
        enter(client, code)
        assert application_in(client) == issued.pk
    Binding.objects.create(application=issued, pseudonym="v-x", credential=bytes(32))
    enter(client := Client(), code)
    assert application_in(client) == issued.pk  # begun, and not on the board


def test_a_login_ends_with_the_ballot(world: World, issued: Application, code: str, rf: Any) -> None:
    """Given back while somebody is logged in: there is nothing to cast any more."""
    enter(client := Client(), code)
    request = rf.get("/")
    request.session = client.session
    assert ballot_of(request, world.election) == issued
    kakuu.give_back(world, issued)
    assert ballot_of(request, world.election) is None


# Not in


def test_every_refusal_is_one_sentence(world: World, issued: Application) -> None:
    """S-09: no such code, another birthday, a void, a dead and a given-back letter read alike, bar what was typed."""
    code = print_code(world, issued)
    other = print_code(world, kakuu.issued(world, who="hanako"))
    pages = []

    def refuse(typed_code: str, birth: str = "1980-4-1") -> None:
        client = Client()
        answer = enter(client, typed_code, birth=birth)
        assert_out(client, answer)
        page = text_of(answer).replace(typed_code, "CODE")
        pages.append(re.sub(r'(id="id_(?:year|month|day)") value="\d+"', r"\1", page))

    Letter.objects.filter(application__elector=world.electors["hanako"]).delete()
    refuse(other)
    refuse(code, "1980-4-2")
    Letter.objects.update(failures=MOST_FAILURES)
    refuse(code)
    Letter.objects.update(failures=0)
    later = print_code(world, issued)
    refuse(code)
    kakuu.give_back(world, issued)
    refuse(later)
    assert len(set(pages)) == 1 and NEUTRAL in pages[0]


def test_a_mistyped_character_is_pointed_at(client: Client, code: str) -> None:
    """By its number and its group, without a word about which codes there are; and it is no guess at one."""
    wrong = normalise(code)[:9] + "O" + normalise(code)[10:]
    answer = enter(client, printed(wrong))
    assert_out(client, answer)
    page = answer.content.decode()
    assert "Character 10 of the code is wrong: number 2 in group 3." in page and " ".join(ALPHABET) in page
    assert page.count("Character 10") == 2  # at the top, and at the field
    assert 'href="#id_code"' in page and 'aria-describedby="help-code error-code"' in page
    assert Letter.objects.get().failures == 0


def test_other_slips_are_named(client: Client, code: str) -> None:
    plain = normalise(code)
    place = next(at for at in range(19) if plain[at] != plain[at + 1])
    swapped = plain[:place] + plain[place + 1] + plain[place] + plain[place + 2 :]
    for slip, says in (
        ("", "Enter the code of your letter"),
        (plain[:-1], "has 20 characters"),
        (swapped, "One character of the code is wrong, or two are exchanged"),
        ("A" * 10_000, "has 20 characters"),
    ):
        answer = enter(client, slip)
        assert_out(client, answer)
        assert says in answer.content.decode()


@pytest.mark.parametrize(
    ("birth", "calendar", "says"),
    [
        ("1981-2-29", "", "There is no such day in the calendar: 1981-2-29"),
        ("64-1-8", "S", "This day is not in the era 昭和: 昭和64-1-8"),
        ("80-4-1", "", "four digits, or choose the era"),
        ("1980-4-", "", "Enter your date of birth"),
        ("1980-4-1", "X", "Enter your date of birth"),
    ],
)
def test_an_impossible_day_is_named(client: Client, code: str, birth: str, calendar: str, says: str) -> None:
    """At the top and at the field; what was typed is still there, and nothing was counted."""
    answer = enter(client, code, birth=birth, calendar=calendar)
    assert_out(client, answer)
    page = answer.content.decode()
    assert page.count(says) == 2 and 'href="#id_year"' in page and f'value="{code}"' in page
    assert Letter.objects.get().failures == 0


def test_everything_wrong_is_said_at_once(client: Client) -> None:
    page = enter(client, "", birth="--").content.decode()
    assert "Enter the code of your letter" in page and "Enter your date of birth" in page


def test_five_wrong_birthdays_kill_the_letter(client: Client, issued: Application, code: str) -> None:
    """S-10: counted although each request is refused."""
    for day in range(2, 2 + MOST_FAILURES):
        enter(client, code, birth=f"1980-4-{day}")
    answer = enter(client, code)
    assert_out(client, answer)
    assert NEUTRAL in answer.content.decode()


def test_guesses_are_slow(client: Client, issued: Application, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S-10: after twenty from one address not even the right one is looked at; slips of the form are no tries."""
    monkeypatch.setattr(throttle, "time", SimpleNamespace(time=lambda: 1_800_000_000.0))  # no new window begins
    for _ in range(3):
        enter(client, "")
    unknown = "".join(ALPHABET[0] for _ in range(20))
    for _ in range(throttle.MOST):
        assert enter(client, unknown).status_code == 200
    answer = enter(client, code)
    assert answer.status_code == 429 and 0 < int(answer["Retry-After"]) <= throttle.WINDOW
    assert "Please wait" in answer.content.decode() and application_in(client) is None
    cache.clear()
    enter(client, code)
    assert application_in(client) == issued.pk


def test_a_ward_votes_from_one_address(issued: Application, code: str) -> None:
    """Right tries are no guesses."""
    for _ in range(throttle.MOST + 5):
        assert enter(Client(), code).status_code == 302


@pytest.mark.parametrize("field", ["code", "calendar", "year", "month", "day"])
@pytest.mark.parametrize("value", ["\0", "a\0b", "x" * 100_000, "\ud800", "<script>alert(1)</script>", "{{ 7 }}", "%s"])
def test_wild_input(client: Client, code: str, field: str, value: str) -> None:
    """A sentence or a plain 400, never an error, and never markup."""
    data = {**typed(code), field: value.encode(errors="surrogatepass").decode(errors="replace")}
    answer = client.post(LETTER, data)
    assert answer.status_code in (200, 400)
    assert b"<script>alert" not in answer.content and application_in(client) is None


def test_missing_fields_are_no_trouble(client: Client) -> None:
    assert_out(client, client.post(LETTER))


# What stays secret


def test_nothing_secret_leaves_the_form(
    client: Client, issued: Application, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither code nor birthday nor person is in an address, a log or the session."""
    caplog.set_level("DEBUG")
    enter(client, code, birth="1980-4-2")
    answer = enter(client, code)
    kept = str({**client.session, "voter": {**client.session["voter"], "at": 0}})  # seconds hold any digits
    for text in (code, printed(code), "1980", issued.name, issued.reference):
        assert text not in answer["Location"] + caplog.text + kept


def test_an_error_report_has_no_code(code: str, monkeypatch: pytest.MonkeyPatch, rf: Any) -> None:
    """What Django writes about a broken page leaves out what was sent to it."""
    from django.views.debug import SafeExceptionReporterFilter

    client = Client(raise_request_exception=False)
    monkeypatch.setattr("voting.login.views.redeem", lambda *_: 1 / 0)
    answer = enter(client, code)
    assert answer.status_code == 500
    kept = SafeExceptionReporterFilter().get_post_parameters(answer.wsgi_request)
    assert code not in str(kept) and "1980" not in str(kept)


# The page


def test_the_form(client: Client, world: World) -> None:
    """Labels, no script, nothing kept of who only reads it, nothing filled in."""
    answer = client.get(f"{LETTER}?election={world.election.slug}")
    page = answer.content.decode()
    assert answer.status_code == 200 and world.election.title in page and page.count("<h1") == 1
    for name in ("code", "calendar", "year", "month", "day"):
        assert f'for="id_{name}"' in page and f'id="id_{name}"' in page
    main = page[page.index("<main") : page.index("</main>")]
    assert "<script" not in main and " style=" not in page and 'role="alert"' not in page
    assert "sessionid" not in client.cookies and "no-store" in answer["Cache-Control"]
    for era in ("令和", "平成", "昭和", "大正"):
        assert era in page


def test_the_way_on_paper_is_there(client: Client, world: World) -> None:
    """Requirement 10: on the form, and on it after a failure."""
    query = f"?election={world.election.slug}"
    for answer in (client.get(LETTER + query), enter(client, "", query)):
        page = answer.content.decode()
        assert "on paper" in page and f"{world.e(-4):%Y-%m-%d}" in page


def test_the_card_is_there_when_it_works(client: Client, world: World, settings: Any) -> None:
    settings.CARD_LOGIN = False
    assert "/login/card/" not in client.get(LETTER).content.decode()


def test_from_the_card_to_the_letter_and_back(provider: Provider, client: Client, world: World) -> None:
    """Each knows the other, with the same errand."""
    query = f"?election={world.election.slug}&amp;next=%2Flogin%2Faccesses%2F"
    card = client.get(f"/login/card/?election={world.election.slug}&next={ACCESSES}").content.decode()
    assert f'href="{LETTER}{query}"' in card
    letter = client.get(f"{LETTER}?election={world.election.slug}&next={ACCESSES}").content.decode()
    assert f'href="/login/card/{query}"' in letter


def test_no_such_election(client: Client) -> None:
    for ask in (client.get, client.post):
        assert ask(f"{LETTER}?election=none").status_code == 404


def test_other_methods(client: Client) -> None:
    for ask in (client.put, client.delete, client.patch):
        assert ask(LETTER).status_code == 405


# Who looked at my data


def test_a_letter_shows_who_looked_at_my_data(client: Client, world: World, issued: Application, code: str) -> None:
    """Requirement 39, for who has no card; nobody else's."""
    other = Client()
    enter(other, print_code(world, kakuu.issued(world, who="hanako")))
    enter(client, code)
    page = client.get(ACCESSES).content.decode()
    assert issued.reference in page and "print a letter with a one-time code" in page
    assert issued.reference not in other.get(ACCESSES).content.decode()
    assert client.post("/login/out/")["Location"] == "/"
    assert client.get(ACCESSES).status_code == 302
