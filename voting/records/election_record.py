"""選挙録: what the count decides, for the election meeting (法83). Of a public election it is the absentee part only.

Who is elected says `verifier.outcome`; what only a lot can decide is named as such.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from verifier.outcome import Candidate, Decides, Lot, Outcome, outcome
from verifier.record.manifest import Contest, Form
from voting.board.result import Published
from voting.elections.models import District, Election, ElectionKind
from voting.eras import era_date
from voting.records.count_record import answer_of, numbers, result_or_none
from voting.records.tables import Row, Table
from voting.records.words import NOTHING, era_minute

ONLINE_ONLY = (
    "オンラインによる不在者投票のみによる。当選人は、他の投票と合わせて選挙会が決定する"
    "（法定得票数等は考慮していない。）。"
)


def election_record(election: Election, district: District | None = None) -> Iterator[Table]:
    """Facts, and of each contest votes and what they decide. Raises BoardInconsistent."""
    read = result_or_none(election)
    yield Table("選挙の状況", ("項目", "内容"), list(_facts(election, read)), note=_note(election))
    if read is None:
        return
    for said in read.contests:
        contest = read.manifest.contest(said["contest"])
        if not said["withheld"]:
            yield from _contest(contest, said["total"], outcome(contest, said["total"]))


def _note(election: Election) -> str:
    return "" if election.kind == ElectionKind.ASSOCIATION else ONLINE_ONLY


def _facts(election: Election, read: Published | None) -> Iterator[Row]:
    yield "選挙の名称", election.title
    yield "根拠", election.legal_basis or NOTHING
    yield "選挙期日", era_date(election.election_day) if election.election_day else NOTHING
    if read is None:
        yield "結果の公表", NOTHING
        return
    yield "結果の公表", era_minute(read.at)
    yield "選挙人名簿の登録者数", f"{read.turnout['roll']}人"
    yield "投票者数（オンライン）", f"{read.turnout['ballots']}人"
    for said in read.contests:
        if said["withheld"]:
            minimum = read.manifest.minimum_group
            yield read.manifest.contest(said["contest"]).title, f"{minimum}票未満のため開票せず、公表しない。"


def _contest(contest: Contest, total: Mapping[str, Any], decided: Outcome) -> Iterator[Table]:
    columns = ("投票数", "有効投票", "無効投票（白票）", "無効投票（その他）")
    sums = numbers(total["ballots"], total["blank"], total["invalid"])
    yield Table(f"{contest.title}　投票数", columns, [sums])
    yield _votes(contest, total, decided)
    if contest.form is not Form.REVIEW:
        yield Table(f"{contest.title}　結果", ("項目", "内容"), list(_decided(contest, decided)))


def _votes(contest: Contest, total: Mapping[str, Any], decided: Outcome) -> Table:
    caption = f"{contest.title}　得票数"
    if decided.judges:
        judges = [
            (one.name, str(one.dismiss), str(one.keep), "罷免を可とする投票が多数" if one.dismissed else NOTHING)
            for one in decided.judges
        ]
        return Table(caption, ("裁判官", "罷免を可とする投票", "罷免を可としない投票", "結果"), judges)
    if decided.lists:
        lists = [(one.name, str(one.votes), str(one.seats), _names(one.elected)) for one in decided.lists]
        return Table(caption, ("名簿届出政党等", "得票数", "当選人数", "当選人となるべき順位"), lists)
    if contest.form is Form.RANKING:
        return Table(
            caption,
            ("候補者", *(f"第{number}回" for number, _ in enumerate(decided.rounds, 1))),
            _rounds(contest, decided),
        )
    names = {option.id: option.name for option in contest.options}
    rows = [(answer_of(names, line["answer"]), str(line["count"])) for line in total["counts"]]
    return Table(caption, ("候補者等", "得票数"), rows)


def _rounds(contest: Contest, decided: Outcome) -> list[Row]:
    rounds = [{votes.answer: votes.count for votes in one.votes} for one in decided.rounds]
    return [
        (option.name, *(str(votes[option.id]) if option.id in votes else "脱落" for votes in rounds))
        for option in contest.options
    ]


def _decided(contest: Contest, decided: Outcome) -> Iterator[Row]:
    if decided.answered:
        majority = decided.answered.majority
        yield "最多", _names(decided.answered.leading)
        yield "有効投票の過半数", majority.name if majority else NOTHING
        return
    yield "定数", str(contest.seats)
    yield "得票により当選人となるべき者", _names(decided.elected)
    yield from (_lot(lot) for lot in decided.lots)
    if decided.vacant:
        yield "不足する当選人", str(decided.vacant)


def _lot(lot: Lot) -> Row:
    what = "くじにより定める当選" if lot.decides is Decides.ELECTION else "くじにより定める脱落"
    return what, f"{_names(lot.among)}のうち{lot.places}"


def _names(candidates: Sequence[Candidate]) -> str:
    return "、".join(one.name for one in candidates) or NOTHING
