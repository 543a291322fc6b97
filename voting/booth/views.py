"""The booth's pages. What is chosen on them never comes here: the forms are read by the device alone."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from verifier.record.canonical import encode_bytes
from verifier.record.manifest import Kind
from voting.applications.catalogue import Attest
from voting.applications.models import Application
from voting.applications.offers import hours
from voting.credentials.letters import WITH_BALLOT
from voting.elections.models import Contest, Election
from voting.login.birth import BirthForm
from voting.login.paper import paper_deadlines
from voting.login.services import ballot_of
from voting.login.session import fresh

LONG_LIST = 12
"""Candidates from which on a list gets a field to search in."""


@never_cache
@require_safe
@ensure_csrf_cookie
def home(request: HttpRequest, slug: str) -> HttpResponse:
    """Where a voter with a ballot stands: log in, register this device, vote, check."""
    election = _election(slug)
    application = ballot_of(request, election)
    if application is None:
        return render(request, "booth/login.html", {**_common(election), "card": settings.CARD_LOGIN})
    if application.state not in WITH_BALLOT:
        return render(request, "booth/over.html", {**_common(election), "application": application})
    opens, closes = hours(application.offer)
    now = timezone.now()
    context = {"application": application, "opens": opens, "closes": closes, "early": now < opens, "late": now > closes}
    return render(request, "booth/home.html", {**_common(election), **context})


@never_cache
@require_safe
@ensure_csrf_cookie
def ballot(request: HttpRequest, slug: str) -> HttpResponse:
    """The ballot, a step for each contest; the steps after it are on the same page, so that nothing is lost."""
    election = _election(slug)
    application = ballot_of(request, election)
    if application is None or not fresh(request) or application.state not in WITH_BALLOT:
        return redirect("booth:home", slug)
    context = {
        "application": application,
        "contests": [_step(place.contest) for place in _places(application)],
        "proxy": Attest(application.offer.category.attest) is Attest.PROXY_WRITER,
    }
    return render(request, "booth/ballot.html", {**_common(election), **context})


def _election(slug: str) -> Election:
    election = Election.objects.filter(slug=slug, office__isnull=False, manifest_hash__isnull=False).first()
    if election is None:
        raise Http404
    return election


def _common(election: Election) -> dict[str, Any]:
    return {
        "election": election,
        "election_id": encode_bytes(bytes(election.manifest_hash or b"")),
        "deadlines": paper_deadlines(election, timezone.now()),
        "form": BirthForm(),
    }


def _places(application: Application) -> Any:
    if application.style is None:
        raise Http404
    places = application.style.places.select_related("contest").order_by("position")
    return places.prefetch_related("contest__candidates")


def _step(contest: Contest) -> dict[str, Any]:
    """What a step needs besides the contest: how it is answered, and whether the list is long."""
    candidates = list(contest.candidates.all())
    kind = Kind(contest.kind)
    return {
        "contest": contest,
        "candidates": candidates,
        "one": kind in (Kind.CHOOSE_ONE, Kind.INDEX),
        "several": kind is Kind.CHOOSE_SEVERAL,
        "ranking": kind is Kind.RANKING,
        "text": kind is Kind.TEXT,
        "review": contest.form == "REVIEW",
        "ranks": range(1, contest.most + 1) if kind is Kind.RANKING else (),
        "long": len(candidates) >= LONG_LIST,
        "blank_allowed": contest.blank and (kind is not Kind.CHOOSE_SEVERAL or contest.least > 0),
    }
