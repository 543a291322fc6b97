from __future__ import annotations

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.utils.translation import gettext_lazy as _


class OfficialsConfig(AppConfig):
    name = "voting.officials"
    label = "officials"
    verbose_name = _("officials")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from voting.officials import session

        user_logged_in.connect(session.begin, dispatch_uid="officials.second-factor")
