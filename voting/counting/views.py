"""The control room of a count, and the decisions about written names."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from verifier.record.entries import Type
from verifier.record.manifest import Kind
from voting.board.models import BoardEntry
from voting.counting import control, tasks
from voting.counting.adjudication import adjudicated, ask_to_adjudicate, rulings_of, standing, written
from voting.counting.forms import ReasonForm, RulingForm, lines
from voting.counting.models import Ground, WriteInDecision
from voting.elections.models import Contest, Election
from voting.errors import VotingError
from voting.officials.models import Official
from voting.officials.roles import Act
from voting.officials.services import may, may_approve
from voting.officials.site import attempt, official_of, offices_or_deny, page, refused
from voting.polls.stages import stage
from voting.polls.views import HANDLES

EVERY = 5
"""seconds after which the control room looks again"""
PER_PAGE = 100
"""texts on a page: fields of a form are limited"""


def _election(request: HttpRequest, slug: str, *acts: Act) -> Election:
    """An election of an office at which whoever is logged in may perform one of the acts."""
    return get_object_or_404(Election, slug=slug, office__in=offices_or_deny(request, *acts))


def _may(official: Official, act: Act, election: Election) -> bool:
    return election.office is not None and may(official, act, election.office)


# The control room


@require_GET
@never_cache
def room(request: HttpRequest, slug: str) -> HttpResponse:
    """Where the count stands, what is next and who does it; who took part; what waits for two people."""
    election = _election(request, slug, Act.VIEW_COUNTING)
    official = official_of(request)
    return page(
        request,
        "admin/counting/room.html",
        _("Control room: %(election)s") % {"election": election},
        **_live(election, official),
        **_to_do(election, official),
        by_category=control.turnout_by_category(election),
        by_area=control.turnout_by_area(election),
        names=control.undecided_names(election),
        published=BoardEntry.objects.filter(election=election, type=Type.RESULT).exists(),
        prorates=_may(official, Act.PRORATE, election),
        every=EVERY,
    )


@require_GET
@never_cache
def live(request: HttpRequest, slug: str) -> HttpResponse:
    """The parts of the control room that change, for its program; what is to do only if it is not what `key` says."""
    election = _election(request, slug, Act.VIEW_COUNTING)
    official = official_of(request)
    context = _live(election, official)
    if request.GET.get("key") != context["key"]:
        context |= _to_do(election, official)
    return render(request, "admin/counting/live.html", context)


def _live(election: Election, official: Official) -> dict[str, Any]:
    return {
        "election": election,
        "stage": stage(election),
        "room": control.room(election),
        "goes_on": any(_may(official, act, election) for act in HANDLES),
        "key": control.key_of(election, official),
    }


def _to_do(election: Election, official: Official) -> dict[str, Any]:
    return {
        "askings": control.askings(election, official),
        "handles": any(_may(official, act, election) for act in HANDLES),
    }


@require_POST
def go_on(request: HttpRequest, slug: str) -> HttpResponse:
    """Have the count go on with whatever can be done now: again is no harm."""
    election = _election(request, slug, *HANDLES)
    attempt(request, lambda: tasks.start(election), _("The count goes on with what can be done now."))
    return redirect("counting:room", slug)


# Written names


def _contest(request: HttpRequest, slug: str, identifier: str, *acts: Act) -> Contest:
    election = _election(request, slug, *acts)
    return get_object_or_404(election.contests, identifier=identifier, kind=Kind.TEXT)


@require_GET
@never_cache
def write_ins(request: HttpRequest, slug: str, contest: str) -> HttpResponse:
    """The texts of a contest, and what is decided about them."""
    return _names_page(request, _contest(request, slug, contest, Act.VIEW_COUNTING))


def _names_page(request: HttpRequest, contest: Contest, sent: Any = None, status: int = 200) -> HttpResponse:
    election, official = contest.election, official_of(request)
    try:
        found = _names(request, contest, sent)
    except VotingError as error:
        refused(request, error)
        return redirect("counting:room", election.slug)
    asked = control.waiting(Act.ADJUDICATE, contest)
    answer = page(
        request,
        "admin/counting/write_ins.html",
        _("Written names: %(contest)s") % {"contest": contest.title},
        election=election,
        contest=contest,
        **found,
        proposal=asked,
        asked=[(one, Ground(one.ground).label if one.ground else "") for one in rulings_of(asked)] if asked else [],
        decides=asked is not None and asked.requested_by != official and may_approve(official, Act.ADJUDICATE, asked.office),
        asks=_may(official, Act.ADJUDICATE, election) and asked is None,
        reason=ReasonForm(sent),
    )
    answer.status_code = status
    return answer


def _names(request: HttpRequest, contest: Contest, sent: Any) -> dict[str, Any]:
    texts = written(contest.election, contest.identifier)
    counted = adjudicated(contest.election, contest.identifier)
    return {
        "lines": _page_of(request, texts, contest, sent),
        "counted": counted,
        "invalid": [(Ground(ground).label, votes) for ground, votes in counted.invalid.items()],
        "undecided": sum(counted.undecided.values()),
        "decided": WriteInDecision.objects.filter(contest=contest).select_related(
            "proposal__requested_by", "proposal__decided_by"
        ),
    }


def _page_of(request: HttpRequest, texts: dict[str, int], contest: Contest, sent: Any) -> Page[RulingForm]:
    found = lines(texts, standing(contest), sent)
    return Paginator(found, PER_PAGE).get_page(request.GET.get("page"))


@require_POST
def ask_about_names(request: HttpRequest, slug: str, contest: str) -> HttpResponse:
    """Ask to decide about the texts of the page as its lines say."""
    row = _contest(request, slug, contest, Act.ADJUDICATE)
    official, reason = official_of(request), ReasonForm(request.POST)
    try:
        texts = written(row.election, row.identifier)
        forms = list(_page_of(request, texts, row, request.POST))
        if not all([reason.is_valid(), *(form.is_valid() for form in forms)]):
            return _names_page(request, row, request.POST, status=400)
        rulings = [ruling for form in forms if (ruling := form.ruling())]
        ask_to_adjudicate(row, rulings, by=official, reason=reason.cleaned_data["reason"])
    except VotingError as error:
        refused(request, error)
        return redirect("counting:write-ins", slug, contest)
    attempt(request, lambda: None, _("Asked. A counting witness decides."))
    return redirect("counting:write-ins", slug, contest)
