from __future__ import annotations

import pytest

from tests import election as memory
from tests.voting.offices import Town
from tests.voting.records.filled import Filled, closed_in_memory, counted_in_memory, prepared


@pytest.fixture(scope="session")
def counted() -> memory.Election:
    """An election in memory up to the freeze. Tests only read it."""
    return closed_in_memory()


@pytest.fixture
def polls(counted: memory.Election, town: Town) -> Filled:
    """The polls of 架空市 just before they close."""
    filled = prepared(counted, town)
    filled.until_close()
    return filled


def _closed(polls: Filled) -> Filled:
    polls.close()
    polls.accept_all()
    polls.withdraw()
    return polls


@pytest.fixture
def filled(polls: Filled) -> Filled:
    """The same after acceptance: everything agrees."""
    return _closed(polls)


@pytest.fixture(scope="session")
def published() -> memory.Election:
    """The same election in memory up to the result. Tests only read it."""
    return counted_in_memory()


@pytest.fixture
def accepted(published: memory.Election, town: Town) -> Filled:
    """As `filled`; its `count` leads to the result."""
    filled = prepared(published, town)
    filled.until_close()
    return _closed(filled)


@pytest.fixture
def result(accepted: Filled) -> Filled:
    """The result is published."""
    accepted.count()
    return accepted
