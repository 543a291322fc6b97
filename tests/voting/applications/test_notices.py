"""Messages to voters: one for each step that concerns them, in their language, sent after it, and never lost."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone, translation

from tests.voting import boards, kakuu
from tests.voting.kakuu import World
from tests.voting.offices import Town
from tests.voting.postgres import transactional
from voting.applications import review, steps
from voting.applications.models import Application, Notice
from voting.applications.notices import (
    CAST_AGAIN,
    LETTER,
    LETTER_USED,
    LIFTED,
    MOST_ATTEMPTS,
    OPENED,
    RECEIVED,
    REGISTERED,
    SAYS,
    UNDECIDED,
    send,
    send_waiting,
)
from voting.applications.requests import submit, withdraw
from voting.applications.states import TRANSITIONS, Event, State

pytestmark = pytest.mark.django_db

BESIDE_THE_STEPS = (LETTER, LETTER_USED, LIFTED, REGISTERED, CAST_AGAIN, OPENED)
SILENT = {Event.TAKE_UP, Event.ASK, Event.ACCEPT, Event.STRIP, Event.TALLY}
"""Inner steps: the state is shown, no message is sent."""


class Broken(BaseEmailBackend):
    """A mail server that fails in the way that the setting names."""

    def send_messages(self, messages: Any) -> int:
        from django.conf import settings

        raise settings.MAIL_FAILS_WITH


@pytest.fixture
def world(town: Town) -> World:
    return kakuu.world(town)


@pytest.fixture
def broken(settings: Any) -> Callable[[Exception], None]:
    """The mail server fails from now on."""

    def fail(error: Exception) -> None:
        settings.EMAIL_BACKEND = f"{__name__}.Broken"
        settings.MAIL_FAILS_WITH = error

    return fail


def due(minutes: int = 60 * 24 * 30) -> None:
    """As if every message had been written so long ago."""
    Notice.objects.update(created_at=timezone.now() - timedelta(minutes=minutes))


# Which, and in which words


def test_every_step_that_voters_see_is_told() -> None:
    assert set(SAYS) == {RECEIVED, UNDECIDED, *BESIDE_THE_STEPS, *Event} - SILENT


@pytest.mark.parametrize("event", Event)
def test_each_step_writes_its_message(world: World, event: Event) -> None:
    """With the step; none for what is inside the office."""
    application = kakuu.submit(world)
    state = State.ISSUED if event == Event.LAPSE else next(before for before, one in TRANSITIONS if one == event)
    with boards.tampering():
        Application.objects.filter(pk=application.pk).update(state=state, style=world.election.styles.first())
    Notice.objects.all().delete()
    steps.take(steps.lock(application), event, reason="架空の理由")
    if event in SILENT:
        assert not Notice.objects.exists()
        return
    notice = Notice.objects.get()
    assert notice.body.startswith(str(SAYS[event]))
    assert "架空の理由" in notice.body and application.reference in notice.body
    assert application.reference in notice.subject and (notice.sent_at, notice.attempts) == (None, 0)


@pytest.mark.parametrize("language", ["ja", "ja-easy", "en"])
def test_the_message_is_in_the_voters_language(world: World, language: str) -> None:
    """Whatever the official works in."""
    who = kakuu.applicant(world.electors["taro"], language=language)
    with translation.override("en" if language == "ja" else "ja"):
        application = kakuu.submit(world, "COVID_HOME", applicant=who)
        review.take_up(application, by=world.town.clerk)
        review.approve(application, by=world.town.chair, at=world.n(4))
    names = {one: world.offers["COVID_HOME"].category.name(one) for one in ("ja", "ja-easy", "en")}
    notices = list(Notice.objects.all())
    assert len(notices) == 2
    for notice in notices:
        assert notice.language == language
        with translation.override(language):
            assert notice.body.startswith((str(SAYS[RECEIVED]), str(SAYS[Event.ISSUE])))
        assert {one for one, name in names.items() if name in notice.body} == {language}


def test_a_decision_says_who_when_why_and_what_now(world: World) -> None:
    """Requirement 18."""
    world.town.board.contact = "000-000-0000"
    world.town.board.save()
    application = kakuu.under_review(world)
    review.send_back(application, by=world.town.clerk, reason="住所を確認してください")
    body = Notice.objects.order_by("pk").last().body  # type: ignore[union-attr]
    change = application.changes.get(event=Event.SEND_BACK)
    for part in (
        "住所を確認してください",
        world.town.board.name,
        "000-000-0000",
        world.election.title,
        f"{timezone.localtime(change.at):%Y-%m-%d %H:%M}",
    ):
        assert part in body


def test_receipt_is_told_in_japans_time(world: World) -> None:
    kakuu.submit(world, at=world.n(3, 0, 30))
    assert "2030-05-15 00:30" in Notice.objects.get().body


def test_who_was_never_decided_is_not_told_of_an_unused_ballot(world: World) -> None:
    application = kakuu.submit(world)
    steps.take(steps.lock(application), Event.LAPSE)
    assert Notice.objects.order_by("pk").last().body.startswith(str(SAYS[UNDECIDED]))  # type: ignore[union-attr]


def test_the_hours_of_voting_are_those_of_the_polls(world: World) -> None:
    """The category would allow the night after notice; the polls of this election open in the morning."""
    world.election.opens, world.election.closes = world.n(1, 8, 30), world.e(-1, 17)
    world.election.save()
    kakuu.issued(world)
    body = Notice.objects.order_by("pk").last().body  # type: ignore[union-attr]
    assert "2030-05-13 08:30" in body and "2030-05-18 17:00" in body


def test_nothing_personal_is_in_a_message(world: World) -> None:
    """A mail is read on the way: no name, address or birthday; the number is enough to ask."""
    kakuu.issued(world)
    for notice in Notice.objects.all():
        for secret in ("太郎", "一丁目", "1980"):
            assert secret not in notice.body + notice.subject


def test_without_an_address_there_is_no_mail(world: World) -> None:
    kakuu.submit(world, applicant=kakuu.applicant(world.electors["taro"], email=""))
    assert not Notice.objects.exists()


# After the step, and only then


@transactional
def test_a_message_goes_when_the_step_is_done(town: Town, mailoutbox: list[mail.EmailMessage]) -> None:
    world = kakuu.world(town)
    with transaction.atomic():
        application = kakuu.submit(world)
        assert Notice.objects.count() == 1 and mailoutbox == []
    assert [(one.to, one.subject) for one in mailoutbox] == [(["voter@example.jp"], Notice.objects.get().subject)]
    assert mailoutbox[0].body == Notice.objects.get().body
    withdraw(application)
    assert len(mailoutbox) == 2
    assert all(notice.sent_at and notice.attempts == 1 for notice in Notice.objects.all())


@transactional
def test_what_is_undone_was_never_told(town: Town, mailoutbox: list[mail.EmailMessage]) -> None:
    """Neither the step of a transaction that failed, nor the rows of a list with one bad row."""
    world = kakuu.world(town)
    with pytest.raises(RuntimeError), transaction.atomic():
        kakuu.submit(world)
        raise RuntimeError
    from voting.applications.errors import RequestInvalid
    from voting.applications.requests import submit_for_others

    rows = [kakuu.request(world, "FACILITY"), kakuu.request(world, "FACILITY", "hanako", sworn=False)]
    with pytest.raises(RequestInvalid):
        submit_for_others(world.offers["FACILITY"], rows, office=town.hospital, by=town.attestor, at=world.n(3))
    assert mailoutbox == [] and not Notice.objects.exists()


@transactional
def test_a_second_application_is_told_once(town: Town, mailoutbox: list[mail.EmailMessage]) -> None:
    """It is stored in two attempts; the message of the first one is undone with it."""
    world = kakuu.world(town)
    for _ in range(2):
        kakuu.submit(world)
    assert len(mailoutbox) == Notice.objects.count() == 2


# Never lost

FAILURES = [
    ConnectionRefusedError("voter@example.jp"),
    TimeoutError(),
    smtplib.SMTPRecipientsRefused({"voter@example.jp": (550, b"who?")}),
    smtplib.SMTPServerDisconnected("gone"),
]


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_a_failure_stops_no_decision_and_loses_nothing(
    world: World,
    broken: Callable[[Exception], None],
    error: Exception,
    django_capture_on_commit_callbacks: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The step stands, the message waits, and the program's log names no voter."""
    broken(error)
    caplog.set_level(logging.DEBUG)
    with django_capture_on_commit_callbacks(execute=True):
        application = kakuu.issued(world)
    assert Application.objects.get() == application and application.state == "issued"
    waiting = list(Notice.objects.all())
    assert [(notice.attempts, notice.sent_at) for notice in waiting] == [(1, None)] * 2
    assert type(error).__name__ in caplog.text
    assert "voter@" not in caplog.text and application.reference not in caplog.text


def test_whatever_a_mail_library_raises_stops_nothing(world: World, broken: Callable[[Exception], None]) -> None:
    """An address that cannot be encoded must not hold up everybody else's messages."""
    kakuu.submit(world)
    kakuu.submit(world, who="hanako")
    broken(UnicodeError("label too long"))
    due()
    assert send_waiting() == (0, 2)
    assert [notice.attempts for notice in Notice.objects.all()] == [1, 1]


def test_what_waits_is_sent_when_the_server_is_back(
    world: World, broken: Callable[[Exception], None], settings: Any, mailoutbox: list[mail.EmailMessage]
) -> None:
    """The oldest first, each once."""
    backend = settings.EMAIL_BACKEND
    first, second = kakuu.submit(world), kakuu.submit(world, who="hanako")
    broken(FAILURES[0])
    due()
    assert send_waiting() == (0, 2)
    settings.EMAIL_BACKEND = backend
    assert send_waiting() == (2, 0)
    assert [one.subject.split()[-1] for one in mailoutbox] == [first.reference, second.reference]
    assert send_waiting() == (0, 0) and len(mailoutbox) == 2


def test_one_bad_address_does_not_stop_the_others(world: World, settings: Any) -> None:
    """Another row that fails is passed over."""
    good = kakuu.submit(world, applicant=kakuu.applicant(world.electors["taro"], email="bad@example.jp"))
    kakuu.submit(world, who="hanako")
    settings.EMAIL_BACKEND = f"{__name__}.Picky"
    due()
    assert send_waiting() == (1, 1)
    assert Notice.objects.get(sent_at=None).application == good


class Picky(BaseEmailBackend):
    """A mail server that knows no bad@example.jp."""

    def send_messages(self, messages: Any) -> int:
        for message in messages:
            if "bad@example.jp" in message.to:
                raise smtplib.SMTPRecipientsRefused({})
        return len(messages)


@pytest.mark.parametrize("outage", [timedelta(minutes=30), timedelta(hours=12), timedelta(days=4)])
def test_a_long_outage_loses_nothing(
    world: World, broken: Callable[[Exception], None], settings: Any, monkeypatch: pytest.MonkeyPatch, outage: timedelta
) -> None:
    """The timer runs every minute; attempts grow rare, and the last of them is after the outage."""
    backend, now = settings.EMAIL_BACKEND, timezone.now()
    kakuu.submit(world)
    broken(FAILURES[0])
    for minute in range(int(outage.total_seconds()) // 60):
        if _due_at(Notice.objects.get()) <= now + timedelta(minutes=minute):
            monkeypatch.setattr(timezone, "now", lambda minute=minute: now + timedelta(minutes=minute, seconds=1))
            send_waiting()
    notice = Notice.objects.get()
    assert notice.sent_at is None and 1 < notice.attempts < MOST_ATTEMPTS
    settings.EMAIL_BACKEND = backend
    monkeypatch.setattr(timezone, "now", lambda: now + 3 * outage)
    assert send_waiting() == (1, 0)


def _due_at(notice: Notice) -> Any:
    return notice.created_at + timedelta(minutes=2**notice.attempts - 1)


def test_nobody_is_tried_for_ever(world: World, mailoutbox: list[mail.EmailMessage]) -> None:
    """And what was given up is still counted."""
    kakuu.submit(world)
    due()
    Notice.objects.update(attempts=MOST_ATTEMPTS)
    assert send_waiting() == (0, 1) and mailoutbox == []
    Notice.objects.update(attempts=MOST_ATTEMPTS - 1)
    assert send_waiting() == (1, 0) and len(mailoutbox) == 1


def test_the_command_tries_again(world: World, mailoutbox: list[mail.EmailMessage]) -> None:
    kakuu.submit(world)
    due()
    out = StringIO()
    call_command("send_notices", stdout=out)
    assert out.getvalue().startswith("1 sent, 0") and len(mailoutbox) == 1


def test_a_message_goes_to_the_address_of_now(world: World, mailoutbox: list[mail.EmailMessage]) -> None:
    """A corrected address gets what the wrong one did not."""
    kakuu.submit(world)
    Application.objects.update(email="right@example.jp")
    assert send(Notice.objects.get())
    assert mailoutbox[0].to == ["right@example.jp"]


def test_an_application_by_a_head_is_told_to_the_voter(world: World) -> None:
    submit(
        world.offers["FACILITY"],
        kakuu.request(world, "FACILITY"),
        at=world.n(3),
        way=Application.Way.ATTESTOR,
        by=world.town.attestor,
    )
    assert Notice.objects.get().application.way == "attestor"
