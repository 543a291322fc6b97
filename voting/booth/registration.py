"""From a voter who is logged in to a device that may sign their ballots (protocol, 3.5 and 4)."""

from __future__ import annotations

from typing import Any

from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type
from voting.applications.models import Application
from voting.booth.errors import NotRegistered
from voting.booth.services import slot_of
from voting.credentials.models import Replacement
from voting.credentials.services import begin_binding, begin_replacement, finish_binding, sign_replacement


def registration(application: Application) -> dict[str, Any]:
    """{"registered": false, "replace": …}, or with the slot's name, style, device key, last sequence and entry.

    `replace`: two officials have approved that another device takes the place of a lost one; `waiting`: the device key
    that has signed, and that two officials are about to sign.
    """
    open_replacement = Replacement.objects.filter(application=application, done_at=None).first()
    state = {
        "replace": open_replacement is not None,
        "waiting": _waiting(open_replacement),
    }
    try:
        slot = slot_of(application)
    except NotRegistered:
        return {"registered": False, **state}
    return {
        "registered": True,
        "slot": slot.slot,
        "style": slot.style,
        "credential": encode_bytes(slot.credential),
        "sequence": slot.sequence,
        "last": "" if slot.last is None else encode_bytes(slot.last),
        "revote": slot.revote,
        **state,
    }


def _waiting(replacement: Replacement | None) -> str:
    """The device that has signed and waits for two officials, or ""."""
    if replacement is None or replacement.body is None or not replacement.signatures:
        return ""
    return str(replacement.body["credential"])


def register_device(application: Application, credential: bytes, signature: bytes | None = None) -> dict[str, Any]:
    """First without a signature: {"type", "body"} that the device signs. Then with it: {"slot"} or {"waiting": true}.

    `credential`: the device's Ed25519 key, 32 bytes. Not inside another transaction. Raises NoBallot, AlreadyBound,
    DeviceSignatureInvalid, RollNotReady, NotOnBoard, EntryRefused, KeyUnusable.
    """
    if Replacement.objects.filter(application=application, done_at=None).exists():
        if signature is None:
            return {"type": Type.CREDENTIAL_REPLACED.value, "body": begin_replacement(application, credential)}
        sign_replacement(application, credential, signature)
        return {"waiting": True}
    if signature is None:
        return {"type": Type.CREDENTIAL_REGISTERED.value, "body": begin_binding(application, credential)}
    entry = finish_binding(application, signature)
    return {"slot": slot_of(application).slot, "entry": entry.index}
