"""`verify` runs every check, lists every failure, and gives a verdict on whatever it is shown."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.election import VOTES, Election, signed_checkpoint, small_manifest, tree_of
from tests.forge import ALLOWED, after, at, edit, envelope, judged, rejecting
from verifier import workers
from verifier.checks import CHECKS
from verifier.errors import Unreadable, UnsupportedVersion
from verifier.record.canonical import encode_bytes, encode_integer, parse
from verifier.record.column import write_column
from verifier.record.entries import MAX_ENTRY_BYTES, Type
from verifier.replay.state import Stage
from verifier.verify import Outcome, verify

WIDTH = 64
ROOT = Path(__file__).parents[2]
Broken = Callable[[], Election]
BROKEN: dict[str, tuple[Broken, set[str]]] = {}


def places(election: Election, kind: Type) -> list[int]:
    """The indexes of the entries of this type."""
    return [index for index, raw in enumerate(election.entries) if parse(raw, MAX_ENTRY_BYTES)["type"] == kind]


def found(outcome: Outcome) -> list[tuple[str, str, str]]:
    """(code, where, reason) of every failure."""
    return [(failure.check.split()[0], failure.where, failure.reason) for failure in outcome.report.failures]


# Archives that once crashed it


def once_crashed(*codes: str) -> Callable[[Broken], Broken]:
    """At least these checks reject the archive that the function makes; nothing is raised."""

    def register(broken: Broken) -> Broken:
        BROKEN[broken.__name__] = broken, set(codes)
        return broken

    return register


@once_crashed("V2.5")
def a_ballot_without_signatures() -> Election:
    return envelope(at("published"), Type.BALLOT_CAST, lambda entry: entry.update(signatures=[]), 0)


@once_crashed("V2.5")
def a_counted_ballot_without_signatures() -> Election:
    return envelope(at("published"), Type.BALLOT_CAST, lambda entry: entry.update(signatures=[]), -2)


@once_crashed("V3.12")
def a_counted_ballot_of_an_unknown_contest() -> Election:
    return edit(at("published"), Type.BALLOT_CAST, lambda body: body["answers"][0].update(contest="nobody"), -2)


@once_crashed("V3.9")
def a_ballot_cast_and_then_opened() -> Election:
    election, seed = at("voted"), secrets.token_bytes(32)
    body = election.ballot("v2", VOTES["v2"][1], seed=seed)
    election.append(Type.BALLOT_CAST, body, ["v2"])
    election.append(Type.BALLOT_OPENED, {"ballot": body, "seed": encode_bytes(seed)}, ["v2"])
    return after(election, "voted")


def opening_of_nothing(election: Election) -> bytes:
    column, data = write_column([], WIDTH)
    election.columns[column.digest] = data
    return election.raw(Type.OPENING, election.body(plaintexts=column.to_record(), roots=column.to_record()), [])


@once_crashed("V3.18", "V1.9")
def an_opening_of_nothing_in_place_of_the_mix() -> Election:
    election = at("frozen")
    election.entries.append(opening_of_nothing(election))
    return election


@once_crashed("V3.18")
def an_opening_of_nothing_and_the_honest_result_in_place_of_the_mix() -> Election:
    election = at("frozen")
    result = at("published").entries[-1]
    election.entries += [opening_of_nothing(election), result]
    return election


@once_crashed("V1.2")
def no_key() -> Election:
    election = at("published")
    del election.entries[places(election, Type.KEY)[0]]
    return election


@once_crashed("V1.9", "V3.8")
def no_manifest() -> Election:
    election = at("published")
    del election.entries[0]
    return election


@once_crashed("V3.18", "V3.8")
def an_opening_and_a_result_without_freeze() -> Election:
    election = at("published")
    del election.entries[places(election, Type.TALLY_FROZEN)[0]]
    return election


@once_crashed("V3.18", "V3.8")
def an_opening_and_a_result_after_the_close() -> Election:
    election, published = at("closed"), at("published")
    election.entries += published.entries[-2:]
    return election


@once_crashed("V3.18", "V4.1")
def openings_and_partial_roots_before_the_manifest() -> Election:
    election = at("published")
    junk = [
        election.raw(kind, body, ["trustee 1"])
        for kind in (Type.OPENING, Type.PARTIAL_ROOTS)
        for body in ({}, [], None, 7)
    ]
    election.entries[:0] = [*junk, b"null", b"{}", b"[]", b"\xff"]
    return election


@once_crashed("V3.18")
def openings_and_partial_roots_before_the_key() -> Election:
    election = at("published")
    roots, opening = places(election, Type.PARTIAL_ROOTS)[0], places(election, Type.OPENING)[0]
    election.entries[1:1] = [election.entries[roots], election.entries[opening]]
    return election


@once_crashed("V1.5")
def the_last_mix_stage_again() -> Election:
    election = at("mixed")
    election.entries.append(election.entries[places(election, Type.MIX_STAGE)[-1]])
    return after(election, "mixed")


def booleans_for(number: int, value: Any) -> Any:
    """The same record with True or False wherever the number was: equal to Python, another text to everyone else."""
    if isinstance(value, dict):
        return {key: booleans_for(number, part) for key, part in value.items()}
    if isinstance(value, list):
        return [booleans_for(number, part) for part in value]
    return bool(number) if value == number and isinstance(value, int) else value


@once_crashed("V5.18")
def true_in_place_of_the_count_one() -> Election:
    def spoil(body: dict[str, Any]) -> None:
        contest = body["contests"][0]
        changed = booleans_for(1, contest["total"])
        assert "True" in str(changed)
        contest["total"] = changed

    return edit(at("published"), Type.RESULT, spoil)


@once_crashed("V5.18")
def false_in_place_of_the_count_nought() -> Election:
    def spoil(body: dict[str, Any]) -> None:
        contest = body["contests"][0]
        changed = [booleans_for(0, group["counts"]) for group in contest["groups"]]
        assert "False" in str(changed)
        for group, counts in zip(contest["groups"], changed, strict=True):
            group["counts"] = counts

    return edit(at("published"), Type.RESULT, spoil)


@once_crashed("V4.1")
def true_in_place_of_the_turnout() -> Election:
    return edit(at("published"), Type.RESULT, lambda body: body["turnout"].update(ballots=True))


@once_crashed("V4.1")
def a_correction_of_a_later_entry() -> Election:
    election = at("published")
    body = election.body(entry=len(election.entries) + 5, text="未来の訂正")
    election.entries.append(election.raw(Type.CORRECTION, body, ["official 1", "official 2"]))
    return election


@once_crashed("V4.1")
def a_contest_on_no_ballot() -> Election:
    def drop(manifest: dict[str, Any]) -> None:
        for style in manifest["styles"]:
            style["contests"] = [contest for contest in style["contests"] if contest != "name"]

    return edit(at("published"), Type.MANIFEST, drop)


@once_crashed("V4.1")
def a_witness_whose_name_has_a_space() -> Election:
    return edit(at("published"), Type.MANIFEST, lambda body: body["witnesses"][0].update(name="the witness"))


@once_crashed("V5.1")
def a_key_of_nought() -> Election:
    return with_modulus(0)


@once_crashed("V5.1")
def a_key_of_one() -> Election:
    return with_modulus(1)


@once_crashed("V5.1")
def an_even_key() -> Election:
    return with_modulus(1 << 511)


@once_crashed("V5.1")
def a_key_of_ones() -> Election:
    return with_modulus((1 << 512) - 1)


def with_modulus(modulus: int) -> Election:
    return edit(at("published"), Type.KEY, lambda body: body.update(modulus=encode_integer(modulus, WIDTH)))


@pytest.mark.parametrize("name", BROKEN)
def test_what_once_crashed_it_is_not_valid(name: str, tmp_path: Path) -> None:
    broken, codes = BROKEN[name]
    outcome = judged(broken(), tmp_path)
    assert not outcome.report.valid
    assert codes <= {code for code, _, _ in found(outcome)}
    assert all(reason for _, _, reason in found(outcome))


def test_no_modulus_keeps_the_program_busy(tmp_path: Path) -> None:
    """In a process of its own, so that an endless loop is an error and not the end of the tests."""
    moduli = (0, 1, 2, 3, 1 << 511, (1 << 512) - 1)
    paths = [str(with_modulus(modulus).write(tmp_path / f"{number}.zip")) for number, modulus in enumerate(moduli)]
    program = "import sys; from verifier.cli import main; [main(['verify', path]) for path in sys.argv[1:]]"
    command = [sys.executable, "-c", program, *paths]
    ended = subprocess.run(command, cwd=ROOT, timeout=120, capture_output=True, text=True, check=True)
    assert ended.stdout.count("FAILED V5.1 KeyPlausible [entry 1, key]") == len(moduli)
    assert ended.stdout.count("NOT VALID") == len(moduli)
    assert ended.stderr == ""


def test_no_entry_can_be_left_out(tmp_path: Path) -> None:
    """A colluding board leaves out one entry and signs afresh: whatever it is, even a challenge, the count shows it."""
    entries = at("published").entries
    for index in range(len(entries)):
        path = at("published").write(tmp_path / "election.zip", entries[:index] + entries[index + 1 :])
        assert not verify(path, allowed_bits=ALLOWED).report.valid, f"without entry {index}"


# The verdict


def test_a_zip_and_the_same_files_in_a_directory_are_one_election(tmp_path: Path) -> None:
    packed = at("published").write(tmp_path / "election.zip")
    shutil.unpack_archive(packed, tmp_path / "unpacked")
    before = sorted((path, path.stat().st_mtime_ns) for path in (tmp_path / "unpacked").rglob("*"))
    one, other = verify(packed, allowed_bits=ALLOWED), verify(tmp_path / "unpacked", allowed_bits=ALLOWED)
    assert one.report.valid and other.report.valid
    assert one.state.result == other.state.result
    assert (one.size, one.checkpoint) == (other.size, other.checkpoint) == (40, at("published").checkpoint())
    counts = [{code: tally.count for code, tally in outcome.report.tallies.items()} for outcome in (one, other)]
    assert counts[0] == counts[1]
    assert sorted((path, path.stat().st_mtime_ns) for path in (tmp_path / "unpacked").rglob("*")) == before


def test_a_valid_election_has_run_every_check_and_has_the_result_of_its_votes(tmp_path: Path) -> None:
    outcome = judged(at("published"), tmp_path)
    assert {outcome.report.status(code) for code in CHECKS} == {"PASS"}
    assert outcome.state.stage is Stage.PUBLISHED
    result = outcome.state.result
    assert result is not None
    mayor = next(contest for contest in result["contests"] if contest["contest"] == "mayor")
    assert {line["answer"]: line["count"] for line in mayor["total"]["counts"]} == {"a": 2, "b": 1, "c": 1}
    assert mayor["total"]["blank"] == 1


def four_faults() -> Election:
    """In four entries, against checks of four groups; none follows from another."""
    other = encode_bytes(b"another election".ljust(32, b"."))
    election = at("published")
    edit(election, Type.POLLS_OPENED, lambda body: body.update(election=other))
    edit(election, Type.BALLOT_OPENED, lambda body: body.update(seed=encode_bytes(b"s" * 32)))
    envelope(election, Type.POLLS_CLOSED, lambda entry: entry["signatures"].pop())
    body = {"election": encode_bytes(b"e" * 31), "entry": 3, "text": "誤記の訂正"}
    election.entries.append(election.raw(Type.CORRECTION, body, ["official 1", "official 2"]))
    return election


def test_every_fault_is_named_not_only_the_first(tmp_path: Path) -> None:
    election = four_faults()
    opened, closed = places(election, Type.BALLOT_OPENED)[0], places(election, Type.POLLS_CLOSED)[0]
    outcome = judged(election, tmp_path)
    seeds = [(code, where) for code, where, reason in found(outcome) if code == "V5.20" and "seed" in reason]
    assert seeds == [("V5.20", f"entry {opened}, ballot-opened, contest {name}") for name in VOTES["v1"][1]]
    assert [failure for failure in found(outcome) if failure[0] != "V5.20"] == [
        ("V2.9", f"entry {closed}, polls-closed", "1 of 2 signatures by officials"),
        ("V3.1", f"entry {places(election, Type.POLLS_OPENED)[0]}, polls-opened", "belongs to another election"),
        ("V4.2", "entry 40, correction", "body, election: 42 characters where 32 bytes take 43"),
    ]
    assert rejecting(outcome) == {"V2.9", "V3.1", "V4.2", "V5.20"}


@pytest.mark.parametrize("make", [lambda: at("published"), four_faults], ids=["honest", "faulty"])
def test_one_process_and_two_say_the_same(make: Broken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "CHUNK", 3)
    election = make()
    one, two = judged(election, tmp_path, jobs=1), judged(election, tmp_path, jobs=2)
    assert found(one) == found(two)
    assert one.report.valid is two.report.valid
    for code in CHECKS:
        assert one.report.status(code) == two.report.status(code)
        assert one.report.tallies[code].count == two.report.tallies[code].count
    assert one.state.result == two.state.result


def test_an_election_that_is_not_over_is_not_valid_and_says_what_did_not_run(tmp_path: Path) -> None:
    for stage in ("set up", "voted", "mixed"):
        outcome = judged(at(stage), tmp_path)
        assert not outcome.report.valid
        ((code, _, reason),) = found(outcome)
        assert code == "V1.9"
        assert "V5.18 ResultEqual" in reason
        assert outcome.report.status("V5.18") == "NOT RUN"


def test_an_archive_without_any_entry(tmp_path: Path) -> None:
    election = at("published")
    outcome = verify(election.write(tmp_path / "election.zip", [], {}), allowed_bits=ALLOWED)
    assert not outcome.report.valid
    assert outcome.size == 0 and outcome.state.manifest is None


# Checkpoints that the observer kept


def test_every_kept_checkpoint_is_compared(tmp_path: Path) -> None:
    election = at("published")
    entries = election.entries
    kept = [signed_checkpoint(election.manifest, size, tree_of(entries[:size]).root()) for size in (1, 7, len(entries))]
    outcome = judged(election, tmp_path, known=kept)
    assert outcome.report.valid
    assert outcome.report.tallies["V3.6"].count == 3


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (lambda e: signed_checkpoint(e.manifest, 9, b"r" * 32), {"V3.6"}),
        (lambda e: signed_checkpoint(e.manifest, 9, tree_of(e.entries[:9]).root()).replace(b"\n9\n", b"\n8\n"), None),
        (lambda e: other_board(e), {"V2.2", "V3.6"}),
        (lambda e: b"not a checkpoint", {"V4.1"}),
        (lambda e: b"\xff\x00", {"V4.1"}),
        (lambda e: b"", {"V4.1"}),
    ],
    ids=["other entries", "changed size", "another board", "text", "bytes", "nothing"],
)
def test_a_kept_checkpoint_that_does_not_fit(
    text: Callable[[Election], bytes], codes: set[str] | None, tmp_path: Path
) -> None:
    """The failure says which of the kept checkpoints it is."""
    election = at("published")
    good = signed_checkpoint(election.manifest, 5, tree_of(election.entries[:5]).root())
    outcome = judged(election, tmp_path, known=[good, text(election)])
    assert rejecting(outcome) == (codes or {"V2.2", "V3.6"})
    assert {where for _, where, _ in found(outcome)} == {"known checkpoint 1"}


def other_board(election: Election) -> bytes:
    manifest = small_manifest(board={**election.manifest["board"], "origin": "other.example/board"})
    return signed_checkpoint(manifest, 5, tree_of(election.entries[:5]).root())


# Progress


@pytest.mark.parametrize("jobs", [1, 2])
def test_progress_reaches_its_total(jobs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "CHUNK", 3)
    told: dict[str, list[tuple[int, int]]] = {}
    judged(at("published"), tmp_path, jobs=jobs, progress=lambda what, *now: told.setdefault(what, []).append(now))
    assert told["entries"] == [(done, 40) for done in range(1, 41)]
    proofs = told["proofs of ballots"]
    assert proofs[-1] == (8, 8)
    assert len(proofs) == 3
    assert all(done <= total for done, total in proofs)
    assert [done for done, _ in proofs] == sorted({done for done, _ in proofs})


# What is no archive


def test_what_is_no_archive_is_raised(tmp_path: Path) -> None:
    packed = at("published").write(tmp_path / "election.zip")
    with pytest.raises(Unreadable, match="No such file"):
        verify(tmp_path / "nothing.zip")
    (tmp_path / "short.zip").write_bytes(packed.read_bytes()[:-100])
    with pytest.raises(Unreadable):
        verify(tmp_path / "short.zip")
    shutil.unpack_archive(packed, tmp_path / "unpacked")
    header = tmp_path / "unpacked" / "archive.json"
    header.write_text(header.read_text().replace('"version":1', '"version":2'))
    with pytest.raises(UnsupportedVersion, match="2"):
        verify(tmp_path / "unpacked")


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The unpacked copy goes with the verdict, whatever it is."""
    packed = at("published").write(tmp_path / "election.zip")
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(workspace))
    assert verify(packed, allowed_bits=ALLOWED).report.valid
    (tmp_path / "junk.zip").write_bytes(b"junk")
    with pytest.raises(Unreadable):
        verify(tmp_path / "junk.zip")
    assert list(workspace.iterdir()) == []
