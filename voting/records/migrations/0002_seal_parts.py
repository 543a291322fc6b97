"""Absentee voting is sealed when it is accepted, the count when its result is published."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="seal",
            name="part",
            field=models.CharField(
                choices=[("voting", "absentee voting"), ("count", "count and result")],
                default="voting",
                help_text="What is sealed together.",
                max_length=6,
                verbose_name="part of the records",
            ),
        ),
        migrations.AlterField(
            model_name="seal",
            name="election",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="seals",
                to="elections.election",
                verbose_name="election",
            ),
        ),
        migrations.AddConstraint(
            model_name="seal",
            constraint=models.UniqueConstraint(fields=("election", "part"), name="seal_once"),
        ),
    ]
