"""Letters with one-time codes, for voters whose card cannot be used (domain document, section 4.1)."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from voting import keyfile
from voting.access.services import log
from voting.applications import steps
from voting.applications.models import Application
from voting.applications.notices import tell_of_letter
from voting.applications.offers import windows
from voting.applications.requests import subjects
from voting.applications.review import office_of
from voting.applications.states import Event, State
from voting.credentials.codes import code_digest, new_code, normalise
from voting.credentials.errors import CodeRefused, NoBallot
from voting.credentials.models import Binding, Letter, Replacement
from voting.errors import NotPermitted
from voting.officials.models import Official
from voting.officials.roles import Act
from voting.officials.services import require

MOST_FAILURES = 5
"""Wrong dates of birth after which a letter is dead; an official prints another."""
WITH_BALLOT = (State.ISSUED, State.CAST)


@transaction.atomic
def issue_letter(application: Application, *, by: Official) -> tuple[Letter, str]:
    """A letter and its code, which is shown once and stored nowhere. Earlier letters are void from now on.

    Raises NotPermitted (also to who approved the application), NoBallot.
    """
    locked = steps.lock(application)
    office = office_of(locked)
    require(by, Act.ISSUE_LETTER, office)
    if locked.state not in WITH_BALLOT:
        raise NoBallot(_("No ballot is issued for this application."), locked.reference)
    if has_approved(by, locked):
        raise NotPermitted(_("Somebody else than who approved the application prints the letter."), locked.reference)
    revoke_letters(locked)
    tell_of_letter(locked)
    code = new_code()
    letter = Letter.objects.create(application=locked, code_digest=code_digest(code, _pepper()), issued_by=by)
    what = _("letter printed")
    log(by, office, Act.ISSUE_LETTER, f"{locked.reference}: {what}", subjects(locked))
    return letter, code


def has_approved(official: Official, application: Application) -> bool:
    """Who approved an application does not print its letter: alone, they could make up a voter and vote for them."""
    return application.changes.filter(event=Event.ISSUE, official=official).exists()


def revoke_letters(application: Application) -> None:
    """Void every letter, also one that was used: its code is good until a device is registered."""
    Letter.objects.filter(application=application, revoked_at=None).update(revoked_at=timezone.now())


def redeem(code: str, birth: date, *, at: datetime | None = None) -> Application:
    """Whose letter it is. The code stays good until a device is registered: a browser that crashes costs no vote.

    Raises CodeMistyped (it cannot be a code at all), CodeRefused. A wrong date of birth is counted even though the
    call is refused.
    """
    digest = code_digest(normalise(code), _pepper())
    application = _redeem(digest, birth, at or timezone.now())
    if application is None:
        raise CodeRefused(
            _("This code and this date of birth do not belong together, or the letter is no longer valid.")
        )
    return application


@transaction.atomic(durable=True)
def _redeem(digest: bytes, birth: date, at: datetime) -> Application | None:
    # Found by a keyed digest: how long the search takes tells nothing about a code.
    found = Letter.objects.filter(code_digest=digest).select_related("application").first()
    if found is None:
        return None
    application = steps.lock(found.application)  # before its letters, as whoever prints them does
    letter = Letter.objects.select_for_update().get(pk=found.pk)
    if letter.revoked_at or letter.failures >= MOST_FAILURES or is_used_up(application):
        return None
    if application.birth != birth:
        letter.failures += 1
        letter.save(update_fields=["failures"])
        return None
    if application.state not in WITH_BALLOT or at > windows(application.offer).vote_until:
        return None
    if letter.used_at is None:
        letter.used_at = at
        letter.save(update_fields=["used_at"])
    tell_of_letter(application, used=True)
    return application


def is_used_up(application: Application) -> bool:
    """Whether letters are no way in any more: a device is registered, and two officials have let no other follow it."""
    bound = Binding.objects.filter(application=application, slot__isnull=False)
    return bound.exists() and not Replacement.objects.filter(application=application, done_at=None).exists()


def _pepper() -> bytes:
    return keyfile.load_or_create(Path(settings.CODE_KEY_FILE))
