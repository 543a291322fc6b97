"""Fields of the form for a request: particulars, claims about a piece of evidence, and its files.

What a claim has to be, `voting.applications.claims` says; here is only how a form asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from voting.applications.claims import EVIDENCE, ClaimField, FieldKind, clean_line
from voting.applications.errors import ClaimInvalid
from voting.applications.evidence import MOST_FILES
from voting.applications.files import LARGEST_FILE, media_type
from voting.eras import parse_date
from voting.errors import FileRefused
from voting.officials.models import Office
from voting.officials.roles import OfficeKind

LONGEST_LINE = 100
"""Characters that still fit into a field of one line; longer texts get several."""
NEEDED = {"required": _("This is needed."), "max_length": _("At most %(limit_value)d characters.")}
NOT_LISTED = _("Choose one of the list.")


class LineField(forms.CharField):
    """A text of which every character can be seen; breaks of lines become spaces."""

    def __init__(self, **options: Any) -> None:
        super().__init__(error_messages=NEEDED, **options)

    def to_python(self, value: Any) -> str:
        """The text on one line. Raises ValidationError."""
        try:
            return clean_line("", super().to_python(value) or "")
        except ClaimInvalid as error:
            raise ValidationError(error.faults[0].message) from None


class DatePicker(forms.TextInput):
    """The browser's own calendar."""

    input_type = "date"


class DayField(forms.CharField):
    """A day. Where a browser has no calendar it is typed, in either way of counting years. Cleaned: "2026-05-10"."""

    widget = DatePicker

    def __init__(self, **options: Any) -> None:
        super().__init__(error_messages=NEEDED, **options)

    def clean(self, value: Any) -> str:
        """The day, or the text as it came: what is wrong with it, the rules of claims say."""
        text: str = super().clean(value)
        try:
            return parse_date(text).isoformat()
        except ValueError:
            return text


class FilesInput(forms.FileInput):
    """Several photos or files; a phone offers its camera."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Photos and PDFs. Cleaned: the bytes of each, of an accepted type by their content."""

    def __init__(self, **options: Any) -> None:
        widget = FilesInput(attrs={"accept": "image/*,application/pdf"})
        super().__init__(widget=widget, error_messages=NEEDED, **options)

    def clean(self, data: Any, initial: Any = None) -> list[bytes]:
        """The files. Raises ValidationError with every one that is refused."""
        uploads: list[UploadedFile] = data or []
        if not uploads and self.required:
            raise ValidationError(self.error_messages["required"], "required")
        if len(uploads) > MOST_FILES:
            raise ValidationError(_("At most %(most)d files."), params={"most": MOST_FILES})
        read = [upload.read(LARGEST_FILE + 1) for upload in uploads]
        faults = [capfirst(fault) for fault in map(_fault_of, read) if fault]
        if faults:
            raise ValidationError(faults)
        return read


def _fault_of(data: bytes) -> str:
    try:
        media_type(data)
    except FileRefused as refusal:
        return refusal.reason
    return ""


class OneOfField(forms.ChoiceField):
    """One of a few, as radio buttons."""

    widget = forms.RadioSelect

    def __init__(self, **options: Any) -> None:
        super().__init__(error_messages={**NEEDED, "invalid_choice": NOT_LISTED}, **options)


class OfficeField(forms.ModelChoiceField):
    """One of the places of these kinds."""

    def __init__(self, kinds: Iterable[OfficeKind]) -> None:
        kinds = tuple(kinds)
        super().__init__(
            Office.objects.filter(kind__in=kinds).order_by("name"),
            label=capfirst(" / ".join(str(kind.label) for kind in kinds)),
            empty_label=_("Choose"),
            error_messages={**NEEDED, "invalid_choice": NOT_LISTED},
        )


def claim_fields(kind: str) -> Iterator[tuple[str, forms.Field]]:
    """(name, field) of every claim about a kind of evidence: "number", or "period.start" and "period.end"."""
    for claim in EVIDENCE[kind].fields:
        if claim.kind is FieldKind.SPAN:
            ends = claim.required and not claim.open_end
            yield f"{claim.name}.start", DayField(label=_("First day"), required=claim.required)
            yield f"{claim.name}.end", DayField(label=_("Last day"), required=ends)
        else:
            yield claim.name, _claim_field(claim)


def _claim_field(claim: ClaimField) -> forms.Field:
    if claim.kind is FieldKind.DATE:
        return DayField(label=claim.label, required=claim.required)
    if claim.kind is FieldKind.CHOICE:
        return OneOfField(label=claim.label, choices=claim.choices, required=claim.required)
    widget = forms.Textarea({"rows": 4}) if claim.max_length > LONGEST_LINE else forms.TextInput()
    return LineField(label=claim.label, required=claim.required, widget=widget)
