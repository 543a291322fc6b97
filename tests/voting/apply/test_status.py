"""Following an application: what each state reads like, what can be done in it, and that it is nobody else's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.voting import boards, kakuu
from tests.voting.apply.filled import errors, filled, find, photo, sent, text, voter
from tests.voting.apply.test_views import SECRETS
from tests.voting.kakuu import World
from voting.applications import requests, review
from voting.applications.errors import NotOffered, OutOfTime, WrongState
from voting.applications.models import Application
from voting.applications.states import HELD, OPEN, TRANSITIONS, State
from voting.apply.progress import STANDS, TO_COME
from voting.login import session

pytestmark = pytest.mark.django_db
MINE, CORRECT, WITHDRAW = "/status/mine/", "/status/correct/", "/status/withdraw/"


def following(application: Application) -> Client:
    client = voter()
    assert find(client, application).status_code == 302
    return client


def put(world: World, application: Application, state: State) -> None:
    """As if it had come to this state."""
    with boards.tampering():
        Application.objects.filter(pk=application.pk).update(state=state, style=world.election.styles.first())


def sent_back(world: World, code: str = "COVID_HOME", **how: Any) -> Application:
    application = kakuu.submit(world, code, at=timezone.now(), **how)
    review.take_up(application, by=world.town.clerk)
    return review.send_back(application, by=world.town.clerk, reason="写真が読めません")


def resend(client: Client, application: Application, fields: dict[str, Any]) -> HttpResponse:
    answer: HttpResponse = client.post(CORRECT, {**fields, "reference": application.reference})  # type: ignore[assignment]
    return answer


def fresh(application: Application) -> Application:
    return Application.objects.get(pk=application.pk)


# Where it stands


def test_every_state_has_its_words() -> None:
    """And whatever can still happen is announced, until nothing can."""
    assert set(STANDS) == set(State)
    ends = {state for state in State if not any(before == state for before, _event in TRANSITIONS)}
    assert set(TO_COME) == set(State) - ends


@pytest.mark.parametrize("state", State)
def test_every_state_says_what_can_be_done(world: World, state: State) -> None:
    """What is offered works, and what is not offered does not (the tests below)."""
    application = kakuu.submit(world, at=timezone.now())
    put(world, application, state)
    page = text(following(application).get(MINE))
    assert str(STANDS[state]) in page and application.reference in page
    assert (f'href="{CORRECT}"' in page) == (state == State.SENT_BACK)
    assert (f'href="{WITHDRAW}"' in page) == (state in OPEN)
    assert (f"{reverse('login:letter')}?election=kakuu" in page) == (state == State.ISSUED)
    assert (reverse("booth:home", args=["kakuu"]) in page) == (state == State.ISSUED)
    assert (reverse("check:start", args=["kakuu"]) in page) == (state in HELD and state != State.ISSUED)


def test_after_the_close_nobody_is_sent_to_the_booth(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The office has not yet let the unused ballots lapse."""
    application = kakuu.submit(world, at=timezone.now())
    put(world, application, State.ISSUED)
    for late, wanted in ((timedelta(0), True), (timedelta(seconds=1), False)):
        monkeypatch.setattr("django.utils.timezone.now", lambda late=late: world.e(-1, 20) + late)
        page = text(following(application).get(MINE))
        assert (reverse("login:letter") in page) == wanted
        assert ("Online voting is over." in page) != wanted


def test_each_step_has_its_office_time_ground_and_reason(world: World) -> None:
    """Requirement 18, of a request without the document: received, confirmed, taken up, rejected."""
    application = kakuu.under_review(world, "COVID_HOME", kinds=("OMITTED_WITH_REASON",), at=timezone.now())
    review.reject(application, by=world.town.chair, ground="evidence", reason="期間が確認できません")
    page = text(following(application).get(MINE))
    steps = ["Application received", "Confirmed by the authority", "Taken up for review", "Rejected"]
    places = [page.index(f"<p>{step}</p>") for step in steps]
    assert places == sorted(places)
    last = page[places[-1] :]
    assert world.town.board.name in last and "期間が確認できません" in last
    assert "The evidence does not show what is stated" in last
    assert world.town.health_centre.name in page[places[1] : places[2]]
    moment = timezone.localtime(application.changes.latest("pk").at)
    assert f"{moment:%a, %-d %b %Y, %H:%M}" in last
    assert "Still to come" not in page


@pytest.mark.parametrize("code", ["COVID_HOME", "FACILITY"])
def test_nothing_personal_is_repeated(world: World, code: str) -> None:
    """Whoever looks over the shoulder reads the reference, and neither who it is nor why they stay in."""
    application = kakuu.submit(world, code, at=timezone.now())
    page = text(following(application).get(MINE))
    category = world.offers[code].category
    for secret in (*SECRETS, category.name_en, category.name_ja, world.town.hospital.name):
        assert secret not in page


def test_the_hours_of_voting_and_whom_to_call_are_there(world: World) -> None:
    world.town.board.contact = "03-1234-5678"
    world.town.board.save()
    for path in (MINE, WITHDRAW):
        page = text(following(kakuu.submit(world, at=timezone.now())).get(path))
        assert world.town.board.name in page and 'href="tel:0312345678"' in page
    assert f"until {world.e(-1, 20):%a, %-d %b %Y, %H:%M}" in text(
        following(Application.objects.latest("pk")).get(MINE)
    )


def test_after_half_an_hour_nothing_is_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client = following(kakuu.submit(world, at=timezone.now()))
    now = session.time.time()
    monkeypatch.setattr(session.time, "time", lambda: now + session.LASTS - 60)
    assert client.get(MINE).status_code == 200
    monkeypatch.setattr(session.time, "time", lambda: now + session.LASTS + 60)
    for path in (MINE, CORRECT, WITHDRAW, "/apply/sent/"):
        assert client.get(path).headers["Location"] == "/status/"


# Whose it is


def test_following_one_shows_no_other(world: World) -> None:
    """Whatever the browser adds to the address."""
    own = sent_back(world)
    foreign = kakuu.submit(world, "COVID_HOME", "hanako", at=timezone.now())
    client = following(own)
    for path in (MINE, CORRECT, WITHDRAW, "/apply/sent/"):
        for query in ("", f"?reference={foreign.reference}", f"?application={foreign.pk}&pk={foreign.pk}"):
            page = text(client.get(path + query)).replace(query, "")  # the form for the language repeats it
            assert own.reference in page
            assert foreign.reference not in page and "花子" not in page


def test_following_another_ends_the_first(world: World) -> None:
    first, second = (kakuu.submit(world, who=who, at=timezone.now()) for who in ("taro", "hanako"))
    client = following(first)
    find(client, second)
    page = text(client.get(MINE))
    assert second.reference in page and first.reference not in page


def test_a_page_of_one_corrects_no_other(world: World) -> None:
    """Two tabs: the form of A is still open when the browser follows B; then B must not become A."""
    first, second = sent_back(world), sent_back(world, "COVID_HOTEL", who="hanako")
    client = following(first)
    fields = filled(world, "COVID_HOME", name="架空　上書き")
    find(client, second)
    answer = resend(client, first, fields)
    assert (answer.status_code, answer.headers["Location"]) == (302, MINE)
    assert fresh(first).state == fresh(second).state == State.SENT_BACK
    assert {fresh(first).name, fresh(second).name} == {"架空　太郎", "架空　花子"}


@pytest.mark.parametrize("reference", ["", "2222-2222", None])
def test_a_page_without_its_reference_changes_nothing(world: World, reference: str | None) -> None:
    application = sent_back(world)
    client = following(application)
    sending = {} if reference is None else {"reference": reference}
    for path in (CORRECT, WITHDRAW):
        client.post(path, {**filled(world, "COVID_HOME"), **sending})
    assert fresh(application).state == State.SENT_BACK


def test_a_page_of_one_withdraws_no_other(world: World) -> None:
    first, second = (kakuu.submit(world, who=who, at=timezone.now()) for who in ("taro", "hanako"))
    client = following(first)
    find(client, second)
    client.post(WITHDRAW, {"reference": first.reference})
    assert fresh(first).state == fresh(second).state == State.REQUESTED


# Correcting


def test_a_correction_begins_with_what_was_sent(world: World) -> None:
    """The official's reason is on top, and the file that is here stays."""
    application = sent_back(world)
    client = following(application)
    page = text(client.get(CORRECT))
    assert "写真が読めません" in page and world.town.board.name in page
    for value in ("架空　太郎", "1980", "架空保健所", application.claims["ISOLATION_ORDER"]["period"]["end"]):
        assert f'value="{value}"' in page
    assert "1 file that you sent is here and stays" in page
    fields = filled(world, "COVID_HOME", staying_at="架空ホテル")
    del fields["0-ISOLATION_ORDER.file"]
    assert resend(client, application, fields).headers["Location"] == MINE
    corrected = fresh(application)
    assert (corrected.state, corrected.staying_at) == (State.REQUESTED, "架空ホテル")
    assert corrected.files.count() == 1
    assert "Corrected by the voter" in text(client.get(MINE))


def test_a_correction_may_bring_another_file(world: World) -> None:
    application = sent_back(world)
    resend(following(application), application, filled(world, "COVID_HOME"))
    assert fresh(application).files.count() == 2


def test_a_correction_may_choose_another_alternative(world: World) -> None:
    """Then somebody is asked to confirm it, as at first."""
    application = sent_back(world)
    fields = filled(world, "COVID_HOME", kinds=("OMITTED_WITH_REASON",))
    resend(following(application), application, fields)
    assert fresh(application).state == State.TO_CONFIRM
    assert fresh(application).office == world.town.health_centre


def test_a_request_without_the_document_comes_back_as_it_was(world: World) -> None:
    """With its alternative chosen and its health centre."""
    application = kakuu.under_review(world, "COVID_HOME", kinds=("OMITTED_WITH_REASON",), at=timezone.now())
    review.send_back(application, by=world.town.clerk, reason="?")
    page = text(following(application).get(CORRECT))
    assert f'<option value="{world.town.health_centre.pk}" selected>' in page
    assert 'id="id_alternative_1" value="1" checked' in page and "外出できない</textarea>" in page


def test_where_no_file_is_here_a_correction_needs_one(world: World) -> None:
    application = sent_back(world)
    application.files.update(deleted_at=timezone.now(), key_sealed=None, ciphertext=None)
    fields = filled(world, "COVID_HOME")
    del fields["0-ISOLATION_ORDER.file"]
    answer = resend(following(application), application, fields)
    assert errors(answer) == {"id_0-ISOLATION_ORDER.file": "This is needed."}


def test_a_faulty_correction_changes_nothing(world: World) -> None:
    application = sent_back(world)
    client = following(application)
    bad = {"name": "", "sworn": "", "0-ISOLATION_ORDER.file": photo(b"MZ")}
    answer = resend(client, application, {**filled(world, "COVID_HOME"), **bad})
    assert list(errors(answer)) == ["id_name", "id_0-ISOLATION_ORDER.file", "id_sworn"]
    assert "写真が読めません" in text(answer)
    late = {"0-ISOLATION_ORDER.period.start": "2020-01-01", "0-ISOLATION_ORDER.period.end": "2020-01-02"}
    answer = resend(client, application, {**filled(world, "COVID_HOME"), **late})
    assert list(errors(answer)) == [""]
    assert (fresh(application).state, fresh(application).files.count()) == (State.SENT_BACK, 1)


@pytest.mark.parametrize("state", [state for state in State if state != State.SENT_BACK])
def test_only_what_was_sent_back_can_be_corrected(world: World, state: State) -> None:
    application = sent_back(world)
    client = following(application)
    put(world, application, state)
    assert client.get(CORRECT).headers["Location"] == MINE
    assert resend(client, application, filled(world, "COVID_HOME", name="架空　上書き")).headers["Location"] == MINE
    assert (fresh(application).state, fresh(application).name) == (state, "架空　太郎")


def test_after_the_deadline_nothing_can_be_corrected(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    application = sent_back(world)
    assert f"until {world.e(-1, 12):%a, %-d %b %Y, %H:%M}" in text(following(application).get(MINE))
    monkeypatch.setattr("django.utils.timezone.now", lambda: world.e(-1, 12, 0, 1))
    client = following(application)
    assert "The time for corrections online is over" in text(client.get(MINE))
    assert f'href="{CORRECT}"' not in text(client.get(MINE))
    assert "is over" in text(client.get(CORRECT))
    assert resend(client, application, filled(world, "COVID_HOME")).status_code == 409
    assert fresh(application).state == State.SENT_BACK


@pytest.mark.parametrize("error", [OutOfTime("late", ""), NotOffered("no"), WrongState("decided")])
def test_what_happens_at_this_instant_is_told(world: World, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    application = sent_back(world)
    client = following(application)

    def refuse(*_given: Any) -> None:
        raise error

    monkeypatch.setattr(requests, "correct", refuse)
    answer = resend(client, application, filled(world, "COVID_HOME"))
    assert answer.status_code == (409 if isinstance(error, OutOfTime) else 302)


def test_the_form_of_a_correction_is_no_new_application(world: World) -> None:
    """It goes to the address of corrections, and begins none."""
    application = sent_back(world)
    client = following(application)
    page = text(client.get(CORRECT))
    assert f'action="{CORRECT}"' in page and 'name="once"' not in page
    resend(client, application, filled(world, "COVID_HOME"))
    assert Application.objects.count() == 1


# Withdrawing


def test_withdrawing_is_asked_and_then_done(world: World) -> None:
    client = voter()
    application = sent(world, client=client)
    assert "Withdraw your application?" in text(client.get(WITHDRAW))
    assert fresh(application).state == State.REQUESTED
    answer = client.post(WITHDRAW, {"reference": application.reference})
    assert answer.headers["Location"] == MINE
    assert fresh(application).state == State.WITHDRAWN
    assert "You have withdrawn your application" in text(client.get(MINE))


@pytest.mark.parametrize("state", [state for state in State if state not in OPEN])
def test_what_is_decided_cannot_be_withdrawn(world: World, state: State) -> None:
    application = kakuu.submit(world, at=timezone.now())
    client = following(application)
    put(world, application, state)
    for answer in (client.get(WITHDRAW), client.post(WITHDRAW, {"reference": application.reference})):
        assert answer.headers["Location"] == MINE
    assert fresh(application).state == state


def test_what_is_decided_at_this_instant_is_not_withdrawn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    application = kakuu.submit(world, at=timezone.now())
    client = following(application)

    def refuse(_application: Application) -> None:
        raise WrongState("decided")

    monkeypatch.setattr(requests, "withdraw", refuse)
    assert client.post(WITHDRAW, {"reference": application.reference}).headers["Location"] == MINE


def test_a_category_that_is_no_longer_offered_is_still_followed(world: World) -> None:
    """It can be withdrawn, and not corrected."""
    application = sent_back(world)
    client = following(application)
    world.offers["COVID_HOME"].enabled = False
    world.offers["COVID_HOME"].save()
    assert client.get(MINE).status_code == 200
    assert client.get(CORRECT).headers["Location"] == MINE
    client.post(WITHDRAW, {"reference": application.reference})
    assert fresh(application).state == State.WITHDRAWN


def test_half_an_hour_begins_with_the_application(world: World) -> None:
    """Not with each look: a phone that is left lying open closes."""
    client = voter()
    sent(world, client=client)
    until = client.session.get_expiry_date()
    client.get(MINE)
    assert abs(client.session.get_expiry_date() - until) < timedelta(seconds=5)
