"""The officials' pages around applications: who gets in where, what each button does, and what stays on the record."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from tests.voting import kakuu, offices
from tests.voting.applications.test_files import JPEG, pdf
from tests.voting.kakuu import World
from tests.voting.offices import Town
from voting.access.models import AccessEntry
from voting.access.services import check_log
from voting.applications import queue, review, spreadsheets
from voting.applications.models import Application, Category, Confirmation, Evidence, Offer, StateChange
from voting.applications.queue import Wanted
from voting.applications.requests import withdraw
from voting.applications.states import OPEN, State
from voting.officials.models import Designation, Official, Proposal
from voting.officials.roles import Act, OfficeKind
from voting.officials.services import approve, pending
from voting.roll.models import Vote

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_english(settings: Any, tmp_path: Path) -> None:
    """The texts as they stand in the code."""
    settings.LANGUAGE_CODE = "en"
    settings.EVIDENCE_KEY_FILE = tmp_path / "evidence.key"


@pytest.fixture
def world(town: Town) -> World:
    """Notice day was three days ago, the poll is in four."""
    today = timezone.localdate()
    return kakuu.world(town, notice=today - timedelta(days=3), election_day=today + timedelta(days=4))


@pytest.fixture
def early(town: Town) -> World:
    """Notice day is still to come."""
    today = timezone.localdate()
    return kakuu.world(town, notice=today + timedelta(days=10), election_day=today + timedelta(days=17))


def logged_in(official: Official, **how: Any) -> Client:
    client = Client(headers={"accept-language": "en"}, **how)
    client.force_login(official)
    return client


def submit(of: World, code: str = "OTHER_BOARD", who: str = "", **how: Any) -> Application:
    return kakuu.submit(of, code, who, at=of.n(1, 12), **how)


def under_review(of: World, code: str = "OTHER_BOARD", who: str = "", **how: Any) -> Application:
    return kakuu.under_review(of, code, who, at=of.n(1, 12), **how)


def issued(of: World, who: str = "") -> Application:
    return review.approve(under_review(of, who=who), by=of.town.chair)


def unmatched(of: World, who: str = "taro") -> Application:
    """Under review; the address is another than on the roll."""
    there = kakuu.applicant(of.electors[who], address="架空市どこか")
    return under_review(of, applicant=there)


def to_confirm(of: World, who: str = "") -> Application:
    return submit(of, "COVID_HOME", who, kinds=("OMITTED_WITH_REASON",))


def page(application: Application) -> str:
    return reverse("admin:applications_application_change", args=[application.pk])


def act(application: Application, name: str) -> str:
    return reverse("admin:applications_application_act", args=[application.pk, name])


def fresh(application: Application) -> Application:
    return Application.objects.get(pk=application.pk)


def text(response: Any) -> str:
    return str(response.content.decode())


# Who gets in where

QUEUE, WAITING = "admin:applications_application_changelist", "admin:applications_confirmation_waiting"
ROLES: Mapping[str, frozenset[str]] = {
    "queue": frozenset({"clerk", "chair"}),
    "page": frozenset({"clerk", "chair"}),
    "match": frozenset({"clerk", "chair"}),
    "evidence": frozenset({"clerk", "chair"}),
    "waiting": frozenset({"health_officer"}),
    "csv": frozenset({"health_officer"}),
    "api": frozenset({"health_officer"}),
    "place": frozenset({"attestor"}),
    "file": frozenset({"attestor"}),
    "sheet": frozenset({"attestor"}),
    "categories": frozenset(
        "clerk chair poll_manager poll_witness auditor health_officer attestor captain prefecture_clerk "
        "system_admin rin".split()
    ),
    "offers": frozenset({"clerk", "chair", "poll_manager", "poll_witness", "auditor"}),
}
"""Page → who sees it."""
NOT_FOUND = {
    *((name, "rin") for name in ("page", "match", "evidence", "offers")),
    *(("offers", who) for who in ("health_officer", "attestor", "captain", "prefecture_clerk", "system_admin")),
    *((name, "captain") for name in ("place", "file", "sheet")),
}
"""Who has such a page, but not this one: whether it exists is not said."""
OWN_LIST = {("queue", "rin")}
"""A list without anything of somebody else's."""
PEOPLE = (
    "clerk chair poll_manager poll_witness auditor health_officer attestor captain prefecture_clerk system_admin"
).split()


@pytest.mark.parametrize("name", ROLES)
def test_each_page_is_for_its_roles_only(world: World, name: str) -> None:
    """Every role at every page; the clerk of another municipality; nobody."""
    application = unmatched(world)
    submit(world, "COVID_HOME", "hanako")
    addresses = {
        "queue": reverse(QUEUE),
        "page": page(application),
        "match": reverse("admin:applications_application_match", args=[application.pk]),
        "evidence": reverse("admin:applications_application_evidence", args=[Evidence.objects.get().identifier]),
        "waiting": reverse(WAITING),
        "csv": reverse("admin:applications_confirmation_csv"),
        "api": "/office/api/confirmations/",
        "place": reverse("admin:applications_confirmation_place", args=[world.town.hospital.pk]),
        "file": reverse(
            "admin:applications_confirmation_file", args=[world.town.hospital.pk, world.offers["FACILITY"].pk]
        ),
        "sheet": reverse(
            "admin:applications_confirmation_sheet", args=[world.town.hospital.pk, world.offers["FACILITY"].pk]
        ),
        "categories": reverse("admin:applications_category_changelist"),
        "offers": reverse("admin:applications_offer_of", args=[world.election.pk]),
    }
    _board, rin, _chair = kakuu.neighbour()
    officials = {who: getattr(world.town, who) for who in PEOPLE} | {"rin": rin}
    for who, official in officials.items():
        expected = 404 if (name, who) in NOT_FOUND else 200 if who in ROLES[name] or (name, who) in OWN_LIST else 403
        response = logged_in(official).get(addresses[name])
        assert response.status_code == expected, who
        assert application.reference.encode() not in response.content or who in ROLES[name], who
    nobody = Client().get(addresses[name])
    assert nobody.status_code == (403 if name == "api" else 302)


ACTS = ("take-up", "send-back", "reject", "approve", "give-back", "replace")


@pytest.mark.parametrize("name", ACTS)
def test_nobody_else_acts(world: World, name: str) -> None:
    """A clerk decides nothing, other roles and other boards do nothing, and nothing happens without a token."""
    application = issued(world) if name in ("give-back", "replace") else under_review(world)
    before = fresh(application).state, StateChange.objects.count(), Proposal.objects.count()
    _board, _clerk, rin_chair = kakuu.neighbour()
    given = {"reason": "理由", "ground": "late"}
    for who in PEOPLE:
        if who in ("chair", "clerk"):
            continue
        assert logged_in(getattr(world.town, who)).post(act(application, name), given).status_code == 403, who
    assert logged_in(rin_chair).post(act(application, name), given).status_code == 404
    assert Client().post(act(application, name), given).status_code == 302
    assert logged_in(world.town.chair, enforce_csrf_checks=True).post(act(application, name), given).status_code == 403
    assert logged_in(world.town.chair).get(act(application, name)).status_code == 405
    if name in ("approve", "reject"):
        assert logged_in(world.town.clerk).post(act(application, name), given).status_code == 403
    assert (fresh(application).state, StateChange.objects.count(), Proposal.objects.count()) == before


def test_there_is_no_editing_of_rows(world: World) -> None:
    """No page adds, changes or deletes an application as a row of a table."""
    application = submit(world)
    chair = logged_in(world.town.chair)
    for path in ("add/", f"{application.pk}/delete/", f"{application.pk}/history/"):
        assert chair.get(reverse(QUEUE) + path).status_code == 404
    assert chair.post(page(application), {"state": "issued", "name": "別人"}).status_code == 200
    assert fresh(application).state == State.REQUESTED and fresh(application).name == application.name


# The queue


def test_the_queue_shows_what_is_open_the_oldest_first(world: World) -> None:
    """Decided ones are in their own tab, with counts over all of them."""
    late = kakuu.submit(world, who="hanako", at=world.n(2, 9))
    first = submit(world)
    withdraw(submit(world, who="takahashi"))
    seen = text(logged_in(world.town.clerk).get(reverse(QUEUE)))
    assert seen.index(first.reference) < seen.index(late.reference)
    assert "架空　花子" in seen and "橋　一郎" not in seen
    assert 'aria-current="page">to be decided <span>2</span>' in seen
    assert "withdrawn by the voter <span>1</span>" in seen and "all <span>3</span>" in seen
    withdrawn = text(logged_in(world.town.clerk).get(reverse(QUEUE), {"state": "withdrawn"}))
    assert "橋　一郎" in withdrawn and first.reference not in withdrawn


@pytest.mark.parametrize("typed", ["高橋", "髙橋", "高橋　一郎", "たかはし", "ﾀｶﾊｼ", "4321", "０３-4321"])
def test_people_are_found_as_they_are_typed(world: World, typed: str) -> None:
    """Variants of characters, readings, widths, the last digits of a telephone; in whatever state."""
    person = kakuu.applicant(world.electors["takahashi"], kana="タカハシ　イチロウ", phone="000-03-4321")
    application = submit(world, applicant=person)
    withdraw(application)
    submit(world, who="hanako")
    seen = text(logged_in(world.town.clerk).get(reverse(QUEUE), {"q": typed}))
    assert application.reference in seen and "花子" not in seen


def test_a_reference_is_found_in_any_writing(world: World) -> None:
    application = submit(world)
    submit(world, who="hanako")
    typed = application.reference.replace("-", " ").lower()
    seen = text(logged_in(world.town.clerk).get(reverse(QUEUE), {"q": typed}))
    assert application.reference in seen and "花子" not in seen


def test_too_few_digits_find_nobody_by_telephone(world: World) -> None:
    submit(world, applicant=kakuu.applicant(world.electors["taro"], phone="000-1111-1111"))
    assert "There are none." in text(logged_in(world.town.clerk).get(reverse(QUEUE), {"q": "111"}))


def test_filters(world: World) -> None:
    """By election, category, and whether the applicant was found."""
    unmatched(world)
    covid = submit(world, "COVID_HOME", "hanako")
    clerk = logged_in(world.town.clerk)
    for query in (
        {"category": "COVID_HOME"},
        {"matched": "yes"},
        {"election": world.election.pk, "category": "COVID_HOME"},
    ):
        seen = text(clerk.get(reverse(QUEUE), query))
        assert covid.reference in seen and "太郎" not in seen
    assert "There are none." in text(clerk.get(reverse(QUEUE), {"election": world.election.pk + 1}))


@pytest.mark.parametrize(
    "bad", [{"election": "x'"}, {"state": "none"}, {"page": "zz"}, {"matched": "1"}, {"election": "9" * 400}]
)
def test_senseless_queries_are_no_error(world: World, bad: dict[str, str]) -> None:
    submit(world)
    assert logged_in(world.town.clerk).get(reverse(QUEUE), bad).status_code == 200


def test_the_next_step_says_whose_turn_it_is(world: World) -> None:
    waiting, found = to_confirm(world), under_review(world, who="hanako")
    lost = unmatched(world, "twin")
    asked = issued(world, "takahashi")
    review.ask_to_give_back(asked, by=world.town.clerk, reason="紛失")
    rows = queue.lines(queue.with_last_step(Application.objects.all()))
    steps = {row.application.pk: str(row.next_step) for row in rows}
    assert steps[waiting.pk] == "架空保健所 confirms"
    assert steps[found.pk] == "The chair decides"
    assert steps[lost.pk] == "Find the applicant on the roll"
    assert steps[asked.pk].startswith("A second official decides")


def test_time_left_is_told_and_urgent_in_the_last_day(world: World) -> None:
    submit(world)
    rows = queue.with_last_step(Application.objects.all())
    (calm,) = queue.lines(rows, world.e(-3, 12))
    (urgent,) = queue.lines(rows, world.e(-1, 12))
    (over,) = queue.lines(rows, world.e(0, 12))
    assert not calm.urgent and urgent.urgent
    assert urgent.left.replace("\xa0", " ") == "8 hours" and over.left == "voting is over"


def test_the_queue_asks_as_much_for_two_hundred_as_for_two(world: World) -> None:
    """No query for each row."""
    clerk = logged_in(world.town.clerk)
    base = submit(world)
    submit(world, who="hanako")

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as counted:
            assert clerk.get(reverse(QUEUE)).status_code == 200
        return len(counted)

    queries()
    before = queries()
    copies = [Application(**_copied(base), reference=f"TEST-{number:04}") for number in range(200)]
    Application.objects.bulk_create(copies)
    assert queries() == before
    assert "page 1 of 5" in text(clerk.get(reverse(QUEUE)))


def _copied(application: Application) -> dict[str, Any]:
    left_out = ("id", "reference", "elector")
    fields = [field for field in Application._meta.concrete_fields if field.name not in left_out]
    return {field.attname: getattr(application, field.attname) for field in fields}


# One application


def test_the_page_has_all_that_a_reviewer_needs(world: World) -> None:
    """Claims with labels, dates in both calendars, the roll beside them, steps and messages."""
    person = kakuu.applicant(world.electors["takahashi"], name="高橋 一郎", kana="タカハシ ジロウ")
    application = review.take_up(submit(world, "COVID_HOME", applicant=person), by=world.town.clerk)
    seen = text(logged_in(world.town.chair).get(page(application)))
    for part in (
        "First and last day on which you are asked to stay in",
        "昭和55年4月1日 (1980-04-01)",
        "same, written with other characters",
        "DIFFERENT",
        "taken up for review",
        world.town.clerk.name,
        "令和3年法律第82号",
        "We have received your application.",
        "Opening it is logged.",
        "Deadline on paper",
    ):
        assert part in seen, part


@pytest.mark.parametrize(
    ("who", "state", "expected"),
    [
        ("clerk", State.REQUESTED, {"take-up"}),
        ("clerk", State.UNDER_REVIEW, {"send-back"}),
        ("chair", State.UNDER_REVIEW, {"send-back", "reject", "approve"}),
        ("clerk", State.ISSUED, {"give-back"}),
        ("clerk", State.WITHDRAWN, set()),
    ],
)
def test_only_the_buttons_that_work_now_are_there(world: World, who: str, state: State, expected: set[str]) -> None:
    application = submit(world)
    if state is State.WITHDRAWN:
        withdraw(application)
    elif state is not State.REQUESTED:
        review.take_up(application, by=world.town.clerk)
    if state is State.ISSUED:
        review.approve(application, by=world.town.chair)
    seen = text(logged_in(getattr(world.town, who)).get(page(application)))
    assert {name for name in ACTS if f'action="{act(application, name)}"' in seen} == expected
    assert ("/letter/print/" in seen) is (state is State.ISSUED)


def test_who_is_not_found_cannot_be_approved(world: World) -> None:
    """No button, and no way past it."""
    application = unmatched(world)
    chair = logged_in(world.town.chair)
    seen = text(chair.get(page(application)))
    assert act(application, "approve") not in seen and "Look for the applicant on the roll" in seen
    refused = chair.post(act(application, "approve"))
    assert refused.status_code == 409 and "Nobody on the roll" in text(refused)


def test_an_approval_marks_the_roll_and_tells_the_voter(world: World) -> None:
    application = under_review(world)
    response = logged_in(world.town.chair).post(act(application, "approve"), follow=True)
    assert response.redirect_chain == [(page(application), 302)]
    assert "The ballot is issued" in text(response)
    assert fresh(application).state == State.ISSUED
    world.electors["taro"].refresh_from_db()
    assert world.electors["taro"].vote == Vote.ISSUED
    assert "Your application was approved" in text(response)


def test_a_second_click_does_nothing(world: World) -> None:
    """The page says why, and the first one stands."""
    application = under_review(world)
    chair = logged_in(world.town.chair)
    chair.post(act(application, "approve"))
    changes = StateChange.objects.count()
    again = chair.post(act(application, "approve"))
    assert again.status_code == 409 and "This cannot happen to an application that is: ballot issued." in text(again)
    assert StateChange.objects.count() == changes


def test_taking_up_returning_and_rejecting(world: World) -> None:
    """Reasons are needed, and come back with the page when something else is missing."""
    application, clerk, chair = submit(world), logged_in(world.town.clerk), logged_in(world.town.chair)
    assert clerk.post(act(application, "take-up")).status_code == 302
    missing = clerk.post(act(application, "send-back"), {"reason": " "})
    assert missing.status_code == 200 and "Give a reason." in text(missing)
    without_ground = chair.post(act(application, "reject"), {"reason": "写しが読めない"})
    assert without_ground.status_code == 200 and "Choose a legal ground." in text(without_ground)
    assert "写しが読めない</textarea>" in text(without_ground)
    too_long = clerk.post(act(application, "send-back"), {"reason": "長" * 901})
    assert too_long.status_code == 200 and fresh(application).state == State.UNDER_REVIEW
    chair.post(act(application, "reject"), {"reason": "写しが読めない", "ground": "evidence"})
    rejected = StateChange.objects.get(application=application, after=State.REJECTED)
    assert rejected.ground == "evidence" and rejected.official == world.town.chair

    other = under_review(world, who="hanako")
    clerk.post(act(other, "send-back"), {"reason": "生年月日を確かめてください"})
    assert fresh(other).state == State.SENT_BACK


def test_approving_without_the_confirmation_takes_a_reason(world: World) -> None:
    """Requirement 13: an official can decide without the health centre, and says why."""
    application = review.take_up(to_confirm(world), by=world.town.clerk)
    chair = logged_in(world.town.chair)
    seen = text(chair.get(page(application)))
    assert "approving needs a reason" in seen and "Reason (needed)" in seen
    assert chair.post(act(application, "approve")).status_code == 200
    chair.post(act(application, "approve"), {"reason": "保健所に電話で確認"})
    assert fresh(application).state == State.ISSUED


def test_cancelling_takes_two(world: World) -> None:
    application = issued(world)
    clerk = logged_in(world.town.clerk)
    clerk.post(act(application, "give-back"), {"reason": "投票所で投票"})
    seen = text(clerk.get(page(application)))
    assert "Waits for a second official" in seen and act(application, "give-back") not in seen
    again = clerk.post(act(application, "give-back"), {"reason": "投票所で投票"})
    assert again.status_code == 409
    approve(pending(world.town.second_clerk).get(), by=world.town.second_clerk)
    assert fresh(application).state == State.GIVEN_BACK


def test_a_lost_device_that_was_never_registered(world: World) -> None:
    """There is nothing to replace: a letter is enough."""
    application = issued(world)
    refused = logged_in(world.town.clerk).post(act(application, "replace"), {"reason": "紛失"})
    assert refused.status_code == 409 and "a letter is enough" in text(refused)


def test_unknown_acts_do_not_exist(world: World) -> None:
    assert logged_in(world.town.chair).post(act(submit(world), "tally")).status_code == 404


def test_nothing_that_a_voter_types_becomes_markup(world: World) -> None:
    """Names, addresses and claims are texts on every page that shows them."""
    nasty = "<script>alert(1)</script>\"'><img src=x>"
    person = kakuu.applicant(world.electors["taro"], name=nasty, kana=nasty, address=nasty, staying_at=nasty)
    claims = kakuu.claims(world, "OMITTED_WITH_REASON")
    claims["OMITTED_WITH_REASON"] |= {"omission": nasty, "issuer": nasty}
    application = submit(world, "COVID_HOME", kinds=("OMITTED_WITH_REASON",), applicant=person, claims=claims)
    clerk, nurse = logged_in(world.town.clerk), logged_in(world.town.health_officer)
    match = reverse("admin:applications_application_match", args=[application.pk])
    pages = [clerk.get(reverse(QUEUE), {"q": nasty}), clerk.get(page(application)), clerk.get(match, {"q": nasty})]
    pages += [
        nurse.get(reverse(WAITING)),
        logged_in(world.town.chair).post(act(application, "reject"), {"reason": nasty}),
    ]
    for response in pages:
        assert "&lt;script&gt;" in text(response)
        assert "<script>alert" not in text(response) and "<img src=x" not in text(response)


def test_pages_are_not_kept_and_nothing_inline_is_needed(world: World) -> None:
    """No store, and no inline script or style that the policy would refuse."""
    application = unmatched(world)
    to_confirm(world, "hanako")
    clerk = logged_in(world.town.clerk)
    match = reverse("admin:applications_application_match", args=[application.pk])
    offered = reverse("admin:applications_offer_of", args=[world.election.pk])
    pages = [clerk.get(address) for address in (reverse(QUEUE), page(application), match, offered)]
    pages += [clerk.get(reverse("admin:applications_category_changelist"))]
    pages += [logged_in(world.town.health_officer).get(reverse(WAITING))]
    for response in pages:
        assert "no-store" in response["Cache-Control"]
        assert "default-src 'self'" in response["Content-Security-Policy"]
        assert "<style" not in text(response) and " style=" not in text(response) and "<script>" not in text(response)
        assert " onclick=" not in text(response) and " onchange=" not in text(response)


# On the record


def test_every_look_is_on_the_record_without_names(world: World) -> None:
    """Who, at which office, about whom; the log is a chain, and no search or name is in it."""
    application = under_review(world)
    elector = world.electors["taro"].pk
    clerk = logged_in(world.town.clerk)
    expected = [
        (reverse(QUEUE), Act.VIEW_APPLICATIONS, "list of applications"),
        (f"{reverse(QUEUE)}?q=太郎", Act.VIEW_APPLICATIONS, "list of applications"),
        (page(application), Act.VIEW_APPLICATIONS, f"{application.reference}: looked at"),
    ]
    for address, what, purpose in expected:
        before = AccessEntry.objects.count()
        clerk.get(address)
        entry = AccessEntry.objects.get(index=before)
        assert AccessEntry.objects.count() == before + 1
        assert (entry.official, entry.office, entry.act) == ("clerk", str(world.town.board), what)
        assert entry.purpose == purpose and entry.subjects == [elector]
    assert not AccessEntry.objects.filter(purpose__contains="太郎").exists()
    check_log()


def test_looking_for_candidates_is_a_step_of_its_own(world: World) -> None:
    """The page of an application shows nobody of the roll; the list of candidates does, and says so in the log."""
    application = unmatched(world)
    clerk = logged_in(world.town.clerk)
    assert world.electors["taro"].list_number not in text(clerk.get(page(application)))
    before = AccessEntry.objects.count()
    seen = text(clerk.get(reverse("admin:applications_application_match", args=[application.pk])))
    assert world.electors["taro"].list_number in seen
    entry = AccessEntry.objects.get(index=before)
    assert entry.act == Act.VIEW_ROLL and world.electors["taro"].pk in entry.subjects


# Matching


def match_address(application: Application) -> str:
    return reverse("admin:applications_application_match", args=[application.pk])


def test_a_match_by_hand_takes_two(world: World) -> None:
    application = unmatched(world)
    clerk = logged_in(world.town.clerk)
    given = {"elector": world.electors["taro"].pk, "reason": "転居前の住所"}
    assert clerk.post(match_address(application), given).status_code == 302
    assert fresh(application).elector is None
    approve(pending(world.town.second_clerk).get(), by=world.town.second_clerk)
    assert fresh(application).elector == world.electors["taro"]


def test_a_match_needs_a_row_of_this_election_and_a_reason(world: World) -> None:
    application, clerk = unmatched(world), logged_in(world.town.clerk)
    elsewhere = kakuu.world(world.town, slug="other").electors["taro"]
    for elector in ("", "0", "x", str(elsewhere.pk)):
        refused = clerk.post(match_address(application), {"elector": elector, "reason": "同じ人"})
        assert refused.status_code == 200 and "Choose a row of the roll." in text(refused)
    refused = clerk.post(match_address(application), {"elector": world.electors["taro"].pk, "reason": ""})
    assert refused.status_code == 200 and "Give a reason." in text(refused)
    assert not Proposal.objects.exists()


def test_others_can_be_looked_for_on_the_roll(world: World) -> None:
    """Somebody who married is not among those who look alike; a search finds them, on the record."""
    application, clerk = unmatched(world), logged_in(world.town.clerk)
    seen = text(clerk.get(match_address(application), {"q": "髙橋"}))
    assert world.electors["takahashi"].list_number in seen
    assert AccessEntry.objects.order_by("index").last().purpose.endswith("looked for on the roll")  # type: ignore[union-attr]


# Evidence


@pytest.mark.parametrize(
    ("data", "media", "how"), [(JPEG, "image/jpeg", "inline"), (pdf(), "application/pdf", "attachment")]
)
def test_a_file_is_shown_harmlessly(world: World, data: bytes, media: str, how: str) -> None:
    """Under the type that was found, sandboxed, never stored; a PDF as a download; each look is logged."""
    application = submit(world, "COVID_HOME", files=[("ISOLATION_ORDER", data)])
    file = Evidence.objects.get()
    before = AccessEntry.objects.filter(act=Act.VIEW_EVIDENCE).count()
    response = logged_in(world.town.clerk).get(
        reverse("admin:applications_application_evidence", args=[file.identifier])
    )
    assert response.content == data and response["Content-Type"] == media
    assert response["Content-Disposition"].startswith(f'{how}; filename="{application.reference}-')
    assert response["X-Content-Type-Options"] == "nosniff" and "no-store" in response["Cache-Control"]
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert AccessEntry.objects.filter(act=Act.VIEW_EVIDENCE).count() == before + 1


def test_a_deleted_file_is_gone(world: World) -> None:
    application = submit(world, "COVID_HOME")
    Evidence.objects.update(deleted_at=timezone.now(), key_sealed=None, ciphertext=None)
    address = reverse("admin:applications_application_evidence", args=[Evidence.objects.get().identifier])
    response = logged_in(world.town.clerk).get(address)
    assert response.status_code == 409 and "The file was deleted." in text(response)
    assert address not in text(logged_in(world.town.clerk).get(page(application)))


# Health centres


def answer(application: Application) -> str:
    return reverse("admin:applications_confirmation_answer", args=[application.pk])


def period(of: World) -> dict[str, str]:
    return {"from": of.n(-2).date().isoformat(), "until": of.e(2).date().isoformat()}


def test_a_health_officer_sees_what_is_needed_and_nothing_else(world: World) -> None:
    application = to_confirm(world)
    submit(world, "COVID_HOME", "hanako")
    seen = text(logged_in(world.town.health_officer).get(reverse(WAITING)))
    assert application.reference in seen and "太郎" in seen and "昭和55年4月1日" in seen
    assert "花子" not in seen
    for hidden in (application.address, application.email, "外出できない"):
        assert hidden not in seen


def test_yes_and_no(world: World) -> None:
    yes, no = to_confirm(world), to_confirm(world, "hanako")
    nurse = logged_in(world.town.health_officer)
    assert nurse.post(answer(yes), {"confirmed": "yes", **period(world)}).status_code == 302
    assert nurse.post(answer(no), {"confirmed": "no"}).status_code == 302
    assert Confirmation.objects.get(application=yes).starts == world.n(-2).date()
    assert not Confirmation.objects.get(application=no).confirmed
    again = nurse.post(answer(yes), {"confirmed": "no"})
    assert again.status_code == 409 and "This cannot happen" in text(again)


@pytest.mark.parametrize(
    "given",
    [{}, {"confirmed": "perhaps"}, {"confirmed": "yes"}, {"confirmed": "yes", "from": "2026-13-01", "until": "x"}],
)
def test_half_an_answer_is_none(world: World, given: dict[str, str]) -> None:
    application = to_confirm(world)
    response = logged_in(world.town.health_officer).post(answer(application), given)
    assert response.status_code == 200 and "Nothing was recorded" in text(response)
    assert fresh(application).state == State.TO_CONFIRM


def test_another_health_centre_confirms_nothing(world: World) -> None:
    application = to_confirm(world)
    far = offices.office(OfficeKind.HEALTH, "far", "遠方保健所")
    stranger = offices.official("far-nurse", offices.Role.HEALTH_OFFICER, far)
    assert logged_in(stranger).post(answer(application), {"confirmed": "yes", **period(world)}).status_code == 404
    assert application.reference not in text(logged_in(stranger).get(reverse(WAITING)))
    assert logged_in(world.town.attestor).post(answer(application), {"confirmed": "no"}).status_code == 404
    assert fresh(application).state == State.TO_CONFIRM


def fetched(client: Client) -> list[dict[str, str]]:
    response = client.get(reverse("admin:applications_confirmation_csv"))
    assert response["Content-Type"].startswith("text/csv") and "attachment" in response["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def sent(client: Client, rows: list[dict[str, str]], encoding: str = "utf-8-sig") -> Any:
    table = io.StringIO()
    writer = csv.DictWriter(table, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    file = SimpleUploadedFile("answers.csv", table.getvalue().encode(encoding))
    return client.post(reverse("admin:applications_confirmation_upload"), {"file": file}, follow=True)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932"])
def test_the_table_comes_back_filled_in(world: World, encoding: str) -> None:
    """Yes, no in Japanese, and one left for later; as Excel saves it."""
    yes, no, later = (to_confirm(world, who) for who in ("taro", "hanako", "takahashi"))
    nurse = logged_in(world.town.health_officer)
    rows = {row["reference"]: row for row in fetched(nurse)}
    assert rows[yes.reference]["from"] == world.n(-60).date().isoformat()
    rows[yes.reference]["confirmed"], rows[no.reference]["confirmed"] = "yes", "いいえ"
    assert "Answers recorded: 2." in text(sent(nurse, list(rows.values()), encoding))
    states = {one.pk: fresh(one).state for one in (yes, no, later)}
    assert states == {yes.pk: State.REQUESTED, no.pk: State.REQUESTED, later.pk: State.TO_CONFIRM}


def test_one_bad_row_stops_all_and_every_fault_is_named(world: World) -> None:
    good, bad = to_confirm(world), to_confirm(world, "hanako")
    nurse = logged_in(world.town.health_officer)
    rows = [row | {"confirmed": "yes"} for row in fetched(nurse)]
    rows[1]["until"] = "昨日"
    rows.append(rows[0] | {"reference": "ZZZZ-ZZZZ"})
    rows.append(rows[0])
    seen = text(sent(nurse, rows))
    assert "3: until" in seen and "4: reference" in seen and "5: " in seen
    assert fresh(good).state == fresh(bad).state == State.TO_CONFIRM and not Confirmation.objects.exists()


def test_no_name_becomes_a_formula(world: World) -> None:
    person = kakuu.applicant(world.electors["taro"], name="=HYPERLINK(1)")
    submit(world, "COVID_HOME", kinds=("OMITTED_WITH_REASON",), applicant=person)
    (row,) = fetched(logged_in(world.town.health_officer))
    assert row["name"] == "'=HYPERLINK(1)"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"reference,confirmed\nA,yes\n", "until: This column is missing."),
        (b"", "Choose a file."),
        (b"reference,confirmed,from,until,from\n", "This column comes twice."),
        (b"\xff\xfe\x00", "Nothing was recorded"),
        (b"reference,confirmed,from,until\n" + b"A,no,,\n" * 501, "At most 500 rows"),
        (b"reference,confirmed,from,until\n" + b"x" * spreadsheets.LARGEST_UPLOAD, "larger than 1 MB"),
        (b"reference,confirmed,from,until\nA,,,\n", "No row has an answer."),
    ],
)
def test_a_table_that_is_none_is_refused(world: World, data: bytes, says: str) -> None:
    file = {"file": SimpleUploadedFile("a.csv", data)} if data else {}
    response = logged_in(world.town.health_officer).post(reverse("admin:applications_confirmation_upload"), file)
    assert response.status_code == 200 and says in text(response)


API = "/office/api/confirmations/"


def test_programs_confirm_too(world: World) -> None:
    """The same list and the same answers, with the session and a token."""
    application = to_confirm(world)
    nurse = logged_in(world.town.health_officer)
    (waiting,) = nurse.get(API).json()
    assert waiting["reference"] == application.reference and set(waiting) == {
        "reference", "name", "birth", "issuer", "from", "until",
    }  # fmt: skip
    given = {"reference": application.reference, "confirmed": "yes", **period(world)}
    assert nurse.post(API, given | {"until": "x"}, "application/json").status_code == 400
    assert nurse.post(API, given | {"reference": "no"}, "application/json").status_code == 404
    assert nurse.post(API, [1], "application/json").status_code == 404
    assert nurse.post(API, given).status_code == 415
    response = nurse.post(API, given, "application/json")
    assert response.status_code == 201 and response["Cache-Control"] == "no-store"
    again = nurse.post(API, given, "application/json")
    assert again.status_code == 409 and again.json()["code"] == "wrong-state"
    assert fresh(application).state == State.REQUESTED


def test_programs_need_a_token_and_the_role(world: World) -> None:
    application = to_confirm(world)
    given = {"reference": application.reference, "confirmed": "no"}
    strict = logged_in(world.town.health_officer, enforce_csrf_checks=True)
    assert strict.post(API, given, "application/json").status_code == 403
    for who in ("clerk", "chair", "attestor", "auditor"):
        assert logged_in(getattr(world.town, who)).post(API, given, "application/json").status_code == 403
    assert fresh(application).state == State.TO_CONFIRM


# Heads of facilities, ships and units


def filing(of: World, code: str = "FACILITY") -> str:
    return reverse("admin:applications_confirmation_file", args=[of.town.hospital.pk, of.offers[code].pk])


def resident(of: World, number: int, who: str, **changes: str) -> dict[str, str]:
    elector = of.electors[who]
    cells = {
        "name": elector.name,
        "birth": "S55.4.1",
        "sex": "M" if elector.sex == "M" else "F",
        "address": elector.address + elector.building,
        "FACILITY_ROSTER.stay.start": of.n(-10).date().isoformat(),
        **changes,
    }
    return {f"{number}.{key}": value for key, value in cells.items()}


def test_a_head_sees_names_and_states_of_the_own_place_only(world: World) -> None:
    own = submit(world, "FACILITY")
    submit(world, "SEAFARER_ONBOARD", "hanako")
    response = logged_in(world.town.attestor).get(reverse("admin:applications_confirmation_changelist"), follow=True)
    seen = text(response)
    assert "太郎" in seen and "waiting for confirmation" in seen
    assert "花子" not in seen and own.address not in seen and "1980" not in seen


def test_a_head_confirms_who_applied_alone(world: World) -> None:
    application = submit(world, "FACILITY")
    response = logged_in(world.town.attestor).post(
        answer(application), {"confirmed": "yes", **period(world)}, follow=True
    )
    assert response.redirect_chain[0][0] == reverse(
        "admin:applications_confirmation_place", args=[world.town.hospital.pk]
    )
    assert fresh(application).state == State.REQUESTED
    assert logged_in(world.town.captain).post(answer(application), {"confirmed": "no"}).status_code == 404


def test_a_head_files_for_several(world: World) -> None:
    """Blocks left empty are passed over; whoever the roll knows is found."""
    given = {"sworn": "on", **resident(world, 1, "taro"), **resident(world, 4, "hanako", sex="女")}
    response = logged_in(world.town.attestor).post(filing(world), given, follow=True)
    assert "Filed for 2 people." in text(response)
    filed = Application.objects.order_by("pk")
    assert [one.elector for one in filed] == [world.electors["taro"], world.electors["hanako"]]
    assert {one.way for one in filed} == {Application.Way.ATTESTOR}


def test_a_fault_is_told_by_its_row_and_nobody_is_filed_for(world: World) -> None:
    """Before and after the services look: rows keep the numbers that the head sees."""
    head = logged_in(world.town.attestor)
    given = {"sworn": "on", **resident(world, 2, "taro"), **resident(world, 5, "hanako", birth="")}
    response = head.post(filing(world), given)
    assert "5: date of birth: This is needed." in text(response)
    assert 'value="架空　太郎"' in text(response)
    submit(world)
    response = head.post(filing(world), {"sworn": "on", **resident(world, 3, "hanako"), **resident(world, 7, "taro")})
    assert "7: There is an application of this person already." in text(response)
    assert Application.objects.count() == 1


@pytest.mark.parametrize(("given", "says"), [({"sworn": "on"}, "at least one person"), ({}, "at least one person")])
def test_nobody_is_not_filed_for(world: World, given: dict[str, str], says: str) -> None:
    assert says in text(logged_in(world.town.attestor).post(filing(world), given))


def test_an_undeclared_table_is_refused(world: World) -> None:
    response = logged_in(world.town.attestor).post(filing(world), resident(world, 1, "taro"))
    assert "The declaration that the requests are true is missing." in text(response)
    assert not Application.objects.exists()


def test_a_place_files_only_while_designated_and_for_its_own_categories(world: World) -> None:
    """Requirement 16."""
    head = logged_in(world.town.attestor)
    ship = reverse(
        "admin:applications_confirmation_file", args=[world.town.hospital.pk, world.offers["SEAFARER_ONBOARD"].pk]
    )
    assert head.get(ship).status_code == 404
    yesterday = timezone.localdate() - timedelta(days=1)
    Designation.objects.update(ends=yesterday)
    assert "not designated today" in text(
        head.get(reverse("admin:applications_confirmation_place", args=[world.town.hospital.pk]))
    )
    refused = head.post(filing(world), {"sworn": "on", **resident(world, 1, "taro")})
    assert refused.status_code == 409 and "is not designated today" in text(refused)
    assert not Application.objects.exists()


def test_a_table_of_residents(world: World) -> None:
    """Its columns are those of the empty one; faults name its lines."""
    head = logged_in(world.town.attestor)
    sheet = reverse("admin:applications_confirmation_sheet", args=[world.town.hospital.pk, world.offers["FACILITY"].pk])
    (header,) = csv.reader(io.StringIO(head.get(sheet).content.decode("utf-8-sig")))
    cells = {key.partition(".")[2]: value for key, value in resident(world, 1, "taro").items()}
    by_label = dict.fromkeys(header, "") | {
        "full name": cells["name"], "date of birth": "昭和55年4月1日", "sex": "男",
        "registered address": cells["address"],
        "First and, if known, last day of the stay: first day": cells["FACILITY_ROSTER.stay.start"],
    }  # fmt: skip

    def send(rows: list[dict[str, str]]) -> str:
        table = io.StringIO()
        writer = csv.DictWriter(table, header)
        writer.writeheader()
        writer.writerows(rows)
        file = SimpleUploadedFile("residents.csv", table.getvalue().encode())
        return text(head.post(filing(world), {"table": "1", "sworn": "on", "file": file}, follow=True))

    assert "3: sex: Write M or F" in send([by_label, by_label | {"sex": "?"}])
    assert not Application.objects.exists()
    assert "Filed for 1 people." in send([by_label])
    assert Application.objects.get().elector == world.electors["taro"]


# Categories and offers


def test_a_category_is_changed_by_its_rules_only(early: World) -> None:
    """What is no rule is refused where it stands; the code stays."""
    category = Category.objects.get(code="OUTBREAK_GENERIC")
    address = reverse("admin:applications_category_change", args=[category.pk])
    clerk = logged_in(early.town.clerk)
    form = clerk.get(address).context["adminform"].form
    fields = {name: value if value is not None else "" for name, value in form.initial.items()}
    fields |= {"evidence": '[["SWORN"]]', "elections": "[]", "witness": "", "dormant_since": ""}
    assert clerk.post(address, fields | {"online_until": "E-1T11:00"}).status_code == 302
    category.refresh_from_db()
    assert category.online_until == "E-1T11:00" and category.evidence == [["SWORN"]]
    for bad in ({"online_until": "yesterday"}, {"condition": "__import__('os')"}, {"evidence": '[["NOTHING"]]'}):
        assert clerk.post(address, fields | bad).status_code == 200
    clerk.post(address, fields | {"code": "OTHER"})
    category.refresh_from_db()
    assert category.code == "OUTBREAK_GENERIC" and category.online_until == "E-1T12:00"
    assert logged_in(early.town.auditor).post(address, fields).status_code == 403


def test_a_category_that_another_office_offers_is_not_changed(early: World) -> None:
    """Its voters rely on these dates; who else could change them would decide about another town's election."""
    category = Category.objects.get(code="OUTBREAK_GENERIC")
    address = reverse("admin:applications_category_change", args=[category.pk])
    own, other = logged_in(early.town.clerk), logged_in(kakuu.neighbour()[1])
    assert "_save" in text(own.get(address)) and "_save" not in text(other.get(address))
    assert other.post(address, {}).status_code == 403


def test_a_category_in_use_stays_as_it_is(world: World) -> None:
    """From notice day on a change of dates needs two people, and none goes round that through the category."""
    category = Category.objects.get(code="COVID_HOME")
    address = reverse("admin:applications_category_change", args=[category.pk])
    clerk = logged_in(world.town.clerk)
    form = clerk.get(address).context["adminform"].form
    fields = {name: value if value is not None else "" for name, value in form.initial.items()}
    response = clerk.post(address, fields | {"evidence": '[["SWORN"]]', "elections": "[]", "vote_until": "E"})
    assert response.status_code == 200 and "its rules stay as they are" in text(response)
    category.refresh_from_db()
    assert category.vote_until == "E-1T20:00"


def offers_page(of: World) -> str:
    return reverse("admin:applications_offer_of", args=[of.election.pk])


def test_both_deadlines_stand_side_by_side(world: World) -> None:
    """Worked out, in both calendars; a proposal has none on paper."""
    with translation.override("en"):
        seen = text(logged_in(world.town.clerk).get(offers_page(world)))
    day = world.e(-1).date()
    assert f"12:00 ({day})" in seen and "E-1T12:00" in seen and "E-4T17:00" in seen and "not on paper" in seen
    assert "令和" in seen


def test_an_offer_changes_at_once_before_notice_day(early: World) -> None:
    clerk = logged_in(early.town.clerk)
    given = {"category": "COVID_HOME", "enabled": "on", "online_until": "e-2t10:00", "apply_from": "n-20"}
    assert clerk.post(offers_page(early), given).status_code == 302
    changed = Offer.objects.get(pk=early.offers["COVID_HOME"].pk)
    assert (changed.apply_from, changed.online_until) == ("N-20", "E-2T10:00")
    refused = clerk.post(offers_page(early), given | {"online_until": "E+9"})
    assert refused.status_code == 409
    assert Offer.objects.get(pk=early.offers["COVID_HOME"].pk).online_until == "E-2T10:00"


def test_an_offer_takes_two_people_from_notice_day_on(world: World) -> None:
    """Changing one, and offering another."""
    world.offers["CLOSE_CONTACT"].delete()
    clerk = logged_in(world.town.clerk)
    clerk.post(offers_page(world), {"category": "COVID_HOME", "online_until": "E-1T12:00"})
    clerk.post(offers_page(world), {"category": "CLOSE_CONTACT"})
    assert Offer.objects.get(category__code="COVID_HOME").enabled
    assert not Offer.objects.filter(category__code="CLOSE_CONTACT", enabled=True).exists()
    assert "Waits for a second official" in text(clerk.get(offers_page(world)))
    for proposal in pending(world.town.chair):
        approve(proposal, by=world.town.chair)
    assert not Offer.objects.get(category__code="COVID_HOME").enabled
    assert Offer.objects.get(category__code="CLOSE_CONTACT").enabled


def test_who_only_looks_changes_no_offer(world: World) -> None:
    for who in ("auditor", "poll_manager"):
        client = logged_in(getattr(world.town, who))
        assert ">Change<" not in text(client.get(offers_page(world)))
        assert client.post(offers_page(world), {"category": "COVID_HOME"}).status_code == 403
    assert not Proposal.objects.exists()


def test_the_words_of_a_query_are_read_strictly() -> None:
    """What is not understood asks for nothing."""
    assert Wanted.of({"state": "all", "q": " x "}) == Wanted(state="all", text="x")
    assert Wanted.of({"election": "１"}) == Wanted() and Wanted().tab == queue.OPEN_TAB
    assert set(OPEN) < set(State)
