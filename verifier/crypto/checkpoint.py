"""Signed tree heads: C2SP tlog-checkpoint, signed-note and tlog-cosignature.

    origin ⏎ size ⏎ base64(root) ⏎ time <unix seconds> ⏎ ⏎ — name base64(key id ‖ signature) ⏎ …

The time is one extension line. No secret key is handled here: who signs signs the message given.
"""

from __future__ import annotations

import binascii
import hashlib
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verifier.crypto.signatures import SIGNATURE_BYTES, verify
from verifier.errors import NotCanonical

MAX_BYTES = 64 * 1024
ED25519, COSIGNATURE = 0x01, 0x04  # signature types of signed-note
KEY_ID_BYTES = 4

_NAME = re.compile(r"[^\s+]{1,255}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,14}", re.ASCII)
_DASH = "\N{EM DASH} "


@dataclass(frozen=True)
class Checkpoint:
    """What the board says of itself at a moment."""

    origin: str
    """the board's name, without spaces or plus signs"""
    size: int
    """entries"""
    root: bytes
    """RFC 6962 root of so many entries, 32 bytes"""
    time: int
    """Unix seconds"""

    def body(self) -> bytes:
        """The note text that is signed: four lines, each ended by a newline."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\ntime {self.time}\n".encode()


@dataclass(frozen=True)
class Note:
    """A checkpoint with its signature lines, valid or not."""

    body: bytes
    checkpoint: Checkpoint
    signatures: tuple[tuple[str, bytes], ...]
    """(name, key id ‖ signature) in their order"""


def parse_note(text: bytes) -> Note:
    """A signed checkpoint of at most 64 KiB with at least one signature line, in its one form. Raises NotCanonical."""
    if len(text) > MAX_BYTES:
        raise NotCanonical(f"a checkpoint of {len(text)} bytes where at most {MAX_BYTES} are allowed")
    try:
        lines = text.decode().split("\n")
    except UnicodeDecodeError:
        raise NotCanonical("the checkpoint is not UTF-8") from None
    if len(lines) < 7 or lines[4] or lines[-1]:
        raise NotCanonical("a checkpoint is four lines, an empty line, and signature lines ended by newlines")
    checkpoint = _parse_body(lines[:4])
    return Note(checkpoint.body(), checkpoint, tuple(_parse_signature(line) for line in lines[5:-1]))


def _parse_body(lines: Sequence[str]) -> Checkpoint:
    origin, size, root, time = lines
    if not is_name(origin):
        raise NotCanonical("the checkpoint's origin is empty, too long, or has spaces, plus or control characters")
    if not _NUMBER.fullmatch(size):
        raise NotCanonical("the checkpoint's size is not a decimal number")
    if not time.startswith("time ") or not _NUMBER.fullmatch(time[5:]):
        raise NotCanonical("the checkpoint's fourth line is not its time")
    root_hash = _from_base64(root)
    if len(root_hash) != 32:
        raise NotCanonical("the checkpoint's root is not 32 bytes")
    return Checkpoint(origin, int(size), root_hash, int(time[5:]))


def _parse_signature(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not is_name(name):
        raise NotCanonical("a signature line of the checkpoint does not begin with a dash and a name")
    raw = _from_base64(encoded)
    if len(raw) <= KEY_ID_BYTES:
        raise NotCanonical(f"the signature line of {name} holds no signature")
    return name, raw


def board_signature_holds(note: Note, name: str, key: bytes) -> bool:
    """Is the note signed by the board's `key`, and does no line under its name and key id fail?"""
    key_id = _key_id(name, ED25519, key)
    own = [raw for signer, raw in note.signatures if signer == name and raw[:KEY_ID_BYTES] == key_id]
    return bool(own) and all(verify(key, note.body, raw[KEY_ID_BYTES:]) for raw in own)


def cosignature_times(note: Note, witnesses: Mapping[str, bytes]) -> dict[str, int]:
    """When each of the `witnesses` (name → key) validly cosigned, in Unix seconds: the latest time of each.

    Lines of unknown names or keys, and those that do not verify, are passed over.
    """
    times: dict[str, int] = {}
    for name, raw in note.signatures:
        key, rest = witnesses.get(name), raw[KEY_ID_BYTES:]
        if key is None or raw[:KEY_ID_BYTES] != _key_id(name, COSIGNATURE, key) or len(rest) != 8 + SIGNATURE_BYTES:
            continue
        (time,) = struct.unpack(">Q", rest[:8])
        if verify(key, cosignature_message(note.checkpoint, time), rest[8:]):
            times[name] = max(time, times.get(name, 0))
    return times


def board_line(name: str, key: bytes, signature: bytes) -> str:
    """The signature line of the board, whose signature is on `Checkpoint.body()`."""
    return _line(name, _key_id(name, ED25519, key) + signature)


def cosignature_message(checkpoint: Checkpoint, time: int) -> bytes:
    """What a witness signs at `time` (Unix seconds)."""
    return f"cosignature/v1\ntime {time}\n".encode() + checkpoint.body()


def cosignature_line(name: str, key: bytes, time: int, signature: bytes) -> str:
    """The signature line of a witness, whose signature is on `cosignature_message`."""
    return _line(name, _key_id(name, COSIGNATURE, key) + struct.pack(">Q", time) + signature)


def note_text(checkpoint: Checkpoint, lines: Sequence[str]) -> bytes:
    """The signed note of a checkpoint and its signature lines. Raises NotCanonical when it would not be one."""
    text = checkpoint.body() + b"\n" + "".join(line + "\n" for line in lines).encode()
    parse_note(text)
    return text


def is_name(name: str) -> bool:
    """Can this name a signer or a board: 1 to 255 printable characters without spaces and plus signs?"""
    return _NAME.fullmatch(name) is not None and name.isprintable()


def _line(name: str, raw: bytes) -> str:
    return f"{_DASH}{name} {_base64(raw)}"


def _key_id(name: str, kind: int, key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:KEY_ID_BYTES]


def _base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode()


def _from_base64(text: str) -> bytes:
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        raise NotCanonical("the checkpoint has a text that is not base64") from None
    if _base64(data) != text:
        raise NotCanonical("the checkpoint has a base64 text that is not in its one form")
    return data
