"""Wrong dates of birth: counted per application and way, and after five of them an official decides.

A lock-out is of one way of one application: who attacks it locks nobody else out, and not the voter's device either.
The code of a letter counts its own failures (`credentials.letters`); `lift` forgives both.
"""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from voting.access.services import log
from voting.applications import steps
from voting.applications.models import Application
from voting.applications.notices import tell_of_lift
from voting.applications.requests import subjects
from voting.applications.review import office_of
from voting.credentials.letters import MOST_FAILURES
from voting.credentials.models import Letter
from voting.login.errors import BirthRefused, LockedOut
from voting.login.models import Attempts, Way
from voting.officials.models import Official
from voting.officials.roles import Act
from voting.officials.services import require

MOST = MOST_FAILURES
"""Wrong dates of birth after which nothing is tried any more: five, as with a letter."""

__all__ = ["MOST", "Way", "is_locked", "lift", "require_birth"]


def require_birth(application: Application, birth: date, way: Way) -> None:
    """Whether it is the voter's date of birth. A wrong one is counted even though the call is refused.

    Not inside another transaction, which could undo the count. A right one forgives no wrong one: who looks at the
    own status every day would else give guesses without end.

    Raises LockedOut, also for the right one from then on; BirthRefused.
    """
    failures, right = _try(application, birth, way)
    if failures >= MOST:
        raise LockedOut(_("Too many wrong dates of birth. Call the election board: it lets you try again."))
    if not right:
        raise BirthRefused(_("This is not the date of birth in the application."))


@transaction.atomic(durable=True)
def _try(application: Application, birth: date, way: Way) -> tuple[int, bool]:
    """(failures before this, whether it is right). The row lock makes tries at the same instant one after another."""
    row, _new = Attempts.objects.select_for_update().get_or_create(application=application, way=way)
    before, right = row.failures, application.birth == birth
    if before < MOST and not right:
        row.failures += 1
        row.save(update_fields=["failures"])
    return before, right


def is_locked(application: Application) -> bool:
    """Whether a way, or the letter that is valid, is locked by wrong dates of birth."""
    letters = Letter.objects.filter(application=application, revoked_at=None, failures__gte=MOST_FAILURES)
    return Attempts.objects.filter(application=application, failures__gte=MOST).exists() or letters.exists()


@transaction.atomic
def lift(application: Application, *, by: Official) -> None:
    """Let the voter try again, in every way, and tell them. Nothing happens where nothing is locked.

    Raises NotPermitted.
    """
    locked = steps.lock(application)
    office = office_of(locked)
    require(by, Act.ISSUE_LETTER, office)
    if not is_locked(locked):
        return
    Attempts.objects.filter(application=locked).update(failures=0)
    Letter.objects.filter(application=locked, revoked_at=None).update(failures=0)
    tell_of_lift(locked)
    what = _("lock-out of the voter lifted")
    log(by, office, Act.ISSUE_LETTER, f"{locked.reference}: {what}", subjects(locked))
