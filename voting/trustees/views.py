"""The public page of the trustees of an election: where the opening stands, and where their files are handed in."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from voting.counting import tasks
from voting.elections.models import Election
from voting.login.errors import TooFast
from voting.login.throttle import excuse, require_pace
from voting.trustees.errors import HandInRefused
from voting.trustees.handing_in import HandedIn, hand_in
from voting.trustees.services import opening

SCOPE = "trustees"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Where every trustee stands and what is next; nobody logs in. A file is sent to the same address."""
    election = _election(slug)
    return _upload(request, election) if request.method == "POST" else _page(request, election)


def _upload(request: HttpRequest, election: Election) -> HttpResponse:
    """Take a trustee's file, or say in a sentence why not."""
    try:
        require_pace(request, SCOPE)
    except TooFast as refusal:
        answer = _page(request, election, refusal.reason, 429)
        answer["Retry-After"] = str(refusal.wait)
        return answer
    try:
        handed = hand_in(election, request.FILES.get("file"))
    except HandInRefused as refusal:
        return _page(request, election, refusal.reason, 422)
    excuse(request, SCOPE)
    messages.success(request, _said(handed))
    tasks.start(election)
    return redirect("trustees:page", election.slug)


def _said(handed: HandedIn) -> str:
    said = {
        "share-confirmed": _("Taken: trustee %(number)s (%(name)s) has confirmed the share."),
        "rehearsal": _("Taken: trustee %(number)s (%(name)s) has proved that the share works."),
        "partial-roots": _("Taken: the partial roots of trustee %(number)s (%(name)s). The proof holds."),
    }
    return said[handed.kind] % {"number": handed.trustee, "name": handed.name}


def _election(slug: str) -> Election:
    """With its office. Raises Http404 until the manifest is on the board: there are no trustees before."""
    found = Election.objects.filter(slug=slug, manifest_hash__isnull=False).select_related("office").first()
    if found is None:
        raise Http404
    return found


def _page(request: HttpRequest, election: Election, refused: str = "", status: int = 200) -> HttpResponse:
    shown = {"election": election, "opening": opening(election), "refused": refused}
    return render(request, "trustees/page.html", shown, status=status)
