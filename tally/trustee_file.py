"""All that a trustee has, in one file under one passphrase: signing key, key share, and memory.

It fits on a stick, and a copy of it is a whole copy. In clear it says nothing but the public key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gmpy2 import mpz
from nacl.signing import SigningKey

from tally.errors import DamagedFile
from tally.sealed import Ask, seal, unseal
from tally.shares import Share
from tally.signing import public_key
from tally.trustee import Memory
from verifier.errors import BadInteger, NotCanonical
from verifier.record.canonical import decode_bytes, encode_bytes, parse, serialise
from verifier.record.manifest import MOST_TRUSTEES
from verifier.record.schema import HASH, KEY, nullable, octets, record, whole

KIND = "trustee"
MAX_SECRET_BYTES = 192 << 10
"""a checkpoint of 64 KiB, every character escaped, and the rest"""
SEED_BYTES = 32


@dataclass(frozen=True)
class Trustee:
    """What one trustee has for one election; share and memory come with the import, both at once."""

    key: SigningKey = field(repr=False)
    share: Share | None = None
    memory: Memory | None = None


def seal_trustee(trustee: Trustee, passphrase: str) -> bytes:
    """The bytes of the file. Raises TallyError for a passphrase that is too short."""
    secret = {"key": encode_bytes(bytes(trustee.key)), "holds": _holds_record(trustee)}
    return seal(KIND, {"public": encode_bytes(public_key(trustee.key))}, serialise(secret), passphrase)


def _holds_record(trustee: Trustee) -> dict[str, Any] | None:
    share, memory = trustee.share, trustee.memory
    if share is None or memory is None:
        return None
    return {
        "election": encode_bytes(share.election),
        "key": encode_bytes(share.key_hash),
        "trustee": share.trustee,
        "share": encode_bytes(share.secret),
        "checkpoint": memory.checkpoint,
        "opened": memory.opened and encode_bytes(memory.opened),
    }


def unseal_trustee(raw: bytes, name: str, ask: Ask) -> Trustee:
    """Raises DamagedFile, WrongPassphrase. `name` is what messages call the file."""
    about, secret = unseal(raw, KIND, name, ask)
    try:
        public = record(about, name, public=KEY)["public"]
        fields = record(parse(secret, MAX_SECRET_BYTES), name, key=octets(SEED_BYTES), holds=nullable(_holds))
    except (NotCanonical, BadInteger):
        raise DamagedFile(f"{name}: not the file of a trustee") from None  # without the reason: it may quote a secret
    key = SigningKey(fields["key"])
    if public_key(key) != public:
        raise DamagedFile(f"{name}: the two halves of the key do not fit")
    share, memory = fields["holds"] or (None, None)
    return Trustee(key, share, memory)


def _holds(value: Any, where: str) -> tuple[Share, Memory]:
    held = record(
        value,
        where,
        election=HASH,
        key=HASH,
        trustee=whole(1, MOST_TRUSTEES),
        share=_octets,
        checkpoint=_text,
        opened=nullable(HASH),
    )
    s = mpz(int.from_bytes(held["share"], "big"))
    share = Share(held["election"], held["key"], held["trustee"], s)
    return share, Memory(held["election"], held["trustee"], held["checkpoint"], held["opened"])


def _octets(value: Any, where: str) -> bytes:
    return decode_bytes(value, len(value) * 3 // 4 if isinstance(value, str) else 0)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise NotCanonical(f"{where}: a signed checkpoint was expected")
    return value
