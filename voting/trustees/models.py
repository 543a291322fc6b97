"""Which trustees have proved that their share works. The proof is not kept: who doubts asks for another one."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from verifier.record.manifest import MOST_TRUSTEES
from voting.elections.models import Election


class Rehearsal(models.Model):
    """A proof that held when it was handed in."""

    election = models.ForeignKey(Election, models.PROTECT, related_name="rehearsals", verbose_name=_("election"))
    trustee = models.PositiveSmallIntegerField(_("trustee"), help_text=_("Place in the manifest, counted from 1."))
    size = models.PositiveBigIntegerField(
        _("size"), help_text=_("How many entries the board had that the trustee's program had checked.")
    )
    digest = models.BinaryField(
        _("digest"), max_length=32, help_text=_("Of trustee and proof, which counts once however it is written.")
    )
    created = models.DateTimeField(_("time"), help_text=_("When it was handed in, in whole minutes."))

    class Meta:
        verbose_name = _("rehearsal")
        verbose_name_plural = _("rehearsals")
        ordering = ["created", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["election", "digest"], name="rehearsal_once"),
            models.CheckConstraint(condition=Q(trustee__range=(1, MOST_TRUSTEES)), name="rehearsal_trustee"),
            models.CheckConstraint(condition=Exact(Length("digest"), 32), name="rehearsal_digest"),
        ]

    def __str__(self) -> str:
        return f"trustee {self.trustee}, {self.created:%Y-%m-%d %H:%MZ}"
