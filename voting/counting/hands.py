"""Who does the work of a count: this process, or Celery workers on any number of machines."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from django.conf import settings
from nacl.signing import SigningKey

from tally import worker
from tally.errors import DamagedFile, OrderRefused, StoreUnreachable
from tally.mixer import mix
from tally.parcels import unpack
from tally.progress import silent
from tally.signing import public_key
from tally.submission import Submission, parse_submission
from verifier.record.manifest import MODULUS_BITS, Party
from verifier.workers import InProcess, Workers
from voting import keyfile
from voting.counting import progress
from voting.counting.conductor import Conductor, Hands, Place

SILENCE = 60.0
"""seconds without a sign of life after which officials are told that a mixer does not answer"""
PAUSE = 0.5
"""seconds between two looks for stages from elsewhere"""


class HereHands:
    """Everything in this process; mixers are those whose keys are given."""

    def __init__(self, keys: Iterable[SigningKey]) -> None:
        self.workers: Workers = InProcess()
        self._keys = {public_key(key): key for key in keys}

    def mix(self, place: Place, name: str, mixer: Party, conductor: Conductor) -> Submission | None:
        key = self._keys.get(mixer.key)
        if key is None:
            return None
        steps = partial(conductor.tell, "mix", place)
        bits = getattr(settings, "TASHIKA_ALLOWED_MODULUS_BITS", MODULUS_BITS)
        return mix(conductor.order(place), key, self.workers, steps, bits)

    def discard(self, name: str) -> None:
        """Nothing is kept here."""

    def wait(self) -> bool:
        """Mixers elsewhere bring their stage as a file (`manage.py submit`): nothing to wait for."""
        return False


class WorkerHands:
    """Chunks go to the queue `work`, orders to the queue of each mixer; everything lies in Redis meanwhile."""

    def __init__(self, jobs: int) -> None:
        self.workers: Workers = worker.public_fleet(jobs, silent)
        self._store = worker.redis_store()
        self._asked: dict[str, float] = {}
        """order → when it was sent last"""
        self._heard: dict[str, float] = {}
        """order → when the mixer was last heard of, or first asked"""

    def mix(self, place: Place, name: str, mixer: Party, conductor: Conductor) -> Submission | None:
        try:
            answer = self._store.get(f"stage-{name}")
            if answer is None:
                self._ask(place, name, mixer, conductor)
                return None
        except StoreUnreachable:
            return None
        return _read_answer(answer)

    def _ask(self, place: Place, name: str, mixer: Party, conductor: Conductor) -> None:
        """Send the order, unless the mixer is at it or was asked just now."""
        election, now = conductor.election.pk, time.monotonic()
        alive = self._store.get(f"alive-{name}")
        if alive is not None:
            self._heard[name] = now
            if steps := _read_steps(alive):
                conductor.tell("mix", place, *steps)
            progress.solved(election, f"mixer {place[2]}")
            return
        if now - self._heard.setdefault(name, now) > SILENCE:
            conductor.mixer_is_silent(place, mixer)
        if now - self._asked.get(name, -worker.ALIVE) < worker.ALIVE:
            return
        if self._store.get(f"order-{name}") is None:
            self._store.put(f"order-{name}", conductor.order(place).pack())
        worker.sender(worker.mix, worker.queue_of(mixer.key))(name)
        self._asked[name] = now

    def discard(self, name: str) -> None:
        self._heard.pop(name, None)  # it has answered; when it was asked still limits when it is asked again
        try:
            self._store.delete(f"stage-{name}", f"order-{name}")
        except StoreUnreachable:
            return  # it fades away by itself

    def wait(self) -> bool:
        """Where no mixer is heard of for long, another count may have this process; the clock begins this one again."""
        time.sleep(PAUSE)
        return not self._heard or time.monotonic() - max(self._heard.values()) < 2 * SILENCE


def _read_steps(alive: bytes) -> tuple[int, int] | None:
    """How far a mixer is, (done, total); None where it cannot be read. It is alive all the same."""
    try:
        done, total = unpack(alive)
        return int(done), int(total)
    except (DamagedFile, TypeError, ValueError):
        return None


def _read_answer(answer: bytes) -> Submission:
    """The stage that a mixer left in Redis. Raises OrderRefused: it refused, or what lies there is none."""
    try:
        verdict, value = unpack(answer)
        if verdict == "done":
            return parse_submission(value, "the answer")
    except (DamagedFile, TypeError, ValueError) as error:
        raise OrderRefused(f"the answer cannot be read ({type(error).__name__})") from None
    raise OrderRefused(str(value))


def hands() -> Hands:
    """Workers when there is Redis; otherwise this process, with the mixers whose keys are on this machine."""
    if settings.REDIS_URL:
        return WorkerHands(settings.COUNT_JOBS)
    directory = Path(settings.MIXER_KEYS)
    keys = [SigningKey(keyfile.load(path)) for path in sorted(directory.glob("*.key"))] if directory.is_dir() else []
    return HereHands(keys)
