"""Triggers by which the database itself refuses a change, on SQLite and PostgreSQL. Migrations use them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.backends.base.schema import BaseDatabaseSchemaEditor


@dataclass(frozen=True)
class Refusal:
    """`operation` (INSERT, UPDATE, DELETE) on a row of `table` is refused where `condition` holds (SQL, OLD, NEW)."""

    table: str
    operation: str
    sentence: str
    condition: str = "TRUE"

    @property
    def name(self) -> str:
        return f"{self.table}_no_{self.operation.lower()}"


def append_only(table: str, sentence: str) -> list[Refusal]:
    """Rows of the table are neither changed nor deleted."""
    return [Refusal(table, operation, sentence) for operation in ("UPDATE", "DELETE")]


def create(editor: BaseDatabaseSchemaEditor, refusals: Iterable[Refusal]) -> None:
    """Create the triggers."""
    for refusal in refusals:
        for statement in _statements(editor.connection.vendor, refusal):
            editor.execute(statement)


def drop(editor: BaseDatabaseSchemaEditor, refusals: Iterable[Refusal]) -> None:
    """Drop them again."""
    for refusal in refusals:
        if editor.connection.vendor == "sqlite":
            editor.execute(f"DROP TRIGGER {refusal.name}")
        else:
            editor.execute(f"DROP FUNCTION {refusal.name}() CASCADE")


def _statements(vendor: str, refusal: Refusal) -> list[str]:
    name, table, operation = refusal.name, refusal.table, refusal.operation
    if vendor == "sqlite":
        return [
            f"CREATE TRIGGER {name} BEFORE {operation} ON {table} WHEN {refusal.condition} "
            f"BEGIN SELECT RAISE(ABORT, '{refusal.sentence}'); END"
        ]
    refuse = f"RAISE EXCEPTION '{refusal.sentence}' USING ERRCODE = 'integrity_constraint_violation';"
    row = "OLD" if operation == "DELETE" else "NEW"
    statements = [
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'TRUNCATE' THEN {refuse} END IF; "
        f"IF {refusal.condition} THEN {refuse} END IF; RETURN {row}; END $$",
        f"CREATE TRIGGER {name} BEFORE {operation} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
    ]
    if operation == "DELETE":
        # Emptying a whole table fires no row trigger.
        statements.append(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION {name}()")
    return statements
