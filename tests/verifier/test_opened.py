"""A ballot opened as a test is read from its file, and whatever is wrong with the file is found and named."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.demonstration import demonstration
from tests.election import Election, signing_key, small_manifest, tree_of
from tests.forge import ALLOWED, at, edit
from verifier import cli
from verifier.crypto.checkpoint import Checkpoint, board_line, note_text
from verifier.errors import BadInteger, CheckFailed, NotCanonical
from verifier.opened import MAX_OPENED_BYTES, Contents, contents, in_words, parse_opened, require_on_board
from verifier.record.archive import open_archive, write_archive
from verifier.record.canonical import decode_bytes, encode_bytes, encode_integer, parse, serialise
from verifier.record.entries import MAX_ENTRY_BYTES, Type, modulus_bytes, tracker

ROOT = Path(__file__).parents[2]
NAMES = {
    Type.MANIFEST: "manifest",
    Type.KEY: "key",
    Type.ROLL_COMMITMENT: "roll-commitment",
    Type.BALLOT_OPENED: "ballot",
}
SAID = [
    "Mayor: 架空 一郎",
    "Judges: 判事 甲, 判事 丙",
    "Council: 議員 卯",
    "Chair: 委員 竹 > 委員 松",
    "Name: 山田",
]
"""What v1 opened: tests/election.py."""


def saved(entries: list[bytes]) -> dict[str, Any]:
    """The file that the page saves: the entries of these types, in their texts; the last opened ballot."""
    found = {parse(raw, MAX_ENTRY_BYTES)["type"]: raw.decode() for raw in entries}
    return {name: found[kind] for kind, name in NAMES.items()}


def of(election: Election) -> dict[str, Any]:
    return saved(election.entries)


def read(record: dict[str, Any]) -> Contents:
    return contents(parse_opened(serialise(record)), ALLOWED)


def words(found: Contents) -> list[str]:
    return [f"{contest.title}: {in_words(contest, choice)}" for contest, choice in found.choices]


def change(record: dict[str, Any], name: str, do: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """One entry of the file changed, without signing it again."""
    entry = json.loads(record[name])
    do(entry)
    return {**record, name: serialise(entry).decode()}


def refused(record: dict[str, Any]) -> tuple[str, str]:
    """(code, reason) of the check that rejects the file."""
    with pytest.raises(CheckFailed) as caught:
        read(record)
    return caught.value.check.split()[0], caught.value.reason


# What it contains


def test_every_kind_of_contest_is_read() -> None:
    found = read(of(at("voted")))
    assert words(found) == SAID
    assert (found.ballot.slot, found.ballot.sequence) == ("v1", 2)
    assert found.tracker == tracker(json.loads(of(at("voted"))["ballot"])["body"]["ballot"])
    assert found.manifest.election == at("voted").election_id


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        (
            {"mayor": "blank", "judges": (), "council": "blank", "chair": (), "name": ""},
            ["Mayor: (blank)", "Judges: (no marks)", "Council: (blank)", "Chair: (blank)", "Name: (blank)"],
        ),
        (
            {"mayor": "c", "judges": ("a", "b", "c"), "council": "a", "chair": ("c", "a", "b"), "name": "(blank)"},
            [
                "Mayor: 仮名 次郎",
                "Judges: 判事 甲, 判事 乙, 判事 丙",
                "Council: 議員 子",
                "Chair: 委員 梅 > 委員 松 > 委員 竹",
                "Name: (blank)",
            ],
        ),
    ],
)
def test_blank_and_full(choices: dict[str, Any], said: list[str]) -> None:
    election = at("voted")
    election.challenge("v2", **choices)
    assert words(read(of(election))) == said


def test_another_style_has_fewer_contests() -> None:
    election = at("voted")
    election.challenge("v5", mayor="b", judges=("b",), council="c")
    assert words(read(of(election))) == ["Mayor: 架空 花子", "Judges: 判事 乙", "Council: 議員 寅"]


def test_the_key_may_come_after_the_roll() -> None:
    """The board takes either order, and the later one has the later time."""
    record = of(at("voted"))
    record = change(record, "key", lambda entry: entry.update(time="2026-11-14T09:00Z"))
    assert json.loads(record["roll-commitment"])["time"] < "2026-11-14T09:00Z"
    assert words(read(record)) == SAID


# What does not fit


def other_key(entry: dict[str, Any]) -> None:
    """A modulus that somebody else can factor."""
    modulus = decode_bytes(entry["body"]["modulus"], 64)
    entry["body"]["modulus"] = encode_bytes(modulus[:-1] + bytes([modulus[-1] ^ 2]))


def flipped(text: str) -> str:
    return ("B" if text[0] == "A" else "A") + text[1:]


def flip_ciphertext(entry: dict[str, Any]) -> None:
    answer = entry["body"]["ballot"]["answers"][0]
    answer["ciphertexts"][0] = flipped(answer["ciphertexts"][0])


def resigned(record: dict[str, Any], do: Callable[[dict[str, Any]], object], signer: str = "v1") -> dict[str, Any]:
    """The ballot changed and signed again, as a device that cheats could."""
    entry = json.loads(record["ballot"])
    do(entry)
    signed = json.loads(at("voted").raw(Type.BALLOT_OPENED, entry["body"], [signer]))
    return {**record, "ballot": serialise({**signed, "time": entry["time"]}).decode()}


Change = Callable[[dict[str, Any]], dict[str, Any]]
MISFITS: dict[str, tuple[Change, str, str]] = {
    "another seed": (
        lambda r: change(r, "ballot", lambda e: e["body"].update(seed=encode_bytes(b"s" * 32))),
        "V5.20",
        "not opened by the seed",
    ),
    "another ciphertext": (lambda r: change(r, "ballot", flip_ciphertext), "V2.4", "does not verify"),
    "another ciphertext, signed": (lambda r: resigned(r, flip_ciphertext), "V5.6", ""),
    "another slot, signed": (
        lambda r: resigned(r, lambda e: e["body"]["ballot"].update(slot="v2")),
        "V5.6",
        "",
    ),
    "signed by nobody": (lambda r: change(r, "ballot", lambda e: e.update(signatures=[])), "V2.5", "not signed"),
    "signed by another key": (lambda r: resigned(r, lambda e: None, "v2"), "V5.6", ""),
    "another election": (
        lambda r: resigned(r, lambda e: e["body"]["ballot"].update(election=encode_bytes(b"e" * 32))),
        "V3.1",
        "another election",
    ),
    "an unknown style": (
        lambda r: resigned(r, lambda e: e["body"]["ballot"].update(style="east")),
        "V3.12",
        "no ballot style east",
    ),
    "a contest left out": (
        lambda r: resigned(r, lambda e: e["body"]["ballot"]["answers"].pop()),
        "V3.12",
        "were expected",
    ),
    "a key of somebody else": (lambda r: change(r, "key", other_key), "V2.9", "does not verify"),
    "a manifest that nobody signed": (
        lambda r: change(r, "manifest", lambda e: e.update(signatures=[])),
        "V2.1",
        "0 of 2 signatures",
    ),
    "other names of candidates": (
        lambda r: change(r, "manifest", lambda e: e["body"]["contests"][0]["options"][0].update(name="架空 三郎")),
        "V2.1",
        "does not verify",
    ),
    "a roll of another size": (
        lambda r: change(r, "roll-commitment", lambda e: e["body"].update(rows=400)),
        "V2.9",
        "does not verify",
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_a_file_that_does_not_fit(name: str) -> None:
    """Refused by a check with a name, each in its own way."""
    make, code, reason = MISFITS[name]
    found, said = refused(make(of(at("voted"))))
    assert found == code, said
    assert reason in said


def test_a_whole_election_of_somebody_else() -> None:
    """Every signature is right, by other officials under another manifest: only the election id tells it."""
    other = Election(small_manifest(title="架空町長選挙")).set_up()
    other.register("v1", "north", 0)
    other.open_polls()
    other.challenge("v1", mayor="b", judges=(), council="a", chair=(), name="")
    mine, theirs = of(at("voted")), of(other)
    assert read(theirs).manifest.election != read(mine).manifest.election
    assert refused({**theirs, "ballot": mine["ballot"]})[0] == "V3.1"
    assert refused({**mine, "ballot": theirs["ballot"]})[0] == "V3.1"
    assert refused({**mine, "key": theirs["key"]})[0] == "V3.1"


def test_a_small_modulus_is_refused_without_an_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "opened.json").write_bytes(serialise(of(at("voted"))))
    assert cli.main(["opened", str(tmp_path / "opened.json")]) == 1
    out, err = capsys.readouterr()
    assert out == "" and "V3.4" in err and err.count("\n") == 1


# On the board


@pytest.fixture
def toys_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program in this process accepts the small modulus of tests."""
    monkeypatch.setattr(cli.opened, "contents", lambda held: contents(held, ALLOWED))


def write(record: Any, folder: Path) -> str:
    path = folder / "opened.json"
    path.write_bytes(record if isinstance(record, bytes) else serialise(record))
    return str(path)


@pytest.mark.usefixtures("toys_allowed")
def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it prints without an archive, and with one."""
    election = at("voted")
    file = write(of(election), tmp_path)
    assert cli.main(["opened", file]) == 0
    alone, err = capsys.readouterr()
    ballot = json.loads(of(election)["ballot"])["body"]["ballot"]
    assert err == ""
    assert alone.splitlines() == [
        "架空市長選挙",
        f"election: {encode_bytes(election.election_id)}",
        f"tracker:  {encode_bytes(tracker(ballot))}",
        "slot:     v1, ballot 2",
        *SAID,
        cli.NO_ARCHIVE,
    ]
    archive = str(election.write(tmp_path / "election.zip"))
    assert cli.main(["opened", archive, file]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == (alone.replace(cli.NO_ARCHIVE, cli.ON_BOARD), "")


@pytest.mark.parametrize("stage", ["voted", "frozen", "published"])
def test_it_stays_on_the_board(stage: str, tmp_path: Path) -> None:
    election = at(stage)
    held = parse_opened(serialise(of(election)))
    require_on_board(election.write(tmp_path / "election.zip"), held, contents(held, ALLOWED).manifest)


def test_a_ballot_that_the_board_does_not_have(tmp_path: Path) -> None:
    """The device opened a ballot for the voter's eyes only: the board never took it."""
    election = at("opened")
    path = election.write(tmp_path / "election.zip")
    election.challenge("v1", mayor="a", judges=(), council="a", chair=(), name="")
    held = parse_opened(serialise(of(election)))
    with pytest.raises(CheckFailed, match="the ballot is not on this board"):
        require_on_board(path, held, contents(held, ALLOWED).manifest)


def test_a_roll_that_the_board_does_not_have(tmp_path: Path) -> None:
    """The same officials signed a second roll commitment, and the page saved that one."""
    election = at("voted")
    path = election.write(tmp_path / "election.zip")
    other = edit(copy.deepcopy(election), Type.ROLL_COMMITMENT, lambda body: body.update(rows=39))
    held = parse_opened(serialise(of(other)))
    manifest = contents(parse_opened(serialise(of(election))), ALLOWED).manifest
    with pytest.raises(CheckFailed, match="the roll commitment is not on this board"):
        require_on_board(path, held, manifest)


def test_an_archive_that_the_board_did_not_sign(tmp_path: Path) -> None:
    """Under an older checkpoint, under one that only states the size, and one by a stranger."""
    election = at("voted")
    held = parse_opened(serialise(of(election)))
    manifest = contents(held, ALLOWED).manifest
    notes = {
        "V1.3": at("opened").checkpoint(),
        "V3.5": election.checkpoint(election.entries[::-1]),
        "V2.2": _signed_by(election, "stranger"),
    }
    for code, note in notes.items():
        path = tmp_path / "election.zip"
        write_archive(path, election.entries, sorted(election.columns.items()), note)
        with pytest.raises(CheckFailed) as caught:
            require_on_board(path, held, manifest)
        assert caught.value.check.startswith(code + " ")


def _signed_by(election: Election, name: str) -> bytes:
    """The right head, by a key that is not the board's."""
    tree, origin, key = tree_of(election.entries), election.manifest["board"]["origin"], signing_key(name)
    head = Checkpoint(origin, tree.size, tree.root(), 1)
    return note_text(head, [board_line(origin, bytes(key.verify_key), key.sign(head.body()).signature)])


# Files that are no such file


DAMAGED: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "nothing": lambda r: b"",
    "text": lambda r: b"opened",
    "not UTF-8": lambda r: b"\xff\xfe\x00",
    "half of it": lambda r: serialise(r)[: len(serialise(r)) // 2],
    "indented": lambda r: json.dumps(r, indent=2).encode(),
    "a list": lambda r: serialise([r]),
    "a missing entry": lambda r: serialise({key: r[key] for key in r if key != "key"}),
    "an entry too many": lambda r: serialise({**r, "receipt": r["key"]}),
    "an entry that is not a text": lambda r: serialise({**r, "key": json.loads(r["key"])}),
    "an entry of another type": lambda r: serialise({**r, "key": r["roll-commitment"]}),
    "a cast ballot": lambda r: serialise(
        change(r, "ballot", lambda e: e.update(type="ballot-cast", body=e["body"]["ballot"]))
    ),
    "an entry that is not canonical": lambda r: serialise({**r, "key": r["key"] + " "}),
    "an empty body": lambda r: serialise(change(r, "ballot", lambda e: e.update(body={}))),
    "no body": lambda r: serialise(change(r, "ballot", lambda e: e.update(body=None))),
    "a ballot that is a list": lambda r: serialise(change(r, "ballot", lambda e: e["body"].update(ballot=[]))),
    "a short seed": lambda r: serialise(change(r, "ballot", lambda e: e["body"].update(seed="AAAA"))),
    "a seed that is a number": lambda r: serialise(change(r, "ballot", lambda e: e["body"].update(seed=7))),
    "too large": lambda r: b" " * (MAX_OPENED_BYTES + 1),
    "deep": lambda r: b"[" * 5000 + b"]" * 5000,
}


@pytest.mark.usefixtures("toys_allowed")
@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, exit code 2, and the error has a type of ours."""
    raw = DAMAGED[name](of(at("voted")))
    with pytest.raises((NotCanonical, BadInteger)):
        contents(parse_opened(raw), ALLOWED)
    assert cli.main(["opened", write(raw, tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("verifier: ") and err.count("\n") == 1


def parts(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of all parts of a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in inner for place in parts(part, (*path, key)))]


JUNK = (None, True, -1, 0, 2**52, "", "x", "A" * 43, "A" * 171, [], {}, [[]], {"a": 1}, "\u202e")


def test_whatever_is_damaged_is_refused(tmp_path: Path) -> None:
    """Parts of every entry replaced by junk, at random: always a refusal of ours, never another exception."""
    chance = random.Random(4)
    record = of(at("voted"))
    for _ in range(150):
        name = chance.choice(list(record))
        entry = json.loads(record[name])
        *way, last = chance.choice([place for place in parts(entry) if place])
        held = entry
        for step in way:
            held = held[step]
        junk = chance.choice(JUNK)
        if held[last] == junk:
            continue
        held[last] = junk
        with pytest.raises((CheckFailed, NotCanonical, BadInteger)):
            read({**record, name: serialise(entry).decode()})


def test_a_flipped_bit_changes_nothing_that_is_said() -> None:
    """One bit of the file at a time: it is refused, or it is one of an entry's time, which no signature covers."""
    chance = random.Random(5)
    raw = serialise(of(at("voted")))
    for _ in range(150):
        place = chance.randrange(len(raw))
        other = raw[:place] + bytes([raw[place] ^ (1 << chance.randrange(8))]) + raw[place + 1 :]
        try:
            found = contents(parse_opened(other), ALLOWED)
        except (CheckFailed, NotCanonical, BadInteger):
            continue
        assert b'"time' in raw[place - 30 : place].replace(b"\\", b"") and words(found) == SAID


def test_a_ciphertext_outside_its_range() -> None:
    """A device may sign anything: zero, a multiple of N, N² and more."""
    record = of(at("voted"))
    manifest = read(record).manifest
    width = 2 * modulus_bytes(manifest)
    modulus = int.from_bytes(decode_bytes(json.loads(record["key"])["body"]["modulus"], width // 2), "big")
    for c in (0, modulus, modulus**2, 256**width - 1):

        def put(entry: dict[str, Any], c: int = c) -> None:
            entry["body"]["ballot"]["answers"][0]["ciphertexts"][0] = encode_integer(c, width)

        assert refused(resigned(record, put))[0] == "V4.4"


def test_names_that_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str], toys_allowed: None) -> None:
    """A write-in is printed so that nothing in it acts; what no manifest may say is refused before."""
    election = at("voted")
    election.challenge("v2", mayor="a", judges=(), council="a", chair=(), name="山\u202e田")
    assert cli.main(["opened", write(of(election), tmp_path)]) == 0
    out, _ = capsys.readouterr()
    assert "\u202e" not in out and "Name: 山\\u202e田" in out


def test_files_that_are_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["opened", str(tmp_path / "none.json")]) == 2
    _, err = capsys.readouterr()
    assert err.startswith("verifier: ") and "No such file" in err and err.count("\n") == 1


@pytest.mark.usefixtures("toys_allowed")
def test_an_archive_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is said about the ballot when it is asked for together with an archive that cannot be read."""
    (tmp_path / "text.zip").write_text("Dear voters, the election is valid.\n")
    file = write(of(at("voted")), tmp_path)
    for name in ("text.zip", "none.zip"):
        assert cli.main(["opened", str(tmp_path / name), file]) == 2
        out, err = capsys.readouterr()
        assert out == "" and err.startswith("verifier: ") and err.count("\n") == 1


@pytest.mark.slow
def test_as_a_program_with_a_real_key(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A ballot opened in the demonstration, by its archive alone; no small modulus is allowed here."""
    path = demonstration(tmp_path_factory).archive
    archive = open_archive(path, tmp_path / "unpacked")
    file = write(saved([archive.entry(index) for index in range(archive.size)]), tmp_path)
    command = [sys.executable, "-m", "verifier", "opened", str(path), file]
    ended = subprocess.run(command, cwd=ROOT, timeout=120, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[-1] == cli.ON_BOARD
