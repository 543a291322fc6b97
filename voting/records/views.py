"""The pages of the records: what to print, what to export, and the seal."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from voting.access.services import log
from voting.elections.models import District, Election
from voting.errors import NotPermitted, VotingError
from voting.officials.roles import Act
from voting.officials.services import may, require
from voting.officials.site import official_of, page
from voting.records import csvs, exports, seal
from voting.records.documents import BY_DISTRICT, PERSONAL, tables
from voting.records.models import Document, Part, Seal
from voting.records.pages import pieces

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def for_officials(view: View[P]) -> View[P]:
    """Who is logged in; a refusal is a page of its own, and nothing of it is kept by a browser."""

    @never_cache
    @login_required
    @wraps(view)
    def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except NotPermitted as error:
            raise PermissionDenied(str(error)) from error
        except VotingError as error:
            refusal = page(request, "records/refused.html", _("This cannot be done"), error=error, slug=kwargs["slug"])
            refusal.status_code = 409
            return refusal.render()

    return answer


def _election(request: HttpRequest, slug: str) -> Election:
    """An election whose records this person may print. Raises Http404, NotPermitted."""
    election = get_object_or_404(Election.objects.select_related("office"), slug=slug)
    require(official_of(request), Act.VIEW_RECORDS, exports.office_of(election))
    return election


def _document(request: HttpRequest, election: Election, value: str) -> Document:
    """Raises Http404, NotPermitted."""
    try:
        document = Document(value)
    except ValueError:
        raise Http404(value) from None
    require(official_of(request), _act(document), exports.office_of(election))
    return document


def _act(document: Document) -> Act:
    """The register says why each voter cannot come to the polls, illness or custody: polling stations need not know."""
    return Act.VIEW_REGISTER if document is Document.REGISTER else Act.VIEW_RECORDS


@for_officials
@require_GET
def index(request: HttpRequest, slug: str) -> HttpResponse:
    """Every document, whether the numbers agree, and the seal."""
    election = _election(request, slug)
    official, office = official_of(request), exports.office_of(election)
    return page(
        request,
        "records/index.html",
        _("Records of %(election)s") % {"election": election.title},
        election=election,
        documents=[(document, document in PERSONAL) for document in Document if may(official, _act(document), office)],
        parts=[_sealing(election, part) for part in Part],
        may_seal=may(official, Act.SEAL_RECORDS, office),
        may_export=may(official, Act.EXPORT_PERSONAL_DATA, office),
        usable={proposal.payload["document"] for proposal in exports.usable(election, official)},
    )


def _sealing(election: Election, part: Part) -> dict[str, Any]:
    """A part of the records: its seal, or what stands against one."""
    sealed = _seals(election).filter(part=part).first()
    return {"part": part, "seal": sealed, "problems": [] if sealed else seal.seal_problems(election, part)}


def _seals(election: Election) -> QuerySet[Seal]:
    return Seal.objects.filter(election=election).select_related("proposal__requested_by", "proposal__decided_by")


@for_officials
@require_GET
def document(request: HttpRequest, slug: str, document: str) -> HttpResponseBase:
    """A document to print, or the list of voting districts where there is one for each."""
    election = _election(request, slug)
    wanted = _document(request, election, document)
    if wanted in BY_DISTRICT:
        return page(request, "records/districts.html", wanted.label, election=election, document=wanted)
    return _printed(request, wanted, election)


@for_officials
@require_GET
def district_document(request: HttpRequest, slug: str, document: str, district: int) -> HttpResponseBase:
    """A voting district's document to print."""
    election = _election(request, slug)
    wanted = _document(request, election, document)
    if wanted not in BY_DISTRICT:
        raise Http404(document)
    return _printed(request, wanted, election, get_object_or_404(District, election=election, pk=district))


def _printed(
    request: HttpRequest, document: Document, election: Election, district: District | None = None
) -> HttpResponseBase:
    parts = pieces(document, election, district)
    where = f", {district.name}" if district else ""
    # Before the first byte: a page that was broken off was seen all the same.
    exports.note(
        election,
        document,
        official_of(request),
        _act(document),
        _("printed: %(what)s") % {"what": f"{document.label}{where}"},
        district,
    )
    return StreamingHttpResponse(parts, content_type="text/html; charset=utf-8")


@for_officials
@require_http_methods(["GET", "POST"])
def table(request: HttpRequest, slug: str, document: str) -> HttpResponseBase:
    """A document as CSV, `encoding` being "utf-8" (if not given) or "cp932". With names in it: by POST, and once."""
    election = _election(request, slug)
    wanted = _document(request, election, document)
    encoding = (request.POST or request.GET).get("encoding", "utf-8")
    if encoding not in csvs.ENCODINGS:
        raise Http404(encoding)
    if (wanted in PERSONAL) is not (request.method == "POST"):
        raise Http404(document)
    csvs.require_mappable(tables(wanted, election), encoding)
    if wanted in PERSONAL:
        exports.use_approval(election, wanted, by=official_of(request))
    else:
        purpose = _("downloaded: %(what)s") % {"what": wanted.label}
        exports.note(election, wanted, official_of(request), Act.VIEW_RECORDS, purpose)
    lines = csvs.csv_bytes(tables(wanted, election), encoding)
    response = StreamingHttpResponse(lines, content_type=f"text/csv; charset={encoding}")
    response["Content-Disposition"] = f'attachment; filename="{election.slug}-{wanted.value}.csv"'
    return response


@for_officials
@require_POST
def ask_to_export(request: HttpRequest, slug: str, document: str) -> HttpResponse:
    """Ask a second person for the export of a document with names."""
    election = _election(request, slug)
    wanted = _document(request, election, document)
    reason = request.POST.get("reason", "").strip()
    if wanted not in PERSONAL:
        raise Http404(document)
    if not reason:
        messages.error(request, _("Give a reason."))
    else:
        exports.ask_to_export(election, wanted, by=official_of(request), reason=reason)
        messages.success(request, _("Asked for. A second official decides."))
    return redirect("records:index", slug=slug)


@for_officials
@require_POST
def ask_to_seal(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask a second person to seal a part of the records."""
    election = _election(request, slug)
    try:
        part = Part(request.POST.get("part", Part.VOTING))
    except ValueError:
        raise Http404("part") from None
    seal.ask_to_seal(election, by=official_of(request), reason=request.POST.get("reason", "").strip(), part=part)
    messages.success(request, _("Asked for. A second official decides."))
    return redirect("records:index", slug=slug)


@for_officials
@require_GET
def check_seal(request: HttpRequest, slug: str) -> HttpResponse:
    """Whether the records are still what was sealed, and in words what is not."""
    election = _election(request, slug)
    changes = seal.check_seal(election)
    log(official_of(request), exports.office_of(election), Act.VIEW_RECORDS, _("The seal was checked."))
    return page(
        request,
        "records/check.html",
        _("Seal of %(election)s") % {"election": election.title},
        election=election,
        changes=changes,
        seals=_seals(election).order_by("sealed_at"),
    )
