"""Counting groups: a partition of units in which no published group is below the minimum (protocol, section 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def partition(sizes: Mapping[str, int], minimum: int) -> list[tuple[str, ...]]:
    """Units in the order of `sizes` (counted ballots by unit), grouped.

    Units below `minimum` are joined; while their union is below it, the next smallest unit joins, ties by identifier.
    The joined units form the last group, in their given order.
    """
    joined = {unit for unit, size in sizes.items() if size < minimum}
    rest = sorted((unit for unit in sizes if unit not in joined), key=lambda unit: (sizes[unit], unit))
    while joined and rest and sum(sizes[unit] for unit in joined) < minimum:
        joined.add(rest.pop(0))
    groups: list[tuple[str, ...]] = [(unit,) for unit in sizes if unit not in joined]
    if joined:
        groups.append(tuple(unit for unit in sizes if unit in joined))
    return groups


def below_minimum(sizes: Mapping[str, int], groups: Sequence[tuple[str, ...]], minimum: int) -> bool:
    """Is the whole contest below the minimum, so that opening it is a decision of two officials?"""
    return any(sum(sizes[unit] for unit in group) < minimum for group in groups)
