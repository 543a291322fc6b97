"""An archive is read in one way or not at all: each attack on the container ends in one typed error."""

from __future__ import annotations

import hashlib
import io
import pickle
import random
import shutil
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from verifier.errors import NotCanonical, Unreadable, UnsafeArchive, UnsupportedVersion, VerifierError
from verifier.record import unzip
from verifier.record.archive import open_archive, write_archive
from verifier.record.canonical import serialise
from verifier.record.entries import MAX_ENTRY_BYTES

NOTE = b"board.example/1\n3\n...\n"
DICE = random.Random(7)
"""the same for every run: what damaged bytes unpack to is chance"""
ENTRIES = [serialise({"n": n, "pad": DICE.randbytes(99).hex()}) for n in range(3)]
COLUMNS = [
    (hashlib.sha256(text).digest(), text) for text in (b"AAAA\n" * 4000, DICE.randbytes(500).hex().encode() + b"\n")
]
HEADER = b'{"entries":3,"format":"tashika-archive","version":1}'
COLUMN = f"columns/{COLUMNS[0][0].hex()}.txt"


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    path = tmp_path / "election.zip"
    write_archive(path, iter(ENTRIES), iter(COLUMNS), NOTE)
    return path


def files() -> dict[str, bytes]:
    named = {f"columns/{digest.hex()}.txt": text for digest, text in COLUMNS}
    return {"archive.json": HEADER, "checkpoint": NOTE, "entries.jsonl": b"\n".join(ENTRIES) + b"\n", **named}


def zip_of(content: dict[str, bytes], change: Callable[[zipfile.ZipInfo], None] = lambda info: None) -> bytes:
    """A zip made by the standard library, stored, so that it is ours to corrupt."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, data in content.items():
            info = zipfile.ZipInfo(name)
            change(info)
            target.writestr(info, data)
    return buffer.getvalue()


def refuse(tmp_path: Path, data: bytes, error: type[VerifierError], *words: str) -> None:
    """Opening `data` raises exactly `error`, in one line that holds `words`."""
    path = tmp_path / "attack.zip"
    path.write_bytes(data)
    shutil.rmtree(tmp_path / "attacked", ignore_errors=True)
    with pytest.raises(VerifierError) as caught:
        open_archive(path, tmp_path / "attacked")
    assert type(caught.value) is error
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert all(word in sentence for word in words), sentence


def test_what_is_written_is_read(packed: Path, tmp_path: Path) -> None:
    archive = open_archive(packed, tmp_path / "work")
    assert (archive.size, len(archive.index()), archive.checkpoint) == (3, 3, NOTE)
    assert [archive.entry(i) for i in (2, 0, 1)] == [ENTRIES[2], ENTRIES[0], ENTRIES[1]]
    assert archive.columns == {digest for digest, _ in COLUMNS}
    assert all(archive.column(digest) == text for digest, text in COLUMNS)
    archive.close()


def test_other_tools_read_it_too(packed: Path) -> None:
    with zipfile.ZipFile(packed) as source:
        assert source.testzip() is None
        assert {name: source.read(name) for name in source.namelist()} == files()
        assert source.namelist() == sorted(source.namelist())


def test_writing_is_deterministic_and_leaves_nothing_behind(packed: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.zip"
    write_archive(again, ENTRIES, reversed(COLUMNS), NOTE)
    assert again.read_bytes() == packed.read_bytes()
    assert sorted(item.name for item in tmp_path.iterdir()) == ["again.zip", "election.zip"]


def test_a_failed_writer_leaves_the_old_archive(packed: Path, tmp_path: Path) -> None:
    before = packed.read_bytes()
    with pytest.raises(NotCanonical):
        write_archive(packed, [b"{\n}"], [], NOTE)
    assert packed.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["election.zip"]


def test_a_directory_is_used_in_place(packed: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(packed).extractall(tmp_path / "election")
    archive = open_archive(tmp_path / "election", tmp_path / "unused")
    assert archive.entry(1) == ENTRIES[1]
    assert not (tmp_path / "unused").exists()


def test_workers_get_a_copy_by_pickle(packed: Path, tmp_path: Path) -> None:
    archive = open_archive(packed, tmp_path / "work")
    archive.entry(0)  # opens the file that a pickle must not carry
    copy = pickle.loads(pickle.dumps(archive))
    assert copy.entry(2) == ENTRIES[2] and copy.column(COLUMNS[0][0]) == COLUMNS[0][1]


def test_what_is_not_there(packed: Path, tmp_path: Path) -> None:
    archive = open_archive(packed, tmp_path / "work")
    for index in (3, -1):
        with pytest.raises(NotCanonical):
            archive.entry(index)
    with pytest.raises(NotCanonical, match="missing"):
        archive.column(bytes(32))


@pytest.mark.parametrize(("count", "found"), [(0, 0), (2, 2), (4, 4), (400, 4)])
def test_fewer_or_more_entries_than_promised_are_noticed(tmp_path: Path, count: int, found: int) -> None:
    """One entry too many is enough to know; the index does not grow beyond it."""
    path = tmp_path / "attack.zip"
    path.write_bytes(zip_of({**files(), "entries.jsonl": b"{}\n" * count}))
    archive = open_archive(path, tmp_path / "work")
    assert (archive.size, len(archive.index())) == (3, found)


@pytest.mark.parametrize("lines", [b"{}\n{}\n{}", b"{}\n\n{}\n", b"\n", b"{}\n" + b"x" * 101 + b"\n", b"x" * 300])
def test_lines_that_are_no_entries(tmp_path: Path, lines: bytes) -> None:
    path = tmp_path / "attack.zip"
    path.write_bytes(zip_of({**files(), "entries.jsonl": lines}))
    with pytest.raises(NotCanonical, match="line"):
        open_archive(path, tmp_path / "work", max_entry_bytes=100).index()


def test_the_longest_line_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "election.zip"
    path.write_bytes(zip_of({**files(), "entries.jsonl": b"x" * 100 + b"\n"}))
    assert open_archive(path, tmp_path / "work", max_entry_bytes=100).entry(0) == b"x" * 100


def test_every_truncation(packed: Path, tmp_path: Path) -> None:
    data = packed.read_bytes()
    for length in [0, 1, 21, 22, len(data) // 2, len(data) - 22, len(data) - 1]:
        refuse(tmp_path, data[:length], Unreadable, "truncated")


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="No such file"):
        open_archive(tmp_path / "none.zip", tmp_path / "work")


@pytest.mark.parametrize("garbage", [b"\0", b"MZ" + bytes(500)])
def test_bytes_before_or_after(packed: Path, tmp_path: Path, garbage: bytes) -> None:
    data = packed.read_bytes()
    refuse(tmp_path, garbage + data, UnsafeArchive, "bytes before")
    refuse(tmp_path, data + garbage, UnsafeArchive, "bytes after")


def test_bytes_between_members(tmp_path: Path) -> None:
    """A prefix that the directory's offsets account for, which common tools do not notice."""
    buffer = io.BytesIO(b"#!/bin/sh\n")
    buffer.seek(0, 2)
    with zipfile.ZipFile(buffer, "a") as target:
        for name, data in files().items():
            target.writestr(name, data)
    refuse(tmp_path, buffer.getvalue(), UnsafeArchive, "archive.json", "belong to no member")


def test_a_comment(packed: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(packed, "a") as target:
        target.comment = b"another"
    refuse(tmp_path, packed.read_bytes(), UnsafeArchive, "bytes after")


def test_a_renamed_member(tmp_path: Path) -> None:
    content = {name.replace("checkpoint", "Checkpoint"): data for name, data in files().items()}
    refuse(tmp_path, zip_of(content), UnsafeArchive, "'Checkpoint' is not a file of an archive")


@pytest.mark.parametrize(
    "name",
    [
        "../checkpoint", "/checkpoint", "./checkpoint", "columns/../checkpoint", "checkpoint/", "columns\\x.txt",
        "ENTRIES.JSONL", "columns/" + "A" * 64 + ".txt", "columns/" + "a" * 63 + ".txt", "C:checkpoint",
        "columns/" + "a" * 64 + ".txt/x", "run.sh", "columns/", "entries.jsonl ", "columns/" + "a" * 64 + ".txt\n",
    ],
)  # fmt: skip
def test_one_member_too_many(tmp_path: Path, name: str) -> None:
    refuse(tmp_path, zip_of({**files(), name: b"x"}), UnsafeArchive)
    assert not (tmp_path / "attacked").exists(), "unpacked before all names were looked at"


def test_a_name_that_is_not_ascii(tmp_path: Path) -> None:
    refuse(tmp_path, zip_of({**files(), "сheckpoint": b"x"}), UnsafeArchive, "ASCII")


def test_names_that_end_early(tmp_path: Path) -> None:
    """A NUL ends a name for C tools and for zipfile."""
    data = zip_of({**files(), "checkpoint#x": b"x"}).replace(b"checkpoint#x", b"checkpoint\0x")
    refuse(tmp_path, data, UnsafeArchive, "ASCII")


def test_the_same_name_twice(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as target:
        warnings.simplefilter("ignore")
        for name, data in [*files().items(), ("checkpoint", b"another")]:
            target.writestr(name, data)
    refuse(tmp_path, buffer.getvalue(), UnsafeArchive, "checkpoint is there twice")


@pytest.mark.parametrize("kind", [0o120777, 0o040755, 0o010644, 0o020644])
def test_links_directories_and_devices(tmp_path: Path, kind: int) -> None:
    def change(info: zipfile.ZipInfo) -> None:
        if info.filename == "checkpoint":
            info.external_attr = kind << 16

    refuse(tmp_path, zip_of(files(), change), UnsafeArchive, "checkpoint is a link, a directory or a device")


def test_links_in_a_directory(packed: Path, tmp_path: Path) -> None:
    for name in ("checkpoint", COLUMN, "columns"):
        root = tmp_path / name.replace("/", "-")
        zipfile.ZipFile(packed).extractall(root)
        (root / name).rename(tmp_path / "elsewhere")
        (root / name).symlink_to(tmp_path / "elsewhere")
        with pytest.raises(UnsafeArchive, match="is a link"):
            open_archive(root, tmp_path / "work")
        (tmp_path / "elsewhere").rename(tmp_path / f"was-{root.name}")


def test_other_files_in_a_directory(packed: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(packed).extractall(tmp_path / "election")
    (tmp_path / "election" / "columns" / "a.txt").write_bytes(b"")
    with pytest.raises(UnsafeArchive, match="a.txt' is not a file of an archive"):
        open_archive(tmp_path / "election", tmp_path / "work")


@pytest.mark.parametrize("missing", ["archive.json", "checkpoint", "entries.jsonl"])
def test_a_missing_file(tmp_path: Path, missing: str) -> None:
    content = files()
    del content[missing]
    refuse(tmp_path, zip_of(content), Unreadable, f"{missing} is missing")


@pytest.mark.parametrize(
    ("header", "error"),
    [
        (b'{"entries":3,"entries":3,"format":"tashika-archive","version":1}', NotCanonical),
        (b'{"entries":3,"format":"tashika-archive","more":0,"version":1}', NotCanonical),
        (b'{"entries":-1,"format":"tashika-archive","version":1}', NotCanonical),
        (b'{"entries":true,"format":"tashika-archive","version":1}', NotCanonical),
        (b'{"entries":10000001,"format":"tashika-archive","version":1}', NotCanonical),
        (b'{"format":"tashika-archive","version":1}', NotCanonical),
        (b'{"entries":3,"format":"tashika-archive","version":2}', UnsupportedVersion),
        (b'{"entries":3,"format":"tashika-archive","version":true}', UnsupportedVersion),
        (b'{"format":"tashika-archive","new":[],"version":0}', UnsupportedVersion),
        (b'{"entries":3,"format":"other","version":1}', UnsupportedVersion),
        (b"[]", UnsupportedVersion),
        (b"", NotCanonical),
        (b" " * 5000, UnsafeArchive),
    ],
)
def test_other_headers(packed: Path, tmp_path: Path, header: bytes, error: type[VerifierError]) -> None:
    refuse(tmp_path, zip_of({**files(), "archive.json": header}), error)
    zipfile.ZipFile(packed).extractall(tmp_path / "election")
    (tmp_path / "election" / "archive.json").write_bytes(header)
    with pytest.raises(NotCanonical if error is UnsafeArchive else error):
        open_archive(tmp_path / "election", tmp_path / "work")


def test_another_version_is_named_as_such_whatever_else_it_holds(tmp_path: Path) -> None:
    header = b'{"format":"tashika-archive","version":2}'
    refuse(tmp_path, zip_of({"archive.json": header, "new.bin": b""}), UnsupportedVersion, "version 2")


def test_a_bomb(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in {**files(), "entries.jsonl": bytes(10**6)}.items():
            target.writestr(name, data)
    refuse(tmp_path, buffer.getvalue(), UnsafeArchive, "entries.jsonl", "1000000")


def test_more_than_the_total(packed: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsafeArchive, match="bytes unpacked"):
        open_archive(packed, tmp_path / "work", max_total_bytes=10_000)


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unzip, "MAX_MEMBERS", 4)
    refuse(tmp_path, zip_of(files()), UnsafeArchive, "5 members")


def header_offset(data: bytes, name: str, signature: bytes, fixed: int) -> int:
    """Where the local (30 bytes) or central (46 bytes) header of a member begins."""
    position = -1
    while (position := data.find(signature, position + 1)) >= 0:
        if data[position + fixed :].startswith(name.encode()):
            return position
    raise LookupError(name)


LOCAL, CENTRAL = (b"PK\x03\x04", 30), (b"PK\x01\x02", 46)


def patch(data: bytes, name: str, header: tuple[bytes, int], offset: int, value: bytes) -> bytes:
    start = header_offset(data, name, *header) + offset
    return data[:start] + value + data[start + len(value) :]


@pytest.mark.parametrize(
    ("header", "offset", "value", "words"),
    [
        (LOCAL, 6, b"\x04\x00", "disagree"),  # flags
        (LOCAL, 8, b"\x08\x00", "disagree"),  # method
        (LOCAL, 10, b"\x01\x00", "disagree"),  # time
        (LOCAL, 14, b"\x00\x00\x00\x01", "disagree"),  # CRC
        (LOCAL, 18, b"\x01\x00\x00\x00", "disagree"),  # packed size
        (LOCAL, 22, b"\x01\x00\x00\x00", "disagree"),  # size
        (LOCAL, 30, b"Checkpoint", "disagree"),
        (CENTRAL, 46, b"Checkpoint", "disagree"),
        (CENTRAL, 8, b"\x01\x00", "encrypted"),
        (CENTRAL, 8, b"\x08\x00", "streamed"),
        (CENTRAL, 10, b"\x0c\x00", "method 12"),
        (CENTRAL, 20, b"\x01\x00\x00\x00", "unpack to"),  # packed size
        (CENTRAL, 24, b"\xff\x00\x00\x00", "unpack to"),  # size
        (CENTRAL, 24, b"\xff\xff\xff\xff", "extra fields"),  # size in a zip64 field that is not there
        (CENTRAL, 42, b"\x00\x00\x00\x00", "overlap"),  # offset
        (CENTRAL, 42, b"\x01\x00\x00\x00", "belong to no member"),
    ],
)
def test_headers_that_disagree(
    tmp_path: Path, header: tuple[bytes, int], offset: int, value: bytes, words: str
) -> None:
    data = zip_of(files())
    refuse(tmp_path, patch(data, "checkpoint", header, offset, value), UnsafeArchive, words)


def test_the_count_of_the_end_record(tmp_path: Path) -> None:
    data = zip_of(files())
    for change, words in ((-1, "more members"), (1, "ends early")):
        count = struct.pack("<H", len(files()) + change)
        refuse(tmp_path, data[:-14] + count + count + data[-10:], UnsafeArchive, words)


def test_extra_fields(tmp_path: Path) -> None:
    """The Unicode path field would give a member a second name."""

    def change(info: zipfile.ZipInfo) -> None:
        info.extra = struct.pack("<HHBL", 0x7075, 8, 1, 0) + b"abc"

    refuse(tmp_path, zip_of(files(), change), UnsafeArchive, "extra fields")


def test_damaged_bytes(packed: Path, tmp_path: Path) -> None:
    data = zip_of(files())
    refuse(tmp_path, data.replace(NOTE, NOTE.upper()), Unreadable, "checkpoint is damaged")
    data = packed.read_bytes()
    start = header_offset(data, "entries.jsonl", *LOCAL) + 30 + 13 + 20
    for damage in (b"\xff" * 40, b"\0" * 40):
        refuse(tmp_path, data[: start + 9] + damage + data[start + 49 :], Unreadable, "entries.jsonl is damaged")


def test_every_flipped_bit_is_noticed(packed: Path, tmp_path: Path) -> None:
    """Whatever bit is changed, opening fails or gives the same files: no second zip says the same thing silently."""
    data = packed.read_bytes()
    for position in range(0, len(data), 7):
        changed = bytearray(data)
        changed[position] ^= 1 << position % 8
        path = tmp_path / "attack.zip"
        path.write_bytes(changed)
        try:
            archive = open_archive(path, tmp_path / f"work-{position}")
        except VerifierError:
            continue
        assert [archive.entry(i) for i in range(3)] == ENTRIES
        assert archive.checkpoint == NOTE


@pytest.mark.parametrize("excess", [b"", b"x"])
def test_sizes_are_enforced_while_reading(excess: bytes) -> None:
    """A deflate stream longer than its header says, or with bytes after its end, whose CRC fits what is said."""
    whole = b"a" * 100
    deflater = zlib.compressobj(1, zlib.DEFLATED, -15)
    packed = deflater.compress(whole) + deflater.flush() + excess
    said = whole if excess else whole[:50]
    member = unzip.Member("checkpoint", unzip.DEFLATED, 0, 0, zlib.crc32(said), len(packed), len(said), 0)
    with pytest.raises(UnsafeArchive, match="more than|after the end"):
        list(unzip.unpack(io.BytesIO(packed), member, 0))


def test_a_file_of_ordinary_size_has_no_field_that_versions_of_python_write_differently(packed: Path) -> None:
    """Python before 3.11.4 writes the sizes into a zip64 field and beside it; the reader takes only one of both."""
    data = packed.read_bytes()
    with zipfile.ZipFile(packed) as archive:
        extra = [struct.unpack_from("<H", data, info.header_offset + 28)[0] for info in archive.infolist()]
    assert extra == [0] * len(extra) and extra


def test_zip64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The forms of very large archives, without making one: limits lowered in the standard library's writer."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    path = tmp_path / "large.zip"
    write_archive(path, ENTRIES, COLUMNS, NOTE)
    assert b"PK\x06\x06" in path.read_bytes()
    assert open_archive(path, tmp_path / "work").entry(2) == ENTRIES[2]
    data = path.read_bytes()
    end = data.rindex(b"PK\x06\x06")
    refuse(tmp_path, data[: end + 24] + b"\x07" + data[end + 25 :], UnsafeArchive, "disagree")


def test_every_entry_that_the_board_admits_can_be_read_from_an_archive(tmp_path: Path) -> None:
    """One limit for both: an entry that is on the board and in no archive would end the election."""
    large = serialise({"pad": "x" * (MAX_ENTRY_BYTES - 10)})
    assert len(large) == MAX_ENTRY_BYTES
    (tmp_path / "archive").mkdir()
    for name, data in {"archive.json": HEADER.replace(b"3", b"1", 1), "checkpoint": NOTE}.items():
        (tmp_path / "archive" / name).write_bytes(data)
    (tmp_path / "archive" / "entries.jsonl").write_bytes(large + b"\n")
    assert open_archive(tmp_path / "archive", tmp_path / "work").entry(0) == large
