"""Safe primes: safe, of exactly the size asked for, fresh, and none lost in the sieve."""

from __future__ import annotations

import secrets

import gmpy2
import pytest
from gmpy2 import mpz

from tally import primes
from tally.primes import safe_prime


@pytest.mark.parametrize("bits", [24, 33, 64, 96, 128])
def test_a_safe_prime_is_safe_and_of_the_exact_size(bits: int) -> None:
    """P and (P−1)/2 are prime, both top bits are set, so the product of two has 2·bits."""
    found = [safe_prime(bits) for _ in range(6)]
    for P in found:
        assert gmpy2.is_prime(P) and gmpy2.is_prime((P - 1) // 2)
        assert P.bit_length() == bits and P >> (bits - 2) == 3
        assert P % 4 == 3
    assert {(P * Q).bit_length() for P in found for Q in found} == {2 * bits}


def test_two_searches_find_different_primes() -> None:
    assert len({safe_prime(96) for _ in range(5)}) == 5


def test_the_search_starts_at_a_fresh_random_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """All bits but the two at the top and the last come from `secrets`."""
    asked: list[int] = []

    def randbits(bits: int) -> int:
        asked.append(bits)
        return secrets.SystemRandom().getrandbits(bits)

    monkeypatch.setattr("tally.primes.secrets.randbits", randbits)
    safe_prime(64)
    assert set(asked) == {61}


@pytest.mark.parametrize("bits", [24, 32, 40])
@pytest.mark.parametrize("place", ["low", "high", "random"])
def test_the_sieve_removes_no_good_candidate(bits: int, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every P' of the window with P' and 2P' + 1 prime is left, as a search without sieve finds them."""
    window = 1 << 14
    monkeypatch.setattr(primes, "WINDOW", window)
    least, bound = 3 << (bits - 3), 1 << (bits - 1)
    start = {"low": least | 1, "high": bound - window + 1, "random": least | secrets.randbits(bits - 4) | 1}[place]
    left = primes._sieved(mpz(start), bits)
    window_end = min(start + 2 * window, bound)
    good = {c for c in range(start, window_end, 2) if gmpy2.is_prime(c) and gmpy2.is_prime(2 * c + 1)}
    assert good and good <= set(left)
    assert left == sorted(set(left)) and all(start <= c < window_end and c % 2 for c in left)


def test_what_is_left_has_no_small_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither P' nor 2P' + 1; otherwise nearly every Fermat test would be wasted."""
    monkeypatch.setattr(primes, "WINDOW", 1 << 14)
    product = gmpy2.primorial(1 << 16) // 2
    left = primes._sieved(mpz(3 << 125) + 1, 128)
    assert 0 < len(left) < 500
    assert all(gmpy2.gcd(c, product) == gmpy2.gcd(2 * c + 1, product) == 1 for c in left)


@pytest.mark.parametrize("bound", [3, 4, 10, 100, 10_000])
def test_the_small_primes_are_all_there(bound: int) -> None:
    assert primes._small_primes(bound) == [r for r in range(3, bound) if gmpy2.is_prime(r)]


@pytest.mark.parametrize(
    ("candidate", "safe"),
    [(11, True), (23, True), (83, True), (13, False), (15, False), (25, False), (341, False), (561, False)],
)
def test_only_two_primes_make_a_safe_prime(candidate: int, safe: bool) -> None:
    """13 is prime and 27 is not; 15 is not prime and 31 is; 341 and 561 deceive the Fermat test to the base 2."""
    assert primes._is_safe(mpz(candidate)) is safe


def test_a_fermat_pseudoprime_is_found_out() -> None:
    """Every pair that passes both Fermat tests goes through Miller–Rabin too."""
    pairs = [c for c in range(3, 200_000, 2) if pow(2, c - 1, c) == 1 and pow(2, 2 * c, 2 * c + 1) == 1]
    expected = [c for c in pairs if gmpy2.is_prime(c) and gmpy2.is_prime(2 * c + 1)]
    assert len(pairs) > len(expected)
    assert [c for c in pairs if primes._is_safe(mpz(c))] == expected


def test_progress_counts_candidates_and_goes_on_to_another_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window without a safe prime is followed by a fresh one, and the count goes on."""
    told: list[int] = []
    tested = 0

    def is_safe(candidate: mpz) -> bool:
        nonlocal tested
        tested += 1
        return tested == 500

    monkeypatch.setattr(primes, "WINDOW", 1 << 10)
    monkeypatch.setattr(primes, "_is_safe", is_safe)
    safe_prime(128, told.append)
    assert told == list(range(64, 500, 64))
