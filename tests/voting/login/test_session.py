"""The voter's session: new at every login, forgotten after half an hour, nobody else's."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.utils import timezone

from tests.voting import kakuu
from tests.voting.kakuu import World
from tests.voting.login.people import ACCESSES, OUT, approve, assert_nobody, begin, log_in, person
from tests.voting.login.provider import Provider
from tests.voting.offices import Town
from voting.applications.models import Application
from voting.credentials.letters import issue_letter
from voting.credentials.models import Letter, Replacement
from voting.login import session
from voting.login.services import ballot_of
from voting.officials.models import Proposal
from voting.officials.roles import Act
from voting.officials.services import propose

pytestmark = pytest.mark.django_db


def test_the_session_id_rotates(provider: Provider, client: Client) -> None:
    """Requirement 7, S-02: an id that an attacker knows or planted is worth nothing after the login."""
    back = approve(begin(client))
    planted = client.session.session_key
    kept = client.session
    kept["planted"] = "by the attacker"
    kept.save()
    client.get(back)
    assert client.session.session_key != planted and "planted" not in client.session
    assert not Session.objects.filter(session_key=planted).exists()
    attacker = Client()
    attacker.cookies["sessionid"] = planted
    assert_nobody(attacker)


def test_the_id_rotates_at_a_second_login(provider: Provider, client: Client) -> None:
    """S-02: at a step-up, too."""
    log_in(client)
    first = client.session.session_key
    log_in(client)
    assert client.session.session_key != first
    assert not Session.objects.filter(session_key=first).exists()


def test_the_form_token_rotates(provider: Provider) -> None:
    """S-01: a token read before the login opens no form after it."""
    client = Client(enforce_csrf_checks=True)
    assert client.post("/login/card/").status_code == 403
    client.get("/login/card/")
    before = client.cookies["csrftoken"].value
    url = client.post("/login/card/", {"csrfmiddlewaretoken": before})["Location"]
    client.get(approve(url))
    assert client.cookies["csrftoken"].value != before
    assert client.post(OUT).status_code == 403


def test_an_official_does_not_become_a_voter_as_well(provider: Provider, client: Client, town: Town) -> None:
    """S-02: nothing of an official's session outlives a voter's login in the same browser."""
    client.force_login(town.clerk)
    log_in(client)
    assert "_auth_user_id" not in client.session


def test_half_an_hour(provider: Provider, client: Client) -> None:
    """Then the person is forgotten, on the server as well."""
    log_in(client)
    kept = client.session
    kept["voter"]["at"] -= session.LASTS
    kept.save()
    assert client.get(ACCESSES)["Location"] == "/login/card/?next=%2Flogin%2Faccesses%2F"
    assert "voter" not in client.session
    assert kept.get_expiry_age() == session.LASTS


def test_log_out(provider: Provider, client: Client) -> None:
    """By POST only; the session is deleted, and the start page comes next."""
    log_in(client)
    key = client.session.session_key
    assert client.get(OUT).status_code == 405
    assert client.post(OUT)["Location"] == "/"
    assert not Session.objects.filter(session_key=key).exists()
    assert_nobody(client)


def request_of_nobody() -> HttpRequest:
    request = RequestFactory().get("/")
    request.session = Client().session
    return request


def test_one_seam() -> None:
    """Another way to log in makes the same session, by `log_in` alone."""
    request = request_of_nobody()
    assert session.voter_of(request) is None and not session.fresh(request)
    somebody = person(issuer="letter")
    session.log_in(request, somebody)
    assert session.voter_of(request) == somebody
    session.log_out(request)
    assert session.voter_of(request) is None


@pytest.mark.parametrize(("age", "fresh"), [(0, True), (1790, True), (1801, False), (-60, False)])
def test_fresh(age: int, fresh: bool) -> None:
    """A step-up looks at the time of the login; a clock set back makes nothing fresh."""
    request = request_of_nobody()
    session.log_in(request, person())
    request.session["voter"]["at"] = int(time.time()) - age
    assert session.fresh(request) is fresh


# A ballot, and an application that is followed


@pytest.fixture
def issued(world: World) -> Application:
    """架空太郎's application, with a ballot."""
    return kakuu.issued(world)


def age(request: HttpRequest, name: str, seconds: int) -> None:
    request.session[name]["at"] -= seconds


def test_a_ballot_is_logged_in_for_half_an_hour(issued: Application) -> None:
    """From the login, whatever happens meanwhile: looking at pages makes it no longer."""
    request = request_of_nobody()
    session.log_in_with_ballot(request, issued)
    age(request, "voter", session.LASTS - 10)
    assert session.application_of(request) == issued and session.fresh(request)
    assert session.voter_of(request) is None  # that is only who came by the card
    age(request, "voter", 10)
    assert session.application_of(request) is None and not session.fresh(request)
    assert "voter" not in request.session


def test_a_login_keeps_no_name(issued: Application) -> None:
    """The session of a letter or a device is a number and a time."""
    request = request_of_nobody()
    session.log_in_with_ballot(request, issued)
    assert set(request.session["voter"]) == {"application", "at"}


def test_the_id_rotates_with_a_ballot(issued: Application) -> None:
    """S-02: what an attacker planted before is gone, and the old id is nobody's."""
    request = request_of_nobody()
    request.session["planted"] = "by the attacker"
    request.session.save()
    planted = request.session.session_key
    session.log_in_with_ballot(request, issued)
    request.session.save()
    assert request.session.session_key != planted and "planted" not in request.session
    assert not Session.objects.filter(session_key=planted).exists()


def test_the_next_login_ends_the_one_before(issued: Application) -> None:
    """On a phone that two people share, nobody votes for the other."""
    request = request_of_nobody()
    session.log_in(request, person())
    session.log_in_with_ballot(request, issued)
    assert session.voter_of(request) is None
    session.log_in(request, person())
    assert session.application_of(request) is None


@pytest.mark.parametrize("change", [{"issued_at": 5}, {"issued_at": -60, "revoked_at": 5}])
def test_a_new_letter_ends_what_an_old_one_began(world: World, issued: Application, change: dict[str, int]) -> None:
    """Whoever took a letter on its way is out at once when the office prints another, or makes it void."""
    request = request_of_nobody()
    session.log_in_with_ballot(request, issued)
    letter, _code = issue_letter(issued, by=world.town.clerk)
    times = {name: timezone.now() + timedelta(seconds=seconds) for name, seconds in change.items()}
    Letter.objects.filter(pk=letter.pk).update(**times)
    assert session.application_of(request) is None


def test_the_letter_of_somebody_else_ends_nothing(world: World, issued: Application) -> None:
    """And neither does the own one, printed before."""
    other = kakuu.issued(world, who="hanako")
    request = request_of_nobody()
    letter, _code = issue_letter(issued, by=world.town.clerk)
    Letter.objects.filter(pk=letter.pk).update(issued_at=timezone.now() - timedelta(seconds=1))
    session.log_in_with_ballot(request, issued)
    letter, _code = issue_letter(other, by=world.town.clerk)
    Letter.objects.filter(pk=letter.pk).update(issued_at=timezone.now() + timedelta(seconds=5))
    assert session.application_of(request) == issued


def test_following_is_not_voting(world: World, issued: Application) -> None:
    """S-05: who knows a reference and a birthday sees the state, and has no ballot by that."""
    request = request_of_nobody()
    session.follow(request, issued)
    assert session.followed(request) == issued
    assert session.application_of(request) is None and session.voter_of(request) is None
    assert not session.fresh(request) and ballot_of(request, world.election) is None


def test_following_ends_after_half_an_hour(issued: Application) -> None:
    request = request_of_nobody()
    session.follow(request, issued)
    age(request, "following", session.LASTS)
    assert session.followed(request) is None and "following" not in request.session


def test_following_begins_a_new_session(issued: Application) -> None:
    """S-02: for the state of an application, too."""
    request = request_of_nobody()
    request.session["planted"] = "by the attacker"
    request.session.save()
    planted = request.session.session_key
    session.follow(request, issued)
    assert request.session.session_key != planted and "planted" not in request.session


def test_who_votes_may_look_at_the_state(world: World, issued: Application) -> None:
    """Without another login; and who looks at it while voting goes on voting."""
    request = request_of_nobody()
    session.log_in_with_ballot(request, issued)
    assert session.followed(request) == issued
    key = request.session.session_key
    session.follow(request, issued)
    assert request.session.session_key == key and ballot_of(request, world.election) == issued


def test_logging_out_ends_everything(issued: Application) -> None:
    request = request_of_nobody()
    session.log_in_with_ballot(request, issued)
    session.follow(request, issued)
    session.log_out(request)
    assert session.application_of(request) is None and session.followed(request) is None


def test_another_device_that_two_officials_approve_ends_what_the_lost_one_began(
    world: World, issued: Application
) -> None:
    """Card holders have no letter that would be made void: whoever found the phone is out all the same."""
    request = request_of_nobody()
    session.log_in_with_ballot(request, issued)
    asked = propose(Act.REPLACE_CREDENTIAL, office=world.town.board, target=issued, summary="紛失", by=world.town.clerk)
    Replacement.objects.create(application=issued, proposal=asked)
    assert session.application_of(request) == issued
    Proposal.objects.filter(pk=asked.pk).update(
        decision="approved", decided_by=world.town.chair, decided_at=timezone.now() + timedelta(seconds=5)
    )
    assert session.application_of(request) is None
