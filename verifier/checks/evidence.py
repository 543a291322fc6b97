"""V5: the proofs hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gmpy2 import mpz

from verifier.checks import check, reject
from verifier.crypto import certificate, equation, group, seed, shuffle, threshold
from verifier.crypto.ballot_proof import (
    BallotContext,
    MembershipProof,
    membership_challenge_holds,
)
from verifier.crypto.equation import RootEquation
from verifier.crypto.multiexp import Parallel, cut
from verifier.crypto.paillier import PublicKey
from verifier.record.answers import Undecodable, decode_answer
from verifier.record.canonical import serialise
from verifier.record.manifest import Contest


@check("V5.1")
def key_plausible(N: mpz, bits: int) -> None:
    """N has exactly the declared size, is odd, composite, no perfect power, and has no factor below 2^16."""
    if problem := certificate.key_problem(N, bits):
        reject(problem)


@check("V5.2")
def key_proven(N: mpz, election: bytes, proof: certificate.Certificate) -> None:
    """The certificate shows gcd(N, φ(N)) = 1, two prime factors, and both large."""
    if not certificate.nth_roots_hold(N, proof):
        reject("the N-th roots do not hold: a ciphertext could have two openings")
    if not certificate.square_roots_hold(N, proof):
        reject("the square roots do not hold: N may have more than two prime factors")
    if not certificate.factors_large_hold(N, election, proof):
        reject("the proof that both factors are large does not hold")


@check("V5.3")
def verification_keys_proven(N: mpz, n: int, t: int, keys: Sequence[mpz]) -> None:
    """v and v_1 … v_n lie on one polynomial of degree t − 1 whose value at 0 is the decryption exponent."""
    if not threshold.verification_keys_hold(N, n, t, keys):
        reject("the verification keys do not fit together")


@check("V5.4")
def generators_derived(stated: str) -> None:
    """p, q and h are computed again from the public seed, g_1 … g_K compared with it; none is 1, all are distinct."""
    if stated != group.SEED:
        reject(f"the generators come from another seed, {stated!r}")
    if problem := group.derivation_problem():
        reject(problem)


@check("V5.5")
def ballot_valid(key: PublicKey, equations: Sequence[RootEquation]) -> dict[int, str]:
    """Each ciphertext holds one listed value, or a plaintext that its voter knows: the failures by position."""
    return dict.fromkeys(equation.failures(key, equations), "the proof does not hold")


@check("V5.6")
def challenge_recomputed(
    context: BallotContext, position: int, values: Sequence[mpz], c: mpz, proof: MembershipProof
) -> None:
    """Σ e_j equals the recomputed transcript hash mod 2^128."""
    if not membership_challenge_holds(context, position, values, c, proof):
        reject(f"proof {position}: the challenges do not add up to the hash of the statement")


@check("V5.7")
def limit_proven(key: PublicKey, equations: Sequence[RootEquation]) -> dict[int, str]:
    """The number of marks is one of those allowed: the failures by position."""
    return dict.fromkeys(equation.failures(key, equations), "the proof of the number of marks does not hold")


@check("V5.9")
def shuffle_product(proof: shuffle.Proof, challenges: shuffle.Challenges) -> None:
    """The committed values are a permutation of the challenges."""
    if not shuffle.product_holds(proof, challenges):
        reject("the product argument does not hold: not a permutation")


@check("V5.10")
def shuffle_openings(statement: shuffle.Statement, proof: shuffle.Proof, challenges: shuffle.Challenges) -> None:
    """The openings of the commitments hold."""
    if not shuffle.openings_hold(statement, proof, challenges):
        reject("a commitment is not opened by the responses")


@check("V5.11")
def shuffle_ciphertexts(
    statement: shuffle.Statement, proof: shuffle.Proof, challenges: shuffle.Challenges, workers: Parallel
) -> None:
    """The outputs are re-encryptions of the inputs under the committed permutation."""
    if not shuffle.ciphertexts_hold(statement, proof, challenges, workers):
        reject("the outputs are not the inputs re-encrypted")


@check("V5.12")
def tally_recomputed(stated: Sequence[Sequence[mpz]], products: Sequence[Sequence[mpz]]) -> None:
    """The verifier's own products equal the frozen ones."""
    for number, (mine, theirs) in enumerate(zip(products, stated, strict=True)):
        if list(mine) != list(theirs):
            reject(f"the product of group {number} is not that of its ballots")


@check("V5.13")
def opening_holds(
    key: PublicKey, ciphertexts: Sequence[mpz], plaintexts: Sequence[mpz], roots: Sequence[mpz], workers: Parallel
) -> dict[int, str]:
    """E(m; r) = c for every published opening, 0 ≤ m < N: the failures by position."""
    cuts = cut(len(ciphertexts), workers.jobs)
    parts = [(key, ciphertexts[part], plaintexts[part], roots[part]) for part in cuts]
    found = zip(cuts, workers.map(wrong_openings, parts), strict=True)
    return {part.start + at: "the opening does not fit the ciphertext" for part, wrong in found for at in wrong}


def wrong_openings(part: tuple[PublicKey, Sequence[mpz], Sequence[mpz], Sequence[mpz]]) -> list[int]:
    """The positions in (key, ciphertexts, plaintexts, roots) that do not hold."""
    key, ciphertexts, plaintexts, roots = part
    equations = [
        RootEquation(c, mpz(1), mpz(0), -m % key.N, r) for c, m, r in zip(ciphertexts, plaintexts, roots, strict=True)
    ]
    return equation.failures(key, equations)


@check("V5.14")
def share_proven(
    election: bytes, N: mpz, n: int, t: int, keys: Sequence[mpz], xs: Sequence[mpz], proof: threshold.PartialRoots
) -> None:
    """The trustee used the share behind its verification key on every element."""
    if not threshold.share_proven(election, N, n, t, keys, xs, proof):
        reject(f"the partial roots of trustee {proof.index} are wrong")


@check("V5.15")
def combination_holds(
    N: mpz, n: int, xs: Sequence[mpz], partials: Mapping[int, threshold.PartialRoots], roots: Sequence[mpz]
) -> None:
    """The partial roots of t trustees combine to the published roots."""
    if not threshold.combination_holds(N, n, xs, partials, roots):
        reject("the published roots are not those that the trustees' partial roots combine to")


@check("V5.16")
def slots_unpacked(overflow: int, highest: int, most: int) -> None:
    """Each slot is at most the counted ballots, and nothing is above the last slot."""
    if overflow:
        reject("something is left above the last slot")
    if highest > most:
        reject(f"a count of {highest} from {most} ballots")


@check("V5.17")
def choices_decoded(stated: Sequence[Sequence[int]], found: Sequence[Sequence[int]]) -> None:
    """Each mixed plaintext is an answer, or is listed as invalid by its row."""
    for number, (mine, theirs) in enumerate(zip(found, stated, strict=True)):
        if list(mine) != list(theirs):
            reject(f"group {number}: invalid rows {list(theirs)} published, {list(mine)} found")


@check("V5.18")
def result_equal(stated: object, found: object) -> None:
    """The published result is the recomputed one."""
    if serialise(stated) != serialise(found):
        reject("the published counts are not those of the openings")


@check("V5.19")
def batch_sound(key: PublicKey) -> None:
    """The verifier's batches work: weights are fresh and even, and a planted falsehood is found and named.

    This checks the verifier, not the archive: a broken batch must not pass anything.
    """
    weights = [equation.draw_weight() for _ in range(16)]
    if len(set(weights)) != len(weights) or any(w % 2 or w >> (equation.WEIGHT_BITS + 1) for w in weights):
        reject("the batch weights are not fresh even 128-bit values")
    r = key.h
    true = RootEquation(key.encrypt(mpz(1), r), mpz(1), mpz(0), mpz(-1) % key.N, r)
    if equation.failures(key, [true, true._replace(k=mpz(0)), true]) != [1]:
        reject("a planted falsehood was not found")


@check("V5.20")
def audited_opened(
    key: PublicKey, contest: Contest, values: Sequence[mpz], ciphertexts: Iterable[mpz], ballot_seed: bytes
) -> None:
    """The published seed opens every ciphertext of an opened ballot, to something that can be voted."""
    plaintexts = []
    for position, c in enumerate(ciphertexts):
        r = seed.randomness(key, ballot_seed, contest.id, position)
        m = seed.plaintext(key, c, r)
        if m is None:
            reject(f"ciphertext {position} is not opened by the seed")
        plaintexts.append(m)
    if contest.homomorphic:
        if any(m not in values for m in plaintexts):
            reject("the opened ballot holds something that cannot be voted")
        return
    try:
        decode_answer(contest, key.bits, plaintexts)
    except Undecodable as undecodable:
        reject(f"the opened ballot is no answer: {undecodable}")
