from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CheckConfig(AppConfig):
    name = "voting.check"
    label = "check"
    verbose_name = _("checks by the public")
    default_auto_field = "django.db.models.BigAutoField"
