"""Refusals for programs: application/problem+json (RFC 9457) with `code`, which never changes, and `detail`."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpResponse, JsonResponse


def problem(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None, **more: str) -> HttpResponse:
    """`detail` is one sentence for people; `more` are further members."""
    body = {"code": code, "detail": detail, **more}
    return JsonResponse(body, status=status, content_type="application/problem+json", headers=dict(headers or {}))
