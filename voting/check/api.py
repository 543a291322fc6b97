"""The board for programs, ours in the browser among them: no login, no cookie, nothing about who asks.

    GET /board/SLUG/checkpoint              the latest signed note
    GET /board/SLUG/setup                   manifest, key and roll commitment
    GET /board/SLUG/entry/INDEX             any entry
    GET /board/SLUG/ballot/TRACKER          a ballot, and what became of it
    GET /board/SLUG/consistency/OLD/NEW     that the board only grew

What each answer holds: `voting.check.services`. A refusal is application/problem+json with `code` and `detail`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from verifier.errors import BadInteger
from verifier.record.canonical import decode_bytes
from voting.board.services import TRACKER_BYTES
from voting.check import services
from voting.elections.models import Election
from voting.errors import NotOnBoard, VotingError
from voting.problems import problem

logger = logging.getLogger(__name__)

FOR_EVER = "public, max-age=31536000, immutable"
A_DAY, A_MINUTE = "public, max-age=86400", "public, max-age=60"
"""A proof stays true, but its checkpoint does not stay the latest."""
NEVER = "no-store"
"""What changes; and which ballot somebody looked up is not to lie around on their device."""


UNKEPT = {"Cache-Control": NEVER}


def cached(how: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Cache-Control of a good answer to GET or HEAD; refusals are problems, and are never kept."""

    def around(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @require_safe
        @wraps(view)
        def answer(request: HttpRequest, slug: str, **asked: Any) -> HttpResponse:
            try:
                response = view(_election(slug), **asked)
            except NotOnBoard as refusal:
                return problem(404, refusal.code, str(refusal), UNKEPT)
            except BadInteger as refusal:
                return problem(400, "bad-integer", str(refusal), UNKEPT)
            except VotingError as refusal:
                logger.error("board: %s, %s", refusal.code, refusal)  # may name files of the server
                return problem(503, refusal.code, "the board cannot answer at present", UNKEPT)
            response["Cache-Control"] = how
            return response

        return answer

    return around


@cached(NEVER)
def checkpoint(election: Election) -> HttpResponse:
    """The latest signed note, as text."""
    return HttpResponse(services.current_checkpoint(election), content_type="text/plain; charset=utf-8")


@cached(A_MINUTE)
def setup(election: Election) -> HttpResponse:
    """What a booth and a check begin with."""
    return _json(services.setup(election))


@cached(A_DAY)
def entry(election: Election, index: int) -> HttpResponse:
    """An entry with its inclusion proof."""
    return _json(services.proven_entry(election, index))


@cached(NEVER)
def ballot(election: Election, tracker: str) -> HttpResponse:
    """A ballot with its inclusion proof and status; `tracker` is 43 characters of base64url."""
    return _json(services.ballot_entry(election, decode_bytes(tracker, TRACKER_BYTES)))


@cached(FOR_EVER)
def consistency(election: Election, old: int, new: int) -> HttpResponse:
    """A consistency proof between two sizes of the board."""
    return _json(services.consistency(election, old, new))


def _election(slug: str) -> Election:
    found = Election.objects.filter(slug=slug).first()
    if found is None:
        raise NotOnBoard("there is no such election")
    return found


def _json(answer: dict[str, Any]) -> HttpResponse:
    return JsonResponse(answer, json_dumps_params={"ensure_ascii": False})
