"""What is stored of a bulletin board. Triggers of the database refuse every change (migration 0002).

Nothing here says who sent an entry, from where, or when more exactly than to the minute.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from verifier.record.entries import Type
from voting.elections.models import Election


class BoardEntry(models.Model):
    """One entry of the log, in its canonical bytes."""

    election = models.ForeignKey(Election, models.PROTECT, related_name="entries", verbose_name=_("election"))
    index = models.PositiveBigIntegerField(_("index"), help_text=_("Place in the log, counted from 0."))
    type = models.CharField(
        _("type"), max_length=32, choices=[(kind.value, kind.value) for kind in Type], help_text=_("What it says.")
    )
    raw = models.BinaryField(_("bytes"), help_text=_("Canonical JSON, as hashed and published."))
    leaf_hash = models.BinaryField(_("leaf hash"), max_length=32, help_text=_("RFC 6962 hash of the bytes."))
    submission = models.BinaryField(
        _("submission"),
        max_length=32,
        help_text=_("Hash of type, body and signatures: the same submitted again is the same entry."),
    )
    created = models.DateTimeField(_("time"), help_text=_("The time that the entry carries, in whole minutes."))

    class Meta:
        verbose_name = _("board entry")
        verbose_name_plural = _("board entries")
        ordering = ["index"]
        constraints = [
            models.UniqueConstraint(fields=["election", "index"], name="entry_index"),
            models.UniqueConstraint(fields=["election", "submission"], name="entry_submission"),
            models.CheckConstraint(condition=Q(index__gte=0), name="entry_index_range"),
            models.CheckConstraint(condition=Q(type__in=[kind.value for kind in Type]), name="entry_type"),
            models.CheckConstraint(condition=Exact(Length("leaf_hash"), 32), name="entry_leaf_hash"),
            models.CheckConstraint(condition=Exact(Length("submission"), 32), name="entry_submission_hash"),
        ]

    def __str__(self) -> str:
        return f"entry {self.index}, {self.type}"


class ColumnBlob(models.Model):
    """A column that an entry names: a long list of integers, kept outside the entry."""

    election = models.ForeignKey(Election, models.PROTECT, related_name="columns", verbose_name=_("election"))
    entry = models.ForeignKey(
        BoardEntry,
        models.PROTECT,
        related_name="columns",
        verbose_name=_("board entry"),
        help_text=_("The first entry that names it."),
    )
    digest = models.BinaryField(_("digest"), max_length=32, help_text=_("SHA-256 of the bytes."))
    data = models.BinaryField(_("bytes"), help_text=_("One encoded integer to a line."))

    class Meta:
        verbose_name = _("column")
        verbose_name_plural = _("columns")
        constraints = [
            models.UniqueConstraint(fields=["election", "digest"], name="column_digest"),
            models.CheckConstraint(condition=Exact(Length("digest"), 32), name="column_digest_bytes"),
        ]

    def __str__(self) -> str:
        return bytes(self.digest).hex()


class Checkpoint(models.Model):
    """A signed head of the log; witnesses add their lines to the text, nothing else changes."""

    election = models.ForeignKey(Election, models.PROTECT, related_name="checkpoints", verbose_name=_("election"))
    size = models.PositiveBigIntegerField(_("size"), help_text=_("How many entries it covers."))
    text = models.TextField(_("text"), help_text=_("C2SP signed note."))
    time = models.DateTimeField(_("time"), help_text=_("The time that it states, in whole minutes."))

    class Meta:
        verbose_name = _("checkpoint")
        verbose_name_plural = _("checkpoints")
        ordering = ["size", "time"]
        constraints = [models.UniqueConstraint(fields=["election", "size", "time"], name="checkpoint_once")]

    def __str__(self) -> str:
        return f"{self.size} entries, {self.time:%Y-%m-%d %H:%MZ}"
