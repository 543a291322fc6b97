from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CredentialsConfig(AppConfig):
    name = "voting.credentials"
    label = "credentials"
    verbose_name = _("credentials")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """What carries out two-person acts makes itself known when it is imported."""
        from voting.credentials import services  # noqa: F401
