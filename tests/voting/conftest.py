from __future__ import annotations

import binascii
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache

from tests.election import BITS, Election, finish, signing_key, voted
from tests.voting import boards, offices
from tests.voting.browser import browser, chromium, visitor
from voting.board.replica import forget_all
from voting.elections.models import Election as ElectionRow

__all__ = ["browser", "chromium", "visitor"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "postgres: needs PostgreSQL as the default database")
    config.addinivalue_line("markers", "outer: runs these tests again, on PostgreSQL")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Races need PostgreSQL; the tests marked `outer` run them there. They take longest, so they begin first."""
    items.sort(key=lambda item: item.get_closest_marker("outer") is None)
    if django_settings.DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
        return
    races = [item for item in items if item.get_closest_marker("postgres")]
    config.hook.pytest_deselected(items=races)
    items[:] = [item for item in items if item not in races]


@pytest.fixture(scope="session")
def finished() -> Election:
    """A whole election in memory, from manifest to result. Tests only read it."""
    return finish(voted())


@pytest.fixture(scope="session")
def polling() -> Election:
    """An election in memory whose polls are open and whose six voters have voted. Tests only read it."""
    return voted()


@pytest.fixture(autouse=True)
def server(settings: Any, tmp_path: Path) -> None:
    """A server that holds the test board's key, allows the toy modulus, speaks English, and asks for no second factor.

    Who tests the second factor takes the fixture `second_factor`.
    """
    settings.LANGUAGE_CODE = "en"
    settings.OFFICIALS_SECOND_FACTOR = False
    settings.TASHIKA_ALLOWED_MODULUS_BITS = (BITS,)
    settings.BOARD_KEY_FILE = tmp_path / "board.key"
    settings.BOARD_KEY_FILE.write_bytes(binascii.b2a_base64(bytes(signing_key("board"))))
    settings.BOARD_KEY_FILE.chmod(0o600)


@pytest.fixture(autouse=True)
def nothing_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    """No count goes on beside a test; those about the count say themselves when it does."""
    monkeypatch.setattr("voting.counting.tasks.in_background", lambda election: None)


@pytest.fixture(autouse=True)
def nobody_tried_before() -> None:
    """The tries of the tests before are forgotten: all come from one address."""
    cache.clear()


@pytest.fixture
def second_factor(settings: Any, server: None) -> None:
    """Officials' login asks for the six-digit code, as in production; see tests/voting/factors.py."""
    settings.OFFICIALS_SECOND_FACTOR = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # these tests log in very often


@pytest.fixture(autouse=True)
def fresh_board(request: pytest.FixtureRequest) -> Iterator[None]:
    """Nothing remembered from the test before, and triggers there.

    They refuse even the emptying of the tables that ends a test with transactions, so they go before it.
    """
    forget_all()
    marker = request.node.get_closest_marker("django_db")
    transactional = marker is not None and marker.kwargs.get("transaction", False)
    if transactional and not boards.triggers():
        boards.create_triggers()
    yield
    if transactional:
        boards.drop_triggers()
    forget_all()


@pytest.fixture
def open_board(polling: Election) -> ElectionRow:
    """The board of `polling`."""
    return boards.board_of(polling)


@pytest.fixture
def full_board(finished: Election) -> ElectionRow:
    """The board of `finished`."""
    return boards.board_of(finished)


@pytest.fixture
def town(db: None) -> offices.Town:
    """架空市 with everybody appointed."""
    return offices.town()
