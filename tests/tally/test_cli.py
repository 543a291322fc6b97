"""The program of dealers, trustees, mixers and officials: a whole election with it, and every way to misuse it."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tally import ceremony, stages
from tally.cli import main
from tally.errors import DamagedFile
from tally.files import alone_beside
from tally.sealed import seal_signing_key
from tally.shares import Share
from tally.submission import Submission, parse_submission
from tally.trustee_file import Trustee, seal_trustee, unseal_trustee
from tests.election import VOTES, Election, parties, signing_key, small_manifest
from tests.forge import at, trusting
from verifier.record.canonical import encode_bytes, serialise
from verifier.record.entries import Type
from verifier.record.schema import format_minute
from verifier.rehearsal import parse_rehearsal, rehearsal_holds
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


def trustee_in(path: Path, passphrase: str = PASSPHRASE) -> Trustee:
    """What a trustee's file holds."""
    return unseal_trustee(path.read_bytes(), path.name, lambda _: passphrase)


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


def made_key(tally: Any, path: Path, passphrase: str, *command: str) -> str:
    """A new file with a key, by `key` or another command; its public half as the program says it."""
    said = done(tally(*(command or ("key",)), path, typed=lines(passphrase)))
    assert said.startswith("public key: ") and said.count("\n") == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return said.removeprefix("public key: ").strip()


@pytest.mark.parametrize("sealed_for", ["keys", "passphrases"])
def test_a_whole_election(sealed_for: str, tally: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, ceremony, confirmations, mixes, partial roots, opening and result by the program: the archive is valid.

    One passphrase for each key and one for each share, so that a file opened with another's would be noticed.
    """
    trustees = [
        made_key(tally, tmp_path / f"trustee-{at}.tashika", f"passphrase of trustee {at}", "trustee", "new")
        for at in (1, 2, 3)
    ]
    mixers = [made_key(tally, tmp_path / f"mixer-{at}.key", f"passphrase of mixer {at}") for at in (1, 2)]
    people = {
        role: [{"name": f"{role} {at}", "key": key} for at, key in enumerate(keys, 1)]
        for role, keys in (("trustee", trustees), ("mixer", mixers))
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

    def trustee(what: str, number: int) -> Path:
        """The file that the program names for handing in."""
        own = f"passphrase of trustee {number}"
        needs_share = what == "import"
        said = done(
            tally(
                *("trustee", what, tmp_path / f"trustee-{number}.tashika", archive),
                *([dealt / f"share-{number}.json"] if needs_share else []),
                *("--jobs", 1),
                typed=lines(own, shares[number - 1]) if needs_share and sealed_for == "passphrases" else lines(own),
            )
        )
        return Path(said.splitlines()[-1].removeprefix("to hand in: "))

    def held(number: int) -> Trustee:
        return trustee_in(tmp_path / f"trustee-{number}.tashika", f"passphrase of trustee {number}")

    election.write(archive)
    for number in (1, 2, 3):
        submit(election, trustee("import", number))
        assert held(number).memory.opened is None
        proof = parse_rehearsal(trustee("rehearse", number).read_bytes())
        v_i = election.state.verification_keys[number - 1]
        assert rehearsal_holds(election.state.key.N, 3, 2, v_i, proof)

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
        assert held(number).memory.opened == counting.roots_context(election.state)

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


@cache
def mixed_again() -> Election:
    """Another history from the freeze on, signed by the same mixers. Tests only read it."""
    fork = at("frozen")
    fork.mix()
    return fork


@dataclass
class Desk:
    """A trustee's machine."""

    folder: Path
    run: Any
    number: int = 1

    def __post_init__(self) -> None:
        election = at("set up")
        self.file = self.folder / "trustee.tashika"
        self.file.write_bytes(seal_trustee(Trustee(signing_key(f"trustee {self.number}")), PASSPHRASE))
        self.share = self.folder / "share.json"
        share = Share(
            election.election_id, election.state.key_hash, self.number, election.dealt.shares[self.number - 1]
        )
        self.share.write_bytes(share.seal(PASSPHRASE))
        self.archive = self.folder / "election.zip"

    def out(self, what: str) -> Path:
        """Where the entry of a command comes."""
        names = {"import": "share-confirmed", "rehearse": "rehearsal", "open": "partial-roots"}
        return self.folder / f"{names[what]}-{self.number}.json"

    def trustee(self, what: str, election: Election | None = None, typed: str | None = None) -> Ran:
        if election:
            election.write(self.archive)
        return self.run(
            *("trustee", what, self.file, self.archive, *([self.share] if what == "import" else []), "--jobs", 1),
            typed=lines(PASSPHRASE, PASSPHRASE) if typed is None else typed,
        )

    @property
    def held(self) -> Trustee:
        return trustee_in(self.file)

    def imported(self) -> Desk:
        done(self.trustee("import", at("set up")))
        return self

    def unused(self) -> bool:
        """Nothing was written but what was there."""
        there = files(self.folder) == {self.file.name, self.share.name, self.archive.name}
        return there and self.held.share is None and self.held.memory is None


@pytest.fixture
def desk(tmp_path: Path, tally: Any) -> Desk:
    return Desk(tmp_path, tally)


def test_a_trustees_file_is_made_once(desk: Desk, tmp_path: Path, tally: Any) -> None:
    before = desk.file.read_bytes()
    said = refused(tally("trustee", "new", desk.file, typed=lines(PASSPHRASE)), 2)
    assert said == f"{desk.file}: File exists" and desk.file.read_bytes() == before


def test_what_the_file_holds_is_shown(desk: Desk, tally: Any) -> None:
    """No secret is."""
    shown = done(tally("trustee", "show", desk.file, typed=lines(PASSPHRASE)))
    assert shown.endswith("no share yet\n")
    desk.imported()
    shown = done(tally("trustee", "show", desk.file, typed=lines(PASSPHRASE)))
    assert "trustee 1 of the election " in shown and "opened: nothing yet" in shown
    assert f"board seen last: {len(at('set up').entries)} entries" in shown
    done(desk.trustee("open", at("mixed")))
    shown = done(tally("trustee", "show", desk.file, typed=lines(PASSPHRASE)))
    assert f"opened: {encode_bytes(counting.roots_context(at('mixed').state))}" in shown
    assert encode_bytes(desk.held.share.secret) not in shown and encode_bytes(bytes(desk.held.key)) not in shown
    assert refused(tally("trustee", "show", desk.file, typed=lines("another passphrase"))) == (
        "trustee.tashika: the passphrase is wrong"
    )


def test_a_share_is_imported_again_and_forgets_nothing(desk: Desk) -> None:
    """Whoever lost the confirmation makes it again; what was opened stays in the file, and so does the board seen."""
    desk.imported()
    first = desk.out("import").read_bytes()
    desk.out("import").unlink()
    desk.imported()
    assert desk.out("import").read_bytes() == first
    done(desk.trustee("open", at("mixed")))
    opened = desk.held.memory.opened
    assert opened is not None
    assert refused(desk.trustee("import", at("set up"))).startswith("this log is older than the one that was seen")
    done(desk.trustee("import", at("mixed")))
    assert desk.held.memory.opened == opened


def test_one_file_is_of_one_election(desk: Desk) -> None:
    """A second share does not take the place of the first one."""
    desk.imported()
    before, right = desk.file.read_bytes(), desk.held.share
    desk.share.write_bytes(Share(b"o" * 32, right.key_hash, 1, right.s).seal(PASSPHRASE))
    assert "holds another share" in refused(desk.trustee("import"))
    assert desk.file.read_bytes() == before


def test_the_wrong_passphrase_imports_nothing(desk: Desk) -> None:
    at("set up").write(desk.archive)
    said = refused(desk.trustee("import", typed=lines("another passphrase", PASSPHRASE)))
    assert said == "trustee.tashika: the passphrase is wrong"
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


@pytest.mark.parametrize("what", ["open", "rehearse"])
def test_without_an_import_nothing_is_opened_or_proved(what: str, desk: Desk) -> None:
    said = refused(desk.trustee(what, at("mixed")))
    assert said == f"{desk.file} holds no share yet: import it first"
    assert desk.unused()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("voted", "there is nothing to open: the polls are open"),
        ("withdrawn", "the polls are closed, but two officials have not frozen the tally yet"),
        ("frozen", "nothing is opened before the mixers have finished: mix stage 1 of council, group 0"),
        ("published", "there is nothing to open: the result is published already"),
    ],
)
def test_nothing_is_opened_out_of_turn(name: str, why: str, desk: Desk) -> None:
    before = desk.imported().file.read_bytes()
    assert why in refused(desk.trustee("open", at(name)))
    assert not desk.out("open").exists() and desk.file.read_bytes() == before


def test_the_same_set_again_and_no_other(desk: Desk) -> None:
    """A second run after an interruption is allowed, a rolled-back board and a fork are not."""
    desk.imported()
    first = at("mixed")
    for _ in range(2):
        done(desk.trustee("open", first))
    made, kept = desk.out("open").read_bytes(), desk.file.read_bytes()
    fork = mixed_again()
    for other, sentence in (
        (fork, "this is another log than the one that was seen before"),
        (at("frozen"), "this log is older than the one that was seen before"),
        (at("voted"), "this log is older than the one that was seen before"),
    ):
        assert refused(desk.trustee("open", other)).startswith(sentence)
    assert (desk.out("open").read_bytes(), desk.file.read_bytes()) == (made, kept)
    checkpoint = desk.held.memory.checkpoint
    with pytest.MonkeyPatch.context() as patch:  # a board that satisfies the verifier and is another all the same
        patch.setattr("tally.cli.verified_state", lambda *_: (fork.state, checkpoint))
        said = refused(desk.trustee("open"))
    assert said == "another counted set of this election was opened before: this trustee opens one, ever"
    assert (desk.out("open").read_bytes(), desk.file.read_bytes()) == (made, kept)


def test_a_crash_while_rooting_leaves_the_memory_and_no_entry(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the same command, run again, finishes; another set is refused from the crash on."""
    desk.imported()
    fork = mixed_again()

    def interrupted(*_: object) -> None:
        assert desk.held.memory.opened == counting.roots_context(at("mixed").state)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stages, "partial_roots_body", interrupted)
        said = refused(desk.trustee("open", at("mixed")), 2)
    assert said == "interrupted; the same command begins again"
    assert not desk.out("open").exists()
    refused(desk.trustee("open", fork))
    assert not desk.out("open").exists()
    done(desk.trustee("open", at("mixed")))
    assert parse_submission(desk.out("open").read_bytes(), "out").type is Type.PARTIAL_ROOTS


def test_no_root_is_taken_when_the_file_cannot_be_replaced(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stick that is full, or write-protected: the old file stays, whole."""
    before = desk.imported().file.read_bytes()
    at("mixed").write(desk.archive)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("tally.files.os.fsync", full)
        patch.setattr(stages, "partial_roots_body", lambda *_: pytest.fail("roots were taken"))
        refused(desk.trustee("open"), 2)
    assert desk.file.read_bytes() == before and not desk.out("open").exists()
    assert not [name for name in files(desk.folder) if name.endswith(".part")]


def test_two_programs_never_work_on_one_file(desk: Desk) -> None:
    """Otherwise each could begin before the other one has written down which set it opens."""
    desk.imported()
    before = desk.file.read_bytes()
    with alone_beside(desk.file):
        said = refused(desk.trustee("open", at("mixed")))
    assert said.endswith("another program works with a file in this folder; wait until it is done")
    assert desk.file.read_bytes() == before and not desk.out("open").exists()
    done(desk.trustee("open"))


def test_a_damaged_file_opens_nothing(desk: Desk) -> None:
    whole = desk.imported().file.read_bytes()
    at("mixed").write(desk.archive)
    for raw in (b"", whole[:-1], whole + b" ", b"{}", whole.replace(b'"kind":"trustee"', b'"kind":"key share"')):
        desk.file.write_bytes(raw)
        assert refused(desk.trustee("open")).startswith("trustee.tashika: ")
    assert not desk.out("open").exists()


def test_only_the_owner_reads_the_file(desk: Desk) -> None:
    """After each replacement too."""
    desk.imported()
    done(desk.trustee("open", at("mixed")))
    assert stat.S_IMODE(desk.file.stat().st_mode) == 0o600


def test_no_command_lists_a_secret(desk: Desk) -> None:
    """Neither in the file, in clear, nor in what is handed in, nor in what is said."""
    desk.imported()
    said = done(desk.trustee("rehearse")) + done(desk.trustee("open", at("mixed")))
    secrets = (
        encode_bytes(desk.held.share.secret),
        str(desk.held.share.s),
        encode_bytes(bytes(desk.held.key)),
        PASSPHRASE,
    )
    for text in (said, *(path.read_bytes().decode("latin-1") for path in desk.folder.glob("*.*"))):
        assert not [secret for secret in secrets if secret in text]


def test_the_share_is_not_written_over_by_what_comes_out(desk: Desk) -> None:
    """Files with the names of what is handed in must not cost a trustee the share or the board."""
    desk.share = desk.share.rename(desk.out("import"))
    share = desk.share.read_bytes()
    assert refused(desk.trustee("import", at("set up"))).endswith("give that file another name")
    assert desk.share.read_bytes() == share
    assert desk.held.share is None


def test_a_rehearsal_opens_nothing_and_is_no_entry(desk: Desk) -> None:
    """Whatever the stage: it holds for this trustee and board, and the memory says that nothing was opened."""
    desk.imported()
    for name in ("set up", "voted", "mixed"):
        done(desk.trustee("rehearse", at(name)))
        raw = desk.out("rehearse").read_bytes()
        proof, state = parse_rehearsal(raw), at(name).state
        assert rehearsal_holds(state.key.N, 3, 2, state.verification_keys[0], proof)
        assert proof.statement.size == len(at(name).entries)
        assert desk.held.memory.opened is None
        with pytest.raises(DamagedFile):
            parse_submission(raw, "out")
    fork = mixed_again()
    assert refused(desk.trustee("rehearse", fork)).startswith("this is another log than the one that was seen before")


# Archives


@pytest.mark.parametrize("command", ["ceremony", "import", "rehearse", "open", "mix", "count"])
@pytest.mark.parametrize("bad", ["missing", "empty", "text", "cut", "folder"])
def test_an_archive_that_is_none_is_one_line(command: str, bad: str, desk: Desk, tmp_path: Path, tally: Any) -> None:
    own, mixer = desk.imported().file.read_bytes(), key_file("mixer 1", tmp_path)
    whole = desk.archive.read_bytes()
    desk.archive.unlink()
    if bad == "folder":
        desk.archive.mkdir()
    elif bad != "missing":
        desk.archive.write_bytes({"empty": b"", "text": b"an archive", "cut": whole[: len(whole) // 2]}[bad])
    there = files(tmp_path)
    if command in ("import", "rehearse", "open"):
        ran = desk.trustee(command)
    else:
        key = ("--key", mixer) if command == "mix" else ()
        ran = tally(command, desk.archive, tmp_path / "new", *key, typed=lines(PASSPHRASE))
    assert ran.code in (1, 2) and refused(ran, ran.code)
    assert files(tmp_path) == there
    assert desk.file.read_bytes() == own


def test_a_forged_log_is_refused_by_every_command(desk: Desk, tmp_path: Path, tally: Any) -> None:
    """One ballot changed after it was signed: nobody deals, mixes, opens or counts on it."""
    desk.imported()
    key = key_file("mixer 1", tmp_path)
    forged = at("mixed")
    forged.entries[20] = forged.entries[20].replace(b'"sequence":1', b'"sequence":2')
    assert forged.entries[20] != at("mixed").entries[20]
    forged.write(desk.archive)
    for ran in (
        desk.trustee("open"),
        desk.trustee("rehearse"),
        tally("mix", desk.archive, tmp_path / "new", "--key", key, "--jobs", 1, typed=lines(PASSPHRASE)),
        tally("count", desk.archive, tmp_path / "new", "--jobs", 1),
        tally("ceremony", desk.archive, tmp_path / "new"),
    ):
        assert refused(ran).startswith("the log does not verify: ")
    assert not desk.out("open").exists() and not (tmp_path / "new").exists()


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
