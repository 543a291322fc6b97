"""The site as a server runs it: DEBUG is off unless asked for, so that a forgotten setting refuses, not exposes."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DEBUG", "false")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voting.settings")

application = get_wsgi_application()
