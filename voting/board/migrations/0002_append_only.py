"""The database itself refuses to change or delete what is on the board (threat O-03)."""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SENTENCE = "the board is append-only"
TABLES = ("board_boardentry", "board_columnblob", "board_checkpoint")
# A cosignature is a line at the end of the text; whatever stood there stays.
COSIGNED = (
    "(NEW.id = OLD.id AND NEW.election_id = OLD.election_id AND NEW.size = OLD.size AND NEW.time = OLD.time "
    "AND substr(NEW.text, 1, length(OLD.text)) = OLD.text)"
)


def _condition(table: str, operation: str) -> str:
    return f"NOT {COSIGNED}" if (table, operation) == ("board_checkpoint", "UPDATE") else "TRUE"


def _sqlite(table: str) -> list[str]:
    return [
        f"CREATE TRIGGER {table}_no_{operation.lower()} BEFORE {operation} ON {table} "
        f"WHEN {_condition(table, operation)} BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END"
        for operation in ("UPDATE", "DELETE")
    ]


def _postgresql(table: str) -> list[str]:
    return [
        *(
            f"CREATE TRIGGER {table}_no_{operation.lower()} BEFORE {operation} ON {table} FOR EACH ROW "
            f"WHEN ({_condition(table, operation)}) EXECUTE FUNCTION board_refuse()"
            for operation in ("UPDATE", "DELETE")
        ),
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION board_refuse()",
    ]


def create(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    sqlite = editor.connection.vendor == "sqlite"
    if not sqlite:
        editor.execute(
            "CREATE FUNCTION board_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"RAISE EXCEPTION '{SENTENCE}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
    for table in TABLES:
        for statement in _sqlite(table) if sqlite else _postgresql(table):
            editor.execute(statement)


def drop(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor != "sqlite":
        editor.execute("DROP FUNCTION board_refuse() CASCADE")
        return
    for table in TABLES:
        for operation in ("update", "delete"):
            editor.execute(f"DROP TRIGGER {table}_no_{operation}")


class Migration(migrations.Migration):
    dependencies = [("board", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
