"""What this process remembers of a board: the replay of its entries, so that a new one is judged at once.

Memory may lag behind the database, because other processes append too; it never runs ahead of it.
"""

from __future__ import annotations

import threading
from typing import Any

from django.conf import settings

from verifier.checks import Check, authenticity, consistency, integrity
from verifier.crypto.checkpoint import parse_note
from verifier.crypto.merkle import leaf_hash
from verifier.errors import CheckFailed, NotCanonical
from verifier.record.manifest import MODULUS_BITS
from verifier.replay import Replay
from verifier.report import BROKEN, Gate, Trust
from verifier.workers import InProcess, Unexamined, Workers
from voting.board.log import DatabaseLog
from voting.board.models import BoardEntry, Checkpoint
from voting.errors import BoardInconsistent


class Readable(Trust):
    """Trusts what was admitted, as long as it can still be read: a lost column is not passed over."""

    def run(self, check: Check, where: str, *args: Any) -> bool:
        if check in (integrity.canonical, integrity.integers_canonical):
            check(where, *args)
        return True


class Replica:
    """The replay of one board. Use it while holding `lock`."""

    def __init__(self, election: int) -> None:
        self.lock = threading.RLock()
        self.log = DatabaseLog(election)
        self._replay: Replay | None = None
        self._last = b""

    def forget(self) -> None:
        """Begin anew next time."""
        self._replay = None

    def catch_up(self) -> Replay:
        """The replay of everything stored. Reads only what this process has not seen, except the first time.

        Raises BoardInconsistent when the stored board contradicts its last checkpoint (threat D-03).
        """
        if self._replay is not None and not self._continues(self._replay):
            self.forget()  # the database was changed behind our back; beginning anew finds out whether lawfully
        if self._replay is None:
            replay = self._begin()
            self._read_new(replay)
            self.require_last_checkpoint(replay)
            self._replay = replay
        else:
            self._read_new(self._replay)
        return self._replay

    def admit(self, raw: bytes, columns: Any, workers: Workers | None = None) -> set[bytes]:
        """Judge the next entry: the digests of the columns that it names. Raises CheckFailed and changes nothing."""
        replay = self.catch_up()
        known = set(replay.state.columns)
        replay.judge, replay.workers = Gate(), workers or InProcess()
        self.log.pending = columns
        try:
            replay.apply(raw)
        finally:
            self.log.pending = {}
        self._last = leaf_hash(raw)
        return replay.state.columns - known

    def _begin(self) -> Replay:
        bits = getattr(settings, "TASHIKA_ALLOWED_MODULUS_BITS", MODULUS_BITS)
        return Replay(self.log, Readable(), Unexamined(), bits)

    def _read_new(self, replay: Replay) -> None:
        replay.judge, replay.workers = Readable(), Unexamined()
        try:
            for raw in self.log.entries(replay.state.size):
                replay.apply(raw)
                self._last = leaf_hash(raw)
        except CheckFailed as failure:
            self.forget()
            raise BoardInconsistent(failure.reason, failure.where) from failure
        except BROKEN as error:  # what is stored was changed, and a rule breaks on the rubble
            self.forget()
            where = f"entry {replay.state.size}"
            raise BoardInconsistent(f"it cannot be replayed ({type(error).__name__})", where) from error

    def _continues(self, replay: Replay) -> bool:
        if not replay.state.size:
            return True
        stored = BoardEntry.objects.filter(election=self.log.election, index=replay.state.size - 1)
        leaf = stored.values_list("leaf_hash", flat=True).first()
        return leaf is not None and bytes(leaf) == self._last

    def require_last_checkpoint(self, replay: Replay) -> None:
        """What was signed last is a prefix of what is stored, and the board's signature stands under it.

        Raises BoardInconsistent: never are two histories signed.
        """
        last = Checkpoint.objects.filter(election=self.log.election).order_by("size", "time").last()
        if last is None:
            return
        manifest = replay.state.manifest
        if manifest is None:
            raise BoardInconsistent("there is a checkpoint but no manifest", "checkpoint")
        try:
            note = parse_note(last.text.encode())
            authenticity.head_signed("checkpoint", manifest, note)
            consistency.board_prefix("checkpoint", replay.tree, note.checkpoint, manifest.origin)
        except NotCanonical as error:
            raise BoardInconsistent(str(error), "checkpoint") from None
        except CheckFailed as failure:
            raise BoardInconsistent(failure.reason, failure.where) from failure


_replicas: dict[int, Replica] = {}
_registry = threading.Lock()


def replica_of(election: int) -> Replica:
    """This process's replica of the board of the election with this primary key."""
    with _registry:
        return _replicas.setdefault(election, Replica(election))


def forget_all() -> None:
    """Begin anew everywhere: for tests, whose databases come and go."""
    with _registry:
        _replicas.clear()
