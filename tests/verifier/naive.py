"""A second count, from the choices themselves, to hold the real one to.

It shares nothing with `verifier.count` and `verifier.outcome` but what the words mean: contests as in the manifest's
JSON, choices as voters make them. Where the real outcome reasons about ties, this one tries every way to break them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

JSON = dict[str, Any]
Choice = str | tuple[str, ...]
Person = tuple[str, int]
"""answer and position, as in an outcome"""


def counts(contest: JSON, choices: Sequence[Choice], invalid: int = 0) -> JSON:
    """The total of these choices in the form in which it is published."""
    ids = [option["id"] for option in contest["options"]]
    lines: list[tuple[Any, int]]
    if contest["kind"] == "choose-several":
        lines = [(one, sum(one in choice for choice in choices)) for one in ids]
    elif contest["kind"] in ("choose-one", "index"):
        lines = [(one, sum(choice == one for choice in choices)) for one in ids]
    else:
        lines = sorted(Counter(choice for choice in choices if choice).items())
    blank = sum(choice in ("", (), "blank") for choice in choices)
    return {
        "ballots": len(choices) + invalid,
        "blank": None if contest["kind"] == "choose-several" else blank,
        "counts": [
            {"answer": list(answer) if isinstance(answer, tuple) else answer, "count": count} for answer, count in lines
        ],
        "invalid": invalid,
    }


def decide(contest: JSON, choices: Sequence[Choice]) -> JSON:
    """What the choices decide; only the parts that this form has."""
    form, seats = contest["form"], contest["seats"]
    ids = [option["id"] for option in contest["options"]]
    if form in ("SINGLE", "SNTV", "WRITE_IN"):
        votes = Counter(choice for choice in choices if choice not in ("", "blank"))
        return _seats({(str(answer), 0): number for answer, number in votes.items()}, seats)
    if form == "REVIEW":
        return {"judges": {one: _judged([one in choice for choice in choices]) for one in ids}}
    if form == "REFERENDUM":
        return _answer([str(choice) for choice in choices if choice != "blank"])
    if form == "RANKING":
        return _runoff(ids, [tuple(choice) for choice in choices if choice])
    return _lists(contest, [str(choice) for choice in choices if choice != "blank"])


def _seats(votes: dict[Person, int], seats: int) -> JSON:
    """Everybody is compared with everybody: who has at most `seats − 1` others at or above is in."""
    level = {one: sum(other >= mine for other in votes.values()) for one, mine in votes.items()}
    above = {one: sum(other > mine for other in votes.values()) for one, mine in votes.items()}
    elected = {one for one in votes if level[one] <= seats}
    tied = {one for one in votes if above[one] < seats < level[one]}
    places = seats - len(elected)
    return {
        "elected": elected,
        "lots": {("election", frozenset(tied), places)} if tied else set(),
        "vacant": 0 if tied else places,
    }


def _judged(marks: list[bool]) -> tuple[int, int, bool]:
    return marks.count(True), marks.count(False), marks.count(True) > marks.count(False)


def _answer(choices: list[str]) -> JSON:
    most = max(map(choices.count, choices), default=0)
    leading = {one for one in choices if choices.count(one) == most}
    majority = [one for one in leading if choices.count(one) > len(choices) - choices.count(one)]
    return {
        "elected": {(one, 0) for one in leading} if len(leading) == 1 else set(),
        "leading": leading,
        "majority": majority[0] if majority else None,
    }


# Lists


def _lists(contest: JSON, choices: list[str]) -> JSON:
    votes, orders = {}, {}
    for party in contest["options"]:
        if party["list"]:
            continue
        here = [option for option in contest["options"] if option["list"] == party["id"]]
        names = {party["id"], *(option["id"] for option in here)}
        votes[party["id"]] = sum(choice in names for choice in choices)
        orders[party["id"]] = list(_orders(contest["form"], party, here, choices))
    ends = _allocations(votes, {name: len(ways[0]) for name, ways in orders.items()}, contest["seats"])
    elected: set[Person] = set()
    lots: set[tuple[str, frozenset[Person], int]] = set()
    sure = {name: min(end[name] for end in ends) for name in votes}
    contested = {name for name in votes if any(end[name] > sure[name] for end in ends)}
    filled = sum(ends[0].values())
    if contested:
        lots.add(("election", frozenset((name, 0) for name in contested), filled - sum(sure.values())))
    for name, ways in orders.items():
        winners = [set(way[: sure[name]]) for way in ways]
        always, ever = set.intersection(*winners), set.union(*winners)
        elected |= always
        if always != ever and name not in contested:
            lots.add(("election", frozenset(ever - always), sure[name] - len(always)))
    return {
        "elected": elected,
        "lots": lots,
        "vacant": contest["seats"] - filled,
        "lists": {name: (votes[name], sure[name], name in contested) for name in votes},
    }


def _orders(form: str, party: JSON, here: list[JSON], choices: list[str]) -> Iterator[tuple[Person, ...]]:
    """Every order in which the seats of a list may go to its candidates, whatever the lots say."""
    if form == "PR_CLOSED":
        yield tuple((party["id"], number + 1) for number in range(len(party["candidates"])))
        return
    first = sorted((option["priority"], option["id"]) for option in here if option["priority"])
    rest = [option["id"] for option in here if not option["priority"]]
    for way in _falling({one: choices.count(one) for one in rest}):
        yield (*((one, 0) for _, one in first), *((one, 0) for one in way))


def _falling(votes: dict[str, int]) -> Iterator[tuple[str, ...]]:
    """Every order in which nobody stands before somebody with more votes."""
    if not votes:
        yield ()
    for one in votes:
        if votes[one] == max(votes.values()):
            rest = {other: number for other, number in votes.items() if other != one}
            yield from ((one, *others) for others in _falling(rest))


def _allocations(votes: dict[str, int], room: dict[str, int], seats: int) -> list[dict[str, int]]:
    """One seat after the other to the list with the best quotient; where several have it, to each of them in turn."""
    ends = {tuple(0 for _ in votes)}
    names = list(votes)
    for _ in range(seats):
        following = set()
        for held in ends:
            able = [at for at, name in enumerate(names) if votes[name] and held[at] < room[name]]
            best = [
                at
                for at in able
                if all(votes[names[at]] * (held[other] + 1) >= votes[names[other]] * (held[at] + 1) for other in able)
            ]
            following |= {tuple(have + (at == winner) for at, have in enumerate(held)) for winner in best}
        ends = following or ends
    return [dict(zip(names, end, strict=True)) for end in ends]


# Rankings


def _runoff(ids: list[str], ballots: list[tuple[str, ...]]) -> JSON:
    place = [{one: ballot.index(one) if one in ballot else len(ids) for one in ids} for ballot in ballots]
    pairs = [[sum(where[i] < where[j] for where in place) for j in ids] for i in ids]
    condorcet = [i for i in ids if ballots and all(i == j or _beats(pairs, ids, i, j) for j in ids)]
    found: JSON = {"pairs": pairs, "condorcet": condorcet[0] if condorcet else None, "rounds": []}
    nobody: JSON = {"elected": set(), "lots": set(), "vacant": 0}
    if not ballots:
        return {**found, **nobody, "vacant": 1}
    remaining = list(ids)
    while True:
        tops = [next((one for one in ballot if one in remaining), None) for ballot in ballots]
        votes = {one: tops.count(one) for one in remaining}
        active = len(tops) - tops.count(None)
        over_half = [one for one in remaining if votes[one] > active - votes[one]]
        last = [one for one in remaining if votes[one] == min(votes.values())]
        others = [votes[one] for one in remaining if one not in last]
        together = len(last) == 1 or bool(others) and sum(votes[one] for one in last) < min(others)
        gone = last if together and not over_half else []
        found["rounds"].append((votes, tops.count(None), set(gone)))
        if over_half:
            return {**found, **nobody, "elected": {(over_half[0], 0)}}
        if not gone:
            about = "election" if len(remaining) == 2 else "elimination"
            return {**found, **nobody, "lots": {(about, frozenset((one, 0) for one in last), 1)}}
        remaining = [one for one in remaining if one not in gone]


def _beats(pairs: list[list[int]], ids: list[str], i: str, j: str) -> bool:
    return pairs[ids.index(i)][ids.index(j)] > pairs[ids.index(j)][ids.index(i)]


def winners_by_any_lot(ids: Sequence[str], ballots: Sequence[tuple[str, ...]]) -> set[str]:
    """Who can win a runoff that lets only one leave after each round, whatever the lots say."""
    if len(ids) == 1:
        return set(ids)
    tops = [next((one for one in ballot if one in ids), None) for ballot in ballots]
    fewest = min(tops.count(one) for one in ids)
    found = set()
    for loser in ids:
        if tops.count(loser) == fewest:
            found |= winners_by_any_lot([one for one in ids if one != loser], ballots)
    return found
