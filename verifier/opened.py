"""A ballot opened as a test (Benaloh challenge, protocol 3.5): what does it contain, and is it what was sealed?

Everything that depends on no other voter is checked: who signed manifest and key, the certificate of the key, the
ballot's signature and proofs, and that each ciphertext is E(m; r) with r from the published seed. That the signing key
is that of the slot is for `verify` to say.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gmpy2 import mpz

from verifier.ballots import Setting, listed_values
from verifier.checks import authenticity, completeness, consistency
from verifier.crypto.checkpoint import parse_note
from verifier.crypto.merkle import MerkleTree, leaf_hash
from verifier.crypto.seed import SEED_BYTES, plaintext, randomness
from verifier.errors import CheckFailed, NotCanonical
from verifier.record import schema
from verifier.record.answers import decode_answer
from verifier.record.archive import open_archive
from verifier.record.canonical import parse
from verifier.record.entries import MAX_ENTRY_BYTES, Answer, Ballot, Type, ballot_shape, parse_entry
from verifier.record.manifest import BLANK, MODULUS_BITS, Contest, Kind, Manifest, Style
from verifier.record.schema import octets
from verifier.replay import Replay
from verifier.replay.state import Slot, Stage
from verifier.report import BROKEN, Gate

MAX_OPENED_BYTES = 2 * MAX_ENTRY_BYTES
"""four entries, their characters escaped"""
WHERE = "opened ballot"

Choice = str | tuple[str, ...]
"""An option id or "blank"; the ids of marks or of a ranking; a text."""


@dataclass(frozen=True)
class Opened:
    """An opened ballot and the entries that it refers to, each in the bytes that are on the board."""

    manifest: bytes
    key: bytes
    roll_commitment: bytes
    ballot: bytes


@dataclass(frozen=True)
class Contents:
    """What an opened ballot contains."""

    manifest: Manifest
    tracker: bytes
    ballot: Ballot
    choices: tuple[tuple[Contest, Choice], ...]
    """in the order of the ballot"""


def parse_opened(raw: bytes) -> Opened:
    """The file that the page of an opened ballot saves. Raises NotCanonical."""
    fields = schema.record(
        parse(raw, MAX_OPENED_BYTES),
        WHERE,
        **{kind.value: _entry(kind) for kind in (Type.MANIFEST, Type.KEY, Type.ROLL_COMMITMENT)},
        ballot=_entry(Type.BALLOT_OPENED),
    )
    return Opened(**{name.replace("-", "_"): entry for name, entry in fields.items()})


def _entry(kind: Type) -> schema.Shape:
    """The text of an entry of this type."""

    def shape(value: Any, where: str) -> bytes:
        if not isinstance(value, str):
            raise NotCanonical(f"{where}: the text of an entry was expected")
        raw = value.encode()
        if parse_entry(raw).type is not kind:
            raise NotCanonical(f"{where}: an entry of type {kind} was expected")
        return raw

    return shape


class _NoColumns:
    """The log of entries that name no column."""

    def entry(self, index: int) -> bytes:
        raise NotCanonical(f"there is no entry {index}")

    def column(self, digest: bytes) -> bytes:
        raise NotCanonical(f"column {digest.hex()} is missing")


def contents(opened: Opened, allowed_bits: tuple[int, ...] = MODULUS_BITS) -> Contents:
    """What the ballot contains, when every check of it passes.

    `allowed_bits`: as for `Replay`. Raises CheckFailed, NotCanonical, BadInteger.
    """
    replay = Replay(_NoColumns(), Gate(), allowed_bits=allowed_bits)
    # Key and roll commitment may have come in either order.
    later = sorted((opened.key, opened.roll_commitment), key=lambda raw: parse_entry(raw).time)
    for raw in (opened.manifest, *later):
        _apply(replay, raw)
    manifest, key = replay.state.require()
    entry = parse_entry(opened.ballot)
    body = schema.record(entry.body, WHERE, ballot=ballot_shape(manifest), seed=octets(SEED_BYTES))
    ballot: Ballot = body["ballot"]
    # The polls are open and the slot has the key that signed: whether that is so, only the whole board can say.
    signer = entry.signatures[0].key if entry.signatures else b""
    replay.state.slots[ballot.slot] = Slot(_style(manifest, ballot), signer)
    replay.state.stage = Stage.OPEN
    _apply(replay, opened.ballot)
    setting = Setting(manifest, key, replay.state.base)
    choices = tuple(_choice(setting, answer, body["seed"]) for answer in ballot.answers)
    return Contents(manifest, entry.statement, ballot, choices)


def _apply(replay: Replay, raw: bytes) -> None:
    try:
        replay.apply(raw)
    except BROKEN as error:
        raise NotCanonical(f"{WHERE}: it cannot be understood ({type(error).__name__})") from error


def _style(manifest: Manifest, ballot: Ballot) -> Style:
    for style in manifest.styles:
        if style.id == ballot.style:
            return style
    raise CheckFailed(consistency.style_matched.name, f"there is no ballot style {ballot.style}", WHERE)


def _choice(setting: Setting, answer: Answer, seed: bytes) -> tuple[Contest, Choice]:
    """The answer of one contest. V5.20 has found that the seed opens it, to something that can be voted."""
    key, contest = setting.key, setting.manifest.contest(answer.contest)
    plaintexts: list[mpz] = []
    for position, c in enumerate(answer.ciphertexts):
        m = plaintext(key, c, randomness(key, seed, contest.id, position))
        if m is None:
            raise RuntimeError("a ciphertext that was opened before does not open")
        plaintexts.append(m)
    if contest.kind is Kind.CHOOSE_ONE:
        return contest, contest.option_id(listed_values(contest, setting.base).index(plaintexts[0]))
    if contest.kind is Kind.CHOOSE_SEVERAL:
        return contest, tuple(option.id for option, m in zip(contest.options, plaintexts, strict=True) if m)
    return contest, decode_answer(contest, setting.manifest.modulus_bits, plaintexts)


def in_words(contest: Contest, choice: Choice) -> str:
    """A choice with the names of the manifest: one, all marked, or the first preference first."""
    if contest.kind is Kind.TEXT:
        return str(choice) or "(blank)"
    names = {option.id: option.name for option in contest.options} | {BLANK: "(blank)"}
    if isinstance(choice, str):
        return names[choice]
    if contest.kind is Kind.RANKING:
        return " > ".join(names[part] for part in choice) or "(blank)"
    return ", ".join(names[part] for part in choice) or "(no marks)"


def require_on_board(archive_path: Path, opened: Opened, manifest: Manifest) -> None:
    """The board that signed this archive has the opened ballot, under this manifest and key.

    The log's other entries are not checked: that is what `verify` is for. Raises CheckFailed, NotCanonical,
    UnsafeArchive, Unreadable, UnsupportedVersion.
    """
    with tempfile.TemporaryDirectory(prefix="tashika-opened-") as workspace:
        archive = open_archive(archive_path, Path(workspace))
        tree, leaves = MerkleTree(), []
        with closing(archive):
            for index in range(len(archive.index())):
                leaves.append(leaf_hash(archive.entry(index)))
                tree.append(leaves[-1])
        note = parse_note(archive.checkpoint)
    completeness.board_complete("entries.jsonl", archive.size, tree.size, note.checkpoint.size)
    consistency.board_chained("checkpoint", tree.root(), note.checkpoint)
    authenticity.head_signed("checkpoint", manifest, note)
    _require_listed(leaves, opened)


def _require_listed(leaves: Sequence[bytes], opened: Opened) -> None:
    found = set(leaves)
    for name in ("manifest", "key", "roll_commitment", "ballot"):
        if leaf_hash(getattr(opened, name)) not in found:
            what = name.replace("_", " ")
            raise CheckFailed(authenticity.receipt_included.name, f"the {what} is not on this board", WHERE)
