"""`manage.py follow_board`: bring applications and the roll up to date with the board; to be run every minute."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from verifier.record.entries import Type
from voting.applications.models import Application
from voting.applications.states import State
from voting.board.models import BoardEntry
from voting.credentials.models import Binding
from voting.elections.models import Election
from voting.polls.acceptance import follow_board, note_tallied, settle, strip


class Command(BaseCommand):
    """Every election whose polls were opened: whatever its board says is noted here, once."""

    help = "Marks on the roll whoever has cast a ballot; after the freeze cuts every link between voters and ballots."

    def handle(self, *args: Any, **options: Any) -> None:
        for election in Election.objects.filter(entries__type=Type.POLLS_OPENED).distinct():
            types = set(BoardEntry.objects.filter(election=election).values_list("type", flat=True).distinct())
            self._follow(election, types)

    def _follow(self, election: Election, types: set[str]) -> None:
        if Type.TALLY_FROZEN not in types:
            # After the close what was not used lapses, or polling stations would turn its voters away.
            settle(election) if Type.POLLS_CLOSED in types else follow_board(election)
            cast = Application.objects.filter(election=election, state=State.CAST).count()
            self.stdout.write(f"{election.slug}: {cast} ballots cast")
        elif Binding.objects.filter(application__election=election).exists():
            self.stdout.write(f"{election.slug}: {strip(election)} links cut")
        if Type.RESULT in types:
            note_tallied(election)
