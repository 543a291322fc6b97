"""Benchmark: mixing a list, proving it, and checking the proof, with parsing, hashing and encoding.

`python -m tests.bench.shuffle [--n 5000] [--bits 2048 3072]` prints one JSON line per measurement. The generators of
the commitment group are computed once per process and are not counted.
"""

from __future__ import annotations

import argparse
import time

from gmpy2 import mpz

from tally import mixing
from tally.ballot import Randomness
from tests.bench._measure import mulmod_seconds, report
from tests.keys import secret_key
from verifier.checks import evidence, integrity
from verifier.crypto import shuffle
from verifier.crypto.group import K, generators
from verifier.crypto.paillier import PublicKey
from verifier.record.canonical import parse, serialise
from verifier.record.column import Column, read_column, rows_digest, write_column
from verifier.report import Gate
from verifier.workers import InProcess

MAX_PROOF_BYTES = 8 << 20


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=5000)
    parser.add_argument("--bits", type=int, nargs="+", default=[2048, 3072])
    options = parser.parse_args()
    generators(min(options.n, K))
    for bits in options.bits:
        measure(secret_key(bits).public, options.n)


def measure(key: PublicKey, n: int) -> None:
    """One modulus size: from a list of n ciphertexts to the stage on the board, and back."""
    randomness = Randomness(key)
    inputs = [(1 + m * key.N) * randomness.power(randomness.fresh()) % key.N2 for m in range(n)]
    width = key.bits // 8
    input_digest = rows_digest([write_column(inputs, 2 * width)[0]])

    mulmod = mulmod_seconds(key.N2)
    started = time.perf_counter()
    wire, files = stage(key, inputs, input_digest)
    report("shuffle-prove", key.bits, n, time.perf_counter() - started, mulmod)

    mulmod = mulmod_seconds(key.N2)
    started = time.perf_counter()
    check(key, inputs, input_digest, wire, files)
    report("shuffle-check", key.bits, n, time.perf_counter() - started, mulmod)


def stage(key: PublicKey, inputs: list[mpz], input_digest: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """What a mixer publishes."""
    shuffled = mixing.shuffle(key, [inputs])
    column, data = write_column(shuffled.outputs[0], 2 * key.bits // 8)
    output_digest = rows_digest([column])
    statement = shuffle.Statement(key, b"bench", b"e" * 32, [inputs], shuffled.outputs, input_digest, output_digest)
    record, columns = shuffle.to_record(mixing.prove(statement, shuffled), key.bits)
    return serialise({"output": column.to_record(), "proof": record}), columns | {column.digest: data}


def check(key: PublicKey, inputs: list[mpz], input_digest: bytes, wire: bytes, files: dict[bytes, bytes]) -> None:
    """What an observer checks, under a Gate: raises CheckFailed when an honest stage is rejected."""
    gate, workers = Gate(), InProcess()

    def column(value: object, width: int) -> list[mpz]:
        found = Column.from_record(value, width)
        return read_column(files[found.digest], found)

    record = parse(wire, MAX_PROOF_BYTES)
    outputs = column(record["output"], 2 * key.bits // 8)
    output_digest = rows_digest([Column.from_record(record["output"], 2 * key.bits // 8)])
    gate.run(integrity.ciphertext_domain, "", key, outputs)
    statement = shuffle.Statement(key, b"bench", b"e" * 32, [inputs], [outputs], input_digest, output_digest)
    proof = shuffle.from_record(record["proof"], column, len(inputs), 1, key.bits)
    gate.run(integrity.mix_response_range, "", proof)
    gate.run(integrity.group_membership, "", proof)
    gate.run(integrity.commitment_domain, "", key, proof.F)
    gate.run(integrity.response_domain, "", key, proof.z)
    challenges = shuffle.challenges(statement, proof)
    gate.run(evidence.shuffle_product, "", proof, challenges)
    gate.run(evidence.shuffle_openings, "", statement, proof, challenges)
    gate.run(evidence.shuffle_ciphertexts, "", statement, proof, challenges, workers)


if __name__ == "__main__":
    main()
