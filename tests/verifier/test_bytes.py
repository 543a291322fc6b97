"""No byte of a finished archive can be changed: not under the checkpoint that was signed, and not under a fresh one."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from tests.demonstration import demonstration
from tests.election import Election, finish, party, tree_of, voted
from tests.forge import ALLOWED, rejecting
from verifier.checks import consistency
from verifier.crypto.checkpoint import parse_note
from verifier.errors import CheckFailed, NotCanonical
from verifier.record.archive import open_archive, write_archive
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type, parse_entry
from verifier.replay import Replay
from verifier.report import Gate
from verifier.verify import verify

CHANGES, COLUMN_CHANGES, DEMO_CHANGES = 1000, 300, 250
ALPHABETS = (b"0123456789", b"abcdefghijklmnopqrstuvwxyz", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", bytes(range(256)))


@cache
def published() -> Election:
    """A finished election with an entry of every type. Tests only read it."""
    election = finish(voted(register_and_replace))
    for _ in range(2):
        election.clock += timedelta(minutes=1)
        body = election.body(entry=3, text="誤記の訂正")
        election.append(Type.CORRECTION, body, ["official 1", "official 2"])
    return election


def register_and_replace(election: Election) -> None:
    election.register("v7", "west", 30)
    body = election.body(slot="v7", credential=party("v7 again")["key"])
    election.append(Type.CREDENTIAL_REPLACED, body, ["registrar", "v7 again", "official 1", "official 2"])


def swapped(data: bytes, position: int, dice: random.Random) -> bytes:
    """Another byte there: half of the time one of the same kind, so that not only parsers refuse it."""
    old = data[position]
    alphabet = next(letters for letters in ALPHABETS if old in letters) if dice.random() < 0.5 else ALPHABETS[-1]
    new = dice.choice([byte for byte in alphabet if byte != old])
    return data[:position] + bytes([new]) + data[position + 1 :]


def time_of(raw: bytes) -> range:
    """Where an entry says its time, which the board alone vouches for."""
    begin = raw.rindex(b'"time":"') + len(b'"time":"')
    return range(begin, raw.index(b'"', begin))


@cache
def changes() -> dict[int, list[tuple[int, bytes]]]:
    """By entry: positions from a fixed seed, each with the entry as it is with another byte there."""
    dice = random.Random(1912)
    entries = published().entries
    found: dict[int, list[tuple[int, bytes]]] = {}
    for number in range(CHANGES):
        index = number % len(entries)
        raw = entries[index]
        position = dice.randrange(len(raw))
        found.setdefault(index, []).append((position, swapped(raw, position, dice)))
    return found


class ForgedLog:
    """The log of an election, with some columns replaced."""

    def __init__(self, election: Election) -> None:
        self.election = election
        self.columns: Mapping[bytes, bytes] = election.columns

    def entry(self, index: int) -> bytes:
        return self.election.entries[index]

    def column(self, digest: bytes) -> bytes:
        if digest not in self.columns:
            raise NotCanonical("no such column")
        return self.columns[digest]


def replays() -> Iterator[tuple[int, Replay, ForgedLog]]:
    """The gate before each entry. A refused entry leaves no trace, so one replay serves all changes."""
    election = published()
    log = ForgedLog(election)
    replay = Replay(log, Gate(), allowed_bits=ALLOWED)
    for index, raw in enumerate(election.entries):
        yield index, replay, log
        replay.apply(raw)
    assert replay.tree.root() == election.replay.tree.root()


@pytest.mark.slow
def test_no_byte_of_the_demonstration_can_be_changed(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The same for real sizes: the archive that `make demo` writes, under its own and under a fresh checkpoint."""
    archive = open_archive(demonstration(tmp_path_factory).archive, tmp_path_factory.mktemp("unpacked"))
    entries = [archive.entry(index) for index in range(len(archive.index()))]
    head = parse_note(archive.checkpoint).checkpoint
    replay, dice = Replay(archive, Gate()), random.Random(1913)
    tried = 0
    for index, raw in enumerate(entries):
        for _ in range(-(-DEMO_CHANGES // len(entries))):
            position = dice.randrange(len(raw))
            forged = swapped(raw, position, dice)
            tree = tree_of([*entries[:index], forged, *entries[index + 1 :]])
            with pytest.raises(CheckFailed, match="V3.5"):
                consistency.board_chained(f"byte {position}", tree.root(), head)
            if position in time_of(raw):
                continue
            with pytest.raises(CheckFailed):
                replay.apply(forged)
            tried += 1
        replay.apply(raw)
    consistency.board_chained("checkpoint", replay.tree.root(), head)
    assert tried >= 200


def test_changes_are_many_and_hit_every_type_of_entry() -> None:
    entries = published().entries
    hit = Counter(parse_entry(entries[index]).type for index, forged in changes().items() for _ in forged)
    assert set(hit) == set(Type)
    assert hit.total() == CHANGES
    assert all(forged != entries[index] for index, found in changes().items() for _, forged in found)


def test_under_the_original_checkpoint_every_changed_byte_changes_the_root() -> None:
    election = published()
    head = parse_note(election.checkpoint()).checkpoint
    consistency.board_chained("checkpoint", tree_of(election.entries).root(), head)
    for index, found in changes().items():
        for position, forged in found:
            entries = [*election.entries[:index], forged, *election.entries[index + 1 :]]
            with pytest.raises(CheckFailed, match="V3.5"):
                consistency.board_chained(f"byte {position}", tree_of(entries).root(), head)


def test_under_a_fresh_checkpoint_every_changed_byte_but_of_a_time_is_refused() -> None:
    """The board colludes. Each change is refused at its own entry, by checks of encoding, signature and evidence."""
    refused: Counter[str] = Counter()
    entries = published().entries
    for index, replay, _ in replays():
        for position, forged in changes()[index]:
            if position in time_of(entries[index]):
                continue
            size, root = replay.state.size, replay.tree.root()
            with pytest.raises(CheckFailed) as caught:
                replay.apply(forged)
                pytest.fail(f"entry {index}, byte {position}: {forged[position - 40 : position + 40]!r} was accepted")
            assert (replay.state.size, replay.tree.root()) == (size, root)
            refused[caught.value.check.split()[0]] += 1
    assert refused.total() >= 520
    assert {"V2.4", "V2.6", "V2.7", "V2.8", "V2.9", "V3.1", "V4.1", "V4.2"} <= set(refused), refused


def well_formed(kind: Type, raw: bytes) -> bytes:
    """The entry with one letter changed: of the election's id, or of the manifest's title."""
    if kind is Type.MANIFEST:
        return raw.replace("架空市長選挙".encode(), "架空市長選擧".encode(), 1)
    place = raw.index(b'"election":"') + len(b'"election":"')
    return raw[:place] + (b"B" if raw[place : place + 1] == b"A" else b"A") + raw[place + 1 :]


def test_an_entry_of_each_type_that_still_reads_well_is_refused_by_a_check_of_its_meaning() -> None:
    """Neither V4.1 nor V4.2 stops these: the id of the election and the signatures do."""
    refused: dict[Type, str] = {}
    for index, replay, _ in replays():
        raw = published().entries[index]
        kind = parse_entry(raw).type
        forged = well_formed(kind, raw)
        assert forged != raw and parse_entry(forged).type is kind
        with pytest.raises(CheckFailed) as caught:
            replay.apply(forged)
        refused[kind] = caught.value.check
    expected = {**dict.fromkeys(Type, "V3.1 ElectionIdEverywhere"), Type.MANIFEST: "V2.1 DefinitionSigned"}
    assert refused == expected


def test_a_time_is_the_boards_word_alone(tmp_path: Path) -> None:
    """Why times are left out above: no signature covers them. The checkpoint does."""
    election = published()
    raw = election.entries[-1]
    when = time_of(raw)
    forged = raw[: when.stop - 2] + b"9Z" + raw[when.stop :]
    assert forged != raw
    entries = [*election.entries[:-1], forged]
    path = tmp_path / "election.zip"
    write_archive(path, entries, sorted(election.columns.items()), election.checkpoint())
    assert rejecting(verify(path, allowed_bits=ALLOWED)) == {"V3.5"}
    assert rejecting(verify(election.write(path, entries), allowed_bits=ALLOWED)) == set()


def named_columns(raw: bytes) -> list[bytes]:
    """The columns of the election that an entry names, in order of their digests."""
    return [digest for digest in sorted(published().columns) if encode_bytes(digest).encode() in raw]


def test_every_changed_byte_of_a_column_is_refused() -> None:
    """The column no longer hashes to its name, so the entry that names it is refused as unreadable."""
    dice = random.Random(1912)
    columns = published().columns
    tried, touched = 0, set()
    for index, replay, log in replays():
        raw = published().entries[index]
        for digest in named_columns(raw):
            for _ in range(COLUMN_CHANGES // len(columns) + 1):
                position = dice.randrange(len(columns[digest]))
                log.columns = {**columns, digest: swapped(columns[digest], position, dice)}
                with pytest.raises(CheckFailed, match=r"V4\.1.* hash to another name"):
                    replay.apply(raw)
                tried += 1
                touched.add(digest)
        log.columns = columns
    assert touched == set(columns)
    assert tried >= COLUMN_CHANGES


def test_a_column_under_the_name_of_its_changed_bytes_belongs_to_no_entry(tmp_path: Path) -> None:
    election = published()
    digest = sorted(election.columns)[0]
    forged = swapped(election.columns[digest], 0, random.Random(1))
    renamed = {name: data for name, data in election.columns.items() if name != digest}
    renamed[hashlib.sha256(forged).digest()] = forged
    path = election.write(tmp_path / "election.zip", columns=renamed)
    rejected = rejecting(verify(path, allowed_bits=ALLOWED))
    assert {"V1.1", "V4.1"} <= rejected


def test_a_changed_byte_in_the_archive_itself_is_found_by_the_program(tmp_path: Path) -> None:
    """The same, through the whole of `verify`: an entry and a column in an unpacked archive."""
    election = published()
    packed = election.write(tmp_path / "election.zip")
    dice = random.Random(7)
    for name in ("entries.jsonl", f"columns/{sorted(election.columns)[0].hex()}.txt"):
        folder = tmp_path / name[:7]
        shutil.unpack_archive(packed, folder)
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(swapped(data, len(data) // 2, dice))
        assert not verify(folder, allowed_bits=ALLOWED).report.valid
