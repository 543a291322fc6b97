"""Where work lies for the process that does it, and its answer for the one that asked.

Task messages carry names only. Public work lies in Redis, for workers on any machine; a mixer's own work, which says
where each ballot went, lies in a directory of the mixer's machine (best in memory: /dev/shm) and never leaves it.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path
from typing import Any, Protocol

from tally.errors import StoreUnreachable

KEPT = 6 * 60 * 60
"""seconds that something stays in Redis when nobody takes it away"""
PIECE = 64 << 20
"""bytes of one value in Redis, which holds 512 MB at most"""
MOST = 1024
"""pieces; a value that says it has more is damaged"""
_NAME = re.compile(r"[a-z]+-[0-9a-f]{32,64}")
_DRAFT = ".half-"


class Store(Protocol):
    """Bytes by name, such as `work-5e…`. Every method raises StoreUnreachable while it is away."""

    def put(self, name: str, data: bytes) -> None:
        """Keep it, whole or not at all, in place of an earlier one."""

    def get(self, name: str) -> bytes | None:
        """What is kept there; None when there is nothing (any more)."""

    def delete(self, *names: str) -> None:
        """Forget them."""


class Directory:
    """Files that only their owner can read."""

    def __init__(self, path: Path) -> None:
        """Makes the directory when it is not there. Raises StoreUnreachable when it is not ours alone."""
        self._path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = path.lstat()
        except OSError as error:
            raise StoreUnreachable(f"{path}: {error.strerror}") from None
        # A link could lead to another directory of ours, which is not ours to clear.
        if not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o077 or found.st_uid != os.getuid():
            raise StoreUnreachable(f"{path}: others can look into this directory; it must be ours, with mode 0700")

    def _file(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError("not a name")
        return self._path / name

    def put(self, name: str, data: bytes) -> None:
        draft = self._path / f"{_DRAFT}{secrets.token_hex(8)}"
        try:
            draft.write_bytes(data)
            draft.replace(self._file(name))
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise StoreUnreachable(f"{self._path}: {error.strerror}") from None

    def get(self, name: str) -> bytes | None:
        try:
            return self._file(name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnreachable(f"{self._path}: {error.strerror}") from None

    def delete(self, *names: str) -> None:
        try:
            for name in names:
                self._file(name).unlink(missing_ok=True)
        except OSError as error:
            raise StoreUnreachable(f"{self._path}: {error.strerror}") from None

    def clear(self) -> None:
        """Forget everything: what a killed process left is of no use to the next, which draws afresh.

        Other files stay: somebody may have named a directory that is not empty.
        """
        try:
            for file in self._path.iterdir():
                if _NAME.fullmatch(file.name) or file.name.startswith(_DRAFT):
                    file.unlink(missing_ok=True)
        except OSError as error:
            raise StoreUnreachable(f"{self._path}: {error.strerror}") from None


class RedisStore:
    """Values in Redis that fade away by themselves; large ones in pieces."""

    def __init__(self, url: str, kept: int = KEPT) -> None:
        import redis

        self._away: tuple[type[Exception], ...] = (redis.RedisError, OSError)
        self._client: Any = redis.Redis.from_url(url, socket_timeout=30, socket_connect_timeout=5)
        self._kept = kept

    def put(self, name: str, data: bytes, kept: int | None = None) -> None:
        """For `kept` seconds, if it is to fade away earlier than others."""
        seconds = self._kept if kept is None else kept
        pieces = [data[start : start + PIECE] for start in range(0, len(data), PIECE)] or [b""]
        try:
            for number, piece in enumerate(pieces[1:], 1):
                self._client.set(f"tashika:{name}:{number}", piece, ex=seconds)
            # The first piece comes last and says how many there are: nobody reads a half.
            head = len(pieces).to_bytes(4, "big") + pieces[0]
            self._client.set(f"tashika:{name}", head, ex=seconds)
        except self._away as error:
            raise StoreUnreachable(f"Redis: {type(error).__name__}") from None

    def get(self, name: str) -> bytes | None:
        try:
            head = self._client.get(f"tashika:{name}")
            if head is None:
                return None
            pieces = [head[4:]]
            for number in range(1, int.from_bytes(head[:4], "big")):
                piece = self._client.get(f"tashika:{name}:{number}")
                if piece is None:
                    return None
                pieces.append(piece)
        except self._away as error:
            raise StoreUnreachable(f"Redis: {type(error).__name__}") from None
        return b"".join(pieces)

    def delete(self, *names: str) -> None:
        try:
            for name in names:
                head = self._client.getrange(f"tashika:{name}", 0, 3)
                pieces = int.from_bytes(head, "big")
                self._client.delete(f"tashika:{name}", *(f"tashika:{name}:{n}" for n in range(1, min(pieces, MOST))))
        except self._away as error:
            raise StoreUnreachable(f"Redis: {type(error).__name__}") from None
