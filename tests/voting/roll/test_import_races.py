"""Imports at the same instant as each other, the commitment and votes: one goes first, and nothing happens twice."""

from __future__ import annotations

from pathlib import Path

from tests.voting.offices import Town
from tests.voting.postgres import Runner, Work, both, race, says, transactional
from tests.voting.roll import files
from voting.elections.models import Election
from voting.officials.models import Official, Proposal
from voting.officials.services import approve
from voting.roll import imports
from voting.roll.commitment import make_leaves
from voting.roll.imports import ask_to_take_over, begin_import, check_import
from voting.roll.models import Elector, PaperWay, RollImport, RollLeaf, StagedElector, Vote
from voting.roll.services import record_paper_vote

FULL, DELTA = RollImport.Kind.FULL, RollImport.Kind.DELTA
REFUSED = "roll-not-ready"
ROWS = 400


def asked(election: Election, town: Town, path: Path, kind: RollImport.Kind = FULL) -> Proposal:
    """The file is checked, and a second official is asked."""
    begun = begin_import(election, path, kind=kind, file_name=path.name, by=town.clerk)
    return ask_to_take_over(check_import(begun, path), by=town.clerk)


def approval(proposal: Proposal, by: Official) -> Work:
    return says(lambda: approve(proposal, by=by).decision)


@race
@transactional
@both
def test_of_two_approvals_one_is_carried_out(town: Town, tmp_path: Path, run: Runner) -> None:
    election = files.election_without_roll(town)
    proposal = asked(election, town, files.write(tmp_path / "roll.csv", files.rows(ROWS)))
    answers = run([approval(proposal, by) for by in (town.second_clerk, town.chair)])
    assert sorted(answers) == ["approved", "proposal-closed"]
    assert Elector.objects.filter(election=election).count() == ROWS
    assert not StagedElector.objects.exists()


@race
@transactional
@both
def test_of_two_files_one_begins(town: Town, tmp_path: Path, run: Runner) -> None:
    election = files.election_without_roll(town)
    path = files.write(tmp_path / "roll.csv", files.rows(2))
    begin = says(lambda: begin_import(election, path, kind=FULL, file_name="roll.csv", by=town.clerk).state)
    assert sorted(run([begin] * 4)) == ["checking", *[REFUSED] * 3]


@race
@transactional
@both
def test_two_checks_of_one_import_stage_every_row_once(town: Town, tmp_path: Path, run: Runner) -> None:
    """Whoever is overtaken stops; whatever was read is kept, and the check can be finished."""
    election = files.election_without_roll(town)
    path = files.write(tmp_path / "roll.csv", files.rows(3 * imports.BATCH // 2))
    begun = begin_import(election, path, kind=FULL, file_name="roll.csv", by=town.clerk)
    answers = run([says(lambda: check_import(begun, path).state)] * 2)
    assert REFUSED in answers and set(answers) <= {"checked", REFUSED}
    begun.refresh_from_db()
    if begun.state == RollImport.State.CHECKING:
        begun = check_import(begun, path)
    assert begun.preview["rows"] == StagedElector.objects.count() == 3 * imports.BATCH // 2


@race
@transactional
@both
def test_the_commitment_has_the_whole_file_or_waits(town: Town, tmp_path: Path, run: Runner) -> None:
    """Leaves of half a roll there are never."""
    election = files.election_without_roll(town)
    proposal = asked(election, town, files.write(tmp_path / "roll.csv", files.rows(ROWS)))
    answers = run([approval(proposal, town.chair), says(lambda: make_leaves(election))])
    assert answers in (["approved", str(ROWS)], ["approved", REFUSED])
    assert RollLeaf.objects.count() == (0 if answers[1] == REFUSED else ROWS)


@race
@transactional
@both
def test_a_whole_roll_and_a_vote_do_not_pass_each_other(town: Town, tmp_path: Path, run: Runner) -> None:
    """Either the vote is seen and the import refused, or it is recorded on the new roll."""
    election = files.election_without_roll(town)
    approve(asked(election, town, files.write(tmp_path / "roll.csv", files.rows(ROWS))), by=town.chair)
    changed = (files.row(number, 住所="架空市新町１") for number in range(1, ROWS + 1))
    proposal = asked(election, town, files.write(tmp_path / "changed.csv", changed))
    voter = Elector.objects.get(number=f"{ROWS:010}")
    vote = says(lambda: record_paper_vote(voter, way=PaperWay.EARLY, by=town.poll_manager).vote)
    answers = run([approval(proposal, town.chair), vote])
    assert answers in (["approved", "paper"], [REFUSED, "paper"])
    voter.refresh_from_db()
    assert voter.vote == Vote.PAPER
    moved = Elector.objects.filter(address="架空市新町１").count()
    assert moved == (ROWS if answers[0] == "approved" else 0)


@race
@transactional
@both
def test_changes_and_votes_of_lookalikes_never_lock_each_other_out(town: Town, tmp_path: Path, run: Runner) -> None:
    """Both lock the rows of several people: in one order, or PostgreSQL would end one of them with a deadlock."""
    election = files.election_without_roll(town)
    same = {name: files.row(1)[name] for name in ("氏名", "フリガナ", "性別", "生年月日")}
    twins = [files.row(number, **same) for number in range(1, ROWS + 1)]
    approve(asked(election, town, files.write(tmp_path / "roll.csv", twins)), by=town.chair)
    changed = [{**person, "住所": "架空市新町１"} for person in reversed(twins)]
    proposal = asked(
        election,
        town,
        files.write(
            tmp_path / "changed.csv",
            changed,
        ),
        DELTA,
    )
    voters = list(Elector.objects.order_by("-pk")[:3])
    votes = [
        says(lambda voter=voter: record_paper_vote(voter, way=PaperWay.EARLY, by=town.poll_manager).vote)  # type: ignore[misc]
        for voter in voters
    ]
    answers = run([approval(proposal, town.chair), *votes])
    assert sorted(answers) == ["approved", "paper", "same-person", "same-person"]
