"""A voter's pages from a request to a decision. They work without JavaScript, and log nothing.

What they say never depends on who is on the roll.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from voting.applications import requests
from voting.applications.catalogue import Confirm
from voting.applications.errors import (
    ConditionNotMet,
    EvidenceMissing,
    NotOffered,
    OutOfTime,
    RequestInvalid,
    WrongState,
)
from voting.applications.models import Application
from voting.applications.offers import hours, takes_requests, taking_requests, windows
from voting.applications.states import HELD, OPEN, Event, State
from voting.apply.find import FindForm, look_up
from voting.apply.forms import RequestForm, faults_of, initial_of, initial_of_person
from voting.apply.once import made_before, new_token, remember
from voting.apply.progress import STANDS, TO_COME, steps_taken
from voting.errors import FileRefused, ScanFailed
from voting.guide.elections import Asking, Situation, shown, situations
from voting.login.errors import TooFast
from voting.login.paper import paper_deadlines
from voting.login.session import follow, followed, voter_of
from voting.login.throttle import excuse, require_pace, too_fast_page

View = Callable[..., HttpResponse]
FAULTS = (RequestInvalid, EvidenceMissing, ConditionNotMet, FileRefused, ScanFailed)
"""What the voter can mend."""


def personal(view: View) -> View:
    """A page with personal data: kept by no cache, and in no report about an error."""
    hidden: View = sensitive_post_parameters()(view)
    kept_nowhere: View = never_cache(hidden)
    return require_http_methods(["GET", "HEAD", "POST"])(kept_nowhere)


# Asking


@personal
def ask(request: HttpRequest, slug: str, code: str) -> HttpResponse:
    """The form for a request."""
    situation = _situation(slug, code)
    if situation is None:
        return _not_offered(request, slug)
    offer = situation.offer
    if (before := made_before(request.POST)) is not None:
        return _sent(request, before)
    if situation.asking != Asking.NOW:
        return _late(request, situation)
    if request.method != "POST":
        person = voter_of(request)
        empty = RequestForm(offer.category, initial=initial_of_person(person) if person else None)
        return _form_page(request, situation, empty)
    form = RequestForm(offer.category, request.POST, request.FILES)
    if not form.is_valid():
        return _form_page(request, situation, form)
    try:
        application = requests.submit(offer, form.request)
    except OutOfTime:
        return _late(request, situation)
    except NotOffered:
        return _not_offered(request, slug)
    except FAULTS as refusal:
        form.blame(refusal)
        return _form_page(request, situation, form)
    remember(request.POST, application)
    return _sent(request, application)


def _situation(slug: str, code: str) -> Situation | None:
    """What an election offers under this code, once its days are set."""
    election = shown().filter(slug=slug).first()
    offers = situations(election, timezone.now()) if election else []
    return next((one for one in offers if one.offer.category.code == code and one.dates), None)


def _form_page(request: HttpRequest, situation: Situation, form: RequestForm, **context: Any) -> HttpResponse:
    election = situation.offer.election
    given = {
        "form": form,
        "faults": form.faults() if form.is_bound else [],
        "files_again": bool(request.FILES),
        "once": request.POST.get("once") or new_token(),
        "situation": situation,
        "category": situation.offer.category,
        "hours": hours(situation.offer),
        "asks_health": situation.offer.category.confirm == Confirm.HEALTH,
        "election": election,
        "deadlines": paper_deadlines(election, timezone.now()),
    }
    return render(request, "apply/form.html", {**given, **context})


def _not_offered(request: HttpRequest, slug: str) -> HttpResponse:
    return render(request, "apply/not_offered.html", {"election": shown().filter(slug=slug).first()}, status=404)


def _late(request: HttpRequest, situation: Situation) -> HttpResponse:
    """Too late, or too early: what is left, and the way on paper (requirement 14)."""
    election, now = situation.offer.election, timezone.now()
    context = {
        "situation": situation,
        "early": situation.asking == Asking.EARLY,
        "alternatives": taking_requests(election, now),
        "election": election,
        "deadlines": paper_deadlines(election, now),
    }
    return render(request, "apply/late.html", context, status=409 if request.method == "POST" else 200)


def _sent(request: HttpRequest, application: Application) -> HttpResponse:
    follow(request, application)
    return redirect("apply:sent")


# Following


@personal
def find(request: HttpRequest) -> HttpResponse:
    """By reference and date of birth to the state of an application."""
    form = FindForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        try:
            require_pace(request, "status")
        except TooFast as refusal:
            return too_fast_page(request, refusal)
        if form.is_valid():
            application = look_up(form.cleaned_data["reference"], form.cleaned_data["birth"])
            if application is not None:
                excuse(request, "status")
                follow(request, application)
                return redirect("apply:status")
            form.add_error(None, _("No application was found with this reference and this date of birth."))
    return render(request, "apply/find.html", {"form": form, "faults": [*faults_of(form)]})


def _followed(view: View) -> View:
    """A page about the application that this browser follows, which the view gets; without one, to `find`."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        application = followed(request)
        return redirect("apply:find") if application is None else view(request, application)

    return personal(guarded)


@require_safe
@_followed
def sent(request: HttpRequest, application: Application) -> HttpResponse:
    """The reference of a request that was just sent, and what comes next."""
    context = {"application": application, "hours": hours(application.offer), "election": application.election}
    return render(request, "apply/sent.html", context)


@require_safe
@_followed
def status(request: HttpRequest, application: Application) -> HttpResponse:
    """Where an application stands (requirement 18). Nothing personal but the reference is on it."""
    state, offer, now = State(application.state), application.offer, timezone.now()
    voting_from, voting_until = hours(offer)
    context = {
        "application": application,
        "stands": STANDS[state],
        "taken": steps_taken(application),
        "to_come": TO_COME.get(state, ()),
        "hours": (voting_from, voting_until),
        "correct_until": windows(offer).online_until,
        "election": application.election,
        "can_correct": state == State.SENT_BACK and takes_requests(offer, now),
        "sent_back": state == State.SENT_BACK,
        "can_withdraw": state in OPEN,
        "can_vote": state == State.ISSUED and now <= voting_until,
        "unused": state == State.ISSUED and now > voting_until,
        "has_voted": state in HELD and state != State.ISSUED,
    }
    return render(request, "apply/status.html", context)


@_followed
def correct(request: HttpRequest, application: Application) -> HttpResponse:
    """The form again, as it was sent, with what an official asks to be corrected."""
    offer = application.offer
    situation = _situation(application.election.slug, offer.category.code)
    if application.state != State.SENT_BACK or situation is None or _of_another(request, application):
        return redirect("apply:status")
    if situation.asking != Asking.NOW:
        return _late(request, situation)
    kept = Counter(application.files.filter(deleted_at=None).values_list("kind", flat=True))
    context = {"application": application, "asked": application.changes.filter(event=Event.SEND_BACK).last()}
    if request.method != "POST":
        form = RequestForm(offer.category, initial=initial_of(application), kept=kept)
        return _form_page(request, situation, form, **context)
    form = RequestForm(offer.category, request.POST, request.FILES, kept=kept)
    if not form.is_valid():
        return _form_page(request, situation, form, **context)
    try:
        requests.correct(application, form.request)
    except OutOfTime:
        return _late(request, situation)
    except (NotOffered, WrongState):  # at this instant
        return redirect("apply:status")
    except FAULTS as refusal:
        form.blame(refusal)
        return _form_page(request, situation, form, **context)
    return redirect("apply:status")


def _of_another(request: HttpRequest, application: Application) -> bool:
    """Whether what is sent was meant for another application, which this browser followed when the page was made."""
    return request.method == "POST" and request.POST.get("reference") != application.reference


@_followed
def withdraw(request: HttpRequest, application: Application) -> HttpResponse:
    """Ask once more, then withdraw."""
    if application.state not in OPEN or _of_another(request, application):
        return redirect("apply:status")
    if request.method != "POST":
        return render(request, "apply/withdraw.html", {"application": application, "election": application.election})
    with suppress(WrongState):  # decided at this instant
        requests.withdraw(application)
    return redirect("apply:status")
