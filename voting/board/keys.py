"""The board's signing key: an Ed25519 seed in a file that only the server can read."""

from __future__ import annotations

import binascii
import os
import secrets
import stat
from pathlib import Path

from nacl.signing import SigningKey

from voting.errors import BoardKeyUnusable

SEED_BYTES = 32


def load_or_create(path: Path) -> SigningKey:
    """The key at `path`: the base64 of its 32-byte seed on one line, mode 0600; made when there is no such file.

    Raises BoardKeyUnusable.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _create(path)
        return load(path)
    except OSError as error:
        raise BoardKeyUnusable(f"{path}: {error.strerror}") from None


def load(path: Path) -> SigningKey:
    """The key at `path`. Raises BoardKeyUnusable."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise BoardKeyUnusable(f"{path}: {error.strerror}") from None
    try:
        mode = os.fstat(file).st_mode
        if not stat.S_ISREG(mode) or stat.S_IMODE(mode) & 0o077:
            raise BoardKeyUnusable(f"{path}: the board key must be a file that only its owner can read (mode 0600)")
        text = os.read(file, 100)
    finally:
        os.close(file)
    try:
        seed = binascii.a2b_base64(text.removesuffix(b"\n"), strict_mode=True)
    except binascii.Error:
        seed = b""
    if len(seed) != SEED_BYTES:
        raise BoardKeyUnusable(f"{path}: not the base64 of {SEED_BYTES} bytes")
    return SigningKey(seed)


def _create(path: Path) -> None:
    """Written beside and linked into place, so that no process ever reads half a key or replaces one."""
    if path.exists() or path.is_symlink():
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(file, "wb") as opened:
            opened.write(binascii.b2a_base64(secrets.token_bytes(SEED_BYTES)))
            opened.flush()
            os.fsync(file)
        os.link(draft, path)
    except FileExistsError:
        return  # another process was first; its key is the one
    finally:
        draft.unlink()
