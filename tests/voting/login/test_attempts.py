"""S-10: five wrong dates of birth lock one way of one application, until an official lifts it; nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from django.db import transaction

from tests.voting import kakuu
from tests.voting.kakuu import World
from tests.voting.login.people import print_code
from tests.voting.offices import Town
from tests.voting.postgres import Runner, Work, both, race, says, transactional
from voting.access.models import AccessEntry
from voting.access.services import check_log
from voting.applications.models import Application, Notice
from voting.applications.notices import LIFTED, SAYS
from voting.credentials.errors import CodeRefused
from voting.credentials.letters import MOST_FAILURES, redeem
from voting.credentials.models import Letter
from voting.errors import NotPermitted
from voting.login.attempts import MOST, Way, is_locked, lift, require_birth
from voting.login.errors import BirthRefused, LockedOut
from voting.login.models import Attempts

pytestmark = pytest.mark.django_db

BORN, WRONG = date(1980, 4, 1), date(1980, 4, 2)


@pytest.fixture
def issued(world: World) -> Application:
    return kakuu.issued(world)


def guess(application: Application, way: Way, times: int = MOST) -> None:
    for _ in range(times):
        with pytest.raises(BirthRefused):
            require_birth(application, WRONG, way)


@pytest.mark.parametrize("way", Way)
def test_the_right_one_is_right(issued: Application, way: Way) -> None:
    require_birth(issued, BORN, way)
    assert Attempts.objects.get().failures == 0


@pytest.mark.parametrize("way", Way)
def test_five_wrong_ones_lock(issued: Application, way: Way) -> None:
    """Then the right one is refused as well, and nobody learns that it was right."""
    guess(issued, way)
    for birth in (WRONG, BORN):
        with pytest.raises(LockedOut):
            require_birth(issued, birth, way)
    assert Attempts.objects.get().failures == MOST


def test_four_wrong_ones_do_not(issued: Application) -> None:
    guess(issued, Way.DEVICE, MOST - 1)
    require_birth(issued, BORN, Way.DEVICE)


def test_a_right_one_forgives_nothing(issued: Application) -> None:
    """Else whoever guesses gets four tries each time the voter has looked."""
    guess(issued, Way.STATUS, MOST - 1)
    require_birth(issued, BORN, Way.STATUS)
    guess(issued, Way.STATUS, 1)
    with pytest.raises(LockedOut):
        require_birth(issued, BORN, Way.STATUS)


def test_a_locked_status_leaves_the_device_and_the_letter(world: World, issued: Application) -> None:
    """Who knows a reference and guesses birthdays keeps nobody from voting."""
    code = print_code(world, issued)
    guess(issued, Way.STATUS)
    require_birth(issued, BORN, Way.DEVICE)
    assert redeem(code, BORN) == issued


def test_a_locked_application_leaves_all_others(world: World, issued: Application) -> None:
    """S-10: an attack does not lock out others."""
    other = kakuu.issued(world, who="hanako")
    for way in Way:
        guess(issued, way)
    for way in Way:
        require_birth(other, BORN, way)
    assert not is_locked(other)


def test_the_count_cannot_be_undone(issued: Application) -> None:
    """A view in a transaction would give guesses without end: it is a mistake that shows at once."""
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        require_birth(issued, WRONG, Way.STATUS)


def test_no_refusal_repeats_anything(issued: Application, caplog: pytest.LogCaptureFixture) -> None:
    """Neither sentence nor log has the date, the name or the reference."""
    caplog.set_level("DEBUG")
    guess(issued, Way.STATUS, MOST - 1)
    for error in (BirthRefused, LockedOut):
        with pytest.raises(error) as refused:
            require_birth(issued, WRONG, Way.STATUS)
        for text in (str(WRONG), str(BORN), issued.name, issued.reference):
            assert text not in f"{refused.value} {caplog.text}"


# Lifting


def spoil_letter(world: World, application: Application) -> str:
    """Lock a new letter; its code."""
    code = print_code(world, application)
    for _ in range(MOST_FAILURES):
        with pytest.raises(CodeRefused):
            redeem(code, WRONG)
    return code


def locked_status(world: World, application: Application) -> Callable[[], object]:
    guess(application, Way.STATUS)
    return lambda: require_birth(application, BORN, Way.STATUS)


def locked_device(world: World, application: Application) -> Callable[[], object]:
    guess(application, Way.DEVICE)
    return lambda: require_birth(application, BORN, Way.DEVICE)


def locked_letter(world: World, application: Application) -> Callable[[], object]:
    code = spoil_letter(world, application)
    return lambda: redeem(code, BORN)


LOCKS = [locked_status, locked_device, locked_letter]


@pytest.mark.parametrize("lock", LOCKS)
def test_an_official_lets_them_try_again(world: World, issued: Application, lock: Callable[..., Callable]) -> None:
    """Each lock, by whoever prints letters; afterwards it works as before, and five wrong ones lock again."""
    again = lock(world, issued)
    assert is_locked(issued)
    with pytest.raises((LockedOut, CodeRefused)):
        again()
    lift(issued, by=world.town.clerk)
    assert not is_locked(issued)
    again()
    for letter in Letter.objects.all():
        assert letter.failures == 0


def test_everything_is_lifted_at_once(world: World, issued: Application) -> None:
    """The voter who calls need not know what was locked."""
    ways = [lock(world, issued) for lock in LOCKS]
    lift(issued, by=world.town.chair)
    for way in ways:
        way()


def test_a_void_letter_stays_dead(world: World, issued: Application) -> None:
    """Lifting is no way to wake a letter that another has replaced."""
    earlier = spoil_letter(world, issued)
    print_code(world, issued)
    assert not is_locked(issued)
    guess(issued, Way.STATUS)
    lift(issued, by=world.town.clerk)
    with pytest.raises(CodeRefused):
        redeem(earlier, BORN)
    assert sorted(Letter.objects.values_list("failures", flat=True)) == [0, MOST_FAILURES]


def test_others_stay_locked(world: World, issued: Application) -> None:
    other = kakuu.issued(world, who="hanako")
    guess(issued, Way.STATUS)
    guess(other, Way.STATUS)
    lift(issued, by=world.town.clerk)
    assert is_locked(other) and not is_locked(issued)


def test_lifting_is_on_the_record_and_the_voter_hears(world: World, issued: Application) -> None:
    """Who, for whom; an official who lifts for somebody else than the voter is noticed."""
    guess(issued, Way.STATUS)
    lift(issued, by=world.town.clerk)
    entry = AccessEntry.objects.latest("index")
    assert (entry.official, entry.act, entry.subjects) == ("clerk", "issue-letter", [issued.elector_id])
    assert entry.purpose.startswith(f"{issued.reference}: ") and "lifted" in entry.purpose
    assert str(SAYS[LIFTED]) in Notice.objects.filter(application=issued).latest("pk").body
    check_log()


def test_where_nothing_is_locked_nothing_happens(world: World, issued: Application) -> None:
    """A double click is one act; and nobody forgives four guesses in passing."""
    guess(issued, Way.STATUS, MOST - 1)
    entries, notices = AccessEntry.objects.count(), Notice.objects.count()
    lift(issued, by=world.town.clerk)
    assert Attempts.objects.get().failures == MOST - 1
    assert (AccessEntry.objects.count(), Notice.objects.count()) == (entries, notices)


OTHERS = [
    "poll_manager",
    "poll_witness",
    "auditor",
    "system_admin",
    "health_officer",
    "attestor",
    "captain",
    "prefecture_clerk",
]


@pytest.mark.parametrize("role", ["clerk", "second_clerk", "chair", "second_chair"])
def test_the_election_board_lifts(town: Town, world: World, issued: Application, role: str) -> None:
    guess(issued, Way.STATUS)
    lift(issued, by=getattr(town, role))
    assert not is_locked(issued)


@pytest.mark.parametrize("role", OTHERS)
def test_nobody_else_lifts(town: Town, world: World, issued: Application, role: str) -> None:
    """No other role, whether or not anything is locked."""
    for _ in range(2):
        with pytest.raises(NotPermitted):
            lift(issued, by=getattr(town, role))
        if not is_locked(issued):
            guess(issued, Way.STATUS)
    assert is_locked(issued)


def test_another_towns_board_lifts_nothing(world: World, issued: Application) -> None:
    guess(issued, Way.STATUS)
    _board, clerk, chair = kakuu.neighbour()
    for stranger in (clerk, chair):
        with pytest.raises(NotPermitted):
            lift(issued, by=stranger)
    assert is_locked(issued)


# At the same instant


def guesses(application: Application, birth: date) -> Work:
    def work() -> str:
        require_birth(application, birth, Way.STATUS)
        return "right"

    return says(work)


@race
@transactional
@both
def test_guesses_at_the_same_instant_are_all_counted(issued: Application, run: Runner) -> None:
    """Nobody gets more than five by hurrying, with the right one among them or not."""
    answers = run([guesses(issued, date(1980, 5, day)) for day in range(1, 9)])
    assert sorted(answers) == ["birth-refused"] * MOST + ["locked-out"] * (8 - MOST)
    assert Attempts.objects.get().failures == MOST
