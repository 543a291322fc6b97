"""Benchmark: mixing, checking and opening by one and by two Celery worker processes, and the bytes that it moves.

`python -m tests.bench.workers [--n 3000] [--bits 3072]` starts a Redis and workers of its own, and prints one JSON line
per measurement; `speedup` is that of two processes over one. The machine must have nothing else to do.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import gmpy2
import redis
from gmpy2 import mpz

from tally import mixing, stages, worker
from tally.fleet import Fleet
from tally.store import Directory, RedisStore, Store
from tests.bench._measure import mulmod_seconds, report
from tests.broker import Broker, Worker
from tests.keys import SecretKey, secret_key
from verifier.checks import evidence, integrity
from verifier.crypto import shuffle
from verifier.record.column import rows_digest, write_column
from verifier.report import Gate

ROOTED, PIECE = 200, 25


class Counting:
    """A store that counts the bytes that pass."""

    def __init__(self, store: Store) -> None:
        self._store, self.moved = store, 0

    def put(self, name: str, data: bytes) -> None:
        self.moved += 2 * len(data)  # in by whoever asks, out by whoever works
        self._store.put(name, data)

    def get(self, name: str) -> bytes | None:
        data = self._store.get(name)
        self.moved += 2 * len(data or b"")
        return data

    def delete(self, *names: str) -> None:
        self._store.delete(*names)


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=3000)
    parser.add_argument("--bits", type=int, nargs="+", default=[3072])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder))
        worker.app.conf.broker_url = broker.url
        try:
            for bits in options.bits:
                measure(secret_key(bits), options.n, broker, Path(folder))
        finally:
            broker.kill()


def measure(secret: SecretKey, n: int, broker: Broker, folder: Path) -> None:
    """One modulus size, by one worker process and by two."""
    key = secret.public
    randomness = mixing.randomness_of(key)
    inputs = [(1 + m * key.N) * randomness.draw()[1] % key.N2 for m in range(n)]
    mulmod = mulmod_seconds(key.N2)
    alone: dict[str, float] = {}
    for jobs in (1, 2):
        with fleets(broker, folder / "parts", jobs) as (own, public, store):
            for name, work in steps(secret, inputs, own, public).items():
                store.moved, started = 0, time.perf_counter()
                work()
                seconds = time.perf_counter() - started
                speedup = {} if jobs == 1 else {"speedup_percent": round(100 * alone[name] / seconds)}
                alone[name] = seconds
                count = ROOTED if name == "open" else n
                moved = store.moved // count
                report(f"workers-{name}", key.bits, count, seconds, mulmod, jobs=jobs, bytes=moved, **speedup)


@contextmanager
def fleets(broker: Broker, parts: Path, jobs: int) -> Iterator[tuple[Fleet, Fleet, Counting]]:
    """(the mixer's own, the public one, the public store), with so many processes each; they take turns."""
    environment = {"REDIS_URL": broker.url, "MIXER_WORKSPACE": str(parts)}
    redis.Redis.from_url(broker.url).flushdb()  # no answer of one round is found by the next
    started = [Worker("tally.worker", queue, jobs, environment) for queue in ("work", "parts")]
    try:
        store = Counting(RedisStore(broker.url))
        own = Fleet(Directory(parts), worker.sender(worker.part, "parts"), jobs, private=True)
        yield own, Fleet(store, worker.sender(worker.work, "work"), jobs), store
    finally:
        for process in started:
            process.kill()


def steps(secret: SecretKey, inputs: list[mpz], own: Fleet, public: Fleet) -> dict[str, Callable[[], object]]:
    """What is measured, in this order. Tables and generators are made before, in every process."""
    key, width = secret.public, 2 * secret.public.bits // 8
    s_1 = gmpy2.invert(key.N, (secret.P - 1) * (secret.Q - 1))
    rooted = [gmpy2.powmod(c, 2 * s_1, key.N) for c in inputs[:ROOTED]]  # of one trustee, who is enough
    digest = rows_digest([write_column(inputs, width)[0]])
    made: list[tuple[shuffle.Statement, shuffle.Proof]] = []

    def mix() -> None:
        shuffled = mixing.shuffle(key, [inputs], workers=own)
        named = rows_digest([write_column(shuffled.outputs[0], width)[0]])
        statement = shuffle.Statement(key, b"bench", b"e" * 32, [inputs], shuffled.outputs, digest, named)
        made.append((statement, mixing.prove(statement, shuffled, own)))

    def check() -> None:
        statement, proof = made[-1]
        gate = Gate()
        gate.run(integrity.ciphertext_domain, "", key, statement.outputs[0])
        gate.run(integrity.group_membership, "", proof)
        drawn = shuffle.challenges(statement, proof)
        gate.run(evidence.shuffle_product, "", proof, drawn)
        gate.run(evidence.shuffle_openings, "", statement, proof, drawn)
        gate.run(evidence.shuffle_ciphertexts, "", statement, proof, drawn, public)

    def open_all() -> None:
        cuts = [slice(at, at + PIECE) for at in range(0, ROOTED, PIECE)]
        list(public.map(stages.open_some, [(key, 1, inputs[cut], [(1, rooted[cut])]) for cut in cuts]))

    list(own.map(mixing.re_encrypt, [(key, inputs[:2])] * (4 * own.jobs)))
    return {"mix": mix, "check": check, "open": open_all}


if __name__ == "__main__":
    main()
