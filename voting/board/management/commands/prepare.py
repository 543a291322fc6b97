"""`manage.py prepare ELECTION ACT FILE`: write the entry of an official act, for two officials to sign."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from tally.stages import freeze_body
from tally.submission import Submission
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type
from voting.board.management.command import BoardCommand, refusals
from voting.board.replica import replica_of
from voting.elections.models import Election
from voting.elections.services import build_manifest
from voting.errors import NotOnBoard

ACTS = (Type.MANIFEST, Type.POLLS_OPENED, Type.POLLS_CLOSED, Type.TALLY_FROZEN)


class Command(BoardCommand):
    help = "Writes the entry of an official act to FILE, for `python -m tally sign` and then `manage.py submit`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("act", choices=[act.value for act in ACTS])
        parser.add_argument("path", type=Path, metavar="FILE")
        parser.add_argument(
            "--open",
            action="append",
            default=[],
            metavar="CONTEST",
            help="tally-frozen: open this contest although fewer people than the minimum group answered it",
        )

    def act(self, election: Election, options: dict[str, Any]) -> None:
        act, path = Type(options["act"]), options["path"]
        if options["open"] and act is not Type.TALLY_FROZEN:
            raise CommandError("--open belongs to tally-frozen")
        unknown = set(options["open"]) - set(election.contests.values_list("identifier", flat=True))
        if unknown:
            raise CommandError(f"--open: there is no contest {min(unknown)!r}")
        with refusals(path):
            Submission(act, _body(election, act, options["open"])).write(path)
        self.stdout.write(f"{path}: {act}, to be signed by {election.acts[act.value]} officials")


def _body(election: Election, act: Type, opened: list[str]) -> Any:
    if act is Type.MANIFEST:
        return build_manifest(election)
    replica = replica_of(election.pk)
    with replica.lock:
        state = replica.catch_up().state
        if state.manifest is None:
            raise NotOnBoard("the manifest is not on the board yet")
        if act is not Type.TALLY_FROZEN:
            return {"election": encode_bytes(state.manifest.election)}
        if state.key is None:
            raise NotOnBoard("there is no election key yet")
        return freeze_body(state, replica.log, opened)
