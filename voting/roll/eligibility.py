"""Who may vote on what: eligibility is a matter of elector and contest (公職選挙法9条, 11条, 43条, 44条)."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from voting.elections.models import Contest, Election, Scope, Style, Unit
from voting.errors import NotEligible
from voting.roll.models import Elector, Mark, Roll

VOTING_AGE = 18
WITHOUT_FRANCHISE = (Mark.DEAD, Mark.SUSPENDED, Mark.LOST, Mark.STRUCK)


def style_for(elector: Elector) -> Style:
    """The ballot style with exactly the contests that this person may vote on. Raises NotEligible with the reason."""
    election = elector.election
    _require_franchise(elector, election)
    scopes = scopes_of(elector)
    unit = elector.district.unit
    eligible = {contest.pk for contest in contests_in(unit) if contest.scope in scopes}
    if not eligible:
        raise NotEligible(_("There is no contest in which this person may vote."), str(elector.list_number))
    style = style_with(unit, eligible)
    if style is None:
        raise NotEligible(_("No ballot of this election has just the contests of this person."), elector.list_number)
    return style


def _require_franchise(elector: Elector, election: Election) -> None:
    if elector.mark in WITHOUT_FRANCHISE:
        raise NotEligible(
            _("The roll is marked: %(mark)s.") % {"mark": elector.get_mark_display()}, elector.list_number
        )
    if election.election_day is None:
        raise NotEligible(_("The election has no election day yet."), election.slug)
    if elector.birth.age_on(election.election_day) < VOTING_AGE:
        raise NotEligible(_("This person is not 18 on election day, as far as is known."), elector.list_number)


def scopes_of(elector: Elector) -> frozenset[Scope]:
    """The kinds of contest for which somebody on the roll has the franchise, marks and moves considered.

    Who moved away keeps the national one until struck off, and the prefectural one only when the new address is in
    the prefecture (法44③); the overseas roll is for national contests only (法49の2).
    """
    if elector.mark in WITHOUT_FRANCHISE:
        return frozenset()
    moved = elector.mark == Mark.MOVED
    overseas = elector.roll == Roll.OVERSEAS
    scopes = {
        Scope.NATIONAL: elector.national,
        Scope.PREFECTURAL: elector.prefectural and not overseas and (not moved or elector.kept_in_prefecture),
        Scope.MUNICIPAL: elector.municipal and not overseas and not moved,
    }
    return frozenset(scope for scope, franchise in scopes.items() if franchise)


def contests_in(unit: Unit) -> Iterable[Contest]:
    """Every contest that some ballot style of a counting unit has."""
    return Contest.objects.filter(places__style__unit=unit).distinct()


def style_with(unit: Unit, contests: set[int]) -> Style | None:
    """The unit's ballot style with exactly these contests."""
    for style in unit.styles.prefetch_related("places"):
        if {place.contest_id for place in style.places.all()} == contests:
            return style
    return None
