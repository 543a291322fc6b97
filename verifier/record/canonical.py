"""The one form of every byte that is published: RFC 8785 JSON, and fixed-width base64url (docs/records.md).

Whoever hashes or signs an entry hashes its bytes, so one meaning must have one encoding.
"""

from __future__ import annotations

import binascii
import json
from itertools import accumulate
from typing import Any, NoReturn

import rfc8785
from gmpy2 import mpz

from verifier.errors import BadInteger, NotCanonical

INTEGER_BOUND = 2**53  # RFC 8785 keeps integers below this: the doubles of other languages hold them exactly
MAX_DEPTH = 12

_FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")  # what base64url does not have becomes what no base64 has
_TO_URL = bytes.maketrans(b"+/", b"-_")
_WITHOUT_UNUSED_BITS = {0: None, 1: b"AQgw", 2: b"AEIMQUYcgkosw048"}  # allowed last characters, by width mod 3
_PADDING = {0: b"", 1: b"==", 2: b"="}
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NOT_BRACKETS = bytes(set(range(256)) - _STEP.keys())


def parse(raw: bytes, max_bytes: int, max_depth: int = MAX_DEPTH) -> Any:
    """The JSON value of `raw`, whose RFC 8785 form is `raw` itself.

    Numbers are integers x with |x| < 2^53; nesting is at most `max_depth` arrays and objects; size at most
    `max_bytes`, both bounded before anything is built. Raises NotCanonical.
    """
    value = decode(raw, max_bytes, max_depth)
    require_canonical(serialise(value), raw)
    return value


def require_canonical(form: bytes, raw: bytes) -> None:
    """`raw` is the canonical form of what it says. Raises NotCanonical."""
    if form != raw:
        raise NotCanonical("not in the form of RFC 8785")


def decode(raw: bytes, max_bytes: int, max_depth: int = MAX_DEPTH) -> Any:
    """The JSON value of `raw` under the bounds of `parse`, whose form is still to be compared. Raises NotCanonical."""
    if len(raw) > max_bytes:
        raise NotCanonical(f"{len(raw)} bytes where at most {max_bytes} are allowed")
    if _depth(raw) > max_depth:
        raise NotCanonical(f"nested more than {max_depth} deep")
    try:
        value = _DECODER.decode(raw.decode())
    except UnicodeDecodeError:
        raise NotCanonical("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise NotCanonical(f"not JSON: {error.msg} at character {error.pos}") from None
    return value


def serialise(value: Any) -> bytes:
    """The RFC 8785 form of a JSON value. Raises NotCanonical for what has none, a lone surrogate for example."""
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise NotCanonical(str(error)) from None


def encode_bytes(data: bytes) -> str:
    """Unpadded base64url."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode()


def decode_bytes(text: object, size: int) -> bytes:
    """The `size` bytes whose one encoding is `text`.

    Raises BadInteger: not a string, another length, padding, a character outside the alphabet, unused bits set.
    """
    if not isinstance(text, str):
        raise BadInteger(f"a string of {encoded_length(size)} characters was expected")
    if len(text) != encoded_length(size):
        raise BadInteger(f"{len(text)} characters where {size} bytes take {encoded_length(size)}")
    return decode_line(text.encode("ascii", "replace"), size)


def decode_line(text: bytes, size: int) -> bytes:
    """The same for the ASCII bytes of a text that has the right length already."""
    last = _WITHOUT_UNUSED_BITS[size % 3]
    if last and text[-1] not in last:
        raise BadInteger("the last character has unused bits set or is not base64url")
    try:
        return binascii.a2b_base64(text.translate(_FROM_URL) + _PADDING[size % 3], strict_mode=True)
    except binascii.Error:
        raise BadInteger("a character is not of the unpadded base64url alphabet") from None


def encoded_length(size: int) -> int:
    """Characters that `size` bytes take."""
    return (4 * size + 2) // 3


def encode_integer(x: int | mpz, width: int) -> str:
    """x in [0, 256^width), big-endian in exactly `width` bytes. Raises OverflowError outside the range."""
    return encode_bytes(int(x).to_bytes(width, "big"))


def decode_integer(text: object, width: int) -> mpz:
    """The integer in [0, 256^width) whose one encoding is `text`. Raises BadInteger as `decode_bytes` does."""
    return mpz(int.from_bytes(decode_bytes(text, width), "big"))


def _depth(raw: bytes) -> int:
    """The deepest nesting of the part of `raw` that is JSON, found without recursion."""
    if b"\\" in raw:
        raw = raw.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    outside_strings = b"".join(raw.split(b'"')[::2])
    return max(accumulate(_STEP[bracket] for bracket in outside_strings.translate(None, _NOT_BRACKETS)), default=0)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise NotCanonical("an object has the same key twice")
    return value


def _integer(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) >= INTEGER_BOUND:
        raise NotCanonical("an integer is 2^53 or more")
    return int(digits)


def _no_float(text: str) -> NoReturn:
    raise NotCanonical("a number is not an integer")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_no_float, parse_constant=_no_float
)
