"""Who is elected: each form by its law, ties left to the lot, nothing rounded.

That random elections agree with a second count is in `test_independent_count.py`; here are the cases to read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.election import contest, option
from verifier.outcome import Candidate, Decides, Lot, Outcome, outcome, outcome_record
from verifier.record.manifest import Contest, Form, parse_contest

Counts = Mapping[str, int]


def of(kind: str, options: list[dict[str, Any]], **changes: Any) -> Contest:
    return parse_contest({**contest("c", kind, []), "options": options, **changes}, "contest")


def people(*ids: str) -> list[dict[str, Any]]:
    return [option(one, one.upper()) for one in ids]


def total(counts: Counts, blank: int | None = 0, ballots: int | None = None, invalid: int = 0) -> dict[str, Any]:
    lines = [{"answer": answer, "count": count} for answer, count in counts.items()]
    said = sum(counts.values()) + (blank or 0) + invalid if ballots is None else ballots
    return {"ballots": said, "blank": blank, "counts": lines, "invalid": invalid}


def ranked(counts: Counts) -> dict[str, Any]:
    """Rankings as words of one letter for each option."""
    lines = [{"answer": list(word), "count": count} for word, count in sorted(counts.items())]
    return {"ballots": sum(counts.values()), "blank": 0, "counts": lines, "invalid": 0}


def elected(decided: Outcome) -> list[str]:
    return [one.answer for one in decided.elected]


def lots(decided: Outcome) -> list[tuple[str, list[str], int]]:
    return [(str(lot.decides), [one.answer for one in lot.among], lot.places) for lot in decided.lots]


# The most votes


def test_one_seat_is_for_the_most_votes() -> None:
    single = of("choose-one", people("a", "b", "c"))
    decided = outcome(single, total({"a": 3, "b": 4, "c": 3}, blank=100, invalid=5))
    assert decided == Outcome(Form.SINGLE, elected=(Candidate("b", 0, "B"),))


def test_a_tie_for_one_seat_elects_nobody() -> None:
    """Not the first on the list, not anybody: whoever shows this has to show a lot."""
    single = of("choose-one", people("a", "b", "c"))
    decided = outcome(single, total({"a": 4, "b": 1, "c": 4}))
    assert decided.elected == () and decided.vacant == 0
    assert decided.lots == (Lot(Decides.ELECTION, (Candidate("a", 0, "A"), Candidate("c", 0, "C")), 1),)


@pytest.mark.parametrize(
    ("counts", "seats", "expected", "lot", "vacant"),
    [
        ((5, 9, 7, 1), 2, ["b", "c"], [], 0),
        ((5, 9, 5, 5), 2, ["b"], [("election", ["a", "c", "d"], 1)], 0),
        ((5, 9, 5, 5), 3, ["b"], [("election", ["a", "c", "d"], 2)], 0),
        ((5, 9, 5, 5), 4, ["b", "a", "c", "d"], [], 0),
        ((5, 9, 9, 1), 2, ["b", "c"], [], 0),
        ((5, 0, 0, 0), 3, ["a"], [], 2),
        ((0, 0, 0, 0), 3, [], [], 3),
        ((1, 1, 1, 1), 9, ["a", "b", "c", "d"], [], 5),
    ],
)
def test_several_seats(counts: tuple[int, ...], seats: int, expected: list[str], lot: list[Any], vacant: int) -> None:
    """A tie above the last seat needs no lot; one across it does; nobody is elected by no votes."""
    council = of("index", people("a", "b", "c", "d"), form="SNTV", seats=seats)
    decided = outcome(council, total(dict(zip("abcd", counts, strict=True))))
    assert (elected(decided), lots(decided), decided.vacant) == (expected, lot, vacant)


def test_written_names_are_elected_as_they_were_written() -> None:
    """髙橋 and 高橋 are two names until people have decided otherwise (adjudication comes before this count)."""
    committee = of("text", [], most=40, seats=2)
    decided = outcome(committee, total({"佐藤": 2, "高橋": 1, "髙橋": 3}, blank=7))
    assert [(one.answer, one.name) for one in decided.elected] == [("髙橋", "髙橋"), ("佐藤", "佐藤")]
    tied = outcome(committee, total({"佐藤": 2, "高橋": 2, "髙橋": 3}))
    assert lots(tied) == [("election", ["佐藤", "高橋"], 1)]
    assert outcome(committee, total({}, blank=3)).vacant == 2


# Lists


def closed(seats: int, **lists: int) -> Contest:
    """Lists with so many candidates."""
    made = [option(name, name, candidates=[f"{name}{at}" for at in range(1, size + 1)]) for name, size in lists.items()]
    return of("choose-one", made, form="PR_CLOSED", seats=seats)


def seats(decided: Outcome) -> dict[str, int]:
    return {one.answer: one.seats for one in decided.lists}


def test_dhondt() -> None:
    """Six seats; the quotients in order are 1500, 900, 750, 500, 450 and 420. None is rounded."""
    block = closed(6, a=10, b=10, c=10)
    decided = outcome(block, total({"a": 1500, "b": 900, "c": 420}))
    assert seats(decided) == {"a": 3, "b": 2, "c": 1} and not decided.lots
    assert [(one.answer, one.position, one.name) for one in decided.elected] == [
        ("a", 1, "a1"), ("b", 1, "b1"), ("a", 2, "a2"), ("a", 3, "a3"), ("b", 2, "b2"), ("c", 1, "c1"),
    ]  # fmt: skip
    record = outcome_record(decided)
    assert [one["quotients"] for one in record["lists"]] == [
        ["1500/1", "750/1", "500/1"],
        ["900/1", "450/1"],
        ["420/1"],
    ]


def test_quotients_are_exact() -> None:
    """3·10^30 / 3 and 10^30 + 1 differ in the last of 31 digits: with floats it would be a tie."""
    votes = 10**30
    block = closed(4, a=5, b=5)
    decided = outcome(block, total({"a": 3 * votes, "b": votes + 1}))
    assert seats(decided) == {"a": 3, "b": 1} and not decided.lots
    assert decided.elected[2].answer == "b"
    assert outcome(closed(3, a=5, b=5), total({"a": 3 * votes, "b": votes})).lots


def test_seats_that_a_list_cannot_fill_go_to_the_next_quotient() -> None:
    """A list has as many quotients as candidates (95条の2①)."""
    decided = outcome(closed(4, a=1, b=9), total({"a": 900, "b": 100}))
    assert seats(decided) == {"a": 1, "b": 3} and decided.vacant == 0
    short = outcome(closed(4, a=1, b=2), total({"a": 900, "b": 100}))
    assert seats(short) == {"a": 1, "b": 2} and short.vacant == 1 and not short.lots


def test_a_list_without_votes_gets_no_seat() -> None:
    decided = outcome(closed(4, a=2, b=9), total({"a": 1, "b": 0}))
    assert seats(decided) == {"a": 2, "b": 0} and decided.vacant == 2
    assert outcome(closed(4, a=2), total({"a": 0}, blank=3)).vacant == 4


def test_a_tie_between_lists_is_for_the_lot() -> None:
    """95条の2②: three lists have the quotient 300 and there are two seats for it."""
    decided = outcome(closed(4, a=5, b=5, c=5, d=5), total({"a": 600, "b": 300, "c": 300, "d": 310}))
    assert seats(decided) == {"a": 1, "b": 0, "c": 0, "d": 1}
    assert [one.contested for one in decided.lists] == [True, True, True, False]
    assert lots(decided) == [("election", ["a", "b", "c"], 2)]
    assert elected(decided) == ["a", "d"]


def test_a_tie_above_the_last_seat_needs_no_lot() -> None:
    decided = outcome(closed(3, a=2, b=2), total({"a": 10, "b": 10}))
    assert lots(decided) == [("election", ["a", "b"], 1)]
    assert not outcome(closed(4, a=2, b=2), total({"a": 10, "b": 10})).lots


def nation(number: int, *first: str) -> Contest:
    """Lists a and b with four candidates each; those in `first` are elected first, in this order."""
    made = []
    for party in "ab":
        made.append(option(party, party.upper()))
        for name in (f"{party}{at}" for at in range(1, 5)):
            place = first.index(name) + 1 if name in first else 0
            made.append(option(name, name.upper(), list=party, priority=place))
    return of("index", made, form="PR_OPEN", seats=number)


def votes(**counts: int) -> dict[str, Any]:
    everybody = ["a", "a1", "a2", "a3", "a4", "b", "b1", "b2", "b3", "b4"]
    return total({one: counts.get(one, 0) for one in everybody})


def test_votes_for_candidates_are_votes_for_their_list() -> None:
    """95条の3: the list has 10 + 3 + 2, and its seats go by the votes of its candidates."""
    decided = outcome(nation(3), votes(a=10, a3=3, a4=2, b=9))
    assert [(one.answer, one.votes, one.seats) for one in decided.lists] == [("a", 15, 2), ("b", 9, 1)]
    assert [one.answer for one in decided.lists[0].elected] == ["a3", "a4"]


def test_some_are_elected_before_all_others() -> None:
    """特定枠: a4 and a2 without a vote of their own before a1 with most; their votes count for the list (68条の3)."""
    decided = outcome(nation(3, "a4", "a2"), votes(a=1, a1=90, a3=5, a2=4))
    assert elected(decided) == ["a4", "a2", "a1"]
    assert decided.lists[0].votes == 100
    assert [[one.answer for one in group] for group in decided.lists[0].order] == [["a4"], ["a2"], ["a1"], ["a3"]]


def test_a_tie_of_candidates_is_for_the_lot() -> None:
    """95条の3: the second seat of the list is for a2 or a3, and for nobody else."""
    decided = outcome(nation(2), votes(a1=9, a2=4, a3=4))
    assert elected(decided) == ["a1"]
    assert lots(decided) == [("election", ["a2", "a3"], 1)]
    assert [[one.answer for one in group] for group in decided.lists[0].order] == [["a1"], ["a2", "a3"], ["a4"]]


def test_a_list_of_which_nobody_was_named_leaves_all_to_the_lot() -> None:
    decided = outcome(nation(2), votes(a=9))
    assert elected(decided) == [] and lots(decided) == [("election", ["a1", "a2", "a3", "a4"], 2)]


def test_a_lot_between_lists_comes_before_those_of_their_candidates() -> None:
    """a and b have one seat each and one of them a second: b2 and b3 draw only if it falls on b."""
    decided = outcome(nation(3), votes(a=6, a1=4, b=3, b1=5, b2=1, b3=1))
    assert seats(decided) == {"a": 1, "b": 1} and all(one.contested for one in decided.lists)
    assert lots(decided) == [("election", ["a", "b"], 1)]
    assert elected(decided) == ["a1", "b1"]


def test_who_has_a_seat_however_the_lot_of_lists_falls() -> None:
    """Candidates level across a list's sure seats are not elected yet, nor is it said who draws for how many places."""
    decided = outcome(nation(3), votes(a1=5, a2=5, b1=9, b2=1))
    assert elected(decided) == ["b1"]
    assert lots(decided) == [("election", ["a", "b"], 1)]
    assert [[one.answer for one in group] for group in decided.lists[0].order] == [["a1", "a2"], ["a3", "a4"]]


# Judges and questions


def test_a_judge_is_dismissed_by_more_than_half() -> None:
    """国民審査法32条. A blank ballot keeps everybody; with as many for as against, a judge stays."""
    judges = of("choose-several", people("a", "b", "c"), least=0, most=3)
    decided = outcome(judges, total({"a": 6, "b": 5, "c": 0}, blank=None, ballots=10))
    assert [(one.dismiss, one.keep, one.dismissed) for one in decided.judges] == [
        (6, 4, True), (5, 5, False), (0, 10, False),
    ]  # fmt: skip
    assert not decided.elected and not decided.lots and not decided.vacant


def test_no_ballots_dismiss_nobody() -> None:
    judges = of("choose-several", people("a"), least=0, most=1)
    assert not outcome(judges, total({"a": 0}, blank=None, ballots=0)).judges[0].dismissed


@pytest.mark.parametrize(
    ("counts", "leading", "majority"),
    [
        ((6, 5, 0), ["a"], "a"),
        ((6, 5, 1), ["a"], None),
        ((6, 6, 1), ["a", "b"], None),
        ((0, 0, 1), ["c"], "c"),
        ((0, 0, 0), [], None),
    ],
)
def test_a_question_is_answered_by_votes_and_never_by_lot(
    counts: tuple[int, ...], leading: list[str], majority: str | None
) -> None:
    """More than half of the valid votes; blank ones are not among them."""
    question = of("choose-one", people("a", "b", "c"), form="REFERENDUM")
    decided = outcome(question, total(dict(zip("abc", counts, strict=True)), blank=50))
    assert decided.answered is not None
    assert [one.answer for one in decided.answered.leading] == leading
    assert (decided.answered.majority.answer if decided.answered.majority else None) == majority
    assert elected(decided) == (leading if len(leading) == 1 else [])
    assert not decided.lots


# Rankings


CHAIR = of("ranking", people("a", "b", "c", "d"), most=4)


def rounds(decided: Outcome) -> list[tuple[dict[str, int], int, list[str]]]:
    return [
        ({line.answer: line.count for line in one.votes}, one.exhausted, [gone.answer for gone in one.eliminated])
        for one in decided.rounds
    ]


def test_an_instant_runoff() -> None:
    """The one with fewest first choices leaves, its ballots go on; one of them names nobody else."""
    decided = outcome(CHAIR, ranked({"a": 8, "bd": 6, "cb": 5, "c": 1, "dca": 3}))
    assert rounds(decided) == [
        ({"a": 8, "b": 6, "c": 6, "d": 3}, 0, ["d"]),
        ({"a": 8, "b": 6, "c": 9}, 0, ["b"]),
        ({"a": 8, "c": 9}, 6, []),
    ]
    assert elected(decided) == ["c"] and decided.vacant == 0


def test_more_than_half_ends_it() -> None:
    assert rounds(outcome(CHAIR, ranked({"ab": 3, "b": 2}))) == [({"a": 3, "b": 2, "c": 0, "d": 0}, 0, [])]


def test_those_who_are_last_together_leave_together_if_they_cannot_pass_anybody() -> None:
    """c and d have 2 + 2 < 5: whoever of them left first, the other would leave next."""
    decided = outcome(CHAIR, ranked({"a": 6, "b": 5, "cb": 2, "db": 2}))
    assert rounds(decided)[0] == ({"a": 6, "b": 5, "c": 2, "d": 2}, 0, ["c", "d"])
    assert elected(decided) == ["b"]


def test_otherwise_a_lot_decides_and_the_count_stops_there() -> None:
    """c and d have 2 + 2 = 4 votes: with those of the other, one of them could stay and b leave."""
    decided = outcome(CHAIR, ranked({"a": 5, "b": 4, "cd": 2, "dc": 2}))
    assert lots(decided) == [("elimination", ["c", "d"], 1)]
    assert rounds(decided) == [({"a": 5, "b": 4, "c": 2, "d": 2}, 0, [])]
    assert elected(decided) == [] and decided.vacant == 0


def test_a_tie_of_the_last_two_is_a_lot_for_the_seat() -> None:
    decided = outcome(CHAIR, ranked({"a": 3, "b": 3}))
    assert rounds(decided)[-1][0] == {"a": 3, "b": 3}
    assert lots(decided) == [("election", ["a", "b"], 1)] and not decided.elected


def test_no_rankings_leave_the_seat_free() -> None:
    decided = outcome(CHAIR, ranked({}))
    assert (decided.elected, decided.lots, decided.rounds, decided.vacant) == ((), (), (), 1)
    assert decided.pairs is not None and decided.pairs.winner is None


def test_every_option_against_every_other() -> None:
    """b is preferred to everybody and leaves the runoff first: both are said. Who is not ranked is below all ranked."""
    decided = outcome(CHAIR, ranked({"ab": 5, "ba": 3, "cb": 4}))
    assert elected(decided) == ["a"]
    assert decided.pairs is not None and decided.pairs.winner == Candidate("b", 0, "B")
    assert decided.pairs.preferred == ((0, 5, 8, 8), (7, 0, 8, 12), (4, 4, 0, 4), (0, 0, 0, 0))


def test_a_circle_has_no_winner() -> None:
    decided = outcome(CHAIR, ranked({"abc": 1, "bca": 1, "cab": 1}))
    assert decided.pairs is not None and decided.pairs.winner is None
    even = outcome(CHAIR, ranked({"ab": 1, "ba": 1}))
    assert even.pairs is not None and even.pairs.winner is None


# As JSON


@pytest.mark.parametrize(
    "decided",
    [
        outcome(nation(3, "a2"), votes(a=5, a1=3, b2=2, b3=2)),
        outcome(closed(4, a=2, b=2), total({"a": 7, "b": 5})),
        outcome(CHAIR, ranked({"ab": 5, "ba": 3, "cb": 4})),
        outcome(of("choose-one", people("a"), form="REFERENDUM"), total({"a": 1})),
        outcome(of("choose-several", people("a"), least=0), total({"a": 1}, None, 2)),
        outcome(of("choose-one", people("a", "b")), total({"a": 1, "b": 1})),
    ],
    ids=lambda decided: str(decided.form),
)
def test_the_record_is_plain_json_of_one_shape(decided: Outcome) -> None:
    """Lists, texts, whole numbers; every part is there, so that a reader needs no guess."""
    record = outcome_record(decided)
    assert json.loads(json.dumps(record)) == record
    assert list(record) == [
        "form", "elected", "lots", "vacant", "lists", "rounds", "pairs", "judges", "answered",
    ]  # fmt: skip
    assert "." not in json.dumps(record, ensure_ascii=False)
    assert [type(value) for value in (record["form"], record["vacant"])] == [str, int]
