"""Requests with the character NUL, which no form of ours sends and PostgreSQL stores nowhere, are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest


class RefuseNul:
    """Middleware: 400 where a query or a field of a form has NUL in it."""

    def __init__(self, answer: Callable[[HttpRequest], HttpResponse]) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.answer(request)

    def process_view(self, request: HttpRequest, view: Any, *args: Any) -> HttpResponse | None:
        """Refuse, or let the view answer. The body of an API's request is for the API's own parsers."""
        is_form = request.method == "POST" and not hasattr(view, "cls")
        sent = (request.GET, request.POST) if is_form else (request.GET,)
        texts = (text for fields in sent for _name, values in fields.lists() for text in values)
        return HttpResponseBadRequest() if any("\0" in text for text in texts) else None
