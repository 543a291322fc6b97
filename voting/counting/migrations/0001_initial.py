"""Decisions about names that voters wrote."""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("elections", "0006_party_lists"),
        ("officials", "0003_acts_of_the_count"),
    ]

    operations = [
        migrations.CreateModel(
            name="WriteInDecision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField(help_text="As it is on the board.", verbose_name="what was written")),
                (
                    "name",
                    models.CharField(
                        blank=True,
                        help_text="The adopted name; empty if invalid.",
                        max_length=100,
                        verbose_name="counts for",
                    ),
                ),
                (
                    "ground",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("no-candidate", "the name of nobody who is a candidate (art. 68 (1) ii)"),
                            ("no-list", "a candidate of a party whose nomination is not valid (art. 68 (1) iii)"),
                            ("several", "two or more names (art. 68 (1) iv)"),
                            ("not-eligible", "a candidate who cannot be elected (art. 68 (1) v)"),
                            ("more", "something besides a name (art. 68 (1) vi)"),
                            ("unclear", "it cannot be told whose name it is (art. 68 (1) viii)"),
                        ],
                        help_text="Empty if it counts.",
                        max_length=12,
                        verbose_name="invalid because",
                    ),
                ),
                ("decided_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="decided")),
                (
                    "contest",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="write_in_decisions",
                        to="elections.contest",
                        verbose_name="contest",
                    ),
                ),
                (
                    "proposal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="write_in_decisions",
                        to="officials.proposal",
                        verbose_name="two-person act",
                    ),
                ),
            ],
            options={
                "verbose_name": "decision about a written name",
                "verbose_name_plural": "decisions about written names",
                "ordering": ["pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("proposal", "text"), name="write_in_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(models.Q(("name", ""), _negated=True), ("ground", "")),
                            models.Q(
                                (
                                    "ground__in",
                                    ["no-candidate", "no-list", "several", "not-eligible", "more", "unclear"],
                                ),
                                ("name", ""),
                            ),
                            _connector="OR",
                        ),
                        name="write_in_decided",
                    ),
                ],
            },
        ),
    ]
