"""Writing files that people carry away: whole or not at all."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tally.errors import InUse

PRIVATE, PUBLIC = 0o600, 0o644


def write_private(path: Path, data: bytes) -> None:
    """A new file that only its owner can read. Raises FileExistsError: a secret is never written over."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    try:
        _write(file, data)
    except BaseException:
        path.unlink()
        raise


def replace_file(path: Path, data: bytes, mode: int = PUBLIC) -> None:
    """Written beside, renamed, and on the disk when this returns: a reader finds the old bytes or the new ones.

    `mode`: who may read it, where the disk knows such a thing.
    """
    draft = path.with_name(path.name + ".part")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        _write(file, data)
        draft.replace(path)
    except BaseException:
        draft.unlink()
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextmanager
def alone_beside(path: Path) -> Iterator[None]:
    """Nobody else comes in for a file of this folder meanwhile; whoever dies lets go. Raises InUse.

    The folder is locked, not the file: that is another one after each replacement.
    """
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(
                f"{path.parent}: another program works with a file in this folder; wait until it is done"
            ) from None
        yield
    finally:
        os.close(directory)


def _write(file: int, data: bytes) -> None:
    with os.fdopen(file, "wb") as opened:
        opened.write(data)
        opened.flush()
        os.fsync(file)
