"""The two proofs that a ballot carries: membership (protocol, 3.1) and plaintext knowledge (3.2).

Both are Fiat–Shamir proofs whose challenge covers the whole statement. What is left to check after the
challenge are equations of the shape of `RootEquation`, so that thousands of ballots go into one batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gmpy2 import mpz

from verifier.crypto.equation import RootEquation
from verifier.crypto.paillier import PublicKey
from verifier.crypto.transcript import CHALLENGE_BITS, Transcript


@dataclass(frozen=True)
class BallotContext:
    """What binds a proof to one place in one ballot of one voter."""

    election: bytes
    key: PublicKey
    contest: str
    slot: str
    sequence: int
    credential: bytes

    def transcript(self, kind: str, position: int) -> Transcript:
        """`position` counts the proofs of one answer from 0."""
        transcript = Transcript(kind, self.election)
        transcript.absorb(self.key.N, self.contest, position, self.slot, self.sequence, self.credential)
        return transcript


@dataclass(frozen=True)
class MembershipProof:
    """`c` encrypts one of the listed m_0 … m_{L−1} (Cramer–Damgård–Schoenmakers; Damgård–Jurik 2001)."""

    a: tuple[mpz, ...]
    """a_j, units mod N²"""
    e: tuple[mpz, ...]
    """e_j in [0, 2^λ), their sum mod 2^λ is the challenge"""
    z: tuple[mpz, ...]
    """z_j, units mod N"""


@dataclass(frozen=True)
class KnowledgeProof:
    """The voter knows the plaintext of `c`."""

    a: mpz
    """a = E(u; s), a unit mod N²"""
    z_m: mpz
    """z_m = u + e·m mod N, in [0, N)"""
    z_r: mpz
    """z_r = s·r^e mod N, a unit mod N"""


def membership_challenge(context: BallotContext, position: int, values: Sequence[int], c: mpz, a: Sequence[mpz]) -> mpz:
    """e = H(statement, a_0 … a_{L−1}) in [0, 2^λ)."""
    transcript = context.transcript("membership", position)
    transcript.absorb(list(values), c, list(a))
    return transcript.challenge("e")


def membership_challenge_holds(
    context: BallotContext, position: int, values: Sequence[int], c: mpz, proof: MembershipProof
) -> bool:
    """Σ e_j = e mod 2^λ."""
    e = membership_challenge(context, position, values, c, proof.a)
    return bool((sum(proof.e) - e) % (1 << CHALLENGE_BITS) == 0)


def membership_equations(key: PublicKey, values: Sequence[int], c: mpz, proof: MembershipProof) -> list[RootEquation]:
    """z_j^N = a_j · c_j^{e_j} with c_j = c·(1 − m_j·N): one equation for each listed value."""
    return [
        RootEquation(a, c, e, -m * e % key.N, z) for m, a, e, z in zip(values, proof.a, proof.e, proof.z, strict=True)
    ]


def knowledge_challenge(context: BallotContext, position: int, c: mpz, a: mpz) -> mpz:
    """e = H(statement, a) in [0, 2^λ)."""
    transcript = context.transcript("plaintext knowledge", position)
    transcript.absorb(c, a)
    return transcript.challenge("e")


def knowledge_equation(context: BallotContext, position: int, c: mpz, proof: KnowledgeProof) -> RootEquation:
    """E(z_m; z_r) = a·c^e, that is z_r^N = a · c^e · (1 − z_m·N)."""
    e = knowledge_challenge(context, position, c, proof.a)
    return RootEquation(proof.a, c, e, -proof.z_m % context.key.N, proof.z_r)
