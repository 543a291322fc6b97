"""`manage.py check_seal ELECTION`: whether the records are still what two officials sealed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from voting.board.management.command import BoardCommand
from voting.elections.models import Election
from voting.errors import VotingError
from voting.records.seal import check_seal


class Command(BoardCommand):
    help = "Makes every document of an election again and compares it with the seal; fails saying what differs."

    def act(self, election: Election, options: dict[str, Any]) -> None:
        try:
            changed = check_seal(election)
        except VotingError as error:
            raise CommandError(str(error)) from error
        if changed:
            said = (f"{change.document.label} ({'; '.join(change.how)})" for change in changed)
            raise CommandError(f"changed since sealing: {', '.join(said)}")
        self.stdout.write(f"{election.slug}: every document is as it was sealed")
