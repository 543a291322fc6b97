"""Requirement 2: opening needs two officials, and is refused with every reason while anything is missing; what goes to
the board is what was agreed on, and is fixed from then on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from tests.election import CLOSES, OPENS
from tests.voting import boards
from tests.voting.polling import BEFORE, ELECTION, POLLING, Counter, ceremony
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type
from voting.board.models import BoardEntry
from voting.elections.models import Candidate, Contest, District, Election, ElectionKind, Party, Style, Unit
from voting.elections.services import build_manifest, define_election
from voting.errors import AlreadyProposed, EntryRefused, NotPermitted, ProposalClosed, RollNotReady
from voting.officials import services as officials
from voting.officials.models import Proposal
from voting.officials.roles import FOUR_EYES, Act
from voting.polls.errors import NotReady
from voting.polls.opening import ask, definition_problems, opening_problems, prepare
from voting.roll.models import Mark, RollImport, RollLeaf

pytestmark = pytest.mark.django_db

Damage = Callable[[Counter], None]


def refused(act: Act, counter: Counter) -> tuple[str, ...]:
    """Why the chair's request is refused."""
    with pytest.raises(NotReady) as error:
        ask(act, counter.row, by=counter.town.chair)
    return error.value.problems


# The pages


def test_a_large_roll_is_not_committed_to_while_a_browser_waits(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        counter.elector(number, "north")
    monkeypatch.setattr("voting.polls.views.MOST_ROWS", 1)
    clerk = Client(headers={"accept-language": "en"})
    clerk.force_login(counter.town.clerk)
    page = clerk.post(f"/office/polls/{counter.row.slug}/ask/commit-roll/", follow=True).content.decode()
    assert "The roll is too large to be prepared in the browser" in page
    assert not RollLeaf.objects.exists() and not Proposal.objects.filter(act=Act.COMMIT_ROLL).exists()


# The definition


def no_legal_basis(counter: Counter) -> None:
    counter.row.legal_basis = ""
    counter.row.save()


def no_candidates(counter: Counter) -> None:
    Candidate.objects.filter(contest__identifier="mayor").delete()


def no_contests(counter: Counter) -> None:
    counter.row.styles.all().delete()
    counter.row.contests.all().delete()


def no_registrar(counter: Counter) -> None:
    counter.row.parties.filter(role=Party.Role.REGISTRAR).delete()


def too_few_trustees(counter: Counter) -> None:
    counter.row.parties.filter(role=Party.Role.TRUSTEE, position__gt=1).delete()


def too_few_officials(counter: Counter) -> None:
    counter.row.parties.filter(role=Party.Role.OFFICIAL, position__gt=1).delete()


def no_days(counter: Counter) -> None:
    counter.row.notice_day = counter.row.election_day = None
    counter.row.save()


def short_campaign(counter: Counter) -> None:
    counter.row.kind = ElectionKind.GOVERNOR
    counter.row.save()


def opens_too_early(counter: Counter) -> None:
    counter.row.opens = OPENS - timedelta(days=1)
    counter.row.save()


def closes_too_late(counter: Counter) -> None:
    counter.row.closes = CLOSES + timedelta(days=2)
    counter.row.save()


def no_district(counter: Counter) -> None:
    counter.row.districts.all().delete()


def empty_unit(counter: Counter) -> None:
    counter.row.districts.filter(code="south").delete()


def unit_of_another_election(counter: Counter) -> None:
    other = define_election(slug="other", record={**ceremony().manifest, "title": "仮構市長選挙"})
    counter.row.districts.filter(code="south").update(unit=other.units.get(identifier="south"))


def contest_without_hours(counter: Counter) -> None:
    counter.row.contests.filter(identifier="mayor").update(opens=CLOSES, closes=CLOSES)


DEFINITION: list[tuple[Damage, str]] = [
    (no_legal_basis, "the legal basis is missing"),
    (no_candidates, "contest mayor has no candidates"),
    (no_contests, "there is no contest"),
    (no_registrar, "there is no registrar"),
    (too_few_trustees, "1 trustees where the threshold is 2"),
    (too_few_officials, "1 of 2 officials"),
    (no_days, "notice day and election day are not set"),
    (short_campaign, "the law asks for 17"),
    (opens_too_early, "the online polls open before the day after notice"),
    (closes_too_late, "the online polls close after election day"),
    (no_district, "there is no voting district"),
    (empty_unit, "counting unit 南 has no voting district"),
    (unit_of_another_election, "voting district 南投票区 has a counting unit of another election"),
    (contest_without_hours, "mayor"),
]


def test_a_whole_definition_has_no_problems(counter: Counter) -> None:
    assert definition_problems(counter.row) == []


@pytest.mark.parametrize(("damage", "told"), DEFINITION, ids=[damage.__name__ for damage, _ in DEFINITION])
def test_what_is_missing_in_a_definition_is_named(counter: Counter, damage: Damage, told: str) -> None:
    """Asking is refused with the reason, and so is approving what was asked for before."""
    asked = ask(Act.FIX_DEFINITION, counter.row, by=counter.town.chair)
    damage(counter)
    with pytest.raises(NotReady) as error:
        officials.approve(asked, by=counter.town.second_chair)
    assert any(told in problem for problem in error.value.problems)
    officials.take_back(asked, by=counter.town.chair)
    assert any(told in problem for problem in refused(Act.FIX_DEFINITION, counter))
    assert not Proposal.objects.exclude(decision=Proposal.Decision.TAKEN_BACK).exists()


def test_everything_that_is_missing_is_named_at_once(counter: Counter) -> None:
    """One refusal, every reason."""
    for damage in (no_legal_basis, no_candidates, too_few_trustees, short_campaign, closes_too_late, empty_unit):
        damage(counter)
    problems = "\n".join(refused(Act.FIX_DEFINITION, counter))
    for told in (
        "the legal basis is missing",
        "contest mayor has no candidates",
        "1 trustees where the threshold is 2",
        "the law asks for 17",
        "the online polls close after election day",
        "counting unit 南 has no voting district",
    ):
        assert told in problems


def test_a_district_of_another_election_is_none_of_this_one(counter: Counter) -> None:
    """A unit whose only voting district belongs to another election has none."""
    other = define_election(slug="other", record={**ceremony().manifest, "title": "仮構市長選挙"})
    counter.row.districts.filter(code="south").update(election=other)
    assert "counting unit 南 has no voting district" in definition_problems(counter.row)


def test_a_refused_request_leaves_the_files_as_they_were_agreed_on(counter: Counter) -> None:
    """Neither who may not ask, nor who asks what waits already, changes which files the manifest names."""

    def served() -> object:
        return Election.objects.get(pk=counter.row.pk).served

    before = served()
    with pytest.raises(NotPermitted):
        ask(Act.FIX_DEFINITION, counter.row, by=counter.town.poll_manager)
    assert served() == before
    ask(Act.FIX_DEFINITION, counter.row, by=counter.town.chair)
    agreed = [{"path": "old.js", "sha256": "00"}]
    Election.objects.filter(pk=counter.row.pk).update(served=agreed)
    with pytest.raises(AlreadyProposed):
        ask(Act.FIX_DEFINITION, Election.objects.get(pk=counter.row.pk), by=counter.town.second_chair)
    assert served() == agreed


def test_an_election_of_no_office_is_not_fixed(counter: Counter) -> None:
    counter.row.office = None
    assert "the election belongs to no office yet" in definition_problems(counter.row)
    with pytest.raises(NotPermitted):
        ask(Act.FIX_DEFINITION, counter.row, by=counter.town.chair)


def test_what_is_written_is_what_was_agreed_on(counter: Counter) -> None:
    """Between the agreement and the entry one clerk changes a name: the agreement no longer counts."""
    counter.agree(Act.FIX_DEFINITION)
    assert prepare(counter.row, Type.MANIFEST).body == build_manifest(counter.row)
    Candidate.objects.filter(contest__identifier="mayor", identifier="a").update(name="架空 別人")
    with pytest.raises(NotReady):
        prepare(counter.row, Type.MANIFEST)
    counter.agree(Act.FIX_DEFINITION)
    assert "架空 別人" in str(prepare(counter.row, Type.MANIFEST).body)


def test_a_definition_changed_under_the_request_is_not_approved(counter: Counter) -> None:
    """The second person approves what the first has seen."""
    asked = ask(Act.FIX_DEFINITION, counter.row, by=counter.town.chair)
    Candidate.objects.filter(contest__identifier="mayor", identifier="a").update(name="架空 別人")
    with pytest.raises(NotReady, match="changed"):
        officials.approve(asked, by=counter.town.second_chair)
    asked.refresh_from_db()
    assert asked.decision == Proposal.Decision.PENDING


CHANGES: list[Callable[[Counter], object]] = [
    lambda counter: Election.objects.filter(pk=counter.row.pk).update(title="別の選挙"),
    lambda counter: Election.objects.filter(pk=counter.row.pk).update(office=None),
    lambda counter: Election.objects.filter(pk=counter.row.pk).update(election_day=ELECTION + timedelta(days=7)),
    lambda counter: Contest.objects.filter(election=counter.row).update(title="別の問い"),
    lambda counter: Contest.objects.filter(election=counter.row).update(scope="prefectural"),
    lambda counter: Candidate.objects.filter(contest__election=counter.row).update(party="別の党"),
    lambda counter: Candidate.objects.filter(contest__election=counter.row).delete(),
    lambda counter: Party.objects.filter(election=counter.row, role="registrar").update(public_key=bytes(32)),
    lambda counter: Unit.objects.filter(election=counter.row).update(name="別の区"),
    lambda counter: District.objects.filter(election=counter.row, code="south").update(
        unit=counter.row.units.get(identifier="north")
    ),
    lambda counter: Style.objects.filter(election=counter.row, position=1).update(identifier="another"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_on_the_board_is_fixed_in_the_database(counter: Counter, change: Callable[[Counter], object]) -> None:
    """Before, each change is possible; afterwards the database itself refuses it, whoever asks."""
    with transaction.atomic():
        change(counter)
        transaction.set_rollback(True)
    counter.agree(Act.FIX_DEFINITION)
    counter.act(Type.MANIFEST, BEFORE)
    with pytest.raises(DatabaseError), transaction.atomic():
        change(counter)


# Opening


def no_roll(counter: Counter) -> None:
    """Definition, key and shares, and nobody who could vote."""
    begin(counter)
    counter.hold_ceremony()


def begin(counter: Counter) -> None:
    counter.agree(Act.FIX_DEFINITION)
    counter.act(Type.MANIFEST, BEFORE)


def no_manifest(counter: Counter) -> None:
    counter.enrol()


def no_key(counter: Counter) -> None:
    counter.enrol()
    begin(counter)
    counter.commit_roll()
    counter.act(Type.ROLL_COMMITMENT, BEFORE)


def one_trustee_missing(counter: Counter) -> None:
    counter.enrol()
    begin(counter)
    memory = ceremony()
    boards.fill(counter.row, memory, boards.place(memory, Type.KEY), boards.place(memory, Type.SHARE_CONFIRMED, 2))
    counter.commit_roll()
    counter.act(Type.ROLL_COMMITMENT, BEFORE)


def no_commitment(counter: Counter) -> None:
    counter.enrol()
    begin(counter)
    counter.hold_ceremony()


def import_on_its_way(counter: Counter) -> None:
    RollImport.objects.create(
        election=counter.row, file_name="名簿.csv", digest=bytes(32), uploaded_by=counter.town.clerk
    )


def deadline_before_notice(counter: Counter) -> None:
    counter.offer.online_until = "N-1T17:00"
    counter.offer.save()


def ends_before_it_begins(counter: Counter) -> None:
    counter.offer.apply_from, counter.offer.online_until = "E-1", "E-2"
    counter.offer.save()


def requests_after_voting(counter: Counter) -> None:
    counter.offer.online_until = "E"
    counter.offer.save()


def nothing_offered(counter: Counter) -> None:
    counter.offer.enabled = False
    counter.offer.save()


def nobody_has_that_ballot(counter: Counter) -> None:
    """Somebody of the south has moved away, and keeps the national franchise alone."""
    counter.elector(90, "south", mark=Mark.MOVED)


def unit_without_ballots(counter: Counter) -> None:
    counter.row.styles.filter(unit__identifier="south").delete()
    counter.enrol()
    begin(counter)


UNFINISHED: list[tuple[Damage, str]] = [
    (no_manifest, "the manifest is not on the board"),
    (no_key, "the election key is not on the board"),
    (no_key, "trustee 1 (trustee 1) has not confirmed the share"),
    (one_trustee_missing, "trustee 3 (trustee 3) has not confirmed the share"),
    (no_roll, "there is no roll"),
    (no_commitment, "the commitment to the roll is not on the board"),
    (unit_without_ballots, "counting unit 南 has no ballot"),
]
SPOILT: list[tuple[Damage, str]] = [
    (import_on_its_way, "a roll file is still on its way"),
    (deadline_before_notice, "the deadline for requests is before notice day"),
    (ends_before_it_begins, "requests would end before they begin"),
    (requests_after_voting, "requests would be taken after the end of voting"),
    (nothing_offered, "no absentee category is offered"),
    (nobody_has_that_ballot, "counting unit 南 has no ballot for people with this franchise: national"),
]


@pytest.mark.parametrize(("unfinished", "told"), UNFINISHED, ids=[damage.__name__ for damage, _ in UNFINISHED])
def test_what_is_missing_before_the_polls_open_is_named(counter: Counter, unfinished: Damage, told: str) -> None:
    unfinished(counter)
    assert any(told in problem for problem in refused(Act.OPEN_POLLS, counter))
    assert not Proposal.objects.filter(act=Act.OPEN_POLLS).exists()


@pytest.mark.parametrize(("damage", "told"), SPOILT, ids=[damage.__name__ for damage, _ in SPOILT])
def test_readiness_is_looked_at_at_every_step(ready: Counter, damage: Damage, told: str) -> None:
    """What becomes missing stops the request; after it, the approval; after that, the entry."""

    def spoilt(step: Callable[[], object]) -> None:
        """The step with the damage, which is taken back."""
        with transaction.atomic():
            damage(ready)
            with pytest.raises(NotReady) as error:
                step()
            transaction.set_rollback(True)
        assert any(told in problem for problem in error.value.problems)
        ready.offer.refresh_from_db()

    spoilt(lambda: ask(Act.OPEN_POLLS, ready.row, by=ready.town.chair))
    asked = ask(Act.OPEN_POLLS, ready.row, by=ready.town.chair)
    spoilt(lambda: officials.approve(asked, by=ready.town.second_chair))
    officials.approve(asked, by=ready.town.second_chair)
    spoilt(lambda: prepare(ready.row, Type.POLLS_OPENED))
    manifest = ready.state.manifest
    assert manifest is not None
    assert prepare(ready.row, Type.POLLS_OPENED).body == {"election": encode_bytes(manifest.election)}


def test_nothing_is_missing(ready: Counter) -> None:
    """Also with people whose ballot has fewer contests, and with those who have none."""
    ready.elector(91, "north", mark=Mark.MOVED)
    ready.elector(92, "south", mark=Mark.DEAD)
    assert opening_problems(ready.row) == []


def test_all_that_is_missing_is_named_at_once(counter: Counter) -> None:
    """Nothing but a faulty definition: every reason in one refusal."""
    no_legal_basis(counter)
    no_candidates(counter)
    no_district(counter)
    counter.offer.online_until = "N-1T17:00"
    counter.offer.save()
    problems = "\n".join(refused(Act.OPEN_POLLS, counter))
    for told in (
        "the legal basis is missing",
        "contest mayor has no candidates",
        "there is no voting district",
        "the manifest is not on the board",
        "there is no roll",
        "the deadline for requests is before notice day",
    ):
        assert told in problems


# Two people


def test_nobody_opens_alone(ready: Counter) -> None:
    """Not unasked, not asked for by one, not approved by who asked, not declined: prepared is nothing."""

    def nothing() -> None:
        with pytest.raises(NotReady, match="two officials have not agreed yet"):
            prepare(ready.row, Type.POLLS_OPENED)

    nothing()
    asked = ask(Act.OPEN_POLLS, ready.row, by=ready.town.chair)
    nothing()
    with pytest.raises(NotPermitted):
        officials.approve(asked, by=ready.town.chair)
    nothing()
    with pytest.raises(AlreadyProposed):
        ask(Act.OPEN_POLLS, ready.row, by=ready.town.second_chair)
    officials.decline(asked, by=ready.town.second_chair, remark="まだ")
    nothing()
    with pytest.raises(ProposalClosed):
        officials.approve(asked, by=ready.town.second_chair)
    nothing()


@pytest.mark.parametrize("act", [Act.FIX_DEFINITION, Act.OPEN_POLLS, Act.CLOSE_POLLS])
@pytest.mark.parametrize("role", ["poll_manager", "poll_witness", "auditor", "system_admin", "health_officer"])
def test_only_the_election_board_asks(ready: Counter, act: Act, role: str) -> None:
    with pytest.raises(NotPermitted):
        ask(act, ready.row, by=getattr(ready.town, role))
    assert FOUR_EYES[act].approved_by


@pytest.mark.parametrize("act", [Act.FIX_DEFINITION, Act.OPEN_POLLS, Act.CLOSE_POLLS])
def test_one_agreement_is_not_another(ready: Counter, act: Act) -> None:
    """Two people who agreed on something else have not agreed on this."""
    ready.agree(act)
    for kind, wanted in ((Type.POLLS_OPENED, Act.OPEN_POLLS), (Type.POLLS_CLOSED, Act.CLOSE_POLLS)):
        if act is not wanted:
            with pytest.raises(NotReady):
                prepare(ready.row, kind)


def test_an_agreement_is_about_one_election(ready: Counter) -> None:
    """Agreeing on this election opens no other one of the same office."""
    ready.agree(Act.OPEN_POLLS)
    other = define_election(slug="other", record={**ceremony().manifest, "title": "仮構市長選挙"})
    other.office = ready.town.board
    other.save()
    with pytest.raises(NotReady):
        prepare(other, Type.POLLS_OPENED)


def test_the_board_wants_two_signatures_as_well(ready: Counter) -> None:
    """The agreement here is not enough: one official's key, twice, or a trustee's, opens nothing."""
    ready.agree(Act.OPEN_POLLS)
    prepared = prepare(ready.row, Type.POLLS_OPENED)
    for signers in (["official 1"], ["official 1", "trustee 1"]):
        with pytest.raises(EntryRefused):
            ready.submit(prepared, *signers, time=OPENS)
    ready.submit(prepared, time=OPENS)
    assert BoardEntry.objects.filter(election=ready.row, type=Type.POLLS_OPENED).count() == 1


def test_the_commitment_is_the_one_agreed_on(counter: Counter) -> None:
    counter.enrol()
    begin(counter)
    with pytest.raises((NotReady, RollNotReady)):
        prepare(counter.row, Type.ROLL_COMMITMENT)
    counter.commit_roll()
    body = prepare(counter.row, Type.ROLL_COMMITMENT).body
    assert body["rows"] == 6
    with boards.tampering():
        Proposal.objects.filter(act=Act.COMMIT_ROLL).update(payload={"root": encode_bytes(bytes(32)), "rows": 6})
    with pytest.raises((NotReady, RollNotReady)):
        prepare(counter.row, Type.ROLL_COMMITMENT)


def test_polls_are_closed_by_two_and_not_before_their_time(polls: Counter) -> None:
    with pytest.raises(NotReady):
        prepare(polls.row, Type.POLLS_CLOSED)
    polls.agree(Act.CLOSE_POLLS)
    with pytest.raises(EntryRefused):
        polls.act(Type.POLLS_CLOSED, POLLING)
    polls.act(Type.POLLS_CLOSED, CLOSES)
    assert polls.state.stage == "closed"
