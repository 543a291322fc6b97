"""Ed25519 has one verdict on every signature: the edge cases of "Taming the many EdDSAs" (Chalkias et al., 2020).

The cases are made here with plain Edwards arithmetic (RFC 8032, section 5.1), so that it is seen what each one is.
"""

from __future__ import annotations

import hashlib

import pytest
from nacl.signing import SigningKey

from verifier.crypto.signatures import verify

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]
IDENTITY: Point = (0, 1)


def add(a: Point, b: Point) -> Point:
    t = D * a[0] * b[0] * a[1] * b[1] % P
    x = (a[0] * b[1] + a[1] * b[0]) * pow(1 + t, -1, P)
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - t, -1, P)
    return x % P, y % P


def times(k: int, a: Point) -> Point:
    total = IDENTITY
    while k:
        if k & 1:
            total = add(total, a)
        a, k = add(a, a), k >> 1
    return total


def lift(y: int, sign: int) -> Point | None:
    """The point with this y, or None when there is none."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square:
        return None
    return (P - x if x & 1 != sign else x) % P, y


def encode(a: Point) -> bytes:
    return (a[1] | (a[0] & 1) << 255).to_bytes(32, "little")


def base() -> Point:
    point = lift(4 * pow(5, -1, P) % P, 0)
    assert point is not None
    return point


def order_eight() -> Point:
    y = 2
    while True:
        point = lift(y, 0)
        torsion = point and times(L, point)
        if torsion and times(4, torsion) != IDENTITY:
            return torsion
        y += 1


B, T8 = base(), order_eight()
SMALL = [times(k, T8) for k in range(8)]
SECRET = 0x1234567890ABCDEF1234567890ABCDEF1234567890ABCDEF1234567890ABCDEF % L


def challenge(r: bytes, a: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.sha512(r + a + message).digest(), "little") % L


def scalar(s: int) -> bytes:
    return s.to_bytes(32, "little")


def signed(message: bytes, s: int, a_torsion: int = 0, r_torsion: int = 0) -> tuple[bytes, bytes, bool]:
    """Key, signature and whether S·B = R + k·A, for A = s·B + a_torsion·T8 and R = nonce·B + r_torsion·T8.

    The equation times 8 always holds.
    """
    nonce = 0xFEDCBA98765432
    key, r = encode(add(times(s, B), SMALL[a_torsion])), encode(add(times(nonce, B), SMALL[r_torsion]))
    k = challenge(r, key, message)
    return key, r + scalar((nonce + k * s) % L), (r_torsion + k * a_torsion) % 8 == 0


KEY, GOOD, _ = signed(b"vote", SECRET)


def test_the_vectors_of_rfc_8032() -> None:
    """Section 7.1, tests 1 and 2."""
    key = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    signature = bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    assert verify(key, b"", signature)
    assert not verify(key, b"\0", signature)
    key = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert verify(key, b"\x72", signature)


def test_honest_signatures_hold_and_changed_ones_do_not() -> None:
    secret = SigningKey.generate()
    key, message = bytes(secret.verify_key), b"cast"
    signature = secret.sign(message).signature
    assert verify(key, message, signature)
    assert verify(KEY, b"vote", GOOD), "the arithmetic of this test signs as RFC 8032 does"
    for position in range(64):
        changed = bytearray(signature)
        changed[position] ^= 1
        assert not verify(key, message, bytes(changed))
    assert not verify(KEY, message, signature)
    assert not verify(key, message + b"!", signature)


@pytest.mark.parametrize(
    ("key", "signature"),
    [(KEY[:31], GOOD), (KEY + b"\0", GOOD), (b"", GOOD), (KEY, GOOD[:63]), (KEY, GOOD + b"\0"), (KEY, b"")],
)
def test_other_lengths(key: bytes, signature: bytes) -> None:
    assert not verify(key, b"vote", signature)


def test_s_plus_l() -> None:
    """Malleability: S + L satisfies the same equation, so a copy of a ballot would be another ballot."""
    s = int.from_bytes(GOOD[32:], "little")
    for j in range(1, 16):
        if s + j * L < 2**256:
            assert not verify(KEY, b"vote", GOOD[:32] + scalar(s + j * L))


@pytest.mark.parametrize("torsion", range(8))
def test_small_order_key(torsion: int) -> None:
    """With A of small order, S = nonce fits every message for which k·A vanishes: one signature for many ballots."""
    held = False
    for counter in range(24):
        message = b"%d" % counter
        key, signature, holds = signed(message, 0, torsion)
        held |= holds
        assert not verify(key, message, signature)
    assert held, "no message was found for which the equation holds"


def test_small_order_key_in_its_other_encodings() -> None:
    """y + p, and x = 0 with the sign bit set: keys that are another text for the same point."""
    for y, sign in ((P, 0), (P, 1), (P + 1, 0), (P + 1, 1), (1, 1), (P - 1, 1)):
        key = (y | sign << 255).to_bytes(32, "little")
        for counter in range(32):
            message = b"%d" % counter
            r = encode(times(5, B))
            assert not verify(key, message, r + scalar(5))


def test_small_order_r() -> None:
    """S = k·s fits R = 0, and R of order 2, 4 or 8 up to the factor 8. Stricter than RFC 8032, and harmless."""
    for r in map(encode, SMALL):
        k = challenge(r, KEY, b"vote")
        assert not verify(KEY, b"vote", r + scalar(k * SECRET % L))


def test_non_canonical_r() -> None:
    """The identity as p + 1 or with a sign, hashed as it is written: the equation holds, the encoding does not."""
    for y, sign in ((P + 1, 0), (P + 1, 1), (1, 1)):
        r = (y | sign << 255).to_bytes(32, "little")
        k = challenge(r, KEY, b"vote")
        assert not verify(KEY, b"vote", r + scalar(k * SECRET % L))
    y = 4  # any other y < 19: nobody knows the discrete logarithm, so the encoding alone is seen to be refused
    assert not verify(KEY, b"vote", (P + y).to_bytes(32, "little") + GOOD[32:])


def test_non_canonical_encodings_never_reach_libsodium(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a version of libsodium does with y ≥ p, here it is refused before, for A and for R."""
    monkeypatch.setattr("verifier.crypto.signatures.crypto_sign_open", lambda *_: b"")
    assert verify(KEY, b"vote", GOOD)
    for y in range(P, 2**255):
        for sign in (0, 1 << 255):
            other = (y | sign).to_bytes(32, "little")
            assert not verify(other, b"vote", GOOD)
            assert not verify(KEY, b"vote", other + GOOD[32:])


@pytest.mark.parametrize("torsion", range(1, 8))
def test_mixed_order(torsion: int) -> None:
    """A or R with a small-order part: the equation itself decides, never the one times 8.

    RFC 8032 leaves both open, and implementations differ; a libsodium that decides otherwise must not go unnoticed.
    """
    verdicts = set()
    for counter in range(24):
        message = b"%d" % counter
        key, signature, holds = signed(message, SECRET, a_torsion=torsion)
        assert verify(key, message, signature) == holds
        verdicts.add(holds)
    assert verdicts == {True, False}
    key, signature, _ = signed(b"vote", SECRET, r_torsion=torsion)
    assert not verify(key, b"vote", signature)
