"""The electoral roll of an election (選挙人名簿), how it came in, and the commitment to it.

Only this app and those above it know names and addresses; the board knows slots.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from voting.elections.models import District, Election
from voting.eras import PartialDate
from voting.officials.models import Official, Proposal


class Roll(models.TextChoices):
    """Which roll of the law somebody is on."""

    RESIDENT = "resident", _("electoral roll")
    OVERSEAS = "overseas", _("overseas electoral roll")


class Mark(models.TextChoices):
    """What the roll says about somebody's franchise (表示)."""

    NONE = "", _("none")
    MOVED = "moved", _("moved away")
    SUSPENDED = "suspended", _("franchise suspended")
    LOST = "lost", _("franchise lost")
    DEAD = "dead", _("dead")
    STRUCK = "struck", _("struck off")


class Vote(models.TextChoices):
    """What the roll says about somebody's vote in this election."""

    NONE = "none", _("not voted")
    ISSUED = "issued", _("online ballot issued")
    CAST = "cast", _("online ballot cast")
    ACCEPTED = "accepted", _("online ballot accepted")
    PAPER = "paper", _("voted on paper")
    PAPER_WINS = "paper-wins", _("voted on paper after casting online")


class PaperWay(models.TextChoices):
    """Where somebody voted on paper."""

    EARLY = "early", _("early voting")
    ABSENTEE = "absentee", _("absentee voting on paper")
    STATION = "station", _("polling station")


class RollRecord(models.Model):
    """What a roll file says about one person. Names and addresses are kept exactly as they came."""

    number = models.CharField(_("addressee number"), max_length=30, help_text=_("宛名番号, unique on its roll."))
    roll = models.CharField(_("roll"), max_length=8, choices=Roll, default=Roll.RESIDENT)
    list_number = models.CharField(_("roll number"), max_length=30, help_text=_("District, book, page and line."))
    name = models.CharField(_("full name"), max_length=100)
    kana = models.CharField(_("reading"), max_length=100)
    other_name = models.CharField(_("former or common name"), max_length=100, blank=True)
    sex = models.CharField(_("sex"), max_length=1, blank=True, choices=[("M", _("male")), ("F", _("female"))])
    birth_year = models.PositiveSmallIntegerField(_("year of birth"))
    birth_month = models.PositiveSmallIntegerField(_("month of birth"), null=True, blank=True)
    birth_day = models.PositiveSmallIntegerField(_("day of birth"), null=True, blank=True)
    postcode = models.CharField(_("postcode"), max_length=7, blank=True)
    address = models.CharField(_("address"), max_length=200)
    building = models.CharField(_("building"), max_length=200, blank=True)
    district = models.ForeignKey(District, models.PROTECT, related_name="+", verbose_name=_("voting district"))
    registered_on = models.DateField(_("registered"), null=True, blank=True)
    mark = models.CharField(_("mark"), max_length=9, blank=True, choices=Mark, default=Mark.NONE)
    marked_on = models.DateField(_("marked"), null=True, blank=True)
    kept_in_prefecture = models.BooleanField(_("moved within the prefecture"), default=False)
    national = models.BooleanField(_("national franchise"), default=True)
    prefectural = models.BooleanField(_("prefectural franchise"), default=True)
    municipal = models.BooleanField(_("municipal franchise"), default=True)
    braille = models.BooleanField(_("wishes braille"), default=False)
    proxy = models.BooleanField(_("wishes help with writing"), default=False)
    folded_name = models.CharField(
        _("name for comparison"), max_length=200, help_text=_("Variants of characters joined; never shown.")
    )
    folded_kana = models.CharField(_("reading for comparison"), max_length=200)
    person = models.BinaryField(
        _("person key"), max_length=16, help_text=_("Hash of name, birth and sex as compared: equal for a same person.")
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name} ({self.list_number})"

    @property
    def birth(self) -> PartialDate:
        """The date of birth as far as it is known."""
        return PartialDate(self.birth_year, self.birth_month, self.birth_day)


class Elector(RollRecord):
    """One row of the roll of an election."""

    election = models.ForeignKey(Election, models.PROTECT, related_name="electors", verbose_name=_("election"))
    vote = models.CharField(_("vote"), max_length=10, choices=Vote, default=Vote.NONE)
    vote_at = models.DateTimeField(_("since"), null=True, blank=True)
    paper_way = models.CharField(_("on paper"), max_length=8, blank=True, choices=PaperWay)

    class Meta:
        verbose_name = _("elector")
        verbose_name_plural = _("roll")
        ordering = ["list_number"]
        constraints = [
            models.UniqueConstraint(fields=["election", "roll", "number"], name="elector_number"),
            models.CheckConstraint(condition=Q(vote__in=Vote.values), name="elector_vote"),
            models.CheckConstraint(condition=Q(mark__in=Mark.values), name="elector_mark"),
            models.CheckConstraint(
                condition=Q(vote__in=["paper", "paper-wins"]) ^ Q(paper_way=""), name="elector_paper_way"
            ),
        ]
        indexes = [
            models.Index(fields=["election", "folded_name"], name="elector_name"),
            models.Index(fields=["election", "folded_kana"], name="elector_kana"),
            models.Index(fields=["election", "person"], name="elector_person"),
            models.Index(fields=["election", "list_number"], name="elector_list_number"),
            models.Index(fields=["district", "vote"], name="elector_district_vote"),
        ]


class RollImport(models.Model):
    """One roll file on its way to the roll: uploaded, checked, shown, approved by a second official, taken over."""

    class Kind(models.TextChoices):
        FULL = "full", _("whole roll")
        DELTA = "delta", _("changes only")

    class State(models.TextChoices):
        CHECKING = "checking", _("being checked")
        FAULTY = "faulty", _("has faults")
        CHECKED = "checked", _("checked")
        TAKEN_OVER = "taken-over", _("taken over")
        DISCARDED = "discarded", _("discarded")

    election = models.ForeignKey(Election, models.PROTECT, related_name="roll_imports", verbose_name=_("election"))
    kind = models.CharField(_("kind"), max_length=5, choices=Kind, default=Kind.FULL)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.CHECKING)
    file_name = models.CharField(_("file name"), max_length=200)
    digest = models.BinaryField(_("digest"), max_length=32, help_text=_("SHA-256 of the file."))
    encoding = models.CharField(_("encoding"), max_length=10, blank=True)
    rows_read = models.PositiveIntegerField(_("rows read"), default=0, help_text=_("How far the check has come."))
    rows_total = models.PositiveIntegerField(_("rows"), null=True, blank=True)
    fault_count = models.PositiveIntegerField(_("faults"), default=0)
    preview = models.JSONField(_("preview"), default=dict, blank=True, help_text=_("Counts shown before approval."))
    uploaded_by = models.ForeignKey(Official, models.PROTECT, related_name="+", verbose_name=_("uploaded by"))
    uploaded_at = models.DateTimeField(_("uploaded"), auto_now_add=True)
    taken_over_at = models.DateTimeField(_("taken over"), null=True, blank=True)

    class Meta:
        verbose_name = _("roll file")
        verbose_name_plural = _("roll files")
        ordering = ["-uploaded_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["election"], condition=Q(state__in=["checking", "checked"]), name="roll_import_one_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.get_state_display()})"


class RollFault(models.Model):
    """One thing that is wrong with a roll file; the first thousand are kept, all are counted."""

    roll_import = models.ForeignKey(RollImport, models.CASCADE, related_name="faults", verbose_name=_("roll file"))
    line = models.PositiveIntegerField(_("line"), help_text=_("As a spreadsheet counts; the header is line 1."))
    column = models.CharField(_("column"), max_length=50, blank=True)
    code = models.CharField(_("code"), max_length=40)
    message = models.CharField(_("message"), max_length=300)
    excerpt = models.CharField(_("value"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("fault in a roll file")
        verbose_name_plural = _("faults in roll files")
        ordering = ["line", "id"]

    def __str__(self) -> str:
        return f"{self.line}, {self.column}: {self.message}"


class StagedElector(RollRecord):
    """A checked row of a roll file that waits for approval."""

    roll_import = models.ForeignKey(RollImport, models.CASCADE, related_name="staged", verbose_name=_("roll file"))
    line = models.PositiveIntegerField(_("line"))

    class Meta:
        verbose_name = _("row of a roll file")
        verbose_name_plural = _("rows of roll files")
        constraints = [models.UniqueConstraint(fields=["roll_import", "line"], name="staged_line")]
        indexes = [
            models.Index(fields=["roll_import", "roll", "number"], name="staged_number"),
            models.Index(fields=["roll_import", "person"], name="staged_person"),
        ]


class Distinction(models.Model):
    """Two rows of the same name, birth and sex that two officials declared to be two people."""

    first = models.ForeignKey(Elector, models.PROTECT, related_name="+", verbose_name=_("elector"))
    second = models.ForeignKey(Elector, models.PROTECT, related_name="+", verbose_name=_("elector"))
    proposal = models.OneToOneField(Proposal, models.PROTECT, related_name="+", verbose_name=_("two-person act"))

    class Meta:
        verbose_name = _("distinction of two electors")
        verbose_name_plural = _("distinctions of electors")
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="distinction_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="distinction_ordered"),
        ]

    def __str__(self) -> str:
        return f"{self.first_id} ≠ {self.second_id}"


class RollLeaf(models.Model):
    """One row of the committed roll with its salt: who has both can open the leaf (protocol, section 4)."""

    election = models.ForeignKey(Election, models.PROTECT, related_name="roll_leaves", verbose_name=_("election"))
    elector = models.OneToOneField(Elector, models.PROTECT, related_name="leaf", verbose_name=_("elector"))
    index = models.PositiveBigIntegerField(_("index"), help_text=_("Row of the committed roll, counted from 0."))
    salt = models.BinaryField(_("salt"), max_length=32)
    row = models.TextField(_("row"), help_text=_("The row as it was committed to; later changes do not touch it."))
    leaf = models.BinaryField(_("leaf hash"), max_length=32)

    class Meta:
        verbose_name = _("leaf of the roll commitment")
        verbose_name_plural = _("leaves of the roll commitment")
        ordering = ["index"]
        constraints = [
            models.UniqueConstraint(fields=["election", "index"], name="roll_leaf_index"),
            models.CheckConstraint(condition=Exact(Length("salt"), 32), name="roll_leaf_salt"),
            models.CheckConstraint(condition=Exact(Length("leaf"), 32), name="roll_leaf_hash"),
        ]

    def __str__(self) -> str:
        return f"{self.index}"
