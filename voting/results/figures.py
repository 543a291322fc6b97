"""The published result as a page shows it: rows of tables and bars, in no language yet.

Numbers are those of the result, and who is elected says `verifier.outcome`, the same that observers run. Nothing of a
contest that is withheld is in here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from verifier.outcome import Candidate, Decides, Outcome, outcome
from verifier.record.manifest import Contest, Form, Manifest
from voting.board.result import Published, published
from voting.elections.models import Election
from voting.results.kept import kept

MOST_ANSWERS = 200
"""Rows of a table on the page. Written names can be as many as ballots; all of them are in the files."""
MOST_BARS = 20
LISTS = (Form.PR_CLOSED, Form.PR_OPEN)


@dataclass(frozen=True)
class Answer:
    """A row of the table of votes."""

    answer: str
    name: str
    party: str
    votes: int
    share: str
    """of the valid votes, in per cent with one decimal; empty where there are none"""
    mark: str
    """elected, lot, or nothing"""
    apart: tuple[int, ...]
    """votes in each counting group"""


@dataclass(frozen=True)
class Group:
    """What is counted together."""

    units: tuple[str, ...]
    """their names"""
    ballots: int
    blank: int | None
    invalid: int


@dataclass(frozen=True)
class Bar:
    """A bar of the chart; lengths are in the units of its drawing."""

    name: str
    votes: int
    top: int
    length: int


@dataclass(frozen=True)
class Chart:
    """A drawing of horizontal bars, `WIDTH` wide."""

    bars: tuple[Bar, ...]
    left_out: int
    """answers without a bar"""

    @property
    def height(self) -> int:
        return ROW * len(self.bars)


WIDTH, ROW, LONGEST = 320, 42, 250
"""of the drawing, of a bar with its name above it, and of the longest bar: beside it stands a number"""
MOST_LETTERS = 20
"""of a name in the drawing"""


@dataclass(frozen=True)
class RoundOf:
    """An option through the rounds of a runoff: its votes in each, None once it has left."""

    name: str
    votes: tuple[int | None, ...]
    mark: str


@dataclass(frozen=True)
class Row:
    """An option against every other: how many ballots prefer it; None against itself."""

    name: str
    preferred: tuple[int | None, ...]


@dataclass(frozen=True)
class Counted:
    """One contest."""

    contest: str
    title: str
    form: str
    seats: int
    withheld: bool
    ballots: int = 0
    valid: int = 0
    blank: int | None = None
    invalid: int = 0
    groups: tuple[Group, ...] = ()
    answers: tuple[Answer, ...] = ()
    left_out: int = 0
    """answers that are only in the files"""
    chart: Chart = Chart((), 0)
    outcome: Outcome | None = None
    runoff: tuple[RoundOf, ...] = ()
    pairs: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Result:
    """Everything that the page shows."""

    contests: tuple[Counted, ...]
    ballots: int
    credentials: int
    roll: int
    minimum: int
    """fewest ballots that are published apart"""
    corrections: tuple[tuple[int, str], ...]
    at: datetime

    @property
    def of_credentials(self) -> str:
        return percent(self.ballots, self.credentials)

    @property
    def of_roll(self) -> str:
        return percent(self.ballots, self.roll)


def result_of(election: Election) -> Result:
    """The result. Raises NotOnBoard before it is there, BoardInconsistent."""
    return kept(election, "result", lambda: result(published(election)))


def result(read: Published) -> Result:
    """Figures of what the board says."""
    counted = tuple(_counted(read.manifest, read.manifest.contest(said["contest"]), said) for said in read.contests)
    return Result(
        counted, **read.turnout, minimum=read.manifest.minimum_group, corrections=tuple(read.corrections), at=read.at
    )


def percent(part: int, whole: int) -> str:
    """With one decimal, half up, by whole numbers; empty of nothing."""
    tenths = (2000 * part + whole) // (2 * whole) if whole else 0
    return f"{tenths // 10}.{tenths % 10}" if whole else ""


def _counted(manifest: Manifest, contest: Contest, said: Mapping[str, Any]) -> Counted:
    about = (contest.id, contest.title, contest.form.value, contest.seats)
    if said["withheld"]:
        return Counted(*about, withheld=True)
    total = said["total"]
    decided = outcome(contest, total)
    valid = total["ballots"] - total["invalid"] - (total["blank"] or 0)
    answers = [] if contest.form is Form.RANKING else _answers(contest, said, decided, valid)
    return Counted(
        *about,
        withheld=False,
        ballots=total["ballots"],
        valid=valid,
        blank=total["blank"],
        invalid=total["invalid"],
        groups=tuple(_group(manifest, group) for group in said["groups"]),
        answers=tuple(answers[:MOST_ANSWERS]),
        left_out=len(answers[MOST_ANSWERS:]),
        chart=_chart(_charted(contest, decided, answers)),
        outcome=decided,
        runoff=tuple(_runoff(contest, decided)),
        pairs=tuple(_pairs(contest, decided)),
    )


def _group(manifest: Manifest, group: Mapping[str, Any]) -> Group:
    names = tuple(manifest.unit_names[unit] for unit in group["units"])
    return Group(names, group["ballots"], group["blank"], len(group["invalid"]))


def _answers(contest: Contest, said: Mapping[str, Any], decided: Outcome, valid: int) -> list[Answer]:
    """Most votes first, in the order of the ballot where they are equal; a review keeps the order of the ballot."""
    names, party = {option.id: option.name for option in contest.options}, parties(contest)
    apart = [{line["answer"]: line["count"] for line in group["counts"]} for group in said["groups"]]
    found = []
    for line in said["total"]["counts"]:
        found.append(
            Answer(
                answer=line["answer"],
                name=names.get(line["answer"], line["answer"]),
                party=party.get(line["answer"], ""),
                votes=line["count"],
                share=percent(line["count"], valid),
                mark=_mark(line["answer"], decided),
                apart=tuple(counts.get(line["answer"], 0) for counts in apart),
            )
        )
    return found if contest.form is Form.REVIEW else sorted(found, key=lambda answer: -answer.votes)


def parties(contest: Contest) -> dict[str, str]:
    """Option → the list on which it stands, or the party that the manifest names."""
    names = {option.id: option.name for option in contest.options}
    return {option.id: names[option.list] if option.list else option.party for option in contest.options}


def _mark(answer: str, decided: Outcome) -> str:
    if _among(answer, decided.elected) and decided.form is not Form.PR_CLOSED:
        return "elected"
    in_lots = any(_among(answer, lot.among) for lot in decided.lots if lot.decides is Decides.ELECTION)
    return "lot" if in_lots else ""


def _among(answer: str, candidates: Iterable[Candidate]) -> bool:
    return any(one.answer == answer for one in candidates)


def _runoff(contest: Contest, decided: Outcome) -> Iterable[RoundOf]:
    rounds = [{votes.answer: votes.count for votes in one.votes} for one in decided.rounds]
    for option in contest.options:
        if rounds:
            in_lot = any(_among(option.id, lot.among) for lot in decided.lots)
            mark = "elected" if _among(option.id, decided.elected) else "lot" if in_lot else ""
            yield RoundOf(option.name, tuple(votes.get(option.id) for votes in rounds), mark)


def _pairs(contest: Contest, decided: Outcome) -> Iterable[Row]:
    for at, line in enumerate(decided.pairs.preferred if decided.pairs else ()):
        yield Row(contest.options[at].name, tuple(None if at == other else n for other, n in enumerate(line)))


# The chart


def _charted(contest: Contest, decided: Outcome, answers: Sequence[Answer]) -> list[tuple[str, int]]:
    """(name, votes) of each bar: lists where seats go to lists, the first choices of rankings."""
    if contest.form in LISTS:
        return sorted(((one.name, one.votes) for one in decided.lists), key=lambda line: -line[1])
    if contest.form is Form.RANKING:
        names = {option.id: option.name for option in contest.options}
        first = decided.rounds[0].votes if decided.rounds else ()
        return sorted(((names[votes.answer], votes.count) for votes in first), key=lambda line: -line[1])
    return [(answer.name, answer.votes) for answer in answers]


def _chart(lines: Sequence[tuple[str, int]]) -> Chart:
    most = max((votes for _name, votes in lines), default=0)
    bars = [
        Bar(_drawn(name), votes, ROW * at, LONGEST * votes // most if most else 0)
        for at, (name, votes) in enumerate(lines[:MOST_BARS])
    ]
    return Chart(tuple(bars), len(lines[MOST_BARS:]))


def _drawn(name: str) -> str:
    """A name in the drawing. The joiner keeps ruby out of it (voting.guide.ruby): a drawing cannot hold markup."""
    short = name if len(name) <= MOST_LETTERS else f"{name[:MOST_LETTERS]}…"
    return short.replace("（", "\u2060（")
