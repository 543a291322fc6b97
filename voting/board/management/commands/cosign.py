"""`manage.py cosign ELECTION FILE`: add a witness's line to the latest checkpoint."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone

from voting.board.management.command import BoardCommand, refusals
from voting.board.services import add_cosignature
from voting.counting.conductor import close_up
from voting.elections.models import Election


class Command(BoardCommand):
    help = "Adds the cosignature in FILE, made by `python -m tally witness`, to the latest checkpoint of an election."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("path", type=Path, metavar="FILE")

    def act(self, election: Election, options: dict[str, Any]) -> None:
        with refusals(options["path"]):
            checkpoint = add_cosignature(election, options["path"].read_text(encoding="utf-8"))
        self.stdout.write(f"cosigned: {checkpoint}")
        close_up(election, timezone.now())
