"""What 0002 fixes stays fixed, and voting districts with it: they decide which ballot a voter gets."""

from __future__ import annotations

from importlib import import_module

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from voting import triggers

fixed = import_module("voting.elections.migrations.0002_fixed_by_manifest")


def _on_board(row: str) -> str:
    return f"EXISTS (SELECT 1 FROM elections_election e WHERE e.id = {row}.election_id AND e.manifest_hash IS NOT NULL)"


# The hours of a polling station may still change: a poll can be closed earlier or put off (公職選挙法40条, 57条).
MOVED = " OR ".join(f"OLD.{column} <> NEW.{column}" for column in ("id", "election_id", "unit_id", "code", "name"))
DISTRICTS = [
    triggers.Refusal("elections_district", "INSERT", fixed.SENTENCE, _on_board("NEW")),
    triggers.Refusal(
        "elections_district", "UPDATE", fixed.SENTENCE, f"({MOVED}) AND ({_on_board('OLD')} OR {_on_board('NEW')})"
    ),
    triggers.Refusal("elections_district", "DELETE", fixed.SENTENCE, _on_board("OLD")),
]


def create(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    fixed.create(apps, editor)
    triggers.create(editor, DISTRICTS)


def drop(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    triggers.drop(editor, DISTRICTS)
    fixed.drop(apps, editor)


class Migration(migrations.Migration):
    dependencies = [("elections", "0003_calendar_districts_forms")]
    operations = [migrations.RunPython(create, drop)]
