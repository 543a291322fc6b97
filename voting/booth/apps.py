from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BoothConfig(AppConfig):
    name = "voting.booth"
    label = "booth"
    verbose_name = _("voting booth")
    default_auto_field = "django.db.models.BigAutoField"
