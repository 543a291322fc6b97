"""Proposals are a record: the database itself refuses to change what was asked for, to decide twice, and to delete.

Also: who asks does not decline either, appointments do not end before they begin, accounts know who made them.
"""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from voting import triggers

TABLE = "officials_proposal"
ASKED = " OR ".join(
    f"NEW.{column} <> OLD.{column}"
    for column in (
        "id", "act", "office_id", "target", "summary", "reason", "payload", "requested_by_id", "requested_at",
    )
)  # fmt: skip
REFUSALS = [
    triggers.Refusal(TABLE, "INSERT", "a two-person act begins as a request", "NEW.decision <> 'pending'"),
    triggers.Refusal(
        TABLE,
        "UPDATE",
        "what was asked for and decided stays on the record",
        f"{ASKED} OR OLD.decision <> 'pending'",
    ),
    triggers.Refusal(TABLE, "DELETE", "two-person acts stay on the record"),
]


def create(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    triggers.create(editor, REFUSALS)


def drop(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    triggers.drop(editor, REFUSALS)


class Migration(migrations.Migration):
    dependencies = [("officials", "0001_initial")]
    operations = [
        migrations.RemoveConstraint(model_name="proposal", name="proposal_two_people"),
        migrations.AddField(
            model_name="official",
            name="home",
            field=models.ForeignKey(
                blank=True,
                help_text="The office that made the account; empty when it was made on the server.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="accounts",
                to="officials.office",
                verbose_name="home office",
            ),
        ),
        migrations.AlterField(
            model_name="appointment",
            name="until",
            field=models.DateTimeField(
                blank=True, help_text="First moment after it; empty without an end.", null=True, verbose_name="until"
            ),
        ),
        migrations.AddConstraint(
            model_name="appointment",
            constraint=models.CheckConstraint(
                condition=models.Q(("until", None), ("until__gte", models.F("since")), _connector="OR"),
                name="appointment_not_backwards",
            ),
        ),
        migrations.AddConstraint(
            model_name="proposal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("decided_by", models.F("requested_by")),
                    ("decision__in", ["approved", "declined"]),
                    _negated=True,
                ),
                name="proposal_two_people",
            ),
        ),
        # Last: SQLite makes a table anew for each constraint, and forgets its triggers.
        migrations.RunPython(create, drop),
    ]
