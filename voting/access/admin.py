"""The access log, for auditors: what the officials of their office did, and whether the log is whole."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from voting.access.models import AccessEntry
from voting.access.services import check_log
from voting.errors import AccessLogBroken
from voting.officials.models import Office
from voting.officials.roles import Act
from voting.officials.services import offices_where
from voting.officials.site import OfficeScopedAdmin, official_of, page


@admin.register(AccessEntry)
class AccessEntryAdmin(OfficeScopedAdmin):
    """Entries name officials and numbers of roll rows, never voters."""

    view_act = Act.VIEW_ACCESS_LOG
    list_display = ("index", "at", "official", "name", "office", "act", "purpose", "how_many")
    list_display_links = ("index",)
    list_filter = ("act", "office", "official")
    search_fields = ("official", "name", "purpose")
    date_hierarchy = "at"
    ordering = ("-index",)
    show_full_result_count = False
    fields = (
        "index", "at", "official", "name", "office", "act", "purpose", "subjects", "everyone", "before", "own_hash",
    )  # fmt: skip
    readonly_fields = ("before", "own_hash")
    change_list_template = "admin/access/change_list.html"

    def office(self, row: Model) -> Office | None:
        """The log keeps the names of offices, as they were."""
        return None

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccessEntry]:
        names = offices_where(official_of(request), self.view_act).values("name")
        return AccessEntry.objects.filter(office__in=names)

    def _may(self, request: HttpRequest, act: Act | None, row: Model | None) -> bool:
        if row is None:
            return super()._may(request, act, None)
        return act == self.view_act and self.get_queryset(request).filter(pk=row.pk).exists()

    def get_urls(self) -> list[URLPattern]:
        check = self.admin_site.admin_view(require_POST(self.check_view))
        return [path("check/", check, name="access_check"), *super().get_urls()]

    def check_view(self, request: HttpRequest) -> HttpResponse:
        """Go through the whole log, of every office, and show its head to compare with a copy kept elsewhere."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context: dict[str, Any] = {}
        try:
            size, head = check_log()
            context = {"size": size, "head": head.hex()}
        except AccessLogBroken as error:
            context = {"broken": str(error)}
        return page(request, "admin/access/check.html", _("Check of the access log"), **context)

    @admin.display(description=gettext_lazy("people"))
    def how_many(self, row: AccessEntry) -> str:
        return _("everyone") if row.everyone else str(len(row.subjects))

    @admin.display(description=gettext_lazy("previous hash"))
    def before(self, row: AccessEntry) -> str:
        return bytes(row.previous).hex()

    @admin.display(description=gettext_lazy("hash"))
    def own_hash(self, row: AccessEntry) -> str:
        return bytes(row.hash).hex()
