"""The invented city has every case that a demonstration should show, and each voter's choices are answers."""

from __future__ import annotations

from collections import Counter

import pytest

from voting.demo.preflib import RankedBallots
from voting.demo.run import MINIMUM_GROUP
from voting.demo.town import BLANK, QUESTIONS, SMALL_UNIT, UNITS, Scenario, association, city


@pytest.fixture(scope="module")
def town() -> Scenario:
    return city(40)


def test_three_units_of_which_one_is_below_the_minimum_group(town: Scenario) -> None:
    sizes = Counter(voter.unit for voter in town.voters)
    assert set(sizes) == {unit for unit, _ in UNITS} and len(UNITS) == 3
    assert {unit for unit, size in sizes.items() if size < MINIMUM_GROUP} == {SMALL_UNIT}
    assert sizes.total() == 40


def test_revotes_a_withdrawal_a_challenge_and_blank_votes(town: Scenario) -> None:
    assert Counter(len(voter.ballots) for voter in town.voters) == {1: 35, 2: 5}
    assert sum(voter.votes_on_paper for voter in town.voters) == 1
    assert sum(voter.challenges for voter in town.voters) == 1
    last = [voter.ballots[-1] for voter in town.voters if not voter.votes_on_paper]
    assert any(ballot["mayor"] == BLANK for ballot in last)
    assert any(ballot["council"] == BLANK for ballot in last)
    assert any(ballot["review"] == () for ballot in last)


def test_some_revotes_change_the_answer(town: Scenario) -> None:
    """Otherwise counting the first ballot would give the same result."""
    again = [voter.ballots for voter in town.voters if len(voter.ballots) == 2]
    assert any(first["mayor"] != second["mayor"] for first, second in again)


@pytest.mark.parametrize("voters", [40, 41, 250])
def test_every_choice_is_an_answer_to_its_question(voters: int) -> None:
    scenario = city(voters)
    assert [question.id for question in scenario.questions] == ["mayor", "council", "review"]
    assert len({voter.id for voter in scenario.voters}) == voters
    for question in QUESTIONS:
        ids = {option.id for option in question.options}
        assert len(ids) == len(question.options)
        for voter in scenario.voters:
            for ballot in voter.ballots:
                choice = ballot[question.id]
                marks = choice if question.kind == "choose-several" else (choice,)
                assert set(marks) <= ids | ({BLANK} if question.blank and question.kind != "choose-several" else set())
                assert question.kind != "choose-several" or question.least <= len(marks) <= question.most


def test_the_city_is_the_same_every_time_and_another_with_another_seed() -> None:
    assert city(40) == city(40)
    assert city(40) != city(40, seed=1)


def test_more_voters_make_the_other_units_larger_not_the_small_one() -> None:
    sizes = Counter(voter.unit for voter in city(200).voters)
    assert sizes[SMALL_UNIT] == 3 and sizes.total() == 200


def test_ranked_ballots_become_an_election_with_two_contests() -> None:
    """The ranking as it is, and its first preference for the homomorphic count."""
    ranked = RankedBallots("会長選挙", ("松", "竹", "梅"), ((2, 0), (1,), (0, 1, 2)))
    scenario = association(ranked)
    ranking, first = scenario.questions
    assert (ranking.kind, first.kind) == ("ranking", "choose-one")
    assert ranking.most == 3 and ranking.options == first.options
    assert [option.name for option in ranking.options] == ["松", "竹", "梅"]
    assert [voter.ballots for voter in scenario.voters] == [
        ({"ranking": ("a3", "a1"), "first": "a3"},),
        ({"ranking": ("a2",), "first": "a2"},),
        ({"ranking": ("a1", "a2", "a3"), "first": "a1"},),
    ]
    assert len({voter.id for voter in scenario.voters}) == 3
    assert {voter.unit for voter in scenario.voters} <= {unit for unit, _ in UNITS}
