"""Requirement 7: the login with the card, and everything that somebody between the voter and the provider may try.

Every attack goes the whole way through the site against a provider that answers otherwise rightly; the first test
shows that without the attack the same way ends with somebody logged in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from django.test import Client
from joserfc.jwk import ECKey

from tests.voting.login.people import (
    ACCESSES,
    CARD,
    RETURN,
    approve,
    assert_nobody,
    assert_refused,
    begin,
    log_in,
    neutral_page,
    stored,
    text_of,
)
from tests.voting.login.provider import Provider, kid_of, s256
from voting.login import oidc, wire

pytestmark = pytest.mark.django_db


def test_a_voter_logs_in(provider: Provider, client: Client) -> None:
    """Requirement 7: code flow with PKCE S256, state, nonce and private_key_jwt; the provider checks its side."""
    answer = log_in(client)
    assert provider.refusals == [] and provider.asked == ["token", "certs", "userinfo"]
    assert (answer.status_code, answer["Location"]) == (302, ACCESSES)
    assert client.session["voter"]["person"] == {
        "issuer": provider.issuer,
        "subject": "ppid-of-taro",
        "name": "架空　太郎",
        "birth": "1980-04-01",
        "sex": "M",
        "address": "架空市中央１－１－１",
    }
    assert client.get(ACCESSES).status_code == 200


def test_every_login_has_its_own_values(provider: Provider, client: Client) -> None:
    """Requirement 7: state, nonce, challenge and the assertion's jti are fresh each time."""
    asked = [parse_qs(urlsplit(begin(client)).query) for _ in range(3)]
    for name in ("state", "nonce", "code_challenge"):
        assert len({values[name][0] for values in asked}) == 3
    assert all(values["scope"] == ["openid name address birthdate gender"] for values in asked)
    for _ in range(2):
        log_in(client)
    assert len(provider.jtis) == 2


def test_the_verifier_never_passes_the_browser(provider: Provider, client: Client) -> None:
    """Requirement 7: what goes by the address bar is the verifier's hash."""
    url = begin(client)
    begun = client.session["login begun"][0]
    assert begun["verifier"] not in url and s256(begun["verifier"]) in url


# The ID token


def unsigned(claims: dict[str, Any]) -> str:
    return ".".join([_part({"alg": "none"}), _part(claims), ""])


def with_public_key_as_secret(provider: Provider, form: str) -> Callable[[dict[str, Any]], str]:
    public = provider.key
    secrets = {
        "pem": public.as_pem(private=False),
        "jwk": json.dumps(public.as_dict(private=False)).encode(),
        "empty": b"",
    }

    def sign(claims: dict[str, Any]) -> str:
        text = f"{_part({'alg': 'HS256', 'kid': kid_of(public)})}.{_part(claims)}"
        return f"{text}.{_base64(hmac.digest(secrets[form], text.encode(), hashlib.sha256))}"

    return sign


def _part(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


NOW = int(time.time())
WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "n" * 43},
    "no nonce": {"nonce": None},
    "nonce among others": {"nonce": ["n" * 43]},
    "another audience": {"aud": "RP00000002"},
    "we among other audiences": {"aud": ["RP00000001", "RP00000002"]},
    "no audience": {"aud": None},
    "issued to another": {"azp": "RP00000002"},
    "another issuer": {"iss": "https://attacker.example"},
    "issuer with a slash more": {"iss": "{issuer}/"},
    "no issuer": {"iss": None},
    "expired": {"exp": NOW - 60},
    "never expires": {"exp": None},
    "expires in words": {"exp": "tomorrow"},
    "issued in the future": {"iat": NOW + 10**6, "exp": NOW + 2 * 10**6},
    "issued before the login began": {"iat": NOW - 3600},
    "issued at no time": {"iat": None},
    "not yet valid": {"nbf": NOW + 10**6},
    "of nobody": {"sub": None},
    "of somebody else": {"sub": "ppid-of-hanako"},
    "of a number": {"sub": 1},
}


@pytest.mark.parametrize("name", WRONG_CLAIMS)
def test_wrong_claims(provider: Provider, client: Client, name: str) -> None:
    """Requirement 7, S-03: nonce, audience, issuer, times and subject of the ID token are all checked."""
    claims = WRONG_CLAIMS[name]
    provider.claims = {
        key: value.format(issuer=provider.issuer) if isinstance(value, str) else value for key, value in claims.items()
    }
    assert_refused(client, log_in(client))
    assert provider.refusals == []


def test_a_clock_may_be_a_little_wrong(provider: Provider, client: Client) -> None:
    """Requirement 7: half a minute of difference between two clocks refuses nobody."""
    now = int(time.time())
    for claims in ({"iat": now + 20}, {"exp": now - 20}, {"iat": now - 20}, {"aud": ["RP00000001"]}, {"azp": None}):
        provider.claims = claims
        assert log_in(client).status_code == 302, claims


SIGNATURES: dict[str, Callable[[Provider], Callable[[dict[str, Any]], Any]]] = {
    "not signed": lambda provider: unsigned,
    "HS256 with the public key as PEM": lambda provider: with_public_key_as_secret(provider, "pem"),
    "HS256 with the public key as JWK": lambda provider: with_public_key_as_secret(provider, "jwk"),
    "HS256 with nothing": lambda provider: with_public_key_as_secret(provider, "empty"),
    "another key under the right name": lambda provider: (
        lambda claims: provider.signed(claims, key=ECKey.generate_key("P-256"), kid=kid_of(provider.key))
    ),
    "the right key under another's name": lambda provider: (
        lambda claims: provider.signed(claims, kid=kid_of(provider.second_key))
    ),
    "a name that is no key's": lambda provider: lambda claims: provider.signed(claims, kid="../../dev/null"),
    "a key that the token brings along": lambda provider: _with_own_key,
    "cut": lambda provider: lambda claims: provider.signed(claims)[:-8],
    "no token": lambda provider: lambda claims: None,
    "no text": lambda provider: lambda claims: {"sub": claims["sub"]},
    "words": lambda provider: lambda claims: "a.b.c",
}


def _with_own_key(claims: dict[str, Any]) -> str:
    from joserfc import jwt

    own = ECKey.generate_key("P-256")
    return jwt.encode({"alg": "ES256", "jwk": own.as_dict(private=False)}, claims, own)


@pytest.mark.parametrize("name", SIGNATURES)
def test_wrong_signatures(provider: Provider, client: Client, name: str) -> None:
    """Requirement 7, S-03: only ES256 and RS256, only by the key of the provider that the token names."""
    provider.sign = SIGNATURES[name](provider)
    assert_refused(client, log_in(client))
    assert provider.refusals == []


def test_the_second_key_is_good_too(provider: Provider, client: Client) -> None:
    """Requirement 7: a provider that changes keys has two of them for a while."""
    second = provider.second_key
    provider.sign = lambda claims: provider.signed(claims, key=second, kid=kid_of(second))
    assert log_in(client).status_code == 302


def test_an_old_id_token_is_refused(provider: Provider, client: Client) -> None:
    """Requirement 7, S-03: a token of an earlier login, rightly signed and still valid, has that login's nonce."""
    tokens: list[str] = []

    def record(claims: dict[str, Any]) -> str:
        tokens.append(provider.signed(claims))
        return tokens[0]

    provider.sign = record
    assert log_in(client).status_code == 302
    assert_refused(Client(), log_in(other := Client()))
    assert_nobody(other)


# The attributes


WRONG_HOLDERS: dict[str, dict[str, Any]] = {
    "another person's": {"sub": "ppid-of-hanako"},
    "nobody's": {"sub": None},
    "no name": {"name": None},
    "an empty name": {"name": "　"},
    "no address": {"address": ""},
    "an address of a list": {"address": ["架空市"]},
    "no birthday": {"birthdate": ""},
    "half a birthday": {"birthdate": "1980-04-00"},
    "no day": {"birthdate": "19800431"},
    "an endless name": {"name": "架" * 301},
    "half a character": {"name": "\ud842"},
}


@pytest.mark.parametrize("name", WRONG_HOLDERS)
def test_attributes_that_do_not_fit(provider: Provider, client: Client, name: str) -> None:
    """Requirement 7: userinfo is of the ID token's subject, and whole."""
    right = provider.holder["sub"]
    provider.holder |= WRONG_HOLDERS[name]
    provider.claims = {"sub": right}
    assert_refused(client, log_in(client))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"birthdate": "1980-04-01"}, {}),
        ({"birthdate": "昭和55年4月1日"}, {}),
        ({"gender": "2"}, {"sex": "F"}),
        ({"gender": "female"}, {"sex": "F"}),
        ({"gender": 1}, {}),
        ({"gender": "9"}, {"sex": ""}),
        ({"gender": None}, {"sex": ""}),
        ({"address": {"formatted": "架空市中央１－１－１"}}, {}),
        ({"name": "𠮷田\U000e0100　﨑"}, {"name": "𠮷田\U000e0100　﨑"}),
    ],
)
def test_attributes_are_read_tolerantly(
    provider: Provider, client: Client, written: dict[str, Any], read: dict[str, Any]
) -> None:
    """Their form is known from second hand only (domain document, 4.2)."""
    log_in(client)
    plain = client.session["voter"]["person"]
    provider.holder |= written
    assert log_in(client).status_code == 302
    assert client.session["voter"]["person"] == {**plain, **read}


# The way back


def spoil(back: str, **changes: str | None) -> str:
    """The return address with other parameters; None takes one out."""
    path, _, query = back.partition("?")
    asked = {**dict(parse_qsl(query)), **changes}
    return f"{path}?{urlencode({name: value for name, value in asked.items() if value is not None})}"


@pytest.mark.parametrize(
    "changes",
    [
        {"state": None},
        {"state": ""},
        {"state": "状態"},
        {"state": "s" * 43},
        {"iss": "https://attacker.example"},
        {"iss": ""},
        {"code": None},
        {"code": ""},
        {"error": "access_denied"},
    ],
)
def test_spoilt_answers(provider: Provider, client: Client, changes: dict[str, str | None]) -> None:
    """Requirement 7, S-03: missing and wrong state, mix-up of providers, no code: the provider is not even asked."""
    assert_refused(client, client.get(spoil(approve(begin(client)), **changes)))
    assert provider.asked == []


def test_an_answer_without_issuer_is_good(provider: Provider, client: Client) -> None:
    """RFC 9207 is checked where the provider speaks it."""
    assert client.get(spoil(approve(begin(client)), iss=None)).status_code == 302


def test_another_ones_answer(provider: Provider, client: Client) -> None:
    """S-03: an attacker who has the victim open the attacker's own return address logs nobody in."""
    attacker = Client()
    back = approve(begin(attacker))
    assert_refused(client, client.get(back))
    begin(client)
    assert_refused(client, client.get(back))
    assert provider.asked == []


def test_a_stolen_code(provider: Provider, client: Client) -> None:
    """Requirement 7: a code put into the attacker's own login fails at the verifier (PKCE), used or not."""
    stolen = dict(parse_qsl(urlsplit(approve(begin(client))).query))["code"]
    attacker = Client()
    assert_refused(attacker, attacker.get(spoil(approve(begin(attacker)), code=stolen)))
    assert provider.refusals == ["verifier"]


def test_a_replayed_code(provider: Provider, client: Client) -> None:
    """Requirement 7: a code that was used, in a new login of the same browser."""
    back = approve(begin(client))
    code = dict(parse_qsl(urlsplit(back).query))["code"]
    assert client.get(back).status_code == 302
    client.post("/login/out/")
    assert_refused(client, client.get(spoil(approve(begin(client)), code=code)))
    assert provider.refusals == ["code"]


def test_back_and_again(provider: Provider, client: Client) -> None:
    """Requirement 7: the return address works once; who goes back to it stays who they are."""
    back = approve(begin(client))
    assert client.get(back).status_code == 302
    again = client.get(back)
    assert again.status_code == 400 and text_of(again) == neutral_page()
    assert client.get(ACCESSES).status_code == 200
    assert len(provider.asked) == 3


def test_a_refused_answer_uses_the_login_up(provider: Provider, client: Client) -> None:
    """S-03: nobody tries states or codes one after another."""
    back = approve(begin(client))
    assert_refused(client, client.get(spoil(back, state="x")))
    assert_refused(client, client.get(back))


def test_used_up_before_the_provider_is_asked(
    provider: Provider, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S-03: the values are gone from the store while the exchange is still going on."""
    back = approve(begin(client))
    key = client.session.session_key
    assert "login begun" in stored(key)
    during: list[bool] = []
    original = oidc.client

    def watch(*args: Any) -> Any:
        during.append("login begun" in stored(key))
        return original(*args)

    monkeypatch.setattr(oidc, "client", watch)
    assert client.get(back).status_code == 302
    assert during == [False]


def test_only_the_last_login_counts(provider: Provider, client: Client) -> None:
    """Who begins twice, as in two tabs, ends the later one."""
    first, second = approve(begin(client)), approve(begin(client))
    assert client.get(second).status_code == 302
    assert client.get(first).status_code == 400


@pytest.mark.parametrize("age", [oidc.LASTS + 1, -60])
def test_ten_minutes(provider: Provider, client: Client, age: int) -> None:
    """Requirement 7: a login that began too long ago, or in the future, is none."""
    back = approve(begin(client))
    session = client.session
    session["login begun"][0]["at"] -= age
    session.save()
    assert_refused(client, client.get(back))
    assert provider.asked == []


def test_only_by_get(provider: Provider, client: Client) -> None:
    """A HEAD, which programs send ahead to look at a link, uses nothing up."""
    back = approve(begin(client))
    assert client.head(back).status_code == 405
    assert client.get(back).status_code == 302


# A provider that fails


def slowly(seconds: float) -> Callable[[], Any]:
    def answer() -> Any:
        time.sleep(seconds)
        return 200, {}

    return answer


def dripping() -> Any:
    def drops() -> Iterator[bytes]:
        for _ in range(200):
            time.sleep(0.05)
            yield b" "

    return 200, drops()


def endless() -> Any:
    return 200, (b" " * 4096 for _ in range(1 << 14))


FAULTS: dict[str, Callable[[], Any]] = {
    "silent": slowly(3),
    "dripping": dripping,
    "endless": endless,
    "broken": lambda: (500, {"error": "server_error"}),
    "created": lambda: (201, {}),
    "elsewhere": lambda: (302, {}),
    "no JSON": lambda: (200, b"<html>"),
    "no object": lambda: (200, [1]),
    "nothing": lambda: (200, None),
    "deep": lambda: (200, b"[" * 60_000),
    "binary": lambda: (200, b"\xff\xfe\x00"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("part", ["token", "certs", "userinfo"])
def test_a_failing_provider(
    provider: Provider, client: Client, monkeypatch: pytest.MonkeyPatch, part: str, fault: str
) -> None:
    """Requirement 7: bounded in time and size, redirected nowhere, and the same page for the voter."""
    if fault in ("silent", "dripping", "endless"):
        monkeypatch.setattr(wire, "SILENCE", 1.0)
        monkeypatch.setattr(wire, "LONGEST_ANSWER", 2.0)
    back = approve(begin(client))
    provider.spoilt[part] = FAULTS[fault]
    begun = time.monotonic()
    assert_refused(client, client.get(back))
    assert time.monotonic() - begun < 7
    assert provider.asked.count(part) == 1


def test_silence(provider: Provider, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement 7: nobody waits for a provider that says nothing, not even until it does."""
    monkeypatch.setattr(wire, "SILENCE", 0.2)
    back = approve(begin(client))
    provider.spoilt["token"] = slowly(2)
    begun = time.monotonic()
    answer = client.get(back)
    assert time.monotonic() - begun < 1.8
    assert_refused(client, answer)


@pytest.mark.parametrize(("size", "status"), [(wire.LARGEST_ANSWER - 2000, 302), (wire.LARGEST_ANSWER, 400)])
@pytest.mark.parametrize("part", ["certs", "userinfo"])
def test_a_huge_answer(provider: Provider, client: Client, part: str, size: int, status: int) -> None:
    """Requirement 7: too much is refused, right as it may be."""
    right = provider.jwks()[1] if part == "certs" else provider.holder
    provider.spoilt[part] = lambda: (200, json.dumps(right).encode() + b" " * size)
    assert log_in(client).status_code == status


ODD_KEYS = [{"keys": []}, {"keys": [1]}, {"keys": [{"kty": "oct", "k": "AAAA"}]}, {"keys": {"kty": "EC"}}, {}]


@pytest.mark.parametrize("keys", ODD_KEYS)
def test_odd_keys(provider: Provider, client: Client, keys: Any) -> None:
    """A set without the key is no set."""
    provider.spoilt["certs"] = lambda: (200, keys)
    assert_refused(client, log_in(client))


ODD_TOKENS = [
    {"expires_in": "soon"},
    {"expires_in": {}},
    {"token_type": ["Bearer"]},
    {"token_type": "mac"},
    {"error": 1},
]


@pytest.mark.parametrize("odd", ODD_TOKENS)
def test_odd_token_answers(provider: Provider, client: Client, odd: Any) -> None:
    """Whatever the libraries make of it, it is no error of the server's."""
    back = approve(begin(client))
    grant = dict(parse_qsl(urlsplit(back).query))
    right = {
        "iss": provider.issuer,
        "sub": "ppid-of-taro",
        "aud": "RP00000001",
        "exp": NOW + 900,
        "iat": int(time.time()),
    }
    nonce = provider.grants[grant["code"]]["nonce"]
    answer = {"access_token": "a", "id_token": provider.signed({**right, "nonce": nonce}), **odd}
    provider.spoilt["token"] = lambda: (200, answer)
    assert_refused(client, client.get(back))


def test_a_provider_that_is_down(provider: Provider, client: Client) -> None:
    """Requirement 7: nobody answers at all."""
    back = approve(begin(client))
    provider.stop()
    assert_refused(client, client.get(back))


# What is set up


def test_off_unless_set_up(client: Client) -> None:
    """Without a provider the page says so and shows the way on paper; nothing begins."""
    page = client.get(CARD)
    assert "cannot log in with the card here" in page.content.decode()
    assert "on paper" in page.content.decode() and "Go on to the app" not in page.content.decode()
    assert_refused(client, client.post(CARD))


def test_https_only(provider: Provider, client: Client, settings: Any) -> None:
    """Outside a developer's machine nothing is asked in the open."""
    back = approve(begin(client))
    settings.DEBUG = False
    assert_refused(client, client.get(back))
    assert_refused(client, client.post(CARD))
    assert provider.asked == []


def test_the_return_address_is_https_behind_a_proxy(provider: Provider, client: Client, settings: Any) -> None:
    """What the provider has registered, though the last metres to this server are http."""
    settings.DEBUG = False
    for name in ("AUTHORIZE", "TOKEN", "USERINFO", "JWKS"):
        setattr(settings, f"CARD_{name}_URL", "https://provider.example/")
    assert parse_qs(urlsplit(begin(client)).query)["redirect_uri"] == [f"https://testserver{RETURN}"]


# What is left behind


def test_nothing_personal_is_logged(provider: Provider, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """No name, address, birthday, code, token or state in any log, whether a login works or not."""
    tokens: list[str] = []

    def record(claims: dict[str, Any]) -> str:
        tokens.append(provider.signed(claims))
        return tokens[-1]

    provider.sign = record
    caplog.set_level(logging.DEBUG)
    backs = []
    for claims in ({}, {"nonce": "x" * 43}, {"sub": "ppid-of-hanako"}):
        provider.claims = claims
        backs.append(approve(begin(client)))
        client.get(backs[-1])
    # urllib3 tells of the test's own visit to the provider's page, which a browser would make.
    lines = map(logging.Formatter().format, caplog.records)
    logged = "\n".join(line for line in lines if "/auth?" not in line)
    secret = [*provider.holder.values(), str(date(1980, 4, 1)), *tokens, *provider.tokens]
    secret += [dict(parse_qsl(urlsplit(back).query))["code"] for back in backs]
    assert "login-refused" in logged
    for text in secret:
        if len(text) > 1:
            assert text not in logged
