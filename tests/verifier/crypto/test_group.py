"""The commitment group comes from its public seed, and nobody knows a relation between its generators."""

from __future__ import annotations

from collections.abc import Callable

import gmpy2
import pytest
from gmpy2 import mpz

from tests.vectors.generators import FILE, content
from verifier.crypto import group
from verifier.crypto.group import GROUP, P_BITS, Q_BITS, Group, K, derivation_problem, derive, generators


def test_the_constants_are_those_of_the_seed() -> None:
    assert derive(group.SEED) == (GROUP.p, GROUP.q)
    assert derivation_problem() is None


def test_the_group_has_the_sizes_that_the_protocol_asks_for() -> None:
    assert (GROUP.p.bit_length(), GROUP.q.bit_length(), K) == (P_BITS, Q_BITS, 1024)
    assert gmpy2.is_prime(GROUP.p, 40)
    assert gmpy2.is_prime(GROUP.q, 40)
    assert (GROUP.p - 1) % GROUP.q == 0
    assert GROUP.q >= mpz(1) << (2 * 128 + 128 + 3)


def test_generators_are_distinct_elements_of_order_q() -> None:
    elements = [GROUP.h, *generators(K)]
    assert len(set(elements)) == K + 1
    assert all(x > 1 for x in elements)
    assert all(GROUP.is_element(x) for x in elements[:20])


@pytest.mark.parametrize("x", [mpz(0), GROUP.p, GROUP.p - 1, GROUP.p + 1, mpz(2), -GROUP.h])
def test_what_is_not_in_the_group_is_refused(x: mpz) -> None:
    assert not GROUP.is_element(x)


def test_one_is_in_the_group() -> None:
    assert GROUP.is_element(mpz(1))


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (Group(GROUP.p, GROUP.q, "another seed"), "not those of the seed"),
        (Group(GROUP.p + 2, GROUP.q, group.SEED), "not those of the seed"),
    ],
)
def test_a_group_of_another_origin_is_named(broken: Group, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "GROUP", broken)
    assert problem in str(derivation_problem.__wrapped__())


def test_generators_that_repeat_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trapdoored set: the seed is right, two generators are the same."""
    assert found_with(monkeypatch, GROUP.h, *generators(K)[1:]) == "two generators are equal, or one is missing"


@pytest.mark.parametrize("x", [mpz(1), GROUP.p - 1, mpz(2)])
def test_a_generator_outside_the_group_is_named(x: mpz, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found_with(monkeypatch, x, *generators(K)[1:]) == "a generator is not of order q"


@pytest.mark.parametrize(
    "changed",
    [
        lambda g: (g[0] * g[1] % GROUP.p, *g[1:]),
        lambda g: (g[1], g[0], *g[2:]),
        lambda g: (*g[:-1], gmpy2.powmod(GROUP.h, 12345, GROUP.p)),
    ],
)
def test_a_generator_with_a_known_relation_is_named(
    changed: Callable[[tuple[mpz, ...]], tuple[mpz, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the group, of order q, distinct, and still not those of the seed."""
    assert found_with(monkeypatch, *changed(generators(K))) == "a generator is not that of the seed"


def test_too_few_generators_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found_with(monkeypatch, *generators(K - 1)) == "two generators are equal, or one is missing"


def found_with(monkeypatch: pytest.MonkeyPatch, *shipped: mpz) -> str | None:
    """What V5.4 finds when these are shipped."""
    monkeypatch.setattr(group, "derive", lambda seed: (GROUP.p, GROUP.q))
    monkeypatch.setattr(group, "_shipped", lambda: shipped)
    return derivation_problem.__wrapped__()


def test_the_shipped_generators_are_computed_again() -> None:
    """Power by power, without the batch that V5.4 relies on."""
    assert FILE.read_bytes() == content()
