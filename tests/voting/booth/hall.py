"""A real small election on a real board whose polls are open now, for those who meet it through the web.

Contests of every kind: a mayor, a council of 80 candidates, 15 judges, a ranking and a name that is written. Only the
modulus is a toy. Times are the clock's: browsers cannot be told another day.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from nacl.signing import SigningKey

from tally import stages
from tally.ballot import BallotMaker, Choice
from tally.signing import public_key, sign_entry
from tally.submission import Submission
from tests.election import Election, contest, option, signing_key, small_manifest
from tests.voting import boards
from tests.voting.kakuu import JAPAN
from tests.voting.offices import Town
from tests.voting.polling import BORN, Counter, key_file
from verifier.ballots import Setting
from verifier.record.canonical import serialise
from verifier.record.entries import Type
from verifier.record.schema import format_minute
from voting.applications import review
from voting.applications.models import Application, Offer
from voting.applications.offers import load_categories
from voting.applications.requests import Applicant, Request
from voting.applications.requests import submit as apply_for_ballot
from voting.applications.states import State
from voting.board.services import add_cosignature, append, publish_checkpoint
from voting.credentials.letters import issue_letter
from voting.elections.models import District, ElectionKind
from voting.elections.models import Election as ElectionRow
from voting.elections.services import build_manifest, define_election
from voting.officials.models import Office
from voting.officials.roles import Act
from voting.roll.commitment import forget_trees
from voting.roll.models import Elector

COUNCIL, JUDGES = 80, 15
CHOICES: dict[str, Choice] = {
    "mayor": "b",
    "council": "c41",
    "judges": ("j2", "j15"),
    "chair": ("b", "a"),
    "name": "架空 花子",
}
"""An answer to every contest."""


def _numbered(identifier: str, kind: str, prefix: str, count: int, names: str, **changes: Any) -> dict[str, Any]:
    candidates = [
        option(
            f"{prefix}{number}",
            f"{names} {number:02}",
            reading=f"かくう {number:02}",
            party=("みほん党", "れいの会", "無所属")[number % 3],
        )
        for number in range(1, count + 1)
    ]
    return {**contest(identifier, kind, [], **changes), "options": candidates}


def manifest(opens: datetime, closes: datetime, *, revote: bool = True) -> dict[str, Any]:
    contests = [
        contest("mayor", "choose-one", ["架空 一郎", "架空 花子", "仮名 次郎"], title="架空市長選挙"),
        _numbered("council", "index", "c", COUNCIL, "議員", form="SNTV", seats=9, title="架空市議会議員選挙"),
        _numbered("judges", "choose-several", "j", JUDGES, "判事", least=0, most=JUDGES, title="裁判官の審査"),
        contest("chair", "ranking", ["委員 松", "委員 竹", "委員 梅"], most=3, title="委員長の順位"),
        contest("name", "text", [], most=30, title="愛称"),
    ]
    hours = {"opens": format_minute(opens), "closes": format_minute(closes)}
    return small_manifest(
        title="架空市の選挙",
        revote=revote,
        contests=[{**part, **hours} for part in contests],
        units=[{"id": "north", "name": "北"}],
        styles=[{"id": "north", "unit": "north", "contests": [part["id"] for part in contests]}],
        **hours,
    )


@cache
def ceremony(record: bytes) -> Election:
    """The election with this manifest in memory: key and share confirmations."""
    return Election(json.loads(record)).set_up()


class Hall(Counter):
    """The office and its voters while the polls are open."""

    def __init__(self, town: Town, *, revote: bool = True) -> None:
        now = timezone.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        self.opens, self.closes = now - timedelta(days=2), now + timedelta(days=2)
        self.before = self.opens - timedelta(days=1)
        self.town = town
        record = manifest(self.opens, self.closes, revote=revote)
        self.row: ElectionRow = define_election(slug="kakuu", record=record)
        self.row.office, self.row.kind = town.board, ElectionKind.ASSOCIATION
        self.row.notice_day = self.opens.astimezone(JAPAN).date() - timedelta(days=1)
        self.row.election_day = self.closes.astimezone(JAPAN).date() + timedelta(days=1)
        self.row.save()
        District.objects.create(election=self.row, code="north", name="北投票区", unit=self.row.units.get())
        load_categories()
        self.offer = self.offer_of("CLOSE_CONTACT")
        self._enrol_and_open()

    def _enrol_and_open(self) -> None:
        for number in range(6):
            self.elector(number, "north")
        self.agree(Act.FIX_DEFINITION)  # from here on the manifest names the files that are served
        self.memory = ceremony(serialise(build_manifest(self.row)))
        self.act(Type.MANIFEST, self.before)
        first, last = (boards.place(self.memory, kind) for kind in (Type.KEY, Type.ROLL_COMMITMENT))
        for raw in self.memory.entries[first:last]:
            boards.submit(self.row, raw, self.memory.columns, time=self.before)
        self.commit_roll()
        self.act(Type.ROLL_COMMITMENT, self.before)
        self.agree(Act.OPEN_POLLS)
        self.act(Type.POLLS_OPENED, self.opens)

    def electors(self) -> list[Elector]:
        return list(Elector.objects.filter(election=self.row).order_by("pk"))

    def approved(
        self,
        number: int = 0,
        *,
        offer: Offer | None = None,
        claims: dict[str, Any] | None = None,
        office: Office | None = None,
        email: str = "voter@example.jp",
    ) -> Application:
        """A close contact applied, and the board has approved it."""
        elector, at = self.electors()[number], timezone.now()
        day = timezone.localdate()
        period = {"start": day.isoformat(), "end": (day + timedelta(days=1)).isoformat()}
        sworn = {"SWORN": {"circumstances": "家族が感染した", "period": period}}
        who = Applicant(
            name=elector.name, birth=BORN, address=elector.address, sex=elector.sex, email=email, language="en"
        )
        request = Request(who, claims or sworn, sworn=True, office=office)
        application = apply_for_ballot(offer or self.offer, request, at=at)
        if application.state == State.TO_CONFIRM:
            until = day + timedelta(days=1)
            review.confirm(
                application, by=self.town.attestor, confirmed=True, starts=day - timedelta(days=1), ends=until
            )
        application = review.take_up(application, by=self.town.clerk)
        return review.approve(application, by=self.town.chair, at=at)

    def letter(self, application: Application) -> str:
        """The code on the letter."""
        return issue_letter(application, by=self.town.clerk)[1]

    def make(
        self, application: Application, device: SigningKey, choices: dict[str, Choice] | None = None, sequence: int = 0
    ) -> tuple[dict[str, Any], bytes]:
        """A sealed ballot and its seed, as a device makes them; with the next sequence number unless one is given."""
        state = self.state
        assert state.manifest is not None and state.key is not None
        name = application.binding.pseudonym
        slot, seed = state.slots[name], secrets.token_bytes(32)
        maker = BallotMaker(Setting(state.manifest, state.key, state.base))
        number = sequence or slot.sequence + 1
        return maker.make(slot.style, name, number, public_key(device), choices or CHOICES, seed), seed

    def vote(self, *answers: dict[str, Choice]) -> None:
        """One person after the other applies, registers a device and votes: `CHOICES`, but for these answers."""
        for number, changes in enumerate(answers):
            application, phone = registered(self, number), device(str(number))
            ballot, _seed = self.make(application, phone, {**CHOICES, **changes})
            self.submit(Submission(Type.BALLOT_CAST, ballot), f"device {number}", time=timezone.now())

    def count(self) -> None:
        """From the close to the published result: acceptance, freeze, two mixers, two of three trustees."""
        self.end()
        self.fix()
        self.mix()
        self.unlock()
        self.declare()

    def end(self) -> None:
        """The polls close, and every ballot is accepted."""
        self.agree(Act.CLOSE_POLLS)
        self.act(Type.POLLS_CLOSED, self.closes)
        self.accept_rest()

    def fix(self, *opened: str) -> None:
        """What is counted is fixed; small contests are opened if they are named."""
        self.agree(Act.FREEZE_TALLY, opened=opened)
        self.act(Type.TALLY_FROZEN, self.closes)

    def mix(self) -> None:
        """Both mixers shuffle everything."""
        while self.state.pending_stages():
            self.mix_one()

    def mix_one(self) -> None:
        """One mixer shuffles one list."""
        contest_id, group, stage = self.state.pending_stages()[0]
        body, columns = stages.mix_stage_body(self.state, contest_id, group)
        self._put(Type.MIX_STAGE, body, columns, f"mixer {stage}")

    def unlock(self) -> None:
        """Two of three trustees take roots, and everything is opened."""
        for trustee in (1, 3):
            share = self.memory.dealt.shares[trustee - 1]
            body, columns = stages.partial_roots_body(self.state, trustee, share)
            self._put(Type.PARTIAL_ROOTS, body, columns, f"trustee {trustee}")
        body, columns = stages.opening_body(self.state)
        self._put(Type.OPENING, body, columns)

    def declare(self) -> None:
        """The result and a cosigned checkpoint."""
        self.agree(Act.PUBLISH_RESULT)
        self.act(Type.RESULT, self.closes)
        checkpoint = publish_checkpoint(self.row, self.closes)
        add_cosignature(self.row, boards.cosignature(checkpoint.text))

    def _put(self, kind: Type, body: Any, columns: Any, *signers: str) -> None:
        signatures = sign_entry(kind, body, [signing_key(name) for name in signers])
        append(self.row, entry_type=kind, body=body, signatures=signatures, columns=columns, time=self.closes)


def signature(device: SigningKey, kind: Type, body: Any) -> str:
    """A device's signature under an entry, base64url."""
    return sign_entry(kind, body, [device])[0]["signature"]


def device(name: str = "phone") -> SigningKey:
    return signing_key(f"device {name}")


def registered(hall: Hall, number: int = 0, **changes: Any) -> Application:
    """An approved voter whose device has a slot."""
    application = hall.approved(number, **changes)
    hall.bind(application, device(str(number)), time=timezone.now())
    return application


@pytest.fixture
def hall_settings(settings: Any, tmp_path: Path) -> None:
    settings.REGISTRAR_KEY_FILE = key_file(tmp_path / "registrar.key", signing_key("registrar"))
    settings.CODE_KEY_FILE = tmp_path / "code.key"
    settings.EVIDENCE_KEY_FILE = tmp_path / "evidence.key"


@pytest.fixture
def hall(town: Town, hall_settings: None) -> Iterator[Hall]:
    """Polls that are open now, and voters who may vote again."""
    forget_trees()
    yield Hall(town)
    forget_trees()
