"""A provider of the card login on this machine: デジタル認証アプリ's dialect of OpenID Connect, checked from its side.

It lets the holder of `holder` in without asking, and refuses a client that does not prove itself, has no verifier for
its challenge, or brings a code twice: the reason is then the last of `refusals`. Tests spoil what it answers.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

CLIENT = "RP00000001"
SCOPES = {"openid", "name", "address", "birthdate", "gender"}
Answer = tuple[int, Any]
"""Status, and JSON or bytes or pieces of bytes with waits in between."""


def kid_of(key: ECKey) -> str:
    return key.thumbprint()


class Provider:
    """What it knows, and what the next answers are spoilt with."""

    def __init__(self, client_key: ECKey) -> None:
        self.client_key = client_key
        self.key, self.second_key = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
        self.holder: dict[str, Any] = {
            "sub": "ppid-of-taro",
            "name": "架空　太郎",
            "address": "架空市中央１－１－１",
            "birthdate": "19800401",
            "gender": "1",
        }
        self.grants: dict[str, dict[str, str]] = {}
        self.tokens: set[str] = set()
        self.jtis: set[str] = set()
        self.refusals: list[str] = []
        self.asked: list[str] = []
        self.claims: dict[str, Any] = {}
        """taken into the ID token over the right ones; None takes one out"""
        self.sign: Callable[[dict[str, Any]], Any] = self.signed
        self.spoilt: dict[str, Callable[[], Answer]] = {}
        """path → what is answered instead"""

    def start(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        self.issuer = f"{self.origin}/api/realms/main"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def url(self, part: str) -> str:
        return f"{self.issuer}/protocol/openid-connect/{part}"

    # What it answers

    def authorize(self, asked: Mapping[str, str]) -> str:
        """Where the browser goes on to, with a code."""
        right = (
            asked["response_type"] == "code"
            and asked["client_id"] == CLIENT
            and set(asked["scope"].split()) == SCOPES
            and asked["code_challenge_method"] == "S256"
            and len(asked["code_challenge"]) == 43
            and min(len(asked["state"]), len(asked["nonce"])) >= 32
        )
        if not right:
            raise ValueError(f"not the dialect: {sorted(asked)}")
        code = secrets.token_urlsafe(16)
        self.grants[code] = dict(asked)
        answer = {"state": asked["state"], "code": code, "iss": self.issuer, "session_state": secrets.token_hex(8)}
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def exchange(self, form: Mapping[str, str]) -> Answer:
        reason = self._client_problem(form.get("client_assertion_type"), form.get("client_assertion", ""))
        grant = self.grants.pop(form.get("code", ""), None)
        if grant is None:
            reason = reason or "code"
        elif s256(form.get("code_verifier", "")) != grant["code_challenge"]:
            reason = reason or "verifier"
        elif form.get("redirect_uri") != grant["redirect_uri"] or form.get("grant_type") != "authorization_code":
            reason = reason or "request"
        if reason or grant is None:
            self.refusals.append(reason)
            return 400, {"error": "invalid_grant", "error_description": reason}
        now, access = int(time.time()), secrets.token_urlsafe(16)
        self.tokens.add(access)
        claims = {
            "iss": self.issuer,
            "sub": self.holder["sub"],
            "aud": CLIENT,
            "azp": CLIENT,
            "exp": now + 300,
            "iat": now,
            "auth_time": now,
            "nonce": grant["nonce"],
            **self.claims,
        }
        token = self.sign({name: value for name, value in claims.items() if value is not None})
        return 200, {"access_token": access, "token_type": "Bearer", "expires_in": 60, "id_token": token}

    def _client_problem(self, kind: str | None, assertion: str) -> str:
        if kind != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
            return "assertion type"
        try:
            claims = jwt.decode(assertion, self.client_key, algorithms=["ES256"]).claims
        except (JoseError, ValueError):
            return "assertion signature"
        if not claims["iss"] == claims["sub"] == CLIENT or claims["aud"] != self.url("token"):
            return "assertion parties"
        if not time.time() - 5 < claims["iat"] < claims["exp"] <= claims["iat"] + 60:
            return "assertion life"
        if claims["jti"] in self.jtis:
            return "assertion replayed"
        self.jtis.add(claims["jti"])
        return ""

    def userinfo(self, bearer: str) -> Answer:
        if bearer.removeprefix("Bearer ") not in self.tokens:
            return 401, {"error": "invalid_token"}
        return 200, self.holder

    def jwks(self) -> Answer:
        both = (self.key, self.second_key)
        return 200, {"keys": [{**key.as_dict(private=False), "kid": kid_of(key), "use": "sig"} for key in both]}

    def signed(self, claims: dict[str, Any], key: ECKey | None = None, kid: str | None = None) -> str:
        """An ID token of these claims, as it should be or by another key or under another key's name."""
        return jwt.encode({"alg": "ES256", "kid": kid or kid_of(self.key)}, claims, key or self.key)


def s256(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            part = self._part()
            if part == "auth":
                self.send_response(302)
                asked = dict(parse_qsl(urlsplit(self.path).query))
                self.send_header("Location", provider.authorize(asked))
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif part == "certs":
                self._answer(part, provider.jwks)
            else:
                bearer = self.headers.get("Authorization", "")
                self._answer(part, lambda: provider.userinfo(bearer))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[-1] for name, values in parse_qs(body).items()}
            self._answer(self._part(), lambda: provider.exchange(form))

        def _part(self) -> str:
            return urlsplit(self.path).path.rpartition("/")[2]

        def _answer(self, part: str, right: Callable[[], Answer]) -> None:
            provider.asked.append(part)
            status, content = provider.spoilt.get(part, right)()
            pieces = content if isinstance(content, Iterator) else iter([content])
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                if status == 302:
                    self.send_header("Location", provider.url(part) + "?again")
                self.end_headers()
                for piece in pieces:
                    self.wfile.write(piece if isinstance(piece, bytes) else json.dumps(piece).encode())
                    self.wfile.flush()
            except OSError:
                return  # the client did not wait

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@contextmanager
def running(client_key: ECKey) -> Iterator[Provider]:
    provider = Provider(client_key)
    provider.start()
    try:
        yield provider
    finally:
        provider.stop()
