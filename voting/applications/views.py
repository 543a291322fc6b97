"""Pages and an API for those who confirm or file for others: health centres, heads of facilities, ships and units.

They see what they need for that and nothing else: no evidence, no roll, no other place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe
from rest_framework.authentication import SessionAuthentication
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request as ApiRequest
from rest_framework.response import Response
from rest_framework.views import APIView

from voting.access.services import log
from voting.applications import filing, review
from voting.applications.display import claimed_issuer, claimed_period, day_text, span_text
from voting.applications.errors import ClaimFault, RequestInvalid
from voting.applications.models import Application, Offer
from voting.applications.requests import needs_designation, subjects
from voting.applications.rules import Span
from voting.applications.spreadsheets import download, read_rows
from voting.applications.states import State
from voting.eras import parse_date
from voting.errors import NotPermitted, VotingError
from voting.officials.models import Office, Official
from voting.officials.roles import Act
from voting.officials.services import designated_on, may, offices_where
from voting.officials.site import offices_or_deny, official_of, page

ROWS_ON_A_PAGE = 10
ANSWERS = {"yes": True, "はい": True, "no": False, "いいえ": False}
ANSWER_COLUMNS = ("reference", "confirmed", "from", "until")


@dataclass(frozen=True)
class Answer:
    """What an authority or head says about one application."""

    application: Application
    confirmed: bool
    starts: date | None = None
    ends: date | None = None

    def give(self, by: Official) -> None:
        """Raises as `review.confirm`."""
        review.confirm(self.application, by=by, confirmed=self.confirmed, starts=self.starts, ends=self.ends)


@dataclass(frozen=True)
class Question:
    """An application that waits for a confirmation, with the period as claimed."""

    application: Application
    birth: str
    issuer: str
    period: str
    starts: str
    ends: str

    @classmethod
    def about(cls, application: Application) -> Question:
        """What is asked; a period without a known end is taken to last through election day."""
        claimed = claimed_period(application) or Span(None, None)
        ends = claimed.end or application.election.election_day
        return cls(
            application,
            day_text(application.birth),
            claimed_issuer(application),
            span_text(claimed.start, claimed.end) if claimed.start else "",
            claimed.start.isoformat() if claimed.start else "",
            ends.isoformat() if ends else "",
        )


def confirms_or_files(official: Any) -> bool:
    """Whether these pages are for this person."""
    if not isinstance(official, Official):
        return False
    return any(offices_where(official, act).exists() for act in (Act.CONFIRM_ISOLATION, Act.FILE_FOR_OTHERS))


def entrance(request: HttpRequest) -> HttpResponse:
    """To the one page that is for this person; with several places, a list of them."""
    by = official_of(request)
    if offices_where(by, Act.CONFIRM_ISOLATION).exists():
        return HttpResponseRedirect(reverse("admin:applications_confirmation_waiting"))
    places = list(offices_or_deny(request, Act.FILE_FOR_OTHERS))
    if len(places) == 1:
        return _to_place(places[0])
    return show(request, "attest/places.html", title=_("Your places"), places=places)


def show(request: HttpRequest, template: str, status: int = 200, *, title: str, **context: Any) -> HttpResponse:
    """A page of the officials' site, with the status that fits what it answers."""
    response = page(request, template, title, **context)
    response.status_code = status
    return response


def _to_place(place: Office) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:applications_confirmation_place", args=[place.pk]))


def refused_status(error: VotingError) -> int:
    """200 for a form that is to be filled in better, 409 for what cannot happen now. Raises PermissionDenied."""
    if isinstance(error, NotPermitted):
        raise PermissionDenied(error.reason) from error
    return 200 if isinstance(error, RequestInvalid) else 409


# Health centres


def _health_offices(request: HttpRequest) -> list[Office]:
    return list(offices_or_deny(request, Act.CONFIRM_ISOLATION))


def _waiting(request: HttpRequest, purpose: str) -> list[Application]:
    """What waits for this person's health centres, on the record."""
    by, found = official_of(request), []
    for office in _health_offices(request):
        waiting = list(review.to_confirm(by, office))
        log(by, office, Act.CONFIRM_ISOLATION, purpose, [key for one in waiting for key in subjects(one)])
        found += waiting
    return found


@require_safe
def to_confirm(request: HttpRequest) -> HttpResponse:
    """What waits for a confirmation of isolation, one tap each."""
    return _confirm_page(request)


def _confirm_page(
    request: HttpRequest, status: int = 200, faults: Iterable[ClaimFault] = (), attempted: int | None = None
) -> HttpResponse:
    return show(
        request,
        "confirm/waiting.html",
        status,
        title=_("Confirm isolation"),
        questions=[Question.about(one) for one in _waiting(request, _("list to confirm"))],
        faults=list(faults),
        attempted=attempted,
        entered=request.POST,
    )


@require_POST
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Yes with the period, or no; for a health centre and for the head of a place."""
    by, application = official_of(request), _asked(request, pk)
    try:
        _answer_of(application, request.POST).give(by)
    except VotingError as error:
        return _answer_again(request, application, refused_status(error), _faults(error))
    messages.success(request, _("%(reference)s: recorded.") % {"reference": application.reference})
    if application.office is not None and _is_place(by, application.office):
        return _to_place(application.office)
    return HttpResponseRedirect(reverse("admin:applications_confirmation_waiting"))


def _asked(request: HttpRequest, pk: int) -> Application:
    """An application that one of this person's offices is, or was, asked about. Raises PermissionDenied, Http404."""
    mine = offices_or_deny(request, Act.CONFIRM_ISOLATION, Act.FILE_FOR_OTHERS)
    rows = Application.objects.filter(office__in=mine).select_related("office", "offer__category", "election")
    return get_object_or_404(rows, pk=pk)


def _is_place(by: Official, office: Office) -> bool:
    return may(by, Act.FILE_FOR_OTHERS, office)


def _answer_again(
    request: HttpRequest, application: Application, status: int, faults: Iterable[ClaimFault]
) -> HttpResponse:
    if application.office is not None and _is_place(official_of(request), application.office):
        return _place_page(request, application.office, status, faults)
    return _confirm_page(request, status, faults, application.pk)


def _answer_of(application: Application, given: Mapping[str, Any]) -> Answer:
    """The answer in a form, a row of a table or a message. Raises RequestInvalid naming the field."""
    confirmed = ANSWERS.get(str(given.get("confirmed", "")).strip().lower())
    if confirmed is None:
        raise RequestInvalid([ClaimFault("confirmed", _("Answer yes or no."))], application.reference)
    if not confirmed:
        return Answer(application, False)
    days, faults = {}, []
    for name in ("from", "until"):
        try:
            days[name] = parse_date(str(given.get(name) or ""))
        except ValueError as error:
            faults.append(ClaimFault(name, str(error)))
    if faults:
        raise RequestInvalid(faults, application.reference)
    return Answer(application, True, days["from"], days["until"])


def _faults(error: VotingError) -> list[ClaimFault]:
    return list(error.faults) if isinstance(error, RequestInvalid) else [ClaimFault("", error.reason)]


# Many at once


@require_GET
def waiting_csv(request: HttpRequest) -> HttpResponse:
    """What waits, as a table to fill in and send back."""
    return download("confirmations.csv", _csv_rows(_waiting(request, _("table to confirm"))))


def _csv_rows(waiting: Iterable[Application]) -> Iterator[list[str]]:
    yield ["reference", "name", "birth", "issuer", "confirmed", "from", "until"]
    for question in map(Question.about, waiting):
        one = question.application
        yield [one.reference, one.name, one.birth.isoformat(), question.issuer, "", question.starts, question.ends]


@require_POST
def upload_answers(request: HttpRequest) -> HttpResponse:
    """The table that was filled in: all of its answers, or none. Rows without an answer are left for later."""
    by, offices = official_of(request), _health_offices(request)
    columns = {name: name for name in ANSWER_COLUMNS}
    try:
        rows = read_rows(request.FILES.get("file"), columns, ANSWER_COLUMNS)
        given = _give_all([(number, cells) for number, cells in rows if cells["confirmed"]], offices, by)
    except VotingError as error:
        return _confirm_page(request, refused_status(error), _faults(error))
    messages.success(request, _("Answers recorded: %(count)d.") % {"count": given})
    return HttpResponseRedirect(reverse("admin:applications_confirmation_waiting"))


@transaction.atomic
def _give_all(rows: list[tuple[int, dict[str, str]]], offices: list[Office], by: Official) -> int:
    """Give every answer; how many. Raises RequestInvalid naming each bad row, and then none was given."""
    waiting = _locked(offices, {cells["reference"] for _number, cells in rows})
    faults = []
    for number, cells in rows:
        application = waiting.get(cells["reference"])
        if application is None:
            faults.append(ClaimFault(f"{number}: reference", _("Nothing with this reference waits for you.")))
            continue
        try:
            _answer_of(application, cells).give(by)
        except VotingError as error:
            faults += [ClaimFault(f"{number}: {fault.field}", fault.message) for fault in _faults(error)]
    if not rows:
        faults.append(ClaimFault("confirmed", _("No row has an answer.")))
    if faults:
        raise RequestInvalid(faults)
    return len(rows)


def _locked(offices: list[Office], references: set[str]) -> dict[str, Application]:
    """What waits, by reference: all locked before the first answer is logged, since the log's head stays locked."""
    rows = Application.objects.filter(office__in=offices, reference__in=references, state=State.TO_CONFIRM)
    return {row.reference: row for row in rows.select_for_update(of=("self",)).order_by("pk")}


# Heads of facilities, ships and units


def _place(request: HttpRequest, pk: int) -> Office:
    """A place of this person. Raises PermissionDenied without any, Http404 for somebody else's."""
    return get_object_or_404(offices_or_deny(request, Act.FILE_FOR_OTHERS), pk=pk)


@require_safe
def place(request: HttpRequest, pk: int) -> HttpResponse:
    """The state of the requests of a place, what it is asked to confirm, and what it can file for."""
    return _place_page(request, _place(request, pk))


def _place_page(
    request: HttpRequest, office: Office, status: int = 200, faults: Iterable[ClaimFault] = ()
) -> HttpResponse:
    by, now = official_of(request), timezone.now()
    applications = list(
        Application.objects.filter(office=office).select_related("offer__category", "election").order_by("name", "pk")
    )
    waiting = list(review.to_confirm(by, office))
    concerned = [key for one in applications for key in subjects(one)]
    log(by, office, Act.FILE_FOR_OTHERS, _("requests of the own place"), concerned)
    offers = filing.offers_for(office, now)
    return show(
        request,
        "attest/place.html",
        status,
        title=_("Requests of %(office)s") % {"office": office},
        office=office,
        applications=applications,
        questions=[Question.about(one) for one in waiting],
        offers=offers,
        undesignated=any(needs_designation(offer.category) for offer in offers)
        and designated_on(office, timezone.localdate(now)) is None,
        faults=list(faults),
        entered=request.POST,
    )


def _offer(office: Office, pk: int) -> Offer:
    found = next((offer for offer in filing.offers_for(office, timezone.now()) if offer.pk == pk), None)
    if found is None:
        raise Http404
    return found


def file_for_others(request: HttpRequest, pk: int, offer_pk: int) -> HttpResponse:
    """A form for several people, or a table of them: everybody is filed for, or nobody."""
    office = _place(request, pk)
    offer = _offer(office, offer_pk)
    if request.method != "POST":
        return _file_page(request, office, offer)
    by, sworn = official_of(request), request.POST.get("sworn") == "on"
    try:
        filed = filing.file(offer, _filled(request, offer), office=office, by=by, sworn=sworn)
    except VotingError as error:
        return _file_page(request, office, offer, refused_status(error), _faults(error))
    messages.success(request, _("Filed for %(count)d people.") % {"count": len(filed)})
    return _to_place(office)


def _filled(request: HttpRequest, offer: Offer) -> list[tuple[int, filing.Cells]]:
    """The rows with anything in them, from the table that was sent or from the form."""
    columns = filing.columns_of(offer.category)
    if "table" in request.POST:
        labels = {column.key: str(column.label) for column in columns}
        needed = [column.key for column in columns if column.needed]
        return list(read_rows(request.FILES.get("file"), labels, needed))
    rows: list[tuple[int, filing.Cells]] = []
    for number in range(1, ROWS_ON_A_PAGE + 1):
        cells = {column.key: request.POST.get(f"{number}.{column.key}", "") for column in columns}
        if any(text.strip() for text in cells.values()):
            rows.append((number, cells))
    return rows


def _file_page(
    request: HttpRequest, office: Office, offer: Offer, status: int = 200, faults: Iterable[ClaimFault] = ()
) -> HttpResponse:
    columns = filing.columns_of(offer.category)
    rows = [
        (
            number,
            [(column, f"{number}.{column.key}", request.POST.get(f"{number}.{column.key}", "")) for column in columns],
        )
        for number in range(1, ROWS_ON_A_PAGE + 1)
    ]
    return show(
        request,
        "attest/file.html",
        status,
        title=_("File requests: %(category)s") % {"category": offer.category},
        office=office,
        offer=offer,
        rows=rows,
        faults=list(faults),
        sworn=request.POST.get("sworn") == "on",
    )


@require_GET
def empty_sheet(request: HttpRequest, pk: int, offer_pk: int) -> HttpResponse:
    """A table with the right columns, to fill in."""
    offer = _offer(_place(request, pk), offer_pk)
    return download("requests.csv", [[str(column.label) for column in filing.columns_of(offer.category)]])


# For the health centres' own systems


class MayConfirm(BasePermission):
    """Who confirms isolation at some office."""

    def has_permission(self, request: ApiRequest, view: APIView) -> bool:
        return isinstance(request.user, Official) and offices_where(request.user, Act.CONFIRM_ISOLATION).exists()


class Confirmations(APIView):
    """GET: what waits. POST {"reference", "confirmed": "yes" or "no", "from", "until"}: one answer."""

    authentication_classes = (SessionAuthentication,)
    permission_classes = (MayConfirm,)
    renderer_classes = (JSONRenderer,)
    parser_classes = (JSONParser,)

    def get(self, request: ApiRequest) -> Response:
        waiting = map(Question.about, _waiting(request, _("list to confirm, by program")))
        return _never_stored([_record(question) for question in waiting])

    def post(self, request: ApiRequest) -> Response:
        given = request.data if isinstance(request.data, dict) else {}
        offices = offices_where(request.user, Act.CONFIRM_ISOLATION)
        application = Application.objects.filter(
            office__in=offices, reference=str(given.get("reference", ""))[:20].replace("\0", "")
        ).first()
        if application is None:
            return _never_stored({"code": "not-found", "reason": _("There is no such application.")}, 404)
        try:
            _answer_of(application, given).give(request.user)
        except NotPermitted as error:
            return _never_stored({"code": error.code, "reason": error.reason}, 403)
        except VotingError as error:
            faults = [{"field": fault.field, "message": fault.message} for fault in _faults(error)]
            status = 400 if isinstance(error, RequestInvalid) else 409
            return _never_stored({"code": error.code, "reason": error.reason, "faults": faults}, status)
        return _never_stored({"reference": application.reference, "recorded": True}, 201)


def _never_stored(data: Any, status: int = 200) -> Response:
    return Response(data, status=status, headers={"Cache-Control": "no-store"})


def _record(question: Question) -> dict[str, str]:
    one = question.application
    return {
        "reference": one.reference,
        "name": one.name,
        "birth": one.birth.isoformat(),
        "issuer": question.issuer,
        "from": question.starts,
        "until": question.ends,
    }
