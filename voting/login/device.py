"""Login by a registered device: it signs a number that this session was given, and the voter says the date of birth.

The number is good for two minutes and one try. A refusal does not say what was wrong; that a way is locked, only who
has the device is told.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import date

from django.http import HttpRequest
from django.utils.translation import gettext as _

from verifier import PROTOCOL
from verifier.crypto import signatures
from verifier.crypto.transcript import encode
from verifier.errors import BadInteger, NotCanonical
from verifier.record.canonical import decode, decode_bytes, encode_bytes
from voting.applications.models import Application
from voting.credentials.letters import WITH_BALLOT
from voting.credentials.models import Binding, Replacement
from voting.elections.models import Election
from voting.errors import NotOnBoard
from voting.login.attempts import require_birth
from voting.login.birth import read_birth_text
from voting.login.errors import BirthRefused, BirthUnreadable, ChallengeExpired, ClaimMalformed, DeviceRefused
from voting.login.models import Way

LASTS = 120
"""Seconds for which a challenge can be answered."""
NONCE_BYTES = 32
LARGEST = 1000
"""Bytes of what a device sends."""
_CHALLENGE = "device challenge"


@dataclass(frozen=True)
class Claim:
    """What a device sends to log in."""

    election: str
    """its slug"""
    credential: bytes
    """the device's Ed25519 public key, 32 bytes"""
    signature: bytes
    """of `message`, 64 bytes"""
    birth: date


def message(election: Election, nonce: bytes) -> bytes:
    """What the device signs, with the manifest's hash. Its tag is that of no entry of the board. Raises NotOnBoard."""
    if election.manifest_hash is None:
        raise NotOnBoard(_("The election is not on the board yet."), election.slug)
    return encode([PROTOCOL, "device login", bytes(election.manifest_hash), nonce])


def challenge(request: HttpRequest, election: Election) -> str:
    """A new number for this session, base64url; an earlier one is void."""
    nonce = encode_bytes(secrets.token_bytes(NONCE_BYTES))
    request.session[_CHALLENGE] = {"election": election.slug, "nonce": nonce, "at": int(time.time())}
    return nonce


def take_challenge(request: HttpRequest, election: Election) -> bytes:
    """The number of this session, which is used up by this: at once, before anything is checked.

    Raises ChallengeExpired: there is none for this election, or it is older than two minutes.
    """
    kept = request.session.pop(_CHALLENGE, None)
    if kept is not None:
        request.session.save()
        if kept["election"] == election.slug and 0 <= time.time() - kept["at"] < LASTS:
            return decode_bytes(kept["nonce"], NONCE_BYTES)
    raise ChallengeExpired(_("This took too long. Please try again."))


def read_election(raw: bytes) -> str:
    """The slug in what asks for a challenge. Raises ClaimMalformed."""
    return _texts(raw, ("election",))["election"]


def read_claim(raw: bytes) -> Claim:
    """What a device sends. Raises ClaimMalformed, BirthUnreadable."""
    texts = _texts(raw, ("election", "credential", "signature", "birth"))
    try:
        credential = decode_bytes(texts["credential"], signatures.KEY_BYTES)
        signature = decode_bytes(texts["signature"], signatures.SIGNATURE_BYTES)
    except BadInteger as error:
        raise ClaimMalformed(str(error), "credential, signature") from None
    try:
        return Claim(texts["election"], credential, signature, read_birth_text(texts["birth"]))
    except ValueError as error:
        raise BirthUnreadable(str(error)) from None


def _texts(raw: bytes, names: tuple[str, ...]) -> dict[str, str]:
    """An object of exactly these texts."""
    try:
        value = decode(raw, LARGEST, 1)
    except NotCanonical as error:
        raise ClaimMalformed(str(error)) from None
    if not isinstance(value, dict) or sorted(value) != sorted(names):
        raise ClaimMalformed(_("These are expected: %(names)s.") % {"names": ", ".join(names)})
    for name, text in value.items():
        if not isinstance(text, str):
            raise ClaimMalformed(_("A text was expected."), name)
    return value


def require_holder(election: Election, claim: Claim, nonce: bytes) -> Application:
    """Whose device it is. Raises DeviceRefused, whatever was wrong; LockedOut; NotOnBoard. Not in a transaction."""
    refused = DeviceRefused(_("This device and this date of birth do not belong together."))
    if not signatures.verify(claim.credential, message(election, nonce), claim.signature):
        raise refused
    application = _bound_to(election, claim.credential)
    if application is None:
        raise refused
    try:
        require_birth(application, claim.birth, Way.DEVICE)
    except BirthRefused:
        raise refused from None
    return application


def _bound_to(election: Election, credential: bytes) -> Application | None:
    """The application with a ballot whose device it is. A device that two officials gave up is none any more."""
    given_up = Replacement.objects.filter(done_at=None).values("application")
    bindings = Binding.objects.filter(
        application__election=election,
        application__state__in=WITH_BALLOT,
        credential=credential,
        slot__isnull=False,
    ).exclude(application__in=given_up)
    binding = bindings.select_related("application").first()
    return binding.application if binding else None
