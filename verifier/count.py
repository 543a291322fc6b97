"""Counting: from opened plaintexts to a result (protocol, sections 6 and 7). Exact, pure, and the only count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gmpy2 import mpz

from verifier.record.answers import Answer, Undecodable, decode_answer, is_blank
from verifier.record.manifest import Contest, Kind


@dataclass(frozen=True)
class GroupCount:
    """The count of one contest in one counting group."""

    ballots: int
    counts: tuple[tuple[Answer, int], ...]
    """every option in the manifest's order, or the rankings or texts that occurred, sorted"""
    blank: int | None
    """blank votes; None where they cannot be told apart (*choose several*)"""
    invalid: tuple[int, ...]
    """rows of the opening that decode to no answer"""
    overflow: int
    """what is left above the last slot of a homomorphic tally: 0 in an honest one"""


def slot_bits(rows: int) -> int:
    """b, the smallest with 2^b > rows of the roll: no count can reach the next slot."""
    return rows.bit_length()


def count_slots(contest: Contest, m: mpz, b: int, ballots: int) -> GroupCount:
    """Split a homomorphic tally m in base B = 2^b: the count of option j is digit j."""
    slots = contest.choices if contest.kind is Kind.CHOOSE_ONE else len(contest.options)
    digits = [int(m >> (b * j) & ((1 << b) - 1)) for j in range(slots)]
    counts = tuple((option.id, digit) for option, digit in zip(contest.options, digits, strict=False))
    blank = None
    if contest.kind is Kind.CHOOSE_ONE:
        blank = digits[-1] if contest.blank else 0
    return GroupCount(ballots, counts, blank, (), int(m >> (b * slots)))


def count_answers(contest: Contest, modulus_bits: int, rows: Sequence[Sequence[mpz]]) -> GroupCount:
    """Decode each mixed row and count; what does not decode is invalid and listed."""
    counter: Counter[Answer] = Counter()
    blank, invalid = 0, []
    for position, plaintexts in enumerate(rows):
        try:
            answer = decode_answer(contest, modulus_bits, plaintexts)
        except Undecodable:
            invalid.append(position)
            continue
        if is_blank(contest, answer):
            blank += 1
        else:
            counter[answer] += 1
    return GroupCount(len(rows), _ordered(contest, counter), blank, tuple(invalid), 0)


def _ordered(contest: Contest, counter: Counter[Answer]) -> tuple[tuple[Answer, int], ...]:
    if contest.kind in (Kind.RANKING, Kind.TEXT):
        return tuple(sorted(counter.items()))
    return tuple((option.id, counter[option.id]) for option in contest.options)


def misfit(contest: Contest, count: GroupCount) -> str | None:
    """Why the counts of a group do not add up to its ballots, or None when they do."""
    marks = sum(number for _, number in count.counts)
    if contest.kind is Kind.CHOOSE_SEVERAL:
        least = 0 if contest.blank else contest.least
        if not least * count.ballots <= marks <= contest.most * count.ballots:
            return f"{marks} marks from {count.ballots} ballots"
        return None
    found = marks + (count.blank or 0) + len(count.invalid)
    return None if found == count.ballots else f"{found} votes from {count.ballots} ballots"


def count_record(count: GroupCount) -> dict[str, Any]:
    """The wire form of a group's count."""
    return {
        "ballots": count.ballots,
        "blank": count.blank,
        "counts": _counts_record(count.counts),
        "invalid": list(count.invalid),
    }


def total_record(contest: Contest, groups: Sequence[GroupCount]) -> dict[str, Any]:
    """The wire form of a contest's total: sums over groups, invalid votes as a number."""
    counter: Counter[Answer] = Counter()
    for group in groups:
        counter.update(dict(group.counts))
    blank = sum(group.blank or 0 for group in groups)
    return {
        "ballots": sum(group.ballots for group in groups),
        "blank": None if contest.kind is Kind.CHOOSE_SEVERAL else blank,
        "counts": _counts_record(_ordered(contest, counter)),
        "invalid": sum(len(group.invalid) for group in groups),
    }


def _counts_record(counts: Sequence[tuple[Answer, int]]) -> list[dict[str, Any]]:
    return [
        {"answer": list(answer) if isinstance(answer, tuple) else answer, "count": number} for answer, number in counts
    ]
