"""Where the trustees of an election stand, as its board says. Reads a few entries and no replay: this is public."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext as _

from verifier.record.entries import Type, parse_entry
from verifier.record.manifest import Manifest, parse_manifest
from voting.board.models import BoardEntry
from voting.elections.models import Election
from voting.trustees.models import Rehearsal


@dataclass(frozen=True)
class TrusteeStanding:
    """One trustee of the manifest, and when each step was done; None for what is not done."""

    number: int
    """1 … n, the place in the manifest"""
    name: str
    confirmed: datetime | None
    """when the confirmation of the share came to the board"""
    rehearsed: datetime | None
    """when the trustee proved last that the share works"""
    opened: datetime | None
    """when the partial roots came to the board"""


class Phase(TextChoices):
    """How far the opening is."""

    NO_KEY = "no-key"
    BEFORE = "before"
    """the tally is not frozen"""
    MIXING = "mixing"
    READY = "ready"
    """partial roots are taken, and more are needed"""
    ENOUGH = "enough"
    """partial roots of t trustees are there"""
    NOTHING = "nothing"
    """frozen, and nothing is opened: no ballot counts, or every contest is withheld"""
    DONE = "done"


@dataclass(frozen=True)
class Opening:
    """The opening as a whole."""

    phase: Phase
    trustees: list[TrusteeStanding]
    needed: int
    """t"""
    mixed: int
    """mix stages done"""
    to_mix: int
    """mix stages in all"""

    @property
    def left(self) -> int:
        """Trustees who are still needed."""
        return max(0, self.needed - sum(one.opened is not None for one in self.trustees))

    @property
    def rehearsed(self) -> int:
        """Trustees who have proved that their share works."""
        return sum(one.rehearsed is not None for one in self.trustees)


def manifest_of(election: Election) -> Manifest | None:
    """The manifest on the board; None until it is there."""
    bodies = _bodies(election, Type.MANIFEST)
    return parse_manifest(bodies[0][1]) if bodies else None


def standing(election: Election) -> list[TrusteeStanding]:
    """Every trustee in the order of the manifest; nobody until the manifest is on the board."""
    manifest = manifest_of(election)
    if manifest is None:
        return []
    confirmed, opened = _by_trustee(election, Type.SHARE_CONFIRMED), _by_trustee(election, Type.PARTIAL_ROOTS)
    rehearsals = Rehearsal.objects.filter(election=election).order_by("created", "pk")
    rehearsed = dict(rehearsals.values_list("trustee", "created"))
    return [
        TrusteeStanding(number, party.name, confirmed.get(number), rehearsed.get(number), opened.get(number))
        for number, party in enumerate(manifest.trustees, 1)
    ]


def opening(election: Election) -> Opening:
    """How far the opening is."""
    manifest, trustees = manifest_of(election), standing(election)
    if manifest is None:
        return Opening(Phase.NO_KEY, trustees, 0, 0, 0)
    on_board = set(BoardEntry.objects.filter(election=election).values_list("type", flat=True).distinct())
    frozen = _bodies(election, Type.TALLY_FROZEN)
    lists, to_mix = _to_open(manifest, frozen[0][1]) if frozen else (0, 0)
    mixed = BoardEntry.objects.filter(election=election, type=Type.MIX_STAGE).count()
    found = Opening(Phase.READY, trustees, manifest.threshold, mixed, to_mix)
    phases = (
        (Phase.NO_KEY, Type.KEY not in on_board),
        (Phase.DONE, Type.OPENING in on_board),
        (Phase.BEFORE, not frozen),
        (Phase.NOTHING, not lists),
        (Phase.MIXING, mixed < to_mix),
        (Phase.ENOUGH, not found.left),
        (Phase.READY, True),
    )
    phase = next(phase for phase, reached in phases if reached)
    return Opening(phase, trustees, manifest.threshold, mixed, to_mix)


def _to_open(manifest: Manifest, frozen: Any) -> tuple[int, int]:
    """(lists of which something is opened, mix stages that they need), from the body of the freeze."""
    lists = stages = 0
    for part in frozen["contests"]:
        filled = sum(group["ballots"] > 0 for group in part["groups"]) if part["open"] else 0
        lists += filled
        stages += 0 if manifest.contest(part["contest"]).homomorphic else filled * len(manifest.mixers)
    return lists, stages


def warnings(election: Election) -> list[str]:
    """What officials should know about the trustees before the freeze, in sentences."""
    found = opening(election)
    if found.phase is not Phase.BEFORE or found.rehearsed >= found.needed:
        return []
    return [
        _(
            "%(proved)s of %(all)s trustees have proved that their share works; %(needed)s are needed to open the "
            "result. Ask these for it now: %(names)s."
        )
        % {
            "proved": found.rehearsed,
            "all": len(found.trustees),
            "needed": found.needed,
            "names": _(", ").join(one.name for one in found.trustees if one.rehearsed is None),
        }
    ]


def _bodies(election: Election, kind: Type) -> list[tuple[datetime, Any]]:
    """(time, body) of every entry of this type, in the order of the board."""
    rows = BoardEntry.objects.filter(election=election, type=kind).order_by("index")
    return [(created, parse_entry(bytes(raw)).body) for created, raw in rows.values_list("created", "raw")]


def _by_trustee(election: Election, kind: Type) -> dict[int, datetime]:
    return {body["trustee"]: created for created, body in _bodies(election, kind)}
