"""Rules for ballots that need more than one entry to break."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tally.ballot import membership_record, prove_membership
from tests.election import VOTES, Election, small_manifest, voted
from tests.forge import at
from verifier.ballots import listed_values
from verifier.crypto.ballot_proof import BallotContext
from verifier.crypto.paillier import PublicKey
from verifier.crypto.seed import randomness
from verifier.errors import CheckFailed
from verifier.record.canonical import decode_integer, encode_bytes, encode_integer
from verifier.record.entries import Type
from verifier.report import Gate


@pytest.fixture
def election() -> Election:
    opened = at("opened")
    opened.replay.judge = Gate()
    return opened


def negated_copy(election: Election, slot: str, seed: bytes, first: dict[str, Any]) -> dict[str, Any]:
    """The voter's next ballot, with −c of the first one for mayor, and an honest proof for it."""
    body = election.ballot(slot, VOTES[slot][1])
    key, manifest = election.state.key, election.state.manifest
    contest = manifest.contest("mayor")
    c = key.N2 - decode_integer(first["answers"][0]["ciphertexts"][0], 128)
    r = key.N - randomness(key, seed, "mayor", 0)
    held = election.state.slots[slot]
    context = BallotContext(manifest.election, key, "mayor", slot, held.sequence + 1, held.credential)
    values = listed_values(contest, election.state.base)
    maker = election.maker
    if maker is None:
        raise AssertionError("no ballot was made")
    chosen = [option.id for option in contest.options].index(str(VOTES[slot][1]["mayor"]))
    proof = prove_membership(maker.randomness, context, 0, values, chosen, c, r)
    body["answers"][0] = {
        "contest": "mayor",
        "ciphertexts": [encode_integer(c, 128)],
        "proofs": [membership_record(proof, 64)],
    }
    return body


def test_forgery_a_ciphertext_with_its_sign_flipped_is_a_copy(
    election: Election, monkeypatch: pytest.MonkeyPatch
) -> None:
    """−c is E of the same plaintext, and its proof holds; only the comparison without sign finds the copy."""
    seed = secrets.token_bytes(32)
    first = election.ballot("v1", VOTES["v1"][1], seed=seed)
    election.append(Type.BALLOT_CAST, first, ["v1"])
    copy = negated_copy(election, "v1", seed, first)
    with pytest.raises(CheckFailed, match="V3.9"):
        election.append(Type.BALLOT_CAST, copy, ["v1"])
    monkeypatch.setattr(PublicKey, "without_sign", lambda key, c: c)
    again = voted_once(seed, first)
    again.append(Type.BALLOT_CAST, negated_copy(again, "v1", seed, first), ["v1"])
    assert again.state.cast == 2


def voted_once(seed: bytes, first: dict[str, Any]) -> Election:
    election = at("opened")
    election.replay.judge = Gate()
    election.append(Type.BALLOT_CAST, first, ["v1"])
    return election


def test_a_ballot_is_cast_or_opened_but_not_both(election: Election) -> None:
    """Replay refuses a cast of an opened tracker and an open of a cast one."""
    seed = secrets.token_bytes(32)
    body = election.ballot("v2", VOTES["v2"][1], seed=seed)
    opened = {"ballot": body, "seed": encode_bytes(seed)}
    election.append(Type.BALLOT_OPENED, opened, ["v2"])
    with pytest.raises(CheckFailed, match="V3.9"):
        election.append(Type.BALLOT_CAST, body, ["v2"])
    seed = secrets.token_bytes(32)
    body = election.ballot("v3", VOTES["v3"][1], seed=seed)
    election.append(Type.BALLOT_CAST, body, ["v3"])
    with pytest.raises(CheckFailed, match="V3.9"):
        election.append(Type.BALLOT_OPENED, {"ballot": body, "seed": encode_bytes(seed)}, ["v3"])


def test_an_opened_ballot_leaves_the_sequence_as_it_was(election: Election) -> None:
    election.cast("v2", **VOTES["v2"][1])
    election.challenge("v2", **VOTES["v2"][1])
    assert election.state.slots["v2"].sequence == 1
    assert (election.state.cast, election.state.opened) == (1, 1)


def test_a_refused_ballot_leaves_no_trace(election: Election) -> None:
    before = (len(election.state.trackers), len(election.state.ciphertexts), election.state.cast, election.state.size)
    body = election.ballot("v2", VOTES["v2"][1])
    proof = body["answers"][0]["proofs"][0]
    proof["z"].reverse()
    with pytest.raises(CheckFailed, match=r"V5\.5"):
        election.append(Type.BALLOT_CAST, body, ["v2"])
    state = election.state
    assert (len(state.trackers), len(state.ciphertexts), state.cast, state.size) == before


def test_without_revoting_the_first_ballot_is_the_only_one() -> None:
    with pytest.raises(CheckFailed, match=r"V3\.11.*one ballot"):
        voted(manifest=small_manifest(revote=False))
