from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TrusteesConfig(AppConfig):
    name = "voting.trustees"
    label = "trustees"
    verbose_name = _("trustees")
