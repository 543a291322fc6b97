"""Who has to stand by, and that nobody hands in without them, or plays two parts (requirements 28, 29)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from tests.voting.booth.hall import Hall, device, registered, signature
from verifier.record.canonical import decode_bytes
from verifier.record.entries import Type
from voting.access.models import AccessEntry
from voting.applications.models import Application, Category
from voting.applications.states import State
from voting.booth import errors, presence, services
from voting.booth.models import Presence, SealedBallot
from voting.booth.presence import Part
from voting.errors import NotPermitted
from voting.officials.models import Designation, Official
from voting.officials.roles import Act

pytestmark = pytest.mark.django_db(transaction=True)


def span(days: int = 3) -> dict[str, str]:
    today = timezone.localdate()
    return {"start": (today - timedelta(days=1)).isoformat(), "end": (today + timedelta(days=days)).isoformat()}


@pytest.fixture
def resident(hall: Hall) -> Application:
    """Somebody in the designated hospital, whose device is registered."""
    Designation.objects.get_or_create(office=hall.town.hospital, starts=date(2020, 1, 1), ends=None)
    offer = hall.offer_of("FACILITY")
    return registered(hall, 0, offer=offer, claims={"FACILITY_ROSTER": {"stay": span()}}, office=hall.town.hospital)


@pytest.fixture
def written_for(hall: Hall) -> Application:
    """Somebody with a registered proxy writer."""
    Category.objects.filter(code="POSTAL_PROXY").update(online_until="E-1", apply_from="N-30")
    claims = {
        "POSTAL_CERT_PROXY": {"number": "架空-1", "cert": span()},
        "PROXY_REGISTRATION": {"proxy_name": "渡邉 代筆", "proxy": span()},
    }
    return registered(hall, 1, offer=hall.offer_of("POSTAL_PROXY"), claims=claims)


def hand_in(hall: Hall, voter: Application, ballot: dict[str, Any], name: str = "0") -> dict[str, Any]:
    return services.cast(voter, ballot, decode_bytes(signature(device(name), Type.BALLOT_CAST, ballot), 64))


def sealed_by(hall: Hall, voter: Application, name: str = "0", **how: Any) -> tuple[dict[str, Any], SealedBallot]:
    ballot, _seed = hall.make(voter, device(name))
    presence.note_sealed(voter, services.tracker_of(ballot), **how)
    return ballot, SealedBallot.objects.latest("pk")


def test_without_the_head_nothing_is_handed_in_and_with_the_head_it_is(hall: Hall, resident: Application) -> None:
    ballot, sealed = sealed_by(hall, resident)
    with pytest.raises(errors.PeopleMissing):
        hand_in(hall, resident, ballot)
    presence.confirm(sealed, Part.HEAD, by=hall.town.attestor, witness="立会 人")
    assert hand_in(hall, resident, ballot)["entry"] > 0
    kept = Presence.objects.get()
    assert (kept.official, kept.witness) == (hall.town.attestor, "立会 人")
    assert AccessEntry.objects.filter(act=Act.ATTEST_VOTE, people__subject=resident.elector_id).exists()


def test_a_confirmation_is_of_one_ballot(hall: Hall, resident: Application) -> None:
    """What the head confirmed cannot be exchanged for another ballot that was sealed before or after."""
    _ballot, sealed = sealed_by(hall, resident)
    presence.confirm(sealed, Part.HEAD, by=hall.town.attestor, witness="立会 人")
    other, _sealed = sealed_by(hall, resident)
    with pytest.raises(errors.PeopleMissing):
        hand_in(hall, resident, other)


def test_where_the_law_asks_for_a_witness_one_is_named(hall: Hall, resident: Application) -> None:
    _ballot, sealed = sealed_by(hall, resident)
    for nobody in ("", "  "):
        with pytest.raises(errors.PeopleMissing):
            presence.confirm(sealed, Part.HEAD, by=hall.town.attestor, witness=nobody)
    with pytest.raises(errors.PeopleMissing):
        presence.confirm(sealed, Part.HEAD, by=hall.town.attestor, witness="長" * 101)
    assert not Presence.objects.exists()


def test_the_designation_has_to_cover_today(hall: Hall, resident: Application) -> None:
    _ballot, sealed = sealed_by(hall, resident)
    Designation.objects.update(ends=timezone.localdate() - timedelta(days=1))
    with pytest.raises(NotPermitted):
        presence.confirm(sealed, Part.HEAD, by=hall.town.attestor, witness="立会 人")


@pytest.mark.parametrize("who", ["clerk", "chair", "captain", "health_officer", "auditor", "system_admin"])
def test_nobody_else_takes_the_head_s_part(hall: Hall, resident: Application, who: str) -> None:
    _ballot, sealed = sealed_by(hall, resident)
    official: Official = getattr(hall.town, who)
    assert Part.HEAD not in presence.open_parts(sealed, official)
    with pytest.raises(NotPermitted):
        presence.confirm(sealed, Part.HEAD, by=official, witness="立会 人")


def test_two_helpers_are_two_people(hall: Hall) -> None:
    """代理投票 (法48条2項): one writes, one watches; both are on the record, and the voter asked for it."""
    voter = registered(hall)
    ballot, sealed = sealed_by(hall, voter, assisted=True)
    presence.confirm(sealed, Part.WRITER, by=hall.town.clerk)
    assert presence.open_parts(sealed, hall.town.clerk) == []
    assert presence.open_parts(sealed, hall.town.chair) == [Part.WATCHER]
    with pytest.raises(errors.PeopleMissing):
        hand_in(hall, voter, ballot)
    for part in (Part.WATCHER, Part.WRITER):
        with pytest.raises(NotPermitted):
            presence.confirm(sealed, part, by=hall.town.clerk)
    with pytest.raises(NotPermitted):
        presence.confirm(sealed, Part.WRITER, by=hall.town.chair)  # taken
    presence.confirm(sealed, Part.WATCHER, by=hall.town.chair)
    hand_in(hall, voter, ballot)
    assert {kept.part: kept.official for kept in Presence.objects.all()} == {
        "writer": hall.town.clerk,
        "watcher": hall.town.chair,
    }


def test_helpers_come_only_where_the_voter_asked(hall: Hall) -> None:
    voter = registered(hall)
    ballot, _seed = hall.make(voter, device("0"))
    assert presence.note_sealed(voter, services.tracker_of(ballot)) == []
    assert not SealedBallot.objects.exists()
    hand_in(hall, voter, ballot)


def test_only_the_registered_proxy_writer_writes(hall: Hall, written_for: Application) -> None:
    """Requirement 29; 渡辺 is how a telephone writes 渡邉."""
    ballot, sealed = sealed_by(hall, written_for, "1")
    with pytest.raises(errors.PeopleMissing):
        hand_in(hall, written_for, ballot, "1")
    tracker = services.tracker_of(ballot)
    with pytest.raises(NotPermitted):
        presence.note_sealed(written_for, tracker, proxy="別の 人")
    with pytest.raises(NotPermitted):
        presence.confirm(sealed, Part.PROXY, by=hall.town.chair)
    assert presence.note_sealed(written_for, tracker, proxy="渡辺 代筆") == []
    hand_in(hall, written_for, ballot, "1")
    assert Presence.objects.get().name == "渡辺 代筆"


@pytest.mark.parametrize(("starts", "ends"), [(-9, -1), (1, 9)], ids=["ended", "not-begun"])
def test_a_registration_that_does_not_cover_today_is_none(
    hall: Hall, written_for: Application, starts: int, ends: int
) -> None:
    """It ended yesterday, or begins tomorrow."""
    ballot, _sealed = sealed_by(hall, written_for, "1")
    start, end = (timezone.localdate() + timedelta(days=days) for days in (starts, ends))
    other = {"start": start.isoformat(), "end": end.isoformat()}
    claims = {**written_for.claims, "PROXY_REGISTRATION": {"proxy_name": "渡邉 代筆", "proxy": other}}
    Application.objects.filter(pk=written_for.pk).update(claims=claims)
    with pytest.raises(NotPermitted):
        presence.note_sealed(hall.fresh(written_for), services.tracker_of(ballot), proxy="渡邉 代筆")
    assert not Presence.objects.exists()


def test_the_page_of_those_who_stand_by_shows_no_choice_and_no_other_place(hall: Hall, resident: Application) -> None:
    """Requirement 28. What is on the page is a name and the beginning of a tracker."""
    ballot, sealed = sealed_by(hall, resident)
    head, stranger = Client(), Client()
    head.force_login(hall.town.attestor)
    stranger.force_login(hall.town.captain)
    page = head.get("/office/stand-by/").content.decode()
    assert resident.name in page
    for contest in hall.row.contests.all():
        assert contest.title not in page
        assert not any(candidate.name in page for candidate in contest.candidates.all())
    assert resident.name not in stranger.get("/office/stand-by/").content.decode()
    assert stranger.post(f"/office/stand-by/{sealed.pk}/head/", {"witness": "立会 人"}).status_code == 404
    assert head.post(f"/office/stand-by/{sealed.pk}/head/", {"witness": "立会 人"}).status_code == 302
    assert head.post(f"/office/stand-by/{sealed.pk}/nonsense/").status_code == 404
    hand_in(hall, resident, ballot)


def test_nobody_stands_by_for_a_ballot_that_was_given_back(hall: Hall, resident: Application) -> None:
    """Who goes to the polling station instead is no longer among those who wait."""
    _ballot, sealed = sealed_by(hall, resident)
    assert list(presence.waiting(hall.town.attestor, hall.town.hospital)) == [sealed]
    Application.objects.filter(pk=resident.pk).update(state=State.GIVEN_BACK)
    sealed.refresh_from_db()
    assert not presence.waiting(hall.town.attestor, hall.town.hospital).exists()
    with pytest.raises(NotPermitted):
        presence.confirm(sealed, Part.HEAD, by=hall.town.attestor, witness="立会 人")
    assert not Presence.objects.exists()


def test_who_stands_by_at_no_votes_is_not_told_who_waits(hall: Hall, resident: Application) -> None:
    """Neither a role without such an act nor the right one at another place lists anybody."""
    sealed_by(hall, resident)
    for who, office in ((hall.town.auditor, hall.town.board), (hall.town.attestor, hall.town.board)):
        with pytest.raises(NotPermitted):
            presence.waiting(who, office)


def test_who_stood_by_stays_on_the_record(hall: Hall, resident: Application) -> None:
    _ballot, sealed = sealed_by(hall, resident)
    kept = presence.confirm(sealed, Part.HEAD, by=hall.town.attestor, witness="立会 人")
    for change in (lambda: Presence.objects.filter(pk=kept.pk).update(witness="別人"), kept.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_after_the_freeze_nothing_leads_from_them_to_the_board(hall: Hall, resident: Application) -> None:
    _ballot, sealed = sealed_by(hall, resident)
    assert presence.forget_trackers(hall.row) == 1
    sealed.refresh_from_db()
    assert sealed.tracker is None
    with pytest.raises(NotPermitted):
        presence.confirm(sealed, Part.HEAD, by=hall.town.attestor, witness="立会 人")


def test_a_confirmation_is_good_for_half_an_hour(hall: Hall, resident: Application) -> None:
    """Requirement 28: at cast time. Whoever confirmed in the morning may not be there in the evening."""
    ballot, sealed = sealed_by(hall, resident)
    Presence.objects.create(
        ballot=sealed,
        part=Part.HEAD,
        official=hall.town.attestor,
        witness="立会 人",
        at=timezone.now() - presence.LASTS - timedelta(seconds=1),
    )
    with pytest.raises(errors.PeopleMissing):
        hand_in(hall, resident, ballot)


def test_two_parts_by_one_person_at_the_same_instant_are_refused_by_the_database(hall: Hall) -> None:
    voter = registered(hall)
    _ballot, sealed = sealed_by(hall, voter, assisted=True)
    Presence.objects.create(ballot=sealed, part=Part.WRITER, official=hall.town.clerk)
    with pytest.raises(IntegrityError), transaction.atomic():
        Presence.objects.create(ballot=sealed, part=Part.WATCHER, official=hall.town.clerk)
