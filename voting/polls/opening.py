"""The acts from fixing the definition to publishing the result: by two officials, and only when nothing is missing."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from tally.stages import freeze_body, result_body
from tally.submission import Submission
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type
from verifier.record.manifest import election_id
from verifier.replay.freeze import small_contests
from verifier.replay.state import Stage
from voting.applications.offers import offer_problems, offered
from voting.board.models import BoardEntry
from voting.board.replica import replica_of
from voting.elections.models import Election, Scope
from voting.elections.served import served_files
from voting.elections.services import build_manifest
from voting.errors import ManifestIncomplete, NotOnBoard, NotPermitted
from voting.officials.models import Official, Proposal
from voting.officials.roles import Act
from voting.officials.services import approved, carries_out, key_of_target, propose, require
from voting.polls.acceptance import require_decided, to_withdraw, withdrawals_body
from voting.polls.calendar import calendar_problems
from voting.polls.errors import NotReady
from voting.roll.commitment import approved_commitment
from voting.roll.eligibility import scopes_of, style_with
from voting.roll.models import Elector, RollImport

APPROVAL = {
    Type.MANIFEST: Act.FIX_DEFINITION,
    Type.POLLS_OPENED: Act.OPEN_POLLS,
    Type.POLLS_CLOSED: Act.CLOSE_POLLS,
    Type.ROLL_COMMITMENT: Act.COMMIT_ROLL,
    Type.TALLY_FROZEN: Act.FREEZE_TALLY,
    Type.RESULT: Act.PUBLISH_RESULT,
}
"""What two officials agree on here before two of them sign it for the board."""
LONGEST_SUMMARY = 500
"""characters of a proposal's summary"""
PREPARED = (*APPROVAL, Type.WITHDRAWALS)
"""Entries that this server writes for officials to sign."""


def definition_problems(election: Election) -> list[str]:
    """What stands against fixing contests and candidates, in words."""
    problems = [] if election.office_id else [_("the election belongs to no office yet")]
    if not election.legal_basis:
        problems.append(_("the legal basis is missing"))
    try:
        build_manifest(election)
    except ManifestIncomplete as error:
        problems += error.problems
    return [*problems, *calendar_problems(election), *_district_problems(election)]


def _district_problems(election: Election) -> Iterator[str]:
    if not election.districts.exists():
        yield _("there is no voting district")
    own = Count("districts", filter=Q(districts__election=election))
    for unit in election.units.annotate(count=own).filter(count=0):
        yield _("counting unit %(unit)s has no voting district") % {"unit": unit.name}
    for district in election.districts.exclude(unit__election=election):
        yield _("voting district %(district)s has a counting unit of another election") % {"district": district.name}


def opening_problems(election: Election) -> list[str]:
    """What stands against opening the polls, in words: every reason at once (requirement 2)."""
    return [
        *definition_problems(election),
        *_board_problems(election),
        *_served_problems(election),
        *_roll_problems(election),
        *_offer_problems(election),
    ]


def _board_problems(election: Election) -> Iterator[str]:
    there = set(BoardEntry.objects.filter(election=election).values_list("type", flat=True))
    if Type.MANIFEST not in there:
        yield _("the manifest is not on the board")
        return
    if Type.KEY not in there:
        yield _("the election key is not on the board")
    if Type.ROLL_COMMITMENT not in there:
        yield _("the commitment to the roll is not on the board")
    replica = replica_of(election.pk)
    with replica.lock:
        state = replica.catch_up().state
        trustees = state.manifest.trustees if state.manifest else ()
        confirmed = set(state.confirmed)
    for number, trustee in enumerate(trustees, 1):
        if number not in confirmed:
            yield _("trustee %(number)s (%(name)s) has not confirmed the share") % {
                "number": number,
                "name": trustee.name,
            }


def _served_problems(election: Election) -> Iterator[str]:
    if election.served and election.served != served_files():
        yield _("this server does not serve the files that the manifest names")


def _roll_problems(election: Election) -> Iterator[str]:
    if not Elector.objects.filter(election=election).exists():
        yield _("there is no roll")
    if RollImport.objects.filter(election=election, state__in=("checking", "checked")).exists():
        yield _("a roll file is still on its way")
    for unit in election.units.prefetch_related("styles__places__contest"):
        contests = {place.contest for style in unit.styles.all() for place in style.places.all()}
        if not contests and _franchises(election, unit.pk):
            yield _("counting unit %(unit)s has no ballot") % {"unit": unit.name}
        for scopes in _franchises(election, unit.pk):
            wanted = {contest.pk for contest in contests if contest.scope in scopes}
            if wanted and style_with(unit, wanted) is None:
                yield _("counting unit %(unit)s has no ballot for people with this franchise: %(scopes)s") % {
                    "unit": unit.name,
                    "scopes": ", ".join(str(scope.label) for scope in sorted(scopes)),
                }


def _franchises(election: Election, unit: int) -> set[frozenset[Scope]]:
    """The combinations of franchise that occur on the roll of a counting unit (who is struck off has none)."""
    fields = ("roll", "mark", "national", "prefectural", "municipal", "kept_in_prefecture")
    kinds = Elector.objects.filter(election=election, district__unit=unit).order_by().values(*fields).distinct()
    return {scopes_of(Elector(**kind)) for kind in kinds} - {frozenset()}


def _offer_problems(election: Election) -> Iterator[str]:
    offers = offered(election)
    if not offers:
        yield _("no absentee category is offered")
    for offer in offers:
        yield from offer_problems(offer)


# Two officials agree


@transaction.atomic
def ask(act: Act, election: Election, *, by: Official, reason: str = "", opened: Collection[str] = ()) -> Proposal:
    """Ask for an act of `APPROVAL` but the commitment to the roll.

    `opened`: contests below the minimum group that are opened all the same (to freeze). Raises NotPermitted,
    AlreadyProposed, NotReady, TextTooLong.
    """
    if election.office is None:
        raise NotPermitted(_("The election belongs to no office yet."), election.slug)
    require(by, act, election.office)
    if act is Act.FIX_DEFINITION:
        _take_served(election)
    _require_ready(act, election)
    return propose(
        act,
        office=election.office,
        target=election,
        summary=_summary(act, election, opened),
        reason=reason,
        payload=_particulars(act, election, opened),
        by=by,
    )


def _summary(act: Act, election: Election, opened: Collection[str]) -> str:
    """The second person reads here what is decided besides."""
    if act is not Act.FREEZE_TALLY or not opened:
        return election.title
    said = _("%(election)s; opened although below the minimum group: %(contests)s") % {
        "election": election.title,
        "contests": ", ".join(sorted(opened)),
    }
    # With many contests the names do not fit; all of them are in what is agreed on.
    return said if len(said) <= LONGEST_SUMMARY else f"{said[: LONGEST_SUMMARY - 1]}…"


def _take_served(election: Election) -> None:
    """What is agreed on names the files as they are now, so that observers can compare what voters get."""
    if election.manifest_hash is None:
        election.served = served_files()
        election.save(update_fields=["served"])


def _particulars(act: Act, election: Election, opened: Collection[str]) -> dict[str, Any]:
    """What exactly is agreed on. Raises NotReady for a contest to open that is not below the minimum group."""
    if act is Act.FIX_DEFINITION:
        return {"manifest": encode_bytes(election_id(build_manifest(election)))}
    if act is Act.FREEZE_TALLY:
        if larger := sorted(set(opened) - set(below_minimum_group(election))):
            raise NotReady([_("%(contest)s: not below the minimum group") % {"contest": one} for one in larger])
        return {"opened": sorted(opened)}
    return {}


def below_minimum_group(election: Election) -> list[str]:
    """Contests that fewer people answered than the minimum group has: opened only if two officials say so."""
    replica = replica_of(election.pk)
    with replica.lock:
        return small_contests(replica.catch_up().state)


def _require_accepted(election: Election) -> None:
    """Every refused ballot is withdrawn on the board before anything is frozen: it is never opened (req. 31)."""
    require_decided(election)
    refused = to_withdraw(election)
    replica = replica_of(election.pk)
    with replica.lock:
        slots = replica.catch_up().state.slots
        left = [name for name in refused if name in slots and not slots[name].withdrawn]
    if left:
        raise NotReady([_("%(count)s refused ballots are not withdrawn on the board") % {"count": len(left)}])


def _require_ready(act: Act, election: Election) -> None:
    if act is Act.FIX_DEFINITION and (problems := definition_problems(election)):
        raise NotReady(problems, election.slug)
    if act is Act.OPEN_POLLS and (problems := opening_problems(election)):
        raise NotReady(problems, election.slug)
    if act is Act.FREEZE_TALLY:
        _require_accepted(election)
    if act is Act.PUBLISH_RESULT:
        _require_opened(election)


def _require_opened(election: Election) -> None:
    replica = replica_of(election.pk)
    with replica.lock:
        stage = replica.catch_up().state.stage
    if stage not in (Stage.OPENED, Stage.PUBLISHED):
        raise NotReady([_("the trustees have not opened the tally yet")], election.slug)


@carries_out(Act.FIX_DEFINITION)
@carries_out(Act.OPEN_POLLS)
@carries_out(Act.CLOSE_POLLS)
@carries_out(Act.FREEZE_TALLY)
@carries_out(Act.PUBLISH_RESULT)
def _agreed(proposal: Proposal, by: Official) -> None:
    # Nothing to do but to look again: the entry itself is signed by two officials and submitted.
    election = Election.objects.get(pk=key_of_target(proposal))
    _require_ready(Act(proposal.act), election)
    _require_unchanged(proposal, election)


def _require_unchanged(proposal: Proposal, election: Election) -> None:
    if proposal.payload != _particulars(Act(proposal.act), election, proposal.payload.get("opened", ())):
        raise NotReady([_("the definition has changed since this was asked for")], election.slug)


def prepare(election: Election, kind: Type, opened: Collection[str] = ()) -> Submission:
    """The entry of an official act, unsigned, once two officials agreed on it.

    An election that belongs to no office has no officials here: the two signatures on the board are its four eyes.
    `opened`: contests below the minimum group that are opened all the same, in such an election (tally-frozen);
    elsewhere two officials have agreed on them.

    Raises NotReady, RollNotReady, NotOnBoard, ManifestIncomplete.
    """
    agreed = _require_agreed(election, kind, opened)
    return Submission(kind, _body(election, kind, agreed))


def require_agreed(election: Election, submission: Submission) -> None:
    """What officials signed is what they agreed on here, and nothing stands against it (requirement 2).

    The board itself asks only for their signatures, as every observer does. Raises as `prepare`.
    """
    kind = submission.type
    if kind not in PREPARED:
        return
    agreed = _require_agreed(election, kind, ())
    # One batch is all that the board takes of each: a wrong one cannot be mended.
    if election.office_id and submission.body != _body(election, kind, agreed):
        raise NotReady([_("what was signed is not what two officials agreed on")], election.slug)


def _require_agreed(election: Election, kind: Type, opened: Collection[str]) -> Collection[str]:
    """The small contests that are opened all the same: as agreed on, or `opened` where nobody here agrees."""
    if election.office_id is None:
        return opened
    if opened:
        raise NotReady([_("two officials agree on what is opened when they agree to freeze it")], election.slug)
    if kind not in APPROVAL:
        return ()
    act = APPROVAL[kind]
    agreed = approved(act, election)
    if agreed is None:
        raise NotReady([_("two officials have not agreed yet: %(act)s") % {"act": act.label}], election.slug)
    _require_ready(act, election)
    if act is Act.FIX_DEFINITION and agreed.payload != _particulars(act, election, ()):
        raise NotReady([_("the definition has changed since two officials agreed on it")], election.slug)
    return list(agreed.payload.get("opened", ()))


def _body(election: Election, kind: Type, opened: Collection[str]) -> Any:
    if kind is Type.MANIFEST:
        return build_manifest(election)
    replica = replica_of(election.pk)
    with replica.lock:
        state = replica.catch_up().state
        if state.manifest is None:
            raise NotOnBoard(_("the manifest is not on the board yet"))
        head = {"election": encode_bytes(state.manifest.election)}
        if kind is Type.ROLL_COMMITMENT:
            return {**head, **approved_commitment(election)}
        if kind is Type.WITHDRAWALS:
            return {**head, **withdrawals_body(election)}
        if kind not in (Type.TALLY_FROZEN, Type.RESULT):
            return head
        if state.key is None:
            raise NotOnBoard(_("there is no election key yet"))
        if kind is Type.TALLY_FROZEN:
            return freeze_body(state, replica.log, opened)
        if state.stage not in (Stage.OPENED, Stage.PUBLISHED):
            raise NotOnBoard(_("the trustees have not opened the tally yet"))
        return result_body(state)
