"""What an official can do with an application now: each act with its form, by state, role and what waits already."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from voting.applications import review
from voting.applications.claims import Label
from voting.applications.models import Application
from voting.applications.queue import end_of_voting
from voting.applications.states import OPEN, TRANSITIONS, Event, State
from voting.credentials.letters import WITH_BALLOT, has_approved
from voting.credentials.models import Binding
from voting.credentials.services import ask_to_replace
from voting.officials.models import Official
from voting.officials.roles import Act
from voting.officials.services import may
from voting.roll.models import Vote


class Reason(StrEnum):
    """Whether an act needs a reason in words."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True)
class Given:
    """What an official has filled in."""

    reason: str = ""
    ground: str = ""

    @classmethod
    def of(cls, form: Mapping[str, str]) -> Given:
        """The fields of a form; the services check them."""
        return cls(form.get("reason", "").strip(), form.get("ground", ""))


Performs = Callable[[Application, Official, Given], object]


@dataclass(frozen=True)
class Choice:
    """One act that a page offers as a form. `event` is what it does to the state; None for what leaves it as it is."""

    name: str
    label: Label
    hint: Label
    done: Label
    act: Act
    event: Event | None
    perform: Performs
    reason: Reason = Reason.NONE
    grounds: bool = False


def _ask_to_replace(application: Application, by: Official, given: Given) -> object:
    review.require_reason(given.reason)
    return ask_to_replace(application, by=by, reason=given.reason)


CHOICES = (
    Choice(
        "take-up",
        _("Take up for review"),
        _("You begin to check it. Nobody is told."),
        _("You have taken up this application."),
        Act.REVIEW,
        Event.TAKE_UP,
        lambda application, by, given: review.take_up(application, by=by),
    ),
    Choice(
        "approve",
        _("Approve and issue the ballot"),
        _("The roll is marked at once, polling stations see it, and the voter is told."),
        _("Approved. The ballot is issued and the roll is marked."),
        Act.DECIDE,
        Event.ISSUE,
        lambda application, by, given: review.approve(application, by=by, reason=given.reason),
        Reason.OPTIONAL,
    ),
    Choice(
        "send-back",
        _("Return for correction"),
        _("The voter is told the reason and can send it again until the deadline."),
        _("Returned for correction."),
        Act.REVIEW,
        Event.SEND_BACK,
        lambda application, by, given: review.send_back(application, by=by, reason=given.reason),
        Reason.REQUIRED,
    ),
    Choice(
        "reject",
        _("Reject"),
        _("The voter is told the legal ground and the reason. It cannot be undone."),
        _("Rejected."),
        Act.DECIDE,
        Event.REJECT,
        lambda application, by, given: review.reject(application, by=by, ground=given.ground, reason=given.reason),
        Reason.REQUIRED,
        grounds=True,
    ),
    Choice(
        "give-back",
        _("Ask to cancel the ballot"),
        _("A second official decides. Afterwards the voter can vote on paper."),
        _("Asked for. A second official decides."),
        Act.GIVE_BACK,
        Event.GIVE_BACK,
        lambda application, by, given: review.ask_to_give_back(application, by=by, reason=given.reason),
        Reason.REQUIRED,
    ),
    Choice(
        "replace",
        _("Ask to replace a lost device"),
        _("A second official decides. Afterwards the voter can register another device."),
        _("Asked for. A second official decides."),
        Act.REPLACE_CREDENTIAL,
        None,
        _ask_to_replace,
        Reason.REQUIRED,
    ),
)
BY_NAME = {choice.name: choice for choice in CHOICES}


def possible(application: Application, official: Official, waiting: Collection[Act]) -> list[Choice]:
    """What this official can do with the application now. `waiting`: the acts that a second official decides."""
    return [
        _with_reason(choice, application)
        for choice in CHOICES
        if choice.act not in waiting and _fits(choice, application) and _may(official, choice.act, application)
    ]


def _may(official: Official, act: Act, application: Application) -> bool:
    office = application.election.office
    return office is not None and may(official, act, office)


def _fits(choice: Choice, application: Application) -> bool:
    state = State(application.state)
    if choice.event is None:
        return state in WITH_BALLOT and Binding.objects.filter(application=application, slot__isnull=False).exists()
    if (state, choice.event) not in TRANSITIONS:
        return False
    return choice.event is not Event.ISSUE or _can_be_issued(application)


def _can_be_issued(application: Application) -> bool:
    now, ends = timezone.now(), end_of_voting(application.offer)
    free = application.elector is not None and application.elector.vote == Vote.NONE
    return free and ends is not None and now <= ends and now < application.election.closes


def _with_reason(choice: Choice, application: Application) -> Choice:
    """Approving without the confirmation that was asked for takes a reason (req. 13)."""
    if choice.event is Event.ISSUE and review.awaits(application) and not review.is_confirmed(application):
        return replace(choice, reason=Reason.REQUIRED)
    return choice


def can_match(application: Application, official: Official, waiting: Collection[Act]) -> bool:
    """Whether this official can ask to match the applicant to a row of the roll."""
    return (
        application.state in OPEN
        and application.elector_id is None
        and Act.MATCH_BY_HAND not in waiting
        and _may(official, Act.MATCH_BY_HAND, application)
    )


def can_print(application: Application, official: Official) -> bool:
    """Whether this official can print a letter with a one-time code."""
    printable = application.state in WITH_BALLOT and _may(official, Act.ISSUE_LETTER, application)
    return printable and not has_approved(official, application)
