"""The rehearsal proves one thing, that this trustee's share works now, and can be taken for nothing else."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import gmpy2
import pytest
from gmpy2 import mpz

from tally.errors import OtherElection, ShareDoesNotVerify
from tally.rehearsal import rehearse
from tally.shares import Share
from tally.signing import public_key
from tests.election import Election, signing_key, small_manifest
from tests.forge import at
from verifier.crypto.threshold import PartialRoots, response_bits, share_proven
from verifier.errors import BadInteger, CheckFailed, NotCanonical
from verifier.record.canonical import encode_bytes, parse, serialise
from verifier.record.entries import Type, signed_message, statement_digest
from verifier.rehearsal import MAX_BYTES, Rehearsal, parse_rehearsal, rehearsal_holds, rehearsal_signed
from verifier.replay import counting
from verifier.report import Gate


@cache
def board(name: str = "voted") -> Election:
    """Tests only read it."""
    return at(name)


def share(trustee: int = 1, election: Election | None = None) -> Share:
    held = election or board()
    return Share(held.election_id, held.state.key_hash, trustee, held.dealt.shares[trustee - 1])


@cache
def raw(trustee: int = 1) -> bytes:
    election = board()
    key = signing_key(f"trustee {trustee}")
    return rehearse(election.state, election.checkpoint().decode(), share(trustee), key)


def holds(proof: Rehearsal, trustee: int = 1, election: Election | None = None) -> bool:
    state = (election or board()).state
    return rehearsal_holds(state.key.N, 3, 2, state.verification_keys[trustee - 1], proof)


def changed(**changes: Any) -> Rehearsal:
    """Trustee 1's proof with another statement, signed again by trustee 1."""
    proof = parse_rehearsal(raw())
    return replace(proof, statement=replace(proof.statement, **changes))


@pytest.mark.parametrize("trustee", [1, 2, 3])
def test_a_working_share_is_proved(trustee: int) -> None:
    proof = parse_rehearsal(raw(trustee))
    assert holds(proof, trustee)
    assert rehearsal_signed(proof, public_key(signing_key(f"trustee {trustee}")))
    made = proof.statement
    assert (made.election, made.key, made.trustee) == (board().election_id, board().state.key_hash, trustee)
    assert made.size == len(board().entries) and made.root == board().replay.tree.root()


def test_two_proofs_share_nothing() -> None:
    """The response hides the share only when k is fresh: from one k twice, anybody computes s_i."""
    election, key = board(), signing_key("trustee 1")
    made = [parse_rehearsal(rehearse(election.state, election.checkpoint().decode(), share(), key)) for _ in range(3)]
    assert len({proof.a for proof in made}) == len({proof.z for proof in made}) == 3


def test_the_share_is_hidden_in_the_response() -> None:
    """k has 2λ bits more than N, so z is longer than e·s_i, and no quotient of it is the share."""
    proof, state = parse_rehearsal(raw()), board().state
    e = proof.statement.challenge(state.key.N, 3, 2, state.verification_keys[0], proof.a)
    assert proof.z // e != share().s and abs(proof.z // e - share().s) > mpz(1) << 100


def test_a_proof_is_of_one_trustee_election_key_and_board() -> None:
    assert holds(changed())
    for changes in (
        {"trustee": 2},
        {"election": b"o" * 32},
        {"key": b"o" * 32},
        {"size": 1},
        {"root": b"o" * 32},
        {"time": 1},
    ):
        assert not holds(changed(**changes)), changes
    assert not holds(parse_rehearsal(raw()), 2)


def test_who_has_no_share_proves_nothing() -> None:
    """A made-up share, a neighbour's, and the public values alone."""
    election, key = board(), signing_key("trustee 1")
    for wrong in (replace(share(), s=share().s + 1), replace(share(), s=share(2).s)):
        with pytest.raises(ShareDoesNotVerify):
            rehearse(election.state, election.checkpoint().decode(), wrong, key)
    with pytest.raises(OtherElection):
        rehearse(election.state, election.checkpoint().decode(), share(2), key)
    proof = parse_rehearsal(raw())
    for a, z in [
        (proof.a, proof.z + 1),
        (mpz(1), mpz(0)),
        (board().state.verification_keys[0], mpz(0)),
        (proof.z, proof.a),
    ]:
        assert not holds(replace(proof, a=a, z=z))


def test_values_out_of_range_are_refused() -> None:
    proof, N = parse_rehearsal(raw()), board().state.key.N
    order_multiple = proof.z + (mpz(1) << response_bits(N.bit_length()))
    for changes in ({"a": proof.a + N}, {"a": mpz(0)}, {"a": N}, {"z": order_multiple}):
        assert not holds(replace(proof, **changes))


def test_another_signature_is_refused() -> None:
    """Of another trustee; of the same one under another text; and as the signature of an entry of the board."""
    proof = parse_rehearsal(raw())
    key = signing_key("trustee 1")
    assert not rehearsal_signed(proof, public_key(signing_key("trustee 2")))
    assert not rehearsal_signed(replace(proof, signature=parse_rehearsal(raw(2)).signature), public_key(key))
    body = parse(raw(), MAX_BYTES)["rehearsal"]
    for kind in Type:
        if kind not in (Type.BALLOT_CAST, Type.BALLOT_OPENED):
            entry_signature = key.sign(signed_message(kind, statement_digest(kind, body))).signature
            assert not rehearsal_signed(replace(proof, signature=entry_signature), public_key(key))


def test_every_changed_part_of_the_file_is_refused() -> None:
    whole = parse(raw(), MAX_BYTES)
    for part in ("election", "key", "trustee", "a", "z"):
        other = parse(raw(2), MAX_BYTES)["rehearsal"][part]
        if other == whole["rehearsal"][part]:
            other = encode_bytes(b"o" * 32)
        file = serialise({**whole, "rehearsal": {**whole["rehearsal"], part: other}})
        assert not rehearsal_signed(parse_rehearsal(file), public_key(signing_key("trustee 1"))), part


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"{}",
        b"\xff\xd8\xff\xe0 JFIF",
        b'{"rehearsal":{},"signature":""}',
        b'{"rehearsal":[],"signature":7}',
        b" " * (MAX_BYTES + 1),
        b"[" * 5000,
    ],
)
def test_what_is_no_rehearsal_is_refused_in_one_way(file: bytes) -> None:
    with pytest.raises((NotCanonical, BadInteger)):
        parse_rehearsal(file)


@pytest.mark.parametrize("part", ["a", "z"])
@pytest.mark.parametrize("value", [None, 7, "", "A", "=", "A" * 3000, [], {}])
def test_numbers_of_any_shape(part: str, value: Any) -> None:
    """Refused, or a number for which the equation does not hold."""
    whole = parse(raw(), MAX_BYTES)
    file = serialise({**whole, "rehearsal": {**whole["rehearsal"], part: value}})
    try:
        proof = parse_rehearsal(file)
    except (NotCanonical, BadInteger):
        return
    assert not holds(proof)


# It opens nothing


def test_nothing_of_it_is_a_root_of_a_ciphertext() -> None:
    """The values in it are powers of v, whatever is on the board: no named ciphertext, nor its root, is among them."""
    election = board("mixed")
    key, state = signing_key("trustee 1"), election.state
    proof = parse_rehearsal(rehearse(state, election.checkpoint().decode(), share(election=election), key))
    s, N = share(election=election).s, state.key.N
    roots = [gmpy2.powmod(x, 12 * s, N) for x in counting.roots_statement(state)]
    assert proof.a not in roots and proof.z % N not in roots
    assert set(parse(raw(), MAX_BYTES)["rehearsal"]) == {"election", "key", "trustee", "checkpoint", "a", "z"}


def test_a_board_takes_it_for_nothing() -> None:
    """Signed by the right trustee, as partial roots and as a confirmation, at the right stage: replay refuses it."""
    election = at("mixed")
    election.replay.judge = Gate()
    key = signing_key("trustee 1")
    made = rehearse(election.state, election.checkpoint().decode(), share(election=election), key)
    body = parse(made, MAX_BYTES)["rehearsal"]
    before = len(election.entries)
    for kind in (Type.PARTIAL_ROOTS, Type.SHARE_CONFIRMED):
        with pytest.raises(CheckFailed):
            election.append(kind, body, ["trustee 1"])
    disguised = election.body(
        context=encode_bytes(counting.roots_context(election.state)),
        trustee=1,
        proof={
            "roots": {"digest": encode_bytes(bytes(32)), "rows": 0},
            "a_1": body["a"],
            "a_2": body["a"],
            "z": body["z"],
        },
    )
    with pytest.raises(CheckFailed):
        election.append(Type.PARTIAL_ROOTS, disguised, ["trustee 1"])
    assert len(election.entries) == before and not election.state.partial_roots


def test_its_proof_is_none_of_partial_roots_and_the_other_way_round() -> None:
    """Even over nothing at all the challenges differ: each proof has a transcript of its own."""
    state, N = board().state, board().state.key.N
    proof = parse_rehearsal(raw())
    empty = PartialRoots(1, [], proof.a, mpz(1), proof.z)
    assert not share_proven(board().election_id, N, 3, 2, state.verification_keys, [], empty)
    mixed = at("mixed")
    mixed.root(1)
    roots = mixed.state.partial_roots[1]
    assert not holds(replace(proof, a=roots.a_1, z=roots.z))


def test_of_another_election_it_is_refused() -> None:
    """The same people hold another election with another key."""
    other = Election(small_manifest(title="もう一つの選挙")).set_up()
    key = signing_key("trustee 1")
    made = parse_rehearsal(rehearse(other.state, other.checkpoint().decode(), share(election=other), key))
    assert holds(made, election=other)
    assert made.statement.election != board().election_id and not holds(made)
