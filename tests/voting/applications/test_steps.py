"""The table of transitions is the only way: the whole matrix by the service, and by the database behind it."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from tests.voting import boards, kakuu
from tests.voting.offices import Town
from voting.applications import steps
from voting.applications.errors import WrongState
from voting.applications.models import Application, Notice, StateChange
from voting.applications.states import TRANSITIONS, Event, State
from voting.elections.models import Style

pytestmark = pytest.mark.django_db

WITH_BALLOT = [
    State.ISSUED,
    State.CAST,
    State.ACCEPTED,
    State.REFUSED,
    State.STRIPPED,
    State.TALLIED,
]
WAYS = {(before, after) for (before, _event), after in TRANSITIONS.items()}


@pytest.fixture
def application(town: Town) -> Application:
    return kakuu.submit(kakuu.world(town))


def put(application: Application, state: str) -> None:
    """The row stands in a state, however it came there: no trigger looks."""
    style = Style.objects.filter(election=application.election).earliest("pk")
    with boards.tampering():
        Application.objects.filter(pk=application.pk).update(state=state, style=style)


def execute(statement: str, *values: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def refused(statement: str, *values: object, match: str) -> None:
    with pytest.raises(IntegrityError, match=match), transaction.atomic():
        execute(statement, *values)


def test_only_what_the_table_names_can_be_taken(application: Application) -> None:
    """Every pair of state and event: taken with a step on the record, or refused without a trace."""
    for state, event in product(State, Event):
        put(application, state)
        locked, before = steps.lock(application), StateChange.objects.count()
        after = TRANSITIONS.get((state, event))
        if after is None:
            with pytest.raises(WrongState) as refusal:
                steps.take(locked, event)
            assert (refusal.value.code, refusal.value.where) == ("wrong-state", application.reference)
            assert (locked.state, StateChange.objects.count()) == (state, before)
        else:
            change = steps.take(locked, event, reason="理由")
            assert (change.before, change.after, change.event, change.reason) == (state, after, event, "理由")
        application.refresh_from_db()
        assert application.state == (after or state)


def test_the_database_knows_the_same_ways(application: Application) -> None:
    """Every pair of states with SQL that asks no service. Staying where it is is no change."""
    update = "UPDATE applications_application SET state = %s WHERE id = %s"
    for before, after in product(State, State):
        put(application, before)
        if before == after or (before, after) in WAYS:
            assert execute(update, after.value, application.pk) == 1
        else:
            refused(update, after.value, application.pk, match="no application goes this way")
        application.refresh_from_db()
        assert application.state == (after if (before, after) in {*WAYS, (before, before)} else before)


def test_no_state_is_made_up(application: Application) -> None:
    refused("UPDATE applications_application SET state = 'counted'", match="no application goes|application_state")


def test_an_application_begins_as_received(application: Application) -> None:
    """Nobody writes one that is issued already, not even over one that is there (REPLACE of SQLite)."""
    columns = [field.column for field in Application._meta.local_concrete_fields if field.column != "id"]
    others = ", ".join(column for column in columns if column not in ("state", "reference"))
    copy = (
        f"INTO applications_application (state, reference, {others}) "
        f"SELECT %s, %s, {others} FROM applications_application WHERE id = %s"
    )
    Application.objects.filter(pk=application.pk).update(elector=None)
    beginnings = {State.REQUESTED, State.TO_CONFIRM}
    for state in State:
        if state in beginnings:
            assert execute(f"INSERT {copy}", state.value, f"new-{state.value}", application.pk) == 1
        else:
            refused(f"INSERT {copy}", state.value, "new", application.pk, match="begins as received")
    if connection.vendor == "sqlite":
        again = ("requested", application.reference, application.pk)
        refused(f"INSERT OR REPLACE {copy}", *again, match="applications stay on the record")


def test_applications_stay(application: Application) -> None:
    refused("DELETE FROM applications_application", match="applications stay on the record")


def test_an_application_stays_in_its_election(application: Application, town: Town) -> None:
    other = kakuu.world(town, slug="other").election
    update = "UPDATE applications_application SET election_id = %s"
    refused(update, other.pk, match="no application goes this way")


@pytest.mark.parametrize("state", State)
def test_an_issued_ballot_stays_that_persons(application: Application, state: State, town: Town) -> None:
    """While it is open an official may find somebody else on the roll; from the issue on nobody is exchanged."""
    other = kakuu.elector(application.election, "other", name="架空　別人")
    put(application, state)
    for elector in (other.pk, None):
        change: dict[str, Any] = {"elector_id": elector}
        if state in ("requested", "to-confirm", "under-review", "sent-back"):
            assert Application.objects.filter(pk=application.pk).update(**change) == 1
            continue
        with pytest.raises(IntegrityError), transaction.atomic():
            Application.objects.filter(pk=application.pk).update(**change)


@pytest.mark.parametrize("state", WITH_BALLOT)
def test_a_ballot_is_somebodys_and_has_a_style(application: Application, state: State) -> None:
    for gap in ("elector", "style"):
        with boards.tampering():
            whole = {"elector": application.elector, "style": application.election.styles.first()}
            with pytest.raises(IntegrityError, match="application_issued_to_somebody"), transaction.atomic():
                Application.objects.filter(pk=application.pk).update(**{**whole, "state": state, gap: None})


def test_steps_are_append_only(application: Application) -> None:
    """Neither rewritten, nor deleted, nor replaced."""
    steps.take(steps.lock(application), Event.TAKE_UP)
    change = StateChange.objects.get()
    for statement in (
        "UPDATE applications_statechange SET reason = 'x'",
        "UPDATE applications_statechange SET official_id = NULL",
        "DELETE FROM applications_statechange",
    ):
        refused(statement, match="append-only")
    if connection.vendor == "sqlite":
        columns = ", ".join(field.column for field in StateChange._meta.local_concrete_fields)
        table = "applications_statechange"
        copy = f"INSERT OR REPLACE INTO {table} ({columns}) SELECT {columns} FROM {table}"
        refused(copy, match="append-only")
    else:
        execute("SET CONSTRAINTS ALL IMMEDIATE")  # before a TRUNCATE nothing may be pending
        refused("TRUNCATE applications_statechange", match="append-only")
    assert StateChange.objects.get() == change


def test_a_step_keeps_who_where_and_why(application: Application, town: Town) -> None:
    locked = steps.lock(application)
    steps.take(locked, Event.TAKE_UP, by=town.clerk, office=town.board)
    change = steps.take(
        locked, Event.REJECT, by=town.chair, office=town.board, reason="名簿にない", ground="not-on-roll"
    )
    assert (change.official, change.office, change.ground) == (town.chair, town.board.name, "not-on-roll")
    assert [(step.before, step.after) for step in application.changes.all()] == [
        (State.REQUESTED, State.UNDER_REVIEW),
        (State.UNDER_REVIEW, State.REJECTED),
    ]


def test_nothing_is_taken_halfway(application: Application) -> None:
    """A step whose fields cannot be stored leaves no state, no record, no message."""
    locked, notices = steps.lock(application), Notice.objects.count()
    steps.take(locked, Event.TAKE_UP)
    with pytest.raises(IntegrityError), transaction.atomic():
        steps.take(locked, Event.ISSUE, style=None)
    application.refresh_from_db()
    assert application.state == State.UNDER_REVIEW
    assert (StateChange.objects.count(), Notice.objects.count()) == (1, notices)
