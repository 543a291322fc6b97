"""How a new official gets a password, by a link that works once; and the second factor after the password."""

from __future__ import annotations

from base64 import b32encode
from io import BytesIO
from typing import Any

import segno
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.tokens import default_token_generator
from django.contrib.auth.views import PasswordResetConfirmView
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse, reverse_lazy
from django.utils.encoding import force_bytes
from django.utils.http import url_has_allowed_host_and_scheme, urlsafe_base64_encode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from voting.access.services import log
from voting.errors import VotingError
from voting.officials import second_factor as factor
from voting.officials import session
from voting.officials.models import Official
from voting.officials.roles import Act


def first_password_path(official: Official) -> str:
    """The path of a link that works once, for settings.PASSWORD_RESET_TIMEOUT seconds."""
    uid = urlsafe_base64_encode(force_bytes(official.pk))
    return reverse("officials:first-password", args=[uid, default_token_generator.make_token(official)])


class FirstPassword(PasswordResetConfirmView):
    """Django's page behind a reset link, for accounts that have no password yet and no others."""

    template_name = "admin/officials/first_password.html"
    success_url = reverse_lazy("admin:login")

    def get_user(self, uidb64: str) -> Official | None:
        user = super().get_user(uidb64)
        return user if isinstance(user, Official) and user.is_active and not user.has_usable_password() else None

    @transaction.atomic
    def form_valid(self, form: Any) -> Any:
        answer = super().form_valid(form)
        log(form.user, "", Act.GRANT_ROLE, "chose a first password")
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**admin.site.each_context(self.request), **super().get_context_data(**kwargs)}


# The second factor


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """After the password: enter the code, or set up what makes codes. Whoever has done that goes on."""
    official = _half_in(request)
    if official is None:
        return HttpResponseRedirect(_next(request))
    return _enter(request, official) if factor.has_factor(official) else _set_up(request, official)


@never_cache
@require_safe
def second_factor_qr(request: HttpRequest) -> HttpResponse:
    """The secret that this session offers to the app, as a picture. Raises Http404 without one."""
    official, secret = _half_in(request), request.session.get(session.SECRET)
    if official is None or secret is None:
        raise Http404
    picture = BytesIO()
    address = factor.app_for(official, secret).config_url
    segno.make(address, micro=False).save(picture, kind="svg", scale=5, border=4, light="#fff")
    return HttpResponse(picture.getvalue(), content_type="image/svg+xml")


def _half_in(request: HttpRequest) -> Official | None:
    """Who has given a password in this session and no code."""
    user = request.user
    if not settings.OFFICIALS_SECOND_FACTOR or not isinstance(user, Official):
        return None
    return None if user.is_verified() else user  # type: ignore[attr-defined]


def _enter(request: HttpRequest, official: Official) -> HttpResponse:
    if request.method != "POST":
        return _page(request, "enter", _("Enter the code"))
    try:
        device = factor.enter(official, request.POST.get("code", ""))
    except VotingError as error:
        return _page(request, "enter", _("Enter the code"), error=error)
    session.finish(request, device)
    if not isinstance(device, factor.TOTPDevice):
        left = factor.recovery_codes_left(official)
        sentence = _("You used a recovery code. Codes left: %(left)d. If the phone is lost, ask the board for a reset.")
        messages.warning(request, sentence % {"left": left})
    return HttpResponseRedirect(_next(request))


def _set_up(request: HttpRequest, official: Official) -> HttpResponse:
    secret = request.session.setdefault(session.SECRET, factor.new_secret())
    text = b32encode(bytes.fromhex(secret)).decode()
    about: dict[str, Any] = {"secret": " ".join(text[at : at + 4] for at in range(0, len(text), 4))}
    if request.method != "POST":
        return _page(request, "set_up", _("Set up the second factor"), **about)
    try:
        device, codes = factor.set_up(official, secret, request.POST.get("code", ""))
    except VotingError as error:
        return _page(request, "set_up", _("Set up the second factor"), error=error, **about)
    session.finish(request, device)
    return _page(request, "codes", _("Your recovery codes"), codes=codes)


def _next(request: HttpRequest) -> str:
    """Where somebody was going: on this site, or else the start page."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    own = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if own else reverse("admin:index")


def _page(request: HttpRequest, name: str, title: str, error: VotingError | None = None, **about: Any) -> HttpResponse:
    """Without the header of those who are logged in: its links would all lead back here."""
    context = {**admin.site.each_context(request), "title": title, "has_permission": False, "error": error, **about}
    context["next"] = _next(request)
    return render(request, f"admin/officials/second_factor/{name}.html", context, status=400 if error else 200)
