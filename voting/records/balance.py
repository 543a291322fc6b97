"""The balance of an election: every ballot that was issued is somewhere (domain document, section 5; requirement 38).

What happened is counted from the steps that were taken, where things stand from the states, what was voted from the
board and the roll: four sources that no single mistake or hand changes together.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields

from django.db.models import Count
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from verifier.record.entries import Type
from voting.applications.models import Application, Category, StateChange
from voting.applications.states import OPEN, Event, State
from voting.board.models import BoardEntry
from voting.board.replica import replica_of
from voting.credentials.models import Binding
from voting.elections.models import Election
from voting.polls.acceptance import PUBLISHED
from voting.roll.models import Elector, Vote

CANCELLED = "given-back"
"""The ground under which the slots of ballots that were given back are withdrawn."""


@dataclass(frozen=True)
class Counts:
    """How many applications, or ballots, of a category."""

    received: int = 0
    rejected: int = 0
    withdrawn: int = 0
    undecided: int = 0
    expired: int = 0
    """lapsed at the close before anybody decided"""
    issued: int = 0
    returned: int = 0
    """given back, unused, before the close (返還)"""
    lapsed: int = 0
    """issued and not used before the close"""
    outstanding: int = 0
    """issued, and not yet cast, given back or lapsed"""
    cast: int = 0
    accepted: int = 0
    """whether or not separated from the name, or counted, since"""
    refused: int = 0
    stripped: int = 0
    """of the accepted ones: separated from the name, whether or not counted since"""
    tallied: int = 0
    """of the accepted ones: counted"""

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


STANDING: Mapping[State, tuple[str, ...]] = {
    **dict.fromkeys(OPEN, ("undecided",)),
    State.REJECTED: ("rejected",),
    State.WITHDRAWN: ("withdrawn",),
    State.ISSUED: ("outstanding",),
    State.GIVEN_BACK: ("returned",),
    State.ACCEPTED: ("accepted",),
    State.REFUSED: ("refused",),
    State.STRIPPED: ("accepted", "stripped"),
    State.TALLIED: ("accepted", "stripped", "tallied"),
}
"""State → what an application in it counts as; one that is cast, or lapsed, is counted by its steps."""

WITHIN: tuple[tuple[str | Promise, str, tuple[str, ...]], ...] = (
    (
        gettext_lazy("received = rejected + withdrawn + undecided + expired + issued"),
        "received",
        ("rejected", "withdrawn", "undecided", "expired", "issued"),
    ),
    (
        gettext_lazy("issued = cast + returned + lapsed + outstanding"),
        "issued",
        ("cast", "returned", "lapsed", "outstanding"),
    ),
    (gettext_lazy("cast = accepted + refused"), "cast", ("accepted", "refused")),
)
"""The identities of each category, in words and in fields: the first number is the sum of the others."""


@dataclass(frozen=True)
class OnBoard:
    """What the bulletin board says."""

    closed: bool = False
    frozen: bool = False
    counted: int = 0
    """slots with a ballot that is not withdrawn"""
    withdrawn: int = 0
    """withdrawn slots"""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """withdrawn slots by the reason stated"""


@dataclass(frozen=True)
class Identity:
    """Two numbers that must be equal, named in the reader's language."""

    name: str
    where: str
    left: int
    right: int

    @property
    def holds(self) -> bool:
        return self.left == self.right

    def __str__(self) -> str:
        return f"{self.where}: {self.name}: {self.left} {'=' if self.holds else '≠'} {self.right}"


@dataclass(frozen=True)
class Balance:
    """The counts of an election, and what they must agree with."""

    categories: Mapping[Category, Counts]
    board: OnBoard
    voted_on_roll: int
    """roll rows that say: cast online, whether accepted, or voted on paper, since or not"""
    refused_for: Mapping[str, int]
    """ground → refused ballots"""
    cancelled: int
    """ballots given back whose device had a slot on the board"""

    @property
    def total(self) -> Counts:
        """All categories together."""
        return sum(self.categories.values(), Counts())

    def identities(self) -> Iterator[Identity]:
        """Everything that must agree, whether or not it does."""
        for category, counts in self.categories.items():
            for name, whole, parts in WITHIN:
                together = sum(getattr(counts, part) for part in parts)
                yield Identity(str(name), str(category), getattr(counts, whole), together)
        total, board = self.total, self.board
        yield Identity(_("ballots counted = accepted"), _("board"), board.counted, total.accepted)
        withdrawn = total.refused + self.cancelled
        yield Identity(_("slots withdrawn = refused + cancelled"), _("board"), board.withdrawn, withdrawn)
        for ground, reason in PUBLISHED.items():
            expected = self.refused_for.get(ground, 0) + (self.cancelled if ground == CANCELLED else 0)
            name = _("withdrawn (%(reason)s) = refused") % {"reason": reason}
            yield Identity(name, _("board"), board.reasons.get(reason, 0), expected)
        yield Identity(_("marked as cast = cast"), _("roll"), self.voted_on_roll, total.cast)

    def problems(self) -> list[str]:
        """Each identity that does not hold, with its numbers."""
        return [str(identity) for identity in self.identities() if not identity.holds]


def balance(election: Election, board: OnBoard | None = None) -> Balance:
    """The balance as it is now. `board`: what the board says, when it was read already. Raises BoardInconsistent."""
    board = board or on_board(election)
    counts = _counts(election)
    refused_for = _refused_for(election)
    returned = sum(one.returned for one in counts.values())
    return Balance(
        categories=counts,
        board=board,
        voted_on_roll=Elector.objects.filter(
            district__election=election, vote__in=[Vote.CAST, Vote.ACCEPTED, Vote.PAPER_WINS]
        ).count(),
        refused_for=refused_for,
        cancelled=_cancelled(election, board, refused_for, returned),
    )


def on_board(election: Election) -> OnBoard:
    """What the board says now. Raises BoardInconsistent."""
    replica = replica_of(election.pk)
    with replica.lock:
        slots = list(replica.catch_up().state.slots.values())
    kinds = set(BoardEntry.objects.filter(election=election).values_list("type", flat=True).distinct())
    return OnBoard(
        closed=Type.POLLS_CLOSED in kinds,
        frozen=Type.TALLY_FROZEN in kinds,
        counted=sum(slot.entry is not None and not slot.withdrawn for slot in slots),
        withdrawn=sum(slot.withdrawn for slot in slots),
        reasons=_withdrawal_reasons(election),
    )


def _withdrawal_reasons(election: Election) -> Counter[str]:
    reasons: Counter[str] = Counter()
    for entry in BoardEntry.objects.filter(election=election, type=Type.WITHDRAWALS):
        for stated in json.loads(bytes(entry.raw))["body"]["reasons"]:
            reasons[stated["reason"]] += stated["slots"]
    return reasons


def _counts(election: Election) -> dict[Category, Counts]:
    """By category, in the catalogue's order; the offered ones also with nothing in them."""
    found: dict[int, Counter[str]] = {}
    for pk, name, number in (*_standing(election), *_taken(election)):
        found.setdefault(pk, Counter())[name] += number
    categories = Category.objects.filter(offers__election=election).order_by("pk")
    return {category: Counts(**found.get(category.pk, Counter())) for category in categories}


def _standing(election: Election) -> Iterable[tuple[int, str, int]]:
    rows = Application.objects.filter(election=election).order_by().values_list("offer__category", "state")
    for category, state, number in rows.annotate(number=Count("pk")):
        for name in ("received", *STANDING.get(State(state), ())):
            yield category, name, number


def _taken(election: Election) -> Iterable[tuple[int, str, int]]:
    steps = StateChange.objects.filter(application__election=election, event__in=[Event.ISSUE, Event.CAST, Event.LAPSE])
    rows = steps.order_by().values_list("application__offer__category", "event", "before")
    names = {Event.ISSUE: "issued", Event.CAST: "cast"}
    for category, event, before, number in rows.annotate(number=Count("pk")):
        lapse = "lapsed" if before == State.ISSUED else "expired"
        yield category, names.get(Event(event), lapse), number


def _refused_for(election: Election) -> dict[str, int]:
    refused = StateChange.objects.filter(application__election=election, event=Event.REFUSE)
    return dict(refused.order_by().values_list("ground").annotate(number=Count("pk")))


def _cancelled(election: Election, board: OnBoard, refused_for: Mapping[str, int], returned: int) -> int:
    """Until the links are cut at the freeze they are counted; from then on the board's own total is what is left.

    Even then they can be no more than were given back.
    """
    if not board.frozen:
        given_back = Binding.objects.filter(application__election=election, application__state=State.GIVEN_BACK)
        return given_back.filter(slot__isnull=False).count()
    stated = board.reasons.get(PUBLISHED[CANCELLED], 0) - refused_for.get(CANCELLED, 0)
    return min(max(stated, 0), returned)
