"""The page on which those who stand by at a vote say so. No choice is on it: the server has none."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from verifier.record.canonical import encode_bytes
from voting.access.services import log
from voting.applications.requests import subjects
from voting.booth.models import Presence, SealedBallot
from voting.booth.presence import SHORT, confirm, offices_standing_by, open_parts, waiting
from voting.officials.models import Office
from voting.officials.roles import Act
from voting.officials.site import attempt, offices_or_deny, official_of, page

MOST = 50


@dataclass(frozen=True)
class Line:
    """A sealed ballot that somebody can stand by for."""

    ballot: SealedBallot
    short: str
    """the beginning of the tracker, as the voter's screen shows it"""
    parts: list[Presence.Part]
    """which this official can take now"""
    witness: bool


@never_cache
@require_safe
def stand_by(request: HttpRequest) -> HttpResponse:
    """Who is waiting at the places where this official stands by."""
    official = official_of(request)
    offices_or_deny(request, Act.ATTEST_VOTE, Act.ASSIST_VOTE)
    lines: dict[int, Line] = {}
    with transaction.atomic():
        for office in offices_standing_by(official):
            found = [_line(request, sealed) for sealed in waiting(official, office)[:MOST]]
            lines |= {line.ballot.pk: line for line in found if line.parts}
            _record(request, office, [line for line in found if line.parts])
    return page(request, "booth/stand_by.html", _("Stand by at a vote"), lines=list(lines.values()))


def _line(request: HttpRequest, sealed: SealedBallot) -> Line:
    return Line(
        sealed,
        encode_bytes(bytes(sealed.tracker or b""))[:SHORT],
        open_parts(sealed, official_of(request)),
        sealed.application.offer.category.witness,
    )


def _record(request: HttpRequest, office: Office, lines: list[Line]) -> None:
    people = [key for line in lines for key in subjects(line.ballot.application)]
    if people:
        log(official_of(request), office, Act.ATTEST_VOTE, _("list of ballots to stand by for"), people)


@never_cache
@require_POST
def take_part(request: HttpRequest, ballot: int, part: str) -> HttpResponse:
    """Say that one stands by."""
    official = official_of(request)
    if part not in Presence.Part.values:
        raise Http404
    mine = any(waiting(official, office).filter(pk=ballot).exists() for office in offices_standing_by(official))
    sealed = get_object_or_404(SealedBallot, pk=ballot if mine else None)
    witness = request.POST.get("witness", "")
    attempt(
        request,
        lambda: confirm(sealed, Presence.Part(part), by=official, witness=witness),
        _("Confirmed. The voter can go on."),
    )
    return redirect("stand-by:list")
