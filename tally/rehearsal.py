"""The trustee's side of the rehearsal (`verifier.rehearsal`, which says why it opens nothing)."""

from __future__ import annotations

import secrets

import gmpy2
from gmpy2 import mpz
from nacl.signing import SigningKey

from tally.shares import Share, require_share_of
from tally.signing import public_key
from verifier.crypto.checkpoint import parse_note
from verifier.crypto.threshold import verification_base
from verifier.crypto.transcript import CHALLENGE_BITS
from verifier.record.canonical import encode_bytes, serialise
from verifier.rehearsal import Statement, body_record, signed_message
from verifier.replay.state import State


def rehearse(state: State, checkpoint: str, share: Share, key: SigningKey) -> bytes:
    """The file that proves that the share works, signed. `checkpoint`: the verified note of the board.

    Raises OtherElection, ShareDoesNotVerify.
    """
    require_share_of(state, share, public_key(key))
    manifest, public = state.require()
    N, head = public.N, parse_note(checkpoint.encode()).checkpoint
    statement = Statement(share.election, share.key_hash, share.trustee, head.size, head.root, head.time)
    k = mpz(secrets.randbits(N.bit_length() + 2 * CHALLENGE_BITS))
    a = gmpy2.powmod_sec(verification_base(N), k, N)
    v_i = state.verification_keys[share.trustee - 1]
    e = statement.challenge(N, len(manifest.trustees), manifest.threshold, v_i, a)
    body = body_record(statement, a, k + e * share.s, public.bits)
    signature = key.sign(signed_message(body)).signature
    return serialise({"rehearsal": body, "signature": encode_bytes(signature)})
