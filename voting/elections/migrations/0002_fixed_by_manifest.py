"""Once the manifest is on the board, the database itself refuses every change of what it was made from."""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SENTENCE = "the manifest is on the board: the definition of the election is fixed"

# table → the election of a row, given the row's alias
OWNERS = {
    "elections_unit": "{row}.election_id",
    "elections_contest": "{row}.election_id",
    "elections_candidate": "(SELECT c.election_id FROM elections_contest c WHERE c.id = {row}.contest_id)",
    "elections_style": "{row}.election_id",
    "elections_stylecontest": "(SELECT s.election_id FROM elections_style s WHERE s.id = {row}.style_id)",
    "elections_party": "{row}.election_id",
}
ROWS = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}


def _sqlite(table: str, operation: str, condition: str) -> str:
    return (
        f"CREATE TRIGGER {table}_fixed_{operation.lower()} BEFORE {operation} ON {table} WHEN {condition} "
        f"BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END"
    )


def _postgresql(table: str, operation: str, condition: str, lock: str = "") -> list[str]:
    name = f"{table}_fixed_{operation.lower()}"
    row = "OLD" if operation == "DELETE" else "NEW"
    return [
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {lock} IF {condition} THEN "
        f"RAISE EXCEPTION '{SENTENCE}' USING ERRCODE = 'integrity_constraint_violation'; END IF; "
        f"RETURN {row}; END $$",
        f"CREATE TRIGGER {name} BEFORE {operation} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
    ]


def _fixed(owner: str, row: str) -> str:
    election = owner.format(row=row)
    return f"EXISTS (SELECT 1 FROM elections_election e WHERE e.id = {election} AND e.manifest_hash IS NOT NULL)"


def _lock(owner: str, row: str) -> str:
    # Waits for an append of the manifest that is under way, and makes a later one wait for this change.
    return f"PERFORM 1 FROM elections_election e WHERE e.id = {owner.format(row=row)} FOR SHARE;"


def create(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    vendor = editor.connection.vendor
    for operation in ("UPDATE", "DELETE"):
        condition = "OLD.manifest_hash IS NOT NULL"
        if vendor == "sqlite":
            editor.execute(_sqlite("elections_election", operation, condition))
        else:
            for statement in _postgresql("elections_election", operation, condition):
                editor.execute(statement)
    for table, owner in OWNERS.items():
        for operation, rows in ROWS.items():
            condition = " OR ".join(_fixed(owner, row) for row in rows)
            if vendor == "sqlite":
                editor.execute(_sqlite(table, operation, condition))
                continue
            for statement in _postgresql(table, operation, condition, " ".join(_lock(owner, row) for row in rows)):
                editor.execute(statement)


def drop(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    names = [("elections_election", operation) for operation in ("UPDATE", "DELETE")]
    names += [(table, operation) for table in OWNERS for operation in ROWS]
    for table, operation in names:
        name = f"{table}_fixed_{operation.lower()}"
        if editor.connection.vendor == "sqlite":
            editor.execute(f"DROP TRIGGER {name}")
        else:
            editor.execute(f"DROP FUNCTION {name}() CASCADE")


class Migration(migrations.Migration):
    dependencies = [("elections", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
