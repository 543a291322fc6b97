"""Counting groups: the partition of protocol section 6, worked by hand and as properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.replay.groups import below_minimum, partition


@pytest.mark.parametrize(
    ("sizes", "minimum", "groups"),
    [
        ({"a": 12, "b": 15}, 10, [("a",), ("b",)]),
        ({"a": 12, "b": 3, "c": 8}, 10, [("a",), ("b", "c")]),
        ({"a": 30, "b": 3, "c": 20}, 10, [("a",), ("b", "c")]),
        ({"a": 20, "b": 20, "c": 1}, 10, [("b",), ("a", "c")]),
        ({"a": 11, "b": 5, "c": 0}, 10, [("a", "b", "c")]),
        ({"a": 1, "b": 2}, 10, [("a", "b")]),
        ({"a": 0, "b": 0}, 0, [("a",), ("b",)]),
        ({"a": 10}, 10, [("a",)]),
        ({"a": 9}, 10, [("a",)]),
    ],
)
def test_worked_examples(sizes: dict[str, int], minimum: int, groups: list[tuple[str, ...]]) -> None:
    assert partition(sizes, minimum) == groups


def test_a_whole_contest_below_the_minimum_is_known_as_such() -> None:
    assert below_minimum({"a": 1, "b": 2}, [("a", "b")], 10)
    assert not below_minimum({"a": 1, "b": 9}, [("a", "b")], 10)


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(0, 30), min_size=1), st.integers(0, 40))
def test_a_partition_with_no_small_group_unless_all_is_small(sizes: dict[str, int], minimum: int) -> None:
    groups = partition(sizes, minimum)
    assert sorted(unit for group in groups for unit in group) == sorted(sizes)
    if below_minimum(sizes, groups, minimum):
        assert len(groups) == 1
        assert sum(sizes.values()) < minimum


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(0, 30), min_size=1), st.integers(0, 40))
def test_a_unit_that_is_large_enough_is_joined_only_when_it_must(sizes: dict[str, int], minimum: int) -> None:
    joined = [group for group in partition(sizes, minimum) if len(group) > 1]
    small = sum(size for size in sizes.values() if size < minimum)
    if joined and small >= minimum:
        assert all(sizes[unit] < minimum for unit in joined[0])
