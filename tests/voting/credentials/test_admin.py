"""Letters from an application's page: the code is shown once, to who may print it; loading again voids nothing."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.voting import kakuu
from tests.voting.kakuu import World
from tests.voting.offices import Town
from tests.voting.polling import Counter, electors, key
from voting.access.models import AccessEntry
from voting.applications import review
from voting.applications.models import Application
from voting.credentials.codes import ALPHABET, normalise
from voting.credentials.models import Letter, Replacement
from voting.officials.models import Office, Official
from voting.officials.services import approve, pending

pytestmark = pytest.mark.django_db

CODE = re.compile(rf"[{ALPHABET}]{{4}}(?:-[{ALPHABET}]{{4}}){{4}}")


@pytest.fixture(autouse=True)
def in_english(settings: Any, tmp_path: Path) -> None:
    """The texts as they stand in the code, and keys of the test's own."""
    settings.LANGUAGE_CODE = "en"
    settings.CODE_KEY_FILE = tmp_path / "code.key"
    settings.EVIDENCE_KEY_FILE = tmp_path / "evidence.key"


@pytest.fixture
def world(town: Town) -> World:
    today = timezone.localdate()
    Office.objects.filter(pk=town.board.pk).update(contact="000-000-0000", address="架空市中央1番1号")
    return kakuu.world(town, notice=today - timedelta(days=3), election_day=today + timedelta(days=4))


@pytest.fixture
def application(world: World) -> Application:
    return review.approve(kakuu.under_review(world, at=world.n(1, 12)), by=world.town.chair)


def logged_in(official: Official, **how: Any) -> Client:
    client = Client(headers={"accept-language": "en"}, **how)
    client.force_login(official)
    return client


def print_address(application: Application) -> str:
    return reverse("admin:credentials_letter_print", args=[application.pk])


def test_a_letter_says_what_to_do_in_three_languages(world: World, application: Application) -> None:
    """Address, code in groups of four, deadline in both calendars, telephone; never stored by anybody."""
    response = logged_in(world.town.clerk).post(print_address(application), {"last": ""})
    seen = response.content.decode()
    assert response.status_code == 200 and "no-store" in response["Cache-Control"]
    (code,) = CODE.findall(seen)
    assert normalise(code)
    for part in (
        "架空　太郎 様",
        application.address,
        "000-000-0000",
        "やさしい日本語",
        "English",
        application.reference,
    ):
        assert part in seen, part
    assert f"20:00 ({world.e(-1).date()})" in seen and "令和" in seen
    assert "<script" not in seen and " style=" not in seen and "<style" not in seen


def test_the_code_is_shown_once(world: World, application: Application) -> None:
    """Loading the page again makes no second letter, shows no code and leaves the printed one valid."""
    clerk = logged_in(world.town.clerk)
    first = clerk.post(print_address(application), {"last": ""})
    again = clerk.post(print_address(application), {"last": ""})
    assert again.status_code == 409 and "A letter was printed already." in again.content.decode()
    (code,) = CODE.findall(first.content.decode())
    letter = Letter.objects.get()
    assert letter.revoked_at is None and code.replace("-", "").encode() not in bytes(letter.code_digest)
    page = clerk.get(reverse("admin:applications_application_change", args=[application.pk])).content.decode()
    assert not CODE.search(page) and f'name="last" value="{letter.pk}"' in page
    assert code not in "".join(AccessEntry.objects.values_list("purpose", flat=True))


def test_another_letter_voids_the_one_before(world: World, application: Application) -> None:
    """From the page that shows the first one."""
    clerk = logged_in(world.town.clerk)
    clerk.post(print_address(application), {"last": ""})
    first = Letter.objects.get()
    assert clerk.post(print_address(application), {"last": first.pk}).status_code == 200
    first.refresh_from_db()
    assert first.revoked_at is not None and Letter.objects.filter(revoked_at=None).count() == 1


def test_a_letter_goes_where_the_voter_stays(world: World) -> None:
    """Whoever is kept in a hotel gets it there."""
    person = kakuu.applicant(world.electors["hanako"], staying_at="架空ホテル101号室", postcode="0000000")
    reviewed = kakuu.under_review(world, applicant=person, at=world.n(1, 12))
    application = review.approve(reviewed, by=world.town.chair)
    seen = logged_in(world.town.clerk).post(print_address(application), {"last": ""}).content.decode()
    assert "架空ホテル101号室" in seen and application.address not in seen and "〒" not in seen


def test_a_name_is_no_markup_in_a_letter(world: World) -> None:
    person = kakuu.applicant(world.electors["hanako"], staying_at="<script>alert(1)</script>")
    reviewed = kakuu.under_review(world, applicant=person, at=world.n(1, 12))
    application = review.approve(reviewed, by=world.town.chair)
    seen = logged_in(world.town.clerk).post(print_address(application), {"last": ""}).content.decode()
    assert "<script>" not in seen and "&lt;script&gt;" in seen


def test_without_a_ballot_there_is_no_letter(world: World) -> None:
    application = kakuu.under_review(world, at=world.n(1, 12))
    refused = logged_in(world.town.clerk).post(print_address(application), {"last": ""})
    assert refused.status_code == 409 and "No ballot is issued" in refused.content.decode()
    assert not Letter.objects.exists()


def test_nobody_else_prints(world: World, application: Application) -> None:
    """Other roles, another board, nobody, a forged form, a link."""
    town = world.town
    _board, rin, _chair = kakuu.neighbour()
    for who in ("poll_manager", "auditor", "health_officer", "attestor", "system_admin", "prefecture_clerk"):
        assert logged_in(getattr(town, who)).post(print_address(application), {"last": ""}).status_code == 403, who
    assert logged_in(rin).post(print_address(application), {"last": ""}).status_code == 404
    assert Client().post(print_address(application), {"last": ""}).status_code == 302
    forged = logged_in(town.clerk, enforce_csrf_checks=True).post(print_address(application), {"last": ""})
    assert forged.status_code == 403
    assert logged_in(town.clerk).get(print_address(application)).status_code == 405
    assert not Letter.objects.exists()


def test_a_lost_device_is_replaced_by_two(polls: Counter) -> None:
    """The button is there once a device is on the board; a second official approves."""
    application = polls.issue(electors(polls.row)[0])
    act = reverse("admin:applications_application_act", args=[application.pk, "replace"])
    page = reverse("admin:applications_application_change", args=[application.pk])
    clerk = logged_in(polls.town.clerk)
    assert act not in clerk.get(page).content.decode()
    polls.bind(application, key("lost"))
    assert act in clerk.get(page).content.decode()
    assert clerk.post(act, {"reason": ""}).status_code == 200 and not pending(polls.town.second_clerk).exists()
    assert clerk.post(act, {"reason": "電話をなくした"}).status_code == 302
    approve(pending(polls.town.second_clerk).get(), by=polls.town.second_clerk)
    assert Replacement.objects.get().application == application
