"""What the commands about a board have in common: an election by its slug, and refusals of one line."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tally.errors import TallyError
from verifier.errors import VerifierError
from voting.elections.models import Election
from voting.errors import VotingError


class BoardCommand(BaseCommand):
    """A command about the board of one election."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("election", help="the election's slug")

    def handle(self, *args: Any, **options: Any) -> None:
        election = Election.objects.filter(slug=options["election"]).first()
        if election is None:
            raise CommandError(f"there is no election {options['election']!r}")
        self.act(election, options)

    def act(self, election: Election, options: dict[str, Any]) -> None:
        """Do it, or raise CommandError."""
        raise NotImplementedError


@contextmanager
def refusals(path: Path) -> Iterator[None]:
    """Whatever is refused about this file is one line that names it."""
    try:
        yield
    except VotingError as error:
        raise CommandError(f"{path}: {error.code}: {error}") from error
    except TallyError as error:  # names the file itself
        raise CommandError(str(error)) from error
    except (VerifierError, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: {error}") from error
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
