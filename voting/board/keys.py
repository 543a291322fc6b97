"""The board's signing key: an Ed25519 seed in a key file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nacl.signing import SigningKey

from voting import keyfile
from voting.errors import BoardKeyUnusable, KeyUnusable


def load_or_create(path: Path) -> SigningKey:
    """The key whose seed is in the key file at `path`; made when there is no such file. Raises BoardKeyUnusable."""
    return _signing_key(keyfile.load_or_create, path)


def load(path: Path) -> SigningKey:
    """The key whose seed is in the key file at `path`. Raises BoardKeyUnusable."""
    return _signing_key(keyfile.load, path)


def _signing_key(read: Callable[[Path], bytes], path: Path) -> SigningKey:
    try:
        return SigningKey(read(path))
    except KeyUnusable as error:
        raise BoardKeyUnusable(error.reason) from None
