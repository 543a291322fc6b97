"""A trustee's partial roots with their proof (protocol, section 7)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from math import factorial

import gmpy2
from gmpy2 import mpz

from tally.progress import Steps, silent
from verifier.crypto.multiexp import multiexp
from verifier.crypto.threshold import Challenge, PartialRoots, verification_base
from verifier.crypto.transcript import CHALLENGE_BITS


def partial_roots(
    s_i: mpz,
    i: int,
    N: mpz,
    xs: Sequence[mpz],
    election: bytes,
    n: int,
    t: int,
    progress: Steps = silent,
) -> PartialRoots:
    """u = x^{2D·s_i} mod N for each x, with one proof for the batch: a power mod N for each.

    k in [0, 2^{|N|+2λ}), a_1 = v^k, a_2 = x*^{4D·k}, e = H(…), z = k + e·s_i.
    """
    D, v = factorial(n), verification_base(N)
    us = []
    for done, x in enumerate(xs, 1):
        us.append(gmpy2.powmod_sec(x, 2 * D * s_i, N))
        progress(done, len(xs))
    challenge = Challenge(election, N, n, t, gmpy2.powmod_sec(v, s_i, N), i, xs, us)
    x_star = multiexp(xs, challenge.weights, N)
    k = mpz(secrets.randbits(N.bit_length() + 2 * CHALLENGE_BITS))
    a_1, a_2 = gmpy2.powmod_sec(v, k, N), gmpy2.powmod_sec(x_star, 4 * D * k, N)
    return PartialRoots(i, us, a_1, a_2, k + challenge.e(a_1, a_2) * s_i)
