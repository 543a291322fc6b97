"""What every rule of replay is given: the state so far, the judge, the log, and the entry at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gmpy2 import mpz

from verifier.ballots import Setting
from verifier.checks import completeness, consistency
from verifier.checks.read import Skip, read
from verifier.crypto.paillier import PublicKey
from verifier.record.column import Column, read_column
from verifier.record.entries import Entry
from verifier.record.manifest import Manifest
from verifier.replay.state import Log, State
from verifier.report import Judge
from verifier.workers import Workers

T = TypeVar("T")


@dataclass
class Context:
    """One entry being replayed."""

    state: State
    judge: Judge
    log: Log
    workers: Workers
    allowed_bits: tuple[int, ...]
    index: int
    entry: Entry
    columns: set[bytes] = field(default_factory=set)
    """digests of the columns that the entry names"""

    @property
    def where(self) -> str:
        return f"entry {self.index}, {self.entry.type}"

    @property
    def manifest(self) -> Manifest:
        """The manifest. Raises Skip, after V1.2 has rejected the entry, when the log does not begin with one."""
        if self.state.manifest is None:
            self.run(completeness.setup_complete, ["manifest"])
            raise Skip
        return self.state.manifest

    @property
    def key(self) -> PublicKey:
        """The election key. Raises Skip, after V1.2 has rejected the entry, when there is none."""
        if self.state.key is None:
            self.run(completeness.setup_complete, ["election key"])
            raise Skip
        return self.state.key

    @property
    def setting(self) -> Setting:
        """What ballot proofs refer to."""
        return Setting(self.manifest, self.key, self.state.base)

    def run(self, check: Any, *args: Any) -> bool:
        """Run a check on the entry at hand."""
        return self.judge.run(check, self.where, *args)

    def read(self, parse: Callable[..., T], *args: Any) -> T:
        """`parse(*args)`. Raises Skip."""
        return read(self.judge, self.where, parse, *args)

    def read_body(self, shape: Callable[[Any, str], dict[str, Any]]) -> dict[str, Any]:
        """The entry's body in the given shape, of this election. Raises Skip."""
        body = self.read(shape, self.entry.body, "body")
        self.run(consistency.election_id_everywhere, body["election"], self.manifest.election)
        return body

    def read_column(self, value: Any, width: int) -> tuple[Column, list[mpz]]:
        """A column that the entry names, and its integers. Raises Skip."""
        column = self.read(Column.from_record, value, width)
        self.columns.add(column.digest)
        return column, self.read(lambda: read_column(self.log.column(column.digest), column))

    def read_values(self, value: Any, width: int) -> list[mpz]:
        """Only the integers. Raises Skip."""
        return self.read_column(value, width)[1]
