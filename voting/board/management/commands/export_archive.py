"""`manage.py export_archive ELECTION PATH`: everything that an observer needs, in one file."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from voting.board.archive import export
from voting.board.management.command import BoardCommand, refusals
from voting.elections.models import Election


class Command(BoardCommand):
    help = "Writes the board of an election with its latest checkpoint to PATH, a zip that anyone can verify."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("path", type=Path, help="the file to write; an existing one is replaced when all is done")

    def act(self, election: Election, options: dict[str, Any]) -> None:
        path = options["path"]
        with refusals(path):
            head = export(election, path, self._counted)
        self.stdout.write(f"{path}: {head.size} entries")

    def _counted(self, entries: Iterable[bytes], total: int) -> Iterator[bytes]:
        """The entries, with progress on a terminal."""
        watched = self.stderr.isatty()
        for number, entry in enumerate(entries, 1):
            if watched and (number % 500 == 0 or number == total):
                self.stderr.write(f"\rentries: {number} of {total}", ending="\n" if number == total else "")
            yield entry
