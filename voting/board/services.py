"""Every write to a bulletin board, and what the board signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from nacl.signing import SigningKey

from tally.signing import public_key
from verifier import PROTOCOL
from verifier.checks import integrity
from verifier.crypto import checkpoint
from verifier.crypto.merkle import leaf_hash
from verifier.crypto.transcript import digest, encode
from verifier.errors import CheckFailed, NotCanonical
from verifier.record.canonical import encode_bytes, serialise
from verifier.record.entries import Type, parse_entry
from verifier.record.manifest import Manifest, election_id
from verifier.record.schema import format_minute
from verifier.replay import Replay
from verifier.workers import Workers
from voting.board import keys
from voting.board.models import BoardEntry, Checkpoint, ColumnBlob
from voting.board.replica import Replica, replica_of
from voting.elections.models import Election, Slot, Style
from voting.elections.services import build_manifest
from voting.errors import (
    BoardKeyUnusable,
    ClockBehind,
    CosignatureRefused,
    EntryRefused,
    ManifestDiffers,
    NotOnBoard,
    VotingError,
)

NO_COLUMNS: Mapping[bytes, bytes] = MappingProxyType({})
TRACKER_BYTES = 32


def append(
    election: Election,
    *,
    entry_type: Type,
    body: Any,
    signatures: Sequence[Mapping[str, str]],
    columns: Mapping[bytes, bytes] = NO_COLUMNS,
    time: datetime | None = None,
    workers: Workers | None = None,
) -> BoardEntry:
    """Put an entry on the board: the one way in. What replay would not accept is refused, by the same code.

    The same type, body and signatures submitted again return the entry that is there. Columns that the entry does
    not name are left out. `time` is now by default and is rounded down to the minute. `workers` do the heavy checks;
    this process does by default.

    Always a transaction of its own: an outer one could take back what this process already remembers.

    Raises EntryRefused, ManifestDiffers, ClockBehind, BoardInconsistent; RuntimeError inside another transaction.
    """
    replica = replica_of(election.pk)
    with replica.lock:
        try:
            with transaction.atomic(durable=True):
                # Appends are serialised here: whoever holds the row sees every entry before.
                locked = Election.objects.select_for_update().get(pk=election.pk)
                return _append(locked, replica, Type(entry_type), body, list(signatures), columns, time, workers)
        except VotingError:
            raise  # refused before anything changed, in memory too
        except BaseException:
            replica.forget()  # not stored, or not known whether: memory must not run ahead of the database
            raise


def _append(
    election: Election,
    replica: Replica,
    entry_type: Type,
    body: Any,
    signatures: list[Mapping[str, str]],
    columns: Mapping[bytes, bytes],
    time: datetime | None,
    workers: Workers | None,
) -> BoardEntry:
    submission = _submission(entry_type, body, signatures)
    known = BoardEntry.objects.filter(election=election, submission=submission).first()
    if known is not None:
        return known
    replay = replica.catch_up()
    index = replay.state.size
    where = f"entry {index}, {entry_type}"
    minute = _minute(time, replay, where)
    if entry_type is Type.MANIFEST and body != build_manifest(election):
        raise ManifestDiffers("this is not the manifest that the election's definition makes", where)
    raw = serialise({"body": body, "signatures": signatures, "time": format_minute(minute), "type": entry_type.value})
    try:
        named = replica.admit(raw, columns, workers)
    except CheckFailed as failure:
        raise EntryRefused(failure) from failure
    entry = BoardEntry.objects.create(
        election=election,
        index=index,
        type=entry_type.value,
        raw=raw,
        leaf_hash=leaf_hash(raw),
        submission=submission,
        created=minute,
    )
    ColumnBlob.objects.bulk_create(
        ColumnBlob(election=election, entry=entry, digest=name, data=columns[name]) for name in sorted(named)
    )
    _record_consequences(election, entry_type, body)
    return entry


def _submission(entry_type: Type, body: Any, signatures: list[Mapping[str, str]]) -> bytes:
    """What makes two submissions the same: everything but the time."""
    try:
        return digest("submission", serialise([entry_type.value, body, signatures]))
    except NotCanonical as refusal:
        try:
            integrity.canonical(f"{entry_type}", refusal)
        except CheckFailed as failure:
            raise EntryRefused(failure) from None
        raise


def _minute(time: datetime | None, replay: Replay, where: str) -> datetime:
    minute = (time or timezone.now()).astimezone(UTC).replace(second=0, microsecond=0)
    last = replay.state.time
    if last is not None and minute < last:
        raise ClockBehind(
            f"the clock says {format_minute(minute)}, but the last entry is of {format_minute(last)}", where
        )
    return minute


def _record_consequences(election: Election, entry_type: Type, body: Any) -> None:
    """What other tables say because of the entry, in the same transaction."""
    if entry_type is Type.MANIFEST:
        election.manifest_hash = election_id(body)  # from here on triggers refuse every change of the definition
        election.save(update_fields=["manifest_hash"])
    if entry_type is Type.CREDENTIAL_REGISTERED:
        style = Style.objects.get(election=election, identifier=body["style"])
        Slot.objects.get_or_create(election=election, pseudonym=body["slot"], style=style, roll_index=body["index"])


# Checkpoints


def publish_checkpoint(election: Election, time: datetime | None = None) -> Checkpoint:
    """Sign the head of the board with a time in whole minutes, for the same reason as in entries.

    Raises NotOnBoard (no manifest yet), BoardKeyUnusable, ClockBehind, BoardInconsistent.
    """
    replica = replica_of(election.pk)
    with replica.lock, transaction.atomic():
        locked = Election.objects.select_for_update().get(pk=election.pk)
        replay = replica.catch_up()
        manifest = _manifest(replay)
        minute = _minute(time, replay, "checkpoint")
        last = latest_checkpoint(locked)
        if last is not None and minute < last.time:
            raise ClockBehind(f"the last checkpoint is of {format_minute(last.time)}", "checkpoint")
        replica.require_last_checkpoint(replay)
        head = checkpoint.Checkpoint(manifest.origin, replay.tree.size, replay.tree.root(), int(minute.timestamp()))
        key = _board_key(manifest)
        line = checkpoint.board_line(manifest.origin, manifest.board_key, key.sign(head.body()).signature)
        text = checkpoint.note_text(head, [line]).decode()
        published, _ = Checkpoint.objects.get_or_create(
            election=locked, size=head.size, time=minute, defaults={"text": text}
        )
        return published


def latest_checkpoint(election: Election) -> Checkpoint | None:
    """The last signed head."""
    return Checkpoint.objects.filter(election=election).order_by("size", "time").last()


def add_cosignature(election: Election, line: str) -> Checkpoint:
    """Add a witness's signature line to the latest checkpoint; a second line of the same witness changes nothing.

    Raises CosignatureRefused, NotOnBoard.
    """
    replica = replica_of(election.pk)
    with replica.lock, transaction.atomic():
        locked = Election.objects.select_for_update().get(pk=election.pk)
        manifest = _manifest(replica.catch_up())
        latest = latest_checkpoint(locked)
        if latest is None:
            raise NotOnBoard("there is no checkpoint yet", "checkpoint")
        line = line.removesuffix("\n")
        if "\n" in line:
            raise CosignatureRefused("one line at a time: others could hide before a valid one", "checkpoint")
        text = f"{latest.text}{line}\n"
        try:
            note = checkpoint.parse_note(text.encode())
        except (NotCanonical, UnicodeEncodeError) as error:
            raise CosignatureRefused(str(error), "checkpoint") from None
        witnesses = {witness.name: witness.key for witness in manifest.witnesses}
        *others, mine = note.signatures
        signing = cosigning(note, (mine,), witnesses)
        if not signing:
            raise CosignatureRefused("not a valid cosignature by a witness of the manifest", "checkpoint")
        if signing <= cosigning(note, others, witnesses):
            return latest  # one line for each witness, so that nobody fills the note
        latest.text = text
        latest.save(update_fields=["text"])
        return latest


def cosigning(note: checkpoint.Note, lines: Sequence[Any], witnesses: Mapping[str, bytes]) -> set[str]:
    """The names of the witnesses whose valid signature is among these lines of the note."""
    return set(checkpoint.cosignature_times(checkpoint.Note(note.body, note.checkpoint, tuple(lines)), witnesses))


# What voters hold


def receipt(election: Election, index: int) -> dict[str, Any]:
    """The receipt of a ballot, in the shape of `verifier.receipt.parse_receipt`: no name, no choice.

    Publishes a checkpoint when none covers the ballot yet. Raises NotOnBoard when entry `index` is not a ballot.
    """
    replica = replica_of(election.pk)
    with replica.lock:
        latest = latest_checkpoint(election)  # before catching up, so that the replay reaches at least as far
        replay = replica.catch_up()
        manifest = _manifest(replay)
        if not 0 <= index < replay.state.size:
            raise NotOnBoard(f"there is no entry {index}", "receipt")
        entry = parse_entry(replica.log.entry(index))
        if entry.type not in (Type.BALLOT_CAST, Type.BALLOT_OPENED):
            raise NotOnBoard(f"entry {index} is not a ballot", "receipt")
        if latest is None or latest.size <= index:
            latest = publish_checkpoint(election)
            replay = replica.catch_up()
        return {
            "election": encode_bytes(manifest.election),
            "tracker": encode_bytes(entry.statement),
            "entry": index,
            "path": [encode_bytes(node) for node in replay.tree.inclusion_path(index, latest.size)],
            "checkpoint": latest.text,
        }


def acknowledge_tracker(election: Election, tracker: bytes) -> dict[str, str]:
    """The board's signed "I was told this tracker", before the voter chooses (protocol, 3.5). Nothing is stored.

    `tracker`: 32 bytes. Raises NotOnBoard (no manifest yet), BoardKeyUnusable, ValueError.
    """
    if len(tracker) != TRACKER_BYTES:
        raise ValueError(f"a tracker has {TRACKER_BYTES} bytes")
    replica = replica_of(election.pk)
    with replica.lock:
        manifest = _manifest(replica.catch_up())
    signature = _board_key(manifest).sign(tracker_message(manifest.election, tracker)).signature
    return {
        "election": encode_bytes(manifest.election),
        "tracker": encode_bytes(tracker),
        "signature": encode_bytes(signature),
    }


def tracker_message(election: bytes, tracker: bytes) -> bytes:
    """The bytes under a tracker receipt, signed by the board key of the manifest."""
    return encode([PROTOCOL, "tracker receipt", election, tracker])


def _manifest(replay: Replay) -> Manifest:
    if replay.state.manifest is None:
        raise NotOnBoard("the manifest is not on the board yet")
    return replay.state.manifest


def _board_key(manifest: Manifest) -> SigningKey:
    key = keys.load(Path(settings.BOARD_KEY_FILE))
    if public_key(key) != manifest.board_key:
        raise BoardKeyUnusable("the key of this server is not the board key of the manifest")
    return key
