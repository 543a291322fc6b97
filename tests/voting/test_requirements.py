"""The acceptance tests of the election office: each requirement of the domain document, section 7, from end to end.

Read this first. Each docstring quotes its requirement and names the tests that go into its depth. Requirements 7 and 9,
the login with the card, are in tests/voting/login; of 10, which needs voters' pages, here is what the services give.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tally.errors import ThresholdNotMet
from tally.signing import sign_entry
from tally.stages import opening_body, partial_roots_body
from tests.election import CLOSES, OPENS
from tests.verifier import naive
from tests.voting import boards, kakuu, offices, polling
from tests.voting.applications.test_files import PDF, WHOLE
from tests.voting.kakuu import JAPAN, World
from tests.voting.offices import Town
from tests.voting.polling import BEFORE, Counter, electors
from tests.voting.polls.test_acceptance import tables_with
from tests.voting.records.filled import Filled, closed_in_memory, prepared
from tests.voting.results import forms
from tests.voting.roll import files as rolls
from verifier.proration import prorate
from verifier.record.entries import Type
from voting.access.models import AccessEntry
from voting.access.services import check_log
from voting.applications import review
from voting.applications.accesses import accesses_to
from voting.applications.catalogue import Status
from voting.applications.claims import EVIDENCE
from voting.applications.errors import ConditionNotMet, NotOffered, OutOfTime, RequestInvalid, WrongState
from voting.applications.evidence import open_file
from voting.applications.files import LARGEST_FILE, Scan
from voting.applications.models import Application, Evidence, Notice
from voting.applications.offers import change_offer, offered, windows
from voting.applications.requests import submit, submit_for_others
from voting.applications.states import Event, State
from voting.board.models import BoardEntry
from voting.board.replica import replica_of
from voting.board.services import append, publish_checkpoint
from voting.counting.conductor import go_on
from voting.counting.hands import HereHands
from voting.credentials.letters import issue_letter
from voting.credentials.models import Binding
from voting.elections.models import Candidate, Election, ElectionKind, Scope, two_officials
from voting.elections.services import build_manifest
from voting.errors import (
    AccessLogBroken,
    EntryRefused,
    FileRefused,
    NotEligible,
    NotPermitted,
    SamePerson,
    VoteTaken,
)
from voting.officials.models import Designation, Official
from voting.officials.roles import Act, OfficeKind, Role
from voting.officials.services import approve
from voting.polls.acceptance import accept_rest, ask_to_refuse, exceptional, follow_board, strip
from voting.polls.errors import NotReady
from voting.polls.opening import ask, prepare
from voting.records.documents import BY_DISTRICT, SIGNED_BY, tables
from voting.records.errors import NotBalanced
from voting.records.models import Document, Seal
from voting.records.seal import ask_to_seal, check_seal
from voting.roll.imports import ask_to_take_over, begin_import, check_import
from voting.roll.models import Elector, PaperWay, RollImport, Vote
from voting.roll.services import record_paper_vote

pytestmark = pytest.mark.django_db

COVID = ("COVID_HOME", "COVID_HOTEL", "QUARANTINE_STAY")


@pytest.fixture(autouse=True)
def keys(settings: Any, tmp_path: Path) -> None:
    """The server's own key files, as at an installation."""
    settings.EVIDENCE_KEY_FILE = tmp_path / "evidence.key"
    settings.CODE_KEY_FILE = tmp_path / "code.key"
    polling.forget_trees()
    settings.REGISTRAR_KEY_FILE = polling.key_file(tmp_path / "registrar.key", polling.signing_key("registrar"))


@pytest.fixture
def world(town: Town) -> World:
    """An election of every kind of contest, with every category offered; notice day is 2030-05-12."""
    return kakuu.world(town)


@pytest.fixture
def today(town: Town) -> World:
    """The same with notice day three days ago and the poll in four: for pages, which look at the clock."""
    day = timezone.localdate()
    return kakuu.world(town, notice=day - timedelta(days=3), election_day=day + timedelta(days=4))


@pytest.fixture
def counter(town: Town) -> Counter:
    """An election whose definition can be fixed, and nothing else yet; notice day is 2026-11-15."""
    return Counter(town)


@pytest.fixture
def polls(counter: Counter) -> Counter:
    """Everything is on the board, the polls are open, six people are on the roll."""
    return counter.set_up().open()


@pytest.fixture
def filled(town: Town) -> Filled:
    """An election whose thirteen applications ended in every way, after acceptance."""
    made = prepared(closed_in_memory(), town)
    made.until_close()
    made.close()
    made.accept_all()
    made.withdraw()
    return made


def desk(official: Official) -> Client:
    """Somebody at the officials' pages."""
    client = Client(headers={"accept-language": "en"})
    client.force_login(official)
    return client


def text(response: Any) -> str:
    """What a page says, streamed or not."""
    parts = response.streaming_content if response.streaming else [response.content]
    return b"".join(parts).decode()


def cells(html: str) -> list[tuple[str, ...]]:
    """The rows of the tables of a page."""
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", html, re.DOTALL)
    found = (re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows)
    return [tuple(unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in row) for row in found]


def fresh(application: Application) -> Application:
    """As it is in the database."""
    return Application.objects.get(pk=application.pk)


def row_of(application: Application) -> Elector:
    """The roll row of an applicant, as it is now."""
    return Elector.objects.get(pk=application.elector_id)


def imported(
    election: Election, path: Path, town: Town, people: Sequence[Mapping[str, str]], kind: str = "full"
) -> RollImport:
    """A roll file from the clerk's upload to the second clerk's approval."""
    rolls.write(path, people)
    begun = begin_import(election, path, kind=RollImport.Kind(kind), file_name="名簿.csv", by=town.clerk)
    checked = check_import(begun, path)
    approve(ask_to_take_over(checked, by=town.clerk), by=town.second_clerk)
    return checked


def asks(of: World, person: Elector, **how: Any) -> Application:
    """Somebody of an imported roll asks for a ballot, and the clerk takes it up."""
    return kakuu.under_review(of, applicant=kakuu.applicant(person), **how)


# Setup and roll


NEW_ELECTION = {
    "title": "架空市長選挙",
    "slug": "mayor",
    "kind": ElectionKind.CITY.value,
    "legal_basis": "架空市条例",
    "notice_day": "2026-11-15",
    "election_day": "2026-11-22",
    "opens_0": "2026-11-16",
    "opens_1": "09:00",
    "closes_0": "2026-11-21",
    "closes_1": "20:00",
    "minimum_group": 10,
    "threshold": 2,
    "witness_threshold": 0,
    "acts": json.dumps(two_officials()),
    "origin": "board.example/mayor",
    "generators": "架空",
    "modulus_bits": 3072,
}
"""The form of a new election, as a browser sends it."""
NEW_CONTEST = {
    "position": 1,
    "identifier": "mayor",
    "title": "市長",
    "form": "SINGLE",
    "scope": "municipal",
    "seats": 1,
    "kind": "choose-one",
    "blank": "on",
    "least": 1,
    "most": 1,
    "width": 1,
    "candidates-TOTAL_FORMS": 2,
    "candidates-INITIAL_FORMS": 0,
    "candidates-0-position": 1,
    "candidates-0-identifier": "a",
    "candidates-0-name": "架空 花子",
    "candidates-0-priority": 0,
    "candidates-1-position": 2,
    "candidates-1-identifier": "b",
    "candidates-1-name": "架空 一郎",
    "candidates-1-priority": 0,
}
"""The form of a new contest with its candidates."""


def test_requirement_01_an_official_creates_an_election(town: Town) -> None:
    """1: "An official can create an election with N, E, contests, 開票区・投票区" - with nothing but the pages."""
    clerk = desk(town.clerk)

    def add(model: str, **fields: Any) -> None:
        response = clerk.post(reverse(f"admin:elections_{model}_add"), fields)
        assert response.status_code == 302, response.context["errors"]

    add("election", office=town.board.pk, **NEW_ELECTION)
    election = Election.objects.get(slug="mayor")
    add("unit", election=election.pk, position=1, identifier="north", name="北開票区")
    unit = election.units.get().pk
    add(
        "district", election=election.pk, code="1", name="第一投票区", unit=unit, polls_open="7:00", polls_close="20:00"
    )
    add("contest", election=election.pk, **NEW_CONTEST)
    assert (election.notice_day, election.election_day) == (date(2026, 11, 15), date(2026, 11, 22))
    assert (election.opens, election.closes) == (OPENS, CLOSES)
    assert [one.name for one in election.contests.get().candidates.all()] == ["架空 花子", "架空 一郎"]
    assert "架空市長選挙" in text(clerk.get(reverse("polls:overview", args=["mayor"])))


def test_requirement_01_all_windows_are_one_dated_list_before_opening(counter: Counter) -> None:
    """1: "the system derives every category's request/vote windows from rules and shows them as one dated list
    (和暦+西暦) before opening". In depth: tests/voting/polls/test_calendar.py.
    """
    covid = counter.offer_of("COVID_HOME").category.name_ja
    counter.row.contests.filter(identifier="judges").update(opens=OPENS + timedelta(days=1))
    page = text(desk(counter.town.clerk).get(reverse("polls:overview", args=[counter.row.slug])))
    away = counter.offer.category.name_ja
    dated = [row[:4] for row in cells(page) if len(row) == 5][1:]
    assert dated == [
        (f"{away}: requests begin", "2026-10-16 (Fri)", "令和8年10月16日", "00:00"),
        (f"{covid}: requests begin", "2026-10-16 (Fri)", "令和8年10月16日", "00:00"),
        ("Notice (N)", "2026-11-15 (Sun)", "令和8年11月15日", "00:00"),
        (f"{away}: voting online begins", "2026-11-16 (Mon)", "令和8年11月16日", "00:00"),
        (f"{covid}: voting online begins", "2026-11-16 (Mon)", "令和8年11月16日", "00:00"),
        ("Early voting on paper begins", "2026-11-16 (Mon)", "令和8年11月16日", "08:30"),
        ("Online polls open", "2026-11-16 (Mon)", "令和8年11月16日", "09:00"),
        ("Judges: voting begins", "2026-11-17 (Tue)", "令和8年11月17日", "09:00"),
        (f"{covid}: requests on paper end", "2026-11-18 (Wed)", "令和8年11月18日", "17:00"),
        (f"{covid}: requests online end", "2026-11-21 (Sat)", "令和8年11月21日", "12:00"),
        (f"{away}: requests on paper end", "2026-11-21 (Sat)", "令和8年11月21日", "17:00"),
        (f"{away}: requests online end", "2026-11-21 (Sat)", "令和8年11月21日", "17:00"),
        ("Early voting on paper ends", "2026-11-21 (Sat)", "令和8年11月21日", "20:00"),
        ("Online polls close", "2026-11-21 (Sat)", "令和8年11月21日", "20:00"),
        (f"{away}: voting online ends", "2026-11-21 (Sat)", "令和8年11月21日", "20:00"),
        (f"{covid}: voting online ends", "2026-11-21 (Sat)", "令和8年11月21日", "20:00"),
        ("Election day (E)", "2026-11-22 (Sun)", "令和8年11月22日", "00:00"),
        ("Polling stations open", "2026-11-22 (Sun)", "令和8年11月22日", "07:00"),
        ("Polling stations close", "2026-11-22 (Sun)", "令和8年11月22日", "20:00"),
    ]
    assert not BoardEntry.objects.exists()


def _no_candidates(counter: Counter) -> None:
    Candidate.objects.filter(contest__identifier="mayor").delete()


def _not_locked(counter: Counter) -> None:
    counter.enrol()


def _no_key(counter: Counter) -> None:
    counter.enrol()
    counter.agree(Act.FIX_DEFINITION)
    counter.act(Type.MANIFEST, BEFORE)


def _window(counter: Counter) -> None:
    counter.offer.online_until = "N-1T17:00"
    counter.offer.save()


@pytest.mark.parametrize(
    ("leave_out", "told"),
    [
        (_no_candidates, "contest mayor has no candidates"),
        (_not_locked, "the manifest is not on the board"),
        (_no_key, "the election key is not on the board"),
        (_window, "the deadline for requests is before notice day"),
    ],
)
def test_requirement_02_opening_is_refused_while_something_is_missing(
    counter: Counter, leave_out: Callable[[Counter], None], told: str
) -> None:
    """2: "Opening … is refused while any contest has no locked candidate list, no public key, or an inconsistent
    window (e.g. apply_until < N)". Every reason: tests/voting/polls/test_opening.py.
    """
    leave_out(counter)
    with pytest.raises(NotReady) as refused:
        ask(Act.OPEN_POLLS, counter.row, by=counter.town.chair)
    assert any(told in problem for problem in refused.value.problems)
    assert told in unescape(text(desk(counter.town.chair).get(reverse("polls:overview", args=[counter.row.slug]))))


def test_requirement_02_opening_takes_two_officials(counter: Counter) -> None:
    """2: "Opening an election needs two different officials": here, and by two signatures on the board."""
    counter.set_up()
    chair, row = counter.town.chair, counter.row
    with pytest.raises(NotReady, match="two officials have not agreed"):
        prepare(row, Type.POLLS_OPENED)
    asked = ask(Act.OPEN_POLLS, row, by=chair)
    with pytest.raises(NotPermitted):
        approve(asked, by=chair)
    approve(asked, by=counter.town.second_chair)
    entry = prepare(row, Type.POLLS_OPENED)
    for signers in (["official 1"], ["official 1", "official 1"]):
        with pytest.raises(EntryRefused):
            counter.submit(entry, *signers, time=OPENS)
    counter.submit(entry, "official 1", "official 2", time=OPENS)
    assert BoardEntry.objects.filter(election=row, type=Type.POLLS_OPENED).count() == 1


@pytest.mark.parametrize("encoding", ["utf-8", "cp932"])
def test_requirement_03_a_roll_file_is_checked_shown_and_taken_over_by_two(
    town: Town, tmp_path: Path, encoding: str
) -> None:
    """3: "A roll CSV in UTF-8 or CP932 imports with a row/column error report, keeps 髙﨑𠮷邉 and IVS unchanged, and
    commits only after a second official approves the preview counts". In depth: tests/voting/roll/test_imports.py;
    800,000 rows: `python -m tests.bench.roll`.
    """
    election, path = rolls.election_without_roll(town), tmp_path / "名簿.csv"
    name = "髙﨑　𠮷邉葛\U000e0100" if encoding == "utf-8" else "髙﨑　邉"
    people = [rolls.row(1, 氏名=name), rolls.row(2), rolls.row(3)]

    def checked(rows: Sequence[Mapping[str, str]]) -> RollImport:
        rolls.write(path, rows, encoding)
        begun = begin_import(election, path, kind=RollImport.Kind.FULL, file_name=path.name, by=town.clerk)
        return check_import(begun, path)

    faulty = checked([*people[:2], rolls.row(3, 生年月日="昭和65年13月1日"), rolls.row(4, 投票区="999")])
    assert faulty.state == RollImport.State.FAULTY
    assert list(faulty.faults.values_list("line", "column")) == [(4, "生年月日"), (5, "投票区")]
    assert not Elector.objects.exists()

    ready = checked(people)
    assert (ready.encoding, ready.preview["rows"], ready.preview["new"]) == (encoding, 3, 3)
    proposal = ask_to_take_over(ready, by=town.clerk)
    with pytest.raises(NotPermitted):
        approve(proposal, by=town.clerk)
    assert not Elector.objects.exists()
    approve(proposal, by=town.second_clerk)
    assert Elector.objects.count() == 3
    assert Elector.objects.get(number=people[0]["宛名番号"]).name.encode() == name.encode()


@pytest.mark.parametrize("mark", ["死亡", "公民権停止", "抹消"])
def test_requirement_04_marked_rows_get_no_ballot(world: World, tmp_path: Path, mark: str) -> None:
    """4: "Roll rows marked 死亡・公民権停止・抹消 … can never be issued a ballot …, and marks updated by a later
    delta import take effect at once". In depth: tests/voting/roll/test_imports.py, test_eligibility.py.
    """
    Elector.objects.all().delete()
    imported(world.election, tmp_path / "whole.csv", world.town, list(rolls.rows(2)))
    person = Elector.objects.get(number=f"{2:010}")
    waiting = asks(world, person)
    delta = [rolls.row(2, 表示区分=mark, 異動日="2026-01-02")]
    imported(world.election, tmp_path / "changes.csv", world.town, delta, "delta")
    with pytest.raises(NotEligible):
        review.approve(waiting, by=world.town.chair, at=world.n(4))
    assert fresh(waiting).state == State.UNDER_REVIEW and row_of(waiting).vote == Vote.NONE


def test_requirement_04_who_moved_away_gets_the_ballot_of_the_other_contests(world: World, tmp_path: Path) -> None:
    """4: "or contest-ineligible (転出) can never be issued a ballot for that contest"."""
    Elector.objects.all().delete()
    imported(world.election, tmp_path / "whole.csv", world.town, list(rolls.rows(3)))
    waiting = [asks(world, one) for one in Elector.objects.order_by("number")]
    moved = {"表示区分": "転出", "異動日": "2026-01-02"}
    delta = [rolls.row(2, **moved, 県内転出="1"), rolls.row(3, **moved)]
    imported(world.election, tmp_path / "changes.csv", world.town, delta, "delta")
    issued = [review.approve(one, by=world.town.chair, at=world.n(4)).style for one in waiting]
    assert [{place.contest.scope for place in style.places.all()} for style in issued if style] == [
        {Scope.NATIONAL, Scope.PREFECTURAL, Scope.MUNICIPAL},
        {Scope.NATIONAL, Scope.PREFECTURAL},
        {Scope.NATIONAL},
    ]


@pytest.mark.parametrize("way", ["online", "paper"])
def test_requirement_05_one_person_on_the_rolls_twice_has_one_vote(world: World, tmp_path: Path, way: str) -> None:
    """5: "The same person appearing twice in an import, or in both 選挙人名簿 and 在外選挙人名簿, is flagged and
    cannot be issued two ballots". In depth: tests/voting/roll/test_services.py.
    """
    Elector.objects.all().delete()
    same = {"フリガナ": "サイトウ　ミノル", "性別": "男", "生年月日": "1960-06-06"}
    people = [
        rolls.row(1, 氏名="齋藤　実", **same),
        rolls.row(2, 氏名="斎藤實", **same),
        rolls.row(3, 氏名="斉藤　実", 名簿種別="在外選挙人名簿", 県="0", 市="0", **same),
    ]
    numbers = [person["名簿番号"] for person in people]
    done = imported(world.election, tmp_path / "whole.csv", world.town, people)
    assert done.preview["doubles"]["pairs"] == [[numbers[0], numbers[1]], [numbers[0], numbers[2]]]

    first, second, abroad = Elector.objects.order_by("number")
    waiting = [asks(world, second), asks(world, abroad, code="OVERSEAS_RESIDENT")]
    if way == "online":
        review.approve(asks(world, first), by=world.town.chair, at=world.n(4))
    else:
        record_paper_vote(first, way=PaperWay.EARLY, by=world.town.clerk)
    for application in waiting:
        with pytest.raises(SamePerson):
            review.approve(application, by=world.town.chair, at=world.n(4))
    with pytest.raises(SamePerson):
        record_paper_vote(second, way=PaperWay.STATION, by=world.town.poll_manager)


def test_requirement_06_candidates_stand_in_the_order_of_the_lot_for_everybody(counter: Counter) -> None:
    """6: "Candidates show 氏名/通称, ふりがな, 党派 in the lot order given by the board, identically to every voter":
    what every booth reads is one signed entry, the manifest, and nobody changes it from then on.
    """
    mayor = counter.row.contests.get(identifier="mayor")
    mayor.candidates.all().delete()
    lot = [
        ("架空 一郎", "かくう いちろう", "架空の会"),
        ("アイ", "あい", ""),
        ("わたり 花子", "わたり はなこ", "架空党"),
    ]
    for place, (name, reading, party) in reversed(list(enumerate(lot, 1))):
        mayor.candidates.create(position=place, identifier="bca"[place - 1], name=name, reading=reading, party=party)
    counter.agree(Act.FIX_DEFINITION)
    entry = counter.act(Type.MANIFEST, BEFORE)

    manifest = counter.state.manifest
    assert manifest is not None
    contests = {contest.id: contest for contest in manifest.contests}
    assert [(one.name, one.reading, one.party) for one in contests["mayor"].options] == lot
    with_mayor = [style for style in manifest.styles if "mayor" in style.contests]
    assert len(with_mayor) == 2 and "mayor" in contests and len(contests) == len(manifest.contests)
    assert BoardEntry.objects.filter(election=counter.row, type=Type.MANIFEST).get() == entry
    for change in ({"position": 9}, {"name": "別人"}, {"party": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Candidate.objects.filter(contest=mayor, identifier="a").update(**change)
    assert [one["name"] for one in build_manifest(counter.row)["contests"][0]["options"]] == [name for name, *_ in lot]


# Identity


def test_requirement_08_four_equal_attributes_bind_and_all_else_goes_to_officials(world: World) -> None:
    """8: "a voter whose 4 attributes match exactly one roll row is bound automatically; otherwise the case goes to an
    officer queue and no roll data are revealed to the voter". In depth: tests/voting/roll/test_matching.py. The
    attributes come from the card: tests/voting/login.
    """
    known = kakuu.submit(world, who="takahashi", at=world.n(3, 12))
    assert known.elector == world.electors["takahashi"]
    taro, town = world.electors["taro"], world.town
    others = [
        kakuu.submit(world, applicant=kakuu.applicant(taro, **change), at=world.n(3, 12))
        for change in ({"name": "架空　次郎"}, {"birth": date(1980, 4, 2)}, {"sex": "F"}, {"address": "架空市港1番地"})
    ]
    assert {one.elector for one in others} == {None}
    assert {one.state for one in others} == {known.state}
    said = {re.sub(r"\S{4}-\S{4}", "", notice.body) for notice in Notice.objects.all()}
    assert len(said) == 1, "whoever is not on the roll is told the same"
    queue = text(desk(town.clerk).get(reverse("admin:applications_application_changelist")))
    assert all(one.reference in queue for one in others)

    case = review.take_up(others[-1], by=town.clerk)
    assert taro in review.possible_electors(case, by=town.clerk)
    asked = review.ask_to_match(case, taro, by=town.clerk, reason="転居届を確認した")
    with pytest.raises(NotPermitted):
        approve(asked, by=town.clerk)
    approve(asked, by=town.second_clerk)
    assert fresh(case).elector == taro


def test_requirement_10_without_a_card_there_is_paper_with_its_deadline(today: World) -> None:
    """10: "A voter without a usable card gets … the paper route with … its deadline": what the services give. The
    deadline on paper stands beside the one online, and a clerk takes the request by telephone and prints a letter.
    """
    offer, town = today.offers["COVID_HOME"], today.town
    dates = windows(offer)
    assert (dates.paper_until, dates.online_until) == (today.e(-4, 17), today.e(-1, 12))
    assert all(windows(one).paper_until for one in offered(today.election) if one.category.status != Status.PROPOSAL)

    way = Application.Way.COUNTER
    made = kakuu.request(today, "OTHER_BOARD")
    by_telephone = submit(today.offers["OTHER_BOARD"], made, way=way, by=town.clerk)
    review.approve(review.take_up(by_telephone, by=town.clerk), by=town.chair)
    letter, code = issue_letter(by_telephone, by=town.clerk)
    assert len(code) > 8 and code.encode() not in bytes(letter.code_digest)


# Request


@pytest.mark.parametrize("kind", [ElectionKind.SHUGIIN_GENERAL, ElectionKind.CITY])
def test_requirement_11_voters_see_the_enabled_categories_with_all_they_need(town: Town, kind: ElectionKind) -> None:
    """11: "A voter sees only categories that the election enables, each with plain-language eligibility, evidence,
    deadline and legal basis/status (現行/休止/提案)". In depth: tests/voting/applications/test_offers.py.
    """
    day = timezone.localdate() + timedelta(days=9)
    early = kakuu.world(town, kind=kind, notice=day, election_day=day + timedelta(days=7))
    change_offer(early.offers["DETENTION"], by=town.clerk, enabled=False)
    shown = {offer.category.code: offer for offer in offered(early.election)}
    missing = {"DETENTION"}
    if kind is ElectionKind.CITY:  # the law knows these for national elections only
        missing |= {"SEAFARER_FAX", "ANTARCTIC_FAX", "OVERSEAS_RESIDENT"}
    assert set(shown) == set(early.offers) - missing
    with pytest.raises(NotOffered):
        kakuu.submit(early, "DETENTION")

    for offer in shown.values():
        category = offer.category
        for language in ("ja", "ja-easy", "en"):
            assert category.name(language) and category.who(language)
        assert all(str(EVIDENCE[evidence].label) for kinds in category.evidence for evidence in kinds)
        assert windows(offer).online_until > windows(offer).apply_from
        assert category.law or category.status == Status.PROPOSAL
    statuses = {code: shown[code].category.status for code in ("FACILITY", "COVID_HOME", "CLOSE_CONTACT")}
    assert statuses == {"FACILITY": Status.EXISTING, "COVID_HOME": Status.DORMANT, "CLOSE_CONTACT": Status.PROPOSAL}


@pytest.mark.parametrize("code", COVID)
@pytest.mark.parametrize(
    ("starts", "ends", "asked", "taken"),
    [
        pytest.param("N-5", "N", "N", False, id="ends N"),
        pytest.param("N-5", "N+1", "N", True, id="ends N+1"),
        pytest.param("N-5", "N+1", "N+1", True, id="ends on the day of the request"),
        pytest.param("N-5", "N+1", "N+2", False, id="ended yesterday"),
        pytest.param("E", "E+9", "N+2", True, id="starts E"),
        pytest.param("E+1", "E+9", "N+2", False, id="starts E+1"),
        pytest.param("N-9", "N-1", "N-2", False, id="over before notice"),
    ],
)
def test_requirement_12_isolation_overlaps_the_days_of_voting_and_lasts(
    world: World, code: str, starts: str, ends: str, asked: str, taken: bool
) -> None:
    """12: "A COVID request is accepted iff the isolation period overlaps N+1…E and has not ended when the request is
    received". In depth: tests/voting/applications/test_catalogue.py, test_requests.py.
    """
    first, last, received = (_moment(world, day) for day in (starts, ends, asked))
    made = kakuu.request(world, code)
    (kind,) = made.claims
    made = replace(made, claims={kind: {**made.claims[kind], "period": world.span(first, last)}})
    if taken:
        assert submit(world.offers[code], made, at=received).state == State.REQUESTED
        return
    with pytest.raises(ConditionNotMet):
        submit(world.offers[code], made, at=received)
    assert not Application.objects.exists()


def _moment(world: World, day: str) -> datetime:
    """ "E+9" as noon that many days after election day."""
    return (world.n if day[0] == "N" else world.e)(int(day[1:] or 0), 12)


@pytest.mark.parametrize("answer", ["yes", "no", "none"])
def test_requirement_13_without_the_document_somebody_confirms_or_decides(world: World, answer: str) -> None:
    """13: "A COVID request without the document is accepted with a stated reason and stays 確認中 until the health
    officer confirms period yes/no or an official decides". In depth: tests/voting/applications/test_review.py.
    """
    without = {"kinds": ("OMITTED_WITH_REASON",)}
    silent = kakuu.claims(world, *without["kinds"])
    silent["OMITTED_WITH_REASON"]["omission"] = ""
    with pytest.raises(RequestInvalid):
        kakuu.submit(world, "COVID_HOME", claims=silent, **without)

    town, waiting = world.town, kakuu.submit(world, "COVID_HOME", **without)
    assert waiting.state == State.TO_CONFIRM
    with pytest.raises(WrongState):
        review.approve(waiting, by=town.chair, at=world.n(4))
    if answer != "none":
        period = {"starts": world.n(0).date(), "ends": world.e(0).date()} if answer == "yes" else {}
        review.confirm(waiting, by=town.health_officer, confirmed=answer == "yes", **period)
        assert fresh(waiting).state == State.REQUESTED
    review.take_up(waiting, by=town.clerk)
    if answer != "yes":
        with pytest.raises(RequestInvalid, match="reason"):
            review.approve(waiting, by=town.chair, at=world.n(4))
    reason = "" if answer == "yes" else "電話で保健所に確認した"
    assert review.approve(waiting, by=town.chair, at=world.n(4), reason=reason).state == State.ISSUED


@pytest.mark.parametrize("zone", [0, 9, -5])
def test_requirement_14_one_second_late_is_late_and_hears_what_is_left(
    world: World, zone: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """14: "A request one second after the category's cutoff is refused with the remaining alternatives, using server
    time JST", whatever zone the server's clock shows. In depth: tests/voting/applications/test_requests.py.
    """
    last = datetime(2030, 5, 15, 17, tzinfo=JAPAN)  # E-4 17:00 of the postal vote
    late = last + timedelta(seconds=1)
    offer, made = world.offers["POSTAL_DISABILITY"], kakuu.request(world, "POSTAL_DISABILITY")
    away = timezone.get_fixed_timezone(zone * 60)
    monkeypatch.setattr("django.utils.timezone.now", lambda: late.astimezone(away))
    with pytest.raises(OutOfTime) as refused:
        submit(offer, made)
    left = {one.category.code for one in refused.value.alternatives if hasattr(one, "category")}
    assert {"OTHER_BOARD", "FACILITY", *COVID} <= left
    assert not {"POSTAL_DISABILITY", "POSTAL_PROXY"} & left
    assert not Application.objects.exists()
    monkeypatch.setattr("django.utils.timezone.now", lambda: last.astimezone(away))
    assert submit(offer, made).received_at == last


@pytest.mark.parametrize("media", ["application/pdf", "image/jpeg", "image/png", "image/heic"])
def test_requirement_15_evidence_is_checked_sealed_and_shown_on_the_record(
    world: World, settings: Any, media: str
) -> None:
    """15: "Uploaded evidence (PDF/JPEG/PNG/HEIC ≤10 MB) is type-checked, virus-scan hook called, stored encrypted,
    viewable only by reviewers of that municipality, each view logged". In depth: tests/voting/applications/
    test_files.py, test_evidence.py.
    """
    settings.EVIDENCE_SCAN_COMMAND = ["cat"]  # says: clean
    data = WHOLE[media]
    application = kakuu.submit(world, "COVID_HOME", files=[("ISOLATION_ORDER", data)])
    file, town = application.files.get(), world.town
    assert (file.media_type, file.scan) == (media, Scan.CLEAN)
    with connection.cursor() as cursor:
        cursor.execute("SELECT ciphertext, key_sealed FROM applications_evidence")
        stored = b"".join(map(bytes, cursor.fetchone()))
    assert not any(data[at : at + 12] in stored for at in range(len(data) - 12))

    insiders = [town.clerk, town.second_clerk, town.chair, town.second_chair]
    everybody = [one for one in vars(town).values() if isinstance(one, Official)]
    looks = AccessEntry.objects.filter(act=Act.VIEW_EVIDENCE, people__subject=application.elector_id)
    for somebody in [*everybody, *kakuu.neighbour()[1:]]:
        before = looks.count()
        if somebody in insiders:
            assert open_file(file, by=somebody) == data
            assert looks.count() == before + 1 and looks.latest("index").official == somebody.username
        else:
            with pytest.raises(NotPermitted):
                open_file(file, by=somebody)
            assert looks.count() == before


@pytest.mark.parametrize(
    ("data", "scanner"),
    [
        (b"MZ\x90\x00 a program", "cat"),
        (b"%PDF-1.7 cut off", "cat"),
        (PDF + b" " * LARGEST_FILE, "cat"),
        (PDF, "false"),
    ],
    ids=["program", "damaged", "too large", "infected"],
)
def test_requirement_15_anything_else_is_refused(world: World, settings: Any, data: bytes, scanner: str) -> None:
    """15: other types, more than 10 MB, and what the scanner finds; nothing of it is stored."""
    assert LARGEST_FILE in (10_000_000, 10 << 20)
    settings.EVIDENCE_SCAN_COMMAND = [scanner]
    with pytest.raises(FileRefused):
        kakuu.submit(world, "COVID_HOME", files=[("ISOLATION_ORDER", data)])
    assert not Evidence.objects.exists() and not Application.objects.exists()


def test_requirement_16_a_head_files_for_the_own_house_while_designated(today: World) -> None:
    """16: "A facility head can file and track requests for own residents in bulk, cannot see other facilities, and
    cannot file after designation expired". In depth: tests/voting/applications/test_requests.py, test_admin.py.
    """
    town, offer = today.town, today.offers["FACILITY"]
    residents = [kakuu.request(today, "FACILITY", who) for who in ("taro", "hanako", "takahashi")]
    other = offices.office(OfficeKind.FACILITY, "rin-byoin", "隣病院", town.prefecture)
    Designation.objects.create(office=other, starts=date(2026, 1, 1))
    stranger = offices.official("rin-attestor", Role.ATTESTOR, other)

    filed = submit_for_others(offer, residents[:2], office=town.hospital, by=town.attestor)
    review.approve(review.take_up(filed[0], by=town.clerk), by=town.chair)
    house = reverse("admin:applications_confirmation_place", args=[town.hospital.pk])
    seen = text(desk(town.attestor).get(house))
    assert "架空　太郎" in seen and "ballot issued" in seen and "架空　花子" in seen and "received" in seen
    assert desk(stranger).get(house).status_code == 404
    with pytest.raises(NotPermitted):
        submit_for_others(offer, residents[2:], office=town.hospital, by=stranger)
    with pytest.raises(NotPermitted):
        submit_for_others(offer, residents[2:], office=other, by=town.attestor)

    Designation.objects.filter(office=town.hospital).update(ends=timezone.localdate() - timedelta(days=1))
    with pytest.raises(NotOffered, match="not designated today"):
        submit_for_others(offer, residents[2:], office=town.hospital, by=town.attestor)
    assert Application.objects.count() == 2


@pytest.mark.parametrize(
    ("member", "head", "taken"),
    [
        pytest.param(-5, (-3, 17, 0, 0), True, id="E-5 and E-3"),
        pytest.param(-4, (-3, 17, 0, 0), False, id="member late"),
        pytest.param(-5, (-3, 17, 0, 1), False, id="head late"),
    ],
)
def test_requirement_17_units_keep_two_deadlines(world: World, member: int, head: tuple[int, ...], taken: bool) -> None:
    """17: "OVERSEAS_UNIT requests enforce member notice ≤E-5 and head's request ≤E-3"."""
    made = kakuu.request(world, "OVERSEAS_UNIT")
    claim = {**made.claims["UNIT_ROSTER"], "member_notice_on": world.e(member).date().isoformat()}
    made = replace(made, claims={"UNIT_ROSTER": claim})
    unit, by = world.places[OfficeKind.UNIT], world.heads[OfficeKind.UNIT]

    def file() -> list[Application]:
        return submit_for_others(world.offers["OVERSEAS_UNIT"], [made], office=unit, by=by, at=world.e(*head))

    if taken:
        assert file()[0].state == State.REQUESTED
        return
    with pytest.raises((RequestInvalid, OutOfTime)):
        file()
    assert not Application.objects.exists()


@pytest.mark.parametrize("kind", ElectionKind)
def test_requirement_17_fax_is_for_the_great_national_elections(town: Town, kind: ElectionKind) -> None:
    """17: "SEAFARER_FAX/ANTARCTIC_FAX are not offered outside 衆院総選挙・参院通常選挙・国民審査" - not even where
    somebody put them into the election's table.
    """
    world = kakuu.world(town, kind=kind)
    great = kind in (ElectionKind.SHUGIIN_GENERAL, ElectionKind.SANGIIN_REGULAR, ElectionKind.KOKUMIN_SHINSA)
    shown = {offer.category.code for offer in offered(world.election)}
    for code in ("SEAFARER_FAX", "ANTARCTIC_FAX"):
        assert (code in shown) == great
        if not great:
            with pytest.raises(NotOffered):
                kakuu.submit(world, code)


@pytest.mark.parametrize("decision", ["approve", "send-back", "reject"])
def test_requirement_18_decisions_have_reasons_and_are_never_silent(
    world: World, decision: str, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    """18: "A reviewer can approve, return for correction with reason, or reject with legal reason; the voter is
    notified and sees status, reviewer office and time". In depth: tests/voting/applications/test_notices.py.
    """
    town, reason = world.town, "証明書の写真が読めません"
    english = kakuu.applicant(world.electors["taro"], language="en")
    case = kakuu.under_review(world, applicant=english)
    if decision == "send-back":
        with pytest.raises(RequestInvalid):
            review.send_back(case, by=town.clerk, reason=" ")
    if decision == "reject":
        for ground, words in (("evidence", ""), ("dislike", reason), ("", reason)):
            with pytest.raises(RequestInvalid):
                review.reject(case, by=town.chair, ground=ground, reason=words)
    mail.outbox.clear()
    decide: dict[str, Callable[[], object]] = {
        "approve": lambda: review.approve(case, by=town.chair, at=world.n(4)),
        "send-back": lambda: review.send_back(case, by=town.clerk, reason=reason),
        "reject": lambda: review.reject(case, by=town.chair, ground="evidence", reason=reason),
    }
    with django_capture_on_commit_callbacks(execute=True):
        decide[decision]()

    (message,) = mail.outbox
    change = fresh(case).changes.latest("pk")
    assert message.to == ["voter@example.jp"] and case.reference in message.subject
    said = {"approve": "was approved", "send-back": "must be corrected", "reject": "was rejected"}[decision]
    at = timezone.localtime(change.at).strftime("%Y-%m-%d %H:%M")
    wanted = [said, town.board.name, at]
    wanted += [] if decision == "approve" else [reason]
    wanted += ["The evidence does not show what is stated"] if decision == "reject" else []
    assert [part for part in wanted if part not in str(message.body)] == []
    assert (change.office, change.after) == (town.board.name, fresh(case).state)


def test_requirement_19_an_issued_ballot_is_on_the_marked_roll_at_once(today: World) -> None:
    """19: "Approving = issuing marks the roll entry 不在者(オンライン)交付 immediately, visible to polling-station and
    early-voting look-up (API + printable list) within 5 seconds": by the pages and the API alone.
    """
    town, case = today.town, kakuu.under_review(today, at=today.n(1, 12))
    district = row_of(case).district
    number = row_of(case).list_number
    query = {"election": today.election.slug, "district": district.code}
    station = desk(town.poll_manager)
    paper = reverse("records:district", args=[today.election.slug, Document.MARKED_ROLL.value, district.pk])

    def marks() -> dict[str, str]:
        rows = station.get("/office/api/marks/", query).json()["results"]
        return {row["list_number"]: row["vote"] for row in rows}

    def printed() -> str:
        return next(row[-1] for row in cells(text(station.get(paper))) if row and row[0] == number)

    as_of = station.get("/office/api/marks/", query).json()["as_of"]
    assert number not in marks() and printed() == ""
    begun = time.monotonic()
    answer = desk(town.chair).post(reverse("admin:applications_application_act", args=[case.pk, "approve"]))
    assert answer.status_code == 302
    assert marks()[number] == Vote.ISSUED
    assert printed() == "不在者（オンライン）交付済"
    changed = station.get("/office/api/marks/", {**query, "changed_since": as_of}).json()["results"]
    assert [row["list_number"] for row in changed] == [number]
    looked_up = text(desk(town.poll_witness).get(reverse("roll:marks"), {"district": district.pk, "number": number}))
    assert number in looked_up and "issued" in looked_up
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("revote", [False, True])
def test_requirement_20_paper_and_online_exclude_each_other(town: Town, revote: bool) -> None:
    """20: "If paper or early voting has already been recorded …, issuing is impossible; if a ballot right is issued
    online, recording a paper/early vote requires prior 返還, which is impossible after casting". Decision 8.1: its last
    clause holds under `forbidden`; under `until_close` the paper vote is recorded and the online ballot refused.
    In depth: tests/voting/roll/test_services.py, tests/voting/applications/test_races.py.
    """
    world = kakuu.world(town, revote=revote)

    def on_paper(elector: Elector) -> Elector:
        return record_paper_vote(elector, way=PaperWay.EARLY, by=town.poll_manager)

    late = kakuu.under_review(world, who="hanako")
    on_paper(world.electors["hanako"])
    with pytest.raises(VoteTaken):
        review.approve(late, by=town.chair, at=world.n(4))

    case = kakuu.issued(world)
    with pytest.raises(VoteTaken):
        on_paper(row_of(case))
    kakuu.give_back(world, case)
    assert on_paper(row_of(case)).vote == Vote.PAPER

    cast = kakuu.issued(world, who="takahashi")
    review.note_cast(cast)
    with pytest.raises(WrongState):
        kakuu.give_back(world, fresh(cast))
    if not revote:
        with pytest.raises(VoteTaken):
            on_paper(row_of(cast))
        assert exceptional(world.election) == []
        return
    assert on_paper(row_of(cast)).vote == Vote.PAPER_WINS
    assert [(one.application, one.ground) for one in exceptional(world.election)] == [(cast, "paper")]


# Acceptance


def test_requirement_31_two_people_refuse_exceptional_ballots_which_stay_sealed(polls: Counter) -> None:
    """31: "Between close and strip, the poll manager decides 受理/不受理 for exceptional cast ballots (death, lost
    franchise, voted in person, duplicate) with reason and a second person's opinion; refused ballots stay sealed and
    are never decrypted". In depth: tests/voting/polls/test_acceptance.py.
    """
    town, row = polls.town, polls.row
    cast = [polls.voter(elector) for elector in electors(row)[:5]]
    follow_board(row)
    dead, lost, paper, duplicate, good = cast
    Elector.objects.filter(pk=dead.elector_id).update(mark="dead")
    Elector.objects.filter(pk=lost.elector_id).update(mark="suspended")
    record_paper_vote(row_of(paper), way=PaperWay.STATION, by=town.poll_manager)
    polls.close()
    grounds = {dead: "dead", lost: "franchise", paper: "paper"}
    assert {one.application: one.ground for one in exceptional(row)} == grounds
    listed = text(desk(town.poll_witness).get(reverse("polls:acceptance", args=[row.slug])))
    assert all(one.reference in listed for one in grounds) and good.reference not in listed
    with pytest.raises(NotReady):
        accept_rest(row, by=town.poll_manager)

    for application, ground in {**grounds, duplicate: "duplicate"}.items():
        with pytest.raises(RequestInvalid):
            ask_to_refuse(fresh(application), ground=ground, reason="", by=town.poll_manager)
        asked = ask_to_refuse(fresh(application), ground=ground, reason="台帳を確認した", by=town.poll_manager)
        for nobody in (town.poll_manager, town.chair):
            with pytest.raises(NotPermitted):
                approve(asked, by=nobody)
        approve(asked, by=town.poll_witness)
    assert accept_rest(row, by=town.poll_manager) == 1
    assert [fresh(one).state for one in cast] == [State.REFUSED] * 4 + [State.ACCEPTED]

    with pytest.raises(NotReady, match="not withdrawn"):
        polls.agree(Act.FREEZE_TALLY)
    sealed = {Binding.objects.get(application=one).pseudonym for one in cast[:4]}
    polls.act(Type.WITHDRAWALS, CLOSES)
    polls.freeze()
    strip(row)
    polls.publish()
    state = polls.state
    assert {name for name, slot in state.slots.items() if slot.withdrawn} == sealed
    assert state.result is not None and state.result["turnout"]["ballots"] == 1
    assert good.changes.filter(event=Event.ACCEPT).count() == 1


def test_requirement_31_a_second_ballot_of_one_person_is_exceptional(polls: Counter) -> None:
    """31: "exceptional cast ballots (… duplicate)". Two rows look like one person only since a later roll file: both
    have cast, and neither is accepted before the poll manager has looked.
    """
    first, second, third = [polls.voter(elector) for elector in electors(polls.row)[:3]]
    follow_board(polls.row)
    same = {name: getattr(row_of(first), name) for name in ("name", "kana", "folded_name", "folded_kana", "person")}
    Elector.objects.filter(pk=second.elector_id).update(**same)
    polls.close()
    assert {one.application: one.ground for one in exceptional(polls.row)} == {
        first: "duplicate",
        second: "duplicate",
    }
    polls.refuse(second, "duplicate")
    assert accept_rest(polls.row, by=polls.town.poll_manager) == 2
    assert [fresh(one).state for one in (first, third)] == [State.ACCEPTED] * 2


# The count


@pytest.fixture
def cast(polls: Counter) -> list[Application]:
    """Four people of north and south voted, their ballots are accepted and frozen; nobody has counted yet."""
    found = [polls.voter(elector) for elector in electors(polls.row)[:4]]
    polls.close()
    polls.accept_rest()
    polls.freeze()
    return found


@pytest.fixture
def counting(settings: Any, tmp_path: Path) -> Callable[[Election], None]:
    """What the site does by itself, as far as it can."""
    settings.VAR_DIR = tmp_path
    return lambda election: go_on(election, HereHands([]), lambda: CLOSES)


def printed(election: Election, caption: str) -> list[tuple[str, ...]]:
    """The rows of a table of the 開票録."""
    [rows] = [list(one.rows) for one in tables(Document.COUNT_RECORD, election) if one.caption == caption]
    return rows


def test_requirement_32_after_stripping_nothing_leads_from_a_name_to_a_counted_ballot(
    polls: Counter, cast: list[Application], counting: Callable[[Election], None]
) -> None:
    """32: "After stripping, no query by any role can link a ciphertext used in the tally to an elector;
    deletion/irreversibility is shown in the ceremony log". The program cuts every link before anything is mixed or
    opened; then every table is searched. In depth, and what is left (the roll row of a slot): tests/voting/polls/
    test_acceptance.py.
    """
    slots = list(Binding.objects.values_list("pseudonym", flat=True))
    assert len(slots) == 4 and "credentials_binding" in tables_with(slots)
    counting(polls.row)
    assert polls.state.partial_roots == {} and not Binding.objects.exists()
    assert tables_with(slots) == {"elections_slot", "board_boardentry"}
    town = polls.town
    for role in (town.clerk, town.chair, town.count_manager, town.auditor, town.system_admin):
        for one in cast:
            page = desk(role).get(reverse("admin:applications_application_change", args=[one.pk]))
            assert page.status_code in (200, 403) and not any(name in page.content.decode() for name in slots)
    [(_, said, number, _)] = printed(polls.row, "氏名と票との対応の削除")
    assert said == "受理した4件の対応を削除（残り0件）"
    assert AccessEntry.objects.get(index=number).act == "strip"
    check_log()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM access_accessentry WHERE act = 'strip'")


def test_requirement_33_two_of_three_trustees_open_and_one_cannot(
    polls: Counter, cast: list[Application], counting: Callable[[Election], None]
) -> None:
    """33: "Decryption needs at least t of n key-holders …; t-1 cannot decrypt, one missing holder does not block, and
    every step prints to 開票録". In depth: tests/verifier/crypto/test_threshold.py, tests/voting/trustees,
    tests/voting/records/test_count_record.py.
    """

    def root(trustee: int) -> None:
        share = polling.ceremony().dealt.shares[trustee - 1]
        body, columns = partial_roots_body(polls.state, trustee, share)
        signatures = sign_entry(Type.PARTIAL_ROOTS, body, [polling.signing_key(f"trustee {trustee}")])
        append(polls.row, entry_type=Type.PARTIAL_ROOTS, body=body, signatures=signatures, columns=columns, time=CLOSES)

    opening = BoardEntry.objects.filter(election=polls.row, type=Type.OPENING)
    counting(polls.row)
    root(3)
    counting(polls.row)
    assert not opening.exists()
    with pytest.raises(ThresholdNotMet):
        opening_body(polls.state)
    root(1)  # the second trustee never comes
    counting(polls.row)
    assert opening.count() == 1
    trustees = printed(polls.row, "開票立会人（鍵の保持者）")
    assert [(name, bool(re.search(r"\d+月\d+日", at))) for name, at, _ in trustees] == [
        ("trustee 1", True),
        ("trustee 2", False),
        ("trustee 3", True),
    ]
    polls.declare()
    assert polls.state.result is not None and polls.state.result["turnout"]["ballots"] == 4


@pytest.fixture
def published(db: None) -> Election:
    """An election with a contest of every form, counted from sealed ballots and published; the west has one voter."""
    memory = forms.counted()
    row = boards.define(memory)
    boards.store(row, memory, 0, None)
    publish_checkpoint(row, boards.AFTERWARDS)
    return row


def test_requirement_34_counts_by_unit_and_contest_equal_an_independent_count(published: Election) -> None:
    """34: "Tally produces per 開票区 per contest counts for SINGLE, SNTV, PR_CLOSED, PR_OPEN …, REVIEW … and REFERENDUM
    that equal an independent reference count". Here the published file against what the voters chose, with ballots,
    mixing and opening between; on 10,000 ballots: tests/verifier/test_independent_count.py.
    """
    asked = {one["id"]: one for one in forms.manifest()["contests"]}
    counted = {one["id"]: one for one in Client().get(f"/results/{published.slug}/result.json").json()["contests"]}
    assert {"SINGLE", "SNTV", "PR_CLOSED", "PR_OPEN", "REVIEW", "REFERENDUM"} <= {one["form"] for one in asked.values()}
    for name in asked.keys() - {"ward"}:
        found = {tuple(sorted(group["units"])): group for group in counted[name]["groups"]}
        assert sorted(found) == [("north", "west"), ("south",)]
        for units, group in found.items():
            chosen = [choices[name] for slot, (unit, choices) in forms.VOTES.items() if unit in units]
            reference = naive.counts(asked[name], chosen)
            assert {part: group[part] for part in reference} == reference, (name, units)


def test_requirement_35_below_the_minimum_nothing_is_published(published: Election) -> None:
    """35: "If accepted ballots in a 開票区 are below k, the online subtotal is withheld from publication and from the
    API". The west, with one ballot, has no count of its own but one together with the smallest other area; its own
    contest is not even opened, so that there is nothing to hand to the 開票管理者. In depth: tests/voting/results.
    """
    client, site = Client(headers={"accept-language": "en"}), f"/results/{published.slug}/"
    for path in ("", "result.json", "result.csv"):
        said = text(client.get(site + path))
        assert "西区長" in said, path
        assert not re.search(r'"units": \[\s*"west"\s*\]|,west,', said), path
    [ward] = [one for one in client.get(site + "result.json").json()["contests"] if one["id"] == "ward"]
    assert (ward["withheld"], ward["groups"], ward["total"], ward["outcome"]) == (True, [], None, None)
    assert "There are fewer than 2 ballots. They were not opened" in unescape(text(client.get(site)))
    opened = replica_of(published.pk).catch_up().state
    assert [tally.open for tally in opened.tallies if tally.contest.id == "ward"] == [False]


def test_requirement_36_ambiguous_votes_are_shared_as_in_the_legal_example() -> None:
    """36: "The 按分 helper, given paper+online exact votes and ambiguous votes, returns truncated-to-3-decimals shares
    equal to the legal example (150 split 112.500/37.500)". In depth: tests/verifier/test_proration.py; on the page:
    tests/voting/counting/test_proration_page.py.
    """
    paper, online = {"太郎": 2400, "花子": 900}, {"太郎": 600, "花子": 100}
    found = prorate({name: paper[name] + online[name] for name in paper}, 150)
    assert {name: str(share.truncated) for name, share in found.shares.items()} == {
        "太郎": "112.500",
        "花子": "37.500",
    }


# Records and transparency


DOCUMENTS = "不在者投票事務処理簿 不在者投票に関する調書 送致書 投票録 選挙人名簿抄本".split()
"""What requirement 38 names, 開票録 apart: see below."""


def test_requirement_38_documents_print_in_japanese_with_eras_and_signature_lines(filled: Filled) -> None:
    """38: "事務処理簿, 不在者投票に関する調書, 送致書, 投票録 … and the marked roll print in Japanese (A4, 元号,
    signature lines)". The 開票録 comes with the count. In depth: tests/voting/records/test_documents.py, test_pages.py.
    """
    assert set(DOCUMENTS) <= {document.label for document in Document}
    clerk, slug = desk(filled.town.clerk), filled.election.slug
    style = finders.find("records/print.css")
    assert isinstance(style, str) and "size: A4" in Path(style).read_text()
    for document in Document:
        where = reverse("records:document", args=[slug, document.value])
        if document in BY_DISTRICT:
            district = filled.election.districts.all()[0]
            where = reverse("records:district", args=[slug, document.value, district.pk])
        page = text(clerk.get(where))
        assert '<html lang="ja"' in page and f"<h1>{document.label}</h1>" in page and "records/print" in page
        assert re.search(r"令和\d+年\d+月\d+日", page), document.label
        assert re.findall(r"<dt>(.*?)</dt><dd>印</dd>", page) == list(SIGNED_BY[document])
        assert SIGNED_BY[document], document.label


def test_requirement_38_totals_balance_and_a_mismatch_blocks_sealing(filled: Filled) -> None:
    """38: "their totals satisfy the balance identities; a mismatch blocks sealing". Each identity broken on purpose:
    tests/voting/records/test_seal.py, test_balance.py.
    """
    town, election = filled.town, filled.election
    board = desk(town.chair)
    report = cells(text(board.get(reverse("records:document", args=[election.slug, Document.PAPERS_REPORT.value]))))
    assert [row for row in report if row and row[0] == "合計"], report
    asked = ask_to_seal(election, by=town.clerk)
    with boards.tampering(), connection.cursor() as cursor:
        tampered = filled.applications["returned"].pk
        cursor.execute("UPDATE applications_application SET state = 'lapsed' WHERE id = %s", [tampered])
    with pytest.raises(NotBalanced, match="issued = "):
        approve(asked, by=town.chair)
    assert "cannot be sealed yet" in text(board.get(reverse("records:index", args=[election.slug])))
    assert not Seal.objects.exists()

    with boards.tampering(), connection.cursor() as cursor:
        cursor.execute("UPDATE applications_application SET state = 'given-back' WHERE id = %s", [tampered])
    with pytest.raises(NotPermitted):
        approve(asked, by=town.clerk)
    approve(asked, by=town.chair)
    assert check_seal(election) == []


def test_requirement_39_citizens_see_every_access_to_their_data(today: World) -> None:
    """39: "A citizen can see every access to own data (who/which office, when, purpose)": each page that an official
    opens is one entry more, and nothing about anybody else is among them.
    """
    case, other = kakuu.submit(today, at=today.n(1, 12)), kakuu.submit(today, who="hanako", at=today.n(1, 12))
    town, slug, person = today.town, today.election.slug, row_of(case)
    clerk, station = desk(town.clerk), desk(town.poll_manager)

    def seen() -> list[tuple[str, str, str]]:
        found = accesses_to(person)
        return [(entry.official, entry.office, entry.act) for entry in reversed(found)]

    clerk.get(reverse("admin:applications_application_change", args=[case.pk]))
    clerk.get(reverse("admin:applications_application_change", args=[other.pk]))
    review.take_up(case, by=town.clerk)
    review.approve(case, by=town.chair)
    station.get("/office/api/marks/", {"election": slug, "district": person.district.code})
    station.get(reverse("roll:paper", args=[person.pk]))
    found = {"election": today.election.pk, "purpose": "question", "text": person.name}
    clerk.post(reverse("roll:search"), found)
    assert seen() == [
        ("clerk", town.board.name, "view-applications"),
        ("clerk", town.board.name, "review"),
        ("chair", town.board.name, "decide"),
        ("poll-manager", town.board.name, "view-marks"),
        ("poll-manager", town.board.name, "mark-paper"),
        ("clerk", town.board.name, "view-roll"),
    ]
    entries = list(accesses_to(person))
    assert all(entry.purpose and entry.name and timezone.now() - entry.at < timedelta(minutes=5) for entry in entries)
    assert [entry.act for entry in accesses_to(row_of(other))] == ["view-applications"]


def test_requirement_39_accesses_before_the_roll_row_was_known_count_too(today: World) -> None:
    """39: "every access to own data". Until two officials have found the applicant on the roll, their request and
    its evidence are looked at as well; afterwards the citizen sees that too.
    """
    town, taro = today.town, today.electors["taro"]
    moved = kakuu.applicant(taro, address="架空市港1番地")
    case = kakuu.submit(today, "COVID_HOME", applicant=moved, at=today.n(1, 12))
    assert case.elector is None
    review.view(case, by=town.clerk, purpose="審査")
    open_file(case.files.get(), by=town.clerk)
    approve(review.ask_to_match(case, taro, by=town.clerk, reason="転居届"), by=town.second_clerk)
    seen = {entry.act for entry in accesses_to(taro)}
    assert {"match-by-hand", "view-applications", "view-evidence"} <= seen


def test_requirement_39_auditors_verify_and_nobody_edits_the_log(today: World) -> None:
    """39: "auditors can verify the hash-chained log is complete; administrators cannot edit or delete it". In depth:
    tests/voting/access.
    """
    town = today.town
    review.take_up(kakuu.submit(today, at=today.n(1, 12)), by=town.clerk)
    kakuu.issued(today, who="hanako")
    size, head = check_log()
    check = reverse("admin:access_check")
    page = text(desk(town.auditor).post(check))
    assert size == 3 and head.hex() in page
    entry = AccessEntry.objects.get(index=1)
    edit = reverse("admin:access_accessentry_change", args=[entry.pk])
    delete = reverse("admin:access_accessentry_delete", args=[entry.pk])
    for somebody in (town.system_admin, town.chair, town.auditor):
        client = desk(somebody)
        assert client.post(edit, {"purpose": "x"}).status_code == 403
        assert client.post(delete, {"post": "yes"}).status_code == 403
    assert desk(town.system_admin).post(check).status_code == 403

    for statement in ("UPDATE access_accessentry SET purpose = 'x'", "DELETE FROM access_accessentry"):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert check_log() == (size, head)

    with boards.tampering():  # somebody with the database's password
        AccessEntry.objects.filter(pk=entry.pk).update(purpose="x")
    with pytest.raises(AccessLogBroken, match="changed"):
        check_log()
    assert "entry 1" in text(desk(town.auditor).post(check))
