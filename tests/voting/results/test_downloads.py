"""The files of a result: what is in them, that spreadsheets and verifiers read them, and what they cost."""

from __future__ import annotations

import csv
import io
import json
import os
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.election import BITS
from tests.voting import boards
from tests.voting.results.conftest import Count
from verifier.crypto.checkpoint import parse_note
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type
from verifier.verify import verify
from voting.board import archive
from voting.board.models import Checkpoint
from voting.board.replica import replica_of
from voting.board.services import add_cosignature, publish_checkpoint

pytestmark = pytest.mark.django_db(transaction=True)
JSON, CSV, ARCHIVE = "/results/kakuu/result.json", "/results/kakuu/result.csv", "/results/kakuu/archive.zip"


def contests(client: Client) -> dict[str, Any]:
    return {one["id"]: one for one in client.get(JSON).json()["contests"]}


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_json_is_what_the_board_says(count: Count, client: Client) -> None:
    """Election, turnout, groups, totals and outcome, under a checkpoint that covers the result."""
    count.published()
    answer = client.get(JSON)
    found = answer.json()
    assert (found["format"], found["version"]) == ("tashika-result", 1)
    assert found["election"] == encode_bytes(count.memory.election_id)
    assert found["turnout"] == {"ballots": 7, "credentials": 8, "roll": 40}
    assert found["units"][0] == {"id": "north", "name": "北"}
    note = parse_note(found["checkpoint"]["note"].encode()).checkpoint
    assert note.size == found["checkpoint"]["size"] == len(count.memory.entries)
    mayor = contests(client)["mayor"]
    assert mayor["total"] == count.memory.state.result["contests"][0]["total"]
    assert mayor["groups"][0] == {
        "units": ["south"],
        "ballots": 3,
        "blank": 1,
        "invalid": 0,
        "counts": [{"answer": "a", "count": 1}, {"answer": "b", "count": 1}, {"answer": "c", "count": 0}],
    }
    assert [one["answer"] for one in mayor["outcome"]["elected"]] == ["a"]
    assert contests(client)["lists"]["outcome"]["lists"][0]["quotients"] == ["5/1", "5/2"]
    [lot] = contests(client)["council"]["outcome"]["lots"]
    assert ([one["answer"] for one in lot["among"]], lot["places"]) == (["b", "c"], 1)
    assert answer["Content-Type"] == "application/json" and "kakuu-result.json" in answer["Content-Disposition"]


def test_a_cosignature_that_comes_later_is_in_the_next_download(count: Count, client: Client) -> None:
    count.published()
    first = client.get(JSON).json()["checkpoint"]["note"]
    add_cosignature(count.row, boards.cosignature(first))
    assert client.get(JSON).json()["checkpoint"]["note"].startswith(first)
    assert len(client.get(JSON).json()["checkpoint"]["note"]) > len(first)


def test_csv_has_a_row_for_each_contest_group_and_answer(count: Count, client: Client) -> None:
    """With the mark that spreadsheets need, no formula, and the sums of each group."""
    count.published()
    answer = client.get(CSV)
    assert answer.content.startswith(b"\xef\xbb\xbf") and "charset=utf-8" in answer["Content-Type"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    mayor = [row for row in rows if row["種目ID"] == "mayor"]
    assert [(row["開票区ID"], row["区分"], row["選択肢"], row["得票数"]) for row in mayor[:6]] == [
        ("south", "候補者等", "架空 一郎", "1"),
        ("south", "候補者等", "架空 花子", "1"),
        ("south", "候補者等", "仮名 次郎", "0"),
        ("south", "白票", "", "1"),
        ("south", "無効", "", "0"),
        ("south", "投票数", "", "3"),
    ]
    assert {row["開票区"] for row in mayor} == {"南", "北・西"}
    ranked = [row["選択肢"] for row in rows if row["種目ID"] == "chair" and row["区分"] == "候補者等"]
    assert "委員 竹 > 委員 松" in ranked
    assert [row["党派・名簿"] for row in rows if row["選択肢ID"] == "q1"] == ["れいの会", "れいの会"]
    assert "'=1+1" in [row["選択肢"] for row in rows]
    for contest in ("mayor", "council", "lists", "names", "question", "chair", "name"):
        mine = [row for row in rows if row["種目ID"] == contest]
        votes = sum(int(row["得票数"]) for row in mine if row["区分"] != "投票数")
        assert votes == sum(int(row["得票数"]) for row in mine if row["区分"] == "投票数") == 7, contest


def test_the_archive_that_is_downloaded_is_valid(count: Count, client: Client, tmp_path: Path) -> None:
    """Requirement 37: what the page hands out, a verifier without the server finds valid, with the same result."""
    count.published()
    head = publish_checkpoint(count.row)
    add_cosignature(count.row, boards.cosignature(head.text))
    answer = client.get(ARCHIVE)
    assert answer["Content-Type"] == "application/zip" and "kakuu.zip" in answer["Content-Disposition"]
    path = tmp_path / "archive.zip"
    path.write_bytes(body(answer))
    outcome = verify(path, allowed_bits=(BITS,))
    assert outcome.report.failures == [] and outcome.report.valid
    assert outcome.state.result == count.memory.state.result


def test_the_archive_is_there_from_the_manifest_on(count: Count, client: Client) -> None:
    """The log is public at any time."""
    count.go(Type.MANIFEST)
    with zipfile.ZipFile(io.BytesIO(body(client.get(ARCHIVE)))) as found:
        assert json.loads(found.read("archive.json"))["entries"] == 1


def test_one_state_of_the_board_is_one_file_and_one_checkpoint(count: Count, client: Client) -> None:
    """However many ask, and also after a restart; who has it already gets nothing again."""
    count.published()
    first = client.get(ARCHIVE)
    tag, data = first["ETag"], body(first)
    [file] = Path(archive.settings.VAR_DIR, "archives", str(count.row.pk)).glob("*.zip")
    made = file.stat().st_mtime_ns
    assert body(client.get(ARCHIVE)) == data
    assert file.stat().st_mtime_ns == made and Checkpoint.objects.count() == 1
    root = parse_note(Checkpoint.objects.get().text.encode()).checkpoint.root.hex()
    assert root in tag
    answer = client.get(ARCHIVE, headers={"if-none-match": tag})
    assert (answer.status_code, answer.content) == (304, b"")
    count.corrected("訂正")
    assert client.get(ARCHIVE, headers={"if-none-match": tag}).status_code == 200
    assert len(list(file.parent.glob("*.zip"))) == 1


def test_while_people_vote_an_archive_is_not_made_for_every_download(count: Count, client: Client) -> None:
    """The attacker's side: each ballot makes the last archive old, and one may have gigabytes."""
    count.go(Type.BALLOT_CAST, 0)
    first = body(client.get(ARCHIVE))
    count.go(Type.BALLOT_CAST, 1)
    assert body(client.get(ARCHIVE)) == first and Checkpoint.objects.count() == 1
    [file] = Path(archive.settings.VAR_DIR, "archives", str(count.row.pk)).glob("*.zip")
    old = time.time() - archive.FRESH - 60
    os.utime(file, (old, old))
    assert body(client.get(ARCHIVE)) != first
    count.go(Type.POLLS_CLOSED)
    with zipfile.ZipFile(io.BytesIO(body(client.get(ARCHIVE)))) as found:
        assert json.loads(found.read("archive.json"))["entries"] == count.size


def test_what_a_killed_process_left_is_taken_away(count: Count, client: Client) -> None:
    count.published()
    left = Path(archive.settings.VAR_DIR, "archives", str(count.row.pk), ".archive-killed")
    left.mkdir(parents=True)
    (left / "half").write_bytes(b"half")
    client.get(ARCHIVE).close()
    assert not left.exists()


def test_no_download_waits_while_the_board_checks_a_long_entry(count: Count, client: Client) -> None:
    """The last archive is served meanwhile; afterwards the new one."""
    count.published()
    first = client.get(ARCHIVE)["ETag"]
    add_cosignature(count.row, boards.cosignature(publish_checkpoint(count.row).text))
    held, over = threading.Event(), threading.Event()

    def check() -> None:
        with replica_of(count.row.pk).lock:
            held.set()
            over.wait(60)

    checking = threading.Thread(target=check)
    checking.start()
    held.wait(60)
    try:
        assert client.get(ARCHIVE)["ETag"] == first
    finally:
        over.set()
        checking.join()
    assert client.get(ARCHIVE)["ETag"] != first
