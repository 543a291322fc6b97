"""One-time codes: read from paper and typed by people, guessed by nobody, and never said to exist or not."""

from __future__ import annotations

import hashlib
import itertools
import math
import secrets
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.record.schema import identifier
from voting.credentials.codes import (
    ALPHABET,
    LENGTH,
    code_digest,
    new_code,
    normalise,
    printed,
    pseudonym,
)
from voting.errors import CodeMistyped, KeyUnusable

PEPPER = bytes(range(32))
LOOK_ALIKES = ["0O", "1IL", "2Z", "5S", "8B", "UV"]
CODES = st.builds(new_code)


def mistyped(text: str) -> CodeMistyped:
    with pytest.raises(CodeMistyped) as failure:
        normalise(text)
    assert failure.value.code == "code-mistyped"
    return failure.value


def test_the_alphabet_has_no_look_alikes() -> None:
    """None of a pair, so that a misread character is never another that could stand there."""
    assert len(set(ALPHABET)) == len(ALPHABET) == 23
    assert all(character.isascii() and (character.isupper() or character.isdigit()) for character in ALPHABET)
    assert not set(ALPHABET) & set("".join(LOOK_ALIKES))


def test_its_size_is_a_prime_above_every_weight() -> None:
    """What makes the checksum certain: no product of a weight and a difference is a multiple of it."""
    assert all(len(ALPHABET) % divisor for divisor in range(2, len(ALPHABET)))
    assert len(ALPHABET) > LENGTH


def test_a_code_cannot_be_guessed() -> None:
    """At least 75 bits without the check character, each character drawn evenly."""
    assert (LENGTH - 1) * math.log2(len(ALPHABET)) >= 75
    codes = [new_code() for _ in range(2000)]
    assert len(set(codes)) == len(codes)
    for position in range(LENGTH):
        assert {code[position] for code in codes} == set(ALPHABET)


def test_codes_are_drawn_by_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the check character is the only one that makes them whole."""
    monkeypatch.setattr(secrets, "choice", lambda characters: characters[1])
    code = new_code()
    assert code[:-1] == ALPHABET[1] * 19
    assert [last for last in ALPHABET if _is_whole(code[:-1] + last)] == [code[-1]]


def _is_whole(text: str) -> bool:
    try:
        normalise(text)
    except CodeMistyped:
        return False
    return True


def test_known_codes() -> None:
    """Letters that were sent stay valid: the checksum never changes."""
    assert normalise("3333-3333-3333-3333-3333") == "3" * 20
    assert normalise("4679-ACDE-FGHJ-KMNP-QRTX") == "4679ACDEFGHJKMNPQRTX"


@given(CODES)
def test_a_code_is_printed_in_fours(code: str) -> None:
    groups = printed(code).split("-")
    assert [len(group) for group in groups] == [4] * 5 and "".join(groups) == code == normalise(printed(code))


@given(CODES, st.data())
def test_any_wrong_character_is_noticed(code: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, LENGTH - 1))
    wrong = data.draw(st.sampled_from(ALPHABET.replace(code[position], "")))
    assert mistyped(code[:position] + wrong + code[position + 1 :]).kind == "checksum"


@given(CODES, st.data())
def test_any_two_exchanged_characters_are_noticed(code: str, data: st.DataObject) -> None:
    """Neighbours, and all others."""
    one, other = sorted(data.draw(st.sets(st.integers(0, LENGTH - 1), min_size=2, max_size=2)))
    _exchange_is_noticed(code, one, other)


def _exchange_is_noticed(code: str, one: int, other: int) -> None:
    exchanged = list(code)
    exchanged[one], exchanged[other] = exchanged[other], exchanged[one]
    if exchanged != list(code):
        assert mistyped("".join(exchanged)).kind == "checksum"


def test_every_error_in_some_codes_is_noticed() -> None:
    """All 440 substitutions and all 190 exchanges of each."""
    for code in (new_code(), new_code(), "3" * 20, "4679ACDEFGHJKMNPQRTX"):
        for position, wrong in itertools.product(range(LENGTH), ALPHABET):
            if wrong != code[position]:
                assert mistyped(code[:position] + wrong + code[position + 1 :]).kind == "checksum"
        for one, other in itertools.combinations(range(LENGTH), 2):
            _exchange_is_noticed(code, one, other)


SEPARATORS = list(" -\t\n\u3000\u00a0ーｰ‐\u2011\u2012–—―−－﹣─━〜\u200b\ufeff\u00ad") + [" - ", "\r\n"]


def _widened(character: str) -> str:
    return chr(ord(character) + 0xFEE0)


@given(CODES, st.data())
def test_a_code_may_be_typed_in_any_way(code: str, data: st.DataObject) -> None:
    """In either case and width, with or without what stands between groups."""
    typed = data.draw(st.sampled_from(["", *SEPARATORS]))
    for character in code:
        style = data.draw(st.sampled_from([str, str.lower, _widened, lambda c: _widened(c.lower())]))
        typed += style(character) + data.draw(st.sampled_from(["", "", *SEPARATORS]))
    assert normalise(typed[:100]) == code if len(typed) <= 100 else mistyped(typed).kind == "length"


@pytest.mark.parametrize("separator", SEPARATORS)
def test_each_separator_is_left_out(separator: str) -> None:
    assert normalise(separator.join("3" * 20)) == "3" * 20


@pytest.mark.parametrize(
    "wrong", [*"".join(LOOK_ALIKES), *"oilzsbuv", "Ｏ", "０", "あ", "髙", "А", "*", "_", "é", "İ", "\0"]
)
@pytest.mark.parametrize("position", [1, 7, 20])
def test_a_character_that_no_code_has_is_pointed_at(wrong: str, position: int) -> None:
    """By its place without separators, and without repeating what was typed. А is Cyrillic."""
    code = new_code()
    failure = mistyped(printed(code[: position - 1] + wrong + code[position:]))
    assert (failure.kind, failure.position) == ("character", position)
    assert failure.reason == f"character {position} is not one that codes are made of"


@pytest.mark.parametrize("text", ["", " ", "----", "3", "3" * 19, "3" * 21, "3" * 40, "3" * 1_000_000, "ﷺ" * 1_000_000])
def test_the_length_is_said(text: str) -> None:
    failure = mistyped(text)
    assert (failure.kind, failure.position, failure.reason) == ("length", None, "a code has 20 characters")


@given(st.text(max_size=120))
def test_whatever_is_typed_is_a_code_or_mistyped(text: str) -> None:
    try:
        code = normalise(text)
    except CodeMistyped as failure:
        assert failure.kind in ("length", "character", "checksum")
        assert (failure.position is None) == (failure.kind != "character")
    else:
        assert set(code) <= set(ALPHABET) and len(code) == LENGTH


def test_no_message_holds_the_code() -> None:
    """It may end in a log; the code may be right but for one character."""
    code = new_code()
    kinds: list[Literal["length", "character", "checksum"]] = ["length", "character", "checksum"]
    swapped = code[:-1] + ALPHABET[ALPHABET.index(code[-1]) - 1]
    for kind, text in zip(kinds, (code[:-1], "0" + code[1:], swapped), strict=True):
        failure = mistyped(text)
        assert failure.kind == kind
        assert not any(code[start : start + 4] in repr(failure) + str(failure) for start in range(LENGTH - 4))


# What the database keeps


def test_a_digest_is_keyed() -> None:
    """32 bytes that nobody without the pepper can compute, not even for a code they hold."""
    code = new_code()
    digest = code_digest(code, PEPPER)
    assert len(digest) == 32 and digest == code_digest(code, PEPPER)
    assert digest != code_digest(code, secrets.token_bytes(32))
    assert digest != code_digest(new_code(), PEPPER)
    assert digest not in (
        hashlib.blake2b(code.encode(), digest_size=32).digest(),
        hashlib.sha256(code.encode()).digest(),
    )


def test_a_known_digest() -> None:
    """Digests that are stored stay valid."""
    known = "1b8cca60d75f5b30d069f97de78a3e5af4852e60df570309b361079bee88ad6a"
    assert code_digest("3" * 20, PEPPER).hex() == known


@given(CODES)
def test_a_code_is_known_again_however_it_is_typed(code: str) -> None:
    digest = code_digest(code, PEPPER)
    assert code_digest(normalise(printed(code).lower()), PEPPER) == digest
    assert code_digest(new_code(), PEPPER) != digest


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_pepper_has_32_bytes(length: int) -> None:
    """BLAKE2b would take an empty one, and the digests would be those that anyone can compute."""
    with pytest.raises(KeyUnusable, match=f"has {length} bytes"):
        code_digest(new_code(), bytes(length))


def test_what_is_no_code_has_no_digest() -> None:
    with pytest.raises(CodeMistyped):
        code_digest("3" * 19, PEPPER)


# Names of slots


def test_a_pseudonym_is_an_identifier_and_tells_nothing() -> None:
    """Never the same twice, and every character of it drawn."""
    names = [pseudonym() for _ in range(2000)]
    assert len(set(names)) == len(names)
    for name in names:
        assert identifier(name, "voter") == name and name.startswith("v-") and len(name) == 18
    for position in range(2, 18):
        assert {name[position] for name in names} == set(ALPHABET.lower())
