"""`manage.py count ELECTION`: go on with the count here, where somebody can watch it, until somebody is needed."""

from __future__ import annotations

from typing import Any

from voting.board.management.command import BoardCommand
from voting.counting import progress
from voting.counting.conductor import Place, go_on
from voting.counting.hands import hands
from voting.elections.models import Election
from voting.polls.stages import stage


class Command(BoardCommand):
    help = "Mixes, opens and publishes what can be done now; safe to interrupt and to begin again."

    def act(self, election: Election, options: dict[str, Any]) -> None:
        go_on(election, hands(), tell=self._tell)
        for problem in progress.problems(election.pk).values():
            self.stderr.write(problem)
        self.stdout.write(f"{election.slug}: {stage(election)}")

    def _tell(self, kind: str, place: Place | None, done: int, total: int) -> None:
        if self.stderr.isatty():
            where = " {}, group {}, stage {}".format(*place) if place else ""
            self.stderr.write(f"\r{kind}{where}: {done} of {total}  ", ending="\n" if done == total else "")
