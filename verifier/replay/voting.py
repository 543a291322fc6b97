"""Rules for ballots: cast ones count unless superseded or withdrawn, opened ones never count (protocol, 3.5).

What depends on the log (slot, sequence, duplicates) is decided entry by entry. The proofs do not depend on it, so the
workers examine them, in chunks where there are many (`verifier.ballots`).
"""

from __future__ import annotations

import hashlib

from verifier.ballots import Sealed
from verifier.checks import authenticity, consistency, integrity
from verifier.record import entries
from verifier.record.entries import Ballot, Type, modulus_bytes
from verifier.record.schema import octets, record
from verifier.replay.context import Context


def ballot_cast(context: Context) -> None:
    """A ballot that counts, unless a later one of its slot or a withdrawal takes its place."""
    ballot = context.read(entries.ballot_shape(context.manifest), context.entry.body, "ballot")
    _admit(context, ballot)


def ballot_opened(context: Context) -> None:
    """A Benaloh challenge: the ballot and its seed are public, checked by anyone and never counted."""
    shapes = {"ballot": entries.ballot_shape(context.manifest), "seed": octets(32)}
    body = context.read(lambda: record(context.entry.body, "body", **shapes))
    _admit(context, body["ballot"])


def _admit(context: Context, ballot: Ballot) -> None:
    state, manifest = context.state, context.manifest
    cast = context.entry.type is Type.BALLOT_CAST
    context.run(consistency.election_id_everywhere, ballot.election, manifest.election)
    slot = state.slots.get(ballot.slot)
    listed = context.run(authenticity.credential_listed, slot and slot.credential, context.entry.signatures)
    if slot is None or not listed:
        return
    context.run(consistency.times_monotone, context.entry.time, None, *manifest.window(slot.style))
    answered = [answer.contest for answer in ballot.answers]
    matched = context.run(consistency.style_matched, ballot.style, slot.style.id, slot.style.contests, answered)
    if cast:
        context.run(consistency.last_counts, ballot.sequence, slot.sequence, manifest.revote)
    ciphertexts = [c for answer in ballot.answers for c in answer.ciphertexts]
    in_domain = context.run(integrity.ciphertext_domain, context.key, ciphertexts)
    marks = [_mark(context, c) for c in ciphertexts]
    copies = [mark in state.ciphertexts or mark in marks[:at] for at, mark in enumerate(marks)]
    ballot_tracker = context.entry.statement
    context.run(consistency.ballots_distinct, ballot_tracker, state.trackers, copies)
    sound = matched and in_domain
    if sound:
        context.workers.examine(context.judge, context.setting, Sealed(context.where, context.entry), context.index)
    state.trackers.setdefault(ballot_tracker, context.index)
    state.ciphertexts.update(marks)
    if not cast:
        state.opened += 1
        return
    if not sound:
        return
    state.cast += 1
    state.superseded += slot.entry is not None
    slot.sequence, slot.entry = max(ballot.sequence, slot.sequence), context.index


def _mark(context: Context, c: int) -> bytes:
    """What a copy of a ciphertext is recognised by, whatever its sign."""
    unsigned = int(context.key.without_sign(c) % context.key.N2)
    return hashlib.sha256(unsigned.to_bytes(2 * modulus_bytes(context.manifest), "big")).digest()
