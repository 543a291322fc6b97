"""A voter's receipt: where the sealed ballot is on the board, and what became of it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verifier.checks import authenticity, completeness, consistency
from verifier.crypto.checkpoint import MAX_BYTES, Note, parse_note
from verifier.crypto.merkle import leaf_hash
from verifier.errors import CheckFailed, NotCanonical, Unreadable
from verifier.record import schema
from verifier.record.archive import Archive, open_archive
from verifier.record.canonical import parse
from verifier.record.entries import Type, parse_entry
from verifier.record.schema import HASH, list_of, whole
from verifier.replay import Replay
from verifier.replay.state import Stage, State
from verifier.report import BROKEN, Trust
from verifier.workers import Unexamined

MAX_RECEIPT_BYTES = 2 * MAX_BYTES + (16 << 10)
"""a checkpoint, every character escaped, and the rest"""


@dataclass(frozen=True)
class Receipt:
    """What the voter holds: no name, no choice."""

    election: bytes
    tracker: bytes
    entry: int
    path: tuple[bytes, ...]
    checkpoint: Note


def parse_receipt(raw: bytes) -> Receipt:
    """Raises NotCanonical or BadInteger."""
    fields = schema.record(
        parse(raw, MAX_RECEIPT_BYTES),
        "receipt",
        election=HASH,
        tracker=HASH,
        entry=whole(0, 2**40),
        path=list_of(HASH, 0, 64),
        checkpoint=_note,
    )
    return Receipt(**fields)


def _note(value: Any, where: str) -> Note:
    if not isinstance(value, str):
        raise NotCanonical(f"{where}: a signed checkpoint was expected")
    return parse_note(value.encode())


def fate(archive_path: Path, receipt: Receipt) -> str:
    """What became of the receipt's ballot, as one word: counts, superseded, withdrawn, opened, or not counted yet.

    The log is read but its proofs are not checked again: that is what `verify` is for. Raises CheckFailed when the
    receipt and the archive do not fit together, Unreadable or UnsupportedVersion for the archive.
    """
    with tempfile.TemporaryDirectory(prefix="tashika-receipt-") as workspace:
        archive = open_archive(archive_path, Path(workspace))
        replay = Replay(archive, Trust(), Unexamined())
        for index in range(len(archive.index())):
            _apply(replay, index, archive.entry(index))
        state = replay.state
        if state.manifest is None:
            raise Unreadable("the archive does not begin with a manifest")
        _require_signed(archive, replay)
        head = receipt.checkpoint.checkpoint
        where = "receipt"
        consistency.election_id_everywhere(where, receipt.election, state.manifest.election)
        authenticity.head_signed(where, state.manifest, receipt.checkpoint)
        consistency.board_prefix(where, replay.tree, head, state.manifest.origin)
        if receipt.entry >= state.size:
            raise CheckFailed(authenticity.receipt_included.name, "the board has no such entry", where)
        raw = archive.entry(receipt.entry)
        authenticity.receipt_included(where, leaf_hash(raw), receipt.entry, head.size, receipt.path, head.root)
        entry = parse_entry(raw)
    if state.trackers.get(receipt.tracker) != receipt.entry:
        raise CheckFailed(authenticity.receipt_included.name, "that entry is another ballot", where)
    return "opened" if entry.type is Type.BALLOT_OPENED else _fate_of(state, receipt.entry)


def _apply(replay: Replay, index: int, raw: bytes) -> None:
    try:
        replay.apply(raw)
    except BROKEN as error:
        raise NotCanonical(f"entry {index} cannot be understood ({type(error).__name__})") from error


def _require_signed(archive: Archive, replay: Replay) -> None:
    """The board itself signed that it has these entries; otherwise anybody could add a freeze or a later ballot."""
    manifest, where, note = replay.state.manifest, "checkpoint", parse_note(archive.checkpoint)
    completeness.board_complete("entries.jsonl", archive.size, replay.state.size, note.checkpoint.size)
    consistency.board_chained(where, replay.tree.root(), note.checkpoint)
    authenticity.head_signed(where, manifest, note)


def _fate_of(state: State, entry: int) -> str:
    slot = next((slot for slot in state.slots.values() if slot.entry == entry), None)
    if slot is None:
        return "superseded"
    if slot.withdrawn:
        return "withdrawn"
    frozen = state.stage in (Stage.FROZEN, Stage.OPENED, Stage.PUBLISHED)
    return "counts" if frozen else "not counted yet"
