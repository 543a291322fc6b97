"""The definition of an election, as tables. `services.build_manifest` makes the manifest from it.

From the moment that the manifest is on the board, triggers of the database refuse every change (migration 0002).
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from verifier.record.manifest import ACTS, MODULUS_BITS, Kind
from voting.elections.validators import (
    validate_acts,
    validate_identifier,
    validate_minute,
    validate_origin,
    validate_text,
)

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


class Election(models.Model):
    """One election with one bulletin board."""

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


class Contest(models.Model):
    """One question on the ballot."""

    KINDS = [
        (Kind.CHOOSE_ONE.value, _("choose one")),
        (Kind.CHOOSE_SEVERAL.value, _("choose several")),
        (Kind.INDEX.value, _("choose one from a long list")),
        (Kind.RANKING.value, _("ranking")),
        (Kind.TEXT.value, _("write-in")),
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
            models.CheckConstraint(condition=Q(least__lte=F("most")), name="contest_least_most"),
            _within("position", 1, 100, "contest_position_range"),
            _within("most", 0, 100_000, "contest_most_range"),
            _within("width", 1, 64, "contest_width_range"),
        ]

    def __str__(self) -> str:
        return self.title


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

    class Meta:
        verbose_name = _("candidate")
        verbose_name_plural = _("candidates")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["contest", "position"], name="candidate_position"),
            models.UniqueConstraint(fields=["contest", "identifier"], name="candidate_identifier"),
            models.CheckConstraint(condition=~Q(identifier="blank"), name="candidate_not_blank"),
            _within("position", 1, 500, "candidate_position_range"),
        ]

    def __str__(self) -> str:
        return self.name


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
