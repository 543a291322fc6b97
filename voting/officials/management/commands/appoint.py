"""`manage.py appoint USERNAME NAME ROLE OFFICE-CODE`: the first officials of an installation."""

from __future__ import annotations

import secrets
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from voting.access.services import log
from voting.errors import VotingError
from voting.officials.models import Appointment, Office, Official, held_at
from voting.officials.roles import Act, OfficeKind, Role
from voting.officials.services import grant

CHAIRS = 2
"""From this many on, an office appoints by two people on the site."""
PASSWORD_BYTES = 15


class Command(BaseCommand):
    help = (
        "Makes an account, if there is none, and appoints it; prints a first password for a new account, once. For the "
        "first officials only: an office with two chairs appoints on the site, by two people."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("name", help="as printed and logged")
        parser.add_argument("role", choices=Role.values)
        parser.add_argument("office", metavar="OFFICE-CODE")
        parser.add_argument("--office-kind", choices=OfficeKind.values, help="make the office when there is none")
        parser.add_argument("--office-name", help="of the office to make, as printed")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        office = _office(options)
        if _chairs(office) >= CHAIRS:
            raise CommandError(f"{office} has {CHAIRS} chairs: they appoint on the site, one asks, the other approves")
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        official, new = _official(options, password)
        try:
            appointment = grant(official, Role(options["role"]), office)
        except VotingError as error:
            raise CommandError(f"{error.code}: {error}") from error
        log("manage.py appoint", office, Act.GRANT_ROLE, f"appointed: {appointment} ({official.username})")
        self.stdout.write(str(appointment))
        if new:
            self.stdout.write(f"first password of {official.username}, to be changed at the first login: {password}")


def _office(options: dict[str, Any]) -> Office:
    office = Office.objects.filter(code=options["office"]).first()
    if office is not None:
        return office
    if not (options["office_kind"] and options["office_name"]):
        raise CommandError(f"there is no office {options['office']!r}; --office-kind and --office-name make it")
    office = Office(code=options["office"], kind=options["office_kind"], name=options["office_name"])
    try:
        office.full_clean()
    except ValidationError as error:
        raise CommandError("; ".join(error.messages)) from error
    office.save()
    return office


def _chairs(office: Office) -> int:
    held = Appointment.objects.filter(held_at(timezone.now()), office=office, role=Role.BOARD_CHAIR)
    return held.filter(official__is_active=True).count()


def _official(options: dict[str, Any], password: str) -> tuple[Official, bool]:
    known = Official.objects.filter(username=Official.normalize_username(options["username"])).first()
    if known is not None and known.name != options["name"]:
        raise CommandError(f"{known.username} is {known.name}, not {options['name']}")
    if known is not None:
        return known, False
    try:
        return Official.objects.create_user(options["username"], options["name"], password), True
    except ValidationError as error:
        raise CommandError("; ".join(error.messages)) from error
