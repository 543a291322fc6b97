"""The form for a request: who asks, one alternative of the category's evidence, and the declaration.

Every alternative is on the page; only the chosen one is read. The rules are those of `voting.applications`: the form
finds as many faults as it can at once, and takes the rest from the refusal of `requests.submit`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from voting.applications.catalogue import Attest
from voting.applications.claims import EVIDENCE, FieldKind, FileRule, Label, check_claims
from voting.applications.errors import ClaimFault, ClaimInvalid, RequestInvalid
from voting.applications.models import LANGUAGES, Application, Category
from voting.applications.requests import HEADS, Applicant, Request, waits_for_health
from voting.apply.fields import FilesField, LineField, OfficeField, OneOfField, claim_fields
from voting.errors import VotingError
from voting.login.birth import BirthForm
from voting.login.person import VerifiedPerson
from voting.officials.models import Office
from voting.officials.roles import OfficeKind

PARTICULARS = ("name", "kana", "birth", "sex", "address", "staying_at", "email", "phone")
"""Who asks, by the names of `Applicant`."""
BIRTH = ("calendar", "year", "month", "day")
"""The fields of `BirthForm`; what is wrong with the date is said at the year."""
SEXES = (("F", _("female")), ("M", _("male")), ("-", _("not stated")))
SELF_EXPLAINING = ("year", "sworn")
"""Fields whose faults name them."""
FILES, OFFICE = "file", "office"
"""What a piece of evidence, and an alternative, have besides claims."""


def places_of(category: Category, kinds: Sequence[str]) -> tuple[OfficeKind, ...]:
    """The kinds of places of which one belongs to a request with this evidence; empty where none does."""
    if waits_for_health(category, kinds):
        return (OfficeKind.HEALTH,)
    return HEADS.get(Attest(category.attest), ())


@dataclass(frozen=True)
class Group:
    """Fields that are shown together: a span has a legend over its two days, anything else has none."""

    fields: tuple[forms.BoundField, ...]
    legend: Label = ""


@dataclass(frozen=True)
class Piece:
    """A kind of evidence with its groups of fields; `kept`: how many of its files are here already."""

    label: Label
    groups: tuple[Group, ...]
    file: forms.BoundField | None
    kept: int


@dataclass(frozen=True)
class Fault:
    """A line of the summary: what is wrong, and where; `target` is the id of a part of the page, or empty."""

    message: str
    label: Label = ""
    target: str = ""


class EvidenceForm(forms.Form):
    """One alternative: the kinds of evidence that are needed together, and the place if one belongs to them.

    Fields are named "KIND.claim"; files "KIND.file". `kept`: kind → how many of its files are here already.
    """

    use_required_attribute = False

    def __init__(
        self,
        category: Category,
        number: int,
        kept: Mapping[str, int],
        data: Mapping[str, Any] | None = None,
        files: MultiValueDict[str, Any] | None = None,
    ) -> None:
        super().__init__(data, files, prefix=str(number))
        self.kinds: list[str] = category.evidence[number]
        self.kept = {kind: kept.get(kind, 0) for kind in self.kinds}
        places = places_of(category, self.kinds)
        if places:
            self.fields[OFFICE] = OfficeField(places)
        for kind in self.kinds:
            self.fields |= {f"{kind}.{name}": field for name, field in claim_fields(kind)}
            rule = EVIDENCE[kind].file
            if rule is not FileRule.NONE:
                needed = rule is FileRule.REQUIRED and not self.kept[kind]
                self.fields[f"{kind}.{FILES}"] = FilesField(label=_("Photo or PDF of it"), required=needed)

    @property
    def label(self) -> str:
        """What it is, in words."""
        return " + ".join(str(EVIDENCE[kind].label) for kind in self.kinds)

    @property
    def chooser(self) -> str:
        """The id of the radio button that chooses it."""
        return f"id_alternative_{self.prefix}"

    def pieces(self) -> list[Piece]:
        """What is shown: each kind of evidence with its fields."""
        return [self._piece(kind) for kind in self.kinds]

    def _piece(self, kind: str) -> Piece:
        name = f"{kind}.{FILES}"
        file = self[name] if name in self.fields else None
        return Piece(EVIDENCE[kind].label, tuple(self._groups(kind)), file, self.kept[kind])

    def _groups(self, kind: str) -> Iterator[Group]:
        for claim in EVIDENCE[kind].fields:
            name = f"{kind}.{claim.name}"
            if claim.kind is FieldKind.SPAN:
                yield Group((self[f"{name}.start"], self[f"{name}.end"]), claim.label)
            else:
                yield Group((self[name],))

    def clean(self) -> None:
        """Every rule about claims. A field that has a fault already gets no second one."""
        for kind, claims in self.claims.items():
            try:
                check_claims(EVIDENCE[kind], claims)
            except ClaimInvalid as error:
                for fault in error.faults:
                    self.blame(ClaimFault(f"{kind}.{fault.field}", fault.message))

    def blame(self, fault: ClaimFault) -> None:
        """Put a fault where it belongs: at a field that has none yet, or else above all of them."""
        name = fault.field if fault.field in self.fields else f"{fault.field}.start"
        if name not in self.fields:
            self.add_error(None, fault.message)
        elif name not in self.errors:
            self.add_error(name, fault.message)

    @property
    def claims(self) -> dict[str, dict[str, Any]]:
        """Kind of evidence → its claims, as a request takes them; what has a fault is left out."""
        found: dict[str, dict[str, Any]] = {}
        for kind in self.kinds:
            claims: dict[str, Any] = {}
            for claim in EVIDENCE[kind].fields:
                name = f"{kind}.{claim.name}"
                if claim.kind is FieldKind.SPAN:
                    claims[claim.name] = {
                        edge: self.cleaned_data.get(f"{name}.{edge}", "") for edge in ("start", "end")
                    }
                else:
                    claims[claim.name] = self.cleaned_data.get(name, "")
            found[kind] = claims
        return found

    @property
    def uploads(self) -> list[tuple[str, bytes]]:
        """(kind of evidence, bytes) of each file."""
        named = ((kind, self.cleaned_data.get(f"{kind}.{FILES}") or []) for kind in self.kinds)
        return [(kind, data) for kind, read in named for data in read]

    @property
    def office(self) -> Office | None:
        """The place that was chosen."""
        return self.cleaned_data.get(OFFICE)


class RequestForm(BirthForm):
    """The whole form. `kept`: kind of evidence → how many of its files are here already, in a correction.

    `initial`: by the names of particulars; "alternative" is the number of one, "claims" are as an application has them.
    """

    use_required_attribute = False

    name = LineField(
        label=_("Full name"),
        max_length=100,
        help_text=_("As on your residence record."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    kana = LineField(label=_("Reading of the name"), max_length=100, required=False)
    sex = OneOfField(
        label=_("Sex"),
        choices=SEXES,
        required=False,
        help_text=_("As on your residence record. Without it, it takes longer to find you on the roll."),
    )
    address = LineField(
        label=_("Registered address"),
        max_length=200,
        help_text=_("The address on your residence record, with the number of the house."),
        widget=forms.Textarea(attrs={"autocomplete": "street-address", "rows": 2}),
    )
    staying_at = LineField(
        label=_("Where you are now"),
        max_length=200,
        required=False,
        help_text=_("If it is another place. The letter with your code goes there."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        required=False,
        help_text=_("We write to you at each step."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    phone = LineField(
        label=_("Telephone"),
        max_length=20,
        required=False,
        help_text=_("For questions about your application."),
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )
    sworn = forms.BooleanField(
        label=_("I declare that what I state is true, and that this application is my own."),
        error_messages={"required": _("The declaration that the request is true is missing.")},
    )

    def __init__(
        self,
        category: Category,
        data: Mapping[str, Any] | None = None,
        files: MultiValueDict[str, Any] | None = None,
        *,
        initial: Mapping[str, Any] | None = None,
        kept: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(data, initial=_as_typed(initial or {}))
        self.category = category
        count = len(category.evidence)
        if count > 1:
            self.fields["alternative"] = forms.TypedChoiceField(
                label=_("Choose one of these"),
                choices=[(number, "") for number in range(count)],
                coerce=int,
                error_messages={
                    "required": _("Choose one of these."),
                    "invalid_choice": _("Choose one of these."),
                },
            )
        self.order_fields(["name", "kana", *BIRTH, *PARTICULARS, "alternative", "sworn"])
        self.evidence = [self._evidence(number, files, kept or {}) for number in range(count)]

    def clean_sex(self) -> str:
        """ "F", "M" or unknown, which needs a choice of its own: a radio button cannot be let go of."""
        return str(self.cleaned_data["sex"]).strip("-")

    def _evidence(self, number: int, files: MultiValueDict[str, Any] | None, kept: Mapping[str, int]) -> EvidenceForm:
        """Bound if it is chosen. In any other, what was typed stays and is not judged."""
        if self.is_bound and number == self.number:
            return EvidenceForm(self.category, number, kept, self.data, files)
        form = EvidenceForm(self.category, number, kept)
        if self.is_bound:
            form.initial = {name: self.data.get(form.add_prefix(name), "") for name in form.fields}
        elif number == self.number:
            form.initial = _flat(self.initial)
        return form

    @cached_property
    def number(self) -> int | None:
        """Of the alternative that is chosen; none is before the voter has."""
        if "alternative" not in self.fields:
            return 0
        given = self["alternative"].value()
        numbers = {str(number): number for number in range(len(self.category.evidence))}
        return numbers.get(str(given))

    @property
    def chosen(self) -> EvidenceForm | None:
        """The alternative that was sent."""
        return None if self.number is None else self.evidence[self.number]

    def is_valid(self) -> bool:
        """Whether no fault was found, in all parts."""
        return super().is_valid() and self.chosen is not None and self.chosen.is_valid()

    @property
    def request(self) -> Request:
        """What a valid form asks for."""
        chosen = self.chosen
        if chosen is None:
            raise ValueError("a valid form has evidence")
        language = get_language() or ""
        who = Applicant(
            **{name: self.cleaned_data[name] for name in PARTICULARS},
            language=language if language in dict(LANGUAGES) else "ja",
        )
        return Request(who, chosen.claims, self.cleaned_data["sworn"], chosen.uploads, chosen.office)

    def blame(self, refusal: VotingError) -> None:
        """Show why a request was refused, at its fields where they are known."""
        # A refusal about a file that is missing names the kind of evidence; others are about all of it.
        faults: Iterable[ClaimFault] = [ClaimFault(f"{refusal.where}.{FILES}", capfirst(refusal.reason))]
        if isinstance(refusal, RequestInvalid | ClaimInvalid):
            faults = refusal.faults
        for fault in faults:
            name = "year" if fault.field == "birth" else fault.field
            if name in self.fields:
                self.add_error(name, fault.message)
            elif self.chosen is not None:
                self.chosen.blame(fault)

    def faults(self) -> list[Fault]:
        """Everything that is wrong, in the order of the page."""
        chosen = [self.chosen] if self.chosen is not None and self.chosen.is_bound else []
        asked = [*faults_of(self, without="sworn"), *(fault for form in chosen for fault in faults_of(form))]
        return [*asked, *_faults_at(self["sworn"])]


def faults_of(form: forms.Form, without: str = "") -> Iterator[Fault]:
    for message in form.non_field_errors():
        yield Fault(str(message))
    for field in form:
        if field.name != without:
            yield from _faults_at(field)


def _faults_at(field: forms.BoundField) -> Iterator[Fault]:
    for message in field.errors:
        label = "" if field.name in SELF_EXPLAINING else field.label
        yield Fault(str(message), label, _first_id(field))


def _first_id(field: forms.BoundField) -> str:
    """Of the part of a field to go to, where it has several."""
    return f"{field.auto_id}_0" if field.use_fieldset or field.name == "alternative" else field.auto_id


def initial_of_person(person: VerifiedPerson) -> dict[str, Any]:
    """The particulars of whoever is logged in by the card."""
    return {"name": person.name, "birth": person.birth, "sex": person.sex, "address": person.address}


def initial_of(application: Application) -> dict[str, Any]:
    """A form as it was sent."""
    kinds = sorted(application.claims)
    numbers = [n for n, one in enumerate(application.offer.category.evidence) if sorted(one) == kinds]
    return {
        **{name: getattr(application, name) for name in PARTICULARS},
        "alternative": next(iter(numbers), None),
        "claims": application.claims,
        OFFICE: application.office_id,
    }


def _as_typed(initial: Mapping[str, Any]) -> dict[str, Any]:
    """With the date of birth in its three fields."""
    birth = initial.get("birth")
    return {**initial, **({"year": birth.year, "month": birth.month, "day": birth.day} if birth else {})}


def _flat(initial: Mapping[str, Any]) -> dict[str, Any]:
    """Claims by the names of the fields."""
    found: dict[str, Any] = {OFFICE: initial.get(OFFICE)}
    for kind, claims in initial.get("claims", {}).items():
        for name, value in claims.items():
            if isinstance(value, dict):
                found |= {f"{kind}.{name}.{edge}": day for edge, day in value.items()}
            else:
                found[f"{kind}.{name}"] = value
    return found
