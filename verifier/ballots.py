"""The proofs of ballots: everything about a ballot that depends on no other entry.

Cheap checks come first (signature, domains, challenges); what is left are N-th power equations, and those of all the
ballots at hand go into one batch (protocol, 3.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gmpy2 import mpz

from verifier.checks import authenticity, evidence, integrity
from verifier.checks.read import Skip, read
from verifier.crypto.ballot_proof import (
    BallotContext,
    knowledge_equation,
    membership_equations,
)
from verifier.crypto.equation import RootEquation
from verifier.crypto.paillier import PublicKey
from verifier.crypto.seed import SEED_BYTES
from verifier.record import entries
from verifier.record.entries import Answer, Entry, Type, modulus_bytes
from verifier.record.manifest import Contest, Kind, Manifest
from verifier.record.schema import octets
from verifier.report import Judge


@dataclass(frozen=True)
class Setting:
    """What the proofs of every ballot of an election refer to."""

    manifest: Manifest
    key: PublicKey
    base: mpz
    """B, the slot base of *choose one*"""


class Sealed(NamedTuple):
    """A cast or opened ballot entry whose place in the log was found to be right."""

    where: str
    entry: Entry


@dataclass
class _Batch:
    places: list[str] = field(default_factory=list)
    equations: list[RootEquation] = field(default_factory=list)

    def add(self, place: str, equations: Sequence[RootEquation]) -> None:
        self.places += [place] * len(equations)
        self.equations += equations


def listed_values(contest: Contest, base: mpz) -> tuple[mpz, ...]:
    """What one ciphertext may encrypt: B^j for *choose one*, 0 or 1 for *choose several*."""
    if contest.kind is Kind.CHOOSE_ONE:
        return tuple(base**j for j in range(contest.choices))
    return (mpz(0), mpz(1))


def statements(setting: Setting, contest: Contest, ciphertexts: Sequence[mpz]) -> list[tuple[mpz, tuple[mpz, ...]]]:
    """(ciphertext, listed values) of each membership proof of an answer, in order.

    The last one of *choose several* is about the product, which encrypts the number of marks.
    """
    values = listed_values(contest, setting.base)
    found = [(c, values) for c in ciphertexts]
    if contest.kind is Kind.CHOOSE_SEVERAL:
        product = mpz(1)
        for c in ciphertexts:
            product = product * c % setting.key.N2
        found.append((product, tuple(map(mpz, contest.limits))))
    return found


class _Examination:
    """One call of `examine`: the judge, and the batches that grow ballot by ballot."""

    def __init__(self, judge: Judge, setting: Setting) -> None:
        self.judge, self.setting = judge, setting
        self.valid, self.limits = _Batch(), _Batch()

    def ballot(self, where: str, entry: Entry) -> None:
        """Every check of one ballot but the batched equations."""
        self.judge.run(authenticity.ballot_signed, where, entry)
        opened = entry.type is Type.BALLOT_OPENED
        body = entry.body["ballot"] if opened else entry.body
        ballot = read(self.judge, where, entries.ballot_shape(self.setting.manifest), body, "ballot")
        credential = entry.signatures[0].key
        for answer in ballot.answers:
            contest = self.setting.manifest.contest(answer.contest)
            context = BallotContext(
                ballot.election, self.setting.key, contest.id, ballot.slot, ballot.sequence, credential
            )
            place = f"{where}, contest {contest.id}"
            if contest.homomorphic:
                self._membership(context, contest, answer, place)
            else:
                self._knowledge(context, answer, place)
            if opened:
                seed = read(self.judge, where, octets(SEED_BYTES), entry.body["seed"], "seed")
                values = listed_values(contest, self.setting.base)
                self.judge.run(
                    evidence.audited_opened, place, self.setting.key, contest, values, answer.ciphertexts, seed
                )

    def _membership(self, context: BallotContext, contest: Contest, answer: Answer, place: str) -> None:
        run, key = self.judge.run, self.setting.key
        width = modulus_bytes(self.setting.manifest)
        stated = statements(self.setting, contest, answer.ciphertexts)
        for position, ((c, values), wire) in enumerate(zip(stated, answer.proofs, strict=True)):
            proof = read(self.judge, place, entries.membership_shape(width, len(values)), wire, f"proof {position}")
            sound = (
                run(integrity.commitment_domain, place, key, proof.a),
                run(integrity.challenge_domain, place, proof.e),
                run(integrity.response_domain, place, key, proof.z),
                run(evidence.challenge_recomputed, place, context, position, values, c, proof),
            )
            if not all(sound):
                continue
            batch = self.limits if position == len(answer.ciphertexts) else self.valid
            batch.add(place, membership_equations(key, values, c, proof))

    def _knowledge(self, context: BallotContext, answer: Answer, place: str) -> None:
        run, key = self.judge.run, self.setting.key
        width = modulus_bytes(self.setting.manifest)
        for position, (c, wire) in enumerate(zip(answer.ciphertexts, answer.proofs, strict=True)):
            proof = read(self.judge, place, entries.knowledge_shape(width), wire, f"proof {position}")
            sound = (
                run(integrity.commitment_domain, place, key, [proof.a]),
                run(integrity.response_domain, place, key, [proof.z_r], [proof.z_m]),
            )
            if all(sound):
                self.valid.add(place, [knowledge_equation(context, position, c, proof)])


def examine(judge: Judge, setting: Setting, ballots: Iterable[Sealed]) -> None:
    """Run every check of ballot proofs on these ballots; those of one call share their batches."""
    examination = _Examination(judge, setting)
    for where, entry in ballots:
        try:
            examination.ballot(where, entry)
        except Skip:
            continue
    valid, limits = examination.valid, examination.limits
    judge.run_batch(evidence.ballot_valid, valid.places, setting.key, valid.equations)
    judge.run_batch(evidence.limit_proven, limits.places, setting.key, limits.equations)
