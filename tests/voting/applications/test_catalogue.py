"""The shipped categories, their boundary days one by one, and what the reader of the catalogue refuses.

Election day is Sunday 2026-05-10, notice day 2026-04-28, voting from 2026-04-29 to 2026-05-09.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from voting.applications.catalogue import FILE, Attest, CategorySeed, Confirm, Status, load_catalogue
from voting.applications.catalogue import read_catalogue as read
from voting.applications.errors import CatalogueInvalid, FactMissing
from voting.applications.rules import Days, Facts, Span, in_time
from voting.applications.rules.moments import JAPAN
from voting.eras import PartialDate
from voting.roll.models import Roll

N = date(2026, 4, 28)
E = date(2026, 5, 10)
DAYS = Days(N, E)
SEEDS = {seed.code: seed for seed in load_catalogue()}
ISOLATION = ["COVID_HOME", "COVID_HOTEL", "QUARANTINE_STAY", "CLOSE_CONTACT", "OUTBREAK_GENERIC"]
NATIONAL = {"SHUGIIN_GENERAL", "SANGIIN_REGULAR", "KOKUMIN_SHINSA"}
SHORTEST = Days(date(2026, 5, 5), E)
"""A 町村 election, N = E-5."""


def on(offset: int, anchor: date = E) -> date:
    """The day so many days from election day."""
    return anchor + timedelta(days=offset)


def holds(code: str, *, received_on: date = N, **known: Any) -> bool:
    """Whether somebody with these facts may vote so on `vote_day`, or, without one, on some day of the window."""
    seed = SEEDS[code]
    spans = {name: known.pop(name) for name in [*known] if isinstance(known[name], Span)}
    facts = Facts(DAYS, received_on, spans=spans, **known)
    if facts.vote_day:
        return seed.condition.holds(facts)
    return seed.condition.holds_on_some_day(facts, seed.vote_from.day(DAYS), seed.vote_until.day(DAYS))


def test_all_categories_of_the_domain_document_are_there() -> None:
    assert set(SEEDS) == {
        *["HOME_BOARD_U18", "OTHER_BOARD", "FACILITY", "DETENTION", "POSTAL_DISABILITY", "POSTAL_PROXY"],
        *["SEAFARER_PORT", "SEAFARER_ONBOARD", "SEAFARER_FAX", "ANTARCTIC_FAX", "OVERSEAS_UNIT", "OVERSEAS_RESIDENT"],
        *ISOLATION,
    }


def test_the_status_in_law() -> None:
    """Requirement 11: 現行, 休止 or 提案."""
    dormant = {code for code, seed in SEEDS.items() if seed.status == Status.DORMANT}
    assert dormant == {"COVID_HOME", "COVID_HOTEL", "QUARANTINE_STAY"}
    assert {SEEDS[code].dormant_since for code in dormant} == {date(2023, 5, 8)}
    proposed = {code for code, seed in SEEDS.items() if seed.status == Status.PROPOSAL}
    assert proposed == {"CLOSE_CONTACT", "OUTBREAK_GENERIC"}


@pytest.mark.parametrize("seed", SEEDS.values(), ids=SEEDS)
def test_easy_japanese_carries_readings(seed: CategorySeed) -> None:
    for text in (seed.name_easy, seed.who_easy):
        for run in re.finditer(r"[々㐀-䶿一-鿿]+", text):
            assert re.match(r"（[ぁ-ゖー]+）", text[run.end() :]), f"{run[0]} has no reading"


# Deadlines


@pytest.mark.parametrize("days", [DAYS, SHORTEST], ids=["N = E-12", "N = E-5"])
@pytest.mark.parametrize("seed", SEEDS.values(), ids=SEEDS)
def test_windows_are_in_order_in_every_campaign(seed: CategorySeed, days: Days) -> None:
    """Requirement 2's window: a vote needs a request first, and both end before election day."""
    assert seed.apply_from.as_start(days) < seed.vote_from.as_start(days) < seed.online_until.as_end(days)
    assert seed.online_until.as_end(days) < seed.vote_until.as_end(days)
    assert seed.vote_until.as_end(days) == datetime(2026, 5, 9, 20, tzinfo=JAPAN)
    if seed.paper_until:
        assert days.notice < seed.paper_until.day(days) <= seed.online_until.day(days)


@pytest.mark.parametrize(
    ("paper", "online", "codes"),
    [
        ("E-4T17:00", "E-4T17:00", "POSTAL_DISABILITY POSTAL_PROXY OVERSEAS_RESIDENT"),
        ("E-3T17:00", "E-3T17:00", "OVERSEAS_UNIT"),
        ("E-4T17:00", "E-1T12:00", "COVID_HOME COVID_HOTEL QUARANTINE_STAY"),
        (None, "E-1T12:00", "CLOSE_CONTACT OUTBREAK_GENERIC"),
        (
            "E-1T17:00",
            "E-1T17:00",
            "HOME_BOARD_U18 OTHER_BOARD FACILITY DETENTION SEAFARER_PORT SEAFARER_ONBOARD SEAFARER_FAX ANTARCTIC_FAX",
        ),
    ],
)
def test_deadlines_on_paper_and_online(paper: str | None, online: str, codes: str) -> None:
    for code in codes.split():
        seed = SEEDS[code]
        assert (seed.paper_until and str(seed.paper_until), str(seed.online_until)) == (paper, online)
        end = seed.online_until.as_end(DAYS)
        assert in_time(end, seed.apply_from.as_start(DAYS), end)
        assert not in_time(end + timedelta(seconds=1), seed.apply_from.as_start(DAYS), end)


def test_only_quarantine_has_online_what_paper_no_longer_allows() -> None:
    """The case that paper fails: positive on E-3."""
    later = {code for code, seed in SEEDS.items() if seed.online_until != seed.paper_until}
    assert later == set(ISOLATION)
    assert SEEDS["COVID_HOME"].online_until.as_end(SHORTEST) == datetime(2026, 5, 9, 12, tzinfo=JAPAN)
    assert SEEDS["COVID_HOME"].paper_until == SEEDS["POSTAL_DISABILITY"].paper_until


def test_members_of_a_unit_tell_the_head_first() -> None:
    """Requirement 17: the member by E-5, the head by E-3."""
    told = SEEDS["OVERSEAS_UNIT"].member_notice_until
    assert told and told.as_end(DAYS) == datetime(2026, 5, 5, 23, 59, 59, tzinfo=JAPAN)
    assert {code for code, seed in SEEDS.items() if seed.member_notice_until} == {"OVERSEAS_UNIT"}


# Who else takes part


def test_fax_categories_are_for_national_elections_only() -> None:
    """Requirement 17."""
    limited = {code: set(seed.elections) for code, seed in SEEDS.items() if seed.elections}
    assert limited == {
        "SEAFARER_FAX": NATIONAL,
        "ANTARCTIC_FAX": NATIONAL,
        "OVERSEAS_RESIDENT": NATIONAL | {"NATIONAL_BYELECTION"},
    }


def test_who_stands_by() -> None:
    """Requirement 28."""
    assert {code: seed.attest for code, seed in SEEDS.items() if seed.attest != Attest.NONE} == {
        "FACILITY": Attest.FACILITY_HEAD,
        "DETENTION": Attest.INSTITUTION_HEAD,
        "POSTAL_PROXY": Attest.PROXY_WRITER,
        "SEAFARER_PORT": Attest.PORT_BOARD,
        "SEAFARER_ONBOARD": Attest.CAPTAIN,
        "SEAFARER_FAX": Attest.CAPTAIN,
        "ANTARCTIC_FAX": Attest.UNIT_HEAD,
        "OVERSEAS_UNIT": Attest.UNIT_HEAD,
    }
    witnessed = {code for code, seed in SEEDS.items() if seed.witness}
    assert witnessed == {"FACILITY", "DETENTION", "SEAFARER_ONBOARD", "OVERSEAS_UNIT"}


def test_a_request_without_the_document_waits_for_the_health_authority() -> None:
    """Requirement 13; a close contact's own oath needs nobody."""
    assert {code for code, seed in SEEDS.items() if seed.confirm == Confirm.HEALTH} == set(ISOLATION) - {
        "CLOSE_CONTACT"
    }
    assert SEEDS["COVID_HOME"].evidence == (("ISOLATION_ORDER",), ("OMITTED_WITH_REASON",))


def test_only_overseas_residents_are_on_the_overseas_roll() -> None:
    assert {code for code, seed in SEEDS.items() if seed.roll == Roll.OVERSEAS} == {"OVERSEAS_RESIDENT"}


# Boundary days


@pytest.mark.parametrize("code", ISOLATION)
@pytest.mark.parametrize(
    ("start", "end", "received_on", "eligible"),
    [
        pytest.param(on(-10, N), N, on(-1, N), False, id="ends N"),
        pytest.param(on(-10, N), on(1, N), on(-1, N), True, id="ends N+1"),
        pytest.param(E, on(7), on(-1), True, id="starts E"),
        pytest.param(on(1), on(7), on(-1), False, id="starts E+1"),
        pytest.param(on(-5), on(-3), on(-2), False, id="ended yesterday"),
        pytest.param(on(-5), on(-2), on(-2), True, id="ends today"),
        pytest.param(on(-5), on(-1), on(-2), True, id="ends tomorrow"),
        pytest.param(on(-1), on(5), on(-3), True, id="begins after the request"),
        pytest.param(on(1, N), on(1, N), N, True, id="only N+1"),
        pytest.param(E, E, on(-1), True, id="only E"),
        pytest.param(on(-30, N), on(30), on(-1), True, id="all the time"),
    ],
)
def test_isolation(code: str, start: date, end: date, received_on: date, eligible: bool) -> None:
    """Requirement 12."""
    assert holds(code, received_on=received_on, period=Span(start, end)) is eligible


@pytest.mark.parametrize(
    ("born", "vote_day", "eligible"),
    [
        # The day of the 18th birthday is May 11, the day after E: 18 is attained on E itself.
        pytest.param((2008, 5, 11), on(-1), True, id="18 on E"),
        pytest.param((2008, 5, 11), E, False, id="18 on E, and it is E"),
        pytest.param((2008, 5, 12), on(-1), False, id="18 on E+1"),
        pytest.param((2008, 5, 10), on(-1), False, id="18 on E-1, and it is E-1"),
        pytest.param((2008, 5, 10), on(-2), True, id="18 on E-1, and it is E-2"),
        pytest.param((2008, 4, 30), on(1, N), False, id="18 on the first day of voting"),
        pytest.param((2008, 4, 30), N, True, id="one day before"),
        pytest.param((2000, 1, 1), on(1, N), False, id="long 18"),
        pytest.param((2008, 5, None), on(-1), False, id="born some day of May: not proven 18 by E"),
        pytest.param((2008, 4, None), on(1, N), False, id="born some day of April: 18 by the first day"),
    ],
)
def test_not_yet_18(born: tuple[int, int, int | None], vote_day: date, eligible: bool) -> None:
    """Age is attained on the day before the birthday (年齢計算ニ関スル法律)."""
    assert holds("HOME_BOARD_U18", birth=PartialDate(*born), vote_day=vote_day) is eligible


@pytest.mark.parametrize(
    ("born", "eligible"),
    [
        ((2008, 5, 11), True),
        ((2008, 5, 12), False),
        ((2008, 5, 1), True),
        ((2008, 4, 30), False),
        ((2008, 5, 10), True),
    ],
)
def test_not_yet_18_on_some_day_of_the_window(born: tuple[int, int, int], eligible: bool) -> None:
    """Whoever is 18 from the first day of voting votes early like everyone (期日前投票)."""
    assert holds("HOME_BOARD_U18", birth=PartialDate(*born)) is eligible


@pytest.mark.parametrize(
    ("election", "vote_day", "eligible"),
    [
        (date(2026, 2, 28), date(2026, 2, 27), True),
        (date(2026, 2, 28), date(2026, 2, 28), False),
        (date(2026, 3, 1), date(2026, 2, 28), False),
        (date(2026, 2, 27), date(2026, 2, 26), False),
    ],
)
def test_born_on_a_leap_day(election: date, vote_day: date, eligible: bool) -> None:
    """Born on 29 February 2008, 18 on 28 February 2026."""
    facts = Facts(Days(date(2026, 2, 10), election), N, PartialDate(2008, 2, 29), {}, vote_day)
    assert SEEDS["HOME_BOARD_U18"].condition.holds(facts) is eligible


def test_without_a_date_of_birth_nothing_is_decided() -> None:
    with pytest.raises(FactMissing, match="birth"):
        holds("HOME_BOARD_U18", vote_day=N)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("FACILITY", "designation"),
        ("FACILITY", "stay"),
        ("DETENTION", "stay"),
        ("POSTAL_DISABILITY", "cert"),
        ("POSTAL_PROXY", "cert"),
        ("POSTAL_PROXY", "proxy"),
        ("SEAFARER_PORT", "cert"),
        ("SEAFARER_ONBOARD", "cert"),
        ("SEAFARER_ONBOARD", "voyage"),
        ("SEAFARER_FAX", "cert"),
    ],
)
@pytest.mark.parametrize(
    ("start", "end", "eligible"),
    [
        (on(-3), on(-3), True),
        (None, on(-3), True),
        (None, on(-4), False),
        (on(-3), None, True),
        (on(-2), None, False),
    ],
)
def test_papers_hold_on_the_day_of_voting(
    code: str, name: str, start: date | None, end: date | None, eligible: bool
) -> None:
    """Each span on its own, the others being open: the vote is on E-3."""
    others = dict.fromkeys(SEEDS[code].condition.spans, Span(None, None))
    assert holds(code, vote_day=on(-3), **{**others, name: Span(start, end)}) is eligible


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("OTHER_BOARD", "reason"),
        ("SEAFARER_FAX", "voyage"),
        ("ANTARCTIC_FAX", "posting"),
        ("OVERSEAS_UNIT", "tour"),
    ],
)
@pytest.mark.parametrize(
    ("start", "end", "eligible"),
    [
        (E, E, True),
        (on(-9), E, True),
        (on(-9), on(-1), False),
        (E, on(9), True),
        (on(1), on(9), False),
    ],
)
def test_absence_lasts_on_election_day(code: str, name: str, start: date, end: date, eligible: bool) -> None:
    others = dict.fromkeys(SEEDS[code].condition.spans, Span(None, None))
    assert holds(code, vote_day=on(-3), **{**others, name: Span(start, end)}) is eligible


@pytest.mark.parametrize(("start", "eligible"), [(on(-1, N), True), (N, True), (on(1, N), False)])
def test_an_overseas_resident_holds_the_certificate_when_asking(start: date, eligible: bool) -> None:
    assert holds("OVERSEAS_RESIDENT", received_on=N, cert=Span(start, None)) is eligible


def test_a_certificate_that_ends_before_the_window_is_of_no_use() -> None:
    assert not holds("POSTAL_DISABILITY", cert=Span(None, N))
    assert holds("POSTAL_DISABILITY", cert=Span(None, on(1, N)))
    assert holds("POSTAL_DISABILITY", cert=Span(on(-1), None))
    assert not holds("POSTAL_DISABILITY", cert=Span(E, None))


# What the reader refuses

SOUND = FILE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("[HOME_BOARD_U18]", "[home]", "capital letters"),
        ("[defaults]", "HOME = 1\n[defaults]", "a table named in capital letters.*HOME"),
        ("[HOME_BOARD_U18]", "HOME = 1\n[HOME_BOARD_U18]", "unknown key 'HOME'"),
        ("[HOME_BOARD_U18]", "[HOME_BOARD_U18", "categories.toml"),
        ("[HOME_BOARD_U18]", "[OTHER_BOARD]", "categories.toml"),
        ("[defaults]", "defaults = 3\n[more]", "categories.toml|defaults"),
        ('status = "existing"', 'status = "perhaps"', "HOME_BOARD_U18, status: one of existing, dormant, proposal"),
        ('apply_from = "N-30"', 'apply_from = "N-30"\nwindow = "E"', "unknown key 'window'"),
        ('vote_from = "N+1T00:00"\n', "", "'vote_from' is missing"),
        ('vote_from = "N+1T00:00"', 'vote_from = "N+1T24:00"', "HOME_BOARD_U18, vote_from, 'N.1T24:00'"),
        ("age_on(E) >= 18", "age_on(E) >= eighteen", "HOME_BOARD_U18, condition, column 14"),
        ("covers(reason, E)", "covers(stay, E)", "SWORN_REASON gives no stay"),
        ('[["ROLL_DOB"]]', '[["ROLL"]]', "HOME_BOARD_U18, evidence 0 0: one of"),
        ('[["ROLL_DOB"]]', "[[]]", "HOME_BOARD_U18, evidence 0: a list"),
        ('[["ROLL_DOB"]]', "[]", "HOME_BOARD_U18, evidence: a list"),
        ('["WAIT_NOTICE"], ["SWORN"]', '["WAIT_NOTICE", "SWORN"]', "gives a span twice"),
        ('["WAIT_NOTICE"], ["SWORN"]', '["WAIT_NOTICE"], ["ROLL_DOB"]', "ROLL_DOB gives no period"),
        ('["WAIT_NOTICE"], ["SWORN"]', '["OMITTED_WITH_REASON"]', "confirm: needed where"),
        ('attest = "proxy_writer"', 'confirm = "health"', "confirm: needed where"),
        ('law = "法49③"', 'law = ""', "law: only a proposal"),
        ('law = "法49③"', 'law = "法49③"\ndormant_since = 2023-05-08', "dormant_since belongs to"),
        ("dormant_since = 2023-05-08\n", "", "dormant_since belongs to"),
        ("dormant_since = 2023-05-08", "dormant_since = 2023-05-08T00:00:00", "dormant_since: a date was expected"),
        ("dormant_since = 2023-05-08", 'dormant_since = "2023-05-08"', "dormant_since: a date was expected"),
        ('paper_until = "E-3T17:00"\n', "", "paper_until: a proposal has none"),
        ('issuer = "保健所・本人（宣誓）"', 'issuer = "本人"\npaper_until = "E-4"', "paper_until: a proposal has none"),
        ("witness = true", 'witness = "yes"', "witness: true or false"),
        ('"KOKUMIN_SHINSA"]', '"EMPEROR"]', "SEAFARER_FAX, elections 2"),
        ('roll = "overseas"', 'roll = "other"', "OVERSEAS_RESIDENT, roll"),
    ],
)
def test_a_fault_is_named_with_its_category_and_field(old: str, new: str, named: str) -> None:
    assert old in SOUND
    with pytest.raises(CatalogueInvalid, match=named):
        read(SOUND.replace(old, new, 1))
