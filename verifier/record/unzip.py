"""Reading a zip that somebody else made: only the plain form that `write_archive` writes (APPNOTE.TXT 6.3).

The file is exactly: members one after the other, the central directory, its end record. Every byte belongs to one
of them, both headers of a member agree, and what a member unpacks to is checked while it is read. So there is one
reading of the file, and no tool can see other members in it than this one.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from verifier.errors import Unreadable, UnsafeArchive

STORED, DEFLATED = 0, 8
MAX_RATIO = 20
MAX_MEMBERS = 200_000

_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_FLAGS = 0x0806  # UTF-8 name and the two hints of the compressor; never encryption or sizes that follow the data
_IN_EXTRA = 0xFFFFFFFF
_CHUNK = 1 << 18


@dataclass(frozen=True)
class Member:
    """One file of a zip, as its headers describe it."""

    name: str
    method: int
    flags: int
    modified: int
    crc: int
    packed: int
    """bytes in the zip"""
    size: int
    """bytes unpacked"""
    offset: int
    """of its local header"""


def read_members(file: BinaryIO) -> list[tuple[Member, int]]:
    """The members in file order, each with the offset of its data.

    Raises Unreadable for what is no complete zip, UnsafeArchive for one that is not in the plain form.
    """
    start, end, count = _directory(file)
    if count > MAX_MEMBERS:
        raise UnsafeArchive(f"{count} members where at most {MAX_MEMBERS} are allowed")
    file.seek(start)
    members = sorted(_central_headers(file.read(end - start), count), key=lambda member: member.offset)
    _refuse_duplicates(members)
    placed, position = [], 0
    for member in members:
        if member.offset != position:
            raise UnsafeArchive(f"{member.name}: bytes before it belong to no member, or members overlap")
        data = _local_header(file, member)
        placed.append((member, data))
        position = data + member.packed
    if position != start:
        raise UnsafeArchive("bytes between the last member and the directory belong to no member, or they overlap")
    return placed


def unpack(file: BinaryIO, member: Member, data: int) -> Iterator[bytes]:
    """The bytes of a member in chunks, never more than its size.

    Raises Unreadable when its data are damaged, UnsafeArchive when they are more than the header says.
    """
    size = crc = 0
    for chunk in _inflate(file, member, data) if member.method == DEFLATED else _copy(file, member, data):
        size, crc = size + len(chunk), zlib.crc32(chunk, crc)
        if size > member.size:
            raise UnsafeArchive(f"{member.name} unpacks to more than the {member.size} bytes of its header")
        yield chunk
    if size != member.size or crc != member.crc:
        raise Unreadable(f"{member.name} is damaged: its size or CRC is not that of its header")


def _copy(file: BinaryIO, member: Member, data: int) -> Iterator[bytes]:
    file.seek(data)
    left = member.packed
    while left > 0:
        chunk = file.read(min(_CHUNK, left))
        if not chunk:
            raise Unreadable(f"{member.name} is truncated")
        left -= len(chunk)
        yield chunk


def _inflate(file: BinaryIO, member: Member, data: int) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for packed in _copy(file, member, data):
            while packed and not inflater.eof:
                yield inflater.decompress(packed, _CHUNK)
                packed = inflater.unconsumed_tail
            if packed or inflater.unused_data:
                raise UnsafeArchive(f"{member.name} has bytes after the end of its compressed data")
        while not inflater.eof and (rest := inflater.decompress(b"", _CHUNK)):
            yield rest
    except zlib.error:
        raise Unreadable(f"{member.name} is damaged: its data are not deflate") from None
    if not inflater.eof:
        raise Unreadable(f"{member.name} is damaged: its compressed data end early")


def _directory(file: BinaryIO) -> tuple[int, int, int]:
    """Where the central directory begins and ends, and how many members it lists."""
    total = file.seek(0, 2)
    tail = _read_at(file, max(0, total - _END.size - 0xFFFF), total)
    found = tail.rfind(b"PK\x05\x06")
    if found < 0 or found > len(tail) - _END.size:
        raise Unreadable("not a zip, or truncated")
    if found < len(tail) - _END.size:
        raise UnsafeArchive("bytes after the end of the zip")
    _, disk, first_disk, here, count, length, start, comment = _END.unpack(tail[-_END.size :])
    end = total - _END.size
    locator = _read_at(file, max(0, end - _LOCATOR_64.size), end)
    if locator.startswith(b"PK\x06\x07"):
        end = total - _END.size - _LOCATOR_64.size - _END_64.size
        record = _read_at(file, max(0, end), max(0, end) + _END_64.size)
        if end < 0 or not record.startswith(b"PK\x06\x06"):
            raise UnsafeArchive("the zip64 end record is not where it belongs")
        small = (here, count, length, start)
        _, extent, _, _, disk, first_disk, here, count, length, start = _END_64.unpack(record)
        exact = extent == _END_64.size - 12 and _LOCATOR_64.unpack(locator) == (b"PK\x06\x07", 0, end, 1)
        agree = all(a in (b, 0xFFFF, _IN_EXTRA) for a, b in zip(small, (here, count, length, start), strict=True))
        if not exact or not agree:
            raise UnsafeArchive("the two end records of the zip disagree")
    if disk or first_disk or here != count or comment:
        raise UnsafeArchive("the zip has a comment or several volumes")
    if start + length != end:
        raise UnsafeArchive("bytes before, after or inside the zip belong to no part of it")
    if length > count * (_CENTRAL.size + 0x400):
        raise UnsafeArchive("the directory of the zip is larger than its members need")
    return start, end, count


def _central_headers(directory: bytes, count: int) -> Iterator[Member]:
    position = 0
    for _ in range(count):
        if len(directory) < position + _CENTRAL.size:
            raise UnsafeArchive("the directory of the zip ends early")
        fields = _CENTRAL.unpack_from(directory, position)
        signature, made_by, _, flags, method, time, date, crc, packed, size, n, m, k, disk, _, attributes, at = fields
        position += _CENTRAL.size + n + m
        name = _name(directory[position - n - m : position - m])
        if signature != b"PK\x01\x02" or len(directory) < position or k or disk:
            raise UnsafeArchive(f"{name}: its entry in the directory is not in the plain form")
        if flags & ~_FLAGS:
            raise UnsafeArchive(f"{name} is encrypted or streamed (flags {flags:#06x})")
        if method not in (STORED, DEFLATED):
            raise UnsafeArchive(f"{name} is compressed by method {method}")
        if stat.S_IFMT(attributes >> 16) not in (0, stat.S_IFREG) or attributes & 0x10:
            raise UnsafeArchive(f"{name} is a link, a directory or a device")
        size, packed, at = _large(name, directory[position - m : position], size, packed, at)
        if size > MAX_RATIO * packed or (method == STORED and size != packed):
            raise UnsafeArchive(f"{name}: {packed} bytes are said to unpack to {size}")
        yield Member(name, method, flags, date << 16 | time, crc, packed, size, at)
    if position != len(directory):
        raise UnsafeArchive("the directory of the zip lists more members than it says")


def _local_header(file: BinaryIO, member: Member) -> int:
    """Where the data of a member begin; its local header says what the directory says."""
    header = _read_at(file, member.offset, member.offset + _LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
        raise UnsafeArchive(f"{member.name}: no header where the directory says")
    _, _, flags, method, time, date, crc, packed, size, n, m = _LOCAL.unpack(header)
    start = member.offset + _LOCAL.size
    data: int = start + n + m
    name, extra = _read_at(file, start, start + n), _read_at(file, start + n, data)
    size, packed = _large(member.name, extra, size, packed)
    said = (name, flags, method, date << 16 | time, crc, packed, size)
    listed = (member.name.encode(), member.flags, member.method, member.modified, member.crc)
    if said != (*listed, member.packed, member.size):
        raise UnsafeArchive(f"{member.name}: its header and the directory disagree")
    return data


def _large(name: str, extra: bytes, *values: int) -> tuple[int, ...]:
    """The values, those that do not fit 32 bits taken from the zip64 field, which is the only extra field allowed."""
    missing = values.count(_IN_EXTRA)
    head = struct.pack("<2H", 1, 8 * missing) if missing else b""
    if not extra.startswith(head) or len(extra) != len(head) + 8 * missing:
        raise UnsafeArchive(f"{name} has extra fields in its header")
    large = iter(struct.unpack(f"<{missing}Q", extra[len(head) :]))
    return tuple(next(large) if value == _IN_EXTRA else value for value in values)


def _refuse_duplicates(members: list[Member]) -> None:
    seen: set[str] = set()
    for member in members:
        if member.name in seen:
            raise UnsafeArchive(f"{member.name} is there twice")
        seen.add(member.name)


def _name(raw: bytes) -> str:
    """Names of an archive are printable ASCII; no other is decoded."""
    if not raw.isascii() or not raw.decode("ascii").isprintable():
        raise UnsafeArchive(f"the name {raw[:80]!r} is not printable ASCII")
    return raw.decode("ascii")


def _read_at(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)
