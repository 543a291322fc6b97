"""A code is good until a device is registered, so one letter of an application is valid, used or not."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.utils import timezone


def void_used(apps: Any, schema_editor: Any) -> None:
    """Letters that were used when one use was the end of them."""
    apps.get_model("credentials", "Letter").objects.filter(revoked_at=None).exclude(used_at=None).update(
        revoked_at=timezone.now()
    )


class Migration(migrations.Migration):
    dependencies = [
        ("credentials", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(void_used, migrations.RunPython.noop),
        migrations.RemoveConstraint(model_name="letter", name="letter_one_valid"),
        migrations.AddConstraint(
            model_name="letter",
            constraint=models.UniqueConstraint(
                condition=models.Q(("revoked_at", None)), fields=("application",), name="letter_one_valid"
            ),
        ),
    ]
