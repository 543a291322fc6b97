"""The typed entries of the board: the envelope, what is signed, and the bodies.

An entry is `{"body", "signatures", "time", "type"}`. Signatures cover the type and the body; the time is the
board's, rounded to the minute, and covered by its checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from gmpy2 import mpz

from verifier import PROTOCOL
from verifier.crypto.ballot_proof import KnowledgeProof, MembershipProof
from verifier.crypto.transcript import digest, encode
from verifier.errors import NotCanonical
from verifier.record import schema
from verifier.record.canonical import decode, require_canonical, serialise
from verifier.record.manifest import MOST_MIXERS, MOST_TRUSTEES, Manifest
from verifier.record.schema import (
    HASH,
    KEY,
    SIGNATURE,
    anything,
    boolean,
    identifier,
    list_of,
    minute,
    number,
    one_of,
    record,
    text,
    whole,
)

MAX_ENTRY_BYTES = 32 << 20
"""room for a result with a hundred thousand different rankings"""
CHALLENGE_WIDTH = 17
"""One byte more than [0, 2^128) needs, so that the range of a challenge is checked, not implied."""


class Type(StrEnum):
    """Every kind of entry (protocol, section 4)."""

    MANIFEST = "manifest"
    KEY = "key"
    SHARE_CONFIRMED = "share-confirmed"
    ROLL_COMMITMENT = "roll-commitment"
    CREDENTIAL_REGISTERED = "credential-registered"
    CREDENTIAL_REPLACED = "credential-replaced"
    POLLS_OPENED = "polls-opened"
    BALLOT_CAST = "ballot-cast"
    BALLOT_OPENED = "ballot-opened"
    POLLS_CLOSED = "polls-closed"
    WITHDRAWALS = "withdrawals"
    TALLY_FROZEN = "tally-frozen"
    MIX_STAGE = "mix-stage"
    PARTIAL_ROOTS = "partial-roots"
    OPENING = "opening"
    RESULT = "result"
    CORRECTION = "correction"


@dataclass(frozen=True)
class Signature:
    """An Ed25519 signature and the key that made it."""

    key: bytes
    signature: bytes


@dataclass(frozen=True)
class Entry:
    """An entry whose envelope is well formed; the body is parsed by its type."""

    type: Type
    time: datetime
    body: Any
    signatures: tuple[Signature, ...]
    raw_body: bytes = field(repr=False)
    """the canonical bytes of `body`"""

    @property
    def statement(self) -> bytes:
        """What the signatures stand for: a ballot's tracker, or the hash of any other body (32 bytes)."""
        if self.type is Type.BALLOT_CAST:
            return digest("tracker", self.raw_body)
        if self.type is Type.BALLOT_OPENED:
            return tracker(self.body["ballot"])
        return digest("body", self.raw_body)


def parse_entry(raw: bytes) -> Entry:
    """Raises NotCanonical or BadInteger, naming the part."""
    value = decode(raw, MAX_ENTRY_BYTES)
    fields = record(
        value,
        "entry",
        type=one_of(*Type),
        time=minute,
        body=anything,
        signatures=list_of(_signature, 0, 100),
    )
    raw_body = serialise(value["body"])  # once: it is the larger part of a ballot, and what signatures stand for
    envelope = serialise({key: part for key, part in value.items() if key != "body"})
    require_canonical(b'{"body":' + raw_body + b"," + envelope[1:], raw)
    keys = [signature.key for signature in fields["signatures"]]
    if keys != sorted(set(keys)):
        raise NotCanonical("entry, signatures: keys must be distinct and in ascending order")
    return Entry(**{**fields, "type": Type(fields["type"]), "raw_body": raw_body})


def _signature(value: Any, where: str) -> Signature:
    return Signature(**record(value, where, key=KEY, signature=SIGNATURE))


def statement_digest(entry_type: Type, body: Any) -> bytes:
    """What a signature stands for: a ballot's tracker, or the hash of any other body."""
    if entry_type is Type.BALLOT_CAST:
        return tracker(body)
    if entry_type is Type.BALLOT_OPENED:
        return tracker(body["ballot"])
    return digest("body", serialise(body))


def signed_message(entry_type: Type, statement: bytes) -> bytes:
    """The bytes under an entry's signatures: for ballots {cast, tracker} or {open, tracker}."""
    return encode([PROTOCOL, "signature", str(entry_type), statement])


def tracker(ballot: Any) -> bytes:
    """The hash of the unsigned ballot `{election, style, slot, sequence, answers}`."""
    return digest("tracker", serialise(ballot))


# Ballots


@dataclass(frozen=True)
class Answer:
    """One contest's ciphertexts, with proofs still in wire form (they are decoded where they are checked)."""

    contest: str
    ciphertexts: tuple[mpz, ...]
    proofs: tuple[Any, ...]


@dataclass(frozen=True)
class Ballot:
    """An unsigned ballot."""

    election: bytes
    style: str
    slot: str
    sequence: int
    answers: tuple[Answer, ...]


def ballot_shape(manifest: Manifest) -> Callable[[Any, str], Ballot]:
    """The shape of a ballot of this election: each contest has its number of ciphertexts and proofs.

    Which contests belong into it is a matter of its ballot style (V3.12).
    """
    width = modulus_bytes(manifest)
    contests = {contest.id: contest for contest in manifest.contests}

    def answer(value: Any, where: str) -> Answer:
        fields = record(
            value,
            where,
            contest=identifier,
            ciphertexts=list_of(number(2 * width), 1, 1000),
            proofs=list_of(anything, 1, 1001),
        )
        contest = contests.get(fields["contest"])
        if contest and len(fields["ciphertexts"]) != contest.ciphertexts:
            raise NotCanonical(f"{where}: {contest.ciphertexts} ciphertexts were expected")
        if contest and len(fields["proofs"]) != contest.proofs:
            raise NotCanonical(f"{where}: {contest.proofs} proofs were expected")
        return Answer(**fields)

    shapes = {
        "election": HASH,
        "style": identifier,
        "slot": identifier,
        "sequence": whole(1, 1_000_000),
        "answers": list_of(answer, 1, 100),
    }
    return lambda value, where: Ballot(**record(value, where, **shapes))


def membership_shape(width: int, branches: int) -> Callable[[Any, str], MembershipProof]:
    """One membership proof with one branch for each listed value; `width` is the modulus in bytes."""
    shapes = {
        "a": list_of(number(2 * width), branches, branches),
        "e": list_of(number(CHALLENGE_WIDTH), branches, branches),
        "z": list_of(number(width), branches, branches),
    }
    return lambda value, where: MembershipProof(**record(value, where, **shapes))


def knowledge_shape(width: int) -> Callable[[Any, str], KnowledgeProof]:
    """One proof of plaintext knowledge."""
    shapes = {"a": number(2 * width), "z_m": number(width), "z_r": number(width)}
    return lambda value, where: KnowledgeProof(**record(value, where, **shapes))


# The other bodies. A manifest has its own module.


def credential_shape(value: Any, where: str) -> dict[str, Any]:
    """A credential key bound to a voter slot, with the roll leaf that it stands for."""
    return record(
        value,
        where,
        election=HASH,
        slot=identifier,
        style=identifier,
        credential=KEY,
        index=whole(0, 2**40),
        leaf=HASH,
        path=list_of(HASH, 0, 64),
    )


def replacement_shape(value: Any, where: str) -> dict[str, Any]:
    """A new credential key for a slot whose device was lost."""
    return record(value, where, election=HASH, slot=identifier, credential=KEY)


def share_confirmed_shape(value: Any, where: str) -> dict[str, Any]:
    """A trustee's "my share verifies"."""
    return record(value, where, election=HASH, key=HASH, trustee=whole(1, MOST_TRUSTEES))


def roll_shape(value: Any, where: str) -> dict[str, Any]:
    """The Merkle root over salted roll rows, and their number."""
    return record(value, where, election=HASH, root=HASH, rows=whole(1, 2**40))


def act_shape(value: Any, where: str) -> dict[str, Any]:
    """Opening and closing say nothing but the election; the entry's time is the time."""
    return record(value, where, election=HASH)


def withdrawals_shape(value: Any, where: str) -> dict[str, Any]:
    """All withdrawn slots in one batch; reasons only as totals."""
    reason = schema.shape(reason=text(200, 1), slots=whole(1, 10_000_000))
    return record(value, where, election=HASH, slots=list_of(identifier, 1, 1_000_000), reasons=list_of(reason, 1, 100))


def frozen_shape(modulus_bytes: int) -> schema.Shape:
    """The counted set and the counting groups, as two officials froze them."""
    group = schema.shape(
        units=list_of(identifier, 1, 10_000),
        ballots=whole(0, 2**40),
        ciphertext=list_of(number(2 * modulus_bytes), 0, 1),
    )
    contest = schema.shape(contest=identifier, open=boolean, groups=list_of(group, 1, 10_000))
    count = whole(0, 2**40)
    return schema.shape(
        election=HASH,
        ballots=HASH,
        cast=count,
        counted=count,
        superseded=count,
        withdrawn=count,
        contests=list_of(contest, 1, 100),
    )


def mix_stage_shape(value: Any, where: str) -> dict[str, Any]:
    """One mixer's stage for one group of one contest; columns and proof are parsed with the sizes at hand."""
    return record(
        value,
        where,
        election=HASH,
        context=HASH,
        contest=identifier,
        group=whole(0, 10_000),
        stage=whole(1, MOST_MIXERS),
        input=HASH,
        output=list_of(anything, 1, 64),
        proof=anything,
    )


def partial_roots_shape(value: Any, where: str) -> dict[str, Any]:
    """One trustee's partial roots of everything that replay names."""
    return record(value, where, election=HASH, context=HASH, trustee=whole(1, MOST_TRUSTEES), proof=anything)


def opening_shape(value: Any, where: str) -> dict[str, Any]:
    """(m, r) of every ciphertext that replay names, as two columns."""
    return record(value, where, election=HASH, plaintexts=anything, roots=anything)


def result_shape(value: Any, where: str) -> dict[str, Any]:
    """Every contest with its counts by group and in total, and the turnout; a withheld contest has neither."""
    count = whole(0, 2**40)
    group = schema.shape(
        units=list_of(identifier, 1, 10_000),
        ballots=count,
        blank=schema.nullable(count),
        counts=anything,
        invalid=list_of(count, 0, 10_000_000),
    )
    contest = schema.shape(contest=identifier, withheld=boolean, groups=list_of(group), total=anything)
    turnout = schema.shape(ballots=count, credentials=count, roll=count)
    return record(value, where, election=HASH, turnout=turnout, contests=list_of(contest, 1, 100))


def correction_shape(value: Any, where: str) -> dict[str, Any]:
    """A statement of two officials about an earlier entry; it changes nothing that was counted."""
    return record(value, where, election=HASH, entry=whole(0, 2**40), text=text(2000, 1))


def modulus_bytes(manifest: Manifest) -> int:
    """The width of an element of Z_N on the wire; a ciphertext has twice as many bytes."""
    return (manifest.modulus_bits + 7) // 8
