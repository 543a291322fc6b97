"""Orders for mixers as a board gives them, and what it makes of the stages that come back."""

from __future__ import annotations

from dataclasses import replace

from tally.mixer import Order
from tally.submission import Submission
from tests.election import CLOSES, Election
from verifier.record.canonical import serialise
from verifier.record.schema import format_minute


def first_order(election: Election, contest: str = "council", group: int = 0) -> Order:
    """For the first stage of a group of a frozen election."""
    tally = next(tally for tally in election.state.tallies if tally.contest.id == contest)
    inputs = [list(column) for column in tally.groups[group].columns]
    return Order(contest, group, 1, (election.entries[0], election.entries[1]), b"", {}, inputs)


def entry_of(stage: Submission) -> bytes:
    """As the board writes it down."""
    signatures = list(stage.signatures)
    return serialise(
        {"body": stage.body, "signatures": signatures, "time": format_minute(CLOSES), "type": stage.type.value}
    )


def next_order(order: Order, stage: Submission) -> Order:
    """For the stage after the one that this order led to."""
    return replace(order, stage=order.stage + 1, before=entry_of(stage), columns=dict(stage.columns))
