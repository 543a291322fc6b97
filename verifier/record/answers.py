"""Plaintexts of mixnet contests: an option index, a ranking or a text (protocol, section 3).

An answer is a payload of bytes: two bytes of length, the payload, zeros up to the full plaintext. A contest of
width w spreads it over w plaintexts of ⌊(|N| − 1)/8⌋ bytes each, so that each is below N.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from gmpy2 import mpz

from verifier.record.manifest import BLANK, Contest, Kind

LENGTH_BYTES = 2
INDEX_BYTES = 2

Answer = str | tuple[str, ...]
"""An option id or "blank" (index), option ids in order (ranking), the text itself (write-in)."""


class Undecodable(Exception):
    """A plaintext that is no answer to its contest: counted as invalid and listed, never dropped."""


def block_bytes(modulus_bits: int) -> int:
    """Payload bytes of one plaintext."""
    return (modulus_bits - 1) // 8


def payload_bytes(contest: Contest) -> int:
    """The longest payload that an answer to this contest can have."""
    if contest.kind is Kind.INDEX:
        return INDEX_BYTES
    return INDEX_BYTES * contest.most if contest.kind is Kind.RANKING else contest.most


def fits(contest: Contest, modulus_bits: int) -> bool:
    """Does every answer fit the contest's plaintexts?"""
    return LENGTH_BYTES + payload_bytes(contest) <= contest.width * block_bytes(modulus_bits)


def encode_answer(contest: Contest, modulus_bits: int, answer: Answer) -> list[mpz]:
    """The `width` plaintexts of an answer. Raises ValueError for an answer that the contest does not allow."""
    payload = _payload(contest, answer)
    size = block_bytes(modulus_bits)
    if len(payload) > payload_bytes(contest):
        raise ValueError(f"contest {contest.id}: the answer is too long")
    data = (len(payload).to_bytes(LENGTH_BYTES, "big") + payload).ljust(contest.width * size, b"\0")
    plaintexts = [mpz(int.from_bytes(data[i : i + size], "big")) for i in range(0, len(data), size)]
    try:
        decode_answer(contest, modulus_bits, plaintexts)
    except Undecodable as error:
        raise ValueError(f"contest {contest.id}: {error}") from None
    return plaintexts


def _payload(contest: Contest, answer: Answer) -> bytes:
    if contest.kind is Kind.TEXT:
        if not isinstance(answer, str):
            raise ValueError(f"contest {contest.id}: a text was expected")
        try:
            return answer.encode()
        except UnicodeEncodeError:
            raise ValueError(f"contest {contest.id}: the text is not Unicode") from None
    index_of = {option.id: index for index, option in enumerate(contest.options)}
    if contest.kind is Kind.INDEX and contest.blank:
        index_of[BLANK] = len(contest.options)
    ids = answer if isinstance(answer, tuple) else (answer,)
    if any(option_id not in index_of for option_id in ids):
        raise ValueError(f"contest {contest.id}: unknown option")
    return b"".join(index_of[option_id].to_bytes(INDEX_BYTES, "big") for option_id in ids)


def decode_answer(contest: Contest, modulus_bits: int, plaintexts: Sequence[mpz]) -> Answer:
    """The answer that the plaintexts carry, of which each is in [0, N).

    Raises Undecodable with the reason.
    """
    size = block_bytes(modulus_bits)
    if any(m >> (8 * size) for m in plaintexts):
        raise Undecodable("the plaintext is larger than an encoded answer")
    data = b"".join(int(m).to_bytes(size, "big") for m in plaintexts)
    length = int.from_bytes(data[:LENGTH_BYTES], "big")
    payload, padding = data[LENGTH_BYTES : LENGTH_BYTES + length], data[LENGTH_BYTES + length :]
    if len(payload) != length or length > payload_bytes(contest):
        raise Undecodable("the answer is too long")
    if padding.strip(b"\0"):
        raise Undecodable("the padding is not zero")
    if contest.kind is Kind.TEXT:
        return _text(contest, payload)
    return _options(contest, payload)


def _text(contest: Contest, payload: bytes) -> str:
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        raise Undecodable("the text is not UTF-8") from None
    if unicodedata.normalize("NFC", text) != text:
        raise Undecodable("the text is not in Unicode normal form C")
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise Undecodable("the text holds control characters")
    if not (contest.blank and not payload) and len(payload) < max(contest.least, 1):
        raise Undecodable("the text is too short")
    return text


def _options(contest: Contest, payload: bytes) -> Answer:
    if len(payload) % INDEX_BYTES:
        raise Undecodable("half an option")
    indexes = [int.from_bytes(payload[i : i + INDEX_BYTES], "big") for i in range(0, len(payload), INDEX_BYTES)]
    limit = contest.choices if contest.kind is Kind.INDEX else len(contest.options)
    if any(index >= limit for index in indexes):
        raise Undecodable("an option that is not on the list")
    if contest.kind is Kind.INDEX:
        if len(indexes) != 1:
            raise Undecodable("not exactly one option")
        return contest.option_id(indexes[0])
    if len(set(indexes)) != len(indexes):
        raise Undecodable("an option ranked twice")
    if not (contest.blank and not indexes) and len(indexes) < max(contest.least, 1):
        raise Undecodable("too few options ranked")
    return tuple(contest.option_id(index) for index in indexes)


def is_blank(contest: Contest, answer: Answer) -> bool:
    """Is this a blank vote?"""
    return answer == BLANK if contest.kind is Kind.INDEX else not answer
