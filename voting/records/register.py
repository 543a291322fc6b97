"""不在者投票事務処理簿: every application from its receipt to the decision about its ballot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from voting.applications.catalogue import Attest
from voting.applications.evidence import KEPT_CLAIMS
from voting.applications.models import Application, StateChange
from voting.applications.requests import HEADS
from voting.applications.states import Event, State
from voting.elections.models import District, Election
from voting.polls.acceptance import PUBLISHED
from voting.records.tables import Row, Table
from voting.records.words import NOTHING, REASON_ITEMS, WAYS, era_day, era_minute

AT_ONCE = 500
COLUMNS = (
    "受付番号",
    "受付日時",
    "氏名",
    "名簿番号",
    "投票区",
    "類型・事由",
    "請求方法",
    "証明書番号等",
    "交付日時",
    "投票日",
    "管理者等",
    "送致日時",
    "受理・不受理（理由）",
    "返還日時",
)
STANDING = {
    State.WITHDRAWN: "取下げ",
    State.ISSUED: "交付中",
    State.GIVEN_BACK: "返還",
    State.CAST: "決定前",
    State.ACCEPTED: "受理",
    State.STRIPPED: "受理",
    State.TALLIED: "受理",
}
"""What is said without a reason; acceptance is said the same before and after the count."""


def register(election: Election, district: District | None = None) -> Iterator[Table]:
    """One table, a row to an application, as they were received."""
    yield Table("", COLUMNS, _rows(election))


def _rows(election: Election) -> Iterator[Row]:
    applications = Application.objects.filter(election=election).order_by("received_at", "pk")
    related = applications.select_related("offer__category", "elector__district", "office")
    for application in related.prefetch_related("changes").iterator(chunk_size=AT_ONCE):
        yield _row(application, {Event(change.event): change for change in application.changes.all()})


def _row(application: Application, steps: dict[Event, StateChange]) -> Row:
    elector = application.elector
    decided = steps.get(Event.ACCEPT) or steps.get(Event.REFUSE)
    return (
        application.reference,
        era_minute(application.received_at),
        application.name,
        elector.list_number if elector else NOTHING,
        elector.district.name if elector else NOTHING,
        _category(application),
        WAYS[application.way],
        "、".join(_numbers(application)) or NOTHING,
        era_minute(_at(steps, Event.ISSUE)),
        # Not the minute: the board shows the minute of every ballot, and with it this row would name the slot.
        era_day(_at(steps, Event.CAST)),
        _manager(application),
        era_minute(decided.at if decided else None),
        _decision(application, steps),
        era_minute(_at(steps, Event.GIVE_BACK)),
    )


def _at(steps: dict[Event, StateChange], event: Event) -> datetime | None:
    return steps[event].at if event in steps else None


def _category(application: Application) -> str:
    name = application.offer.category.name_ja
    item = REASON_ITEMS.get(application.claims.get("SWORN_REASON", {}).get("item", ""))
    return f"{name}（法48の2①{item}）" if item else name


def _numbers(application: Application) -> Iterable[str]:
    """Of certificates and papers of ships."""
    for claim in application.claims.values():
        yield from (claim[name] for name in KEPT_CLAIMS if name in claim)


def _manager(application: Application) -> str:
    attest = Attest(application.offer.category.attest)
    if attest is Attest.PROXY_WRITER:
        return f"代理記載人　{application.claims.get('PROXY_REGISTRATION', {}).get('proxy_name', '')}"
    return str(application.office) if attest in HEADS and application.office else NOTHING


def _decision(application: Application, steps: dict[Event, StateChange]) -> str:
    state = State(application.state)
    if state is State.REFUSED:
        return f"不受理（{PUBLISHED.get(steps[Event.REFUSE].ground, '')}）"
    if state is State.REJECTED:
        return f"不交付（{steps[Event.REJECT].reason}）"
    if state is State.LAPSED:
        return "未使用" if Event.ISSUE in steps else "決定前に期間満了"
    return STANDING.get(state, "審査中")
