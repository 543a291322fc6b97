"""A real small election on a real board whose voters come from a roll: 架空市 elects its mayor and reviews a judge.

Everything is done through the services, with real keys and proofs; only the modulus is a toy. Times are given, so that
no test depends on today.
"""

from __future__ import annotations

import binascii
import secrets
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey

from tally import stages
from tally.ballot import BallotMaker
from tally.signing import public_key, sign_entry
from tally.submission import Submission
from tests.election import CLOSES, OPENS, Election, contest, signing_key, small_manifest
from tests.voting import boards
from tests.voting.offices import Town
from verifier.ballots import Setting
from verifier.record.entries import Type, signed_message, statement_digest
from verifier.replay.state import State
from voting.applications import review
from voting.applications.models import Application, Category, Offer
from voting.applications.offers import load_categories
from voting.applications.requests import Applicant, Request
from voting.applications.requests import submit as apply_for_ballot
from voting.board.models import BoardEntry
from voting.board.replica import replica_of
from voting.board.services import append
from voting.credentials.services import begin_binding, finish_binding
from voting.elections.models import District, ElectionKind, Scope
from voting.elections.models import Election as ElectionRow
from voting.elections.served import served_files
from voting.eras import PartialDate
from voting.officials import services as officials
from voting.officials.roles import Act
from voting.polls import acceptance
from voting.polls.opening import ask, prepare
from voting.roll.characters import fold_kana, fold_name
from voting.roll.commitment import ask_to_commit, forget_trees, make_leaves
from voting.roll.matching import person_key
from voting.roll.models import Elector

NOTICE, ELECTION = date(2026, 11, 15), date(2026, 11, 22)
BEFORE = OPENS - timedelta(days=2)
POLLING = OPENS + timedelta(hours=3)
BORN = date(1980, 1, 2)


def manifest() -> dict[str, Any]:
    """Mayor and judge, homomorphic both; nobody in the south has a ballot with the judge alone."""
    contests = [
        contest("mayor", "choose-one", ["架空 一郎", "架空 花子"]),
        contest("judges", "choose-several", ["判事 甲"], least=0),
    ]
    return small_manifest(
        contests=contests,
        mixers=[],
        units=[{"id": "north", "name": "北"}, {"id": "south", "name": "南"}],
        styles=[
            {"id": "north", "unit": "north", "contests": ["mayor", "judges"]},
            {"id": "south", "unit": "south", "contests": ["mayor", "judges"]},
            {"id": "north-national", "unit": "north", "contests": ["judges"]},
        ],
        served=served_files(),  # what two officials agree on names them
    )


@cache
def ceremony() -> Election:
    """The same election in memory: entries from manifest to share confirmations, and the trustees' shares."""
    return Election(manifest()).set_up()


def key(name: str) -> SigningKey:
    """A device's signing key, one for each name."""
    return signing_key(f"device {name}")


def sign(device: SigningKey, kind: Type, body: Any) -> bytes:
    """What a device makes of an entry that it is given to sign."""
    return device.sign(signed_message(kind, statement_digest(kind, body))).signature


class Counter:
    """The election office at work: each method is one thing that people do there, or at home."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.row: ElectionRow = boards.define(ceremony())
        self.row.office, self.row.kind = town.board, ElectionKind.CITY
        self.row.notice_day, self.row.election_day = NOTICE, ELECTION
        self.row.save()
        self.row.contests.filter(identifier="judges").update(scope=Scope.NATIONAL)
        for unit in self.row.units.all():
            District.objects.create(election=self.row, code=unit.identifier, name=f"{unit.name}投票区", unit=unit)
        load_categories()
        self.offer = self.offer_of("OTHER_BOARD")

    # Setting up

    def offer_of(self, code: str) -> Offer:
        """A category offered with the dates of the catalogue, whatever day it is today."""
        category = Category.objects.get(code=code)
        return Offer.objects.create(
            election=self.row,
            category=category,
            apply_from=category.apply_from,
            online_until=category.online_until,
        )

    def enrol(self, count: int = 6) -> list[Elector]:
        """People on the roll, in north and south by turns."""
        return [self.elector(number, ("north", "south")[number % 2]) for number in range(count)]

    def elector(self, number: int, district: str = "north", **changes: Any) -> Elector:
        name, kana = f"架空 太郎{number}", "カクウ タロウ"
        birth = PartialDate(BORN.year, BORN.month, BORN.day)
        return Elector.objects.create(
            election=self.row,
            number=str(number),
            list_number=f"1-{number}",
            name=name,
            kana=kana,
            sex="M",
            birth_year=birth.year,
            birth_month=birth.month,
            birth_day=birth.day,
            address=f"架空市中央{number}番地",
            district=self.row.districts.get(code=district),
            folded_name=fold_name(name),
            folded_kana=fold_kana(kana),
            person=person_key(name, birth, "M"),
            **changes,
        )

    def agree(self, act: Act, **how: Any) -> None:
        """The chair asks, another chair approves; in the count, its own people."""
        asks, approves = {
            Act.FREEZE_TALLY: (self.town.count_manager, self.town.count_witness),
            Act.PUBLISH_RESULT: (self.town.count_manager, self.town.returning_officer),
        }.get(act, (self.town.chair, self.town.second_chair))
        officials.approve(ask(act, self.row, by=asks, **how), by=approves)

    def commit_roll(self) -> None:
        make_leaves(self.row)
        officials.approve(ask_to_commit(self.row, by=self.town.chair), by=self.town.second_chair)

    def submit(self, prepared: Submission, *signers: str, time: datetime) -> BoardEntry:
        """Two officials sign what was prepared, and bring it to the board."""
        keys = [signing_key(name) for name in signers or ("official 1", "official 2")]
        signatures = sign_entry(prepared.type, prepared.body, keys)
        entry = append(self.row, entry_type=prepared.type, body=prepared.body, signatures=signatures, time=time)
        self.row.refresh_from_db()
        return entry

    def act(self, kind: Type, time: datetime) -> BoardEntry:
        """Prepare an official act and put it on the board."""
        return self.submit(prepare(self.row, kind), time=time)

    def hold_ceremony(self) -> None:
        """Key and share confirmations."""
        memory = ceremony()
        first, last = boards.place(memory, Type.KEY), boards.place(memory, Type.ROLL_COMMITMENT)
        boards.fill(self.row, memory, first, last)

    def set_up(self) -> Counter:
        """Everything until the polls can open."""
        self.enrol()
        self.agree(Act.FIX_DEFINITION)
        self.act(Type.MANIFEST, BEFORE)
        self.hold_ceremony()
        self.commit_roll()
        self.act(Type.ROLL_COMMITMENT, BEFORE)
        return self

    def open(self) -> Counter:
        self.agree(Act.OPEN_POLLS)
        self.act(Type.POLLS_OPENED, OPENS)
        return self

    # Voters

    def request(self, elector: Elector) -> Application:
        """Somebody will travel on election day."""
        applicant = Applicant(name=elector.name, birth=BORN, address=elector.address, sex=elector.sex)
        span = {"start": ELECTION.isoformat(), "end": ELECTION.isoformat()}
        claims = {"SWORN_REASON": {"item": "travel", "reason": span}}
        return apply_for_ballot(self.offer, Request(applicant, claims, sworn=True), at=BEFORE)

    def issue(self, elector: Elector) -> Application:
        """An application that the board has approved."""
        application = review.take_up(self.request(elector), by=self.town.clerk)
        return review.approve(application, by=self.town.chair, at=BEFORE)

    def bind(self, application: Application, device: SigningKey, time: datetime = POLLING) -> BoardEntry:
        """A device registers."""
        body = begin_binding(application, public_key(device))
        return finish_binding(application, sign(device, Type.CREDENTIAL_REGISTERED, body), time=time)

    def cast(self, application: Application, device: SigningKey, time: datetime = POLLING) -> BoardEntry:
        """The device casts a ballot: the first candidate, and × for the judge."""
        state = self.state
        assert state.manifest is not None and state.key is not None
        name = application.binding.pseudonym
        slot = state.slots[name]
        choices = {"mayor": "a", "judges": ("a",)}
        body = BallotMaker(Setting(state.manifest, state.key, state.base)).make(
            slot.style,
            name,
            slot.sequence + 1,
            public_key(device),
            {contest: choices[contest] for contest in slot.style.contests},
            secrets.token_bytes(32),
        )
        signatures = sign_entry(Type.BALLOT_CAST, body, [device])
        return append(self.row, entry_type=Type.BALLOT_CAST, body=body, signatures=signatures, time=time)

    def voter(self, elector: Elector) -> Application:
        """From the request to the ballot on the board."""
        application = self.issue(elector)
        self.bind(application, key(str(elector.number)))
        self.cast(application, key(str(elector.number)))
        return application

    # Afterwards

    def close(self) -> Counter:
        self.agree(Act.CLOSE_POLLS)
        self.act(Type.POLLS_CLOSED, CLOSES)
        return self

    def refuse(self, application: Application, ground: str) -> None:
        """Poll manager and witness."""
        application.refresh_from_db()
        proposal = acceptance.ask_to_refuse(application, ground=ground, reason="台帳", by=self.town.poll_manager)
        officials.approve(proposal, by=self.town.poll_witness)

    def accept_rest(self) -> int:
        return acceptance.accept_rest(self.row, by=self.town.poll_manager)

    def freeze(self, *opened: str) -> None:
        """What is counted is fixed; small contests are opened if they are named."""
        self.agree(Act.FREEZE_TALLY, opened=opened)
        self.act(Type.TALLY_FROZEN, CLOSES)

    def publish(self) -> None:
        """From the freeze to the result, with two of three trustees."""
        self.open_tally()
        self.declare()

    def declare(self) -> None:
        """What was opened is the result."""
        self.agree(Act.PUBLISH_RESULT)
        self.act(Type.RESULT, CLOSES)

    def open_tally(self) -> None:
        """Two of three trustees take roots, and everything is opened."""
        for trustee in (1, 3):
            body, columns = stages.partial_roots_body(self.state, trustee, ceremony().dealt.shares[trustee - 1])
            signatures = sign_entry(Type.PARTIAL_ROOTS, body, [signing_key(f"trustee {trustee}")])
            append(
                self.row,
                entry_type=Type.PARTIAL_ROOTS,
                body=body,
                signatures=signatures,
                columns=columns,
                time=CLOSES,
            )
        body, columns = stages.opening_body(self.state)
        append(self.row, entry_type=Type.OPENING, body=body, signatures=[], columns=columns, time=CLOSES)

    @property
    def state(self) -> State:
        """What replay makes of the board."""
        replica = replica_of(self.row.pk)
        with replica.lock:
            return replica.catch_up().state

    def fresh(self, application: Application) -> Application:
        """As it is in the database."""
        return Application.objects.get(pk=application.pk)


def key_file(path: Path, signing: SigningKey) -> Path:
    """A file that holds a key as the server reads it."""
    path.write_bytes(binascii.b2a_base64(bytes(signing)))
    path.chmod(0o600)
    return path


@pytest.fixture
def counter(town: Town, settings: Any, tmp_path: Path) -> Iterator[Counter]:
    """The office of 架空市 with a definition that can be fixed, and nothing else yet."""
    settings.REGISTRAR_KEY_FILE = key_file(tmp_path / "registrar.key", signing_key("registrar"))
    settings.CODE_KEY_FILE = tmp_path / "code.key"
    forget_trees()
    yield Counter(town)
    forget_trees()


@pytest.fixture
def ready(counter: Counter) -> Counter:
    """Everything is on the board; the polls can open."""
    return counter.set_up()


@pytest.fixture
def polls(ready: Counter) -> Counter:
    """The polls are open, six people are on the roll."""
    return ready.open()


def electors(row: ElectionRow) -> list[Elector]:
    """The roll, in its order."""
    return list(Elector.objects.filter(election=row).order_by("pk"))
