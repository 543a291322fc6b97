"""How an approved voter gets to the board: letters with one-time codes, and the key of a device bound to a slot."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from voting.applications.models import Application
from voting.elections.models import Slot
from voting.officials.models import Official, Proposal


class Letter(models.Model):
    """A printed one-time code, good until it brings a device to the board. The code itself is stored nowhere."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="letters", verbose_name=_("application"))
    code_digest = models.BinaryField(_("digest of the code"), max_length=32, unique=True)
    issued_by = models.ForeignKey(Official, models.PROTECT, related_name="+", verbose_name=_("issued by"))
    issued_at = models.DateTimeField(_("issued"), default=timezone.now)
    used_at = models.DateTimeField(_("used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    failures = models.PositiveSmallIntegerField(_("wrong dates of birth"), default=0)

    class Meta:
        verbose_name = _("letter with a code")
        verbose_name_plural = _("letters with codes")
        ordering = ["issued_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["application"], condition=Q(revoked_at=None), name="letter_one_valid"),
        ]

    def __str__(self) -> str:
        return f"{self.application}: {self.issued_at:%Y-%m-%d}"


class Binding(models.Model):
    """Which application has which slot. It is deleted when the tally is frozen.

    The pseudonym is drawn before the device signs, so that an interrupted registration is taken up where it was.
    """

    application = models.OneToOneField(
        Application, models.PROTECT, related_name="binding", verbose_name=_("application")
    )
    pseudonym = models.CharField(_("pseudonym"), max_length=63, unique=True)
    credential = models.BinaryField(_("device key"), max_length=32, help_text=_("Ed25519 public key, 32 bytes."))
    slot = models.OneToOneField(
        Slot,
        models.PROTECT,
        null=True,
        related_name="binding",
        verbose_name=_("voter slot"),
        help_text=_("Empty until it is on the board."),
    )

    class Meta:
        verbose_name = _("voter's slot")
        verbose_name_plural = _("voters' slots")

    def __str__(self) -> str:
        return f"{self.application}"


class Replacement(models.Model):
    """A new device key for a slot whose phone was lost, on its way: approved, signed by the device, on the board."""

    application = models.ForeignKey(
        Application, models.PROTECT, related_name="replacements", verbose_name=_("application")
    )
    proposal = models.OneToOneField(Proposal, models.PROTECT, related_name="+", verbose_name=_("two-person act"))
    body = models.JSONField(_("entry"), null=True, blank=True, help_text=_("What the device signed."))
    signatures = models.JSONField(_("signatures"), default=list, blank=True)
    done_at = models.DateTimeField(_("on the board"), null=True, blank=True)

    class Meta:
        verbose_name = _("replacement of a device key")
        verbose_name_plural = _("replacements of device keys")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["application"], condition=Q(done_at=None), name="replacement_one_open")
        ]

    def __str__(self) -> str:
        return f"{self.application}"
