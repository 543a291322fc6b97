"""The request for a ballot on paper (請求書兼宣誓書), to print, sign and send: what is filled in beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone, translation

from voting.applications.claims import EVIDENCE
from voting.applications.errors import RuleInvalid
from voting.applications.models import Offer
from voting.applications.offers import offered, windows
from voting.elections.models import Election
from voting.eras import era_date


@dataclass(frozen=True)
class Reason:
    """A category that one can ask for on paper. `needs` are alternatives, each of what is needed together."""

    code: str
    name: str
    name_ja: str
    who_ja: str
    needs_ja: list[str]
    until: datetime
    over: bool

    @property
    def until_ja(self) -> str:
        """The deadline as the sheet has it: 令和8年11月18日."""
        return era_date(self.until.date())


def reasons(election: Election, at: datetime) -> list[Reason]:
    """For which reasons one can ask on paper, the next deadline first; those whose time is over come last."""
    found = [reason for offer in offered(election) if (reason := _reason(offer, at)) is not None]
    return sorted(found, key=lambda reason: (reason.over, reason.until))


def _reason(offer: Offer, at: datetime) -> Reason | None:
    """None where paper knows no such vote, or while the election has no dates."""
    try:
        until = windows(offer).paper_until
    except RuleInvalid:
        return None
    if until is None:
        return None
    category = offer.category
    with translation.override("ja"):  # officials read the sheet
        needs = ["、".join(str(EVIDENCE[kind].label) for kind in together) for together in category.evidence]
    return Reason(
        code=category.code,
        name=category.name(translation.get_language() or "ja"),
        name_ja=category.name_ja,
        who_ja=category.who_ja,
        needs_ja=needs,
        until=timezone.localtime(until),
        over=until < at.replace(microsecond=0),
    )
