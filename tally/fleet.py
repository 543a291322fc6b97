"""Heavy work on many processes and machines, by Celery: the same functions, cut into the same chunks, as in process.

A piece of work is a function of its bytes alone. So it does not matter whether it is lost, done twice, or done by
somebody who is killed right after: whoever asked sends it again until there is an answer, and takes the first.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tally import mixing, stages
from tally.errors import DamagedFile, StoreUnreachable, WorkFailed
from tally.parcels import pack, unpack
from tally.progress import Steps, silent
from tally.store import Store
from verifier.checks import evidence
from verifier.crypto import multiexp, shuffle
from verifier.workers import InProcess

FUNCTIONS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "multiexp": multiexp.part_of_product,
        "commit": shuffle.on_generators,
        "re-encrypt": mixing.re_encrypt,
        "openings": evidence.wrong_openings,
        "open": stages.open_some,
    }
)
"""All that a worker does for others."""
NAMES = {function: name for name, function in FUNCTIONS.items()}
PATIENCE = 60.0
"""seconds after which a piece of work without answer is sent again"""
POLL = (0.005, 0.04)
"""seconds between two looks for an answer: at first, and at most"""
Send = Callable[[str], None]
"""tells a worker the name of a piece of work; raises StoreUnreachable"""


def perform(store: Store, piece: str) -> None:
    """Do a piece of work and keep the answer. One that is done, or that nobody asks for any more, is passed over."""
    if store.get(f"answer-{piece}") is not None:
        return
    asked = store.get(f"work-{piece}")
    if asked is None:
        return
    try:
        name, chunk = unpack(asked)
        answer = pack(("done", FUNCTIONS[name](chunk)))
    except Exception as error:  # noqa: BLE001  whatever it was, whoever asked must hear of it; its text may be secret
        answer = pack(("failed", type(error).__name__))
    if store.get(f"work-{piece}") is None:
        return  # whoever asked has the answer of another copy, or is gone: nothing is left behind
    store.put(f"answer-{piece}", answer)


@dataclass
class _Asked:
    """A piece of work under way."""

    piece: str
    data: bytes = field(repr=False)
    sent: float


class Fleet(InProcess):
    """Chunks go elsewhere; a single ballot, which is admitted or not at once, is examined here."""

    def __init__(
        self,
        store: Store,
        send: Send,
        jobs: int,
        *,
        private: bool = False,
        patience: float | None = None,
        progress: Steps = silent,
    ) -> None:
        """`private`: the work holds secrets, so its names are drawn by chance and answers are deleted when taken."""
        self.jobs = jobs
        self.progress = progress
        self._store, self._send, self._private = store, send, private
        self._patience = PATIENCE if patience is None else patience

    def map(self, function: Callable[[Any], Any], chunks: Iterable[Any]) -> Iterator[Any]:
        """`function` of each chunk, in order; not more than a few chunks for each job are under way at once."""
        name, ready = NAMES[function], list(chunks)
        waiting: deque[_Asked] = deque()
        taken = 0
        for chunk in ready:
            waiting.append(self._ask(name, chunk))
            if len(waiting) > 3 * self.jobs:
                yield self._take(waiting.popleft())
                taken += 1
                self.progress(taken, len(ready))
        while waiting:
            yield self._take(waiting.popleft())
            taken += 1
            self.progress(taken, len(ready))

    def _ask(self, name: str, chunk: Any) -> _Asked:
        data = pack((name, chunk))
        piece = secrets.token_hex(32) if self._private else hashlib.sha256(data).hexdigest()
        asked = _Asked(piece, data, 0.0)
        self._tell(asked)
        return asked

    def _tell(self, asked: _Asked) -> None:
        """Send it, or wait a moment when that is not possible: the next look sends it again."""
        try:
            if self._store.get(f"answer-{asked.piece}") is None:
                self._store.put(f"work-{asked.piece}", asked.data)
                self._send(asked.piece)
            asked.sent = time.monotonic()
        except StoreUnreachable:
            asked.sent = time.monotonic() - self._patience + 1

    def _take(self, asked: _Asked) -> Any:
        """The answer, however long it takes. Raises WorkFailed."""
        pause, longest = POLL
        while (answer := self._look(asked)) is None:
            if time.monotonic() - asked.sent > self._patience:
                self._tell(asked)
            time.sleep(pause)
            pause = min(2 * pause, longest)
        verdict, value = answer
        if verdict != "done":
            raise WorkFailed(f"a worker process failed with {value}")
        return value

    def _look(self, asked: _Asked) -> tuple[str, Any] | None:
        """(verdict, value), if there is an answer by now."""
        work, answer = f"work-{asked.piece}", f"answer-{asked.piece}"
        try:
            data = self._store.get(answer)
            if data is None:
                return None
            found = _read_answer(data)
            if found is None:
                self._store.delete(answer)
                self._tell(asked)
                return None
            # A public answer stays for a while: whoever begins again after a crash finds it. A failure does not:
            # whoever begins again tries again.
            stays = found[0] == "done" and not self._private
            self._store.delete(work, *([] if stays else [answer]))
        except StoreUnreachable:
            return None
        return found


def _read_answer(data: bytes) -> tuple[str, Any] | None:
    """(verdict, value) as `perform` wrote it; None for anything else."""
    try:
        verdict, value = unpack(data)
    except (DamagedFile, TypeError, ValueError):
        return None
    return (verdict, value) if verdict in ("done", "failed") else None
