"""Marks for the programs of polling stations: who holds an online ballot or has voted (requirement 19).

    GET /office/api/marks/?election=SLUG&district=CODE[&changed_since=ISO-8601]

Everybody whose vote has changed, in pages of 500: `results`, and `next` while there are more. Ask for everything once,
then every few seconds with the `as_of` of the first page as `changed_since`. A row may come twice; the later counts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from voting.access.services import log
from voting.elections.models import District
from voting.officials.models import Official
from voting.officials.roles import Act
from voting.officials.services import offices_where
from voting.roll.models import Elector

OVERLAP = timedelta(seconds=60)
"""Who asks for changes since `as_of` gets this much again: a step begun earlier may be stored later."""


class SeesMarks(BasePermission):
    """Somebody whose office may see marks."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.user, Official) and offices_where(request.user, Act.VIEW_MARKS).exists()


class MarksPages(CursorPagination):
    """By key, so that nothing is left out when marks change between two pages."""

    ordering = "pk"
    page_size = 500


class MarksAPI(APIView):
    """The marks of one voting district."""

    authentication_classes = [SessionAuthentication]
    permission_classes = [SeesMarks]
    renderer_classes = [JSONRenderer]

    @transaction.atomic
    def get(self, request: Request) -> Response:
        """`as_of`, `next`, and rows of `list_number`, `vote` and `since`. 400 for what is no question, 404, 403."""
        as_of = timezone.now() - OVERLAP
        district = _district(request)
        pages = MarksPages()
        rows = pages.paginate_queryset(_changed(district, _since(request)), request, view=self) or []
        if rows:
            purpose = _("%(election)s, %(district)s: list of marks, by a program") % {
                "election": district.election.slug,
                "district": district.code,
            }
            log(request.user, district.election.office, Act.VIEW_MARKS, purpose, [row.pk for row in rows])
        return Response(
            {"as_of": as_of.isoformat(), "next": pages.get_next_link(), "results": [_record(row) for row in rows]},
            headers={"Cache-Control": "no-store"},
        )


def _district(request: Request) -> District:
    election, code = request.query_params.get("election"), request.query_params.get("district")
    if not election or not code:
        raise ValidationError({"detail": _("election and district are needed")})
    offices = offices_where(request.user, Act.VIEW_MARKS)
    districts = District.objects.select_related("election__office")
    return get_object_or_404(districts, election__office__in=offices, election__slug=election, code=code)


def _since(request: Request) -> datetime | None:
    text = request.query_params.get("changed_since")
    if not text:
        return None
    # A plus sign that was not escaped arrives as a space.
    try:
        moment = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or timezone.is_naive(moment):
        raise ValidationError({"changed_since": _("a time with its zone was expected, such as 2026-11-22T09:00+09:00")})
    return moment


def _changed(district: District, since: datetime | None) -> QuerySet[Elector]:
    rows = Elector.objects.filter(district=district, vote_at__isnull=False)
    return rows if since is None else rows.filter(vote_at__gte=since)


def _record(row: Elector) -> dict[str, str]:
    return {
        "list_number": row.list_number,
        "vote": row.vote,
        "since": row.vote_at.isoformat() if row.vote_at else "",
    }
