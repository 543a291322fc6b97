"""How far the count is, for everybody: the entries of the board since the close, and what long work says of itself.

Before the close nothing at all is read or said: not even how many have voted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from verifier.record.entries import Type
from verifier.record.manifest import Manifest, parse_manifest
from voting.board.models import BoardEntry
from voting.counting.progress import Work, going_on
from voting.elections.models import Election
from voting.results.kept import kept


class Phase(TextChoices):
    """What the page of a result is about."""

    BEFORE = "before"
    COUNTING = "counting"
    PUBLISHED = "published"


class Step(TextChoices):
    """The steps of the count, in their order."""

    CLOSE = "close", _("Voting is closed")
    ACCEPT = "accept", _("The election board decides which ballots it accepts")
    FREEZE = "freeze", _("It is fixed which ballots are counted")
    MIX = "mix", _("The sealed ballots are mixed, so that nobody knows whose is whose")
    TRUSTEES = "trustees", _("The trustees open the count")
    OPEN = "open", _("The count is opened and checked")
    PUBLISH = "publish", _("Officials sign and publish the result")


@dataclass(frozen=True)
class Mixed:
    """How far a counting group of a contest is mixed."""

    contest: str
    title: str
    units: tuple[str, ...]
    """their names; empty when the contest is counted in one group"""
    group: int
    stages: int
    """done"""
    of: int
    """one for each mixer"""


@dataclass(frozen=True)
class Board:
    """What the board says of the count."""

    done: Mapping[Step, datetime | None]
    """the steps that are done, each with the minute of its entry, if it has one"""
    steps: tuple[Step, ...]
    mixed: tuple[Mixed, ...]
    opened_by: tuple[str, ...]
    """trustees who have opened their part"""
    needed: int
    """how many trustees are needed"""
    titles: Mapping[str, str]
    """contest → its title"""


@dataclass(frozen=True)
class Line:
    """A step as the page shows it; `state`: done, now or later."""

    step: Step
    state: str
    at: datetime | None


@dataclass(frozen=True)
class Going:
    """Work that goes on now, with the contest's title; `minutes`: what is left, None while nobody knows."""

    work: Work
    title: str
    minutes: int | None


@dataclass(frozen=True)
class Standing:
    """How far the count is."""

    board: Board
    lines: list[Line]
    going: list[Going]

    @property
    def now(self) -> Line:
        """The first step that is not done."""
        return next((line for line in self.lines if line.state == "now"), self.lines[-1])

    @property
    def number(self) -> int:
        """Its place, from 1."""
        return self.lines.index(self.now) + 1


def phase_of(election: Election) -> Phase:
    """What can be told of the count now."""
    turns = BoardEntry.objects.filter(election=election, type__in=[Type.POLLS_CLOSED, Type.RESULT])
    there = set(turns.values_list("type", flat=True))
    if Type.RESULT in there:
        return Phase.PUBLISHED
    return Phase.COUNTING if Type.POLLS_CLOSED in there else Phase.BEFORE


def standing(election: Election) -> Standing:
    """How far the count is. Only after the close."""
    board = kept(election, "board", lambda: read_board(election))
    ahead = [step for step in board.steps if step not in board.done]
    lines = [
        Line(step, "done" if step in board.done else "now" if step == ahead[0] else "later", board.done.get(step))
        for step in board.steps
    ]
    return Standing(board, lines, [_going(work, board) for work in going_on(election.pk)])


def _going(work: Work, board: Board) -> Going:
    left = work.remaining
    return Going(work, board.titles.get(work.contest, ""), None if left is None else int(left // 60) + 1)


def read_board(election: Election) -> Board:
    """From the entries since the close."""
    rows = BoardEntry.objects.filter(election=election).order_by("index")
    closed = rows.get(type=Type.POLLS_CLOSED)
    since: dict[str, list[BoardEntry]] = {}
    for entry in rows.filter(index__gte=closed.index):
        since.setdefault(entry.type, []).append(entry)
    manifest = manifest_of(election)
    frozen = _body(since[Type.TALLY_FROZEN][0]) if Type.TALLY_FROZEN in since else None
    mixed = _mixed(manifest, frozen, map(_body, since.get(Type.MIX_STAGE, [])))
    trustees = [_body(entry)["trustee"] for entry in since.get(Type.PARTIAL_ROOTS, [])]
    to_mix = any(not contest.homomorphic for contest in manifest.contests) if frozen is None else bool(mixed)
    done = _done(since)
    if frozen is not None:
        if all(group.stages == group.of for group in mixed):
            done.setdefault(Step.MIX, None)
        if len(trustees) >= manifest.threshold:
            done.setdefault(Step.TRUSTEES, None)
    return Board(
        done=done,
        steps=tuple(step for step in Step if step is not Step.MIX or to_mix),
        mixed=tuple(mixed),
        opened_by=tuple(manifest.trustees[number - 1].name for number in trustees),
        needed=manifest.threshold,
        titles={contest.id: contest.title for contest in manifest.contests},
    )


def manifest_of(election: Election) -> Manifest:
    """The manifest on the board."""
    return parse_manifest(_body(BoardEntry.objects.get(election=election, type=Type.MANIFEST)))


def _done(since: Mapping[str, list[BoardEntry]]) -> dict[Step, datetime | None]:
    """What an entry says. Whoever has passed a later step has passed those before."""
    entries = {
        Step.CLOSE: Type.POLLS_CLOSED,
        Step.ACCEPT: Type.WITHDRAWALS,
        Step.FREEZE: Type.TALLY_FROZEN,
        Step.OPEN: Type.OPENING,
        Step.PUBLISH: Type.RESULT,
    }
    done: dict[Step, datetime | None] = {}
    last = max(list(Step).index(step) for step, kind in entries.items() if kind in since)
    for step in list(Step)[: last + 1]:
        there = since.get(entries[step]) if step in entries else None
        done[step] = there[0].created if there else None
    return done


def _mixed(manifest: Manifest, frozen: Any, stages: Iterable[Any]) -> list[Mixed]:
    """The groups that are mixed: those of the contests that are opened, with ballots in them."""
    reached: dict[tuple[str, int], int] = {}
    for body in stages:
        reached[body["contest"], body["group"]] = body["stage"]
    found = []
    for stated in frozen["contests"] if frozen else ():
        contest = manifest.contest(stated["contest"])
        if contest.homomorphic or not stated["open"]:
            continue
        apart = len(stated["groups"]) > 1
        for number, group in enumerate(stated["groups"]):
            if group["ballots"]:
                units = tuple(manifest.unit_names[unit] for unit in group["units"]) if apart else ()
                done = reached.get((contest.id, number), 0)
                found.append(Mixed(contest.id, contest.title, units, number, done, len(manifest.mixers)))
    return found


def _body(entry: BoardEntry) -> Any:
    return json.loads(bytes(entry.raw))["body"]
