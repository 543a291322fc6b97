"""Ballot proofs: complete for every honest voter, and the forgeries of protocol section 9 with and without their guard.

A forgery that passes when its guard is patched out shows that the guard matters; nothing else would stop it.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

import gmpy2
import pytest
from gmpy2 import mpz
from hypothesis import given, settings
from hypothesis import strategies as st

from tally.ballot import Randomness, prove_knowledge, prove_membership
from tests.keys import secret_key
from verifier.checks import integrity
from verifier.crypto.ballot_proof import (
    BallotContext,
    MembershipProof,
    knowledge_equation,
    membership_challenge,
    membership_challenge_holds,
    membership_equations,
)
from verifier.crypto.equation import failures
from verifier.errors import CheckFailed
from verifier.report import Gate

SECRET = secret_key()
KEY = SECRET.public
N = KEY.N
RANDOMNESS = Randomness(KEY)
CONTEXT = BallotContext(b"e" * 32, KEY, "mayor", "slot-1", 1, b"k" * 32)
VALUES = tuple(mpz(2) ** (7 * j) for j in range(5))


def sealed(m: mpz) -> tuple[mpz, mpz]:
    """(c, r) with c = E(m; r)."""
    alpha = RANDOMNESS.fresh()
    return (1 + m * N) * RANDOMNESS.power(alpha) % KEY.N2, RANDOMNESS.root(alpha)


def accepts(c: mpz, proof: MembershipProof, context: BallotContext = CONTEXT, values: tuple[mpz, ...] = VALUES) -> bool:
    """What replay does with a membership proof: domains, challenge, equations."""
    gate = Gate()
    try:
        gate.run(integrity.ciphertext_domain, "", KEY, [c])
        gate.run(integrity.commitment_domain, "", KEY, proof.a)
        gate.run(integrity.challenge_domain, "", proof.e)
        gate.run(integrity.response_domain, "", KEY, proof.z)
    except CheckFailed:
        return False
    if not membership_challenge_holds(context, 0, values, c, proof):
        return False
    return not failures(KEY, membership_equations(KEY, values, c, proof))


def without(monkeypatch: pytest.MonkeyPatch, *guards: object) -> None:
    for guard in guards:
        monkeypatch.setattr(guard, "function", lambda *_: None)


@pytest.mark.parametrize("choice", range(5))
def test_an_honest_proof_is_accepted_for_every_choice(choice: int) -> None:
    c, r = sealed(VALUES[choice])
    assert accepts(c, prove_membership(RANDOMNESS, CONTEXT, 0, VALUES, choice, c, r))


def test_a_single_listed_value_needs_a_proof_of_one_branch() -> None:
    c, r = sealed(mpz(1))
    proof = prove_membership(RANDOMNESS, CONTEXT, 0, (mpz(1),), 0, c, r)
    assert accepts(c, proof, values=(mpz(1),))
    assert not accepts(c, proof, values=(mpz(2),))


def test_no_proof_of_a_value_that_is_not_listed() -> None:
    c, r = sealed(mpz(1000))
    assert not accepts(c, prove_membership(RANDOMNESS, CONTEXT, 0, VALUES, 2, c, r))


@pytest.mark.parametrize("part", ["a", "e", "z"])
@pytest.mark.parametrize("branch", [0, 3])
def test_every_part_of_a_proof_matters(part: str, branch: int) -> None:
    c, r = sealed(VALUES[3])
    proof = prove_membership(RANDOMNESS, CONTEXT, 0, VALUES, 3, c, r)
    values = list(getattr(proof, part))
    values[branch] = values[branch] + 1
    assert not accepts(c, replace(proof, **{part: tuple(values)}))


@pytest.mark.parametrize(
    "other",
    [
        {"election": b"f" * 32},
        {"contest": "council"},
        {"slot": "slot-2"},
        {"sequence": 2},
        {"credential": b"l" * 32},
        {"key": secret_key(640).public},
    ],
)
def test_the_challenge_binds_the_whole_statement(other: dict[str, object]) -> None:
    """F-02: leave one of these out of the hash and a proof could be carried elsewhere."""
    c, r = sealed(VALUES[0])
    proof = prove_membership(RANDOMNESS, CONTEXT, 0, VALUES, 0, c, r)
    elsewhere = replace(CONTEXT, **other)  # type: ignore[arg-type]
    assert not membership_challenge_holds(elsewhere, 0, VALUES, c, proof)
    assert not membership_challenge_holds(CONTEXT, 1, VALUES, c, proof)
    assert not membership_challenge_holds(CONTEXT, 0, VALUES[::-1], c, proof)
    assert not membership_challenge_holds(CONTEXT, 0, VALUES, KEY.N2 - c, proof)


def test_forgery_challenge_outside_its_range_makes_a_ballot_of_a_thousand_votes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """e_0 = 0 mod N makes c_0^{e_0} an N-th power whatever c holds; no secret is needed."""
    c, _ = sealed(mpz(1000))
    values = (mpz(0), mpz(1))
    s, e_1, z_1 = mpz(7), mpz(secrets.randbits(128)), mpz(11)
    c_1 = c * (1 - N) % KEY.N2
    a = (
        gmpy2.powmod(s, N, KEY.N2),
        gmpy2.powmod(z_1, N, KEY.N2) * gmpy2.powmod(c_1, -e_1, KEY.N2) % KEY.N2,
    )
    wanted = (membership_challenge(CONTEXT, 0, values, c, a) - e_1) % 2**128
    t = wanted * gmpy2.invert(N, mpz(2) ** 128) % 2**128
    e_0 = N * t
    z_0 = s * gmpy2.powmod(c, t, N) % N
    forged = MembershipProof(a, (e_0, e_1), (z_0, z_1))
    assert SECRET.decrypt(c) == 1000
    assert not accepts(c, forged, values=values)
    without(monkeypatch, integrity.challenge_domain)
    assert accepts(c, forged, values=values)


@pytest.mark.parametrize("c", [mpz(0), N, 5 * N])
def test_forgery_zero_and_multiples_of_N_with_a_proof_of_zeros(c: mpz, monkeypatch: pytest.MonkeyPatch) -> None:
    a = (mpz(0), mpz(0))
    e = membership_challenge(CONTEXT, 0, VALUES[:2], c, a)
    forged = MembershipProof(a, (e, mpz(0)), (mpz(0), mpz(0)))
    if c:
        forged = replace(forged, a=a, z=(mpz(0), mpz(0)))
    assert not accepts(c, forged, values=VALUES[:2])
    without(monkeypatch, integrity.ciphertext_domain, integrity.commitment_domain, integrity.response_domain)
    assert accepts(c, forged, values=VALUES[:2])


@pytest.mark.parametrize("guard", [integrity.ciphertext_domain, integrity.commitment_domain, integrity.response_domain])
def test_each_domain_guard_rejects_by_itself(guard: object, monkeypatch: pytest.MonkeyPatch) -> None:
    guards = {integrity.ciphertext_domain, integrity.commitment_domain, integrity.response_domain}
    without(monkeypatch, *(guards - {guard}))
    zeros = MembershipProof((mpz(0), mpz(0)), (mpz(0), mpz(0)), (mpz(0), mpz(0)))
    e = membership_challenge(CONTEXT, 0, VALUES[:2], mpz(0), zeros.a)
    assert not accepts(mpz(0), replace(zeros, e=(e, mpz(0))), values=VALUES[:2])


def test_the_challenge_alone_makes_a_simulated_proof_worthless() -> None:
    """F-01: every branch simulated, which is possible for anyone; only the hash tells."""
    c, _ = sealed(mpz(1000))
    a, e, z = [], [], []
    for m in VALUES:
        e_j, z_j = mpz(secrets.randbits(128)), mpz(secrets.randbelow(int(N)))
        c_j = c * (1 - m * N) % KEY.N2
        a.append(gmpy2.powmod(z_j, N, KEY.N2) * gmpy2.powmod(c_j, -e_j, KEY.N2) % KEY.N2)
        e.append(e_j)
        z.append(z_j)
    simulated = MembershipProof(tuple(a), tuple(e), tuple(z))
    assert failures(KEY, membership_equations(KEY, VALUES, c, simulated)) == []
    assert not accepts(c, simulated)


def test_no_branch_is_marked_by_its_symbol() -> None:
    """Protocol 3.4: uniform z_j beside r = h^α would mark the fake branches in a quarter of the votes."""
    symbols = set()
    for choice in range(5):
        c, r = sealed(VALUES[choice])
        proof = prove_membership(RANDOMNESS, CONTEXT, 0, VALUES, choice, c, r)
        symbols |= {gmpy2.jacobi(value, N) for value in (*proof.z, *(a % N for a in proof.a), c % N)}
        assert all(gmpy2.jacobi(z, SECRET.P) == 1 for z in proof.z)
    assert symbols == {1}


@given(st.integers(0, 2**200))
@settings(max_examples=15)
def test_an_honest_proof_of_knowledge_is_accepted(m: int) -> None:
    c, r = sealed(mpz(m))
    proof = prove_knowledge(RANDOMNESS, CONTEXT, 0, mpz(m), c, r)
    assert failures(KEY, [knowledge_equation(CONTEXT, 0, c, proof)]) == []


def test_a_copied_or_mauled_ciphertext_has_no_proof_of_knowledge() -> None:
    """Without the proof a copied ballot would break ballot secrecy (Cortier, Smyth 2011)."""
    c, r = sealed(mpz(42))
    proof = prove_knowledge(RANDOMNESS, CONTEXT, 0, mpz(42), c, r)
    thief = replace(CONTEXT, slot="slot-2", credential=b"t" * 32)
    assert failures(KEY, [knowledge_equation(thief, 0, c, proof)]) == [0]
    mauled = c * (1 + N) % KEY.N2
    assert failures(KEY, [knowledge_equation(CONTEXT, 0, mauled, proof)]) == [0]
