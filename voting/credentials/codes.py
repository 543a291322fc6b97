"""One-time codes on paper, for voters without a usable card, and the pseudonyms of voter slots.

The alphabet is what is left of A–Z and 0–9 without the characters that print or are copied alike (0 O, 1 I L, 2 Z,
5 S, 8 B, U V): 23 of them. Both of each pair are out, so that a misread one is in no code and can be pointed at. 23 is
a prime, so a weighted sum modulo 23 that is zero for a code is zero no more after one wrong character or the exchange
of two: all weights are different, and none is a multiple of 23.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata

from django.utils.translation import gettext as _

from voting.errors import CodeMistyped, KeyUnusable
from voting.keyfile import KEY_BYTES

ALPHABET = "34679ACDEFGHJKMNPQRTWXY"
LENGTH = 20  # 19 random characters, 85.9 bits, and a check character
GROUP = 4
# What keyboards and input methods give for a hyphen, besides the dashes of Unicode: ー − ─ ━ (after NFKC).
DASHES = "\u30fc\u2212\u2500\u2501"
LONGEST_INPUT = 100


def new_code() -> str:
    """A random code of 20 characters of ALPHABET, as `normalise` returns it."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH - 1))
    return drawn + ALPHABET[-_weighted_sum(drawn + ALPHABET[0]) % len(ALPHABET)]


def printed(code: str) -> str:
    """A code in groups of four, as it stands in the letter."""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def normalise(text: str) -> str:
    """The 20 characters of a code as typed: in either case and width, with any spaces and hyphens.

    Raises CodeMistyped, for the form alone: it says nothing about which codes exist.
    """
    if len(text) > LONGEST_INPUT:
        raise _wrong_length()
    code = "".join(c for c in unicodedata.normalize("NFKC", text).upper() if not _is_separator(c))
    for position, character in enumerate(code, 1):
        if character not in ALPHABET:
            reason = _("character %(position)d is not one that codes are made of") % {"position": position}
            raise CodeMistyped(reason, "character", position)
    if len(code) != LENGTH:
        raise _wrong_length()
    if _weighted_sum(code) % len(ALPHABET):
        raise CodeMistyped(_("a character of the code is wrong, or two are exchanged"), "checksum")
    return code


def code_digest(code: str, pepper: bytes) -> bytes:
    """The 32 bytes that stand for a code in the database: keyed BLAKE2b (RFC 7693) of the code, in whatever form typed.

    Without the 32-byte `pepper`, from a key file, a copy of the database cannot even be used to try codes.
    Raises CodeMistyped and KeyUnusable.
    """
    if len(pepper) != KEY_BYTES:
        raise KeyUnusable(f"the key of the one-time codes has {len(pepper)} bytes, not {KEY_BYTES}")
    return hashlib.blake2b(normalise(code).encode(), key=pepper, digest_size=32, person=b"one-time code").digest()


def pseudonym() -> str:
    """A random name for a voter slot: "v-" and 16 characters (72 bits), an identifier for the record."""
    return "v-" + "".join(secrets.choice(ALPHABET.lower()) for _ in range(16))


def _weighted_sum(code: str) -> int:
    """Weights from 20 down to 1, so that the check character, the last, counts once."""
    return sum(weight * ALPHABET.index(character) for weight, character in zip(range(LENGTH, 0, -1), code, strict=True))


def _is_separator(character: str) -> bool:
    return character.isspace() or character in DASHES or unicodedata.category(character) in ("Pd", "Cf")


def _wrong_length() -> CodeMistyped:
    return CodeMistyped(_("a code has %(length)d characters") % {"length": LENGTH}, "length")
