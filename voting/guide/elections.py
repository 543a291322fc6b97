"""What voters are told about an election: how far it is, and what it offers to whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time

from django.db.models import QuerySet, TextChoices
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from verifier.record.entries import Type
from voting.applications.catalogue import Attest
from voting.applications.claims import EVIDENCE, Label
from voting.applications.errors import RuleInvalid
from voting.applications.models import Offer
from voting.applications.offers import Windows, offered, taking_requests, windows
from voting.applications.rules import in_time
from voting.board.models import BoardEntry
from voting.elections.models import Election, ElectionKind

NEEDS_NO_LAW = (ElectionKind.REFERENDUM, ElectionKind.ASSOCIATION)
"""Kinds that can be held online today; every other one needs a law that does not exist (domain, section 8)."""
_TURNS = (Type.POLLS_OPENED, Type.POLLS_CLOSED, Type.RESULT)


class Phase(TextChoices):
    """How far an election is, as voters see it."""

    BEFORE = "before", _("Voting has not begun yet")
    VOTING = "voting", _("You can vote now")
    COUNTING = "counting", _("Voting is over and the votes are being counted")
    FINISHED = "finished", _("The result is published")
    NOT_HELD = "not-held", _("Nobody votes online in this election")


@dataclass(frozen=True)
class Listed:
    """An election on the start page; `asked_for`: requests for a ballot are taken now."""

    election: Election
    phase: Phase
    asked_for: bool


def shown() -> QuerySet[Election]:
    """The elections that voters are told of."""
    ready = Election.objects.filter(office__isnull=False, notice_day__isnull=False, election_day__isnull=False)
    return ready.select_related("office")


def list_elections(at: datetime) -> tuple[list[Listed], list[Listed]]:
    """Those under way or to come, the first to close first; and those that are finished, the latest first."""
    turns = _turns(shown())
    found = [
        Listed(election, reached(election, turns.get(election.pk, set()), at), bool(taking_requests(election, at)))
        for election in shown().order_by("closes", "pk")
    ]
    current = [one for one in found if one.phase not in (Phase.FINISHED, Phase.NOT_HELD)]
    return current, [one for one in reversed(found) if one.phase == Phase.FINISHED]


def phase_of(election: Election, at: datetime) -> Phase:
    """How far the election is."""
    return reached(election, _turns([election]).get(election.pk, set()), at)


def _turns(elections: Iterable[Election]) -> dict[int, set[str]]:
    """Election → which of the turns in its course are on its board."""
    found: dict[int, set[str]] = {}
    entries = BoardEntry.objects.filter(election__in=elections, type__in=_TURNS)
    for election, kind in entries.values_list("election_id", "type"):
        found.setdefault(election, set()).add(kind)
    return found


def reached(election: Election, turns: set[str], at: datetime) -> Phase:
    """How far it is at this moment, with these turns on its board."""
    if Type.RESULT in turns:
        return Phase.FINISHED
    if Type.POLLS_CLOSED in turns:
        return Phase.COUNTING
    if Type.POLLS_OPENED not in turns:
        return Phase.BEFORE if at < election.closes else Phase.NOT_HELD
    if at < election.opens:
        return Phase.BEFORE
    return Phase.VOTING if at < election.closes else Phase.COUNTING


class Asking(TextChoices):
    """Whether an offer takes requests."""

    NOW = "now", _("Requests are taken now")
    EARLY = "early", _("Requests are not taken yet")
    LATE = "late", _("The time for requests online is over")
    UNKNOWN = "unknown", _("The dates are not fixed yet")


@dataclass(frozen=True)
class Situation:
    """An offer in plain words. `needs`: alternatives, each what is needed together; `dates`: None while not fixed."""

    offer: Offer
    name: str
    who: str
    needs: list[list[Label]]
    attested_by: str
    dates: Windows | None
    asking: Asking
    on_paper: bool
    """Whether one can still ask on paper"""


def situations(election: Election, at: datetime) -> list[Situation]:
    """What the election offers, in the order of the catalogue; what takes requests now comes first."""
    found = [_situation(offer, at) for offer in offered(election)]
    return sorted(found, key=lambda situation: situation.asking != Asking.NOW)


def _situation(offer: Offer, at: datetime) -> Situation:
    category, language = offer.category, get_language() or "ja"
    dates = _dates(offer)
    return Situation(
        offer=offer,
        name=category.name(language),
        who=category.who(language),
        needs=[[EVIDENCE[kind].label for kind in together] for together in category.evidence],
        attested_by="" if category.attest == Attest.NONE else category.get_attest_display(),
        dates=dates,
        asking=_asking(dates, at),
        on_paper=dates is not None and dates.paper_until is not None and at <= dates.paper_until,
    )


def _dates(offer: Offer) -> Windows | None:
    try:
        return windows(offer)
    except RuleInvalid:
        return None


def _asking(dates: Windows | None, at: datetime) -> Asking:
    if dates is None:
        return Asking.UNKNOWN
    if in_time(at, dates.apply_from, dates.online_until):
        return Asking.NOW
    return Asking.EARLY if at < dates.apply_from else Asking.LATE


def hours_of_polling_stations(election: Election) -> tuple[time, time] | None:
    """When the first polling station opens and the last one closes on election day; None while there is none."""
    hours = list(election.districts.values_list("polls_open", "polls_close"))
    return (min(opens for opens, _closes in hours), max(closes for _opens, closes in hours)) if hours else None
