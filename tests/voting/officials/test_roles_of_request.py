"""The pages ask for somebody's roles once in each request, and never keep them longer."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from tests.voting import kakuu, offices
from tests.voting.kakuu import World
from tests.voting.offices import Town
from voting.elections.models import Unit
from voting.officials.models import Official
from voting.officials.roles import Role
from voting.officials.services import end_appointment

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(town: Town) -> World:
    return kakuu.world(town)


@pytest.fixture
def unit(world: World) -> Unit:
    return Unit.objects.create(election=world.election, position=9, identifier="u9", name="第9開票区")


def enter(official: Official) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(official)
    return client


def test_an_appointment_that_ended_between_two_requests_opens_nothing(town: Town, unit: Unit) -> None:
    """Who still works at the board comes in, and is judged by what is left; everybody else by their own roles."""
    offices.grant(town.clerk, Role.POLL_MANAGER, town.board)
    clerk, colleague, auditor = enter(town.clerk), enter(town.second_clerk), enter(town.auditor)
    address = reverse("admin:elections_unit_change", args=[unit.pk])

    def rename(client: Client, name: str) -> int:
        fields = {"election": unit.election.pk, "position": 9, "identifier": "u9", "name": name}
        status = client.post(address, fields).status_code
        unit.refresh_from_db()
        return status

    assert clerk.get(address).status_code == 200
    assert rename(clerk, "前の区") == 302 and unit.name == "前の区"
    end_appointment(town.clerk.appointments.get(role=Role.BOARD_CLERK), by=town.chair, office=town.board)
    assert town.clerk.is_staff
    assert rename(clerk, "別の区") == 403 and unit.name == "前の区"
    assert rename(auditor, "別の区") == 403 and unit.name == "前の区"
    assert rename(colleague, "別の区") == 302 and unit.name == "別の区"
    assert rename(clerk, "前の区") == 403 and unit.name == "別の区"


def test_a_page_asks_for_the_roles_once(
    town: Town, unit: Unit, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """A page asks up to a hundred times whether it may show something: without memory the bounds break at once."""
    clerk = enter(town.clerk)
    with django_assert_max_num_queries(35):
        assert clerk.get(reverse("admin:index")).status_code == 200
    with django_assert_max_num_queries(35):
        assert clerk.get(reverse("admin:elections_unit_change", args=[unit.pk])).status_code == 200
