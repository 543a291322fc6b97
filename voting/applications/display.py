"""How the officials' pages put an application into words: days in both calendars, claims, the roll row beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from voting.applications.claims import EVIDENCE, PERIODS, ClaimField, FieldKind, Label, claimed_spans
from voting.applications.models import Application
from voting.applications.rules import Span
from voting.eras import PartialDate, era_date
from voting.roll.characters import fold_address, fold_kana, fold_name
from voting.roll.models import Elector


def day_text(day: date) -> str:
    """令和8年11月21日 (2026-11-21)."""
    return f"{era_date(day)} ({day:%Y-%m-%d})"


def moment_text(at: datetime) -> str:
    """令和8年11月21日 17:00 (2026-11-21), in Japan's time."""
    local = timezone.localtime(at)
    return f"{era_date(local.date())} {local:%H:%M} ({local:%Y-%m-%d})"


def partial_day_text(day: PartialDate) -> str:
    """As `day_text`; parts of a roll's date that are unknown are 不詳."""
    if day.month is not None and day.day is not None:
        return day_text(date(day.year, day.month, day.day))
    return f"{day.year}年{day.month}月不詳" if day.month else f"{day.year}年不詳"


def span_text(start: date, end: date | None) -> str:
    """From one day to another, or with no known end."""
    last = day_text(end) if end else _("no known end")
    return f"{day_text(start)} – {last}"


# What is stated


@dataclass(frozen=True)
class Stated:
    """One piece of evidence with what is stated about it: (label, value) of each claim."""

    kind: str
    label: Label
    lines: tuple[tuple[Label, str], ...]


def stated(claims: Mapping[str, Mapping[str, Any]]) -> list[Stated]:
    """The claims of an application in words, in the order of their kinds' fields."""
    return [Stated(kind, EVIDENCE[kind].label, tuple(_lines(kind, claim))) for kind, claim in claims.items()]


def _lines(kind: str, claim: Mapping[str, Any]) -> Iterator[tuple[Label, str]]:
    spans = claimed_spans(EVIDENCE[kind], claim)
    for field in EVIDENCE[kind].fields:
        if field.name in claim:
            yield field.label, _value(field, claim[field.name], spans)


def _value(field: ClaimField, value: Any, spans: Mapping[str, Span]) -> str:
    if field.kind is FieldKind.DATE:
        return day_text(date.fromisoformat(value))
    if field.kind is FieldKind.CHOICE:
        return str(dict(field.choices)[value])
    if field.kind is FieldKind.SPAN:
        span = spans[field.name]
        return span_text(span.start, span.end) if span.start else ""
    return str(value)


def claimed_period(application: Application) -> Span | None:
    """The period that somebody else is asked to confirm."""
    for kind, claim in application.claims.items():
        spans = claimed_spans(EVIDENCE[kind], claim)
        for name in PERIODS:
            if name in spans:
                return spans[name]
    return None


def claimed_issuer(application: Application) -> str:
    """Who, as stated, has asked the voter to stay in."""
    issuers = (claim["issuer"] for claim in application.claims.values() if "issuer" in claim)
    return str(next(issuers, ""))


# The roll row beside it


class Verdict(Enum):
    """How an attribute as stated and as on the roll compare."""

    SAME = gettext_lazy("same")
    VARIANT = gettext_lazy("same, written with other characters")
    FORMER = gettext_lazy("same as the former or common name")
    DIFFERENT = gettext_lazy("DIFFERENT")
    UNSTATED = gettext_lazy("not stated")


@dataclass(frozen=True)
class Compared:
    """One attribute, as the applicant states it and as the roll has it."""

    label: Label
    stated: str
    on_roll: str
    verdict: Verdict

    @property
    def differs(self) -> bool:
        """Whether a reviewer must look at it."""
        return self.verdict is Verdict.DIFFERENT


def compare(application: Application, elector: Elector) -> list[Compared]:
    """The attributes that both have, side by side."""
    building = elector.address + elector.building
    addresses = {fold_address(elector.address), fold_address(building)}
    stated_address = fold_address(application.address)
    born, birth = partial_day_text(elector.birth), day_text(application.birth)
    return [
        Compared(_("full name"), application.name, _named(elector), _name_verdict(application.name, elector)),
        Compared(
            _("reading"),
            application.kana,
            elector.kana,
            _verdict(application.kana, elector.kana, fold_kana(application.kana) == fold_kana(elector.kana)),
        ),
        Compared(_("date of birth"), birth, born, _verdict(birth, born, birth == born)),
        Compared(
            _("sex"),
            application.get_sex_display(),
            elector.get_sex_display(),
            _verdict(application.sex, elector.sex, application.sex == elector.sex),
        ),
        Compared(
            _("address"),
            application.address,
            building,
            _verdict(application.address, building, stated_address in addresses),
        ),
    ]


def _verdict(stated_text: str, on_roll: str, alike: bool) -> Verdict:
    if not stated_text:
        return Verdict.UNSTATED
    if stated_text == on_roll:
        return Verdict.SAME
    return Verdict.VARIANT if alike else Verdict.DIFFERENT


def _name_verdict(name: str, elector: Elector) -> Verdict:
    if elector.other_name and fold_name(name) == fold_name(elector.other_name):
        return Verdict.FORMER
    return _verdict(name, elector.name, fold_name(name) == fold_name(elector.name))


def _named(elector: Elector) -> str:
    return f"{elector.name}（{elector.other_name}）" if elector.other_name else elector.name
