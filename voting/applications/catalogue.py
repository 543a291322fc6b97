"""The absentee categories that the product knows, read from categories.toml: data to start an election's own from."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from verifier.errors import NotCanonical
from verifier.record import schema
from voting.applications.claims import EVIDENCE
from voting.applications.errors import CatalogueInvalid, RuleInvalid
from voting.applications.rules import Condition, Moment, compile_condition, parse_moment
from voting.elections.models import ElectionKind
from voting.roll.models import Roll

Parsed = TypeVar("Parsed")

FILE = Path(__file__).with_name("categories.toml")
CODE = re.compile(r"[A-Z][A-Z0-9_]{1,39}")
ABSENT = {"dormant_since": None, "paper_until": None, "member_notice_until": None}
"""What a table may leave out: TOML has no null."""


class Status(TextChoices):
    """Where a category stands in law."""

    EXISTING = "existing", _("in force")
    DORMANT = "dormant", _("in force, but nobody qualifies at present")
    PROPOSAL = "proposal", _("proposed, not law")


class Attest(TextChoices):
    """Who must stand by when the vote is cast."""

    NONE = "none", _("nobody")
    FACILITY_HEAD = "facility_head", _("head of the facility")
    INSTITUTION_HEAD = "institution_head", _("head of the institution")
    CAPTAIN = "captain", _("captain")
    UNIT_HEAD = "unit_head", _("head of the unit")
    PROXY_WRITER = "proxy_writer", _("registered proxy writer")
    PORT_BOARD = "port_board", _("election board of the port")


class Confirm(TextChoices):
    """Whose confirmation a request without the document waits for."""

    NONE = "none", _("nobody's")
    HEALTH = "health", _("the health authority's")


@dataclass(frozen=True)
class CategorySeed:
    """One category as shipped. Texts are in Japanese, easy Japanese with readings in （）, and English."""

    code: str
    name_ja: str
    name_easy: str
    name_en: str
    law: str
    status: Status
    dormant_since: date | None
    who_ja: str
    who_easy: str
    who_en: str
    issuer: str
    evidence: tuple[tuple[str, ...], ...]
    """Alternatives, each the codes of the evidence that is needed together."""
    condition: Condition
    apply_from: Moment
    paper_until: Moment | None
    """None where paper knows no such vote: a proposal."""
    online_until: Moment
    member_notice_until: Moment | None
    """Last day on which a member tells the head, where a head makes the request."""
    vote_from: Moment
    vote_until: Moment
    attest: Attest
    witness: bool
    confirm: Confirm
    elections: tuple[ElectionKind, ...]
    """The kinds of election it is limited to; empty for all."""
    roll: Roll


def load_catalogue() -> tuple[CategorySeed, ...]:
    """The shipped categories, in the order of the file; raises CatalogueInvalid."""
    return read_catalogue(FILE.read_text(encoding="utf-8"))


def read_catalogue(text: str) -> tuple[CategorySeed, ...]:
    """The categories of a TOML text: [defaults], then a [CODE] table for each; raises CatalogueInvalid."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueInvalid(str(error), "categories.toml") from None
    defaults = tables.pop("defaults", {})
    if not isinstance(defaults, dict):
        raise CatalogueInvalid("a table was expected", "defaults")
    defaults = {**ABSENT, **defaults}
    return tuple(_seed(code, table, defaults) for code, table in tables.items())


def _seed(code: str, table: Any, defaults: Mapping[str, Any]) -> CategorySeed:
    if not CODE.fullmatch(code) or not isinstance(table, dict):
        raise CatalogueInvalid("a table named in capital letters was expected", code)
    try:
        seed = CategorySeed(code=code, **schema.record({**defaults, **table}, code, **SHAPES))
    except (NotCanonical, RuleInvalid) as error:
        raise CatalogueInvalid(str(error), code) from None
    for problem in _contradictions(seed):
        raise CatalogueInvalid(problem, code)
    return seed


def _contradictions(seed: CategorySeed) -> list[str]:
    """What no field shows alone."""
    problems = []
    if (seed.status == Status.DORMANT) != (seed.dormant_since is not None):
        problems.append("dormant_since belongs to dormant categories, and only to them")
    if seed.status != Status.PROPOSAL and not seed.law:
        problems.append("law: only a proposal has none")
    if (seed.status == Status.PROPOSAL) != (seed.paper_until is None):
        problems.append("paper_until: a proposal has none, and everything else has one")
    for alternative in seed.evidence:
        given = [span for evidence in alternative for span in EVIDENCE[evidence].spans]
        if len(set(given)) < len(given):
            problems.append(f"evidence: {' + '.join(alternative)} gives a span twice")
        missing = ", ".join(sorted(seed.condition.spans.difference(given)))
        if missing:
            problems.append(f"condition: {' + '.join(alternative)} gives no {missing}")
    waits = any(EVIDENCE[evidence].awaits_confirmation for alternative in seed.evidence for evidence in alternative)
    if waits != (seed.confirm != Confirm.NONE):
        problems.append("confirm: needed where evidence awaits a confirmation, and only there")
    return problems


def _moment(value: Any, where: str) -> Moment:
    return _rule(parse_moment, value, where)


def _condition(value: Any, where: str) -> Condition:
    return _rule(compile_condition, value, where)


def _rule(parse: Callable[[Any], Parsed], value: Any, where: str) -> Parsed:
    try:
        return parse(value)
    except RuleInvalid as error:
        raise RuleInvalid(error.reason, f"{where}, {error.where}") from None


def _day(value: Any, where: str) -> date:
    # A TOML date-time is a date to Python, too.
    if type(value) is not date:
        raise NotCanonical(f"{where}: a date was expected")
    return value


def _choice(choices: type[TextChoices]) -> schema.Shape:
    one = schema.one_of(*choices.values)
    return lambda value, where: choices(one(value, where))


SENTENCES = schema.text(500, shortest=1)
SHAPES: dict[str, schema.Shape] = {
    "name_ja": schema.text(40, shortest=1),
    "name_easy": schema.text(100, shortest=1),
    "name_en": schema.text(100, shortest=1),
    "law": schema.text(200),
    "status": _choice(Status),
    "dormant_since": schema.nullable(_day),
    "who_ja": SENTENCES,
    "who_easy": SENTENCES,
    "who_en": SENTENCES,
    "issuer": schema.text(100, shortest=1),
    "evidence": schema.list_of(schema.list_of(schema.one_of(*EVIDENCE), least=1), least=1),
    "condition": _condition,
    "apply_from": _moment,
    "paper_until": schema.nullable(_moment),
    "online_until": _moment,
    "member_notice_until": schema.nullable(_moment),
    "vote_from": _moment,
    "vote_until": _moment,
    "attest": _choice(Attest),
    "witness": schema.boolean,
    "confirm": _choice(Confirm),
    "elections": schema.list_of(_choice(ElectionKind)),
    "roll": _choice(Roll),
}
