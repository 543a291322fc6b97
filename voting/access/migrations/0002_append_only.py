"""The database itself refuses to change or delete what is in the access log."""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from voting import triggers

SENTENCE = "the access log is append-only"
REFUSALS = [
    *triggers.append_only("access_accessentry", SENTENCE),
    *triggers.append_only("access_accesssubject", SENTENCE),
    triggers.Refusal("access_accesshead", "UPDATE", SENTENCE, "NEW.size <> OLD.size + 1"),
    triggers.Refusal("access_accesshead", "DELETE", SENTENCE),
]


def create(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    triggers.create(editor, REFUSALS)


def drop(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    triggers.drop(editor, REFUSALS)


class Migration(migrations.Migration):
    dependencies = [("access", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
