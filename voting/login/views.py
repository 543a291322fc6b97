"""The pages of the login. Whatever is wrong with one, the voter reads the same page."""

from __future__ import annotations

import logging
from dataclasses import asdict
from urllib.parse import urlencode, urlsplit

from csp.decorators import csp_update
from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from voting.access.models import AccessEntry
from voting.credentials.errors import CodeRefused
from voting.credentials.letters import redeem
from voting.elections.models import Election
from voting.errors import VotingError
from voting.login import oidc
from voting.login.errors import TooFast
from voting.login.forms import LetterForm
from voting.login.paper import paper_deadlines
from voting.login.services import CONFLICT, accesses, accesses_of, identify
from voting.login.session import (
    Errand,
    application_of,
    keep,
    log_in,
    log_in_with_ballot,
    log_out,
    take,
    voter_of,
)
from voting.login.throttle import excuse, require_pace, too_fast_page
from voting.officials.roles import Act

logger = logging.getLogger(__name__)
LETTER = "letter"
START = "/"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def card(request: HttpRequest) -> HttpResponseBase:
    """What will be shared, and the way on paper; a POST goes to the provider. `?election=` and `?next=` are kept."""
    errand = _errand(request)
    if request.method != "POST":
        return _card_page(request, errand)
    try:
        url, begun = oidc.begin(_return_uri(request))
    except VotingError as refusal:
        return _refused(request, errand, refusal)
    keep(request, begun, errand)
    return redirect(url)


def _errand(request: HttpRequest) -> Errand:
    """What the query says, with a way to this site only. 404 for an election that is not there."""
    slug, path = request.GET.get("election", ""), request.GET.get("next", "")
    errand = Errand(slug, path if url_has_allowed_host_and_scheme(path, None) else "")
    if slug and _election(errand) is None:
        raise Http404
    return errand


def _election(errand: Errand) -> Election | None:
    return Election.objects.filter(slug=errand.election, office__isnull=False).select_related("office").first()


def _card_page(request: HttpRequest, errand: Errand) -> HttpResponseBase:
    context = {**_paper(errand), "available": settings.CARD_LOGIN, "letter": _address("login:letter", errand)}
    # The answer to the form is a redirect to the provider, which browsers count as where the form goes.
    provider = urlsplit(settings.CARD_AUTHORIZE_URL)
    elsewhere = [f"{provider.scheme}://{provider.netloc}"] if settings.CARD_LOGIN else []
    page = csp_update({"form-action": elsewhere})(lambda asked: render(asked, "login/card.html", context))
    return page(request)


def _address(name: str, errand: Errand) -> str:
    """A page of the login, for the same errand."""
    asked = {key: value for key, value in asdict(errand).items() if value}
    return reverse(name) + (f"?{urlencode(asked)}" if asked else "")


def _paper(errand: Errand) -> dict[str, object]:
    election = _election(errand)
    return {"election": election, "deadlines": paper_deadlines(election, timezone.now()) if election else []}


def _return_uri(request: HttpRequest) -> str:
    uri = request.build_absolute_uri(reverse("login:return"))
    # Behind a proxy the last metres are http; what the provider has registered is https.
    return uri if settings.DEBUG else uri.replace("http://", "https://", 1)


@never_cache
@require_GET
def card_return(request: HttpRequest) -> HttpResponse:
    """Where the provider sends the browser back to."""
    begun, errand = take(request)
    try:
        person = oidc.finish(begun, request.GET.dict())
    except VotingError as refusal:
        return _refused(request, errand, refusal)
    log_in(request, person)
    if (election := _election(errand)) is not None:
        identify(election, person)
    return redirect(errand.next or "login:accesses")


def _refused(request: HttpRequest, errand: Errand, refusal: VotingError) -> HttpResponse:
    """One page, whatever was wrong. The cause is for the operators' log, and is never about a person."""
    logger.warning("login with the card: %s, %s", refusal.code, refusal.reason)
    context = {**_paper(errand), "here": _address("login:card", errand)}
    return render(request, "login/refused.html", context, status=400)


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def letter(request: HttpRequest) -> HttpResponse:
    """The code of a letter and the date of birth. `?election=` and `?next=` as for the card."""
    errand = _errand(request)
    form = LetterForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _letter_page(request, errand, form)
    try:
        require_pace(request, LETTER)
        application = redeem(form.cleaned_data["code"], form.cleaned_data["birth"])
    except TooFast as refusal:
        return too_fast_page(request, refusal)
    except CodeRefused as refusal:
        form.add_error("code", refusal.reason)
        return _letter_page(request, errand, form)
    excuse(request, LETTER)
    log_in_with_ballot(request, application)
    return redirect(_after_letter(errand, application.election))


def _letter_page(request: HttpRequest, errand: Errand, form: LetterForm) -> HttpResponse:
    card = _address("login:card", errand) if settings.CARD_LOGIN else ""
    return render(request, "login/letter.html", {**_paper(errand), "form": form, "card": card})


def _after_letter(errand: Errand, election: Election) -> str:
    """Where the voter wanted to go; to the booth, if that was about another election than the letter's."""
    if errand.next and errand.election in ("", election.slug):
        return errand.next
    return reverse("booth:home", args=[election.slug])


@never_cache
@require_POST
def out(request: HttpRequest) -> HttpResponse:
    """Log out, however one came in."""
    log_out(request)
    return redirect(START)


@never_cache
@require_GET
def own_accesses(request: HttpRequest) -> HttpResponse:
    """Who looked at my data (requirement 39)."""
    used = _accesses(request)
    if used is None:
        return redirect(_address("login:card", Errand(next=request.path)))
    found = [(election, [(entry, _act_label(entry)) for entry in entries]) for election, entries in used]
    return render(request, "login/accesses.html", {"elections": [pair for pair in found if pair[1]]})


def _accesses(request: HttpRequest) -> list[tuple[Election, QuerySet[AccessEntry]]] | None:
    """By election; None if nobody is logged in."""
    if (application := application_of(request)) is not None:
        return accesses_of(application)
    person = voter_of(request)
    return accesses(person) if person else None


def _act_label(entry: AccessEntry) -> str:
    if entry.act == CONFLICT:
        return _("tell the election board that two logins do not fit together")
    return str(Act(entry.act).label) if entry.act in Act.values else entry.act
