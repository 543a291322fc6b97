"""Two people freeze the tally, publish the result, and decide about written names."""

from __future__ import annotations

from importlib import import_module

from django.db import migrations, models

record = import_module("voting.officials.migrations.0002_record")

ACTS = [
    ("fix-definition", "fix contests and candidates"),
    ("open-polls", "open the polls"),
    ("close-polls", "close the polls"),
    ("change-offer-late", "change a category's dates from notice day on"),
    ("import-roll", "take over a roll file"),
    ("commit-roll", "commit to the roll on the board"),
    ("tell-apart", "declare two roll rows two people"),
    ("undo-paper", "take back a vote on paper that was recorded by mistake"),
    ("match-by-hand", "match an applicant to a roll row by hand"),
    ("give-back", "cancel an issued ballot"),
    ("replace-credential", "replace a lost phone's key"),
    ("refuse-ballot", "refuse a cast ballot"),
    ("freeze-tally", "freeze what is counted"),
    ("publish-result", "publish the result"),
    ("adjudicate", "decide about written names"),
    ("seal-records", "seal the records"),
    ("export-personal-data", "export personal data"),
    ("grant-role", "appoint an official"),
    ("reset-second-factor", "reset a lost second factor"),
]


class Migration(migrations.Migration):
    dependencies = [("officials", "0002_record")]
    operations = [
        # SQLite makes the table anew for each constraint, and its triggers would be gone with the old one.
        migrations.RunPython(record.drop, record.create),
        migrations.RemoveConstraint(model_name="proposal", name="proposal_act"),
        migrations.AlterField(
            model_name="proposal",
            name="act",
            field=models.CharField(choices=ACTS, help_text="What is asked for.", max_length=24, verbose_name="act"),
        ),
        migrations.AddConstraint(
            model_name="proposal",
            constraint=models.CheckConstraint(
                condition=models.Q(("act__in", [act for act, _label in ACTS])), name="proposal_act"
            ),
        ),
        migrations.RunPython(record.create, record.drop),
    ]
