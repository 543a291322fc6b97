"""`manage.py verify_election ELECTION`: our own verifier over the archive, for the page beside the result."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import CommandError

from verifier.errors import VerifierError
from voting.board.management.command import BoardCommand
from voting.elections.models import Election
from voting.errors import VotingError
from voting.results.report import make_report


class Command(BoardCommand):
    help = "Verifies the archive of an election as observers do, prints the report and keeps it for the page."

    def act(self, election: Election, options: dict[str, Any]) -> None:
        try:
            made = make_report(election, os.cpu_count() or 1)
        except VotingError as error:
            raise CommandError(f"{election.slug}: {error.code}: {error}") from error
        except (VerifierError, OSError) as error:
            raise CommandError(f"{election.slug}: {error}") from error
        self.stdout.write(made.text)
        if not made.valid:
            raise CommandError(f"{election.slug}: the archive is not valid")
