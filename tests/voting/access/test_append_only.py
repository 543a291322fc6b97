"""The database itself refuses to change or delete what is in the access log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F, Model, ProtectedError

from tests.voting import boards
from voting.access.models import AccessEntry, AccessHead, AccessSubject
from voting.access.services import check_log, log

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = [AccessEntry, AccessSubject, AccessHead]
SENTENCE = "the access log is append-only"

each = pytest.mark.parametrize("model", TABLES)


@pytest.fixture(autouse=True)
def entries() -> list[AccessEntry]:
    return [log("clerk", "架空市選管", "view-roll", f"照会 {at}", [at, 7 + at]) for at in range(3)]


def rows_of(model: type[Model]) -> list[dict[str, Any]]:
    """Every row with every field, binary ones as bytes."""
    return [
        {name: bytes(value) if isinstance(value, memoryview) else value for name, value in row.items()}
        for row in model._default_manager.order_by("pk").values()
    ]


def refused(change: Callable[[], object]) -> None:
    with pytest.raises(IntegrityError, match=SENTENCE), transaction.atomic():
        change()


def execute(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@each
def test_no_row_can_be_deleted(model: type[Model]) -> None:
    """Not one, not all, neither by Django nor by SQL nor by emptying the table."""
    before, table, rows = rows_of(model), model._meta.db_table, model._default_manager
    first = rows.earliest("pk")
    refused(lambda: rows.filter(pk=first.pk)._raw_delete("default"))
    refused(lambda: execute(f"DELETE FROM {table}"))  # noqa: S608
    refused(lambda: execute(f"DELETE FROM {table} WHERE id = %s", first.pk))  # noqa: S608
    emptying = "TRUNCATE {} CASCADE" if connection.vendor == "postgresql" else "DELETE FROM {}"
    refused(lambda: execute(emptying.format(table)))
    with pytest.raises((IntegrityError, ProtectedError)), transaction.atomic():
        first.delete()
    assert before and rows_of(model) == before


@pytest.mark.parametrize("model", [AccessEntry, AccessSubject])
def test_no_field_can_be_changed(model: type[Model]) -> None:
    """Each column on its own, by queryset and by SQL; also to the value that it has."""
    before, table = rows_of(model), model._meta.db_table
    first = model._default_manager.earliest("pk")
    changes: dict[str, Any] = {
        "id": 10**6,
        "index": 99,
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "subjects": "[]",
        "previous": bytes(32),
        "hash": bytes(32),
        "subject": 99,
        "entry": AccessEntry.objects.get(index=2).pk,
    }
    row = model._default_manager.filter(pk=first.pk)
    for field in model._meta.concrete_fields:
        value = changes.get(field.name, "another")
        refused(lambda name=field.name, value=value: row.update(**{name: value}))
        refused(lambda name=field.name: row.update(**{name: F(name)}))
        column = connection.ops.quote_name(field.column)
        sql = f"UPDATE {table} SET {column} = %s WHERE id = %s"  # noqa: S608
        refused(lambda sql=sql, value=value: execute(sql, value, first.pk))
    refused(lambda: first.save())
    assert rows_of(model) == before


def test_the_head_only_goes_on_by_one() -> None:
    """Not back, not ahead, not to another hash of the same size, and there is no second one."""
    before, head = rows_of(AccessHead), AccessHead.objects
    for size in (0, 2, 3, 5, 100):
        refused(lambda size=size: head.update(size=size))
        refused(lambda size=size: head.update(size=size, hash=bytes(32)))
    refused(lambda: head.update(hash=bytes(32)))
    refused(lambda: head.get().save())
    for pk in (0, 2):
        with pytest.raises(IntegrityError, match="access_one_head"), transaction.atomic():
            head.create(pk=pk, size=0, hash=bytes(32))
        with pytest.raises(IntegrityError, match="access_one_head"), transaction.atomic():
            head.update(id=pk, size=4)
    assert rows_of(AccessHead) == before


@each
def test_no_row_can_be_replaced(model: type[Model]) -> None:
    """SQLite's REPLACE deletes without a delete trigger; PostgreSQL does not know the word."""
    before = rows_of(model)
    fields = [field.attname for field in model._meta.concrete_fields]
    names = ", ".join(connection.ops.quote_name(name) for name in fields)
    for verb in ("REPLACE", "INSERT OR REPLACE"):
        sql = f"{verb} INTO {model._meta.db_table} ({names}) VALUES ({', '.join(['%s'] * len(fields))})"  # noqa: S608
        forged = {**before[0], "hash": bytes(32), "subject": 99, "subjects": "[]"}
        with pytest.raises(DatabaseError), transaction.atomic():
            execute(sql, *(forged[name] for name in fields))
    assert rows_of(model) == before


def test_no_entry_is_put_over_another() -> None:
    """Neither by an upsert nor beside it at the same place."""
    before = rows_of(AccessEntry)
    forged = AccessEntry.objects.get(index=1)
    forged.official = "somebody-else"
    merge = {"unique_fields": ["index"], "update_fields": ["official"]}
    refused(lambda: AccessEntry.objects.bulk_create([forged], update_conflicts=True, **merge))
    forged.pk, forged.hash = None, bytes(32)
    with pytest.raises(IntegrityError, match="(?i)unique"), transaction.atomic():
        forged.save(force_insert=True)
    assert rows_of(AccessEntry) == before


def test_the_log_still_grows(entries: list[AccessEntry]) -> None:
    """What refuses changes does not refuse entries."""
    assert log("clerk", "", "view-roll", "次").previous == entries[-1].hash
    assert check_log()[0] == 4


def test_hashes_are_32_bytes() -> None:
    for field in ("hash", "previous"):
        forged = AccessEntry.objects.get(index=1)
        forged.pk, forged.index = None, 3
        forged.hash, forged.previous = bytes(32), bytes(32)
        setattr(forged, field, bytes(31))
        with pytest.raises(IntegrityError, match=f"access_{field}"), transaction.atomic():
            forged.save(force_insert=True)


@each
def test_every_table_has_its_triggers(model: type[Model]) -> None:
    for operation in ("update", "delete"):
        assert f"{model._meta.db_table}_no_{operation}" in boards.triggers()
