"""Work on its way to another process: what a function is asked and what it answers, as canonical-enough JSON bytes.

Integers of any size, texts, bytes, lists, tuples, and the few classes of ours that work is about. Nothing is executed
when a parcel is opened, unlike with pickle.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Callable
from typing import Any

from gmpy2 import mpz

from tally.errors import DamagedFile
from tally.mixing import Rho
from verifier.crypto.paillier import PublicKey

INTEGERS = (int, mpz(0).__class__)


def pack(value: Any) -> bytes:
    """The bytes of a value. Raises TypeError for one that cannot travel."""
    return json.dumps(_plain(value), separators=(",", ":")).encode()


def unpack(data: bytes) -> Any:
    """The value of `pack`. Raises DamagedFile."""
    try:
        return _value(json.loads(data))
    except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        raise DamagedFile(f"a parcel of work is damaged ({type(error).__name__})") from None


def _plain(value: Any) -> Any:
    """None and booleans as they are; everything else as [tag, …]."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, INTEGERS):
        return ["i", format(value, "x")]
    if isinstance(value, str):
        return ["s", value]
    if isinstance(value, bytes):
        return ["b", binascii.b2a_base64(value, newline=False).decode()]
    for tag, (kind, parts, _) in _CLASSES.items():
        if type(value) is kind:
            return [tag, *map(_plain, parts(value))]
    if isinstance(value, list):
        if all(isinstance(part, INTEGERS) and not isinstance(part, bool) for part in value):
            return ["n", *[format(part, "x") for part in value]]
        return ["l", *map(_plain, value)]
    if isinstance(value, tuple):
        return ["t", *map(_plain, value)]
    raise TypeError(f"a {type(value).__name__} cannot travel")


def _value(plain: Any) -> Any:
    if plain is None or isinstance(plain, bool):
        return plain
    tag, *parts = plain
    if tag in _READERS:
        return _READERS[tag](parts)
    _, _, make = _CLASSES[tag]
    return make(*map(_value, parts))


_READERS: dict[str, Callable[[list[Any]], Any]] = {
    "i": lambda parts: mpz(parts[0], 16),
    "n": lambda parts: [mpz(part, 16) for part in parts],
    "s": lambda parts: str(parts[0]),
    "b": lambda parts: binascii.a2b_base64(parts[0], strict_mode=True),
    "l": lambda parts: [_value(part) for part in parts],
    "t": lambda parts: tuple(_value(part) for part in parts),
}
_CLASSES: dict[str, tuple[type, Callable[[Any], tuple[Any, ...]], Callable[..., Any]]] = {
    "key": (PublicKey, lambda key: (key.N,), PublicKey),
    "rho": (Rho, tuple, lambda alpha, b, sign: Rho(alpha, int(b), int(sign))),
}
