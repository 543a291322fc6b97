"""Benchmark: checking openings (m, r) of ciphertexts, with parsing and hashing.

`python -m tests.bench.openings [--n 5000] [--bits 2048 3072]` prints one JSON line per measurement.
"""

from __future__ import annotations

import argparse
import secrets
import time

from gmpy2 import mpz

from tally.ballot import Randomness
from tests.bench._measure import mulmod_seconds, report
from tests.keys import secret_key
from verifier.checks import evidence, integrity
from verifier.crypto.paillier import PublicKey
from verifier.record.column import read_column, write_column
from verifier.report import Gate
from verifier.workers import InProcess


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=5000)
    parser.add_argument("--bits", type=int, nargs="+", default=[2048, 3072])
    options = parser.parse_args()
    for bits in options.bits:
        measure(secret_key(bits).public, options.n)


def measure(key: PublicKey, n: int) -> None:
    """One modulus size: n openings of full-size plaintexts, from the bytes of their columns."""
    randomness, width = Randomness(key), key.bits // 8
    plaintexts = [mpz(secrets.randbelow(int(key.N))) for _ in range(n)]
    alphas = [randomness.fresh() for _ in range(n)]
    roots = [randomness.root(alpha) for alpha in alphas]
    named = [(1 + m * key.N) * randomness.power(alpha) % key.N2 for m, alpha in zip(plaintexts, alphas, strict=True)]
    m_column, m_data = write_column(plaintexts, width)
    r_column, r_data = write_column(roots, width)

    gate, mulmod = Gate(), mulmod_seconds(key.N2)
    started = time.perf_counter()
    ms, rs = read_column(m_data, m_column), read_column(r_data, r_column)
    gate.run(integrity.response_domain, "", key, rs, ms)
    gate.run_batch(evidence.opening_holds, [""] * n, key, named, ms, rs, InProcess())
    report("opening-check", key.bits, n, time.perf_counter() - started, mulmod)


if __name__ == "__main__":
    main()
