"""A receipt finds its ballot and says what became of it, or says in one line why it cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tally.signing import public_key
from tests.election import Election, signed_checkpoint, signing_key, small_manifest, tree_of
from tests.forge import at
from verifier import cli
from verifier.crypto.checkpoint import Checkpoint, board_line, note_text
from verifier.errors import BadInteger, CheckFailed, NotCanonical, Unreadable
from verifier.receipt import MAX_RECEIPT_BYTES, fate, parse_receipt
from verifier.record.archive import write_archive
from verifier.record.canonical import encode_bytes, parse, serialise
from verifier.record.entries import MAX_ENTRY_BYTES, Type, statement_digest
from verifier.record.schema import format_minute

ROOT = Path(__file__).parents[2]


def ballots(election: Election, slot: str, kind: Type = Type.BALLOT_CAST) -> list[int]:
    """The indexes of a slot's cast (or opened) ballots."""
    entries = [parse(raw, MAX_ENTRY_BYTES) for raw in election.entries]
    bodies = [(index, entry["body"]) for index, entry in enumerate(entries) if entry["type"] == kind]
    return [index for index, body in bodies if (body["ballot"] if kind is Type.BALLOT_OPENED else body)["slot"] == slot]


def receipt_of(election: Election, index: int, size: int | None = None, **changes: Any) -> dict[str, Any]:
    """The receipt that the board gave when it had `size` entries: the ballot was the last one, if nothing is said."""
    size = size or index + 1
    tree = tree_of(election.entries[:size])
    entry = parse(election.entries[index], MAX_ENTRY_BYTES)
    return {
        "election": encode_bytes(election.election_id),
        "tracker": encode_bytes(statement_digest(Type(entry["type"]), entry["body"])),
        "entry": index,
        "path": [encode_bytes(node) for node in tree.inclusion_path(index, size)],
        "checkpoint": signed_checkpoint(election.manifest, size, tree.root()).decode(),
        **changes,
    }


def held(record: dict[str, Any]) -> Any:
    return parse_receipt(serialise(record))


def archive(election: Election, folder: Path) -> Path:
    return election.write(folder / "election.zip")


def refusal(path: Path, record: dict[str, Any]) -> tuple[str, str]:
    """(code, reason) of the check that rejects the receipt."""
    with pytest.raises(CheckFailed) as caught:
        fate(path, held(record))
    return caught.value.check.split()[0], caught.value.reason


# What became of a ballot


@pytest.mark.parametrize(
    ("stage", "slot", "kind", "which", "expected"),
    [
        ("voted", "v2", Type.BALLOT_CAST, 0, "not counted yet"),
        ("closed", "v2", Type.BALLOT_CAST, 0, "not counted yet"),
        ("frozen", "v2", Type.BALLOT_CAST, 0, "counts"),
        ("published", "v2", Type.BALLOT_CAST, 0, "counts"),
        ("voted", "v1", Type.BALLOT_CAST, 0, "superseded"),
        ("published", "v1", Type.BALLOT_CAST, 0, "superseded"),
        ("published", "v1", Type.BALLOT_CAST, 1, "counts"),
        ("withdrawn", "v6", Type.BALLOT_CAST, 0, "withdrawn"),
        ("published", "v6", Type.BALLOT_CAST, 0, "withdrawn"),
        ("voted", "v1", Type.BALLOT_OPENED, 0, "opened"),
        ("published", "v1", Type.BALLOT_OPENED, 0, "opened"),
    ],
)
def test_the_fate_of_a_ballot(
    stage: str,
    slot: str,
    kind: Type,
    which: int,
    expected: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    election = at(stage)
    record = receipt_of(election, ballots(election, slot, kind)[which])
    path = archive(election, tmp_path)
    assert fate(path, held(record)) == expected
    (tmp_path / "receipt.json").write_bytes(serialise(record))
    assert cli.main(["receipt", str(path), str(tmp_path / "receipt.json")]) == 0
    assert capsys.readouterr() == (cli.FATES[expected] + "\n", "")


@pytest.mark.parametrize("later", [0, 1, 5, 20])
def test_a_receipt_may_carry_any_checkpoint_since_the_ballot(later: int, tmp_path: Path) -> None:
    election = at("published")
    index = ballots(election, "v2")[0]
    record = receipt_of(election, index, index + 1 + later)
    assert fate(archive(election, tmp_path), held(record)) == "counts"


# Receipts that do not fit


def a_stranger(election: Election, size: int, root: bytes) -> str:
    """A checkpoint of the right origin by a key that is not the board's."""
    origin, key = election.manifest["board"]["origin"], signing_key("stranger")
    checkpoint = Checkpoint(origin, size, root, 1)
    return note_text(checkpoint, [board_line(origin, public_key(key), key.sign(checkpoint.body()).signature)]).decode()


Change = Callable[[Election, dict[str, Any]], dict[str, Any]]
MISFITS: dict[str, tuple[Change, str, str]] = {
    "another election": (
        lambda e, r: {"election": encode_bytes(b"e" * 32)},
        "V3.1",
        "belongs to another election",
    ),
    "a forged path": (lambda e, r: {"path": [encode_bytes(b"p" * 32), *r["path"][1:]]}, "V2.11", "inclusion proof"),
    "a path too short": (lambda e, r: {"path": r["path"][:-1]}, "V2.11", "inclusion proof"),
    "a path too long": (lambda e, r: {"path": [*r["path"], r["path"][0]]}, "V2.11", "inclusion proof"),
    "another tracker": (lambda e, r: {"tracker": encode_bytes(b"t" * 32)}, "V2.11", "that entry is another ballot"),
    "the place of another ballot": (
        lambda e, r: {**receipt_of(e, ballots(e, "v3")[0]), "tracker": r["tracker"]},
        "V2.11",
        "that entry is another ballot",
    ),
    "the place of no ballot": (
        lambda e, r: {**receipt_of(e, 0), "tracker": r["tracker"]},
        "V2.11",
        "that entry is another ballot",
    ),
    "the next place": (lambda e, r: {"entry": r["entry"] + 1}, "V2.11", "inclusion proof"),
    "a place beyond the board": (lambda e, r: {"entry": len(e.entries)}, "V2.11", "the board has no such entry"),
    "a place far beyond": (lambda e, r: {"entry": 2**40}, "V2.11", "the board has no such entry"),
    "a checkpoint of other entries": (
        lambda e, r: {"checkpoint": signed_checkpoint(e.manifest, 16, b"r" * 32).decode()},
        "V3.6",
        "the first 16 entries differ",
    ),
    "a checkpoint of a longer board": (
        lambda e, r: {"checkpoint": signed_checkpoint(e.manifest, 99, b"r" * 32).decode()},
        "V3.6",
        "fewer than the 99",
    ),
    "a checkpoint before the ballot": (
        lambda e, r: {"checkpoint": signed_checkpoint(e.manifest, 4, tree_of(e.entries[:4]).root()).decode()},
        "V2.11",
        "inclusion proof",
    ),
    "a checkpoint by somebody else": (
        lambda e, r: {"checkpoint": a_stranger(e, 16, tree_of(e.entries[:16]).root())},
        "V2.2",
        "signature is missing",
    ),
    "a checkpoint of another board": (
        lambda e, r: {
            "checkpoint": signed_checkpoint(
                small_manifest(board={**e.manifest["board"], "origin": "other.example/b"}), 16, b"r" * 32
            ).decode()
        },
        "V2.2",
        "another board",
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_a_receipt_that_does_not_fit(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rejected by the right check, with exit code 1 and one line."""
    change, code, reason = MISFITS[name]
    election = at("published")
    record = receipt_of(election, ballots(election, "v2")[0])
    record |= change(election, record)
    path = archive(election, tmp_path)
    found, words = refusal(path, record)
    assert found == code
    assert reason in words
    (tmp_path / "receipt.json").write_bytes(serialise(record))
    assert cli.main(["receipt", str(path), str(tmp_path / "receipt.json")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"verifier: {code} ") and err.count("\n") == 1


# Archives that the board did not sign


def written(folder: Path, election: Election, entries: list[bytes], checkpoint: bytes) -> Path:
    path = folder / "election.zip"
    write_archive(path, entries, sorted(election.columns.items()), checkpoint)
    return path


def test_nobody_but_the_board_can_add_a_freeze(tmp_path: Path) -> None:
    """Under the board's own older checkpoint, under one of a stranger, and under one that only states the size."""
    election = at("voted")
    record = receipt_of(election, ballots(election, "v2")[0])
    signed = election.checkpoint()
    assert fate(written(tmp_path, election, election.entries, signed), held(record)) == "not counted yet"
    longer = at("frozen")
    assert fate(archive(longer, tmp_path), held(receipt_of(longer, ballots(longer, "v2")[0]))) == "counts"
    entries = [*election.entries, *longer.entries[len(election.entries) :]]
    tree = tree_of(entries)
    assert refusal(written(tmp_path, election, entries, signed), record)[0] == "V1.3"
    stranger = a_stranger(election, tree.size, tree.root()).encode()
    assert refusal(written(tmp_path, election, entries, stranger), record)[0] == "V2.2"
    other_root = signed_checkpoint(election.manifest, tree.size, b"r" * 32)
    assert refusal(written(tmp_path, election, entries, other_root), record)[0] == "V3.5"


def test_nobody_but_the_board_can_leave_out_a_later_ballot(tmp_path: Path) -> None:
    election = at("published")
    first, last = ballots(election, "v1")
    record = receipt_of(election, first)
    entries = election.entries[:last]
    assert refusal(written(tmp_path, election, entries, election.checkpoint()), record)[0] == "V1.3"


# Files that are no receipt or no archive


DAMAGED: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "nothing": lambda r: b"",
    "text": lambda r: b"receipt",
    "not UTF-8": lambda r: b"\xff\xfe\x00",
    "half of it": lambda r: serialise(r)[: len(serialise(r)) // 2],
    "indented": lambda r: json.dumps(r, indent=2).encode(),
    "a list": lambda r: serialise([r]),
    "a missing field": lambda r: serialise({key: r[key] for key in r if key != "path"}),
    "a field too many": lambda r: serialise({**r, "name": "山田"}),
    "a short hash": lambda r: serialise({**r, "tracker": encode_bytes(b"t" * 31)}),
    "an entry before the first": lambda r: serialise({**r, "entry": -1}),
    "an entry that is a truth value": lambda r: serialise({**r, "entry": True}),
    "a path of text": lambda r: serialise({**r, "path": "up"}),
    "a path of 65 nodes": lambda r: serialise({**r, "path": [encode_bytes(b"p" * 32)] * 65}),
    "a checkpoint that is a number": lambda r: serialise({**r, "checkpoint": 7}),
    "a checkpoint without signature": lambda r: serialise(
        {**r, "checkpoint": "\n".join(r["checkpoint"].split("\n")[:5])}
    ),
    "too large": lambda r: b" " * (MAX_RECEIPT_BYTES + 1),
    "deep": lambda r: b"[" * 5000 + b"]" * 5000,
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_receipt(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    election = at("published")
    raw = DAMAGED[name](receipt_of(election, ballots(election, "v2")[0]))
    with pytest.raises((NotCanonical, BadInteger)):
        parse_receipt(raw)
    (tmp_path / "receipt.json").write_bytes(raw)
    assert cli.main(["receipt", str(archive(election, tmp_path)), str(tmp_path / "receipt.json")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("verifier: ") and err.count("\n") == 1


def test_files_that_are_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    election = at("voted")
    path = archive(election, tmp_path)
    (tmp_path / "receipt.json").write_bytes(serialise(receipt_of(election, ballots(election, "v2")[0])))
    for arguments in ([path, tmp_path / "none.json"], [tmp_path / "none.zip", tmp_path / "receipt.json"]):
        assert cli.main(["receipt", *map(str, arguments)]) == 2
        _, err = capsys.readouterr()
        assert err.startswith("verifier: ") and "No such file" in err and err.count("\n") == 1


def test_an_archive_without_manifest_is_unreadable(tmp_path: Path) -> None:
    election = at("voted")
    record = receipt_of(election, ballots(election, "v2")[0])
    with pytest.raises(Unreadable, match="manifest"):
        fate(election.write(tmp_path / "election.zip", []), held(record))
    with pytest.raises(Unreadable, match="manifest"):
        fate(election.write(tmp_path / "election.zip", election.entries[1:]), held(record))


@pytest.mark.parametrize("kind", [Type.BALLOT_CAST, Type.BALLOT_OPENED])
@pytest.mark.parametrize("body", [{}, [], None, 7, {"ballot": None}, {"ballot": {}, "seed": None}])
def test_an_entry_that_is_no_ballot_after_all(
    kind: Type, body: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The board signed junk of a ballot's type, and the receipt points there."""
    election = at("voted")
    record = receipt_of(election, ballots(election, "v2")[0])
    entry = {"body": body, "signatures": [], "time": format_minute(election.clock), "type": str(kind)}
    election.entries.append(serialise(entry))
    size = len(election.entries)
    tree = tree_of(election.entries)
    record |= {
        "entry": size - 1,
        "path": [encode_bytes(node) for node in tree.inclusion_path(size - 1, size)],
        "checkpoint": election.checkpoint(election.entries).decode(),
    }
    (tmp_path / "receipt.json").write_bytes(serialise(record))
    assert cli.main(["receipt", str(archive(election, tmp_path)), str(tmp_path / "receipt.json")]) in (1, 2)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("verifier: ") and err.count("\n") == 1


def test_as_a_program(tmp_path: Path) -> None:
    election = at("published")
    path = archive(election, tmp_path)
    (tmp_path / "receipt.json").write_bytes(serialise(receipt_of(election, ballots(election, "v2")[0])))
    command = [sys.executable, "-m", "verifier", "receipt", str(path), str(tmp_path / "receipt.json")]
    ended = subprocess.run(command, cwd=ROOT, timeout=60, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, cli.FATES["counts"] + "\n", "")
