"""The states of an application, and every way from one to the next. There is no other: the database refuses it too.

    requested → under review → issued → cast → accepted → stripped → tallied

(domain document, section 1.0: the life of an absentee ballot on paper, in the same order.)
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class State(TextChoices):
    """Where an application stands."""

    REQUESTED = "requested", _("received")
    TO_CONFIRM = "to-confirm", _("waiting for confirmation")
    UNDER_REVIEW = "under-review", _("under review")
    SENT_BACK = "sent-back", _("returned for correction")
    REJECTED = "rejected", _("rejected")
    WITHDRAWN = "withdrawn", _("withdrawn by the voter")
    ISSUED = "issued", _("ballot issued")
    GIVEN_BACK = "given-back", _("ballot given back")
    LAPSED = "lapsed", _("lapsed")
    CAST = "cast", _("ballot cast")
    ACCEPTED = "accepted", _("ballot accepted")
    REFUSED = "refused", _("ballot refused")
    STRIPPED = "stripped", _("separated from the name")
    TALLIED = "tallied", _("counted")


class Event(TextChoices):
    """What happens to an application."""

    CONFIRM = "confirm", _("confirmed by the authority")
    ASK = "ask", _("sent to the authority for confirmation")
    DENY = "deny", _("not confirmed by the authority")
    TAKE_UP = "take-up", _("taken up for review")
    SEND_BACK = "send-back", _("returned for correction")
    CORRECT = "correct", _("corrected by the voter")
    REJECT = "reject", _("rejected")
    ISSUE = "issue", _("approved, ballot issued")
    WITHDRAW = "withdraw", _("withdrawn by the voter")
    GIVE_BACK = "give-back", _("ballot given back")
    LAPSE = "lapse", _("not used before the close")
    CAST = "cast", _("ballot cast")
    ACCEPT = "accept", _("ballot accepted")
    REFUSE = "refuse", _("ballot refused")
    STRIP = "strip", _("separated from the name")
    TALLY = "tally", _("counted")


TRANSITIONS: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (State.TO_CONFIRM, Event.CONFIRM): State.REQUESTED,
        (State.TO_CONFIRM, Event.DENY): State.REQUESTED,
        (State.TO_CONFIRM, Event.TAKE_UP): State.UNDER_REVIEW,
        (State.TO_CONFIRM, Event.WITHDRAW): State.WITHDRAWN,
        (State.TO_CONFIRM, Event.LAPSE): State.LAPSED,
        (State.REQUESTED, Event.ASK): State.TO_CONFIRM,
        (State.REQUESTED, Event.TAKE_UP): State.UNDER_REVIEW,
        (State.REQUESTED, Event.WITHDRAW): State.WITHDRAWN,
        (State.REQUESTED, Event.LAPSE): State.LAPSED,
        (State.UNDER_REVIEW, Event.SEND_BACK): State.SENT_BACK,
        (State.UNDER_REVIEW, Event.REJECT): State.REJECTED,
        (State.UNDER_REVIEW, Event.ISSUE): State.ISSUED,
        (State.UNDER_REVIEW, Event.WITHDRAW): State.WITHDRAWN,
        (State.UNDER_REVIEW, Event.LAPSE): State.LAPSED,
        (State.SENT_BACK, Event.CORRECT): State.REQUESTED,
        (State.SENT_BACK, Event.WITHDRAW): State.WITHDRAWN,
        (State.SENT_BACK, Event.LAPSE): State.LAPSED,
        (State.ISSUED, Event.GIVE_BACK): State.GIVEN_BACK,
        (State.ISSUED, Event.CAST): State.CAST,
        (State.ISSUED, Event.LAPSE): State.LAPSED,
        (State.CAST, Event.ACCEPT): State.ACCEPTED,
        (State.CAST, Event.REFUSE): State.REFUSED,
        (State.ACCEPTED, Event.STRIP): State.STRIPPED,
        (State.STRIPPED, Event.TALLY): State.TALLIED,
    }
)
"""(state, event) → state. A denial is not a rejection: an official decides, and knows why it was denied."""

FIRST = (State.REQUESTED, State.TO_CONFIRM)
"""States in which an application begins."""
OPEN = (State.REQUESTED, State.TO_CONFIRM, State.UNDER_REVIEW, State.SENT_BACK)
"""Nobody has decided yet."""
LIVE = (*OPEN, State.ISSUED, State.CAST, State.ACCEPTED, State.REFUSED, State.STRIPPED, State.TALLIED)
"""The elector has an application that is not over: there is never a second one."""
HELD = (State.ISSUED, State.CAST, State.ACCEPTED, State.REFUSED, State.STRIPPED, State.TALLIED)
"""A ballot was issued and not taken back."""
