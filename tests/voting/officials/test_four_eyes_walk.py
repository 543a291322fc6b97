"""Each act of two people, for real: asked for by its own service, alone, by the same person twice, and by two people.

Whatever `test_four_eyes` proves of proposals holds here of what they do: nothing has happened until somebody else has
said yes, and then it has. Who takes part is written out: these tables do not ask roles.py.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tests.election import signing_key
from tests.voting import kakuu, offices
from tests.voting.booth.hall import Hall
from tests.voting.factors import phone
from tests.voting.kakuu import World
from tests.voting.offices import Town
from tests.voting.polling import BEFORE, Counter, electors, forget_trees, key, key_file
from tests.voting.records.filled import closed_in_memory, prepared
from tests.voting.roll import files
from verifier.record.entries import Type
from voting.applications import review
from voting.applications.models import Application, Offer
from voting.applications.offers import change_offer
from voting.applications.states import State
from voting.counting.adjudication import Ruling, ask_to_adjudicate
from voting.counting.models import WriteInDecision
from voting.credentials.models import Replacement
from voting.credentials.services import ask_to_replace
from voting.elections.models import Election
from voting.errors import NotPermitted, VotingError
from voting.officials.models import Appointment, Official, Proposal
from voting.officials.roles import FOUR_EYES, Act, Role
from voting.officials.second_factor import has_factor
from voting.officials.services import approve, may, pending, propose
from voting.polls import acceptance, opening
from voting.records.exports import ask_to_export, usable
from voting.records.models import Document, Seal
from voting.records.seal import ask_to_seal
from voting.roll.commitment import ask_to_commit, make_leaves
from voting.roll.imports import ask_to_take_over, begin_import, check_import
from voting.roll.models import Distinction, Elector, PaperWay, RollImport, Vote
from voting.roll.services import ask_to_tell_apart, ask_to_undo_paper, record_paper_vote

pytestmark = pytest.mark.django_db

Effect = Callable[[], bool]


@dataclass(frozen=True)
class Scene:
    """架空市, who asks there, and a folder for files."""

    town: Town
    by: Official
    folder: Path

    def counter(self) -> Counter:
        return Counter(self.town)

    def world(self) -> World:
        """Notice day was three days ago."""
        today = timezone.localdate()
        return kakuu.world(self.town, notice=today - timedelta(days=3), election_day=today + timedelta(days=4))


@pytest.fixture(autouse=True)
def keys(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.REGISTRAR_KEY_FILE = key_file(tmp_path / "registrar.key", signing_key("registrar"))
    settings.CODE_KEY_FILE, settings.EVIDENCE_KEY_FILE = tmp_path / "code.key", tmp_path / "evidence.key"
    forget_trees()
    yield
    forget_trees()


# How each act is asked for, and how to see that it is done


def _can_prepare(row: Election, kind: Type) -> Effect:
    """The entry for the board is given out only after two people agreed."""

    def prepared_now() -> bool:
        try:
            return opening.prepare(row, kind).type is kind
        except VotingError:
            return False

    return prepared_now


def fix_definition(scene: Scene) -> tuple[Proposal, Effect]:
    row = scene.counter().row
    return opening.ask(Act.FIX_DEFINITION, row, by=scene.by), _can_prepare(row, Type.MANIFEST)


def commit_roll(scene: Scene) -> tuple[Proposal, Effect]:
    counter = scene.counter()
    counter.enrol()
    counter.agree(Act.FIX_DEFINITION)
    counter.act(Type.MANIFEST, BEFORE)
    make_leaves(counter.row)
    return ask_to_commit(counter.row, by=scene.by), _can_prepare(counter.row, Type.ROLL_COMMITMENT)


def open_polls(scene: Scene) -> tuple[Proposal, Effect]:
    row = scene.counter().set_up().row
    return opening.ask(Act.OPEN_POLLS, row, by=scene.by), _can_prepare(row, Type.POLLS_OPENED)


def close_polls(scene: Scene) -> tuple[Proposal, Effect]:
    row = scene.counter().set_up().open().row
    return opening.ask(Act.CLOSE_POLLS, row, by=scene.by), _can_prepare(row, Type.POLLS_CLOSED)


def change_offer_late(scene: Scene) -> tuple[Proposal, Effect]:
    offer = scene.world().offers["FACILITY"]
    proposal = change_offer(offer, by=scene.by, enabled=False)
    assert isinstance(proposal, Proposal)
    return proposal, lambda: not Offer.objects.get(pk=offer.pk).enabled


def import_roll(scene: Scene) -> tuple[Proposal, Effect]:
    election = files.election_without_roll(scene.town)
    path = files.write(scene.folder / "roll.csv", files.rows(2))
    begun = begin_import(election, path, kind=RollImport.Kind.FULL, file_name=path.name, by=scene.by)
    return ask_to_take_over(check_import(begun, path), by=scene.by), Elector.objects.exists


def tell_apart(scene: Scene) -> tuple[Proposal, Effect]:
    twins = scene.world().electors
    proposal = ask_to_tell_apart(twins["twin"], twins["other_twin"], reason="戸籍", by=scene.by)
    return proposal, Distinction.objects.exists


def undo_paper(scene: Scene) -> tuple[Proposal, Effect]:
    taro = scene.world().electors["taro"]
    marked = record_paper_vote(taro, way=PaperWay.EARLY, by=scene.town.poll_manager)
    proposal = ask_to_undo_paper(marked, reason="番号の間違い", by=scene.by)
    return proposal, Elector.objects.filter(pk=taro.pk, vote=Vote.NONE).exists


def match_by_hand(scene: Scene) -> tuple[Proposal, Effect]:
    world = scene.world()
    taro = world.electors["taro"]
    moved = kakuu.applicant(taro, address="架空市港1番地")
    application = kakuu.under_review(world, applicant=moved, at=world.n(1, 12))
    proposal = review.ask_to_match(application, taro, by=scene.by, reason="転居届")
    return proposal, Application.objects.filter(pk=application.pk, elector=taro).exists


def give_back(scene: Scene) -> tuple[Proposal, Effect]:
    world = scene.world()
    application = kakuu.under_review(world, at=world.n(1, 12))
    review.approve(application, by=scene.town.chair)
    proposal = review.ask_to_give_back(_fresh(application), by=scene.by, reason="紛失")
    return proposal, _in_state(application, State.GIVEN_BACK)


def replace_credential(scene: Scene) -> tuple[Proposal, Effect]:
    counter = scene.counter().set_up().open()
    application = counter.issue(electors(counter.row)[0])
    counter.bind(application, key("phone"))
    return ask_to_replace(_fresh(application), by=scene.by, reason="紛失"), Replacement.objects.exists


def refuse_ballot(scene: Scene) -> tuple[Proposal, Effect]:
    counter = scene.counter().set_up().open()
    application = counter.voter(electors(counter.row)[0])
    counter.close()
    acceptance.settle(counter.row)
    proposal = acceptance.ask_to_refuse(_fresh(application), ground="dead", reason="台帳", by=scene.by)
    return proposal, _in_state(application, State.REFUSED)


def freeze_tally(scene: Scene) -> tuple[Proposal, Effect]:
    row = _accepted(scene.counter()).row
    return opening.ask(Act.FREEZE_TALLY, row, by=scene.by), _can_prepare(row, Type.TALLY_FROZEN)


def publish_result(scene: Scene) -> tuple[Proposal, Effect]:
    counter = _accepted(scene.counter())
    counter.freeze()
    counter.open_tally()
    return opening.ask(Act.PUBLISH_RESULT, counter.row, by=scene.by), _can_prepare(counter.row, Type.RESULT)


def _accepted(counter: Counter) -> Counter:
    counter.set_up().open()
    for elector in electors(counter.row)[:2]:
        counter.voter(elector)
    counter.close()
    counter.accept_rest()
    return counter


def adjudicate(scene: Scene) -> tuple[Proposal, Effect]:
    hall = Hall(scene.town)
    hall.vote({"name": "架空 花子"})
    hall.end()
    hall.fix("name")
    hall.mix()
    hall.unlock()
    contest = hall.row.contests.get(identifier="name")
    proposal = ask_to_adjudicate(contest, [Ruling("架空 花子", "架空 花子")], by=scene.by)
    return proposal, WriteInDecision.objects.exists


def seal_records(scene: Scene) -> tuple[Proposal, Effect]:
    filled = prepared(closed_in_memory(), scene.town)
    filled.until_close()
    filled.close()
    filled.accept_all()
    filled.withdraw()
    return ask_to_seal(filled.election, by=scene.by), Seal.objects.exists


def export_personal_data(scene: Scene) -> tuple[Proposal, Effect]:
    election = scene.world().election
    proposal = ask_to_export(election, Document.REGISTER, by=scene.by, reason="県への報告")
    return proposal, lambda: bool(usable(election, scene.by))


def grant_role(scene: Scene) -> tuple[Proposal, Effect]:
    novice, board = offices.official("novice"), scene.town.board
    proposal = propose(
        Act.GRANT_ROLE,
        office=board,
        target=novice,
        summary="novice",
        by=scene.by,
        payload={"official": novice.pk, "role": Role.BOARD_CLERK.value, "office": board.pk},
    )
    return proposal, lambda: may(novice, Act.REVIEW, board)


def reset_second_factor(scene: Scene) -> tuple[Proposal, Effect]:
    somebody, board = offices.official("forgetful", Role.BOARD_CLERK, scene.town.board), scene.town.board
    phone(somebody)
    proposal = propose(
        Act.RESET_SECOND_FACTOR,
        office=board,
        target=somebody,
        summary="forgetful",
        by=scene.by,
        payload={"official": somebody.pk},
    )
    return proposal, lambda: not has_factor(somebody)


def _fresh(application: Application) -> Application:
    return Application.objects.get(pk=application.pk)


def _in_state(application: Application, state: State) -> Effect:
    return Application.objects.filter(pk=application.pk, state=state).exists


# Who asks, who approves

WALK: dict[str, tuple[Callable[[Scene], tuple[Proposal, Effect]], str, str]] = {
    "fix-definition": (fix_definition, "clerk", "chair"),
    "open-polls": (open_polls, "clerk", "chair"),
    "close-polls": (close_polls, "clerk", "chair"),
    "change-offer-late": (change_offer_late, "clerk", "chair"),
    "import-roll": (import_roll, "clerk", "second_clerk"),
    "commit-roll": (commit_roll, "clerk", "chair"),
    "tell-apart": (tell_apart, "clerk", "second_clerk"),
    "undo-paper": (undo_paper, "poll_manager", "clerk"),
    "match-by-hand": (match_by_hand, "clerk", "second_clerk"),
    "give-back": (give_back, "clerk", "second_clerk"),
    "replace-credential": (replace_credential, "clerk", "second_clerk"),
    "refuse-ballot": (refuse_ballot, "poll_manager", "poll_witness"),
    "freeze-tally": (freeze_tally, "count_manager", "count_witness"),
    "publish-result": (publish_result, "count_manager", "returning_officer"),
    "adjudicate": (adjudicate, "count_manager", "count_witness"),
    "seal-records": (seal_records, "clerk", "chair"),
    "export-personal-data": (export_personal_data, "clerk", "chair"),
    "grant-role": (grant_role, "clerk", "chair"),
    "reset-second-factor": (reset_second_factor, "clerk", "chair"),
}
"""Act → how it is asked for, who asks, who approves."""


def test_every_act_of_two_people_is_in_the_walk() -> None:
    assert set(WALK) == {act.value for act in FOUR_EYES}


@pytest.mark.parametrize("act", WALK)
def test_alone_and_by_one_person_twice_nothing_happens_and_by_two_it_does(act: str, town: Town, tmp_path: Path) -> None:
    """Even somebody with every role that may approve does not approve what they asked for."""
    ask, first, second = WALK[act]
    asking, approving = getattr(town, first), getattr(town, second)
    proposal, is_done = ask(Scene(town, asking, tmp_path))
    assert (proposal.act, proposal.requested_by) == (act, asking)
    assert not is_done()

    Appointment.objects.filter(official=asking).delete()
    for role in {*FOUR_EYES[Act(act)].requested_by, *FOUR_EYES[Act(act)].approved_by}:
        Appointment.objects.create(official=asking, office=town.board, role=role)
    with pytest.raises(NotPermitted):
        approve(proposal, by=asking)
    assert not is_done() and proposal not in pending(asking)
    proposal.refresh_from_db()
    assert (proposal.decision, proposal.decided_by) == ("pending", None)

    approve(proposal, by=approving)
    assert is_done()


HANDLERS = """
import django
django.setup()
from voting.officials.services import _handlers
print(*sorted(_handlers))
"""


def test_every_act_is_carried_out_by_something_in_a_fresh_server() -> None:
    """In a process that has loaded the apps and nothing else: no page or test has imported a handler by chance."""
    server = subprocess.run(  # noqa: S603
        [sys.executable, "-c", HANDLERS], capture_output=True, text=True, check=True, timeout=60
    )
    assert server.stdout.split() == sorted(WALK)
