"""The button that lets a voter try again: there while something is locked, for whoever may press it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.voting import kakuu
from tests.voting.kakuu import World
from tests.voting.login.people import print_code
from voting.applications.models import Application
from voting.credentials.errors import CodeRefused
from voting.credentials.letters import MOST_FAILURES, redeem
from voting.credentials.models import Binding
from voting.elections.models import Slot
from voting.login.attempts import MOST, Way, is_locked, require_birth
from voting.login.errors import BirthRefused
from voting.officials.models import Official

pytestmark = pytest.mark.django_db

BORN, WRONG = date(1980, 4, 1), date(1980, 4, 2)
BUTTON = "Let the voter try again"


@pytest.fixture
def issued(world: World) -> Application:
    return kakuu.issued(world)


def lock(application: Application, way: Way = Way.STATUS) -> None:
    for _ in range(MOST):
        with pytest.raises(BirthRefused):
            require_birth(application, WRONG, way)


def page_of(application: Application) -> str:
    return reverse("admin:applications_application_change", args=[application.pk])


def lift_of(application: Application) -> str:
    return reverse("admin:credentials_letter_lift", args=[application.pk])


def logged_in(official: Official, **how: Any) -> Client:
    client = Client(headers={"accept-language": "en"}, **how)
    client.force_login(official)
    return client


@pytest.mark.parametrize("way", ["status", "device", "letter"])
def test_the_button_comes_and_goes(world: World, issued: Application, way: str) -> None:
    """Whatever is locked, one button lifts it; before and afterwards there is none."""
    code = print_code(world, issued)
    clerk = logged_in(world.town.clerk)
    assert BUTTON not in clerk.get(page_of(issued)).content.decode()
    if way == "letter":
        for _ in range(MOST_FAILURES):
            with pytest.raises(CodeRefused):
                redeem(code, WRONG)
    else:
        lock(issued, Way(way))
    page = clerk.get(page_of(issued)).content.decode()
    assert BUTTON in page and f'action="{lift_of(issued)}"' in page
    done = clerk.post(lift_of(issued))
    assert (done.status_code, done["Location"]) == (302, page_of(issued))
    page = clerk.get(page_of(issued)).content.decode()
    assert "The voter can try again." in page and BUTTON not in page
    assert redeem(code, BORN) == issued and not is_locked(issued)


def test_who_approved_may_lift(world: World, issued: Application) -> None:
    """It gives no code and no ballot, so the chair need not wait for somebody else."""
    lock(issued)
    chair = logged_in(world.town.chair)
    assert BUTTON in chair.get(page_of(issued)).content.decode()
    assert chair.post(lift_of(issued)).status_code == 302 and not is_locked(issued)


def test_nobody_else_lifts(world: World, issued: Application) -> None:
    """Other roles, another board, nobody, a forged form, a link."""
    lock(issued)
    town = world.town
    _board, rin, _chair = kakuu.neighbour()
    for who in ("poll_manager", "auditor", "health_officer", "attestor", "system_admin", "prefecture_clerk"):
        assert logged_in(getattr(town, who)).post(lift_of(issued)).status_code == 403, who
    assert logged_in(rin).post(lift_of(issued)).status_code == 404
    assert Client().post(lift_of(issued)).status_code == 302
    assert logged_in(town.clerk, enforce_csrf_checks=True).post(lift_of(issued)).status_code == 403
    assert logged_in(town.clerk).get(lift_of(issued)).status_code == 405
    assert is_locked(issued)


def test_twice_is_once(world: World, issued: Application) -> None:
    """A double click ends on the same page."""
    lock(issued)
    clerk = logged_in(world.town.clerk)
    assert [clerk.post(lift_of(issued)).status_code for _ in range(2)] == [302, 302]


def test_a_letter_beside_a_registered_device(world: World, issued: Application) -> None:
    """Who is about to print one reads that it opens nothing until two officials have let another device follow."""
    clerk = logged_in(world.town.clerk)
    assert "A device is registered" not in clerk.get(page_of(issued)).content.decode()
    assert issued.style is not None
    slot = Slot.objects.create(election=world.election, pseudonym="v-x", style=issued.style, roll_index=0)
    Binding.objects.create(application=issued, pseudonym="v-x", credential=bytes(32), slot=slot)
    assert "A device is registered" in clerk.get(page_of(issued)).content.decode()
