"""Secret keys in files: 32 bytes that only the server can read."""

from __future__ import annotations

import binascii
import os
import secrets
import stat
from pathlib import Path

from voting.errors import KeyUnusable

KEY_BYTES = 32


def load_or_create(path: Path) -> bytes:
    """The 32 bytes at `path`: their base64 on one line, mode 0600; made at random when there is no such file.

    Raises KeyUnusable.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _create(path)
        return load(path)
    except OSError as error:
        raise KeyUnusable(f"{path}: {error.strerror}") from None


def load(path: Path) -> bytes:
    """The 32 bytes at `path`. Raises KeyUnusable."""
    text = read(path, 100)
    try:
        key = binascii.a2b_base64(text.removesuffix(b"\n"), strict_mode=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyUnusable(f"{path}: not the base64 of {KEY_BYTES} bytes")
    return key


def read(path: Path, most: int) -> bytes:
    """At most so many bytes of a file that only its owner can read. Raises KeyUnusable."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise KeyUnusable(f"{path}: {error.strerror}") from None
    try:
        mode = os.fstat(file).st_mode
        if not stat.S_ISREG(mode) or stat.S_IMODE(mode) & 0o077:
            raise KeyUnusable(f"{path}: a key must be a file that only its owner can read (mode 0600)")
        return os.read(file, most)
    finally:
        os.close(file)


def _create(path: Path) -> None:
    """Written beside and linked into place, so that no process ever reads half a key or replaces one."""
    if path.exists() or path.is_symlink():
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(file, "wb") as opened:
            opened.write(binascii.b2a_base64(secrets.token_bytes(KEY_BYTES)))
            opened.flush()
            os.fsync(file)
        os.link(draft, path)
    except FileExistsError:
        return  # another process was first; its key is the one
    finally:
        draft.unlink()
