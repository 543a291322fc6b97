"""An election of 架空市 without a board: contests of every franchise, electors of every kind, every category offered.

Notice day is 2030-05-12 and election day Sunday 2030-05-19, unless other days are asked for; `world.n` and `world.e`
give moments counted from them. Whoever acts in time says `at=`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.voting import offices
from tests.voting.offices import Town
from voting.applications import requests, review
from voting.applications.models import Application, Category, Offer
from voting.applications.offers import load_categories
from voting.applications.requests import Applicant, Request
from voting.applications.states import State
from voting.elections.models import (
    Contest,
    District,
    Election,
    ElectionKind,
    Scope,
    Style,
    StyleContest,
    Unit,
)
from voting.officials.models import Designation, Office, Official, Proposal
from voting.officials.roles import OfficeKind, Role
from voting.officials.services import approve
from voting.roll.characters import fold_kana, fold_name
from voting.roll.matching import person_key
from voting.roll.models import Elector, Mark, Roll

JAPAN = ZoneInfo("Asia/Tokyo")
NOTICE, ELECTION_DAY = date(2030, 5, 12), date(2030, 5, 19)
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg==")
"""One white pixel: an accepted evidence file."""

SCOPES = tuple(Scope)
FRANCHISES = (SCOPES, (Scope.NATIONAL, Scope.PREFECTURAL), (Scope.NATIONAL,))
"""Residents; who moved within the prefecture; who moved out of it, and who lives abroad."""

PEOPLE: Mapping[str, Mapping[str, Any]] = {
    "taro": {"name": "架空　太郎", "kana": "カクウ　タロウ"},
    "hanako": {"name": "架空　花子", "kana": "カクウ　ハナコ", "sex": "F", "district": "2"},
    "takahashi": {
        "name": "髙橋　一郎",
        "kana": "タカハシ　イチロウ",
        "address": "架空市港一丁目2番地3号",
        "building": "架空荘101",
    },
    "moved": {"name": "架空　移", "kana": "カクウ　ウツル", "mark": Mark.MOVED},
    "kept": {"name": "架空　県子", "kana": "カクウ　ケンコ", "mark": Mark.MOVED, "kept_in_prefecture": True},
    "dead": {"name": "架空　亡", "kana": "カクウ　ボウ", "mark": Mark.DEAD},
    "suspended": {"name": "架空　停", "kana": "カクウ　テイ", "mark": Mark.SUSPENDED},
    "overseas": {"name": "架空　洋", "kana": "カクウ　ヨウ", "roll": Roll.OVERSEAS},
    "twin": {"name": "斎藤　実", "kana": "サイトウ　ミノル", "address": "架空市中央5番地"},
    "other_twin": {"name": "齋藤　實", "kana": "サイトウ　ミノル", "address": "架空市港9番地", "district": "2"},
    "abroad_twin": {"name": "斉藤　実", "kana": "サイトウ　ミノル", "address": "架空国", "roll": Roll.OVERSEAS},
}
"""Everybody else's is: man, born 1980-04-01, of district 1. The twins look like one person."""


@dataclass(frozen=True)
class World:
    """An election with everything in it, by name."""

    town: Town
    election: Election
    offers: Mapping[str, Offer]
    electors: Mapping[str, Elector]
    places: Mapping[OfficeKind, Office]
    heads: Mapping[OfficeKind, Official]

    def n(self, days: int, *clock: int) -> datetime:
        """The moment `days` after notice day, in Japan."""
        return _moment(self.election.notice_day, days, clock)

    def e(self, days: int, *clock: int) -> datetime:
        """The moment `days` after election day, in Japan."""
        return _moment(self.election.election_day, days, clock)

    def span(self, first: datetime, last: datetime) -> dict[str, str]:
        """The days from one moment to another, as a claim."""
        return {"start": first.date().isoformat(), "end": last.date().isoformat()}


def _moment(day: date | None, days: int, clock: tuple[int, ...]) -> datetime:
    assert day is not None
    return datetime.combine(day + timedelta(days), time(*clock), JAPAN)


def world(
    town: Town,
    *,
    slug: str = "kakuu",
    kind: ElectionKind = ElectionKind.SHUGIIN_GENERAL,
    notice: date = NOTICE,
    election_day: date = ELECTION_DAY,
    scopes: tuple[Scope, ...] = SCOPES,
    revote: bool = True,
) -> World:
    """The election with contests of these scopes. A general election knows every category of the law."""
    election = Election.objects.create(
        office=town.board,
        kind=kind,
        notice_day=notice,
        election_day=election_day,
        slug=slug,
        title="架空市の選挙",
        legal_basis="架空市条例",
        opens=_moment(notice, 1, (0,)),
        closes=_moment(election_day, -1, (20,)),
        generators="架空",
        origin=f"board.example/{slug}",
        board_key=bytes(32),
        revote=revote,
    )
    _ballots(election, scopes)
    load_categories()
    offers = {category.code: _offer(election, category) for category in Category.objects.all()}
    electors = {key: elector(election, key, **fields) for key, fields in PEOPLE.items()}
    # Eighteen on election day exactly, which is the day before the birthday; and a day too late for that.
    leap = (election_day.month, election_day.day) == (2, 29)
    born = election_day.replace(year=election_day.year - 18, day=28 if leap else election_day.day) + timedelta(1)
    electors["young"] = elector(election, "young", name="架空　若葉", kana="カクウ　ワカバ", birth=born)
    too_young = born + timedelta(1)
    electors["too_young"] = elector(election, "too_young", name="架空　新芽", kana="カクウ　シンメ", birth=too_young)
    return World(town, election, offers, electors, *_places(town))


def _ballots(election: Election, scopes: tuple[Scope, ...]) -> None:
    contests = {
        scope: Contest.objects.create(
            election=election, position=at, identifier=scope.value, title=scope.value, kind="choose-one", scope=scope
        )
        for at, scope in enumerate(scopes, 1)
    }
    for number in (1, 2):
        unit = Unit.objects.create(
            election=election, position=number, identifier=f"u{number}", name=f"第{number}開票区"
        )
        District.objects.create(election=election, code=str(number), name=f"第{number}投票区", unit=unit)
        for franchise in FRANCHISES:
            if held := [contests[scope] for scope in franchise if scope in contests]:
                _style(unit, held)


def _style(unit: Unit, contests: list[Contest]) -> None:
    number = unit.election.styles.count() + 1
    style = Style.objects.create(election=unit.election, position=number, identifier=f"s{number}", unit=unit)
    StyleContest.objects.bulk_create(
        StyleContest(style=style, contest=contest, position=place) for place, contest in enumerate(contests, 1)
    )


def _offer(election: Election, category: Category) -> Offer:
    return Offer.objects.create(
        election=election,
        category=category,
        apply_from=category.apply_from,
        online_until=category.online_until,
    )


def elector(election: Election, number: str, *, birth: date = date(1980, 4, 1), **fields: Any) -> Elector:
    """Somebody on the roll; what is not said is ordinary."""
    code = fields.pop("district", "1")
    given = {"kana": "カクウ", "sex": "M", "address": "架空市中央一丁目1番地1号", **fields}
    row = Elector(
        election=election,
        number=number,
        list_number=f"{code}-1-{Elector.objects.filter(election=election).count() + 1}",
        district=election.districts.get(code=code),
        birth_year=birth.year,
        birth_month=birth.month,
        birth_day=birth.day,
        folded_name=fold_name(given["name"]),
        folded_kana=fold_kana(given["kana"]),
        **given,
    )
    row.person = person_key(row.name, row.birth, row.sex)
    row.save()
    return row


def _places(town: Town) -> tuple[dict[OfficeKind, Office], dict[OfficeKind, Official]]:
    """One place of each kind, with its head; the hospital is designated from 2026 on."""
    places = {
        OfficeKind.HEALTH: town.health_centre,
        OfficeKind.FACILITY: town.hospital,
        OfficeKind.SHIP: town.ship,
    }
    heads = {
        OfficeKind.HEALTH: town.health_officer,
        OfficeKind.FACILITY: town.attestor,
        OfficeKind.SHIP: town.captain,
    }
    for kind in (OfficeKind.INSTITUTION, OfficeKind.UNIT, OfficeKind.PORT):
        places[kind], _new = Office.objects.get_or_create(
            code=f"kakuu-{kind.value}", defaults={"kind": kind, "name": f"架空 {kind.value}"}
        )
        known = Official.objects.filter(username=f"head-{kind.value}").first()
        heads[kind] = known or offices.official(f"head-{kind.value}", Role.ATTESTOR, places[kind])
    Designation.objects.get_or_create(office=town.hospital, starts=date(2026, 1, 1))
    return places, heads


# Requests


PLACE_OF = {
    "FACILITY": OfficeKind.FACILITY,
    "DETENTION": OfficeKind.INSTITUTION,
    "SEAFARER_PORT": OfficeKind.PORT,
    "SEAFARER_ONBOARD": OfficeKind.SHIP,
    "SEAFARER_FAX": OfficeKind.SHIP,
    "ANTARCTIC_FAX": OfficeKind.UNIT,
    "OVERSEAS_UNIT": OfficeKind.UNIT,
}
"""Category → where its voters are: the head there confirms, or files for them."""
FITTING = {"HOME_BOARD_U18": "young", "OVERSEAS_RESIDENT": "overseas"}
"""Category → who of the town can ask for it, where not everybody can."""


def claims(of: World, *kinds: str) -> dict[str, dict[str, Any]]:
    """Good claims about pieces of evidence, around the whole election."""
    days = of.span(of.n(-60), of.e(60))
    every: dict[str, dict[str, Any]] = {
        "ROLL_DOB": {},
        "SWORN_REASON": {"item": "work", "reason": days},
        "FACILITY_ROSTER": {"stay": days},
        "INSTITUTION_ROSTER": {"institution": "架空拘置所", "stay": days},
        "POSTAL_CERT": {"number": "1", "cert": days},
        "POSTAL_CERT_PROXY": {"number": "1", "cert": days},
        "PROXY_REGISTRATION": {"proxy_name": "架空 花子", "proxy": days},
        "SEAFARER_CERT": {"number": "1", "cert": days},
        "SHIP": {"ship": "架空丸", "voyage": days},
        "DESIGNATED_SHIP": {"ship": "架空丸", "ship_paper": "1", "voyage": days},
        "ANTARCTIC_CERT": {"number": "1", "posting": days},
        "UNIT_ROSTER": {"unit": "架空隊", "member_notice_on": of.e(-20).date().isoformat(), "tour": days},
        "ISOLATION_ORDER": {"issuer": "架空保健所", "period": days},
        "OMITTED_WITH_REASON": {"omission": "外出できない", "issuer": "架空保健所", "period": days},
        "WAIT_NOTICE": {"issuer": "架空保健所", "period": days},
        "SWORN": {"circumstances": "同居人が陽性", "period": days},
        "OVERSEAS_CERT": {"number": "1", "cert": days},
    }
    return {kind: every[kind] for kind in kinds}


def applicant(of: Elector, **changes: Any) -> Applicant:
    """An elector who asks, with the four attributes as on the roll, and reads English, as these tests do."""
    same = Applicant(
        name=of.name,
        birth=of.birth.earliest(),
        sex=of.sex,
        address=of.address + of.building,
        email="voter@example.jp",
        language="en",
    )
    return replace(same, **changes)


def request(of: World, code: str, who: str = "", kinds: tuple[str, ...] = (), **changes: Any) -> Request:
    """A good request for a category, with the first alternative of its evidence unless `kinds` names another."""
    kinds = kinds or tuple(of.offers[code].category.evidence[0])
    place = PLACE_OF.get(code) or (OfficeKind.HEALTH if "OMITTED_WITH_REASON" in kinds else None)
    same = Request(
        applicant=applicant(of.electors[who or FITTING.get(code, "taro")]),
        claims=claims(of, *kinds),
        sworn=True,
        files=[(kind, PNG) for kind in kinds if kind in ("ISOLATION_ORDER", "WAIT_NOTICE")],
        office=of.places[place] if place else None,
    )
    return replace(same, **changes)


# Applications on their way


def submit(
    of: World, code: str = "OTHER_BOARD", who: str = "", *, at: datetime | None = None, **how: Any
) -> Application:
    """Received three days after notice day unless `at` says more; `how` as for `request`."""
    return requests.submit(of.offers[code], request(of, code, who, **how), at=at or of.n(3, 12))


def under_review(of: World, code: str = "OTHER_BOARD", who: str = "", **how: Any) -> Application:
    """Submitted, confirmed where that is waited for, and taken up by the clerk."""
    application = submit(of, code, who, **how)
    if application.state == State.TO_CONFIRM:
        assert application.office is not None
        first, last = of.n(-60).date(), of.e(60).date()
        head = of.heads[OfficeKind(application.office.kind)]
        review.confirm(application, by=head, confirmed=True, starts=first, ends=last)
    return review.take_up(application, by=of.town.clerk)


def issued(of: World, code: str = "OTHER_BOARD", who: str = "", **how: Any) -> Application:
    """Approved by the chair four days after notice day: a ballot is issued."""
    return review.approve(under_review(of, code, who, **how), by=of.town.chair, at=of.n(4, 12))


def give_back(of: World, application: Application) -> Proposal:
    """Cancelled by two clerks."""
    asked = review.ask_to_give_back(application, by=of.town.clerk, reason="紛失")
    return approve(asked, by=of.town.second_clerk)


def neighbour() -> tuple[Office, Official, Official]:
    """隣市: its board, clerk and chair, who have no business with 架空市. The same ones each time."""
    if board := Office.objects.filter(code="rin").first():
        return board, Official.objects.get(username="rin-clerk"), Official.objects.get(username="rin-chair")
    board = offices.board("rin", "隣市選挙管理委員会")
    clerk = offices.official("rin-clerk", Role.BOARD_CLERK, board)
    return board, clerk, offices.official("rin-chair", Role.BOARD_CHAIR, board)
