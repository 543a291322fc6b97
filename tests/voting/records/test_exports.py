"""Exports of personal data: by two people, once, within a day, and on everybody's record."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.voting import boards
from tests.voting.offices import Town
from tests.voting.postgres import Runner, both, race, says, transactional
from tests.voting.records.filled import Filled, add_elector
from voting.access import services as access
from voting.access.models import AccessEntry
from voting.applications.models import Application
from voting.errors import AlreadyProposed, NotPermitted
from voting.officials.models import Proposal
from voting.officials.roles import Act
from voting.officials.services import approve, decline
from voting.records import exports
from voting.records.documents import PERSONAL
from voting.records.errors import NotApproved
from voting.records.exports import VALID_FOR, ask_to_export, usable, use_approval
from voting.records.models import Document

pytestmark = pytest.mark.django_db


def allowed(filled: Filled, document: Document = Document.REGISTER) -> Proposal:
    """The clerk asks, the chair agrees."""
    asked = ask_to_export(filled.election, document, by=filled.town.clerk, reason="議会の照会")
    return approve(asked, by=filled.town.chair)


def refused(filled: Filled, document: Document = Document.REGISTER) -> None:
    before = AccessEntry.objects.count()
    with pytest.raises(NotApproved):
        use_approval(filled.election, document, by=filled.town.clerk)
    assert AccessEntry.objects.count() == before


@pytest.mark.parametrize("document", sorted(PERSONAL))
def test_two_people_allow_one_download(filled: Filled, document: Document) -> None:
    """The second download of the same approval is refused; a second approval allows another."""
    refused(filled, document)
    proposal = allowed(filled, document)
    assert use_approval(filled.election, document, by=filled.town.clerk) == proposal
    refused(filled, document)
    allowed(filled, document)
    use_approval(filled.election, document, by=filled.town.clerk)
    assert usable(filled.election, filled.town.clerk) == []


def test_asking_is_not_enough(filled: Filled) -> None:
    """Neither while it waits nor when it was declined; who asks does not approve."""
    asked = ask_to_export(filled.election, Document.REGISTER, by=filled.town.chair, reason="照会")
    with pytest.raises(NotPermitted):
        approve(asked, by=filled.town.chair)
    refused(filled)
    decline(asked, by=filled.town.second_chair, remark="理由が足りない")
    refused(filled)


def test_an_approval_is_for_one_document_one_person_one_election(filled: Filled) -> None:
    """Another document, the official who approved, and another election get nothing out of it."""
    allowed(filled)
    refused(filled, Document.MARKED_ROLL)
    with pytest.raises(NotApproved):
        use_approval(filled.election, Document.REGISTER, by=filled.town.chair)
    other = boards.define(filled.record, "other")
    other.office = filled.town.board
    other.save()
    with pytest.raises(NotApproved):
        use_approval(other, Document.REGISTER, by=filled.town.clerk)


def test_an_approval_ends_after_a_day(filled: Filled) -> None:
    """A second before 24 hours are over it still counts."""
    proposal = allowed(filled)
    decided = Proposal.objects.filter(pk=proposal.pk)
    with boards.tampering():
        decided.update(decided_at=timezone.now() - VALID_FOR - timedelta(seconds=1))
    refused(filled)
    with boards.tampering():
        decided.update(decided_at=timezone.now() - VALID_FOR + timedelta(seconds=30))
    use_approval(filled.election, Document.REGISTER, by=filled.town.clerk)


def test_who_lost_the_role_meanwhile_downloads_nothing(filled: Filled) -> None:
    allowed(filled)
    filled.town.clerk.appointments.update(until=timezone.now())
    with pytest.raises(NotPermitted):
        use_approval(filled.election, Document.REGISTER, by=filled.town.clerk)


@pytest.mark.parametrize("who", ["poll_manager", "poll_witness", "auditor", "system_admin", "attestor"])
def test_only_the_election_board_asks(filled: Filled, who: str) -> None:
    with pytest.raises(NotPermitted):
        ask_to_export(filled.election, Document.REGISTER, by=getattr(filled.town, who), reason="照会")


def test_documents_without_names_and_requests_without_reason_are_not_asked_for(filled: Filled) -> None:
    for document, reason in ((Document.PAPERS_REPORT, "照会"), (Document.REGISTER, "  ")):
        with pytest.raises(ValueError, match="reason"):
            ask_to_export(filled.election, document, by=filled.town.clerk, reason=reason)


def test_one_request_waits_at_a_time(filled: Filled) -> None:
    ask_to_export(filled.election, Document.REGISTER, by=filled.town.clerk, reason="照会")
    with pytest.raises(AlreadyProposed):
        ask_to_export(filled.election, Document.REGISTER, by=filled.town.second_clerk, reason="照会")


def test_everybody_in_the_file_finds_approval_and_download_in_the_log(filled: Filled) -> None:
    """Requirement 39: those who are named see it, those who are not do not."""
    bystander = add_elector(filled.election, "01", "01-999")
    allowed(filled)
    use_approval(filled.election, Document.REGISTER, by=filled.town.clerk)
    named = sorted(one.elector_id for one in Application.objects.exclude(elector=None))
    entries = AccessEntry.objects.filter(act=Act.EXPORT_PERSONAL_DATA).exclude(subjects=[])
    assert [entry.subjects for entry in entries] == [named, named]
    assert [entry.official for entry in entries] == ["chair", "clerk"]
    assert not access.entries_about(bystander.pk, filled.election.slug).exists()
    assert access.check_log()


def test_a_whole_roll_is_everyone(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    """More people than one entry holds are everyone on the roll."""
    monkeypatch.setattr(exports, "MOST_SUBJECTS", 8)
    exports.note(filled.election, Document.MARKED_ROLL, filled.town.clerk, Act.VIEW_RECORDS, "printed")
    assert AccessEntry.objects.latest("index").everyone == filled.election.slug
    monkeypatch.setattr(exports, "MOST_SUBJECTS", 9)
    exports.note(filled.election, Document.MARKED_ROLL, filled.town.clerk, Act.VIEW_RECORDS, "printed")
    latest = AccessEntry.objects.latest("index")
    assert (len(latest.subjects), latest.everyone) == (9, "")


@race
@transactional
@both
def test_of_two_downloads_at_once_one_is_made(run: Runner, town: Town, counted: object) -> None:
    """Ten times: one approval, two buttons pressed together."""
    election = boards.define(counted, "race")  # type: ignore[arg-type]
    election.office = town.board
    election.save()
    for _step in range(10):
        asked = ask_to_export(election, Document.REGISTER, by=town.clerk, reason="照会")
        approve(asked, by=town.chair)
        work = says(lambda: use_approval(election, Document.REGISTER, by=town.clerk).decision)
        assert sorted(run([work, work])) == ["approved", "not-approved"]
