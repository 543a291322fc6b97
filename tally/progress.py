"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Steps = Callable[[int, int], None]
"""told (steps done, steps in all)"""
Tested = Callable[[int], None]
"""told how many candidates a search has tested; how many there will be is chance"""


def silent(*_: int) -> None:
    """Report nothing."""
