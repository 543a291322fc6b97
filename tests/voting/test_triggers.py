"""Triggers: what `voting.triggers` makes, and that no migration loses the ones that fix an election's definition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from tests.election import Election
from tests.voting import boards
from voting import triggers
from voting.elections.models import Candidate, Contest, District, Unit
from voting.elections.models import Election as ElectionRow
from voting.elections.services import build_manifest
from voting.triggers import Refusal, append_only

FIXED = "the manifest is on the board: the definition of the election is fixed"
DEFINITION = ["unit", "contest", "candidate", "style", "stylecontest", "party"]

plain = pytest.mark.django_db
transactional = pytest.mark.django_db(transaction=True)


def refused(change: Callable[[], object], sentence: str = FIXED) -> None:
    with pytest.raises(IntegrityError, match=sentence), transaction.atomic():
        change()


def execute(statement: str, *values: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


# What the module makes


@pytest.fixture
def scratch(db: None) -> Iterator[None]:
    """A table with two rows: 1, kept; 2, free."""
    execute("CREATE TABLE scratch (id integer PRIMARY KEY, kind varchar(10) NOT NULL)")
    execute("INSERT INTO scratch (id, kind) VALUES (1, 'kept'), (2, 'free')")
    yield
    execute("DROP TABLE scratch")


def make(*refusals: Refusal) -> None:
    triggers.create(connection.schema_editor(), refusals)


@plain
def test_append_only_refuses_change_and_deletion_but_not_addition(scratch: None) -> None:
    make(*append_only("scratch", "scratch stays"))
    for statement in ("UPDATE scratch SET kind = 'x'", "UPDATE scratch SET kind = kind", "DELETE FROM scratch"):
        refused(lambda statement=statement: execute(statement), "scratch stays")
    assert execute("INSERT INTO scratch (id, kind) VALUES (3, 'new')") == 1


@plain
@pytest.mark.parametrize(
    ("operation", "condition", "bad", "good"),
    [
        (
            "INSERT",
            "NEW.kind = 'kept'",
            "INSERT INTO scratch VALUES (4, 'kept')",
            "INSERT INTO scratch VALUES (3, 'x')",
        ),
        (
            "UPDATE",
            "OLD.kind = 'kept'",
            "UPDATE scratch SET id = 8 WHERE id = 1",
            "UPDATE scratch SET id = 9 WHERE id = 2",
        ),
        ("DELETE", "OLD.kind = 'kept'", "DELETE FROM scratch WHERE id = 1", "DELETE FROM scratch WHERE id = 2"),
    ],
)
def test_a_condition_says_which_rows(scratch: None, operation: str, condition: str, bad: str, good: str) -> None:
    """One bad row refuses the whole statement; dropping the trigger ends it."""
    refusals = [Refusal("scratch", operation, "not this one", condition)]
    make(*refusals)
    refused(lambda: execute(bad), "not this one")
    assert execute(good) == 1
    triggers.drop(connection.schema_editor(), refusals)
    assert execute(bad) == 1
    assert "scratch" not in " ".join(boards.triggers())


@plain
def test_a_table_whose_rows_stay_is_not_emptied(scratch: None) -> None:
    """TRUNCATE asks no row trigger."""
    make(Refusal("scratch", "DELETE", "not this one", "OLD.kind = 'kept'"))
    refused(lambda: execute("TRUNCATE scratch" if connection.vendor == "postgresql" else "DELETE FROM scratch"), "not")


# What fixes the definition


def district(row: ElectionRow, code: str = "1") -> District:
    return District.objects.create(election=row, code=code, name=f"第{code}投票区", unit=row.units.earliest("pk"))


def fix(row: ElectionRow, election: Election) -> None:
    """The manifest goes to the board."""
    boards.fill(row, election, 0, 1)


@plain
def test_the_migrations_leave_every_trigger() -> None:
    """SQLite makes a table anew for each new constraint and forgets its triggers: the last migration had to go back
    for them. A table of the definition that a later migration changes is found here.
    """
    there = set(boards.triggers())
    assert {f"elections_{name}_fixed_{verb}" for name in DEFINITION for verb in ("insert", "update", "delete")} <= there
    assert {"elections_election_fixed_update", "elections_election_fixed_delete"} <= there
    assert {f"elections_district_no_{verb}" for verb in ("insert", "update", "delete")} <= there
    boards.drop_triggers()
    boards.create_triggers()
    assert set(boards.triggers()) == there


@plain
def test_new_fields_are_fixed_too(polling: Election) -> None:
    """Kind, calendar, office, form, franchise, seats, hours of a contest: once the manifest is on the board."""
    row = boards.define(polling)
    fix(row, polling)
    moment = row.opens
    contest: dict[str, Any] = {"form": "REVIEW", "scope": "national", "seats": 3, "opens": moment, "closes": moment}
    for name, value in contest.items():
        refused(lambda change={name: value}: Contest.objects.filter(election=row).update(**change))
    day = moment.date()
    for name, value in {"kind": "CITY", "notice_day": day, "election_day": day, "office": None}.items():
        refused(lambda change={name: value}: ElectionRow.objects.filter(pk=row.pk).update(**change))
    assert build_manifest(row) == polling.manifest


@plain
def test_districts_are_free_until_the_manifest_is_on_the_board(polling: Election) -> None:
    row = boards.define(polling)
    first = district(row)
    District.objects.filter(pk=first.pk).update(code="2", name="第二", unit=row.units.latest("pk"))
    first.delete()
    assert not District.objects.exists()


@plain
@pytest.mark.parametrize("field", ["election", "code", "name", "unit", "id"])
def test_a_district_is_fixed_then(polling: Election, field: str) -> None:
    row, free = boards.define(polling), boards.define(polling, "free")
    first = district(row)
    fix(row, polling)
    values = {"election": free, "code": "2", "name": "別", "unit": row.units.latest("pk"), "id": 10**6}
    refused(lambda: District.objects.filter(pk=first.pk).update(**{field: values[field]}))
    refused(lambda: District.objects.update(**{field: values[field], "polls_close": time(18)}))
    first.refresh_from_db()
    assert (first.election, first.code, first.name, first.polls_close) == (row, "1", "第1投票区", time(20))


@plain
def test_no_district_comes_or_goes_then(polling: Election) -> None:
    """Neither new, nor deleted, nor moved in from an election that is still being defined."""
    row, free = boards.define(polling), boards.define(polling, "free")
    district(row)
    guest = district(free, "9")
    fix(row, polling)
    refused(lambda: district(row, "3"))
    refused(lambda: District.objects.filter(election=row)._raw_delete("default"))
    refused(lambda: execute("DELETE FROM elections_district"))
    refused(lambda: District.objects.filter(pk=guest.pk).update(election=row))
    refused(lambda: District.objects.filter(pk=guest.pk).update(election=row, unit=row.units.earliest("pk")))
    assert District.objects.filter(election=row).count() == 1


@plain
def test_the_hours_of_a_district_may_change(polling: Election) -> None:
    """A poll is closed earlier or put off (公職選挙法40条, 57条)."""
    row = boards.define(polling)
    first = district(row)
    fix(row, polling)
    assert District.objects.filter(pk=first.pk).update(polls_open=time(8), polls_close=time(18)) == 1
    first.refresh_from_db()
    assert (first.polls_open, first.polls_close) == (time(8), time(18))


@transactional
def test_an_election_fixed_before_the_migration_stays_fixed() -> None:
    """Back to the tables of before, an election with a manifest made there, and forward again: it came along whole,
    and nothing of it can be changed.
    """
    before = set(boards.triggers())
    old = [("elections", "0002_fixed_by_manifest")]
    try:
        call_command("migrate", *old[0], verbosity=0)
        assert {f"elections_{name}_fixed_update" for name in ["election", *DEFINITION]} <= set(boards.triggers())
        assert not [name for name in boards.triggers() if "district" in name]
        fixed_of_old(MigrationExecutor(connection).loader.project_state(old).apps)
    finally:
        call_command("migrate", verbosity=0)
    assert set(boards.triggers()) == before
    row = ElectionRow.objects.get(slug="old")
    assert (row.kind, row.office, row.contests.get().form) == ("ASSOCIATION", None, "SINGLE")
    for model in (Unit, Contest, Candidate):
        refused(lambda model=model: model._default_manager.update(position=2))
        refused(lambda model=model: model._default_manager.all()._raw_delete("default"))
    refused(lambda: ElectionRow.objects.update(title="改題"))
    refused(lambda: ElectionRow.objects.update(manifest_hash=None))


def fixed_of_old(apps: Any) -> None:
    """The smallest election with a manifest, in the tables of migration 0002."""
    election = apps.get_model("elections", "Election").objects.create(
        slug="old",
        title="旧",
        opens=datetime(2026, 11, 1, tzinfo=UTC),
        closes=datetime(2026, 11, 2, tzinfo=UTC),
        generators="old",
        origin="old",
        board_key=bytes(32),
    )
    unit = {"election": election, "position": 1, "identifier": "u"}
    apps.get_model("elections", "Unit").objects.create(**unit, name="区")
    contest = apps.get_model("elections", "Contest").objects.create(**unit, title="市長", kind="choose-one")
    apps.get_model("elections", "Candidate").objects.create(
        contest=contest, position=1, identifier="a", name="架空 太郎"
    )
    apps.get_model("elections", "Election").objects.update(manifest_hash=bytes(range(32)))
