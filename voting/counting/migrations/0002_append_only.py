"""The database itself refuses to change or delete a decision about a written name."""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from voting import triggers

REFUSALS = triggers.append_only("counting_writeindecision", "decisions about written names stay on the record")


def create(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    triggers.create(editor, REFUSALS)


def drop(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    triggers.drop(editor, REFUSALS)


class Migration(migrations.Migration):
    dependencies = [("counting", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
