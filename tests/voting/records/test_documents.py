"""The documents of the law (requirement 38): each cell of the register and each number of the reports, by hand."""

from __future__ import annotations

import csv
import hashlib
import io

import pytest
from django.db import transaction
from django.utils import timezone

from tests import election as memory
from tests.voting import boards
from tests.voting.offices import board, official
from tests.voting.records.filled import Filled, add_elector
from verifier.record.entries import Type
from voting.applications.models import Application, Category, Offer
from voting.applications.states import Event
from voting.board.models import BoardEntry
from voting.elections.models import District
from voting.officials.models import Proposal
from voting.officials.roles import Act, Role
from voting.records.csvs import csv_bytes
from voting.records.documents import (
    BUILDERS,
    PERSONAL,
    SIGNED_BY,
    STATEMENT,
    digest,
    subjects,
    tables,
)
from voting.records.models import Document
from voting.records.register import COLUMNS
from voting.records.tables import Table
from voting.records.words import era_day, era_minute
from voting.roll.models import Elector, PaperWay
from voting.roll.services import record_paper_vote

pytestmark = pytest.mark.django_db


def made(document: Document, filled: Filled, district: str = "") -> list[Table]:
    """The tables of a document, with their rows read."""
    one = District.objects.get(code=district) if district else None
    return [
        Table(table.caption, table.columns, [tuple(row) for row in table.rows], table.note)
        for table in tables(document, filled.election, one)
    ]


def register_of(filled: Filled) -> dict[str, dict[str, str]]:
    """Short name → the row of the register, by column."""
    [table] = made(Document.REGISTER, filled)
    assert table.columns == COLUMNS
    by_reference = {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in table.rows}
    return {short: by_reference[one.reference] for short, one in filled.applications.items()}


def test_every_document_is_made_signed_and_stated() -> None:
    assert set(BUILDERS) == set(SIGNED_BY) == set(STATEMENT) == set(Document)


# 不在者投票事務処理簿


def test_a_row_of_the_register_cell_by_cell(filled: Filled) -> None:
    """From the receipt to the decision, in eras and in Japan's time."""
    steps = {change.event: change.at for change in filled.applications["patient"].changes.all()}
    assert register_of(filled)["patient"] == {
        "受付番号": "TEST-0005",
        "受付日時": "令和8年11月16日 08時30分",
        "氏名": "架空　02-005",
        "名簿番号": "02-005",
        "投票区": "架空第二投票区",
        "類型・事由": "指定病院・老人ホーム等での投票",
        "請求方法": "管理者を経由",
        "証明書番号等": "0042",
        "交付日時": era_minute(steps[Event.ISSUE]),
        "投票日": era_day(steps[Event.CAST]),
        "管理者等": "架空病院",
        "送致日時": era_minute(steps[Event.ACCEPT]),
        "受理・不受理（理由）": "受理",
        "返還日時": "―",
    }


def test_what_the_register_says_of_every_end(filled: Filled) -> None:
    rows = register_of(filled)
    assert {short: row["受理・不受理（理由）"] for short, row in rows.items()} == {
        "accepted": "受理",
        "refused": "不受理（投票用紙で投票した）",
        "rejected": "不交付（名簿に登録がない）",
        "expired": "決定前に期間満了",
        "patient": "受理",
        "ill": "受理",
        "isolated": "受理",
        "cancelled": "返還",
        "returned": "返還",
        "unused": "未使用",
        "too-late": "決定前に期間満了",
        "withdrawn": "取下げ",
        "contact": "受理",
    }
    assert rows["accepted"]["類型・事由"] == "名簿登録地以外の選管での投票（法48の2①二号）"
    given_back = filled.applications["returned"].changes.get(event=Event.GIVE_BACK)
    assert rows["returned"]["返還日時"] == era_minute(given_back.at)
    assert rows["rejected"]["名簿番号"] == rows["rejected"]["交付日時"] == rows["rejected"]["送致日時"] == "―"


def test_while_the_polls_are_open_the_register_says_what_is_under_way(polls: Filled) -> None:
    rows = register_of(polls)
    ends = {short: rows[short]["受理・不受理（理由）"] for short in ("expired", "unused", "accepted")}
    assert ends == {"expired": "審査中", "unused": "交付中", "accepted": "決定前"}
    assert rows["accepted"]["送致日時"] == "―"


def test_the_register_names_the_proxy_writer_and_every_number(filled: Filled) -> None:
    category = Category.objects.get(code="POSTAL_PROXY")
    Offer.objects.create(election=filled.election, category=category, apply_from="N-30", online_until="E-4T17:00")
    claims = {"POSTAL_CERT_PROXY": {"number": "007"}, "PROXY_REGISTRATION": {"proxy_name": "架空　次郎"}}
    filled.apply("postal", "POSTAL_PROXY", claims=claims)
    row = register_of(filled)["postal"]
    assert (row["証明書番号等"], row["管理者等"]) == ("007", "代理記載人　架空　次郎")


def test_the_register_never_shows_the_minute_of_a_ballot(filled: Filled) -> None:
    """The attacker's side: the board shows every ballot's minute; printed beside a name, it would name the slot."""
    for row in register_of(filled).values():
        assert "時" not in row["投票日"]


# 調書


def test_the_absentee_report_is_the_table_worked_out_by_hand(filled: Filled) -> None:
    """Requirement 38: by category and by kind of manager, with the same total."""
    by_category, by_manager = made(Document.ABSENTEE_REPORT, filled)
    header = "請求 取下げ 不交付 審査中 期間満了 交付 返還 未使用 投票 受理 不受理".split()
    assert by_category.columns == ("類型", *header)
    assert [" ".join(row[1:]) for row in by_category.rows] == [
        "4 0 1 0 1 2 0 0 2 1 1",
        "1 0 0 0 0 1 0 0 1 1 0",
        "7 1 0 0 1 5 2 1 2 2 0",
        "1 0 0 0 0 1 0 0 1 1 0",
        "13 1 1 0 2 9 2 1 6 5 1",
    ]
    managers = {row[0]: " ".join(row[1:]) for row in by_manager.rows}
    assert managers["病院・老人ホーム等の長"] == "1 0 0 0 0 1 0 0 1 1 0"
    assert managers["管理者なし（本人のみ）"] == "12 1 1 0 2 8 2 1 5 4 1"
    assert managers["船長"] == "0 0 0 0 0 0 0 0 0 0 0"
    assert managers["合計"] == "13 1 1 0 2 9 2 1 6 5 1"


def test_the_papers_report_balances(filled: Filled) -> None:
    """Requirement 38: issued = cast + returned + unused + outstanding, so that the last column is 0 everywhere."""
    [table] = made(Document.PAPERS_REPORT, filled)
    assert table.columns == ("類型", "交付", "使用（投票）", "返還", "未使用", "未処理", "差引")
    assert [" ".join(row[1:]) for row in table.rows] == [
        "2 2 0 0 0 0",
        "1 1 0 0 0 0",
        "5 2 2 1 0 0",
        "1 1 0 0 0 0",
        "9 6 2 1 0 0",
    ]


# 送致書


def test_dispatch_lists_cast_ballots_by_district_with_a_digest_that_anyone_can_make(filled: Filled) -> None:
    """The refused one was dispatched too; the digest is that of the district's lines in the CSV."""
    first, second = made(Document.DISPATCH, filled)
    assert (first.caption, second.caption) == ("架空第一投票区（01）", "架空第二投票区（02）")
    assert [row[0] for row in first.rows] == ["01-001", "01-002", "01-013"]
    assert second.rows[0] == ("02-005", "02", "架空　02-005", "TEST-0005", "指定病院・老人ホーム等での投票")
    written = b"".join(csv_bytes(tables(Document.DISPATCH, filled.election))).decode("utf-8-sig")
    for table, code in ((first, "01"), (second, "02")):
        lines = "".join(line for line in written.splitlines(keepends=True) if line.split(",")[1] == code)
        assert table.note == f"3件　一覧のSHA-256　{hashlib.sha256(lines.encode()).hexdigest()}"


def test_what_is_decided_after_dispatch_does_not_change_it(polls: Filled) -> None:
    polls.close()
    before = digest(Document.DISPATCH, polls.election)
    polls.accept_all()
    assert digest(Document.DISPATCH, polls.election) == before


def test_a_district_without_ballots_has_an_empty_list_only_when_asked_for(filled: Filled) -> None:
    empty = District(election=filled.election, code="03", name="架空第三投票区")
    empty.pk = 0
    [table] = tables(Document.DISPATCH, filled.election, empty)
    assert (list(table.rows), table.note[:2]) == ([], "0件")
    assert len(made(Document.DISPATCH, filled)) == 2


# 投票録


def test_the_poll_record_has_hours_numbers_and_the_last_ballot(filled: Filled) -> None:
    """Requirement 30's closing record: number and hash of the last ballot taken; the hours are those of the board."""
    facts = dict(made(Document.POLL_RECORD, filled)[0].rows)
    last = BoardEntry.objects.filter(election=filled.election, type=Type.BALLOT_CAST).order_by("-index")[0]
    opened = BoardEntry.objects.get(election=filled.election, type=Type.POLLS_OPENED)
    assert facts == {
        "選挙の名称": "架空市長選挙",
        "根拠": "試験",
        "選挙期日": "令和8年11月22日",
        "告示日": "令和8年11月15日",
        "投票の開始": era_minute(opened.created),
        "投票の終了": "令和8年11月21日 20時00分",
        "最後に受け付けた記録の番号": str(last.index),
        "同記録のハッシュ値": bytes(last.leaf_hash).hex(),
        "選挙人名簿の登録者数": "9人",
        "請求": "13件",
        "交付": "9件",
        "返還": "2件",
        "未使用": "1件",
        "投票": "6件",
        "受理": "5件",
        "不受理": "1件",
    }


def test_the_poll_record_has_every_act_of_two_people_and_no_voter(filled: Filled) -> None:
    """Refusals with their ground, cancellations; nothing that officials wrote about somebody, no name of a voter."""
    _facts, refusals, incidents = made(Document.POLL_RECORD, filled)
    decided = Proposal.objects.get(act=Act.REFUSE_BALLOT).decided_at
    assert refusals.rows == [
        ("TEST-0002", "投票用紙で投票した", era_minute(decided), "架空 poll-manager", "架空 poll-witness")
    ]
    assert [row[1:] for row in incidents.rows] == [
        ("交付の取消し（返還）", "TEST-0008", "架空 clerk", "架空 second-clerk"),
        ("交付の取消し（返還）", "TEST-0009", "架空 clerk", "架空 second-clerk"),
    ]
    text = b"".join(csv_bytes(tables(Document.POLL_RECORD, filled.election))).decode()
    assert "投票所で投票する" not in text
    assert not any(elector.name in text for elector in Elector.objects.all())


def test_declined_and_foreign_acts_are_no_incidents(filled: Filled) -> None:
    """Only what was done, and only to ballots of this election, although the office holds others."""
    with boards.tampering():
        Proposal.objects.create(
            act=Act.GIVE_BACK,
            office=filled.town.board,
            target="applications.application:999999",
            summary="架空",
            requested_by=filled.town.clerk,
            decision="approved",
            decided_by=filled.town.chair,
            decided_at=timezone.now(),
        )
        returned = filled.applications["returned"].pk
        Proposal.objects.filter(act=Act.GIVE_BACK, target__endswith=f":{returned}").update(decision="declined")
    [row] = made(Document.POLL_RECORD, filled)[2].rows
    assert row[2] == "TEST-0008"


def test_before_anything_is_on_the_board_hours_are_open(filled: Filled) -> None:
    """An election of another office with nothing in it has a record of nothing."""
    other = board("rin", "隣市選挙管理委員会")
    official("rin-clerk", Role.BOARD_CLERK, other)
    empty = boards.define(memory.Election(), "rin")
    empty.office = other
    empty.save()
    facts = dict(next(iter(tables(Document.POLL_RECORD, empty))).rows)
    assert (facts["投票の開始"], facts["最後に受け付けた記録の番号"], facts["請求"]) == ("―", "―", "0件")


# 選挙人名簿抄本


def test_the_marked_roll_shows_votes_and_marks_by_district(filled: Filled) -> None:
    """The refused one voted early on paper; unused and returned ballots leave no mark; births may be unknown."""
    add_elector(filled.election, "02", "02-900", birth_month=None, birth_day=None, mark="moved", building="架空荘1")
    first, second = made(Document.MARKED_ROLL, filled)
    assert first.columns == ("名簿番号", "投票区", "氏名", "生年月日", "住所", "表示")
    assert {row[0]: row[5] for row in first.rows} == {
        "01-001": "不在者（オンライン）投票済",
        "01-002": "期日前投票済（オンライン投票は不受理）",
        "01-008": "",
        "01-009": "",
        "01-010": "",
        "01-013": "不在者（オンライン）投票済",
    }
    assert second.rows[-1] == (
        "02-900",
        "02",
        "架空　02-900",
        "昭和55年不詳",
        "架空市本町1番地架空荘1",
        "転出",
    )
    assert made(Document.MARKED_ROLL, filled, "02") == [second]


def test_an_issued_ballot_is_on_the_marked_roll_at_once(polls: Filled) -> None:
    """Requirement 19's printable list: who holds a ballot online is marked before the polls close."""
    first = made(Document.MARKED_ROLL, polls, "01")[0]
    assert {row[0]: row[5] for row in first.rows}["01-010"] == "不在者（オンライン）交付済"
    with transaction.atomic():
        record_paper_vote(Elector.objects.get(list_number="01-009"), way=PaperWay.STATION, by=polls.town.clerk)
    assert {row[0]: row[5] for row in made(Document.MARKED_ROLL, polls, "01")[0].rows}["01-009"] == "投票済"


# Who is in a document


def test_everybody_named_is_a_subject_of_the_access_log(filled: Filled) -> None:
    """Whose name is printed finds it in the log: exactly those, and nobody for documents without names."""
    issued = {one.elector_id for one in Application.objects.all()} - {None}
    cast = {
        Application.objects.get(reference=row[3]).elector_id for t in made(Document.DISPATCH, filled) for row in t.rows
    }
    bystander = add_elector(filled.election, "01", "01-999").pk

    def found(document: Document, code: str = "") -> set[int]:
        district = District.objects.get(code=code) if code else None
        return set(subjects(document, filled.election, district).values_list("pk", flat=True))

    assert found(Document.REGISTER) == issued
    assert found(Document.DISPATCH) == cast and len(cast) == 6
    assert found(Document.MARKED_ROLL) == {bystander, *issued}
    assert bystander in found(Document.MARKED_ROLL, "01") and bystander not in found(Document.MARKED_ROLL, "02")
    assert all(not found(document) for document in set(Document) - PERSONAL)


def test_what_a_document_is_in_csv_is_what_it_is_on_paper(filled: Filled) -> None:
    """Every row of every table is a line of the download, and the digest is of those bytes."""
    for document in Document:
        written = b"".join(csv_bytes(tables(document, filled.election)))
        lines = [tuple(line) for line in csv.reader(io.StringIO(written.decode("utf-8-sig"), newline=""))]
        rows = [row for table in made(document, filled) for row in table.rows]
        guarded = {tuple(f"'{cell}" if cell.startswith("=") else cell for cell in row) for row in rows}
        assert guarded <= set(lines)
        assert digest(document, filled.election) == hashlib.sha256(written).hexdigest()
