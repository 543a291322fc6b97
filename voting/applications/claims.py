"""Kinds of evidence, and the claims that a request makes about a piece of it.

Claims are JSON: texts, dates as "2026-05-10", spans as {"start": date, "end": date}, choices as their value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from voting.applications.errors import ClaimFault, ClaimInvalid
from voting.applications.rules import Span
from voting.applications.rules.moments import YEARS

PERIODS = ("period", "stay", "voyage", "posting", "tour")
"""The spans that an authority or a head can confirm, as claims name them."""

Label = str | Promise

DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
EMPTY: tuple[Any, ...] = (None, "", {})
# Private-use characters stay: municipalities write some names with them (外字).
UNREADABLE = ("Cc", "Cf", "Cs")


class FileRule(StrEnum):
    """Whether a file comes with the evidence."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class FieldKind(StrEnum):
    """What a claim is made of."""

    TEXT = "text"
    DATE = "date"
    SPAN = "span"
    CHOICE = "choice"


@dataclass(frozen=True)
class ClaimField:
    """One claim. `max_length` is in characters, for texts; `open_end` lets a span go on without a known end."""

    name: str
    kind: FieldKind
    label: Label
    required: bool = True
    max_length: int = 100
    choices: tuple[tuple[str, Label], ...] = ()
    open_end: bool = False


@dataclass(frozen=True)
class EvidenceType:
    """A kind of evidence. `register_spans` are the spans that come from the board's registers, not from the claims."""

    code: str
    label: Label
    file: FileRule = FileRule.NONE
    fields: tuple[ClaimField, ...] = ()
    register_spans: tuple[str, ...] = ()
    awaits_confirmation: bool = False
    """Whether the request waits until the authority named by its category has confirmed the claims."""

    @property
    def spans(self) -> frozenset[str]:
        """The names of the spans that this evidence gives to conditions."""
        claimed = {field.name for field in self.fields if field.kind is FieldKind.SPAN}
        return frozenset(claimed.union(self.register_spans))


def check_claims(evidence: EvidenceType, claims: Mapping[str, Any]) -> dict[str, Any]:
    """The claims, cleaned and complete in the order of the type's fields; those left empty are left out.

    Raises ClaimInvalid with every fault. No message repeats a claim, which may be personal.
    """
    if not isinstance(claims, Mapping):
        raise ClaimInvalid([_fault("claims", _("Claims by name were expected."))], evidence.code)
    names = {field.name for field in evidence.fields}
    faults = [_fault(ascii(key)[:40], _("There is no such claim.")) for key in claims if key not in names]
    cleaned = {}
    for field in evidence.fields:
        try:
            value = _clean(field, claims.get(field.name))
        except ClaimInvalid as error:
            faults += error.faults
            continue
        if value is not None:
            cleaned[field.name] = value
    if faults:
        raise ClaimInvalid(faults, evidence.code)
    return cleaned


def claimed_spans(evidence: EvidenceType, claims: Mapping[str, Any]) -> dict[str, Span]:
    """The spans of claims that `check_claims` returned, by their names in conditions."""
    fields = (field for field in evidence.fields if field.kind is FieldKind.SPAN and field.name in claims)
    return {field.name: _span(claims[field.name]) for field in fields}


def _span(claim: Mapping[str, str]) -> Span:
    end = claim.get("end")
    return Span(date.fromisoformat(claim["start"]), date.fromisoformat(end) if end else None)


def _fault(name: str, message: Label) -> ClaimFault:
    return ClaimFault(name, str(message))


def _refused(name: str, message: Label) -> ClaimInvalid:
    return ClaimInvalid([_fault(name, message)], name)


def _clean(field: ClaimField, value: Any) -> Any:
    """The cleaned claim, or None where it is empty and may be; raises ClaimInvalid."""
    if value not in EMPTY:
        value = CLEANERS[field.kind](field, value)
    if value not in EMPTY:
        return value
    if field.required:
        raise _refused(field.name, _("This is needed."))
    return None


def _clean_text(field: ClaimField, value: Any) -> str:
    if not isinstance(value, str):
        raise _refused(field.name, _("A text was expected."))
    line = clean_line(field.name, value)
    if len(line) > field.max_length:
        raise _refused(field.name, _("At most %(most)d characters.") % {"most": field.max_length})
    return line


def clean_line(name: str, text: str) -> str:
    """A text on one line, every character of which can be seen. Raises ClaimInvalid, naming `name`."""
    line = " ".join(text.splitlines()).strip()
    if any(unicodedata.category(character) in UNREADABLE for character in line):
        raise _refused(name, _("The text holds characters that cannot be shown."))
    return line


def _clean_date(field: ClaimField, value: Any) -> str:
    return _day(field.name, value).isoformat()


def _clean_span(field: ClaimField, value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or not value.keys() <= {"start", "end"}:
        raise _refused(field.name, _("A first and a last day were expected."))
    edges = {edge: value[edge] for edge in ("start", "end") if value.get(edge) not in (None, "")}
    if not edges:
        return {}
    needed = ("start",) if field.open_end else ("start", "end")
    faults = [_fault(f"{field.name}.{edge}", _("This is needed.")) for edge in needed if edge not in edges]
    days = {}
    for edge, text in edges.items():
        try:
            days[edge] = _day(f"{field.name}.{edge}", text)
        except ClaimInvalid as error:
            faults += error.faults
    if not faults and "end" in days and days["end"] < days["start"]:
        faults.append(_fault(f"{field.name}.end", _("The last day is before the first day.")))
    if faults:
        raise ClaimInvalid(faults, field.name)
    return {edge: day.isoformat() for edge, day in days.items()}


def _clean_choice(field: ClaimField, value: Any) -> str:
    if not isinstance(value, str) or value not in dict(field.choices):
        raise _refused(field.name, _("Choose one of the list."))
    return value


def _day(name: str, value: Any) -> date:
    if not isinstance(value, str) or not DATE.fullmatch(value):
        raise _refused(name, _("A date such as 2026-05-10 was expected."))
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise _refused(name, _("There is no such day.")) from None
    if day.year not in YEARS:
        raise _refused(name, _("The year is out of range."))
    return day


CLEANERS: dict[FieldKind, Callable[[ClaimField, Any], Any]] = {
    FieldKind.TEXT: _clean_text,
    FieldKind.DATE: _clean_date,
    FieldKind.SPAN: _clean_span,
    FieldKind.CHOICE: _clean_choice,
}


def _text(name: str, label: Label, *, required: bool = True, max_length: int = 100) -> ClaimField:
    return ClaimField(name, FieldKind.TEXT, label, required, max_length)


def _day_of(name: str, label: Label, *, required: bool = True) -> ClaimField:
    return ClaimField(name, FieldKind.DATE, label, required)


def _days_of(name: str, label: Label, *, open_end: bool = False) -> ClaimField:
    return ClaimField(name, FieldKind.SPAN, label, open_end=open_end)


REASONS = (
    ("work", _("Work, or another duty of your own (item 1)")),
    ("travel", _("Travel, or a stay outside your voting district (item 2)")),
    ("health", _("Illness, injury, pregnancy, childbirth, old age, disability, or being held (item 3)")),
    ("island", _("Living or staying on a remote island that the law names (item 4)")),
    ("moved", _("Living outside the municipality of your voting district (item 5)")),
    ("weather", _("A natural disaster or bad weather (item 6)")),
)
"""公職選挙法48条の2第1項一号–六号."""

NUMBER = _text("number", _("Number of the document"), max_length=40)
NUMBER_IF_ANY = _text("number", _("Number of the document, if it has one"), required=False, max_length=40)
ISSUER = _text("issuer", _("Issued by"))
VALID = _days_of("cert", _("Valid from and until"))
PERIOD = _days_of("period", _("First and last day on which you are asked to stay in"))
VOYAGE = _days_of("voyage", _("First and last day of the voyage"))

TYPES = (
    EvidenceType("ROLL_DOB", _("Date of birth on the roll")),
    EvidenceType(
        "SWORN_REASON",
        _("Declaration of your reason, under oath"),
        fields=(
            ClaimField("item", FieldKind.CHOICE, _("Reason"), choices=REASONS),
            _text("details", _("Details"), required=False, max_length=500),
            _days_of("reason", _("First and last day to which the reason applies")),
        ),
    ),
    EvidenceType(
        "FACILITY_ROSTER",
        _("Entry in the list of residents of a designated facility"),
        fields=(
            NUMBER_IF_ANY,
            _days_of("stay", _("First and, if known, last day of the stay"), open_end=True),
        ),
        register_spans=("designation",),
    ),
    EvidenceType(
        "INSTITUTION_ROSTER",
        _("Entry in the list of an institution of detention"),
        fields=(
            _text("institution", _("Institution")),
            NUMBER_IF_ANY,
            _days_of("stay", _("First and, if known, last day of the stay"), open_end=True),
        ),
    ),
    EvidenceType("POSTAL_CERT", _("Certificate for postal voting"), FileRule.OPTIONAL, (NUMBER, VALID)),
    EvidenceType(
        "POSTAL_CERT_PROXY",
        _("Certificate for postal voting that allows a proxy writer"),
        FileRule.OPTIONAL,
        (NUMBER, VALID),
    ),
    EvidenceType(
        "PROXY_REGISTRATION",
        _("Registration of the proxy writer"),
        fields=(
            _text("proxy_name", _("Name of the proxy writer")),
            _days_of("proxy", _("Registered from and, if it ends, until"), open_end=True),
        ),
    ),
    EvidenceType("SEAFARER_CERT", _("Seafarer's certificate of registration"), FileRule.OPTIONAL, (NUMBER, VALID)),
    EvidenceType("SHIP", _("Ship"), fields=(_text("ship", _("Name of the ship")), VOYAGE)),
    EvidenceType(
        "DESIGNATED_SHIP",
        _("Designated ship"),
        FileRule.OPTIONAL,
        (
            _text("ship", _("Name of the ship")),
            _text("ship_paper", _("Number of the ship's inspection certificate or fishing permit"), max_length=40),
            VOYAGE,
        ),
    ),
    EvidenceType(
        "ANTARCTIC_CERT",
        _("Certificate of Antarctic electors"),
        FileRule.OPTIONAL,
        (NUMBER, _days_of("posting", _("First and last day of the posting"))),
    ),
    EvidenceType(
        "UNIT_ROSTER",
        _("Entry in the list of a designated overseas unit"),
        fields=(
            _text("unit", _("Unit")),
            NUMBER_IF_ANY,
            _day_of("member_notice_on", _("Day on which you told the head of the unit")),
            _days_of("tour", _("First and last day of the tour of duty")),
        ),
    ),
    EvidenceType(
        "ISOLATION_ORDER",
        _("Document asking you to isolate"),
        FileRule.REQUIRED,
        (NUMBER_IF_ANY, ISSUER, _day_of("issued_on", _("Date of the document"), required=False), PERIOD),
    ),
    EvidenceType(
        "OMITTED_WITH_REASON",
        _("No document, for a reason that you state"),
        fields=(
            _text("omission", _("Why you cannot send the document"), max_length=500),
            _text("issuer", _("Health centre or quarantine station that asked you")),
            PERIOD,
        ),
        awaits_confirmation=True,
    ),
    EvidenceType(
        "WAIT_NOTICE",
        _("Message or letter asking you to wait at home"),
        FileRule.REQUIRED,
        (ISSUER, PERIOD),
    ),
    EvidenceType(
        "SWORN",
        _("Your own declaration, under oath"),
        fields=(_text("circumstances", _("What happened, and who told you"), max_length=500), PERIOD),
    ),
    EvidenceType(
        "OVERSEAS_CERT",
        _("Certificate of overseas electors"),
        FileRule.OPTIONAL,
        (NUMBER, _days_of("cert", _("Issued on and, if it ends, valid until"), open_end=True)),
    ),
)
EVIDENCE: dict[str, EvidenceType] = {evidence.code: evidence for evidence in TYPES}
"""Every kind of evidence by its code."""
