"""`manage.py load_categories`: put the absentee categories of the law into the table."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from voting.applications.offers import load_categories


class Command(BaseCommand):
    """Categories that are there already stay as officials have changed them."""

    help = "Adds the shipped absentee categories that are not there yet."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{load_categories()} categories added")
