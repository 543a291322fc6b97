"""`manage.py reset_second_factor USERNAME`: for officials of offices that have no two chairs to do it on the site."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from voting.access.services import log
from voting.officials.models import Appointment, Office, Official, held_at
from voting.officials.roles import Act, Role
from voting.officials.second_factor import forget, has_factor, resets_for

CHAIRS = 2
"""From this many others on, an office resets by two people on the site."""


class Command(BaseCommand):
    help = (
        "Forgets the second factor of an official, who sets up a new one at the next login. Refused where two chairs "
        "can do it on the site."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        official = Official.objects.select_for_update().filter(username=options["username"]).first()
        if official is None or not has_factor(official):
            raise CommandError(f"{options['username']} has no second factor")
        for office in Office.objects.filter(appointments__role=Role.BOARD_CHAIR).distinct():
            if resets_for(office, official) and _chairs_beside(official, office) >= CHAIRS:
                raise CommandError(
                    f"{office} has {CHAIRS} chairs: they reset it on the site, one asks, the other approves"
                )
        forget(official)
        log(
            "manage.py reset_second_factor", official.home or "", Act.RESET_SECOND_FACTOR, f"reset: {official.username}"
        )


def _chairs_beside(official: Official, office: Office) -> int:
    held = Appointment.objects.filter(held_at(timezone.now()), office=office, role=Role.BOARD_CHAIR)
    return held.filter(official__is_active=True).exclude(official=official).count()
