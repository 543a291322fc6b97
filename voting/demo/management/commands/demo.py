"""`manage.py demo`: a whole election with real cryptography, verified by a separate process."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, TextIO, cast

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from verifier.record.manifest import MODULUS_BITS
from voting.demo.preflib import PrefLibError, read_soi
from voting.demo.run import Demonstration, cast_votes
from voting.demo.show import Show
from voting.demo.town import Scenario, association, city
from voting.demo.visit import VISITORS, visit
from voting.demo.workers import Begin, workers

FEWEST_VOTERS = 40
MOST_VOTERS = 100_000
NOT_VERIFIED, INTERRUPTED = 1, 130


class Command(BaseCommand):
    help = (
        "Runs an election of an invented city, writes its archive and verifies it. Ends with VERIFIED or NOT VERIFIED."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bits", type=int, default=MODULUS_BITS[0], help="2048 (default), 3072 or 4096")
        parser.add_argument("--voters", type=int, default=FEWEST_VOTERS, help="40 (default) or more")
        parser.add_argument(
            "--serve", action="store_true", help="serve a running election to try, and count it at the end"
        )
        parser.add_argument(
            "--celery",
            action="store_true",
            help="count with Celery workers; needs Redis, at REDIS_URL or on this machine",
        )
        parser.add_argument("--port", type=int, default=8000, help="where to serve it (8000)")
        parser.add_argument(
            "--ballots", type=Path, metavar="FILE", help="cast the ranked ballots of a PrefLib .soi file"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["bits"] not in MODULUS_BITS:
            raise CommandError(f"--bits: one of {', '.join(map(str, MODULUS_BITS))}")
        show = Show(Console(file=cast(TextIO, self.stdout._out)))
        if options["serve"] and options["ballots"]:
            raise CommandError("--serve: the ballots of a file are cast without anybody at a booth")
        scenario, port = _scenario(options), options["port"] if options["serve"] else None
        try:
            with workers(options["celery"]) as begin:
                verified = self._run(scenario, options["bits"], show, port, begin)
        except KeyboardInterrupt:
            self.stdout.write("NOT VERIFIED")
            raise SystemExit(INTERRUPTED) from None
        self.stdout.write("VERIFIED" if verified else "NOT VERIFIED")
        if not verified:
            raise SystemExit(NOT_VERIFIED)

    def _run(self, scenario: Scenario, bits: int, show: Show, port: int | None, begin: Begin) -> bool:
        demonstration = Demonstration(scenario, bits, show, VISITORS if port else ())
        demonstration.hands = begin(demonstration.cast.mixers)
        demonstration.begin()
        if port:
            visit(demonstration, show, port)
        demonstration.finish()
        archive = settings.VAR_DIR / "demo" / "election.zip"
        archive.parent.mkdir(parents=True, exist_ok=True)
        call_command("export_archive", demonstration.election.slug, str(archive), stdout=self.stdout)
        show.step("An observer verifies the archive", f"python -m verifier verify {archive}")
        valid = self._verify(archive)
        published, voted = demonstration.published(), cast_votes(scenario)
        show.step("The result, beside the votes that this demonstration cast", "")
        show.results(scenario.questions, published, voted)
        if port:
            return valid  # what was chosen at the booth, nobody here knows
        if published != voted:
            self.stdout.write("The published result is not what was cast.")
        return valid and published == voted

    def _verify(self, archive: Path) -> bool:
        """In a process of its own, which sees the archive and nothing else of this one."""
        self.stdout.flush()
        command = [sys.executable, "-m", "verifier", "verify", str(archive)]
        return subprocess.run(command, cwd=settings.BASE_DIR, check=False).returncode == 0  # noqa: S603


def _scenario(options: dict[str, Any]) -> Scenario:
    if options["ballots"] is not None:
        try:
            return association(read_soi(options["ballots"]))
        except PrefLibError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{options['ballots']}: {error.strerror}") from error
    if not FEWEST_VOTERS <= options["voters"] <= MOST_VOTERS:
        raise CommandError(f"--voters: a number from {FEWEST_VOTERS} to {MOST_VOTERS}")
    return city(options["voters"])
