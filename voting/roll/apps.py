from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RollConfig(AppConfig):
    name = "voting.roll"
    label = "roll"
    verbose_name = _("electoral roll")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """What carries out two-person acts makes itself known when it is imported."""
        from voting.roll import commitment, imports, services  # noqa: F401
