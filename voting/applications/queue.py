"""The queue of applications as a clerk sees it: which ones, how many in each state, since when, and what comes next."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, QuerySet
from django.utils import timezone
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from voting.applications.claims import Label
from voting.applications.errors import RuleInvalid
from voting.applications.models import Application, Offer
from voting.applications.offers import windows
from voting.applications.states import OPEN, State
from voting.officials.models import Proposal
from voting.officials.roles import Act
from voting.officials.services import target_of
from voting.roll.characters import fold_kana, fold_name

OPEN_TAB, ALL_TAB = "open", "all"
FEWEST_DIGITS = 4
MOST_DIGITS = 15
SOON = timedelta(hours=24)


def key_of(text: str) -> int | None:
    """The key of a row that a form or query names; None for anything else."""
    return int(text) if len(text) <= MOST_DIGITS and text.isascii() and text.isdigit() else None


@dataclass(frozen=True)
class Wanted:
    """What a clerk asks to see; what is empty asks for nothing. `state` is a state, "open" or "all"."""

    election: int | None = None
    state: str = ""
    category: str = ""
    matched: str = ""
    text: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Wanted:
        """What a query string asks for; what makes no sense in it is left out."""
        state = query.get("state", "")
        matched = query.get("matched", "")
        return cls(
            election=key_of(query.get("election", "")),
            state=state if state in (*State.values, OPEN_TAB, ALL_TAB) else "",
            category=query.get("category", "")[:40],
            matched=matched if matched in ("yes", "no") else "",
            text=query.get("q", "").strip()[:100],
        )

    @property
    def tab(self) -> str:
        """The state that is shown: open ones, unless somebody is looked for or another state is chosen."""
        return self.state or (ALL_TAB if self.text else OPEN_TAB)

    def narrow(self, rows: QuerySet[Application]) -> QuerySet[Application]:
        """The rows with everything that is asked for, apart from the state."""
        if self.election:
            rows = rows.filter(election=self.election)
        if self.category:
            rows = rows.filter(offer__category__code=self.category)
        if self.matched:
            rows = rows.filter(elector__isnull=self.matched == "no")
        return rows.filter(pk__in=_found(rows, self.text)) if self.text else rows

    def in_tab(self, rows: QuerySet[Application]) -> QuerySet[Application]:
        """Those of the rows that are in the state that is shown, the oldest first."""
        if self.tab == OPEN_TAB:
            rows = rows.filter(state__in=OPEN)
        elif self.tab != ALL_TAB:
            rows = rows.filter(state=self.tab)
        return rows.order_by("received_at", "id")


def _found(rows: QuerySet[Application], text: str) -> list[int]:
    """By name or reading as compared (髙橋 is found by 高橋), reference, or the last digits of a telephone number."""
    name, kana, reference = fold_name(text), fold_kana(text), _bare(text).upper()
    digits = reference if reference.isdigit() and len(reference) >= FEWEST_DIGITS else ""
    return [
        pk
        for pk, its_name, its_kana, its_reference, phone in rows.values_list("pk", "name", "kana", "reference", "phone")
        if (name and name in fold_name(its_name))
        or (kana and kana in fold_kana(its_kana))
        or (reference and reference in _bare(its_reference))
        or (digits and _bare(phone).endswith(digits))
    ]


def _bare(text: str) -> str:
    """Letters and digits only, narrow ones, as references and telephone numbers are compared."""
    return "".join(character for character in fold_name(text) if character.isascii() and character.isalnum())


@dataclass(frozen=True)
class Tab:
    """One choice of states with how many applications it has."""

    key: str
    label: str
    count: int


def tabs(rows: QuerySet[Application]) -> list[Tab]:
    """Open ones, everything, and each state that occurs."""
    counts = dict(rows.order_by().values_list("state").annotate(number=Count("pk")))
    waiting = sum(counts.get(state, 0) for state in OPEN)
    found = [Tab(state.value, str(state.label), counts[state]) for state in State if state in counts]
    return [Tab(OPEN_TAB, _("to be decided"), waiting), *found, Tab(ALL_TAB, _("all"), sum(counts.values()))]


@dataclass(frozen=True)
class Row:
    """One line of the queue."""

    application: Application
    waiting: str
    closes: datetime | None
    left: str
    urgent: bool
    next_step: Label


def with_last_step(rows: QuerySet[Application]) -> QuerySet[Application]:
    """The rows with all that `lines` needs: no further query for each."""
    return rows.select_related("election__office", "offer__category", "offer__election", "office").annotate(
        last_step_at=Max("changes__at")
    )


def lines(applications: Iterable[Application], now: datetime | None = None) -> list[Row]:
    """The lines of the queue for rows from `with_last_step`."""
    shown, at = list(applications), now or timezone.now()
    ends: dict[int, datetime | None] = {}
    for application in shown:
        if application.offer_id not in ends:
            ends[application.offer_id] = end_of_voting(application.offer)
    asked = waiting_acts(shown)
    return [_line(one, ends[one.offer_id], asked.get(one.pk, frozenset()), at) for one in shown]


def _line(application: Application, closes: datetime | None, asked: Collection[Act], now: datetime) -> Row:
    since = getattr(application, "last_step_at", None) or application.received_at
    still_open = application.state in OPEN and closes is not None
    left = ""
    if still_open and closes is not None:
        left = timeuntil(closes, now, depth=1) if closes > now else _("voting is over")
    urgent = still_open and closes is not None and closes - now < SOON
    return Row(application, timesince(since, now, depth=1), closes, left, urgent, next_step(application, asked))


def end_of_voting(offer: Offer) -> datetime | None:
    """Until when a ballot of this offer can be used; None while the election's days are not set."""
    try:
        return windows(offer).vote_until
    except RuleInvalid:
        return None


def waiting_acts(applications: Iterable[Application]) -> dict[int, frozenset[Act]]:
    """Application → acts about it that wait for a second person."""
    targets = {target_of(application): application.pk for application in applications}
    waiting = Proposal.objects.filter(target__in=list(targets), decision=Proposal.Decision.PENDING)
    found: dict[int, frozenset[Act]] = {}
    for target, act in waiting.values_list("target", "act"):
        key = targets[target]
        found[key] = found.get(key, frozenset()) | {Act(act)}
    return found


def next_step(application: Application, asked: Collection[Act]) -> Label:
    """What happens next, and whose turn it is, in a few words."""
    if asked:
        return _("A second official decides: %(acts)s") % {"acts": ", ".join(str(act.label) for act in sorted(asked))}
    state = State(application.state)
    if state is State.TO_CONFIRM:
        return _("%(office)s confirms") % {"office": application.office or _("The authority")}
    if state is State.UNDER_REVIEW and application.elector_id is None:
        return _("Find the applicant on the roll")
    return NEXT.get(state, _("Nothing: it is over"))


NEXT: Mapping[State, Label] = {
    State.REQUESTED: gettext_lazy("Take up for review"),
    State.UNDER_REVIEW: gettext_lazy("The chair decides"),
    State.SENT_BACK: gettext_lazy("The voter corrects it"),
    State.ISSUED: gettext_lazy("The voter votes"),
    State.CAST: gettext_lazy("The poll manager accepts the ballot"),
    State.ACCEPTED: gettext_lazy("It is separated from the name"),
    State.STRIPPED: gettext_lazy("It is counted"),
}
"""What follows a state; nothing follows any other."""
