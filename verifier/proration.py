"""Votes for a name that several candidates bear, shared among them (按分, 公職選挙法68条の2).

On paper a family name alone can mean more than one candidate. Such a vote is valid and is shared in proportion to the
other valid votes of these candidates in the same counting unit. Online every choice is exact, but the online votes are
among these other votes, so they are needed before the paper is shared. Exact: a share is a fraction; shown and added up
are three decimals, of which the rest is cut off, never rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from verifier.errors import VerifierError

THOUSANDTHS = 1000


class CannotProrate(VerifierError):
    """Votes that cannot be shared. `code` says why: "no-candidates", "not-a-count" or "no-proportion"."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True)
class Share:
    """What one candidate gets of the ambiguous votes."""

    exact: Fraction
    truncated: Decimal
    """to three decimals; the fourth and all after it are cut off"""


@dataclass(frozen=True)
class Proration:
    """The shares of all candidates; their exact sum is the number of ambiguous votes."""

    shares: Mapping[str, Share]
    residual: Fraction
    """what cutting off left to nobody, less than 1/1000 for each candidate"""


def prorate(exact: Mapping[str, int | Fraction], ambiguous: int) -> Proration:
    """Share `ambiguous` votes in proportion to the other valid votes of those who bear the name, paper and online.

    `exact`: candidate → other valid votes in the counting unit. Who has none gets no share. Where none of them has any,
    the law names no proportion, so nothing is shared here and the counting officer (開票管理者) has to decide.

    Raises CannotProrate.
    """
    if not exact:
        raise CannotProrate("no-candidates", "there is no candidate to share the votes among")
    for name, votes in (*exact.items(), ("the ambiguous votes", ambiguous)):
        if isinstance(votes, bool) or not isinstance(votes, int | Fraction) or votes < 0:
            raise CannotProrate("not-a-count", f"{name}: {votes!r} is no exact number of votes")
    if not isinstance(ambiguous, int):
        raise CannotProrate("not-a-count", f"the ambiguous votes: {ambiguous!r} is no whole number")
    others = sum(map(Fraction, exact.values()), Fraction(0))
    if ambiguous and not others:
        raise CannotProrate("no-proportion", "no candidate of this name has any other valid vote")
    shares = {name: _share(ambiguous * Fraction(votes) / (others or 1)) for name, votes in exact.items()}
    shown = sum((Fraction(share.truncated) for share in shares.values()), Fraction(0))
    return Proration(shares, ambiguous - shown)


def _share(exact: Fraction) -> Share:
    whole, thousandths = divmod(exact * THOUSANDTHS // 1, THOUSANDTHS)
    return Share(exact, Decimal(f"{whole}.{thousandths:03}"))
