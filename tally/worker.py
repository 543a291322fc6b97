"""The Celery side of the count: what workers do, in three kinds of queue.

| queue | who serves it | work |
|---|---|---|
| `work` | any machine of the election office | chunks of public work: products of powers, openings, ballots' proofs |
| `mixer.ID` | one mixer, where its key is | orders for mix stages; ID is the beginning of the mixer's public key |
| `mixer.ID.parts` | the same mixer's machine | chunks of its secret work, which lie in a directory of that machine |

A message carries a name and nothing else, no result goes to a result backend, and every task may come twice.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from celery import Celery, signals
from nacl.signing import SigningKey

from tally import mixer
from tally.errors import OrderRefused, StoreUnreachable
from tally.files import alone_beside
from tally.fleet import Fleet, Send, perform
from tally.parcels import pack
from tally.progress import Steps
from tally.signing import public_key
from tally.store import Directory, RedisStore, Store
from verifier.crypto.group import derivation_problem
from verifier.record.manifest import MODULUS_BITS

WORK = "work"
RETURN_AFTER = 120
"""seconds after which Redis gives a message to another worker when nobody has acknowledged it"""
ALIVE = 20
"""seconds without a sign of life after which a mixer does not count as mixing"""

app = Celery("tashika")
app.conf.update(
    broker_url=os.environ.get("REDIS_URL", ""),
    result_backend=None,
    task_ignore_result=True,
    accept_content=["json"],
    task_serializer="json",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_default_queue=WORK,
    broker_transport_options={"visibility_timeout": RETURN_AFTER, "socket_timeout": 30},
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    worker_hijack_root_logger=False,
    worker_enable_remote_control=False,  # whoever reaches Redis could stop a mixer, or look at what it does
    task_publish_retry=False,  # whoever sends decides when to send again
)

IN_MEMORY = "/dev/shm/tashika"  # noqa: S108  a Directory belongs to us alone, or is refused
"""how the paths of mixers' directories begin unless MIXER_WORKSPACE is set"""
ENDS_WITH_PARENT = "TASHIKA_ENDS_WITH_PARENT"
"""set for a worker that is part of another program"""
ALLOWED_BITS = MODULUS_BITS
"""key sizes that a mixer works with; tests of this project allow smaller ones"""
_KEY: dict[str, SigningKey] = {}
"""the mixer's key, in the memory of the process that was given the passphrase and of its children"""


@cache
def redis_store() -> RedisStore:
    """The store of public work."""
    return RedisStore(app.conf.broker_url)


@cache
def workspace() -> Directory:
    """The mixer's own directory: MIXER_WORKSPACE, which its program sets to one in memory unless it is set."""
    return Directory(Path(os.environ["MIXER_WORKSPACE"]))


def queue_of(mixer_key: bytes) -> str:
    """The queue of the mixer with this public key."""
    return f"mixer.{mixer_key.hex()[:16]}"


def sender(task: Any, queue: str) -> Send:
    """Sends names of pieces of work to a queue."""

    def send(piece: str) -> None:
        try:
            task.apply_async([piece], task_id=piece, queue=queue)
        except Exception as error:  # noqa: BLE001  kombu and redis have no common family of "the broker is away"
            raise StoreUnreachable(f"the broker: {type(error).__name__}") from None

    return send


@app.task(name="tally.work")
def work(piece: str) -> None:
    """One chunk of public work."""
    _undisturbed(redis_store(), piece)


@app.task(name="tally.part")
def part(piece: str) -> None:
    """One chunk of a mixer's secret work."""
    _undisturbed(workspace(), piece)


def _undisturbed(store: Store, piece: str) -> None:
    """While the store is away there is nobody to tell: whoever asked sends it again."""
    try:
        perform(store, piece)
    except StoreUnreachable:
        time.sleep(1)


@app.task(name="tally.mix")
def mix(order: str) -> None:
    """One mix stage: the order lies in Redis, and so will the signed entry."""
    try:
        _mix(redis_store(), order)
    except StoreUnreachable:
        time.sleep(1)


def _mix(store: RedisStore, order: str) -> None:
    asked = store.get(f"order-{order}")
    if asked is None or store.get(f"stage-{order}") is not None or store.get(f"alive-{order}") is not None:
        return
    key = _KEY["mixer"]
    workspace().clear()
    parts = Fleet(
        workspace(),
        sender(part, f"{queue_of(public_key(key))}.parts"),
        int(os.environ.get("MIXER_JOBS", "2")),
        private=True,
    )
    alive = SignOfLife(store, order)
    alive(0, 0)
    parts.progress = lambda *_: alive.again()
    try:
        submission = mixer.mix(mixer.unpack_order(asked), key, parts, alive, ALLOWED_BITS)
        answer = pack(("done", submission.to_bytes()))
    except OrderRefused as refusal:
        answer = pack(("refused", str(refusal)))
    except Exception as error:  # noqa: BLE001  its text may hold what is secret, and Celery would write it down
        answer = pack(("refused", f"the mixer failed ({type(error).__name__})"))
    finally:
        workspace().clear()
    _hand_over(store, order, answer)


def _hand_over(store: RedisStore, order: str, answer: bytes) -> None:
    """Hours of work are not thrown away because Redis is away at this moment."""
    while True:
        try:
            store.put(f"stage-{order}", answer)
            store.delete(f"alive-{order}")
            return
        except StoreUnreachable:
            time.sleep(1)


class SignOfLife:
    """Says now and then how far a mixer is, so that nobody orders the same stage from it again."""

    def __init__(self, store: RedisStore, order: str) -> None:
        self._store, self._order = store, order
        self._steps, self._told = (0, 0), 0.0

    def __call__(self, done: int, total: int) -> None:
        self._steps = (done, total)
        self.again()

    def again(self) -> None:
        """The same as before, once in a second at most. A store that is away is told later."""
        if time.monotonic() - self._told < 1:
            return
        self._told = time.monotonic()
        try:
            self._store.put(f"alive-{self._order}", pack(self._steps), ALIVE)
        except StoreUnreachable:
            return


def public_fleet(jobs: int, progress: Steps) -> Fleet:
    """The workers of the queue `work`."""
    return Fleet(redis_store(), sender(work, WORK), jobs, progress=progress)


# No process is left behind by a parent that was killed: it would keep a mixer's key, or its lock.


@signals.worker_process_init.connect
def _end_with_parent(**_: object) -> None:
    """Linux sends SIGKILL when the parent is gone (prctl 1, PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)


@signals.worker_init.connect
def _end_with_program(**_: object) -> None:
    if ENDS_WITH_PARENT in os.environ:
        _end_with_parent()


# A mixer's program


def serve(key: SigningKey, jobs: int) -> None:
    """Serve the orders of a mixer until Ctrl-C, with so many processes for its secret work.

    The key stays in the memory of the process that takes orders; those that do the parts do not have it.
    """
    _KEY["mixer"] = key
    derivation_problem()  # remembered by every process that is forked from here: seconds for each order
    queue = queue_of(public_key(key))
    os.environ["MIXER_JOBS"] = str(jobs)
    # Each mixer has its own: two on one machine would clear each other's work away.
    os.environ.setdefault("MIXER_WORKSPACE", f"{IN_MEMORY}-{queue}-{os.getuid()}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # until Celery listens
    own = workspace()
    with alone_beside(Path(os.environ["MIXER_WORKSPACE"], queue)), _parts(f"{queue}.parts", jobs):
        own.clear()
        app.worker_main(_options(queue, 1))


@contextmanager
def _parts(queue: str, jobs: int) -> Iterator[None]:
    """Processes for a mixer's secret work, begun again when they are killed."""
    leaving = threading.Event()
    begun: list[subprocess.Popen[bytes]] = []

    def keep() -> None:
        # Ctrl-C reaches every process of a terminal, but the stage that is being mixed still needs these.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        while not leaving.wait(1 if begun else 0):
            command = [sys.executable, "-m", "celery", "-A", "tally.worker", *_options(queue, jobs)]
            environment = {**os.environ, ENDS_WITH_PARENT: "yes"}
            begun[:] = [subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment)]  # noqa: S603  our own module
            begun[0].wait()

    keeper = threading.Thread(target=keep)
    keeper.start()
    try:
        yield
    finally:
        leaving.set()
        while keeper.is_alive():
            for process in begun:
                process.terminate()
            keeper.join(1)
        workspace().clear()


def _options(queue: str, processes: int) -> list[str]:
    return [
        "worker",
        "-Q",
        queue,
        "-n",
        f"{queue}@%h",
        "-c",
        str(processes),
        "--without-mingle",
        "--without-gossip",
        "-l",
        "WARNING",
    ]
