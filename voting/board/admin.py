from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from voting.board.models import BoardEntry, Checkpoint, ColumnBlob


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    """Nothing is added, changed or deleted by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(BoardEntry)
class BoardEntryAdmin(ReadOnlyAdmin):
    list_display = ("index", "type", "created", "election")
    list_filter = ("election", "type")


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnlyAdmin):
    list_display = ("size", "time", "election")


admin.site.register(ColumnBlob, ReadOnlyAdmin)
