"""Binding a device's key to a voter's slot on the board (protocol, 3.5 and 4), and replacing it when a phone is lost.

The device and the registrar sign the same entry. What is bound here is the only link between a voter and the board;
`forget` cuts it when the tally is frozen.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Replace
from django.utils import timezone
from django.utils.translation import gettext as _
from nacl.signing import SigningKey

from tally.signing import public_key
from tally.submission import Submission
from verifier.crypto import signatures
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type, signed_message, statement_digest
from voting import keyfile
from voting.access.services import log
from voting.applications import steps
from voting.applications.models import Application, Notice
from voting.applications.notices import tell_of_device
from voting.applications.requests import subjects
from voting.applications.review import office_of
from voting.board.models import BoardEntry
from voting.board.services import append
from voting.credentials.codes import pseudonym
from voting.credentials.errors import AlreadyBound, DeviceSignatureInvalid, NoBallot
from voting.credentials.letters import WITH_BALLOT, revoke_letters
from voting.credentials.models import Binding, Replacement
from voting.elections.models import Election, Party, Slot
from voting.errors import EntryRefused, KeyUnusable, NotOnBoard
from voting.officials.models import Official, Proposal
from voting.officials.roles import Act
from voting.officials.services import carries_out, key_of_target, propose
from voting.roll.commitment import leaf_and_path
from voting.roll.eligibility import style_for

KEY_BYTES = 32


def registrar_key(election: Election) -> SigningKey:
    """The registrar's signing key, which is the one in the definition. Raises KeyUnusable."""
    key = SigningKey(keyfile.load_or_create(Path(settings.REGISTRAR_KEY_FILE)))
    party = Party.objects.filter(election=election, role=Party.Role.REGISTRAR).first()
    if party is not None and bytes(party.public_key) != public_key(key):
        raise KeyUnusable("the key of this server is not the registrar's key of the election")
    return key


# Binding


@transaction.atomic
def begin_binding(application: Application, credential: bytes) -> dict[str, Any]:
    """The entry that the device is to sign. Until it is on the board, another device may begin instead.

    `credential`: the device's Ed25519 public key. Raises NoBallot, AlreadyBound, RollNotReady, NotOnBoard, ValueError.
    """
    if len(credential) != KEY_BYTES:
        raise ValueError(f"a device key has {KEY_BYTES} bytes")
    locked = steps.lock(application)
    if locked.state not in WITH_BALLOT:
        raise NoBallot(_("No ballot is issued for this application."), locked.reference)
    if not _on_board_already(locked) and style_for(locked.elector) != locked.style:  # type: ignore[arg-type]
        raise NoBallot(_("The roll has changed since the ballot was issued: ask the election board."), locked.reference)
    binding, _new = Binding.objects.select_for_update().get_or_create(
        application=locked, defaults={"pseudonym": pseudonym(), "credential": credential}
    )
    if bytes(binding.credential) != credential:
        if binding.slot_id is not None or _on_board(locked.election, binding.pseudonym):
            raise AlreadyBound(_("Another device is registered for you already."), locked.reference)
        binding.credential = credential
        binding.save(update_fields=["credential"])
    return _credential_body(locked, binding)


def _on_board_already(application: Application) -> bool:
    binding = Binding.objects.filter(application=application).first()
    return binding is not None and _on_board(application.election, binding.pseudonym)


def _credential_body(application: Application, binding: Binding) -> dict[str, Any]:
    if application.elector is None or application.style is None:
        raise NoBallot(_("No ballot is issued for this application."), application.reference)
    return {
        "election": encode_bytes(_election_id(application.election)),
        "slot": binding.pseudonym,
        "style": application.style.identifier,
        "credential": encode_bytes(bytes(binding.credential)),
        **leaf_and_path(application.elector),
    }


def _election_id(election: Election) -> bytes:
    if election.manifest_hash is None:
        raise NotOnBoard(_("the manifest is not on the board yet"), election.slug)
    return bytes(election.manifest_hash)


def _on_board(election: Election, slot: str) -> bool:
    return Slot.objects.filter(election=election, pseudonym=slot).exists()


def finish_binding(application: Application, signature: bytes, **when: Any) -> BoardEntry:
    """Put the entry that the device signed on the board, with the registrar's signature. Again is no harm.

    `signature`: the device's, of the entry from `begin_binding`. Not inside another transaction.

    Raises NoBallot, AlreadyBound, DeviceSignatureInvalid, EntryRefused, KeyUnusable.
    """
    binding = Binding.objects.filter(application=application).first()
    application.refresh_from_db()
    if binding is None or application.state not in WITH_BALLOT:
        raise NoBallot(_("No device has begun to register."), application.reference)
    election, credential = application.election, bytes(binding.credential)
    body = _credential_body(application, binding)
    signed = _with_registrar(election, Type.CREDENTIAL_REGISTERED, body, credential, signature)
    try:
        entry = append(election, entry_type=signed.type, body=body, signatures=signed.signatures, **when)
    except EntryRefused:
        if _on_board(election, binding.pseudonym):  # by another device, which was faster
            raise AlreadyBound(_("Another device is registered for you already."), application.reference) from None
        raise
    slot = Slot.objects.get(election=election, pseudonym=binding.pseudonym)
    with transaction.atomic():
        if Binding.objects.filter(pk=binding.pk, slot=None).update(slot=slot, credential=credential):
            tell_of_device(application, slot.pseudonym)
    return entry


def _with_registrar(election: Election, kind: Type, body: Any, credential: bytes, signature: bytes) -> Submission:
    if not signatures.verify(credential, signed_message(kind, statement_digest(kind, body)), signature):
        raise DeviceSignatureInvalid(_("The device's signature is not valid."), election.slug)
    mine = {"key": encode_bytes(credential), "signature": encode_bytes(signature)}
    return Submission(kind, body, (mine,)).signed_by(registrar_key(election))


def forget(election: Election) -> int:
    """Cut every link between applications and slots of an election whose tally is frozen; how many.

    What is left is the number of the roll row that the board has for each slot (protocol, section 4): with the leaves
    of the commitment it leads to a voter, though to no counted vote. Raises NotOnBoard.
    """
    if not BoardEntry.objects.filter(election=election, type=Type.TALLY_FROZEN).exists():
        raise NotOnBoard(_("the tally is not frozen yet"), election.slug)
    Replacement.objects.filter(application__election=election).update(body=None, signatures=[])
    for binding in Binding.objects.filter(application__election=election):
        named = Notice.objects.filter(application=binding.application_id, body__contains=binding.pseudonym)
        named.update(body=Replace("body", Value(binding.pseudonym), Value("…")))
    deleted, _tables = Binding.objects.filter(application__election=election).delete()
    return deleted


# Replacing


def ask_to_replace(application: Application, *, by: Official, reason: str) -> Proposal:
    """Ask to let a voter register another device. Raises NotPermitted, AlreadyProposed, NoBallot."""
    if not Binding.objects.filter(application=application, slot__isnull=False).exists():
        raise NoBallot(_("No device is registered yet: a letter is enough."), application.reference)
    return propose(
        Act.REPLACE_CREDENTIAL,
        office=office_of(application),
        target=application,
        summary=_("%(reference)s: replace the device") % {"reference": application.reference},
        reason=reason,
        by=by,
    )


@carries_out(Act.REPLACE_CREDENTIAL)
def _replace(proposal: Proposal, by: Official) -> None:
    application = Application.objects.get(pk=key_of_target(proposal))
    locked = steps.lock(application)
    if locked.state not in WITH_BALLOT:
        raise NoBallot(_("No ballot is issued for this application."), locked.reference)
    revoke_letters(locked)
    Replacement.objects.filter(application=locked, done_at=None).delete()
    Replacement.objects.create(application=locked, proposal=proposal)
    log(by, proposal.office, Act.REPLACE_CREDENTIAL, proposal.summary, subjects(locked))


def begin_replacement(application: Application, credential: bytes) -> dict[str, Any]:
    """The entry that the new device is to sign. Raises NoBallot without an approved replacement, ValueError."""
    if len(credential) != KEY_BYTES:
        raise ValueError(f"a device key has {KEY_BYTES} bytes")
    replacement, binding = _open_replacement(application)
    body = {
        "election": encode_bytes(_election_id(application.election)),
        "slot": binding.pseudonym,
        "credential": encode_bytes(credential),
    }
    Replacement.objects.filter(pk=replacement.pk).update(body=body, signatures=[])
    return body


def sign_replacement(application: Application, credential: bytes, signature: bytes) -> Submission:
    """The entry with the device's and the registrar's signatures: two officials sign it and submit it.

    Raises NoBallot, DeviceSignatureInvalid, KeyUnusable.
    """
    replacement, _binding = _open_replacement(application)
    if replacement.body is None or replacement.body["credential"] != encode_bytes(credential):
        raise NoBallot(_("No device has begun to register."), application.reference)
    kind = Type.CREDENTIAL_REPLACED
    signed = _with_registrar(application.election, kind, replacement.body, credential, signature)
    Replacement.objects.filter(pk=replacement.pk).update(signatures=list(signed.signatures))
    return signed


def _open_replacement(application: Application) -> tuple[Replacement, Binding]:
    replacement = Replacement.objects.filter(application=application, done_at=None).first()
    binding = Binding.objects.filter(application=application).first()
    if replacement is None or binding is None or application.state not in WITH_BALLOT:
        raise NoBallot(_("Two officials have not approved another device."), application.reference)
    return replacement, binding


def waiting_replacements(election: Election) -> list[tuple[Application, Submission]]:
    """Entries of replaced devices that wait for two officials' signatures."""
    waiting = Replacement.objects.filter(application__election=election, done_at=None).exclude(signatures=[])
    return [
        (row.application, Submission(Type.CREDENTIAL_REPLACED, row.body, tuple(row.signatures)))
        for row in waiting.select_related("application")
    ]


@transaction.atomic
def note_bound(election: Election, credentials: Mapping[str, bytes]) -> None:
    """Finish registrations that were cut off after the board had the entry. `credentials`: slot → its key there."""
    for binding in Binding.objects.select_for_update().filter(application__election=election, slot=None):
        if binding.pseudonym in credentials:
            binding.slot = Slot.objects.get(election=election, pseudonym=binding.pseudonym)
            binding.credential = credentials[binding.pseudonym]
            binding.save(update_fields=["slot", "credential"])
            tell_of_device(binding.application, binding.pseudonym)


@transaction.atomic
def note_replaced(election: Election, credentials: Mapping[str, bytes]) -> None:
    """Mark the replacements that are on the board, whichever device it was. `credentials`: slot → its key there."""
    for row in Replacement.objects.select_for_update().filter(application__election=election, done_at=None):
        binding = Binding.objects.filter(application=row.application_id).first()
        current = credentials.get(binding.pseudonym) if binding else None
        if binding is None or current is None or current == bytes(binding.credential):
            continue
        binding.credential = current
        binding.save(update_fields=["credential"])
        row.done_at = timezone.now()
        row.save(update_fields=["done_at"])
        tell_of_device(row.application, binding.pseudonym)
