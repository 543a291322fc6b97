from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ApplyConfig(AppConfig):
    name = "voting.apply"
    label = "apply"
    verbose_name = _("requests of voters")
    default_auto_field = "django.db.models.BigAutoField"
