"""The steps of an election from definition to result, and where each stands: what officials are told to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from verifier.record.entries import Type, parse_entry
from verifier.record.manifest import HOMOMORPHIC
from voting.board.models import BoardEntry
from voting.elections.models import Election, Party
from voting.officials.models import Proposal
from voting.officials.roles import Act
from voting.officials.services import approved, target_of
from voting.polls.opening import APPROVAL

AFTER: Mapping[Type, frozenset[Type]] = MappingProxyType(
    {
        Type.MANIFEST: frozenset(),
        Type.KEY: frozenset({Type.MANIFEST}),
        Type.ROLL_COMMITMENT: frozenset({Type.MANIFEST}),
        Type.POLLS_OPENED: frozenset({Type.KEY, Type.ROLL_COMMITMENT}),
        Type.POLLS_CLOSED: frozenset({Type.POLLS_OPENED}),
        Type.WITHDRAWALS: frozenset({Type.POLLS_CLOSED}),
        Type.TALLY_FROZEN: frozenset({Type.POLLS_CLOSED}),
        Type.MIX_STAGE: frozenset({Type.TALLY_FROZEN}),
        Type.OPENING: frozenset({Type.TALLY_FROZEN, Type.MIX_STAGE}),
        Type.RESULT: frozenset({Type.OPENING}),
    }
)
"""The entries that make the steps, in their order, and what must be on the board before each."""

STEPS: Mapping[Type, Promise] = MappingProxyType(
    {
        Type.MANIFEST: _("Fix contests and candidates"),
        Type.KEY: _("Trustees make the election key"),
        Type.ROLL_COMMITMENT: _("Commit to the roll"),
        Type.POLLS_OPENED: _("Open the polls"),
        Type.POLLS_CLOSED: _("Close the polls"),
        Type.WITHDRAWALS: _("Withdraw refused ballots, if there are any"),
        Type.TALLY_FROZEN: _("Freeze what is counted"),
        Type.MIX_STAGE: _("Mixers shuffle"),
        Type.OPENING: _("Trustees open"),
        Type.RESULT: _("Publish the result"),
    }
)
_STAGES = (
    (Type.RESULT, _("result published")),
    (Type.OPENING, _("opened, to be published")),
    (Type.TALLY_FROZEN, _("being counted")),
    (Type.POLLS_CLOSED, _("polls closed")),
    (Type.POLLS_OPENED, _("voting under way")),
    (Type.MANIFEST, _("definition fixed")),
)


class Standing(TextChoices):
    """Where a step stands."""

    DONE = "done", _("done")
    TO_SIGN = "to-sign", _("agreed: to be signed by two officials")
    WAITING = "waiting", _("waiting for a second person")
    NOW = "now", _("to do now")
    LATER = "later", _("later")


@dataclass(frozen=True)
class Step:
    """One step: the entry that it puts on the board, and the act for which two officials agree, if it has one."""

    kind: Type
    title: Promise
    standing: Standing
    act: Act | None


def steps(election: Election) -> list[Step]:
    """Every step of an election, in order; the mixers' only where there is something to mix."""
    there = _on_board(election)
    mixed = election.contests.exclude(kind__in=HOMOMORPHIC).exists()
    kinds = [kind for kind in STEPS if mixed or kind is not Type.MIX_STAGE]
    return [Step(kind, STEPS[kind], _standing(election, kind, there), APPROVAL.get(kind)) for kind in kinds]


def next_step(election: Election) -> Step | None:
    """The first step that is not done and can be taken; None after the result."""
    open_steps = [step for step in steps(election) if step.standing not in (Standing.DONE, Standing.LATER)]
    return open_steps[0] if open_steps else None


def stage(election: Election) -> Promise:
    """Where the election is, in a few words."""
    there = _on_board(election)
    return next((name for kind, name in _STAGES if kind in there), _("being defined"))


def _on_board(election: Election) -> set[str]:
    """The steps that are done."""
    kinds = set(BoardEntry.objects.filter(election=election, type__in=AFTER).values_list("type", flat=True))
    if Type.TALLY_FROZEN not in kinds:
        return kinds
    # Nothing can be withdrawn after the freeze: an election without refused ballots has passed that step.
    kinds.add(Type.WITHDRAWALS)
    return kinds | {Type.MIX_STAGE} if is_mixed(election) else kinds - {Type.MIX_STAGE}


def is_mixed(election: Election) -> bool:
    """After the freeze: whether every mixer has shuffled every group that is mixed."""
    made = BoardEntry.objects.filter(election=election, type=Type.MIX_STAGE).count()
    mixers = election.parties.filter(role=Party.Role.MIXER).count()
    return made >= mixers * len(mixed_groups(election))


def mixed_groups(election: Election) -> list[tuple[str, int, int]]:
    """What is mixed, as the freeze on the board says: (contest, group, ballots) of every group that has ballots.

    Read from the entry and not from the replay, which may be busy with checking a shuffle.
    """
    frozen = BoardEntry.objects.filter(election=election, type=Type.TALLY_FROZEN).first()
    contests = parse_entry(bytes(frozen.raw)).body["contests"] if frozen else []
    return [
        (contest["contest"], number, group["ballots"])
        for contest in contests
        if contest["open"]
        for number, group in enumerate(contest["groups"])
        if group["ballots"] and not group["ciphertext"]
    ]


def _standing(election: Election, kind: Type, there: set[str]) -> Standing:
    if kind in there:
        return Standing.DONE
    if not AFTER[kind] <= there:
        return Standing.LATER
    act = APPROVAL.get(kind)
    if act is None:
        return Standing.NOW
    if approved(act, election):
        return Standing.TO_SIGN
    asked = Proposal.objects.filter(act=act, target=target_of(election), decision=Proposal.Decision.PENDING)
    return Standing.WAITING if asked.exists() else Standing.NOW
