"""The session of a voter: the one place where somebody becomes logged in, by the card, a letter or a device.

A session is a person's (the card), or one application's (a letter or a device): then it is about that ballot and no
other. Either is kept on the server, for half an hour from the login. Which elector a person is, and whether there is
a ballot, `services` says per election. Whoever only follows an application is not logged in, and cannot vote.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from voting.applications.models import Application
from voting.credentials.models import Letter, Replacement
from voting.login.oidc import Begun
from voting.login.person import VerifiedPerson

LASTS = 30 * 60
"""Seconds for which somebody stays logged in, whatever they do meanwhile."""
_VOTER, _FOLLOWING, _BEGUN = "voter", "following", "login begun"


@dataclass(frozen=True)
class Errand:
    """What somebody logs in for."""

    election: str = ""
    """its slug, if it is about one"""
    next: str = ""
    """a path of this site to go to afterwards"""


def log_in(request: HttpRequest, person: VerifiedPerson) -> None:
    """Let this browser be the person's, in a new session."""
    _renew(request)
    kept = {**asdict(person), "birth": person.birth.isoformat()}
    request.session[_VOTER] = {"person": kept, "at": int(time.time())}


def log_in_with_ballot(request: HttpRequest, application: Application) -> None:
    """Let this browser cast the ballot of the application, in a new session: after a letter's code or by a device."""
    _renew(request)
    request.session[_VOTER] = {"application": application.pk, "at": int(time.time())}


def _renew(request: HttpRequest) -> None:
    """A new session with nothing in it: whatever was planted in the old one is gone with its id."""
    request.session.flush()
    request.session.set_expiry(LASTS)
    rotate_token(request)


def log_out(request: HttpRequest) -> None:
    """End the session and forget who it was."""
    request.session.flush()


def voter_of(request: HttpRequest) -> VerifiedPerson | None:
    """Who is logged in by the card; nobody after half an hour."""
    kept = _kept(request, _VOTER).get("person")
    return VerifiedPerson(**{**kept, "birth": date.fromisoformat(kept["birth"])}) if kept else None


def application_of(request: HttpRequest) -> Application | None:
    """Whose application it is that is logged in by a letter or a device, in whatever state it is now.

    A letter printed or made void since then ends it, or another device approved: that is how an office stops a code or
    a phone in the wrong hands.
    """
    kept = _kept(request, _VOTER)
    if "application" not in kept:
        return None
    since = datetime.fromtimestamp(kept["at"] + 1, UTC)
    changed = Letter.objects.filter(Q(issued_at__gte=since) | Q(revoked_at__gte=since), application=kept["application"])
    replaced = Replacement.objects.filter(application=kept["application"], proposal__decided_at__gte=since)
    return None if changed.exists() or replaced.exists() else _application(kept)


def fresh(request: HttpRequest) -> bool:
    """Whether a voter logged in during the last half hour, in whichever way: what casting asks for (requirement 21)."""
    kept = request.session.get(_VOTER)
    return kept is not None and 0 <= time.time() - kept["at"] < LASTS


# Following an application


def follow(request: HttpRequest, application: Application) -> None:
    """Let this browser see what becomes of the application; vote, it may not.

    In a new session, unless a voter is logged in: their session was new then, and who is voting goes on.
    """
    if not fresh(request):
        _renew(request)
    request.session[_FOLLOWING] = {"application": application.pk, "at": int(time.time())}


def followed(request: HttpRequest) -> Application | None:
    """The application whose state this browser may see: followed, or logged in for; none after half an hour."""
    kept = _kept(request, _FOLLOWING)
    return _application(kept) if kept else application_of(request)


def _application(kept: dict[str, Any]) -> Application | None:
    rows = Application.objects.select_related("election__office", "offer__category", "offer__election", "elector")
    return rows.filter(pk=kept["application"]).first()


def _kept(request: HttpRequest, name: str) -> dict[str, Any]:
    """What the session keeps under a name; forgotten after half an hour."""
    kept: dict[str, Any] | None = request.session.get(name)
    if kept is None:
        return {}
    if 0 <= time.time() - kept["at"] < LASTS:
        return kept
    del request.session[name]
    return {}


# A login under way


def keep(request: HttpRequest, begun: Begun, errand: Errand) -> None:
    """Bind a login that begins to this session; an earlier one that did not end is void."""
    request.session[_BEGUN] = [asdict(begun), asdict(errand)]


def take(request: HttpRequest) -> tuple[Begun | None, Errand]:
    """The login under way, which is used up by this: at once, before anything is asked of anybody."""
    kept = request.session.pop(_BEGUN, None)
    if kept is None:
        return None, Errand()
    request.session.save()
    begun, errand = kept
    return Begun(**begun), Errand(**errand)
