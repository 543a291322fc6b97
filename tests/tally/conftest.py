from __future__ import annotations

from collections.abc import Iterator

import pytest
from nacl.pwhash import argon2id


@pytest.fixture(autouse=True, scope="session")
def cheap_passphrases() -> Iterator[None]:
    """The least work that argon2id allows: a test seals hundreds of files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tally.sealed.OPERATIONS", argon2id.OPSLIMIT_MIN)
        patch.setattr("tally.sealed.MEMORY", argon2id.MEMLIMIT_MIN)
        yield
