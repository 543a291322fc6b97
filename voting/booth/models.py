"""Ballots that are sealed but not handed in yet, where people have to stand by, and who did.

Nothing here says what a ballot contains. The tracker leads to an entry of the board, so it is forgotten with the other
links when the tally is frozen.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from voting.applications.models import Application
from voting.officials.models import Official


class SealedBallot(models.Model):
    """A ballot whose tracker the server has been told, by an application that needs others to stand by."""

    application = models.ForeignKey(
        Application, models.PROTECT, related_name="sealed_ballots", verbose_name=_("application")
    )
    tracker = models.BinaryField(
        _("tracker"), max_length=32, null=True, help_text=_("32 bytes; empty after the freeze.")
    )
    assisted = models.BooleanField(
        _("assisted voting"), default=False, help_text=_("The voter asked that two people write and watch (代理投票).")
    )
    asked_at = models.DateTimeField(_("sealed"), default=timezone.now)

    class Meta:
        verbose_name = _("sealed ballot")
        verbose_name_plural = _("sealed ballots")
        ordering = ["asked_at", "id"]
        constraints = [models.UniqueConstraint(fields=["application", "tracker"], name="sealed_ballot_once")]

    def __str__(self) -> str:
        return f"{self.application}"


class Presence(models.Model):
    """Somebody stood by when a ballot was handed in, and says so; append-only."""

    class Part(models.TextChoices):
        HEAD = "head", _("head of the place")
        WRITER = "writer", _("helper who writes")
        WATCHER = "watcher", _("helper who watches")
        PROXY = "proxy", _("registered proxy writer")

    ballot = models.ForeignKey(SealedBallot, models.PROTECT, related_name="presences", verbose_name=_("sealed ballot"))
    part = models.CharField(_("part"), max_length=7, choices=Part)
    official = models.ForeignKey(
        Official,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("official"),
        help_text=_("Empty: a proxy."),
    )
    name = models.CharField(_("name"), max_length=100, blank=True, help_text=_("Of the proxy writer."))
    witness = models.CharField(_("witness"), max_length=100, blank=True, help_text=_("Whom the head names (立会人)."))
    at = models.DateTimeField(_("time"), default=timezone.now)

    class Meta:
        verbose_name = _("presence at a vote")
        verbose_name_plural = _("presences at votes")
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["ballot", "part"], name="presence_once"),
            models.UniqueConstraint(fields=["ballot", "official"], name="presence_one_part_each"),
            models.CheckConstraint(
                condition=Q(part="proxy", official=None) & ~Q(name="") | ~Q(part="proxy") & Q(official__isnull=False),
                name="presence_of_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ballot}: {self.get_part_display()}"
