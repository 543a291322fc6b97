"""Two different statements never give the same bytes, and every challenge depends on all that was said before."""

from __future__ import annotations

from typing import Any

import pytest
from gmpy2 import mpz
from hypothesis import given
from hypothesis import strategies as st

from verifier.crypto.transcript import Transcript, digest, encode, hash_to_range

items = st.recursive(
    st.one_of(st.integers(0, 2**600), st.text(), st.binary()), lambda inner: st.lists(inner, max_size=4), max_leaves=12
)


def plain(item: Any) -> Any:
    """Equality that tells b"" from "" and from []."""
    return [type(item).__name__, [plain(part) for part in item] if isinstance(item, list) else item]


@given(items, items)
def test_the_encoding_is_injective(one: Any, other: Any) -> None:
    assert (encode(one) == encode(other)) == (plain(one) == plain(other))


def test_where_one_item_ends_and_the_next_begins_matters() -> None:
    first, second = Transcript("kind", b"e" * 32), Transcript("kind", b"e" * 32)
    first.absorb("ab", "c")
    second.absorb("a", "bc")
    assert first.challenge("e") != second.challenge("e")


@pytest.mark.parametrize("item", [1.5, None, True, {"a": 1}, object()])
def test_what_has_no_encoding_is_refused(item: object) -> None:
    with pytest.raises(TypeError):
        encode(item)


def test_negative_integers_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        encode(-1)
    assert encode(mpz(5)) == encode(5)


def test_challenges_depend_on_kind_election_label_and_order() -> None:
    seen = set()
    for kind in ("membership", "shuffle"):
        for election in (b"e" * 32, b"f" * 32):
            for label in ("x", "y"):
                for said in ((1, 2), (2, 1)):
                    transcript = Transcript(kind, election)
                    transcript.absorb(*said)
                    seen.add(transcript.challenge(label))
    assert len(seen) == 16


def test_a_later_challenge_differs_from_an_earlier_one_of_the_same_label() -> None:
    transcript = Transcript("kind", b"e" * 32)
    assert transcript.challenge("x") != transcript.challenge("x")


@given(st.integers(0, 50))
def test_many_challenges_are_in_their_range_and_differ(count: int) -> None:
    found = Transcript("kind", b"e" * 32).challenges("tau", count)
    assert len(found) == len(set(found)) == count
    assert all(0 <= tau < 2**128 for tau in found)


@given(st.integers(2, 2**200), st.text(max_size=5))
def test_hashing_to_a_range_stays_inside_and_uses_its_tag(bound: int, tag: str) -> None:
    found = hash_to_range(mpz(bound), tag, 7)
    assert 1 <= found < bound
    assert found == hash_to_range(mpz(bound), tag, 7)


@pytest.mark.parametrize("bound", [0, 1])
def test_an_empty_range_ends_at_once(bound: int) -> None:
    with pytest.raises(ValueError, match="empty range"):
        hash_to_range(mpz(bound), "tag")


def test_hashing_to_a_range_reaches_all_of_it_evenly() -> None:
    counts = [0] * 5
    for at in range(4000):
        counts[hash_to_range(mpz(5), "even", at)] += 1
    assert counts[0] == 0
    assert min(counts[1:]) > 850


def test_every_use_has_its_own_tag() -> None:
    assert digest("one", 1) != digest("other", 1)
