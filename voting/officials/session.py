"""Where a login stands: the password was right, or the code as well."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp import login as remember_device
from django_otp.models import Device

LASTS = 10 * 60
"""seconds between the password and the code"""
PASSWORD_AT = "officials-password-at"  # noqa: S105 (the name of a time)
SECRET = "officials-new-secret"  # noqa: S105 (the name of one)


def begin(sender: object, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> None:
    """After the password: the session is good for the code and for nothing else, and ends soon.

    A second login in a session begins again: what the first one proved is forgotten.
    """
    if not settings.OFFICIALS_SECOND_FACTOR:
        return
    for name in (DEVICE_ID_SESSION_KEY, SECRET):
        request.session.pop(name, None)
    request.session[PASSWORD_AT] = time.time()
    request.session.set_expiry(LASTS)


def too_late(request: HttpRequest) -> bool:
    """Whether the password was given too long ago, or never in this session."""
    return not 0 <= time.time() - request.session.get(PASSWORD_AT, 0) < LASTS


def finish(request: HttpRequest, device: Device) -> None:
    """After the code: a new session key, and the life of any session."""
    for name in (PASSWORD_AT, SECRET):
        request.session.pop(name, None)
    request.session.set_expiry(None)
    request.session.cycle_key()
    remember_device(request, device)
