"""A form that was sent twice, because no answer came back to the phone, is one application.

Each page with an empty form has a token of its own, which nobody else knows. For an hour the server knows what it made
of that page with just these entries; somebody else of the family, on the same page after "back", has other entries.
Kept in Django's cache: where that forgets, officials see two applications of one person.
"""

from __future__ import annotations

import json
import secrets

from django.core.cache import cache
from django.http import QueryDict
from django.utils.crypto import salted_hmac

from voting.applications.models import Application

KEPT = 60 * 60
"""seconds"""


def new_token() -> str:
    """For one page: the field "once" of its form."""
    return secrets.token_urlsafe(16)


def made_before(form: QueryDict) -> Application | None:
    """The application that was made of the same form before."""
    key = cache.get(_key(form)) if form.get("once") else None
    return Application.objects.filter(pk=key).first() if key else None


def remember(form: QueryDict, application: Application) -> None:
    """Know this form again."""
    if form.get("once"):
        cache.set(_key(form), application.pk, KEPT)


def _key(form: QueryDict) -> str:
    """The cache learns nothing of the entries."""
    entries = sorted((name, values) for name, values in form.lists() if name != "csrfmiddlewaretoken")
    return salted_hmac("voting.apply.once", json.dumps(entries), algorithm="sha256").hexdigest()
