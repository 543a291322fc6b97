from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.election import Election
from tests.voting import boards
from tests.voting.boards import AFTERWARDS
from tests.voting.results.forms import counted
from verifier.record.entries import Type
from voting.board import services
from voting.elections.models import Election as ElectionRow
from voting.elections.models import ElectionKind


@pytest.fixture(autouse=True)
def own_folder(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Archives lie in a folder of the test; checkpoints are of the same time, whatever day it is today."""
    settings.VAR_DIR = tmp_path / "var"
    monkeypatch.setattr(services, "timezone", SimpleNamespace(now=lambda: AFTERWARDS))


@dataclass
class Count:
    """A board that grows entry by entry, as far as a test wants it."""

    row: ElectionRow
    memory: Election
    size: int = 0

    def go(self, kind: Type, which: int = 0) -> Count:
        """Until this entry, which replay has judged in memory, is on the board."""
        return self.store(boards.place(self.memory, kind, which) + 1)

    def store(self, stop: int) -> Count:
        """Until there are so many entries."""
        boards.store(self.row, self.memory, self.size, stop)
        self.size = stop
        return self

    def published(self) -> Count:
        """The whole board."""
        return self.go(Type.RESULT)

    def corrected(self, sentence: str, entry: int = 0) -> Count:
        """Two officials state something about an earlier entry."""
        body = self.memory.body(entry=entry, text=sentence)
        raw = self.memory.raw(Type.CORRECTION, body, ["official 1", "official 2"])
        boards.submit(self.row, raw, time=AFTERWARDS)
        self.size += 1
        return self


def begin(memory: Election, kind: ElectionKind = ElectionKind.ASSOCIATION) -> Count:
    """Rows of the election, and nothing on its board."""
    row = boards.define(memory)
    row.kind = kind
    row.save()
    return Count(row, memory)


@pytest.fixture
def count(db: None) -> Count:
    """The election of `forms`, of an association; the board is empty."""
    return begin(counted())


@pytest.fixture
def count_of(db: None) -> Callable[[ElectionKind], Count]:
    """The same of another kind."""
    return lambda kind: begin(counted(), kind)
