"""Mixnet plaintexts: every answer survives the round trip, nothing else decodes."""

from __future__ import annotations

from typing import Any

import pytest
from gmpy2 import mpz
from hypothesis import given
from hypothesis import strategies as st

from tests.election import contest, option
from verifier.record.answers import Undecodable, block_bytes, decode_answer, encode_answer, fits, is_blank
from verifier.record.manifest import Contest, Kind, parse_contest

BITS = 512
SIZE = block_bytes(BITS)


def a_contest(kind: Kind, **changes: Any) -> Contest:
    options = [] if kind is Kind.TEXT else [option(f"o{number}", f"name {number}") for number in range(12)]
    return parse_contest({**contest("c", kind, []), "options": options, **changes}, "contest")


INDEX = a_contest(Kind.INDEX)
RANKING = a_contest(Kind.RANKING, most=12)
TEXT = a_contest(Kind.TEXT, most=50)
WIDE = a_contest(Kind.TEXT, most=120, width=2)


def payload(data: bytes, width: int = 1, length: int | None = None) -> list[mpz]:
    stated = len(data) if length is None else length
    block = (stated.to_bytes(2, "big") + data).ljust(width * SIZE, b"\0")
    return [mpz(int.from_bytes(block[i : i + SIZE], "big")) for i in range(0, len(block), SIZE)]


@given(st.integers(0, 12))
def test_index_round_trip(index: int) -> None:
    answer = INDEX.option_id(index)
    assert decode_answer(INDEX, BITS, encode_answer(INDEX, BITS, answer)) == answer


@given(st.lists(st.sampled_from([option.id for option in RANKING.options]), unique=True))
def test_ranking_round_trip(ranking: list[str]) -> None:
    plaintexts = encode_answer(RANKING, BITS, tuple(ranking))
    assert decode_answer(RANKING, BITS, plaintexts) == tuple(ranking)
    assert is_blank(RANKING, tuple(ranking)) == (not ranking)


@pytest.mark.parametrize("text", ["", "髙橋 花子", "𠮷田", "葛\U000e0100城", "a" * 50])
def test_text_round_trip_keeps_kanji_variants(text: str) -> None:
    assert decode_answer(TEXT, BITS, encode_answer(TEXT, BITS, text)) == text


def test_a_long_text_spreads_over_two_plaintexts() -> None:
    text = "あ" * 40
    plaintexts = encode_answer(WIDE, BITS, text)
    assert len(plaintexts) == 2
    assert decode_answer(WIDE, BITS, plaintexts) == text


def test_plaintexts_are_below_the_modulus_whatever_the_answer() -> None:
    assert all(m < 1 << (BITS - 1) for m in encode_answer(TEXT, BITS, "\U0010fffd" * 12))


@pytest.mark.parametrize(
    ("contest", "plaintexts"),
    [
        (INDEX, payload(b"\0\x0d")),
        (INDEX, payload(b"\0")),
        (INDEX, payload(b"")),
        (INDEX, payload(b"\0\x01\0\x02")),
        (INDEX, payload(b"\0\x01\0\x01", length=2)),
        (INDEX, [mpz(1) << (8 * SIZE)]),
        (a_contest(Kind.INDEX, blank=False), payload(b"\0\x0c")),
        (RANKING, payload(b"\0\x01\0\x01")),
        (RANKING, payload(b"\0\x0c")),
        (a_contest(Kind.RANKING, most=2), payload(b"\0\0\0\x01\0\x02")),
        (a_contest(Kind.RANKING, most=3, least=2), payload(b"\0\0")),
        (a_contest(Kind.RANKING, most=3, blank=False), payload(b"")),
        (TEXT, payload(b"\xff\xfe")),
        (TEXT, payload("か\u3099".encode())),
        (TEXT, payload(b"a\nb")),
        (TEXT, payload(b"a" * 51)),
        (TEXT, payload(b"abc", length=400)),
    ],
)
def test_what_is_no_answer_does_not_decode(contest: Contest, plaintexts: list[mpz]) -> None:
    with pytest.raises(Undecodable):
        decode_answer(contest, BITS, plaintexts)


@pytest.mark.parametrize(("contest", "answer"), [(INDEX, "o99"), (RANKING, ("o1", "o1")), (TEXT, "a" * 51)])
def test_an_answer_that_is_not_allowed_is_not_encoded(contest: Contest, answer: Any) -> None:
    with pytest.raises(ValueError, match="contest c"):
        encode_answer(contest, BITS, answer)


def test_fits_counts_the_longest_answer() -> None:
    assert fits(TEXT, BITS)
    assert not fits(a_contest(Kind.TEXT, most=62), BITS)
    assert fits(a_contest(Kind.TEXT, most=62, width=2), BITS)
