"""The Schnorr group of the vector commitments, from a public seed (protocol, section 1).

q is the first 512-bit prime of a SHAKE-256 stream, p the first 3072-bit prime k·q + 1 of another, h and g_1 … g_K are
(p−1)/q-th powers of hashed values. Nobody knows a relation between them: trapdoored generators broke a national system
in 2019 (Lewis, Pereira, Teague). Computing g_1 … g_K takes 7 seconds, so they lie beside this module
(`python -m tests.vectors.generators` writes them), and V5.4 checks all of them at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib import resources

import gmpy2
from gmpy2 import mpz

from verifier.crypto.equation import draw_weight
from verifier.crypto.multiexp import multiexp
from verifier.crypto.transcript import hash_to_range

SEED = "Tashika commitment group, 2026"
P_BITS, Q_BITS = 3072, 512
K = 1024
"""generators, which all rows of a commitment share"""
P = mpz(
    "def8ebfa5f236db5c38d495dc35eb62d82d617260260c213ea6aa2b9eacfd4eba0bc088d877cc40aac57e6bf21ddf207"
    "adc4a663f62ee17e998b555ffda511c09fbc63876dddd11a70d79594d3d9d843f47ac202f8e51ef8e9672b661feb6298"
    "753947e5a8991ae84d99bb9d3d1e058b159dd545ae7f46601810eaaf0ca270e65f2b0943c3356d5709bcbca8c42b6ebf"
    "ffd03d94b7fd756e41bb2e210f8ab782ba87e48252b0751586286d27f144895afed1c8ea8d291a78812bf5bff6e41ea7"
    "e3a5d45039eb8dbd28b2c200295777621cf65ea3b47f84e01d7c80ff59ee07974be8f7a22e493c357b690ddfdf03b99d"
    "f8970c67a0a5a94084c8d4e5117994e7179f842f46379e7b3b8882002d942314dbd6d1676f2be207e0135ee1c6c9b5df"
    "c50363a260d512a15977e0fc230ad9e9cc098825cf566afeb7372b357e3f75307dda1a4828f9ae7d5a78edfdffb26512"
    "d7db8df42835100b53f9ebdfbbc93ae02c58c0ae65531f8999f3e64a2f41aaaa08e00ad15b909a9c432d8129561aa885",
    16,
)
Q = mpz(
    "c2b67b848a9d5d4374aab901b0b2f9367a0203292e71e6f6c7e3ca4a05395be074c11a2c0799d21c4485c8ab540cf07f"
    "b7a3a5aa7c1f7f0a287630a2c8b4eb09",
    16,
)


@dataclass(frozen=True)
class Group:
    """p, q and h; the generators are `generators`."""

    p: mpz
    q: mpz
    seed: str
    h: mpz = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "h", gmpy2.powmod(self.hashed("h", 0), self.cofactor, self.p))

    @property
    def cofactor(self) -> mpz:
        """(p−1)/q."""
        return (self.p - 1) // self.q

    def hashed(self, name: str, index: int) -> mpz:
        """The hashed value of which h ("h", 0) or g_i ("g", i) is the (p−1)/q-th power."""
        return hash_to_range(self.p, "commitment generator", self.seed, name, index)

    def is_element(self, x: mpz) -> bool:
        """1 ≤ x < p and x^q = 1."""
        return bool(0 < x < self.p and gmpy2.powmod(x, self.q, self.p) == 1)


def derive(seed: str) -> tuple[mpz, mpz]:
    """(p, q) of a seed: the search that the constants above come from."""
    q = _first_prime(seed, "q", Q_BITS, mpz(1))
    return _first_prime(seed, "p", P_BITS, q), q


def _first_prime(seed: str, name: str, bits: int, factor: mpz) -> mpz:
    """The first prime of exactly `bits` bits among the stream's values, made ≡ 1 mod 2·factor (odd for factor 1).

    Candidates with a prime factor below 2^14 are skipped before the 40 rounds of Miller–Rabin.
    """
    small = gmpy2.primorial(1 << 14)
    top = mpz(1) << (bits - 1)
    attempt = 0
    while True:
        value = top + hash_to_range(top, "commitment group", seed, name, attempt)
        candidate = value - value % (2 * factor) + 1
        attempt += 1
        if candidate.bit_length() != bits or gmpy2.gcd(candidate, small) != 1:
            continue
        if gmpy2.is_prime(candidate, 40):
            return candidate


GROUP = Group(P, Q, SEED)
SHIPPED = "generators.bin"
"""g_1 … g_K, big-endian, each as wide as p"""


@cache
def _shipped() -> tuple[mpz, ...]:
    data = resources.files(__package__).joinpath(SHIPPED).read_bytes()
    width = P_BITS // 8
    return tuple(mpz(int.from_bytes(data[at : at + width])) for at in range(0, len(data), width))


def generators(count: int) -> tuple[mpz, ...]:
    """g_1 … g_count, 0 ≤ count ≤ K, as they are shipped."""
    return _shipped()[:count]


@cache
def derivation_problem() -> str | None:
    """Why the group is not the one of its seed, or None. About 4 seconds, once per process.

    p and q are searched again. With H_i the hashed values and fresh weights w: Π g_i^{w_i} = (Π H_i^{w_i})^{(p−1)/q},
    and each g_i^q = 1. All lies in the group of prime order q > 2^128: a wrong g_i passes with probability 2^−128.
    """
    if derive(GROUP.seed) != (GROUP.p, GROUP.q):
        return "p and q are not those of the seed"
    g = generators(K)
    if len({GROUP.h, *g}) != K + 1:
        return "two generators are equal, or one is missing"
    if not all(x > 1 and GROUP.is_element(x) for x in (GROUP.h, *g)):
        return "a generator is not of order q"
    w = [draw_weight() for _ in g]
    hashed = multiexp([GROUP.hashed("g", i) for i in range(1, K + 1)], w, GROUP.p)
    if multiexp(g, w, GROUP.p) != gmpy2.powmod(hashed, GROUP.cofactor, GROUP.p):
        return "a generator is not that of the seed"
    return None
