"""From the close to the freeze: which ballots are accepted (受理・不受理, 令63), and cutting the link to applications.

A refused ballot stays sealed: its slot is withdrawn on the board and never opened (requirement 31).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from verifier.record.entries import Type
from voting.access.services import log
from voting.applications import steps
from voting.applications.errors import WrongState
from voting.applications.grounds import REFUSALS
from voting.applications.models import Application
from voting.applications.requests import subjects
from voting.applications.review import application_of, lapse, note_cast, office_of, require_reason
from voting.applications.states import OPEN, Event, State
from voting.board.models import BoardEntry
from voting.board.replica import replica_of
from voting.booth.presence import forget_trackers
from voting.credentials.models import Binding
from voting.credentials.services import forget, note_bound, note_replaced
from voting.elections.models import Election
from voting.errors import NotEligible, NotOnBoard, NotPermitted, RollNotReady
from voting.officials.models import Official, Proposal
from voting.officials.roles import Act
from voting.officials.services import carries_out, propose, require
from voting.polls.errors import NotReady
from voting.roll.eligibility import style_for
from voting.roll.models import Elector, Mark, Vote
from voting.roll.services import Step, lookalikes, take_step

PUBLISHED = {
    "paper": "投票用紙で投票した",
    "dead": "選挙期日前に死亡した",
    "franchise": "選挙権を失った、または転出した",
    "duplicate": "重複した",
    "given-back": "投じる前に返還された",
    "other": "その他",
}
"""Grounds of refusal as the board states them."""


# Following the board


def follow_board(election: Election) -> None:
    """Bring applications up to date with the board: ballots cast, devices replaced. Again is no harm."""
    replica = replica_of(election.pk)
    with replica.lock:
        slots = replica.catch_up().state.slots
        voted = {name for name, slot in slots.items() if slot.entry is not None}
        credentials = {name: slot.credential for name, slot in slots.items()}
    note_bound(election, credentials)
    note_replaced(election, credentials)
    issued = Binding.objects.filter(application__election=election, application__state=State.ISSUED)
    for binding in issued.select_related("application"):
        if binding.pseudonym in voted:
            note_cast(binding.application)


def settle(election: Election) -> None:
    """After the close: what was cast is known, everything else lapses. Raises NotOnBoard before the close."""
    if not _on_board(election, Type.POLLS_CLOSED):
        raise NotOnBoard(_("the polls are not closed yet"), election.slug)
    follow_board(election)
    left = Application.objects.filter(election=election, state__in=[*OPEN, State.ISSUED])
    for application in left:
        lapse(application)


def _on_board(election: Election, kind: Type) -> bool:
    return BoardEntry.objects.filter(election=election, type=kind).exists()


# Acceptance


@dataclass(frozen=True)
class Exceptional:
    """A cast ballot that the poll manager must look at, and why."""

    application: Application
    ground: str


def exceptional(election: Election) -> list[Exceptional]:
    """Cast ballots of people who voted on paper, died or lost the franchise since."""
    cast = Application.objects.filter(election=election, state=State.CAST).select_related("elector")
    grounds = ((application, ground_against(application)) for application in cast)
    return [Exceptional(application, ground) for application, ground in grounds if ground]


def ground_against(application: Application) -> str:
    """What the roll says today against accepting a cast ballot; "" for nothing. Eligibility is that of today (法43).

    Where the roll is wrong it is corrected first, by two people: a file of changes, or telling two rows apart.
    """
    elector = application.elector
    if elector is None:
        return "other"
    if elector.vote == Vote.PAPER_WINS:
        return "paper"
    if elector.mark == Mark.DEAD:
        return "dead"
    try:
        same = style_for(elector) == application.style
    except NotEligible:
        same = False
    if not same:
        return "franchise"
    return "duplicate" if _has_second_vote(elector) else ""


def _has_second_vote(elector: Elector) -> bool:
    """Whether a row that looks like the same person has voted, too: known only since the roll changed."""
    others = list(lookalikes(elector))
    return (
        any(other.vote in (Vote.PAPER, Vote.PAPER_WINS) for other in others)
        or Application.objects.filter(elector__in=others, state__in=[State.CAST, State.ACCEPTED]).exists()
    )


def ask_to_refuse(application: Application, *, ground: str, reason: str, by: Official) -> Proposal:
    """The poll manager asks to refuse a cast ballot; a witness gives the second opinion.

    Raises NotPermitted, AlreadyProposed, WrongState, NotOnBoard (before the close, or after the withdrawals).
    """
    if ground not in REFUSALS:
        raise ValueError(f"no such ground: {ground}")
    require_reason(reason)
    steps.after(application, Event.REFUSE)
    _require_between(application.election)
    return propose(
        Act.REFUSE_BALLOT,
        office=office_of(application),
        target=application,
        summary=_("%(reference)s: refuse the ballot: %(ground)s")
        % {"reference": application.reference, "ground": REFUSALS[ground]},
        reason=reason,
        payload={"ground": ground},
        by=by,
    )


def _require_between(election: Election) -> None:
    if not _on_board(election, Type.POLLS_CLOSED):
        raise NotOnBoard(_("the polls are not closed yet"), election.slug)
    if _on_board(election, Type.WITHDRAWALS) or _on_board(election, Type.TALLY_FROZEN):
        raise WrongState(_("The withdrawals are on the board: nothing can be refused any more."), election.slug)


@carries_out(Act.REFUSE_BALLOT)
def _refuse(proposal: Proposal, by: Official) -> None:
    locked = steps.lock(application_of(proposal))
    _require_between(locked.election)
    ground = proposal.payload["ground"]
    steps.take(locked, Event.REFUSE, by=by, office=proposal.office, ground=ground, reason=proposal.reason)
    log(by, proposal.office, Act.REFUSE_BALLOT, proposal.summary, subjects(locked))


def accept_rest(election: Election, *, by: Official) -> int:
    """Accept every other cast ballot; how many. Raises NotPermitted, NotReady while exceptional ones are undecided."""
    if election.office is None:
        raise NotPermitted(_("The election belongs to no office yet."), election.slug)
    require(by, Act.REFUSE_BALLOT, election.office)
    settle(election)
    problems = [f"{case.application.reference}: {REFUSALS[case.ground]}" for case in exceptional(election)]
    waiting = Proposal.objects.filter(act=Act.REFUSE_BALLOT, office=election.office, decision=Proposal.Decision.PENDING)
    problems += [str(proposal) for proposal in waiting if application_of(proposal).election_id == election.pk]
    if problems:
        raise NotReady(problems, election.slug)
    accepted = 0
    for application in Application.objects.filter(election=election, state=State.CAST):
        accepted += _accept(application, by)
    return accepted


@transaction.atomic
def _accept(application: Application, by: Official) -> bool:
    locked = steps.lock(application)
    if locked.state != State.CAST or ground_against(locked):
        return False
    take_step(locked.elector_id or 0, Step.ACCEPT)  # from now on no paper vote is recorded either
    steps.take(locked, Event.ACCEPT, by=by, office=office_of(locked))
    return True


def withdrawals_body(election: Election) -> dict[str, Any]:
    """Slots to withdraw, drawn together, and their reasons as totals.

    Also the slots whose ballot was cancelled: their devices could still cast until the close. Raises NotReady while
    something is undecided, RollNotReady when there is nothing to withdraw.
    """
    require_decided(election)
    grounds = to_withdraw(election)
    if not grounds:
        raise RollNotReady(_("There is nothing to withdraw."), election.slug)
    reasons = [
        {"reason": PUBLISHED[ground], "slots": count} for ground, count in sorted(Counter(grounds.values()).items())
    ]
    return {"slots": sorted(grounds), "reasons": reasons}


def require_decided(election: Election) -> None:
    """The polls are closed and every application is over or decided. Raises NotReady."""
    problems = [] if _on_board(election, Type.POLLS_CLOSED) else [_("the polls are not closed yet")]
    undecided = Application.objects.filter(election=election, state__in=[*OPEN, State.ISSUED, State.CAST]).count()
    if undecided:
        problems.append(_("%(count)s applications are neither accepted, refused nor over") % {"count": undecided})
    if problems:
        raise NotReady(problems, election.slug)


def to_withdraw(election: Election) -> dict[str, str]:
    """Slot → ground, for every slot on the board whose ballot was refused or cancelled."""
    follow_board(election)
    gone = Binding.objects.filter(
        application__election=election, slot__isnull=False, application__state__in=[State.REFUSED, State.GIVEN_BACK]
    ).select_related("application")
    grounds = {}
    for binding in gone:
        last = binding.application.changes.filter(event__in=[Event.REFUSE, Event.GIVE_BACK]).last()
        grounds[binding.pseudonym] = (last.ground if last else "") or "given-back"
    return grounds


# After the freeze


@transaction.atomic
def strip(election: Election) -> int:
    """Separate applications from ballots, irreversibly; how many. See `credentials.services.forget` for what is left.

    Raises NotOnBoard before the freeze.
    """
    cut = forget(election)
    forget_trackers(election)
    for application in Application.objects.filter(election=election, state=State.ACCEPTED):
        steps.take(steps.lock(application), Event.STRIP)
    log("strip", election.office, "strip", f"{election.slug}: {cut} links cut", everyone=election.slug)
    return cut


@transaction.atomic
def note_tallied(election: Election) -> None:
    """The result is on the board. Raises NotOnBoard before it is."""
    if not _on_board(election, Type.RESULT):
        raise NotOnBoard(_("the result is not on the board yet"), election.slug)
    for application in Application.objects.filter(election=election, state=State.STRIPPED):
        steps.take(steps.lock(application), Event.TALLY)
