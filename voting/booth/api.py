"""What the booth's pages ask the server, as JSON: all for the voter who is logged in, nothing about a choice.

    POST /vote/SLUG/slot/      {}                                → where this voter stands
    POST /vote/SLUG/register/  {credential}                      → {body}: what the device signs
                               {credential, signature}           → {slot} or {waiting: true}
    POST /vote/SLUG/tracker/   {tracker, assisted, proxy}        → {receipt, missing}
    POST /vote/SLUG/cast/      {ballot, signature}               → a receipt
    POST /vote/SLUG/open/      {ballot, seed, signature}         → a receipt
    POST /vote/SLUG/outcome/   {tracker}                         → {outcome, receipt, missing}

Bytes are base64url. A refusal is application/problem+json with `code` and `detail`, a sentence for the voter.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from verifier.errors import BadInteger, NotCanonical
from verifier.record import schema
from verifier.record.canonical import decode
from voting.applications.models import Application
from voting.board.services import TRACKER_BYTES
from voting.booth import presence, services
from voting.booth.errors import BallotInvalid, LoginNeeded
from voting.booth.registration import register_device, registration
from voting.credentials.errors import NoBallot
from voting.credentials.services import KEY_BYTES
from voting.elections.models import Election
from voting.errors import BoardInconsistent, BoardKeyUnusable, KeyUnusable, VotingError
from voting.login.services import ballot_of
from voting.login.session import application_of, fresh
from voting.problems import problem

MAX_BYTES: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
MAX_DEPTH = 12
STATUS = {
    "login-required": 401,
    "no-ballot": 403,
    "not-permitted": 403,
    "two-person-required": 403,
    "not-registered": 409,
    "already-bound": 409,
    "outside-hours": 409,
    "election-closed": 409,
    "stale-sequence": 409,
    "voted-already": 409,
    "opened-already": 409,
    "cast-already": 409,
    "proof-invalid": 422,
    "slow-down": 429,
}
OURS = (BoardInconsistent, BoardKeyUnusable, KeyUnusable)
"""What the voter cannot mend: 503, and to be tried again."""

Answer = Callable[[Application, dict[str, Any], datetime], dict[str, Any]]


def asked(view: Answer) -> Callable[[HttpRequest, str], HttpResponse]:
    """A question of a logged-in voter: the body is read whole before the clock is looked at, once."""

    @never_cache
    @require_POST
    @wraps(view)
    def answer(request: HttpRequest, slug: str) -> HttpResponse:
        try:
            question = _question(request)
            received = timezone.now()
            return JsonResponse(view(_voter(request, slug), question, received))
        except VotingError as refusal:
            return _refused(refusal)

    return answer


def _refused(refusal: VotingError) -> HttpResponse:
    status = 503 if isinstance(refusal, OURS) else STATUS.get(refusal.code, 400)
    detail = _("The server cannot do this now: try again in a minute.") if status == 503 else refusal.reason
    if isinstance(refusal, BallotInvalid):
        return problem(status, refusal.code, detail, check=refusal.check)
    return problem(status, refusal.code, detail)


def _question(request: HttpRequest) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise BallotInvalid(_("JSON was expected."), "request", services.CANONICAL)
    length = int(request.headers.get("Content-Length") or 0)
    if length > MAX_BYTES:
        raise BallotInvalid(_("This is larger than any ballot."), "request", services.CANONICAL)
    try:
        question = decode(request.body, MAX_BYTES, MAX_DEPTH)
    except (NotCanonical, BadInteger) as refusal:
        raise BallotInvalid(str(refusal), "request", services.CANONICAL) from None
    if not isinstance(question, dict):
        raise BallotInvalid(_("An object was expected."), "request", services.CANONICAL)
    return question


def _voter(request: HttpRequest, slug: str) -> Application:
    election = Election.objects.filter(slug=slug, office__isnull=False).first()
    application = ballot_of(request, election) if election else None
    known = application_of(request)
    if application is None and known is not None and election and known.election_id == election.pk:
        raise NoBallot(_("Your online ballot is not valid any more: it was cancelled, or the polls are closed."))
    if application is None or not fresh(request):
        raise LoginNeeded(_("Log in again: a login lasts half an hour."))
    return application


def _fields(question: dict[str, Any], **shapes: schema.Shape) -> dict[str, Any]:
    try:
        return schema.record(question, "request", **shapes)
    except (NotCanonical, BadInteger) as refusal:
        raise BallotInvalid(str(refusal), "request", services.CANONICAL) from None


@asked
def slot(application: Application, question: dict[str, Any], received: datetime) -> dict[str, Any]:
    """Where this voter stands: registered or not, and what the next ballot needs."""
    _fields(question)
    return registration(application)


@asked
def register(application: Application, question: dict[str, Any], received: datetime) -> dict[str, Any]:
    """Begin, and then finish, to bind the device to the voter's slot."""
    credential = schema.octets(KEY_BYTES)
    if "signature" not in question:
        fields = _fields(question, credential=credential)
        return register_device(application, fields["credential"])
    fields = _fields(question, credential=credential, signature=schema.octets(services.SIGNATURE_BYTES))
    return register_device(application, fields["credential"], fields["signature"])


@asked
def tracker(application: Application, question: dict[str, Any], received: datetime) -> dict[str, Any]:
    """Say which ballot was sealed, before anybody knows whether it will be handed in or opened."""
    shapes = {"tracker": schema.octets(TRACKER_BYTES), "assisted": schema.boolean, "proxy": schema.text(100)}
    fields = _fields(question, **shapes)
    services.require_pace(application)
    receipt = services.acknowledge(application, fields["tracker"])
    missing = presence.note_sealed(application, fields["tracker"], assisted=fields["assisted"], proxy=fields["proxy"])
    return {"receipt": receipt, "missing": _named(missing)}


@asked
def cast(application: Application, question: dict[str, Any], received: datetime) -> dict[str, Any]:
    """Hand in a sealed ballot."""
    fields = _fields(question, ballot=schema.anything, signature=schema.octets(services.SIGNATURE_BYTES))
    return services.cast(application, fields["ballot"], fields["signature"], received=received)


@asked
def open_ballot(application: Application, question: dict[str, Any], received: datetime) -> dict[str, Any]:
    """Open a sealed ballot as a test."""
    shapes = {"ballot": schema.anything, "seed": schema.octets(32)}
    fields = _fields(question, **shapes, signature=schema.octets(services.SIGNATURE_BYTES))
    return services.open_ballot(application, fields["ballot"], fields["seed"], fields["signature"], received=received)


@asked
def outcome(application: Application, question: dict[str, Any], received: datetime) -> dict[str, Any]:
    """What became of a ballot whose answer was lost on the way, and who still has to confirm."""
    fields = _fields(question, tracker=schema.octets(TRACKER_BYTES))
    found = services.outcome(application, fields["tracker"])
    return {**found, "missing": _named(presence.missing(application, fields["tracker"]))}


def _named(parts: list[presence.Part]) -> list[dict[str, str]]:
    return [{"part": part.value, "name": str(part.label)} for part in parts]
