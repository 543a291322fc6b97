"""Writing files that people carry away: whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_private(path: Path, data: bytes) -> None:
    """A new file that only its owner can read. Raises FileExistsError: a secret is never written over."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        _write(file, data)
    except BaseException:
        path.unlink()
        raise


def replace_file(path: Path, data: bytes) -> None:
    """Written beside, renamed, and on the disk when this returns: a reader finds the old bytes or the new ones."""
    draft = path.with_name(path.name + ".part")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
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


def _write(file: int, data: bytes) -> None:
    with os.fdopen(file, "wb") as opened:
        opened.write(data)
        opened.flush()
        os.fsync(file)
