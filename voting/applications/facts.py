"""Whether what an application states meets the condition of its category."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from voting.applications.claims import EVIDENCE, PERIODS, claimed_spans
from voting.applications.errors import ConditionNotMet, FactMissing
from voting.applications.models import Application, Confirmation, Offer
from voting.applications.offers import days_of, windows
from voting.applications.rules import Facts, Span, compile_condition
from voting.eras import PartialDate
from voting.officials.models import Designation, Office


def require_condition(
    offer: Offer,
    claims: Mapping[str, Mapping[str, Any]],
    birth: date,
    received: datetime,
    office: Office | None,
    confirmed: Mapping[str, Span] | None = None,
    decided: datetime | None = None,
) -> None:
    """Some day of voting that is still to come meets the condition. Raises ConditionNotMet.

    `claims`: kind of evidence → its particulars, checked. `confirmed`: spans that an authority has stated; they stand
    over those that the voter has. `decided`: days of voting before it no longer help; when received, by default.
    """
    dates, category = windows(offer), offer.category
    last = timezone.localdate(dates.vote_until)
    first = max(timezone.localdate(decided or received), timezone.localdate(dates.vote_from))
    spans = {
        name: span for kind, claim in claims.items() for name, span in claimed_spans(EVIDENCE[kind], claim).items()
    }
    spans |= confirmed or {}
    condition = compile_condition(category.condition)
    received_on = timezone.localdate(received)
    _require_member_notice(offer, claims, received_on)
    for designation in _designations(office) if "designation" in condition.spans else [None]:
        given = {**spans, "designation": designation} if designation else spans
        facts = Facts(
            days=days_of(offer.election),
            received_on=received_on,
            birth=PartialDate(birth.year, birth.month, birth.day),
            spans=given,
            vote_day=None,
        )
        try:
            if condition.holds_on_some_day(facts, first, last):
                return
        except FactMissing:
            continue
    who = category.who(get_language() or "ja")
    raise ConditionNotMet(_("What is stated does not meet the condition: %(who)s") % {"who": who}, category.code)


def _designations(office: Office | None) -> list[Span]:
    if office is None:
        return []
    return [Span(row.starts, row.ends) for row in Designation.objects.filter(office=office)]


def _require_member_notice(offer: Offer, claims: Mapping[str, Mapping[str, Any]], received_on: date) -> None:
    """A member of a unit has told its head in time (domain document, 1.1, row 9), and not in the future."""
    until = windows(offer).member_notice_until
    if until is None:
        return
    told = [date.fromisoformat(claim["member_notice_on"]) for claim in claims.values() if "member_notice_on" in claim]
    if not told or max(told) > min(until.date(), received_on):
        raise ConditionNotMet(
            _("Members tell the head of their unit by %(day)s.") % {"day": until.date()}, offer.category.code
        )


def require_still_met(application: Application, at: datetime) -> None:
    """The condition with what is confirmed by now, for a decision at this moment. Raises ConditionNotMet."""
    require_condition(
        application.offer,
        application.claims,
        _birth_of(application),
        application.received_at,
        application.office,
        confirmed_spans(application),
        at,
    )


def _birth_of(application: Application) -> date:
    """On the roll, once it is known who it is: where the two differ, the roll decides (domain document, 1.1, row 1)."""
    return application.elector.birth.latest() if application.elector else application.birth


def confirmed_spans(application: Application) -> dict[str, Span]:
    """The period that an authority confirmed, under the name that the claims give it."""
    confirmation = Confirmation.objects.filter(application=application, confirmed=True).first()
    if confirmation is None or confirmation.starts is None:
        return {}
    span = Span(confirmation.starts, confirmation.ends)
    names = {name for kind, claim in application.claims.items() for name in claimed_spans(EVIDENCE[kind], claim)}
    return dict.fromkeys(names.intersection(PERIODS), span)
