"""The public page: nothing before the close, steps while it is counted, and then exactly what the board says."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

import voting.results
from tests.voting.boards import tampering
from tests.voting.results.conftest import Count
from tests.voting.results.forms import WARD
from verifier.record.entries import Type
from voting.board import result as board_result
from voting.board.models import BoardEntry
from voting.counting import progress
from voting.elections.models import ElectionKind
from voting.records.documents import tables
from voting.records.models import Part
from voting.results.figures import percent, result_of

pytestmark = pytest.mark.django_db(transaction=True)
PERSONAL = re.compile(r"voting\.(roll|applications|credentials|login|booth|apply)\b")
PAGE, PROGRESS = "/results/kakuu/", "/results/kakuu/progress"


def words(client: Client, path: str = PAGE) -> str:
    """What a page says, without markup."""
    answer = client.get(path, headers={"accept-language": "en"})
    assert answer.status_code == 200
    text = re.sub(r"<(script|style|svg).*?</\1>", " ", answer.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def bare(client: Client, path: str = PAGE) -> str:
    """A page without the token that its forms carry."""
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", client.get(path).content.decode())


def table(client: Client, contest: str, kind: str = "votes") -> list[str]:
    """The rows of a table, each in one string."""
    page = client.get(PAGE, headers={"accept-language": "en"}).content.decode()
    found = page.partition(f'<caption id="{kind}-{contest}">')[2].partition("</table>")[0].partition("<tbody>")[2]
    rows = [re.sub(r"<[^>]*>", " ", row) for row in found.split("</tr>")]
    return [" ".join(unescape(row).split()) for row in rows if row.strip()]


def test_an_election_that_is_not_on_the_board_has_no_page(count: Count, client: Client) -> None:
    for path in ("", "progress", "result.json", "result.csv", "archive.zip", "verification/", "verification.json"):
        assert client.get(PAGE + path).status_code == 404, path


def test_before_the_close_nothing_is_told(count: Count, client: Client) -> None:
    """Not even how many have voted, nor what the server works on; nothing follows anything; nothing can be had."""
    count.go(Type.POLLS_OPENED)
    empty = bare(client)
    count.go(Type.BALLOT_CAST, 6)
    progress.note(count.row.pk, "check", 7, 8)
    assert bare(client) == empty
    said = words(client)
    assert "Nothing is counted yet." in said and "Step" not in said
    assert "follow.js" not in empty and "<progress" not in empty
    told = client.get(PROGRESS).content.decode()
    assert 'data-phase="before"' in told and not re.search(r"\d of \d|<progress", told)
    for path in ("result.json", "result.csv"):
        answer = client.get(PAGE + path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-on-board")


def test_after_the_hour_but_before_the_entry_nothing_is_told_either(count: Count, client: Client) -> None:
    """The board decides, not the clock: today is after the closing time of this election."""
    count.go(Type.BALLOT_CAST, 7)
    assert "Nothing is counted yet." in words(client)


@pytest.mark.parametrize(
    ("kind", "which", "step", "said"),
    [
        (Type.POLLS_CLOSED, 0, 2, "The election board decides which ballots it accepts"),
        (Type.WITHDRAWALS, 0, 3, "It is fixed which ballots are counted"),
        (Type.TALLY_FROZEN, 0, 4, "mixed by 0 of 2 independent mixers"),
        (Type.MIX_STAGE, 0, 4, "架空市議会議員選挙（南） : mixed by 1 of 2 independent mixers"),
        (Type.MIX_STAGE, 1, 4, "架空市議会議員選挙（南） : mixed by 2 of 2 independent mixers"),
        (Type.MIX_STAGE, 15, 5, "0 of the 2 trustees who are needed have opened their part."),
        (Type.PARTIAL_ROOTS, 0, 5, "1 of the 2 trustees who are needed have opened their part. trustee 1"),
        (Type.PARTIAL_ROOTS, 1, 6, "The count is opened and checked"),
        (Type.OPENING, 0, 7, "Officials sign and publish the result"),
    ],
)
def test_every_step_is_named(count: Count, client: Client, kind: Type, which: int, step: int, said: str) -> None:
    """From what is on the board, with nobody telling the page."""
    count.go(kind, which)
    page = words(client)
    assert f"Step {step} of 7:" in page and said in page
    assert "follow.js" in client.get(PAGE).content.decode()
    assert words(client, PROGRESS) in page


def test_what_goes_on_is_shown_with_the_time_that_is_left(count: Count, client: Client) -> None:
    count.go(Type.TALLY_FROZEN)
    progress.note(count.row.pk, "mix", 1200, 5000, "names", 1, 2)
    assert "Mixing: 比例代表（名前） (mixer 2) 1,200 of 5,000" in words(client)
    assert '<progress id="work-1" value="1200" max="5000">' in client.get(PROGRESS).content.decode()
    progress.finish(count.row.pk, "mix", "names", 1, 2)
    assert "1,200" not in words(client)


def test_plaintexts_on_the_board_are_no_result(count: Count, client: Client) -> None:
    """From the opening on anybody can count; this page waits for the signatures of officials."""
    count.go(Type.OPENING)
    page = client.get(PAGE).content.decode()
    assert "架空 一郎" not in page and "Votes received" not in words(client)
    assert client.get(PAGE + "result.json").status_code == 404


def test_the_result_is_the_one_worked_out_by_hand(count: Count, client: Client) -> None:
    """Each form as in `forms`: most votes first, lots named, seats, rounds, judges."""
    count.published()
    assert table(client, "mayor") == ["架空 一郎 elected 4 66.7", "架空 花子 2 33.3", "仮名 次郎 0 0.0"]
    assert table(client, "council") == [
        "議員 子 elected 3 42.9",
        "議員 丑 lot to be drawn 2 28.6",
        "議員 寅 lot to be drawn 2 28.6",
        "議員 卯 0 0.0",
    ]
    assert table(client, "lists", "lists") == ["みほん党 見本 一、見本 二 5 2", "れいの会 例野 一 2 1"]
    assert table(client, "names", "lists") == ["みほん党 見本 花子 4 1", "れいの会 例野 梅 3 1"]
    assert table(client, "names")[:2] == ["例野 梅 れいの会 elected 3 42.9", "見本 花子 みほん党 elected 2 28.6"]
    assert table(client, "judges") == ["判事 甲 dismissed 4 3", "判事 乙 1 6"]
    assert table(client, "question") == ["賛成 4 57.1", "反対 3 42.9"]
    assert table(client, "chair") == [
        "委員 松 lot to be drawn 3 3",
        "委員 竹 lot to be drawn 2 3",
        "委員 梅 1 has left",
        "Ballots that rank nobody who is left 0 0",
    ]
    assert table(client, "chair", "pairs") == ["委員 松 ― 3 4", "委員 竹 3 ― 3", "委員 梅 1 2 ―"]
    assert table(client, "name") == ["=1+1 elected 3 50.0", "<b>花子</b> 2 33.3", "田中 1 16.7"]
    assert table(client, "mayor", "groups") == [
        "架空 一郎 1 3",
        "架空 花子 1 1",
        "仮名 次郎 0 0",
        "Blank votes 1 0",
        "Invalid votes 0 0",
        "Ballots counted 3 4",
    ]


def test_turnout_lots_and_decisions_are_said_in_words(count: Count, client: Client) -> None:
    count.published()
    said = words(client)
    assert "Ballots counted 7 Registered to vote online 8 of these, 87.5 % are counted" in said
    assert "People on the roll 40 of these, 17.5 % are counted" in said
    assert "The lot decides who of these 2 gets the remaining seats (1): 議員 丑 議員 寅" in said
    assert "More than half of the valid votes: 賛成" in said
    assert "Nobody is preferred to every other." in said
    assert "This is only the part of the votes" not in said


def test_of_a_public_election_it_is_only_the_absentee_part(
    count_of: Callable[[ElectionKind], Count], client: Client
) -> None:
    """Nobody is called elected by these ballots alone."""
    count_of(ElectionKind.CITY).published()
    said = words(client)
    assert "This is only the part of the votes that was handed in online" in said
    assert "By these ballots alone, these would be elected:" in said
    assert not re.search(r"(?<!be) elected\b(?! is decided)", said.replace("Who is elected is decided", ""))


def test_what_is_withheld_is_nowhere(count: Count, client: Client) -> None:
    """Requirement 35: the one ballot of "ward" is neither on the page, nor in the files, nor in the records of the law;
    in each of them there are words instead."""
    count.published()
    said = words(client)
    assert "There are fewer than 2 ballots. They were not opened" in said.partition("西区長")[2]
    json, text = client.get(PAGE + "result.json").json(), client.get(PAGE + "result.csv").content.decode()
    [ward] = [contest for contest in json["contests"] if contest["id"] == "ward"]
    assert (ward["withheld"], ward["groups"], ward["total"], ward["outcome"]) == (True, [], None, None)
    assert [line for line in text.splitlines() if "西区長" in line] == ["ward,西区長,,,,,,,,2票未満のため公表しない"]
    cells = [
        cell
        for document in Part.COUNT.documents
        for one in tables(document, count.row)
        for row in one.rows
        for cell in row
    ]
    for place in (client.get(PAGE).content.decode(), text, *cells):
        assert WARD not in place and "架空 三郎" not in place
    assert any("2票未満" in cell for cell in cells)


def test_what_voters_wrote_is_text_everywhere(count: Count, client: Client) -> None:
    """The attacker's side: a written name is markup, or a formula."""
    count.published()
    page = client.get(PAGE).content.decode()
    assert "<b>花子</b>" not in page and "&lt;b&gt;花子&lt;/b&gt;" in page
    assert "'=1+1" in client.get(PAGE + "result.csv").content.decode()


def test_the_pages_need_no_inline_style_or_script(count: Count, client: Client) -> None:
    count.published()
    page = client.get(PAGE).content.decode()
    assert " style=" not in page and "<script>" not in page and " onclick=" not in page
    assert page.count("<svg") == 8 and page.count("<title id=") == page.count("<desc id=") == 8


def test_a_correction_of_the_board_is_shown(count: Count, client: Client) -> None:
    """The numbers stay, and what two officials state about them stands above."""
    count.published()
    client.get(PAGE)
    count.corrected("投票の終了の時刻は二十時である。", 3)
    assert "Correction of entry 3 of the board: 投票の終了の時刻は二十時である。" in words(client)
    assert client.get(PAGE + "result.json").json()["corrections"] == [
        {"entry": 3, "text": "投票の終了の時刻は二十時である。"}
    ]


def test_looking_at_the_page_again_replays_nothing(
    count: Count, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    count.published()
    first = [bare(client, PAGE + path) for path in ("", "result.json", "result.csv")]

    def replay(election: int) -> Any:
        raise AssertionError("the board was replayed")

    monkeypatch.setattr(board_result, "replica_of", replay)
    assert [bare(client, PAGE + path) for path in ("", "result.json", "result.csv")] == first


def test_nothing_is_sent_again_that_has_not_changed(count: Count, client: Client) -> None:
    """By its tag; and a browser always asks."""
    count.go(Type.TALLY_FROZEN)
    answer = client.get(PROGRESS)
    assert "no-cache" in answer["Cache-Control"] and "no-cache" in client.get(PAGE)["Cache-Control"]
    assert client.get(PROGRESS, headers={"if-none-match": answer["ETag"]}).status_code == 304
    before = answer["ETag"]
    count.go(Type.MIX_STAGE)
    assert client.get(PROGRESS, headers={"if-none-match": before}).status_code == 200


def test_a_board_that_contradicts_itself_gives_no_result(count: Count, client: Client) -> None:
    """The attacker's side: somebody with the database's password changed an entry. No number is shown, and no reason
    is told that names the server's insides."""
    count.published()
    client.get(PAGE + "result.json")  # signs a checkpoint
    with tampering():
        entry = BoardEntry.objects.get(election=count.row, type=Type.POLLS_OPENED)
        BoardEntry.objects.filter(pk=entry.pk).update(raw=bytes(entry.raw).replace(b"2026-11-1", b"2026-10-1"))
        from django.core.cache import cache

        from voting.board.replica import forget_all

        cache.clear()
        forget_all()
        for path, status in (
            ("", 503),
            ("progress", 503),
            ("result.json", 503),
            ("result.csv", 503),
            ("archive.zip", 503),
        ):
            answer = client.get(PAGE + path)
            assert answer.status_code == status, path
            assert "架空 一郎" not in answer.content.decode()


def test_percentages_are_exact() -> None:
    """Half up, by whole numbers."""
    assert [percent(1, 3), percent(2, 3), percent(1, 2000), percent(1, 2001), percent(5, 5), percent(0, 7)] == [
        "33.3", "66.7", "0.1", "0.0", "100.0", "0.0",
    ]  # fmt: skip
    assert percent(0, 0) == ""


def test_bars_are_in_proportion(count: Count) -> None:
    """The longest fills its room; nothing has none. First choices for rankings, lists where seats go to lists."""
    count.published()
    bars = {one.contest: [(bar.name, bar.length) for bar in one.chart.bars] for one in result_of(count.row).contests}
    assert bars["mayor"] == [("架空 一郎", 250), ("架空 花子", 125), ("仮名 次郎", 0)]
    assert bars["chair"] == [("委員 松", 250), ("委員 竹", 166), ("委員 梅", 83)]
    assert bars["names"] == [("みほん党", 250), ("れいの会", 187)]
    assert bars["ward"] == []


def test_the_public_pages_know_no_personal_data() -> None:
    """Privacy as an import rule: no module of the app imports the roll, applications or credentials."""
    for path in Path(voting.results.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [
                name for name in names if re.match(r"voting\.(roll|applications|credentials|login|booth)", name)
            ]
