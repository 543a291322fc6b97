"""The bodies of the entries from the freeze to the result, made from the state that replay reached.

Nothing here decides anything: replay will find the same by itself, and refuses what differs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from gmpy2 import mpz

from tally import mixing
from tally.errors import ThresholdNotMet
from tally.progress import Steps, silent
from tally.roots import partial_roots
from verifier.crypto import shuffle, threshold
from verifier.crypto.multiexp import Parallel
from verifier.crypto.paillier import PublicKey
from verifier.crypto.seed import plaintext
from verifier.record.canonical import encode_bytes, encode_integer
from verifier.record.column import rows_digest, write_column
from verifier.record.entries import modulus_bytes
from verifier.replay import counting, freeze
from verifier.replay.state import ContestTally, Group, Log, State
from verifier.workers import InProcess

Columns = dict[bytes, bytes]
"""digest → bytes of the columns that an entry names"""
OPENED = 64
"""ciphertexts that are opened as one piece of work: a few seconds"""


def freeze_body(state: State, log: Log, decided: Collection[str] = ()) -> dict[str, Any]:
    """What two officials sign to freeze the tally; `decided` are small contests that they open all the same."""
    manifest, _ = state.require()
    counted = freeze.counted_slots(state)
    width = 2 * modulus_bytes(manifest)
    return {
        "election": encode_bytes(manifest.election),
        "ballots": encode_bytes(freeze.counted_digest(state, counted)),
        **counting.fate_counts(state, len(counted)),
        "contests": [
            {
                "contest": tally.contest.id,
                "open": tally.open,
                "groups": [_group_record(tally, group, width) for group in tally.groups],
            }
            for tally in freeze.tallies(state, log, counted, decided)
        ],
    }


def _group_record(tally: ContestTally, group: Group, width: int) -> dict[str, Any]:
    product = [encode_integer(group.product, width)] if tally.contest.homomorphic else []
    return {"units": list(group.units), "ballots": group.ballots, "ciphertext": product}


def name_of_stage(state: State, contest: str, group_number: int) -> str:
    """What stands for the next stage of a group and exactly the list that it mixes: 64 hex digits."""
    group = _group_of(state, contest, group_number)
    return counting.mix_context(state, contest, group_number, group.stages + 1, group.digest).hex()


def _group_of(state: State, contest: str, number: int) -> Group:
    return next(tally.groups[number] for tally in state.tallies if tally.contest.id == contest)


def mix_stage_body(
    state: State, contest: str, group_number: int, progress: Steps = silent, workers: Parallel | None = None
) -> tuple[dict[str, Any], Columns]:
    """Re-encrypt and shuffle one group, with proof; the permutation is forgotten on return.

    `workers` learn the permutation: they are the mixer's own.
    """
    manifest, key = state.require()
    group = _group_of(state, contest, group_number)
    stage = group.stages + 1
    width = 2 * modulus_bytes(manifest)
    context = counting.mix_context(state, contest, group_number, stage, group.digest)
    shuffled = mixing.shuffle(key, group.columns, progress, workers)
    written = [write_column(column, width) for column in shuffled.outputs]
    output_digest = rows_digest(column for column, _ in written)
    statement = shuffle.Statement(
        key, context, manifest.election, group.columns, shuffled.outputs, group.digest, output_digest
    )
    record, columns = shuffle.to_record(mixing.prove(statement, shuffled, workers), key.bits)
    columns |= {column.digest: data for column, data in written}
    body = {
        "election": encode_bytes(manifest.election),
        "context": encode_bytes(context),
        "contest": contest,
        "group": group_number,
        "stage": stage,
        "input": encode_bytes(group.digest),
        "output": [column.to_record() for column, _ in written],
        "proof": record,
    }
    return body, columns


def partial_roots_body(
    state: State, trustee: int, share: mpz, progress: Steps = silent
) -> tuple[dict[str, Any], Columns]:
    """One trustee's partial roots of exactly what replay names, with their proof."""
    manifest, key = state.require()
    proof = partial_roots(
        share,
        trustee,
        key.N,
        counting.roots_statement(state),
        manifest.election,
        len(manifest.trustees),
        manifest.threshold,
        progress,
    )
    record, columns = threshold.to_record(proof, key.bits)
    body = {
        "election": encode_bytes(manifest.election),
        "context": encode_bytes(counting.roots_context(state)),
        "trustee": trustee,
        "proof": record,
    }
    return body, columns


def opening_body(
    state: State, progress: Steps = silent, workers: Parallel | None = None
) -> tuple[dict[str, Any], Columns]:
    """Combine the partial roots of t trustees and decrypt; needs no secret. Raises ThresholdNotMet.

    For each ciphertext one power mod N and one mod N², and t small ones.
    """
    manifest, key = state.require()
    named = state.named()
    chosen = state.combined()
    if named and len(chosen) < manifest.threshold:
        raise ThresholdNotMet(f"partial roots of {len(chosen)} trustees, {manifest.threshold} are needed")
    parts = [
        (key, len(manifest.trustees), named[part], [(j, partial.roots[part]) for j, partial in chosen.items()])
        for part in (slice(start, start + OPENED) for start in range(0, len(named), OPENED))
    ]
    plaintexts: list[mpz] = []
    roots: list[mpz] = []
    for some_plaintexts, some_roots in (workers or InProcess()).map(open_some, parts):
        plaintexts += some_plaintexts
        roots += some_roots
        progress(len(roots), len(named))
    width = modulus_bytes(manifest)
    (m_column, m_data), (r_column, r_data) = write_column(plaintexts, width), write_column(roots, width)
    body = {
        "election": encode_bytes(manifest.election),
        "plaintexts": m_column.to_record(),
        "roots": r_column.to_record(),
    }
    return body, {m_column.digest: m_data, r_column.digest: r_data}


def open_some(
    part: tuple[PublicKey, int, Sequence[mpz], Sequence[tuple[int, Sequence[mpz]]]],
) -> tuple[list[mpz], list[mpz]]:
    """(plaintexts, roots) of some ciphertexts, of n trustees, from the partial roots of t by their numbers."""
    key, n, ciphertexts, partials = part
    roots = threshold.combine(key.N, int(n), [c % key.N for c in ciphertexts], {int(j): us for j, us in partials})
    plaintexts = [plaintext(key, c, r) for c, r in zip(ciphertexts, roots, strict=True)]
    if None in plaintexts:
        raise ThresholdNotMet("the partial roots do not combine to roots: one of them is wrong")
    return [m for m in plaintexts if m is not None], roots


def result_body(state: State) -> dict[str, Any]:
    """The result that the openings say."""
    manifest, _ = state.require()
    return {"election": encode_bytes(manifest.election), **counting.result_record(state)}
