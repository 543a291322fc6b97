"""The database itself refuses every change of a state that is not in the table of transitions, and every rewriting of
the steps that were taken.
"""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from voting import triggers
from voting.applications.states import FIRST, TRANSITIONS

WAYS = sorted({(before.value, after.value) for (before, _), after in TRANSITIONS.items()})
LEGAL = " OR ".join(f"(OLD.state = '{before}' AND NEW.state = '{after}')" for before, after in WAYS)
BEGINNINGS = ", ".join(f"'{state.value}'" for state in FIRST)
# Afterwards a ballot was issued to somebody, and it stays that person's.
ISSUED = "OLD.state NOT IN ('requested', 'to-confirm', 'under-review', 'sent-back')"
MOVED = "(OLD.elector_id IS NOT NULL AND (NEW.elector_id IS NULL OR NEW.elector_id <> OLD.elector_id))"
REFUSALS = [
    triggers.Refusal(
        "applications_application",
        "UPDATE",
        "no application goes this way",
        f"(NEW.state <> OLD.state AND NOT ({LEGAL})) OR NEW.election_id <> OLD.election_id OR ({ISSUED} AND {MOVED})",
    ),
    triggers.Refusal(
        "applications_application", "INSERT", "an application begins as received", f"NEW.state NOT IN ({BEGINNINGS})"
    ),
    triggers.Refusal("applications_application", "DELETE", "applications stay on the record"),
    *triggers.append_only("applications_statechange", "the steps of an application are append-only"),
]


def create(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    triggers.create(editor, REFUSALS)


def drop(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    triggers.drop(editor, REFUSALS)


class Migration(migrations.Migration):
    dependencies = [("applications", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
