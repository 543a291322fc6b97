"""How often one address may try: guesses are slow for everybody, and nobody is locked out by somebody elsewhere.

Counted in Django's cache, which has to be one for all processes of a server; atomically, so that hurrying gains
nothing. An address is in it only as a keyed digest, and in no log.
"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from voting.login.errors import TooFast
from voting.officials.lockout import client_address

MOST = 20
"""tries in one window"""
WINDOW = 600
"""seconds; every ten minutes of the clock are a window"""


def require_pace(request: HttpRequest, scope: str) -> None:
    """Count a try from this address. `scope`: at what, such as "letter". Raises TooFast from the 21st on."""
    now = time.time()
    key = _key(request, scope, now)
    cache.add(key, 0, 2 * WINDOW)
    try:
        tries = cache.incr(key)
    except ValueError:  # a cache that is full has just dropped it
        return
    if tries <= MOST:
        return
    wait = WINDOW - int(now) % WINDOW
    until = datetime.fromtimestamp(int(now) + wait, timezone.get_current_timezone())
    sentence = _("Too many tries from your connection. Try again after %(time)s.")
    raise TooFast(sentence % {"time": f"{until:%H:%M}"}, until, wait)


def excuse(request: HttpRequest, scope: str) -> None:
    """The try was right and does not count: a hospital or a mobile network shares one address among many voters."""
    key = _key(request, scope, time.time())
    if cache.get(key, 0) > 0:
        with suppress(ValueError):
            cache.decr(key)


def _key(request: HttpRequest, scope: str, now: float) -> str:
    named = f"{int(now) // WINDOW} {scope} {client_address(request)}"
    return salted_hmac("voting.login.throttle", named, algorithm="sha256").hexdigest()


def too_fast_page(request: HttpRequest, refusal: TooFast) -> HttpResponse:
    """The page that says when to try again, and the way on paper: 429."""
    page = render(request, "login/too_fast.html", {"until": refusal.until}, status=429)
    page["Retry-After"] = str(refusal.wait)
    return page
