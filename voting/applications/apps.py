from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ApplicationsConfig(AppConfig):
    name = "voting.applications"
    label = "applications"
    verbose_name = _("applications")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """What carries out two-person acts makes itself known when it is imported."""
        from voting.applications import offers, review  # noqa: F401
