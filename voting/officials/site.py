"""The officials' site: Django's admin, with permissions from `voting.officials.roles` and every access recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from functools import reduce
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from voting.access.services import log
from voting.errors import VotingError
from voting.officials.models import Appointment, Office, Official, held_at
from voting.officials.roles import Act, Role
from voting.officials.services import held_by, offices_among, offices_where
from voting.officials.work import work_of


class OfficialsSite(admin.AdminSite):
    """Where officials work. Who is appointed to nothing does not come in."""

    site_title = _("Tashika")
    site_header = _("Election office")
    index_title = _("Work to do")
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        return isinstance(request.user, Official) and request.user.is_staff

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        if context["has_permission"]:
            held = Appointment.objects.filter(held_at(timezone.now()), official=official_of(request))
            context["appointments"] = list(held.select_related("office"))
        return context

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, {"work": work_of(official_of(request)), **(extra_context or {})})


def official_of(request: HttpRequest) -> Official:
    """Who is logged in. Raises PermissionDenied."""
    if not isinstance(request.user, Official):
        raise PermissionDenied
    return request.user


def offices_or_deny(request: HttpRequest, *acts: Act) -> models.QuerySet[Office]:
    """The offices at which whoever is logged in may perform one of the acts. Raises PermissionDenied without any."""
    official = official_of(request)
    found = reduce(lambda all_, act: all_ | offices_where(official, act), acts, Office.objects.none())
    if not found.exists():
        raise PermissionDenied
    return found


def page(request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
    """A page of the officials' site that is not one of the admin's own."""
    return TemplateResponse(request, template, {**admin.site.each_context(request), "title": title, **context})


def attempt(request: HttpRequest, act: Callable[[], object], done: str) -> bool:
    """Do it, and say on the next page that it is done, or in sentences why it was refused."""
    try:
        act()
    except VotingError as error:
        refused(request, error)
        return False
    messages.success(request, done)
    return True


def refused(request: HttpRequest, error: VotingError) -> None:
    """Say on the next page why something was refused: every reason."""
    for sentence in getattr(error, "problems", None) or [error.reason]:
        messages.error(request, sentence)


def _roles_of_request(request: HttpRequest, official: Official) -> frozenset[tuple[Role, int]]:
    """The roles of whoever asks. One page asks up to a hundred times whether it may show something."""
    known: dict[Any, frozenset[tuple[Role, int]]] = request.__dict__.setdefault("roles_held", {})
    if official.pk not in known:
        known[official.pk] = held_by(official)
    return known[official.pk]


def _follow(row: Any, path: str) -> Any:
    """The attribute at the end of a path such as "election__office"; None where it breaks off."""
    return reduce(lambda part, name: getattr(part, name, None), path.split("__"), row)


class OfficeScopedAdmin(admin.ModelAdmin):
    """Rows of the offices at which somebody may see them; adding, changing and deleting only where an act says so.

    `office_path`: the lookup from a row to its office, "" when the row is the office. `subject_path`: the attributes
    from a row to the elector that it is about, for rows that are about somebody.
    """

    view_act: ClassVar[Act] = Act.VIEW_ELECTION
    change_act: ClassVar[Act | None] = None
    office_path: ClassVar[str] = "election__office"
    subject_path: ClassVar[str] = ""
    list_per_page = 50
    actions = None

    # Who may

    def office(self, row: models.Model) -> Office | None:
        """The office of a row."""
        if not self.office_path:
            return row  # type: ignore[return-value]
        value = _follow(row, self.office_path)
        return value if isinstance(value, Office) else None

    def _may(self, request: HttpRequest, act: Act | None, row: models.Model | None) -> bool:
        if act is None or not isinstance(request.user, Official):
            return False
        offices = offices_among(_roles_of_request(request, request.user), act)
        if row is None:
            return bool(offices)
        office = self.office(row)
        return office is not None and office.pk in offices

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request, self.view_act, None)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, self.view_act, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._may(request, self.change_act, None)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, self.change_act, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        offices = offices_where(official_of(request), self.view_act)
        path = f"{self.office_path}__in" if self.office_path else "pk__in"
        return super().get_queryset(request).filter(**{path: offices})

    # On the record

    def subjects(self, rows: Iterable[Any]) -> list[int]:
        """The electors that rows are about."""
        if not self.subject_path:
            return []
        keys = (_follow(row, self.subject_path) for row in rows)
        return [key for key in keys if isinstance(key, int)]

    def record(self, request: HttpRequest, purpose: str, rows: Iterable[Any], office: Office | None = None) -> None:
        """Put a look at rows on the access log, when they are about people."""
        if self.subject_path:
            log(official_of(request), office or "", self.view_act, purpose, self.subjects(rows))

    def _one_office(self, rows: Iterable[Any]) -> Office | None:
        """The office of all the rows, where it is one."""
        offices = {self.office(row) for row in rows}
        return offices.pop() if len(offices) == 1 else None

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        listed = getattr(response, "context_data", {}).get("cl")
        if listed is not None:
            rows = list(listed.result_list)
            self.record(request, f"list of {self.opts.model_name}", rows, self._one_office(rows))
        return response

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        with transaction.atomic():
            row = self.get_object(request, object_id) if object_id else None
            if row is not None and self.has_view_permission(request, row):
                self.record(request, f"{self.opts.model_name} {row.pk}", [row], self.office(row))
        return super().changeform_view(request, object_id, form_url, extra_context)

    # Django's own list of recent actions would be a second, unprotected log.

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._changed(request, obj, "added")

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._changed(request, obj, "changed")

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Nothing yet: Django calls this before it deletes, and whoever has logged takes no further lock."""

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        gone = copy(obj)
        super().delete_model(request, obj)
        self._changed(request, gone, "deleted")

    def _changed(self, request: HttpRequest, row: models.Model, what: str) -> None:
        office = self.office(row)
        log(
            official_of(request),
            office or "",
            self.change_act or self.view_act,
            f"{what}: {self.opts.model_name} {row.pk}",
            self.subjects([row]),
        )
