"""`manage.py submit ELECTION FILE …`: put entries on the board that their authors have signed."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings

from tally.submission import parse_submission
from voting.board.management.command import BoardCommand, refusals
from voting.board.models import BoardEntry
from voting.board.services import append
from voting.counting.tasks import start
from voting.elections.models import Election
from voting.polls.opening import require_agreed


class Command(BoardCommand):
    help = "Puts the entry of each FILE, signed by its authors, on the board; the first that is refused ends it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("files", type=Path, nargs="+", metavar="FILE")

    def act(self, election: Election, options: dict[str, Any]) -> None:
        for path in options["files"]:
            with refusals(path):
                entry = _submit(election, path)
            self.stdout.write(f"{path}: {entry}")
        if settings.REDIS_URL:
            start(election)  # without workers, `manage.py count` goes on


def _submit(election: Election, path: Path) -> BoardEntry:
    submission = parse_submission(path.read_bytes(), path.name)
    require_agreed(election, submission)
    return append(
        election,
        entry_type=submission.type,
        body=submission.body,
        signatures=submission.signatures,
        columns=submission.columns,
    )
