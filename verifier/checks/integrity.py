"""V4: encodings and domains. Each guard stops a forgery that it alone stops (protocol, section 9)."""

from __future__ import annotations

from collections.abc import Iterable

import gmpy2
from gmpy2 import mpz

from verifier.checks import check, reject
from verifier.crypto import shuffle
from verifier.crypto.paillier import PublicKey
from verifier.crypto.threshold import PartialRoots, response_bits
from verifier.crypto.transcript import CHALLENGE_BITS
from verifier.errors import BadInteger, NotCanonical, UnsafeArchive


@check("V4.1")
def canonical(outcome: object) -> None:
    """What was read is in its one canonical form: RFC 8785, exact keys, right shapes."""
    if isinstance(outcome, NotCanonical):
        reject(str(outcome))


@check("V4.2")
def integers_canonical(outcome: object) -> None:
    """Integers, keys and hashes are unpadded base64url of the fixed width of their type."""
    if isinstance(outcome, BadInteger):
        reject(str(outcome))


@check("V4.3")
def archive_safe(outcome: object) -> None:
    """Names, types, counts, ratios and sizes of an archive are within the rules."""
    if isinstance(outcome, UnsafeArchive):
        reject(str(outcome))


def _units(values: Iterable[mpz], bound: mpz, N: mpz, what: str) -> None:
    """Each value is in [1, bound) and coprime to N: one product and one gcd for them all."""
    product = mpz(1)
    for position, value in enumerate(values):
        if not 0 < value < bound:
            reject(f"{what} {position} is out of range")
        product = product * value % N
    if gmpy2.gcd(product, N) != 1:
        reject(f"a {what} is not coprime to N")


@check("V4.4")
def ciphertext_domain(key: PublicKey, ciphertexts: Iterable[mpz]) -> None:
    """0 < c < N² and gcd(c, N) = 1."""
    _units(ciphertexts, key.N2, key.N, "ciphertext")


@check("V4.5")
def commitment_domain(key: PublicKey, commitments: Iterable[mpz]) -> None:
    """Every proof commitment is a unit modulo N²."""
    _units(commitments, key.N2, key.N, "commitment")


@check("V4.6")
def response_domain(key: PublicKey, responses: Iterable[mpz], plaintexts: Iterable[mpz] = ()) -> None:
    """0 < z < N and gcd(z, N) = 1; a response that stands for a plaintext is in [0, N)."""
    _units(responses, key.N, key.N, "response")
    if any(not 0 <= m < key.N for m in plaintexts):
        reject("a plaintext response is out of range")


@check("V4.7")
def challenge_domain(challenges: Iterable[mpz]) -> None:
    """0 ≤ e_j < 2^128 for every branch: without it one ballot can hold a thousand votes."""
    for position, e in enumerate(challenges):
        if not 0 <= e < 1 << CHALLENGE_BITS:
            reject(f"challenge {position} is out of range")


@check("V4.8")
def mix_response_range(proof: shuffle.Proof) -> None:
    """0 ≤ f_i < 2^{2λ+κ+1} and other scalars in [0, q): otherwise all mixed ballots can be replaced."""
    if not shuffle.responses_in_range(proof):
        reject("a response of the mix is out of range")


@check("V4.9")
def group_membership(proof: shuffle.Proof) -> None:
    """Every commitment x has 0 < x < p and x^q = 1."""
    if not shuffle.commitments_in_group(proof):
        reject("a commitment is not in the group")


@check("V4.10")
def share_range(key: PublicKey, proof: PartialRoots) -> None:
    """0 ≤ z < 2^{|N|+2λ+1}."""
    if not 0 <= proof.z < mpz(1) << response_bits(key.bits):
        reject("the response is out of range")


@check("V4.11")
def share_domain(key: PublicKey, proof: PartialRoots) -> None:
    """Every partial root and both commitments are in [1, N) and coprime to N."""
    _units([*proof.roots, proof.a_1, proof.a_2], key.N, key.N, "partial root")
