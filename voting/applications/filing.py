"""Requests that the head of a facility, ship or unit files for several people: the fields of a row, and reading it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from voting.applications.claims import EVIDENCE, ClaimField, FieldKind, Label
from voting.applications.errors import ClaimFault, RequestInvalid
from voting.applications.models import Application, Category, Offer
from voting.applications.offers import is_held_in, takes_requests
from voting.applications.requests import HEADS, Applicant, Request, submit_for_others
from voting.eras import parse_date
from voting.officials.models import Office, Official

PERSON: Mapping[str, Label] = {
    "name": gettext_lazy("full name"),
    "kana": gettext_lazy("reading"),
    "birth": gettext_lazy("date of birth"),
    "sex": gettext_lazy("sex"),
    "address": gettext_lazy("registered address"),
    "staying_at": gettext_lazy("staying at"),
    "email": gettext_lazy("e-mail"),
    "phone": gettext_lazy("telephone"),
}
"""What is asked about each person besides the claims, by the names of `Applicant`."""
NEEDED = ("name", "birth", "address")
SEXES = {"": "", "M": "M", "F": "F", "男": "M", "女": "F"}

Cells = Mapping[str, str]


@dataclass(frozen=True)
class Column:
    """One field of a row: `kind` is how a form asks for it, `choices` (value, label) for a choice."""

    key: str
    label: Label
    needed: bool
    kind: str = "text"
    choices: tuple[tuple[str, Label], ...] = ()


def columns_of(category: Category) -> list[Column]:
    """What is asked about each person: the attributes, and the claims of the category's first kind of evidence."""
    return [*_person_columns(), *(column for kind in category.evidence[0] for column in _claim_columns(kind))]


def _person_columns() -> Iterator[Column]:
    kinds = {"birth": "date", "email": "email", "phone": "tel"}
    for name, label in PERSON.items():
        if name == "sex":
            yield Column(name, label, False, "choice", (("", _("not stated")), ("M", _("male")), ("F", _("female"))))
        else:
            yield Column(name, label, name in NEEDED, kinds.get(name, "text"))


def _claim_columns(kind: str) -> Iterator[Column]:
    for field in EVIDENCE[kind].fields:
        key = f"{kind}.{field.name}"
        if field.kind is FieldKind.SPAN:
            yield Column(f"{key}.start", _("%(span)s: first day") % {"span": field.label}, field.required, "date")
            ends = field.required and not field.open_end
            yield Column(f"{key}.end", _("%(span)s: last day") % {"span": field.label}, ends, "date")
        else:
            yield Column(key, field.label, field.required, _form_kind(field), field.choices)


def _form_kind(field: ClaimField) -> str:
    return {FieldKind.DATE: "date", FieldKind.CHOICE: "choice"}.get(field.kind, "text")


def offers_for(office: Office, now: datetime) -> list[Offer]:
    """What the head of a place can file for now, of every election."""
    attests = [attest for attest, kinds in HEADS.items() if office.kind in kinds]
    found = Offer.objects.filter(enabled=True, category__attest__in=attests, election__office__isnull=False).exclude(
        election__election_day=None
    )
    rows = (
        found.exclude(election__notice_day=None).select_related("category", "election").order_by("election", "category")
    )
    return [offer for offer in rows if is_held_in(offer.category, offer.election) and takes_requests(offer, now)]


def file(
    offer: Offer, rows: Sequence[tuple[int, Cells]], *, office: Office, by: Official, sworn: bool
) -> list[Application]:
    """File for everybody, or for nobody. `rows`: (number of the row as shown, cells by column key).

    Raises RequestInvalid whose faults begin with the number of the row, and whatever `submit_for_others` raises.
    """
    if not rows:
        raise RequestInvalid([ClaimFault("rows", _("Fill in at least one person."))])
    if not sworn:
        raise RequestInvalid([ClaimFault("sworn", _("The declaration that the requests are true is missing."))])
    columns = columns_of(offer.category)
    faults, asked = [], []
    for number, cells in rows:
        try:
            asked.append(_request(columns, cells))
        except RequestInvalid as error:
            faults += [ClaimFault(f"{number}: {fault.field}", fault.message) for fault in error.faults]
    if faults:
        raise RequestInvalid(faults)
    try:
        return submit_for_others(offer, asked, office=office, by=by)
    except RequestInvalid as error:
        raise RequestInvalid([_as_shown(fault, rows) for fault in error.faults]) from None


def _as_shown(fault: ClaimFault, rows: Sequence[tuple[int, Cells]]) -> ClaimFault:
    """The number of the row as the head sees it, in place of the count of filled rows."""
    count, colon, name = fault.field.partition(":")
    if not count.isdigit():
        return fault
    return ClaimFault(f"{rows[int(count) - 1][0]}{colon}{name}", fault.message)


def _request(columns: Sequence[Column], cells: Cells) -> Request:
    """One person's request. Raises RequestInvalid naming columns by their labels."""
    values: dict[str, str] = {}
    faults = []
    for column in columns:
        try:
            values[column.key] = _value(column, cells.get(column.key, "").strip())
        except ValueError as error:
            faults.append(ClaimFault(str(column.label), str(error)))
    if faults:
        raise RequestInvalid(faults)
    person: dict[str, Any] = {name: values[name] for name in PERSON}
    person["birth"] = date.fromisoformat(values["birth"])
    claims: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        kind, *names = key.split(".")
        if names:
            _put(claims.setdefault(kind, {}), names, value)
    return Request(Applicant(**person), claims, sworn=True)


def _put(claim: dict[str, Any], names: Sequence[str], value: str) -> None:
    if len(names) == 1:
        claim[names[0]] = value
    else:
        claim.setdefault(names[0], {})[names[1]] = value


def _value(column: Column, text: str) -> str:
    """The text as a request takes it. Raises ValueError with what is wrong."""
    if not text:
        if column.needed:
            raise ValueError(_("This is needed."))
        return ""
    if column.kind == "date":
        return parse_date(text).isoformat()
    if column.key == "sex":
        if text not in SEXES:
            raise ValueError(_("Write M or F, 男 or 女, or leave it empty."))
        return SEXES[text]
    return text
