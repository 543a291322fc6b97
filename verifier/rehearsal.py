"""The rehearsal: a trustee proves, long before the opening, that the share works, and opens nothing by it.

The proof is Schnorr's, that of partial roots without anything to root: for the key share `s_i` behind `v_i = v^{s_i}`,

    a = v^k      e = H("rehearsal", election, N, n, t, v, v_i, i, key hash, checkpoint, a)      z = k + e·s_i
    check:   0 ≤ z < 2^{|N|+2λ+1}      v^z = a·v_i^e

with k in [0, 2^{|N|+2λ}), so that z says nothing of s_i. It can open nothing, and be taken for nothing else:

- The only value that is raised to the secret is v, which the key fixes and whose power v_i is public since the
  ceremony. No ciphertext, and nothing that somebody chooses, is raised to anything.
- The transcript has a tag of its own: neither e nor z fit the equations of partial roots, which also need a root u and
  a commitment a_2 for every ciphertext.
- What is signed has a type that no entry of the board can have, so no board accepts it, as partial roots or otherwise.
- It names a checkpoint of the board, so that yesterday's proof is not taken for today's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gmpy2
from gmpy2 import mpz

from verifier import PROTOCOL
from verifier.crypto.signatures import verify
from verifier.crypto.threshold import response_bits, verification_base
from verifier.crypto.transcript import Transcript, digest, encode
from verifier.record.canonical import decode_integer, encode_bytes, encode_integer, parse, serialise
from verifier.record.manifest import MOST_TRUSTEES
from verifier.record.schema import HASH, SIGNATURE, record, whole

MAX_BYTES = 16 << 10


@dataclass(frozen=True)
class Statement:
    """Whose share is proved to work, for which key, and which board the trustee had before the eyes."""

    election: bytes
    key: bytes
    """the key hash"""
    trustee: int
    """1 … n"""
    size: int
    """entries under the checkpoint"""
    root: bytes
    """its 32-byte root"""
    time: int
    """its time, Unix seconds"""

    def challenge(self, N: mpz, n: int, t: int, v_i: mpz, a: mpz) -> mpz:
        """e in [0, 2^λ)."""
        transcript = Transcript("rehearsal", self.election)
        transcript.absorb(N, n, t, verification_base(N), v_i, self.trustee, self.key)
        transcript.absorb(self.size, self.root, self.time, a)
        return transcript.challenge("e")


@dataclass(frozen=True)
class Rehearsal:
    """The statement with its proof and the trustee's signature."""

    statement: Statement
    a: mpz
    z: mpz
    signature: bytes
    signed: bytes
    """the bytes under the signature"""


def body_record(statement: Statement, a: mpz, z: mpz, bits: int) -> dict[str, Any]:
    """The wire form of statement and proof. `bits`: |N|."""
    return {
        "election": encode_bytes(statement.election),
        "key": encode_bytes(statement.key),
        "trustee": statement.trustee,
        "checkpoint": {"size": statement.size, "root": encode_bytes(statement.root), "time": statement.time},
        "a": encode_integer(a, (bits + 7) // 8),
        "z": encode_integer(z, (response_bits(bits) + 7) // 8),
    }


def signed_message(body: Any) -> bytes:
    """The bytes that the trustee signs; no entry's signature covers such bytes."""
    return encode([PROTOCOL, "signature", "rehearsal", digest("body", serialise(body))])


def parse_rehearsal(raw: bytes) -> Rehearsal:
    """The bytes of a rehearsal file. Raises NotCanonical or BadInteger."""
    value = parse(raw, MAX_BYTES)
    fields = record(value, "rehearsal", rehearsal=_body, signature=SIGNATURE)
    statement, a, z = fields["rehearsal"]
    return Rehearsal(statement, a, z, fields["signature"], signed_message(value["rehearsal"]))


def _body(value: Any, where: str) -> tuple[Statement, mpz, mpz]:
    fields = record(
        value,
        where,
        election=HASH,
        key=HASH,
        trustee=whole(1, MOST_TRUSTEES),
        checkpoint=_checkpoint,
        a=_number,
        z=_number,
    )
    a, z, checkpoint = fields.pop("a"), fields.pop("z"), fields.pop("checkpoint")
    return Statement(**fields, **checkpoint), a, z


def _checkpoint(value: Any, where: str) -> dict[str, Any]:
    return record(value, where, size=whole(0, 2**40), root=HASH, time=whole(0, 2**40))


def _number(value: Any, where: str) -> mpz:
    """Of any width: the file of another election, with another modulus, is to be refused for that."""
    return decode_integer(value, len(value) * 3 // 4 if isinstance(value, str) else 0)


def rehearsal_signed(rehearsal: Rehearsal, public: bytes) -> bool:
    """Is it signed by this Ed25519 key?"""
    return verify(public, rehearsal.signed, rehearsal.signature)


def rehearsal_holds(N: mpz, n: int, t: int, v_i: mpz, rehearsal: Rehearsal) -> bool:
    """v^z = a·v_i^e mod N, with a in [1, N) coprime to N and z in its range."""
    a, z = rehearsal.a, rehearsal.z
    if not (0 < a < N and gmpy2.gcd(a, N) == 1 and 0 <= z < mpz(1) << response_bits(N.bit_length())):
        return False
    e = rehearsal.statement.challenge(N, n, t, v_i, a)
    return bool(gmpy2.powmod(verification_base(N), z, N) == a * gmpy2.powmod(v_i, e, N) % N)
