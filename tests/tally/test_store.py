"""Where work lies: whole or not there, and a mixer's own for nobody else to see."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tally import store
from tally.errors import StoreUnreachable
from tally.store import Directory, RedisStore, Store
from tests.broker import Broker

NAME = "work-" + "5e" * 32
OTHER = "answer-" + "5e" * 32


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    running = Broker(tmp_path_factory.mktemp("redis"))
    yield running
    running.kill()


@pytest.fixture(params=["directory", "redis"])
def kept(request: pytest.FixtureRequest, tmp_path: Path, broker: Broker) -> Store:
    return Directory(tmp_path / "work") if request.param == "directory" else RedisStore(broker.url)


def test_what_is_kept_is_found_until_it_is_deleted(kept: Store) -> None:
    assert kept.get(NAME) is None
    kept.put(NAME, b"one")
    kept.put(NAME, b"two")
    kept.put(OTHER, b"")
    assert kept.get(NAME) == b"two"
    assert kept.get(OTHER) == b""
    kept.delete(NAME, OTHER)
    kept.delete(NAME)
    assert kept.get(NAME) is None and kept.get(OTHER) is None


def test_a_large_value_lies_in_pieces(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost piece is a lost value, never a shorter one."""
    monkeypatch.setattr(store, "PIECE", 4)
    redis = RedisStore(broker.url)
    redis.put(NAME, b"0123456789")
    assert redis.get(NAME) == b"0123456789"
    assert redis._client.get(f"tashika:{NAME}:2") == b"89"
    redis._client.delete(f"tashika:{NAME}:1")
    assert redis.get(NAME) is None
    redis.delete(NAME)
    assert not redis._client.keys(f"tashika:{NAME}*")


def test_redis_forgets_by_itself(broker: Broker) -> None:
    redis = RedisStore(broker.url, kept=100)
    redis.put(NAME, b"x")
    assert 0 < redis._client.ttl(f"tashika:{NAME}") <= 100
    redis.put(NAME, b"x", kept=7)
    assert 0 < redis._client.ttl(f"tashika:{NAME}") <= 7


def test_a_redis_that_is_away_is_told(tmp_path: Path) -> None:
    gone = Broker(tmp_path)
    redis = RedisStore(gone.url)
    redis.put(NAME, b"x")
    gone.kill()
    for ask in (lambda: redis.put(NAME, b"y"), lambda: redis.get(NAME), lambda: redis.delete(NAME)):
        with pytest.raises(StoreUnreachable, match="Redis"):
            ask()
    gone.begin()
    assert redis.get(NAME) is None
    gone.kill()


def test_only_the_owner_reads_the_directory(tmp_path: Path) -> None:
    path = tmp_path / "work"
    Directory(path).put(NAME, b"secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    path.chmod(0o750)
    with pytest.raises(StoreUnreachable, match="0700"):
        Directory(path)


def test_a_directory_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In /dev/shm anybody could have made it before us."""
    path = tmp_path / "work"
    Directory(path)
    monkeypatch.setattr(os, "getuid", lambda: 1 + 10**6)
    with pytest.raises(StoreUnreachable, match="must be ours"):
        Directory(path)


def test_a_link_is_refused(tmp_path: Path) -> None:
    """It could lead to a directory of ours with other things, which `clear` would delete."""
    (tmp_path / "keys").mkdir(mode=0o700)
    (tmp_path / "work").symlink_to(tmp_path / "keys")
    with pytest.raises(StoreUnreachable, match="must be ours"):
        Directory(tmp_path / "work")


@pytest.mark.parametrize("name", ["../" + "5e" * 32, "work-" + "5E" * 32, "work-5e", "work-" + "5e" * 32 + "/x", ""])
def test_a_name_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    """Names come in messages."""
    kept = Directory(tmp_path)
    for use in (lambda: kept.put(name, b""), lambda: kept.get(name), lambda: kept.delete(name)):
        with pytest.raises(ValueError, match="not a name"):
            use()


def test_clearing_leaves_nothing(tmp_path: Path) -> None:
    kept = Directory(tmp_path)
    kept.put(NAME, b"x")
    (tmp_path / ".half-written").write_bytes(b"x")
    kept.clear()
    assert not list(tmp_path.iterdir())
