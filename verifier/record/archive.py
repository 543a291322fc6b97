"""The archive of an election: a zip or a directory of exactly these files.

archive.json        {"entries": n, "format": "tashika-archive", "version": 1}
checkpoint          the signed note for size n
entries.jsonl       n canonical entries, each ended by a newline
columns/<hex>.txt   the columns, named by their SHA-256
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import zipfile
import zlib
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from verifier.errors import NotCanonical, Unreadable, UnsafeArchive, UnsupportedVersion
from verifier.record import unzip
from verifier.record.canonical import parse, serialise
from verifier.record.entries import MAX_ENTRY_BYTES

FORMAT, VERSION = "tashika-archive", 1
HEADER, CHECKPOINT, ENTRIES, COLUMNS = "archive.json", "checkpoint", "entries.jsonl", "columns"
MAX_ENTRIES = 10_000_000
MAX_TOTAL_BYTES = 64 << 30

_COLUMN_NAME = re.compile(r"columns/([0-9a-f]{64})\.txt", re.ASCII)
_MAX_COLUMN_BYTES = 2 << 30
_MAX_BYTES = {HEADER: 4096, CHECKPOINT: 64 * 1024, ENTRIES: MAX_TOTAL_BYTES}


@dataclass(eq=False)
class Archive:
    """An archive that was found safe. A worker process gets its own copy by pickle and opens the files itself."""

    root: Path
    size: int
    """entries that archive.json promises"""
    checkpoint: bytes
    """the signed note, not parsed"""
    columns: frozenset[bytes]
    """digests that the names of column files state"""
    max_entry_bytes: int = MAX_ENTRY_BYTES
    _bounds: array[int] = field(default_factory=lambda: array("Q"), repr=False)
    """where each entry begins, and where the last ends"""
    _file: BinaryIO | None = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None}

    def index(self) -> array[int]:
        """Where each entry begins in entries.jsonl; found once. Its length is the number of entries there are.

        It ends with the first entry beyond `size`, so that it cannot outgrow the promise. Raises NotCanonical for a
        line that is empty, longer than `max_entry_bytes` or not ended.
        """
        return self._found()[:-1]

    def _found(self) -> array[int]:
        if not self._bounds:
            self._bounds = self._scan()
        return self._bounds

    def _scan(self) -> array[int]:
        bounds = array("Q", [0])
        with open(self.root / ENTRIES, "rb") as lines:
            while len(bounds) <= self.size + 1 and (line := lines.readline(self.max_entry_bytes + 1)):
                number = len(bounds) - 1
                if len(line) > self.max_entry_bytes and line[-1:] != b"\n":
                    raise NotCanonical(f"{ENTRIES}: line {number} is longer than {self.max_entry_bytes} bytes")
                if line[-1:] != b"\n":
                    raise NotCanonical(f"{ENTRIES}: line {number} is not ended by a newline")
                if line == b"\n":
                    raise NotCanonical(f"{ENTRIES}: line {number} is empty")
                bounds.append(bounds[-1] + len(line))
        return bounds

    def entry(self, index: int) -> bytes:
        """The bytes of entry `index`, without the newline. Raises NotCanonical when there is none, or as `index`."""
        bounds = self._found()
        if not 0 <= index < len(bounds) - 1:
            raise NotCanonical(f"there is no entry {index}")
        if self._file is None:
            self._file = open(self.root / ENTRIES, "rb")  # noqa: SIM115  (kept open: one read for each entry)
        self._file.seek(bounds[index])
        return self._file.read(bounds[index + 1] - bounds[index] - 1)

    def column(self, digest: bytes) -> bytes:
        """The bytes of a column's file, which may say something else than its name. Raises NotCanonical."""
        if digest not in self.columns:
            raise NotCanonical(f"column {digest.hex()} is missing")
        return (self.root / column_name(digest)).read_bytes()

    def close(self) -> None:
        """Close the file that `entry` keeps open."""
        if self._file:
            self._file.close()
            self._file = None


def column_name(digest: bytes) -> str:
    """The file of a column inside an archive."""
    return f"{COLUMNS}/{digest.hex()}.txt"


def open_archive(
    path: Path, workspace: Path, max_entry_bytes: int = MAX_ENTRY_BYTES, max_total_bytes: int = MAX_TOTAL_BYTES
) -> Archive:
    """The archive at `path`: a directory, used in place, or a zip, checked and then unpacked into `workspace`.

    Raises UnsafeArchive, Unreadable (no archive, or damaged), UnsupportedVersion, and NotCanonical for archive.json.
    """
    path, workspace = Path(path), Path(workspace)
    try:
        root = path if path.is_dir() else _unzip(path, workspace, max_total_bytes)
        sizes = _list(root)
        if HEADER in sizes:
            _version(root)
        columns = _require_plain(sizes, max_total_bytes)
        return Archive(root, _entries(root), (root / CHECKPOINT).read_bytes(), columns, max_entry_bytes)
    except OSError as error:
        raise Unreadable(f"{error.filename or path}: {error.strerror}") from None


def _unzip(path: Path, workspace: Path, max_total_bytes: int) -> Path:
    with open(path, "rb") as file:
        placed = unzip.read_members(file)
        for member, data in placed:
            if member.name == HEADER and member.size <= _MAX_BYTES[HEADER]:
                _check_version(b"".join(unzip.unpack(file, member, data)))
        _require_plain({member.name: member.size for member, _ in placed}, max_total_bytes)
        (workspace / COLUMNS).mkdir(parents=True, exist_ok=True)
        for member, data in placed:
            with open(workspace / member.name, "xb") as target:
                target.writelines(unzip.unpack(file, member, data))
    return workspace


def _list(root: Path) -> dict[str, int]:
    """The files of a directory archive by name, with their sizes; nothing is followed."""
    sizes: dict[str, int] = {}
    folders = [""]
    for folder in folders:
        for item in os.scandir(root / folder):
            name = folder + item.name
            if name == COLUMNS and item.is_dir(follow_symlinks=False):
                folders.append(COLUMNS + "/")
                continue
            if not item.is_file(follow_symlinks=False):
                raise UnsafeArchive(f"{name!a} is a link, a directory or a device")
            sizes[name] = item.stat(follow_symlinks=False).st_size
            if len(sizes) > unzip.MAX_MEMBERS:
                raise UnsafeArchive(f"more than {unzip.MAX_MEMBERS} files")
    return sizes


def _require_plain(sizes: Mapping[str, int], max_total_bytes: int) -> frozenset[bytes]:
    """Names and sizes are those of an archive; the digests of its columns."""
    columns = set()
    for name, size in sizes.items():
        match = _COLUMN_NAME.fullmatch(name)
        if not match and name not in _MAX_BYTES:
            raise UnsafeArchive(f"{name!a} is not a file of an archive")
        if match:
            columns.add(bytes.fromhex(match[1]))
        if size > _MAX_BYTES.get(name, _MAX_COLUMN_BYTES):
            raise UnsafeArchive(f"{name} is too large, {size} bytes")
    if sum(sizes.values()) > max_total_bytes:
        raise UnsafeArchive(f"{sum(sizes.values())} bytes unpacked where at most {max_total_bytes} are allowed")
    for name in _MAX_BYTES:
        if name not in sizes:
            raise Unreadable(f"{name} is missing")
    return frozenset(columns)


def _check_version(raw: bytes) -> Any:
    """archive.json, parsed. Raises UnsupportedVersion before anything else is asked of it."""
    header = parse(raw, _MAX_BYTES[HEADER])
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise UnsupportedVersion(f"{HEADER} does not say that this is a {FORMAT}")
    version = header.get("version")
    if version != VERSION or isinstance(version, bool):
        raise UnsupportedVersion(f"format version {version!r:.40} where this program knows {VERSION}")
    return header


def _version(root: Path) -> Any:
    with open(root / HEADER, "rb") as file:
        return _check_version(file.read(_MAX_BYTES[HEADER] + 1))


def _entries(root: Path) -> int:
    header = _version(root)
    entries = header.get("entries")
    if header.keys() != {"entries", "format", "version"} or isinstance(entries, bool) or not isinstance(entries, int):
        raise NotCanonical(f"{HEADER} is an object of entries, format and version")
    if not 0 <= entries <= MAX_ENTRIES:
        raise NotCanonical(f"{HEADER}: {entries} entries where at most {MAX_ENTRIES} are allowed")
    return entries


def write_archive(
    path: Path, entries: Iterable[bytes], columns: Iterable[tuple[bytes, bytes]], checkpoint: bytes
) -> None:
    """Write the zip of these entries, columns (digest, text) and signed note; the same input gives the same bytes.

    Nothing is at `path` until all of it is; at no time is more than one entry or column in memory.
    Raises NotCanonical for an entry with a newline.
    """
    with tempfile.TemporaryDirectory(prefix=".archive-", dir=path.parent) as folder:
        root, packed = Path(folder, "archive"), Path(folder, "archive.zip")
        _write_files(root, entries, columns, checkpoint)
        with open(packed, "wb") as file:
            with zipfile.ZipFile(file, "w") as target:
                for name in sorted(_list(root)):
                    _add(target, root, name)
            file.flush()
            os.fsync(file.fileno())
        packed.replace(path)


def _write_files(
    root: Path, entries: Iterable[bytes], columns: Iterable[tuple[bytes, bytes]], checkpoint: bytes
) -> None:
    (root / COLUMNS).mkdir(parents=True)
    count = 0
    with open(root / ENTRIES, "wb") as lines:
        for count, entry in enumerate(entries, 1):
            if b"\n" in entry:
                raise NotCanonical(f"entry {count - 1} holds a newline")
            lines.write(entry + b"\n")
    for digest, text in columns:
        (root / column_name(digest)).write_bytes(text)
    (root / CHECKPOINT).write_bytes(checkpoint)
    (root / HEADER).write_bytes(serialise({"entries": count, "format": FORMAT, "version": VERSION}))


def _add(target: zipfile.ZipFile, root: Path, name: str) -> None:
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.create_system, info.external_attr = 3, 0o100644 << 16
    info.compress_type = zipfile.ZIP_STORED if _is_dense(root / name) else zipfile.ZIP_DEFLATED
    info._compresslevel = 1  # type: ignore[attr-defined]  # public as compress_level from Python 3.13 on
    # Only where it is needed: what a zip64 field holds for a small file differs between versions of Python.
    large = (root / name).stat().st_size > zipfile.ZIP64_LIMIT
    with open(root / name, "rb") as source, target.open(info, "w", force_zip64=large) as member:
        shutil.copyfileobj(source, member, 1 << 20)


def _is_dense(file: Path) -> bool:
    """Would deflate pass the ratio that readers allow? Known as soon as enough has come out, so mostly at once."""
    deflater, packed = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS), 0
    with open(file, "rb") as source:
        while chunk := source.read(1 << 18):
            packed += len(deflater.compress(chunk))
            if packed * unzip.MAX_RATIO >= file.stat().st_size:
                return False
    return (packed + len(deflater.flush())) * unzip.MAX_RATIO < file.stat().st_size
