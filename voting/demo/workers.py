"""The Celery workers of the demonstration: one for chunks of public work on each core, and a program for each mixer."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import redis
from django.conf import settings
from django.core.management.base import CommandError
from nacl.signing import SigningKey

from tally import worker
from voting.counting.conductor import Hands
from voting.counting.hands import HereHands, WorkerHands

HERE = "redis://127.0.0.1:6379/0"
Begin = Callable[[Sequence[SigningKey]], Hands]
"""from the keys of the mixers to whoever does the work of the count"""


@contextmanager
def workers(wanted: bool) -> Iterator[Begin]:
    """Begins workers when they are `wanted`, and ends them. Raises CommandError when there is no Redis."""
    if not wanted:
        yield HereHands
        return
    url = settings.REDIS_URL or HERE
    try:
        redis.Redis.from_url(url, socket_connect_timeout=5).ping()
    except redis.RedisError as error:
        raise CommandError(f"--celery: no Redis answers at REDIS_URL ({type(error).__name__})") from error
    os.environ["REDIS_URL"] = worker.app.conf.broker_url = url
    with ExitStack() as running:
        yield lambda keys: _begun(keys, running)


def _begun(keys: Sequence[SigningKey], running: ExitStack) -> Hands:
    cores = os.cpu_count() or 1
    command = [sys.executable, "-m", "celery", "-A", "tally.worker", "worker", "-Q", worker.WORK, "-c", str(cores)]
    chunks = subprocess.Popen([*command, "-l", "ERROR"], cwd=settings.BASE_DIR, stdout=subprocess.DEVNULL)  # noqa: S603
    running.callback(chunks.wait)
    running.callback(chunks.terminate)
    context = multiprocessing.get_context("spawn")
    for key in keys:
        os.environ["MIXER_WORKSPACE"] = str(settings.VAR_DIR / "demo" / worker.queue_of(bytes(key.verify_key)))
        mixer = context.Process(target=worker.serve, args=[key, cores])
        mixer.start()
        running.callback(mixer.join)
        running.callback(mixer.terminate)
    return WorkerHands(cores)
