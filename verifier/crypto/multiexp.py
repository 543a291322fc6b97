"""Products of powers (Pippenger's bucket method): Π b_i^{e_i} mod m.

With n bases, exponents of l bits and windows of w bits the cost is ⌈l/w⌉·(n + 2·2^w + w) multiplications; a table of
single powers would cost about 1.2·l·n.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import gmpy2
from gmpy2 import mpz


def multiexp(bases: Sequence[mpz], exponents: Sequence[mpz | int], modulus: mpz) -> mpz:
    """Π bases[i]^exponents[i] mod `modulus`, exponents ≥ 0 of any size; the product of nothing is 1.

    Raises ValueError when the lengths differ or an exponent is negative.
    """
    if len(bases) != len(exponents):
        raise ValueError("as many exponents as bases are needed")
    if any(e < 0 for e in exponents):
        raise ValueError("negative exponents are not for here")
    if len(bases) < 4:
        product = mpz(1) % modulus
        for base, e in zip(bases, exponents, strict=True):
            product = product * gmpy2.powmod(base, e, modulus) % modulus
        return product
    return _pippenger(bases, exponents, modulus)


def window_size(n: int, bits: int) -> int:
    """The window that needs the fewest multiplications for n bases and exponents of so many bits."""
    return min(range(1, 17), key=lambda w: -(-bits // w) * (n + 2 * (1 << w) + w))


def _pippenger(bases: Sequence[mpz], exponents: Sequence[mpz | int], modulus: mpz) -> mpz:
    bits = max(int(e).bit_length() for e in exponents)
    w = window_size(len(bases), bits)
    mask = (1 << w) - 1
    digits = [int(e) for e in exponents]
    result = mpz(1) % modulus
    for shift in range((bits - 1) // w * w if bits else 0, -1, -w):
        for _ in range(w):
            result = result * result % modulus
        buckets: list[mpz | None] = [None] * (mask + 1)
        for base, e in zip(bases, digits, strict=True):
            digit = e >> shift & mask
            if digit:
                held = buckets[digit]
                buckets[digit] = base if held is None else held * base % modulus
        result = result * _weighted(buckets, modulus) % modulus
    return result


def _weighted(buckets: Sequence[mpz | None], modulus: mpz) -> mpz:
    """Π buckets[d]^d, by running products from the top."""
    running, product = mpz(1), mpz(1)
    for held in reversed(buckets[1:]):
        if held is not None:
            running = running * held % modulus
        product = product * running % modulus
    return product


PART = 8192
"""so many items make a part large enough to be cheap, and small enough for the memory of a worker"""


class Parallel(Protocol):
    """Something that can apply a function to several chunks at once."""

    jobs: int

    def map(self, function: Callable[[Any], Any], chunks: Iterable[Any]) -> Iterable[Any]:
        """`function` of each chunk, in order."""


def cut(n: int, jobs: int) -> list[slice]:
    """n items in equal parts: one for each job, or more, so that none is larger than PART."""
    parts = max(jobs, -(-n // PART))
    size = max(1, -(-n // parts))
    return [slice(start, start + size) for start in range(0, n, size)]


def parallel_multiexp(bases: Sequence[mpz], exponents: Sequence[mpz], modulus: mpz, workers: Parallel) -> mpz:
    """The same as `multiexp`, in parts."""
    (product,) = parallel_multiexps([(bases, exponents)], modulus, workers)
    return product


def parallel_multiexps(
    products: Sequence[tuple[Sequence[mpz], Sequence[mpz]]], modulus: mpz, workers: Parallel
) -> list[mpz]:
    """Several products of (bases, exponents) as one batch of work, so that nobody waits between them."""
    if any(len(bases) != len(exponents) for bases, exponents in products):
        raise ValueError("as many exponents as bases are needed")
    cuts = [(number, part) for number, (bases, _) in enumerate(products) for part in cut(len(bases), workers.jobs)]
    parts = [(products[number][0][part], products[number][1][part], modulus) for number, part in cuts]
    found = [mpz(1) % modulus] * len(products)
    for (number, _), value in zip(cuts, workers.map(part_of_product, parts), strict=True):
        found[number] = found[number] * value % modulus
    return found


def part_of_product(part: tuple[Sequence[mpz], Sequence[mpz], mpz]) -> mpz:
    """Some of its factors: (bases, exponents, modulus)."""
    return multiexp(*part)
