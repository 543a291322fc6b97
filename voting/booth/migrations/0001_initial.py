"""Sealed ballots and who stood by; what somebody has confirmed, the database itself keeps."""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("applications", "0002_states"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SealedBallot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "tracker",
                    models.BinaryField(
                        help_text="32 bytes; empty after the freeze.", max_length=32, null=True, verbose_name="tracker"
                    ),
                ),
                (
                    "assisted",
                    models.BooleanField(
                        default=False,
                        help_text="The voter asked that two people write and watch (代理投票).",
                        verbose_name="assisted voting",
                    ),
                ),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="sealed")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sealed_ballots",
                        to="applications.application",
                        verbose_name="application",
                    ),
                ),
            ],
            options={
                "verbose_name": "sealed ballot",
                "verbose_name_plural": "sealed ballots",
                "ordering": ["asked_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="Presence",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "part",
                    models.CharField(
                        choices=[
                            ("head", "head of the place"),
                            ("writer", "helper who writes"),
                            ("watcher", "helper who watches"),
                            ("proxy", "registered proxy writer"),
                        ],
                        max_length=7,
                        verbose_name="part",
                    ),
                ),
                (
                    "name",
                    models.CharField(blank=True, help_text="Of the proxy writer.", max_length=100, verbose_name="name"),
                ),
                (
                    "witness",
                    models.CharField(
                        blank=True, help_text="Whom the head names (立会人).", max_length=100, verbose_name="witness"
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="time")),
                (
                    "official",
                    models.ForeignKey(
                        help_text="Empty: a proxy.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="official",
                    ),
                ),
                (
                    "ballot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="presences",
                        to="booth.sealedballot",
                        verbose_name="sealed ballot",
                    ),
                ),
            ],
            options={
                "verbose_name": "presence at a vote",
                "verbose_name_plural": "presences at votes",
                "ordering": ["at", "id"],
            },
        ),
        migrations.AddConstraint(
            model_name="sealedballot",
            constraint=models.UniqueConstraint(fields=("application", "tracker"), name="sealed_ballot_once"),
        ),
        migrations.AddConstraint(
            model_name="presence",
            constraint=models.UniqueConstraint(fields=("ballot", "part"), name="presence_once"),
        ),
        migrations.AddConstraint(
            model_name="presence",
            constraint=models.UniqueConstraint(fields=("ballot", "official"), name="presence_one_part_each"),
        ),
        migrations.AddConstraint(
            model_name="presence",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("official", None), ("part", "proxy"), models.Q(("name", ""), _negated=True)),
                    models.Q(models.Q(("part", "proxy"), _negated=True), ("official__isnull", False)),
                    _connector="OR",
                ),
                name="presence_of_somebody",
            ),
        ),
    ]
