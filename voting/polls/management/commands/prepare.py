"""`manage.py prepare ELECTION ACT FILE`: write the entry of an official act, for two officials to sign."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from verifier.record.entries import Type
from voting.board.management.command import BoardCommand, refusals
from voting.elections.models import Election
from voting.polls.opening import PREPARED, prepare


class Command(BoardCommand):
    help = "Writes the entry of an official act to FILE, for `python -m tally sign` and then `manage.py submit`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("act", choices=[act.value for act in PREPARED])
        parser.add_argument("path", type=Path, metavar="FILE")
        parser.add_argument(
            "--open",
            action="append",
            default=[],
            metavar="CONTEST",
            help="tally-frozen, of an election without an office: open this contest although fewer people than the "
            "minimum group answered it",
        )

    def act(self, election: Election, options: dict[str, Any]) -> None:
        act, path = Type(options["act"]), options["path"]
        if options["open"] and act is not Type.TALLY_FROZEN:
            raise CommandError("--open belongs to tally-frozen")
        unknown = set(options["open"]) - set(election.contests.values_list("identifier", flat=True))
        if unknown:
            raise CommandError(f"--open: there is no contest {min(unknown)!r}")
        with refusals(path):
            prepare(election, act, options["open"]).write(path)
        self.stdout.write(f"{path}: {act}, to be signed by {election.acts[act.value]} officials")
