"""What pages show of the board, kept in the cache until the board grows: looking at a page replays nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.core.cache import cache

from voting.board.log import DatabaseLog
from voting.elections.models import Election

T = TypeVar("T")
SECONDS = 24 * 60 * 60


def kept(election: Election, what: str, make: Callable[[], T]) -> T:
    """What `make` made of the board at its present size, now or before. Never None."""
    key = f"results:{election.pk}:{what}:{DatabaseLog(election.pk).size}"
    found: T | None = cache.get(key)
    if found is None:
        found = make()
        cache.set(key, found, SECONDS)
    return found
