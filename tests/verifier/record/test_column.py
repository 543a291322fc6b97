"""A column is the one text of its integers, and an entry that names it fixes it."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.errors import BadInteger, NotCanonical
from verifier.record.column import Column, read_column, write_column


@given(st.integers(1, 5), st.data())
def test_round_trip(width: int, draw: st.DataObject) -> None:
    values = draw.draw(st.lists(st.integers(0, 256**width - 1), max_size=6))
    column, data = write_column(values, width)
    assert read_column(data, column) == values
    assert len(data) == column.size and column.digest == hashlib.sha256(data).digest()
    assert Column.from_record(column.to_record(), width) == column


def test_other_bytes_are_refused() -> None:
    column, data = write_column([1, 2, 3], 3)
    other = data.replace(b"B", b"C")
    for wrong in (other, data[:-1], data + b"\n", b""):
        with pytest.raises(NotCanonical, match=column.digest.hex()):
            read_column(wrong, column)
    with pytest.raises(NotCanonical):
        read_column(data, replace(column, rows=2))


@pytest.mark.parametrize(
    "data",
    [
        b"AAAAAAAA\n\n",
        b"AAAA AAAA\n",
        b"\nAAAAAAAA\n",
        b"AAAA\rAAAA\n",
        b"AAAA\nAAA=\n",
        b"AA+A\nAAAA\n",
        b"AAAA\nAAAA ",
    ],
)
def test_lines_that_are_no_integers(data: bytes) -> None:
    """The attacker names the column by its right digest, but the text is not one of integers."""
    with pytest.raises(BadInteger):
        read_column(data, Column(hashlib.sha256(data).digest(), 2, 3))


def test_unused_bits_in_a_line() -> None:
    data = b"AA\nAB\n"
    with pytest.raises(BadInteger):
        read_column(data, Column(hashlib.sha256(data).digest(), 2, 1))


DIGEST = "A" * 43


@pytest.mark.parametrize(
    ("record", "error"),
    [
        ([], NotCanonical),
        ({"digest": DIGEST}, NotCanonical),
        ({"digest": DIGEST, "rows": 1, "width": 3}, NotCanonical),
        ({"digest": DIGEST, "rows": True}, NotCanonical),
        ({"digest": DIGEST, "rows": -1}, NotCanonical),
        ({"digest": DIGEST, "rows": "1"}, NotCanonical),
        ({"digest": DIGEST[1:], "rows": 1}, BadInteger),
        ({"digest": None, "rows": 1}, BadInteger),
    ],
)
def test_other_records(record: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        Column.from_record(record, 3)


def test_values_out_of_range() -> None:
    for value in (-1, 256):
        with pytest.raises(OverflowError):
            write_column([value], 1)
