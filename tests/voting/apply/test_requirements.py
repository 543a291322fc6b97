"""The requirements of the election office (domain document, section 7) by the voter's own pages.

The same requirements of the services are in tests/voting/test_requirements.py.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from tests.voting import kakuu
from tests.voting.applications.test_files import PDF, WHOLE
from tests.voting.apply.filled import address, errors, filled, find, photo, send, sent, text, voter
from tests.voting.kakuu import World
from tests.voting.offices import Town
from tests.voting.postgres import transactional
from voting.access.models import AccessEntry
from voting.applications import review
from voting.applications.catalogue import Status
from voting.applications.claims import EVIDENCE
from voting.applications.evidence import open_file
from voting.applications.files import LARGEST_FILE, Scan
from voting.applications.models import Application, Evidence
from voting.applications.offers import offered, windows
from voting.applications.states import State
from voting.elections.models import ElectionKind
from voting.officials.roles import Act

pytestmark = pytest.mark.django_db
COVID = ("COVID_HOME", "COVID_HOTEL", "QUARANTINE_STAY")
LANGUAGES = ("ja", "ja-easy", "en")


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)


@pytest.mark.parametrize("kind", [ElectionKind.SHUGIIN_GENERAL, ElectionKind.CITY])
def test_requirement_11_each_enabled_category_says_all_that_one_needs(town: Town, kind: ElectionKind) -> None:
    """11: "A voter sees only categories that the election enables, each with plain-language eligibility, evidence,
    deadline and legal basis/status (現行/休止/提案)", in every language, with the deadline on paper beside it.
    """
    day = timezone.localdate()
    world = kakuu.world(town, kind=kind, notice=day - timedelta(3), election_day=day + timedelta(9))
    world.offers["DETENTION"].enabled = False
    world.offers["DETENTION"].save()
    shown = {offer.category.code: offer for offer in offered(world.election)}
    for code in world.offers:
        assert voter().get(address(world, code)).status_code == (200 if code in shown else 404), code
    assert "DETENTION" not in shown
    for code, offer in shown.items():
        category, dates = offer.category, windows(offer)
        for language in LANGUAGES:
            client = Client(headers={"accept-language": language})
            client.cookies["display"] = "normal.normal.on"
            page = without_readings(text(client.get(address(world, code)))).casefold()
            with translation.override(language):
                wanted = [category.name(language), category.who(language), category.get_status_display()]
                wanted += [str(EVIDENCE[kind].label) for kinds in category.evidence for kind in kinds]
            wanted += [category.law]
            assert [part for part in wanted if plain(part) not in page] == [], (code, language)
            assert f'datetime="{dates.online_until:%Y-%m-%dt%H:%M}' in page
            assert dates.paper_until is None or f'datetime="{dates.paper_until:%Y-%m-%dt%H:%M}' in page
            assert (dates.paper_until is None) == (category.status == Status.PROPOSAL)


def without_readings(page: str) -> str:
    """Kanji alone, where the page has readings above them."""
    return re.sub(r"<rp>[^<]*</rp>|<rt>[^<]*</rt>|</?ruby>", "", page)


def plain(part: str) -> str:
    return re.sub(r"（[ぁ-ゖー]+）", "", part).casefold()


@pytest.mark.parametrize("code", COVID)
@pytest.mark.parametrize(
    ("starts", "ends", "asked", "taken"),
    [
        pytest.param("N-5", "N", "N", False, id="ends N"),
        pytest.param("N-5", "N+1", "N", True, id="ends N+1"),
        pytest.param("N-5", "N+1", "N+1", True, id="ends on the day of the request"),
        pytest.param("N-5", "N+1", "N+2", False, id="ended yesterday"),
        pytest.param("E", "E+9", "N+2", True, id="starts E"),
        pytest.param("E+1", "E+9", "N+2", False, id="starts E+1"),
        pytest.param("N-9", "N-1", "N-2", False, id="over before notice"),
    ],
)
def test_requirement_12_isolation_overlaps_the_days_of_voting_and_lasts(
    world: World, monkeypatch: pytest.MonkeyPatch, code: str, starts: str, ends: str, asked: str, taken: bool
) -> None:
    """12: "A COVID request is accepted iff the isolation period overlaps N+1…E and has not ended when the request is
    received; boundary dates (ends N, ends N+1, starts E, starts E+1, ended yesterday) behave as specified".
    """

    def day(text: str) -> datetime:
        return (world.n if text[0] == "N" else world.e)(int(text[1:] or 0), 12)

    fields = filled(world, code)
    fields["0-ISOLATION_ORDER.period.start"] = day(starts).date().isoformat()
    fields["0-ISOLATION_ORDER.period.end"] = day(ends).date().isoformat()
    at(monkeypatch, day(asked))
    answer = send(world, code, fields)
    assert Application.objects.count() == taken
    if taken:
        assert Application.objects.get().state == State.REQUESTED
        return
    assert list(errors(answer)) == [""] and "does not meet the condition" in errors(answer)[""]
    assert f'value="{fields["0-ISOLATION_ORDER.period.end"]}"' in text(answer)


@pytest.mark.parametrize("answer", ["yes", "no", "none"])
def test_requirement_13_without_the_document_it_waits(world: World, answer: str) -> None:
    """13: "A COVID request without the document is accepted with a stated reason and stays 確認中 until the health
    officer confirms period yes/no or an official decides".
    """
    kinds = ("OMITTED_WITH_REASON",)
    silent = {**filled(world, "COVID_HOME", kinds=kinds), "1-OMITTED_WITH_REASON.omission": " "}
    assert errors(send(world, "COVID_HOME", silent)) == {"id_1-OMITTED_WITH_REASON.omission": "This is needed."}

    client = voter()
    waiting, town = sent(world, "COVID_HOME", client, kinds=kinds), world.town
    assert waiting.state == State.TO_CONFIRM
    mine = reverse("apply:status")
    assert "Somebody is asked to confirm" in text(client.get(mine))
    assert "The office that you chose is asked to confirm" in text(client.get(reverse("apply:sent")))
    if answer != "none":
        period = {"starts": world.n(0).date(), "ends": world.e(0).date()} if answer == "yes" else {}
        review.confirm(waiting, by=town.health_officer, confirmed=answer == "yes", **period)
        told = "Confirmed by the authority" if answer == "yes" else "Not confirmed by the authority"
        assert told in text(client.get(mine))
    review.take_up(waiting, by=town.clerk)
    review.approve(waiting, by=town.chair, reason="" if answer == "yes" else "電話で保健所に確認した")
    assert "you can vote online" in text(client.get(mine))


@pytest.mark.parametrize("zone", [0, 9, -5])
def test_requirement_14_one_second_late_is_late_and_hears_what_is_left(
    world: World, zone: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """14: "A request one second after the category's cutoff is refused with the remaining alternatives, using server
    time JST": as links, beside the way on paper, whatever zone the server's clock shows.
    """
    last = windows(world.offers["COVID_HOME"]).online_until
    assert last == world.e(-1, 12)
    away = timezone.get_fixed_timezone(zone * 60)
    fields = filled(world, "COVID_HOME")
    at(monkeypatch, (last + timedelta(seconds=1)).astimezone(away))
    answer = send(world, "COVID_HOME", fields)
    page = text(answer)
    assert answer.status_code == 409 and not Application.objects.exists()
    assert f"until {last:%a, %-d %b %Y, %H:%M}" in page
    left = {"HOME_BOARD_U18", "OTHER_BOARD", "FACILITY", "SEAFARER_PORT", "SEAFARER_ONBOARD", "SEAFARER_FAX",
            "ANTARCTIC_FAX", "DETENTION"}  # fmt: skip
    assert {code for code in world.offers if f'href="{address(world, code)}"' in page} == left
    assert "Nobody has to vote online" in page
    assert "is over" in text(voter().get(address(world, "COVID_HOME")))

    at(monkeypatch, last.astimezone(away))
    assert send(world, "COVID_HOME", filled(world, "COVID_HOME")).status_code == 302
    assert Application.objects.get().received_at == last


def test_requirement_14_when_nothing_is_left_there_is_the_polling_station(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """14: and where to ask."""
    at(monkeypatch, world.e(-1, 17, 0, 1))
    page = text(voter().get(address(world, "OTHER_BOARD")))
    assert "None is open now." in page and "polling station" in page and world.town.board.name in page


@pytest.mark.parametrize("media", WHOLE)
def test_requirement_15_evidence_is_checked_sealed_and_shown_on_the_record(
    world: World, settings: Any, media: str
) -> None:
    """15: "Uploaded evidence (PDF/JPEG/PNG/HEIC ≤10 MB) is type-checked, virus-scan hook called, stored encrypted,
    viewable only by reviewers of that municipality, each view logged": the part of the upload.
    """
    settings.EVIDENCE_SCAN_COMMAND = ["cat"]  # says: clean
    data = WHOLE[media]
    fields = {**filled(world, "COVID_HOME"), "0-ISOLATION_ORDER.file": photo(data, "evil.html")}
    assert send(world, "COVID_HOME", fields).status_code == 302
    file = Evidence.objects.get()
    assert (file.media_type, file.scan, file.size) == (media, Scan.CLEAN, len(data))
    assert data not in bytes(file.ciphertext or b"")
    assert open_file(file, by=world.town.clerk) == data
    assert AccessEntry.objects.filter(act=Act.VIEW_EVIDENCE).count() == 1


@pytest.mark.parametrize(
    ("data", "scanner"),
    [
        (b"MZ\x90\x00 a program", "cat"),
        (b"%PDF-1.7 cut off", "cat"),
        (PDF + b" " * LARGEST_FILE, "cat"),
        (PDF, "false"),
    ],
    ids=["program", "damaged", "too large", "infected"],
)
def test_requirement_15_anything_else_is_refused(world: World, settings: Any, data: bytes, scanner: str) -> None:
    """15: other types, more than 10 MB, and what the scanner finds; nothing of it is stored."""
    settings.EVIDENCE_SCAN_COMMAND = [scanner]
    answer = send(world, "COVID_HOME", {**filled(world, "COVID_HOME"), "0-ISOLATION_ORDER.file": photo(data)})
    assert answer.status_code == 200 and len(errors(answer)) == 1
    assert not Evidence.objects.exists() and not Application.objects.exists()


@pytest.mark.parametrize(
    ("told", "asked", "taken"),
    [
        pytest.param(-5, (-3, 17, 0, 0), True, id="E-5 and E-3"),
        pytest.param(-4, (-3, 17, 0, 0), False, id="member late"),
        pytest.param(-5, (-3, 17, 0, 1), False, id="late"),
        pytest.param(-5, (-6, 12), False, id="told tomorrow"),
    ],
)
def test_requirement_17_units_keep_two_deadlines(
    world: World, monkeypatch: pytest.MonkeyPatch, told: int, asked: tuple[int, ...], taken: bool
) -> None:
    """17: "OVERSEAS_UNIT requests enforce member notice ≤E-5 and head's request ≤E-3", also where a member asks."""
    fields = filled(world, "OVERSEAS_UNIT")
    fields["0-UNIT_ROSTER.member_notice_on"] = world.e(told).date().isoformat()
    at(monkeypatch, world.e(*asked))
    answer = send(world, "OVERSEAS_UNIT", fields)
    assert (answer.status_code == 302, Application.objects.count()) == (taken, taken)
    if taken:
        assert Application.objects.get().state == State.TO_CONFIRM


@pytest.mark.parametrize("kind", ElectionKind)
def test_requirement_17_fax_is_for_the_great_national_elections(town: Town, kind: ElectionKind) -> None:
    """17: "SEAFARER_FAX/ANTARCTIC_FAX are not offered outside 衆院総選挙・参院通常選挙・国民審査"."""
    day = timezone.localdate()
    world = kakuu.world(town, kind=kind, notice=day - timedelta(3), election_day=day + timedelta(9))
    great = kind in (ElectionKind.SHUGIIN_GENERAL, ElectionKind.SANGIIN_REGULAR, ElectionKind.KOKUMIN_SHINSA)
    for code in ("SEAFARER_FAX", "ANTARCTIC_FAX"):
        assert voter().get(address(world, code)).status_code == (200 if great else 404)
        assert send(world, code, filled(world, code)).status_code == (302 if great else 404)
    assert Application.objects.count() == (2 if great else 0)


@transactional
@pytest.mark.parametrize("decision", ["approve", "send-back", "reject"])
def test_requirement_18_decisions_have_reasons_and_are_never_silent(
    town: Town, settings: Any, decision: str, mailoutbox: list[mail.EmailMessage]
) -> None:
    """18: "the voter is notified and sees status, reviewer office and time; decisions are never silent". By the link
    of the message, on a device that has never seen the application.
    """
    settings.SITE_URL = "https://vote.example"
    day, reason = timezone.localdate(), "証明書の写真が読めません"
    world = kakuu.world(town, notice=day - timedelta(3), election_day=day + timedelta(9))
    case = sent(world)
    review.take_up(case, by=town.clerk)
    mailoutbox.clear()
    if decision == "approve":
        review.approve(case, by=town.chair)
    elif decision == "send-back":
        review.send_back(case, by=town.clerk, reason=reason)
    else:
        review.reject(case, by=town.chair, ground="evidence", reason=reason)
    (message,) = mailoutbox
    assert str(message.body).endswith("https://vote.example/status/")
    elsewhere = voter()
    find(elsewhere, case)
    page = text(elsewhere.get(reverse("apply:status")))
    moment = timezone.localtime(case.changes.latest("pk").at)
    wanted = [town.board.name, f"{moment:%a, %-d %b %Y, %H:%M}", case.reference]
    wanted += [{"approve": "was approved", "send-back": "correct your application", "reject": "was rejected"}[decision]]
    wanted += [] if decision == "approve" else [reason]
    wanted += ["The evidence does not show what is stated"] if decision == "reject" else []
    assert [part for part in wanted if part not in page] == []
