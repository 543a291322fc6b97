"""Requests: in time to the second, complete, from who may file, and telling nobody who is on the roll."""

from __future__ import annotations

import dataclasses
import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.voting import kakuu, offices
from tests.voting.kakuu import World
from tests.voting.offices import Town
from voting.access.models import AccessEntry
from voting.applications import review
from voting.applications.errors import (
    AlreadyApplied,
    ConditionNotMet,
    EvidenceMissing,
    NotOffered,
    OutOfTime,
    RequestInvalid,
    WrongState,
)
from voting.applications.models import Application, Evidence, Notice, StateChange
from voting.applications.requests import (
    MOST_AT_ONCE,
    REFERENCE_ALPHABET,
    Request,
    correct,
    new_reference,
    submit,
    submit_for_others,
    withdraw,
)
from voting.applications.states import State
from voting.elections.models import ElectionKind, Scope
from voting.errors import FileRefused, NotPermitted
from voting.officials.models import Designation, Official
from voting.officials.roles import OfficeKind, Role

pytestmark = pytest.mark.django_db
Way = Application.Way
CODES = [
    "HOME_BOARD_U18", "OTHER_BOARD", "FACILITY", "DETENTION", "POSTAL_DISABILITY", "POSTAL_PROXY", "SEAFARER_PORT",
    "SEAFARER_ONBOARD", "SEAFARER_FAX", "ANTARCTIC_FAX", "OVERSEAS_UNIT", "COVID_HOME", "COVID_HOTEL",
    "QUARANTINE_STAY", "CLOSE_CONTACT", "OVERSEAS_RESIDENT", "OUTBREAK_GENERIC",
]  # fmt: skip
ISOLATION = ["COVID_HOME", "COVID_HOTEL", "QUARANTINE_STAY", "CLOSE_CONTACT", "OUTBREAK_GENERIC"]


@pytest.fixture
def world(town: Town) -> World:
    return kakuu.world(town)


def nothing_is_stored() -> None:
    """No application, file, step or message of a request that was refused."""
    for model in (Application, Evidence, StateChange, Notice):
        assert not model._default_manager.exists()


def fields(refusal: pytest.ExceptionInfo[RequestInvalid]) -> set[str]:
    assert all(fault.message for fault in refusal.value.faults)
    return {fault.field for fault in refusal.value.faults}


def with_claim(world: World, code: str, kind: str, **claims: Any) -> Request:
    """A good request for the category, with other claims about one piece of evidence."""
    alternative = next(one for one in world.offers[code].category.evidence if kind in one)
    good = kakuu.request(world, code, kinds=tuple(alternative))
    return dataclasses.replace(good, claims={**good.claims, kind: {**good.claims[kind], **claims}})


# Taken


@pytest.mark.parametrize("code", CODES)
def test_every_category_takes_a_good_request(world: World, code: str) -> None:
    """With each alternative of its evidence; what waits for somebody's confirmation says so."""
    offer = world.offers[code]
    who = kakuu.FITTING.get(code, "taro")
    for number, alternative in enumerate(offer.category.evidence):
        made = kakuu.request(world, code, kinds=tuple(alternative))
        application = submit(offer, made, at=world.n(3, 12, 34, 56))
        stored = Application.objects.get(pk=application.pk)
        waits = code in kakuu.PLACE_OF or "OMITTED_WITH_REASON" in alternative
        assert stored.state == (State.TO_CONFIRM if waits else State.REQUESTED)
        assert stored.elector == (None if number else world.electors[who])
        assert (stored.offer, stored.election, stored.way, stored.sworn) == (offer, world.election, Way.SELF, True)
        assert stored.received_at == world.n(3, 12, 34, 56)
        assert list(stored.claims) == list(alternative)
        assert stored.files.count() == len(made.files)


def test_receipt_is_stored_to_the_second(world: World) -> None:
    at = world.n(3, 12) + timedelta(microseconds=999_999)
    assert kakuu.submit(world, at=at).received_at == world.n(3, 12)


def test_a_reference_has_no_characters_that_look_alike(world: World) -> None:
    drawn = {new_reference() for _ in range(500)}
    assert len(drawn) == 500
    assert all(re.fullmatch(f"[{REFERENCE_ALPHABET}]{{4}}-[{REFERENCE_ALPHABET}]{{4}}", one) for one in drawn)
    assert not set("01OIBSZL") & set(REFERENCE_ALPHABET) - {"L"} and "L" not in REFERENCE_ALPHABET
    assert kakuu.submit(world).reference != kakuu.submit(world, who="hanako").reference


# In time (requirement 14)

DEADLINES = {"OTHER_BOARD": (-1, 17), "POSTAL_DISABILITY": (-4, 17), "OVERSEAS_UNIT": (-3, 17), "COVID_HOME": (-1, 12)}


@pytest.mark.parametrize("code", DEADLINES)
def test_deadlines_hold_to_the_second(world: World, code: str) -> None:
    """The last second counts whole; one second later the request is refused with what is still open."""
    last = world.e(*DEADLINES[code])
    for early in (timedelta(0), timedelta(seconds=-1), timedelta(microseconds=999_999)):
        kakuu.submit(world, code, at=last + early)
    before = Application.objects.count()
    for late in (timedelta(seconds=1), timedelta(hours=1), timedelta(days=30)):
        with pytest.raises(OutOfTime) as refusal:
            kakuu.submit(world, code, at=last + late)
        assert refusal.value.code == "out-of-time" and refusal.value.where == code
    assert Application.objects.count() == before


def test_the_deadline_is_in_japans_time_wherever_the_clock_is(world: World) -> None:
    """17:00:01 in Japan is 08:00:01 in UTC and 04:00:01 in New York."""
    from zoneinfo import ZoneInfo

    for zone in ("UTC", "America/New_York"):
        kakuu.submit(world, at=world.e(-1, 17, 0, 0).astimezone(ZoneInfo(zone)))
        with pytest.raises(OutOfTime):
            kakuu.submit(world, at=world.e(-1, 17, 0, 1).astimezone(ZoneInfo(zone)))


def test_who_is_late_hears_what_is_left(world: World) -> None:
    """And nothing that is closed, disabled, or not of this kind of election."""
    world.offers["DETENTION"].enabled = False
    world.offers["DETENTION"].save()
    with pytest.raises(OutOfTime) as refusal:
        kakuu.submit(world, "POSTAL_DISABILITY", at=world.e(-4, 17, 0, 1))
    left = {offer.category.code for offer in refusal.value.alternatives}  # type: ignore[attr-defined]
    assert left == set(CODES) - {"POSTAL_DISABILITY", "POSTAL_PROXY", "OVERSEAS_RESIDENT", "DETENTION"}
    with pytest.raises(OutOfTime) as refusal:
        kakuu.submit(world, "OTHER_BOARD", at=world.e(-1, 17, 0, 1))
    assert refusal.value.alternatives == ()


def test_who_is_early_hears_so_too(world: World) -> None:
    kakuu.submit(world, at=world.n(-30))
    with pytest.raises(OutOfTime, match="not taken yet") as refusal:
        kakuu.submit(world, at=world.n(-30) - timedelta(seconds=1))
    assert refusal.value.alternatives == ()
    world.offers["COVID_HOME"].apply_from = "N-40"
    world.offers["COVID_HOME"].save()
    with pytest.raises(OutOfTime) as refusal:
        kakuu.submit(world, at=world.n(-31, 12))
    assert refusal.value.alternatives == (world.offers["COVID_HOME"],)


def test_the_elections_own_deadline_counts(world: World) -> None:
    offer = world.offers["OTHER_BOARD"]
    offer.online_until = "E-2T09:00"
    kakuu.submit(world, at=world.e(-2, 9))
    with pytest.raises(OutOfTime):
        kakuu.submit(world, at=world.e(-2, 9, 0, 1))


# Offered


def test_a_disabled_category_takes_nothing(world: World) -> None:
    world.offers["COVID_HOME"].enabled = False
    with pytest.raises(NotOffered) as refusal:
        kakuu.submit(world, "COVID_HOME")
    assert refusal.value.where == "COVID_HOME"
    nothing_is_stored()


@pytest.mark.parametrize("kind", [ElectionKind.CITY, ElectionKind.GOVERNOR, ElectionKind.NATIONAL_BYELECTION])
@pytest.mark.parametrize("code", ["SEAFARER_FAX", "ANTARCTIC_FAX"])
def test_no_fax_category_outside_the_great_elections(town: Town, kind: ElectionKind, code: str) -> None:
    """Requirement 17, even where somebody put the row into the table."""
    with pytest.raises(NotOffered):
        kakuu.submit(kakuu.world(town, kind=kind), code)
    nothing_is_stored()


def test_an_election_without_an_office_takes_nothing(world: World) -> None:
    offer = world.offers["OTHER_BOARD"]
    offer.election.office = None
    with pytest.raises(NotOffered):
        submit(offer, kakuu.request(world, "OTHER_BOARD"), at=world.n(3))


# Complete


def test_the_declaration_is_needed(world: World) -> None:
    with pytest.raises(RequestInvalid) as refusal:
        kakuu.submit(world, sworn=False)
    assert fields(refusal) == {"sworn"}
    nothing_is_stored()


def test_every_fault_is_named_at_once(world: World) -> None:
    claims = {"SWORN_REASON": {"item": "holiday", "reason": {"start": "2030-05-20", "end": "2030-05-01"}, "more": 1}}
    with pytest.raises(RequestInvalid) as refusal:
        kakuu.submit(world, claims=claims, sworn=False)
    assert fields(refusal) == {"sworn", "item", "reason.end", "'more'"}
    nothing_is_stored()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", ""),
        ("name", "架" * 101),
        ("address", ""),
        ("address", "架" * 201),
        ("sex", "X"),
        ("email", "nobody"),
        ("email", "a@example.jp\nBcc: b@example.jp"),
        ("language", "fr"),
        ("phone", "0" * 21),
        ("postcode", "12345678"),
    ],
)
def test_who_asks_is_described_in_the_right_form(world: World, name: str, value: str) -> None:
    who = kakuu.applicant(world.electors["taro"], **{name: value})
    with pytest.raises(RequestInvalid) as refusal:
        kakuu.submit(world, applicant=who)
    assert fields(refusal) == {name}
    nothing_is_stored()


@pytest.mark.parametrize("name", ["name", "address", "kana", "staying_at", "phone"])
@pytest.mark.parametrize("value", ["架空\0太郎", "架空\u202e太郎", "架空\n太郎"])
def test_no_invisible_character_is_stored(world: World, name: str, value: str) -> None:
    """NUL breaks PostgreSQL, and marks of direction write a name backwards on an official's screen. A line break may
    become a space, as in claims.
    """
    who = kakuu.applicant(world.electors["taro"], **{name: value})
    try:
        stored = kakuu.submit(world, applicant=who)
    except RequestInvalid as refusal:
        assert {fault.field for fault in refusal.faults} == {name}
        nothing_is_stored()
    else:
        assert getattr(stored, name).isprintable()


def test_a_name_of_spaces_is_no_name(world: World) -> None:
    with pytest.raises(RequestInvalid) as refusal:
        kakuu.submit(world, applicant=kakuu.applicant(world.electors["taro"], name="　 "))
    assert fields(refusal) == {"name"}


@pytest.mark.parametrize("kinds", [(), ("SWORN",), ("ISOLATION_ORDER", "OMITTED_WITH_REASON"), ("NO_SUCH_KIND",)])
def test_the_evidence_is_one_of_the_alternatives(world: World, kinds: tuple[str, ...]) -> None:
    good = kakuu.request(world, "COVID_HOME")
    with pytest.raises(EvidenceMissing):
        kakuu.submit(world, "COVID_HOME", claims={kind: {} for kind in kinds}, files=good.files)
    nothing_is_stored()


def test_the_document_is_needed_where_it_is(world: World) -> None:
    with pytest.raises(EvidenceMissing) as refusal:
        kakuu.submit(world, "COVID_HOME", files=[])
    assert refusal.value.where == "ISOLATION_ORDER"
    nothing_is_stored()


def test_no_file_comes_with_what_has_none(world: World) -> None:
    for code, kind in (("OTHER_BOARD", "SWORN_REASON"), ("OTHER_BOARD", "ISOLATION_ORDER")):
        with pytest.raises(EvidenceMissing) as refusal:
            kakuu.submit(world, code, files=[(kind, kakuu.PNG)])
        assert refusal.value.where == kind
    nothing_is_stored()


def test_a_file_that_is_none_is_refused_with_everything(world: World) -> None:
    with pytest.raises(FileRefused):
        kakuu.submit(world, "COVID_HOME", files=[("ISOLATION_ORDER", kakuu.PNG), ("ISOLATION_ORDER", b"MZ\x90")])
    with pytest.raises(EvidenceMissing):
        kakuu.submit(world, "COVID_HOME", files=[("ISOLATION_ORDER", kakuu.PNG)] * 7)
    nothing_is_stored()


@pytest.mark.parametrize("code", [*kakuu.PLACE_OF, "COVID_HOME"])
def test_the_place_is_one_of_the_right_kind(world: World, code: str) -> None:
    """A ward is not a ship: none, or another kind, is refused."""
    kinds = ("OMITTED_WITH_REASON",) if code == "COVID_HOME" else ()
    right = kakuu.request(world, code, kinds=kinds).office
    for office in (None, *world.places.values(), world.town.board):
        if right is not None and office is not None and office.kind == right.kind:
            continue
        with pytest.raises(RequestInvalid) as refusal:
            kakuu.submit(world, code, kinds=kinds, office=office)
        assert fields(refusal) == {"office"}
    nothing_is_stored()


def test_no_place_belongs_to_a_request_from_home(world: World) -> None:
    """A place that is named gets to see the request."""
    with pytest.raises(RequestInvalid) as refusal:
        kakuu.submit(world, "COVID_HOME", office=world.town.hospital)
    assert fields(refusal) == {"office"}


# Who it is


def test_whoever_the_roll_knows_is_known(world: World) -> None:
    """Variants of characters and of the address are the same (see test_matching)."""
    who = kakuu.applicant(world.electors["takahashi"], name="高橋 一郎", address="架空市港１－２－３")
    assert kakuu.submit(world, applicant=who).elector == world.electors["takahashi"]


@pytest.mark.parametrize(
    "change",
    [{"name": "架空　次郎"}, {"birth": date(1980, 4, 2)}, {"sex": "F"}, {"sex": ""}, {"address": "架空市中央1-1-2"}],
)
def test_one_attribute_that_differs_is_for_an_official(world: World, change: dict[str, Any]) -> None:
    """It is taken all the same, and the voter is told the same (requirement 8)."""
    known = kakuu.submit(world, who="hanako")
    unknown = kakuu.submit(world, applicant=kakuu.applicant(world.electors["taro"], **change))
    assert (known.elector, unknown.elector) == (world.electors["hanako"], None)
    assert known.state == unknown.state
    told = [re.sub("....-....", "", notice.body) for notice in Notice.objects.order_by("pk")]
    assert told[0] == told[1]


def test_each_category_has_its_roll(world: World) -> None:
    """Who is on the overseas roll is not found for a category of residents, nor the other way round."""
    assert kakuu.submit(world, "OTHER_BOARD", "overseas").elector is None
    assert kakuu.submit(world, "OVERSEAS_RESIDENT", "taro").elector is None


def test_a_second_application_is_taken_without_a_word(world: World) -> None:
    """Whoever knows somebody's name and birthday neither learns that they have applied, nor keeps them out by being
    first: both are taken, and an official sees both.
    """
    first = kakuu.submit(world, at=world.n(3, 12))
    second = kakuu.submit(world, "COVID_HOME", at=world.n(3, 12))
    assert (first.elector, second.elector) == (world.electors["taro"], None)
    assert second.state == State.REQUESTED and second.files.count() == 1
    bodies = [notice.body.splitlines() for notice in Notice.objects.order_by("pk")]
    assert [len(body) for body in bodies] == [len(bodies[0])] * 2 and bodies[0][0] == bodies[1][0]
    assert review.lookalikes(first) == [second]
    assert review.lookalikes(second) == [first]


def test_variants_of_a_name_do_not_hide_a_second_application(world: World) -> None:
    """髙橋 and 高橋 are one person to the roll, and so to the reviewer."""
    first = kakuu.submit(world, who="takahashi")
    who = kakuu.applicant(world.electors["takahashi"], name="高橋一郎")
    second = kakuu.submit(world, applicant=who)
    assert (first.elector, second.elector) == (world.electors["takahashi"], None)
    assert review.lookalikes(first) == [second]
    assert review.lookalikes(second) == [first]


def test_after_one_is_over_another_begins(world: World) -> None:
    withdraw(kakuu.submit(world))
    assert kakuu.submit(world).elector == world.electors["taro"]


def test_at_the_counter_a_second_one_is_refused(world: World) -> None:
    """The clerk may know, and must not file twice."""
    kakuu.submit(world)
    made = kakuu.request(world, "OTHER_BOARD")
    with pytest.raises(AlreadyApplied):
        submit(world.offers["OTHER_BOARD"], made, at=world.n(3), way=Way.COUNTER, by=world.town.clerk)
    assert Application.objects.count() == 1


# Isolation (requirements 12 and 13)


def isolated(world: World, code: str, first: datetime, last: datetime, at: datetime, kind: str = "") -> Application:
    kind = kind or world.offers[code].category.evidence[0][0]
    made = with_claim(world, code, kind, period=world.span(first, last))
    return submit(world.offers[code], made, at=at)


@pytest.mark.parametrize("code", ISOLATION)
def test_isolation_touches_the_days_of_voting(world: World, code: str) -> None:
    """N+1 to E, and it is not over when the request arrives (令和3年法律第82号3条2項)."""
    n, e = world.n, world.e
    taken = {
        "ends N+1": (n(-5), n(1), n(0)),
        "ends N+1, asked on N+1": (n(-5), n(1), n(1, 23, 59, 59)),
        "starts E": (e(0), e(10), n(2)),
        "the day of the request only": (n(3), n(3), n(3, 9)),
        "the whole time": (n(-60), e(60), n(-30)),
        "ends today": (n(-2), n(4), n(4, 23)),
    }
    for name, (first, last, at) in taken.items():
        assert isolated(world, code, first, last, at), name
    stored = Application.objects.count()
    refused = {
        "ends N": (n(-5), n(0), n(0)),
        "ends N, asked before": (n(-5), n(0), n(-3)),
        "starts E+1": (e(1), e(10), n(2)),
        "ended yesterday": (n(-2), n(3), n(4)),
        "ended long ago": (n(-20), n(-10), n(2)),
    }
    for name, (first, last, at) in refused.items():
        with pytest.raises(ConditionNotMet) as refusal:
            isolated(world, code, first, last, at)
        assert refusal.value.where == code, name
    assert Application.objects.count() == stored


def test_a_request_without_the_document_waits_for_that_health_centre(world: World) -> None:
    """Only the officers of the centre that the voter named see it and answer (requirement 13)."""
    waiting = kakuu.submit(world, "COVID_HOME", kinds=("OMITTED_WITH_REASON",))
    assert waiting.state == State.TO_CONFIRM
    other = offices.office(OfficeKind.HEALTH, "rin-hokenjo", "隣保健所")
    stranger = offices.official("rin-officer", Role.HEALTH_OFFICER, other)
    officer = world.town.health_officer
    assert list(review.to_confirm(officer, world.town.health_centre)) == [waiting]
    assert not review.to_confirm(stranger, other).exists()
    for somebody in (stranger, world.town.clerk, world.town.chair, world.town.attestor):
        with pytest.raises(NotPermitted):
            review.to_confirm(somebody, world.town.health_centre)
    with pytest.raises(NotPermitted):
        review.to_confirm(officer, other)


def test_the_reason_for_no_document_is_needed(world: World) -> None:
    with pytest.raises(RequestInvalid) as refusal:
        submit(
            world.offers["COVID_HOME"],
            with_claim(world, "COVID_HOME", "OMITTED_WITH_REASON", omission=""),
            at=world.n(3),
        )
    assert fields(refusal) == {"omission"}


# Overseas units (requirement 17)


@pytest.mark.parametrize(
    ("told", "at", "taken"),
    [
        (-5, (-3, 17, 0, 0), True),
        (-4, (-3, 17, 0, 0), False),
        (-5, (-3, 17, 0, 1), False),
        (-20, (-6, 12), True),
        (-5, (-6, 12), False),  # told tomorrow
        (-6, (-6, 12), True),
    ],
)
def test_members_tell_their_head_by_e5_and_the_head_asks_by_e3(
    world: World, told: int, at: tuple[int, ...], taken: bool
) -> None:
    made = with_claim(world, "OVERSEAS_UNIT", "UNIT_ROSTER", member_notice_on=world.e(told).date().isoformat())
    head, unit = world.heads[OfficeKind.UNIT], world.places[OfficeKind.UNIT]

    def file() -> list[Application]:
        return submit_for_others(world.offers["OVERSEAS_UNIT"], [made], office=unit, by=head, at=world.e(*at))

    if taken:
        (filed,) = file()
        assert (filed.way, filed.state) == (Way.ATTESTOR, State.REQUESTED)
        return
    with pytest.raises((ConditionNotMet, OutOfTime, RequestInvalid)):
        file()
    nothing_is_stored()


def test_overseas_units_vote_in_every_election(town: Town) -> None:
    world = kakuu.world(town, kind=ElectionKind.CITY, scopes=(Scope.MUNICIPAL,))
    assert kakuu.submit(world, "OVERSEAS_UNIT").state == State.TO_CONFIRM


# Heads (requirement 16)


def residents(world: World, *who: str, code: str = "FACILITY") -> list[Request]:
    return [kakuu.request(world, code, one) for one in who]


def file_for(world: World, made: list[Request], **changes: Any) -> list[Application]:
    how = {"office": world.town.hospital, "by": world.town.attestor, "at": world.n(3), **changes}
    return submit_for_others(world.offers["FACILITY"], made, **how)


def test_a_head_files_for_all_residents(world: World) -> None:
    """They need no further confirmation, and each is on the access log."""
    filed = file_for(world, residents(world, "taro", "hanako", "takahashi"))
    assert [one.elector for one in filed] == [world.electors[who] for who in ("taro", "hanako", "takahashi")]
    assert {(one.way, one.state, one.office) for one in filed} == {(Way.ATTESTOR, State.REQUESTED, world.town.hospital)}
    logged = AccessEntry.objects.filter(act="file-for-others", office=world.town.hospital.name)
    assert sorted(subject for entry in logged for subject in entry.subjects) == sorted(
        one.elector_id or 0 for one in filed
    )


def test_one_bad_row_and_nobody_is_filed(world: World) -> None:
    """Every bad row is named, by its number and field."""
    good = residents(world, "taro", "hanako", "takahashi", "kept")
    good[1] = dataclasses.replace(good[1], sworn=False)
    good[2] = dataclasses.replace(good[2], claims={"FACILITY_ROSTER": {"stay": {"start": "soon"}}})
    with pytest.raises(RequestInvalid) as refusal:
        file_for(world, good)
    assert fields(refusal) == {"2: sworn", "3: stay.start"}
    nothing_is_stored()
    assert not AccessEntry.objects.exists()


def test_a_row_that_does_not_meet_the_condition_is_named(world: World) -> None:
    """One resident leaves before the days of voting: which one?"""
    good = residents(world, "taro", "hanako")
    good[1] = dataclasses.replace(good[1], claims={"FACILITY_ROSTER": {"stay": world.span(world.n(-9), world.n(0))}})
    with pytest.raises(RequestInvalid) as refusal:
        file_for(world, good)
    assert {field.partition(":")[0] for field in fields(refusal)} == {"2"}
    nothing_is_stored()


def test_the_same_person_twice_in_a_list(world: World) -> None:
    with pytest.raises(RequestInvalid) as refusal:
        file_for(world, residents(world, "taro", "hanako", "taro"))
    assert fields(refusal) == {"3"}
    nothing_is_stored()


def test_who_has_applied_already_is_named(world: World) -> None:
    kakuu.submit(world, who="hanako")
    with pytest.raises(RequestInvalid) as refusal:
        file_for(world, residents(world, "taro", "hanako"))
    assert fields(refusal) == {"2"}
    assert Application.objects.count() == 1


def test_a_list_has_an_end(world: World) -> None:
    with pytest.raises(RequestInvalid) as refusal:
        file_for(world, residents(world, "taro") * (MOST_AT_ONCE + 1))
    assert fields(refusal) == {"rows"}
    assert file_for(world, []) == []


def test_a_list_is_for_ones_own_place(world: World) -> None:
    """Another facility's head, the captain, clerks, chairs and the health officer are refused; so is a list for a
    place where one is nobody. What a row says about the place does not count.
    """
    other = offices.office(OfficeKind.FACILITY, "rin-byoin", "隣病院", world.town.prefecture)
    Designation.objects.create(office=other, starts=date(2026, 1, 1))
    stranger = offices.official("rin-attestor", Role.ATTESTOR, other)
    everybody = [one for one in vars(world.town).values() if isinstance(one, Official)]
    for somebody in [*everybody, stranger]:
        if somebody == world.town.attestor:
            continue
        with pytest.raises(NotPermitted):
            file_for(world, residents(world, "taro"), by=somebody)
    with pytest.raises(NotPermitted):
        file_for(world, residents(world, "taro"), office=other)
    nothing_is_stored()
    placed = [dataclasses.replace(one, office=other) for one in residents(world, "taro")]
    assert file_for(world, placed)[0].office == world.town.hospital


def test_a_head_whose_appointment_ended_files_nothing(world: World) -> None:
    world.town.attestor.appointments.update(until=timezone.now())
    with pytest.raises(NotPermitted):
        file_for(world, residents(world, "taro"))


def test_only_categories_of_the_place(world: World) -> None:
    """A hospital files neither for its residents' travels nor for seafarers."""
    for code in ("OTHER_BOARD", "COVID_HOME", "SEAFARER_ONBOARD", "DETENTION"):
        made = [kakuu.request(world, code)]
        with pytest.raises(NotOffered):
            submit_for_others(
                world.offers[code], made, office=world.town.hospital, by=world.town.attestor, at=world.n(3)
            )
    nothing_is_stored()


def test_after_the_designation_nothing_is_filed(world: World) -> None:
    """Its last day still counts; the day before its first does not yet."""
    designation = Designation.objects.get(office=world.town.hospital)
    designation.starts, designation.ends = world.n(2).date(), world.n(5).date()
    designation.save()
    for at in (world.n(1, 23, 59, 59), world.n(6, 0, 0, 0), world.n(6, 12)):
        with pytest.raises(NotOffered, match="not designated"):
            file_for(world, residents(world, "taro"), at=at)
    nothing_is_stored()
    assert file_for(world, residents(world, "taro"), at=world.n(2))
    assert file_for(world, residents(world, "hanako"), at=world.n(5, 23, 59, 59))


def test_residents_of_a_place_that_is_never_designated_cannot_ask(world: World) -> None:
    """Nor can who would leave before it is."""
    Designation.objects.update(starts=world.e(0).date())
    with pytest.raises(ConditionNotMet):
        kakuu.submit(world, "FACILITY")
    Designation.objects.all().delete()
    with pytest.raises(ConditionNotMet):
        kakuu.submit(world, "FACILITY")
    nothing_is_stored()


def test_a_designation_may_begin_later(world: World) -> None:
    """The resident asks before; it covers a day of voting that is still to come."""
    Designation.objects.update(starts=world.e(-1).date())
    assert kakuu.submit(world, "FACILITY", at=world.n(1))


def test_a_head_does_not_see_another_places_applications(world: World) -> None:
    mine = kakuu.submit(world, "FACILITY")
    sea = kakuu.submit(world, "SEAFARER_ONBOARD", "hanako")
    assert list(review.to_confirm(world.town.attestor, world.town.hospital)) == [mine]
    assert list(review.to_confirm(world.town.captain, world.town.ship)) == [sea]
    with pytest.raises(NotPermitted):
        review.to_confirm(world.town.attestor, world.town.ship)
    with pytest.raises(NotPermitted):
        review.confirm(sea, by=world.town.attestor, confirmed=True, starts=world.n(0).date(), ends=world.e(0).date())
    with pytest.raises(NotPermitted):
        review.view(mine, by=world.town.attestor, purpose="照会")


# At the counter


def test_a_clerk_files_at_the_counter(world: World) -> None:
    filed = submit(
        world.offers["OTHER_BOARD"],
        kakuu.request(world, "OTHER_BOARD"),
        at=world.n(3),
        way=Way.COUNTER,
        by=world.town.clerk,
    )
    assert (filed.way, filed.state, filed.elector) == (Way.COUNTER, State.REQUESTED, world.electors["taro"])
    entry = AccessEntry.objects.get()
    assert (entry.official, entry.office, entry.subjects) == ("clerk", world.town.board.name, [filed.elector_id])


def test_at_the_counter_the_head_is_asked_too(world: World) -> None:
    """A telephone call from a resident says no more about the stay than a form does."""
    made = kakuu.request(world, "FACILITY")
    filed = submit(world.offers["FACILITY"], made, at=world.n(3), way=Way.COUNTER, by=world.town.clerk)
    assert filed.state == State.TO_CONFIRM
    assert review.awaits(filed)


def test_nobody_else_files_at_the_counter(world: World) -> None:
    _board, *neighbours = kakuu.neighbour()
    town = world.town
    made = kakuu.request(world, "OTHER_BOARD")
    for somebody in (town.attestor, town.health_officer, town.poll_manager, town.auditor, *neighbours):
        with pytest.raises(NotPermitted):
            submit(world.offers["OTHER_BOARD"], made, at=world.n(3), way=Way.COUNTER, by=somebody)
    for way in (Way.COUNTER, Way.ATTESTOR):
        with pytest.raises(ValueError, match="somebody files"):
            submit(world.offers["OTHER_BOARD"], made, at=world.n(3), way=way)
    nothing_is_stored()


# Correcting and withdrawing


def sent_back(world: World, code: str = "OTHER_BOARD", **how: Any) -> Application:
    return review.send_back(
        kakuu.under_review(world, code, **how), by=world.town.clerk, reason="住所を確認してください"
    )


def test_a_returned_request_is_corrected(world: World) -> None:
    """Everything but its number, time and way is as in the correction; files that came before stay."""
    returned = sent_back(world, "COVID_HOME")
    who = kakuu.applicant(world.electors["taro"], phone="0000", language="en")
    made = with_claim(world, "COVID_HOME", "ISOLATION_ORDER", issuer="架空検疫所")
    fixed = correct(returned, dataclasses.replace(made, applicant=who, files=[]), at=world.n(4))
    fixed.refresh_from_db()
    assert (fixed.state, fixed.phone, fixed.language) == (State.REQUESTED, "0000", "en")
    assert fixed.claims["ISOLATION_ORDER"]["issuer"] == "架空検疫所"
    assert (fixed.reference, fixed.received_at) == (returned.reference, world.n(3, 12))
    assert (fixed.elector, fixed.files.count()) == (world.electors["taro"], 1)


def test_a_correction_is_checked_like_a_request(world: World) -> None:
    returned = sent_back(world, "COVID_HOME")
    good = kakuu.request(world, "COVID_HOME")
    bad: list[tuple[type[Exception], Request]] = [
        (RequestInvalid, dataclasses.replace(good, sworn=False)),
        (FileRefused, dataclasses.replace(good, files=[("ISOLATION_ORDER", b"x")])),
        (EvidenceMissing, dataclasses.replace(good, claims=kakuu.claims(world, "SWORN"))),
        (
            ConditionNotMet,
            with_claim(world, "COVID_HOME", "ISOLATION_ORDER", period=world.span(world.n(-9), world.n(0))),
        ),
    ]
    for error, made in bad:
        with pytest.raises(error):
            correct(returned, made, at=world.n(4))
    with pytest.raises(OutOfTime):
        correct(returned, good, at=world.e(-1, 12, 0, 1))
    returned.refresh_from_db()
    assert (returned.state, returned.files.count()) == (State.SENT_BACK, 1)


def test_only_what_was_returned_is_corrected(world: World) -> None:
    made = kakuu.request(world, "OTHER_BOARD")
    application = kakuu.submit(world)
    for step in (lambda: None, lambda: review.take_up(application, by=world.town.clerk), lambda: withdraw(application)):
        step()
        with pytest.raises(WrongState):
            correct(application, made, at=world.n(4))


def test_who_becomes_somebody_else_is_looked_at_again(world: World) -> None:
    returned = sent_back(world)
    other = kakuu.applicant(world.electors["hanako"])
    fixed = correct(returned, kakuu.request(world, "OTHER_BOARD", applicant=other), at=world.n(4))
    assert fixed.elector != world.electors["taro"]


def test_a_correction_that_the_roll_knows_is_known(world: World) -> None:
    """A slip in the address, returned for it, put right: no official has to match it by hand (requirement 8)."""
    slip = kakuu.applicant(world.electors["taro"], address="架空市中央9-9-9")
    returned = sent_back(world, applicant=slip)
    assert returned.elector is None
    assert correct(returned, kakuu.request(world, "OTHER_BOARD"), at=world.n(4)).elector == world.electors["taro"]


def test_a_correction_into_somebody_who_has_applied_says_nothing(world: World) -> None:
    first = kakuu.submit(world)
    slip = kakuu.applicant(world.electors["taro"], address="架空市中央9-9-9")
    fixed = correct(sent_back(world, applicant=slip), kakuu.request(world, "OTHER_BOARD"), at=world.n(4))
    assert (first.elector, fixed.elector, fixed.state) == (world.electors["taro"], None, State.REQUESTED)


def test_a_correction_in_time_is_judged_by_when_the_request_came(world: World) -> None:
    """The law asks whether the isolation lasts when the request arrives (3条2項), and it did."""
    made = with_claim(world, "COVID_HOME", "ISOLATION_ORDER", period=world.span(world.n(0), world.n(3)))
    first = submit(world.offers["COVID_HOME"], made, at=world.n(3, 12))
    review.take_up(first, by=world.town.clerk)
    returned = review.send_back(first, by=world.town.clerk, reason="写真が読めません")
    assert correct(returned, made, at=world.n(4)).state == State.REQUESTED


def test_a_confirmation_ends_with_what_was_confirmed(world: World) -> None:
    """Confirmed as one person, corrected to another: the yes was not about them."""
    returned = sent_back(world, "COVID_HOME", kinds=("OMITTED_WITH_REASON",))
    made = kakuu.request(world, "COVID_HOME", "hanako", kinds=("OMITTED_WITH_REASON",))
    fixed = correct(returned, made, at=world.n(4))
    fixed.refresh_from_db()
    assert fixed.state == State.TO_CONFIRM
    officer, first, last = world.town.health_officer, world.n(0).date(), world.e(0).date()
    review.confirm(fixed, by=officer, confirmed=True, starts=first, ends=last)


def test_who_has_no_document_after_all_waits_for_the_health_centre(world: World) -> None:
    """Returned because the photo cannot be read, corrected to "no document": requirement 13 holds then, too."""
    returned = sent_back(world, "COVID_HOME")
    made = kakuu.request(world, "COVID_HOME", kinds=("OMITTED_WITH_REASON",))
    correct(returned, made, at=world.n(4))
    assert review.to_confirm(world.town.health_officer, world.town.health_centre).count() == 1


def test_the_voter_withdraws_until_it_is_decided(world: World) -> None:
    for application in (
        kakuu.submit(world),
        kakuu.submit(world, "FACILITY", "hanako"),
        kakuu.under_review(world, who="takahashi"),
        sent_back(world, who="kept"),
    ):
        assert withdraw(application).state == State.WITHDRAWN
    issued = kakuu.issued(world)
    with pytest.raises(WrongState):
        withdraw(issued)
    issued.refresh_from_db()
