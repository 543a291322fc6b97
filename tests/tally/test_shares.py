"""Shares on their way to the trustees: only the right trustee of the right election and key can use one."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache
from typing import Any

import gmpy2
import pytest
from gmpy2 import mpz

from tally.errors import DamagedFile, OtherElection, ShareDoesNotVerify, TallyError, WrongPassphrase
from tally.sealed import seal, seal_for
from tally.shares import Share, require_share_of, unseal_share
from tally.signing import public_key
from tests.election import BITS, Election, signing_key, small_manifest
from tests.forge import at
from tests.keys import safe_primes
from verifier.crypto.threshold import verification_base
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type
from verifier.replay.state import State

PASSPHRASE = "a long passphrase"


@cache
def board() -> Election:
    """Tests only read it."""
    return at("set up")


def state() -> State:
    return board().state


def share(trustee: int = 1) -> Share:
    return Share(board().election_id, state().key_hash, trustee, board().dealt.shares[trustee - 1])


def key(trustee: int = 1) -> Any:
    return signing_key(f"trustee {trustee}")


def public(trustee: int = 1) -> bytes:
    return public_key(key(trustee))


def told(passphrase: str = PASSPHRASE) -> Any:
    return lambda name: passphrase


@pytest.mark.parametrize("trustee", [1, 2, 3])
def test_a_share_comes_back_from_its_file(trustee: int) -> None:
    mine = share(trustee)
    assert unseal_share(mine.seal(PASSPHRASE), "share.json", told()) == mine
    assert unseal_share(mine.seal_for(public(trustee)), "share.json", told(""), key(trustee)) == mine
    require_share_of(state(), mine, public(trustee))


@pytest.mark.parametrize("s", [mpz(1), mpz(255), mpz(256), mpz(2) ** 511])
def test_a_share_of_any_length_comes_back(s: mpz) -> None:
    mine = replace(share(), s=s)
    assert unseal_share(mine.seal(PASSPHRASE), "share.json", told()).s == s


def test_the_file_says_in_clear_what_it_belongs_to() -> None:
    raw = share(2).seal(PASSPHRASE)
    assert encode_bytes(board().election_id).encode() in raw and encode_bytes(state().key_hash).encode() in raw
    assert b'"trustee":2' in raw and str(share(2).s).encode() not in raw


def test_the_share_is_not_in_its_repr() -> None:
    assert str(share().s) not in repr(share()) and "trustee=1" in repr(share())


def refusal(changed: Share, against: State | None = None, by: bytes | None = None) -> str:
    """The one sentence, and no digit of the secret."""
    with pytest.raises(TallyError) as refused:
        require_share_of(against or state(), changed, by or public())
    text = f"{type(refused.value).__name__}: {refused.value}"
    assert "\n" not in text and str(changed.s) not in text
    return text


def test_a_share_of_another_election_is_refused() -> None:
    assert refusal(replace(share(), election=b"o" * 32)) == "OtherElection: the share is of another election"
    other = Election(small_manifest(title="もう一つの選挙")).set_up()
    assert refusal(share(), other.state) == "OtherElection: the share is of another election"


def test_a_share_of_another_key_is_refused() -> None:
    said = refusal(replace(share(), key_hash=b"o" * 32))
    assert said == "OtherElection: the share is of another key than the one on the board"


@pytest.mark.parametrize("trustee", [2, 3, 4, 20])
def test_a_share_of_another_trustee_is_refused(trustee: int) -> None:
    """Also one whose number nobody has."""
    said = refusal(replace(share(), trustee=trustee))
    assert said == f"OtherElection: the share is that of trustee {trustee}, who has another signing key"


def test_a_share_with_another_signing_key_is_refused() -> None:
    for other in (public(2), public_key(signing_key("official 1"))):
        assert "trustee 1, who has another signing key" in refusal(share(), by=other)


@pytest.mark.parametrize("off", [1, -1, 2**300])
def test_a_share_that_does_not_fit_the_verification_key_is_refused(off: int) -> None:
    said = refusal(replace(share(), s=share().s + off))
    assert said == "ShareDoesNotVerify: the share of trustee 1 does not fit the verification key on the board"


def test_the_secret_of_another_trustee_is_refused() -> None:
    """A dealer who mixes up two files."""
    assert refusal(replace(share(), s=share(2).s)).startswith("ShareDoesNotVerify")


def test_a_share_beyond_its_range_is_refused() -> None:
    """With a multiple of the order added it fits the verification key, but z of its proofs would leave the range."""
    P, Q = safe_primes(BITS // 2)
    order = (P - 1) // 2 * ((Q - 1) // 2)
    huge = replace(share(), s=share().s + order * (mpz(1) << 140))
    N = state().key.N
    assert gmpy2.powmod(verification_base(N), huge.s, N) == state().verification_keys[0]
    assert refusal(huge).startswith("ShareDoesNotVerify")


def test_an_empty_share_is_refused() -> None:
    """s = 0 is what a file without a secret says."""
    empty = unseal_share(replace(share(), s=mpz(0)).seal(PASSPHRASE), "share.json", told())
    assert empty.s == 0
    with pytest.raises(ShareDoesNotVerify):
        require_share_of(state(), empty, public())


def test_before_there_is_a_key_no_share_fits() -> None:
    election = Election()
    assert refusal(share(), election.state) == "OtherElection: the board has no election key yet"
    election.append(Type.MANIFEST, election.manifest)
    assert refusal(share(), election.state) == "OtherElection: the board has no election key yet"


def test_the_wrong_passphrase_is_told_from_damage() -> None:
    raw = share().seal(PASSPHRASE)
    with pytest.raises(WrongPassphrase, match=r"^share\.json: the passphrase is wrong$"):
        unseal_share(raw, "share.json", told("another passphrase"))
    with pytest.raises(DamagedFile, match=r"^share\.json: "):
        unseal_share(raw[:-20], "share.json", told())


def test_a_share_for_somebody_elses_key_is_refused() -> None:
    raw = share(2).seal_for(public(2))
    with pytest.raises(OtherElection, match=r"^share\.json: sealed for another key$"):
        unseal_share(raw, "share.json", told(), key(1))
    with pytest.raises(OtherElection, match=r"^share\.json: sealed for another key$"):
        unseal_share(raw, "share.json", told())


@pytest.mark.parametrize("locked_by", ["passphrase", "key"])
def test_every_flipped_byte_of_a_share_file_is_found(locked_by: str) -> None:
    raw = share().seal(PASSPHRASE) if locked_by == "passphrase" else share().seal_for(public())
    for place in range(len(raw)):
        for flip in (1, 32, 128):
            damaged = raw[:place] + bytes([raw[place] ^ flip]) + raw[place + 1 :]
            with pytest.raises(DamagedFile, match=r"^share\.json: ") as refused:
                unseal_share(damaged, "share.json", told(), key())
            assert str(share().s) not in str(refused.value)


ABOUT = {"election": encode_bytes(b"e" * 32), "key": encode_bytes(b"k" * 32), "trustee": 1}


@pytest.mark.parametrize(
    "about",
    [
        {**ABOUT, "trustee": 0},
        {**ABOUT, "trustee": 21},
        {**ABOUT, "trustee": "1"},
        {**ABOUT, "trustee": True},
        {**ABOUT, "election": encode_bytes(b"e" * 31)},
        {**ABOUT, "key": None},
        {**ABOUT, "more": 1},
        {"election": ABOUT["election"], "key": ABOUT["key"]},
        [],
        None,
    ],
)
def test_a_share_file_of_another_shape_is_damaged(about: Any) -> None:
    """Sealed properly, by a dealer's program that is wrong."""
    for raw in (seal("key share", about, b"s", PASSPHRASE), seal_for("key share", about, b"s", public())):
        with pytest.raises(DamagedFile, match=r"^share\.json"):
            unseal_share(raw, "share.json", told(), key())


def test_a_signing_key_file_is_no_share() -> None:
    raw = seal("signing key", copy.deepcopy(ABOUT), b"s", PASSPHRASE)
    with pytest.raises(DamagedFile, match=r"^share\.json: not a key share file"):
        unseal_share(raw, "share.json", told())
