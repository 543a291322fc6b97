"""Asking the tables of `voting.officials.roles`: who may, who asks, who approves; and appointments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from voting.access.services import log
from voting.errors import AlreadyProposed, NotPermitted, ProposalClosed, RolesIncompatible, TextTooLong
from voting.officials.models import Appointment, Designation, Office, Official, Proposal, held_at, not_over
from voting.officials.roles import APPOINTS, FOUR_EYES, INCOMPATIBLE, PERMITTED, Act, OfficeKind, Role

# Who may


def roles_at(official: Official, office: Office) -> frozenset[Role]:
    """The roles that somebody holds at an office now; none with an account that is not active."""
    return frozenset(map(Role, _held(official).filter(office=office).values_list("role", flat=True)))


def _held(official: Official) -> QuerySet[Appointment]:
    """The appointments that somebody holds now. The stored account says whether it is active, not a copy of it."""
    return Appointment.objects.filter(held_at(timezone.now()), official=official, official__is_active=True)


def may(official: Official, act: Act, office: Office) -> bool:
    """Whether somebody may perform the act alone, or ask for it where it needs two people."""
    return bool(roles_at(official, office) & _asking(act))


def held_by(official: Official) -> frozenset[tuple[Role, int]]:
    """Every role that somebody holds now, with the key of its office."""
    return frozenset((Role(role), office) for role, office in _held(official).values_list("role", "office"))


def offices_among(held: Iterable[tuple[Role, int]], act: Act) -> frozenset[int]:
    """The keys of the offices at which somebody who holds these roles may perform the act, or ask for it."""
    return frozenset(office for role, office in held if role in _asking(act))


def may_approve(official: Official, act: Act, office: Office) -> bool:
    """Whether somebody may approve the act, had somebody else asked for it."""
    return bool(roles_at(official, office) & FOUR_EYES[act].approved_by)


def require(official: Official, act: Act, office: Office) -> None:
    """Raises NotPermitted unless `may`."""
    if not may(official, act, office):
        raise NotPermitted(_not_permitted(official, act), str(office))


def _not_permitted(official: Official, act: Act) -> str:
    return _("%(official)s may not: %(act)s") % {"official": official, "act": act.label}


def offices_where(official: Official, act: Act) -> QuerySet[Office]:
    """The offices at which somebody may perform the act, or ask for it."""
    return _offices(official, _asking(act))


def offices_to_approve(official: Official, act: Act) -> QuerySet[Office]:
    """The offices at which somebody may approve the act."""
    return _offices(official, FOUR_EYES[act].approved_by)


def takes_part(official: Official) -> bool:
    """Whether somebody may ask for or approve any act of two people, anywhere."""
    roles = {role for people in FOUR_EYES.values() for role in people.requested_by | people.approved_by}
    return _held(official).filter(role__in=roles).exists()


def _asking(act: Act) -> frozenset[Role]:
    return FOUR_EYES[act].requested_by if act in FOUR_EYES else PERMITTED[act]


def _offices(official: Official, roles: Iterable[Role]) -> QuerySet[Office]:
    return Office.objects.filter(pk__in=_held(official).filter(role__in=list(roles)).values("office"))


# Acts that need two people

Handler = Callable[[Proposal, Official], None]
_handlers: dict[Act, Handler] = {}


def carries_out(act: Act) -> Callable[[Handler], Handler]:
    """Names the function that performs an approved act, in the transaction that approves it."""

    def register(handler: Handler) -> Handler:
        _handlers[act] = handler
        return handler

    return register


def propose(
    act: Act,
    *,
    office: Office,
    target: Any,
    summary: str,
    by: Official,
    reason: str = "",
    payload: dict[str, Any] | None = None,
    subjects: Iterable[int] = (),
) -> Proposal:
    """Ask for an act. `target` is the row that it is about: one request at a time for each.

    Raises NotPermitted, TextTooLong, AlreadyProposed; ValueError for an act that one person performs alone.
    """
    if act not in FOUR_EYES:
        raise ValueError(f"{act} needs no second person")
    require(by, act, office)
    _check_lengths(summary=summary, reason=reason)
    with transaction.atomic():
        try:
            with transaction.atomic():
                proposal = Proposal.objects.create(
                    act=act,
                    office=office,
                    target=target_of(target),
                    summary=summary,
                    reason=reason,
                    payload=payload or {},
                    requested_by=by,
                )
        except IntegrityError:
            raise AlreadyProposed(_("This was asked for already and waits for a second person."), summary) from None
        log(by, office, act, _("%(what)s (asked for)") % {"what": summary}, subjects)
    return proposal


def _check_lengths(**texts: str) -> None:
    """Raises TextTooLong naming the field of a proposal: of the databases, only PostgreSQL would notice."""
    for name, text in texts.items():
        field: models.CharField[str, str] = getattr(Proposal, name).field
        if field.max_length is not None and len(text) > field.max_length:
            sentence = _("Too long: %(field)s. At most %(limit)d characters fit.")
            limits = {"field": field.verbose_name, "limit": field.max_length}
            raise TextTooLong(sentence % limits, name, field.max_length)


def approve(proposal: Proposal, *, by: Official, remark: str = "") -> Proposal:
    """The second person says yes, and the act is done; when it cannot be done, nothing is decided.

    Raises NotPermitted (also to who asked), ProposalClosed, TextTooLong, and whatever the act raises.
    """
    with transaction.atomic():
        decided = _decide(proposal, Proposal.Decision.APPROVED, by, remark)
        _handlers[Act(decided.act)](decided, by)
        # Last: whoever has added to the access log holds its head until the end, and takes no further lock.
        _log_decision(decided, by)
    return decided


def decline(proposal: Proposal, *, by: Official, remark: str) -> Proposal:
    """The second person says no. Raises NotPermitted, ProposalClosed, TextTooLong."""
    with transaction.atomic():
        decided = _decide(proposal, Proposal.Decision.DECLINED, by, remark)
        _log_decision(decided, by)
    return decided


def take_back(proposal: Proposal, *, by: Official) -> Proposal:
    """Who asked, and may still ask, takes the request back. Raises NotPermitted, ProposalClosed."""
    with transaction.atomic():
        decided = _decide(proposal, Proposal.Decision.TAKEN_BACK, by, "")
        _log_decision(decided, by)
    return decided


def _decide(proposal: Proposal, decision: Proposal.Decision, by: Official, remark: str) -> Proposal:
    # The row lock makes two decisions at the same instant one decision and one refusal.
    locked = Proposal.objects.select_for_update().get(pk=proposal.pk)
    if locked.decision != Proposal.Decision.PENDING:
        raise ProposalClosed(_("This was decided already."), locked.summary)
    _check_decider(locked, decision, by)
    _check_lengths(remark=remark)
    locked.decision, locked.decided_by, locked.decided_at, locked.remark = decision, by, timezone.now(), remark
    locked.save(update_fields=["decision", "decided_by", "decided_at", "remark"])
    return locked


def _check_decider(proposal: Proposal, decision: Proposal.Decision, by: Official) -> None:
    act, office, own = Act(proposal.act), proposal.office, proposal.requested_by_id == by.pk
    if own is not (decision is Proposal.Decision.TAKEN_BACK):
        if own:
            raise NotPermitted(_("A person who asks for an act does not decide about it."))
        raise NotPermitted(_("This is not your request: only who asked takes back."))
    if own:
        require(by, act, office)
    elif not may_approve(by, act, office):
        raise NotPermitted(_("%(official)s may not approve: %(act)s") % {"official": by, "act": act.label}, str(office))
    # An appointment may have ended since: then nobody entitled has asked.
    if decision is Proposal.Decision.APPROVED and not may(proposal.requested_by, act, office):
        sentence = _("%(official)s may no longer ask for: %(act)s")
        raise NotPermitted(sentence % {"official": proposal.requested_by, "act": act.label}, str(office))


def _log_decision(proposal: Proposal, by: Official) -> None:
    what = {"what": proposal.summary, "decision": proposal.get_decision_display()}
    log(by, proposal.office, proposal.act, _("%(what)s (%(decision)s)") % what)


def target_of(row: Any) -> str:
    """How a proposal names a row: "roll.rollimport:5"."""
    return f"{row._meta.label_lower}:{row.pk}"


def key_of_target(proposal: Proposal) -> int:
    """The primary key of the row that a proposal is about."""
    return int(proposal.target.rpartition(":")[2])


def pending(official: Official) -> QuerySet[Proposal]:
    """What waits for this person's decision."""
    waiting = Q(pk__in=())
    for act in FOUR_EYES:
        waiting |= Q(act=act, office__in=offices_to_approve(official, act))
    return Proposal.objects.filter(waiting, decision=Proposal.Decision.PENDING).exclude(requested_by=official)


def approved(act: Act, target: Any) -> Proposal | None:
    """The last approved proposal of an act about a row, if there is one."""
    decided = Proposal.objects.filter(act=act, target=target_of(target), decision=Proposal.Decision.APPROVED)
    return decided.order_by("decided_at").last()


# Appointments and designations


@transaction.atomic
def grant(official: Official, role: Role, office: Office) -> Appointment:
    """Appoint somebody. For the first officials of an installation; after them, by two people (`Act.GRANT_ROLE`).

    From now on and without an end; one that lasts already, or is to begin, stays as it is. Raises RolesIncompatible.
    """
    if role not in APPOINTS[office.kind]:  # type: ignore[index]
        sentence = _("%(office)s cannot appoint: %(role)s")
        raise RolesIncompatible(sentence % {"office": office, "role": role.label}, str(official))
    # Two appointments of one person at the same time must not make a pair that neither saw.
    Official.objects.select_for_update().get(pk=official.pk)
    held = Appointment.objects.filter(not_over(timezone.now()), official=official).values_list("role", flat=True)
    for mine in map(Role, held):
        if (mine, role) in INCOMPATIBLE or (role, mine) in INCOMPATIBLE:
            sentence = _("Nobody is %(first)s and %(second)s together.")
            raise RolesIncompatible(sentence % {"first": mine.label, "second": role.label}, str(official))
    return Appointment.objects.get_or_create(official=official, office=office, role=role, until=None)[0]


PLACES = (
    OfficeKind.HEALTH, OfficeKind.FACILITY, OfficeKind.INSTITUTION, OfficeKind.SHIP, OfficeKind.UNIT, OfficeKind.PORT,
)  # fmt: skip
"""Kinds of office at which any municipal board appoints."""


def offices_appointed_by(offices: QuerySet[Office]) -> QuerySet[Office]:
    """Where two people of these offices may appoint somebody: the one rule about it.

    Every office at itself; but only a municipal board has the two people (`Act.GRANT_ROLE`). A board also at the
    places and health centres (`PLACES`) that are its own or its prefecture's: they have nobody of their own who could.
    Nobody at another board, the operator, a prefecture or a national board, or at a place without a superior office:
    `manage.py appoint`, on the server.
    """
    boards = offices.filter(kind=OfficeKind.BOARD)
    near = Q(above__in=boards) | Q(above__in=boards.exclude(above=None).values("above"))
    return Office.objects.filter(Q(pk__in=boards) | Q(near, kind__in=PLACES))


@carries_out(Act.GRANT_ROLE)
def _grant(proposal: Proposal, by: Official) -> None:
    official = Official.objects.get(pk=proposal.payload["official"])
    office = Office.objects.get(pk=proposal.payload["office"])
    if not offices_appointed_by(Office.objects.filter(pk=proposal.office_id)).filter(pk=office.pk).exists():
        sentence = _("%(office)s appoints nobody at: %(other)s")
        raise NotPermitted(sentence % {"office": proposal.office, "other": office}, str(office))
    grant(official, Role(proposal.payload["role"]), office)


@transaction.atomic
def end_appointment(appointment: Appointment, *, by: Official, office: Office) -> None:
    """From now on the role is gone; ending it again changes nothing. Raises NotPermitted."""
    require(by, Act.END_ROLE, office)
    if office != appointment.office and not roles_at(by, office) & {Role.SYSTEM_ADMIN}:
        sentence = _("%(official)s may not end appointments of: %(office)s")
        raise NotPermitted(sentence % {"official": by, "office": appointment.office}, str(office))
    locked = Appointment.objects.select_for_update().get(pk=appointment.pk)
    end = max(locked.since, timezone.now())  # what has not begun ends as it begins: it is never held
    if locked.until is not None and locked.until <= end:
        return
    locked.until = end
    locked.save(update_fields=["until"])
    log(by, office, Act.END_ROLE, f"ended: {locked}")


def designated_on(office: Office, day: date) -> Designation | None:
    """The designation of a facility, ship or unit that covers a day."""
    covering = Designation.objects.filter(Q(ends=None) | Q(ends__gte=day), office=office, starts__lte=day)
    return covering.order_by("starts").last()
