"""Ed25519, strictly: RFC 8032 with S < L, canonical A and R, small-order A refused (protocol, section 10).

libsodium decides, by S·B = R + k·A without the cofactor. It also refuses an R of small order, which no honest signer
makes.
"""

from __future__ import annotations

from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

KEY_BYTES = 32
SIGNATURE_BYTES = 64
P = 2**255 - 19


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """Is `signature` (R ‖ S, 64 bytes) by `key` (A, 32 bytes) on `message`? Anything malformed is not."""
    if len(key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    # libsodium compares R as bytes or as a point, as its version goes; here a second encoding never counts
    if not (_is_canonical(key) and _is_canonical(signature[:32])):
        return False
    try:
        crypto_sign_open(signature + message, key)
    except BadSignatureError:
        return False
    return True


def _is_canonical(point: bytes) -> bool:
    """Is the encoded y below p? (The other non-canonical form, x = 0 with a sign, is of small order.)"""
    return int.from_bytes(point, "little") & (2**255 - 1) < P
