from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CountingConfig(AppConfig):
    name = "voting.counting"
    label = "counting"
    verbose_name = _("counting")
