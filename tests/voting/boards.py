"""What the tests of the board share: submitting as a client would, and tampering as an intruder would."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any

from django.db import connection
from django.db.models import Model

from tally.signing import public_key
from tests.election import CLOSES, Election, signing_key
from verifier.crypto.checkpoint import Checkpoint, cosignature_line, cosignature_message, parse_note
from verifier.crypto.merkle import leaf_hash
from verifier.record import schema
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type
from voting.board import models
from voting.board.services import _record_consequences, append
from voting.elections.models import Election as ElectionRow
from voting.elections.models import Slot
from voting.elections.services import define_election

SIGNERS = {"v1": "north", "v2": "north", "v3": "south", "v4": "south", "v5": "west", "v6": "north"}
AFTERWARDS = CLOSES + timedelta(hours=1)
MIGRATIONS = [
    import_module("voting.board.migrations.0002_append_only"),
    import_module("voting.elections.migrations.0004_fixed_with_districts"),
    import_module("voting.access.migrations.0002_append_only"),
    import_module("voting.applications.migrations.0002_states"),
    import_module("voting.officials.migrations.0002_record"),
    import_module("voting.booth.migrations.0002_append_only"),
    import_module("voting.counting.migrations.0002_append_only"),
]


def define(election: Election, slug: str = "kakuu") -> ElectionRow:
    """The rows of an election in memory."""
    return define_election(slug=slug, record=election.manifest)


def submit(
    row: ElectionRow, raw: bytes, columns: Mapping[bytes, bytes] | None = None, **changes: Any
) -> models.BoardEntry:
    """Submit the parts of an entry as its author would, at the time that it carries."""
    entry = json.loads(raw)
    parts = {
        "entry_type": Type(entry["type"]),
        "body": entry["body"],
        "signatures": entry["signatures"],
        "columns": columns or {},
        "time": schema.minute(entry["time"], "time"),
    }
    return append(row, **{**parts, **changes})


def fill(row: ElectionRow, election: Election, start: int = 0, stop: int | None = None) -> None:
    """Submit entries of an election in memory, each with all the columns that there are."""
    for raw in election.entries[start:stop]:
        submit(row, raw, election.columns)


def board_of(election: Election) -> ElectionRow:
    """The board of an election in memory. Its entries are admitted once for all tests, and then only copied."""
    row, log = define(election), tuple(election.entries)
    if log in _admitted:
        _admitted[log].write(row)
    else:
        fill(row, election)
        _admitted[log] = _Written.read(row)
    return row


def store(row: ElectionRow, election: Election, start: int, stop: int | None) -> None:
    """Put entries that replay has judged in memory on the board, with their columns: judging them again takes seconds.

    What follows from them for the rows of the election follows.
    """
    for index, raw in list(enumerate(election.entries))[start:stop]:
        entry = json.loads(raw)
        stored = models.BoardEntry.objects.create(
            election=row,
            index=index,
            type=entry["type"],
            raw=raw,
            leaf_hash=leaf_hash(raw),
            submission=hashlib.sha256(raw).digest(),
            created=schema.minute(entry["time"], "time"),
        )
        known = models.ColumnBlob.objects.filter(election=row)
        models.ColumnBlob.objects.bulk_create(
            models.ColumnBlob(election=row, entry=stored, digest=digest, data=data)
            for digest, data in election.columns.items()
            if encode_bytes(digest).encode() in raw and not known.filter(digest=digest).exists()
        )
        _record_consequences(row, Type(entry["type"]), entry["body"])


@dataclass(frozen=True)
class _Written:
    """What `append` wrote for an election."""

    entries: list[models.BoardEntry]
    columns: list[models.ColumnBlob]
    slots: list[Slot]
    manifest_hash: bytes

    @classmethod
    def read(cls, row: ElectionRow) -> _Written:
        row.refresh_from_db()
        return cls(
            list(row.entries.order_by("index")),
            list(row.columns.select_related("entry").order_by("pk")),
            list(row.slots.select_related("style").order_by("pk")),
            bytes(row.manifest_hash or b""),
        )

    def write(self, row: ElectionRow) -> None:
        entries = models.BoardEntry.objects.bulk_create([_copy(entry, election=row) for entry in self.entries])
        models.ColumnBlob.objects.bulk_create(
            _copy(column, election=row, entry=entries[column.entry.index]) for column in self.columns
        )
        styles = {style.identifier: style for style in row.styles.all()}
        Slot.objects.bulk_create(_copy(slot, election=row, style=styles[slot.style.identifier]) for slot in self.slots)
        ElectionRow.objects.filter(pk=row.pk).update(manifest_hash=self.manifest_hash)


_admitted: dict[tuple[bytes, ...], _Written] = {}


def _copy(row: Any, **owners: Model) -> Any:
    values = {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if not field.primary_key and field.name not in owners
    }
    return type(row)(**values, **owners)


def place(election: Election, kind: Type, which: int = 0) -> int:
    """The index of the entry of this type, or of the which-th of several."""
    return [at for at, raw in enumerate(election.entries) if json.loads(raw)["type"] == kind][which]


def ballot(election: Election, slot: str, sequence: int | None = None, **choices: Any) -> bytes:
    """A further cast ballot of a slot, ready to submit."""
    body = election.ballot(slot, choices or vote(slot), sequence)
    return election.raw(Type.BALLOT_CAST, body, [slot])


def vote(slot: str) -> dict[str, Any]:
    """Some answer to every contest of the slot's ballot style."""
    everything = {"mayor": "a", "judges": ("b",), "council": "c", "chair": ("a", "c"), "name": "田中"}
    short = SIGNERS.get(slot) == "west"
    return {contest: everything[contest] for contest in list(everything)[: 3 if short else 5]}


def stored(row: ElectionRow) -> list[bytes]:
    """The entries in the database."""
    rows = models.BoardEntry.objects.filter(election=row).order_by("index")
    return [bytes(raw) for raw in rows.values_list("raw", flat=True)]


def cosignature(text: str, witness: str = "witness 1", name: str = "witness-1", **changes: Any) -> str:
    """A witness's line for the checkpoint in a note, or for one changed like this."""
    head = parse_note(text.encode()).checkpoint
    head = Checkpoint(**{**head.__dict__, **changes})
    key, time = signing_key(witness), int(AFTERWARDS.timestamp()) + 5
    return cosignature_line(name, public_key(key), time, key.sign(cosignature_message(head, time)).signature)


def triggers() -> list[str]:
    """The triggers in the database."""
    lists = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
    }
    with connection.cursor() as cursor:
        cursor.execute(lists[connection.vendor])
        return [name for (name,) in cursor.fetchall()]


def create_triggers() -> None:
    for migration in MIGRATIONS:
        migration.create(None, connection.schema_editor())


def drop_triggers() -> None:
    for migration in MIGRATIONS:
        migration.drop(None, connection.schema_editor())


@contextmanager
def tampering() -> Iterator[None]:
    """Someone with the database's password: no trigger refuses anything meanwhile."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            yield
            cursor.execute("SET session_replication_role = DEFAULT")
        return
    drop_triggers()
    try:
        yield
    finally:
        create_triggers()
