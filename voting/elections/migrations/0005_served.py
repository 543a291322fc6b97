"""The manifest names the files that voters are served."""

from __future__ import annotations

from importlib import import_module

from django.db import migrations, models

fixed = import_module("voting.elections.migrations.0004_fixed_with_districts")


class Migration(migrations.Migration):
    dependencies = [("elections", "0004_fixed_with_districts")]
    operations = [
        # SQLite makes the table anew for a further column, and its triggers would be gone with the old one.
        migrations.RunPython(fixed.drop, fixed.create),
        migrations.AddField(
            model_name="election",
            name="served",
            field=models.JSONField(
                default=list,
                editable=False,
                help_text="Path and hash of each file that voters' browsers get; taken when the definition is agreed on.",
                verbose_name="files served",
            ),
        ),
        migrations.RunPython(fixed.create, fixed.drop),
    ]
