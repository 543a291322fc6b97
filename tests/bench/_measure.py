"""What the benchmarks share: the unit of measurement and the form of a line."""

from __future__ import annotations

import json
import secrets
import statistics
import time

from gmpy2 import mpz

LOOPS, ROUNDS = 9, 4000


def mulmod_seconds(modulus: mpz) -> float:
    """The time of one multiplication modulo `modulus`: the median of several loops, measured in this run."""
    y = mpz(secrets.randbelow(int(modulus)))
    x = mpz(secrets.randbelow(int(modulus)))
    seconds = []
    for _ in range(LOOPS):
        started = time.perf_counter()
        for _ in range(ROUNDS):
            x = x * y % modulus
        seconds.append((time.perf_counter() - started) / ROUNDS)
    return statistics.median(seconds)


def report(name: str, bits: int, n: int, seconds: float, mulmod: float, **more: int) -> None:
    """Print one JSON line; `mulmod` is the time of one multiplication modulo N²."""
    line = {
        "name": name,
        "bits": bits,
        "n": n,
        "seconds": round(seconds, 4),
        "per_item_us": round(seconds / n * 1e6, 2),
        "mulmods_per_item": round(seconds / n / mulmod, 1),
        **more,
    }
    print(json.dumps(line), flush=True)
