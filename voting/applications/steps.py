"""The one way in which an application changes its state: a row lock, the table of transitions, a step on the record."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from voting.applications.errors import WrongState
from voting.applications.models import Application, StateChange
from voting.applications.notices import tell
from voting.applications.states import TRANSITIONS, Event, State
from voting.officials.models import Office, Official


def lock(application: Application) -> Application:
    """The row as it is now, locked until the end of the transaction. Always before rows of the roll."""
    return (
        Application.objects.select_for_update(of=("self",)).select_related("election", "offer").get(pk=application.pk)
    )


def after(application: Application, event: Event) -> State:
    """The state that the event leads to. Raises WrongState."""
    state = TRANSITIONS.get((State(application.state), event))
    if state is None:
        raise WrongState(
            _("This cannot happen to an application that is: %(state)s.") % {"state": application.get_state_display()},
            application.reference,
        )
    return state


def take(
    application: Application,
    event: Event,
    *,
    by: Official | None = None,
    office: Office | None = None,
    reason: str = "",
    ground: str = "",
    **fields: Any,
) -> StateChange:
    """Take a step with a row that `lock` returned, set `fields` with it, and tell the voter. Raises WrongState."""
    before, state = application.state, after(application, event)
    application.state = state
    for name, value in fields.items():
        setattr(application, name, value)
    application.save(update_fields=["state", *fields])
    change = StateChange.objects.create(
        application=application,
        event=event,
        before=before,
        after=state,
        official=by,
        office=str(office or ""),
        reason=reason,
        ground=ground,
    )
    tell(application, change)
    return change
