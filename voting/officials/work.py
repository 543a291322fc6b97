"""What waits for an official: the start page of the officials' site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.functional import Promise

from voting.access.models import AccessEntry
from voting.applications.models import Application
from voting.applications.review import to_confirm
from voting.applications.states import OPEN, State
from voting.elections.models import Election
from voting.officials.models import Office, Official, Proposal
from voting.officials.roles import Act
from voting.officials.services import offices_where, pending
from voting.polls.stages import Step, next_step, stage
from voting.roll.models import RollImport

MOST_ELECTIONS = 20
ALERTS_LAST = timedelta(days=60)


@dataclass(frozen=True)
class Queue:
    """How many applications are in a state."""

    state: State
    count: int


@dataclass(frozen=True)
class Standing:
    """An election, where it is, and what comes next."""

    election: Election
    stage: Promise
    next: Step | None


@dataclass(frozen=True)
class Work:
    """Everything that waits for one person; `None` for what is no part of their work."""

    to_decide: QuerySet[Proposal]
    asked: QuerySet[Proposal]
    applications: list[Queue] | None
    confirmations: list[tuple[Office, int]] | None
    roll_files: QuerySet[RollImport] | None
    elections: list[Standing]
    conflicts: QuerySet[AccessEntry]
    may_search_roll: bool
    may_see_marks: bool
    may_stand_by: bool


def work_of(official: Official) -> Work:
    """What waits for somebody now."""
    roll_offices = offices_where(official, Act.PREPARE_IMPORT)
    return Work(
        to_decide=pending(official).select_related("office", "requested_by"),
        asked=Proposal.objects.filter(requested_by=official, decision=Proposal.Decision.PENDING),
        applications=_applications(official),
        confirmations=_confirmations(official),
        roll_files=_roll_files(roll_offices) if roll_offices.exists() else None,
        elections=_elections(official),
        conflicts=_conflicts(official),
        may_search_roll=offices_where(official, Act.VIEW_ROLL).exists(),
        may_see_marks=offices_where(official, Act.VIEW_MARKS).exists(),
        may_stand_by=any(offices_where(official, act).exists() for act in (Act.ATTEST_VOTE, Act.ASSIST_VOTE)),
    )


def _applications(official: Official) -> list[Queue] | None:
    offices = offices_where(official, Act.VIEW_APPLICATIONS)
    if not offices.exists():
        return None
    waiting = Application.objects.filter(election__office__in=offices, state__in=OPEN).order_by()
    counts = dict(waiting.values_list("state").annotate(count=Count("pk")))
    return [Queue(state, counts.get(state, 0)) for state in OPEN]


def _confirmations(official: Official) -> list[tuple[Office, int]] | None:
    offices = offices_where(official, Act.CONFIRM_ISOLATION) | offices_where(official, Act.FILE_FOR_OTHERS)
    return [(office, to_confirm(official, office).count()) for office in offices] or None


def _roll_files(offices: QuerySet[Office]) -> QuerySet[RollImport]:
    under_way = (RollImport.State.CHECKING, RollImport.State.FAULTY, RollImport.State.CHECKED)
    return RollImport.objects.filter(election__office__in=offices, state__in=under_way).select_related("election")


def _conflicts(official: Official) -> QuerySet[AccessEntry]:
    """Alerts of the voters' login, for those who may look at the roll; the log keeps the names of offices."""
    boards = offices_where(official, Act.VIEW_ROLL).values("name")
    since = timezone.now() - ALERTS_LAST
    return AccessEntry.objects.filter(act="identity-conflict", office__in=boards, at__gte=since).order_by("-index")


def _elections(official: Official) -> list[Standing]:
    offices = offices_where(official, Act.VIEW_ELECTION)
    recent = Election.objects.filter(office__in=offices).order_by("-closes")[:MOST_ELECTIONS]
    return [Standing(election, stage(election), next_step(election)) for election in recent]
