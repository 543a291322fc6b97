from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BoardConfig(AppConfig):
    name = "voting.board"
    label = "board"
    verbose_name = _("bulletin board")
    default_auto_field = "django.db.models.BigAutoField"
