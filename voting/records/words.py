"""How the printed documents write days, times, marks and ways: in Japanese, as the law's forms do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from django.utils import timezone

from voting.applications.catalogue import Attest
from voting.applications.models import Application
from voting.applications.rules.moments import JAPAN
from voting.eras import PartialDate, era_date
from voting.roll.models import Mark, PaperWay, Vote

NOTHING = "―"
"""A cell with nothing to say."""

WAYS: Mapping[str, str] = {
    Application.Way.SELF: "本人（オンライン）",
    Application.Way.ATTESTOR: "管理者を経由",
    Application.Way.COUNTER: "窓口・電話",
}
"""How a request came (請求方法)."""
MANAGERS: Mapping[str, str] = {
    Attest.FACILITY_HEAD: "病院・老人ホーム等の長",
    Attest.INSTITUTION_HEAD: "刑事施設・留置施設等の長",
    Attest.CAPTAIN: "船長",
    Attest.UNIT_HEAD: "特定国外派遣組織等の長",
    Attest.PORT_BOARD: "指定港の選挙管理委員会の委員長",
    Attest.PROXY_WRITER: "管理者なし（代理記載人）",
    Attest.NONE: "管理者なし（本人のみ）",
}
"""Kinds of absentee voting managers, by who stands by."""
MARKS: Mapping[str, str] = {
    Mark.MOVED: "転出",
    Mark.SUSPENDED: "公民権停止",
    Mark.LOST: "失権",
    Mark.DEAD: "死亡",
    Mark.STRUCK: "抹消",
}
"""The roll's own marks (表示)."""
PAPER: Mapping[str, str] = {
    PaperWay.EARLY: "期日前投票済",
    PaperWay.ABSENTEE: "不在者投票（用紙）済",
    PaperWay.STATION: "投票済",
}
"""Where somebody voted on paper."""
REASON_ITEMS: Mapping[str, str] = {
    "work": "一号",
    "travel": "二号",
    "health": "三号",
    "island": "四号",
    "moved": "五号",
    "weather": "六号",
}
"""公職選挙法48条の2第1項各号, as claims name them."""


def era_day(at: datetime | None) -> str:
    """The day in Japan: 令和8年11月21日."""
    return era_date(timezone.localdate(at, JAPAN)) if at else NOTHING


def era_minute(at: datetime | None) -> str:
    """The minute in Japan: 令和8年11月21日 20時00分."""
    return f"{era_day(at)} {timezone.localtime(at, JAPAN):%H時%M分}" if at else NOTHING


@lru_cache(maxsize=1 << 16)
def era_birth(born: PartialDate) -> str:
    """A date of birth, with 不詳 for what is unknown; the common year where two eras share it."""
    if born.day is not None:
        return era_date(born.earliest())
    years = {era_date(day).partition("年")[0] for day in (born.earliest(), born.latest())}
    year = years.pop() if len(years) == 1 else f"西暦{born.year}"
    return f"{year}年{born.month}月不詳" if born.month else f"{year}年不詳"


def marks(vote: str, paper_way: str, mark: str) -> str:
    """What the marked roll shows about somebody; empty for most."""
    return "・".join(part for part in (_vote(vote, paper_way), MARKS.get(mark, "")) if part)


def _vote(vote: str, paper_way: str) -> str:
    if vote == Vote.ISSUED:
        return "不在者（オンライン）交付済"
    if vote in (Vote.CAST, Vote.ACCEPTED):
        return "不在者（オンライン）投票済"
    paper = PAPER.get(paper_way, "")
    return f"{paper}（オンライン投票は不受理）" if vote == Vote.PAPER_WINS else paper
