"""A whole small election in memory, made with real cryptography and judged by the real replay.

Tests drive it step by step, copy it, change what they like, sign again with the keys at hand, and write an archive.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

from tally import stages
from tally.ballot import BallotMaker, Choice
from tally.ceremony import Dealt, deal_with
from tally.ceremony import key_body as make_key_body
from tally.signing import public_key, sign_entry
from tests.keys import safe_primes
from verifier.ballots import Setting
from verifier.crypto.checkpoint import (
    Checkpoint,
    board_line,
    cosignature_line,
    cosignature_message,
    note_text,
)
from verifier.crypto.group import SEED
from verifier.crypto.merkle import MerkleTree, leaf_hash
from verifier.errors import NotCanonical
from verifier.record import schema
from verifier.record.archive import write_archive
from verifier.record.canonical import encode_bytes, serialise
from verifier.record.entries import Type
from verifier.record.manifest import ACTS, FORM_KINDS
from verifier.record.roll import roll_leaf, roll_tree
from verifier.replay import Replay
from verifier.report import Gate

BITS = 512
"""a toy modulus: only tests allow it"""
OPENS = datetime(2026, 11, 16, 0, 0, tzinfo=UTC)
CLOSES = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
TRUSTEES, THRESHOLD = 3, 2


@cache
def signing_key(name: str) -> SigningKey:
    """One key for each name, the same throughout a test run."""
    return SigningKey(name.encode().ljust(32, b".")[:32])


def party(name: str) -> dict[str, str]:
    return {"name": name, "key": encode_bytes(public_key(signing_key(name)))}


def parties(role: str, count: int) -> list[dict[str, str]]:
    return [party(f"{role} {number}") for number in range(1, count + 1)]


def option(identifier: str, name: str, **changes: Any) -> dict[str, Any]:
    """An option that is no list and stands on none."""
    nothing = {"reading": "", "party": "", "list": "", "priority": 0, "candidates": []}
    return {"id": identifier, "name": name, **nothing, **changes}


def options(*names: str) -> list[dict[str, Any]]:
    return [option("abcdefghijklmnopqrstuvwxyz"[at], name) for at, name in enumerate(names)]


def contest(identifier: str, kind: str, names: Sequence[str], **changes: Any) -> dict[str, Any]:
    """A contest with one seat, of the first form that is answered like that."""
    return {
        "id": identifier,
        "title": identifier.title(),
        "kind": kind,
        "form": str(next(form for form, kinds in FORM_KINDS.items() if kind in kinds)),
        "seats": 1,
        "options": options(*names),
        "blank": True,
        "least": 1,
        "most": 1,
        "width": 1,
        "opens": schema.format_minute(OPENS),
        "closes": schema.format_minute(CLOSES),
        **changes,
    }


def small_manifest(**changes: Any) -> dict[str, Any]:
    """Every kind of contest, two units of which one is below the minimum group, two mixers, one witness."""
    contests = [
        contest("mayor", "choose-one", ["架空 一郎", "架空 花子", "仮名 次郎"]),
        contest("judges", "choose-several", ["判事 甲", "判事 乙", "判事 丙"], least=0, most=3),
        contest("council", "index", ["議員 子", "議員 丑", "議員 寅", "議員 卯"], form="SNTV", seats=2),
        contest("chair", "ranking", ["委員 松", "委員 竹", "委員 梅"], most=3),
        contest("name", "text", [], most=30),
    ]
    everything = [part["id"] for part in contests]
    return {
        "protocol": "tashika/1",
        "title": "架空市長選挙",
        "legal_basis": "試験",
        "opens": schema.format_minute(OPENS),
        "closes": schema.format_minute(CLOSES),
        "modulus_bits": BITS,
        "threshold": THRESHOLD,
        "minimum_group": 2,
        "revote": True,
        "generators": SEED,
        "board": {"origin": "board.kakuu.example/2026", "key": party("board")["key"]},
        "registrar": party("registrar"),
        "officials": parties("official", 3),
        "trustees": parties("trustee", TRUSTEES),
        "mixers": parties("mixer", 2),
        "witnesses": [{**party("witness 1"), "name": "witness-1"}],
        "witness_threshold": 1,
        "acts": dict.fromkeys(ACTS, 2),
        "units": [{"id": "north", "name": "北"}, {"id": "south", "name": "南"}, {"id": "west", "name": "西"}],
        "contests": contests,
        "styles": [
            {"id": "north", "unit": "north", "contests": everything},
            {"id": "south", "unit": "south", "contests": everything},
            {"id": "west", "unit": "west", "contests": everything[:3]},
        ],
        "served": [{"path": "booth/worker.js", "sha256": encode_bytes(bytes(32))}],
        **changes,
    }


@cache
def dealt(bits: int, n: int, t: int, election: bytes) -> Dealt:
    """One ceremony for each shape of key and election."""
    return deal_with(*safe_primes(bits // 2), n, t, election)


@dataclass
class Election:
    """An election in the making. `entries` and `columns` are the log; `replay` has accepted all of it."""

    manifest: dict[str, Any] = field(default_factory=small_manifest)
    entries: list[bytes] = field(default_factory=list)
    columns: dict[bytes, bytes] = field(default_factory=dict)
    clock: datetime = OPENS - timedelta(days=2)
    rows: int = 40

    def __post_init__(self) -> None:
        self.replay = Replay(self, Gate(), allowed_bits=(self.manifest["modulus_bits"],))
        self.salts = [secrets.token_bytes(32) for _ in range(self.rows)]
        leaves = [roll_leaf(index, salt, f"row {index}") for index, salt in enumerate(self.salts)]
        self.leaves, self.roll = leaves, roll_tree(leaves)
        self.maker: BallotMaker | None = None
        self.ballots: list[dict[str, Any]] = []

    # the log that replay reads

    def entry(self, index: int) -> bytes:
        return self.entries[index]

    def column(self, digest: bytes) -> bytes:
        if digest not in self.columns:
            raise NotCanonical("no such column")
        return self.columns[digest]

    # appending

    @property
    def state(self) -> Any:
        return self.replay.state

    @property
    def election_id(self) -> bytes:
        return self.state.manifest.election

    def body(self, **fields: Any) -> dict[str, Any]:
        return {"election": encode_bytes(self.election_id), **fields}

    def raw(self, kind: Type, body: Any, signers: Sequence[str], time: datetime | None = None) -> bytes:
        """The canonical bytes of an entry signed by the named keys."""
        signatures = sign_entry(kind, body, [signing_key(name) for name in signers])
        minute = schema.format_minute(time or self.clock)
        return serialise({"body": body, "signatures": signatures, "time": minute, "type": str(kind)})

    def add(self, raw: bytes, columns: Mapping[bytes, bytes] | None = None) -> None:
        """Admit an entry as the server would. Raises CheckFailed."""
        self.columns.update(columns or {})
        self.replay.apply(raw)
        self.entries.append(raw)

    def append(
        self,
        kind: Type,
        body: Any,
        signers: Sequence[str] = ("official 1", "official 2"),
        columns: Mapping[bytes, bytes] | None = None,
    ) -> None:
        self.add(self.raw(kind, body, signers), columns)

    # the election, step by step

    def set_up(self) -> Election:
        """Manifest, key, share confirmations, roll."""
        self.append(Type.MANIFEST, self.manifest)
        parsed = self.state.manifest
        self.dealt = dealt(parsed.modulus_bits, len(parsed.trustees), parsed.threshold, parsed.election)
        self.append(Type.KEY, make_key_body(self.dealt, parsed.election))
        for number in range(1, len(parsed.trustees) + 1):
            body = self.body(key=encode_bytes(self.state.key_hash), trustee=number)
            self.append(Type.SHARE_CONFIRMED, body, [f"trustee {number}"])
        self.append(Type.ROLL_COMMITMENT, self.body(root=encode_bytes(self.roll.root()), rows=self.rows))
        return self

    def register(self, slot: str, style: str, index: int) -> None:
        """Bind the key named after the slot to a roll row."""
        body = self.body(
            slot=slot,
            style=style,
            credential=party(slot)["key"],
            index=index,
            leaf=encode_bytes(self.leaves[index]),
            path=[encode_bytes(node) for node in self.roll.inclusion_path(index, self.rows)],
        )
        self.append(Type.CREDENTIAL_REGISTERED, body, ["registrar", slot])

    def open_polls(self) -> None:
        self.append(Type.POLLS_OPENED, self.body())
        self.clock = OPENS + timedelta(hours=1)

    def ballot(
        self, slot: str, choices: Mapping[str, Choice], sequence: int | None = None, seed: bytes | None = None
    ) -> dict[str, Any]:
        """An unsigned ballot of the slot's device."""
        held = self.state.slots[slot]
        self.maker = self.maker or BallotMaker(Setting(self.state.manifest, self.state.key, self.state.base))
        return self.maker.make(
            held.style,
            slot,
            held.sequence + 1 if sequence is None else sequence,
            held.credential,
            choices,
            seed or secrets.token_bytes(32),
        )

    def cast(self, slot: str, **choices: Choice) -> None:
        self.append(Type.BALLOT_CAST, self.ballot(slot, choices), [slot])
        self.clock += timedelta(minutes=1)

    def challenge(self, slot: str, **choices: Choice) -> None:
        """A Benaloh challenge: ballot and seed are published."""
        seed = secrets.token_bytes(32)
        body = {"ballot": self.ballot(slot, choices, seed=seed), "seed": encode_bytes(seed)}
        self.append(Type.BALLOT_OPENED, body, [slot])

    def close_polls(self) -> None:
        self.clock = CLOSES
        self.append(Type.POLLS_CLOSED, self.body())

    def withdraw(self, *slots: str) -> None:
        reasons = [{"reason": "voted on paper", "slots": len(slots)}]
        self.append(Type.WITHDRAWALS, self.body(slots=list(slots), reasons=reasons))

    def freeze(self, decided: Sequence[str] = ()) -> None:
        self.append(Type.TALLY_FROZEN, stages.freeze_body(self.state, self, decided))

    def mix(self) -> None:
        while pending := self.state.pending_stages():
            contest_id, group, stage = pending[0]
            body, columns = stages.mix_stage_body(self.state, contest_id, group)
            self.append(Type.MIX_STAGE, body, [f"mixer {stage}"], columns)

    def root(self, *trustees: int) -> None:
        for trustee in trustees:
            share = self.dealt.shares[trustee - 1]
            body, columns = stages.partial_roots_body(self.state, trustee, share)
            self.append(Type.PARTIAL_ROOTS, body, [f"trustee {trustee}"], columns)

    def open_and_publish(self) -> None:
        body, columns = stages.opening_body(self.state)
        self.append(Type.OPENING, body, [], columns)
        self.append(Type.RESULT, stages.result_body(self.state))

    # archives

    def checkpoint(self, entries: Sequence[bytes] | None = None) -> bytes:
        """A signed and witnessed checkpoint of these entries (of the log as it is)."""
        tree = self.replay.tree if entries is None else tree_of(entries)
        return signed_checkpoint(self.manifest, tree.size, tree.root())

    def write(
        self, path: Path, entries: Sequence[bytes] | None = None, columns: Mapping[bytes, bytes] | None = None
    ) -> Path:
        """An archive of the log, or of other entries and columns under a fresh checkpoint."""
        held = self.entries if entries is None else list(entries)
        files = self.columns if columns is None else columns
        write_archive(path, held, sorted(files.items()), self.checkpoint(held))
        return path


def tree_of(entries: Sequence[bytes]) -> MerkleTree:
    tree = MerkleTree()
    for raw in entries:
        tree.append(leaf_hash(raw))
    return tree


def signed_checkpoint(manifest: dict[str, Any], size: int, root: bytes) -> bytes:
    """The note of the test board with the cosignature of its witness."""
    origin = manifest["board"]["origin"]
    checkpoint = Checkpoint(origin, size, root, int(CLOSES.timestamp()))
    board, witness = signing_key("board"), signing_key("witness 1")
    lines = [board_line(origin, public_key(board), board.sign(checkpoint.body()).signature)]
    time = int(CLOSES.timestamp()) + 5
    cosignature = witness.sign(cosignature_message(checkpoint, time)).signature
    lines.append(cosignature_line("witness-1", public_key(witness), time, cosignature))
    return note_text(checkpoint, lines)


VOTES: dict[str, tuple[str, dict[str, Choice]]] = {
    "v1": ("north", {"mayor": "a", "judges": ("a", "c"), "council": "d", "chair": ("b", "a"), "name": "山田"}),
    "v2": ("north", {"mayor": "b", "judges": (), "council": "blank", "chair": (), "name": ""}),
    "v3": ("south", {"mayor": "a", "judges": ("b",), "council": "a", "chair": ("c", "b", "a"), "name": "山田"}),
    "v4": ("south", {"mayor": "blank", "judges": ("a",), "council": "a", "chair": ("b", "a"), "name": "鈴木"}),
    "v5": ("west", {"mayor": "c", "judges": ("a", "b", "c"), "council": "b"}),
    "v6": ("north", {"mayor": "c", "judges": ("c",), "council": "c", "chair": ("a",), "name": "佐藤"}),
}


def voted(change: Callable[[Election], None] | None = None, manifest: dict[str, Any] | None = None) -> Election:
    """An election whose six voters have voted: one twice, one with an opened ballot before."""
    election = Election(manifest or small_manifest()).set_up()
    for index, (slot, (style, _)) in enumerate(VOTES.items()):
        election.register(slot, style, 2 * index)
    election.open_polls()
    if change:
        change(election)
    for slot, (_, choices) in VOTES.items():
        if slot == "v1":
            election.cast(slot, **{**choices, "mayor": "b"})
            election.challenge(slot, **choices)
        election.cast(slot, **choices)
    return election


def finish(election: Election) -> Election:
    """From the close to the result; v6 voted on paper and is withdrawn."""
    election.close_polls()
    election.withdraw("v6")
    election.freeze()
    election.mix()
    election.root(1, 3)
    election.open_and_publish()
    return election
