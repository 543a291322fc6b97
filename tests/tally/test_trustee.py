"""The trustee roots what replay names, once, on a board that continues what it saw; everything else it refuses."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import gmpy2
import pytest

from tally import stages
from tally.board import verified_state
from tally.errors import AlreadyOpened, LogRefused, NothingToDo, OtherElection, ShareDoesNotVerify
from tally.shares import Share
from tally.submission import Submission
from tally.trustee import Memory, import_share, open_tally
from tests.election import Election, signing_key, small_manifest
from tests.forge import ALLOWED, at, edit
from verifier.crypto.threshold import share_proven
from verifier.record.canonical import decode_integer, encode_bytes, parse, serialise
from verifier.record.entries import MAX_ENTRY_BYTES, Type
from verifier.replay import counting

KEY = signing_key("trustee 1")


@cache
def stage(name: str) -> Election:
    """Tests only read it."""
    return at(name)


@cache
def mixed_again() -> Election:
    """The same frozen election, mixed by the same mixers another time: another set of ciphertexts to open."""
    election = at("frozen")
    election.mix()
    return election


def share(trustee: int = 1, election: Election | None = None) -> Share:
    held = election or stage("set up")
    return Share(held.election_id, held.state.key_hash, trustee, held.dealt.shares[trustee - 1])


def memory(**changes: Any) -> Memory:
    held = stage("set up")
    return replace(Memory(held.election_id, 1, held.checkpoint().decode()), **changes)


class Remembering:
    """What was remembered, in order."""

    def __init__(self) -> None:
        self.kept: list[Memory] = []

    def __call__(self, new: Memory) -> None:
        self.kept.append(new)


def opened(election: Election, **changes: Any) -> tuple[Submission, list[Memory]]:
    """What trustee 1 makes of the election, and what it remembered."""
    remember = Remembering()
    given = {"share": share(), "key": KEY, "memory": memory(), "remember": remember, **changes}
    made = open_tally(election.state, election.checkpoint().decode(), **given)
    return made, remember.kept


def refused(kind: type[Exception], election: Election, **changes: Any) -> str:
    """The one sentence; nothing was remembered and no root taken."""
    remember = Remembering()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "partial_roots_body", lambda *_: pytest.fail("roots were taken"))
        with pytest.raises(kind) as refusal:
            opened(election, remember=remember, **changes)
    assert remember.kept == [] and "\n" not in str(refusal.value)
    return str(refusal.value)


# What is rooted


def test_exactly_what_replay_names_is_rooted() -> None:
    """u = (c mod N)^{2D·s} for each named ciphertext, in order: nothing left out, nothing more."""
    election = stage("mixed")
    made, _ = opened(election)
    named, key, s = election.state.named(), election.state.key, share().s
    assert len(named) > 10
    (text,) = made.columns.values()
    found = [decode_integer(line, key.bits // 8) for line in text.decode().splitlines()]
    assert found == [gmpy2.powmod(c, 2 * gmpy2.fac(3) * s, key.N) for c in named]
    assert made.type is Type.PARTIAL_ROOTS and made.body["trustee"] == 1
    assert made.body["context"] == encode_bytes(counting.roots_context(election.state))


def test_the_board_accepts_it() -> None:
    """Under the gate, signed by the trustee; with a second trustee the election is opened."""
    election = at("mixed")
    for number in (1, 2):
        made, _ = opened(
            election, share=share(number), key=signing_key(f"trustee {number}"), memory=memory(trustee=number)
        )
        election.append(made.type, made.body, [f"trustee {number}"], made.columns)
        raw = parse(election.entries[-1], MAX_ENTRY_BYTES)
        assert raw["signatures"] == list(made.signatures)
        state = election.state
        assert share_proven(
            election.election_id, state.key.N, 3, 2, state.verification_keys,
            counting.roots_statement(state), state.partial_roots[number],
        )  # fmt: skip
    election.open_and_publish()
    counts = {line["answer"]: line["count"] for line in election.state.result["contests"][0]["total"]["counts"]}
    assert counts == {"a": 2, "b": 1, "c": 1} and election.state.stage == "published"


def test_a_withheld_contest_is_never_rooted() -> None:
    """What is below the minimum group is not named, so no trustee opens it."""
    named = stage("mixed").state.named()
    shut = at("mixed")
    mayor = next(tally for tally in shut.state.tallies if tally.contest.id == "mayor")
    assert mayor.groups and all(group.product in named for group in mayor.groups)
    mayor.open = False
    made, _ = opened(shut)
    (text,) = made.columns.values()
    assert len(text.splitlines()) == len(named) - len(mayor.groups)


UNFROZEN = "the polls are closed, but two officials have not frozen the tally yet"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("set up", "voting has not begun"),
        ("opened", "the polls are open"),
        ("voted", "the polls are open"),
        ("closed", UNFROZEN),
        ("withdrawn", UNFROZEN),
    ],
)
def test_nothing_is_rooted_before_the_freeze(name: str, why: str) -> None:
    election = stage(name)
    said = refused(NothingToDo, election)
    assert said == f"there is nothing to open: {why}"


def test_nothing_is_rooted_before_every_mix() -> None:
    """The missing stages are named; one that is missing is enough."""
    said = refused(NothingToDo, stage("frozen"))
    missing = [
        f"mix stage 1 of {contest}, group {group}" for contest in ("council", "chair", "name") for group in (0, 1)
    ]
    assert said == f"nothing is opened before the mixers have finished: {', '.join(missing)} is missing"
    election = at("frozen")
    while len(pending := election.state.pending_stages()) > 1 or pending[0][2] == 1:
        contest, group, number = pending[0]
        body, columns = stages.mix_stage_body(election.state, contest, group)
        election.append(Type.MIX_STAGE, body, [f"mixer {number}"], columns)
    assert refused(NothingToDo, election) == (
        "nothing is opened before the mixers have finished: mix stage 2 of name, group 1 is missing"
    )


def test_nothing_is_rooted_after_the_opening() -> None:
    said = refused(NothingToDo, stage("published"), memory=memory(opened=b"x" * 32))
    assert said == "there is nothing to open: the result is published already"


def test_an_election_without_ballots_has_nothing_to_open() -> None:
    election = at("opened")
    election.close_polls()
    election.freeze()
    assert refused(NothingToDo, election) == "there is nothing to open: no contest has a ballot that is opened"


# Once


def test_the_memory_is_kept_before_any_root_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash in between leaves a trustee that roots this set and no other."""
    remember = Remembering()

    def crash(*_: object) -> None:
        assert len(remember.kept) == 1
        raise KeyboardInterrupt

    election = stage("mixed")
    with monkeypatch.context() as patch:
        patch.setattr(stages, "partial_roots_body", crash)
        with pytest.raises(KeyboardInterrupt):
            opened(election, remember=remember)
    (kept,) = remember.kept
    assert kept.opened == counting.roots_context(election.state)
    assert kept.checkpoint == election.checkpoint().decode()
    made, _ = opened(election, memory=kept)
    assert made.body["context"] == encode_bytes(kept.opened)
    refused(AlreadyOpened, mixed_again(), memory=kept)


def test_no_root_is_taken_when_the_memory_cannot_be_kept() -> None:
    def full(new: Memory) -> None:
        raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "partial_roots_body", lambda *_: pytest.fail("roots were taken"))
        with pytest.raises(OSError, match="No space left"):
            opened(stage("mixed"), remember=full)


def test_the_same_set_may_be_rooted_again() -> None:
    """After an interruption; and after others have delivered theirs."""
    first, kept = opened(stage("mixed"))
    second, again = opened(stage("rooted"), memory=kept[-1])
    assert again[-1].opened == kept[-1].opened and again[-1].checkpoint != kept[-1].checkpoint
    assert first.columns == second.columns and first.body["proof"]["z"] != second.body["proof"]["z"]


def test_another_set_is_never_rooted() -> None:
    """Mixed again, or with one ballot less: the difference of two openings would be one voter's vote."""
    _, kept = opened(stage("mixed"))
    fewer = at("closed")
    fewer.withdraw("v5", "v6")
    fewer.freeze()
    fewer.mix()
    for other in (mixed_again(), fewer):
        said = refused(AlreadyOpened, other, memory=kept[-1])
        assert said == "another counted set of this election was opened before: this trustee opens one, ever"
        opened(other)  # it is the memory that refuses


# Whose share


def test_a_share_of_another_election_is_refused() -> None:
    said = refused(OtherElection, stage("mixed"), share=replace(share(), election=b"o" * 32))
    assert said == "the share is of another election"


def test_a_share_of_another_key_is_refused() -> None:
    said = refused(OtherElection, stage("mixed"), share=replace(share(), key_hash=b"o" * 32))
    assert said == "the share is of another key than the one on the board"


def test_a_share_of_another_trustee_is_refused() -> None:
    said = refused(OtherElection, stage("mixed"), share=share(2))
    assert said == "the share is that of trustee 2, who has another signing key"
    assert refused(OtherElection, stage("mixed"), key=signing_key("trustee 2")).startswith("the share is that of")


def test_a_share_that_does_not_fit_is_refused() -> None:
    said = refused(ShareDoesNotVerify, stage("mixed"), share=replace(share(), s=share().s + 1))
    assert said == "the share of trustee 1 does not fit the verification key on the board"


@pytest.mark.parametrize("changes", [{"election": b"o" * 32}, {"trustee": 2}])
def test_a_memory_of_another_election_or_trustee_is_refused(changes: dict[str, Any]) -> None:
    """Otherwise somebody's fresh memory would let this share root a second set."""
    said = refused(OtherElection, stage("mixed"), memory=memory(**changes))
    assert said == "the trustee's memory is of another election or trustee"


@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_imported_share_is_confirmed_on_the_board(number: int) -> None:
    election = Election().set_up()
    made, kept = import_share(election.state, "the checkpoint", share(number), signing_key(f"trustee {number}"))
    assert kept == Memory(election.election_id, number, "the checkpoint", None)
    assert made.type is Type.SHARE_CONFIRMED and not made.columns
    confirmed = [parse(raw, MAX_ENTRY_BYTES) for raw in election.entries]
    assert {"body": made.body, "signatures": list(made.signatures)} in [
        {"body": entry["body"], "signatures": entry["signatures"]} for entry in confirmed
    ]


def test_a_wrong_share_is_not_confirmed() -> None:
    state = stage("set up").state
    for wrong, kind in [
        (share(2), OtherElection),
        (replace(share(), election=b"o" * 32), OtherElection),
        (replace(share(), key_hash=b"o" * 32), OtherElection),
        (replace(share(), s=share(2).s), ShareDoesNotVerify),
    ]:
        with pytest.raises(kind):
            import_share(state, "", wrong, KEY)


# The log


def checked(election: Election, folder: Path, known: Election | None = None) -> Any:
    text = known.checkpoint().decode() if known else None
    return verified_state(election.write(folder / "election.zip"), text, allowed_bits=ALLOWED)


@pytest.mark.parametrize("name", ["set up", "frozen", "mixed"])
def test_a_log_that_holds_so_far_is_accepted(name: str, tmp_path: Path) -> None:
    """Unfinished as it is; the checkpoint to remember is the archive's."""
    state, checkpoint = checked(stage(name), tmp_path)
    assert state.stage == stage(name).state.stage and state.named() == stage(name).state.named()
    assert checkpoint == stage(name).checkpoint().decode()


def test_a_board_that_continues_the_memory_is_accepted(tmp_path: Path) -> None:
    for before in ("set up", "frozen", "mixed"):
        assert checked(stage("mixed"), tmp_path, stage(before))[0].size == len(stage("mixed").entries)


def log_refused(election: Election, folder: Path, known: Election | None = None) -> str:
    with pytest.raises(LogRefused) as refusal:
        checked(election, folder, known)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_a_rolled_back_board_is_refused(tmp_path: Path) -> None:
    """Shorter than what this trustee saw, by however little."""
    now, then = len(stage("frozen").entries), len(stage("mixed").entries)
    said = log_refused(stage("frozen"), tmp_path, stage("mixed"))
    older = "this log is older than the one that was seen before"
    assert said == f"{older} ({now} entries now, {then} then): get a newer one"
    assert len(stage("withdrawn").entries) == len(stage("closed").entries) + 1
    assert log_refused(stage("closed"), tmp_path, stage("withdrawn")).startswith(older)


def test_a_forked_board_is_refused(tmp_path: Path) -> None:
    """Every check but one passes: it is another history of the same election."""
    assert checked(mixed_again(), tmp_path)[0].stage == "frozen for the tally"
    said = log_refused(mixed_again(), tmp_path, stage("mixed"))
    assert said.startswith("this is another log than the one that was seen before") and "BoardPrefix" in said


def test_the_board_of_another_election_is_refused(tmp_path: Path) -> None:
    other = Election(small_manifest(title="もう一つの選挙")).set_up()
    checked(other, tmp_path)
    assert "BoardPrefix" in log_refused(other, tmp_path, stage("set up"))


def test_a_memory_whose_checkpoint_is_no_note_is_refused(tmp_path: Path) -> None:
    archive = stage("mixed").write(tmp_path / "election.zip")
    for text in ("nonsense", "\n", stage("mixed").checkpoint().decode()[:-20]):
        with pytest.raises(LogRefused, match="the log does not verify"):
            verified_state(archive, text, allowed_bits=ALLOWED)


def test_a_memory_without_a_checkpoint_does_not_switch_the_comparison_off(tmp_path: Path) -> None:
    """An empty text is not a checkpoint that was seen."""
    with pytest.raises(LogRefused):
        verified_state(stage("mixed").write(tmp_path / "election.zip"), "", allowed_bits=ALLOWED)


def test_a_cheat_anywhere_in_the_log_is_refused(tmp_path: Path) -> None:
    """Signed by the right people and under a fresh checkpoint; the first failure is named, the others counted."""
    forged = edit(at("mixed"), Type.TALLY_FROZEN, lambda body: body.update(counted=body["counted"] - 1))
    assert log_refused(forged, tmp_path).startswith("the log does not verify: V1.8 FateComplete")
    unsigned = at("mixed")
    raw = parse(unsigned.entries[-1], MAX_ENTRY_BYTES)
    unsigned.entries[-1] = serialise({**raw, "signatures": []})
    assert "MixerSigned" in log_refused(unsigned, tmp_path)


def test_a_modulus_that_is_not_allowed_is_refused(tmp_path: Path) -> None:
    """A toy key is for tests: no option of the program lets it through."""
    with pytest.raises(LogRefused):
        verified_state(stage("set up").write(tmp_path / "election.zip"))
