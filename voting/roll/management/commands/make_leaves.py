"""`manage.py make_leaves ELECTION`: draw the salts and the order of the roll, before two officials commit to it."""

from __future__ import annotations

from typing import Any, TextIO, cast

from django.core.management.base import CommandError
from rich.console import Console

from voting.board.management.command import BoardCommand
from voting.elections.models import Election
from voting.errors import VotingError
from voting.roll.commitment import make_leaves
from voting.roll.management.bar import bar


class Command(BoardCommand):
    """For large rolls; small ones are prepared when an official asks to commit. All or nothing."""

    help = "Draws a salt for each row of the roll, and their order by lot."

    def act(self, election: Election, options: dict[str, Any]) -> None:
        try:
            with bar(Console(file=cast(TextIO, self.stdout._out)), "rows") as progress:
                made = make_leaves(election, progress)
        except VotingError as error:
            raise CommandError(f"{error.code}: {error}") from error
        self.stdout.write(f"{election.slug}: {made} rows. Two officials can commit to the roll now.")
