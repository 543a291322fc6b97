"""Benchmark: making and checking ballots of one *choose one* contest with 10 options.

`python -m tests.bench.ballots [--n 1000] [--bits 2048 3072]` prints one JSON line per measurement. Encoding, parsing
and hashing are counted; the tables of the device are built once and are not.
"""

from __future__ import annotations

import argparse
import secrets
import time

from gmpy2 import mpz

from tally.ballot import BallotMaker
from tally.signing import public_key, sign_entry
from tests.bench._measure import mulmod_seconds, report
from tests.election import contest, signing_key, small_manifest
from tests.keys import secret_key
from verifier.ballots import Sealed, Setting, examine
from verifier.record.canonical import serialise
from verifier.record.entries import Type, parse_entry
from verifier.record.manifest import parse_manifest
from verifier.report import Report

OPTIONS = 10


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--make", type=int, default=50)
    parser.add_argument("--bits", type=int, nargs="+", default=[2048, 3072])
    options = parser.parse_args()
    for bits in options.bits:
        measure(bits, options.n, options.make)


def measure(bits: int, n: int, made: int) -> None:
    """One modulus size: make `made` ballots, check n (those made, under slots of their own)."""
    key = secret_key(bits).public
    names = [f"候補 {number}" for number in range(OPTIONS - 1)]
    manifest = parse_manifest(
        small_manifest(
            modulus_bits=bits,
            contests=[contest("mayor", "choose-one", names)],
            styles=[{"id": "north", "unit": "north", "contests": ["mayor"]}],
        )
    )
    setting = Setting(manifest, key, mpz(1) << 20)
    maker = BallotMaker(setting)
    device = signing_key("device")

    def make(slot: int) -> bytes:
        body = maker.make(
            manifest.styles[0], f"slot-{slot}", 1, public_key(device), {"mayor": "c"}, secrets.token_bytes(32)
        )
        signatures = sign_entry(Type.BALLOT_CAST, body, [device])
        return serialise({"body": body, "signatures": signatures, "time": "2026-11-16T01:00Z", "type": "ballot-cast"})

    mulmod = mulmod_seconds(key.N2)
    started = time.perf_counter()
    entries = [make(slot) for slot in range(made)]
    report("ballot-make", bits, made, time.perf_counter() - started, mulmod)
    entries += [make(slot) for slot in range(made, n)]
    mulmod = mulmod_seconds(key.N2)
    judge = Report()
    started = time.perf_counter()
    examine(judge, setting, [Sealed(f"entry {at}", parse_entry(raw)) for at, raw in enumerate(entries)])
    report("ballot-check", bits, n, time.perf_counter() - started, mulmod)
    if judge.failures:
        raise SystemExit(f"an honest ballot was rejected: {judge.failures[0]}")


if __name__ == "__main__":
    main()
