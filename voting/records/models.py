"""Sealed records: what was printed, and the hash that shows that it was not changed since."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from voting.elections.models import Election
from voting.officials.models import Proposal


class Document(models.TextChoices):
    """The records that the law knows (domain document, section 5)."""

    REGISTER = "jimushori-bo", "不在者投票事務処理簿"
    ABSENTEE_REPORT = "fuzaisha-chosho", "不在者投票に関する調書"
    PAPERS_REPORT = "yoshi-chosho", "不在者投票用紙等の調書"
    DISPATCH = "sochi-sho", "送致書"
    POLL_RECORD = "tohyo-roku", "投票録"
    MARKED_ROLL = "meibo-shohon", "選挙人名簿抄本"
    COUNT_RECORD = "kaihyo-roku", "開票録"
    ELECTION_RECORD = "senkyo-roku", "選挙録"


class Part(models.TextChoices):
    """What is sealed together: absentee voting when it is accepted, the count when its result is published."""

    VOTING = "voting", _("absentee voting")
    COUNT = "count", _("count and result")

    @property
    def documents(self) -> list[Document]:
        """The documents of this part."""
        counting = (Document.COUNT_RECORD, Document.ELECTION_RECORD)
        return [document for document in Document if (document in counting) is (self is Part.COUNT)]


class Download(models.Model):
    """That an approved export was fetched, which uses its approval up."""

    proposal = models.OneToOneField(Proposal, models.PROTECT, related_name="download", verbose_name=_("two-person act"))
    at = models.DateTimeField(_("time"), default=timezone.now)

    class Meta:
        verbose_name = _("download of personal data")
        verbose_name_plural = _("downloads of personal data")

    def __str__(self) -> str:
        return f"{self.proposal}"


class Seal(models.Model):
    """A part of the records of an election as two officials sealed them.

    `digests` has besides the documents the key "parts": document → caption of each table → [rows, SHA-256 of them].
    """

    election = models.ForeignKey(Election, models.PROTECT, related_name="seals", verbose_name=_("election"))
    part = models.CharField(
        _("part of the records"),
        max_length=6,
        choices=Part,
        default=Part.VOTING,
        help_text=_("What is sealed together."),
    )
    proposal = models.OneToOneField(Proposal, models.PROTECT, related_name="+", verbose_name=_("two-person act"))
    digests = models.JSONField(_("digests"), help_text=_("Document → SHA-256 of its CSV."))
    sealed_at = models.DateTimeField(_("sealed"), default=timezone.now)

    class Meta:
        verbose_name = _("seal of the records")
        verbose_name_plural = _("seals of the records")
        constraints = [models.UniqueConstraint(fields=["election", "part"], name="seal_once")]

    def __str__(self) -> str:
        return f"{self.election}"
