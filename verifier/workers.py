"""Where heavy checks run: in this process, or spread over all cores asked for.

Work is cut into chunks; what a chunk's checks find comes back as a Report and is merged, so the verdict does not depend
on where it was computed.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol

from verifier.ballots import Sealed, Setting, examine
from verifier.crypto.multiexp import Parallel
from verifier.errors import Unreadable
from verifier.record.entries import parse_entry
from verifier.report import Judge, Report

CHUNK = 256
"""ballots in one batch: large enough that the one N-th power of a batch does not matter"""


class Workers(Parallel, Protocol):
    """What replay asks for."""

    def examine(self, judge: Judge, setting: Setting, ballot: Sealed, index: int) -> None:
        """Check the proofs of one ballot, now or with others."""

    def drain(self) -> None:
        """Wait until everything asked for was checked."""


class InProcess:
    """Everything at once, here: the server's admission, where a ballot is judged before it is stored."""

    jobs = 1

    def examine(self, judge: Judge, setting: Setting, ballot: Sealed, index: int) -> None:
        examine(judge, setting, [ballot])

    def map(self, function: Callable[[Any], Any], chunks: Iterable[Any]) -> Iterable[Any]:
        return map(function, chunks)

    def drain(self) -> None:
        return


class Unexamined(InProcess):
    """Passes over the proofs of ballots: for a log that was judged before, or whose proofs are not the question."""

    def examine(self, judge: Judge, setting: Setting, ballot: Sealed, index: int) -> None:
        return


class EntrySource(Protocol):
    """An archive that worker processes can open again."""

    def entry(self, index: int) -> bytes:
        """The bytes of entry `index`."""


def _examine_chunk(source: EntrySource, setting: Setting, chunk: Sequence[tuple[int, str]]) -> Report:
    report = Report()
    ballots = (Sealed(where, parse_entry(source.entry(index))) for index, where in chunk)
    examine(report, setting, ballots)
    return report


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Processes started meanwhile never see Ctrl-C: the terminal sends it to all, and the parent ends them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _deaths_named() -> Iterator[None]:
    """A process that was killed says nothing about the archive: no verdict, and never NOT VALID."""
    try:
        yield
    except BrokenExecutor as error:
        raise Unreadable("a worker process died, perhaps for want of memory; try fewer with --jobs") from error


class Pool:
    """Worker processes that read the ballots of a chunk from the archive themselves.

    `with Pool(...) as pool`: leaving ends the processes. The number of waiting chunks is bounded.
    """

    def __init__(self, jobs: int, source: EntrySource, report: Report, progress: Callable[[int], None]) -> None:
        self.jobs = jobs
        self._source, self._report, self._progress = source, report, progress
        self._chunk: list[tuple[int, str]] = []
        self._setting: Setting | None = None
        self._waiting: deque[tuple[int, Future[Report]]] = deque()
        context = multiprocessing.get_context("spawn" if jobs > 1 else None)
        self._executor = ProcessPoolExecutor(jobs, mp_context=context) if jobs > 1 else None

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._executor:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def examine(self, judge: Judge, setting: Setting, ballot: Sealed, index: int) -> None:
        self._setting = setting
        self._chunk.append((index, ballot.where))
        if len(self._chunk) >= CHUNK:
            self._submit()

    def _submit(self) -> None:
        if not self._chunk or self._setting is None:
            return
        chunk, self._chunk = self._chunk, []
        if self._executor is None:
            self._report.merge(_examine_chunk(self._source, self._setting, chunk))
            self._progress(len(chunk))
            return
        with _deaths_named(), _interrupts_blocked():
            future = self._executor.submit(_examine_chunk, self._source, self._setting, chunk)
        self._waiting.append((len(chunk), future))
        while len(self._waiting) > 2 * self.jobs:
            self._collect()

    def _collect(self) -> None:
        count, future = self._waiting.popleft()
        with _deaths_named():
            self._report.merge(future.result())
        self._progress(count)

    def map(self, function: Callable[[Any], Any], chunks: Iterable[Any]) -> Iterable[Any]:
        if self._executor is None:
            return map(function, chunks)
        with _deaths_named():
            with _interrupts_blocked():
                results = self._executor.map(function, chunks)
            return list(results)

    def drain(self) -> None:
        self._submit()
        while self._waiting:
            self._collect()
