from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ResultsConfig(AppConfig):
    name = "voting.results"
    label = "polls"
    verbose_name = _("polls")

    def ready(self) -> None:
        """What carries out two-person acts makes itself known when it is imported."""
        from voting.results import acceptance, opening  # noqa: F401
