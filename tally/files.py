"""Writing files that people carry away: whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_private(path: Path, data: bytes) -> None:
    """A new file that only its owner can read. Raises FileExistsError: a secret is never written over."""
    _write(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), data)


def replace_file(path: Path, data: bytes) -> None:
    """Written beside, on the disk, and renamed: a reader finds the old bytes or the new ones."""
    draft = path.with_name(path.name + ".part")
    _write(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), data)
    draft.replace(path)


def _write(file: int, data: bytes) -> None:
    with os.fdopen(file, "wb") as opened:
        opened.write(data)
        opened.flush()
        os.fsync(file)
