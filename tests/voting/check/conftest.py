from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.voting.boards import AFTERWARDS
from voting.board import services


@pytest.fixture(autouse=True)
def after_the_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints that somebody's question publishes are of the same time, whatever day it is today."""
    monkeypatch.setattr(services, "timezone", SimpleNamespace(now=lambda: AFTERWARDS))
