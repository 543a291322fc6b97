"""Offices and officials of an invented town, made quickly: nobody has a password, so log in with `force_login`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from voting.officials.models import Office, Official
from voting.officials.roles import OfficeKind, Role
from voting.officials.services import grant


@dataclass(frozen=True)
class Town:
    """架空市: its election board, the offices that it works with, and one official or two for every part."""

    board: Office
    prefecture: Office
    health_centre: Office
    hospital: Office
    ship: Office
    platform: Office
    clerk: Official
    second_clerk: Official
    chair: Official
    second_chair: Official
    poll_manager: Official
    poll_witness: Official
    count_manager: Official
    count_witness: Official
    returning_officer: Official
    auditor: Official
    health_officer: Official
    attestor: Official
    captain: Official
    prefecture_clerk: Official
    system_admin: Official


def office(kind: OfficeKind, code: str, name: str, above: Office | None = None) -> Office:
    """An office of any kind."""
    return Office.objects.create(kind=kind, code=code, name=name, above=above)


def board(code: str = "kakuu", name: str = "架空市選挙管理委員会", above: Office | None = None) -> Office:
    """A municipal election board."""
    return office(OfficeKind.BOARD, code, name, above)


def official(username: str, role: Role | None = None, at: Office | None = None, **fields: Any) -> Official:
    """Somebody with an account, appointed to a role at an office if both are given."""
    made = Official.objects.create_user(username, fields.pop("name", f"架空 {username}"), **fields)
    if role and at:
        with transaction.atomic():
            grant(made, role, at)
    return made


def town() -> Town:
    """架空市 with everybody appointed."""
    prefecture = office(OfficeKind.PREFECTURE, "kakuu-ken", "架空県選挙管理委員会")
    kakuu = board(above=prefecture)
    health_centre = office(OfficeKind.HEALTH, "kakuu-hokenjo", "架空保健所")
    hospital = office(OfficeKind.FACILITY, "kakuu-byoin", "架空病院", prefecture)
    ship = office(OfficeKind.SHIP, "kakuu-maru", "架空丸")
    platform = office(OfficeKind.PLATFORM, "platform", "架空運用センター")
    return Town(
        board=kakuu,
        prefecture=prefecture,
        health_centre=health_centre,
        hospital=hospital,
        ship=ship,
        platform=platform,
        clerk=official("clerk", Role.BOARD_CLERK, kakuu),
        second_clerk=official("second-clerk", Role.BOARD_CLERK, kakuu),
        chair=official("chair", Role.BOARD_CHAIR, kakuu),
        second_chair=official("second-chair", Role.BOARD_CHAIR, kakuu),
        poll_manager=official("poll-manager", Role.POLL_MANAGER, kakuu),
        poll_witness=official("poll-witness", Role.POLL_WITNESS, kakuu),
        count_manager=official("count-manager", Role.COUNT_MANAGER, kakuu),
        count_witness=official("count-witness", Role.COUNT_WITNESS, kakuu),
        returning_officer=official("returning-officer", Role.RETURNING_OFFICER, kakuu),
        auditor=official("auditor", Role.AUDITOR, kakuu),
        health_officer=official("health-officer", Role.HEALTH_OFFICER, health_centre),
        attestor=official("attestor", Role.ATTESTOR, hospital),
        captain=official("captain", Role.ATTESTOR, ship),
        prefecture_clerk=official("prefecture-clerk", Role.PREFECTURE_CLERK, prefecture),
        system_admin=official("system-admin", Role.SYSTEM_ADMIN, platform),
    )
