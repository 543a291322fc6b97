"""What officials do with applications: look, confirm, match, return, reject, approve, cancel.

Approving issues the ballot and marks the roll in one transaction, so that polling places see it at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from voting.access.services import log
from voting.applications import steps
from voting.applications.catalogue import Attest
from voting.applications.errors import (
    AlreadyApplied,
    ConditionNotMet,
    NotMatched,
    OutOfTime,
    RequestInvalid,
    WrongState,
)
from voting.applications.errors import ClaimFault as Fault
from voting.applications.facts import require_still_met
from voting.applications.grounds import REJECTIONS
from voting.applications.models import Application, Confirmation
from voting.applications.offers import windows
from voting.applications.requests import HEADS, person_of, subjects, waits_for_health
from voting.applications.states import LIVE, OPEN, Event, State
from voting.board.replica import replica_of
from voting.credentials.models import Binding
from voting.elections.models import Election, Slot
from voting.errors import NotPermitted, VoteTaken, VotingError
from voting.officials.models import Office, Official, Proposal
from voting.officials.roles import Act
from voting.officials.services import carries_out, key_of_target, may, propose, require
from voting.roll.characters import fold_name
from voting.roll.eligibility import style_for
from voting.roll.matching import candidates
from voting.roll.models import Elector, RollLeaf, Vote
from voting.roll.services import Step, take_step

LONGEST_REASON = 900


def office_of(application: Application) -> Office:
    """The election board that decides. Raises NotPermitted when the election belongs to none."""
    return _board_of(application.election)


def _board_of(election: Election) -> Office:
    if election.office is None:
        raise NotPermitted(_("The election belongs to no office yet."), election.slug)
    return election.office


def view(application: Application, *, by: Official, purpose: str) -> Application:
    """Look at an application, on the record. Raises NotPermitted."""
    office = office_of(application)
    require(by, Act.VIEW_APPLICATIONS, office)
    _log(by, office, Act.VIEW_APPLICATIONS, application, purpose)
    return application


def _log(by: Official, office: Office, act: Act, application: Application, purpose: str) -> None:
    log(by, office, act, f"{application.reference}: {purpose}", subjects(application))


# Confirmations


def to_confirm(official: Official, office: Office) -> QuerySet[Application]:
    """What waits for an authority's or a head's confirmation, at one office. Raises NotPermitted."""
    if not _confirms(official, office):
        raise NotPermitted(f"{official} may not confirm", str(office))
    waiting = Application.objects.filter(state=State.TO_CONFIRM, office=office)
    return waiting.select_related("offer__category", "election").order_by("received_at")


def _confirms(official: Official, office: Office) -> bool:
    return may(official, Act.CONFIRM_ISOLATION, office) or may(official, Act.FILE_FOR_OTHERS, office)


@transaction.atomic
def confirm(
    application: Application, *, by: Official, confirmed: bool, starts: date | None = None, ends: date | None = None
) -> Confirmation:
    """A health officer, or the head of the place, says yes with the period, or no; no diagnosis, once.

    Raises NotPermitted, WrongState, RequestInvalid.
    """
    locked = steps.lock(application)
    office, category = locked.office, locked.offer.category
    if office is None:
        raise WrongState(_("This application waits for nobody's confirmation."), locked.reference)
    health = waits_for_health(category, list(locked.claims))
    require(by, Act.CONFIRM_ISOLATION if health else Act.FILE_FOR_OTHERS, office)
    steps.after(locked, Event.CONFIRM)
    if confirmed and (starts is None or ends is None or ends < starts):
        raise RequestInvalid([Fault("period", _("A first and a last day were expected."))], locked.reference)
    confirmation = Confirmation.objects.create(
        application=locked,
        official=by,
        office=office,
        confirmed=confirmed,
        starts=starts if confirmed else None,
        ends=ends if confirmed else None,
    )
    steps.take(locked, Event.CONFIRM if confirmed else Event.DENY, by=by, office=office)
    act = Act.CONFIRM_ISOLATION if health else Act.FILE_FOR_OTHERS
    _log(by, office, act, locked, _("confirmed") if confirmed else _("not confirmed"))
    return confirmation


# Review


@transaction.atomic
def take_up(application: Application, *, by: Official) -> Application:
    """Begin to review; also where a confirmation has not come, so that an official can decide without it (req. 13).

    Raises NotPermitted, WrongState.
    """
    locked = steps.lock(application)
    office = office_of(locked)
    require(by, Act.REVIEW, office)
    steps.take(locked, Event.TAKE_UP, by=by, office=office)
    _log(by, office, Act.REVIEW, locked, _("taken up for review"))
    return locked


@transaction.atomic
def send_back(application: Application, *, by: Official, reason: str) -> Application:
    """Return for correction; the reason goes to the voter. Raises NotPermitted, WrongState, RequestInvalid."""
    locked = steps.lock(application)
    office = office_of(locked)
    require(by, Act.REVIEW, office)
    require_reason(reason)
    steps.take(locked, Event.SEND_BACK, by=by, office=office, reason=reason)
    _log(by, office, Act.REVIEW, locked, _("returned for correction"))
    return locked


@transaction.atomic
def reject(application: Application, *, by: Official, ground: str, reason: str) -> Application:
    """Reject, on a legal ground and with a reason for the voter. Raises NotPermitted, WrongState, RequestInvalid."""
    locked = steps.lock(application)
    office = office_of(locked)
    require(by, Act.DECIDE, office)
    if ground not in REJECTIONS:
        raise RequestInvalid([Fault("ground", _("Choose a legal ground."))], locked.reference)
    require_reason(reason)
    steps.take(locked, Event.REJECT, by=by, office=office, reason=reason, ground=ground)
    _log(by, office, Act.DECIDE, locked, _("rejected"))
    return locked


@transaction.atomic
def approve(application: Application, *, by: Official, reason: str = "", at: datetime | None = None) -> Application:
    """Approve and issue: the roll is marked in the same transaction (req. 19).

    Where a confirmation was asked for and has not said yes, an official decides without it and gives a reason.

    Raises NotPermitted, WrongState, NotMatched, ConditionNotMet, OutOfTime, NotEligible, VoteTaken, SamePerson.
    """
    locked = steps.lock(application)
    office = office_of(locked)
    require(by, Act.DECIDE, office)
    steps.after(locked, Event.ISSUE)
    if locked.elector_id is None:
        raise NotMatched(_("Nobody on the roll is known to be the applicant yet."), locked.reference)
    now = at or timezone.now()
    if now > windows(locked.offer).vote_until or now >= locked.election.closes:
        raise OutOfTime(_("Voting is over."), locked.reference)
    if awaits(locked) and not is_confirmed(locked):
        require_reason(reason)
    require_still_met(locked, now)
    _require_no_slot(locked)
    elector = take_step(locked.elector_id, Step.ISSUE)
    style = style_for(elector)
    steps.take(locked, Event.ISSUE, by=by, office=office, reason=reason, style=style)
    _log(by, office, Act.DECIDE, locked, _("approved, ballot issued"))
    return locked


def _require_no_slot(application: Application) -> None:
    """After a device was on the board and its ballot cancelled, only paper is left: a roll row has one slot, ever."""
    leaf = RollLeaf.objects.filter(elector=application.elector_id).first()
    if leaf and Slot.objects.filter(election=application.election_id, roll_index=leaf.index).exists():
        raise VoteTaken(_("An online ballot of this person was cancelled: only paper is left."), application.reference)


def awaits(application: Application) -> bool:
    """Whether somebody else's confirmation belongs to it."""
    attested = Attest(application.offer.category.attest) in HEADS and application.way != Application.Way.ATTESTOR
    return attested or waits_for_health(application.offer.category, list(application.claims))


def is_confirmed(application: Application) -> bool:
    """Whether the authority or head has said yes."""
    return Confirmation.objects.filter(application=application, confirmed=True).exists()


def require_reason(reason: str) -> None:
    """A reason was given, and fits. Raises RequestInvalid."""
    if not reason.strip():
        raise RequestInvalid([Fault("reason", _("Give a reason."))])
    if len(reason) > LONGEST_REASON:
        raise RequestInvalid([Fault("reason", _("At most %(most)d characters.") % {"most": LONGEST_REASON})])


def obstacles(application: Application) -> list[str]:
    """What stands against approving, in words: what a reviewer is shown before deciding."""
    found = []
    if application.elector is None:
        found.append(_("Nobody on the roll is known to be the applicant yet."))
    if awaits(application) and not is_confirmed(application):
        found.append(_("The confirmation is missing or negative: approving needs a reason."))
    try:
        require_still_met(application, timezone.now())
    except ConditionNotMet as error:
        found.append(error.reason)
    if application.elector is not None:
        found += _against_elector(application.elector)
    twins = lookalikes(application)
    if twins:
        found.append(_("Other applications of the same person: %(list)s") % {"list": ", ".join(map(str, twins))})
    return found


def _against_elector(elector: Elector) -> Iterable[str]:
    try:
        style_for(elector)
    except VotingError as error:
        yield error.reason
    if elector.vote != Vote.NONE:
        yield _("The roll says already: %(vote)s.") % {"vote": elector.get_vote_display()}


def lookalikes(application: Application) -> list[Application]:
    """Other applications that are not over with the same date of birth and the same roll row or name."""
    others = Application.objects.filter(
        election=application.election_id, birth=application.birth, state__in=LIVE
    ).exclude(pk=application.pk)
    name = fold_name(application.name)
    return [other for other in others if fold_name(other.name) == name or _same_row(other, application)]


def _same_row(first: Application, second: Application) -> bool:
    return first.elector_id is not None and first.elector_id == second.elector_id


# Matching by hand


def possible_electors(application: Application, *, by: Official) -> list[Elector]:
    """Roll rows among which the applicant may be, for two officials to decide; the look is logged."""
    office = office_of(application)
    require(by, Act.VIEW_ROLL, office)
    found = list(candidates(application.election, person_of(application), application.offer.category.roll))
    what = _("looked for on the roll")
    log(by, office, Act.VIEW_ROLL, f"{application.reference}: {what}", [elector.pk for elector in found])
    return found


def ask_to_match(application: Application, elector: Elector, *, by: Official, reason: str) -> Proposal:
    """Ask to match an applicant to a roll row. Raises NotPermitted, AlreadyProposed, WrongState, RequestInvalid."""
    office = office_of(application)
    same = (elector.election_id, elector.roll) == (application.election_id, application.offer.category.roll)
    if application.state not in OPEN or not same:
        raise WrongState(_("This application cannot be matched to that row."), application.reference)
    require_reason(reason)
    return propose(
        Act.MATCH_BY_HAND,
        office=office,
        target=application,
        summary=_("%(reference)s: is %(number)s on the roll")
        % {"reference": application.reference, "number": elector.list_number},
        reason=reason,
        payload={"elector": elector.pk},
        by=by,
    )


@carries_out(Act.MATCH_BY_HAND)
def _match(proposal: Proposal, by: Official) -> None:
    locked = steps.lock(application_of(proposal))
    if locked.state not in OPEN:
        raise WrongState(_("This application is decided already."), locked.reference)
    if locked.changes.filter(event=Event.CORRECT, at__gte=proposal.requested_at).exists():
        raise WrongState(_("The application was corrected since this was asked for."), locked.reference)
    if not Elector.objects.filter(pk=proposal.payload["elector"], election=locked.election_id).exists():
        raise NotMatched(_("This row is no longer on the roll."), locked.reference)
    locked.elector_id = proposal.payload["elector"]
    try:
        with transaction.atomic():
            locked.save(update_fields=["elector"])
    except IntegrityError:
        raise AlreadyApplied(_("There is an application of this person already."), locked.reference) from None
    log(by, proposal.office, Act.MATCH_BY_HAND, proposal.summary, subjects(locked))


def application_of(proposal: Proposal) -> Application:
    """The application that a proposal is about."""
    return Application.objects.get(pk=key_of_target(proposal))


# Cancelling (返還)


def ask_to_give_back(application: Application, *, by: Official, reason: str) -> Proposal:
    """Ask to cancel an issued ballot that is not cast. Raises NotPermitted, AlreadyProposed, WrongState."""
    if _has_cast(application):
        note_cast(application)
        application.refresh_from_db()
    steps.after(application, Event.GIVE_BACK)
    require_reason(reason)
    return propose(
        Act.GIVE_BACK,
        office=office_of(application),
        target=application,
        summary=_("%(reference)s: cancel the ballot") % {"reference": application.reference},
        reason=reason,
        by=by,
    )


@carries_out(Act.GIVE_BACK)
def _give_back(proposal: Proposal, by: Official) -> None:
    locked = steps.lock(application_of(proposal))
    if _has_cast(locked):
        raise WrongState(_("The ballot was cast meanwhile."), locked.reference)
    steps.take(locked, Event.GIVE_BACK, by=by, office=proposal.office, reason=proposal.reason)
    take_step(locked.elector_id or 0, Step.GIVE_BACK)
    log(by, proposal.office, Act.GIVE_BACK, proposal.summary, subjects(locked))


# What the board shows


def _has_cast(application: Application) -> bool:
    """Whether the board holds a ballot of its slot, whatever the application says yet."""
    binding = Binding.objects.filter(application=application).first()
    if binding is None:
        return False
    replica = replica_of(application.election_id)
    with replica.lock:
        slot = replica.catch_up().state.slots.get(binding.pseudonym)
    return slot is not None and slot.entry is not None


@transaction.atomic
def note_cast(application: Application) -> None:
    """Its slot has a ballot on the board: the roll says so from now on. Again is no harm."""
    locked = steps.lock(application)
    if locked.state != State.ISSUED:
        return
    take_step(locked.elector_id or 0, Step.CAST)
    steps.take(locked, Event.CAST)


@transaction.atomic
def lapse(application: Application) -> None:
    """The polls are closed and it was not used, or not even decided. Again is no harm."""
    locked = steps.lock(application)
    if locked.state == State.ISSUED:
        take_step(locked.elector_id or 0, Step.LAPSE)
    if locked.state in (*OPEN, State.ISSUED):
        steps.take(locked, Event.LAPSE)
