"""From whoever is logged in to an elector and a ballot, and what was done with that elector's data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from voting import keyfile
from voting.access.models import AccessEntry
from voting.access.services import log
from voting.applications.accesses import accesses_to
from voting.applications.models import Application
from voting.applications.states import HELD
from voting.elections.models import Election
from voting.login.models import Identity
from voting.login.person import VerifiedPerson
from voting.login.session import application_of, voter_of
from voting.roll.matching import match
from voting.roll.models import Elector, Roll

CONFLICT = "identity-conflict"
"""The act under which the access log has an alert to the election board."""


def ballot_of(request: HttpRequest, election: Election) -> Application | None:
    """The application with a ballot of this election of whoever is logged in: by letter or device, or by the card.

    None, whatever the reason: nobody, no ballot, another election's, given back or lapsed. Raises KeyUnusable.
    """
    application = application_of(request)
    if application is None and (person := voter_of(request)) is not None:
        application = _held_by(identify(election, person))
    if application is None or application.election_id != election.pk or application.state not in HELD:
        return None
    return application


def _held_by(elector: Elector | None) -> Application | None:
    if elector is None:
        return None
    rows = Application.objects.select_related("election__office", "offer__category", "offer__election", "elector")
    return rows.filter(elector=elector, state__in=HELD).first()


@transaction.atomic
def identify(election: Election, person: VerifiedPerson) -> Elector | None:
    """The elector whom this identity is bound to, binding it to the one whose four attributes agree.

    None, whatever the reason: no row agrees, or several; or, and then the board is alerted, the row is bound to
    another identity, or this identity to another row. Raises KeyUnusable.
    """
    digest = identity_digest(person)
    matched = _matched(election, person)
    if matched is None:
        # Who was bound and has moved since stays the same person.
        bound = Identity.objects.filter(election=election, digest=digest).select_related("elector").first()
        return bound.elector if bound else None
    try:
        with transaction.atomic():
            identity, _new = Identity.objects.get_or_create(
                election=election, digest=digest, defaults={"elector": matched}
            )
    except IntegrityError:
        _alert(election, "another login has the roll row", [matched.pk])
        return None
    if identity.elector_id != matched.pk:
        _alert(election, "the login has another roll row", [identity.elector_id, matched.pk])
        return None
    return matched


def _matched(election: Election, person: VerifiedPerson) -> Elector | None:
    """On whichever roll; nobody is on both."""
    found = [elector for roll in Roll if (elector := match(election, person.attributes(), roll))]
    return found[0] if len(found) == 1 else None


def _alert(election: Election, what: str, electors: Iterable[int]) -> None:
    """Once for the same people: who tries again and again shall not fill the log."""
    purpose, concerned = f"{election.slug}: {what}", sorted(electors)
    known = AccessEntry.objects.filter(act=CONFLICT, purpose=purpose, people__subject=concerned[0])
    if not any(entry.subjects == concerned for entry in known):
        log("login", election.office, CONFLICT, purpose, concerned)


def identity_digest(person: VerifiedPerson) -> bytes:
    """The 32 bytes that stand for an issuer's subject; nobody can try subjects without the key. Raises KeyUnusable."""
    key = keyfile.load_or_create(Path(settings.CODE_KEY_FILE))
    named = json.dumps([person.issuer, person.subject]).encode()
    return hashlib.blake2b(named, key=key, digest_size=32, person=b"identity").digest()


def accesses(person: VerifiedPerson) -> list[tuple[Election, QuerySet[AccessEntry]]]:
    """What was done with this person's data, by election, the latest first. Raises KeyUnusable."""
    bound = Identity.objects.filter(digest=identity_digest(person)).select_related("election", "elector__election")
    return [(identity.election, accesses_to(identity.elector)) for identity in bound.order_by("-election__closes")]


def accesses_of(application: Application) -> list[tuple[Election, QuerySet[AccessEntry]]]:
    """The same for whoever is logged in for an application, in its election only."""
    return [(application.election, accesses_to(application.elector))] if application.elector else []
