"""Files that hold one secret: signing keys and key shares, encrypted, and bound to what they say in clear.

A file is canonical JSON: what it is *about* in clear, a *lock* that says how to open it, the *box*, and a checksum, so
that a damaged file is told from a wrong passphrase. Passphrases go through argon2id (RFC 9106) into a secretbox; a
file for somebody's Ed25519 key is a sealed box to the Curve25519 form of that key.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Any

from nacl.exceptions import CryptoError
from nacl.public import PublicKey, SealedBox
from nacl.pwhash import argon2id
from nacl.secret import SecretBox
from nacl.signing import SigningKey, VerifyKey

from tally.errors import DamagedFile, OtherElection, TallyError, WrongPassphrase
from verifier.errors import BadInteger, NotCanonical
from verifier.record import schema
from verifier.record.canonical import decode_bytes, encode_bytes, parse, serialise
from verifier.record.schema import HASH, KEY, anything, octets, one_of, record, whole

MAX_BYTES = 320 << 10
"""room for a trustee's memory, which holds a whole checkpoint"""
SHORTEST_PASSPHRASE = 12
OPERATIONS, MEMORY = argon2id.OPSLIMIT_MODERATE, argon2id.MEMLIMIT_MODERATE
MOST_OPERATIONS, MOST_MEMORY = argon2id.OPSLIMIT_SENSITIVE, argon2id.MEMLIMIT_SENSITIVE

Ask = Callable[[str], str]
"""asks a person for the passphrase of the named thing"""


def seal(kind: str, about: dict[str, Any], secret: bytes, passphrase: str) -> bytes:
    """The bytes of a file that this passphrase opens. Raises TallyError for a passphrase that is too short."""
    require_passphrase(passphrase)
    salt = secrets.token_bytes(argon2id.SALTBYTES)
    lock = {"kind": "passphrase", "salt": encode_bytes(salt), "operations": OPERATIONS, "memory": MEMORY}
    box = SecretBox(_stretch(passphrase, salt, OPERATIONS, MEMORY)).encrypt(_bound(kind, about) + secret)
    return _file(kind, about, lock, bytes(box))


def require_passphrase(passphrase: str) -> None:
    """Raises TallyError for a passphrase that is too short."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise TallyError(f"the passphrase is shorter than {SHORTEST_PASSPHRASE} characters")


def recipient_box(recipient: bytes) -> SealedBox[PublicKey]:
    """What seals for the owner of an Ed25519 public key. Raises TallyError when it is no point of the curve."""
    try:
        return SealedBox(VerifyKey(recipient).to_curve25519_public_key())
    except CryptoError:
        raise TallyError(f"{encode_bytes(recipient)} is no key that a file can be sealed for") from None


def seal_for(kind: str, about: dict[str, Any], secret: bytes, recipient: bytes) -> bytes:
    """The bytes of a file that only the owner of the Ed25519 public key `recipient` opens."""
    lock = {"kind": "key", "recipient": encode_bytes(recipient)}
    box = recipient_box(recipient).encrypt(_bound(kind, about) + secret)
    return _file(kind, about, lock, bytes(box))


def unseal(raw: bytes, kind: str, name: str, ask: Ask, key: SigningKey | None = None) -> tuple[dict[str, Any], bytes]:
    """(what the file is about, its secret). `name` is what messages call the file.

    Raises DamagedFile, WrongPassphrase, OtherElection (a file for another key).
    """
    fields = _parse(raw, kind, name)
    lock, box = fields["lock"], fields["box"]
    try:
        if lock["kind"] == "key":
            secret = _open_with_key(lock, box, name, key)
        else:
            secret = SecretBox(_stretch(ask(name), lock["salt"], lock["operations"], lock["memory"])).decrypt(box)
    except CryptoError:
        raise WrongPassphrase(f"{name}: the passphrase is wrong") from None
    binding = _bound(kind, fields["about"])
    if not secret.startswith(binding):
        raise DamagedFile(f"{name}: what it says in clear is not what was sealed")
    return fields["about"], secret[len(binding) :]


def _open_with_key(lock: dict[str, Any], box: bytes, name: str, key: SigningKey | None) -> bytes:
    if key is None or bytes(key.verify_key) != lock["recipient"]:
        raise OtherElection(f"{name}: sealed for another key")
    try:
        return bytes(SealedBox(key.to_curve25519_private_key()).decrypt(box))
    except CryptoError:
        raise DamagedFile(f"{name}: the sealed part does not open") from None


def _stretch(passphrase: str, salt: bytes, operations: int, memory: int) -> bytes:
    return bytes(argon2id.kdf(SecretBox.KEY_SIZE, passphrase.encode(), salt, operations, memory))


def _bound(kind: str, about: dict[str, Any]) -> bytes:
    return hashlib.sha256(serialise([kind, about])).digest()


def _file(kind: str, about: dict[str, Any], lock: dict[str, Any], box: bytes) -> bytes:
    content = {"kind": kind, "about": about, "lock": lock, "box": encode_bytes(box)}
    checksum = hashlib.sha256(serialise(content)).digest()
    return serialise({**content, "checksum": encode_bytes(checksum)})


def _parse(raw: bytes, kind: str, name: str) -> dict[str, Any]:
    try:
        value = parse(raw, MAX_BYTES)
        fields = record(value, name, kind=one_of(kind), about=anything, lock=_lock, box=_base64url, checksum=HASH)
    except (NotCanonical, BadInteger) as error:
        raise DamagedFile(f"{name}: not a {kind} file, or damaged ({error})") from None
    content = {part: value[part] for part in value if part != "checksum"}
    if hashlib.sha256(serialise(content)).digest() != fields["checksum"]:
        raise DamagedFile(f"{name}: damaged (its checksum does not fit)")
    return fields


def _lock(value: Any, where: str) -> dict[str, Any]:
    if isinstance(value, dict) and value.get("kind") == "key":
        return record(value, where, kind=one_of("key"), recipient=KEY)
    return record(
        value,
        where,
        kind=one_of("passphrase"),
        salt=octets(argon2id.SALTBYTES),
        operations=whole(argon2id.OPSLIMIT_MIN, MOST_OPERATIONS),
        memory=whole(argon2id.MEMLIMIT_MIN, MOST_MEMORY),
    )


def _base64url(value: Any, where: str) -> bytes:
    if not isinstance(value, str):
        raise NotCanonical(f"{where}: a string was expected")
    return decode_bytes(value, len(value) * 3 // 4)


# Signing keys


def seal_signing_key(key: SigningKey, passphrase: str) -> bytes:
    """The file of an Ed25519 key, whose public half it names in clear."""
    return seal("signing key", {"public": encode_bytes(bytes(key.verify_key))}, bytes(key), passphrase)


def unseal_signing_key(raw: bytes, name: str, ask: Ask) -> SigningKey:
    """Raises DamagedFile or WrongPassphrase."""
    about, seed = unseal(raw, "signing key", name, ask)
    try:
        public = schema.record(about, name, public=KEY)["public"]
        key = SigningKey(seed)
    except (NotCanonical, BadInteger, ValueError):
        raise DamagedFile(f"{name}: not a signing key") from None
    if bytes(key.verify_key) != public:
        raise DamagedFile(f"{name}: the two halves of the key do not fit")
    return key
