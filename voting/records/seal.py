"""Sealing the records: two people, only when everything agrees, and from then on any change shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from voting.elections.models import Election
from voting.officials.models import Official, Proposal
from voting.officials.roles import Act
from voting.officials.services import carries_out, key_of_target, propose, require
from voting.records.balance import balance
from voting.records.count_record import count_problems
from voting.records.documents import Fingerprint, fingerprint
from voting.records.errors import AlreadySealed, NotBalanced, NotSealed
from voting.records.exports import office_of
from voting.records.models import Document, Part, Seal

PARTS = "parts"


def seal_problems(election: Election, part: Part = Part.VOTING) -> list[str]:
    """What stands against sealing, in words: every identity that does not hold, and what is not finished."""
    found = balance(election)
    if part is Part.COUNT:
        return [*found.problems(), *count_problems(election, found)]
    problems = found.problems()
    if not found.board.closed:
        problems.append(_("the polls are not closed"))
    if found.total.undecided:
        problems.append(_("applications nobody has decided: %(number)d") % {"number": found.total.undecided})
    if found.total.outstanding:
        problems.append(_("issued ballots that have not lapsed: %(number)d") % {"number": found.total.outstanding})
    return problems


def ask_to_seal(election: Election, *, by: Official, reason: str = "", part: Part = Part.VOTING) -> Proposal:
    """Ask to seal a part of the records. Raises NotPermitted, AlreadyProposed, AlreadySealed, NotBalanced."""
    require(by, Act.SEAL_RECORDS, office_of(election))
    _require_sealable(election, part)
    return propose(
        Act.SEAL_RECORDS,
        office=office_of(election),
        target=election,
        summary=f"{election.title}: {part.label}",
        reason=reason,
        payload={"part": part.value},
        by=by,
    )


@carries_out(Act.SEAL_RECORDS)
def _seal(proposal: Proposal, by: Official) -> None:
    election = Election.objects.get(pk=key_of_target(proposal))
    part = Part(proposal.payload["part"])
    _require_sealable(election, part)
    Seal.objects.create(election=election, part=part, proposal=proposal, digests=_digests(election, part))


def _require_sealable(election: Election, part: Part) -> None:
    if Seal.objects.filter(election=election, part=part).exists():
        raise AlreadySealed(_("The records are sealed already."), election.slug)
    if problems := seal_problems(election, part):
        raise NotBalanced(problems, election.slug)


def _digests(election: Election, part: Part) -> dict[str, Any]:
    prints = {document.value: fingerprint(document, election) for document in part.documents}
    digests = {name: made.digest for name, made in prints.items()}
    return {**digests, PARTS: {name: made.parts for name, made in prints.items()}}


@dataclass(frozen=True)
class Change:
    """A document that is no longer what was sealed."""

    document: Document
    how: Sequence[str]
    """what is different, in sentences; never empty"""


def check_seal(election: Election) -> list[Change]:
    """The documents that are no longer what was sealed, and how they differ. Raises NotSealed, BoardInconsistent."""
    seals = Seal.objects.filter(election=election).order_by("sealed_at")
    if not seals:
        raise NotSealed(_("The records are not sealed yet."), election.slug)
    return [change for seal in seals for change in _changes(seal)]


def _changes(seal: Seal) -> Iterator[Change]:
    for document in Part(seal.part).documents:
        now = fingerprint(document, seal.election)
        if seal.digests.get(document.value) != now.digest:
            sealed = seal.digests.get(PARTS, {}).get(document.value, {})
            yield Change(document, list(_differences(document, sealed, now)))


def _differences(document: Document, sealed: Mapping[str, Sequence[Any]], now: Fingerprint) -> Iterator[str]:
    names = dict.fromkeys((*sealed, *now.parts))
    different = [name for name in names if tuple(sealed.get(name, ())) != now.parts.get(name, ())]
    if not sealed or not different:
        yield _("It is not what was sealed.")
        return
    for name in different:
        yield _difference(name or document.label, sealed.get(name), now.parts.get(name))


def _difference(part: str, sealed: Sequence[Any] | None, now: tuple[int, str] | None) -> str:
    if now is None:
        return _("%(part)s: was sealed and is no longer there") % {"part": part}
    if sealed is None:
        return _("%(part)s: is there now and was not sealed") % {"part": part}
    if sealed[0] == now[0]:
        return _("%(part)s: contents of rows have changed") % {"part": part}
    numbers = {"part": part, "sealed": sealed[0], "now": now[0]}
    return _("%(part)s: %(sealed)d rows were sealed, %(now)d are there now") % numbers
