"""Dividing votes for a name that several candidates bear (按分, 公職選挙法68条の2): the form and what it computes.

The online votes come from the published result, the rest is typed in. Nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from verifier.proration import CannotProrate, prorate
from verifier.record.manifest import Kind
from voting.board.replica import replica_of
from voting.elections.models import Candidate, Contest, Election
from voting.roll.characters import fold_name

MOST_VOTES = 200_000_000
"""more than there are people in the country"""
FEWEST = 2
"""candidates who can share a name"""


@dataclass(frozen=True)
class Area:
    """Counting units whose ballots were counted together, and their online votes."""

    number: int
    name: str
    units: int
    online: Mapping[str, int]
    """candidate's id → votes; empty where the contest is withheld"""


@dataclass(frozen=True)
class Line:
    """What one candidate gets in an area."""

    candidate: Candidate
    online: int
    paper: int
    exact: str
    truncated: Decimal
    together: Decimal


@dataclass(frozen=True)
class Shared:
    """The votes of an area, divided; `problem` where the law names no way."""

    area: Area
    ambiguous: int
    lines: list[Line]
    residual: str
    problem: str


def contests(election: Election) -> list[Contest]:
    """Contests in which somebody on paper may write a name that several bear."""
    return list(election.contests.filter(kind__in=(Kind.CHOOSE_ONE, Kind.INDEX)).prefetch_related("candidates"))


def areas(election: Election, contest: Contest) -> list[Area]:
    """The groups of the published result; none before it is published."""
    replica = replica_of(election.pk)
    with replica.lock:
        state = replica.catch_up().state
        if state.result is None or state.manifest is None:
            return []
        [tally] = [tally for tally in state.tallies if tally.contest.id == contest.identifier]
        [published] = [one for one in state.result["contests"] if one["contest"] == contest.identifier]
        names = state.manifest.unit_names
        counted = [{line["answer"]: line["count"] for line in group["counts"]} for group in published["groups"]]
        return [
            Area(number, _(", ").join(names[unit] for unit in group.units), len(group.units), online)
            for number, (group, online) in enumerate(
                zip(tally.groups, counted or [{}] * len(tally.groups), strict=True)
            )
        ]


def namesakes(candidates: Iterable[Candidate]) -> list[tuple[str, list[Candidate]]]:
    """(what several have in common, who): the whole name, or a part of it where the parts stand apart."""
    bearers: dict[str, list[Candidate]] = {}
    called: dict[str, str] = {}
    for candidate in candidates:
        for part in dict.fromkeys([candidate.name, *candidate.name.split()]):
            key = fold_name(part)
            called.setdefault(key, part)
            if candidate not in bearers.setdefault(key, []):
                bearers[key].append(candidate)
    return [(called[key], found) for key, found in bearers.items() if len(found) >= FEWEST]


class SharingForm(forms.Form):
    """The votes on paper of each area: one for a candidate each, and those for the name alone."""

    def __init__(self, found: list[Area], chosen: list[Candidate], data: Any = None) -> None:
        super().__init__(data)
        self.areas, self.chosen = found, chosen
        for area in found:
            for candidate in chosen:
                label = _("%(candidate)s: other valid votes on paper") % {"candidate": candidate.name}
                self.fields[f"p{area.number}-{candidate.identifier}"] = _votes(label)
            self.fields[f"a{area.number}"] = _votes(_("Votes for the shared name alone"))

    def parts(self) -> list[tuple[Area, list[forms.BoundField]]]:
        """Each area with its fields."""
        return [
            (area, [*(self[f"p{area.number}-{one.identifier}"] for one in self.chosen), self[f"a{area.number}"]])
            for area in self.areas
        ]

    def shared(self) -> list[Shared]:
        """The votes divided, area by area; of a form that is valid."""
        return [self._shared(area) for area in self.areas]

    def _shared(self, area: Area) -> Shared:
        ambiguous = self.cleaned_data[f"a{area.number}"] or 0
        paper = {one.identifier: self.cleaned_data[f"p{area.number}-{one.identifier}"] or 0 for one in self.chosen}
        online = {one.identifier: area.online.get(one.identifier, 0) for one in self.chosen}
        try:
            found = prorate({name: paper[name] + online[name] for name in paper}, ambiguous)
        except CannotProrate:
            # Whole numbers from a form, and two candidates at least: nothing else can be wrong with them.
            sentence = _("Nobody of this name has any other valid vote here, so the law names no proportion.")
            return Shared(area, ambiguous, [], "", sentence)
        lines = [
            Line(
                one,
                online[one.identifier],
                paper[one.identifier],
                mixed(found.shares[one.identifier].exact),
                found.shares[one.identifier].truncated,
                online[one.identifier] + paper[one.identifier] + found.shares[one.identifier].truncated,
            )
            for one in self.chosen
        ]
        return Shared(area, ambiguous, lines, mixed(found.residual), "")


def _votes(label: str) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=0, max_value=MOST_VOTES, required=False)


def mixed(value: Fraction) -> str:
    """A fraction as people write it: 112 1/2."""
    whole, rest = divmod(value.numerator, value.denominator)
    if not rest:
        return str(whole)
    return f"{whole} {rest}/{value.denominator}" if whole else f"{rest}/{value.denominator}"


TOO_FEW = gettext_lazy("Choose at least two candidates who bear the name.")
