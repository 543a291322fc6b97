"""What the applications refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from voting.errors import VotingError


class RuleInvalid(VotingError):
    """A moment or a condition of a category is not one; `where` names the column or the text."""

    code = "rule-invalid"


class FactMissing(VotingError):
    """A condition asks for a fact that is not known; `name` is its name in the condition."""

    code = "fact-missing"

    def __init__(self, name: str) -> None:
        super().__init__(f"the condition needs {name}, which is not known", name)
        self.name = name


class CatalogueInvalid(VotingError):
    """The catalogue of categories contradicts itself; `where` names the category and the field."""

    code = "catalogue-invalid"


class ClaimFault(NamedTuple):
    """One thing wrong with one claim; `field` is as in the form ("number", "period.end"), `message` for the voter."""

    field: str
    message: str


class ClaimInvalid(VotingError):
    """The claims about a piece of evidence are not acceptable; `faults` names everything that is wrong."""

    code = "claim-invalid"

    def __init__(self, faults: Sequence[ClaimFault], where: str) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in faults), where)
        self.faults = tuple(faults)


class NotOffered(VotingError):
    """The election does not offer this category, or not to this person."""

    code = "not-offered"


class OutOfTime(VotingError):
    """Before the first or after the last moment; `alternatives` are the offers still open then."""

    code = "out-of-time"

    def __init__(self, reason: str, where: str, alternatives: Sequence[object] = ()) -> None:
        super().__init__(reason, where)
        self.alternatives = tuple(alternatives)


class ConditionNotMet(VotingError):
    """What is stated does not meet the category's condition."""

    code = "condition-not-met"


class EvidenceMissing(VotingError):
    """The evidence is not one of the category's alternatives, or a file is missing or not allowed."""

    code = "evidence-missing"


class WrongState(VotingError):
    """The application is not in a state in which this can happen."""

    code = "wrong-state"


class AlreadyApplied(VotingError):
    """This person has an application that is not over."""

    code = "already-applied"


class NotMatched(VotingError):
    """Nobody on the roll is known to be the applicant."""

    code = "not-matched"


class RequestInvalid(VotingError):
    """A request that is incomplete or not in the right form; `faults` names everything."""

    code = "request-invalid"

    def __init__(self, faults: Sequence[ClaimFault], where: str = "") -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in faults), where)
        self.faults = tuple(faults)
