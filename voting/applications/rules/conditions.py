"""Conditions of a category: who may vote in this way, as one expression over days and spans of days.

    overlaps(period, N+1, E) and received_on <= period.end
    age_on(E) >= 18 and age_on(vote_day) < 18

Python's parser reads the text, and nothing of Python runs it: every part must be one of the few below, is checked for
its kind when the condition is compiled, and becomes a function of the facts.

| part | kind |
|---|---|
| N, E, received_on, vote_day | day |
| a name of SPAN_NAMES | span: its first and last day belong to it, and either may be open |
| period.start, period.end | edge: a day, or further than every day where the span is open |
| day + 1, day - 1 | day; an edge stays an edge |
| 0 to 999, age_on(day) | number |
| covers(span, day), overlaps(span, first day, last day) | truth |
| <, <=, ==, !=, >=, > and chains of them | truth, between days and edges, or between numbers |
| and, or, not, parentheses | truth |
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import Enum
from itertools import pairwise
from typing import Any, Protocol

from voting.applications.errors import FactMissing, RuleInvalid
from voting.applications.rules.moments import Days

SPAN_NAMES = frozenset({"period", "stay", "cert", "proxy", "voyage", "posting", "tour", "designation", "reason"})
DAY_NAMES = frozenset({"N", "E", "received_on", "vote_day"})
ALWAYS_KNOWN = frozenset({"N", "E", "received_on"})

LONGEST = 500
DEEPEST = 20
LARGEST = 999
FOREIGN = re.compile(r"[^A-Za-z0-9_ ().,<>=!+-]")
"""No quotes, brackets, stars, colons or letters beyond ASCII: what could look like a name or build one is not read."""


class Birth(Protocol):
    """A date of birth, whole or partial (voting.eras.PartialDate)."""

    def age_on(self, day: date, /) -> int:
        """Age in completed years, attained the day before the birthday (年齢計算ニ関スル法律)."""


@dataclass(frozen=True)
class Span:
    """Days from `start` to `end`, both included; None is open."""

    start: date | None
    end: date | None


@dataclass(frozen=True)
class Facts:
    """What is known about one request. `vote_day` is the day of voting, None while it is not known."""

    days: Days
    received_on: date
    birth: Birth | None = None
    spans: Mapping[str, Span] = field(default_factory=dict)
    vote_day: date | None = None

    def known(self, name: str) -> Any:
        """The fact of that name; raises FactMissing."""
        facts = {
            **self.spans,
            "N": self.days.notice,
            "E": self.days.election,
            "received_on": self.received_on,
            "birth": self.birth,
            "vote_day": self.vote_day,
        }
        if facts.get(name) is None:
            raise FactMissing(name)
        return facts[name]


@dataclass(frozen=True)
class Condition:
    """A compiled condition. `names` are the facts it needs beyond N, E and the day of receipt."""

    text: str
    names: frozenset[str]
    _test: Callable[[Facts], bool] = field(repr=False, compare=False)

    @property
    def spans(self) -> frozenset[str]:
        """The spans that the evidence must give."""
        return self.names & SPAN_NAMES

    @property
    def mentions_vote_day(self) -> bool:
        """Whether the answer can differ from one day of voting to the next."""
        return "vote_day" in self.names

    def holds(self, facts: Facts) -> bool:
        """Whether the facts satisfy the condition; raises FactMissing, also for one that would not have decided."""
        for name in sorted(self.names):
            facts.known(name)
        return self._test(facts)

    def holds_on_some_day(self, facts: Facts, first_day: date, last_day: date) -> bool:
        """Whether the condition holds for a vote on some day from `first_day` to `last_day`, both included.

        A condition that does not ask for the day of voting is simply tested. Raises FactMissing.
        """
        if not self.mentions_vote_day:
            return self.holds(facts)
        days = (first_day + timedelta(days=count) for count in range((last_day - first_day).days + 1))
        return any(self.holds(replace(facts, vote_day=day)) for day in days)


Value = Callable[[Facts], Any]
"""What a part is worth. Days and edges are day numbers (date.toordinal), an open edge is infinite."""


class Kind(Enum):
    """What a part of a condition is; the value is its name in messages."""

    DAY = "a day"
    EDGE = "the start or end of a span"
    SPAN = "a span"
    NUMBER = "a number"
    TRUTH = "true or false"


DATED = (Kind.DAY, Kind.EDGE)


@dataclass(frozen=True)
class _Part:
    kind: Kind
    value: Value


def compile_condition(text: str) -> Condition:
    """The condition that the text describes; raises RuleInvalid naming the part and its column, counted from 1."""
    if not isinstance(text, str) or len(text) > LONGEST:
        raise RuleInvalid(f"a condition is a text of at most {LONGEST} characters", "condition")
    text = text.strip(" ")
    foreign = FOREIGN.search(text)
    if foreign:
        raise RuleInvalid(f"{foreign[0]!r} has no meaning in a condition", _column(foreign.start()))
    compiler = _Compiler(text)
    part = compiler.part(_parse(text), depth=0, kinds=(Kind.TRUTH,))
    return Condition(text, frozenset(compiler.names - ALWAYS_KNOWN), part.value)


def _parse(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        # The parser gives no place where the text just ends.
        place = error.offset - 1 if error.offset else len(text)
        raise RuleInvalid(f"not a condition: {error.msg}", _column(place)) from None
    except (MemoryError, RecursionError):
        raise RuleInvalid("the condition is nested too deeply", "condition") from None


def _column(index: int) -> str:
    return f"column {index + 1}"


COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.GtE: operator.ge,
    ast.Gt: operator.gt,
}


class _Compiler:
    """Turns the parser's tree into parts, and collects the names on the way."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: set[str] = set()

    def part(self, node: ast.expr, depth: int, kinds: tuple[Kind, ...]) -> _Part:
        """The part for this node, which must be of one of the kinds."""
        if depth > DEEPEST:
            raise self.refused(node, "is nested too deeply")
        part = self.any_part(node, depth + 1)
        if part.kind not in kinds:
            wanted = " or ".join(kind.value for kind in kinds)
            raise self.refused(node, f"is {part.kind.value}, where {wanted} belongs")
        return part

    def any_part(self, node: ast.expr, depth: int) -> _Part:
        match node:
            case ast.BoolOp():
                return self.junction(node, depth)
            case ast.UnaryOp(op=ast.Not()):
                inner = self.part(node.operand, depth, (Kind.TRUTH,)).value
                return _Part(Kind.TRUTH, lambda facts: not inner(facts))
            case ast.Compare():
                return self.comparison(node, depth)
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return self.shifted_day(node, depth)
            case ast.Call(func=ast.Name(id=name), keywords=[]):
                return self.call(node, name, depth)
            case ast.Attribute(attr="start" | "end"):
                return self.edge(node, depth)
            case ast.Name():
                return self.name(node)
            case ast.Constant():
                return self.number(node)
        raise self.refused(node, "has no meaning in a condition")

    def junction(self, node: ast.BoolOp, depth: int) -> _Part:
        decide = all if isinstance(node.op, ast.And) else any
        tests = [self.part(value, depth, (Kind.TRUTH,)).value for value in node.values]
        return _Part(Kind.TRUTH, lambda facts: decide(test(facts) for test in tests))

    def comparison(self, node: ast.Compare, depth: int) -> _Part:
        if any(type(sign) not in COMPARISONS for sign in node.ops):
            raise self.refused(node, "is not a comparison of days or numbers")
        tests = [COMPARISONS[type(sign)] for sign in node.ops]
        first = self.part(node.left, depth, (*DATED, Kind.NUMBER))
        alike = DATED if first.kind in DATED else (Kind.NUMBER,)
        values = [first.value, *(self.part(other, depth, alike).value for other in node.comparators)]

        def holds(facts: Facts) -> bool:
            known = [value(facts) for value in values]
            return all(test(left, right) for test, (left, right) in zip(tests, pairwise(known), strict=True))

        return _Part(Kind.TRUTH, holds)

    def shifted_day(self, node: ast.BinOp, depth: int) -> _Part:
        day = self.part(node.left, depth, DATED)
        if not isinstance(node.right, ast.Constant):
            raise self.refused(node.right, "is not a number of days, such as E-1")
        count = self.number(node.right).value
        shift = operator.add if isinstance(node.op, ast.Add) else operator.sub
        return _Part(day.kind, lambda facts: shift(day.value(facts), count(facts)))

    def call(self, node: ast.Call, name: str, depth: int) -> _Part:
        if name not in FUNCTIONS:
            raise self.refused(node.func, f"is no function; there are {', '.join(FUNCTIONS)}")
        kinds, build = FUNCTIONS[name]
        if len(node.args) != len(kinds):
            raise self.refused(node, f"does not have {len(kinds)} arguments")
        if name == "age_on":
            self.names.add("birth")
        arguments = [self.part(value, depth, (kind,)) for value, kind in zip(node.args, kinds, strict=True)]
        return build(*(argument.value for argument in arguments))

    def edge(self, node: ast.Attribute, depth: int) -> _Part:
        span = self.part(node.value, depth, (Kind.SPAN,)).value
        place = _first if node.attr == "start" else _last
        return _Part(Kind.EDGE, lambda facts: place(span(facts)))

    def name(self, node: ast.Name) -> _Part:
        name = node.id
        if name in DAY_NAMES:
            self.names.add(name)
            return _Part(Kind.DAY, lambda facts: facts.known(name).toordinal())
        if name in SPAN_NAMES:
            self.names.add(name)
            return _Part(Kind.SPAN, lambda facts: facts.known(name))
        raise self.refused(node, "is not a name that conditions know")

    def number(self, node: ast.Constant) -> _Part:
        value = node.value
        if not self.source(node).isdigit() or not isinstance(value, int) or value > LARGEST:
            raise self.refused(node, f"is not a whole number from 0 to {LARGEST}")
        return _Part(Kind.NUMBER, lambda facts: value)

    def refused(self, node: ast.expr, why: str) -> RuleInvalid:
        return RuleInvalid(f"{self.source(node)[:60]!r} {why}", _column(node.col_offset))

    def source(self, node: ast.expr) -> str:
        # The text is ASCII on one line, so that the parser's byte offsets are places in it.
        return self.text[node.col_offset : node.end_col_offset]


def _first(span: Span) -> float:
    return -math.inf if span.start is None else span.start.toordinal()


def _last(span: Span) -> float:
    return math.inf if span.end is None else span.end.toordinal()


def _covers(span: Value, day: Value) -> _Part:
    return _Part(Kind.TRUTH, lambda facts: _first(span(facts)) <= day(facts) <= _last(span(facts)))


def _overlaps(span: Value, first: Value, last: Value) -> _Part:
    return _Part(
        Kind.TRUTH,
        lambda facts: max(_first(span(facts)), first(facts)) <= min(_last(span(facts)), last(facts)),
    )


def _age_on(day: Value) -> _Part:
    return _Part(Kind.NUMBER, lambda facts: facts.known("birth").age_on(date.fromordinal(day(facts))))


FUNCTIONS: dict[str, tuple[tuple[Kind, ...], Callable[..., _Part]]] = {
    "covers": ((Kind.SPAN, Kind.DAY), _covers),
    "overlaps": ((Kind.SPAN, Kind.DAY, Kind.DAY), _overlaps),
    "age_on": ((Kind.DAY,), _age_on),
}
