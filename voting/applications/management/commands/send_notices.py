"""`manage.py send_notices`: try again to send what could not be sent. For a timer, every minute."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from voting.applications.notices import send_waiting


class Command(BaseCommand):
    help = "Sends the notices to voters that are still waiting."

    def handle(self, *args: Any, **options: Any) -> None:
        sent, waiting = send_waiting()
        self.stdout.write(f"{sent} sent, {waiting} waiting")
