"""Who may vote on what: marks, moves, age, and the ballot that has just these contests."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.voting import kakuu
from tests.voting.kakuu import World
from tests.voting.offices import Town
from voting.elections.models import Contest, Scope, Unit
from voting.errors import NotEligible
from voting.roll.eligibility import contests_in, scopes_of, style_for, style_with
from voting.roll.models import Elector, Mark, Roll

pytestmark = pytest.mark.django_db

EVERYTHING = {"national", "prefectural", "municipal"}


@pytest.fixture
def world(town: Town) -> World:
    return kakuu.world(town)


def contests(elector: Elector) -> set[str]:
    style = style_for(elector)
    assert style.unit == elector.district.unit
    return {contest.identifier for contest in style.contests.all()}


def somebody(world: World, **fields: Any) -> Elector:
    return kakuu.elector(world.election, "somebody", name="架空　誰", **fields)


@pytest.mark.parametrize(
    ("who", "votes"),
    [
        ("taro", EVERYTHING),
        ("hanako", EVERYTHING),
        ("young", EVERYTHING),
        ("moved", {"national"}),
        ("kept", {"national", "prefectural"}),
        ("overseas", {"national"}),
    ],
)
def test_everybody_gets_the_ballot_of_their_franchise(world: World, who: str, votes: set[str]) -> None:
    """Of their own counting unit, with just the contests that the law gives them (法44③, 49の2)."""
    assert contests(world.electors[who]) == votes


@pytest.mark.parametrize("mark", [Mark.DEAD, Mark.SUSPENDED, Mark.LOST, Mark.STRUCK])
def test_a_mark_takes_the_franchise(world: World, mark: Mark) -> None:
    """Requirement 4: at once, with the reason."""
    assert style_for(world.electors["taro"])
    Elector.objects.filter(number="taro").update(mark=mark)
    taro = Elector.objects.get(number="taro")
    with pytest.raises(NotEligible) as refusal:
        style_for(taro)
    assert str(mark.label) in refusal.value.reason and refusal.value.where == taro.list_number
    assert taro.name not in str(refusal.value)
    assert scopes_of(taro) == frozenset()


def test_eighteen_on_election_day_is_old_enough(world: World) -> None:
    """Who turns 18 on the day counts from the day before the birthday; one born a day later does not vote."""
    assert world.electors["young"].birth.age_on(world.e(-1).date()) == 17
    assert contests(world.electors["young"]) == EVERYTHING
    with pytest.raises(NotEligible, match="18"):
        style_for(world.electors["too_young"])


def test_an_unknown_birthday_counts_as_the_last_possible(world: World) -> None:
    row = somebody(world, birth=date(2012, 1, 1))
    row.birth_month = row.birth_day = None
    with pytest.raises(NotEligible):
        style_for(row)
    row.birth_year = 2011
    assert contests(row) == EVERYTHING


def test_without_election_day_nobody_is_old_enough(world: World) -> None:
    taro = Elector.objects.get(number="taro")
    taro.election.election_day = None
    with pytest.raises(NotEligible):
        style_for(taro)


@pytest.mark.parametrize(
    ("fields", "scopes"),
    [
        ({}, EVERYTHING),
        ({"municipal": False}, {"national", "prefectural"}),
        ({"national": False}, {"prefectural", "municipal"}),
        ({"mark": Mark.MOVED}, {"national"}),
        ({"mark": Mark.MOVED, "kept_in_prefecture": True}, {"national", "prefectural"}),
        ({"mark": Mark.MOVED, "kept_in_prefecture": True, "prefectural": False}, {"national"}),
        ({"mark": Mark.MOVED, "national": False}, set()),
        ({"roll": Roll.OVERSEAS}, {"national"}),
        ({"roll": Roll.OVERSEAS, "national": False}, set()),
        ({"roll": Roll.OVERSEAS, "mark": Mark.MOVED, "kept_in_prefecture": True}, {"national"}),
        ({"mark": Mark.DEAD}, set()),
        ({"mark": Mark.STRUCK, "kept_in_prefecture": True}, set()),
    ],
)
def test_the_franchise(world: World, fields: dict[str, Any], scopes: set[str]) -> None:
    assert {scope.value for scope in scopes_of(somebody(world, **fields))} == scopes


@pytest.mark.parametrize("who", ["moved", "kept", "overseas"])
def test_who_moved_has_no_vote_in_the_municipality(town: Town, who: str) -> None:
    """In an election of the municipality alone nothing is left, and it says so."""
    world = kakuu.world(town, slug="city", scopes=(Scope.MUNICIPAL,))
    assert contests(world.electors["taro"]) == {"municipal"}
    with pytest.raises(NotEligible, match="no contest"):
        style_for(world.electors[who])


def test_no_ballot_that_has_more_is_given_instead(world: World) -> None:
    """Without a ballot of just these contests there is none, rather than one too many."""
    with pytest.raises(NotEligible, match="No ballot"):
        style_for(somebody(world, national=False))
    unit = world.electors["taro"].district.unit
    every = {contest.pk for contest in contests_in(unit)}
    assert style_with(unit, every) is not None
    for contest in every:
        only = style_with(unit, {contest})
        assert (only is not None) is (Contest.objects.get(pk=contest).scope == Scope.NATIONAL)
    assert style_with(unit, set()) is None


def test_contests_of_another_unit_do_not_count(world: World) -> None:
    """A contest on the ballots of one unit only is none of the other's."""
    other = Unit.objects.get(identifier="u2")
    style = other.styles.earliest("position")
    extra = Contest.objects.create(
        election=world.election, position=9, identifier="ward", title="区", kind="choose-one", scope=Scope.MUNICIPAL
    )
    style.places.create(contest=extra, position=9)
    assert contests(world.electors["taro"]) == EVERYTHING
    assert contests(world.electors["hanako"]) == {*EVERYTHING, "ward"}
    assert list(contests_in(other)).count(extra) == 1


def test_a_later_election_day_makes_people_old_enough(town: Town) -> None:
    """Age is that of election day, not of today (法43)."""
    later = kakuu.world(town, slug="later", election_day=kakuu.ELECTION_DAY + timedelta(7))
    born = kakuu.ELECTION_DAY.replace(year=2012) + timedelta(8)
    assert contests(somebody(later, birth=born)) == EVERYTHING
