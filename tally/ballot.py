"""The ballot prover: what a voter's device computes (protocol, section 3). The plaintext never leaves it.

Costs, in multiplications mod N² at |N| = 2048: a ciphertext 136, a branch of a membership proof about 240.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import gmpy2
from gmpy2 import mpz

from tally.fixed_base import FixedBase, powers
from verifier.ballots import Setting, listed_values, statements
from verifier.crypto import seed as ballot_seed
from verifier.crypto.ballot_proof import (
    BallotContext,
    KnowledgeProof,
    MembershipProof,
    knowledge_challenge,
    membership_challenge,
)
from verifier.crypto.paillier import PublicKey
from verifier.crypto.transcript import CHALLENGE_BITS
from verifier.record.answers import encode_answer
from verifier.record.canonical import encode_bytes, encode_integer
from verifier.record.entries import CHALLENGE_WIDTH, modulus_bytes
from verifier.record.manifest import BLANK, Contest, Kind, Style

Choice = str | tuple[str, ...]
"""An option id or "blank"; for several marks or a ranking a tuple of ids; for a write-in the text."""


class Randomness:
    """h_N^α with its N-th power, from two fixed-base tables that are built once per key (protocol, 3.4)."""

    def __init__(self, key: PublicKey) -> None:
        self.key = key
        bits = ballot_seed.exponent_bits(key)
        self._bits = bits
        self._root = FixedBase(key.h, key.N, bits)
        self._power = FixedBase(gmpy2.powmod(key.h, key.N, key.N2), key.N2, bits)

    def fresh(self) -> mpz:
        """A fresh short exponent α."""
        return mpz(secrets.randbits(self._bits))

    def root(self, alpha: mpz) -> mpz:
        """h_N^α mod N."""
        return self._root.pow(alpha)

    def power(self, alpha: mpz) -> mpz:
        """(h_N^α)^N mod N²."""
        return self._power.pow(alpha)


def prove_membership(
    randomness: Randomness,
    context: BallotContext,
    position: int,
    values: Sequence[mpz],
    true: int,
    c: mpz,
    r: mpz,
) -> MembershipProof:
    """`c` = E(values[true]; r) encrypts one of `values` (protocol, 3.1).

    s and every simulated z_j are powers of h_N, like r: otherwise the fake branches show (protocol, 3.4).
    """
    key = context.key
    a, e, z = [], [], []
    alpha = randomness.fresh()
    simulated = {
        j: (mpz(secrets.randbits(CHALLENGE_BITS)), randomness.fresh()) for j in range(len(values)) if j != true
    }
    inverses = iter(powers(gmpy2.invert(c, key.N2), [e_j for e_j, _ in simulated.values()], key.N2))  # c^{−e_j}
    for j, m in enumerate(values):
        if j == true:
            a_j, e_j, z_j = randomness.power(alpha), mpz(0), mpz(0)
        else:
            e_j, beta = simulated[j]
            z_j = randomness.root(beta)
            c_j = next(inverses) * (1 + m * e_j % key.N * key.N)  # c_j^{−e_j}
            a_j = randomness.power(beta) * c_j % key.N2
        a.append(a_j)
        e.append(e_j)
        z.append(z_j)
    challenge = membership_challenge(context, position, values, c, a)
    e[true] = (challenge - sum(e)) % (1 << CHALLENGE_BITS)
    z[true] = randomness.root(alpha) * gmpy2.powmod(r, e[true], key.N) % key.N
    return MembershipProof(tuple(a), tuple(e), tuple(z))


def prove_knowledge(
    randomness: Randomness, context: BallotContext, position: int, m: mpz, c: mpz, r: mpz
) -> KnowledgeProof:
    """The plaintext m of `c` = E(m; r) is known (protocol, 3.2)."""
    key = context.key
    u, alpha = mpz(secrets.randbelow(int(key.N))), randomness.fresh()
    a = (1 + u * key.N) * randomness.power(alpha) % key.N2
    e = knowledge_challenge(context, position, c, a)
    return KnowledgeProof(
        a,
        (u + e * m) % key.N,
        randomness.root(alpha) * gmpy2.powmod(r, e, key.N) % key.N,
    )


class BallotMaker:
    """Makes ballots of one election; the tables are shared by all of them."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.randomness = Randomness(setting.key)
        self.width = modulus_bytes(setting.manifest)

    def make(
        self,
        style: Style,
        slot: str,
        sequence: int,
        credential: bytes,
        choices: Mapping[str, Choice],
        seed: bytes,
    ) -> dict[str, Any]:
        """The unsigned ballot, in wire form, for a choice in each contest of the style.

        `seed` is fresh for each ballot (32 bytes). Raises ValueError for a choice that the contest does not allow.
        """
        manifest = self.setting.manifest
        if len(seed) != ballot_seed.SEED_BYTES:
            raise ValueError(f"a ballot seed has {ballot_seed.SEED_BYTES} bytes")
        if missing := [contest.id for contest in manifest.contests_of(style) if contest.id not in choices]:
            raise ValueError(f"contest {missing[0]}: there is no answer")
        answers = []
        for contest in manifest.contests_of(style):
            context = BallotContext(manifest.election, self.setting.key, contest.id, slot, sequence, credential)
            answers.append(self._answer(context, contest, choices[contest.id], seed))
        return {
            "election": encode_bytes(manifest.election),
            "style": style.id,
            "slot": slot,
            "sequence": sequence,
            "answers": answers,
        }

    def _answer(self, context: BallotContext, contest: Contest, choice: Choice, seed: bytes) -> dict[str, Any]:
        key, width = self.setting.key, self.width
        plaintexts = plaintexts_of(self.setting, contest, choice)
        alphas = [ballot_seed.exponent(key, seed, contest.id, at) for at in range(len(plaintexts))]
        roots = [self.randomness.root(alpha) for alpha in alphas]
        ciphertexts = [
            (1 + m * key.N) * self.randomness.power(alpha) % key.N2 for m, alpha in zip(plaintexts, alphas, strict=True)
        ]
        if contest.homomorphic:
            proofs = self._membership_proofs(context, contest, plaintexts, ciphertexts, roots)
        else:
            proofs = [
                knowledge_record(prove_knowledge(self.randomness, context, at, m, c, r), width)
                for at, (m, c, r) in enumerate(zip(plaintexts, ciphertexts, roots, strict=True))
            ]
        wire = [encode_integer(c, 2 * width) for c in ciphertexts]
        return {"contest": contest.id, "ciphertexts": wire, "proofs": proofs}

    def _membership_proofs(
        self,
        context: BallotContext,
        contest: Contest,
        plaintexts: Sequence[mpz],
        ciphertexts: Sequence[mpz],
        roots: Sequence[mpz],
    ) -> list[dict[str, Any]]:
        proofs = []
        total_root = mpz(1)
        for r in roots:
            total_root = total_root * r % context.key.N
        secrets_of = [*zip(plaintexts, roots, strict=True), (sum(plaintexts, mpz(0)), total_root)]
        for at, (c, values) in enumerate(statements(self.setting, contest, ciphertexts)):
            m, r = secrets_of[at]
            proof = prove_membership(self.randomness, context, at, values, values.index(m), c, r)
            proofs.append(membership_record(proof, self.width))
        return proofs


def plaintexts_of(setting: Setting, contest: Contest, choice: Choice) -> list[mpz]:
    """What the ciphertexts of an answer encrypt. Raises ValueError for a choice that is not allowed."""
    if not contest.homomorphic:
        return encode_answer(contest, setting.manifest.modulus_bits, choice)
    ids = [option.id for option in contest.options]
    if contest.kind is Kind.CHOOSE_ONE:
        allowed = [*ids, BLANK] if contest.blank else ids
        if choice not in allowed:
            raise ValueError(f"contest {contest.id}: this option is not on the list")
        return [listed_values(contest, setting.base)[allowed.index(str(choice))]]
    marks = set(choice) if isinstance(choice, tuple) else {choice}
    if len(marks) != len(choice if isinstance(choice, tuple) else (choice,)):
        raise ValueError(f"contest {contest.id}: the same mark twice")
    if not marks <= set(ids) or len(marks) not in contest.limits:
        raise ValueError(f"contest {contest.id}: these marks are not allowed")
    return [mpz(option_id in marks) for option_id in ids]


def membership_record(proof: MembershipProof, width: int) -> dict[str, Any]:
    """The wire form of a membership proof."""
    return {
        "a": [encode_integer(a, 2 * width) for a in proof.a],
        "e": [encode_integer(e, CHALLENGE_WIDTH) for e in proof.e],
        "z": [encode_integer(z, width) for z in proof.z],
    }


def knowledge_record(proof: KnowledgeProof, width: int) -> dict[str, Any]:
    """The wire form of a proof of plaintext knowledge."""
    return {
        "a": encode_integer(proof.a, 2 * width),
        "z_m": encode_integer(proof.z_m, width),
        "z_r": encode_integer(proof.z_r, width),
    }
