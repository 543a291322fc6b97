"""The way on paper, which stands beside every login: the card may fail, the right to vote does not."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import get_language

from voting.applications.errors import RuleInvalid
from voting.applications.offers import offered, windows
from voting.elections.models import Election


def paper_deadlines(election: Election, at: datetime) -> list[tuple[datetime, list[str]]]:
    """Until when one can ask on paper, as from now, the earliest first: (deadline, names of the categories)."""
    found: dict[datetime, list[str]] = {}
    for offer in offered(election):
        try:
            until = windows(offer).paper_until
        except RuleInvalid:  # the calendar is not set yet
            return []
        if until is not None and until >= at:
            found.setdefault(timezone.localtime(until), []).append(offer.category.name(get_language() or "ja"))
    return sorted(found.items())
