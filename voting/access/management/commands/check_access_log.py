"""`manage.py check_access_log [--expect SIZE:HASH]`: is the access log complete and unchanged?"""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from voting.access.models import AccessEntry
from voting.access.services import START, check_log
from voting.errors import AccessLogBroken


def head(text: str) -> tuple[int, bytes]:
    """SIZE:HASH, as this command printed it before. Raises ArgumentTypeError."""
    if not re.fullmatch(r"[0-9]{1,18}:[0-9a-f]{64}", text):
        raise ArgumentTypeError("SIZE:HASH was expected, as this command printed it")
    size, hash_hex = text.split(":")
    return int(size), bytes.fromhex(hash_hex)


class Command(BaseCommand):
    help = "Checks the hash chain of the access log and prints its head; keep the head to notice any later change."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--expect", type=head, metavar="SIZE:HASH", help="a head that was printed before")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            size, last = check_log()
        except AccessLogBroken as error:
            raise CommandError(str(error)) from error
        if options["expect"]:
            _expect(*options["expect"])
        self.stdout.write(f"{size}:{last.hex()}")


def _expect(size: int, known: bytes) -> None:
    entry = AccessEntry.objects.filter(index=size - 1).first()
    if (bytes(entry.hash) if entry else START if size == 0 else None) != known:
        raise CommandError(f"this is not the log whose first {size} entries were seen before")
