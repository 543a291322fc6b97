"""The key by which the provider knows this site: private, P-256, and printed only in its public half."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from joserfc.jwk import ECKey, RSAKey

from voting.errors import KeyUnusable
from voting.login.wire import card_key

KEY = ECKey.generate_key("P-256")


def written(path: Path, data: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(data)
    path.chmod(mode)
    return path


FORMS = {"pem": KEY.as_pem(private=True), "jwk": b"\n" + json.dumps(KEY.as_dict(private=True)).encode()}


@pytest.mark.parametrize("form", FORMS)
def test_pem_or_jwk(tmp_path: Path, form: str) -> None:
    assert card_key(written(tmp_path / "card.key", FORMS[form])).thumbprint() == KEY.thumbprint()


UNUSABLE = {
    "public": KEY.as_pem(private=False),
    "public jwk": json.dumps(KEY.as_dict(private=False)).encode(),
    "another curve": ECKey.generate_key("P-384").as_pem(private=True),
    "RSA": RSAKey.generate_key(2048).as_pem(private=True),
    "empty": b"",
    "half": FORMS["pem"][:100],
    "half a jwk": FORMS["jwk"][:60],
    "a jwk of nothing": b"{}",
    "bytes": bytes(range(256)),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_unusable_keys(tmp_path: Path, name: str) -> None:
    with pytest.raises(KeyUnusable) as refused:
        card_key(written(tmp_path / "card.key", UNUSABLE[name]))
    assert str(refused.value).startswith(str(tmp_path))


def test_a_key_that_others_can_read(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable, match="0600"):
        card_key(written(tmp_path / "card.key", FORMS["pem"], 0o640))
    with pytest.raises(KeyUnusable):
        card_key(tmp_path / "none.key")
    (tmp_path / "link.key").symlink_to(tmp_path / "card.key")
    with pytest.raises(KeyUnusable):
        card_key(tmp_path / "link.key")


def test_the_public_half_is_printed(tmp_path: Path, settings: Any) -> None:
    """`manage.py card_key` prints what the provider registers, and nothing secret."""
    settings.CARD_KEY_FILE = written(tmp_path / "card.key", FORMS["pem"])
    call_command("card_key", stdout=(out := StringIO()))
    (key,) = json.loads(out.getvalue())["keys"]
    assert "d" not in key and (key["kid"], key["alg"], key["crv"]) == (KEY.thumbprint(), "ES256", "P-256")
    settings.CARD_KEY_FILE = tmp_path / "none.key"
    with pytest.raises(CommandError):
        call_command("card_key", stdout=StringIO())
