"""The database itself refuses to change the board, and the definition once its manifest is on the board."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Model
from django.utils import timezone

from tests.election import Election
from tests.voting import boards
from tests.voting.boards import AFTERWARDS
from voting.board.models import BoardEntry, Checkpoint, ColumnBlob
from voting.board.services import publish_checkpoint
from voting.elections.models import Candidate, Contest, Party, Style, StyleContest, Unit
from voting.elections.models import Election as ElectionRow
from voting.elections.services import build_manifest

pytestmark = pytest.mark.django_db(transaction=True)

BOARD = [BoardEntry, ColumnBlob, Checkpoint]
DEFINITION = [Unit, Contest, Candidate, Style, StyleContest, Party]
APPEND_ONLY = "the board is append-only"
FIXED = "the manifest is on the board: the definition of the election is fixed"


@pytest.fixture
def signed(full_board: ElectionRow) -> ElectionRow:
    """A finished election with a checkpoint."""
    publish_checkpoint(full_board, AFTERWARDS)
    return full_board


def rows_of(model: type[Model]) -> list[dict[str, Any]]:
    """Every row with every field, binary ones as bytes."""
    return [
        {name: bytes(value) if isinstance(value, memoryview) else value for name, value in row.items()}
        for row in model._default_manager.order_by("pk").values()
    ]


def refused(sentence: str, change: Callable[[], object]) -> None:
    with pytest.raises(IntegrityError, match=sentence), transaction.atomic():
        change()


def execute(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.mark.parametrize("model", BOARD)
def test_no_row_of_the_board_can_be_deleted(signed: ElectionRow, model: type[Model]) -> None:
    """Not one, not all, neither by queryset nor by SQL."""
    before, table, rows = rows_of(model), model._meta.db_table, model._default_manager
    first = rows.earliest("pk")
    refused(APPEND_ONLY, lambda: rows.filter(pk=first.pk)._raw_delete("default"))
    refused(APPEND_ONLY, lambda: rows.all()._raw_delete("default"))
    refused(APPEND_ONLY, lambda: execute(f"DELETE FROM {table}"))  # noqa: S608
    refused(APPEND_ONLY, lambda: execute(f"DELETE FROM {table} WHERE id = %s", first.pk))  # noqa: S608
    assert before and rows_of(model) == before


@pytest.mark.parametrize("model", [ColumnBlob, Checkpoint])
def test_django_deletes_none_either(signed: ElectionRow, model: type[Model]) -> None:
    before, rows = rows_of(model), model._default_manager
    refused(APPEND_ONLY, lambda: rows.earliest("pk").delete())
    refused(APPEND_ONLY, lambda: rows.all().delete())
    assert rows_of(model) == before


@pytest.mark.parametrize("model", BOARD)
def test_no_field_of_the_board_can_be_changed(signed: ElectionRow, model: type[Model]) -> None:
    """Each column on its own, by queryset and by SQL; setting it to what it is counts as a change for entries."""
    before, table, rows = rows_of(model), model._meta.db_table, model._default_manager
    first = rows.earliest("pk")
    changes = {
        "raw": b"{}",
        "leaf_hash": bytes(32),
        "submission": bytes(32),
        "index": 999,
        "type": "correction",
        "created": timezone.now(),
        "data": b"",
        "digest": bytes(32),
        "entry": BoardEntry.objects.latest("pk").pk,
        "election": boards.define_election(slug="other", record=build_manifest(signed)).pk,
        "size": 1,
        "time": timezone.now(),
        "text": "another text",
        "id": 10**6,
    }
    fields = [field.name for field in model._meta.concrete_fields]
    for name in fields:
        refused(APPEND_ONLY, lambda name=name: rows.filter(pk=first.pk).update(**{name: changes[name]}))
        column = connection.ops.quote_name(model._meta.get_field(name).column)
        statement = f"UPDATE {table} SET {column} = %s WHERE id = %s"  # noqa: S608
        refused(APPEND_ONLY, lambda name=name, sql=statement: execute(sql, changes[name], first.pk))
    assert rows_of(model) == before


def test_saving_an_entry_again_is_refused(signed: ElectionRow) -> None:
    refused(APPEND_ONLY, lambda: BoardEntry.objects.earliest("pk").save())
    refused(APPEND_ONLY, lambda: ColumnBlob.objects.earliest("pk").save())


def test_an_entry_cannot_be_put_in_anothers_place(signed: ElectionRow) -> None:
    """Neither beside it nor over it."""
    before = rows_of(BoardEntry)
    forged = BoardEntry.objects.get(election=signed, index=3)
    forged.raw = b"{}"
    fields = {"unique_fields": ["election", "index"], "update_fields": ["raw"]}
    refused(APPEND_ONLY, lambda: BoardEntry.objects.bulk_create([forged], update_conflicts=True, **fields))
    forged.pk = None
    refused("(?i)unique", lambda: forged.save(force_insert=True))
    assert rows_of(BoardEntry) == before


def test_an_entry_cannot_be_replaced(signed: ElectionRow) -> None:
    """SQLite's REPLACE deletes without a delete trigger; PostgreSQL does not know the word."""
    before = rows_of(BoardEntry)
    fields = [field.attname for field in BoardEntry._meta.concrete_fields]
    names = ", ".join(connection.ops.quote_name(name) for name in fields)
    statement = f"REPLACE INTO board_boardentry ({names}) VALUES ({', '.join(['%s'] * len(fields))})"  # noqa: S608
    with pytest.raises(DatabaseError), transaction.atomic():
        execute(statement, *({**before[3], "raw": b"{}"}[name] for name in fields))
    assert rows_of(BoardEntry) == before


@pytest.mark.parametrize("model", BOARD)
def test_no_table_of_the_board_can_be_emptied(signed: ElectionRow, model: type[Model]) -> None:
    """TRUNCATE goes past row triggers; SQLite has none, and its DELETE without WHERE does not."""
    before = rows_of(model)
    emptying = "TRUNCATE {} CASCADE" if connection.vendor == "postgresql" else "DELETE FROM {}"
    refused(APPEND_ONLY, lambda: execute(emptying.format(model._meta.db_table)))
    assert rows_of(model) == before


def test_a_checkpoint_only_grows_by_lines_at_its_end(signed: ElectionRow) -> None:
    """A cosignature can be added; nothing that stood there can be changed or taken out."""
    stored = Checkpoint.objects.get()
    rows = Checkpoint.objects.filter(pk=stored.pk)
    for text in ("", stored.text[:-1], stored.text.replace("time", "Time"), "x" + stored.text, stored.text.upper()):
        refused(APPEND_ONLY, lambda text=text: rows.update(text=text))
    cosigned = stored.text + boards.cosignature(stored.text) + "\n"
    rows.update(text=cosigned)
    refused(APPEND_ONLY, lambda: rows.update(text=stored.text))
    refused(APPEND_ONLY, lambda: rows.update(text=cosigned + "x", size=1))
    assert Checkpoint.objects.get().text == cosigned


def test_every_table_of_the_board_and_the_definition_has_its_triggers() -> None:
    """A table that is added to the models without a trigger is found here."""
    names = " ".join(boards.triggers())
    for model in BOARD:
        for operation in ("update", "delete"):
            assert f"{model._meta.db_table}_no_{operation}" in names
    for model in DEFINITION:
        for operation in ("insert", "update", "delete"):
            assert f"{model._meta.db_table}_fixed_{operation}" in names


# The definition


def test_a_definition_can_be_changed_until_its_manifest_is_on_the_board(polling: Election) -> None:
    """Before: yes. After: no row of it can be changed, deleted or added, and the manifest is still the same."""
    row = boards.define(polling)
    Unit.objects.filter(election=row, position=1).update(name="changed")
    Unit.objects.filter(election=row, position=1).update(name="北")
    boards.fill(row, polling, 0, 1)
    for model in DEFINITION:
        before, first = rows_of(model), model._default_manager.earliest("pk")
        table, copy = model._meta.db_table, model._default_manager.earliest("pk")
        copy.pk, copy.position = None, 99
        refused(FIXED, lambda first=first: first.save())
        refused(FIXED, lambda model=model: model._default_manager.update(position=77))
        refused(FIXED, lambda copy=copy: copy.save(force_insert=True))
        refused(FIXED, lambda model=model: model._default_manager.all()._raw_delete("default"))
        refused(FIXED, lambda table=table: execute(f"UPDATE {table} SET position = 77"))  # noqa: S608
        refused(FIXED, lambda table=table: execute(f"DELETE FROM {table}"))  # noqa: S608
        assert before and rows_of(model) == before
    assert build_manifest(row) == polling.manifest


def test_the_election_itself_is_fixed(polling: Election) -> None:
    """Also the slug, and also the hash that fixes it."""
    row = boards.define(polling)
    row.title = "改題"
    row.save()
    row.title = polling.manifest["title"]
    row.save()
    boards.fill(row, polling, 0, 1)
    before, rows = rows_of(ElectionRow), ElectionRow.objects.filter(pk=row.pk)
    refused(FIXED, lambda: rows.update(manifest_hash=None))
    refused(FIXED, lambda: rows.update(title="改題"))
    refused(FIXED, lambda: rows.update(slug="elsewhere"))
    refused(FIXED, lambda: ElectionRow.objects.get(pk=row.pk).save())
    refused(FIXED, lambda: execute("DELETE FROM elections_election WHERE id = %s", row.pk))
    assert rows_of(ElectionRow) == before


def test_no_row_moves_into_or_out_of_a_fixed_election(polling: Election) -> None:
    """An election still being defined neither lends nor takes."""
    fixed, free = boards.define(polling, "fixed"), boards.define(polling, "free")
    boards.fill(fixed, polling, 0, 1)
    for model, owner in ((Unit, "election"), (Contest, "election"), (Style, "election"), (Party, "election")):
        inside = model._default_manager.filter(**{owner: fixed})
        outside = model._default_manager.filter(**{owner: free})
        refused(FIXED, lambda rows=inside: rows.update(election=free, position=90))
        refused(FIXED, lambda rows=outside: rows.update(election=fixed, position=90))
    contest, style = Contest.objects.filter(election=fixed).earliest("pk"), Style.objects.filter(election=fixed)[0]
    refused(FIXED, lambda: Candidate.objects.filter(contest__election=free).update(contest=contest))
    refused(FIXED, lambda: StyleContest.objects.filter(style__election=free).update(style=style))
    assert build_manifest(fixed) == polling.manifest
    Unit.objects.filter(election=free).earliest("pk").save()
    assert build_manifest(free) == polling.manifest


def test_a_definition_without_a_board_can_be_deleted(polling: Election) -> None:
    row = boards.define(polling)
    row.delete()
    assert not ElectionRow.objects.exists() and not Unit.objects.exists() and not Party.objects.exists()
