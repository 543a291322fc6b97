"""The access log: who looked at or changed a person's data, at which office, for what, when.

Append-only by triggers of the database, and a hash chain, so that a copy of the last hash shows any later change.
What is logged names officials, never voters: a person is a number that means nothing without the roll.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _


class AccessEntry(models.Model):
    """One act of one official."""

    index = models.PositiveBigIntegerField(_("index"), unique=True, help_text=_("Place in the log, counted from 0."))
    at = models.DateTimeField(_("time"), help_text=_("When."))
    official = models.CharField(_("official"), max_length=150, help_text=_("User name, or the program that acted."))
    name = models.CharField(_("name"), max_length=100, blank=True, help_text=_("The official's name at that time."))
    office = models.CharField(_("office"), max_length=100, blank=True, help_text=_("Its name at that time."))
    act = models.CharField(_("act"), max_length=24, help_text=_("What was done, of the list of acts."))
    purpose = models.CharField(_("purpose"), max_length=600, help_text=_("What for, in words."))
    subjects = models.JSONField(_("people"), default=list, help_text=_("Keys of the roll rows concerned, ascending."))
    everyone = models.CharField(
        _("everyone of"), max_length=60, blank=True, help_text=_("An election, when its whole roll was concerned.")
    )
    previous = models.BinaryField(_("previous hash"), max_length=32, help_text=_("Hash of the entry before."))
    hash = models.BinaryField(_("hash"), max_length=32, unique=True, help_text=_("Hash of this entry."))

    class Meta:
        verbose_name = _("access log entry")
        verbose_name_plural = _("access log")
        ordering = ["index"]
        constraints = [
            models.CheckConstraint(condition=Q(index__gte=0), name="access_index_range"),
            models.CheckConstraint(condition=Exact(Length("hash"), 32), name="access_hash"),
            models.CheckConstraint(condition=Exact(Length("previous"), 32), name="access_previous"),
        ]

    def __str__(self) -> str:
        return f"{self.index}: {self.official}, {self.act}"


class AccessSubject(models.Model):
    """One person whom an entry concerns, so that everybody finds the entries about themselves."""

    entry = models.ForeignKey(AccessEntry, models.PROTECT, related_name="people", verbose_name=_("entry"))
    subject = models.PositiveBigIntegerField(_("person"), db_index=True, help_text=_("Key of the roll row."))

    class Meta:
        verbose_name = _("person in the access log")
        verbose_name_plural = _("people in the access log")
        constraints = [models.UniqueConstraint(fields=["entry", "subject"], name="access_subject_once")]

    def __str__(self) -> str:
        return f"{self.entry_id}: {self.subject}"


class AccessHead(models.Model):
    """The last hash of the chain: one row, locked while an entry is added, so that entries have one order."""

    size = models.PositiveBigIntegerField(_("size"), help_text=_("How many entries there are."))
    hash = models.BinaryField(_("hash"), max_length=32, help_text=_("Hash of the last one."))

    class Meta:
        verbose_name = _("head of the access log")
        verbose_name_plural = _("head of the access log")
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="access_one_head")]

    def __str__(self) -> str:
        return f"{self.size} entries"
