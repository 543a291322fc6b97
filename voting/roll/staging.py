"""Staged rows and the roll, compared and moved in sets: no row comes back into Python.

The SQL is what SQLite (from 3.39) and PostgreSQL have in common, and its columns are those of RollRecord.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from django.db import connection
from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet, Window
from django.utils import timezone

from voting.roll.characters import fold_kana, fold_name
from voting.roll.matching import person_key
from voting.roll.models import Elector, Mark, RollImport, RollRecord, StagedElector
from voting.roll.rows import RollRow

KEY = ("roll", "number")
"""What makes a row of a file the same as one of the roll."""
COLUMNS = tuple(field.attname for field in RollRecord._meta.local_fields)

_CHANGES = tuple(column for column in COLUMNS if column not in KEY)
_OWN = tuple(field for field in Elector._meta.local_concrete_fields if field.attname not in (*COLUMNS, "id"))
"""Of the roll alone: the election, and what became of the vote."""


_ROLL, _STAGED = (f'"{model._meta.db_table}"' for model in (Elector, StagedElector))


def _list(columns: Sequence[str], alias: str = "") -> str:
    return ", ".join(f'{alias}"{column}"' for column in columns)


# Into the staging table

_KEY_CHARS = RollRecord._meta.get_field("folded_name").max_length
_copied = tuple(field.name for field in fields(RollRow) if field.name in COLUMNS)
_values_of = attrgetter(*_copied)
_made = ("birth_year", "birth_month", "birth_day", "district_id", "folded_name", "folded_kana", "person")
STAGED_COLUMNS = (*_copied, *_made, "line", "roll_import_id")


def staged_values(row: RollRow, district: int, line: int, roll_import: int) -> tuple[Any, ...]:
    """A row of a file with its keys of comparison, in the order of STAGED_COLUMNS."""
    born = row.birth
    return (
        *_values_of(row),
        born.year,
        born.month,
        born.day,
        district,
        # In some scripts a key is longer than its name; only its beginning is searched.
        fold_name(row.name)[:_KEY_CHARS],
        fold_kana(row.kana)[:_KEY_CHARS],
        person_key(row.name, born, row.sex),
        line,
        roll_import,
    )


def stage(rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows of `staged_values`. Half the time that bulk_create takes, and these values need no conversion."""
    places = ", ".join(["%s"] * len(STAGED_COLUMNS))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {_STAGED} ({_list(STAGED_COLUMNS)}) VALUES ({places})", rows)  # noqa: S608


# Staged rows beside the roll


def staged(roll_import: RollImport) -> QuerySet[StagedElector]:
    """The rows of a file."""
    return StagedElector.objects.filter(roll_import=roll_import)


def repeated(roll_import: RollImport) -> QuerySet[StagedElector]:
    """Rows whose number on their roll came before in the file, in line `first_line`."""
    first = Window(Min("line"), partition_by=[F(column) for column in KEY])
    return staged(roll_import).annotate(first_line=first).filter(line__gt=F("first_line")).order_by("line")


def newcomers(roll_import: RollImport) -> QuerySet[StagedElector]:
    """Rows of the file that are not on the roll."""
    return staged(roll_import).filter(~Exists(_with_key(on_roll(roll_import)))).order_by("line")


def on_roll(roll_import: RollImport) -> QuerySet[Elector]:
    """The roll to which the file belongs."""
    return Elector.objects.filter(election=roll_import.election_id).order_by("pk")


def in_file(roll_import: RollImport) -> QuerySet[Elector]:
    """Rows of the roll that are in the file."""
    return on_roll(roll_import).filter(Exists(_with_key(staged(roll_import))))


def not_in_file(roll_import: RollImport) -> QuerySet[Elector]:
    """Rows of the roll that are not in the file."""
    return on_roll(roll_import).filter(~Exists(_with_key(staged(roll_import))))


def _with_key(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(**{column: OuterRef(column) for column in KEY}).order_by()


def deletable(roll_import: RollImport) -> QuerySet[Elector]:
    """Rows of the roll that are not in the file, and to which nothing refers."""
    return not_in_file(roll_import).exclude(_referred_to())


def strikable(roll_import: RollImport) -> QuerySet[Elector]:
    """Rows of the roll that are not in the file and must stay because something refers to them: marked struck off."""
    return not_in_file(roll_import).filter(_referred_to()).exclude(mark=Mark.STRUCK)


def _referred_to() -> Q:
    """Whether any table, of this app or of those above it, has a row about an elector."""
    found = Q()
    for relation in Elector._meta.get_fields(include_hidden=True):
        if relation.auto_created and not relation.concrete:
            rows: Any = relation.related_model
            found |= Q(Exists(rows._base_manager.filter(**{relation.field.name: OuterRef("pk")})))  # type: ignore[union-attr]
    return found


def unmarked(roll_import: RollImport) -> QuerySet[Elector]:
    """Rows of the roll that have a mark now, and none in the file."""
    return on_roll(roll_import).exclude(mark=Mark.NONE).filter(Exists(_with_key(staged(roll_import).filter(mark=""))))


def other_people(roll_import: RollImport) -> QuerySet[Elector]:
    """Rows with a ballot or a vote whose name, birth or sex the file changes: perhaps a number used again."""
    same = staged(roll_import).filter(person=OuterRef("person"))
    return in_file(roll_import).exclude(vote="none").filter(~Exists(_with_key(same)))


# What the ORM has no words for: comparing whole rows, and moving them from table to table

_PAIRS = " AND ".join(
    (
        "s.roll_import_id = %(roll_import)s",
        "e.election_id = %(election)s",
        *(f'e."{column}" = s."{column}"' for column in KEY),
    )
)
_DIFFER = " OR ".join(f'e."{column}" IS DISTINCT FROM s."{column}"' for column in _CHANGES)

_ASSIGN = ", ".join(f'"{column}" = s."{column}"' for column in _CHANGES)

_COUNT_CHANGED = f"SELECT count(*) FROM {_STAGED} s, {_ROLL} e WHERE {_PAIRS} AND ({_DIFFER})"  # noqa: S608
_UPDATE = (
    f"UPDATE {_ROLL} AS e SET {_ASSIGN} "  # noqa: S608
    f"FROM {_STAGED} AS s WHERE {_PAIRS} AND ({_DIFFER})"
)
_INSERT = (
    f"INSERT INTO {_ROLL} ({_list(COLUMNS)}, {_list([field.attname for field in _OWN])}) "  # noqa: S608
    f"SELECT {_list(COLUMNS, 's.')}, {', '.join(f'%({field.attname})s' for field in _OWN)} FROM {_STAGED} s "
    f"WHERE s.roll_import_id = %(roll_import)s AND NOT EXISTS (SELECT 1 FROM {_ROLL} e WHERE {_PAIRS}) ORDER BY s.line"
)


def count_changed(roll_import: RollImport) -> int:
    """How many rows of the file say something else than the roll."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_CHANGED, _parameters(roll_import))
        return int(cursor.fetchone()[0])


def lock(rows: QuerySet[Elector]) -> None:
    """Lock rows of the roll, in the order of their keys as everybody else does, without keeping them."""
    deque(rows.select_for_update().values_list("pk", flat=True).iterator(), maxlen=0)


def update_changed(roll_import: RollImport) -> int:
    """Make the roll say what the file says, votes apart; how many rows changed."""
    return _execute(_UPDATE, _parameters(roll_import))


def insert_new(roll_import: RollImport) -> int:
    """Add the rows that are not on the roll, in the order of the file; how many."""
    own = {field.attname: field.get_default() for field in _OWN}
    return _execute(_INSERT, own | _parameters(roll_import) | {"election_id": roll_import.election_id})


def remove_missing(roll_import: RollImport) -> int:
    """Delete the rows that are not in the file, and strike off those to which something refers; how many of both."""
    # Queryset.delete would first load every row.
    chosen, parameters = deletable(roll_import).order_by().values("pk").query.sql_with_params()
    deleted = _execute(f"DELETE FROM {_ROLL} WHERE id IN ({chosen})", parameters)  # noqa: S608
    return deleted + strikable(roll_import).update(mark=Mark.STRUCK, marked_on=timezone.localdate())


def _parameters(roll_import: RollImport) -> dict[str, Any]:
    return {"roll_import": roll_import.pk, "election": roll_import.election_id}


def _execute(statement: str, parameters: Mapping[str, Any] | Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)
