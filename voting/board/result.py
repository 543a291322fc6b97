"""The published result as the board says it: what this process made of the openings itself, not what somebody wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from verifier.record.entries import Type
from verifier.record.manifest import Manifest
from voting.board.models import BoardEntry
from voting.board.replica import replica_of
from voting.elections.models import Election
from voting.errors import BoardInconsistent, NotOnBoard


@dataclass(frozen=True)
class Published:
    """A result that two officials signed and replay agreed with. See `verifier.replay.counting.result_record`."""

    manifest: Manifest
    contests: Sequence[Mapping[str, Any]]
    turnout: Mapping[str, int]
    """`ballots`, `credentials` and `roll`"""
    corrections: Sequence[tuple[int, str]]
    """(entry, sentence) of each correction"""
    at: datetime
    """the minute of the entry"""
    size: int
    """entries of the board that were read"""


def result_entry(election: Election) -> BoardEntry:
    """The entry that officials signed. Raises NotOnBoard before it is there."""
    entry = BoardEntry.objects.filter(election=election, type=Type.RESULT).first()
    if entry is None:
        raise NotOnBoard(_("the result is not on the board yet"), election.slug)
    return entry


def published(election: Election) -> Published:
    """The result. Raises NotOnBoard before it is there, BoardInconsistent.

    The first time in a process this replays the board, which takes long for a big one: cache what a page needs.
    """
    entry = result_entry(election)
    replica = replica_of(election.pk)
    with replica.lock:
        state = replica.catch_up().state
        manifest, _key = state.require()
        if state.result is None:
            raise BoardInconsistent("there is an entry for a result that replay does not know", "result")
        turnout, contests = state.result["turnout"], state.result["contests"]
        return Published(manifest, contests, turnout, tuple(state.corrections), entry.created, state.size)
