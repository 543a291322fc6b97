from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from tests.voting import kakuu
from tests.voting.kakuu import World
from tests.voting.login.provider import CLIENT, Provider, running
from tests.voting.offices import Town
from tests.voting.polling import counter, polls, ready

__all__ = ["counter", "polls", "ready"]


@pytest.fixture(autouse=True)
def code_key(settings: Any, tmp_path: Path) -> None:
    settings.CODE_KEY_FILE = tmp_path / "code.key"


@pytest.fixture
def provider(settings: Any, tmp_path: Path) -> Iterator[Provider]:
    """A provider, and a site that is registered with it. Plain http is for developers' machines only."""
    key = ECKey.generate_key("P-256")
    settings.CARD_KEY_FILE = tmp_path / "card.key"
    settings.CARD_KEY_FILE.write_bytes(key.as_pem(private=True))
    settings.CARD_KEY_FILE.chmod(0o600)
    with running(ECKey.import_key(key.as_dict(private=False))) as made:
        settings.DEBUG = True
        settings.CARD_LOGIN = True
        settings.CARD_ISSUER = made.issuer
        settings.CARD_CLIENT_ID = CLIENT
        settings.CARD_AUTHORIZE_URL = made.url("auth")
        settings.CARD_TOKEN_URL = made.url("token")
        settings.CARD_USERINFO_URL = made.url("userinfo")
        settings.CARD_JWKS_URL = made.url("certs")
        yield made


@pytest.fixture
def world(town: Town) -> World:
    return kakuu.world(town)
