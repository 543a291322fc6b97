"""Key files: made once, read only when nobody else can read them, never repaired or replaced."""

from __future__ import annotations

import binascii
import os
import signal
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from voting import keyfile
from voting.errors import KeyUnusable

KEY = bytes(range(32))
LINE = binascii.b2a_base64(KEY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secret" / "secret.key"


def written(path: Path, data: bytes, mode: int = 0o600) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)
    return path


def refused(path: Path) -> str:
    """Why both ways to the key refuse it; the file stays as it is."""
    with pytest.raises(KeyUnusable) as failure:
        keyfile.load(path)
    with pytest.raises(KeyUnusable):
        keyfile.load_or_create(path)
    assert failure.value.code == "key-unusable" and str(path) in str(failure.value)
    return str(failure.value)


def test_a_key_is_made_once_for_its_owner_only(path: Path) -> None:
    """Folder and file are made; the next process reads the same key; no draft is left beside it."""
    made = keyfile.load_or_create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == binascii.b2a_base64(made)
    assert keyfile.load_or_create(path) == keyfile.load(path) == made
    assert list(path.parent.iterdir()) == [path]


def test_a_key_that_is_there_is_only_read(path: Path) -> None:
    """Nothing is written beside it, so that it may lie in a folder that the server cannot write."""
    keyfile.load_or_create(path)
    os.utime(path.parent, ns=(0, 0))
    keyfile.load_or_create(path)
    assert path.parent.stat().st_mtime_ns == 0


def test_two_keys_differ(tmp_path: Path) -> None:
    assert keyfile.load_or_create(tmp_path / "a") != keyfile.load_or_create(tmp_path / "b")


def test_a_wide_umask_does_not_open_the_file(path: Path) -> None:
    before = os.umask(0)
    try:
        keyfile.load_or_create(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_many_at_once_get_one_key(path: Path) -> None:
    """Whoever comes first makes it; nobody reads half of it."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: keyfile.load_or_create(path), range(40)))
    assert len(set(found)) == 1
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("data", [LINE, LINE.rstrip(b"\n")])
def test_a_key_is_32_bytes_in_one_line_of_base64(path: Path, data: bytes) -> None:
    assert keyfile.load(written(path, data, 0o400)) == KEY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o601, 0o610, 0o644, 0o777])
def test_a_file_open_to_others_is_refused(path: Path, mode: int) -> None:
    assert "mode 0600" in refused(written(path, LINE, mode))
    assert stat.S_IMODE(path.stat().st_mode) == mode and path.read_bytes() == LINE


def test_a_link_is_refused(path: Path, tmp_path: Path) -> None:
    """Also to a good key, and a dangling one is not followed to make a key elsewhere."""
    path.parent.mkdir()
    path.symlink_to(written(tmp_path / "elsewhere.key", LINE))
    refused(path)
    path.unlink()
    path.symlink_to(tmp_path / "nowhere.key")
    refused(path)
    assert not (tmp_path / "nowhere.key").exists() and path.is_symlink()


def test_a_folder_is_refused(path: Path) -> None:
    path.mkdir(parents=True, mode=0o700)
    refused(path)
    assert list(path.parent.iterdir()) == [path]


def test_a_pipe_is_refused(path: Path) -> None:
    """At once: nobody writes into it, and the server does not wait until somebody does."""
    path.parent.mkdir()
    os.mkfifo(path, 0o600)
    before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("waits for a writer"))
    signal.alarm(5)
    try:
        assert "must be a file" in refused(path)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        LINE[:20],
        LINE[:-2] + b"\n",
        LINE + LINE,
        LINE + b"\n",
        b" " + LINE,
        LINE.replace(b"\n", b"\r\n"),
        KEY,
        binascii.b2a_base64(KEY[:31]),
        binascii.b2a_base64(KEY + b"x"),
        binascii.b2a_base64(bytes(64)),
        b"\xff" * 44,
        LINE.rstrip(b"\n") + b"#",
        b"A" * 1_000_000,
    ],
)
def test_a_damaged_key_is_refused(path: Path, data: bytes) -> None:
    """It is never taken for another key and never written over."""
    assert "not the base64 of 32 bytes" in refused(written(path, data))
    assert path.read_bytes() == data


def test_a_key_that_is_not_there_is_only_made_when_asked_to(path: Path) -> None:
    with pytest.raises(KeyUnusable, match="No such file"):
        keyfile.load(path)
    assert not path.parent.exists()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """With the place and the reason."""
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyUnusable, match="file"):
        keyfile.load_or_create(tmp_path / "file" / "secret.key")


def test_no_message_shows_the_key(path: Path) -> None:
    damaged = LINE[:-4] + b"\n"
    assert damaged[:10].decode() not in refused(written(path, damaged))
