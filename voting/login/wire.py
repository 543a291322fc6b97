"""Requests to the provider that end: bounded in time and size, redirected nowhere.

The key by which the provider knows this site is here, too.
"""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import requests
from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]
from authlib.oauth2.rfc7523 import PrivateKeyJWT, private_key_jwt_sign  # type: ignore[import-untyped]
from django.conf import settings
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from urllib3.exceptions import HTTPError

from voting import keyfile
from voting.errors import KeyUnusable
from voting.login.errors import ProviderUnavailable

SILENCE = 5.0
"""seconds without a byte"""
LONGEST_ANSWER = 10.0
"""seconds for a whole answer"""
LARGEST_ANSWER = 1 << 16
"""bytes"""
LARGEST_KEY_FILE = 1 << 13
ASSERTION_LIFE = 60
"""seconds for which the provider may take our signature for ours"""


class _Bounded(requests.adapters.HTTPAdapter):
    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        end = time.monotonic() + LONGEST_ANSWER
        answer = super().send(request, *args, **{**options, "stream": True, "timeout": SILENCE})
        raw = answer.raw
        try:
            if answer.status_code != requests.codes.ok:
                raise ProviderUnavailable(f"answered with status {answer.status_code}")
            answer.raw = io.BytesIO(_read(raw, end))
        finally:
            raw.close()
        return answer


def _read(raw: Any, end: float) -> bytes:
    # read1 returns what has come: read would wait for a whole block from a server that sends a byte a second.
    body = bytearray()
    try:
        while chunk := raw.read1(LARGEST_ANSWER, decode_content=False):
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise ProviderUnavailable("answered with too much")
            if time.monotonic() > end:
                raise ProviderUnavailable("answered too slowly")
    except (HTTPError, OSError):
        raise ProviderUnavailable("stopped in the middle of an answer") from None
    return bytes(body)


class _Assertion(PrivateKeyJWT):
    """Authlib's own keeps one `jti` for ever when it is given claims, and its signature for an hour."""

    def sign(self, auth: Any, token_endpoint: str) -> str:
        key = auth.client_secret
        signed: str = private_key_jwt_sign(
            key,
            client_id=auth.client_id,
            token_endpoint=token_endpoint,
            alg="ES256",
            header={"kid": key.thumbprint()},
            expires_in=ASSERTION_LIFE,
        )
        return signed


def client(redirect_uri: str, scope: str) -> Any:
    """An Authlib session for one login. Raises KeyUnusable, ProviderUnavailable."""
    if not settings.CARD_LOGIN:
        raise ProviderUnavailable("the login with the card is not set up")
    urls = (
        settings.CARD_AUTHORIZE_URL,
        settings.CARD_TOKEN_URL,
        settings.CARD_USERINFO_URL,
        settings.CARD_JWKS_URL,
    )
    if not (settings.DEBUG or all(url.startswith("https://") for url in urls)):
        raise ProviderUnavailable("an address of the provider is not https")
    session = OAuth2Session(
        settings.CARD_CLIENT_ID,
        card_key(Path(settings.CARD_KEY_FILE)),
        token_endpoint_auth_method=_Assertion.name,
        scope=scope,
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
        leeway=0,  # the access token is used at once: one that lives for less than a minute is good, too
    )
    session.register_client_auth_method(_Assertion(settings.CARD_TOKEN_URL))
    session.headers["Accept-Encoding"] = "identity"
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Bounded())
    return session


def card_key(path: Path) -> ECKey:
    """The private P-256 key at `path`, as PEM or JWK, in a file that only its owner can read. Raises KeyUnusable."""
    text = keyfile.read(path, LARGEST_KEY_FILE)
    try:
        data: Any = json.loads(text) if text.lstrip().startswith(b"{") else text
        key = ECKey.import_key(data)
    except (JoseError, LookupError, TypeError, ValueError):
        raise KeyUnusable(f"{path}: not a P-256 key as PEM or JWK") from None
    if not key.is_private or key.curve_name != "P-256":
        raise KeyUnusable(f"{path}: not a private P-256 key")
    return key
