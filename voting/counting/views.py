"""The control room of a count, the decisions about written names, and dividing votes for a shared name."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from verifier.record.entries import Type
from verifier.record.manifest import Kind
from voting.board.models import BoardEntry
from voting.counting import control, tasks
from voting.counting.adjudication import adjudicated, ask_to_adjudicate, rulings_of, standing, written
from voting.counting.forms import ReasonForm, RulingForm, lines
from voting.counting.models import Ground, WriteInDecision
from voting.counting.sharing import FEWEST, TOO_FEW, SharingForm, areas, contests, namesakes
from voting.elections.models import Contest, Election
from voting.errors import VotingError
from voting.officials.models import Official
from voting.officials.roles import Act
from voting.officials.services import may, may_approve
from voting.officials.site import attempt, offices_or_deny, official_of, page, refused
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
    own = asked is not None and asked.requested_by == official
    answer = page(
        request,
        "admin/counting/write_ins.html",
        _("Written names: %(contest)s") % {"contest": contest.title},
        election=election,
        contest=contest,
        **found,
        proposal=asked,
        asked=[(one, Ground(one.ground).label if one.ground else "") for one in rulings_of(asked)] if asked else [],
        decides=asked is not None and not own and may_approve(official, Act.ADJUDICATE, asked.office),
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
    try:
        _ask(request, row)
    except VotingError as error:
        refused(request, error)
    except FormFaulty:
        messages.error(request, _("Something is missing in a line below."))
    else:
        messages.success(request, _("Asked. A counting witness decides."))
        return redirect("counting:write-ins", slug, contest)
    return _names_page(request, row, request.POST, status=400)


class FormFaulty(Exception):
    """A line of the form says by itself what is wrong with it."""


def _ask(request: HttpRequest, contest: Contest) -> None:
    reason = ReasonForm(request.POST)
    forms = list(_page_of(request, written(contest.election, contest.identifier), contest, request.POST))
    if not all([reason.is_valid(), *(form.is_valid() for form in forms)]):
        raise FormFaulty
    rulings = [ruling for form in forms if (ruling := form.ruling())]
    ask_to_adjudicate(contest, rulings, by=official_of(request), reason=reason.cleaned_data["reason"])


# Votes for a shared name


@require_http_methods(["GET", "POST"])
@never_cache
def proration(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose a contest, the candidates who bear the name, type in the votes on paper, and print. Nothing is stored."""
    election = _election(request, slug, Act.PRORATE)
    sent = request.POST or request.GET
    possible = contests(election)
    contest = next((one for one in possible if one.identifier == sent.get("contest")), None)
    found: dict[str, Any] = _sharing(request, contest, sent) if contest else {}
    answer = page(
        request,
        "admin/counting/proration.html",
        _("Divide votes for a shared name (按分)"),
        election=election,
        contests=possible,
        contest=contest,
        **found,
    )
    answer.status_code = 400 if found.get("problem") or (form := found.get("form")) and form.errors else 200
    return answer


def _sharing(request: HttpRequest, contest: Contest, sent: QueryDict) -> dict[str, Any]:
    candidates = list(contest.candidates.all())
    chosen = [one for one in candidates if one.identifier in sent.getlist("candidate")]
    found: dict[str, Any] = {
        "candidates": candidates,
        "chosen": chosen,
        "namesakes": namesakes(candidates),
        "areas": areas(contest.election, contest),
    }
    if "candidate" not in sent and "choose" not in sent:
        return found
    if len(chosen) < FEWEST:
        return {**found, "problem": TOO_FEW}
    form = SharingForm(found["areas"], chosen, request.POST or None)
    return {**found, "form": form, "shared": form.shared() if form.is_valid() else []}
