"""開票録: what was counted, by whom the count was mixed and opened, and when (法70; requirements 32, 33 and 38).

Numbers and times are those of the public board. Of the election office come the acceptance, the separation of names
from ballots, and what officials decided about written names. No voter is in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from verifier.crypto.checkpoint import parse_note
from verifier.record.entries import Type
from verifier.record.manifest import Manifest, parse_manifest
from voting.access.models import AccessEntry
from voting.applications.models import StateChange
from voting.applications.states import Event
from voting.board.models import BoardEntry, Checkpoint
from voting.board.result import Published, published
from voting.counting.adjudication import decisions
from voting.credentials.models import Binding
from voting.elections.models import District, Election
from voting.eras import era_date
from voting.errors import NotOnBoard
from voting.records.balance import Balance, Identity, balance
from voting.records.tables import Row, Table
from voting.records.words import NOTHING, era_minute

ENTRIES: Mapping[str, str] = {
    Type.POLLS_CLOSED: "投票の終了",
    Type.WITHDRAWALS: "不受理等の票の除外",
    Type.TALLY_FROZEN: "開票する票の確定",
    Type.MIX_STAGE: "票の混合",
    Type.PARTIAL_ROOTS: "開票立会人による開披",
    Type.OPENING: "開票",
    Type.RESULT: "結果の公表",
    Type.CORRECTION: "訂正",
}
"""The entries of the count (記録の種別)."""
STRIP = "strip"
"""The act in the access log under which links between names and ballots were deleted."""


def result_or_none(election: Election) -> Published | None:
    """The result, if it is published. Raises BoardInconsistent."""
    try:
        return published(election)
    except NotOnBoard:
        return None


def count_record(election: Election, district: District | None = None) -> Iterator[Table]:
    """Facts, votes, mixing, trustees, separation of names, written names, the log. Raises BoardInconsistent."""
    since, read = _since_close(election), result_or_none(election)
    yield Table("開票の状況", ("項目", "内容"), list(_facts(election, since, read)))
    if read is not None:
        for said in read.contests:
            yield from _votes(read.manifest, said)
    if since:
        manifest = _manifest(election)
        mixed = list(_mixed(manifest, since))
        yield Table("票の混合", ("種目", "開票区", "段階", "混合者", "日時", "記録番号"), mixed)
        yield Table("開票立会人（鍵の保持者）", ("氏名", "開披の日時", "記録番号"), list(_trustees(manifest, since)))
    columns = ("日時", "処分", "アクセス記録の番号", "同記録のハッシュ値")
    yield Table("氏名と票との対応の削除", columns, list(_separated(election)))
    written = list(_written(election))
    if written:
        heads = ("種目", "記載", "票数", "決定", "理由", "請求した者", "承認した者", "日時")
        yield Table("自書の記載についての決定", heads, written)
    log = [(str(entry.index), ENTRIES[entry.type], era_minute(entry.created), _hash(entry)) for entry in since]
    yield Table("公開記録（投票の終了以後）", ("記録番号", "種別", "日時", "ハッシュ値"), log)
    if read is not None and read.corrections:
        yield Table("訂正", ("対象の記録番号", "内容"), [(str(entry), text) for entry, text in read.corrections])


def count_problems(election: Election, found: Balance) -> list[str]:
    """What stands against sealing the record of the count: no result yet, or what does not add up."""
    read = result_or_none(election)
    if read is None:
        return [_("the result is not on the board yet")]
    if _covering(election) is None:
        return [_("no signed checkpoint covers the result yet")]
    return [str(identity) for identity in _identities(read, found) if not identity.holds]


def _identities(read: Published, found: Balance) -> Iterator[Identity]:
    """Accepted = counted; of each contest, the groups make the total, and valid + blank + invalid make the ballots."""
    yield Identity(_("ballots counted = accepted"), _("result"), read.turnout["ballots"], found.total.accepted)
    for said in read.contests:
        contest, total = read.manifest.contest(said["contest"]), said["total"]
        if said["withheld"]:
            continue
        together = sum(group["ballots"] for group in said["groups"])
        yield Identity(_("ballots = ballots of all groups"), contest.title, total["ballots"], together)
        if total["blank"] is not None:
            votes = sum(line["count"] for line in total["counts"]) + total["blank"] + total["invalid"]
            yield Identity(_("ballots = valid + blank + invalid"), contest.title, total["ballots"], votes)


def _since_close(election: Election) -> list[BoardEntry]:
    entries = BoardEntry.objects.filter(election=election, type__in=list(ENTRIES))
    return list(entries.order_by("index"))


def _facts(election: Election, since: list[BoardEntry], read: Published | None) -> Iterator[Row]:
    at = {entry.type: era_minute(entry.created) for entry in reversed(since)}
    yield "選挙の名称", election.title
    yield "根拠", election.legal_basis or NOTHING
    yield "選挙期日", era_date(election.election_day) if election.election_day else NOTHING
    for kind in (Type.POLLS_CLOSED, Type.TALLY_FROZEN, Type.OPENING, Type.RESULT):
        yield ENTRIES[kind], at.get(kind, NOTHING)
    total = balance(election).total
    yield "投票", f"{total.cast}件"
    yield "受理", f"{total.accepted}件"
    yield "不受理", f"{total.refused}件"
    frozen = next((_body(entry) for entry in since if entry.type == Type.TALLY_FROZEN), None)
    for name, field in (
        ("開票した票", "counted"),
        ("再投票により置き換えられた票", "superseded"),
        ("除外した票", "withdrawn"),
    ):
        yield name, f"{frozen[field]}票" if frozen else NOTHING
    if read is not None:
        yield from _withheld(read)
        yield from _checkpoint(election)


def _withheld(read: Published) -> Iterator[Row]:
    for said in read.contests:
        if said["withheld"]:
            title = read.manifest.contest(said["contest"]).title
            yield title, f"{read.manifest.minimum_group}票未満のため、投票の秘密を守るため開票せず、公表しない。"


def _checkpoint(election: Election) -> Iterator[Row]:
    found = _covering(election)
    yield "公開記録の署名（チェックポイント）", f"{found.size}件　{era_minute(found.time)}" if found else NOTHING
    yield "同ルートのハッシュ値", parse_note(found.text.encode()).checkpoint.root.hex() if found else NOTHING


def _covering(election: Election) -> Checkpoint | None:
    """The first checkpoint over the result: later ones do not change what was printed."""
    result = BoardEntry.objects.get(election=election, type=Type.RESULT)
    return Checkpoint.objects.filter(election=election, size__gt=result.index).order_by("size", "time").first()


def _votes(manifest: Manifest, said: Mapping[str, Any]) -> Iterator[Table]:
    contest = manifest.contest(said["contest"])
    if said["withheld"]:
        return
    groups = [(where_of(manifest, group), group) for group in said["groups"]]
    columns = ("開票区", "投票数", "有効投票", "無効投票（白票）", "無効投票（その他）")
    sums = [(where, *numbers(group["ballots"], group["blank"], len(group["invalid"]))) for where, group in groups]
    total = said["total"]
    rows = [*sums, ("合計", *numbers(total["ballots"], total["blank"], total["invalid"]))]
    yield Table(f"{contest.title}　投票数", columns, rows, numeric=True)
    names = {option.id: option.name for option in contest.options}
    votes = [
        (where, answer_of(names, line["answer"]), f"{line['count']}")
        for where, group in groups
        for line in group["counts"]
    ]
    yield Table(f"{contest.title}　得票数", ("開票区", "候補者等", "得票数"), votes)


def where_of(manifest: Manifest, group: Mapping[str, Any]) -> str:
    """The names of what is counted together."""
    return "・".join(manifest.unit_names[unit] for unit in group["units"])


def answer_of(names: Mapping[str, str], answer: Any) -> str:
    """An option, a ranking or a written text, as printed."""
    parts = [answer] if isinstance(answer, str) else answer
    return "＞".join(names.get(part, part) for part in parts)


def numbers(ballots: int, blank: int | None, invalid: int) -> tuple[str, str, str, str]:
    """Ballots, valid, blank and other invalid ones. A blank ballot of a review is valid (審査法22条)."""
    valid = ballots - (blank or 0) - invalid
    return str(ballots), str(valid), NOTHING if blank is None else str(blank), str(invalid)


def _mixed(manifest: Manifest, since: list[BoardEntry]) -> Iterator[Row]:
    groups: dict[str, Any] = {}
    for entry in since:
        body = _body(entry)
        if entry.type == Type.TALLY_FROZEN:
            groups = {stated["contest"]: stated["groups"] for stated in body["contests"]}
        if entry.type == Type.MIX_STAGE:
            title, where = manifest.contest(body["contest"]).title, groups[body["contest"]][body["group"]]
            mixer = manifest.mixers[body["stage"] - 1].name
            at = era_minute(entry.created)
            yield title, where_of(manifest, where), f"{body['stage']}", mixer, at, str(entry.index)


def _trustees(manifest: Manifest, since: list[BoardEntry]) -> Iterator[Row]:
    """Every holder of a share: who opened, and who was not needed or not there."""
    opened = {_body(entry)["trustee"]: entry for entry in since if entry.type == Type.PARTIAL_ROOTS}
    for number, trustee in enumerate(manifest.trustees, 1):
        entry = opened.get(number)
        yield (trustee.name, era_minute(entry.created), str(entry.index)) if entry else (trustee.name, NOTHING, NOTHING)


def _separated(election: Election) -> Iterator[Row]:
    """The ceremony log of requirement 32: that the links were deleted, and that none is left."""
    for entry in AccessEntry.objects.filter(act=STRIP, everyone=election.slug).order_by("index"):
        number = StateChange.objects.filter(application__election=election, event=Event.STRIP).count()
        left = Binding.objects.filter(application__election=election).count()
        said = f"受理した{number}件の対応を削除（残り{left}件）"
        yield era_minute(entry.at), said, str(entry.index), bytes(entry.hash).hex()


def _written(election: Election) -> Iterator[Row]:
    """What two officials decided about each written text; a decision that another replaced stays on the record."""
    if not BoardEntry.objects.filter(election=election, type=Type.OPENING).exists():
        return
    with translation.override("ja"):  # grounds are sentences of the site, and this document is Japanese by law
        for one in decisions(election):
            decided = f"有効：{one.name}" if one.name else f"無効：{one.ground}"
            standing = decided if one.stands else f"{decided}（後の決定により変更）"
            people = (one.asked_by, one.approved_by, era_minute(one.at))
            yield one.title, one.text, str(one.votes), standing, one.reason or NOTHING, *people


def _manifest(election: Election) -> Manifest:
    return parse_manifest(_body(BoardEntry.objects.get(election=election, type=Type.MANIFEST)))


def _body(entry: BoardEntry) -> Any:
    return json.loads(bytes(entry.raw))["body"]


def _hash(entry: BoardEntry) -> str:
    return bytes(entry.leaf_hash).hex()
