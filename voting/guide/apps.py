from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GuideConfig(AppConfig):
    name = "voting.guide"
    label = "guide"
    verbose_name = _("guide for voters")
    default_auto_field = "django.db.models.BigAutoField"
