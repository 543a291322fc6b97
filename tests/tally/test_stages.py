"""From the freeze to the result: replay accepts what is made here, and what is not due is not made."""

from __future__ import annotations

import pytest

from tally import stages
from tally.errors import ThresholdNotMet
from tests.election import Election, finish, voted
from tests.forge import at
from verifier.checks import completeness
from verifier.errors import CheckFailed
from verifier.record.column import write_column
from verifier.record.entries import Type


def test_a_whole_election_passes_under_the_gate() -> None:
    """Every body made here is accepted by the server's own judge, and the counts are those of the votes."""
    election = finish(voted())
    counts = {
        contest["contest"]: {str(line["answer"]): line["count"] for line in contest["total"]["counts"]}
        for contest in election.state.result["contests"]
    }
    assert counts["mayor"] == {"a": 2, "b": 1, "c": 1}
    assert counts["judges"] == {"a": 3, "b": 2, "c": 2}
    assert election.state.result["turnout"] == {"ballots": 5, "credentials": 6, "roll": 40}


def test_every_mix_stage_is_pending_once_and_in_its_turn() -> None:
    """Stage 2 of a group only when its stage 1 is on the board; nothing before the freeze or after the last mix."""
    election = at("frozen")
    done: list[tuple[str, int, int]] = []
    while pending := election.state.pending_stages():
        place = pending[-1]
        body, columns = stages.mix_stage_body(election.state, place[0], place[1])
        election.append(Type.MIX_STAGE, body, [f"mixer {place[2]}"], columns)
        done.append(place)
    groups = [(contest, group) for contest in ("council", "chair", "name") for group in (0, 1)]
    assert sorted(done) == sorted((contest, group, stage) for contest, group in groups for stage in (1, 2))
    assert all(done.index((*group, 1)) < done.index((*group, 2)) for group in groups)
    assert election.state.missing_stages() == []
    for name in ("set up", "voted", "withdrawn", "mixed"):
        assert at(name).state.pending_stages() == []
    assert Election().state.pending_stages() == []


def test_mixing_leaves_the_state_alone() -> None:
    """The body is made from the state; only replay changes it."""
    election = at("frozen")
    group = next(tally for tally in election.state.tallies if tally.contest.id == "council").groups[0]
    before, digest = [list(column) for column in group.columns], group.digest
    body, columns = stages.mix_stage_body(election.state, "council", 0)
    assert (group.columns, group.digest, group.stages) == (before, digest, 0)
    width = 2 * 512 // 8
    inputs = [write_column(column, width)[0].digest for column in before]
    assert not set(inputs) & set(columns)
    assert body["stage"] == 1 and body["contest"] == "council" and body["group"] == 0


@pytest.mark.parametrize("trustees", [(), (2,)])
def test_fewer_than_t_trustees_open_nothing(trustees: tuple[int, ...]) -> None:
    election = at("mixed")
    election.root(*trustees)
    with pytest.raises(ThresholdNotMet, match=f"partial roots of {len(trustees)} trustees, 2 are needed"):
        stages.opening_body(election.state)


def test_any_two_trustees_open_the_same() -> None:
    """Plaintexts are those of the ciphertexts, whoever roots; a third one changes nothing."""
    plaintexts = set()
    for trustees in ((1, 2), (3, 1), (2, 3), (3, 2, 1)):
        election = at("mixed")
        election.root(*trustees)
        body, _ = stages.opening_body(election.state)
        plaintexts.add(body["plaintexts"]["digest"])
    assert len(plaintexts) == 1


def test_an_election_without_ballots_is_opened_without_trustees() -> None:
    election = at("opened")
    election.close_polls()
    election.freeze()
    election.open_and_publish()
    assert election.state.stage == "published"
    assert election.state.result["turnout"]["ballots"] == 0


def test_progress_counts_what_is_rooted_and_mixed() -> None:
    told: list[tuple[int, int]] = []
    election = at("mixed")
    stages.partial_roots_body(election.state, 1, election.dealt.shares[0], lambda *step: told.append(step))
    total = len(election.state.named())
    assert told == [(done, total) for done in range(1, total + 1)]
    told.clear()
    stages.mix_stage_body(at("frozen").state, "council", 0, lambda *step: told.append(step))
    assert told and told[-1][0] == told[-1][1] == 2  # rows, told after each piece of work


def test_a_decided_contest_is_opened_below_the_minimum_group() -> None:
    """Only with the decision: without it, replay withholds the contest."""
    for decided in ((), ("mayor",)):
        election = at("opened")
        election.cast("v1", mayor="a", judges=("a",), council="d", chair=("b",), name="")
        election.close_polls()
        body = stages.freeze_body(election.state, election, decided)
        contests = {contest["contest"]: contest["open"] for contest in body["contests"]}
        assert contests == {name: name in decided for name in contests}
        election.append(Type.TALLY_FROZEN, body)
        assert bool(election.state.named()) == bool(decided)


def test_replay_refuses_a_freeze_that_leaves_a_ballot_out() -> None:
    """What is made here decides nothing: another body is refused, by name."""
    election = voted()
    election.close_polls()
    body = stages.freeze_body(election.state, election)
    with pytest.raises(CheckFailed) as refusal:
        election.append(Type.TALLY_FROZEN, {**body, "counted": body["counted"] - 1})
    assert refusal.value.check == completeness.fate_complete.name
    election.append(Type.TALLY_FROZEN, body)
