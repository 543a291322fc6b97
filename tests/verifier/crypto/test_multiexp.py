"""Pippenger's products equal single powers, at every size where its path changes."""

from __future__ import annotations

import math
from itertools import pairwise

import gmpy2
import pytest
from gmpy2 import mpz
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.keys import secret_key
from verifier.crypto.multiexp import PART, cut, multiexp, parallel_multiexp, window_size
from verifier.workers import InProcess

N = secret_key().public.N


def naive(bases: list[mpz], exponents: list[int]) -> mpz:
    product = mpz(1)
    for base, e in zip(bases, exponents, strict=True):
        product = product * gmpy2.powmod(base, e, N) % N
    return product


pairs = st.lists(st.tuples(st.integers(0, 2**520), st.integers(0, 2**300)), max_size=40)


@given(pairs)
@settings(max_examples=60)
def test_it_is_the_product_of_single_powers(pairs: list[tuple[int, int]]) -> None:
    bases, exponents = [mpz(b) for b, _ in pairs], [e for _, e in pairs]
    assert multiexp(bases, exponents, N) == naive(bases, exponents)


@pytest.mark.parametrize("n", [0, 1, 3, 4, 5, 300])
@pytest.mark.parametrize("bits", [0, 1, 2, 63, 64, 385])
def test_sizes_at_which_the_path_changes(n: int, bits: int) -> None:
    bases = [mpz(at * at + 3) for at in range(n)]
    exponents = [((1 << bits) - 1) >> (at % 5) for at in range(n)]
    assert multiexp(bases, exponents, N) == naive(bases, exponents)


class Many(InProcess):
    jobs = 7


@pytest.mark.parametrize("n", [0, 1, 6, 7, 50])
def test_parts_give_the_same_product(n: int) -> None:
    bases, exponents = [mpz(at + 2) for at in range(n)], [mpz(7 * at + 1) for at in range(n)]
    assert parallel_multiexp(bases, exponents, N, Many()) == naive(bases, [int(e) for e in exponents])


@given(st.integers(0, 10 * PART), st.integers(1, 64))
def test_parts_cover_everything_once_and_stay_small(n: int, jobs: int) -> None:
    parts = cut(n, jobs)
    assert all(part.start == before.stop for before, part in pairwise(parts))
    assert sum(min(part.stop, n) - part.start for part in parts) == n
    assert all(part.stop - part.start <= PART for part in parts)
    assert len(parts) <= max(jobs, -(-n // PART))


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="as many exponents"):
        multiexp([mpz(2)], [], N)
    with pytest.raises(ValueError, match="negative"):
        multiexp([mpz(2)], [-1], N)


@given(st.integers(4, 10_000), st.integers(1, 600))
def test_the_window_is_the_cheapest(n: int, bits: int) -> None:
    def cost(w: int) -> int:
        return math.ceil(bits / w) * (n + 2 * 2**w + w)

    assert cost(window_size(n, bits)) == min(cost(w) for w in range(1, 17))
