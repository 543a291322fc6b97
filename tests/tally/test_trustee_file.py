"""A trustee's one file: it comes back whole, says nothing in clear, and anything else is refused in one sentence."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from gmpy2 import mpz
from nacl.signing import SigningKey

from tally.errors import DamagedFile, TallyError, WrongPassphrase
from tally.sealed import seal, seal_signing_key
from tally.shares import Share
from tally.trustee import Memory
from tally.trustee_file import KIND, Trustee, seal_trustee, unseal_trustee
from verifier.crypto.checkpoint import MAX_BYTES
from verifier.record.canonical import encode_bytes, serialise

PASSPHRASE = "a long passphrase"
KEY = SigningKey(b"k" * 32)
SECRET = mpz(2) ** 3000 + 12345


def trustee(**memory: Any) -> Trustee:
    fields = {"election": b"e" * 32, "trustee": 2, "checkpoint": "board\n3\n", "opened": None, **memory}
    return Trustee(KEY, Share(b"e" * 32, b"h" * 32, 2, SECRET), Memory(**fields))


@cache
def sealed() -> bytes:
    return seal_trustee(trustee(opened=b"o" * 32), PASSPHRASE)


def unsealed(raw: bytes, passphrase: str = PASSPHRASE) -> Trustee:
    return unseal_trustee(raw, "my file", lambda _: passphrase)


@pytest.mark.parametrize(
    "held", [Trustee(KEY), trustee(), trustee(opened=b"o" * 32), trustee(checkpoint=('"\\' * MAX_BYTES)[:MAX_BYTES])]
)
def test_it_comes_back(held: Trustee) -> None:
    """With a checkpoint padded to the limit too: who hands over the archive can pad it, and locks nobody out."""
    assert unsealed(seal_trustee(held, PASSPHRASE)) == held


def test_it_says_nothing_in_clear_but_the_public_key() -> None:
    for secret in (trustee().share.secret, bytes(KEY), b"e" * 32, b"o" * 32):
        assert encode_bytes(secret).encode() not in sealed() and secret not in sealed()
    assert encode_bytes(bytes(KEY.verify_key)).encode() in sealed()
    assert str(SECRET) not in repr(trustee()) and repr(bytes(KEY)) not in repr(trustee())


def test_a_wrong_passphrase_is_told_from_damage() -> None:
    with pytest.raises(WrongPassphrase, match=r"^my file: the passphrase is wrong$"):
        unsealed(sealed(), "another passphrase")
    for length in range(0, len(sealed()), 97):
        with pytest.raises(DamagedFile, match=r"^my file: "):
            unsealed(sealed()[:length])


def test_a_short_passphrase_protects_nothing() -> None:
    with pytest.raises(TallyError, match="shorter than 12"):
        seal_trustee(trustee(), "eleven char")


def test_files_of_another_kind_are_refused() -> None:
    share = trustee().share
    for raw in (seal_signing_key(KEY, PASSPHRASE), share.seal(PASSPHRASE), b"{}", b"\xff\xd8\xff\xe0"):
        with pytest.raises(DamagedFile, match=r"^my file: "):
            unsealed(raw)


@pytest.mark.parametrize(
    "changes",
    [
        {"holds": {}},
        {"holds": []},
        {"key": ""},
        {"extra": 1},
        {"holds": {"trustee": 0}},
        {"holds": {"trustee": 21}},
        {"holds": {"share": 7}},
        {"holds": {"checkpoint": None}},
        {"holds": {"opened": ""}},
    ],
)
def test_a_content_of_another_shape_is_refused_without_quoting_it(changes: dict[str, Any]) -> None:
    """A fault of a later version, say: the sentence must not carry what was inside."""
    holds: Any = {
        "election": encode_bytes(b"e" * 32),
        "key": encode_bytes(b"h" * 32),
        "trustee": 2,
        "share": encode_bytes(b"s" * 100),
        "checkpoint": "board",
        "opened": None,
    }
    if isinstance(changes.get("holds"), dict) and changes["holds"]:
        changes = {"holds": {**holds, **changes["holds"]}}
    content = {"key": encode_bytes(bytes(KEY)), "holds": holds, **changes}
    about = {"public": encode_bytes(bytes(KEY.verify_key))}
    with pytest.raises(DamagedFile) as refusal:
        unsealed(seal(KIND, about, serialise(content), PASSPHRASE))
    assert str(refusal.value) == "my file: not the file of a trustee"
    assert refusal.value.__cause__ is None and refusal.value.__suppress_context__


def test_the_public_key_in_clear_is_that_of_the_secret() -> None:
    content = serialise({"key": encode_bytes(bytes(KEY)), "holds": None})
    with pytest.raises(DamagedFile, match="the two halves of the key do not fit"):
        unsealed(seal(KIND, {"public": encode_bytes(b"p" * 32)}, content, PASSPHRASE))
