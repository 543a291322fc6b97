"""What the log says so far: the state that replay builds, entry by entry."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from gmpy2 import mpz

from verifier.count import slot_bits
from verifier.crypto.paillier import PublicKey
from verifier.crypto.threshold import PartialRoots
from verifier.record.manifest import Contest, Manifest, Style


class Stage(StrEnum):
    """How far the election is; each entry type comes in its stage."""

    EMPTY = "not begun"
    SETUP = "being set up"
    OPEN = "open"
    CLOSED = "closed"
    WITHDRAWN = "closed, with withdrawals"
    FROZEN = "frozen for the tally"
    OPENED = "opened"
    PUBLISHED = "published"


class Log(Protocol):
    """Where entries and columns come from: an archive, or the server's database."""

    def entry(self, index: int) -> bytes:
        """The canonical bytes of entry `index`."""

    def column(self, digest: bytes) -> bytes:
        """The bytes of a column. Raises NotCanonical when it is not there."""


@dataclass
class Slot:
    """A voter slot: a pseudonym with a credential key."""

    style: Style
    credential: bytes
    sequence: int = 0
    entry: int | None = None
    """the slot's last cast ballot, by entry index"""
    withdrawn: bool = False


@dataclass
class Group:
    """A counting group of one contest: what is opened and published together (protocol, section 6)."""

    units: tuple[str, ...]
    ballots: int
    """how many are counted in it"""
    product: mpz = field(default_factory=lambda: mpz(1))
    """homomorphic: the ciphertext to open"""
    columns: list[list[mpz]] = field(default_factory=list)
    """mixnet: the ciphertexts as the last accepted stage left them, one list per column of an answer"""
    digest: bytes = b""
    """mixnet: the digest that names `columns`"""
    stages: int = 0


@dataclass
class ContestTally:
    """A contest after the freeze."""

    contest: Contest
    open: bool
    """False: below the minimum group, and no two officials decided to open it"""
    groups: list[Group]


@dataclass
class State:
    """Everything that replay knows."""

    stage: Stage = Stage.EMPTY
    size: int = 0
    time: datetime | None = None
    manifest: Manifest | None = None
    key: PublicKey | None = None
    key_hash: bytes | None = None
    verification_keys: tuple[mpz, ...] = ()
    confirmed: set[int] = field(default_factory=set)
    roll_root: bytes | None = None
    rows: int = 0
    slots: dict[str, Slot] = field(default_factory=dict)
    indexes: set[int] = field(default_factory=set)
    credentials: set[bytes] = field(default_factory=set)
    trackers: dict[bytes, int] = field(default_factory=dict)
    """tracker → index of the entry that cast or opened it"""
    ciphertexts: set[bytes] = field(default_factory=set)
    """SHA-256 of min(c, N² − c)"""
    cast: int = 0
    opened: int = 0
    superseded: int = 0
    withdrawals: int = 0
    """withdrawn slots that had cast a ballot"""
    tallies: list[ContestTally] = field(default_factory=list)
    partial_roots: dict[int, PartialRoots] = field(default_factory=dict)
    plaintexts: list[mpz] = field(default_factory=list)
    result: dict[str, Any] | None = None
    columns: set[bytes] = field(default_factory=set)
    """digests of the columns that entries named"""
    corrections: list[tuple[int, str]] = field(default_factory=list)

    def require(self) -> tuple[Manifest, PublicKey]:
        """Manifest and key. Raises RuntimeError before they are there: a fault of the caller, not of the data."""
        if self.manifest is None or self.key is None:
            raise RuntimeError("the election has no manifest or no key yet")
        return self.manifest, self.key

    @property
    def base(self) -> mpz:
        """B = 2^b, the slot base of packed homomorphic tallies."""
        return mpz(1) << slot_bits(self.rows)

    def pending_stages(self) -> list[tuple[str, int, int]]:
        """(contest, group, stage) of every mix stage that can be made now."""
        mixers = self.manifest.mixers if self.manifest else ()
        return [
            (tally.contest.id, number, group.stages + 1)
            for tally in self.tallies
            for number, group in enumerate(tally.groups)
            if tally.open and not tally.contest.homomorphic and group.ballots and group.stages < len(mixers)
        ]

    def missing_stages(self) -> list[str]:
        """The same in words."""
        return [f"mix stage {stage} of {contest}, group {group}" for contest, group, stage in self.pending_stages()]

    def combined(self) -> dict[int, PartialRoots]:
        """The partial roots that are combined: those of the first t trustees."""
        threshold = self.manifest.threshold if self.manifest else 0
        return dict(list(self.partial_roots.items())[:threshold])

    def named(self) -> list[mpz]:
        """The ciphertexts to open, in their fixed order: contests, groups, rows, columns.

        One for each non-empty homomorphic group, every mixed one for a mixnet group. What is not named here is
        never rooted by anyone.
        """
        if self.stage not in (Stage.FROZEN, Stage.OPENED, Stage.PUBLISHED) or self.missing_stages():
            return []
        ciphertexts: list[mpz] = []
        for tally in self.tallies:
            for group in tally.groups if tally.open else ():
                if tally.contest.homomorphic:
                    ciphertexts += [group.product] if group.ballots else []
                else:
                    ciphertexts += [c for row in zip(*group.columns, strict=True) for c in row]
        return ciphertexts
