"""Who sees which page, what a download needs, and that every look is on the record."""

from __future__ import annotations

import hashlib

import pytest
from django.test import Client
from django.urls import reverse

from tests.voting import boards
from tests.voting.offices import board, office, official
from tests.voting.records.filled import Filled
from voting.access.models import AccessEntry
from voting.officials.models import Official, Proposal
from voting.officials.roles import PERMITTED, Act, OfficeKind, Role
from voting.officials.services import approve
from voting.records.documents import BY_DISTRICT, PERSONAL, digest
from voting.records.exports import ask_to_export
from voting.records.models import Document, Seal
from voting.records.seal import ask_to_seal
from voting.roll.models import Elector

pytestmark = pytest.mark.django_db
NAMED = sorted(PERSONAL)
WITHOUT_NAMES = sorted(set(Document) - PERSONAL)


def client(somebody: Official) -> Client:
    made = Client()
    made.force_login(somebody)
    return made


def pages(filled: Filled) -> list[str]:
    """Every address that shows something."""
    district = filled.election.districts.first().pk
    found = [reverse("records:index", args=["kakuu"])]
    for document in Document:
        found.append(reverse("records:document", args=["kakuu", document.value]))
        if document in BY_DISTRICT:
            found.append(reverse("records:district", args=["kakuu", document.value, district]))
    return found + [reverse("records:csv", args=["kakuu", document.value]) for document in WITHOUT_NAMES]


def buttons() -> list[str]:
    """Every address that does something."""
    documents = [reverse(f"records:{name}", args=["kakuu", one.value]) for name in ("csv", "export") for one in NAMED]
    return [*documents, reverse("records:seal", args=["kakuu"])]


# Who


@pytest.mark.parametrize("role", Role)
def test_each_role_sees_what_the_table_of_permissions_says(filled: Filled, role: Role) -> None:
    """Every page for those who may print the records at this board; for nobody else any."""
    town = filled.town
    places = {
        Role.HEALTH_OFFICER: town.health_centre,
        Role.ATTESTOR: town.hospital,
        Role.PREFECTURE_CLERK: town.prefecture,
        Role.SYSTEM_ADMIN: town.platform,
        Role.NATIONAL_CLERK: office(OfficeKind.NATIONAL, "kuni", "架空国選挙管理委員会"),
    }
    somebody = client(official(f"one-{role.value}", role, places.get(role, town.board)))
    expected = 200 if role in PERMITTED[Act.VIEW_RECORDS] else 403
    for address in pages(filled):
        # Why each voter cannot come is for those who decide about it.
        private = Document.REGISTER.value in address and role not in (Role.BOARD_CLERK, Role.BOARD_CHAIR)
        assert somebody.get(address).status_code == (403 if private else expected), address
    if expected == 403:
        assert {somebody.post(address).status_code for address in buttons()} == {403}


def test_without_an_account_everything_asks_to_log_in(filled: Filled) -> None:
    for method, addresses in (("get", pages(filled)), ("post", buttons())):
        for address in addresses:
            response = getattr(Client(), method)(address)
            assert (response.status_code, response["Location"].partition("?")[0]) == (302, reverse("admin:login"))


def test_another_towns_chair_sees_nothing(filled: Filled) -> None:
    somebody = client(official("rin-chair", Role.BOARD_CHAIR, board("rin", "隣市選挙管理委員会")))
    assert {somebody.get(address).status_code for address in pages(filled)} == {403}
    assert {somebody.post(address).status_code for address in buttons()} == {403}


def test_who_prints_does_not_therefore_export_or_seal(filled: Filled) -> None:
    """A poll manager prints the poll record, and can neither ask for a file with names nor for the seal."""
    manager = client(filled.town.poll_manager)
    assert manager.get(reverse("records:document", args=["kakuu", Document.POLL_RECORD])).status_code == 200
    for address in buttons():
        assert manager.post(address, {"reason": "照会"}).status_code in (403, 409)
    assert not Proposal.objects.filter(act__in=[Act.EXPORT_PERSONAL_DATA, Act.SEAL_RECORDS]).exists()


def test_an_election_of_no_office_has_no_records_to_see(filled: Filled) -> None:
    boards.define(filled.record, "nobodys")
    assert client(filled.town.chair).get(reverse("records:index", args=["nobodys"])).status_code == 403


def test_what_does_not_exist_is_not_found(filled: Filled) -> None:
    chair, district = client(filled.town.chair), filled.election.districts.first().pk
    for name, args in (
        ("index", ["nowhere"]),
        ("document", ["kakuu", "no-document"]),
        ("csv", ["kakuu", "no-document"]),
        ("district", ["kakuu", "sochi-sho", 999999]),
        ("district", ["kakuu", "tohyo-roku", district]),
    ):
        assert chair.get(reverse(f"records:{name}", args=args)).status_code == 404, (name, args)


# On the record


def test_each_printed_page_is_on_the_record_of_those_it_names(filled: Filled) -> None:
    """Requirement 39: the register of nine people is nine people's entry; the district's page names the district."""
    clerk, district = client(filled.town.clerk), filled.election.districts.get(code="02")
    clerk.get(reverse("records:document", args=["kakuu", Document.REGISTER]))
    entry = AccessEntry.objects.latest("index")
    assert (entry.official, entry.act, entry.office) == ("clerk", "view-register", "架空市選挙管理委員会")
    assert (entry.purpose, len(entry.subjects)) == ("printed: 不在者投票事務処理簿", 9)
    clerk.get(reverse("records:district", args=["kakuu", Document.MARKED_ROLL, district.pk]))
    entry = AccessEntry.objects.latest("index")
    assert (entry.purpose, len(entry.subjects)) == ("printed: 選挙人名簿抄本, 架空第二投票区", 3)
    assert entry.act == "view-records"


def test_a_page_broken_off_is_on_the_record(filled: Filled) -> None:
    """The entry is there before the first byte."""
    response = client(filled.town.clerk).get(reverse("records:document", args=["kakuu", Document.REGISTER]))
    response.close()
    assert AccessEntry.objects.latest("index").purpose == "printed: 不在者投票事務処理簿"


@pytest.mark.parametrize("name", ["index", "document"])
def test_no_browser_keeps_a_page(filled: Filled, name: str) -> None:
    args = ["kakuu"] if name == "index" else ["kakuu", Document.REGISTER]
    response = client(filled.town.clerk).get(reverse(f"records:{name}", args=args))
    assert "no-store" in response["Cache-Control"] and "private" in response["Cache-Control"]
    assert "default-src 'self'" in response["Content-Security-Policy"]


# Downloads


@pytest.mark.parametrize("document", WITHOUT_NAMES)
def test_a_document_without_names_is_downloaded_as_it_will_be_sealed(filled: Filled, document: Document) -> None:
    response = client(filled.town.poll_manager).get(reverse("records:csv", args=["kakuu", document]))
    assert response["Content-Disposition"] == f'attachment; filename="kakuu-{document.value}.csv"'
    assert hashlib.sha256(b"".join(response)).hexdigest() == digest(document, filled.election)


@pytest.mark.parametrize("document", NAMED)
def test_a_document_with_names_is_downloaded_once(filled: Filled, document: Document) -> None:
    """Not before two people agreed, never by following a link, and not a second time."""
    clerk, address = client(filled.town.clerk), reverse("records:csv", args=["kakuu", document])
    assert clerk.get(address).status_code == 404
    assert clerk.post(address).status_code == 409
    asked = ask_to_export(filled.election, document, by=filled.town.clerk, reason="照会")
    assert clerk.post(address).status_code == 409
    approve(asked, by=filled.town.chair)
    assert "Download once" in clerk.get(reverse("records:index", args=["kakuu"])).content.decode()
    response = clerk.post(address)
    assert response.status_code == 200
    assert hashlib.sha256(b"".join(response)).hexdigest() == digest(document, filled.election)
    assert clerk.post(address).status_code == 409


def test_cp932_is_refused_with_a_list_and_the_approval_is_kept(filled: Filled) -> None:
    """𠮷田 cannot be written: no question mark, no lost approval; UTF-8 then works."""
    clerk, address = client(filled.town.clerk), reverse("records:csv", args=["kakuu", Document.REGISTER])
    approve(
        ask_to_export(filled.election, Document.REGISTER, by=filled.town.clerk, reason="照会"), by=filled.town.chair
    )
    response = clerk.post(address, {"encoding": "cp932"})
    assert response.status_code == 409
    assert "row 4, 氏名: 𠮷" in response.content.decode()
    assert clerk.post(address, {"encoding": "utf-8"}).status_code == 200


def test_cp932_where_everything_has_a_place(filled: Filled) -> None:
    clerk, address = client(filled.town.clerk), reverse("records:csv", args=["kakuu", Document.PAPERS_REPORT])
    response = clerk.get(address, {"encoding": "cp932"})
    assert response["Content-Type"] == "text/csv; charset=cp932"
    assert b"".join(response).decode("cp932").startswith("類型,交付,使用（投票）")
    assert clerk.get(address, {"encoding": "utf-7"}).status_code == 404


def test_a_download_needs_the_forms_token(filled: Filled) -> None:
    """Another site cannot press the button."""
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(filled.town.clerk)
    for address in buttons():
        assert strict.post(address).status_code == 403


# Asking


def test_asking_for_an_export_needs_a_reason(filled: Filled) -> None:
    clerk, address = client(filled.town.clerk), reverse("records:export", args=["kakuu", Document.REGISTER])
    clerk.post(address, {"reason": " "})
    assert not Proposal.objects.filter(act=Act.EXPORT_PERSONAL_DATA).exists()
    assert clerk.post(address, {"reason": "照会"}).status_code == 302
    proposal = Proposal.objects.get(act=Act.EXPORT_PERSONAL_DATA)
    assert (proposal.requested_by, proposal.reason, proposal.payload["document"]) == (
        filled.town.clerk,
        "照会",
        "jimushori-bo",
    )
    assert clerk.post(address, {"reason": "照会"}).status_code == 409
    without = reverse("records:export", args=["kakuu", Document.POLL_RECORD])
    assert clerk.post(without, {"reason": "照会"}).status_code == 404


def test_sealing_from_the_page(filled: Filled) -> None:
    """The index offers it when everything agrees, and then says who sealed."""
    clerk, index = client(filled.town.clerk), reverse("records:index", args=["kakuu"])
    assert "Ask to seal" in clerk.get(index).content.decode()
    assert clerk.post(reverse("records:seal", args=["kakuu"]), {"part": "everything"}).status_code == 404
    assert clerk.post(reverse("records:seal", args=["kakuu"]), {"part": "count"}).status_code == 409
    assert clerk.post(reverse("records:seal", args=["kakuu"]), {"part": "voting"}).status_code == 302
    approve(Proposal.objects.get(act=Act.SEAL_RECORDS), by=filled.town.chair)
    assert Seal.objects.get().election == filled.election
    page = clerk.get(index).content.decode()
    assert "Sealed" in page and "架空 chair" in page and "Ask to seal" not in page


def test_the_seal_is_checked_from_the_page(filled: Filled) -> None:
    """Refused before there is one; then whole; then what changed, in words; and every check is on the record."""
    manager, address = client(filled.town.poll_manager), reverse("records:check", args=["kakuu"])
    assert manager.get(address).status_code == 409
    approve(ask_to_seal(filled.election, by=filled.town.clerk), by=filled.town.chair)
    assert address in manager.get(reverse("records:index", args=["kakuu"])).content.decode()
    assert "Every document is as it was sealed." in manager.get(address).content.decode()
    entry = AccessEntry.objects.latest("index")
    assert (entry.official, entry.purpose, entry.subjects) == ("poll-manager", "The seal was checked.", [])
    Elector.objects.filter(list_number="02-005").update(mark="moved")
    page = manager.get(address).content.decode()
    assert "選挙人名簿抄本" in page and "架空第二投票区（02）: contents of rows have changed" in page
    assert "不在者投票事務処理簿" not in page and "02-005" not in page
    assert client(filled.town.attestor).get(address).status_code == 403
    assert Client().get(address).status_code == 302


def test_what_stands_against_sealing_is_listed(polls: Filled) -> None:
    clerk = client(polls.town.clerk)
    page = clerk.get(reverse("records:index", args=["kakuu"])).content.decode()
    assert "the polls are not closed" in page and "Ask to seal" not in page
    response = clerk.post(reverse("records:seal", args=["kakuu"]))
    page = response.content.decode()
    assert response.status_code == 409 and page.count("the polls are not closed") == 1
    assert f'href="{reverse("records:index", args=["kakuu"])}"' in page
