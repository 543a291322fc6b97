"""The definition of an election, as tables. `services.build_manifest` makes the manifest from it.

From the moment that the manifest is on the board, triggers of the database refuse every change (migration 0002).
"""

from __future__ import annotations

from datetime import time

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from verifier.record.manifest import ACTS, FORM_KINDS, MAX_OPTIONS, MODULUS_BITS, MOST_SEATS, ONE_SEAT, Form, Kind
from voting.elections.validators import (
    validate_acts,
    validate_identifier,
    validate_minute,
    validate_origin,
    validate_text,
)
from voting.officials.models import Office

KEY_BYTES = 32
POSITION_HELP = _("Place in the list, counted from 1.")
IDENTIFIER_HELP = _("Short name in the record: a–z, 0–9 and hyphens.")


def two_officials() -> dict[str, int]:
    """Every act needs two signatures unless the election says more."""
    return dict.fromkeys(ACTS, 2)


def _within(field: str, least: int, most: int, name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(**{f"{field}__range": (least, most)}), name=name)


def _bytes_long(field: str, size: int, name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Exact(Length(field), size), name=name)


class ElectionKind(models.TextChoices):
    """What is decided; some categories and calendars depend on it."""

    SHUGIIN_GENERAL = "SHUGIIN_GENERAL", _("general election of the House of Representatives")
    SANGIIN_REGULAR = "SANGIIN_REGULAR", _("regular election of the House of Councillors")
    KOKUMIN_SHINSA = "KOKUMIN_SHINSA", _("review of Supreme Court judges")
    NATIONAL_BYELECTION = "NATIONAL_BYELECTION", _("national by-election")
    GOVERNOR = "GOVERNOR", _("governor")
    PREFECTURE_COUNCIL = "PREFECTURE_COUNCIL", _("prefectural council")
    DESIGNATED_CITY_MAYOR = "DESIGNATED_CITY_MAYOR", _("mayor of a designated city")
    DESIGNATED_CITY_COUNCIL = "DESIGNATED_CITY_COUNCIL", _("council of a designated city")
    CITY = "CITY", _("mayor or council of a city or ward")
    TOWN = "TOWN", _("mayor or council of a town or village")
    REFERENDUM = "REFERENDUM", _("local referendum")
    ASSOCIATION = "ASSOCIATION", _("association, school or trial")


class Election(models.Model):
    """One election with one bulletin board."""

    office = models.ForeignKey(
        Office,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="elections",
        verbose_name=_("election board"),
        help_text=_("The office that holds it and keeps its roll."),
    )
    kind = models.CharField(
        _("kind"),
        max_length=24,
        choices=ElectionKind,
        default=ElectionKind.ASSOCIATION,
        help_text=_("What is decided; it limits categories and the calendar."),
    )
    notice_day = models.DateField(
        _("notice day"), null=True, blank=True, help_text=_("N: the day on which the election is announced.")
    )
    election_day = models.DateField(_("election day"), null=True, blank=True, help_text=_("E: the day of the poll."))
    slug = models.SlugField(_("slug"), unique=True, help_text=_("Name in addresses and commands."))
    title = models.CharField(_("title"), max_length=200, validators=[validate_text], help_text=_("As on the ballot."))
    legal_basis = models.CharField(
        _("legal basis"),
        max_length=500,
        blank=True,
        validators=[validate_text],
        help_text=_("The statute or ordinance under which the vote is held."),
    )
    opens = models.DateTimeField(
        _("polls open"), validators=[validate_minute], help_text=_("First minute in which a ballot is accepted.")
    )
    closes = models.DateTimeField(
        _("polls close"), validators=[validate_minute], help_text=_("First minute in which no ballot is accepted.")
    )
    modulus_bits = models.PositiveSmallIntegerField(
        _("key length"), default=MODULUS_BITS[0], help_text=_("Bits of the election key's modulus.")
    )
    threshold = models.PositiveSmallIntegerField(
        _("threshold"), default=3, help_text=_("How many trustees together can open the tally.")
    )
    minimum_group = models.PositiveIntegerField(
        _("minimum group"), default=10, help_text=_("Fewest ballots of a counting unit that are published apart.")
    )
    revote = models.BooleanField(
        _("revoting"),
        default=True,
        help_text=_("Whether a later ballot of the same voter takes the earlier one's place."),
    )
    generators = models.CharField(
        _("generator seed"),
        max_length=200,
        validators=[validate_text],
        help_text=_("Public text from which the commitment generators are derived."),
    )
    origin = models.CharField(
        _("board name"),
        max_length=200,
        validators=[validate_origin],
        help_text=_("First line of every checkpoint, without spaces and plus signs."),
    )
    board_key = models.BinaryField(
        _("board key"), max_length=KEY_BYTES, help_text=_("Ed25519 public key that signs checkpoints, 32 bytes.")
    )
    witness_threshold = models.PositiveSmallIntegerField(
        _("witness threshold"), default=0, help_text=_("How many witnesses must cosign the last checkpoint.")
    )
    acts = models.JSONField(
        _("signatures for acts"),
        default=two_officials,
        validators=[validate_acts],
        help_text=_("How many officials sign each act, never fewer than two."),
    )
    served = models.JSONField(
        _("files served"),
        default=list,
        editable=False,
        help_text=_("Path and hash of each file that voters' browsers get; taken when the definition is agreed on."),
    )
    manifest_hash = models.BinaryField(
        _("election id"),
        max_length=32,
        null=True,
        editable=False,
        help_text=_("Hash of the manifest; set when it is on the board, and nothing changes from then on."),
    )

    class Meta:
        verbose_name = _("election")
        verbose_name_plural = _("elections")
        constraints = [
            models.CheckConstraint(condition=Q(closes__gt=F("opens")), name="election_closes_after_opening"),
            models.CheckConstraint(
                condition=Q(notice_day=None) | Q(election_day=None) | Q(notice_day__lt=F("election_day")),
                name="election_notice_before_election",
            ),
            _within("modulus_bits", 256, 4096, "election_modulus_bits"),
            _within("threshold", 1, 20, "election_threshold"),
            _within("minimum_group", 0, 1_000_000, "election_minimum_group"),
            _within("witness_threshold", 0, 100, "election_witness_threshold"),
            _bytes_long("board_key", KEY_BYTES, "election_board_key"),
            models.CheckConstraint(
                condition=Q(manifest_hash__isnull=True) | Q(Exact(Length("manifest_hash"), 32)),
                name="election_manifest_hash",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        """Notice day and election day are in order, in years that moments can count from. Raises ValidationError."""
        faults = {
            name: _("The year is out of range.")
            for name in ("notice_day", "election_day")
            if (day := getattr(self, name)) is not None and not 1900 <= day.year < 2200
        }
        if not faults and self.notice_day and self.election_day and self.notice_day >= self.election_day:
            faults["election_day"] = _("Election day comes after notice day.")
        if faults:
            raise ValidationError(faults)


class Unit(models.Model):
    """A counting unit: the smallest area whose result may be published apart."""

    election = models.ForeignKey(Election, models.CASCADE, related_name="units", verbose_name=_("election"))
    position = models.PositiveSmallIntegerField(_("position"), help_text=POSITION_HELP)
    identifier = models.CharField(
        _("identifier"), max_length=63, validators=[validate_identifier], help_text=IDENTIFIER_HELP
    )
    name = models.CharField(_("name"), max_length=100, validators=[validate_text], help_text=_("As published."))

    class Meta:
        verbose_name = _("counting unit")
        verbose_name_plural = _("counting units")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["election", "position"], name="unit_position"),
            models.UniqueConstraint(fields=["election", "identifier"], name="unit_identifier"),
            _within("position", 1, 10_000, "unit_position_range"),
        ]

    def __str__(self) -> str:
        return self.name


class District(models.Model):
    """A voting district (投票区): where somebody votes on paper. It is in no published record: too few vote online."""

    election = models.ForeignKey(Election, models.CASCADE, related_name="districts", verbose_name=_("election"))
    code = models.CharField(_("code"), max_length=20, help_text=_("As in the roll file."))
    name = models.CharField(_("name"), max_length=100, validators=[validate_text], help_text=_("As printed."))
    unit = models.ForeignKey(
        Unit,
        models.PROTECT,
        related_name="districts",
        verbose_name=_("counting unit"),
        help_text=_("Where its ballots are counted."),
    )
    polls_open = models.TimeField(_("polls open"), default=time(7), help_text=_("On election day."))
    polls_close = models.TimeField(_("polls close"), default=time(20), help_text=_("On election day."))

    class Meta:
        verbose_name = _("voting district")
        verbose_name_plural = _("voting districts")
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["election", "code"], name="district_code"),
            models.CheckConstraint(condition=Q(polls_close__gt=F("polls_open")), name="district_hours"),
        ]

    def __str__(self) -> str:
        return self.name


class Scope(models.TextChoices):
    """Whose franchise a contest asks for."""

    NATIONAL = "national", _("national")
    PREFECTURAL = "prefectural", _("prefectural")
    MUNICIPAL = "municipal", _("municipal")


class Contest(models.Model):
    """One question on the ballot."""

    KINDS = [
        (Kind.CHOOSE_ONE.value, _("choose one")),
        (Kind.CHOOSE_SEVERAL.value, _("choose several")),
        (Kind.INDEX.value, _("choose one from a long list")),
        (Kind.RANKING.value, _("ranking")),
        (Kind.TEXT.value, _("write-in")),
    ]
    FORMS = [
        (Form.SINGLE.value, _("one seat, one name")),
        (Form.SNTV.value, _("several seats, one name")),
        (Form.PR_CLOSED.value, _("a party list")),
        (Form.PR_OPEN.value, _("a party or a name on its list")),
        (Form.REVIEW.value, _("review of judges")),
        (Form.REFERENDUM.value, _("referendum")),
        (Form.RANKING.value, _("ranking, for associations")),
        (Form.WRITE_IN.value, _("written name, for associations")),
    ]

    election = models.ForeignKey(Election, models.CASCADE, related_name="contests", verbose_name=_("election"))
    position = models.PositiveSmallIntegerField(_("position"), help_text=POSITION_HELP)
    identifier = models.CharField(
        _("identifier"), max_length=63, validators=[validate_identifier], help_text=IDENTIFIER_HELP
    )
    title = models.CharField(_("title"), max_length=200, validators=[validate_text], help_text=_("As on the ballot."))
    kind = models.CharField(
        _("kind"), max_length=20, choices=KINDS, help_text=_("How the contest is answered and counted.")
    )
    form = models.CharField(
        _("form"), max_length=10, choices=FORMS, default=Form.SINGLE.value, help_text=_("What it decides.")
    )
    scope = models.CharField(
        _("franchise"), max_length=11, choices=Scope, default=Scope.MUNICIPAL, help_text=_("Who may vote on it.")
    )
    seats = models.PositiveSmallIntegerField(_("seats"), default=1, help_text=_("How many are elected."))
    opens = models.DateTimeField(
        _("voting from"),
        null=True,
        blank=True,
        validators=[validate_minute],
        help_text=_("First minute in which it is voted on, when later than the election's."),
    )
    closes = models.DateTimeField(
        _("voting until"),
        null=True,
        blank=True,
        validators=[validate_minute],
        help_text=_("First minute in which it is no longer voted on, when earlier than the election's."),
    )
    blank = models.BooleanField(_("blank vote"), default=True, help_text=_("Whether it may be left blank."))
    least = models.PositiveIntegerField(
        _("least"), default=1, help_text=_("Fewest marks, ranks or bytes of an answer that is not blank.")
    )
    most = models.PositiveIntegerField(_("most"), default=1, help_text=_("Most marks, ranks or bytes of an answer."))
    width = models.PositiveSmallIntegerField(
        _("width"), default=1, help_text=_("Ciphertexts per answer; more than 1 only for long texts and rankings.")
    )

    class Meta:
        verbose_name = _("contest")
        verbose_name_plural = _("contests")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["election", "position"], name="contest_position"),
            models.UniqueConstraint(fields=["election", "identifier"], name="contest_identifier"),
            models.CheckConstraint(condition=Q(kind__in=[kind.value for kind in Kind]), name="contest_kind"),
            models.CheckConstraint(condition=Q(form__in=[form.value for form in Form]), name="contest_form"),
            models.CheckConstraint(condition=Q(scope__in=Scope.values), name="contest_scope"),
            _within("seats", 1, MOST_SEATS, "contest_seats"),
            models.CheckConstraint(condition=Q(least__lte=F("most")), name="contest_least_most"),
            _within("position", 1, 100, "contest_position_range"),
            _within("most", 0, 100_000, "contest_most_range"),
            _within("width", 1, 64, "contest_width_range"),
        ]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        """A form is answered in the ways that fit it, and has the seats that it can have. Raises ValidationError."""
        faults = {}
        if self.form in tuple(Form) and self.kind not in FORM_KINDS[Form(self.form)]:
            faults["kind"] = _("A contest of this form is not answered like that.")
        if self.form in ONE_SEAT and self.seats != 1:
            faults["seats"] = _("A contest of this form decides on one thing: the number of seats is 1.")
        if faults:
            raise ValidationError(faults)


class Candidate(models.Model):
    """A candidate, judge or answer, in the order that the board drew: an option of the manifest."""

    contest = models.ForeignKey(Contest, models.CASCADE, related_name="candidates", verbose_name=_("contest"))
    position = models.PositiveSmallIntegerField(_("position"), help_text=POSITION_HELP)
    identifier = models.CharField(
        _("identifier"), max_length=63, validators=[validate_identifier], help_text=IDENTIFIER_HELP
    )
    name = models.CharField(_("name"), max_length=100, validators=[validate_text], help_text=_("As on the ballot."))
    reading = models.CharField(
        _("reading"),
        max_length=100,
        blank=True,
        validators=[validate_text],
        help_text=_("How the name is read (kana)."),
    )
    party = models.CharField(
        _("political party"), max_length=100, blank=True, validators=[validate_text], help_text=_("As on the ballot.")
    )
    list = models.CharField(
        _("party list"),
        max_length=63,
        blank=True,
        validators=[validate_identifier],
        help_text=_("Identifier of the list on which a candidate stands, where votes are for a party or a name."),
    )
    priority = models.PositiveSmallIntegerField(
        _("elected first"),
        default=0,
        help_text=_("Place among those of the list who are elected before all others: 1, 2, …; 0 for the others."),
    )
    listed = models.TextField(
        _("names on the list"),
        blank=True,
        help_text=_("One name on each line, in the order of the list, where votes are for lists only."),
    )

    class Meta:
        verbose_name = _("candidate")
        verbose_name_plural = _("candidates")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["contest", "position"], name="candidate_position"),
            models.UniqueConstraint(fields=["contest", "identifier"], name="candidate_identifier"),
            models.CheckConstraint(condition=~Q(identifier="blank"), name="candidate_not_blank"),
            _within("position", 1, MAX_OPTIONS, "candidate_position_range"),
            _within("priority", 0, MAX_OPTIONS, "candidate_priority_range"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Names on the list as they are published: no empty line, no space around a name. Raises ValidationError."""
        names = [line.strip() for line in self.listed.splitlines()]
        self.listed = "\n".join(filter(None, names))
        try:
            for name in names:
                validate_text(name)
        except ValidationError as error:
            raise ValidationError({"listed": error.messages}) from None


class Style(models.Model):
    """A ballot style: which contests the voters of a counting unit answer, in which order."""

    election = models.ForeignKey(Election, models.CASCADE, related_name="styles", verbose_name=_("election"))
    position = models.PositiveSmallIntegerField(_("position"), help_text=POSITION_HELP)
    identifier = models.CharField(
        _("identifier"), max_length=63, validators=[validate_identifier], help_text=IDENTIFIER_HELP
    )
    unit = models.ForeignKey(
        Unit,
        models.CASCADE,
        related_name="styles",
        verbose_name=_("counting unit"),
        help_text=_("Where its ballots are counted."),
    )
    contests = models.ManyToManyField(Contest, through="StyleContest", verbose_name=_("contests"))

    class Meta:
        verbose_name = _("ballot style")
        verbose_name_plural = _("ballot styles")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["election", "position"], name="style_position"),
            models.UniqueConstraint(fields=["election", "identifier"], name="style_identifier"),
            _within("position", 1, 10_000, "style_position_range"),
        ]

    def __str__(self) -> str:
        return self.identifier


class StyleContest(models.Model):
    """A contest's place on a ballot style."""

    style = models.ForeignKey(Style, models.CASCADE, related_name="places", verbose_name=_("ballot style"))
    contest = models.ForeignKey(Contest, models.CASCADE, related_name="places", verbose_name=_("contest"))
    position = models.PositiveSmallIntegerField(_("position"), help_text=POSITION_HELP)

    class Meta:
        verbose_name = _("place on a ballot")
        verbose_name_plural = _("places on ballots")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["style", "position"], name="style_contest_position"),
            models.UniqueConstraint(fields=["style", "contest"], name="style_contest_once"),
            _within("position", 1, 100, "style_contest_position_range"),
        ]

    def __str__(self) -> str:
        return f"{self.style}: {self.contest}"


class Party(models.Model):
    """Someone whose signature the board accepts."""

    class Role(models.TextChoices):
        OFFICIAL = "official", _("official")
        REGISTRAR = "registrar", _("registrar")
        TRUSTEE = "trustee", _("trustee")
        MIXER = "mixer", _("mixer")
        WITNESS = "witness", _("witness")

    election = models.ForeignKey(Election, models.CASCADE, related_name="parties", verbose_name=_("election"))
    role = models.CharField(_("role"), max_length=10, choices=Role, help_text=_("What the signature is for."))
    position = models.PositiveSmallIntegerField(_("position"), help_text=POSITION_HELP)
    name = models.CharField(_("name"), max_length=100, validators=[validate_text], help_text=_("As published."))
    public_key = models.BinaryField(_("public key"), max_length=KEY_BYTES, help_text=_("Ed25519 public key, 32 bytes."))

    class Meta:
        verbose_name = _("party to the election")
        verbose_name_plural = _("parties to the election")
        ordering = ["role", "position"]
        constraints = [
            models.UniqueConstraint(fields=["election", "role", "position"], name="party_position"),
            models.UniqueConstraint(fields=["election", "role", "public_key"], name="party_key"),
            models.UniqueConstraint(fields=["election"], condition=Q(role="registrar"), name="party_one_registrar"),
            models.CheckConstraint(
                condition=Q(role__in=["official", "registrar", "trustee", "mixer", "witness"]), name="party_role"
            ),
            _within("position", 1, 100, "party_position_range"),
            _bytes_long("public_key", KEY_BYTES, "party_key_bytes"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.get_role_display()})"


class Slot(models.Model):
    """A voter slot: a pseudonym on the board that stands for one row of the roll. No name, no address."""

    election = models.ForeignKey(Election, models.PROTECT, related_name="slots", verbose_name=_("election"))
    pseudonym = models.CharField(
        _("pseudonym"), max_length=63, validators=[validate_identifier], help_text=IDENTIFIER_HELP
    )
    style = models.ForeignKey(
        Style, models.PROTECT, related_name="slots", verbose_name=_("ballot style"), help_text=_("What is answered.")
    )
    roll_index = models.PositiveBigIntegerField(
        _("roll index"), help_text=_("Row of the committed roll, counted from 0.")
    )

    class Meta:
        verbose_name = _("voter slot")
        verbose_name_plural = _("voter slots")
        constraints = [
            models.UniqueConstraint(fields=["election", "pseudonym"], name="slot_pseudonym"),
            models.UniqueConstraint(fields=["election", "roll_index"], name="slot_roll_index"),
            _within("roll_index", 0, 2**40, "slot_roll_index_range"),
        ]

    def __str__(self) -> str:
        return self.pseudonym
