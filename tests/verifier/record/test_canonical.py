"""One meaning has one encoding: everything else that a lenient parser would take is refused."""

from __future__ import annotations

import json
import secrets

import pytest
from gmpy2 import mpz
from hypothesis import given
from hypothesis import strategies as st

from verifier.errors import BadInteger, NotCanonical
from verifier.record import canonical
from verifier.record.canonical import (
    decode_bytes,
    decode_integer,
    encode_bytes,
    encode_integer,
    encoded_length,
    parse,
    serialise,
)

LIMIT = 1 << 20
SAFE = 2**53 - 1
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-SAFE, SAFE) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_serialised_is_parsed(value: object) -> None:
    assert parse(serialise(value), LIMIT, 20) == value


@given(VALUES)
def test_other_json_of_the_same_value_is_refused(value: object) -> None:
    """Whatever the standard library writes is taken only if it is the canonical form."""
    form = serialise(value)
    for raw in (json.dumps(value).encode(), json.dumps(value, ensure_ascii=False, indent=0).encode(), form + b"\n"):
        if raw == form:
            assert parse(raw, LIMIT, 20) == value
        else:
            with pytest.raises(NotCanonical):
                parse(raw, LIMIT, 20)


@given(st.binary(max_size=40) | st.text('[]{}":,\\ut0-1.e ', max_size=40).map(str.encode))
def test_nothing_else_leaves(raw: bytes) -> None:
    """Any bytes are their own canonical form or raise NotCanonical."""
    try:
        value = parse(raw, LIMIT)
    except NotCanonical:
        return
    assert serialise(value) == raw


@pytest.mark.parametrize(
    "raw",
    [
        b"", b" ", b"{", b'{"a":1,}', b"[1,]", b"[1]]", b"nul", b"[1] ", b" [1]", b"\xef\xbb\xbf[]",
        b"\xff\xfe[\x00]\x00",
        b'{"a":1,"a":1}', b'{"a":1,"a":2}', b'[{"b":{"a":1,"a":1}}]', b'{"a":1,"\\u0061":1}', b'{"b":1,"a":1}',
        b"NaN", b"[Infinity]", b"-Infinity", b"1.0", b"1e2", b"1e400", b"1E0", b"0.5", b"-0", b"-0.0", b"00",
        b"01", b"+1",
        b"9007199254740992", b"-9007199254740992", b"[9223372036854775809]", b"1" * 5000, b"-" + b"1" * 5000,
        b'"\\ud800"', b'"\\udc00\\ud800"', b'"\xed\xa0\x80"', b'"\\ud83d\\ude00"', b'"\\u0061"', b'"\\/"', b'"\\u000A"',
        b'"\n"', b'"\x00"', b'"\xff"', b'"\xc0\x80"', b"'a'", b"[1,2]//", b"/**/[]", b"[1, 2]", b"undefined", b'"a',
    ],
)  # fmt: skip
def test_refused(raw: bytes) -> None:
    with pytest.raises(NotCanonical):
        parse(raw, LIMIT)


@pytest.mark.parametrize(
    "raw",
    [
        b"9007199254740991", b"-9007199254740991", b"-1", b'""', b"[]", b"{}",
        b'"\\b\\t\\n\\f\\r\\u0000\\u001f\\\\\\""',
        b'"\x7f"', '{"\U00010000":1,"\ufb00":2}'.encode(), '"é"'.encode(),
    ],
)  # fmt: skip
def test_accepted(raw: bytes) -> None:
    """Among them keys in the order of their UTF-16 code units, which is not that of their code points."""
    assert serialise(parse(raw, LIMIT)) == raw


def test_size_is_bounded_before_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse(b"[1,2]", 5) == [1, 2]
    monkeypatch.setattr(canonical, "_DECODER", None)
    with pytest.raises(NotCanonical, match="6 bytes where at most 5"):
        parse(b"[1,20]", 5)


@pytest.mark.parametrize("nest", [lambda n: b"[" * n + b"]" * n, lambda n: b'{"a":' * n + b"1" + b"}" * n])
def test_depth(nest: object) -> None:
    assert callable(nest)
    parse(nest(12), LIMIT)
    parse(nest(3), LIMIT, max_depth=3)
    for n, most in ((13, 12), (4, 3), (100_000, 12)):
        with pytest.raises(NotCanonical, match="deep"):
            parse(nest(n), LIMIT, most)


def test_depth_is_found_without_recursion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical, "_DECODER", None)
    for raw in (b"[" * LIMIT, b'["\\"",' * 1000, b'["\\\\",' * 1000, b'{"\\\\\\"":' * 1000, b'["\\\\\\\\"' + b"[" * 50):
        with pytest.raises(NotCanonical, match="deep"):
            parse(raw, LIMIT)


@given(TEXT)
def test_brackets_in_strings_are_no_depth(text: str) -> None:
    value = [text + "[[[{{{" + text + '"\\']
    assert parse(serialise(value), LIMIT, 1) == value


@pytest.mark.parametrize("value", ["\ud800", 2**53, float("nan"), object(), {1: 2}])
def test_what_has_no_form(value: object) -> None:
    with pytest.raises(NotCanonical):
        serialise(value)


@given(st.binary(max_size=70))
def test_bytes_round_trip(data: bytes) -> None:
    text = encode_bytes(data)
    assert len(text) == encoded_length(len(data))
    assert decode_bytes(text, len(data)) == data


@given(st.binary(min_size=1, max_size=40), st.data())
def test_one_encoding(data: bytes, draw: st.DataObject) -> None:
    """Changing a character either changes the bytes or is refused."""
    text = encode_bytes(data)
    at = draw.draw(st.integers(0, len(text) - 1))
    other = text[:at] + draw.draw(st.characters()) + text[at + 1 :]
    if other == text:
        return
    try:
        assert encode_bytes(decode_bytes(other, len(data))) == other
    except BadInteger:
        return


@pytest.mark.parametrize("width", [1, 2, 3, 32, 512, 768, 1024])
def test_integers(width: int) -> None:
    for x in (0, 1, 256**width - 1, secrets.randbits(8 * width)):
        text = encode_integer(x, width)
        assert len(text) == encoded_length(width)
        decoded = decode_integer(text, width)
        assert decoded == x and isinstance(decoded, mpz)
    assert encode_integer(mpz(7), width) == encode_integer(7, width)


@pytest.mark.parametrize("x", [-1, 256])
def test_integers_out_of_range(x: int) -> None:
    with pytest.raises(OverflowError):
        encode_integer(x, 1)


@pytest.mark.parametrize(
    ("text", "width"),
    [
        (None, 1), (5, 1), (b"AA", 1), (["A", "A"], 1), ("", 1), ("A", 1), ("AAA", 1), ("AA==", 1),
        ("AAA=", 2), ("AAAA", 2),
        ("AB", 1), ("AP", 1), ("AAB", 2), ("AAD", 2), ("A=", 1), ("==", 1), ("AA=", 2), ("AAA=", 3), ("++++", 3),
        ("////", 3), ("AA A", 3), ("AA\nA", 3), ("AAA\n", 3), ("ＡAAA", 3), ("AAAé", 3), ("A" * 10**7, 3), ("AAA\0", 3),
        ("\ud800AAA", 3), ("A=AA", 3), ("AA!A", 3), ("-A", 0), ("+A", 1),
    ],
)  # fmt: skip
def test_texts_that_are_no_integer(text: object, width: int) -> None:
    """No string, wrong width, padding, unused bits set, another alphabet, whitespace, look-alikes."""
    with pytest.raises(BadInteger):
        decode_integer(text, width)


def test_the_empty_text_is_no_bytes() -> None:
    assert decode_bytes("", 0) == b""
