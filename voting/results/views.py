"""The public pages of a count and its result, and what can be downloaded. Nobody is asked who they are.

What is shown is on the board; the plaintexts are there from the opening on, but a result is what officials have signed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from verifier import PROTOCOL
from voting.board.archive import open_kept
from voting.elections.models import Election, ElectionKind
from voting.errors import NotOnBoard, VotingError
from voting.problems import problem
from voting.results.downloads import csv_of, json_of
from voting.results.figures import result_of
from voting.results.report import covers_everything, latest_report
from voting.results.standing import Phase, phase_of, standing

logger = logging.getLogger(__name__)
P = ParamSpec("P")

_GROUPS = (
    ("V1", gettext_lazy("Completeness: nothing is missing")),
    ("V2", gettext_lazy("Authenticity: those who signed were entitled to")),
    ("V3", gettext_lazy("Consistency: everything fits together")),
    ("V4", gettext_lazy("Integrity: nothing is malformed")),
    ("V5", gettext_lazy("Evidence: every proof holds")),
)
UNKEPT = {"Cache-Control": "no-store"}
revalidated = cache_control(no_cache=True)
"""May be kept, but is asked for each time; mostly the answer is that nothing has changed."""


@require_safe
@revalidated
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Where the count stands, or the result. Without JavaScript it is reloaded by hand."""
    return _render(request, "results/page.html", slug)


@require_safe
@revalidated
@conditional_page
def progress(request: HttpRequest, slug: str) -> HttpResponse:
    """The part of that page that changes, for its program to put in place."""
    return _render(request, "results/count.html", slug)


def _render(request: HttpRequest, template: str, slug: str) -> HttpResponse:
    election = _election(slug)
    try:
        told = _told(election)
    except VotingError as error:
        logger.error("results: %s, %s", error.code, error)  # may name files of the server
        return render(request, template, {"election": election, "phase": "unavailable"}, status=503)
    return render(request, template, {"election": election, "public": _is_public(election), **told})


def _told(election: Election) -> dict[str, Any]:
    phase = phase_of(election)
    if phase == Phase.PUBLISHED:
        return {"phase": phase, "result": result_of(election)}
    return {"phase": phase, "standing": standing(election) if phase == Phase.COUNTING else None}


def _is_public(election: Election) -> bool:
    """Whether others vote on paper, so that what is counted here is a part only."""
    return election.kind != ElectionKind.ASSOCIATION


def _downloaded(
    view: Callable[Concatenate[HttpRequest, Election, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, str, P], HttpResponseBase]:
    """What is not there yet is a sentence; what is wrong with the server is told to the server only."""

    @require_safe
    @revalidated
    @wraps(view)
    def answer(request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        election = _election(slug)
        try:
            return view(request, election, *args, **kwargs)
        except NotOnBoard as refusal:
            return problem(404, refusal.code, str(refusal), UNKEPT)
        except VotingError as refusal:
            logger.error("results: %s, %s", refusal.code, refusal)
            return problem(503, refusal.code, _("the board cannot answer at present"), UNKEPT)

    return answer


@_downloaded
@conditional_page
def result_json(request: HttpRequest, election: Election) -> HttpResponse:
    """The result for programs; its members: docs/results.md."""
    return _attached(json_of(election), "application/json", f"{election.slug}-result.json")


@_downloaded
@conditional_page
def result_csv(request: HttpRequest, election: Election) -> HttpResponse:
    """The result for spreadsheets."""
    return _attached(csv_of(election), "text/csv; charset=utf-8", f"{election.slug}-result.csv")


def _attached(data: bytes, content_type: str, name: str) -> HttpResponse:
    return HttpResponse(
        data, content_type=content_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@_downloaded
def archive(request: HttpRequest, election: Election) -> HttpResponseBase:
    """Everything that an observer needs, in one file."""
    found, file = open_kept(election)
    etag = quote_etag(found.tag)
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged is not None:
        file.close()
        return unchanged
    response = FileResponse(file, as_attachment=True, filename=f"{election.slug}.zip", content_type="application/zip")
    response["ETag"] = etag
    return response


@require_safe
@revalidated
def verification(request: HttpRequest, slug: str) -> HttpResponse:
    """What our own verifier said of the archive."""
    election = _election(slug)
    report = latest_report(election)
    context = {
        "election": election,
        "report": report,
        "whole": report is not None and covers_everything(report),
        "unwitnessed": report is not None and report.only_unwitnessed,
        "groups": _by_group(report.report["checks"]) if report is not None else [],
        "protocol": PROTOCOL,
    }
    return render(request, "results/verification.html", context)


def _by_group(checks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    groups = ((code, title, [check for check in checks if check["check"].startswith(code)]) for code, title in _GROUPS)
    return [{"code": code, "title": title, "checks": found} for code, title, found in groups]


@_downloaded
def verification_json(request: HttpRequest, election: Election) -> HttpResponse:
    """The same for programs, as `python -m verifier verify --json` writes it."""
    report = latest_report(election)
    if report is None:
        raise NotOnBoard(_("there is no report yet"), election.slug)
    return JsonResponse(report.report, json_dumps_params={"ensure_ascii": False})


def _election(slug: str) -> Election:
    """With its office. Raises Http404 until the manifest is on the board."""
    found = Election.objects.filter(slug=slug, manifest_hash__isnull=False).select_related("office").first()
    if found is None:
        raise Http404
    return found
