"""What the control room of a count shows: where it stands, what is next and who does it. No votes of any answer.

Read from the tables of the board and not from the replay, which may be busy with checking a shuffle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from verifier.record.entries import Type, parse_entry
from verifier.replay.groups import partition
from voting.applications.models import Application, StateChange
from voting.applications.states import Event, State
from voting.board.models import BoardEntry
from voting.counting import progress
from voting.counting.adjudication import adjudicated
from voting.credentials.models import Binding
from voting.elections.models import Election, Party
from voting.errors import VotingError
from voting.officials.models import Official, Proposal
from voting.officials.roles import FOUR_EYES, Act
from voting.officials.services import may, may_approve, roles_at, target_of
from voting.polls.acceptance import require_decided
from voting.polls.errors import NotReady
from voting.polls.opening import APPROVAL, below_minimum_group
from voting.polls.stages import Standing, Step, mixed_groups, steps
from voting.trustees.services import TrusteeStanding, warnings
from voting.trustees.services import standing as trustees_standing

HERE = (Type.POLLS_CLOSED, Type.TALLY_FROZEN, Type.RESULT)
"""Acts of two people that are asked for in the control room."""
SECONDS_OF_A_MINUTE, SECONDS_OF_AN_HOUR = 60, 60 * 60
IN_MINUTES = 90 * SECONDS_OF_A_MINUTE
"""seconds from which hours are said, too"""
WORK = {
    "mix": gettext_lazy("a mixer shuffles"),
    "check": gettext_lazy("proofs are checked"),
    "combine": gettext_lazy("the trustees' parts are put together"),
    "verify": gettext_lazy("the whole record is verified"),
}


@dataclass(frozen=True)
class Mixer:
    """A mixer of the manifest, and how far it is."""

    number: int
    name: str
    done: int
    """groups that it has shuffled"""
    total: int
    waiting: int
    """groups that it can shuffle now"""


@dataclass(frozen=True)
class Stop:
    """A step on the way, when it was done, and who does it next; "" where nobody has to."""

    step: Step
    at: datetime | None
    who: str


@dataclass(frozen=True)
class Going:
    """Work that goes on now, in words."""

    what: str
    done: int
    total: int
    rate: str
    remaining: str


@dataclass(frozen=True)
class Turnout:
    """A line of the turnout; `cast` is None where too few voted for a number."""

    name: str
    issued: int
    cast: int | None


@dataclass(frozen=True)
class Asking:
    """An act of two people: what somebody who looks can do about it."""

    kind: Type
    act: Act
    standing: Standing
    asks: bool
    """may ask for it now"""
    proposal: Proposal | None
    """what waits for a second person"""
    decides: bool
    """may be that second person"""
    problems: list[str]
    small: list[tuple[str, str]]
    """to freeze: contests below the minimum group, (id, title)"""


@dataclass(frozen=True)
class Room:
    """The part of the control room that keeps itself up to date."""

    stops: list[Stop]
    next: Stop | None
    going: list[Going]
    problems: list[str]
    mixers: list[Mixer]
    trustees: list[TrusteeStanding]
    threshold: int
    issued: int
    cast: int


def room(election: Election) -> Room:
    """The control room now."""
    trustees, needed = trustees_standing(election), election.threshold
    mixers = list(_mixers(election))
    at = _times(election)
    found = steps(election)
    stops = [
        Stop(
            step,
            at.get(step.kind) if step.standing is Standing.DONE else None,
            _who(step, election, mixers, trustees, needed),
        )
        for step in found
    ]
    issued, cast = _taken(election, Event.ISSUE), _taken(election, Event.CAST)
    left = [stop for stop in stops if stop.step.standing not in (Standing.DONE, Standing.LATER)]
    if left and left[0].step.kind is Type.WITHDRAWALS and not left[0].who:
        left.pop(0)
    return Room(
        stops=stops,
        next=left[0] if left else None,
        going=[_in_words(work, election) for work in progress.going_on(election.pk)],
        problems=[*progress.problems(election.pk).values(), *warnings(election)],
        mixers=mixers,
        trustees=trustees,
        threshold=needed,
        issued=issued,
        cast=cast,
    )


def _times(election: Election) -> dict[str, datetime]:
    """Type → when its last entry came to the board."""
    rows = BoardEntry.objects.filter(election=election).order_by().values_list("type")
    return dict(rows.annotate(last=Max("created")))


# Who does it


def _who(step: Step, election: Election, mixers: list[Mixer], trustees: list[TrusteeStanding], needed: int) -> str:
    if step.standing in (Standing.DONE, Standing.LATER):
        return ""
    if step.act is not None:
        return _who_agrees(step, step.act, election)
    if step.kind is Type.WITHDRAWALS:
        return _who_withdraws(election)
    if step.kind is Type.MIX_STAGE:
        return _("Mixers: %(names)s") % {"names": _list(one.name for one in mixers if one.waiting)}
    if step.kind is Type.OPENING:
        return _who_opens(trustees, needed)
    if step.kind is Type.KEY:
        return _("The dealer, before the trustees; two officials sign the key")
    return _("Two officials sign it for the board")


def _who_withdraws(election: Election) -> str:
    """ "" where nothing was refused: then nothing is withdrawn."""
    if _undecided(election):
        people = FOUR_EYES[Act.REFUSE_BALLOT]
        roles = _list(role.label for role in sorted(people.requested_by | people.approved_by))
        return _("Before that, ballots are accepted or refused: %(roles)s") % {"roles": roles}
    gone = Binding.objects.filter(
        application__election=election, application__state__in=[State.REFUSED, State.GIVEN_BACK], slot__isnull=False
    )
    return _("Two officials sign it for the board") if gone.exists() else ""


def _who_agrees(step: Step, act: Act, election: Election) -> str:
    people = FOUR_EYES[act]
    asked = waiting(act, election)
    if asked:
        words = {"name": asked.requested_by.name, "roles": _list(role.label for role in sorted(people.approved_by))}
        return _("%(name)s asked. Has to approve: %(roles)s") % words
    if step.standing is Standing.TO_SIGN:
        return _("Agreed. Two officials sign it for the board")
    words = {"roles": _list(role.label for role in sorted(people.requested_by)), "office": str(election.office or "—")}
    return _("Has to ask: %(roles)s (%(office)s)") % words


def _who_opens(trustees: list[TrusteeStanding], needed: int) -> str:
    missing = needed - sum(one.opened is not None for one in trustees)
    if missing <= 0:
        return _("Enough trustees have opened: this server puts their parts together")
    names = _list(one.name for one in trustees if one.opened is None)
    return _("Trustees: %(count)s more of %(names)s") % {"count": missing, "names": names}


def _list(names: Iterable[str | Promise]) -> str:
    return _(", ").join(map(str, names))


def waiting(act: Act, target: object) -> Proposal | None:
    """The request that waits for a second person."""
    asked = Proposal.objects.filter(act=act, target=target_of(target), decision=Proposal.Decision.PENDING)
    return asked.select_related("requested_by").first()


# Mixers and the work that goes on


def _mixers(election: Election) -> Iterator[Mixer]:
    parties = list(election.parties.filter(role=Party.Role.MIXER).order_by("position"))
    groups = mixed_groups(election)
    reached = Counter((contest, number) for contest, number in _stages_made(election))
    for number, party in enumerate(parties, 1):
        yield Mixer(
            number,
            party.name,
            done=sum(made >= number for made in reached.values()),
            total=len(groups),
            waiting=sum(reached[contest, group] == number - 1 for contest, group, _ballots in groups),
        )


def _stages_made(election: Election) -> Iterator[tuple[str, int]]:
    """(contest, group) of each shuffle on the board."""
    for raw in BoardEntry.objects.filter(election=election, type=Type.MIX_STAGE).values_list("raw", flat=True):
        body = parse_entry(bytes(raw)).body
        yield body["contest"], body["group"]


def _in_words(work: progress.Work, election: Election) -> Going:
    parts = [str(WORK.get(work.kind, work.kind))]
    if work.stage:
        mixer = election.parties.filter(role=Party.Role.MIXER, position=work.stage).first()
        parts.append(mixer.name if mixer else str(work.stage))
    if work.contest:
        contest = election.contests.filter(identifier=work.contest).first()
        parts.append(contest.title if contest else work.contest)
        parts.append(_("group %(number)s") % {"number": work.group + 1})
    return Going(
        " · ".join(parts),
        work.done,
        work.total,
        _("%(rate)s in a second") % {"rate": f"{work.rate:.1f}"} if work.rate else "",
        remaining_in_words(work.remaining),
    )


def remaining_in_words(seconds: float | None) -> str:
    """How long it still takes, about; "" while nobody knows."""
    if seconds is None:
        return ""
    if seconds < SECONDS_OF_A_MINUTE:
        return _("less than a minute left")
    minutes = round(seconds / SECONDS_OF_A_MINUTE)
    if seconds < IN_MINUTES:
        return _("about %(minutes)s minutes left") % {"minutes": minutes}
    return _("about %(hours)s hours and %(minutes)s minutes left") % {"hours": minutes // 60, "minutes": minutes % 60}


# Turnout: never before the close by parts, and never a part below the minimum group


def _taken(election: Election, event: Event) -> int:
    return StateChange.objects.filter(application__election=election, event=event).count()


def is_settled(election: Election) -> bool:
    """The polls are closed and the board was followed: what was cast does not change any more."""
    closed = BoardEntry.objects.filter(election=election, type=Type.POLLS_CLOSED).exists()
    return closed and not Application.objects.filter(election=election, state=State.ISSUED).exists()


def turnout_by_category(election: Election) -> list[Turnout]:
    """By absentee category, small ones together; nothing before it is settled."""
    found = _by(election, "application__offer__category__name_ja")
    return _lines({name: name for name in found}, found, election.minimum_group)


def turnout_by_area(election: Election) -> list[tuple[Turnout, list[Turnout]]]:
    """By counting unit, and within it by voting district; nothing before it is settled.

    Districts are only put together within the units that stand on a line of their own: else the difference of two
    lines would be the number of a small district.
    """
    by_district = _by(election, "application__elector__district")
    districts = list(election.districts.select_related("unit").order_by("unit__position", "code"))
    by_unit: dict[int, list[int]] = {}
    for district in districts:
        issued, cast = by_unit.setdefault(district.unit_id, [0, 0])
        more = by_district.get(district.pk, (0, 0))
        by_unit[district.unit_id] = [issued + more[0], cast + more[1]]
    names = {district.unit_id: district.unit.name for district in districts}
    sums = {unit: (issued, cast) for unit, (issued, cast) in by_unit.items()} if by_district else {}
    areas = []
    for units in _parts(sums, election.minimum_group):
        inside = {one.pk: by_district.get(one.pk, (0, 0)) for one in districts if one.unit_id in units}
        called = {one.pk: one.name for one in districts}
        areas.append(
            (
                _line(units, names, sums, election.minimum_group),
                _lines(called, inside, election.minimum_group),
            )
        )
    return areas


def _by(election: Election, path: str) -> dict[Any, tuple[int, int]]:
    """Value of `path` → ballots issued and cast."""
    if not is_settled(election):
        return {}
    changes = StateChange.objects.filter(application__election=election, event__in=[Event.ISSUE, Event.CAST])
    found: dict[Any, tuple[int, int]] = {}
    for value, event, number in changes.order_by().values_list(path, "event").annotate(number=Count("pk")):
        issued, cast = found.get(value, (0, 0))
        found[value] = (issued + number, cast) if event == Event.ISSUE else (issued, cast + number)
    return found


def _lines(names: dict[Any, str], found: dict[Any, tuple[int, int]], minimum: int) -> list[Turnout]:
    return [_line(part, names, found, minimum) for part in _parts(found, minimum)]


def _parts(found: dict[Any, tuple[int, int]], minimum: int) -> list[tuple[Any, ...]]:
    """Who stands on a line together: the rule by which votes are counted together."""
    names = {str(value): value for value in found}
    sizes = {name: found[value][1] for name, value in names.items()}
    return [tuple(names[name] for name in part) for part in partition(sizes, minimum)]


def _line(part: tuple[Any, ...], names: dict[Any, str], found: dict[Any, tuple[int, int]], minimum: int) -> Turnout:
    cast = sum(found[value][1] for value in part)
    issued = sum(found[value][0] for value in part)
    return Turnout(_list(names[value] for value in part), issued, cast if cast >= minimum else None)


# Acts of two people


def askings(election: Election, official: Official) -> list[Asking]:
    """The acts of this room that can be taken now or wait for somebody."""
    now = [step for step in steps(election) if step.kind in HERE]
    return [_asking(step, election, official) for step in now if step.standing not in (Standing.DONE, Standing.LATER)]


def _asking(step: Step, election: Election, official: Official) -> Asking:
    act, office = APPROVAL[step.kind], election.office
    asked = waiting(act, election)
    own = asked is not None and asked.requested_by_id == official.pk
    freezes = act is Act.FREEZE_TALLY and step.standing is Standing.NOW
    problems = _undecided(election) if freezes else []
    return Asking(
        kind=step.kind,
        act=act,
        standing=step.standing,
        asks=step.standing is Standing.NOW and office is not None and may(official, act, office) and not problems,
        proposal=asked,
        decides=asked is not None and not own and may_approve(official, act, asked.office),
        problems=problems,
        small=_small(election) if freezes and not problems else [],
    )


def _undecided(election: Election) -> list[str]:
    try:
        require_decided(election)
    except NotReady as error:
        return list(error.problems)
    return []


def _small(election: Election) -> list[tuple[str, str]]:
    small = below_minimum_group(election)
    return list(election.contests.filter(identifier__in=small).values_list("identifier", "title"))


def key_of(election: Election, official: Official) -> str:
    """What can be asked for and decided here, as one word: while it is the same, nothing new is to be done."""
    waits = Proposal.objects.filter(target=target_of(election), decision=Proposal.Decision.PENDING)
    here = [f"{step.kind}={step.standing}" for step in steps(election) if step.kind in HERE]
    held = sorted(roles_at(official, election.office)) if election.office else []
    return "+".join([*here, *map(str, waits.order_by("pk").values_list("pk", flat=True)), *held])


def undecided_names(election: Election) -> list[tuple[str, str, int | None]]:
    """(id, title, texts nobody has decided about) of each write-in contest; None before the opening."""
    found: list[tuple[str, str, int | None]] = []
    left: int | None
    # Asked of a table: before the opening the board may be busy for minutes with checking a stage.
    opened = BoardEntry.objects.filter(election=election, type=Type.OPENING).exists()
    for contest in election.contests.filter(kind="text"):
        try:
            left = len(adjudicated(election, contest.identifier).undecided) if opened else None
        except VotingError:
            left = None
        found.append((contest.identifier, contest.title, left))
    return found
