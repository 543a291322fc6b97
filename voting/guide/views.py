"""What voters see first: elections, who can vote online, help, the request on paper, and how pages are shown."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from voting.elections.models import Election
from voting.eras import era_date
from voting.guide.display import COOKIE, LASTS, DisplayUnknown, display_of, switched
from voting.guide.elections import (
    NEEDS_NO_LAW,
    Phase,
    hours_of_polling_stations,
    list_elections,
    phase_of,
    shown,
    situations,
)
from voting.guide.sheet import reasons
from voting.login.paper import paper_deadlines
from voting.login.session import voter_of

ON_BOARD = (Phase.VOTING, Phase.COUNTING, Phase.FINISHED)
"""When there may be ballots to check."""


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """What this is, in three steps, and the elections."""
    current, finished = list_elections(timezone.now())
    return render(request, "guide/start.html", {"current": current, "finished": finished})


@require_safe
def election(request: HttpRequest, slug: str) -> HttpResponse:
    """Can I vote online? The situations in which one can, and what else there is to do in this election."""
    now, found = timezone.now(), get_object_or_404(shown(), slug=slug)
    phase = phase_of(found, now)
    return render(
        request,
        "guide/election.html",
        {
            "election": found,
            "phase": phase,
            "ahead": phase in (Phase.BEFORE, Phase.VOTING),
            "on_board": phase in ON_BOARD,
            "needs_law": found.kind not in NEEDS_NO_LAW,
            "situations": situations(found, now),
            "polling_stations": hours_of_polling_stations(found),
            "deadlines": paper_deadlines(found, now),
        },
    )


@require_safe
def help_page(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Questions and answers, whom to call, and the way on paper."""
    now = timezone.now()
    if not slug:
        current, _finished = list_elections(now)
        return render(request, "guide/help.html", {"current": current, "revote": True})
    # Other pages lead here for an election whose days are not fixed yet, too.
    found = get_object_or_404(Election.objects.select_related("office"), slug=slug, office__isnull=False)
    return render(
        request,
        "guide/help.html",
        {
            "election": found,
            "revote": found.revote,
            "deadlines": paper_deadlines(found, now),
            "on_board": phase_of(found, now) in ON_BOARD,
        },
    )


@never_cache
@require_safe
def paper(request: HttpRequest, slug: str) -> HttpResponse:
    """The request on paper, ready to print; `?category=` chooses the reason. Nothing is stored.

    Who is logged in with the card finds name, address and birthday on it.
    """
    found = get_object_or_404(shown(), slug=slug)
    known, code = reasons(found, timezone.now()), request.GET.get("category", "")
    chosen = next((reason for reason in known if reason.code == code), None)
    if code and chosen is None:
        raise Http404
    person = voter_of(request)
    return render(
        request,
        "guide/paper.html",
        {
            "election": found,
            "election_day": era_date(found.election_day) if found.election_day else "",
            "reasons": [reason for reason in known if not reason.over],
            "chosen": chosen,
            "person": person,
            "birth": era_date(person.birth) if person else "",
        },
    )


@require_POST
def display(request: HttpRequest) -> HttpResponse:
    """Keep how pages shall be shown, and go back to where somebody was."""
    try:
        shown_now = switched(display_of(request), request.POST.dict())
    except DisplayUnknown as refusal:
        return HttpResponseBadRequest(refusal.reason, content_type="text/plain; charset=utf-8")
    # Browsers open what holds the switches when an address names it.
    answer = redirect(f"{_back(request.POST.get('next', ''))}#display")
    answer.set_cookie(
        COOKIE, str(shown_now), max_age=LASTS, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
    )
    return answer


def _back(path: str) -> str:
    """A path of this site, without what comes after "#"."""
    if not path.startswith("/") or not url_has_allowed_host_and_scheme(path, None):
        return reverse("guide:start")
    return urlsplit(path)._replace(fragment="").geturl()
