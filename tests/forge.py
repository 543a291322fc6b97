"""Forging archives: the election of tests/election.py at any of its stages, under a judge that lets everything pass.

A cheat changes one thing and goes on as the rules say, signing with the right keys and under a fresh checkpoint, so
that what an observer rejects is the cheat and nothing that follows from it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.election import VOTES, Election, signing_key, small_manifest
from verifier.checks import CHECKS, Check
from verifier.record.canonical import encode_bytes, parse, serialise
from verifier.record.entries import MAX_ENTRY_BYTES, Type
from verifier.replay import Replay
from verifier.report import Trust
from verifier.verify import Outcome, verify

ALLOWED = (512,)
STEPS: dict[str, Callable[[Election], object]] = {
    "set up": lambda e: e.set_up(),
    "registered": lambda e: [e.register(slot, style, 2 * at) for at, (slot, (style, _)) in enumerate(VOTES.items())],
    "opened": lambda e: e.open_polls(),
    "voted": lambda e: _vote(e),
    "closed": lambda e: e.close_polls(),
    "withdrawn": lambda e: e.withdraw("v6"),
    "frozen": lambda e: e.freeze(),
    "mixed": lambda e: e.mix(),
    "rooted": lambda e: e.root(1, 3),
    "published": lambda e: e.open_and_publish(),
}


def _vote(election: Election) -> None:
    for slot, (_, choices) in VOTES.items():
        if slot == "v1":
            election.cast(slot, **{**choices, "mayor": "b"})
            election.challenge(slot, **choices)
        election.cast(slot, **choices)


@cache
def _at(stage: str) -> Election:
    names = list(STEPS)
    place = names.index(stage)
    election = copy.deepcopy(_at(names[place - 1])) if place else trusting(small_manifest())
    STEPS[stage](election)
    return election


def trusting(manifest: dict[str, Any]) -> Election:
    """An election whose own replay checks nothing."""
    election = Election(manifest)
    election.replay.judge = Trust()
    return election


def at(stage: str) -> Election:
    """A copy of the election as it is after this stage."""
    return copy.deepcopy(_at(stage))


def lacking(election: Election, index: int) -> Election:
    """The election as if this entry had never come."""
    other = copy.deepcopy(election)
    held, other.entries = other.entries, []
    other.replay = Replay(other, Trust(), allowed_bits=ALLOWED)
    for raw in held[:index] + held[index + 1 :]:
        other.add(raw)
    return other


def after(election: Election, stage: str) -> Election:
    """Go on by the rules, from behind this stage to the end."""
    names = list(STEPS)
    for name in names[names.index(stage) + 1 :]:
        STEPS[name](election)
    return election


def signers(raw: bytes) -> list[str]:
    """The names of those who signed an entry."""
    names = {encode_bytes(bytes(signing_key(name).verify_key)): name for name in NAMES}
    return [names[signature["key"]] for signature in parse(raw, MAX_ENTRY_BYTES)["signatures"]]


NAMES = (
    *(f"{role} {number}" for role in ("official", "trustee", "mixer") for number in (1, 2, 3)),
    "registrar",
    *VOTES,
)


def edit(election: Election, kind: Type, change: Callable[[dict[str, Any]], object], which: int = -1) -> Election:
    """Change the body of an entry of this type, which has been replayed already, and sign it again."""
    indexes = [at for at, raw in enumerate(election.entries) if parse(raw, MAX_ENTRY_BYTES)["type"] == kind]
    index = indexes[which]
    entry = parse(election.entries[index], MAX_ENTRY_BYTES)
    change(entry["body"])
    signed = parse(election.raw(kind, entry["body"], signers(election.entries[index])), MAX_ENTRY_BYTES)
    election.entries[index] = serialise({**signed, "time": entry["time"]})
    return election


def envelope(election: Election, kind: Type, change: Callable[[dict[str, Any]], object], which: int = -1) -> Election:
    """Change the envelope of an entry of this type without signing it again."""
    indexes = [at for at, raw in enumerate(election.entries) if parse(raw, MAX_ENTRY_BYTES)["type"] == kind]
    entry = parse(election.entries[indexes[which]], MAX_ENTRY_BYTES)
    change(entry)
    election.entries[indexes[which]] = serialise(entry)
    return election


def judged(election: Election, folder: Path, **options: Any) -> Outcome:
    """What an observer says of the election's archive."""
    return verify(election.write(folder / "election.zip"), allowed_bits=ALLOWED, **options)


def rejecting(outcome: Outcome) -> set[str]:
    """The codes of the checks that rejected something or did not run."""
    return {code for code in CHECKS if outcome.report.status(code) != "PASS"}


@contextmanager
def without(*guards: Check) -> Iterator[None]:
    """These checks let everything pass."""
    with pytest.MonkeyPatch.context() as patch:
        for guard in guards:
            patch.setattr(guard, "function", lambda *_: None)
        yield
