"""The program of dealers, trustees, mixers and officials: a whole election with it, and every way to misuse it."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tally import ceremony, stages
from tally.cli import main
from tally.sealed import seal_signing_key
from tally.shares import Share
from tally.submission import Submission, parse_submission
from tally.trustee import read_memory
from tests.election import VOTES, Election, parties, signing_key, small_manifest
from tests.forge import at, trusting
from verifier.record.canonical import encode_bytes, serialise
from verifier.record.entries import Type
from verifier.record.schema import format_minute
from verifier.replay import counting
from verifier.verify import verify

ALLOWED = (512,)
PASSPHRASE = "twelve and more"


@dataclass
class Ran:
    """What a command said and did."""

    code: int
    out: str
    err: str


@pytest.fixture
def tally(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the program with these lines typed."""

    def run(*arguments: object, typed: str = "") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        code = main([str(argument) for argument in arguments], ALLOWED)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run


def done(ran: Ran) -> str:
    assert (ran.code, ran.err) == (0, "")
    return ran.out


def refused(ran: Ran, code: int = 1) -> str:
    """The one line on stderr, without the name of the program."""
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith("tally: ") and ran.err.endswith("\n") and ran.err.count("\n") == 1
    assert "Traceback" not in ran.err
    return ran.err.removeprefix("tally: ").removesuffix("\n")


def lines(*passphrases: str) -> str:
    return "".join(passphrase + "\n" for passphrase in passphrases)


def key_file(name: str, folder: Path) -> Path:
    """The sealed key of a party of the simulator."""
    path = folder / f"{name.replace(' ', '-')}.key"
    if not path.exists():
        path.write_bytes(seal_signing_key(signing_key(name), PASSPHRASE))
    return path


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def submit(election: Election, path: Path) -> None:
    """Put a submission on the board as the server does: under the gate, with the time of admission."""
    made = parse_submission(path.read_bytes(), path.name)
    entry = {
        "body": made.body,
        "signatures": list(made.signatures),
        "time": format_minute(election.clock),
        "type": made.type.value,
    }
    election.add(serialise(entry), made.columns)


# A whole election


def made_key(tally: Any, folder: Path, name: str, passphrase: str) -> str:
    """A new key file; its public half as the program says it."""
    said = done(tally("key", folder / f"{name}.key", typed=lines(passphrase)))
    assert said.startswith("public key: ") and said.count("\n") == 1
    assert stat.S_IMODE((folder / f"{name}.key").stat().st_mode) == 0o600
    return said.removeprefix("public key: ").strip()


@pytest.mark.parametrize("sealed_for", ["keys", "passphrases"])
def test_a_whole_election(sealed_for: str, tally: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, ceremony, confirmations, mixes, partial roots, opening and result by the program: the archive is valid.

    One passphrase for each key and one for each share, so that a file opened with another's would be noticed.
    """
    people = {
        role: [
            {"name": f"{role} {at}", "key": made_key(tally, tmp_path, f"{role}-{at}", f"passphrase of {role} {at}")}
            for at in range(1, count + 1)
        ]
        for role, count in (("trustee", 3), ("mixer", 2))
    }
    election = Election(small_manifest(trustees=people["trustee"], mixers=people["mixer"]))
    election.append(Type.MANIFEST, election.manifest)
    archive = tmp_path / "election.zip"

    election.write(archive)
    dealt = tmp_path / "dealt"
    shares = [f"passphrase of share {at}" for at in (1, 2, 3)]
    if sealed_for == "keys":
        said = done(tally("ceremony", archive, dealt))
    else:
        said = done(tally("ceremony", archive, dealt, "--passphrases", typed=lines(*shares)))
    assert "Wipe this machine now" in said
    assert files(dealt) == {"key.json", "share-1.json", "share-2.json", "share-3.json"}
    assert {stat.S_IMODE((dealt / f"share-{at}.json").stat().st_mode) for at in (1, 2, 3)} == {0o600}

    for number in (1, 2):
        key = key_file(f"official {number}", tmp_path)
        said = done(tally("sign", dealt / "key.json", "--key", key, typed=lines(PASSPHRASE)))
        assert said.endswith(f"signed by {election.manifest['officials'][number - 1]['key']}\n")
    submit(election, dealt / "key.json")

    def typed(trustee: int) -> str:
        own = f"passphrase of trustee {trustee}"
        return lines(own) if sealed_for == "keys" else lines(own, shares[trustee - 1])

    def trustee(what: str, number: int) -> Path:
        out = tmp_path / f"{what}-{number}.json"
        done(
            tally(
                *(
                    "trustee",
                    what,
                    archive,
                    dealt / f"share-{number}.json",
                    "--key",
                    tmp_path / f"trustee-{number}.key",
                ),
                *("--memory", tmp_path / f"memory-{number}.json", "--out", out, "--jobs", 1),
                typed=typed(number),
            )
        )
        return out

    election.write(archive)
    for number in (1, 2, 3):
        submit(election, trustee("import", number))
        assert read_memory(tmp_path / f"memory-{number}.json").opened is None

    election.append(Type.ROLL_COMMITMENT, election.body(root=encode_bytes(election.roll.root()), rows=election.rows))
    for at_row, (slot, (style, _)) in enumerate(VOTES.items()):
        election.register(slot, style, at_row)
    election.open_polls()
    for slot, (_, choices) in VOTES.items():
        election.cast(slot, **choices)
    election.close_polls()
    election.withdraw("v6")
    election.freeze()

    for number in (1, 2):
        election.write(archive)
        mixed = tmp_path / f"mixed-{number}"
        own = tmp_path / f"mixer-{number}.key"
        said = done(
            tally("mix", archive, mixed, "--key", own, "--jobs", 1, typed=lines(f"passphrase of mixer {number}"))
        )
        names = {f"mix-{c}-{g}-{number}.json" for c in ("council", "chair", "name") for g in (0, 1)}
        assert files(mixed) == names and len(said.splitlines()) == len(names)
        for path in sorted(mixed.iterdir()):
            submit(election, path)

    election.write(archive)
    for number in (3, 1):
        submit(election, trustee("open", number))
        assert read_memory(tmp_path / f"memory-{number}.json").opened == counting.roots_context(election.state)

    for name in ("opening", "result"):
        election.write(archive)
        counted = tmp_path / f"{name}.json"
        assert done(tally("count", archive, tmp_path, "--jobs", 1)) == f"{counted}\n"
        if name == "result":
            for number in (2, 3):
                done(tally("sign", counted, "--key", key_file(f"official {number}", tmp_path), typed=lines(PASSPHRASE)))
        submit(election, counted)

    outcome = verify(election.write(archive), allowed_bits=ALLOWED)
    assert outcome.report.failures == [] and outcome.report.valid
    counts = {line["answer"]: line["count"] for line in outcome.state.result["contests"][0]["total"]["counts"]}
    assert counts == {"a": 2, "b": 1, "c": 1}
    assert not [name for name in files(tmp_path) if name.endswith(".part")]


def test_the_program_runs_by_itself() -> None:
    """`python -m tally` shows its commands; without one it is misused."""
    helped = subprocess.run([sys.executable, "-m", "tally", "--help"], capture_output=True, text=True, check=True)
    assert all(word in helped.stdout for word in ("key", "sign", "ceremony", "trustee", "mix", "count"))
    bare = subprocess.run([sys.executable, "-m", "tally"], capture_output=True, text=True, check=False)
    assert bare.returncode == 2 and "Traceback" not in bare.stderr


def test_outside_tests_a_toy_modulus_is_refused(tmp_path: Path) -> None:
    """There is no option for it: the same archive that the tests use is refused."""
    archive = at("mixed").write(tmp_path / "election.zip")
    ran = subprocess.run(
        [sys.executable, "-m", "tally", "count", str(archive), str(tmp_path / "out"), "--jobs", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused(Ran(ran.returncode, ran.stdout, ran.stderr)).startswith("the log does not verify: ")
    assert not (tmp_path / "out").exists()


# Keys


@pytest.mark.parametrize("typed", ["", "\n", "eleven char\n"])
def test_a_short_or_missing_passphrase_makes_no_key(typed: str, tally: Any, tmp_path: Path) -> None:
    assert "passphrase" in refused(tally("key", tmp_path / "my.key", typed=typed))
    assert files(tmp_path) == set()


def test_a_key_is_never_written_over(tally: Any, tmp_path: Path) -> None:
    path = tmp_path / "my.key"
    done(tally("key", path, typed=lines(PASSPHRASE)))
    before = path.read_bytes()
    assert refused(tally("key", path, typed=lines(PASSPHRASE)), 2) == f"{path}: File exists"
    assert path.read_bytes() == before


def test_a_key_in_a_folder_that_is_not_there_is_refused(tally: Any, tmp_path: Path) -> None:
    path = tmp_path / "missing" / "my.key"
    assert refused(tally("key", path, typed=lines(PASSPHRASE)), 2) == f"{path}: No such file or directory"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch, answers: list[str | type[BaseException]]) -> None:
    """Someone at a terminal, where passphrases are typed without being shown."""

    def getpass(prompt: str) -> str:
        answer = answers.pop(0)
        if isinstance(answer, str):
            return answer
        raise answer

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("tally.cli.getpass.getpass", getpass)


def at_terminal(arguments: list[object], capsys: pytest.CaptureFixture[str]) -> Ran:
    code = main([str(argument) for argument in arguments], ALLOWED)
    said = capsys.readouterr()
    return Ran(code, said.out, said.err)


def test_on_a_terminal_a_new_passphrase_is_typed_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on_terminal(monkeypatch, [PASSPHRASE, PASSPHRASE + "x", PASSPHRASE, PASSPHRASE])
    path = tmp_path / "my.key"
    assert refused(at_terminal(["key", path], capsys)) == "the two passphrases differ"
    assert not path.exists()
    done(at_terminal(["key", path], capsys))
    assert path.exists()


@pytest.mark.parametrize("ended", [KeyboardInterrupt, EOFError])
def test_whoever_goes_away_at_the_prompt_leaves_nothing(
    ended: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C and Ctrl-D."""
    on_terminal(monkeypatch, [ended])
    ran = at_terminal(["key", tmp_path / "my.key"], capsys)
    assert refused(ran, ran.code) and ran.code in (1, 2)
    assert files(tmp_path) == set()


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_bytes_that_are_no_text_are_no_passphrase(encoding: str, tmp_path: Path) -> None:
    """A passphrase in another encoding, with a strict and with a lenient standard input."""
    environment = {**os.environ, "PYTHONIOENCODING": encoding if encoding == "utf-8" else "ascii:surrogateescape"}
    ran = subprocess.run(
        [sys.executable, "-m", "tally", "key", str(tmp_path / "my.key")],
        input=b"caf\xe9 caf\xe9 caf\xe9\n",
        capture_output=True,
        check=False,
        env=environment,
    )
    assert refused(Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode()), ran.returncode)
    assert ran.returncode in (1, 2) and files(tmp_path) == set()


# Signing


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    path = tmp_path / "entry.json"
    Submission(Type.POLLS_OPENED, {"election": "toy"}).write(path)
    return path


def test_a_wrong_passphrase_signs_nothing(entry: Path, tally: Any, tmp_path: Path) -> None:
    before, key = entry.read_bytes(), key_file("official 1", tmp_path)
    ran = tally("sign", entry, "--key", key, typed=lines("another passphrase"))
    assert refused(ran) == "official-1.key: the passphrase is wrong"
    assert "no passphrase for official-1.key was given" in refused(tally("sign", entry, "--key", key))
    assert entry.read_bytes() == before


def test_a_damaged_key_or_entry_is_named(entry: Path, tally: Any, tmp_path: Path) -> None:
    key = key_file("official 1", tmp_path)
    for damaged, name in ((entry, "entry.json"), (key, "official-1.key")):
        whole = damaged.read_bytes()
        for raw in (b"", whole[:-1], whole[: len(whole) // 2], b"\xff" * 40, whole + b"\n"):
            damaged.write_bytes(raw)
            assert refused(tally("sign", entry, "--key", key, typed=lines(PASSPHRASE))).startswith(f"{name}: ")
        damaged.write_bytes(whole)
    done(tally("sign", entry, "--key", key, typed=lines(PASSPHRASE)))


def test_files_that_are_not_there_are_named(entry: Path, tally: Any, tmp_path: Path) -> None:
    key, missing = key_file("official 1", tmp_path), tmp_path / "missing"
    for arguments in (("sign", missing, "--key", key), ("sign", entry, "--key", missing)):
        assert refused(tally(*arguments, typed=lines(PASSPHRASE)), 2) == f"{missing}: No such file or directory"
    assert refused(tally("sign", tmp_path, "--key", key, typed=lines(PASSPHRASE)), 2) == f"{tmp_path}: Is a directory"


@pytest.mark.parametrize("body", [{}, None])
@pytest.mark.parametrize("kind", [Type.BALLOT_OPENED, Type.RESULT])
def test_a_body_of_another_shape_is_signed_or_refused(kind: Type, body: Any, tally: Any, tmp_path: Path) -> None:
    """Whether it means anything is for the board to say; the program does not fall over it."""
    path = tmp_path / "entry.json"
    Submission(kind, body).write(path)
    ran = tally("sign", path, "--key", key_file("official 1", tmp_path), typed=lines(PASSPHRASE))
    assert refused(ran, ran.code) if ran.code else done(ran)


def test_a_name_that_steers_a_terminal_is_made_harmless(tally: Any, tmp_path: Path) -> None:
    said = refused(tally("sign", tmp_path / "a\x1b[2J\nb", "--key", tmp_path / "k"), 2)
    assert "\x1b" not in said and "\\x1b[2J\\nb" in said


# Ceremony


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """An archive with nothing but the signed manifest."""
    election = Election()
    election.append(Type.MANIFEST, election.manifest)
    return election.write(tmp_path / "election.zip")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ceremony with a key that was dealt before; how often it was held."""
    held: list[int] = []

    def deal(bits: int, n: int, t: int, election: bytes, progress: Any) -> ceremony.Dealt:
        held.append(bits)
        return at("set up").dealt

    monkeypatch.setattr("tally.cli.ceremony.deal", deal)
    return held


def test_no_ceremony_where_a_share_is_already(board: Path, quick: list[int], tally: Any, tmp_path: Path) -> None:
    """A second ceremony must not replace the shares of the first one, and is not even begun."""
    taken = tmp_path / "dealt" / "share-2.json"
    taken.parent.mkdir()
    taken.write_bytes(b"the share of yesterday")
    said = refused(tally("ceremony", board, tmp_path / "dealt"))
    assert said == f"{taken} is there already: nothing was done"
    assert files(tmp_path / "dealt") == {"share-2.json"} and taken.read_bytes() == b"the share of yesterday"
    assert quick == []


@pytest.mark.parametrize("name", ["set up", "frozen"])
def test_no_ceremony_on_a_board_with_a_key(name: str, quick: list[int], tally: Any, tmp_path: Path) -> None:
    archive = at(name).write(tmp_path / "election.zip")
    said = refused(tally("ceremony", archive, tmp_path / "dealt"))
    assert said == "the board must have a manifest and no key yet"
    assert not (tmp_path / "dealt").exists() and quick == []


def test_no_ceremony_on_an_unsigned_manifest(quick: list[int], tally: Any, tmp_path: Path) -> None:
    """One official alone does not start an election."""
    election = trusting(small_manifest())
    election.append(Type.MANIFEST, election.manifest, ["official 1"])
    said = refused(tally("ceremony", election.write(tmp_path / "election.zip"), tmp_path / "dealt"))
    assert said.startswith("the log does not verify: ") and quick == []
    assert not (tmp_path / "dealt").exists()


@pytest.mark.parametrize("typed", [(PASSPHRASE,), (PASSPHRASE, PASSPHRASE)])
def test_a_ceremony_without_all_passphrases_is_not_begun(
    typed: tuple[str, ...], board: Path, quick: list[int], tally: Any, tmp_path: Path
) -> None:
    ran = tally("ceremony", board, tmp_path / "dealt", "--passphrases", typed=lines(*typed))
    assert refused(ran) == f"no passphrase for the share of trustee {len(typed) + 1} was given"
    assert files(tmp_path / "dealt") == set() and quick == []


@pytest.mark.parametrize("short", [0, 1, 2])
def test_a_short_passphrase_is_refused_before_the_ceremony(
    short: int, board: Path, quick: list[int], tally: Any, tmp_path: Path
) -> None:
    """Not after an hour of searching primes, and not with some of the shares of a lost key left behind."""
    typed = [PASSPHRASE] * 3
    typed[short] = "short"
    ran = tally("ceremony", board, tmp_path / "dealt", "--passphrases", typed=lines(*typed))
    assert "shorter than 12 characters" in refused(ran)
    assert files(tmp_path / "dealt") == set() and quick == []


def test_a_ceremony_that_breaks_off_leaves_no_shares(
    board: Path, quick: list[int], tally: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shares of a key that never came to be would stand in the way of the next attempt."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tally.files.os.fsync", full)
    refused(tally("ceremony", board, tmp_path / "dealt"), 2)
    assert files(tmp_path / "dealt") == set()


def test_a_trustee_whose_key_is_no_point_is_refused_in_a_sentence(quick: list[int], tally: Any, tmp_path: Path) -> None:
    """Nothing can be sealed for such a key; that is found before anything is written."""
    trustees = [*parties("trustee", 2), {"name": "trustee 3", "key": encode_bytes(b"\0" * 32)}]
    election = Election(small_manifest(trustees=trustees))
    election.append(Type.MANIFEST, election.manifest)
    ran = tally("ceremony", election.write(tmp_path / "election.zip"), tmp_path / "dealt")
    assert refused(ran)
    assert files(tmp_path / "dealt") == set()


# Trustees


@dataclass
class Desk:
    """A trustee's machine."""

    folder: Path
    run: Any
    number: int = 1

    def __post_init__(self) -> None:
        held = at("set up")
        self.key = key_file(f"trustee {self.number}", self.folder)
        self.memory, self.out = self.folder / "memory.json", self.folder / "out.json"
        self.share = self.folder / "share.json"
        share = Share(held.election_id, held.state.key_hash, self.number, held.dealt.shares[self.number - 1])
        self.share.write_bytes(share.seal(PASSPHRASE))
        self.archive = self.folder / "election.zip"

    def trustee(self, what: str, election: Election | None = None, typed: str | None = None, **changes: Any) -> Ran:
        if election:
            election.write(self.archive)
        given = {"share": self.share, "key": self.key, "memory": self.memory, "out": self.out, **changes}
        return self.run(
            *("trustee", what, self.archive, given["share"], "--key", given["key"], "--memory", given["memory"]),
            *("--out", given["out"], "--jobs", 1),
            typed=lines(PASSPHRASE, PASSPHRASE) if typed is None else typed,
        )

    def unused(self) -> bool:
        """Nothing was written but what was there."""
        return files(self.folder) == {self.key.name, "share.json", "election.zip"}


@pytest.fixture
def desk(tmp_path: Path, tally: Any) -> Desk:
    return Desk(tmp_path, tally)


def test_a_share_is_imported_once(desk: Desk) -> None:
    """The memory that exists is never begun afresh: it says what was opened."""
    done(desk.trustee("import", at("set up")))
    before, confirmed = desk.memory.read_bytes(), desk.out.read_bytes()
    said = refused(desk.trustee("import", at("mixed")))
    assert said == f"{desk.memory} is there already: this share was imported before"
    assert (desk.memory.read_bytes(), desk.out.read_bytes()) == (before, confirmed)


def test_the_wrong_passphrase_imports_nothing(desk: Desk) -> None:
    at("set up").write(desk.archive)
    said = refused(desk.trustee("import", typed=lines("another passphrase", PASSPHRASE)))
    assert said == "trustee-1.key: the passphrase is wrong"
    said = refused(desk.trustee("import", typed=lines(PASSPHRASE, "another passphrase")))
    assert said == "share.json: the passphrase is wrong"
    assert refused(desk.trustee("import", typed=lines(PASSPHRASE))) == "no passphrase for share.json was given"
    assert desk.unused()


def test_a_damaged_share_imports_nothing(desk: Desk) -> None:
    at("set up").write(desk.archive)
    whole = desk.share.read_bytes()
    for raw in (b"", whole[:-1], whole[:100], whole.replace(b'"trustee":1', b'"trustee":2')):
        desk.share.write_bytes(raw)
        assert refused(desk.trustee("import")).startswith("share.json: ")
    desk.share.unlink()
    assert refused(desk.trustee("import"), 2) == f"{desk.share}: No such file or directory"


def test_somebody_elses_share_imports_nothing(desk: Desk) -> None:
    held = at("set up")
    right = {"election": held.election_id, "key_hash": held.state.key_hash, "trustee": 1, "s": held.dealt.shares[0]}
    for changes, sentence in [
        ({"election": b"o" * 32}, "the share is of another election"),
        ({"key_hash": b"o" * 32}, "the share is of another key than the one on the board"),
        ({"trustee": 2}, "the share is that of trustee 2, who has another signing key"),
        ({"s": held.dealt.shares[1]}, "the share of trustee 1 does not fit the verification key on the board"),
    ]:
        desk.share.write_bytes(Share(**{**right, **changes}).seal(PASSPHRASE))
        assert refused(desk.trustee("import", held)) == sentence
    assert desk.unused()


def test_before_the_key_nothing_is_imported(desk: Desk) -> None:
    election = Election()
    election.append(Type.MANIFEST, election.manifest)
    assert refused(desk.trustee("import", election)) == "the board has no election key yet"
    assert desk.unused()


def test_nothing_is_opened_without_an_import(desk: Desk) -> None:
    assert refused(desk.trustee("open", at("mixed")), 2) == f"{desk.memory}: No such file or directory"
    assert desk.unused()


@pytest.mark.parametrize("name", ["voted", "withdrawn", "frozen", "published"])
def test_nothing_is_opened_out_of_turn(name: str, desk: Desk) -> None:
    done(desk.trustee("import", at("set up")))
    before = desk.memory.read_bytes()
    desk.out.unlink()
    refused(desk.trustee("open", at(name)))
    assert not desk.out.exists() and desk.memory.read_bytes() == before


def test_the_same_set_again_and_no_other(desk: Desk) -> None:
    """A second run after an interruption is allowed, a rolled-back board and a fork are not."""
    done(desk.trustee("import", at("set up")))
    first = at("mixed")
    for _ in range(2):
        done(desk.trustee("open", first))
    made, kept = desk.out.read_bytes(), desk.memory.read_bytes()
    fork = at("frozen")
    fork.mix()
    for other in (fork, at("frozen"), at("voted")):
        said = refused(desk.trustee("open", other))
        assert said.startswith("the log does not verify: ") and "BoardPrefix" in said
    assert (desk.out.read_bytes(), desk.memory.read_bytes()) == (made, kept)
    remembering = read_memory(desk.memory)
    with pytest.MonkeyPatch.context() as patch:  # a board that satisfies the verifier and is another all the same
        patch.setattr("tally.cli.verified_state", lambda *_: (fork.state, remembering.checkpoint))
        said = refused(desk.trustee("open"))
    assert said == "another counted set of this election was opened before: this trustee opens one, ever"
    assert (desk.out.read_bytes(), desk.memory.read_bytes()) == (made, kept)


def test_a_crash_while_rooting_leaves_the_memory_and_no_entry(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the same command, run again, finishes."""
    done(desk.trustee("import", at("set up")))
    desk.out.unlink()

    def interrupted(*_: object) -> None:
        assert read_memory(desk.memory).opened == counting.roots_context(at("mixed").state)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stages, "partial_roots_body", interrupted)
        said = refused(desk.trustee("open", at("mixed")), 2)
    assert said == "interrupted; the same command begins again"
    assert not desk.out.exists()
    done(desk.trustee("open"))
    assert parse_submission(desk.out.read_bytes(), "out").type is Type.PARTIAL_ROOTS


def test_a_damaged_memory_opens_nothing(desk: Desk) -> None:
    done(desk.trustee("import", at("set up")))
    desk.out.unlink()
    whole = desk.memory.read_bytes()
    for raw in (b"", whole[:-1], whole + b" ", b"{}"):
        desk.memory.write_bytes(raw)
        said = refused(desk.trustee("open", at("mixed")))
        assert said.startswith("memory.json: the trustee's memory is damaged (")
    assert not desk.out.exists()


def test_the_share_is_not_written_over_by_what_comes_out(desk: Desk) -> None:
    """A slip on the command line must not cost a trustee the share or the key."""
    share, key = desk.share.read_bytes(), desk.key.read_bytes()
    for out in (desk.share, desk.key, desk.archive):
        desk.memory.unlink(missing_ok=True)
        ran = desk.trustee("import", at("set up"), out=out)
        assert (desk.share.read_bytes(), desk.key.read_bytes()) == (share, key)
        assert refused(ran, ran.code)


def test_a_place_that_cannot_be_written_is_named(desk: Desk, tmp_path: Path) -> None:
    """Nothing stays behind beside it, and no memory says that the share was imported."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for out in (tmp_path / "missing" / "out.json", folder):
        said = refused(desk.trustee("import", at("set up"), out=out), 2)
        assert str(out) in said
        assert not desk.memory.exists()
    assert not list(tmp_path.rglob("*.part"))


# Archives


@pytest.mark.parametrize("command", ["ceremony", "import", "open", "mix", "count"])
@pytest.mark.parametrize("bad", ["missing", "empty", "text", "cut", "folder"])
def test_an_archive_that_is_none_is_one_line(command: str, bad: str, desk: Desk, tmp_path: Path, tally: Any) -> None:
    done(desk.trustee("import", at("set up")))
    memory = desk.memory.read_bytes()
    if command == "import":
        desk.memory.unlink()
    desk.out.unlink()
    whole = desk.archive.read_bytes()
    desk.archive.unlink()
    if bad == "folder":
        desk.archive.mkdir()
    elif bad != "missing":
        desk.archive.write_bytes({"empty": b"", "text": b"an archive", "cut": whole[: len(whole) // 2]}[bad])
    there = files(tmp_path)
    if command in ("import", "open"):
        ran = desk.trustee(command)
    else:
        key = ("--key", desk.key) if command == "mix" else ()
        ran = tally(command, desk.archive, tmp_path / "new", *key, typed=lines(PASSPHRASE))
    assert ran.code in (1, 2) and refused(ran, ran.code)
    assert files(tmp_path) == there
    assert command == "import" or desk.memory.read_bytes() == memory


def test_a_forged_log_is_refused_by_every_command(desk: Desk, tmp_path: Path, tally: Any) -> None:
    """One ballot changed after it was signed: nobody deals, mixes, opens or counts on it."""
    done(desk.trustee("import", at("set up")))
    desk.out.unlink()
    forged = at("mixed")
    forged.entries[20] = forged.entries[20].replace(b'"sequence":1', b'"sequence":2')
    assert forged.entries[20] != at("mixed").entries[20]
    forged.write(desk.archive)
    for ran in (
        desk.trustee("open"),
        tally("mix", desk.archive, tmp_path / "new", "--key", desk.key, "--jobs", 1, typed=lines(PASSPHRASE)),
        tally("count", desk.archive, tmp_path / "new", "--jobs", 1),
        tally("ceremony", desk.archive, tmp_path / "new"),
    ):
        assert refused(ran).startswith("the log does not verify: ")
    assert not desk.out.exists() and not (tmp_path / "new").exists()


# Mixers and counters


def test_a_mixer_mixes_only_what_waits_for_it(tally: Any, tmp_path: Path) -> None:
    """Mixer 2 comes after mixer 1; nobody else mixes; before the freeze and after the last mix nothing waits."""
    for name, who in [("frozen", "mixer 2"), ("frozen", "official 1"), ("withdrawn", "mixer 1"), ("mixed", "mixer 1")]:
        archive = at(name).write(tmp_path / "election.zip")
        key = key_file(who, tmp_path)
        ran = tally("mix", archive, tmp_path / "mixed", "--key", key, "--jobs", 1, typed=lines(PASSPHRASE))
        assert refused(ran) == "nothing waits for this mixer"
        assert not (tmp_path / "mixed").exists()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("voted", "the election is open: nothing can be counted now"),
        ("frozen", "the election is frozen for the tally: nothing can be counted now"),
        ("mixed", "partial roots of 0 trustees, 2 are needed"),
        ("published", "the election is published: nothing can be counted now"),
    ],
)
def test_nothing_is_counted_out_of_turn(name: str, sentence: str, tally: Any, tmp_path: Path) -> None:
    archive = at(name).write(tmp_path / "election.zip")
    assert refused(tally("count", archive, tmp_path / "counted", "--jobs", 1)) == sentence
    assert not (tmp_path / "counted").exists()


def test_more_processes_count_the_same(tally: Any, tmp_path: Path) -> None:
    archive = at("rooted").write(tmp_path / "election.zip")
    for jobs in (1, 2):
        done(tally("count", archive, tmp_path / str(jobs), "--jobs", jobs))
    opening = [(tmp_path / str(jobs) / "opening.json").read_bytes() for jobs in (1, 2)]
    assert opening[0] == opening[1]


def test_a_directory_is_an_archive_too(tally: Any, tmp_path: Path) -> None:
    shutil.unpack_archive(at("rooted").write(tmp_path / "election.zip"), tmp_path / "archive")
    done(tally("count", tmp_path / "archive", tmp_path / "counted", "--jobs", 1))
    assert files(tmp_path / "counted") == {"opening.json"}
