"""`manage.py submit ELECTION FILE …`: put entries on the board that `python -m tally` made and their authors signed."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tally.errors import TallyError
from tally.submission import parse_submission
from voting.board.services import append
from voting.elections.models import Election
from voting.errors import VotingError


class Command(BaseCommand):
    help = "Puts entries on the board of an election, in the order given; the first that is refused ends it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("election", help="the election's slug")
        parser.add_argument("files", type=Path, nargs="+", metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        election = Election.objects.filter(slug=options["election"]).first()
        if election is None:
            raise CommandError(f"there is no election {options['election']!r}")
        for path in options["files"]:
            try:
                self._submit(election, path)
            except VotingError as error:
                raise CommandError(f"{path}: {error.code}: {error}") from error
            except TallyError as error:
                raise CommandError(str(error)) from error
            except OSError as error:
                raise CommandError(f"{path}: {error.strerror}") from error

    def _submit(self, election: Election, path: Path) -> None:
        submission = parse_submission(path.read_bytes(), path.name)
        entry = append(
            election,
            entry_type=submission.type,
            body=submission.body,
            signatures=submission.signatures,
            columns=submission.columns,
        )
        self.stdout.write(f"{path}: {entry}")
