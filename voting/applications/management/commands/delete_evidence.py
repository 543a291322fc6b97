"""`manage.py delete_evidence`: delete the evidence files whose time is over. For a timer, every day."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from voting.applications.evidence import delete_expired, forget_statements


class Command(BaseCommand):
    help = "Deletes the evidence files that are past their last day, and what was stated beside them."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(
            f"{delete_expired()} files deleted, statements of {forget_statements()} applications forgotten"
        )
