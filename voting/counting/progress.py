"""How far long work of the count is, for whoever watches: a hint that may be lost. What is done says the board alone.

Kept in the cache: the count itself is never delayed or undone by what is told about it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from redis import RedisError

KEPT = 24 * 60 * 60
"""seconds that a hint is kept"""
QUIET = 60
"""seconds without news after which work does not count as going on"""


@dataclass(frozen=True)
class Work:
    """One long piece of work."""

    kind: str
    """one of: mix, check, combine, verify"""
    contest: str
    """the contest's id; "" for what is not about one contest"""
    group: int
    stage: int
    """the mixer's number, 1 … m; 0 where there is none"""
    done: int
    total: int
    started: float
    updated: float
    """seconds since 1970"""
    found: int = 0
    """how much was done when it was first heard of"""

    @property
    def rate(self) -> float | None:
        """Items in a second since it began; None while nothing is known."""
        passed, made = self.updated - self.started, self.done - self.found
        return made / passed if made and passed > 0 else None

    @property
    def remaining(self) -> float | None:
        """Seconds that it will still take at this rate."""
        return (self.total - self.done) / self.rate if self.rate else None


def _read(key: str) -> Any:
    """None while the cache is away: hints are no reason to stop."""
    try:
        return cache.get(key)
    except (RedisError, OSError):
        return None


def _write(key: str, value: Any, seconds: int) -> None:
    with suppress(RedisError, OSError):
        cache.set(key, value, seconds)


def _key(election: int, what: str) -> str:
    return f"counting:{election}:{what}"


def note(election: int, kind: str, done: int, total: int, contest: str = "", group: int = 0, stage: int = 0) -> None:
    """So much of one piece of work is done. `election`: the primary key."""
    now = time.time()
    held = _held(election)
    name = f"{kind} {contest} {group} {stage}"
    before = held.get(name)
    goes_on = before if before and before.done <= done else None
    started, found = (goes_on.started, goes_on.found) if goes_on else (now, done)
    held[name] = Work(kind, contest, group, stage, done, total, started, now, found)
    _write(_key(election, "work"), held, KEPT)


def finish(election: int, kind: str, contest: str = "", group: int = 0, stage: int = 0) -> None:
    """It is over: nothing is told about it any more."""
    held = _held(election)
    held.pop(f"{kind} {contest} {group} {stage}", None)
    _write(_key(election, "work"), held, KEPT)


def _held(election: int) -> dict[str, Work]:
    return dict(_read(_key(election, "work")) or {})


def going_on(election: int) -> list[Work]:
    """What is being done now, in the order in which it began."""
    now = time.time()
    alive = [work for work in _held(election).values() if now - work.updated < QUIET]
    return sorted(alive, key=lambda work: work.started)


def problem(election: int, about: str, sentence: str) -> None:
    """Tell officials of something that stands in the way; the last sentence about the same thing counts."""
    told = problems(election)
    told[about] = sentence
    _write(_key(election, "problems"), told, KEPT)


def solved(election: int, about: str) -> None:
    """It does not stand in the way any more."""
    told = problems(election)
    if told.pop(about, None) is not None:
        _write(_key(election, "problems"), told, KEPT)


def problems(election: int) -> dict[str, str]:
    """What stands in the way: about what → a sentence."""
    return dict(_read(_key(election, "problems")) or {})
