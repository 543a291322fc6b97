"""Ranked ballots in PrefLib's `.soi` format: strict orders, possibly incomplete (preflib.org, data format)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 1 << 20
MAX_ALTERNATIVES = 100
MAX_BALLOTS = 100_000


class PrefLibError(Exception):
    """A file that is no `.soi` file; says which line is wrong, and why."""


@dataclass(frozen=True)
class RankedBallots:
    """`ballots[i]` ranks alternatives (numbered from 0) from first to last; some may be left out."""

    title: str
    alternatives: tuple[str, ...]
    ballots: tuple[tuple[int, ...], ...]


def read_soi(path: Path) -> RankedBallots:
    """Raises PrefLibError naming the line, OSError when the file cannot be read."""
    data = path.read_bytes()
    if len(data) > MAX_BYTES:
        raise PrefLibError(f"{path}: larger than {MAX_BYTES} bytes")
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise PrefLibError(f"{path}: not UTF-8") from None
    header: dict[str, str] = {}
    ballots: list[tuple[int, ...]] = []
    for number, line in enumerate(lines, 1):
        if line.startswith("#"):
            key, _, value = line[1:].partition(":")
            header[key.strip().upper()] = value.strip()
        elif line.strip():
            ballots += _orders(f"{path}, line {number}", line, _alternatives(path, header))
            if len(ballots) > MAX_BALLOTS:
                raise PrefLibError(f"{path}, line {number}: more than {MAX_BALLOTS} ballots")
    names = tuple(header.get(f"ALTERNATIVE NAME {n}", "") for n in range(1, _alternatives(path, header) + 1))
    if not all(names):
        raise PrefLibError(f"{path}: an alternative has no name")
    if header.get("NUMBER VOTERS") != str(len(ballots)):
        raise PrefLibError(f"{path}: {len(ballots)} ballots where the header says {header.get('NUMBER VOTERS')}")
    return RankedBallots(header.get("TITLE") or path.stem, names, tuple(ballots))


def _alternatives(path: Path, header: dict[str, str]) -> int:
    text = header.get("NUMBER ALTERNATIVES", "")
    if not text.isdecimal() or not 2 <= int(text) <= MAX_ALTERNATIVES:
        raise PrefLibError(f"{path}: the header does not say how many alternatives there are (2 to {MAX_ALTERNATIVES})")
    return int(text)


def _orders(where: str, line: str, alternatives: int) -> list[tuple[int, ...]]:
    match = re.fullmatch(r"\s*(\d{1,6})\s*:\s*(\d{1,3}(?:\s*,\s*\d{1,3})*)\s*", line)
    if not match:
        raise PrefLibError(f"{where}: “count: first,second,…” was expected (ties are not for .soi)")
    order = tuple(int(part) - 1 for part in match[2].split(","))
    if len(set(order)) != len(order) or not all(0 <= place < alternatives for place in order):
        raise PrefLibError(f"{where}: an alternative is ranked twice or does not exist")
    count = int(match[1])
    if not 1 <= count <= MAX_BALLOTS:
        raise PrefLibError(f"{where}: a count from 1 to {MAX_BALLOTS} was expected")
    return [order] * count
