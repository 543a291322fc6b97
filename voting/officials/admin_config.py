"""Apart from `site`, which needs the models: this is read before they are there."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class OfficialsAdminConfig(AdminConfig):
    """Makes `admin.site` the officials' site."""

    default_site = "voting.officials.site.OfficialsSite"
