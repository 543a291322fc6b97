"""What happens to a person's vote in an election: issued online, given back, cast, or given on paper.

Each step takes the row locks of everybody who looks like the same person, so that of two steps at the same instant
one wins and the other is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from voting.access.services import log
from voting.errors import NotEligible, SamePerson, VoteTaken
from voting.officials.models import Office, Official, Proposal
from voting.officials.roles import Act
from voting.officials.services import carries_out, key_of_target, propose, require
from voting.roll.eligibility import scopes_of
from voting.roll.models import Distinction, Elector, PaperWay, Vote


class Step(StrEnum):
    """What happens to somebody's vote."""

    ISSUE = "issue"
    GIVE_BACK = "give-back"
    LAPSE = "lapse"
    CAST = "cast"
    ACCEPT = "accept"
    PAPER = "paper"
    UNDO_PAPER = "undo-paper"


STEPS: Mapping[tuple[Vote, Step], Vote] = MappingProxyType(
    {
        (Vote.NONE, Step.ISSUE): Vote.ISSUED,
        (Vote.ISSUED, Step.GIVE_BACK): Vote.NONE,
        (Vote.ISSUED, Step.LAPSE): Vote.NONE,
        (Vote.ISSUED, Step.CAST): Vote.CAST,
        (Vote.NONE, Step.PAPER): Vote.PAPER,
        (Vote.CAST, Step.PAPER): Vote.PAPER_WINS,
        (Vote.CAST, Step.ACCEPT): Vote.ACCEPTED,
        (Vote.PAPER, Step.UNDO_PAPER): Vote.NONE,
        (Vote.PAPER_WINS, Step.UNDO_PAPER): Vote.CAST,
    }
)
"""An unused online ballot lapses at the close, so that its voter can still go to the polling station."""


def take_step(elector_id: int, step: Step, *, paper_way: PaperWay | str = "") -> Elector:
    """Change what the roll says about somebody's vote, in the caller's transaction.

    Raises VoteTaken, SamePerson.
    """
    elector = _lock_with_lookalikes(elector_id)
    after = STEPS.get((Vote(elector.vote), step))
    if after is None:
        raise VoteTaken(
            _("The roll says already: %(vote)s.") % {"vote": elector.get_vote_display()}, elector.list_number
        )
    if after is Vote.PAPER_WINS and not elector.election.revote:
        raise VoteTaken(_("Cast online, and this election does not allow to vote again."), elector.list_number)
    if step in (Step.ISSUE, Step.PAPER):
        _require_no_other_vote(elector)
    elector.vote, elector.vote_at, elector.paper_way = after, timezone.now(), paper_way
    elector.save(update_fields=["vote", "vote_at", "paper_way"])
    return elector


def _lock_with_lookalikes(elector_id: int) -> Elector:
    # In the order of their keys, so that two who lock the same rows never wait for each other.
    wanted = Elector.objects.values("election_id", "person").get(pk=elector_id)
    same = Q(election_id=wanted["election_id"], person=wanted["person"])
    rows = Elector.objects.select_for_update().filter(same | Q(pk=elector_id)).order_by("pk")
    locked = {row.pk: row for row in rows}
    return locked[elector_id]


def _require_no_other_vote(elector: Elector) -> None:
    other = lookalikes(elector).exclude(vote=Vote.NONE).first()
    if other is not None:
        raise SamePerson(
            _("%(number)s on the roll looks like the same person and has: %(vote)s.")
            % {"number": other.list_number, "vote": other.get_vote_display()},
            elector.list_number,
        )


def lookalikes(elector: Elector) -> QuerySet[Elector]:
    """Other rows of the election, on either roll, that look like the same person and were not declared another."""
    apart = Distinction.objects.filter(Q(first=elector) | Q(second=elector)).values_list("first_id", "second_id")
    others = {pk for pair in apart for pk in pair}
    same = Elector.objects.filter(election_id=elector.election_id, person=elector.person)
    return same.exclude(pk__in={elector.pk, *others}).order_by("pk")


@transaction.atomic
def record_paper_vote(elector: Elector, *, way: PaperWay, by: Official) -> Elector:
    """Somebody votes on paper. With an online ballot that is not cast, it is given back first (令64).

    Raises NotPermitted, NotEligible, VoteTaken, SamePerson.
    """
    office = _office_of(elector)
    require(by, Act.MARK_PAPER, office)
    if not scopes_of(elector):
        raise NotEligible(_("This person cannot vote in this election."), elector.list_number)
    marked = take_step(elector.pk, Step.PAPER, paper_way=way)
    log(by, office, Act.MARK_PAPER, f"{PaperWay(way).label}: {marked.get_vote_display()}", [elector.pk])
    return marked


def ask_to_undo_paper(elector: Elector, *, reason: str, by: Official) -> Proposal:
    """Ask to take back a vote on paper that was recorded by mistake, of another number on the roll for example.

    Raises NotPermitted, AlreadyProposed, VoteTaken.
    """
    if elector.vote not in (Vote.PAPER, Vote.PAPER_WINS):
        raise VoteTaken(_("No vote on paper is recorded, or it is decided about already."), elector.list_number)
    return propose(
        Act.UNDO_PAPER,
        office=_office_of(elector),
        target=elector,
        summary=_("No vote on paper: %(number)s") % {"number": elector.list_number},
        reason=reason,
        by=by,
        subjects=[elector.pk],
    )


@carries_out(Act.UNDO_PAPER)
def _undo_paper(proposal: Proposal, by: Official) -> None:
    elector = take_step(key_of_target(proposal), Step.UNDO_PAPER)
    log(by, proposal.office, Act.UNDO_PAPER, proposal.summary, [elector.pk])


def _office_of(elector: Elector) -> Office:
    if elector.election.office is None:
        raise VoteTaken(_("The election belongs to no office yet."), elector.election.slug)
    return elector.election.office


def ask_to_tell_apart(first: Elector, second: Elector, *, reason: str, by: Official) -> Proposal:
    """Ask to declare two lookalikes two people. Raises NotPermitted, AlreadyProposed, ValueError."""
    if first.election_id != second.election_id or first.pk == second.pk or first.election.office is None:
        raise ValueError("two rows of the roll of one election were expected")
    lower, upper = sorted((first, second), key=lambda elector: elector.pk)
    return propose(
        Act.TELL_APART,
        office=first.election.office,
        target=lower,
        summary=_("%(first)s and %(second)s are two people")
        % {"first": lower.list_number, "second": upper.list_number},
        reason=reason,
        payload={"first": lower.pk, "second": upper.pk},
        by=by,
        subjects=[lower.pk, upper.pk],
    )


@carries_out(Act.TELL_APART)
def _tell_apart(proposal: Proposal, by: Official) -> None:
    pair = proposal.payload
    Distinction.objects.create(first_id=pair["first"], second_id=pair["second"], proposal=proposal)
    log(by, proposal.office, Act.TELL_APART, proposal.summary, pair.values())
