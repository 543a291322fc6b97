"""開票録 and 選挙録 (requirements 32, 33, 35 and 38): what the board says of a count, as the law's documents say it."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client
from django.urls import reverse

from tests.voting import boards
from tests.voting.boards import tampering
from tests.voting.records.filled import Filled
from verifier.crypto.checkpoint import parse_note
from verifier.record.entries import Type
from voting.access.models import AccessEntry
from voting.applications.models import Application
from voting.board.models import BoardEntry
from voting.board.services import publish_checkpoint
from voting.counting.adjudication import Ruling, ask_to_adjudicate
from voting.counting.models import Ground
from voting.credentials.models import Binding
from voting.errors import NotPermitted
from voting.officials.services import approve
from voting.records.balance import balance
from voting.records.count_record import ENTRIES, count_problems
from voting.records.csvs import csv_bytes
from voting.records.documents import tables
from voting.records.errors import AlreadySealed, NotBalanced
from voting.records.models import Document, Part, Seal
from voting.records.pages import pieces
from voting.records.seal import ask_to_seal, check_seal, seal_problems
from voting.records.tables import Table
from voting.records.words import era_minute
from voting.roll.models import Elector

pytestmark = pytest.mark.django_db


def made(document: Document, filled: Filled) -> dict[str, Table]:
    """Caption → table, with its rows read."""
    return {
        table.caption: Table(table.caption, table.columns, [tuple(row) for row in table.rows], table.note)
        for table in tables(document, filled.election)
    }


def test_the_counting_record_cell_by_cell(result: Filled) -> None:
    """Hours of the board, acceptance of the office, and the counts of each area as worked out by hand: six voted, one
    was refused, five count."""
    record = made(Document.COUNT_RECORD, result)
    facts = dict(record["開票の状況"].rows)
    closed = BoardEntry.objects.get(election=result.election, type=Type.POLLS_CLOSED)
    assert facts["投票の終了"] == era_minute(closed.created) == "令和8年11月21日 20時00分"
    assert (facts["投票"], facts["受理"], facts["不受理"]) == ("6件", "5件", "1件")
    assert (facts["開票した票"], facts["再投票により置き換えられた票"], facts["除外した票"]) == ("5票", "1票", "1票")
    mayor = record["Mayor　投票数"]
    assert mayor.columns == ("開票区", "投票数", "有効投票", "無効投票（白票）", "無効投票（その他）")
    assert [" ".join(row) for row in mayor.rows] == ["南 2 1 1 0", "北・西 3 3 0 0", "合計 5 4 1 0"]
    votes = {tuple(row[:2]): row[2] for row in record["Mayor　得票数"].rows}
    assert votes["南", "架空 一郎"] == "1" and votes["北・西", "仮名 次郎"] == "1"
    judges = record["Judges　投票数"].rows[-1]
    assert judges == ("合計", "5", "5", "―", "0")
    assert ("北", "委員 竹＞委員 松", "1") in record["Chair　得票数"].rows


def test_every_step_of_the_trustees_and_mixers_is_in_it(result: Filled) -> None:
    """Requirement 33: who opened and when, also who did not; each mix stage with its mixer; every entry of the board
    since the close with its hash."""
    record = made(Document.COUNT_RECORD, result)
    trustees = record["開票立会人（鍵の保持者）"].rows
    assert [row[0] for row in trustees] == ["trustee 1", "trustee 2", "trustee 3"]
    assert [row[2] != "―" for row in trustees] == [True, False, True]
    stages = BoardEntry.objects.filter(election=result.election, type=Type.MIX_STAGE)
    assert [row[5] for row in record["票の混合"].rows] == [str(entry.index) for entry in stages.order_by("index")]
    assert {row[3] for row in record["票の混合"].rows} == {"mixer 1", "mixer 2"}
    entries = BoardEntry.objects.filter(election=result.election, type__in=list(ENTRIES)).order_by("index")
    said = record["公開記録（投票の終了以後）"].rows
    assert [(row[0], row[3]) for row in said] == [(str(one.index), bytes(one.leaf_hash).hex()) for one in entries]


def test_the_separation_of_names_is_shown(result: Filled) -> None:
    """Requirement 32: the ceremony log says that the links were deleted, with its place in the access log."""
    [row] = made(Document.COUNT_RECORD, result)["氏名と票との対応の削除"].rows
    entry = AccessEntry.objects.get(act="strip")
    assert row == (
        era_minute(entry.at),
        "受理した5件の対応を削除（残り0件）",
        str(entry.index),
        bytes(entry.hash).hex(),
    )
    assert not Binding.objects.exists()


def test_decisions_about_written_names_are_in_it(result: Filled) -> None:
    """Who asked, who approved and why; what a later decision replaced stays, and says so."""
    town, contest = result.town, result.election.contests.get(identifier="name")
    assert "自書の記載についての決定" not in made(Document.COUNT_RECORD, result)
    for ruling in (Ruling("山田", "山田 太郎"), Ruling("山田", ground=Ground.UNCLEAR)):
        approve(ask_to_adjudicate(contest, [ruling], by=town.count_manager, reason="同姓"), by=town.count_witness)
    first, second = made(Document.COUNT_RECORD, result)["自書の記載についての決定"].rows
    assert first[:4] == ("Name", "山田", "2", "有効：山田 太郎（後の決定により変更）")
    assert second[3].startswith("無効：") and "変更" not in second[3]
    assert second[4:7] == ("同姓", "架空 count-manager", "架空 count-witness")


def test_no_voter_is_in_either_record(result: Filled) -> None:
    for document in Part.COUNT.documents:
        text = b"".join(csv_bytes(tables(document, result.election))).decode()
        assert not any(elector.name in text for elector in Elector.objects.all())
        assert not any(reference in text for reference in ("TEST-0001", "v1"))


def test_before_the_result_the_records_print_no_votes(accepted: Filled) -> None:
    """The plaintexts are on the board from the opening on; a result is what was signed."""
    accepted.freeze()
    opened = boards.place(accepted.record, Type.OPENING) + 1
    accepted.store(BoardEntry.objects.filter(election=accepted.election).count(), opened)
    for document in Part.COUNT.documents:
        assert not any("得票数" in caption for caption in made(document, accepted))
    assert dict(made(Document.COUNT_RECORD, accepted)["開票の状況"].rows)["結果の公表"] == "―"
    assert count_problems(accepted.election, balance(accepted.election)) == ["the result is not on the board yet"]


def test_the_election_record_says_who_is_elected_and_what_a_lot_decides(result: Filled) -> None:
    """Of the five that count 一郎 and 花子 have 2 and 1: see VOTES; the council's two seats go to 子 and a lot."""
    record = made(Document.ELECTION_RECORD, result)
    assert "オンラインによる不在者投票のみ" in record_note(result)
    assert dict(record["Mayor　結果"].rows) == {"定数": "1", "得票により当選人となるべき者": "架空 一郎"}
    council = dict(record["Council　結果"].rows)
    assert council["得票により当選人となるべき者"] == "議員 子"
    assert council["くじにより定める当選"] == "議員 丑、議員 卯のうち1"
    assert record["Judges　得票数"].rows[0] == ("判事 甲", "3", "2", "罷免を可とする投票が多数")
    assert [row[0] for row in record["Chair　得票数"].rows] == ["委員 松", "委員 竹", "委員 梅"]


def record_note(filled: Filled) -> str:
    return next(iter(tables(Document.ELECTION_RECORD, filled.election))).note


def test_the_records_print_in_japanese_with_eras_and_signature_lines(result: Filled) -> None:
    """Requirement 38, and that they read as documents in any language of the reader."""
    page = "".join(pieces(Document.COUNT_RECORD, result.election))
    assert "<h1>開票録</h1>" in page and "令和8年11月21日" in page
    assert page.count("<dt>開票立会人</dt>") == 3 and "<dt>開票管理者</dt>" in page
    assert "<dt>選挙長</dt>" in "".join(pieces(Document.ELECTION_RECORD, result.election))


def test_who_may_print_them(result: Filled) -> None:
    """As the other records without names (VIEW_RECORDS): the board and those who count, no witness of the polls."""
    address = reverse("records:document", args=["kakuu", Document.COUNT_RECORD.value])
    for who, status in ((result.town.clerk, 200), (result.town.poll_manager, 200), (result.town.poll_witness, 403)):
        client = Client()
        client.force_login(who)
        assert client.get(address).status_code == status, who
    client = Client()
    client.force_login(result.town.clerk)
    answer = client.get(reverse("records:csv", args=["kakuu", Document.COUNT_RECORD.value]))
    rows = list(csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))
    assert ["選挙の名称", "架空市長選挙"] in rows


def test_the_count_is_sealed_apart_and_a_change_shows(result: Filled) -> None:
    """Absentee voting was sealed before; two people seal the count; a changed log of entries is named."""
    town, election = result.town, result.election
    publish_checkpoint(election, boards.AFTERWARDS)
    approve(ask_to_seal(election, by=town.clerk), by=town.chair)
    assert seal_problems(election, Part.COUNT) == []
    asked = ask_to_seal(election, by=town.clerk, part=Part.COUNT)
    with pytest.raises(NotPermitted):
        approve(asked, by=town.clerk)
    approve(asked, by=town.chair)
    assert {(seal.part, len(seal.digests) - 1) for seal in Seal.objects.all()} == {("voting", 6), ("count", 2)}
    assert check_seal(election) == []
    with pytest.raises(AlreadySealed):
        ask_to_seal(election, by=town.clerk, part=Part.COUNT)
    with tampering():
        AccessEntry.objects.filter(act="strip").update(hash=bytes(32))
    [change] = check_seal(election)
    assert change.document is Document.COUNT_RECORD and "氏名と票との対応の削除" in change.how[0]


def test_a_count_is_not_sealed_before_its_result_is_signed(accepted: Filled) -> None:
    """Neither before the entry nor before the board has signed over it: the root is in the record."""
    election, clerk = accepted.election, accepted.town.clerk
    with pytest.raises(NotBalanced, match="the result is not on the board yet"):
        ask_to_seal(election, by=clerk, part=Part.COUNT)
    accepted.count()
    with pytest.raises(NotBalanced, match="no signed checkpoint covers the result yet"):
        ask_to_seal(election, by=clerk, part=Part.COUNT)
    root = parse_note(publish_checkpoint(election, boards.AFTERWARDS).text.encode()).checkpoint.root.hex()
    assert dict(made(Document.COUNT_RECORD, accepted)["開票の状況"].rows)["同ルートのハッシュ値"] == root
    ask_to_seal(election, by=clerk, part=Part.COUNT)


def test_a_mismatch_of_the_count_blocks_its_seal(result: Filled) -> None:
    """Requirement 38: fewer accepted applications than ballots in the result."""
    publish_checkpoint(result.election, boards.AFTERWARDS)
    with tampering():
        Application.objects.filter(pk=result.applications["contact"].pk).update(state="refused")
    with pytest.raises(NotBalanced, match="result: ballots counted = accepted: 5 ≠ 4"):
        ask_to_seal(result.election, by=result.town.clerk, part=Part.COUNT)
