"""Offices, officials, what they are appointed to, and requests for acts that need two people."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from voting.officials.roles import FOUR_EYES, Act, OfficeKind, Role


class Office(models.Model):
    """An authority or institution: it owns elections, confirms, or houses voters."""

    kind = models.CharField(_("kind"), max_length=12, choices=OfficeKind, help_text=_("What it may appoint people to."))
    code = models.SlugField(_("code"), unique=True, help_text=_("Short name, unique."))
    name = models.CharField(_("name"), max_length=100, help_text=_("As printed."))
    address = models.CharField(_("address"), max_length=200, blank=True, help_text=_("As printed."))
    contact = models.CharField(_("contact"), max_length=200, blank=True, help_text=_("Telephone, as told to voters."))
    above = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="below",
        verbose_name=_("superior office"),
        help_text=_("A municipal board's prefecture; the prefecture that designates a facility."),
    )

    class Meta:
        verbose_name = _("office")
        verbose_name_plural = _("offices")
        ordering = ["kind", "code"]

    def __str__(self) -> str:
        return self.name


class Designation(models.Model):
    """A period in which a facility, ship or unit counts as a place of absentee voting (令55②)."""

    office = models.ForeignKey(Office, models.PROTECT, related_name="designations", verbose_name=_("office"))
    starts = models.DateField(_("from"), help_text=_("First day."))
    ends = models.DateField(_("until"), null=True, blank=True, help_text=_("Last day; empty while it lasts."))

    class Meta:
        verbose_name = _("designation")
        verbose_name_plural = _("designations")
        ordering = ["office", "starts"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends__isnull=True) | Q(ends__gte=F("starts")), name="designation_not_backwards"
            )
        ]

    def __str__(self) -> str:
        return f"{self.office} {self.starts}"


class OfficialManager(BaseUserManager["Official"]):
    """Makes accounts; nobody is made more than an account here."""

    def create_user(self, username: str, name: str, password: str | None = None, **fields: Any) -> Official:
        """An account without any appointment. Raises ValidationError."""
        official = self.model(username=self.model.normalize_username(username), name=name, **fields)
        official.set_password(password)
        official.full_clean(exclude=["password"])
        official.save()
        return official


class Official(AbstractBaseUser):
    """Somebody with an account. What they may do is in their appointments, nowhere else."""

    username = models.CharField(
        _("user name"), max_length=150, unique=True, validators=[UnicodeUsernameValidator()], help_text=_("For login.")
    )
    name = models.CharField(_("name"), max_length=100, help_text=_("As printed and logged."))
    email = models.EmailField(_("e-mail"), blank=True, help_text=_("For reminders."))
    is_active = models.BooleanField(_("active"), default=True, help_text=_("Whether this account can log in."))
    joined = models.DateTimeField(_("since"), default=timezone.now, help_text=_("When the account was made."))
    home = models.ForeignKey(
        Office,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="accounts",
        verbose_name=_("home office"),
        help_text=_("The office that made the account; empty when it was made on the server."),
    )

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects = OfficialManager()

    class Meta:
        verbose_name = _("official")
        verbose_name_plural = _("officials")
        ordering = ["username"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_staff(self) -> bool:
        """Who is appointed to anything may enter the officials' site."""
        return self.is_active and self.appointments.filter(held_at(timezone.now())).exists()

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Django's own permissions give nothing here: see `voting.officials.roles`."""
        return False

    def has_perms(self, perms: Any, obj: object = None) -> bool:
        return False

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_staff


class Appointment(models.Model):
    """A role at an office, from one time to another."""

    official = models.ForeignKey(
        Official, models.PROTECT, related_name="appointments", verbose_name=_("official"), help_text=_("Who.")
    )
    office = models.ForeignKey(Office, models.PROTECT, related_name="appointments", verbose_name=_("office"))
    role = models.CharField(_("role"), max_length=20, choices=Role, help_text=_("What for."))
    since = models.DateTimeField(_("since"), default=timezone.now, help_text=_("First moment."))
    until = models.DateTimeField(
        _("until"), null=True, blank=True, help_text=_("First moment after it; empty without an end.")
    )

    class Meta:
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")
        ordering = ["office", "role", "official"]
        constraints = [
            models.UniqueConstraint(
                fields=["official", "office", "role"], condition=Q(until=None), name="appointment_once"
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="appointment_role"),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("since")), name="appointment_not_backwards"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.official}: {self.get_role_display()} ({self.office})"


def held_at(moment: datetime) -> Q:
    """Appointments that have begun by a moment and are not over."""
    return Q(since__lte=moment) & not_over(moment)


def not_over(moment: datetime) -> Q:
    """Appointments that last beyond a moment, also those that begin later."""
    return Q(until=None) | Q(until__gt=moment)


class Proposal(models.Model):
    """A request for an act that needs two people, and what became of it.

    It stays on the record: triggers of the database refuse to change what was asked for, to decide twice, and to
    delete (migration 0002).
    """

    class Decision(models.TextChoices):
        PENDING = "pending", _("waiting for a second person")
        APPROVED = "approved", _("approved")
        DECLINED = "declined", _("declined")
        TAKEN_BACK = "taken-back", _("taken back")

    act = models.CharField(
        _("act"),
        max_length=24,
        choices=[(act.value, act.label) for act in FOUR_EYES],
        help_text=_("What is asked for."),
    )
    office = models.ForeignKey(Office, models.PROTECT, related_name="proposals", verbose_name=_("office"))
    target = models.CharField(_("target"), max_length=100, help_text=_("What it is about: model and key."))
    summary = models.CharField(_("summary"), max_length=500, help_text=_("The act in one sentence."))
    reason = models.CharField(_("reason"), max_length=1000, blank=True, help_text=_("Why."))
    payload = models.JSONField(_("particulars"), default=dict, blank=True, help_text=_("What the act will be given."))
    requested_by = models.ForeignKey(
        Official, models.PROTECT, related_name="requested", verbose_name=_("requested by"), help_text=_("First person.")
    )
    requested_at = models.DateTimeField(_("requested"), default=timezone.now, help_text=_("When."))
    decision = models.CharField(_("decision"), max_length=10, choices=Decision, default=Decision.PENDING)
    decided_by = models.ForeignKey(
        Official,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="decided",
        verbose_name=_("decided by"),
        help_text=_("Second person."),
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True, help_text=_("When."))
    remark = models.CharField(_("remark"), max_length=1000, blank=True, help_text=_("What the second person says."))

    class Meta:
        verbose_name = _("two-person act")
        verbose_name_plural = _("two-person acts")
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(act__in=[act.value for act in FOUR_EYES]), name="proposal_act"),
            models.CheckConstraint(
                condition=Q(decision="pending", decided_by=None, decided_at=None)
                | Q(decision__in=["approved", "declined"], decided_by__isnull=False, decided_at__isnull=False)
                | Q(decision="taken-back", decided_by=F("requested_by"), decided_at__isnull=False),
                name="proposal_decided",
            ),
            models.CheckConstraint(
                condition=~Q(decision__in=["approved", "declined"], decided_by=F("requested_by")),
                name="proposal_two_people",
            ),
            models.UniqueConstraint(fields=["act", "target"], condition=Q(decision="pending"), name="proposal_once"),
        ]

    def __str__(self) -> str:
        return f"{Act(self.act).label}: {self.summary}"
