"""Who is elected by a published count. Pure and exact: whole numbers and fractions, no chance, nothing rounded.

A tie is never broken here. Where only a lot can decide (くじ; 公職選挙法95条, 95条の2, 95条の3), the outcome says among
whom and for how many places, and counts nobody of them as elected.

In a public election these ballots are only the absentee part: the outcome is who would be elected *by these ballots
alone*, and whoever shows it has to say so. Left to the election meeting are the least number of votes that the law asks
for (法定得票数, 95条), the least turnout of a review of judges (1/100 of the roll, 国民審査法32条), and candidates who
died, withdrew or were elected elsewhere. Only one rule of that kind is applied: nobody is elected by no votes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import groupby
from types import MappingProxyType
from typing import Any

from verifier.record.manifest import Contest, Form, Option


@dataclass(frozen=True)
class Candidate:
    """Who or what can be elected."""

    answer: str
    """as in the count: an option's id, a written text, or the id of the list on which somebody stands (PR_CLOSED)"""
    position: int
    """place on a closed list, counted from 1; 0 for everybody else, and for a list as such"""
    name: str


class Decides(StrEnum):
    """What a lot is about."""

    ELECTION = "election"
    """whom it falls on is elected; for a list: gets one seat more"""
    ELIMINATION = "elimination"
    """whom it falls on leaves the runoff, which goes on after it"""


@dataclass(frozen=True)
class Lot:
    """A tie that only a lot decides."""

    decides: Decides
    among: tuple[Candidate, ...]
    places: int
    """how many of them the lot falls on, fewer than there are"""


@dataclass(frozen=True)
class ListResult:
    """What a party list gets."""

    answer: str
    name: str
    votes: int
    """of an open list: for the list and for its candidates, those elected first among them (68条の3)"""
    seats: int
    """that it has in any case"""
    contested: bool
    """a lot between lists decides whether it has one more"""
    quotients: tuple[Fraction, ...]
    """by which it has its seats: votes / 1, votes / 2, …"""
    order: tuple[tuple[Candidate, ...], ...]
    """who gets its seats, first to last; candidates with equal votes are together"""
    elected: tuple[Candidate, ...]
    """by `seats`, without those among whom a lot has to decide"""


@dataclass(frozen=True)
class Votes:
    """Votes for an option."""

    answer: str
    name: str
    count: int


@dataclass(frozen=True)
class Round:
    """A round of an instant runoff."""

    votes: tuple[Votes, ...]
    """of the options still in it, in the manifest's order: ballots that rank this one highest of them"""
    exhausted: int
    """ballots that rank none of them"""
    eliminated: tuple[Candidate, ...]
    """who leaves after it; nobody in the last round"""


@dataclass(frozen=True)
class Pairs:
    """Every option against every other. An option that a ballot does not rank is below all that it does."""

    preferred: tuple[tuple[int, ...], ...]
    """[i][j]: ballots that rank option i above option j, both counted in the manifest's order"""
    winner: Candidate | None
    """Condorcet: preferred to every other by more ballots than prefer that one; None where there is none"""


@dataclass(frozen=True)
class Judged:
    """The review of one judge."""

    answer: str
    name: str
    dismiss: int
    keep: int
    """valid ballots without a mark at this name, blank ones among them (国民審査法15条, 22条)"""
    dismissed: bool
    """more for dismissal than against it (32条)"""


@dataclass(frozen=True)
class Answered:
    """What a referendum says."""

    leading: tuple[Candidate, ...]
    """the answer with the most votes; several where they are equal, none without votes"""
    majority: Candidate | None
    """the answer with more than half of the valid votes, blank ones not counted (憲法改正手続法126条)"""


@dataclass(frozen=True)
class Outcome:
    """What a contest decides, by these ballots alone. Parts that its form does not have are empty."""

    form: Form
    elected: tuple[Candidate, ...] = ()
    """surely, by votes; in a proportional contest by quotients; in a referendum the leading answer if it is alone"""
    lots: tuple[Lot, ...] = ()
    """One between lists comes first. Whether their candidates with equal votes need another is known after it."""
    vacant: int = 0
    """seats that are left over because nobody else has votes, or lists are too short"""
    lists: tuple[ListResult, ...] = ()
    rounds: tuple[Round, ...] = ()
    pairs: Pairs | None = None
    judges: tuple[Judged, ...] = ()
    answered: Answered | None = None


def outcome(contest: Contest, total: Mapping[str, Any]) -> Outcome:
    """What the count of a contest decides. `total` is as `verifier.count.total_record` makes it and a result has it."""
    return _RULES[contest.form](contest, total)


def outcome_record(decided: Outcome) -> dict[str, Any]:
    """As JSON: every part, fractions as "a/b"."""
    record: dict[str, Any] = _plain(decided)
    return record


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    return str(value) if isinstance(value, StrEnum) else value


def _candidate(option: Option) -> Candidate:
    return Candidate(option.id, 0, option.name)


def _counts(total: Mapping[str, Any]) -> dict[str, int]:
    return {line["answer"]: line["count"] for line in total["counts"]}


# The most votes


def _most_votes(contest: Contest, total: Mapping[str, Any]) -> Outcome:
    """SINGLE, SNTV, WRITE_IN: the seats go to those with the most votes (95条). Texts count as they were written."""
    names = {option.id: option.name for option in contest.options}
    counts = _counts(total)
    groups = _by_votes([(Candidate(answer, 0, names.get(answer, answer)), counts[answer]) for answer in counts])
    voted = [group for group in groups if counts[group[0].answer]]
    elected, lot, vacant = _fill(voted, contest.seats)
    return Outcome(contest.form, elected, lot, vacant)


def _by_votes(votes: Sequence[tuple[Candidate, int]]) -> tuple[tuple[Candidate, ...], ...]:
    """Most votes first; those with equal votes together, in the order given."""
    ordered = sorted(votes, key=lambda line: -line[1])
    return tuple(tuple(one for one, _ in group) for _, group in groupby(ordered, key=lambda line: line[1]))


def _fill(groups: Sequence[tuple[Candidate, ...]], seats: int) -> tuple[tuple[Candidate, ...], tuple[Lot, ...], int]:
    """Who gets the seats in the order of the groups, the lot among the group that gets only some, seats left over."""
    elected: list[Candidate] = []
    for group in groups:
        left = seats - len(elected)
        if not left:
            break
        if len(group) > left:
            return tuple(elected), (Lot(Decides.ELECTION, group, left),), 0
        elected += group
    return tuple(elected), (), seats - len(elected)


# Proportional representation


def _closed_lists(contest: Contest, total: Mapping[str, Any]) -> Outcome:
    """PR_CLOSED: seats go down each list (95条の2)."""
    orders = {
        option.id: tuple((Candidate(option.id, at, name),) for at, name in enumerate(option.candidates, 1))
        for option in contest.options
    }
    return _proportional(contest, _counts(total), orders)


def _open_lists(contest: Contest, total: Mapping[str, Any]) -> Outcome:
    """PR_OPEN: a list has its own votes and those of its candidates, and its seats go by theirs (95条の3)."""
    counts = _counts(total)
    votes, orders = {}, {}
    for party in contest.options:
        if party.list:
            continue
        standing = [option for option in contest.options if option.list == party.id]
        first = sorted((option for option in standing if option.priority), key=lambda option: option.priority)
        others = [(_candidate(option), counts[option.id]) for option in standing if not option.priority]
        votes[party.id] = counts[party.id] + sum(counts[option.id] for option in standing)
        orders[party.id] = (*((_candidate(option),) for option in first), *_by_votes(others))
    return _proportional(contest, votes, orders)


def _proportional(
    contest: Contest, votes: Mapping[str, int], orders: Mapping[str, tuple[tuple[Candidate, ...], ...]]
) -> Outcome:
    """D'Hondt: the largest of all quotients votes / 1, votes / 2, …, as many of a list as it has candidates."""
    lists = [option for option in contest.options if option.id in orders]
    quotients = [
        (Fraction(votes[party.id], divisor), party)
        for party in lists
        for divisor in range(1, sum(map(len, orders[party.id])) + 1)
        if votes[party.id]
    ]
    quotients.sort(key=lambda line: -line[0])
    won, tied = quotients[: contest.seats], []
    if len(quotients) > contest.seats and won[-1][0] == quotients[contest.seats][0]:
        last = won[-1][0]
        tied = [party for quotient, party in quotients if quotient == last]
        won = [line for line in won if line[0] > last]
    lots = []
    if tied:
        lots.append(Lot(Decides.ELECTION, tuple(map(_candidate, tied)), contest.seats - len(won)))
    results = []
    for party in lists:
        mine = tuple(quotient for quotient, winner in won if winner is party)
        elected, ties, _ = _fill(orders[party.id], len(mine))
        lots += ties if party not in tied else ()
        results.append(
            ListResult(party.id, party.name, votes[party.id], len(mine), party in tied, mine, orders[party.id], elected)
        )
    seated = [
        (quotient, one) for result in results for quotient, one in zip(result.quotients, result.elected, strict=False)
    ]
    seated.sort(key=lambda line: -line[0])
    vacant = 0 if tied else contest.seats - len(won)
    return Outcome(contest.form, tuple(one for _, one in seated), tuple(lots), vacant, tuple(results))


# Judges and questions


def _review(contest: Contest, total: Mapping[str, Any]) -> Outcome:
    """REVIEW: each judge by itself. Who is not marked is kept, on a blank ballot too."""
    counts, valid = _counts(total), total["ballots"] - total["invalid"]
    judges = []
    for option in contest.options:
        dismiss = counts[option.id]
        keep = valid - dismiss
        judges.append(Judged(option.id, option.name, dismiss, keep, dismiss > keep))
    return Outcome(contest.form, judges=tuple(judges))


def _referendum(contest: Contest, total: Mapping[str, Any]) -> Outcome:
    """REFERENDUM: the answer with the most votes. A tie decides nothing, and no lot does either."""
    counts = _counts(total)
    valid, most = sum(counts.values()), max(counts.values())
    leading = tuple(_candidate(option) for option in contest.options if most and counts[option.id] == most)
    majority = leading[0] if 2 * most > valid else None
    elected = leading if len(leading) == 1 else ()
    return Outcome(contest.form, elected, answered=Answered(leading, majority))


# Rankings


def _ranking(contest: Contest, total: Mapping[str, Any]) -> Outcome:
    """RANKING: instant runoff until one option has more than half of the votes of a round; beside it, all pairs."""
    rankings = [(tuple(line["answer"]), line["count"]) for line in total["counts"]]
    pairs = _pairs(contest, rankings)
    if not rankings:
        return Outcome(contest.form, vacant=1, pairs=pairs)
    remaining = {option.id: _candidate(option) for option in contest.options}
    rounds: list[Round] = []
    while True:
        votes, exhausted = _first_choices(rankings, remaining)
        most = max(votes.values())
        leading = tuple(one for answer, one in remaining.items() if votes[answer] == most)
        leaving = () if 2 * most > sum(votes.values()) else _last(votes, remaining)
        lot = _runoff_lot(leading, leaving, votes, remaining) if leaving else None
        gone = () if lot else leaving
        rounds.append(
            Round(tuple(Votes(one.answer, one.name, votes[one.answer]) for one in remaining.values()), exhausted, gone)
        )
        if lot:
            return Outcome(contest.form, lots=(lot,), rounds=tuple(rounds), pairs=pairs)
        if not gone:
            return Outcome(contest.form, leading, rounds=tuple(rounds), pairs=pairs)
        for one in gone:
            del remaining[one.answer]


def _first_choices(
    rankings: Sequence[tuple[tuple[str, ...], int]], remaining: Mapping[str, Candidate]
) -> tuple[dict[str, int], int]:
    """Votes of the remaining options, and the ballots that rank none of them."""
    votes, exhausted = dict.fromkeys(remaining, 0), 0
    for ranking, count in rankings:
        first = next((answer for answer in ranking if answer in remaining), None)
        if first is None:
            exhausted += count
        else:
            votes[first] += count
    return votes, exhausted


def _last(votes: Mapping[str, int], remaining: Mapping[str, Candidate]) -> tuple[Candidate, ...]:
    fewest = min(votes.values())
    return tuple(one for answer, one in remaining.items() if votes[answer] == fewest)


def _runoff_lot(
    leading: tuple[Candidate, ...],
    last: tuple[Candidate, ...],
    votes: Mapping[str, int],
    remaining: Mapping[str, Candidate],
) -> Lot | None:
    """The lot that decides a round, or None where the last can leave.

    Several that are last together leave together when all their votes are fewer than those of the next: then none of
    them could pass the next with the votes of the others.
    """
    if len(last) == 1:
        return None
    if len(remaining) == 2:
        return Lot(Decides.ELECTION, leading, 1)
    higher = [count for answer, count in votes.items() if count > votes[last[0].answer]]
    if higher and len(last) * votes[last[0].answer] < min(higher):
        return None
    return Lot(Decides.ELIMINATION, last, 1)


def _pairs(contest: Contest, rankings: Sequence[tuple[tuple[str, ...], int]]) -> Pairs:
    place = {option.id: at for at, option in enumerate(contest.options)}
    preferred = [[0] * len(place) for _ in place]
    for ranking, count in rankings:
        below = set(place)
        for answer in ranking:
            below.remove(answer)
            for other in below:
                preferred[place[answer]][place[other]] += count
    winners = [
        option
        for i, option in enumerate(contest.options)
        if rankings and all(preferred[i][j] > preferred[j][i] for j in range(len(place)) if j != i)
    ]
    return Pairs(tuple(map(tuple, preferred)), _candidate(winners[0]) if winners else None)


_RULES: Mapping[Form, Callable[[Contest, Mapping[str, Any]], Outcome]] = MappingProxyType(
    {
        Form.SINGLE: _most_votes,
        Form.SNTV: _most_votes,
        Form.WRITE_IN: _most_votes,
        Form.PR_CLOSED: _closed_lists,
        Form.PR_OPEN: _open_lists,
        Form.REVIEW: _review,
        Form.REFERENDUM: _referendum,
        Form.RANKING: _ranking,
    }
)
