"""The workers that know the database: `celery -A voting.celery worker -Q count -B`."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voting.settings")
django.setup()

from tally.worker import app  # noqa: E402  tasks need the site first
from voting.counting import tasks  # noqa: E402, F401

__all__ = ["app"]
