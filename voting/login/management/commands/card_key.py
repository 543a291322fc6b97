"""`manage.py card_key`: the public half of the key of CARD_KEY_FILE, as the provider wants it when it registers us."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from voting.errors import KeyUnusable
from voting.login.wire import card_key


class Command(BaseCommand):
    help = "Print the public key of this site as a JWK set, to register it with the provider of the card login."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            key = card_key(Path(settings.CARD_KEY_FILE))
        except KeyUnusable as error:
            raise CommandError(str(error)) from None
        public = {**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig", "alg": "ES256"}
        self.stdout.write(json.dumps({"keys": [public]}, indent=2))
