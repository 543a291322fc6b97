"""Where the trustees stand: as the board says it at every stage, for the page and for officials."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.election import Election, small_manifest
from tests.voting import boards
from tests.voting.boards import AFTERWARDS
from tests.voting.trustees.files import board, confirmation, key_board, rehearsal, roots, stage, upload
from verifier.record.entries import Type
from voting.trustees.handing_in import hand_in
from voting.trustees.models import Rehearsal
from voting.trustees.services import Phase, opening, standing, warnings

pytestmark = pytest.mark.django_db(transaction=True)


def test_before_the_manifest_there_is_nobody() -> None:
    row = boards.define(stage("set up"))
    assert standing(row) == [] and warnings(row) == []
    assert opening(row).phase is Phase.NO_KEY


def test_each_step_of_each_trustee_has_its_time() -> None:
    row = key_board()
    assert [(one.number, one.name, one.confirmed, one.rehearsed, one.opened) for one in standing(row)] == [
        (number, f"trustee {number}", None, None, None) for number in (1, 2, 3)
    ]
    hand_in(row, upload(confirmation(2)))
    minute = AFTERWARDS.replace(second=0, microsecond=0)
    assert [one.confirmed for one in standing(row)] == [None, minute, None]
    later = AFTERWARDS + timedelta(days=1)
    for number in (1, 3):
        hand_in(row, upload(confirmation(number)))
    raw = [rehearsal(row, "set up", 2) for _ in range(2)]
    hand_in(row, upload(raw[0]))
    hand_in(row, upload(raw[1]), at=later)
    assert [one.rehearsed for one in standing(row)] == [None, later.replace(second=0, microsecond=0), None]


@pytest.mark.parametrize(
    ("name", "phase"),
    [
        ("set up", Phase.BEFORE),
        ("voted", Phase.BEFORE),
        ("withdrawn", Phase.BEFORE),
        ("frozen", Phase.MIXING),
        ("mixed", Phase.READY),
        ("rooted", Phase.ENOUGH),
        ("published", Phase.DONE),
    ],
)
def test_how_far_the_opening_is(name: str, phase: Phase) -> None:
    """The same as replay says: what is missing of the mix, and how many trustees are."""
    election, found = stage(name), opening(board(name))
    assert found.phase is phase and found.needed == 2
    assert found.left == max(0, 2 - len(election.state.partial_roots))
    if phase is not Phase.BEFORE:
        assert found.to_mix == 12 and found.mixed == (0 if phase is Phase.MIXING else 12)
        assert (found.mixed < found.to_mix) == bool(election.state.missing_stages())


def test_mixing_is_over_with_the_last_stage() -> None:
    row = boards.define(stage("mixed"))
    last = boards.place(stage("mixed"), Type.MIX_STAGE, 11)
    boards.fill(row, stage("mixed"), 0, last)
    assert opening(row).phase is Phase.MIXING and opening(row).mixed == 11
    boards.fill(row, stage("mixed"), last)
    assert opening(row).phase is Phase.READY


def test_an_election_without_ballots_has_nothing_to_open() -> None:
    election = Election(small_manifest()).set_up()
    election.open_polls()
    election.close_polls()
    election.freeze()
    assert election.state.named() == []
    assert opening(boards.board_of(election)).phase is Phase.NOTHING


def test_officials_are_warned_until_t_have_rehearsed() -> None:
    """With the names of those who have not; not any more after the freeze."""
    row = board("voted")
    (said,) = warnings(row)
    assert said.startswith("0 of 3 trustees have proved that their share works; 2 are needed")
    hand_in(row, upload(rehearsal(row, "voted", 2)))
    (said,) = warnings(row)
    assert said.startswith("1 of 3 trustees") and said.endswith("trustee 1, trustee 3.")
    hand_in(row, upload(rehearsal(row, "voted", 2)))
    assert len(warnings(row)) == 1  # twice the same is still one trustee
    hand_in(row, upload(rehearsal(row, "voted", 3)))
    assert warnings(row) == []
    Rehearsal.objects.all().delete()
    boards.fill(row, stage("frozen"), len(stage("voted").entries))
    assert warnings(row) == []


def test_who_has_opened() -> None:
    row = board("mixed")
    hand_in(row, upload(roots(3)))
    assert [one.opened is not None for one in standing(row)] == [False, False, True]
    assert opening(row).left == 1
