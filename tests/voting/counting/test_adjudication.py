"""Written names: nothing before the opening, only what is on the board, two people decide, all is on the record."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from tests.voting import boards
from tests.voting.booth.hall import Hall
from voting.access.models import AccessEntry
from voting.counting.adjudication import (
    Adjudicated,
    Ruling,
    RulingsRefused,
    adjudicated,
    ask_to_adjudicate,
    decisions,
    variants,
    written,
)
from voting.counting.forms import lines
from voting.counting.models import Ground, WriteInDecision
from voting.elections.models import Contest
from voting.errors import AlreadyProposed, NotOnBoard, NotPermitted
from voting.officials import services as officials
from voting.officials.models import Official, Proposal
from voting.officials.roles import Act
from voting.records.models import Part, Seal

pytestmark = pytest.mark.django_db

WRITTEN = ("架空 花子", "架空花子", "かくう はなこ", "架空 花子", "一郎と次郎", "")
PAGE = "/office/counting/kakuu/write-ins/name/"


@pytest.fixture
def frozen(hall: Hall) -> Hall:
    hall.vote(*({"name": name} for name in WRITTEN))
    hall.end()
    hall.fix()
    return hall


@pytest.fixture
def opened(frozen: Hall) -> Hall:
    frozen.mix()
    frozen.unlock()
    return frozen


def contest(hall: Hall) -> Contest:
    return hall.row.contests.get(identifier="name")


def decide(hall: Hall, *rulings: Ruling, reason: str = "") -> Proposal:
    """The counting manager asks, a counting witness approves."""
    asked = ask_to_adjudicate(contest(hall), rulings, by=hall.town.count_manager, reason=reason)
    return officials.approve(asked, by=hall.town.count_witness)


def problems(hall: Hall, *rulings: Ruling) -> str:
    with pytest.raises(RulingsRefused) as refused:
        ask_to_adjudicate(contest(hall), rulings, by=hall.town.count_manager)
    assert not Proposal.objects.filter(act=Act.ADJUDICATE).exists()
    return "\n".join(refused.value.problems)


def desk(official: Official) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(official)
    return client


# What was written


def test_nothing_is_read_or_decided_before_the_opening(frozen: Hall) -> None:
    """The ballots are sealed; whoever asks is told so, and no page shows anything."""
    for ask in (
        lambda: written(frozen.row, "name"),
        lambda: adjudicated(frozen.row, "name"),
        lambda: decisions(frozen.row),
        lambda: decide(frozen, Ruling("架空 花子", "架空 花子")),
    ):
        with pytest.raises(NotOnBoard, match="have not opened"):
            ask()
    manager = desk(frozen.town.count_manager)
    assert manager.get(PAGE).headers["Location"] == "/office/counting/kakuu/"
    assert manager.post(f"{PAGE}ask/", {}).headers["Location"] == "/office/counting/kakuu/"
    assert not Proposal.objects.filter(act=Act.ADJUDICATE).exists()


def test_the_texts_of_the_board_are_there_before_and_after_the_result(opened: Hall) -> None:
    """Each with how often it was written; blank votes are counted apart."""
    texts = {"架空 花子": 2, "架空花子": 1, "かくう はなこ": 1, "一郎と次郎": 1}
    assert written(opened.row, "name") == texts
    assert adjudicated(opened.row, "name") == Adjudicated({}, {}, texts)
    decide(opened, Ruling("架空 花子", "架空 花子"))
    opened.declare()
    assert written(opened.row, "name") == texts
    assert adjudicated(opened.row, "name").votes == {"架空 花子": 2}


def test_variants_of_a_name_are_put_together() -> None:
    """Spaces, widths, kana and old forms of letters; other names stay apart."""
    texts = ["髙橋　花子", "高橋花子", "ﾀﾅｶ", "たなか", "田中", "Ｔａｒｏ", "taro", "高橋花"]
    assert variants(texts) == [
        ["髙橋　花子", "高橋花子"],
        ["ﾀﾅｶ", "たなか"],
        ["田中"],
        ["Ｔａｒｏ", "taro"],
        ["高橋花"],
    ]


def test_the_most_frequent_variant_is_suggested() -> None:
    """Groups and texts with most votes first; the suggestion has no character that turns the direction of writing."""
    found = lines({"田中": 1, "高橋花子": 2, "高橋 花子\u202e": 3}, {})
    assert [(line.text, line.votes, line.initial["name"]) for line in found] == [
        ("高橋 花子\u202e", 3, "高橋 花子"),
        ("高橋花子", 2, "高橋 花子"),
        ("田中", 1, "田中"),
    ]


# Two people decide


def test_decisions_make_votes(opened: Hall) -> None:
    """Variants count for one name, others are invalid on a ground of the law; every vote is somewhere. A later
    decision takes the place of an earlier one, and nothing is lost.
    """
    decide(
        opened,
        Ruling("架空 花子", "架空 花子"),
        Ruling("架空花子", "架空 花子"),
        Ruling("一郎と次郎", ground=Ground.SEVERAL),
        reason="法68条",
    )
    found = adjudicated(opened.row, "name")
    assert found == Adjudicated({"架空 花子": 3}, {"several": 1}, {"かくう はなこ": 1})
    total = sum((*found.votes.values(), *found.invalid.values(), *found.undecided.values()))
    assert total == sum(written(opened.row, "name").values()) == len(WRITTEN) - 1
    first, *_rest, last = decisions(opened.row)
    assert (first.contest, first.text, first.votes, first.name, first.ground) == (
        "name",
        "架空 花子",
        2,
        "架空 花子",
        "",
    )
    assert (first.asked_by, first.approved_by) == (opened.town.count_manager.name, opened.town.count_witness.name)
    assert (last.text, last.name, last.ground) == ("一郎と次郎", "", Ground.SEVERAL.label)
    assert (last.reason, last.stands) == ("法68条", True)
    assert AccessEntry.objects.filter(act=Act.ADJUDICATE).count() == 2

    decide(opened, Ruling("架空花子", ground=Ground.UNCLEAR))
    assert adjudicated(opened.row, "name") == Adjudicated(
        {"架空 花子": 2}, {"several": 1, "unclear": 1}, {"かくう はなこ": 1}
    )
    assert [(one.text, one.name, one.stands) for one in decisions(opened.row)] == [
        ("架空 花子", "架空 花子", True),
        ("架空花子", "架空 花子", False),
        ("一郎と次郎", "", True),
        ("架空花子", "", True),
    ]


def test_one_person_decides_nothing(opened_once: Hall) -> None:
    """Only the counting manager asks, only a counting witness approves, and until then nothing counts."""
    opened, town, ruling = opened_once, opened_once.town, Ruling("架空 花子", "架空 花子")
    people = [one for one in vars(town).values() if isinstance(one, Official)]
    for somebody in people:
        if somebody != town.count_manager:
            with pytest.raises(NotPermitted):
                ask_to_adjudicate(contest(opened), [ruling], by=somebody)
    asked = ask_to_adjudicate(contest(opened), [ruling], by=town.count_manager)
    for somebody in people:
        if somebody != town.count_witness:
            with pytest.raises(NotPermitted):
                officials.approve(asked, by=somebody)
    assert adjudicated(opened.row, "name").votes == {} and not WriteInDecision.objects.exists()
    with pytest.raises(AlreadyProposed):
        ask_to_adjudicate(contest(opened), [ruling], by=town.count_manager)
    officials.decline(asked, by=town.count_witness, remark="別人")
    assert not WriteInDecision.objects.exists()


REFUSED: list[tuple[list[Ruling], str]] = [
    ([Ruling("架空 太郎", "架空 花子")], "nobody wrote this"),
    ([Ruling("", "架空 花子")], "nobody wrote this"),
    ([Ruling("架空花子 ", "架空 花子")], "nobody wrote this"),
    ([Ruling("架空花子")], "either a name or a ground"),
    ([Ruling("架空花子", "架空 花子", Ground.MORE)], "either a name or a ground"),
    ([Ruling("架空花子", ground="ugly")], "no such ground"),
    ([Ruling("架空花子", "架空\u202e花子")], "characters that names do not have"),
    ([Ruling("架空花子", "か\u3099")], "characters that names do not have"),
    ([Ruling("架空花子", " 架空")], "without spaces around it"),
    ([Ruling("架空花子", "架" * 101)], "at most 100 characters"),
    ([Ruling("架空花子", "架空"), Ruling("架空花子", "花子")], "decided twice"),
    ([], "Nothing is decided"),
]


def test_what_cannot_be_decided_is_refused(opened_once: Hall) -> None:
    for rulings, told in REFUSED:
        assert told in problems(opened_once, *rulings)


@pytest.fixture
def opened_once(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> Hall:
    """As if opened: the texts are given, so that no election is held for each refusal."""
    texts = {"name": {"架空 花子": 2, "架空花子": 1}}
    monkeypatch.setattr("voting.counting.adjudication._written", lambda election: texts)
    return hall


def test_a_proposal_is_looked_at_again_when_it_is_approved(opened_once: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever writes a request past the pages meets the same refusal."""
    town = opened_once.town
    forged = officials.propose(
        Act.ADJUDICATE, office=town.board, target=contest(opened_once), summary="架空", by=town.count_manager,
        payload={"rulings": [["架空 太郎", "架空 花子", ""]]},
    )  # fmt: skip
    with pytest.raises(RulingsRefused, match="nobody wrote this"):
        officials.approve(forged, by=town.count_witness)
    assert not WriteInDecision.objects.exists()


def test_sealed_records_are_not_changed_by_a_decision(opened_once: Hall) -> None:
    town = opened_once.town
    sealed = officials.propose(
        Act.SEAL_RECORDS, office=town.board, target=opened_once.row, summary="架空", by=town.clerk
    )
    Seal.objects.create(election=opened_once.row, part=Part.COUNT, proposal=sealed, digests={})
    assert "The records are sealed" in problems(opened_once, Ruling("架空花子", "架空 花子"))


def test_the_database_keeps_every_decision(opened_once: Hall) -> None:
    """No change, no deletion, and no decision that says both or nothing."""
    decide(opened_once, Ruling("架空花子", "架空 花子"))
    rows = WriteInDecision.objects.all()
    for change in (lambda: rows.update(name="仮名"), rows.delete):
        with pytest.raises(IntegrityError, match="stay on the record"), transaction.atomic():
            change()
    proposal = rows.get().proposal
    for name, ground in (("", ""), ("架空", "more"), ("", "ugly")):
        with pytest.raises(IntegrityError, match="write_in_decided"), transaction.atomic():
            WriteInDecision.objects.create(
                contest=contest(opened_once), text="一", name=name, ground=ground, proposal=proposal
            )
    with boards.tampering():
        rows.update(name="仮名")
        assert rows.get().name == "仮名"


# The page


def chosen(page: str, text: str, decision: str, name: str | None = None) -> dict[str, str]:
    """What a browser sends when somebody chooses in the line of a text."""
    line = next(part for part in page.split("<fieldset")[1:] if f"<legend><bdi>{text}</bdi>" in part)
    prefix = line.split('id="')[1].split('"')[0]
    suggested = line.split(f'name="{prefix}-name" value="')[1].split('"')[0]
    return {f"{prefix}-decision": decision, f"{prefix}-name": suggested if name is None else name}


def test_the_manager_decides_by_the_page_and_the_witness_approves(opened_once: Hall) -> None:
    """A line that nobody touched is not decided, whatever name is suggested in it."""
    manager = desk(opened_once.town.count_manager)
    page = manager.get(PAGE).content.decode()
    left = chosen(page, "架空 花子", "")
    sent = {**left, **chosen(page, "架空花子", "name"), "reason": "同じ名"}
    assert manager.post(f"{PAGE}ask/", sent).headers["Location"] == PAGE
    proposal = Proposal.objects.get(act=Act.ADJUDICATE)
    assert proposal.payload == {"rulings": [["架空花子", "架空 花子", ""]]}
    assert proposal.reason == "同じ名"
    witness = desk(opened_once.town.count_witness)
    page = witness.get(PAGE).content.decode()
    assert f"/office/officials/proposal/{proposal.pk}/" in page and "<select" not in page
    assert f'href="{PAGE}"' in witness.get(f"/office/officials/proposal/{proposal.pk}/").content.decode()
    witness.post(f"/office/officials/proposal/{proposal.pk}/decide/", {"decision": "approve"})
    assert adjudicated(opened_once.row, "name").votes == {"架空 花子": 1}
    page = desk(opened_once.town.clerk).get(PAGE).content.decode()
    assert "On the record" in page and "<select" not in page


def test_a_line_without_a_name_says_so_and_keeps_what_was_typed(opened_once: Hall) -> None:
    manager = desk(opened_once.town.count_manager)
    page = manager.get(PAGE).content.decode()
    sent = {**chosen(page, "架空花子", "name", ""), **chosen(page, "架空 花子", "name", "花子さん"), "reason": "同じ名"}
    answer = manager.post(f"{PAGE}ask/", sent)
    assert answer.status_code == 400
    again = answer.content.decode()
    assert "Whose name is it?" in again and 'value="花子さん"' in again and 'value="同じ名"' in again
    assert not Proposal.objects.filter(act=Act.ADJUDICATE).exists()
    nothing = manager.post(f"{PAGE}ask/", {})
    assert nothing.status_code == 400 and "Nothing is decided" in nothing.content.decode()


def test_other_contests_have_no_such_page(opened_once: Hall) -> None:
    manager = desk(opened_once.town.count_manager)
    for identifier in ("mayor", "nothing"):
        assert manager.get(f"/office/counting/kakuu/write-ins/{identifier}/").status_code == 404
    assert desk(opened_once.town.clerk).post(f"{PAGE}ask/", {}).status_code == 403
