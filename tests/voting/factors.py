"""Officials with a phone: for tests that take the fixture `second_factor`."""

from __future__ import annotations

import time
from typing import Any

from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from voting.officials import second_factor
from voting.officials.models import Official

PASSWORD = "架空の長い合言葉です"


def code(secret: str, steps: int = 0) -> str:
    """What the app shows now, or so many half minutes later."""
    return f"{totp(bytes.fromhex(secret), drift=steps, t0=0, step=30):06}"


def phone(official: Official) -> str:
    """A password and a second factor that no code was used of; its secret."""
    official.set_password(PASSWORD)
    official.save()
    second_factor.forget(official)
    secret = second_factor.new_secret()
    TOTPDevice.objects.create(user=official, name="app", key=secret)
    return secret


def with_password(official: Official, client: Client | None = None, **how: Any) -> Client:
    """Somebody who has given the password and no code."""
    client = client or Client()
    answer = client.post("/office/login/", {"username": official.username, "password": PASSWORD}, **how)
    assert answer.status_code == 302, answer.text
    return client


def verified(official: Official) -> Client:
    """Somebody who has given both; makes the factor."""
    client, secret = Client(), phone(official)
    with_password(official, client)
    answer = client.post("/office/second-factor/", {"code": code(secret)})
    assert answer.status_code == 302 and DEVICE_ID_SESSION_KEY in client.session
    return client


def later(monkeypatch: Any, seconds: float) -> None:
    """So much time passes for what asks `time.time`."""
    now = time.time() + seconds
    monkeypatch.setattr(time, "time", lambda: now)
