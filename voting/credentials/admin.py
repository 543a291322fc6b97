"""Printing letters with one-time codes, and letting a voter try again, from an application's page."""

from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _

from voting.applications import steps
from voting.applications.admin import ApplicationAdmin, told
from voting.applications.display import day_text, moment_text
from voting.applications.errors import WrongState
from voting.applications.models import Application
from voting.applications.offers import windows
from voting.applications.views import refused_status
from voting.credentials.codes import printed
from voting.credentials.letters import issue_letter
from voting.credentials.models import Letter
from voting.errors import VotingError
from voting.login.attempts import lift
from voting.officials.models import Official
from voting.officials.roles import Act
from voting.officials.site import OfficeScopedAdmin, official_of


@admin.register(Letter)
class LetterAdmin(OfficeScopedAdmin):
    """One page: a letter, in the answer to the request that makes it. There is no list; applications show theirs."""

    view_act = Act.ISSUE_LETTER
    office_path = "application__election__office"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        printing, lifting = (self.admin_site.admin_view(view) for view in (self.print_view, self.lift_view))
        return [
            path("print/<int:pk>/", printing, name="credentials_letter_print"),
            path("lift/<int:pk>/", lifting, name="credentials_letter_lift"),
        ]

    def print_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make a letter and show it, with its code, this once."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        desk, application = self._application(request, pk)
        try:
            letter, code = _print(application, request.POST.get("last", ""), official_of(request))
        except VotingError as error:
            return desk.page(
                request, application, status=refused_status(error), problem=told(error), attempted="letter"
            )
        context = {
            "application": application,
            "election": application.election,
            "office": application.election.office,
            "category": application.offer.category,
            "address": application.staying_at or application.address,
            "code": printed(code),
            "printed_on": day_text(timezone.localdate(letter.issued_at)),
            "vote_until": moment_text(windows(application.offer).vote_until),
            "site": request.build_absolute_uri("/"),
        }
        return TemplateResponse(request, "credentials/letter.html", context, headers={"Referrer-Policy": "no-referrer"})

    def lift_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Let a voter try again after too many wrong dates of birth."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        desk, application = self._application(request, pk)
        try:
            lift(application, by=official_of(request))
        except VotingError as error:
            return desk.page(request, application, status=refused_status(error), problem=told(error))
        messages.success(request, _("The voter can try again."))
        return desk.back_to(application)

    def _application(self, request: HttpRequest, pk: int) -> tuple[ApplicationAdmin, Application]:
        """The desk and an application of the official's offices; whether there are others is not said."""
        desk = self.admin_site.get_model_admin(Application)
        if not isinstance(desk, ApplicationAdmin) or not self.has_view_permission(request):
            raise PermissionDenied
        return desk, get_object_or_404(desk.get_queryset(request), pk=pk)


@transaction.atomic
def _print(application: Application, last: str, by: Official) -> tuple[Letter, str]:
    """A letter, unless another was made since the page with the button: loading the page again voids nothing.

    `last`: the key of the last letter on that page, or "". Raises as `issue_letter`, and WrongState.
    """
    locked = steps.lock(application)
    newest = Letter.objects.filter(application=locked).order_by("pk").last()
    if last != (str(newest.pk) if newest else ""):
        raise WrongState(
            _("A letter was printed already. Its code cannot be shown again; it stays valid until another is printed."),
            application.reference,
        )
    return issue_letter(locked, by=by)
