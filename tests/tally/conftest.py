from __future__ import annotations

from collections.abc import Iterator

import pytest
from nacl.pwhash import argon2id

from tally import worker
from tests.broker import Broker


@pytest.fixture(autouse=True, scope="session")
def cheap_passphrases() -> Iterator[None]:
    """The least work that argon2id allows: a test seals hundreds of files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tally.sealed.OPERATIONS", argon2id.OPSLIMIT_MIN)
        patch.setattr("tally.sealed.MEMORY", argon2id.MEMLIMIT_MIN)
        yield


@pytest.fixture(scope="module")
def celery_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A Redis of the module's own. What this process sends goes there."""
    broker = Broker(tmp_path_factory.mktemp("redis"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker.app.conf, "broker_url", broker.url)
        _forget_connections()
        yield broker
    _forget_connections()
    broker.kill()


def _forget_connections() -> None:
    """As Celery does in a new process."""
    worker.app._after_fork()
    worker.redis_store.cache_clear()
