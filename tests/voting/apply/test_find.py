"""Finding an application again: by reference and birthday, slowly, and without a word about which one was wrong."""

from __future__ import annotations

import re
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.voting import kakuu
from tests.voting.apply.filled import errors, find, text, voter
from tests.voting.kakuu import World
from voting.applications.models import Application
from voting.apply.find import FindForm, look_up
from voting.login import throttle
from voting.login.attempts import MOST, Way, lift
from voting.login.models import Attempts

pytestmark = pytest.mark.django_db
BIRTH = date(1980, 4, 1)
WRONG = date(1980, 4, 2)
UNKNOWN = "2222-2222"
NEUTRAL = "No application was found with this reference and this date of birth."


@pytest.fixture
def application(world: World) -> Application:
    return kakuu.submit(world, at=timezone.now())


def ask(reference: str, birth: date = BIRTH, client: Client | None = None, **more: str) -> HttpResponse:
    fields = {"reference": reference, "year": birth.year, "month": birth.month, "day": birth.day, **more}
    answer: HttpResponse = (client or voter()).post(reverse("apply:find"), fields)  # type: ignore[assignment]
    return answer


def plain(answer: Any, reference: str) -> str:
    page = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", text(answer))
    return page.replace(reference, "").replace(f'value="{WRONG.day}"', "").replace(f'value="{BIRTH.day}"', "")


@pytest.mark.parametrize("typed", ["{}", " {} ", "{lower}", "{bare}", "{spaced}", "{wide}", "{dash}"])
def test_a_reference_can_be_typed_in_many_ways(application: Application, typed: str) -> None:
    """Wide or narrow, capital or small, with whatever between the halves."""
    right = application.reference
    wide = "".join(chr(ord(character) + 0xFEE0) for character in right)
    forms = {
        "lower": right.lower(),
        "bare": right.replace("-", ""),
        "spaced": right.replace("-", "　"),
        "wide": wide,
        "dash": right.replace("-", "–"),
    }
    client = voter()
    answer = ask(typed.format(right, **forms), client=client)
    assert (answer.status_code, answer.headers["Location"]) == (302, reverse("apply:status"))
    assert right in text(client.get(reverse("apply:status")))


def test_a_birthday_by_era_is_understood(application: Application) -> None:
    assert ask(application.reference, calendar="S", year="55").status_code == 302


@pytest.mark.parametrize("reference", ["", "A", "ABCDEFGHJ", "A" * 21, "🗳" * 8, "'; DROP TABLE--", "１２"])
def test_what_is_no_reference_finds_nothing(application: Application, reference: str) -> None:
    answer = ask(reference)
    assert answer.status_code == 200 and len(errors(answer)) == 1


def test_a_missing_birthday_is_named_and_counts_nothing(application: Application) -> None:
    answer = voter().post(reverse("apply:find"), {"reference": application.reference})
    assert errors(answer) == {"id_year": "Enter your date of birth: year, month and day."}
    assert not Attempts.objects.exists()


# Which one was wrong


def test_no_reference_a_wrong_birthday_and_a_lock_read_the_same(application: Application) -> None:
    reference = application.reference
    unknown = plain(ask(UNKNOWN), UNKNOWN)
    assert NEUTRAL in unknown
    tries = [plain(ask(reference, WRONG), reference) for _ in range(MOST)]
    locked = plain(ask(reference), reference)
    assert {unknown, locked, *tries} == {unknown}


def test_the_birthday_of_another_application_opens_nothing(world: World, application: Application) -> None:
    """Each reference has its own."""
    other = kakuu.submit(world, "HOME_BOARD_U18", at=timezone.now())
    client = voter()
    assert errors(ask(application.reference, other.birth, client)) == {"": NEUTRAL}
    assert client.get(reverse("apply:status")).status_code == 302


def test_after_five_wrong_birthdays_the_right_one_opens_nothing_either(world: World, application: Application) -> None:
    """Until an official lifts it; and only this way of this application is locked."""
    other = kakuu.submit(world, who="hanako", at=timezone.now())
    for _ in range(MOST):
        ask(application.reference, WRONG)
    assert ask(application.reference).status_code == 200
    assert ask(other.reference).status_code == 302
    assert [row.way for row in Attempts.objects.filter(failures=MOST)] == [Way.STATUS]
    lift(application, by=world.town.clerk)
    assert ask(application.reference).status_code == 302


def test_a_session_survives_what_somebody_else_guesses(application: Application) -> None:
    """Whoever is in stays in."""
    client = voter()
    find(client, application)
    for _ in range(MOST):
        ask(application.reference, WRONG)
    assert client.get(reverse("apply:status")).status_code == 200


def test_an_unknown_reference_takes_the_work_of_a_wrong_birthday(application: Application) -> None:
    """The statements that cost time are the same: a look-up, and a transaction that reads with a lock and writes."""
    look_up(application.reference, WRONG)

    def work(reference: str) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            assert look_up(reference, WRONG) is None
        tables = [re.search(r'"(applications_\w+|login_\w+)"', query["sql"]) for query in queries]
        verbs = [query["sql"].split(" ", 1)[0] for query in queries]
        return [f"{verb} {table[1] if table else ''}" for verb, table in zip(verbs, tables, strict=True)]

    assert work(UNKNOWN) == work(application.reference)
    assert "UPDATE login_attempts" in work(UNKNOWN)
    assert Attempts.objects.get().failures == 2


# Slowly


def test_an_address_may_not_try_for_ever(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with references that there are not; the page says when to go on."""
    monkeypatch.setattr(throttle, "time", SimpleNamespace(time=lambda: 1_800_000_000.0))  # no new window begins
    for _ in range(throttle.MOST):
        assert ask(UNKNOWN).status_code == 200
    answer = ask(application.reference)
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0
    assert not Attempts.objects.exists()
    elsewhere = Client(REMOTE_ADDR="192.0.2.7", headers={"accept-language": "en"})
    assert ask(application.reference, client=elsewhere).status_code == 302


def test_who_finds_is_not_slowed_down(application: Application) -> None:
    """A ward shares one address."""
    for _ in range(throttle.MOST + 1):
        assert ask(application.reference).status_code == 302


def test_looking_at_the_page_is_no_try() -> None:
    for _ in range(throttle.MOST + 1):
        assert voter().get(reverse("apply:find")).status_code == 200
    assert ask(UNKNOWN).status_code == 200


def test_the_reference_is_not_kept_by_the_browser() -> None:
    """On a phone that is lent out, nothing is suggested to the next one."""
    assert 'autocomplete="off"' in str(FindForm()["reference"])
