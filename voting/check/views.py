"""Pages on which a voter checks a ballot. The proofs are verified in the browser; the server only says what it says."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from verifier.errors import BadInteger
from verifier.record.canonical import decode_bytes
from voting.board.services import TRACKER_BYTES
from voting.check.services import STATUSES, ballot_entry
from voting.elections.models import Election
from voting.errors import NotOnBoard, VotingError


@never_cache
@require_safe
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """What can be checked, and how; with `?tracker=` what the server says of that ballot."""
    election = _election(slug)
    tracker = "".join(request.GET.get("tracker", "").split())
    said = _look_up(election, tracker) if "tracker" in request.GET else {}
    return render(request, "check/start.html", {**_page(election), "tracker": tracker, **said})


@require_safe
def receipt(request: HttpRequest, slug: str) -> HttpResponse:
    """Check a receipt file, which does not leave the browser."""
    return render(request, "check/receipt.html", _page(_election(slug)))


@require_safe
def ballot(request: HttpRequest, slug: str) -> HttpResponse:
    """See what a sealed ballot contains: on a second device, or for a ballot opened as a test."""
    return render(request, "check/ballot.html", _page(_election(slug)))


def _look_up(election: Election, tracker: str) -> dict[str, Any]:
    """`found`, or `problem`: mistyped, missing or unavailable."""
    try:
        return {"found": ballot_entry(election, decode_bytes(tracker, TRACKER_BYTES))}
    except BadInteger:
        return {"problem": "mistyped"}
    except NotOnBoard:
        return {"problem": "missing"}
    except VotingError:
        return {"problem": "unavailable"}


def _election(slug: str) -> Election:
    """With its office. Raises Http404 until the manifest is on the board: nothing can be checked before."""
    found = Election.objects.filter(slug=slug, manifest_hash__isnull=False).select_related("office").first()
    if found is None:
        raise Http404
    return found


def _page(election: Election) -> dict[str, Any]:
    return {"election": election, "statuses": STATUSES}
