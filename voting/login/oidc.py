"""Login with the card: the code flow of OpenID Connect, as デジタル認証アプリ speaks it (domain document, 4.2).

A login begins with three random values that the session keeps for ten minutes and gives back once. It ends with a
person only if every check below holds; whatever else comes, from the browser or from the provider, is refused:

1. the session began a login, at most ten minutes ago;
2. `state` is the session's; `iss` beside it, where there is one, is the provider's (RFC 9207);
3. the provider gives tokens for the code, our signature (private_key_jwt) and the session's PKCE verifier;
4. the ID token is signed by a key of the provider with ES256 or RS256, is from this issuer, for us and nobody else,
   is valid now, was issued after the login began, and has the session's nonce;
5. the attributes are of the subject of that ID token.

Nothing that the provider sent is in an error or in a log.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]
from django.conf import settings
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from voting.login.errors import LoginRefused, ProviderUnavailable
from voting.login.person import VerifiedPerson, read_person
from voting.login.wire import client

SCOPE = "openid name address birthdate gender"
ALGORITHMS = ("ES256", "RS256")
LASTS = 600
"""Seconds from the beginning of a login to its end."""
LEEWAY = 30
"""Seconds by which the provider's clock may be wrong."""

# What the libraries raise for answers of the wrong shape, besides their own errors.
_MISSHAPEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True)
class Begun:
    """What a login that is under way must come back with. For one use, by the session that began it."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    at: int
    """seconds since 1970"""


def begin(redirect_uri: str) -> tuple[str, Begun]:
    """Where to send the browser, and what to keep until it is back. Raises ProviderUnavailable, KeyUnusable."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    with client(redirect_uri, SCOPE) as session:
        url, _state = session.create_authorization_url(
            settings.CARD_AUTHORIZE_URL, state=state, nonce=nonce, code_verifier=verifier
        )
    return url, Begun(state, nonce, verifier, redirect_uri, int(time.time()))


def finish(begun: Begun | None, answer: Mapping[str, str]) -> VerifiedPerson:
    """Who has logged in. `answer`: the parameters with which the browser came back.

    Raises LoginRefused, ProviderUnavailable, KeyUnusable.
    """
    if begun is None or not 0 <= time.time() - begun.at <= LASTS:
        raise LoginRefused("no login is under way")
    code = _check_answer(begun, answer)
    try:
        with client(begun.redirect_uri, SCOPE) as session:
            tokens = session.fetch_token(
                settings.CARD_TOKEN_URL, grant_type="authorization_code", code=code, code_verifier=begun.verifier
            )
            keys = session.get(settings.CARD_JWKS_URL, withhold_token=True).json()
            subject = _check_id_token(tokens["id_token"], KeySet.import_key_set(keys), begun)
            about = session.get(settings.CARD_USERINFO_URL).json()
        if about["sub"] != subject:
            raise LoginRefused("the attributes are somebody else's")
        return read_person(settings.CARD_ISSUER, about)
    except requests.RequestException:
        raise ProviderUnavailable("no answer") from None
    except (AuthlibBaseError, JoseError, *_MISSHAPEN):
        raise LoginRefused("the provider's answer does not hold") from None


def _check_answer(begun: Begun, answer: Mapping[str, str]) -> str:
    """The code. Nothing is asked of the provider for an answer to anything else than this login."""
    if not secrets.compare_digest(answer.get("state", "").encode(), begun.state.encode()):
        raise LoginRefused("another state")
    if answer.get("iss", settings.CARD_ISSUER) != settings.CARD_ISSUER:
        raise LoginRefused("another issuer")
    if "error" in answer or not answer.get("code"):
        raise LoginRefused("no code")
    return answer["code"]


def _check_id_token(token: str, keys: KeySet, begun: Begun) -> str:
    """The subject."""
    claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
    there = jwt.ClaimsOption(essential=True)
    checks = jwt.JWTClaimsRegistry(None, LEEWAY, iss=there, sub=there, aud=there, exp=there, iat=there, nonce=there)
    checks.validate(claims)  # their types, and the times
    expected: tuple[tuple[str, Any], ...] = (
        ("iss", (settings.CARD_ISSUER,)),
        ("aud", (settings.CARD_CLIENT_ID, [settings.CARD_CLIENT_ID])),
        ("azp", (settings.CARD_CLIENT_ID, None)),
        ("nonce", (begun.nonce,)),
    )
    for name, values in expected:
        if claims.get(name) not in values:
            raise LoginRefused(f"another {name}")
    if claims["iat"] < begun.at - LEEWAY:
        raise LoginRefused("issued before the login began")
    subject: str = claims["sub"]
    return subject
