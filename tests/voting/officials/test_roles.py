"""Every role against every act, here and elsewhere. The tables below are written out: they do not ask roles.py."""

from __future__ import annotations

from itertools import product

import pytest
from django.db.models import Model
from django.utils import timezone

from tests.voting import offices
from tests.voting.offices import Town
from voting.errors import NotPermitted
from voting.officials.models import Appointment, Office, Official
from voting.officials.roles import APPOINTS, FOUR_EYES, INCOMPATIBLE, PERMITTED, Act, OfficeKind, Role
from voting.officials.services import (
    may,
    may_approve,
    offices_to_approve,
    offices_where,
    require,
    roles_at,
)

pytestmark = pytest.mark.django_db

CLERKS = """view-election define-election change-offer view-roll prepare-import view-marks mark-paper view-applications
    review view-evidence issue-letter assist-vote view-records view-register view-counting prorate"""
ALONE = {
    "board-clerk": CLERKS,
    "board-chair": f"{CLERKS} decide end-role",
    "poll-manager": "view-election view-marks mark-paper view-records assist-vote view-counting",
    "poll-witness": "view-election view-marks assist-vote",
    "count-manager": "view-election view-records view-counting prorate",
    "count-witness": "view-election view-counting prorate",
    "returning-officer": "view-election view-records view-counting prorate",
    "attestor": "view-election file-for-others attest-vote assist-vote",
    "health-officer": "view-election confirm-isolation",
    "prefecture-clerk": "view-election designate",
    "national-clerk": "view-election",
    "auditor": "view-election view-access-log",
    "system-admin": "view-election end-role",
}
"""what somebody of the role performs without a second person"""
BETWEEN_CLERKS = "import-roll tell-apart undo-paper match-by-hand give-back replace-credential"
FOR_THE_CHAIR = """fix-definition open-polls close-polls change-offer-late commit-roll seal-records
    export-personal-data grant-role reset-second-factor"""
ASKS = {
    "board-clerk": f"{BETWEEN_CLERKS} {FOR_THE_CHAIR}",
    "board-chair": f"{BETWEEN_CLERKS} {FOR_THE_CHAIR}",
    "poll-manager": "refuse-ballot undo-paper",
    "count-manager": "freeze-tally publish-result adjudicate",
}
APPROVES = {
    "board-clerk": BETWEEN_CLERKS,
    "board-chair": f"{BETWEEN_CLERKS} {FOR_THE_CHAIR}",
    "poll-witness": "refuse-ballot",
    "count-witness": "freeze-tally adjudicate",
    "returning-officer": "publish-result",
}
HOMES = {
    "board": """board-clerk board-chair poll-manager poll-witness count-manager count-witness returning-officer
        auditor""",
    "prefecture": "prefecture-clerk",
    "national": "national-clerk",
    "health": "health-officer",
    "facility": "attestor",
    "institution": "attestor",
    "ship": "attestor",
    "unit": "attestor",
    "port": "attestor",
    "platform": "system-admin",
}
"""which roles an office of the kind can appoint to"""

everyone = pytest.mark.parametrize("role", Role)


def home(role: Role, code: str) -> Office:
    """An office that can appoint to the role."""
    kind = next(kind for kind, roles in HOMES.items() if role in roles.split())
    return offices.office(OfficeKind(kind), code, f"架空{code}")


def allowed(table: dict[str, str], role: Role) -> set[str]:
    return set(table.get(role, "").split())


def asked(official: Official, at: Office) -> set[str]:
    """Every act that somebody may perform or ask for at an office."""
    return {act.value for act in Act if may(official, act, at)}


def approved(official: Official, at: Office) -> set[str]:
    return {act.value for act in FOUR_EYES if may_approve(official, act, at)}


# The walk


@everyone
def test_a_role_gives_these_acts_at_its_own_office_and_nothing_elsewhere(role: Role) -> None:
    own, other = home(role, "own"), home(role, "other")
    somebody = offices.official("somebody", role, own)
    assert asked(somebody, own) == allowed(ALONE, role) | allowed(ASKS, role)
    assert approved(somebody, own) == allowed(APPROVES, role)
    assert asked(somebody, other) == approved(somebody, other) == set()
    assert roles_at(somebody, own) == {role} and roles_at(somebody, other) == frozenset()


@everyone
def test_what_may_be_done_and_where_are_one_answer(role: Role) -> None:
    """The lists of offices hold exactly the offices at which the single question is answered with yes."""
    own, _ = home(role, "own"), home(role, "other")
    somebody = offices.official("somebody", role, own)
    for act in Act:
        assert set(offices_where(somebody, act)) == ({own} if may(somebody, act, own) else set())
    for act in FOUR_EYES:
        assert set(offices_to_approve(somebody, act)) == ({own} if may_approve(somebody, act, own) else set())


@everyone
def test_an_account_that_is_not_active_may_nothing(role: Role) -> None:
    own = home(role, "own")
    somebody = offices.official("somebody", role, own, is_active=False)
    nothing(somebody, own)
    assert not somebody.is_staff


@everyone
def test_an_ended_appointment_gives_nothing(role: Role) -> None:
    """Also beside one that lasts: what remains is what that one gives."""
    own = home(role, "own")
    somebody = offices.official("somebody", role, own)
    somebody.appointments.update(until=timezone.now())
    nothing(somebody, own)
    assert not somebody.is_staff
    if role is not Role.COUNT_WITNESS and role in HOMES["board"].split():
        Appointment.objects.create(official=somebody, office=own, role=Role.COUNT_WITNESS)
        assert asked(somebody, own) == allowed(ALONE, Role.COUNT_WITNESS)


@everyone
def test_require_names_the_act_and_the_office(role: Role) -> None:
    own = home(role, "own")
    somebody = offices.official("somebody", role, own)
    for act in Act:
        if act.value in allowed(ALONE, role) | allowed(ASKS, role):
            require(somebody, act, own)
            continue
        with pytest.raises(NotPermitted) as refusal:
            require(somebody, act, own)
        assert refusal.value.code == "not-permitted" and refusal.value.where == str(own)
        assert str(act.label) in refusal.value.reason and str(somebody) in refusal.value.reason


def test_two_roles_at_two_offices_stay_apart() -> None:
    """A clerk of one board who is polling witness of another is a clerk only at the first."""
    one, two = offices.board("one", "架空一市選管"), offices.board("two", "架空二市選管")
    somebody = offices.official("somebody", Role.BOARD_CLERK, one)
    Appointment.objects.create(official=somebody, office=two, role=Role.POLL_WITNESS)
    assert asked(somebody, one) == allowed(ALONE, Role.BOARD_CLERK) | allowed(ASKS, Role.BOARD_CLERK)
    assert asked(somebody, two) == allowed(ALONE, Role.POLL_WITNESS)
    assert approved(somebody, two) == {"refuse-ballot"}
    assert set(offices_where(somebody, Act.VIEW_MARKS)) == {one, two}


def test_a_superior_office_may_nothing_at_the_one_below(town: Town) -> None:
    for below in (town.board, town.hospital):
        assert asked(town.prefecture_clerk, below) == approved(town.prefecture_clerk, below) == set()


def nothing(official: Official, at: Office) -> None:
    assert roles_at(official, at) == frozenset()
    assert asked(official, at) == approved(official, at) == set()
    assert not any(offices_where(official, act).exists() for act in Act)
    assert not any(offices_to_approve(official, act).exists() for act in FOUR_EYES)


# The tables


def test_every_act_is_done_alone_or_by_two_people_and_never_both() -> None:
    assert set(PERMITTED) | set(FOUR_EYES) == set(Act)
    assert not set(PERMITTED) & set(FOUR_EYES)
    in_tables = {act for table in (ALONE, ASKS) for acts in table.values() for act in acts.split()}
    assert in_tables == {act.value for act in Act}


def test_offices_appoint_to_these_roles() -> None:
    assert {kind.value: set(roles) for kind, roles in APPOINTS.items()} == {
        kind: set(roles.split()) for kind, roles in HOMES.items()
    }
    assert set(APPOINTS) == set(OfficeKind)


def test_every_act_of_two_people_can_be_done_by_two_people_of_one_office() -> None:
    """Somewhere there can be one who asks and another who approves; else the act could never be done."""
    for act, people in FOUR_EYES.items():
        assert any(people.requested_by & roles and people.approved_by & roles for roles in APPOINTS.values()), act


@pytest.mark.parametrize("act", FOUR_EYES)
def test_every_role_of_an_act_of_two_people_takes_part_somewhere(act: Act) -> None:
    """Whoever may ask works at an office where somebody may approve: a role in the table is never an empty promise."""
    people = FOUR_EYES[act]
    for role in people.requested_by:
        assert any(role in roles and people.approved_by & roles for roles in APPOINTS.values()), role
    for role in people.approved_by:
        assert any(role in roles and people.requested_by & roles for roles in APPOINTS.values()), role


def test_these_roles_do_not_go_together() -> None:
    """Auditor and system administrator with nothing, no manager with the witnesses of the same work."""
    pairs = {frozenset(pair) for pair in INCOMPATIBLE}
    for one, two in product(Role, Role):
        apart = one is not two and (
            {"auditor", "system-admin"} & {one.value, two.value} or {one.value, two.value} in (POLL, COUNT)
        )
        assert (frozenset({one, two}) in pairs) == bool(apart), (one, two)


POLL, COUNT = {"poll-manager", "poll-witness"}, {"count-manager", "count-witness"}


def test_nobody_sees_a_choice() -> None:
    """No act is about what somebody voted: nothing stores it, and nobody could be permitted to look."""
    assert not [act for act in Act if "choice" in act.value or "ballot" in act.value and act is not Act.REFUSE_BALLOT]


# No superuser


def test_no_account_is_a_superuser(town: Town) -> None:
    """Neither the model nor its manager knows the word."""
    assert "is_superuser" not in {field.name for field in Official._meta.get_fields()}
    assert not hasattr(Official.objects, "create_superuser")
    with pytest.raises(TypeError):
        Official.objects.create_user("root", "架空 根", is_superuser=True)


@pytest.mark.parametrize("attribute", ["is_superuser", "is_admin", "is_staff_member", "user_permissions"])
def test_an_attribute_like_djangos_gives_nothing(town: Town, attribute: str) -> None:
    somebody = offices.official("somebody")
    setattr(somebody, attribute, True)
    nothing(somebody, town.board)
    assert not somebody.is_staff and not somebody.has_module_perms("roll")
    assert not somebody.has_perm("roll.view_elector") and not somebody.has_perms(["roll.view_elector"])


@pytest.mark.parametrize("who", Town.__annotations__)
def test_djangos_permissions_give_nothing_to_anybody(town: Town, who: str) -> None:
    """Whatever is asked for, in whatever app, with an object or without."""
    somebody = getattr(town, who)
    if isinstance(somebody, Office):
        return
    somebody.is_superuser = True
    for model in (Official, Appointment, Office):
        for verb in ("view", "add", "change", "delete"):
            name = f"{model._meta.app_label}.{verb}_{model._meta.model_name}"
            thing: Model | None = model._default_manager.first()
            assert not somebody.has_perm(name) and not somebody.has_perm(name, thing)
            assert not somebody.has_perms([name]) and not somebody.has_perms([], thing)
