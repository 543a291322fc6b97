"""投票録: hours, numbers, the last ballot on the board, and every act of two people about a ballot (法54).

It names officials and receipt numbers, no voters: what was said about somebody is in the register.
"""

from __future__ import annotations

from collections.abc import Iterator

from verifier.record.entries import Type
from voting.applications.models import Application
from voting.board.models import BoardEntry
from voting.elections.models import District, Election
from voting.eras import era_date
from voting.officials.models import Proposal
from voting.officials.roles import Act
from voting.officials.services import key_of_target
from voting.polls.acceptance import PUBLISHED
from voting.records.balance import balance
from voting.records.tables import Row, Table
from voting.records.words import NOTHING, era_minute
from voting.roll.models import Elector

INCIDENTS = {
    Act.GIVE_BACK: "交付の取消し（返還）",
    Act.REPLACE_CREDENTIAL: "端末の鍵の取替え",
    Act.MATCH_BY_HAND: "名簿との照合",
}
"""Acts of two people about an application, other than refusals."""


def poll_record(election: Election, district: District | None = None) -> Iterator[Table]:
    """Facts, refusals, incidents. Raises BoardInconsistent."""
    yield Table("投票の状況", ("項目", "内容"), list(_facts(election)))
    refusals = [_refusal(proposal, reference) for proposal, reference in _decided(election, [Act.REFUSE_BALLOT])]
    yield Table("不受理の決定", ("受付番号", "理由", "決定日時", "投票管理者", "投票立会人"), refusals)
    incidents = [
        (era_minute(proposal.decided_at), INCIDENTS[Act(proposal.act)], reference, *_people(proposal))
        for proposal, reference in _decided(election, list(INCIDENTS))
    ]
    yield Table("その他の処分", ("決定日時", "事項", "受付番号", "請求した者", "承認した者"), incidents)


def _facts(election: Election) -> Iterator[Row]:
    days = {"選挙期日": election.election_day, "告示日": election.notice_day}
    yield "選挙の名称", election.title
    yield "根拠", election.legal_basis or NOTHING
    yield from ((name, era_date(day) if day else NOTHING) for name, day in days.items())
    yield "投票の開始", _time_of(election, Type.POLLS_OPENED)
    yield "投票の終了", _time_of(election, Type.POLLS_CLOSED)
    yield from _last_ballot(election)
    total = balance(election).total
    yield "選挙人名簿の登録者数", f"{Elector.objects.filter(election=election).count()}人"
    numbers = {
        "請求": total.received,
        "交付": total.issued,
        "返還": total.returned,
        "未使用": total.lapsed,
        "投票": total.cast,
        "受理": total.accepted,
        "不受理": total.refused,
    }
    yield from ((name, f"{number}件") for name, number in numbers.items())


def _time_of(election: Election, kind: Type) -> str:
    entry = BoardEntry.objects.filter(election=election, type=kind).first()
    return era_minute(entry.created) if entry else NOTHING


def _last_ballot(election: Election) -> Iterator[Row]:
    """The closing record: number and hash of the last ballot taken (requirement 30)."""
    last = BoardEntry.objects.filter(election=election, type=Type.BALLOT_CAST).order_by("index").last()
    yield "最後に受け付けた記録の番号", str(last.index) if last else NOTHING
    yield "同記録のハッシュ値", bytes(last.leaf_hash).hex() if last else NOTHING


def _decided(election: Election, acts: list[Act]) -> Iterator[tuple[Proposal, str]]:
    """Approved acts about applications of this election, with the receipt number, as they were decided."""
    approved = Proposal.objects.filter(office=election.office, act__in=acts, decision=Proposal.Decision.APPROVED)
    proposals = list(approved.select_related("requested_by", "decided_by").order_by("decided_at", "pk"))
    keys = {proposal.pk: key_of_target(proposal) for proposal in proposals}
    own = Application.objects.filter(election=election, pk__in=keys.values())
    references = dict(own.values_list("pk", "reference"))
    for proposal in proposals:
        if keys[proposal.pk] in references:
            yield proposal, references[keys[proposal.pk]]


def _refusal(proposal: Proposal, reference: str) -> Row:
    ground = PUBLISHED.get(proposal.payload["ground"], NOTHING)
    return reference, ground, era_minute(proposal.decided_at), *_people(proposal)


def _people(proposal: Proposal) -> tuple[str, str]:
    return str(proposal.requested_by), str(proposal.decided_by)
