"""Judges: what happens with the verdict of a check.

`Gate` stops at the first rejection (the server). `Report` runs everything, counts, times and lists every failure (an
observer, a trustee, a mixer). `Trust` runs nothing: it rebuilds the state of a log that was admitted before.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from verifier.checks import CHECKS, Check
from verifier.crypto.equation import BatchDisagrees
from verifier.errors import CheckFailed

BROKEN = (ArithmeticError, LookupError, RuntimeError, StopIteration, TypeError, ValueError)
"""An exception in a check is a rejection by that check, never a pass."""


class Judge(Protocol):
    """How replay asks for a check."""

    def run(self, check: Check, where: str, *args: Any) -> bool:
        """Run a check on one object. True when it passed."""

    def run_batch(self, check: Check, places: Sequence[str], *args: Any) -> bool:
        """Run a check that returns the failures among many objects as {position: reason}."""


def _evaluate(check: Check, where: str, *args: Any) -> Any:
    try:
        return check(where, *args)
    except BROKEN as error:
        raise CheckFailed(check.name, f"could not be evaluated ({type(error).__name__})", where) from error
    except BatchDisagrees as error:
        raise CheckFailed(CHECKS["V5.19"].name, str(error), where) from error


class Gate:
    """Raises CheckFailed at the first rejection, so that nothing is half-done."""

    def run(self, check: Check, where: str, *args: Any) -> bool:
        _evaluate(check, where, *args)
        return True

    def run_batch(self, check: Check, places: Sequence[str], *args: Any) -> bool:
        for position, reason in sorted((_evaluate(check, "", *args) or {}).items()):
            raise CheckFailed(check.name, reason, places[position])
        return True


class Trust:
    """Runs no check. Only for reading what was judged before, never for a verdict."""

    def run(self, check: Check, where: str, *args: Any) -> bool:
        return True

    def run_batch(self, check: Check, places: Sequence[str], *args: Any) -> bool:
        return True


@dataclass
class Tally:
    """How often a check ran, how long it took in all processes together, and what it rejected."""

    count: int = 0
    seconds: float = 0.0
    failures: list[CheckFailed] = field(default_factory=list)


@dataclass
class Report:
    """Everything that the checks said. Reports of worker processes are merged into one."""

    tallies: dict[str, Tally] = field(default_factory=dict)

    def run(self, check: Check, where: str, *args: Any) -> bool:
        started = time.perf_counter()
        rejections: list[CheckFailed] = []
        try:
            _evaluate(check, where, *args)
        except CheckFailed as failure:
            rejections.append(failure)
        self._note(check, 1, started, rejections)
        return not rejections

    def run_batch(self, check: Check, places: Sequence[str], *args: Any) -> bool:
        started = time.perf_counter()
        rejections: list[CheckFailed] = []
        try:
            found = _evaluate(check, places[0] if places else "", *args) or {}
            rejections = [
                CheckFailed(check.name, reason, places[position]) for position, reason in sorted(found.items())
            ]
        except CheckFailed as failure:
            rejections.append(failure)
        self._note(check, len(places), started, rejections)
        return not rejections

    def _note(self, check: Check, count: int, started: float, rejections: list[CheckFailed]) -> None:
        tally = self.tallies.setdefault(check.code, Tally())
        tally.count += count
        tally.seconds += time.perf_counter() - started
        for rejection in rejections:
            code = rejection.check.split()[0]
            self.tallies.setdefault(code, Tally()).failures.append(rejection)

    def nothing_to_check(self, codes: Sequence[str]) -> None:
        """Checks whose part of the log was reached and held no object for them: run, with a count of 0."""
        for code in codes:
            self.tallies.setdefault(code, Tally())

    def merge(self, other: Report) -> None:
        """Add what another process found."""
        for code, tally in other.tallies.items():
            mine = self.tallies.setdefault(code, Tally())
            mine.count += tally.count
            mine.seconds += tally.seconds
            mine.failures += tally.failures

    @property
    def failures(self) -> list[CheckFailed]:
        """All rejections, in the order of the checks."""
        return [
            failure
            for code in sorted(self.tallies, key=lambda code: CHECKS[code].order)
            for failure in self.tallies[code].failures
        ]

    def status(self, code: str) -> str:
        """PASS, FAIL or NOT RUN."""
        if code not in self.tallies:
            return "NOT RUN"
        return "FAIL" if self.tallies[code].failures else "PASS"

    @property
    def valid(self) -> bool:
        """Every check that exists ran and nothing was rejected."""
        return all(self.status(code) == "PASS" for code in CHECKS)
