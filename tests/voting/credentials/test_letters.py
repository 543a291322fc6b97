"""Letters with one-time codes: shown once, stored nowhere, good for one person until a device is registered, and dead
after five guesses.

Whoever holds a code and guesses learns nothing: every refusal of a well-formed code is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta

import pytest
from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from tally.signing import public_key
from tests.election import CLOSES
from tests.voting.polling import BORN, POLLING, Counter, electors, key, sign
from verifier.record.entries import Type
from voting.access.models import AccessEntry
from voting.applications import review
from voting.applications.models import Application, Notice
from voting.applications.notices import LETTER, LETTER_USED, SAYS
from voting.applications.states import State
from voting.credentials.codes import normalise, printed
from voting.credentials.errors import CodeRefused, NoBallot
from voting.credentials.letters import MOST_FAILURES, issue_letter, redeem
from voting.credentials.models import Binding, Letter
from voting.credentials.services import ask_to_replace, begin_binding, finish_binding, note_replaced
from voting.elections.models import Slot
from voting.errors import CodeMistyped, NotPermitted
from voting.officials import services as officials

pytestmark = pytest.mark.django_db

WRONG = BORN + timedelta(days=1)
PHONE = key("phone")


@pytest.fixture
def issued(counter: Counter) -> Application:
    """An application with a ballot; letters need no board."""
    counter.enrol(2)
    return counter.issue(electors(counter.row)[0])


def code_for(counter: Counter, application: Application) -> str:
    """A new letter's code."""
    return issue_letter(application, by=counter.town.clerk)[1]


def everything_stored() -> str:
    """Every value of every column of every table, as one text; bytes as hex and as text."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            found += [value for row in cursor.fetchall() for value in row]
    return "\n".join(
        f"{bytes(value).hex()} {bytes(value)!r}" if isinstance(value, bytes | memoryview) else str(value)
        for value in found
    ).lower()


# The code


def test_a_code_and_a_birthday_are_one_voter(counter: Counter, issued: Application) -> None:
    code = code_for(counter, issued)
    assert redeem(code, BORN, at=POLLING) == issued
    assert Letter.objects.get().used_at == POLLING


@pytest.mark.parametrize(
    "typed", [printed, str.lower, lambda code: " ".join(code), lambda code: printed(code).replace("-", "ー")]
)
def test_a_code_is_read_however_it_is_typed(counter: Counter, issued: Application, typed: Callable[[str], str]) -> None:
    assert redeem(typed(code_for(counter, issued)), BORN, at=POLLING) == issued


def test_the_code_is_stored_nowhere(counter: Counter, issued: Application) -> None:
    """No table of the database holds it, before or after it is used, in any form in which it is typed or coded."""
    code = code_for(counter, issued)
    before = everything_stored()
    redeem(code, BORN, at=POLLING)
    stored = everything_stored()
    for form in (code, printed(code), code.encode().hex(), code[:10], code[10:], " ".join(code)):
        assert form.lower() not in before + stored
    assert bytes(Letter.objects.get().code_digest).hex() in stored


def test_no_log_or_refusal_repeats_the_code(
    counter: Counter, issued: Application, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    code = code_for(counter, issued)
    with pytest.raises(CodeRefused) as refused:
        redeem(code, WRONG, at=POLLING)
    logged = "\n".join(record.getMessage() for record in caplog.records)
    for text in (code, printed(code), str(WRONG), str(BORN), issued.name):
        assert text not in f"{refused.value} {logged}"


def test_two_letters_never_share_a_code(counter: Counter, issued: Application) -> None:
    assert len({code_for(counter, issued) for _ in range(20)}) == 20


# Until a device is registered


def test_a_code_is_good_until_a_device_is_registered(polls: Counter) -> None:
    """A browser that crashes before that costs no vote; who finds the letter afterwards has nothing."""
    application = polls.issue(electors(polls.row)[0])
    code = code_for(polls, application)
    for minutes in (0, 1):
        assert redeem(code, BORN, at=POLLING + timedelta(minutes=minutes)) == application
    body = begin_binding(application, public_key(PHONE))
    assert redeem(code, BORN, at=POLLING + timedelta(minutes=2)) == application  # begun is not registered
    finish_binding(application, sign(PHONE, Type.CREDENTIAL_REGISTERED, body), time=POLLING)
    with pytest.raises(CodeRefused):
        redeem(code, BORN, at=POLLING)
    assert Letter.objects.get().used_at == POLLING  # for the first time


def test_a_code_for_another_device_needs_two_officials(polls: Counter) -> None:
    """A letter printed beside a registered device opens nothing; one printed after two approved another device does,
    until that one is on the board.
    """
    application = polls.issue(electors(polls.row)[0])
    polls.bind(application, PHONE)
    early = code_for(polls, application)
    with pytest.raises(CodeRefused):
        redeem(early, BORN, at=POLLING)
    asked = ask_to_replace(polls.fresh(application), by=polls.town.clerk, reason="紛失")
    officials.approve(asked, by=polls.town.second_clerk)
    with pytest.raises(CodeRefused):  # void by the approval
        redeem(early, BORN, at=POLLING)
    late = code_for(polls, application)
    for _ in range(2):
        assert redeem(late, BORN, at=POLLING) == application
    note_replaced(polls.row, {application.binding.pseudonym: public_key(key("new"))})
    with pytest.raises(CodeRefused):
        redeem(late, BORN, at=POLLING)


def test_wrong_birthdays_are_counted_through_a_letters_life(counter: Counter, issued: Application) -> None:
    """A right one in between forgives nothing: else a thief of the letter gets four guesses each time."""
    code = code_for(counter, issued)
    for day in range(1, MOST_FAILURES + 1):
        with pytest.raises(CodeRefused):
            redeem(code, BORN + timedelta(days=day), at=POLLING)
        if day < MOST_FAILURES:
            redeem(code, BORN, at=POLLING)
    with pytest.raises(CodeRefused):
        redeem(code, BORN, at=POLLING)


def test_a_new_letter_voids_the_earlier_ones(counter: Counter, issued: Application) -> None:
    earlier, code = code_for(counter, issued), code_for(counter, issued)
    with pytest.raises(CodeRefused):
        redeem(earlier, BORN, at=POLLING)
    assert redeem(code, BORN, at=POLLING) == issued
    assert Letter.objects.exclude(revoked_at=None).count() == 1


def test_a_used_letter_is_voided_too(counter: Counter, issued: Application) -> None:
    """Its code would still be good. That it was used stays on the record."""
    earlier = code_for(counter, issued)
    redeem(earlier, BORN, at=POLLING)
    code = code_for(counter, issued)
    with pytest.raises(CodeRefused):
        redeem(earlier, BORN, at=POLLING)
    used = Letter.objects.exclude(used_at=None).get()
    assert used.used_at == POLLING and used.revoked_at is not None
    assert redeem(code, BORN, at=POLLING) == issued


def test_the_database_keeps_one_letter_valid(counter: Counter, issued: Application) -> None:
    """Whatever a program does, used or not."""
    code_for(counter, issued)
    for used_at in (None, POLLING):
        Letter.objects.update(used_at=used_at)
        with pytest.raises(IntegrityError), transaction.atomic():
            Letter.objects.create(application=issued, code_digest=bytes(32), issued_by=counter.town.clerk)


def test_five_wrong_birthdays_kill_a_letter(counter: Counter, issued: Application) -> None:
    code = code_for(counter, issued)
    for _ in range(MOST_FAILURES):
        with pytest.raises(CodeRefused):
            redeem(code, WRONG, at=POLLING)
    with pytest.raises(CodeRefused):
        redeem(code, BORN, at=POLLING)
    letter = Letter.objects.get()
    assert (letter.failures, letter.used_at) == (5, None)
    assert redeem(code_for(counter, issued), BORN, at=POLLING) == issued


def test_four_wrong_birthdays_do_not(counter: Counter, issued: Application) -> None:
    code = code_for(counter, issued)
    for _ in range(4):
        with pytest.raises(CodeRefused):
            redeem(code, WRONG, at=POLLING)
    assert redeem(code, BORN, at=POLLING) == issued


def test_a_letter_is_not_redeemed_in_a_callers_transaction(counter: Counter, issued: Application) -> None:
    """A view in a transaction would give guesses without end: it is a mistake that shows at once."""
    code = code_for(counter, issued)
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        redeem(code, WRONG, at=POLLING)


# One refusal


def used_up(counter: Counter, application: Application) -> tuple[str, date]:
    """A device is registered."""
    code = code_for(counter, application)
    assert application.style is not None
    slot = Slot.objects.create(election=counter.row, pseudonym="v-x", style=application.style, roll_index=0)
    Binding.objects.create(application=application, pseudonym="v-x", credential=bytes(32), slot=slot)
    return code, BORN


def used_and_revoked(counter: Counter, application: Application) -> tuple[str, date]:
    code = code_for(counter, application)
    redeem(code, BORN, at=POLLING)
    code_for(counter, application)
    return code, BORN


def used_and_cancelled(counter: Counter, application: Application) -> tuple[str, date]:
    code = code_for(counter, application)
    redeem(code, BORN, at=POLLING)
    give_back(counter, application)
    return code, BORN


def revoked(counter: Counter, application: Application) -> tuple[str, date]:
    code = code_for(counter, application)
    code_for(counter, application)
    return code, BORN


def dead(counter: Counter, application: Application) -> tuple[str, date]:
    code = code_for(counter, application)
    Letter.objects.update(failures=MOST_FAILURES)
    return code, BORN


def cancelled(counter: Counter, application: Application) -> tuple[str, date]:
    code = code_for(counter, application)
    give_back(counter, application)
    return code, BORN


def give_back(counter: Counter, application: Application) -> None:
    """Two clerks cancel the ballot."""
    asked = review.ask_to_give_back(application, by=counter.town.clerk, reason="紙で投票する")
    officials.approve(asked, by=counter.town.second_clerk)


def lapsed(counter: Counter, application: Application) -> tuple[str, date]:
    code = code_for(counter, application)
    review.lapse(application)
    return code, BORN


def unknown(counter: Counter, application: Application) -> tuple[str, date]:
    code = code_for(counter, application)
    Letter.objects.all().delete()
    return code, BORN


def wrong_birthday(counter: Counter, application: Application) -> tuple[str, date]:
    return code_for(counter, application), WRONG


def other_pepper(counter: Counter, application: Application) -> tuple[str, date]:
    """A copy of the database on another server."""
    code = code_for(counter, application)
    settings.CODE_KEY_FILE.unlink()
    return code, BORN


CASES = [
    used_up,
    used_and_revoked,
    used_and_cancelled,
    revoked,
    dead,
    cancelled,
    lapsed,
    unknown,
    wrong_birthday,
    other_pepper,
]


@pytest.mark.parametrize("case", CASES)
def test_every_refusal_is_the_same(
    counter: Counter, issued: Application, case: Callable[[Counter, Application], tuple[str, date]]
) -> None:
    """Class, code, sentence and place of a refusal do not tell which guess was wrong."""
    code, birth = case(counter, issued)
    with pytest.raises(CodeRefused) as refused:
        redeem(code, birth, at=POLLING)
    sentence = "This code and this date of birth do not belong together, or the letter is no longer valid."
    assert (type(refused.value), refused.value.reason, refused.value.where) == (CodeRefused, sentence, "")


def test_over_time_is_the_same_refusal(counter: Counter, issued: Application) -> None:
    """The last second of the category's window is in time, the next one is not."""
    code = code_for(counter, issued)
    with pytest.raises(CodeRefused) as refused:
        redeem(code, BORN, at=CLOSES + timedelta(seconds=1))
    assert refused.value.where == ""
    assert Letter.objects.get().used_at is None
    assert redeem(code, BORN, at=CLOSES) == issued
    with pytest.raises(CodeRefused):  # also who was in before
        redeem(code, BORN, at=CLOSES + timedelta(seconds=1))


def test_a_mistyped_code_is_told_apart_by_its_form_alone(counter: Counter, issued: Application) -> None:
    """The check character is public arithmetic: it says nothing about which codes there are."""
    code = normalise(code_for(counter, issued))
    swapped = code[1] + code[0] + code[2:] if code[0] != code[1] else ("4" if code[0] == "3" else "3") + code[1:]
    with pytest.raises(CodeMistyped):
        redeem(swapped, BORN, at=POLLING)
    assert Letter.objects.get().failures == 0


# Who prints, and for whom


@pytest.mark.parametrize("role", ["poll_manager", "poll_witness", "auditor", "system_admin", "health_officer"])
def test_only_the_election_board_prints(counter: Counter, issued: Application, role: str) -> None:
    with pytest.raises(NotPermitted):
        issue_letter(issued, by=getattr(counter.town, role))
    assert not Letter.objects.exists()


def test_no_letter_without_a_ballot(counter: Counter) -> None:
    counter.enrol(1)
    with pytest.raises(NoBallot):
        issue_letter(counter.request(electors(counter.row)[0]), by=counter.town.clerk)


def test_a_refused_print_voids_nothing(counter: Counter, issued: Application) -> None:
    code = code_for(counter, issued)
    with pytest.raises(NotPermitted):
        issue_letter(issued, by=counter.town.auditor)
    assert redeem(code, BORN, at=POLLING) == issued


def test_printing_is_on_the_record(counter: Counter, issued: Application) -> None:
    """Who printed it, and whom it concerns; not the code."""
    code_for(counter, issued)
    entry = AccessEntry.objects.latest("index")
    assert (entry.official, entry.act, entry.subjects) == ("clerk", "issue-letter", [issued.elector_id])


def test_a_voter_who_has_cast_may_still_get_a_letter(counter: Counter, issued: Application) -> None:
    """To vote again from another device, after two officials let them."""
    review.note_cast(issued)
    assert counter.fresh(issued).state == State.CAST
    assert redeem(code_for(counter, issued), BORN, at=POLLING) == issued


def test_every_table_is_scanned() -> None:
    """The scan above misses no model."""
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
    assert {model._meta.db_table for model in apps.get_models()} <= tables


# Two people, and a voter who knows


def test_who_approved_does_not_print(counter: Counter, issued: Application) -> None:
    """One official alone could make up an applicant and vote for them."""
    with pytest.raises(NotPermitted):
        issue_letter(issued, by=counter.town.chair)
    assert not Letter.objects.exists()


def test_the_voter_hears_of_the_letter_and_of_each_use(counter: Counter, issued: Application) -> None:
    """Whoever takes the letter on its way, or prints one unasked, is noticed; wrong guesses write to nobody."""
    Application.objects.filter(pk=issued.pk).update(email="voter@example.jp", language="en")
    _letter, code = issue_letter(issued, by=counter.town.clerk)
    before = Notice.objects.filter(application=issued).count()
    for birth in (BORN, WRONG, BORN):
        with suppress(CodeRefused):
            redeem(code, birth, at=POLLING)
    bodies = [notice.body for notice in Notice.objects.filter(application=issued).order_by("pk")]
    assert str(SAYS[LETTER]) in bodies[before - 1]
    assert [str(SAYS[LETTER_USED]) in body for body in bodies[before:]] == [True, True]
    assert code not in "".join(bodies)
