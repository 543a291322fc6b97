"""Every address of the site against every role: who sees it, who may send something to it, and whose it is.

The table is written out by hand and does not ask the code. An address that is not in it fails: new pages cannot be
forgotten. What belongs to another municipality is shown to nobody, and nothing sent to it changes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.db.models import Max
from django.db.models.functions import Coalesce
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from tests.voting import kakuu, offices
from tests.voting.kakuu import World
from tests.voting.offices import Town
from voting.access.models import AccessEntry, AccessSubject
from voting.access.services import log
from voting.applications import review
from voting.applications.models import Application, Category
from voting.board.models import BoardEntry, Checkpoint
from voting.booth.models import SealedBallot
from voting.elections.models import Contest, Election, Party
from voting.officials.models import Designation, Office, Official
from voting.officials.roles import Act, OfficeKind, Role
from voting.officials.services import propose
from voting.officials.views import first_password_path
from voting.roll.models import PaperWay, RollImport, Vote

pytestmark = pytest.mark.django_db

# Who

BOARD = "board-clerk board-chair"
AT_BOARD = f"{BOARD} poll-manager poll-witness count-manager count-witness returning-officer auditor"
ALL = f"{AT_BOARD} attestor health-officer prefecture-clerk national-clerk system-admin"
NOBODY = "nobody"
ANONYMOUS = "anonymous"
VISITORS = [*ALL.split(), NOBODY, ANONYMOUS]
"""The roles, somebody with an account and no appointment, and somebody who is not logged in."""
MARK = "隣"
"""In every name of the other municipality."""


# Whose: two municipalities with one thing of each kind


@dataclass(frozen=True)
class Side:
    """One municipality: its election, and the key of one thing of each kind in it."""

    world: World
    people: Mapping[str, Official]
    keys: dict[str, Any] = field(default_factory=dict)

    def of(self, role: str, **named: str) -> dict[str, Any]:
        """Arguments of an address, by the names of things; some are another thing for another role."""
        return {name: self.keys.get(f"{thing} of {role}", self.keys.get(thing, thing)) for name, thing in named.items()}


def _people(town: Town, national: Office, prefix: str = "") -> dict[str, Official]:
    def made(role: Role, office: Office) -> Official:
        return offices.official(f"{prefix}{role.value}-2", role, office)

    return {
        "board-clerk": town.clerk,
        "board-chair": town.chair,
        "poll-manager": town.poll_manager,
        "poll-witness": town.poll_witness,
        "count-manager": made(Role.COUNT_MANAGER, town.board),
        "count-witness": made(Role.COUNT_WITNESS, town.board),
        "returning-officer": made(Role.RETURNING_OFFICER, town.board),
        "auditor": town.auditor,
        "attestor": town.attestor,
        "health-officer": town.health_officer,
        "prefecture-clerk": town.prefecture_clerk,
        "national-clerk": made(Role.NATIONAL_CLERK, national),
        "system-admin": town.system_admin,
    }


def _neighbour(town: Town) -> Town:
    """The same offices again, of another municipality in another prefecture; only the operator is the same."""
    prefecture = offices.office(OfficeKind.PREFECTURE, "rin-ken", "隣県選挙管理委員会")
    board = offices.board("rin", "隣市選挙管理委員会", prefecture)
    health_centre = offices.office(OfficeKind.HEALTH, "rin-hokenjo", "別の保健所")
    hospital = offices.office(OfficeKind.FACILITY, "rin-byoin", "別の病院", prefecture)

    def made(name: str, role: Role, office: Office = board) -> Official:
        return offices.official(f"rin-{name}", role, office, name=f"隣 {name}")

    return replace(
        town,
        board=board,
        prefecture=prefecture,
        health_centre=health_centre,
        hospital=hospital,
        clerk=made("clerk", Role.BOARD_CLERK),
        second_clerk=made("second-clerk", Role.BOARD_CLERK),
        chair=made("chair", Role.BOARD_CHAIR),
        second_chair=made("second-chair", Role.BOARD_CHAIR),
        poll_manager=made("poll-manager", Role.POLL_MANAGER),
        poll_witness=made("poll-witness", Role.POLL_WITNESS),
        count_manager=made("count-manager", Role.COUNT_MANAGER),
        count_witness=made("count-witness", Role.COUNT_WITNESS),
        returning_officer=made("returning-officer", Role.RETURNING_OFFICER),
        auditor=made("auditor", Role.AUDITOR),
        health_officer=made("health-officer", Role.HEALTH_OFFICER, health_centre),
        attestor=made("attestor", Role.ATTESTOR, hospital),
        prefecture_clerk=made("prefecture-clerk", Role.PREFECTURE_CLERK, prefecture),
    )


def _side(town: Town, people: Mapping[str, Official], slug: str, title: str) -> Side:
    """Notice day was yesterday, the poll is in six days."""
    today = timezone.localdate()
    world = kakuu.world(town, slug=slug, notice=today - timedelta(1), election_day=today + timedelta(6))
    election = world.election
    election.title = title
    election.save()
    for elector in world.electors.values():
        elector.name = elector.name.replace("架空", title[0])
        elector.save()
    party = Party.objects.create(election=election, role="official", position=1, name=title, public_key=bytes(32))
    # Apart, since nobody could replay it.
    old = Election.objects.create(
        office=town.board, slug=f"{slug}-old", title=f"{title} 旧", opens=election.opens, closes=election.closes,
        origin=f"board.example/{slug}-old", generators="架空", board_key=bytes(32),
    )  # fmt: skip
    entry = BoardEntry.objects.create(
        election=old, index=0, type="manifest", raw=title.encode(), leaf_hash=bytes(32), submission=bytes(32),
        created=timezone.now(),
    )  # fmt: skip
    checkpoint = Checkpoint.objects.create(election=old, size=1, text=title, time=timezone.now())
    filed = RollImport.objects.create(
        election=election, file_name=f"{title}.csv", digest=bytes(32), uploaded_by=town.clerk, state="faulty"
    )
    proposal = propose(
        Act.CLOSE_POLLS, office=town.board, target=election, summary=title, by=town.second_clerk, reason=title
    )
    log(town.clerk, town.board, Act.VIEW_ROLL, title)
    away = _submitted(world, "OTHER_BOARD", "taro")
    ill = _submitted(world, "COVID_HOME", "hanako")
    doubtful = _submitted(world, "COVID_HOME", "takahashi", kinds=("OMITTED_WITH_REASON",))
    resident = _submitted(world, "FACILITY", "twin")
    approved = review.approve(kakuu.under_review(world, "FACILITY", "other_twin", at=timezone.now()), by=town.chair)
    sealed = SealedBallot.objects.create(application=approved, tracker=bytes(32), assisted=True)
    # Somebody who has voted, for the marks.
    holder = world.electors["overseas"]
    holder.vote, holder.paper_way, holder.vote_at = Vote.PAPER, PaperWay.EARLY, timezone.now()
    holder.save()
    fresh = Official.objects.create_user(f"{slug}-novice", f"{title} 新", home=town.board)
    designation, _new = Designation.objects.get_or_create(office=town.hospital, starts=date(2026, 1, 1))
    contest = election.contests.earliest("pk")
    Contest.objects.create(
        election=election, position=90, identifier="name", title=f"{title} 記名", kind="text", form="WRITE_IN", most=30
    )
    keys = {
        "election": election.pk,
        "slug": slug,
        "unit": election.units.earliest("pk").pk,
        "district": election.districts.earliest("pk").pk,
        "contest": contest.pk,
        "write-in": "name",
        "style": election.styles.earliest("pk").pk,
        "party": party.pk,
        "entry": entry.pk,
        "checkpoint": checkpoint.pk,
        "file": filed.pk,
        "proposal": proposal.pk,
        "logged": AccessEntry.objects.latest("index").pk,
        "away": away.pk,
        "asked": doubtful.pk,
        "asked of attestor": resident.pk,
        "sealed": sealed.pk,
        "reference": doubtful.reference,
        "evidence": ill.files.get().identifier,
        "elector": world.electors["twin"].pk,
        "alike": world.electors["other_twin"].pk,
        "place": town.hospital.pk,
        "offer": world.offers["FACILITY"].pk,
        "official": town.second_clerk.pk,
        "novice": fresh.pk,
        "appointment": town.second_clerk.appointments.get().pk,
        "designation": designation.pk,
        "category": Category.objects.get(code="OTHER_BOARD").pk,
        "office": town.board.pk,
        "prefecture": town.prefecture.pk,
        "list number": holder.list_number,
        "link": first_password_path(fresh).split("/")[3:5],
    }
    keys |= {f"office of {role}": official.appointments.get().office_id for role, official in people.items()}
    return Side(world, people, {**keys, "office of prefecture-clerk": town.hospital.pk})


def _submitted(world: World, code: str, who: str, **how: Any) -> Application:
    return kakuu.submit(world, code, who, at=timezone.now(), **how)


@pytest.fixture
def sides(town: Town, settings: Any, tmp_path: Path) -> tuple[Side, Side]:
    """架空市 and its neighbour."""
    settings.EVIDENCE_KEY_FILE = tmp_path / "evidence.key"
    settings.CODE_KEY_FILE = tmp_path / "code.key"
    settings.UPLOAD_DIR = tmp_path
    national = offices.office(OfficeKind.NATIONAL, "kuni", "架空国選挙管理委員会")
    own = _side(town, _people(town, national), "kakuu", "架空市の選挙")
    return own, _side(_neighbour(town), {}, "rin", "隣市の選挙")


# The table


@dataclass(frozen=True)
class Page:
    """Who may GET and POST an address, and about what it is.

    `about`: its arguments, each the name of a thing; `data`: what is sent, the same way; `status`: the answer to GET.
    `outsiders`: what becomes of those without an appointment: "login", "half" (who has an account is refused, others
    go to the login), "none" (refused). `shared`: it is the same in every municipality. `knows`: who reads of the
    neighbour there.
    """

    get: str = ""
    post: str = ""
    about: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    outsiders: str = "login"
    shared: bool = False
    knows: str = ""


def model(
    name: str, thing: str, lists: str, sees: str, adds: str = "", changes: str = "", deletes: str = "", **more: Any
) -> dict[str, Page]:
    """The six addresses that Django makes for a model."""
    root, one = f"office/{name}/", {"object_id": thing}
    return {
        root: Page(lists, lists, **more),
        f"{root}add/": Page(adds, adds),
        f"{root}<path:object_id>/history/": Page(sees, sees, one, **more),
        f"{root}<path:object_id>/delete/": Page(deletes, deletes, one, {"post": "yes"}, **more),
        f"{root}<path:object_id>/change/": Page(sees, changes, one, **more),
        f"{root}<path:object_id>/": Page(ALL, ALL, one, status=302, shared=True),
    }


POLL = "poll-manager poll-witness"
APPOINTS = "board-chair system-admin"
ACCOUNTS = f"{BOARD} system-admin"
COUNT = "count-manager count-witness returning-officer"
RECORDS = f"{BOARD} poll-manager count-manager returning-officer"
PLACE, HEALTH = "attestor", "health-officer"
STANDING_BY = f"{BOARD} poll-manager poll-witness {PLACE}"
slug, pk = {"slug": "slug"}, "pk"
REGISTER, REPORT = "jimushori-bo", "yoshi-chosho"
PAGES: Mapping[str, Page] = {
    # Polls
    "office/polls/<slug:slug>/": Page(AT_BOARD, "", slug),
    "office/polls/<slug:slug>/ask/<slug:act>/": Page("", BOARD, {**slug, "act": "open-polls"}),
    "office/polls/<slug:slug>/entry/<slug:kind>/": Page(BOARD, "", {**slug, "kind": "manifest"}, status=302),
    # Who counts brings the freeze and the result to the board, and no other entry: tests/voting/counting.
    # No device waits here. Who fetches the entry of one that does: tests/voting/credentials/test_services.py.
    "office/polls/<slug:slug>/replacement/<slug:reference>/": Page("", "", {**slug, "reference": "nothing"}),
    "office/polls/<slug:slug>/submit/": Page("", f"{BOARD} count-manager", slug),
    "office/polls/<slug:slug>/acceptance/": Page(POLL, "", slug),
    "office/polls/<slug:slug>/acceptance/follow/": Page("", "poll-manager", slug),
    "office/polls/<slug:slug>/acceptance/refuse/": Page("", "poll-manager", slug),
    "office/polls/<slug:slug>/acceptance/accept/": Page("", "poll-manager", slug),
    # The count
    "office/counting/<slug:slug>/": Page(f"{BOARD} poll-manager {COUNT}", "", slug),
    "office/counting/<slug:slug>/live/": Page(f"{BOARD} poll-manager {COUNT}", "", slug),
    "office/counting/<slug:slug>/go-on/": Page("", f"{BOARD} count-manager", slug),
    "office/counting/<slug:slug>/proration/": Page(f"{BOARD} {COUNT}", f"{BOARD} {COUNT}", slug),
    # Nothing is opened here, so who may look is led back to the control room.
    "office/counting/<slug:slug>/write-ins/<slug:contest>/": Page(
        f"{BOARD} poll-manager {COUNT}", "", {**slug, "contest": "write-in"}, status=302
    ),
    "office/counting/<slug:slug>/write-ins/<slug:contest>/ask/": Page(
        "", "count-manager", {**slug, "contest": "write-in"}
    ),
    # Records
    "office/records/<slug:slug>/": Page(RECORDS, "", slug, outsiders="half"),
    "office/records/<slug:slug>/seal/": Page("", BOARD, slug, outsiders="half"),
    "office/records/<slug:slug>/seal/check/": Page(RECORDS, "", slug, status=409, outsiders="half"),
    "office/records/<slug:slug>/<slug:document>/": Page(BOARD, "", {**slug, "document": REGISTER}, outsiders="half"),
    "office/records/<slug:slug>/<slug:document>/csv/": Page(
        RECORDS, "", {**slug, "document": REPORT}, outsiders="half"
    ),
    "office/records/<slug:slug>/<slug:document>/export/": Page(
        "", BOARD, {**slug, "document": REGISTER}, {"reason": "照会"}, outsiders="half"
    ),
    "office/records/<slug:slug>/<slug:document>/<int:district>/": Page(
        RECORDS, "", {**slug, "document": "meibo-shohon", "district": "district"}, outsiders="half"
    ),
    # The roll
    "office/roll/search/": Page(BOARD, BOARD),
    "office/roll/electors/<int:pk>/": Page(BOARD, "", {pk: "elector"}, status=302),
    "office/roll/electors/<int:pk>/paper/": Page(f"{BOARD} poll-manager", f"{BOARD} poll-manager", {pk: "elector"}),
    "office/roll/electors/<int:pk>/paper/undo/": Page("", f"{BOARD} poll-manager", {pk: "elector"}),
    "office/roll/electors/<int:pk>/apart/<int:other>/": Page("", BOARD, {pk: "elector", "other": "alike"}),
    "office/roll/marks/": Page(f"{BOARD} {POLL}", ""),
    "office/roll/files/": Page(BOARD, ""),
    "office/roll/files/upload/": Page("", BOARD),
    "office/roll/files/<int:pk>/": Page(BOARD, "", {pk: "file"}),
    "office/roll/files/<int:pk>/take-over/": Page("", BOARD, {pk: "file"}),
    "office/roll/files/<int:pk>/discard/": Page("", BOARD, {pk: "file"}),
    # For programs
    "office/api/marks/": Page(f"{BOARD} {POLL}", "", status=400, outsiders="none"),
    "office/api/confirmations/": Page(HEALTH, HEALTH, {}, {"reference": "reference"}, outsiders="none"),
    # The officials' site itself
    "office/": Page(ALL, ALL),
    "office/password_change/": Page(ALL, ALL),
    "office/password_change/done/": Page(ALL, ""),
    "office/autocomplete/": Page(),
    "office/jsi18n/": Page(ALL, ""),
    "office/r/<path:content_type_id>/<path:object_id>/": Page("", "", {"content_type_id": "1", "object_id": "1"}),
    "office/^(?P<app_label>access|officials|elections|board|applications|credentials)/$": Page(
        ALL, ALL, {"app_label": "elections"}, shared=True
    ),
    "office/(?P<url>.*)$": Page("", "", {"url": "nothing"}),
    # Access log
    "office/access/accessentry/check/": Page("", "auditor"),
    **model("access/accessentry", "logged", "auditor", "auditor"),
    # Two people, officials, offices
    "office/officials/proposal/": Page(f"{BOARD} {POLL} {COUNT}", ""),
    "office/officials/proposal/<int:pk>/": Page(BOARD, "", {pk: "proposal"}),
    "office/officials/proposal/<int:pk>/decide/": Page(
        "", BOARD, {pk: "proposal"}, {"decision": "decline", "remark": "no"}
    ),
    "office/officials/official/<int:pk>/first-password/": Page("", APPOINTS, {pk: "novice"}, knows="system-admin"),
    "office/officials/official/<int:pk>/appoint/": Page("", BOARD, {pk: "official"}),
    "office/officials/official/<int:pk>/lift/": Page("", APPOINTS, {pk: "official"}, knows="system-admin"),
    "office/officials/official/<int:pk>/reset-second-factor/": Page("", BOARD, {pk: "official"}),
    "office/officials/official/<int:pk>/end/<int:appointment>/": Page(
        "", APPOINTS, {pk: "official", "appointment": "appointment"}, knows="system-admin"
    ),
    **model("officials/official", "official", ACCOUNTS, ACCOUNTS, APPOINTS, APPOINTS, knows="system-admin"),
    **model("officials/office", "office", ALL, ALL, "prefecture-clerk", "prefecture-clerk"),
    **model("officials/designation", "designation", *["prefecture-clerk"] * 4),
    # The definition of an election, and its board
    **model("elections/election", "election", ALL, AT_BOARD, BOARD, BOARD),
    **model("elections/unit", "unit", ALL, AT_BOARD, BOARD, BOARD, BOARD),
    **model("elections/district", "district", ALL, AT_BOARD, BOARD, BOARD, BOARD),
    **model("elections/contest", "contest", ALL, AT_BOARD, BOARD, BOARD, BOARD),
    **model("elections/style", "style", ALL, AT_BOARD, BOARD, BOARD, BOARD),
    **model("elections/party", "party", ALL, AT_BOARD, BOARD, BOARD, BOARD),
    **model("board/boardentry", "entry", ALL, AT_BOARD),
    **model("board/checkpoint", "checkpoint", ALL, AT_BOARD),
    # Applications
    "office/applications/application/": Page(BOARD, BOARD),
    "office/applications/application/<int:pk>/change/": Page(BOARD, BOARD, {pk: "away"}),
    "office/applications/application/<int:pk>/match/": Page(BOARD, BOARD, {pk: "away"}),
    "office/applications/application/<int:pk>/act/<slug:name>/": Page("", BOARD, {pk: "away", "name": "take-up"}),
    "office/applications/application/evidence/<uuid:identifier>/": Page(BOARD, BOARD, {"identifier": "evidence"}),
    # Both municipalities offer it, so neither changes it.
    **model("applications/category", "category", ALL, ALL, BOARD, "", shared=True),
    "office/applications/offer/": Page(ALL, ALL),
    "office/applications/offer/of/<int:pk>/": Page(AT_BOARD, BOARD, {pk: "election"}, {"category": "FACILITY"}),
    "office/applications/confirmation/": Page(f"{HEALTH} {PLACE}", f"{HEALTH} {PLACE}", status=302),
    "office/applications/confirmation/waiting/": Page(HEALTH, ""),
    "office/applications/confirmation/waiting.csv": Page(HEALTH, ""),
    "office/applications/confirmation/upload/": Page("", HEALTH),
    # Residents of a place come from many municipalities: all their elections are named there.
    "office/applications/confirmation/<int:pk>/answer/": Page("", f"{HEALTH} {PLACE}", {pk: "asked"}, knows=PLACE),
    "office/applications/confirmation/places/<int:pk>/": Page(PLACE, "", {pk: "place"}, knows=PLACE),
    "office/applications/confirmation/places/<int:pk>/file/<int:offer_pk>/": Page(
        PLACE, PLACE, {pk: "place", "offer_pk": "offer"}
    ),
    "office/applications/confirmation/places/<int:pk>/file/<int:offer_pk>/sheet.csv": Page(
        PLACE, "", {pk: "place", "offer_pk": "offer"}
    ),
    "office/credentials/letter/print/<int:pk>/": Page("", BOARD, {pk: "away"}),
    "office/credentials/letter/lift/<int:pk>/": Page("", BOARD, {pk: "away"}),
    # Votes
    "office/stand-by/": Page(STANDING_BY, ""),
    "office/stand-by/<int:ballot>/<slug:part>/": Page("", STANDING_BY, {"ballot": "sealed", "part": "watcher"}),
}

OPEN = {"i18n/setlang/", "office/login/", "office/logout/", "office/first-password/<uidb64>/<token>/"}
"""For everybody: below, one by one."""
HALF_IN = {"office/second-factor/", "office/second-factor/qr.svg"}
"""For who has given a password and no code: tests/voting/officials/test_second_factor.py."""
VOTERS = {
    "login/card/",
    "login/card/return/",
    "login/out/",
    "login/accesses/",
    "login/letter/",
    "login/device/challenge/",
    "login/device/",
    "",
    "elections/<slug:slug>/",
    "elections/<slug:slug>/paper/",
    "help/",
    "help/<slug:slug>/",
    "display/",
    "apply/sent/",
    "apply/<slug:slug>/<slug:code>/",
    "status/",
    "status/mine/",
    "status/correct/",
    "status/withdraw/",
    "board/<slug:slug>/checkpoint",
    "board/<slug:slug>/setup",
    "board/<slug:slug>/entry/<int:index>",
    "board/<slug:slug>/ballot/<slug:tracker>",
    "board/<slug:slug>/consistency/<int:old>/<int:new>",
    "check/<slug:slug>/",
    "check/<slug:slug>/ballot/",
    "check/<slug:slug>/receipt/",
    *(
        f"results/<slug:slug>/{what}"
        for what in ("", "progress", "result.json", "result.csv", "archive.zip", "verification/", "verification.json")
    ),
    "trustees/<slug:slug>/",
    "vote/<slug:slug>/",
    "vote/<slug:slug>/ballot/",
    *(f"vote/<slug:slug>/{what}/" for what in ("slot", "register", "tracker", "cast", "open", "outcome")),
}
"""For voters, trustees and everybody else: tests/voting/{login,guide,apply,booth,check,results,trustees}."""


def addresses() -> Iterator[str]:
    """Every address that the site knows, as it is written in the code."""

    def walk(patterns: Any, before: str) -> Iterator[str]:
        for pattern in patterns:
            here = before + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, here)
            elif isinstance(pattern, URLPattern):
                yield here

    return walk(get_resolver().url_patterns, "")


def test_no_address_is_missing_in_the_table() -> None:
    """And none in it is gone."""
    assert set(addresses()) == set(PAGES) | OPEN | HALF_IN | VOTERS
    assert not (OPEN | HALF_IN | VOTERS) & set(PAGES)


# Going there


def address(route: str, arguments: Mapping[str, Any]) -> str:
    """The address of a route with its arguments filled in."""
    path = "/" + route.replace(
        "^(?P<app_label>access|officials|elections|board|applications|credentials)/$", "<app_label>/"
    )
    path = path.replace("(?P<url>.*)$", "<url>")
    for name, value in arguments.items():
        for kind in ("", "int:", "slug:", "path:", "uuid:"):
            path = path.replace(f"<{kind}{name}>", str(value))
    assert "<" not in path, path
    return path


@dataclass
class Answer:
    """What somebody got: the status, what happened in words, the text, and what was written to the database."""

    status: int
    result: str
    text: str
    writes: list[str]
    looked_up: set[int]

    @property
    def changes(self) -> list[str]:
        """What was written but to the access log."""
        return [sql for sql in self.writes if '"access_' not in sql]


class Visitor:
    """Somebody with a session, who leaves nothing behind."""

    def __init__(self, official: Official | None) -> None:
        self.session = ""
        if official:
            client = Client()
            client.force_login(official)
            self.session = client.cookies[django_settings.SESSION_COOKIE_NAME].value

    def ask(self, method: str, path: str, data: Any = None) -> Answer:
        client = Client(raise_request_exception=False, headers={"accept-language": "en"})
        if self.session:
            client.cookies[django_settings.SESSION_COOKIE_NAME] = self.session
        writes: list[str] = []
        before = AccessSubject.objects.aggregate(last=Coalesce(Max("pk"), 0))["last"]
        how = {"content_type": "application/json"} if method == "POST" and path.startswith("/office/api/") else {}
        with undone(), connection.execute_wrapper(watching(writes)):
            response = getattr(client, method.lower())(path, data, **how)
            text = b"".join(response.streaming_content) if response.streaming else response.content
            looked_up = set(AccessSubject.objects.filter(pk__gt=before).values_list("subject", flat=True))
        return Answer(response.status_code, result(response), text.decode(errors="replace"), writes, looked_up)


class _Undo(Exception):
    pass


@contextmanager
def undone() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
            raise _Undo
    except _Undo:
        pass


def watching(writes: list[str]) -> Callable[..., Any]:
    """Every statement that writes, but to a session."""

    def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.split(" ", 1)[0] in ("INSERT", "UPDATE", "DELETE") and "django_session" not in sql:
            writes.append(sql)
        return run(sql, params, many, context)

    return execute


def result(response: HttpResponseBase) -> str:
    """ "login", "refused" (also Django's "there is no such row", which leads to the start page), or "let in"."""
    target = response.headers.get("Location", "")
    if target.startswith("/office/login/"):
        return "login"
    return "refused" if response.status_code in (403, 404, 405) or target == "/office/" else "let in"


def visitor(side: Side, who: str) -> Visitor:
    if who == ANONYMOUS:
        return Visitor(None)
    return Visitor(offices.official("nobody") if who == NOBODY else side.people[who])


def expected(page: Page, who: str, method: str) -> str:
    roles = (page.get if method == "GET" else page.post).split()
    if who == ANONYMOUS:
        return "refused" if page.outsiders == "none" else "login"
    if who == NOBODY:
        return "login" if page.outsiders == "login" else "refused"
    return "let in" if who in roles else "refused"


SENT = (200, 302, 400, 409)


@pytest.mark.parametrize("who", VISITORS)
def test_who_comes_in(who: str, sides: tuple[Side, Side]) -> None:
    """Exactly whom the table names is let in; who is not let in changes nothing; and nobody reads of the neighbour."""
    own, _foreign = sides
    somebody, wrong = visitor(own, who), []
    for route, page in PAGES.items():
        path = address(route, own.of(who, **page.about))
        for method in ("GET", "POST"):
            answer = somebody.ask(method, path, own.of(who, **page.data))
            want, told = expected(page, who, method), MARK in answer.text and who not in page.knows.split()
            right = answer.result == want and (want == "let in" or not answer.writes)
            if want == "let in":
                right &= answer.status == page.status if method == "GET" else answer.status in SENT
            if not right or told:
                wrong.append((method, path, want, answer.status, answer.result, told, answer.writes))
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("who", VISITORS)
def test_what_is_elsewhere_is_closed(who: str, sides: tuple[Side, Side]) -> None:
    """A thing of the neighbour in the address: nobody is let in, reads its name or changes anything."""
    own, foreign = sides
    somebody, wrong = visitor(own, who), []
    for route, page in PAGES.items():
        if page.shared or not set(page.about.values()) & OWNED or who in page.knows.split():
            continue
        path = address(route, foreign.of(who, **page.about))
        for method in ("GET", "POST"):
            answer = somebody.ask(method, path, foreign.of(who, **page.data))
            if answer.result == "let in" or answer.writes or MARK in answer.text:
                wrong.append((method, path, answer))
    assert not wrong, "\n".join(map(str, wrong))


OWNED = {thing for page in PAGES.values() for thing in page.about.values()} - {
    "open-polls", "manifest", REGISTER, REPORT, "meibo-shohon", "take-up", "nothing", "elections", "1", "watcher",
}  # fmt: skip
"""Names of things that belong to a municipality."""


@dataclass(frozen=True)
class Named:
    """A request in whose query or form a thing is named, and what comes of it when it is an own thing.

    "changes": something is changed; "looks": somebody is looked up, on the record; "shows": the election is shown.
    """

    who: str
    method: str
    path: str
    data: Mapping[str, Any]
    own: str


def named(side: Side) -> list[Named]:
    """Every address that finds a thing by more than its address. `side`: whose thing."""
    keys = side.keys
    election, district = {"election": keys["election"]}, {"district": keys["district"]}
    board = {"board": keys["office"], "role": "board-clerk", "office": keys["office"], "reason": "r"}
    roll = SimpleUploadedFile("roll.csv", "宛名番号\n1\n".encode())
    answers = SimpleUploadedFile("answers.csv", f"reference,confirmed,from,until\n{keys['reference']},no,,\n".encode())
    area = {**election, "position": 9, "identifier": "x", "name": "x"}
    precinct = {
        **election,
        "code": "x",
        "name": "x",
        "unit": keys["unit"],
        "polls_open": "7:00",
        "polls_close": "20:00",
    }
    place = {"kind": "facility", "code": "x", "name": "x", "above": keys["prefecture"]}
    listed = {"election__id__exact": keys["election"]}
    return [
        Named("board-clerk", "POST", "roll/search/", {**election, "purpose": "question", "text": "taro"}, "looks"),
        Named("board-clerk", "GET", "roll/marks/", {**district, "number": side.keys["list number"]}, "looks"),
        Named("poll-witness", "GET", "roll/marks/", {**district, "number": side.keys["list number"]}, "looks"),
        Named("poll-manager", "GET", "api/marks/", {"election": keys["slug"], "district": "1"}, ""),
        Named("board-clerk", "POST", "roll/files/upload/", {**election, "kind": "delta", "file": roll}, "changes"),
        Named("board-clerk", "POST", f"roll/electors/{{elector}}/apart/{keys['alike']}/", {"reason": "r"}, "changes"),
        Named("board-clerk", "GET", "applications/application/", {**election, "state": "all"}, "looks"),
        Named("board-clerk", "GET", "applications/application/", {"q": keys["reference"], "state": "all"}, ""),
        Named("board-clerk", "POST", "applications/application/{away}/match/", {"elector": keys["elector"]}, ""),
        Named("board-clerk", "GET", "elections/contest/", listed, "shows"),
        Named("board-clerk", "GET", "elections/district/", {**listed, "q": "1"}, "shows"),
        Named("board-clerk", "GET", "board/boardentry/", listed, ""),
        Named("board-clerk", "POST", "elections/unit/add/", area, "changes"),
        Named("board-clerk", "POST", "elections/unit/{unit}/change/", area, "changes"),
        Named("board-clerk", "POST", "elections/district/add/", precinct, "changes"),
        Named("board-chair", "POST", "officials/official/{novice}/appoint/", board, "changes"),
        Named("board-chair", "POST", f"officials/official/{{official}}/end/{keys['appointment']}/", {}, "changes"),
        Named("auditor", "GET", "access/accessentry/", {"official": side.world.town.clerk.username}, ""),
        Named("auditor", "GET", "access/accessentry/", {"q": side.world.town.clerk.username}, ""),
        Named(
            "prefecture-clerk",
            "POST",
            "officials/designation/add/",
            {"office": keys["place"], "starts": DAY},
            "changes",
        ),
        Named("prefecture-clerk", "POST", "officials/office/add/", place, "changes"),
        Named(
            "health-officer",
            "POST",
            "api/confirmations/",
            {"reference": keys["reference"], "confirmed": "no"},
            "changes",
        ),
        Named("health-officer", "POST", "applications/confirmation/upload/", {"file": answers}, "changes"),
        Named("poll-manager", "POST", "polls/kakuu/acceptance/refuse/", {"reference": keys["reference"]}, ""),
        Named("attestor", "GET", f"applications/confirmation/places/{keys['place']}/file/{{offer}}/", {}, "shows"),
    ]


DAY = "2026-02-01"


def test_what_is_named_elsewhere_is_not_found(sides: tuple[Side, Side]) -> None:
    """A thing of the neighbour: no answer says its name, nothing is changed, and none of its people is looked up."""
    own, foreign = sides
    wrong, people = [], {elector.pk for elector in foreign.world.electors.values()}
    for one in named(foreign):
        answer = visitor(own, one.who).ask(one.method, "/office/" + one.path.format(**own.keys), one.data)
        if answer.status >= 500 or MARK in answer.text or answer.changes or answer.looked_up & people:
            wrong.append((one, answer))
    assert not wrong, "\n".join(map(str, wrong))


def test_what_is_named_at_home_is_found(sides: tuple[Side, Side]) -> None:
    """The same requests about own things do what they are for: the test before understood them."""
    own, _foreign = sides
    wrong = []
    for one in named(own):
        answer = visitor(own, one.who).ask(one.method, "/office/" + one.path.format(**own.keys), one.data)
        shows = own.world.election.title in answer.text
        did = {"changes": answer.changes, "looks": answer.looked_up, "shows": shows, "": answer.status < 500}[one.own]
        if not did:
            wrong.append((one, answer.status, answer.text[:9000]))
    assert not wrong, "\n".join(map(str, wrong))


# For everybody


def test_the_login_is_open_and_nobody_stays_in_by_it(sides: tuple[Side, Side]) -> None:
    """Who is not let in sees the form; who is goes on to the start page. Out means out."""
    own, _foreign = sides
    for who in VISITORS:
        somebody = visitor(own, who)
        inside = who not in (ANONYMOUS, NOBODY)
        assert somebody.ask("GET", "/office/login/").status == (302 if inside else 200)
        assert somebody.ask("GET", "/office/logout/").status == (405 if inside else 302)
        assert somebody.ask("POST", "/office/logout/").status == (200 if inside else 302)
        assert somebody.ask("POST", "/i18n/setlang/", {"language": "en"}).status == 302
    client = Client()
    client.force_login(own.people["board-clerk"])
    client.post("/office/logout/")
    assert client.get("/office/").headers["Location"].startswith("/office/login/")


def test_a_link_for_a_first_password_is_for_whoever_has_it_and_for_nothing_else(sides: tuple[Side, Side]) -> None:
    own, foreign = sides
    for who in VISITORS:
        somebody = visitor(own, who)
        uid, token = own.keys["link"]
        assert somebody.ask("GET", f"/office/first-password/{uid}/{token}/").status == 302
        wrong = somebody.ask("GET", f"/office/first-password/{foreign.keys['link'][0]}/{token}/")
        assert wrong.status == 200 and "too old" in wrong.text and MARK not in wrong.text
