"""Conditions: what each part means, what is refused and where, and that no text can do more than be refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voting.applications.errors import FactMissing, RuleInvalid
from voting.applications.rules import Days, Facts, Span, compile_condition
from voting.applications.rules.conditions import Birth

N = date(2026, 4, 28)
E = date(2026, 5, 10)
DAYS = Days(N, E)
OPEN = Span(None, None)


def day(count: int) -> timedelta:
    """So many days."""
    return timedelta(days=count)


@dataclass(frozen=True)
class Aged:
    """Somebody who has lived as many years as it is days since 2026-05-01: shows which day was asked."""

    def age_on(self, day: date) -> int:
        """The day of May, or less."""
        return (day - date(2026, 4, 30)).days


def facts(
    spans: Mapping[str, Span] | None = None,
    received_on: date = N,
    vote_day: date | None = None,
    birth: Birth | None = None,
) -> Facts:
    """What is known, of a request on notice day."""
    return Facts(DAYS, received_on, birth, spans or {}, vote_day)


def holds(text: str, known: Facts | None = None) -> bool:
    """Whether it does."""
    return compile_condition(text).holds(known or facts())


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("N < E", True),
        ("N + 12 == E", True),
        ("N + 11 == E", False),
        ("E - 12 >= N", True),
        ("E - 12 > N", False),
        ("E + 1 - 1 == E", True),
        ("N != E", True),
        ("received_on == N", True),
        ("received_on <= N", True),
        ("N <= received_on < E", True),
        ("N < received_on < E", False),
        ("N < E > received_on", True),
        ("N == N == E", False),
        ("1 < 2 <= 2", True),
        ("not N < E", False),
        ("not not N < E", True),
        ("N < E or E < N", True),
        ("E < N or N > E", False),
        ("N < E and E > N", True),
        ("N < E and not (E > N or N == E)", False),
        ("E < N and E < N or N < E", True),
        ("E < N and (E < N or N < E)", False),
    ],
)
def test_days_compare_as_in_python(text: str, truth: bool) -> None:
    assert holds(text) is truth


@pytest.mark.parametrize(
    ("start", "end", "covers", "overlaps"),
    [
        (E, E, True, True),
        (E - day(3), E, True, True),
        (E, E + day(3), True, True),
        (E - day(3), E - day(1), False, True),
        (E + day(1), E + day(3), False, False),
        (N - day(3), N, False, False),
        (N - day(3), N + day(1), False, True),
        (N - day(3), E + day(3), True, True),
        (None, E, True, True),
        (None, N, False, False),
        (E, None, True, True),
        (E + day(1), None, False, False),
        (None, None, True, True),
        (E + day(3), N, False, False),
    ],
)
def test_spans_include_both_ends(start: date | None, end: date | None, covers: bool, overlaps: bool) -> None:
    known = facts({"period": Span(start, end)})
    assert holds("covers(period, E)", known) is covers
    assert holds("overlaps(period, N+1, E)", known) is overlaps


def test_an_open_edge_is_further_than_every_day() -> None:
    known = facts({"stay": OPEN})
    assert holds("stay.start < N - 999 and E + 999 < stay.end", known)
    assert holds("stay.start + 5 < stay.end - 5", known)
    assert not holds("stay.end <= E", known)


def test_a_window_that_ends_before_it_begins_overlaps_nothing() -> None:
    assert not holds("overlaps(stay, E, N)", facts({"stay": OPEN}))


def test_the_age_is_that_of_the_day_asked() -> None:
    known = facts(birth=Aged(), vote_day=date(2026, 5, 9))
    assert holds("age_on(E) == 10 and age_on(vote_day) == 9 and age_on(E - 3) == 7", known)


def test_names_are_what_must_be_known() -> None:
    condition = compile_condition("covers(stay, vote_day) and age_on(E) >= 18 and period.end < E and received_on > N")
    assert condition.names == {"stay", "period", "birth", "vote_day"}
    assert condition.spans == {"stay", "period"}
    assert condition.mentions_vote_day
    assert not compile_condition("covers(stay, E)").mentions_vote_day


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("covers(stay, E)", "stay"),
        ("covers(period, vote_day)", "vote_day"),
        ("age_on(E) >= 18", "birth"),
        ("N < E or covers(stay, E)", "stay"),
        ("E < N and covers(stay, E)", "stay"),
    ],
)
def test_a_missing_fact_is_named_even_where_the_rest_decides(text: str, name: str) -> None:
    with pytest.raises(FactMissing) as failure:
        holds(text, facts({"period": OPEN}))
    assert failure.value.name == name
    assert failure.value.code == "fact-missing"


def test_a_span_cannot_take_the_name_of_a_day() -> None:
    """Spans are named by data, and must not move election day."""
    assert holds("N < E", facts({"E": OPEN, "N": OPEN}))


def test_some_day_of_the_window_is_enough() -> None:
    condition = compile_condition("covers(stay, vote_day)")
    known = facts({"stay": Span(E - day(2), E - day(2))})
    assert condition.holds_on_some_day(known, N + day(1), E - day(1))
    assert condition.holds_on_some_day(known, E - day(2), E - day(2))
    assert not condition.holds_on_some_day(known, N + day(1), E - day(3))
    assert not condition.holds_on_some_day(known, E - day(1), E)
    assert not condition.holds_on_some_day(known, E, N)


def test_the_same_day_must_satisfy_every_part() -> None:
    condition = compile_condition("covers(designation, vote_day) and covers(stay, vote_day)")
    known = facts({"designation": Span(None, E - day(4)), "stay": Span(E - day(3), None)})
    assert not condition.holds_on_some_day(known, N + day(1), E - day(1))


def test_a_condition_without_the_vote_day_is_simply_tested() -> None:
    assert compile_condition("N < E").holds_on_some_day(facts(), E, N)


@pytest.mark.parametrize(
    ("text", "part", "column"),
    [
        ("", "invalid syntax", 1),
        ("N <", "invalid syntax", 4),
        ("N < E)", "unmatched", 6),
        ("N", "'N' is a day", 1),
        ("E - 1", "'E - 1' is a day", 1),
        ("period", "'period' is a span", 1),
        ("18", "'18' is a number", 1),
        ("age_on(E)", "is a number", 1),
        ("True", "'True' is not a whole number", 1),
        ("N < None", "'None'", 5),
        ("N < today", "'today' is not a name", 5),
        ("N < birth", "'birth' is not a name", 5),
        ("N < age_on", "'age_on' is not a name", 5),
        ("N < 18", "'18' is a number", 5),
        ("age_on(E) < E", "'E' is a day", 13),
        ("age_on(E) < 1 < E", "'E' is a day", 17),
        ("N < E and received_on", "'received_on' is a day", 11),
        ("not E", "'E' is a day", 5),
        ("period < E", "'period' is a span", 1),
        ("(N < E) == (N < E)", "is true or false", 2),
        ("N in E", "not a comparison", 1),
        ("N is E", "not a comparison", 1),
        ("covers(E, E)", "'E' is a day", 8),
        ("covers(stay, stay)", "'stay' is a span", 14),
        ("covers(stay, 3)", "'3' is a number", 14),
        ("covers(stay, stay.end)", "start or end", 14),
        ("age_on(stay.end) > 3", "start or end", 8),
        ("covers(stay)", "2 arguments", 1),
        ("covers(stay, E, E)", "2 arguments", 1),
        ("overlaps(stay, E)", "3 arguments", 1),
        ("age_on() > 3", "1 arguments", 1),
        ("covers(stay, day=E)", "has no meaning", 1),
        ("E.start < N", "'E' is a day", 1),
        ("stay.length > 3", "'stay.length' has no meaning", 1),
        ("stay.end.start < N", "start or end", 1),
        ("E + 1.5 > N", r"'1\.5' is not", 5),
        ("E + 1000 > N", "'1000' is not a whole number from 0 to 999", 5),
        ("E + 0x10 > N", "'0x10' is not", 5),
        ("E + 1_0 > N", "'1_0' is not", 5),
        ("E + N > N", "'N' is not a number of days", 5),
        ("E + -1 > N", "'-1' is not a number of days", 5),
        ("E - age_on(E) > N", "is not a number of days", 5),
        ("1 + 1 > 1", "'1' is a number", 1),
        ("age_on(E) + 1 > 18", "is a number", 1),
        ("-E < N", "'-E' has no meaning", 1),
        ("N < E if N < E else E < N", "has no meaning", 1),
        ("N < E, E", "has no meaning", 1),
        ("... == N", "is not a whole number", 1),
        ("1j < 2", "'1j' is not", 1),
    ],
)
def test_what_is_not_in_the_language_is_refused_by_part_and_column(text: str, part: str, column: int) -> None:
    with pytest.raises(RuleInvalid, match=part) as failure:
        compile_condition(text)
    assert failure.value.where == f"column {column}"


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "__import__(N)",
        "E.__class__.__mro__ == N",
        "stay.__class__ == N",
        "stay.end.__class__ < N",
        "covers.__globals__ == N",
        "covers(stay, E).real == 1",
        "(covers)(stay, E)(E)",
        "getattr(stay, E)",
        "eval(N)",
        "print(N)",
        "10**10**10 > 1",
        "9" * 400 + " > 1",
        "1 << 99 > 1",
        "2 * 3 > 1",
        "'a' < 'b'",
        'f"{N}" < E',
        "b'x' < E",
        "[N][0] < E",
        "{N: E} == E",
        "lambda: N",
        "(x := N) < E",
        "[x for x in N]",
        "(x for x in N)",
        "await N",
        "(yield)",
        "covers(*stay)",
        "N < E; E < N",
        "N < E # why",
        "N < \\\nE",
        "(N <\nE)",
        "N\t< E",
        "N < E\x00",
        "\x0cN < E",
        "@N",
        "N @ E",
        "~N < E",
        "N | E",
        "Ｎ < Ｅ",
        "𝐍 < E",
        "N < Ε",  # a Greek letter
        "ｃovers(stay, E)",
        "stay․end < E",
        "N < E + ٣",
        "(" * 240 + "N < E" + ")" * 240,
        "(" * 400,
        "not " * 120 + "N < E",
        "-" * 499 + "1",
        "E" + " + 1" * 40 + " > N",
        "covers(" * 70,
        "N < E and " * 60 + "N < E",
        "N" * 501,
    ],
)
def test_attackers_are_refused(text: str) -> None:
    with pytest.raises(RuleInvalid):
        compile_condition(text)


def test_the_longest_and_deepest_that_is_read() -> None:
    """One more of each is among the refused above or below: 500 characters, 20 levels."""
    text = " or ".join(["E < N"] * 55)
    assert not holds(text + " " * (500 - len(text)))
    with pytest.raises(RuleInvalid, match="at most 500"):
        compile_condition(text + " " * (501 - len(text)))
    assert holds("not " * 18 + "N < E")
    with pytest.raises(RuleInvalid, match="nested too deeply"):
        compile_condition("not " * 20 + "N < E")


@pytest.mark.parametrize("limit", [MemoryError, RecursionError])
def test_the_limits_of_the_parser_itself_are_refusals(limit: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they lie differs between versions of Python, and with how deep the caller is."""

    def parse(*_: object, **__: object) -> None:
        raise limit

    monkeypatch.setattr("voting.applications.rules.conditions.ast.parse", parse)
    with pytest.raises(RuleInvalid, match="nested too deeply"):
        compile_condition("N < E")


@pytest.mark.parametrize("text", [None, 1, b"N < E", ["N < E"]])
def test_what_is_no_text_is_refused(text: object) -> None:
    with pytest.raises(RuleInvalid):
        compile_condition(text)  # type: ignore[arg-type]


WORDS = (
    "N E received_on vote_day birth period stay .start .end .__class__ covers( overlaps( age_on( ( ) , + - < <= == "
    "and or not in is if else lambda 0 1 18 999 1000 1.5 1e9 True None ** [ ] : := ' x import"
).split()


@settings(max_examples=500)
@given(st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    try:
        condition = compile_condition(text)
    except RuleInvalid as refusal:
        assert refusal.where.startswith(("column ", "condition"))
        return
    spans = dict.fromkeys(condition.spans, Span(N, E))
    assert condition.holds(facts(spans, vote_day=E, birth=Aged())) in (True, False)


def dated(offset: int, name: str) -> str:
    """N or E, some days on."""
    return f"{name} + {offset}" if offset >= 0 else f"{name} - {-offset}"


days = st.builds(dated, st.integers(-20, 20), st.sampled_from(["N", "E", "received_on"]))
comparisons = st.lists(st.tuples(days, st.sampled_from(["<", "<=", "==", "!=", ">=", ">"])), min_size=1, max_size=3)
truths = st.recursive(
    st.builds(lambda pairs, last: " ".join(f"{left} {sign}" for left, sign in pairs) + f" {last}", comparisons, days),
    lambda inner: st.one_of(
        inner.map(lambda text: f"not ({text})"),
        st.builds(lambda left, word, right: f"({left}) {word} ({right})", inner, st.sampled_from(["and", "or"]), inner),
    ),
    max_leaves=5,
)


@given(truths.filter(lambda text: len(text) <= 500), st.integers(-5, 20))
def test_the_answer_is_that_of_python(text: str, received: int) -> None:
    received_on = N + day(received)
    ordinals = {"N": N.toordinal(), "E": E.toordinal(), "received_on": received_on.toordinal()}
    expected = eval(text, {"__builtins__": {}}, ordinals)  # noqa: S307 - our own text, the reference
    assert holds(text, facts(received_on=received_on)) is expected


@given(st.integers(-15, 30), st.integers(0, 20), st.integers(-3, 15))
def test_overlap_is_a_day_in_both(start: int, length: int, received: int) -> None:
    """The rule of the quarantine categories against a count of days, one by one."""
    span = Span(N + day(start), N + day(start + length))
    received_on = N + day(received)
    isolated = {N + day(start + count) for count in range(length + 1)}
    window = {N + day(1 + count) for count in range((E - N).days)}
    expected = bool(isolated & window) and received_on <= max(isolated)
    known = facts({"period": span}, received_on=received_on)
    assert holds("overlaps(period, N+1, E) and received_on <= period.end", known) is expected
