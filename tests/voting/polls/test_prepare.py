"""`manage.py prepare`: a file for two officials to sign, of what was agreed on, or one line that says why not."""

from __future__ import annotations

import copy
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tally.submission import Submission, parse_submission
from tests.election import CLOSES, OPENS, signing_key
from tests.voting import boards
from tests.voting.polling import BEFORE, Counter, electors
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type
from verifier.replay.state import Stage
from voting.board.services import append
from voting.elections.models import Candidate
from voting.elections.services import build_manifest
from voting.officials.roles import Act
from voting.polls.acceptance import follow_board, settle
from voting.polls.opening import prepare as prepared

pytestmark = pytest.mark.django_db


def prepare(act: str, path: Path, *options: str, slug: str = "kakuu") -> str:
    """What the command says."""
    said = StringIO()
    call_command("prepare", slug, act, str(path), *options, stdout=said)
    return said.getvalue()


def one_line(act: str, path: Path, *options: str, slug: str = "kakuu") -> str:
    """The refusal, which is one line; no file is left."""
    with pytest.raises(CommandError) as failure:
        prepare(act, path, *options, slug=slug)
    text = str(failure.value)
    assert text and "\n" not in text
    assert not path.exists()
    return text


def read(path: Path) -> Submission:
    return parse_submission(path.read_bytes(), path.name)


def test_the_file_goes_to_the_board_with_two_signatures(counter: Counter, tmp_path: Path) -> None:
    """Prepared, signed by two, submitted: nothing else is needed, and it carries no signature of this server."""
    path = tmp_path / "manifest.json"
    counter.agree(Act.FIX_DEFINITION)
    assert prepare("manifest", path) == f"{path}: manifest, to be signed by 2 officials\n"
    prepared = read(path)
    assert (prepared.type, prepared.body, prepared.signatures) == (Type.MANIFEST, build_manifest(counter.row), ())
    for name in ("official 1", "official 2"):
        prepared = prepared.signed_by(signing_key(name))
    append(counter.row, entry_type=prepared.type, body=prepared.body, signatures=prepared.signatures, time=BEFORE)
    counter.row.refresh_from_db()
    assert counter.row.manifest_hash is not None


@pytest.mark.parametrize(
    ("act", "agreed"),
    [
        ("manifest", "fix contests"),
        ("polls-opened", "open the polls"),
        ("polls-closed", "close the polls"),
        ("tally-frozen", "freeze what is counted"),
        ("result", "publish the result"),
    ],
)
def test_without_two_officials_no_file(ready: Counter, tmp_path: Path, act: str, agreed: str) -> None:
    if act == "manifest":
        with boards.tampering():
            ready.town.board.proposals.all().delete()
    path = tmp_path / "act.json"
    said = one_line(act, path)
    assert said.startswith(f"{path}: not-ready: two officials have not agreed yet: {agreed}")


def test_without_two_officials_no_commitment(counter: Counter, tmp_path: Path) -> None:
    counter.enrol()
    counter.agree(Act.FIX_DEFINITION)
    counter.act(Type.MANIFEST, BEFORE)
    assert "two officials have not" in one_line("roll-commitment", tmp_path / "roll.json")


def test_every_reason_is_in_the_line(counter: Counter, tmp_path: Path) -> None:
    """Also what became missing after the agreement."""
    counter.agree(Act.FIX_DEFINITION)
    Candidate.objects.filter(contest__identifier="mayor").delete()
    counter.row.districts.filter(code="south").delete()
    counter.row.legal_basis = ""
    counter.row.save()
    said = one_line("manifest", tmp_path / "manifest.json")
    for told in ("the legal basis is missing", "contest mayor has no candidates", "counting unit 南 has no voting"):
        assert told in said


def test_what_was_agreed_on_is_what_is_written(counter: Counter, tmp_path: Path) -> None:
    counter.agree(Act.FIX_DEFINITION)
    Candidate.objects.filter(contest__identifier="mayor", identifier="a").update(name="架空 別人")
    assert "the definition has changed since two officials agreed on it" in one_line(
        "manifest", tmp_path / "manifest.json"
    )


def test_before_the_manifest_there_is_nothing_to_open(counter: Counter, tmp_path: Path) -> None:
    assert "two officials have not agreed yet" in one_line("polls-opened", tmp_path / "open.json")
    counter.row.office = None
    counter.row.save()
    assert "not-on-board" in one_line("polls-opened", tmp_path / "open.json")


def test_every_act_from_the_manifest_to_the_result(counter: Counter, tmp_path: Path) -> None:
    """Each file is accepted by the board as it was written."""
    counter.enrol()

    def act(kind: Type, time: object) -> None:
        path = tmp_path / f"{kind}.json"
        prepare(kind.value, path)
        counter.submit(read(path), time=time)  # type: ignore[arg-type]

    counter.agree(Act.FIX_DEFINITION)
    act(Type.MANIFEST, BEFORE)
    counter.hold_ceremony()
    counter.commit_roll()
    act(Type.ROLL_COMMITMENT, BEFORE)
    counter.agree(Act.OPEN_POLLS)
    act(Type.POLLS_OPENED, OPENS)
    first, *_ = [counter.voter(elector) for elector in electors(counter.row)[:4]]
    follow_board(counter.row)
    counter.agree(Act.CLOSE_POLLS)
    act(Type.POLLS_CLOSED, CLOSES)
    counter.refuse(first, "other")
    counter.accept_rest()
    act(Type.WITHDRAWALS, CLOSES)
    counter.agree(Act.FREEZE_TALLY)
    act(Type.TALLY_FROZEN, CLOSES)
    counter.open_tally()
    counter.agree(Act.PUBLISH_RESULT)
    act(Type.RESULT, CLOSES)
    assert counter.state.stage == "published"


@pytest.fixture
def small(polls: Counter) -> Counter:
    """One ballot where the minimum group is two."""
    polls.voter(electors(polls.row)[0])
    polls.close()
    polls.accept_rest()
    return polls


@pytest.mark.parametrize(("named", "opened"), [((), [False, False]), (("mayor",), [True, False])])
def test_a_small_contest_is_opened_only_when_named(
    small: Counter, tmp_path: Path, named: tuple[str, ...], opened: list[bool]
) -> None:
    """Withheld, unless two officials agree that it is opened."""
    small.agree(Act.FREEZE_TALLY, opened=named)
    path = tmp_path / "freeze.json"
    prepare("tally-frozen", path)
    assert [contest["open"] for contest in read(path).body["contests"]] == opened


def test_without_an_office_the_command_names_what_is_opened(small: Counter, tmp_path: Path) -> None:
    """Where nobody agrees beforehand, the two signatures are the decision; elsewhere the command decides nothing."""
    assert "two officials agree on what is opened" in one_line("tally-frozen", tmp_path / "no", "--open", "mayor")
    small.row.office = None
    with boards.tampering():
        small.row.save()
    prepare("tally-frozen", tmp_path / "freeze.json", "--open", "mayor")
    assert [contest["open"] for contest in read(tmp_path / "freeze.json").body["contests"]] == [True, False]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["polls-opened", "--open", "mayor"], "--open belongs to tally-frozen"),
        (["tally-frozen", "--open", "nobody"], "there is no contest 'nobody'"),
    ],
)
def test_options_that_mean_nothing_are_refused(counter: Counter, tmp_path: Path, options: list[str], told: str) -> None:
    act, *more = options
    assert told in one_line(act, tmp_path / "act.json", *more)


@pytest.mark.parametrize("act", ["key", "ballot-cast", "credential-registered", "opening", "nonsense", ""])
def test_other_entries_are_not_prepared_here(counter: Counter, tmp_path: Path, act: str) -> None:
    one_line(act, tmp_path / "act.json")


def test_an_unknown_election_is_named(counter: Counter, tmp_path: Path) -> None:
    assert "'nowhere'" in one_line("manifest", tmp_path / "act.json", slug="nowhere")


def test_a_folder_that_is_not_there_is_named(counter: Counter, tmp_path: Path) -> None:
    counter.agree(Act.FIX_DEFINITION)
    assert str(tmp_path / "nowhere") in one_line("manifest", tmp_path / "nowhere" / "act.json")


def test_preparing_changes_nothing(ready: Counter, tmp_path: Path) -> None:
    """Board and tables are what they were; twice is the same file."""
    ready.agree(Act.OPEN_POLLS)
    before = copy.deepcopy(ready.state.size), ready.town.board.proposals.count()
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    prepare("polls-opened", first)
    prepare("polls-opened", second)
    assert first.read_bytes() == second.read_bytes()
    assert (ready.state.size, ready.town.board.proposals.count()) == before


# What was signed elsewhere


def signed(counter: Counter, kind: Type, body: object, path: Path) -> Path:
    """An entry that two officials have signed, in a file; not prepared here."""
    submission = Submission(kind, body)
    for name in ("official 1", "official 2"):
        submission = submission.signed_by(signing_key(name))
    submission.write(path)
    return path


def bring(path: Path) -> None:
    with pytest.raises(CommandError, match="two officials"):
        call_command("submit", "kakuu", str(path))


def test_polls_are_not_opened_past_the_reasons_against_it(ready: Counter, tmp_path: Path) -> None:
    """Two signatures are enough for the board; not for the office, while nobody agreed (requirement 2)."""
    body = {"election": encode_bytes(bytes(ready.row.manifest_hash or b""))}
    bring(signed(ready, Type.POLLS_OPENED, body, tmp_path / "open.json"))
    assert ready.state.stage is Stage.SETUP


def test_a_manifest_that_nobody_agreed_on_is_not_submitted(counter: Counter, tmp_path: Path) -> None:
    counter.agree(Act.FIX_DEFINITION)
    other = {**build_manifest(counter.row), "title": "別の選挙"}
    bring(signed(counter, Type.MANIFEST, other, tmp_path / "manifest.json"))
    counter.row.refresh_from_db()
    assert counter.row.manifest_hash is None


def test_another_batch_of_withdrawals_is_not_submitted(polls: Counter, tmp_path: Path) -> None:
    """The board takes one batch only: a wrong slot in it could never be mended."""
    kept, refused = [polls.voter(elector) for elector in electors(polls.row)[:2]]
    polls.close()
    settle(polls.row)
    polls.refuse(refused, "other")
    polls.accept_rest()
    wrong = prepared(polls.row, Type.WITHDRAWALS).body | {"slots": [kept.binding.pseudonym]}
    bring(signed(polls, Type.WITHDRAWALS, wrong, tmp_path / "wrong.json"))
    assert polls.state.withdrawals == 0
