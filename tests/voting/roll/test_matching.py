"""Who the applicant is: four attributes as compared, exactly one row, or officials look."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from tests.voting import kakuu
from tests.voting.kakuu import World
from tests.voting.offices import Town
from voting.eras import PartialDate
from voting.roll.matching import Person, candidates, match, person_key, search
from voting.roll.models import Elector, Roll

TAKAHASHI = Person("髙橋　一郎", date(1980, 4, 1), "M", "架空市港一丁目2番地3号架空荘101")
names = st.text(st.characters(categories=("Lo", "Ll", "Nd")), min_size=1, max_size=10)


@pytest.fixture
def world(town: Town) -> World:
    return kakuu.world(town)


def keys(found: Any) -> set[str]:
    return {elector.number for elector in found}


# The key


def test_variants_have_one_key() -> None:
    born = PartialDate(1980, 4, 1)
    one = person_key("髙橋　一郎", born, "M")
    assert len(one) == 16
    for name in ("高橋一郎", "髙󠄀橋 一郎", "高橋　一郎"):
        assert person_key(name, born, "M") == one


@given(names, names, st.dates(), st.dates(), st.sampled_from(["M", "F", ""]), st.sampled_from(["M", "F", ""]))
def test_other_people_have_other_keys(first: str, second: str, born: date, other: date, sex: str, further: str) -> None:
    """Also where what is joined could be cut elsewhere."""
    from voting.roll.characters import fold_name

    same = (fold_name(first), born, sex) == (fold_name(second), other, further)
    mine = person_key(first, PartialDate(born.year, born.month, born.day), sex)
    theirs = person_key(second, PartialDate(other.year, other.month, other.day), further)
    assert (mine == theirs) is same


def test_what_is_unknown_of_a_birthday_is_part_of_the_key() -> None:
    known, unknown = PartialDate(1945, 3, 1), PartialDate(1945, 3)
    assert person_key("架空", known, "M") != person_key("架空", unknown, "M")
    assert person_key("架空", PartialDate(1945, 11, 1), "M") != person_key("架空", PartialDate(1945, 1, 11), "M")


# Matching


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["髙橋　一郎", "高橋一郎", "高橋 一郎", "髙󠄀橋一郎"])
@pytest.mark.parametrize(
    "address",
    [
        "架空市港一丁目2番地3号",
        "架空市港１－２－３",
        "架空市港1丁目2-3",
        "架空市港1-2-3 架空荘101",
        "架空市港一丁目２番３号　架空荘１０１号室",
    ],
)
def test_variants_and_forms_of_the_address_match(world: World, name: str, address: str) -> None:
    """With the building or without it."""
    found = match(world.election, replace(TAKAHASHI, name=name, address=address))
    assert found == world.electors["takahashi"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"name": "髙橋　二郎"},
        {"name": "髙椅　一郎"},
        {"birth": date(1980, 4, 2)},
        {"birth": date(1981, 4, 1)},
        {"sex": "F"},
        {"sex": ""},
        {"address": "架空市港一丁目2番地4号"},
        {"address": "架空市港一丁目2番地3号架空荘102"},
        {"address": "架空市港一丁目2番地"},
        {"address": "架空荘101"},
        {"address": ""},
    ],
)
def test_all_four_agree_or_nobody_matches(world: World, change: dict[str, Any]) -> None:
    assert match(world.election, TAKAHASHI) == world.electors["takahashi"]
    assert match(world.election, replace(TAKAHASHI, **change)) is None


@pytest.mark.django_db
def test_two_who_are_equal_are_nobody(world: World) -> None:
    """Requirement 8: exactly one row. Officials decide which of the two it is."""
    kakuu.elector(world.election, "same", name="高橋　一郎", address="架空市港1-2-3")
    assert match(world.election, replace(TAKAHASHI, address="架空市港1-2-3")) is None
    # The building tells them apart.
    assert match(world.election, TAKAHASHI) == world.electors["takahashi"]


@pytest.mark.django_db
def test_lookalikes_elsewhere_do_not_hide_anybody(world: World) -> None:
    twin = Person("斎藤実", date(1980, 4, 1), "M", "架空市中央5")
    assert match(world.election, twin) == world.electors["twin"]
    assert match(world.election, replace(twin, address="架空市港9")) == world.electors["other_twin"]


@pytest.mark.django_db
def test_each_roll_and_each_election_for_itself(world: World, town: Town) -> None:
    again = kakuu.world(town, slug="again")
    abroad = Person("架空洋", date(1980, 4, 1), "M", "架空市中央1-1-1")
    assert match(world.election, abroad) is None
    assert match(world.election, abroad, Roll.OVERSEAS) == world.electors["overseas"]
    assert match(again.election, TAKAHASHI) == again.electors["takahashi"]


@pytest.mark.django_db
def test_an_unknown_birthday_is_for_officials(world: World) -> None:
    Elector.objects.filter(number="takahashi").update(birth_day=None)
    row = Elector.objects.get(number="takahashi")
    row.person = person_key(row.name, row.birth, row.sex)
    row.save()
    assert match(world.election, TAKAHASHI) is None
    assert keys(candidates(world.election, TAKAHASHI)) == {"takahashi"}


# For officials' eyes


@pytest.mark.django_db
def test_candidates_are_alike(world: World) -> None:
    """The name as compared, the former name, or the birthday with the family name's first character."""
    Elector.objects.filter(number="hanako").update(other_name="高橋　一郎")
    kakuu.elector(world.election, "brother", name="高田　次郎")
    kakuu.elector(world.election, "older", name="高田　三郎", birth=date(1970, 1, 1))
    kakuu.elector(world.election, "namesake", name="高橋一郎", birth=date(1970, 1, 1), sex="F")
    found = candidates(world.election, replace(TAKAHASHI, name="高橋　一郎"))
    assert keys(found) == {"takahashi", "hanako", "brother", "namesake"}
    assert not candidates(world.election, TAKAHASHI, Roll.OVERSEAS).exists()


@pytest.mark.django_db
def test_candidates_are_few(world: World) -> None:
    for number in range(30):
        kakuu.elector(world.election, f"k{number}", name="架空　太郎")
    assert len(candidates(world.election, replace(TAKAHASHI, name="架空太郎"))) == 20


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("高橋", {"takahashi"}),
        ("髙橋 一", {"takahashi"}),
        ("たかはし", {"takahashi"}),
        ("タカハシ　イチ", {"takahashi"}),
        ("ﾀｶﾊｼ", {"takahashi"}),
        ("サイトウ", {"twin", "other_twin", "abroad_twin"}),
        ("斉藤実", {"twin", "other_twin", "abroad_twin"}),
        (" takahashi ", {"takahashi"}),
        ("橋", set()),
        ("nobody", set()),
        ("%", set()),
        ("_橋", set()),
        ("", set()),
        ("　 ", set()),
        ("\U000e0100", set()),
        ("\ufe00", set()),
    ],
)
def test_search(world: World, text: str, found: set[str]) -> None:
    """髙橋 is found by 高橋 and by how it is read; what folds to nothing finds nobody, not everybody."""
    assert keys(search(world.election, text)) == found


@pytest.mark.django_db
def test_a_roll_number_finds_its_row(world: World, town: Town) -> None:
    number = world.electors["hanako"].list_number
    kakuu.world(town, slug="again")
    assert list(search(world.election, number)) == [world.electors["hanako"]]


@pytest.mark.django_db
def test_a_list_of_what_was_found_asks_the_database_once(world: World) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert [elector.district.name for elector in search(world.election, "架空")]
    assert len(queries) == 1
