"""`manage.py public_keys`: the server's public keys, which the definition of an election names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from nacl.signing import SigningKey

from tally.signing import public_key
from verifier.record.canonical import encode_bytes
from voting import keyfile
from voting.errors import KeyUnusable


class Command(BaseCommand):
    """Keys that are not there yet are made; a lost one cannot be replaced, so keep copies in a safe."""

    help = "Prints the public keys of the board and of the registrar."

    def handle(self, *args: Any, **options: Any) -> None:
        for name, path in (("board", settings.BOARD_KEY_FILE), ("registrar", settings.REGISTRAR_KEY_FILE)):
            try:
                key = SigningKey(keyfile.load_or_create(Path(path)))
            except KeyUnusable as error:
                raise CommandError(error.reason) from error
            self.stdout.write(f"{name}: {encode_bytes(public_key(key))}")
