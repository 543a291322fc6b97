"""Nobody is in the election office by a password alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from voting.officials import session

OFFICE, PROGRAMS = "office/", "office/api/"
OPEN = frozenset(
    {
        "admin:login",
        "admin:logout",
        "officials:first-password",
        "officials:second-factor",
        "officials:second-factor-qr",
    }
)
"""Names of the only views under office/ for who has given a password and no code."""


class SecondFactorRequired:
    """Decides for every address under office/, also those that somebody adds later. After OTPMiddleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: Any, kwargs: Any) -> HttpResponse | None:
        match, user = request.resolver_match, request.user
        if not settings.OFFICIALS_SECOND_FACTOR or match is None or not match.route.startswith(OFFICE):
            return None
        if not user.is_authenticated or user.is_verified():  # type: ignore[attr-defined]
            return None
        if session.too_late(request):
            logout(request)  # and the view does with a stranger what it does
            return None
        if match.view_name in OPEN:
            return None
        if match.route.startswith(PROGRAMS):
            return JsonResponse({"code": "second-factor-missing", "detail": _("Enter the code first.")}, status=403)
        wanted = request.get_full_path() if request.method == "GET" else ""
        query = f"?{urlencode({'next': wanted})}" if wanted else ""
        return HttpResponseRedirect(reverse("officials:second-factor") + query)
