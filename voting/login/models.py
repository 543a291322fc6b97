"""Which identity is which elector, of which only a keyed digest is stored; and wrong dates of birth, counted."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from voting.applications.models import Application
from voting.elections.models import Election
from voting.roll.models import Elector


class Identity(models.Model):
    """An identity bound to an elector, one to one in an election."""

    election = models.ForeignKey(Election, models.PROTECT, related_name="identities", verbose_name=_("election"))
    digest = models.BinaryField(_("digest"), max_length=32, help_text=_("Keyed hash of issuer and subject."))
    elector = models.ForeignKey(Elector, models.PROTECT, related_name="identities", verbose_name=_("elector"))
    bound_at = models.DateTimeField(_("bound"), default=timezone.now)

    class Meta:
        verbose_name = _("identity of an elector")
        verbose_name_plural = _("identities of electors")
        constraints = [
            models.UniqueConstraint(fields=["election", "digest"], name="identity_digest"),
            models.UniqueConstraint(fields=["election", "elector"], name="identity_elector"),
            models.CheckConstraint(condition=Exact(Length("digest"), 32), name="identity_digest_bytes"),
        ]

    def __str__(self) -> str:
        return f"{self.election_id}: {self.elector_id}"


class Way(models.TextChoices):
    """Where a date of birth is asked for beside something else."""

    STATUS = "status", _("following an application")
    DEVICE = "device", _("login by a device")


class Attempts(models.Model):
    """How many wrong dates of birth were tried in one way of one application."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="attempts", verbose_name=_("application"))
    way = models.CharField(_("way"), max_length=6, choices=Way)
    failures = models.PositiveSmallIntegerField(_("wrong dates of birth"), default=0)

    class Meta:
        verbose_name = _("wrong dates of birth")
        verbose_name_plural = _("wrong dates of birth")
        constraints = [
            models.UniqueConstraint(fields=["application", "way"], name="attempts_way"),
            models.CheckConstraint(condition=Q(way__in=Way.values), name="attempts_known_way"),
        ]

    def __str__(self) -> str:
        return f"{self.application}: {self.way}"
