"""Evidence files: taken in, shown to those who decide, deleted after the time for objections."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from voting import keyfile
from voting.access.services import log
from voting.applications.errors import EvidenceMissing
from voting.applications.files import Scan, Sealed, media_type, scan, seal, unseal
from voting.applications.models import Application, Confirmation, Evidence
from voting.errors import EvidenceUnreadable
from voting.officials.models import Official
from voting.officials.roles import Act
from voting.officials.services import require

MOST_FILES = 6


@dataclass(frozen=True)
class CheckedFile:
    """An uploaded file that was found to be what it should be; made before any row is."""

    kind: str
    data: bytes
    media_type: str
    scan: Scan


def check_files(files: Sequence[tuple[str, bytes]]) -> list[CheckedFile]:
    """(kind of evidence, bytes) of each file, checked. Raises FileRefused, ScanFailed, EvidenceMissing."""
    if len(files) > MOST_FILES:
        raise EvidenceMissing(_("At most %(most)d files.") % {"most": MOST_FILES}, "files")
    return [CheckedFile(kind, data, media_type(data), scan(data)) for kind, data in files]


def store(application: Application, files: Sequence[CheckedFile]) -> None:
    """Encrypt and store checked files, in the caller's transaction."""
    master = keyfile.load_or_create(Path(settings.EVIDENCE_KEY_FILE))
    for file in files:
        identifier = uuid.uuid4()
        sealed = seal(file.data, master, _context(application, identifier))
        Evidence.objects.create(
            application=application,
            identifier=identifier,
            kind=file.kind,
            media_type=file.media_type,
            size=len(file.data),
            scan=file.scan,
            key_sealed=sealed.key_sealed,
            ciphertext=sealed.ciphertext,
            delete_after=_last_day(application),
        )


def _context(application: Application, identifier: uuid.UUID) -> bytes:
    return f"{application.reference}:{identifier}".encode()


def _last_day(application: Application) -> date:
    day = application.election.election_day or timezone.localdate()
    return day + timedelta(days=settings.EVIDENCE_RETENTION_DAYS)


def open_file(evidence: Evidence, *, by: Official) -> bytes:
    """The file, for somebody who decides about it; every look is logged.

    Raises NotPermitted, EvidenceUnreadable.
    """
    application = evidence.application
    office = application.election.office
    if office is None or evidence.deleted_at is not None:
        raise EvidenceUnreadable(_("The file was deleted."), application.reference)
    require(by, Act.VIEW_EVIDENCE, office)
    # Logged first: a look that cannot be logged does not happen.
    subjects = [application.elector_id] if application.elector_id else []
    log(by, office, Act.VIEW_EVIDENCE, f"{application.reference}: {evidence.kind}", subjects)
    master = keyfile.load(Path(settings.EVIDENCE_KEY_FILE))
    sealed = Sealed(bytes(evidence.key_sealed or b""), bytes(evidence.ciphertext or b""))
    return unseal(sealed, master, _context(application, evidence.identifier))


KEPT_CLAIMS = ("number", "ship_paper")
"""What the records of the law still need of the claims: the numbers of certificates."""


def forget_statements(today: date | None = None) -> int:
    """When the time for objections is over, forget what was stated and confirmed about illness; of how many.

    Reasons, periods and places go; the numbers of certificates stay, because the records print them.
    """
    last = (today or timezone.localdate()) - timedelta(days=settings.EVIDENCE_RETENTION_DAYS)
    over = Application.objects.filter(election__election_day__lt=last).exclude(claims={})
    forgotten = 0
    for application in over.iterator():
        kept = {kind: _numbers(claim) for kind, claim in application.claims.items()}
        if kept != application.claims:
            forgotten += Application.objects.filter(pk=application.pk).update(claims=kept)
    Confirmation.objects.filter(application__election__election_day__lt=last).update(starts=None, ends=None)
    return forgotten


def _numbers(claim: dict[str, Any]) -> dict[str, Any]:
    return {name: claim[name] for name in KEPT_CLAIMS if name in claim}


@transaction.atomic
def delete_expired(today: date | None = None) -> int:
    """Delete every file whose last day is over; how many."""
    expired = Evidence.objects.filter(deleted_at=None, delete_after__lt=today or timezone.localdate())
    return expired.update(deleted_at=timezone.now(), key_sealed=None, ciphertext=None)
