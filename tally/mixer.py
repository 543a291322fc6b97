"""A mixer at work for a board that it does not trust: from an order to a signed mix stage.

The order brings the entries that say what is mixed: manifest and key, and the stage before with its proof. They are
replayed by the code that observers run, so a mixer checks the stage before its own (protocol, section 5). What enters
the first stage it cannot check without the whole log; trustees do, before they open anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gmpy2 import mpz
from nacl.signing import SigningKey

from tally import stages
from tally.errors import DamagedFile, OrderRefused
from tally.parcels import INTEGERS, pack, unpack
from tally.progress import Steps, silent
from tally.signing import public_key
from tally.submission import Submission
from verifier.checks import integrity
from verifier.errors import CheckFailed, NotCanonical, VerifierError
from verifier.record.entries import Type, modulus_bytes, parse_entry
from verifier.record.manifest import MODULUS_BITS
from verifier.replay import Replay
from verifier.replay.freeze import columns_digest
from verifier.replay.state import ContestTally, Group, Stage, State
from verifier.report import Gate
from verifier.workers import Workers


@dataclass(frozen=True)
class Order:
    """One stage to mix."""

    contest: str
    group: int
    """counted from 0"""
    stage: int
    """counted from 1"""
    setup: tuple[bytes, bytes]
    """the entries of manifest and key"""
    before: bytes
    """the entry of the stage before; empty for the first"""
    columns: Mapping[bytes, bytes]
    """what `before` names"""
    inputs: Sequence[Sequence[mpz]] = field(repr=False)
    """the list that the stage before mixed; for the first stage, the list to mix"""

    def pack(self) -> bytes:
        """As bytes, for another process."""
        columns = [(name, data) for name, data in self.columns.items()]
        inputs = [list(column) for column in self.inputs]
        return pack((self.contest, self.group, self.stage, self.setup, self.before, columns, inputs))


def unpack_order(data: bytes) -> Order:
    """Raises OrderRefused for bytes that are none."""
    try:
        contest, group, stage, setup, before, columns, inputs = unpack(data)
        manifest, key = setup
        named = dict(columns)
        if not isinstance(contest, str) or not _all_are(bytes, manifest, key, before, *named, *named.values()):
            raise TypeError
        if not all(isinstance(column, list) and _all_are(INTEGERS, *column) for column in inputs):
            raise TypeError
        return Order(contest, int(group), int(stage), (manifest, key), before, named, inputs)
    except (DamagedFile, TypeError, ValueError) as error:
        raise OrderRefused(f"this is no order ({type(error).__name__})") from None


def _all_are(kind: type | tuple[type, ...], *values: Any) -> bool:
    return all(isinstance(value, kind) for value in values)


class _OrderLog:
    """The log of an order: three entries at most."""

    def __init__(self, order: Order) -> None:
        self._entries, self._columns = [*order.setup, order.before], order.columns

    def entry(self, index: int) -> bytes:
        return self._entries[index]

    def column(self, digest: bytes) -> bytes:
        if digest not in self._columns:
            raise NotCanonical(f"column {digest.hex()} is missing")
        return self._columns[digest]


def mix(
    order: Order,
    key: SigningKey,
    workers: Workers,
    progress: Steps = silent,
    allowed_bits: tuple[int, ...] = MODULUS_BITS,
) -> Submission:
    """The stage of this mixer, signed. The `workers` learn the permutation: they are its own. Raises OrderRefused."""
    try:
        state = _replayed(order, workers, allowed_bits)
    except (VerifierError, ArithmeticError, LookupError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error) if isinstance(error, VerifierError) else type(error).__name__
        raise OrderRefused(f"{order.contest}, group {order.group}, stage {order.stage}: {reason}") from None
    manifest, _ = state.require()
    if (order.contest, order.group, order.stage) not in state.pending_stages():
        raise OrderRefused(f"stage {order.stage} of {order.contest}, group {order.group}, is not the next one")
    if public_key(key) != manifest.mixers[order.stage - 1].key:
        raise OrderRefused(f"stage {order.stage} belongs to another mixer, {manifest.mixers[order.stage - 1].name}")
    body, columns = stages.mix_stage_body(state, order.contest, order.group, progress, workers)
    return Submission(Type.MIX_STAGE, body, (), columns).signed_by(key)


def _replayed(order: Order, workers: Workers, allowed_bits: tuple[int, ...]) -> State:
    """Replay as it stands before this stage, as far as an order tells. Raises VerifierError and what broken data do."""
    replay = Replay(_OrderLog(order), Gate(), workers, allowed_bits)
    state = replay.state
    for raw in order.setup:
        replay.apply(raw)
        if state.manifest and state.manifest.modulus_bits not in allowed_bits:
            raise NotCanonical(f"a modulus of {state.manifest.modulus_bits} bits is not allowed")
    manifest, key = state.require()
    contest = manifest.contest(order.contest)
    inputs = [list(column) for column in order.inputs]
    if not 0 <= order.group < len(manifest.units):
        raise NotCanonical("there is no such group")
    if len(inputs) != contest.width or len({len(column) for column in inputs}) != 1:
        raise NotCanonical("the list to mix has not the columns of its contest, all of the same length")
    for column in inputs:
        integrity.ciphertext_domain("the list to mix", key, column)
    width = 2 * modulus_bytes(manifest)
    group = Group((), len(inputs[0]), columns=inputs, digest=columns_digest(inputs, width))
    others = [Group((), 0) for _ in range(order.group)]
    state.tallies = [ContestTally(contest, True, [*others, group])]
    state.stage = Stage.FROZEN
    if order.stage > 1:
        group.stages = order.stage - 2
        if parse_entry(order.before).type is not Type.MIX_STAGE:
            raise CheckFailed("the stage before", "the entry is none", order.contest)
        replay.apply(order.before)
    return state
