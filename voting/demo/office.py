"""The election office of the demonstration: offices and officials, a roll file, and applications decided one by one.

Everything goes through the services that the officials' site uses, by officials who hold the roles.
"""

from __future__ import annotations

import csv
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from django.db import transaction

from voting.applications import requests, review
from voting.applications.errors import OutOfTime
from voting.applications.models import Application, Category, Offer
from voting.applications.offers import load_categories, windows
from voting.applications.requests import Applicant, Request
from voting.applications.states import State
from voting.demo.town import Scenario
from voting.elections.models import District, Election, Unit
from voting.officials.models import Designation, Office, Official
from voting.officials.roles import Act, OfficeKind, Role
from voting.officials.services import approve, grant
from voting.roll.imports import ask_to_take_over, begin_import, check_import
from voting.roll.models import Elector, PaperWay, RollImport
from voting.roll.services import record_paper_vote

SPARE_ROWS = 15
"""people on the roll who do not get a ballot"""
FAMILY = (
    *(("髙橋", "タカハシ"), ("渡邉", "ワタナベ"), ("𠮷田", "ヨシダ"), ("山﨑", "ヤマザキ"), ("佐藤", "サトウ")),
    *(("鈴木", "スズキ"), ("田中", "タナカ"), ("齋藤", "サイトウ"), ("濵田", "ハマダ"), ("小澤", "オザワ")),
)
AS_TYPED = str.maketrans({"髙": "高", "邉": "辺", "𠮷": "吉", "﨑": "崎", "齋": "斎", "濵": "浜", "澤": "沢"})
"""how a telephone writes the same names"""
GIVEN = (
    *(("一郎", "イチロウ", "男"), ("花子", "ハナコ", "女"), ("次郎", "ジロウ", "男"), ("春香", "ハルカ", "女")),
    *(("健太", "ケンタ", "男"), ("美咲", "ミサキ", "女"), ("大輔", "ダイスケ", "男"), ("由美", "ユミ", "女")),
)
HEADER = (
    "宛名番号",
    "名簿番号",
    "氏名",
    "フリガナ",
    "性別",
    "生年月日",
    "郵便番号",
    "住所",
    "投票区",
    "表示区分",
    "異動日",
)
FIRST_BIRTH = date(1940, 1, 1)
EVERY_DAY_BORN = 211
CATEGORIES = (
    "COVID_HOME", "COVID_HOTEL", "QUARANTINE_STAY", "CLOSE_CONTACT", "OTHER_BOARD", "FACILITY", "POSTAL_DISABILITY",
)  # fmt: skip
"""what the demonstration offers; voters take turns"""


@dataclass(frozen=True)
class Person:
    """One row of the invented roll."""

    number: int
    name: str
    kana: str
    sex: str
    birth: date
    address: str
    district: str
    mark: str = ""

    def applicant(self) -> Applicant:
        """The same person, typing on a telephone."""
        return Applicant(
            name=self.name.translate(AS_TYPED),
            birth=self.birth,
            address=self.address,
            sex={"男": "M", "女": "F"}[self.sex],
            email=f"voter{self.number}@kakuu.example",
        )


def people(scenario: Scenario) -> list[Person]:
    """The invented roll: a row for every voter, in their order, then the spare ones."""
    units = [voter.unit for voter in scenario.voters] + ["chuo"] * SPARE_ROWS
    rows = []
    for number, unit in enumerate(units):
        family, family_kana = FAMILY[number % len(FAMILY)]
        given, given_kana, sex = GIVEN[number // len(FAMILY) % len(GIVEN)]
        rows.append(
            Person(
                number=number + 1,
                name=f"{family}　{given}",
                kana=f"{family_kana}　{given_kana}",
                sex=sex,
                birth=FIRST_BIRTH + timedelta(days=number * EVERY_DAY_BORN % 22_000),
                address=f"架空県架空市{unit}町{number // 20 + 1}丁目{number % 20 + 1}番地",
                district=unit,
                mark="死亡" if number == len(units) - 1 else "",
            )
        )
    return rows


def write_roll(path: Path, rows: Iterable[Person], marked_on: date) -> None:
    """The roll file, as a municipality's system would write it."""
    with open(path, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for row in rows:
            marked = marked_on.isoformat() if row.mark else ""
            writer.writerow(
                (f"{row.number:08}", f"{row.district}-1-{row.number}", row.name, row.kana, row.sex,
                 row.birth.isoformat(), "000-0000", row.address, row.district, row.mark, marked)
            )  # fmt: skip


def photo() -> bytes:
    """A small photo, as a telephone's camera would make a large one: 8 × 8 grey PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"".join(b"\0" + bytes(8) for _ in range(8)))
    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


class ElectionOffice:
    """架空市選挙管理委員会, with everybody who has a part in an application."""

    def __init__(self) -> None:
        self.board = _office(OfficeKind.BOARD, "kakuu-shi", "架空市選挙管理委員会", contact="000-000-0000")
        self.prefecture = _office(OfficeKind.PREFECTURE, "kakuu-ken", "架空県選挙管理委員会")
        self.health = _office(OfficeKind.HEALTH, "kakuu-hokenjo", "架空保健所")
        self.hospital = _office(OfficeKind.FACILITY, "kakuu-byoin", "架空市立病院", above=self.prefecture)
        self.clerk = _official("shoki", "例示 花", Role.BOARD_CLERK, self.board)
        self.chair = _official("iincho", "架空 守", Role.BOARD_CHAIR, self.board)
        self.poll_manager = _official("kanrisha", "見本 進", Role.POLL_MANAGER, self.board)
        self.poll_witness = _official("tachiainin", "想定 薫", Role.POLL_WITNESS, self.board)
        self.count_manager = _official("kaihyo-kanrisha", "例題 実", Role.COUNT_MANAGER, self.board)
        self.count_witness = _official("kaihyo-tachiainin", "空想 澄", Role.COUNT_WITNESS, self.board)
        self.returning_officer = _official("senkyocho", "仮想 文", Role.RETURNING_OFFICER, self.board)
        self.health_officer = _official("hokenshi", "試作 緑", Role.HEALTH_OFFICER, self.health)
        self.hospital_head = _official("incho", "仮野 円", Role.ATTESTOR, self.hospital)
        Designation.objects.get_or_create(office=self.hospital, starts=date(2020, 4, 1), ends=None)
        self.outcomes: Counter[tuple[str, str]] = Counter()

    def deciding(self, act: Act) -> tuple[Official, Official]:
        """Who asks for an act of `voting.polls.opening`, and who approves it."""
        in_the_count = {
            Act.FREEZE_TALLY: (self.count_manager, self.count_witness),
            Act.PUBLISH_RESULT: (self.count_manager, self.returning_officer),
        }
        return in_the_count.get(act, (self.clerk, self.chair))

    # Before the election

    def own(self, election: Election, kind: str, notice: date, day: date) -> Election:
        """The election is this office's; it has districts and offers the categories of the demonstration."""
        Election.objects.filter(pk=election.pk).update(
            office=self.board, kind=kind, notice_day=notice, election_day=day
        )
        election.refresh_from_db()
        District.objects.bulk_create(
            District(election=election, code=unit.identifier, name=unit.name.replace("開票区", "投票区"), unit=unit)
            for unit in Unit.objects.filter(election=election)
        )
        load_categories()
        for category in Category.objects.filter(code__in=CATEGORIES):
            Offer.objects.create(
                election=election,
                category=category,
                apply_from=category.apply_from,
                online_until=category.online_until,
            )
        return election

    def import_roll(self, election: Election, path: Path, progress: Callable[[int, int | None], None]) -> RollImport:
        """The clerk checks the file, the chair approves the counts."""
        roll_import = begin_import(election, path, kind=RollImport.Kind.FULL, file_name=path.name, by=self.clerk)
        checked = check_import(roll_import, path, progress)
        approve(ask_to_take_over(checked, by=self.clerk), by=self.chair)
        checked.refresh_from_db()
        return checked

    # Applications

    def ballots_for(
        self, election: Election, voters: Mapping[str, Person], start: datetime, progress: Callable[[int, int], None]
    ) -> dict[str, Application]:
        """Everybody of `voters` applies and, in the end, is issued a ballot: voter → application."""
        offers = {offer.category.code: offer for offer in Offer.objects.filter(election=election)}
        issued = {}
        for number, (voter, person) in enumerate(voters.items()):
            code = CATEGORIES[number % len(CATEGORIES)]
            at = start + timedelta(seconds=number)
            application = self._apply(offers[code], person, number, at)
            application = self._through_review(application, number, at)
            self._count(application)
            issued[voter] = application
            progress(number + 1, len(voters))
        return issued

    def _apply(self, offer: Offer, person: Person, number: int, at: datetime) -> Application:
        code = offer.category.code
        applicant = person.applicant()
        if code == "FACILITY":
            request = Request(applicant, _claims(offer), sworn=True)
            return requests.submit_for_others(offer, [request], office=self.hospital, by=self.hospital_head, at=at)[0]
        if code == "COVID_HOME" and number % 2:
            claims = {"OMITTED_WITH_REASON": {"omission": "まだ届いていない", "issuer": self.health.name,
                                              "period": _claims(offer)["ISOLATION_ORDER"]["period"]}}  # fmt: skip
            return requests.submit(offer, Request(applicant, claims, True, office=self.health), at=at)
        if number == 8:  # does not know the roll's address: officials find the row
            applicant = replace(applicant, address="架空県架空市（転居したばかり）")
        claims = _claims(offer)
        needed = {"ISOLATION_ORDER", "WAIT_NOTICE"} & claims.keys()
        return requests.submit(offer, Request(applicant, claims, True, [(kind, photo()) for kind in needed]), at=at)

    def _through_review(self, application: Application, number: int, at: datetime) -> Application:
        if application.state == State.TO_CONFIRM:
            span = next(iter(application.claims.values()))["period"]
            days = {name: date.fromisoformat(span[key]) for name, key in (("starts", "start"), ("ends", "end"))}
            review.confirm(application, by=self.health_officer, confirmed=True, **days)
        application = review.take_up(application, by=self.clerk)
        if application.elector is None:
            (found,) = (row for row in review.possible_electors(application, by=self.clerk)
                        if row.birth_year == application.birth.year)  # fmt: skip
            reason = "生年月日と氏名が一致し、電話で本人に確かめた"
            approve(review.ask_to_match(application, found, by=self.clerk, reason=reason), by=self.chair)
        if number == 2:  # the photo was out of focus: returned, corrected, taken up again
            review.send_back(application, by=self.clerk, reason="写真がぼやけて読めません。もう一度とってください。")
            again = Request(
                self._applicant_of(application), application.claims, True, [(kind, photo()) for kind in
                                                                            application.claims], application.office
            )  # fmt: skip
            requests.correct(application, again, at=at + timedelta(minutes=30))
            application = review.take_up(application, by=self.clerk)
        return review.approve(application, by=self.chair, at=at)

    def _applicant_of(self, application: Application) -> Applicant:
        names = Applicant.__dataclass_fields__
        return Applicant(**{name: getattr(application, name) for name in names})

    def others(self, election: Election, spare: list[Person], start: datetime) -> None:
        """Applications that do not end with a ballot: rejected, left with the voter, too late."""
        offers = {offer.category.code: offer for offer in Offer.objects.filter(election=election)}
        self._reject(offers["CLOSE_CONTACT"], replace(spare[0], name="市外　太郎"), start, "not-on-roll", "名簿にない")
        self._reject(offers["OTHER_BOARD"], spare[-1], start, "no-franchise", "名簿に死亡の表示がある")
        returned = self._apply(offers["COVID_HOTEL"], spare[1], 0, start)
        review.take_up(returned, by=self.clerk)
        self._count(review.send_back(returned, by=self.clerk, reason="書類の日付が読めません。"))
        late = windows(offers["COVID_HOME"]).online_until + timedelta(seconds=1)
        try:
            self._apply(offers["COVID_HOME"], spare[2], 0, late)
        except OutOfTime:
            self.outcomes["COVID_HOME", "refused as late"] += 1

    def _reject(self, offer: Offer, person: Person, at: datetime, ground: str, reason: str) -> None:
        application = review.take_up(self._apply(offer, person, 0, at), by=self.clerk)
        self._count(review.reject(application, by=self.chair, ground=ground, reason=reason))

    def _count(self, application: Application) -> None:
        self.outcomes[application.offer.category.code, State(application.state).value] += 1

    # On paper

    def vote_on_paper(self, elector: Elector | None) -> None:
        """Somebody votes at an early voting place after all."""
        if elector is None:
            raise RuntimeError("an issued ballot belongs to somebody on the roll")
        record_paper_vote(elector, way=PaperWay.EARLY, by=self.poll_manager)


def _claims(offer: Offer) -> dict[str, dict[str, object]]:
    """The first alternative of a category's evidence, filled in; all spans last until a week after the poll."""
    election = offer.election
    if election.notice_day is None or election.election_day is None:
        raise RuntimeError("the demonstration's election has its days")
    span = {
        "start": (election.notice_day - timedelta(days=5)).isoformat(),
        "end": (election.election_day + timedelta(days=7)).isoformat(),
    }
    filled: dict[str, dict[str, object]] = {
        "ISOLATION_ORDER": {"issuer": "架空保健所", "period": span},
        "WAIT_NOTICE": {"issuer": "架空保健所", "period": span},
        "SWORN": {"circumstances": "家族が陽性になった", "period": span},
        "SWORN_REASON": {"item": "work", "reason": span},
        "FACILITY_ROSTER": {"stay": span},
        "POSTAL_CERT": {"number": "架空-0001", "cert": span},
    }
    alternatives = [kinds for kinds in offer.category.evidence if set(kinds) <= filled.keys()]
    return {kind: filled[kind] for kind in alternatives[0]}


def _office(kind: OfficeKind, code: str, name: str, **more: object) -> Office:
    return Office.objects.get_or_create(code=f"demo-{code}", defaults={"kind": kind, "name": name, **more})[0]


@transaction.atomic
def _official(username: str, name: str, role: Role, office: Office) -> Official:
    official = Official.objects.filter(username=f"demo-{username}").first()
    official = official or Official.objects.create_user(f"demo-{username}", name)
    grant(official, role, office)
    return official
