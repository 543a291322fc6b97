"""The manifest: what is fixed before anyone votes. Its hash is the election's id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from verifier import PROTOCOL
from verifier.crypto.checkpoint import is_name
from verifier.crypto.transcript import digest
from verifier.errors import NotCanonical
from verifier.record import schema
from verifier.record.canonical import serialise
from verifier.record.schema import (
    HASH,
    KEY,
    boolean,
    identifier,
    list_of,
    minute,
    one_of,
    text,
    whole,
)

MODULUS_BITS = (2048, 3072, 4096)
ACTS = (
    "manifest",
    "key",
    "roll-commitment",
    "credential-replaced",
    "polls-opened",
    "polls-closed",
    "withdrawals",
    "tally-frozen",
    "result",
    "correction",
)
"""Entries that officials sign; the manifest says how many, never fewer than two."""
MOST_TRUSTEES = 20
MOST_MIXERS = 20
BLANK = "blank"
MAX_OPTIONS = 500
MOST_SEATS = 100


class Kind(StrEnum):
    """How a contest is answered and counted (protocol, section 3)."""

    CHOOSE_ONE = "choose-one"
    CHOOSE_SEVERAL = "choose-several"
    INDEX = "index"
    RANKING = "ranking"
    TEXT = "text"


HOMOMORPHIC = (Kind.CHOOSE_ONE, Kind.CHOOSE_SEVERAL)


class Form(StrEnum):
    """What a contest decides, and so how its votes make a result (`verifier.outcome`)."""

    SINGLE = "SINGLE"
    """one seat for the name with the most votes"""
    SNTV = "SNTV"
    """several seats for the names with the most votes; each voter writes one"""
    PR_CLOSED = "PR_CLOSED"
    """seats for party lists, filled in the order of the list: the options are the lists (公職選挙法95条の2)"""
    PR_OPEN = "PR_OPEN"
    """seats for party lists, filled by the votes of their names: the options are lists and names (同95条の3)"""
    REVIEW = "REVIEW"
    """for each judge, whether a majority wants dismissal; a mark dismisses (最高裁判所裁判官国民審査法)"""
    REFERENDUM = "REFERENDUM"
    """the answer with the most votes"""
    RANKING = "RANKING"
    """one seat, by instant runoff"""
    WRITE_IN = "WRITE_IN"
    """seats for the names that were written most often"""


FORM_KINDS: Mapping[Form, tuple[Kind, ...]] = MappingProxyType(
    {
        Form.SINGLE: (Kind.CHOOSE_ONE, Kind.INDEX),
        Form.SNTV: (Kind.CHOOSE_ONE, Kind.INDEX),
        Form.PR_CLOSED: (Kind.CHOOSE_ONE, Kind.INDEX),
        Form.PR_OPEN: (Kind.INDEX, Kind.CHOOSE_ONE),
        Form.REVIEW: (Kind.CHOOSE_SEVERAL,),
        Form.REFERENDUM: (Kind.CHOOSE_ONE,),
        Form.RANKING: (Kind.RANKING,),
        Form.WRITE_IN: (Kind.TEXT,),
    }
)
"""How a contest of each form can be answered and counted, the usual way first."""
ONE_SEAT = (Form.SINGLE, Form.REVIEW, Form.REFERENDUM, Form.RANKING)
"""Forms that decide one thing. A review decides it for each judge, and nobody is elected; `seats` is 1 there too."""


@dataclass(frozen=True)
class Party:
    """Someone who signs: an official, trustee, mixer, witness or the registrar."""

    name: str
    key: bytes
    """Ed25519 public key, 32 bytes"""


@dataclass(frozen=True)
class Option:
    """A candidate, judge or answer, in the order that the board drew."""

    id: str
    name: str
    reading: str
    party: str
    list: str
    """id of the option that is the party list on which this candidate stands (PR_OPEN); "" for anybody else"""
    priority: int
    """place among those of the list who are elected first (特定枠): 1, 2, …; 0 for all others"""
    candidates: tuple[str, ...]
    """who stands on this list, in its order, where votes are for lists only (PR_CLOSED); nobody elsewhere"""


@dataclass(frozen=True)
class ServedFile:
    """A file of the voting site as every browser gets it, so that observers can compare what voters were served."""

    path: str
    """below the site's static address"""
    sha256: bytes


@dataclass(frozen=True)
class Contest:
    """One question on the ballot."""

    id: str
    title: str
    kind: Kind
    form: Form
    seats: int
    """how many are elected; 1 where nobody is (`ONE_SEAT`)"""
    options: tuple[Option, ...]
    blank: bool
    """may be left blank; a blank vote is counted as such"""
    least: int
    """fewest marks (choose several), ranks (ranking) or bytes (text) of an answer that is not blank"""
    most: int
    """most marks, ranks or bytes of an answer"""
    width: int
    """ciphertexts per answer of a mixnet contest; 1 except for long texts and rankings"""
    opens: datetime
    """first minute in which it is voted on; a review of judges may begin later than the election of the same day"""
    closes: datetime
    """first minute in which it is no longer voted on"""

    @property
    def homomorphic(self) -> bool:
        return self.kind in HOMOMORPHIC

    @property
    def choices(self) -> int:
        """L: the number of options of *choose one* and *index*, a blank vote included as the last."""
        return len(self.options) + self.blank

    @property
    def ciphertexts(self) -> int:
        """Ciphertexts in one answer."""
        if self.kind is Kind.CHOOSE_ONE:
            return 1
        return len(self.options) if self.kind is Kind.CHOOSE_SEVERAL else self.width

    @property
    def proofs(self) -> int:
        """Proofs in one answer: one for each ciphertext, and one for the total of *choose several*."""
        return self.ciphertexts + (self.kind is Kind.CHOOSE_SEVERAL)

    def option_id(self, index: int) -> str:
        """The id of choice `index` in [0, choices)."""
        return self.options[index].id if index < len(self.options) else BLANK

    @property
    def limits(self) -> tuple[int, ...]:
        """The permitted numbers of marks of *choose several*: min … max, and 0 where a blank is allowed."""
        marks = range(self.least, self.most + 1)
        return (0, *marks) if self.blank and self.least > 0 else tuple(marks)


@dataclass(frozen=True)
class Style:
    """A ballot style: which contests the voters of a counting unit answer."""

    id: str
    unit: str
    contests: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """The parsed manifest; `record` is its wire form."""

    title: str
    legal_basis: str
    opens: datetime
    closes: datetime
    modulus_bits: int
    threshold: int
    minimum_group: int
    revote: bool
    generators: str
    origin: str
    board_key: bytes
    registrar: Party
    officials: tuple[Party, ...]
    trustees: tuple[Party, ...]
    mixers: tuple[Party, ...]
    witnesses: tuple[Party, ...]
    witness_threshold: int
    acts: dict[str, int]
    units: tuple[str, ...]
    unit_names: dict[str, str]
    contests: tuple[Contest, ...]
    styles: tuple[Style, ...]
    served: tuple[ServedFile, ...]
    """what the voters' pages are made of, as far as it is the same for everybody"""
    election: bytes
    """the manifest's hash: the election id"""

    def contest(self, contest_id: str) -> Contest:
        """Raises KeyError for an unknown id."""
        return {contest.id: contest for contest in self.contests}[contest_id]

    def contests_of(self, style: Style) -> Iterator[Contest]:
        """The contests of a ballot style in the order of the ballot."""
        return (self.contest(contest_id) for contest_id in style.contests)

    def window(self, style: Style) -> tuple[datetime, datetime]:
        """[opens, closes) of a ballot style: a ballot answers all of its contests, so all of them are open."""
        contests = list(self.contests_of(style))
        return max(contest.opens for contest in contests), min(contest.closes for contest in contests)


def _party(value: Any, where: str) -> Party:
    return Party(**schema.record(value, where, name=text(100, 1), key=KEY))


def _served(value: Any, where: str) -> ServedFile:
    return ServedFile(**schema.record(value, where, path=text(200, 1), sha256=HASH))


def _option(value: Any, where: str) -> Option:
    fields = schema.record(
        value,
        where,
        id=identifier,
        name=text(100, 1),
        reading=text(100),
        party=text(100),
        list=text(63),
        priority=whole(0, MAX_OPTIONS),
        candidates=list_of(text(100, 1), 0, MAX_OPTIONS),
    )
    return Option(**fields)


def parse_contest(value: Any, where: str) -> Contest:
    """One contest of the manifest; that its options differ and its hours fit is checked with the whole.

    Raises NotCanonical.
    """
    fields = schema.record(
        value,
        where,
        id=identifier,
        title=text(200, 1),
        kind=one_of(*Kind),
        form=one_of(*Form),
        seats=whole(1, MOST_SEATS),
        options=list_of(_option, 0, MAX_OPTIONS),
        blank=boolean,
        least=whole(0, 100_000),
        most=whole(0, 100_000),
        width=whole(1, 64),
        opens=minute,
        closes=minute,
    )
    contest = Contest(**{**fields, "kind": Kind(fields["kind"]), "form": Form(fields["form"])})
    _check_contest(contest, where)
    _check_form(contest, where)
    return contest


def _check_contest(contest: Contest, where: str) -> None:
    options = len(contest.options)
    if contest.kind is Kind.TEXT and options:
        raise NotCanonical(f"{where}: a write-in contest lists no options")
    if contest.kind is not Kind.TEXT and not options:
        raise NotCanonical(f"{where}: a contest without options")
    if contest.kind in (Kind.CHOOSE_ONE, Kind.INDEX) and (contest.least, contest.most) != (1, 1):
        raise NotCanonical(f"{where}: choosing one needs least = most = 1")
    if contest.kind in (Kind.CHOOSE_SEVERAL, Kind.RANKING) and contest.most > options:
        raise NotCanonical(f"{where}: at most {options} can be chosen")
    if not contest.least <= contest.most:
        raise NotCanonical(f"{where}: least is above most")
    if contest.homomorphic and contest.width != 1:
        raise NotCanonical(f"{where}: only a mixnet answer is more than one ciphertext wide")


def _check_form(contest: Contest, where: str) -> None:
    """What a contest decides fits how it is answered, and only party lists have what belongs to party lists."""
    form = contest.form
    if contest.kind not in FORM_KINDS[form]:
        raise NotCanonical(f"{where}: a contest of form {form} is not answered by {contest.kind}")
    if form in ONE_SEAT and contest.seats != 1:
        raise NotCanonical(f"{where}: a contest of form {form} has one seat")
    for option in contest.options:
        place = f"{where}: option {option.id}"
        if form is not Form.PR_OPEN and (option.list or option.priority):
            raise NotCanonical(f"{place}: only in a contest of form {Form.PR_OPEN} are candidates options of a list")
        if form is not Form.PR_CLOSED and option.candidates:
            raise NotCanonical(f"{place}: only in a contest of form {Form.PR_CLOSED} does an option name candidates")
        if form is Form.PR_CLOSED and not option.candidates:
            raise NotCanonical(f"{place}: a list without candidates")
    if form is Form.PR_OPEN:
        _check_lists(contest, where)


def _check_lists(contest: Contest, where: str) -> None:
    """Each candidate stands on a list, each list has candidates, and those elected first have places 1, 2, …"""
    first: dict[str, list[int]] = {option.id: [] for option in contest.options if not option.list}
    for option in contest.options:
        if option.list and option.list not in first:
            raise NotCanonical(f"{where}: option {option.id}: {option.list!r} is no list of this contest")
        if not option.list and option.priority:
            raise NotCanonical(f"{where}: option {option.id}: a list has no priority, only its candidates")
        if option.priority:
            first[option.list].append(option.priority)
    for name, places in first.items():
        if not any(option.list == name for option in contest.options):
            raise NotCanonical(f"{where}: option {name}: a list without candidates")
        if sorted(places) != list(range(1, len(places) + 1)):
            raise NotCanonical(f"{where}: option {name}: the priorities of a list are 1, 2, … without gaps")


def _style(value: Any, where: str) -> Style:
    shapes = {"id": identifier, "unit": identifier, "contests": list_of(identifier, 1, 100)}
    return Style(**schema.record(value, where, **shapes))


def _unique(values: Iterator[Any], where: str) -> None:
    seen = set()
    for value in values:
        if value in seen:
            raise NotCanonical(f"{where}: {value if isinstance(value, str) else 'a key'} is there twice")
        seen.add(value)


def parse_manifest(value: Any) -> Manifest:
    """Shape and references of a manifest; what the numbers mean is checked by V3.4 and V3.17.

    Raises NotCanonical or BadInteger.
    """
    where = "manifest"
    fields = schema.record(
        value,
        where,
        protocol=one_of(PROTOCOL),
        title=text(200, 1),
        legal_basis=text(500),
        opens=minute,
        closes=minute,
        modulus_bits=whole(256, 4096),
        threshold=whole(1, MOST_TRUSTEES),
        minimum_group=whole(0, 1_000_000),
        revote=boolean,
        generators=text(200, 1),
        board=schema.shape(origin=text(200, 1), key=KEY),
        registrar=_party,
        officials=list_of(_party, 2, 100),
        trustees=list_of(_party, 1, MOST_TRUSTEES),
        mixers=list_of(_party, 0, MOST_MIXERS),
        witnesses=list_of(_party, 0, 100),
        witness_threshold=whole(0, 100),
        acts=schema.shape(**{act: whole(2, 100) for act in ACTS}),
        units=list_of(schema.shape(id=identifier, name=text(100, 1)), 1, 10_000),
        contests=list_of(parse_contest, 1, 100),
        styles=list_of(_style, 1, 10_000),
        served=list_of(_served, 0, 1000),
    )
    del fields["protocol"]
    board = fields.pop("board")
    units = fields.pop("units")
    manifest = Manifest(
        **fields,
        origin=board["origin"],
        board_key=board["key"],
        units=tuple(unit["id"] for unit in units),
        unit_names={unit["id"]: unit["name"] for unit in units},
        election=election_id(value),
    )
    _check_references(manifest)
    return manifest


def _check_references(manifest: Manifest) -> None:
    where = "manifest"
    for name in (manifest.origin, *(witness.name for witness in manifest.witnesses)):
        if not is_name(name):
            raise NotCanonical(f"{where}: {name!r} cannot sign checkpoints: spaces and plus signs are not for names")
    if manifest.threshold > len(manifest.trustees):
        raise NotCanonical(f"{where}: the threshold is above the number of trustees")
    if manifest.witness_threshold > len(manifest.witnesses):
        raise NotCanonical(f"{where}: the witness threshold is above the number of witnesses")
    if max(manifest.acts.values()) > len(manifest.officials):
        raise NotCanonical(f"{where}: an act needs more signatures than there are officials")
    if manifest.opens >= manifest.closes:
        raise NotCanonical(f"{where}: the polls close before they open")
    if any(not contest.homomorphic for contest in manifest.contests) and not manifest.mixers:
        raise NotCanonical(f"{where}: a mixnet contest needs at least one mixer")
    for name in ("officials", "trustees", "mixers", "witnesses"):
        _unique((party.key for party in getattr(manifest, name)), f"{where}, {name}")
    _unique((party.name for party in manifest.witnesses), f"{where}, witnesses")
    _unique(iter(manifest.units), f"{where}, units")
    _unique((file.path for file in manifest.served), f"{where}, served")
    _unique((contest.id for contest in manifest.contests), f"{where}, contests")
    _unique((style.id for style in manifest.styles), f"{where}, styles")
    for contest in manifest.contests:
        place = f"{where}, contest {contest.id}"
        if not manifest.opens <= contest.opens < contest.closes <= manifest.closes:
            raise NotCanonical(f"{place}: it is not open within the hours of the election")
        _unique((option.id for option in contest.options), place)
        if any(option.id == BLANK for option in contest.options):
            raise NotCanonical(f"{place}: the id {BLANK!r} is reserved for blank votes")
    known = {contest.id for contest in manifest.contests}
    for style in manifest.styles:
        _unique(iter(style.contests), f"{where}, style {style.id}")
        if style.unit not in manifest.unit_names:
            raise NotCanonical(f"{where}, style {style.id}: unknown unit {style.unit!r}")
        for contest_id in style.contests:
            if contest_id not in known:
                raise NotCanonical(f"{where}, style {style.id}: unknown contest {contest_id!r}")
        opens, closes = manifest.window(style)
        if opens >= closes:
            raise NotCanonical(f"{where}, style {style.id}: its contests are never open together")
    if unasked := known - {contest_id for style in manifest.styles for contest_id in style.contests}:
        raise NotCanonical(f"{where}: contest {min(unasked)} is on no ballot")


def election_id(value: Any) -> bytes:
    """The hash of a manifest's canonical form: 32 bytes."""
    return digest("manifest", serialise(value))
