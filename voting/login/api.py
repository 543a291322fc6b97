"""Login by a device, for the booth's program. Both addresses take JSON, and the CSRF token in the header.

    POST /login/device/challenge/  {"election"}                                    → {"nonce"}
    POST /login/device/            {"election", "credential", "signature", "birth"} → {}

`election` is a slug; `nonce`, `credential` and `signature` are unpadded base64url; `birth` is 1950-4-1, or S25-4-1 by
era. What is signed: `device.message`. A refusal is application/problem+json with `code` and `detail`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from voting.elections.models import Election
from voting.errors import NotOnBoard, VotingError
from voting.login import device
from voting.login.errors import TooFast
from voting.login.session import log_in_with_ballot
from voting.login.throttle import excuse, require_pace
from voting.problems import problem

CHALLENGE, DEVICE = "challenge", "device"


def told(view: Callable[[HttpRequest], dict[str, str]]) -> Callable[[HttpRequest], HttpResponse]:
    """The view's answer, or why not."""

    @never_cache
    @require_POST
    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        try:
            return JsonResponse(view(request))
        except TooFast as refusal:
            return problem(429, refusal.code, refusal.reason, {"Retry-After": str(refusal.wait)})
        except NotOnBoard as refusal:
            return problem(404, refusal.code, refusal.reason)
        except VotingError as refusal:
            return problem(400, refusal.code, refusal.reason)

    return answer


@told
def challenge(request: HttpRequest) -> dict[str, str]:
    """A number to sign, kept in the session of whoever asks."""
    require_pace(request, CHALLENGE)
    return {"nonce": device.challenge(request, _election(device.read_election(request.body)))}


@told
@sensitive_variables()
def log_in(request: HttpRequest) -> dict[str, str]:
    """Log in the voter whose device it is, in a new session."""
    require_pace(request, DEVICE)
    claim = device.read_claim(request.body)
    election = _election(claim.election)
    nonce = device.take_challenge(request, election)
    application = device.require_holder(election, claim, nonce)
    excuse(request, CHALLENGE)
    excuse(request, DEVICE)
    log_in_with_ballot(request, application)
    return {}


def _election(slug: str) -> Election:
    """Raises NotOnBoard, which says nothing about elections that are still being prepared."""
    found = Election.objects.filter(slug=slug, manifest_hash__isnull=False).first() if slug.isprintable() else None
    if found is None:
        raise NotOnBoard("there is no such election")
    return found
