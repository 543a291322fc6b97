"""Decisions about names that voters wrote. Triggers of the database refuse every change (migration 0002)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from voting.elections.models import Contest
from voting.officials.models import Proposal

LONGEST_NAME = 100
"""characters"""


class Ground(models.TextChoices):
    """Why a written vote is invalid (公職選挙法68条1項).

    Two grounds of the law cannot occur online: another paper than the official one (1号), and a name not written by
    the voter (7号).
    """

    NO_CANDIDATE = "no-candidate", _("the name of nobody who is a candidate (art. 68 (1) ii)")
    NO_LIST = "no-list", _("a candidate of a party whose nomination is not valid (art. 68 (1) iii)")
    SEVERAL = "several", _("two or more names (art. 68 (1) iv)")
    NOT_ELIGIBLE = "not-eligible", _("a candidate who cannot be elected (art. 68 (1) v)")
    MORE = "more", _("something besides a name (art. 68 (1) vi)")
    UNCLEAR = "unclear", _("it cannot be told whose name it is (art. 68 (1) viii)")


class WriteInDecision(models.Model):
    """For whom a written text counts, or why it is invalid. The last decision about a text stands."""

    contest = models.ForeignKey(Contest, models.PROTECT, related_name="write_in_decisions", verbose_name=_("contest"))
    text = models.TextField(_("what was written"), help_text=_("As it is on the board."))
    name = models.CharField(
        _("counts for"), max_length=LONGEST_NAME, blank=True, help_text=_("The adopted name; empty if invalid.")
    )
    ground = models.CharField(
        _("invalid because"), max_length=12, choices=Ground, blank=True, help_text=_("Empty if it counts.")
    )
    proposal = models.ForeignKey(
        Proposal, models.PROTECT, related_name="write_in_decisions", verbose_name=_("two-person act")
    )
    decided_at = models.DateTimeField(_("decided"), default=timezone.now)

    class Meta:
        verbose_name = _("decision about a written name")
        verbose_name_plural = _("decisions about written names")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["proposal", "text"], name="write_in_once"),
            models.CheckConstraint(
                condition=Q(~Q(name=""), ground="") | Q(name="", ground__in=Ground.values), name="write_in_decided"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.text} → {self.name or self.get_ground_display()}"
