"""Sealing (requirement 38): refused while anything does not agree, and afterwards every change shows."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from tests.voting import boards
from tests.voting.records.filled import Filled, add_elector
from voting.applications import steps
from voting.applications.states import Event
from voting.elections.models import District
from voting.errors import NotPermitted
from voting.officials.models import Proposal
from voting.officials.services import approve
from voting.polls.acceptance import strip
from voting.records.documents import digest
from voting.records.errors import AlreadySealed, NotBalanced, NotSealed
from voting.records.models import Document, Part, Seal
from voting.records.seal import PARTS, Change, ask_to_seal, check_seal, seal_problems
from voting.roll.models import Elector

pytestmark = pytest.mark.django_db


def sealed(filled: Filled) -> Seal:
    approve(ask_to_seal(filled.election, by=filled.town.clerk), by=filled.town.chair)
    return Seal.objects.get(election=filled.election)


def change(statement: str, *values: object) -> None:
    """Somebody with the database's password."""
    with boards.tampering(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_two_people_seal_every_document(filled: Filled) -> None:
    """The seal holds the SHA-256 of each, and it checks."""
    assert seal_problems(filled.election) == []
    seal = sealed(filled)
    parts = seal.digests.pop(PARTS)
    assert seal.digests == {document.value: digest(document, filled.election) for document in Part.VOTING.documents}
    assert parts.keys() == seal.digests.keys()
    assert {name: rows for name, (rows, _sha) in parts[Document.MARKED_ROLL].items()} == {
        "架空第一投票区（01）": 6,
        "架空第二投票区（02）": 3,
    }
    assert (seal.proposal.requested_by, seal.proposal.decided_by) == (filled.town.clerk, filled.town.chair)
    assert check_seal(filled.election) == []


def test_nobody_seals_alone_and_nobody_twice(filled: Filled) -> None:
    asked = ask_to_seal(filled.election, by=filled.town.chair)
    with pytest.raises(NotPermitted):
        approve(asked, by=filled.town.chair)
    with pytest.raises(NotPermitted):
        approve(asked, by=filled.town.clerk)
    approve(asked, by=filled.town.second_chair)
    with pytest.raises(AlreadySealed):
        ask_to_seal(filled.election, by=filled.town.clerk)


@pytest.mark.parametrize("who", ["poll_manager", "poll_witness", "auditor", "system_admin", "prefecture_clerk"])
def test_only_the_election_board_asks(filled: Filled, who: str) -> None:
    with pytest.raises(NotPermitted):
        ask_to_seal(filled.election, by=getattr(filled.town, who))


def test_open_polls_and_everything_unfinished_are_named_at_once(polls: Filled) -> None:
    """Before the close: open polls, undecided applications, outstanding ballots, and what cannot agree yet."""
    with pytest.raises(NotBalanced) as refused:
        ask_to_seal(polls.election, by=polls.town.clerk)
    problems = refused.value.problems
    assert "the polls are not closed" in problems
    assert "applications nobody has decided: 2" in problems
    assert "issued ballots that have not lapsed: 1" in problems
    assert any("cast = accepted + refused" in problem for problem in problems)
    assert not Proposal.objects.filter(act="seal-records").exists()


@pytest.mark.parametrize(
    ("table", "change_to", "short", "name"),
    [
        ("application", "state = 'lapsed'", "rejected", "received = "),
        ("application", "state = 'lapsed'", "returned", "issued = "),
        ("application", "state = 'cast'", "patient", "cast = "),
        ("application", "state = 'accepted'", "refused", "ballots counted = accepted"),
        ("application", "state = 'lapsed'", "cancelled", "slots withdrawn = refused + cancelled"),
        ("elector", "vote = 'none'", "contact", "marked as cast = cast"),
    ],
)
def test_a_mismatch_blocks_sealing(filled: Filled, table: str, change_to: str, short: str, name: str) -> None:
    """Requirement 38: each identity, broken between the request and the approval, is named; nothing is decided."""
    asked = ask_to_seal(filled.election, by=filled.town.clerk)
    application = filled.applications[short]
    if table == "elector":
        change(f"UPDATE roll_elector SET {change_to} WHERE id = %s", application.elector_id)  # noqa: S608
    else:
        change(f"UPDATE applications_application SET {change_to} WHERE id = %s", application.pk)  # noqa: S608
    with pytest.raises(NotBalanced) as refused:
        approve(asked, by=filled.town.chair)
    assert any(name in problem for problem in refused.value.problems)
    asked.refresh_from_db()
    assert asked.decision == Proposal.Decision.PENDING and not Seal.objects.exists()
    with pytest.raises(NotBalanced):
        ask_to_seal(filled.election, by=filled.town.second_clerk)


def test_counting_afterwards_changes_no_document(filled: Filled) -> None:
    """Freeze, separation from names and tally come after the records and leave them as they are."""
    sealed(filled)
    filled.freeze()
    strip(filled.election)
    for short in ("accepted", "patient", "ill", "isolated", "contact"):
        steps.take(filled.now(short), Event.TALLY)
    assert check_seal(filled.election) == []


def changed(filled: Filled) -> list[Document]:
    return [one.document for one in check_seal(filled.election)]


def test_each_change_names_the_documents_that_it_changed(filled: Filled) -> None:
    """A mark on the roll, an applicant's name, a step's ground: the attacker's side, past every trigger."""
    sealed(filled)
    Elector.objects.filter(list_number="01-009").update(mark="moved")
    assert changed(filled) == [Document.MARKED_ROLL]
    change("UPDATE applications_application SET name = 'x' WHERE id = %s", filled.applications["contact"].pk)
    assert changed(filled) == [Document.REGISTER, Document.DISPATCH, Document.MARKED_ROLL]
    change("UPDATE applications_statechange SET ground = 'dead' WHERE event = 'refuse'")
    change("UPDATE applications_application SET state = 'withdrawn' WHERE id = %s", filled.applications["rejected"].pk)
    assert set(Part.VOTING.documents) - set(changed(filled)) == {Document.PAPERS_REPORT, Document.POLL_RECORD}


OTHER = "contents of rows have changed"
FIRST, SECOND = "架空第一投票区（01）", "架空第二投票区（02）"
APPLICATION, STEP = "applications_application", "applications_statechange"


@pytest.mark.parametrize(
    ("statement", "short", "expected"),
    [
        (
            f"UPDATE {APPLICATION} SET received_at = '2026-11-17 00:00:00+00:00' WHERE id = %s",
            "ill",
            {Document.REGISTER: ["不在者投票事務処理簿: " + OTHER]},
        ),
        (
            f"UPDATE {APPLICATION} SET way = 'counter' WHERE id = %s",
            "ill",
            {Document.REGISTER: ["不在者投票事務処理簿: " + OTHER]},
        ),
        (
            f"UPDATE {STEP} SET at = '2026-11-17 00:00:00+00:00' WHERE event = 'issue' AND application_id = %s",
            "ill",
            {Document.REGISTER: ["不在者投票事務処理簿: " + OTHER]},
        ),
        (
            f"UPDATE {STEP} SET reason = 'x' WHERE event = 'reject' AND application_id = %s",
            "rejected",
            {Document.REGISTER: ["不在者投票事務処理簿: " + OTHER]},
        ),
        (
            "UPDATE roll_elector SET name = 'x' WHERE id = (SELECT elector_id FROM applications_application"
            " WHERE id = %s)",
            "ill",
            {Document.MARKED_ROLL: [f"{SECOND}: {OTHER}"]},
        ),
        (
            "UPDATE roll_elector SET building = 'x' WHERE id = (SELECT elector_id FROM applications_application"
            " WHERE id = %s)",
            "contact",
            {Document.MARKED_ROLL: [f"{FIRST}: {OTHER}"]},
        ),
        (
            f"UPDATE {APPLICATION} SET state = 'cast' WHERE id = %s",
            "patient",
            {
                Document.REGISTER: ["不在者投票事務処理簿: " + OTHER],
                Document.ABSENTEE_REPORT: ["類型別: " + OTHER, "不在者投票管理者の区分別: " + OTHER],
                Document.POLL_RECORD: ["投票の状況: " + OTHER],
            },
        ),
        (
            f"DELETE FROM {STEP} WHERE event = 'lapse' AND application_id = %s",
            "unused",
            {
                Document.ABSENTEE_REPORT: ["類型別: " + OTHER, "不在者投票管理者の区分別: " + OTHER],
                Document.PAPERS_REPORT: ["不在者投票用紙等の調書: " + OTHER],
                Document.POLL_RECORD: ["投票の状況: " + OTHER],
            },
        ),
        (
            "UPDATE officials_proposal SET decided_at = '2026-11-17 00:00:00+00:00'"
            " WHERE act = 'give-back' AND target = 'applications.application:' || %s",
            "returned",
            {Document.POLL_RECORD: ["その他の処分: " + OTHER]},
        ),
        (
            "UPDATE officials_official SET name = 'x' WHERE username = 'poll-witness' AND 0 < %s",
            "returned",
            {Document.POLL_RECORD: ["不受理の決定: " + OTHER]},
        ),
    ],
)
def test_every_change_of_data_shows_and_is_said_in_words(
    filled: Filled, statement: str, short: str, expected: dict[Document, list[str]]
) -> None:
    """Applications, steps, roll, two-person acts, officials: exactly the documents and parts that it touches."""
    sealed(filled)
    change(statement, filled.applications[short].pk)
    assert {one.document: list(one.how) for one in check_seal(filled.election)} == expected


def test_rows_added_and_removed_are_counted(filled: Filled) -> None:
    """One elector more, one district more, and one under another name."""
    sealed(filled)
    add_elector(filled.election, "02", "02-999")
    assert check_seal(filled.election) == [
        Change(Document.POLL_RECORD, ["投票の状況: " + OTHER]),
        Change(Document.MARKED_ROLL, [f"{SECOND}: 3 rows were sealed, 4 are there now"]),
    ]
    with boards.tampering():
        unit = District.objects.get(code="01").unit
        District.objects.create(election=filled.election, code="03", name="架空第三投票区", unit=unit)
        District.objects.filter(code="01").update(name="架空中央投票区")
    how = {one.document: one.how for one in check_seal(filled.election)}[Document.MARKED_ROLL]
    assert how == [
        "架空第一投票区（01）: was sealed and is no longer there",
        "架空第二投票区（02）: 3 rows were sealed, 4 are there now",
        "架空中央投票区（01）: is there now and was not sealed",
        "架空第三投票区（03）: is there now and was not sealed",
    ]


def test_a_digest_that_is_missing_is_a_change(filled: Filled) -> None:
    """A seal that lost a document, or what is known of its parts, does not pass for whole."""
    seal = sealed(filled)
    del seal.digests[Document.POLL_RECORD]
    seal.save()
    assert check_seal(filled.election) == [Change(Document.POLL_RECORD, ["It is not what was sealed."])]
    del seal.digests[PARTS]
    seal.save()
    assert check_seal(filled.election) == [Change(Document.POLL_RECORD, ["It is not what was sealed."])]


def command(slug: str) -> str:
    out = StringIO()
    call_command("check_seal", slug, stdout=out)
    return out.getvalue()


def test_the_command_says_what_differs(filled: Filled) -> None:
    """Not sealed, sealed, changed, unknown: an exit that a script can read."""
    slug = filled.election.slug
    with pytest.raises(CommandError, match="sealed"):
        command(slug)
    with pytest.raises(NotSealed):
        check_seal(filled.election)
    sealed(filled)
    assert "every document is as it was sealed" in command(slug)
    Elector.objects.filter(list_number="01-009").update(mark="moved")
    with pytest.raises(
        CommandError, match=r"changed since sealing: 選挙人名簿抄本 \(架空第一投票区（01）: contents of rows"
    ):
        command(slug)
    with pytest.raises(CommandError, match="no election"):
        command("nowhere")
