"""Replay: a pure function from the log to the state of the election. *The log is the election.*

The server admits an entry exactly when `Replay.apply` under a `Gate` accepts it; observers run the same code over the
whole log under a `Report`. A rule checks everything before it changes the state, so a refused entry leaves no trace.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from verifier.checks import consistency
from verifier.checks.read import Skip, read
from verifier.crypto.merkle import MerkleTree, leaf_hash
from verifier.record.entries import Entry, Type, parse_entry
from verifier.record.manifest import MODULUS_BITS
from verifier.replay import counting, setup, voting
from verifier.replay.context import Context
from verifier.replay.state import Log, Stage, State
from verifier.report import Judge
from verifier.workers import InProcess, Workers

RULES: dict[Type, tuple[Callable[[Context], None], tuple[Stage, ...]]] = {
    Type.MANIFEST: (setup.manifest, (Stage.EMPTY,)),
    Type.KEY: (setup.key, (Stage.SETUP,)),
    Type.SHARE_CONFIRMED: (setup.share_confirmed, (Stage.SETUP,)),
    Type.ROLL_COMMITMENT: (setup.roll_commitment, (Stage.SETUP,)),
    Type.CREDENTIAL_REGISTERED: (setup.credential_registered, (Stage.SETUP, Stage.OPEN)),
    Type.CREDENTIAL_REPLACED: (setup.credential_replaced, (Stage.SETUP, Stage.OPEN)),
    Type.POLLS_OPENED: (setup.polls_opened, (Stage.SETUP,)),
    Type.BALLOT_CAST: (voting.ballot_cast, (Stage.OPEN,)),
    Type.BALLOT_OPENED: (voting.ballot_opened, (Stage.OPEN,)),
    Type.POLLS_CLOSED: (counting.polls_closed, (Stage.OPEN,)),
    Type.WITHDRAWALS: (counting.withdrawals, (Stage.CLOSED,)),
    Type.TALLY_FROZEN: (counting.tally_frozen, (Stage.CLOSED, Stage.WITHDRAWN)),
    Type.MIX_STAGE: (counting.mix_stage, (Stage.FROZEN,)),
    Type.PARTIAL_ROOTS: (counting.partial_roots, tuple(Stage)),
    Type.OPENING: (counting.opening, tuple(Stage)),
    Type.RESULT: (counting.result, (Stage.OPENED,)),
    Type.CORRECTION: (counting.correction, (Stage.PUBLISHED,)),
}
"""Each entry type with its rule and the stages in which it may come (two have a check of their own for that)."""


class Replay:
    """The state of an election after the entries applied so far, and their Merkle tree."""

    def __init__(
        self,
        log: Log,
        judge: Judge,
        workers: Workers | None = None,
        allowed_bits: tuple[int, ...] = MODULUS_BITS,
    ) -> None:
        """`allowed_bits`: tests of this project allow smaller moduli; no program for an election does."""
        self.log, self.judge = log, judge
        self.workers: Workers = workers or InProcess()
        self.allowed_bits = allowed_bits
        self.state = State()
        self.tree = MerkleTree()

    def apply(self, raw: bytes) -> Entry | None:
        """Apply the next entry. None when it could not be read at all.

        Under a Gate, raises CheckFailed and leaves everything as it was.
        """
        index = self.state.size
        entry = self._read(index, raw)
        if entry is not None:
            self._apply(index, entry)
        self.tree.append(leaf_hash(raw))
        self.state.size += 1
        return entry

    def _read(self, index: int, raw: bytes) -> Entry | None:
        try:
            return read(self.judge, f"entry {index}", parse_entry, raw)
        except Skip:
            return None

    def _apply(self, index: int, entry: Entry) -> None:
        state = self.state
        context = Context(state, self.judge, self.log, self.workers, self.allowed_bits, index, entry)
        rule, stages = RULES[entry.type]
        context.run(consistency.times_monotone, entry.time, state.time, *_window(context))
        if not context.run(consistency.closed_once, entry.type, state.stage, stages):
            return
        with suppress(Skip):
            rule(context)
        state.columns |= context.columns
        state.time = max(entry.time, state.time or entry.time)


def _window(context: Context) -> tuple[object, object]:
    """(earliest, before): when the manifest allows this entry; None for any time."""
    manifest = context.state.manifest
    if manifest is None:
        return None, None
    if context.entry.type in (Type.BALLOT_CAST, Type.BALLOT_OPENED):
        return manifest.opens, manifest.closes
    if context.entry.type is Type.POLLS_CLOSED:
        return manifest.closes, None
    return None, None
