"""Reading under a judge: what a parser refuses goes to V4.1 Canonical and V4.2 IntegersCanonical."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from verifier.checks import integrity
from verifier.errors import BadInteger, NotCanonical
from verifier.report import Judge

T = TypeVar("T")


class Skip(Exception):
    """A part could not be read; the judge knows why, and what depends on it is not looked at."""


def read(judge: Judge, where: str, parse: Callable[..., T], *args: Any) -> T:
    """`parse(*args)`. Raises Skip after the judge was told; a Gate has raised CheckFailed before."""
    try:
        value = parse(*args)
    except (NotCanonical, BadInteger) as refusal:
        judge.run(integrity.canonical, where, refusal)
        judge.run(integrity.integers_canonical, where, refusal)
        raise Skip from None
    judge.run(integrity.canonical, where, None)
    judge.run(integrity.integers_canonical, where, None)
    return value
