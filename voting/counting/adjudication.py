"""Deciding about names that voters wrote: the counting manager asks, a witness approves (公職選挙法67条, 68条).

The texts and how often each was written are on the board; what is decided about them is public as well. A later
decision about a text takes the place of an earlier one, which stays on the record.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from verifier.record.manifest import Kind
from verifier.replay.counting import result_record
from verifier.replay.state import Stage, State
from voting.board.replica import replica_of
from voting.counting.models import LONGEST_NAME, Ground, WriteInDecision
from voting.elections.models import Contest, Election
from voting.elections.validators import validate_text
from voting.errors import NotOnBoard, NotPermitted, VotingError
from voting.officials.models import Official, Proposal
from voting.officials.roles import Act
from voting.officials.services import carries_out, key_of_target, propose
from voting.records.models import Part, Seal
from voting.roll.characters import fold_kana, fold_name


class RulingsRefused(VotingError):
    """What somebody wants to decide cannot be decided; `problems` names everything."""

    code = "rulings-refused"

    def __init__(self, problems: Sequence[str], where: str = "") -> None:
        super().__init__("; ".join(problems), where)
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Ruling:
    """For whom a text counts, or why it is invalid: exactly one of the two."""

    text: str
    name: str = ""
    ground: str = ""


@dataclass(frozen=True)
class Decision:
    """A decision that two people made."""

    contest: str
    """the contest's id"""
    title: str
    text: str
    votes: int
    """how often it was written"""
    name: str
    """the adopted name; "" if invalid"""
    ground: str
    """why it is invalid, in words; "" if it counts"""
    reason: str
    asked_by: str
    approved_by: str
    at: datetime
    stands: bool
    """no later decision took its place"""


@dataclass(frozen=True)
class Adjudicated:
    """The written votes of a contest, without the blank ones."""

    votes: dict[str, int] = field(default_factory=dict)
    """adopted name → votes, most first"""
    invalid: dict[str, int] = field(default_factory=dict)
    """ground (its code) → votes"""
    undecided: dict[str, int] = field(default_factory=dict)
    """text → votes"""


# What is on the board


def written(election: Election, contest_id: str) -> dict[str, int]:
    """Text → how often it was written, in the order of the board; nothing for a contest that is not opened.

    Raises NotOnBoard before the opening.
    """
    return _written(election)[contest_id]


def _written(election: Election) -> dict[str, dict[str, int]]:
    replica = replica_of(election.pk)
    with replica.lock:
        state = replica.catch_up().state
        if state.stage not in (Stage.OPENED, Stage.PUBLISHED):
            raise NotOnBoard(_("the trustees have not opened the tally yet"), election.slug)
        return _texts(state)


def _texts(state: State) -> dict[str, dict[str, int]]:
    contests = (state.result or result_record(state))["contests"]
    kinds = {tally.contest.id: tally.contest.kind for tally in state.tallies}
    return {
        one["contest"]: {line["answer"]: line["count"] for line in (one["total"] or {"counts": []})["counts"]}
        for one in contests
        if kinds[one["contest"]] is Kind.TEXT
    }


def variants(texts: Sequence[str]) -> list[list[str]]:
    """Texts that look like the same name stand together: spaces, widths, kana and old forms of letters apart.

    A suggestion and no more: who counts decides.
    """
    alike: dict[str, list[str]] = {}
    for text in texts:
        alike.setdefault(_key(text), []).append(text)
    return list(alike.values())


def _key(text: str) -> str:
    visible = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    return fold_kana(fold_name(unicodedata.normalize("NFKC", visible))).casefold()


# Two people decide


def ask_to_adjudicate(contest: Contest, rulings: Sequence[Ruling], *, by: Official, reason: str = "") -> Proposal:
    """Raises NotPermitted, AlreadyProposed, NotOnBoard, RulingsRefused, TextTooLong."""
    office = contest.election.office
    if office is None:
        raise NotPermitted(_("The election belongs to no office yet."), contest.election.slug)
    _require_decidable(contest, rulings)
    return propose(
        Act.ADJUDICATE,
        office=office,
        target=contest,
        summary=_("%(contest)s: %(count)s written names") % {"contest": contest.title, "count": len(rulings)},
        reason=reason,
        payload={"rulings": [[one.text, one.name, one.ground] for one in rulings]},
        by=by,
    )


def rulings_of(proposal: Proposal) -> list[Ruling]:
    """What somebody asked to decide."""
    return [Ruling(*one) for one in proposal.payload["rulings"]]


def _require_decidable(contest: Contest, rulings: Sequence[Ruling]) -> None:
    if Seal.objects.filter(election=contest.election, part=Part.COUNT).exists():
        raise RulingsRefused([_("The records are sealed: nothing is decided any more.")], contest.identifier)
    texts = _written(contest.election).get(contest.identifier, {})
    problems = [problem for ruling in rulings if (problem := _problem(ruling, texts))]
    twice = [text for text, times in Counter(one.text for one in rulings).items() if times > 1]
    problems += [_("“%(text)s”: decided twice") % {"text": text} for text in twice]
    if not rulings:
        problems.append(_("Nothing is decided: give a name or a ground for at least one text."))
    if problems:
        raise RulingsRefused(problems, contest.identifier)


def _problem(ruling: Ruling, texts: dict[str, int]) -> str:
    words = {"text": ruling.text, "longest": LONGEST_NAME}
    if ruling.text not in texts:
        return _("“%(text)s”: nobody wrote this") % words
    if bool(ruling.name) == bool(ruling.ground):
        return _("“%(text)s”: give either a name or a ground") % words
    if ruling.ground and ruling.ground not in Ground.values:
        return _("“%(text)s”: there is no such ground") % words
    try:
        validate_text(ruling.name)
    except ValidationError:
        return _("“%(text)s”: the name has characters that names do not have") % words
    if len(ruling.name) > LONGEST_NAME or ruling.name != ruling.name.strip():
        return _("“%(text)s”: a name of at most %(longest)s characters, without spaces around it") % words
    return ""


@carries_out(Act.ADJUDICATE)
def _adjudicate(proposal: Proposal, by: Official) -> None:
    contest = Contest.objects.select_related("election").get(pk=key_of_target(proposal))
    rulings = rulings_of(proposal)
    _require_decidable(contest, rulings)
    WriteInDecision.objects.bulk_create(
        WriteInDecision(contest=contest, text=one.text, name=one.name, ground=one.ground, proposal=proposal)
        for one in rulings
    )


# What is decided


def standing(contest: Contest) -> dict[str, WriteInDecision]:
    """Text → the last decision about it."""
    made = WriteInDecision.objects.filter(contest=contest).select_related("proposal").order_by("pk")
    return {decision.text: decision for decision in made}


def adjudicated(election: Election, contest_id: str) -> Adjudicated:
    """The votes of a write-in contest as decided so far. Raises NotOnBoard before the opening."""
    texts = written(election, contest_id)
    decided = standing(election.contests.get(identifier=contest_id))
    votes: Counter[str] = Counter()
    invalid: Counter[str] = Counter()
    undecided = {}
    for text, count in texts.items():
        decision = decided.get(text)
        if decision is None:
            undecided[text] = count
        elif decision.name:
            votes[decision.name] += count
        else:
            invalid[decision.ground] += count
    ordered = sorted(votes.items(), key=lambda line: (-line[1], line[0]))
    return Adjudicated(dict(ordered), dict(invalid), undecided)


def decisions(election: Election) -> list[Decision]:
    """Every decision of an election in the order in which they were made. Raises NotOnBoard before the opening."""
    texts = _written(election)
    made = WriteInDecision.objects.filter(contest__election=election).order_by("pk")
    rows = list(made.select_related("contest", "proposal__requested_by", "proposal__decided_by"))
    last = {(row.contest_id, row.text): row.pk for row in rows}
    return [_decision(row, texts, last[row.contest_id, row.text] == row.pk) for row in rows]


def _decision(row: WriteInDecision, texts: dict[str, dict[str, int]], stands: bool) -> Decision:
    proposal: Any = row.proposal
    return Decision(
        contest=row.contest.identifier,
        title=row.contest.title,
        text=row.text,
        votes=texts[row.contest.identifier][row.text],
        name=row.name,
        ground=row.get_ground_display() if row.ground else "",
        reason=proposal.reason,
        asked_by=proposal.requested_by.name,
        approved_by=proposal.decided_by.name,
        at=row.decided_at,
        stands=stands,
    )
