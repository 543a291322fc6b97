"""What is kept of a result besides the board: what our own verifier said of the archive."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from verifier.checks import authenticity
from voting.elections.models import Election


class Verification(models.Model):
    """The verifier's report about one archive. It proves nothing to anybody else: observers run their own."""

    election = models.ForeignKey(
        Election, models.PROTECT, related_name="verifications", verbose_name=_("election"), help_text=_("Verified.")
    )
    tag = models.CharField(_("archive"), max_length=120, help_text=_("Size, root and cosignatures of its checkpoint."))
    size = models.PositiveBigIntegerField(_("size"), help_text=_("How many entries the archive has."))
    root = models.CharField(_("root"), max_length=64, help_text=_("The root of its checkpoint, in hex."))
    program = models.CharField(_("program"), max_length=64, help_text=_("SHA-256 of the verifier's files, in hex."))
    report = models.JSONField(_("report"), help_text=_("As `python -m verifier verify --json` writes it."))
    text = models.TextField(_("text"), help_text=_("As `python -m verifier verify` prints it."))
    made_at = models.DateTimeField(_("time"), default=timezone.now)

    class Meta:
        verbose_name = _("verification")
        verbose_name_plural = _("verifications")
        ordering = ["size", "made_at"]
        constraints = [models.UniqueConstraint(fields=["election", "tag", "program"], name="verification_once")]

    def __str__(self) -> str:
        return f"{self.election}: {self.report['verdict']}"

    @property
    def valid(self) -> bool:
        """Whether every check ran and passed."""
        return bool(self.report["verdict"] == "valid")

    @property
    def only_unwitnessed(self) -> bool:
        """Whether all that is missing are signatures of witnesses, who come after the board has signed."""
        failed = {check["check"] for check in self.report["checks"] if check["status"] != "PASS"}
        return failed == {authenticity.head_witnessed.name}
