"""Absentee categories, what an election offers of them, and voters' applications with all that belongs to them."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from voting.applications.catalogue import Attest, Confirm, Status
from voting.applications.errors import RuleInvalid
from voting.applications.files import Scan
from voting.applications.grounds import GROUNDS
from voting.applications.rules import compile_condition, parse_moment
from voting.applications.states import LIVE, Event, State
from voting.elections.models import Election, Style
from voting.officials.models import Office, Official
from voting.roll.models import Elector, Roll

MOMENTS = ("apply_from", "paper_until", "online_until", "member_notice_until", "vote_from", "vote_until")
LANGUAGES = [("ja", _("Japanese")), ("ja-easy", _("easy Japanese")), ("en", _("English"))]


class Category(models.Model):
    """A reason of the law, or a proposed one, for voting away from the polling place. Data, not code.

    Moments such as "E-4T17:00" count from notice day N and election day E; the condition is in the language of
    `voting.applications.rules`. The catalogue that ships is `categories.toml`.
    """

    code = models.CharField(_("code"), max_length=40, unique=True)
    name_ja = models.CharField(_("name"), max_length=40)
    name_easy = models.CharField(_("name in easy Japanese"), max_length=100)
    name_en = models.CharField(_("name in English"), max_length=100)
    who_ja = models.TextField(_("who"), help_text=_("Who may use it, in plain words."))
    who_easy = models.TextField(_("who, in easy Japanese"))
    who_en = models.TextField(_("who, in English"))
    law = models.CharField(_("legal basis"), max_length=200, blank=True)
    status = models.CharField(_("legal status"), max_length=8, choices=Status, default=Status.PROPOSAL)
    dormant_since = models.DateField(_("dormant since"), null=True, blank=True)
    evidence = models.JSONField(_("evidence"), help_text=_("Alternatives, each a list of kinds needed together."))
    condition = models.CharField(_("condition"), max_length=500)
    apply_from = models.CharField(_("requests from"), max_length=12)
    paper_until = models.CharField(
        _("deadline on paper"), max_length=12, blank=True, help_text=_("Empty where paper knows no such vote.")
    )
    online_until = models.CharField(_("deadline online"), max_length=12)
    member_notice_until = models.CharField(_("members tell their head until"), max_length=12, blank=True)
    vote_from = models.CharField(_("voting from"), max_length=12)
    vote_until = models.CharField(_("voting until"), max_length=12)
    attest = models.CharField(_("attested by"), max_length=16, choices=Attest, default=Attest.NONE)
    witness = models.BooleanField(_("witness needed"), default=False)
    confirm = models.CharField(_("confirmed by"), max_length=8, choices=Confirm, default=Confirm.NONE)
    issuer = models.CharField(_("evidence issued by"), max_length=100, blank=True)
    elections = models.JSONField(_("only in"), default=list, blank=True, help_text=_("Election kinds; empty for all."))
    roll = models.CharField(_("roll"), max_length=8, choices=Roll, default=Roll.RESIDENT)

    class Meta:
        verbose_name = _("absentee category")
        verbose_name_plural = _("absentee categories")
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name(get_language() or "ja")

    def name(self, language: str) -> str:
        """The name in "ja", "ja-easy" or "en"."""
        return {"ja-easy": self.name_easy, "en": self.name_en}.get(language, self.name_ja)

    def who(self, language: str) -> str:
        """Who may use it, in "ja", "ja-easy" or "en"."""
        return {"ja-easy": self.who_easy, "en": self.who_en}.get(language, self.who_ja)

    def clean(self) -> None:
        """Every moment and the condition are in the language of the rules. Raises ValidationError."""
        faults = {}
        for name in MOMENTS:
            try:
                text = getattr(self, name)
                text and parse_moment(text)
            except RuleInvalid as error:
                faults[name] = str(error)
        try:
            compile_condition(self.condition)
        except RuleInvalid as error:
            faults["condition"] = str(error)
        if faults:
            raise ValidationError(faults)


class Offer(models.Model):
    """A category that an election offers, with this election's online deadline."""

    election = models.ForeignKey(Election, models.PROTECT, related_name="offers", verbose_name=_("election"))
    category = models.ForeignKey(Category, models.PROTECT, related_name="offers", verbose_name=_("category"))
    enabled = models.BooleanField(_("offered"), default=True)
    apply_from = models.CharField(_("requests from"), max_length=12, help_text=_("Such as N-30."))
    online_until = models.CharField(_("deadline online"), max_length=12, help_text=_("Such as E-1T12:00."))

    class Meta:
        verbose_name = _("offered category")
        verbose_name_plural = _("offered categories")
        ordering = ["category"]
        constraints = [models.UniqueConstraint(fields=["election", "category"], name="offer_once")]

    def __str__(self) -> str:
        return str(self.category)


class Application(models.Model):
    """A voter's request for a ballot (請求書兼宣誓書)."""

    class Way(models.TextChoices):
        SELF = "self", _("by the voter")
        ATTESTOR = "attestor", _("through the head of a facility, ship or unit")
        COUNTER = "counter", _("at the counter or by telephone")

    election = models.ForeignKey(Election, models.PROTECT, related_name="applications", verbose_name=_("election"))
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="applications", verbose_name=_("category"))
    reference = models.CharField(_("reference"), max_length=20, unique=True, help_text=_("As told to the voter."))
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.REQUESTED)
    way = models.CharField(_("how it came"), max_length=8, choices=Way, default=Way.SELF)
    received_at = models.DateTimeField(_("received"), default=timezone.now, help_text=_("To the second."))
    elector = models.ForeignKey(
        Elector, models.PROTECT, null=True, blank=True, related_name="applications", verbose_name=_("roll row")
    )
    name = models.CharField(_("full name"), max_length=100)
    kana = models.CharField(_("reading"), max_length=100, blank=True)
    sex = models.CharField(_("sex"), max_length=1, blank=True, choices=[("M", _("male")), ("F", _("female"))])
    birth = models.DateField(_("date of birth"))
    postcode = models.CharField(_("postcode"), max_length=7, blank=True)
    address = models.CharField(_("address"), max_length=200, help_text=_("As registered."))
    staying_at = models.CharField(_("staying at"), max_length=200, blank=True, help_text=_("Where letters reach them."))
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("telephone"), max_length=20, blank=True)
    language = models.CharField(_("language"), max_length=7, choices=LANGUAGES, default="ja")
    claims = models.JSONField(_("what is stated"), default=dict, help_text=_("Kind of evidence → its particulars."))
    sworn = models.BooleanField(_("sworn"), help_text=_("The voter declared that the request is true."))
    office = models.ForeignKey(
        Office,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("place"),
        help_text=_("Facility, ship, unit or health centre concerned."),
    )
    style = models.ForeignKey(
        Style, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("ballot style")
    )

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        ordering = ["received_at", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="application_state"),
            models.UniqueConstraint(
                fields=["elector"],
                condition=Q(state__in=[state.value for state in LIVE]),
                name="application_one_live",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["issued", "cast", "accepted", "refused", "stripped", "tallied"])
                | Q(elector__isnull=False, style__isnull=False),
                name="application_issued_to_somebody",
            ),
        ]
        indexes = [models.Index(fields=["election", "state", "received_at"], name="application_queue")]

    def __str__(self) -> str:
        return self.reference


class StateChange(models.Model):
    """One step of an application; append-only."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="changes", verbose_name=_("application"))
    event = models.CharField(_("event"), max_length=10, choices=Event)
    before = models.CharField(_("from"), max_length=12, choices=State)
    after = models.CharField(_("to"), max_length=12, choices=State)
    at = models.DateTimeField(_("time"), default=timezone.now)
    official = models.ForeignKey(
        Official, models.PROTECT, null=True, related_name="+", verbose_name=_("official"), help_text=_("Empty: voter.")
    )
    office = models.CharField(_("office"), max_length=100, blank=True)
    ground = models.CharField(_("legal ground"), max_length=32, blank=True, choices=list(GROUNDS.items()))
    reason = models.CharField(_("reason"), max_length=1000, blank=True, help_text=_("As told to the voter."))

    class Meta:
        verbose_name = _("step of an application")
        verbose_name_plural = _("steps of applications")
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.application}: {self.get_event_display()}"


class Evidence(models.Model):
    """A file that supports an application, encrypted under a key of its own.

    Deleting takes `key_sealed` and the ciphertext away; backups of the database keep both until they expire.
    """

    application = models.ForeignKey(Application, models.PROTECT, related_name="files", verbose_name=_("application"))
    identifier = models.UUIDField(_("identifier"), unique=True)
    kind = models.CharField(_("kind of evidence"), max_length=32)
    media_type = models.CharField(_("media type"), max_length=20)
    size = models.PositiveIntegerField(_("size"), help_text=_("Bytes."))
    scan = models.CharField(_("virus scan"), max_length=12, choices=Scan)
    key_sealed = models.BinaryField(_("sealed key"), max_length=200, null=True)
    ciphertext = models.BinaryField(_("encrypted file"), null=True)
    uploaded_at = models.DateTimeField(_("uploaded"), default=timezone.now)
    delete_after = models.DateField(_("kept until"), help_text=_("Last day."))
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)

    class Meta:
        verbose_name = _("evidence file")
        verbose_name_plural = _("evidence files")
        ordering = ["uploaded_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True, key_sealed__isnull=False, ciphertext__isnull=False)
                | Q(deleted_at__isnull=False, key_sealed__isnull=True, ciphertext__isnull=True),
                name="evidence_deleted_whole",
            )
        ]

    def __str__(self) -> str:
        return f"{self.application}: {self.kind}"


class Confirmation(models.Model):
    """What a health centre says about a period of isolation: yes with the period, or no. No diagnosis.

    The period is forgotten with the evidence.
    """

    application = models.OneToOneField(
        Application, models.PROTECT, related_name="confirmation", verbose_name=_("application")
    )
    official = models.ForeignKey(Official, models.PROTECT, related_name="+", verbose_name=_("official"))
    office = models.ForeignKey(Office, models.PROTECT, related_name="+", verbose_name=_("office"))
    confirmed = models.BooleanField(_("confirmed"))
    starts = models.DateField(_("from"), null=True, blank=True)
    ends = models.DateField(_("until"), null=True, blank=True)
    at = models.DateTimeField(_("time"), default=timezone.now)

    class Meta:
        verbose_name = _("confirmation")
        verbose_name_plural = _("confirmations")
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed=True, starts__isnull=False, ends__gte=F("starts")) | Q(starts=None, ends=None),
                name="confirmation_period",
            )
        ]

    def __str__(self) -> str:
        return f"{self.application}: {self.confirmed}"


class Notice(models.Model):
    """A message to a voter: written with the step that it tells of, sent after it, tried again until it is sent."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="notices", verbose_name=_("application"))
    language = models.CharField(_("language"), max_length=7, choices=LANGUAGES)
    subject = models.CharField(_("subject"), max_length=200)
    body = models.TextField(_("text"))
    created_at = models.DateTimeField(_("written"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return f"{self.application}: {self.subject}"
