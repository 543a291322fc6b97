"""The verifier's reports."""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("elections", "0005_served"),
    ]

    operations = [
        migrations.CreateModel(
            name="Verification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "tag",
                    models.CharField(
                        help_text="Size, root and cosignatures of its checkpoint.",
                        max_length=120,
                        verbose_name="archive",
                    ),
                ),
                (
                    "size",
                    models.PositiveBigIntegerField(help_text="How many entries the archive has.", verbose_name="size"),
                ),
                (
                    "root",
                    models.CharField(
                        help_text="The root of its checkpoint, in hex.", max_length=64, verbose_name="root"
                    ),
                ),
                (
                    "program",
                    models.CharField(
                        help_text="SHA-256 of the verifier's files, in hex.", max_length=64, verbose_name="program"
                    ),
                ),
                (
                    "report",
                    models.JSONField(
                        help_text="As `python -m verifier verify --json` writes it.", verbose_name="report"
                    ),
                ),
                ("text", models.TextField(help_text="As `python -m verifier verify` prints it.", verbose_name="text")),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="time")),
                (
                    "election",
                    models.ForeignKey(
                        help_text="Verified.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="verifications",
                        to="elections.election",
                        verbose_name="election",
                    ),
                ),
            ],
            options={
                "verbose_name": "verification",
                "verbose_name_plural": "verifications",
                "ordering": ["size", "made_at"],
                "constraints": [
                    models.UniqueConstraint(fields=("election", "tag", "program"), name="verification_once")
                ],
            },
        ),
    ]
