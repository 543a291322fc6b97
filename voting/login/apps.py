from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LoginConfig(AppConfig):
    name = "voting.login"
    label = "login"
    verbose_name = _("voters' login")
    default_auto_field = "django.db.models.BigAutoField"
