"""Columns: long lists of fixed-width integers that are kept outside their entry.

A column is a text of one `encode_integer` line for each value, every line ended by a newline. Its name is the
SHA-256 of its bytes, so an entry that names it fixes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gmpy2 import mpz

from verifier.crypto.transcript import digest
from verifier.errors import BadInteger, NotCanonical
from verifier.record.canonical import (
    INTEGER_BOUND,
    decode_bytes,
    decode_line,
    encode_bytes,
    encode_integer,
    encoded_length,
)


@dataclass(frozen=True)
class Column:
    """What an entry says of a column."""

    digest: bytes
    """SHA-256 of the column's bytes"""
    rows: int
    width: int
    """bytes of each integer; follows from the column's place in the protocol, so it is not on the wire"""

    @property
    def size(self) -> int:
        """Bytes of the column's text."""
        return self.rows * (encoded_length(self.width) + 1)

    def to_record(self) -> dict[str, Any]:
        """The wire form."""
        return {"digest": encode_bytes(self.digest), "rows": self.rows}

    @classmethod
    def from_record(cls, value: Any, width: int) -> Column:
        """Raises NotCanonical for another shape, BadInteger for a digest that is not 32 bytes."""
        if not isinstance(value, dict) or value.keys() != {"digest", "rows"}:
            raise NotCanonical("a column is an object of digest and rows")
        rows = value["rows"]
        if isinstance(rows, bool) or not isinstance(rows, int) or not 0 <= rows < INTEGER_BOUND:
            raise NotCanonical("the rows of a column are a whole number")
        return cls(decode_bytes(value["digest"], 32), rows, width)


def write_column(values: Iterable[int | mpz], width: int) -> tuple[Column, bytes]:
    """The column of `values` in [0, 256^width), and its text. Raises OverflowError outside the range."""
    lines = [encode_integer(value, width) for value in values]
    data = "".join(line + "\n" for line in lines).encode()
    return Column(hashlib.sha256(data).digest(), len(lines), width), data


def read_column(data: bytes, column: Column) -> list[mpz]:
    """The integers of a column's text.

    Raises NotCanonical when size or SHA-256 is not the column's, BadInteger when a line is not an integer.
    """
    if len(data) != column.size:
        raise NotCanonical(f"column {column.digest.hex()} has {len(data)} bytes, not {column.size}")
    if hashlib.sha256(data).digest() != column.digest:
        raise NotCanonical(f"the bytes of column {column.digest.hex()} hash to another name")
    length, width = encoded_length(column.width), column.width
    if data[length :: length + 1] != b"\n" * column.rows:
        raise BadInteger(f"column {column.digest.hex()} has a line of another length")
    starts = range(0, len(data), length + 1)
    return [mpz(int.from_bytes(decode_line(data[start : start + length], width), "big")) for start in starts]


def rows_digest(columns: Iterable[Column]) -> bytes:
    """What names a list of rows: the hash of its columns' digests (32 bytes)."""
    return digest("rows", [column.digest for column in columns])
