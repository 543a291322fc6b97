from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from voting.elections.models import Candidate, Contest, Election, Party, Slot, Style, StyleContest, Unit


class DefinitionAdmin(admin.ModelAdmin[Any]):
    """Editable until the manifest is on the board; afterwards the database refuses, so the forms say so first."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not _fixed(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not _fixed(obj)


def _fixed(row: Any) -> bool:
    match row:
        case None:
            return False
        case Election():
            return row.manifest_hash is not None
        case Candidate():
            return _fixed(row.contest.election)
        case StyleContest():
            return _fixed(row.style.election)
        case _:
            return _fixed(row.election)


@admin.register(Slot)
class SlotAdmin(admin.ModelAdmin[Slot]):
    """Read-only: a slot comes with its credential entry on the board."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Slot | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Slot | None = None) -> bool:
        return False


admin.site.register([Election, Unit, Contest, Candidate, Style, StyleContest, Party], DefinitionAdmin)
