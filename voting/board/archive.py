"""The archive of a board: written to a path, or kept below VAR_DIR for everybody who downloads it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import OperationalError, transaction

from verifier.crypto.checkpoint import parse_note
from verifier.record.archive import write_archive
from verifier.record.entries import Type
from voting.board.log import DatabaseLog
from voting.board.models import BoardEntry, Checkpoint
from voting.board.replica import replica_of
from voting.board.services import latest_checkpoint, publish_checkpoint
from voting.elections.models import Election

FRESH = 10 * 60
"""Seconds for which a kept archive will do while people vote. Ballots come all the time, and an archive may have
gigabytes: it is not made for every download."""
FOLDER, TEMPORARY, LOCK = "archives", ".archive-*", ".lock"

Watch = Callable[[Iterable[bytes], int], Iterable[bytes]]
"""Passes the entries of the board on, and their number is told: for a progress bar."""


def unwatched(entries: Iterable[bytes], total: int) -> Iterable[bytes]:
    """Nobody watches."""
    return entries


def export(election: Election, path: Path, watch: Watch = unwatched) -> Checkpoint:
    """Write the archive of the board as it is now to `path`, where nothing is until all of it is.

    Publishes a checkpoint when the latest one is behind. Entries that arrive meanwhile wait for the next archive.

    Raises NotOnBoard (no manifest yet), BoardInconsistent, BoardKeyUnusable, ClockBehind, OSError.
    """
    covering = head(election)
    _write(election, covering, path, watch)
    return covering


def head(election: Election) -> Checkpoint:
    """A checkpoint that covers the whole board; a new one only when the latest is behind. Raises as `export`."""
    latest = latest_checkpoint(election)
    if latest is not None and latest.size >= DatabaseLog(election.pk).size:
        return latest
    return publish_checkpoint(election)


def _write(election: Election, covering: Checkpoint, path: Path, watch: Watch = unwatched) -> None:
    replica, log = replica_of(election.pk), DatabaseLog(election.pk)
    with replica.lock:
        replica.catch_up()  # refuses a board that contradicts its last checkpoint
    entries = watch(log.entries(0, covering.size), covering.size)
    write_archive(path, entries, log.columns(covering.size), covering.text.encode())


@dataclass(frozen=True)
class Kept:
    """An archive that lies ready."""

    path: Path
    size: int
    """entries"""
    root: str
    """root of its checkpoint, in hex"""
    tag: str
    """names these bytes: size, root and cosignatures"""


def open_kept(election: Election) -> tuple[Kept, BinaryIO]:
    """The archive of the board as it is now, made when there is none yet, and opened: the caller closes the file.

    While people vote it may be `FRESH` old, and while the board checks a long entry it is the last one. Several at
    once make it once. Raises as `export`.
    """
    with _ready(election, waiting=False) as found:
        return found, found.path.open("rb")


def link_kept(election: Election, path: Path) -> Kept:
    """The same under a name of one's own at `path`, below VAR_DIR, where nobody removes it. Raises as `export`."""
    with _ready(election, waiting=True) as found:
        os.link(found.path, path)
        return found


@contextmanager
def _ready(election: Election, waiting: bool) -> Iterator[Kept]:
    """Until the end of the block nobody removes it."""
    folder = Path(settings.VAR_DIR, FOLDER, str(election.pk))
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / LOCK, "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = _still_fresh(election, folder)
        path = path or (None if waiting else _while_busy(election, folder)) or _made(election, folder)
        size, root, _note = path.stem.split("-")
        yield Kept(path, int(size), root, path.stem)


def _still_fresh(election: Election, folder: Path) -> Path | None:
    if BoardEntry.objects.filter(election=election, type=Type.POLLS_CLOSED).exists():
        return None
    newest = _newest(folder)
    return newest if newest and abs(time.time() - newest.stat().st_mtime) < FRESH else None


def _newest(folder: Path) -> Path | None:
    return max(folder.glob("*.zip"), key=lambda path: path.stat().st_mtime, default=None)


def _while_busy(election: Election, folder: Path) -> Path | None:
    """The last archive, if there is one, while the board checks a long entry: no download waits minutes for it."""
    lock = replica_of(election.pk).lock
    if not lock.acquire(blocking=False):
        return _newest(folder)
    try:
        with transaction.atomic():
            Election.objects.select_for_update(nowait=True).get(pk=election.pk)
    except OperationalError:
        return _newest(folder)
    finally:
        lock.release()
    return None


def _made(election: Election, folder: Path) -> Path:
    covering = head(election)
    root = parse_note(covering.text.encode()).checkpoint.root
    note = hashlib.sha256(covering.text.encode()).hexdigest()[:16]
    path = folder / f"{covering.size}-{root.hex()}-{note}.zip"
    if path.exists():
        return path
    for left in folder.glob(TEMPORARY):  # of a process that was killed: whoever holds the lock is alone
        shutil.rmtree(left)
    _write(election, covering, path)
    for old in set(folder.glob("*.zip")) - {path}:
        old.unlink()
    return path
