from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from tests.voting import kakuu
from tests.voting.kakuu import World
from tests.voting.offices import Town


@pytest.fixture(autouse=True)
def own_keys(settings: Any, tmp_path: Path) -> None:
    """The server's own key files, and nothing remembered of the tries before."""
    settings.EVIDENCE_KEY_FILE = tmp_path / "evidence.key"
    settings.CODE_KEY_FILE = tmp_path / "code.key"
    cache.clear()


@pytest.fixture
def world(town: Town) -> World:
    """Notice day was three days ago and the poll is in nine: every category takes requests now."""
    day = timezone.localdate()
    return kakuu.world(town, notice=day - timedelta(days=3), election_day=day + timedelta(days=9))
