"""Signing entries with Ed25519 keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nacl.signing import SigningKey

from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type, signed_message, statement_digest


def public_key(key: SigningKey) -> bytes:
    """The 32-byte public key."""
    return bytes(key.verify_key)


def sign_entry(entry_type: Type, body: Any, keys: Iterable[SigningKey]) -> list[dict[str, str]]:
    """The `signatures` of an entry with this body: one for each key, in ascending order of public keys."""
    message = signed_message(entry_type, statement_digest(entry_type, body))
    return [
        {"key": encode_bytes(public_key(key)), "signature": encode_bytes(key.sign(message).signature)}
        for key in sorted(keys, key=public_key)
    ]
