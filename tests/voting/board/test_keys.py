"""The board's signing key comes from a key file; what is wrong with the file is said as the board's."""

from __future__ import annotations

import binascii
from collections.abc import Callable
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from voting import keyfile
from voting.board import keys
from voting.errors import BoardKeyUnusable, KeyUnusable

SEED = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secret" / "board.key"


def test_a_key_is_made_once(path: Path) -> None:
    """The next process reads the same; it is the seed that the file holds."""
    made = keys.load_or_create(path)
    assert keys.load_or_create(path) == keys.load(path) == made
    assert bytes(made) == keyfile.load(path)


def test_the_file_holds_the_seed(path: Path) -> None:
    """In base64 on one line: a key that was made elsewhere is used as it is."""
    path.parent.mkdir()
    path.write_bytes(binascii.b2a_base64(SEED))
    path.chmod(0o600)
    assert keys.load(path) == keys.load_or_create(path) == SigningKey(SEED)


@pytest.mark.parametrize("read", [keys.load, keys.load_or_create])
def test_an_unusable_file_is_the_boards_error(path: Path, read: Callable[[Path], SigningKey]) -> None:
    """With the place and the reason, and never with what the file holds."""
    path.parent.mkdir()
    path.write_bytes(binascii.b2a_base64(SEED)[:-4])
    path.chmod(0o600)
    with pytest.raises(BoardKeyUnusable) as failure:
        read(path)
    assert not isinstance(failure.value, KeyUnusable) and failure.value.code == "board-key-unusable"
    assert failure.value.reason == f"{path}: not the base64 of 32 bytes"


def test_a_key_that_is_not_there_is_only_made_when_asked_to(path: Path) -> None:
    with pytest.raises(BoardKeyUnusable, match="No such file"):
        keys.load(path)
    assert not path.parent.exists()
