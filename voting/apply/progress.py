"""Where an application stands, in the voter's words: what was done, by which office and why, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from voting.applications.claims import Label
from voting.applications.models import Application
from voting.applications.states import State

STANDS: Mapping[State, Label] = MappingProxyType(
    {
        State.REQUESTED: gettext_lazy("We have your application. The election board will look at it."),
        State.TO_CONFIRM: gettext_lazy("We have your application. Somebody is asked to confirm what you state."),
        State.UNDER_REVIEW: gettext_lazy("The election board is looking at your application."),
        State.SENT_BACK: gettext_lazy("Please correct your application. Until then it cannot be decided."),
        State.REJECTED: gettext_lazy("Your application was rejected."),
        State.WITHDRAWN: gettext_lazy("You have withdrawn your application."),
        State.ISSUED: gettext_lazy("Your application was approved: you can vote online."),
        State.GIVEN_BACK: gettext_lazy("Your online ballot was cancelled."),
        State.LAPSED: gettext_lazy("Online voting is over. No ballot of yours is in the online ballot box."),
        State.CAST: gettext_lazy("Your ballot is in the ballot box."),
        State.ACCEPTED: gettext_lazy("Your ballot was accepted. It will be counted."),
        State.REFUSED: gettext_lazy("Your ballot was refused. It will not be opened."),
        State.STRIPPED: gettext_lazy("Your ballot was accepted and no longer carries your name."),
        State.TALLIED: gettext_lazy("Your ballot was counted."),
    }
)
"""The sentence at the top."""

CONFIRMATION = gettext_lazy("confirmation of what you state")
REVIEW = gettext_lazy("review by the election board")
CORRECTION = gettext_lazy("your correction")
DECISION = gettext_lazy("decision")
VOTE = gettext_lazy("your vote")
ACCEPTANCE = gettext_lazy("on election day: acceptance of your ballot")
COUNT = gettext_lazy("counting")
TO_COME: Mapping[State, tuple[Label, ...]] = MappingProxyType(
    {
        State.TO_CONFIRM: (CONFIRMATION, REVIEW, DECISION, VOTE),
        State.REQUESTED: (REVIEW, DECISION, VOTE),
        State.UNDER_REVIEW: (DECISION, VOTE),
        State.SENT_BACK: (CORRECTION, REVIEW, DECISION, VOTE),
        State.ISSUED: (VOTE, ACCEPTANCE, COUNT),
        State.CAST: (ACCEPTANCE, COUNT),
        State.ACCEPTED: (COUNT,),
        State.STRIPPED: (COUNT,),
    }
)
"""What is still ahead; nothing where it is over."""


@dataclass(frozen=True)
class Step:
    """Something that was done. `office` is empty for what the voter did."""

    what: Label
    at: datetime
    office: str = ""
    ground: str = ""
    reason: str = ""


def steps_taken(application: Application) -> list[Step]:
    """From the receipt on."""
    received = Step(_("application received"), application.received_at, str(application.election.office or ""))
    changes = (
        Step(
            what=change.get_event_display(),
            at=change.at,
            office=change.office,
            ground=change.get_ground_display() if change.ground else "",
            reason=change.reason,
        )
        for change in application.changes.all()
    )
    return [received, *changes]
