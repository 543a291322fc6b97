from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RecordsConfig(AppConfig):
    name = "voting.records"
    label = "records"
    verbose_name = _("records")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """What carries out two-person acts makes itself known when it is imported."""
        from voting.records import exports, seal  # noqa: F401
