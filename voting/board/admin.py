"""The bulletin board, to look at: nothing is added here but by its services."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from voting.board.models import BoardEntry, Checkpoint
from voting.officials.site import OfficeScopedAdmin

SHOWN = 20_000
"""characters of an entry; the whole one is in the published archive"""


@admin.register(BoardEntry)
class BoardEntryAdmin(OfficeScopedAdmin):
    """Entries as they are published."""

    list_display = ("index", "type", "created", "election")
    list_filter: ClassVar = [("election", admin.RelatedOnlyFieldListFilter), "type"]
    ordering = ("-created", "-index")
    fields = ("election", "index", "type", "created", "text")
    readonly_fields = ("text",)
    show_full_result_count = False

    @admin.display(description=_("text"))
    def text(self, row: BoardEntry) -> str:
        return bytes(row.raw).decode()[:SHOWN]


@admin.register(Checkpoint)
class CheckpointAdmin(OfficeScopedAdmin):
    """Signed heads of the log, with the lines of witnesses."""

    list_display = ("size", "time", "election")
    list_filter: ClassVar = [("election", admin.RelatedOnlyFieldListFilter)]
    ordering = ("-time", "-size")
