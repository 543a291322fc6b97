"""The body of the key entry: modulus, verification keys, certificate."""

from __future__ import annotations

from typing import Any

from verifier.crypto.certificate import certificate_from_record
from verifier.crypto.transcript import digest
from verifier.record.canonical import serialise
from verifier.record.entries import modulus_bytes
from verifier.record.manifest import Manifest
from verifier.record.schema import HASH, list_of, number, record


def parse_key(value: Any, where: str, manifest: Manifest) -> dict[str, Any]:
    """`election`, `modulus`, `verification_keys` (one for each trustee), `certificate`.

    Raises NotCanonical or BadInteger.
    """
    width, n = modulus_bytes(manifest), len(manifest.trustees)
    return record(
        value,
        where,
        election=HASH,
        modulus=number(width),
        verification_keys=list_of(number(width), n, n),
        certificate=lambda part, place: certificate_from_record(part, place, manifest.modulus_bits),
    )


def key_hash(value: Any) -> bytes:
    """The hash of a key entry's body: what shares and confirmations name."""
    return digest("key", serialise(value))
