"""`manage.py export_archive ELECTION PATH`: everything that an observer needs, in one file."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from verifier.record.archive import write_archive
from voting.board.log import DatabaseLog
from voting.board.management.command import BoardCommand, refusals
from voting.board.replica import replica_of
from voting.board.services import latest_checkpoint, publish_checkpoint
from voting.elections.models import Election

T = TypeVar("T")


class Command(BoardCommand):
    help = "Writes the board of an election with its latest checkpoint to PATH, a zip that anyone can verify."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("path", type=Path, help="the file to write; an existing one is replaced when all is done")

    def act(self, election: Election, options: dict[str, Any]) -> None:
        path = options["path"]
        with refusals(path):
            size = self._export(election, path)
        self.stdout.write(f"{path}: {size} entries")

    def _export(self, election: Election, path: Path) -> int:
        replica_of(election.pk).catch_up()  # refuses a board that contradicts its last checkpoint
        log = DatabaseLog(election.pk)
        checkpoint = latest_checkpoint(election)
        if checkpoint is None or checkpoint.size < log.size:
            checkpoint = publish_checkpoint(election)
        size = checkpoint.size  # entries that arrive meanwhile wait for the next export
        entries = self._counted(log.entries(0, size), "entries", size)
        write_archive(path, entries, log.columns(size), checkpoint.text.encode())
        return size

    def _counted(self, items: Iterable[T], what: str, total: int) -> Iterator[T]:
        """The items, with progress on a terminal."""
        watched = self.stderr.isatty()
        for number, item in enumerate(items, 1):
            if watched and (number % 500 == 0 or number == total):
                self.stderr.write(f"\r{what}: {number} of {total}", ending="\n" if number == total else "")
            yield item
