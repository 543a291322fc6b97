"""Shapes of records: strict keys, typed values, and errors that name the place.

A *shape* is a function `(value, where) -> parsed` that raises NotCanonical naming `where`, so that shapes
nest like the records they describe.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from gmpy2 import mpz

from verifier.errors import BadInteger, NotCanonical
from verifier.record.canonical import decode_bytes, decode_integer

Shape = Callable[[Any, str], Any]

IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
TIME = "%Y-%m-%dT%H:%MZ"


def record(value: Any, where: str, **shapes: Shape) -> dict[str, Any]:
    """A JSON object with exactly the keys of `shapes`."""
    if not isinstance(value, dict):
        raise NotCanonical(f"{where}: an object was expected")
    for key in value.keys() - shapes.keys():
        raise NotCanonical(f"{where}: unknown key {key!r}")
    for key in shapes.keys() - value.keys():
        raise NotCanonical(f"{where}: key {key!r} is missing")
    return {key: shape(value[key], f"{where}, {key}") for key, shape in shapes.items()}


def shape(**shapes: Shape) -> Shape:
    """The shape of an object with exactly these keys."""
    return lambda value, where: record(value, where, **shapes)


def list_of(item: Shape, least: int = 0, most: int = 10_000) -> Shape:
    """A list of `least` to `most` items, parsed to a tuple."""

    def parse(value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise NotCanonical(f"{where}: a list of {least} to {most} items was expected")
        return tuple(item(part, f"{where} {position}") for position, part in enumerate(value))

    return parse


def text(longest: int = 200, shortest: int = 0) -> Shape:
    """NFC text without control or direction-changing characters, of at most `longest` characters."""

    def parse(value: Any, where: str) -> str:
        if not isinstance(value, str) or not shortest <= len(value) <= longest:
            raise NotCanonical(f"{where}: a text of {shortest} to {longest} characters was expected")
        if unicodedata.normalize("NFC", value) != value:
            raise NotCanonical(f"{where}: the text is not in Unicode normal form C")
        if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in value):
            raise NotCanonical(f"{where}: the text holds control characters")
        return value

    return parse


def identifier(value: Any, where: str) -> str:
    """1 to 63 of a–z, 0–9 and the hyphen."""
    if not isinstance(value, str) or not IDENTIFIER.fullmatch(value):
        raise NotCanonical(f"{where}: an identifier of a–z, 0–9 and hyphens was expected")
    return value


def one_of(*allowed: str) -> Shape:
    """One of the listed words."""

    def parse(value: Any, where: str) -> str:
        if value not in allowed or not isinstance(value, str):
            raise NotCanonical(f"{where}: one of {', '.join(allowed)} was expected")
        return value

    return parse


def whole(least: int, most: int) -> Shape:
    """A JSON integer in [least, most]."""

    def parse(value: Any, where: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise NotCanonical(f"{where}: a whole number from {least} to {most} was expected")
        return value

    return parse


def boolean(value: Any, where: str) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise NotCanonical(f"{where}: true or false was expected")
    return value


def nullable(inner: Shape) -> Shape:
    """null, or a value of the inner shape."""
    return lambda value, where: None if value is None else inner(value, where)


def anything(value: Any, where: str) -> Any:
    """A part whose shape is checked elsewhere."""
    return value


def number(width: int) -> Shape:
    """A big integer of `width` bytes on the wire, parsed to an mpz. Raises BadInteger."""

    def parse(value: Any, where: str) -> mpz:
        try:
            return decode_integer(value, width)
        except BadInteger as error:
            raise BadInteger(f"{where}: {error}") from None

    return parse


def octets(size: int) -> Shape:
    """A key, hash, seed or signature of `size` bytes. Raises BadInteger."""

    def parse(value: Any, where: str) -> bytes:
        try:
            return decode_bytes(value, size)
        except BadInteger as error:
            raise BadInteger(f"{where}: {error}") from None

    return parse


def minute(value: Any, where: str) -> datetime:
    """A UTC time rounded to the minute, such as 2026-11-20T13:05Z: coarse, so that it says little about who."""
    try:
        parsed = datetime.strptime(value, TIME).replace(tzinfo=UTC)
    except (TypeError, ValueError):
        raise NotCanonical(f"{where}: a time such as 2026-11-20T13:05Z was expected") from None
    if parsed.strftime(TIME) != value:
        raise NotCanonical(f"{where}: a time such as 2026-11-20T13:05Z was expected")
    return parsed


def format_minute(time: datetime) -> str:
    """The wire form of `minute`; `time` is aware."""
    return time.astimezone(UTC).strftime(TIME)


HASH = octets(32)
KEY = octets(32)
SIGNATURE = octets(64)
