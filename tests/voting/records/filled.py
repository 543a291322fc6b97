"""An election of 架空市 whose thirteen applications ended in every way, made by the services that officials use.

| category | received | rejected | withdrawn | expired | issued | returned | lapsed | cast | accepted | refused |
|---|---|---|---|---|---|---|---|---|---|---|
| OTHER_BOARD | 4 | 1 | 0 | 1 | 2 | 0 | 0 | 2 | 1 | 1 |
| FACILITY | 1 | 0 | 0 | 0 | 1 | 0 | 0 | 1 | 1 | 0 |
| COVID_HOME | 7 | 0 | 1 | 1 | 5 | 2 | 1 | 2 | 2 | 0 |
| CLOSE_CONTACT | 1 | 0 | 0 | 0 | 1 | 0 | 0 | 1 | 1 | 0 |

On the board slots v1 to v6 cast; v6 voted on paper afterwards, and v7 was given back: both are withdrawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from django.db import transaction

from tests import election as memory
from tests.voting import boards, offices
from verifier.record.entries import Type
from voting.applications import steps
from voting.applications.models import Application, Category, Offer
from voting.applications.offers import load_categories
from voting.applications.review import ask_to_give_back
from voting.applications.states import Event
from voting.credentials.models import Binding
from voting.elections.models import District, Election, ElectionKind, Slot
from voting.officials.services import approve
from voting.polls.acceptance import PUBLISHED, accept_rest, ask_to_refuse, follow_board, note_tallied, settle, strip
from voting.roll.eligibility import style_for
from voting.roll.models import Elector, PaperWay
from voting.roll.services import Step, record_paper_vote, take_step

RECEIVED = datetime(2026, 11, 15, 23, 30, tzinfo=UTC)
CATEGORIES = ("OTHER_BOARD", "FACILITY", "COVID_HOME", "CLOSE_CONTACT")


def closed_in_memory() -> memory.Election:
    """Six slots that cast, one that did not; the polls closed, two slots withdrawn, the tally frozen."""
    made = memory.voted(lambda election: election.register("v7", "north", 13))
    made.close_polls()
    reasons = [{"reason": PUBLISHED[ground], "slots": 1} for ground in ("given-back", "paper")]
    made.append(Type.WITHDRAWALS, made.body(slots=["v6", "v7"], reasons=reasons))
    made.freeze()
    return made


def counted_in_memory() -> memory.Election:
    """The same to the published result: two mixers, and the trustees 1 and 3 of three."""
    made = closed_in_memory()
    made.mix()
    made.root(1, 3)
    made.open_and_publish()
    return made


@dataclass
class Filled:
    """The election with who works there, and the applications by a short name."""

    election: Election
    town: offices.Town
    record: memory.Election
    applications: dict[str, Application] = field(default_factory=dict)

    def apply(self, short: str, category: str, elector: Elector | None = None, **fields: Any) -> Application:
        """Somebody asks for a ballot."""
        number = len(self.applications) + 1
        application = Application.objects.create(
            election=self.election,
            offer=Offer.objects.get(election=self.election, category__code=category),
            reference=f"TEST-{number:04}",
            received_at=RECEIVED,
            elector=elector,
            name=fields.pop("name", elector.name if elector else f"仮名　{short}"),
            birth=date(1980, 3, 1),
            address="架空市本町1番地",
            sworn=True,
            **fields,
        )
        self.applications[short] = application
        return application

    def issue(self, short: str, category: str, district: str = "01", slot: str = "", **fields: Any) -> Application:
        """Somebody asks, gets a ballot, and binds a slot, if one is named."""
        elector = add_elector(self.election, district, f"{district}-{len(self.applications) + 1:03}", **fields)
        extra = {key: value for key, value in fields.items() if key in ("claims", "way", "office")}
        application = self.apply(short, category, elector, **extra)
        with transaction.atomic():
            steps.take(application, Event.TAKE_UP, by=self.town.clerk)
            steps.take(application, Event.ISSUE, by=self.town.chair, style=style_for(elector))
            take_step(elector.pk, Step.ISSUE)
        if slot:
            row = Slot.objects.get(election=self.election, pseudonym=slot)
            Binding.objects.create(application=application, pseudonym=slot, credential=b"k" * 32, slot=row)
        return application

    def step(self, short: str, *events: Event, **fields: Any) -> None:
        for event in events:
            steps.take(self.applications[short], event, by=self.town.clerk, **fields)

    def now(self, short: str) -> Application:
        """The application as it is."""
        self.applications[short].refresh_from_db()
        return self.applications[short]

    def until_close(self) -> None:
        """Every application, the board up to the close, and who had voted on paper."""
        self.store(0, boards.place(self.record, Type.POLLS_CLOSED))
        certificate = {"FACILITY_ROSTER": {"number": "0042", "stay": {"start": "2026-11-01"}}}
        self.issue("accepted", "OTHER_BOARD", slot="v1", claims={"SWORN_REASON": {"item": "travel"}})
        self.issue("refused", "OTHER_BOARD", slot="v6", name="=1+1")
        self.apply("rejected", "OTHER_BOARD", name="𠮷田　花子")
        self.step("rejected", Event.TAKE_UP)
        self.step("rejected", Event.REJECT, ground="not-on-roll", reason="名簿に登録がない")
        self.apply("expired", "OTHER_BOARD")
        self.issue("patient", "FACILITY", "02", "v4", claims=certificate, way="attestor", office=self.town.hospital)
        for short, slot in (("ill", "v2"), ("isolated", "v3")):
            self.issue(short, "COVID_HOME", "02", slot)
        self.issue("cancelled", "COVID_HOME", slot="v7")
        self.issue("returned", "COVID_HOME")
        self.issue("unused", "COVID_HOME")
        self.apply("too-late", "COVID_HOME")
        self.apply("withdrawn", "COVID_HOME")
        self.step("withdrawn", Event.WITHDRAW)
        self.issue("contact", "CLOSE_CONTACT", slot="v5")
        for short in ("cancelled", "returned"):
            proposal = ask_to_give_back(self.applications[short], by=self.town.clerk, reason="投票所で投票する")
            approve(proposal, by=self.town.second_clerk)
        follow_board(self.election)
        voter = Elector.objects.get(applications=self.applications["refused"])
        record_paper_vote(voter, way=PaperWay.EARLY, by=self.town.clerk)

    def close(self) -> None:
        """The polls close, and what is left lapses."""
        index = boards.place(self.record, Type.POLLS_CLOSED)
        self.store(index, index + 1)
        settle(self.election)

    def accept_all(self) -> None:
        """Two officials refuse one ballot, the others are accepted."""
        proposal = ask_to_refuse(
            self.now("refused"), ground="paper", reason="期日前に投票した", by=self.town.poll_manager
        )
        approve(proposal, by=self.town.poll_witness)
        accept_rest(self.election, by=self.town.poll_manager)

    def withdraw(self) -> None:
        index = boards.place(self.record, Type.WITHDRAWALS)
        self.store(index, index + 1)

    def freeze(self) -> None:
        index = boards.place(self.record, Type.TALLY_FROZEN)
        self.store(index, index + 1)

    def count(self) -> None:
        """From the freeze to the result, where `record` has one; names are separated from ballots after the freeze."""
        self.freeze()
        strip(self.election)
        self.store(boards.place(self.record, Type.TALLY_FROZEN) + 1, None)
        note_tallied(self.election)

    def store(self, start: int, stop: int | None) -> None:
        """Put entries on the board that replay has judged in memory: judging them again takes seconds a test."""
        boards.store(self.election, self.record, start, stop)


def prepared(record: memory.Election, town: offices.Town) -> Filled:
    """The election's rows, with its days, districts and categories; nothing on the board yet."""
    election = boards.define(record)
    election.office, election.kind = town.board, ElectionKind.CITY
    election.notice_day, election.election_day = date(2026, 11, 15), date(2026, 11, 22)
    election.save()
    for code, name, unit in (("01", "架空第一投票区", "north"), ("02", "架空第二投票区", "south")):
        District.objects.create(election=election, code=code, name=name, unit=election.units.get(identifier=unit))
    load_categories()
    for category in Category.objects.filter(code__in=CATEGORIES):
        Offer.objects.create(election=election, category=category, apply_from="N-30", online_until="E-1T12:00")
    return Filled(election, town, record)


def add_elector(election: Election, district: str, number: str, **fields: Any) -> Elector:
    """A row of the roll."""
    values = {
        "number": number,
        "list_number": number,
        "name": f"架空　{number}",
        "kana": "カクウ",
        "birth_year": 1980,
        "birth_month": 3,
        "birth_day": 1,
        "address": "架空市本町1番地",
        "building": "",
        "mark": "",
        "person": number.encode().ljust(16, b".")[:16],
    }
    values |= {key: value for key, value in fields.items() if key in values}
    return Elector.objects.create(
        election=election, district=District.objects.get(election=election, code=district), **values
    )
