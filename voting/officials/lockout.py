"""Who guesses passwords waits: django-axes counts failed logins of a user name from an address, and this says how long.

Fewer than five failures of a day cost nothing. With the fifth the wait is a minute, with every five more it is four
times as long, up to four hours.
"""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from axes.models import AccessAttempt, AccessFailureLog
from django.conf import settings
from django.contrib import admin
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from voting.access.services import log
from voting.officials.models import Office, Official
from voting.officials.roles import Act
from voting.officials.second_factor import forgive_wrong_codes, wrong_codes

FIRST_WAIT = timedelta(minutes=1)
GROWTH = 4
LONGEST_WAIT = timedelta(hours=4)
REMEMBERED = timedelta(days=1)
"""how long failures make the wait longer"""
IPV6_SITE = 64
"""bits: whoever has one address of a network has them all"""


def client_address(request: HttpRequest) -> str:
    """The address of whoever asks: the last one that our own proxy added, or the other end. IPv6: its network."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.BEHIND_PROXY else ""
    for text in (forwarded.rpartition(",")[2].strip(), request.META.get("REMOTE_ADDR", "")):
        if address := _address(text):
            return address
    return str(IPv4Address(0))


def _address(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ip_network((int(address), IPV6_SITE), strict=False).network_address)
    return str(address)


def wait(request: HttpRequest) -> timedelta:
    """How long failures of this user name from this address count, and so how long a lock-out lasts."""
    name, address = _who(request)
    since = timezone.now() - REMEMBERED
    known = AccessFailureLog.objects.filter(username=name, ip_address=address, attempt_time__gte=since)
    rounds = known.count() // settings.AXES_FAILURE_LIMIT
    if not rounds:
        return REMEMBERED  # else four tries and a pause would never count
    return min(LONGEST_WAIT, FIRST_WAIT * GROWTH ** min(rounds - 1, 10))


def _who(request: HttpRequest) -> tuple[str, str]:
    # As the login form reads it: another spelling is no other person.
    return unicodedata.normalize("NFKC", request.POST.get("username", "").strip()), client_address(request)


def locked_out(request: HttpRequest, response: HttpResponse | None, credentials: object = None) -> HttpResponse:
    """The page that says so."""
    name, address = _who(request)
    attempts = AccessAttempt.objects.filter(username=name, ip_address=address)
    last = attempts.aggregate(last=Max("attempt_time"))["last"] or timezone.now()
    context = {
        **admin.site.each_context(request),
        "title": _("Login is locked"),
        "has_permission": False,
        "until": last + wait(request),
    }
    return render(request, "admin/locked_out.html", context, status=429)


def is_remembered(official: Official) -> bool:
    """Whether failed logins or wrong codes of somebody are counted now, and so make them wait or soon will."""
    return AccessAttempt.objects.filter(username=official.username).exists() or wrong_codes(official) > 0


def lift(official: Official, *, by: Official, office: Office | None) -> None:
    """Forget somebody's failed logins and wrong codes. Who may: see the page. In the caller's transaction."""
    AccessAttempt.objects.filter(username=official.username).delete()
    AccessFailureLog.objects.filter(username=official.username).delete()
    forgive_wrong_codes(official)
    log(by, office or "", Act.END_ROLE, f"lifted a lock-out: account {official.pk}")
