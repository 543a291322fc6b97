"""The manifest says what a contest decides, so candidates say on which party list they stand and where."""

from __future__ import annotations

from importlib import import_module

from django.db import migrations, models

import voting.elections.validators

fixed = import_module("voting.elections.migrations.0004_fixed_with_districts")


class Migration(migrations.Migration):
    dependencies = [("elections", "0005_served")]
    operations = [
        # SQLite makes the table anew for a further column, and its triggers would be gone with the old one.
        migrations.RunPython(fixed.drop, fixed.create),
        migrations.AddField(
            model_name="candidate",
            name="list",
            field=models.CharField(
                blank=True,
                help_text="Identifier of the list on which a candidate stands, where votes are for a party or a name.",
                max_length=63,
                validators=[voting.elections.validators.validate_identifier],
                verbose_name="party list",
            ),
        ),
        migrations.AddField(
            model_name="candidate",
            name="priority",
            field=models.PositiveSmallIntegerField(
                default=0,
                help_text="Place among those of the list who are elected before all others: 1, 2, …; 0 for the others.",
                verbose_name="elected first",
            ),
        ),
        migrations.AddField(
            model_name="candidate",
            name="listed",
            field=models.TextField(
                blank=True,
                help_text="One name on each line, in the order of the list, where votes are for lists only.",
                verbose_name="names on the list",
            ),
        ),
        migrations.AddConstraint(
            model_name="candidate",
            constraint=models.CheckConstraint(
                condition=models.Q(("priority__range", (0, 500))), name="candidate_priority_range"
            ),
        ),
        migrations.RunPython(fixed.create, fixed.drop),
    ]
