"""The named checks: each is one small function that returns None or rejects with a reason.

Names and numbers are those of docs/checks.md. Replay decides *when* a check runs and on what; a `Judge`
(verifier.report) decides what a rejection means: the server refuses the entry, the verifier lists it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from verifier.errors import CheckFailed

GROUPS = {
    "V1": "Completeness",
    "V2": "Authenticity",
    "V3": "Consistency",
    "V4": "Integrity",
    "V5": "Evidence",
}


class Rejected(Exception):
    """Raised inside a check; carries the reason. Leaves a check only as CheckFailed."""


def reject(reason: str) -> NoReturn:
    """Reject the object at hand."""
    raise Rejected(reason)


class Check:
    """A named check. Calling it raises CheckFailed, or returns what its function returns."""

    def __init__(self, code: str, function: Callable[..., Any]) -> None:
        self.code = code
        self.name = f"{code} {''.join(word.capitalize() for word in function.__name__.split('_'))}"
        self.function = function

    def __call__(self, where: str, *args: Any) -> Any:
        try:
            return self.function(*args)
        except Rejected as rejection:
            raise CheckFailed(self.name, str(rejection), where) from None

    @property
    def group(self) -> str:
        """The heading under which the check is reported."""
        return GROUPS[self.code.split(".")[0]]

    @property
    def order(self) -> tuple[int, int]:
        """Its place in the report."""
        major, minor = self.code[1:].split(".")
        return int(major), int(minor)


CHECKS: dict[str, Check] = {}


def check(code: str) -> Callable[[Callable[..., Any]], Check]:
    """Register a function as the check `code`."""

    def register(function: Callable[..., Any]) -> Check:
        CHECKS[code] = Check(code, function)
        return CHECKS[code]

    return register
