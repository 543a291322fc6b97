from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.utils import timezone

from tests.voting.boards import AFTERWARDS
from voting.trustees import handing_in


@pytest.fixture(autouse=True)
def after_the_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is handed in comes at the same time, whatever day it is today."""
    clock = SimpleNamespace(now=lambda: AFTERWARDS, localtime=timezone.localtime)
    monkeypatch.setattr(handing_in, "timezone", clock)
