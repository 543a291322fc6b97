from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccessConfig(AppConfig):
    name = "voting.access"
    label = "access"
    verbose_name = _("access log")
    default_auto_field = "django.db.models.BigAutoField"
