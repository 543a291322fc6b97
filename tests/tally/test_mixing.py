"""The mixer: what comes out is what went in, permuted and re-encrypted, and nothing marks a row on its way."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import replace
from itertools import permutations
from math import log, sqrt

import gmpy2
import pytest
from gmpy2 import mpz
from hypothesis import given, settings
from hypothesis import strategies as st

from tally import mixing
from tally.mixing import MixerRandomness, Rho, non_residue, prove, shuffle
from tests.keys import secret_key
from verifier.crypto.seed import exponent_bits
from verifier.crypto.shuffle import (
    Proof,
    Statement,
    challenges,
    ciphertexts_hold,
    commitments_in_group,
    openings_hold,
    product_holds,
    responses_in_range,
)
from verifier.workers import InProcess

SECRET = secret_key()
KEY = SECRET.public
N, P, Q = KEY.N, SECRET.P, SECRET.Q
RANDOMNESS = MixerRandomness(KEY)


def bound(draws: int, outcomes: int) -> float:
    """How far any of the counts strays from its mean at most, but once in 10^9 runs (Hoeffding)."""
    return sqrt(draws * log(2 * outcomes * 1e9) / 2)


def balanced(found: Counter[object], outcomes: int) -> bool:
    """Each of the outcomes came up, about as often as the others."""
    draws = found.total()
    assert bound(draws, outcomes) < draws / outcomes, "too few draws to fail"
    return len(found) == outcomes and all(
        abs(count - draws / outcomes) < bound(draws, outcomes) for count in found.values()
    )


def coset(x: mpz) -> tuple[int, int]:
    """Which of the four cosets of the squares modulo N: the symbols modulo both factors."""
    return gmpy2.legendre(x, P), gmpy2.legendre(x, Q)


def columns(rows: int, width: int = 1) -> list[list[mpz]]:
    """Encryptions of 1 … rows·width with randomness of every coset."""
    return [
        [KEY.encrypt(mpz(100 * column + row), mpz(secrets.randbelow(int(N)))) for row in range(1, rows + 1)]
        for column in range(width)
    ]


# ρ


def test_rho_covers_every_coset_alike() -> None:
    """Jacobi symbol and sign of ρ are two fair coins; with squares alone one symbol would tag a ballot."""
    assert balanced(Counter(coset(RANDOMNESS.draw()[1] % N) for _ in range(4000)), 4)


def test_the_coset_is_that_of_the_exponents() -> None:
    """y has symbol −1 and −1 is no square, so b and b' choose the coset and α none."""
    found = {}
    for b in (0, 1):
        for sign in (0, 1):
            cosets = {coset(RANDOMNESS.product([Rho(mpz(alpha), b, sign)], [mpz(1)])) for alpha in range(5)}
            assert len(cosets) == 1
            found[b, sign] = cosets.pop()
    assert len(set(found.values())) == 4


def test_a_mix_changes_the_symbol_of_half_its_rows() -> None:
    """The coset of an output, relative to that of its input, is uniform: it says nothing about which input it was."""
    inputs = columns(60)
    changes: Counter[object] = Counter()
    for _ in range(60):
        mixed = shuffle(KEY, inputs)
        for C, source in zip(mixed.outputs[0], mixed.permutation, strict=True):
            changes[coset(C * gmpy2.invert(inputs[0][source - 1], KEY.N2) % N)] += 1
    assert balanced(changes, 4)


def test_the_table_gives_the_power_of_what_the_exponents_say() -> None:
    """`draw` returns ρ^N of the ρ that `product` computes from the same exponents."""
    for _ in range(40):
        rho, power = RANDOMNESS.draw()
        assert power == gmpy2.powmod(RANDOMNESS.product([rho], [mpz(1)]), N, KEY.N2)
        assert 0 <= rho.alpha < 1 << exponent_bits(KEY) and {rho.b, rho.sign} <= {0, 1}


@given(
    st.lists(
        st.tuples(st.integers(0, 2**320 - 1), st.integers(0, 1), st.integers(0, 1), st.integers(0, 2**384)),
        max_size=6,
    )
)
@settings(max_examples=60)
def test_a_product_in_exponents_is_the_product(parts: list[tuple[int, int, int, int]]) -> None:
    """Π ρ_i^{e_i}, also of nothing and with e_i = 0."""
    rhos = [Rho(mpz(alpha), b, sign) for alpha, b, sign, _ in parts]
    exponents = [mpz(e) for *_, e in parts]
    expected = mpz(1)
    for rho, e in zip(rhos, exponents, strict=True):
        value = gmpy2.powmod(KEY.h, rho.alpha, N) * non_residue(KEY) ** rho.b * (-1) ** rho.sign
        expected = expected * gmpy2.powmod(value, e, N) % N
    assert RANDOMNESS.product(rhos, exponents) == expected


def test_y_has_symbol_minus_one_and_is_the_same_for_everybody() -> None:
    for bits in (384, 512, 640):
        key = secret_key(bits).public
        assert gmpy2.jacobi(non_residue(key), key.N) == -1
        assert non_residue(key) == non_residue(key)


def test_no_two_draws_are_the_same_and_exponents_are_long() -> None:
    draws = [RANDOMNESS.draw() for _ in range(300)]
    assert len({power for _, power in draws}) == len({rho.alpha for rho, _ in draws}) == 300
    assert max(rho.alpha.bit_length() for rho, _ in draws) > exponent_bits(KEY) - 30


# The mix


@given(rows=st.integers(1, 12), width=st.integers(1, 3))
@settings(max_examples=20)
def test_outputs_decrypt_to_a_permutation_of_the_inputs(rows: int, width: int) -> None:
    """Rows stay together: all columns are permuted alike, by the permutation that is told."""
    inputs = columns(rows, width)
    mixed = shuffle(KEY, inputs)
    plain = [[SECRET.decrypt(c) for c in column] for column in inputs]
    found = [[SECRET.decrypt(c) for c in column] for column in mixed.outputs]
    assert sorted(mixed.permutation) == list(range(1, rows + 1))
    assert found == [[column[source - 1] for source in mixed.permutation] for column in plain]
    assert sorted(zip(*found, strict=True)) == sorted(zip(*plain, strict=True))


def test_no_row_is_re_encrypted_by_one() -> None:
    """No output is any input, with either sign; and no two rows share their ρ, up to the sign."""
    inputs = columns(50, 2)
    mixed = shuffle(KEY, inputs)
    before = {KEY.without_sign(c) for column in inputs for c in column}
    after = {KEY.without_sign(c) for column in mixed.outputs for c in column}
    assert len(after) == 100 and not before & after
    factors = {
        KEY.without_sign(C * gmpy2.invert(column[source - 1], KEY.N2) % KEY.N2)
        for column, outputs in zip(inputs, mixed.outputs, strict=True)
        for C, source in zip(outputs, mixed.permutation, strict=True)
    }
    assert len(factors) == 100 and 1 not in factors


def test_equal_inputs_come_out_different() -> None:
    """A voter who submits a copy of a ciphertext does not find two equal outputs."""
    (mixed,) = shuffle(KEY, [columns(1)[0] * 30]).outputs
    assert len({KEY.without_sign(c) for c in mixed}) == 30


def test_two_mixes_of_the_same_list_differ() -> None:
    """40 rows: the same permutation twice has a chance of 1 in 40!, the same ciphertext once none."""
    inputs = columns(40)
    first, second = shuffle(KEY, inputs), shuffle(KEY, inputs)
    assert first.permutation != second.permutation
    assert first.permutation != list(range(1, 41))
    assert not set(first.outputs[0]) & set(second.outputs[0])


def test_every_permutation_comes_up_alike() -> None:
    inputs = columns(3)
    found: Counter[object] = Counter(tuple(shuffle(KEY, inputs).permutation) for _ in range(3000))
    assert set(found) == set(permutations((1, 2, 3)))
    assert balanced(found, 6)


def test_progress_counts_rows_of_all_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each piece of work; no piece is of two columns."""
    monkeypatch.setattr(mixing, "PART", 2)
    told: list[tuple[int, int]] = []
    shuffle(KEY, columns(3, 2), lambda done, total: told.append((done, total)))
    assert told == [(2, 6), (3, 6), (5, 6), (6, 6)]


def test_the_secrets_are_not_in_the_repr() -> None:
    mixed = shuffle(KEY, columns(20))
    shown = repr(mixed)
    assert repr(mixed.permutation) not in shown
    assert not any(str(rho.alpha) in shown for rho in mixed.rho[0])
    assert shown.startswith("Shuffled(outputs=") and "permutation" not in shown and "rho" not in shown


# The proof


def statement(inputs: list[list[mpz]], outputs: list[list[mpz]]) -> Statement:
    return Statement(KEY, b"c" * 32, b"e" * 32, inputs, outputs, b"i" * 32, b"o" * 32)


def accepted(stated: Statement, proof: Proof) -> bool:
    drawn = challenges(stated, proof)
    return (
        responses_in_range(proof)
        and commitments_in_group(proof)
        and product_holds(proof, drawn)
        and openings_hold(stated, proof, drawn)
        and ciphertexts_hold(stated, proof, drawn, InProcess())
    )


@pytest.mark.parametrize(("rows", "width"), [(1, 1), (1, 2), (2, 1), (3, 1), (5, 3)])
def test_an_honest_mix_is_proven(rows: int, width: int) -> None:
    """Also of one row and of two, where parts of the argument are empty."""
    inputs = columns(rows, width)
    mixed = shuffle(KEY, inputs)
    stated = statement(inputs, mixed.outputs)
    assert accepted(stated, prove(stated, mixed))


def cheats() -> dict[str, object]:
    """What a mixer could do to its output before it proves."""
    return {
        "one row replaced": lambda outputs: [[KEY.encrypt(mpz(7), mpz(5)), *outputs[0][1:]]],
        "one row twice": lambda outputs: [[outputs[0][1], *outputs[0][1:]]],
        "two rows exchanged": lambda outputs: [[outputs[0][1], outputs[0][0], *outputs[0][2:]]],
        "one vote added": lambda outputs: [[outputs[0][0] * (1 + N) % KEY.N2, *outputs[0][1:]]],
        "a vote moved": lambda outputs: [
            [outputs[0][0] * (1 + N) % KEY.N2, outputs[0][1] * (1 - N) % KEY.N2, *outputs[0][2:]]
        ],
    }


@pytest.mark.parametrize("cheat", list(cheats()))
def test_a_changed_output_is_not_proven(cheat: str) -> None:
    """The same prover with the same secrets finds no proof for a list that is not the shuffled one."""
    inputs = columns(4)
    mixed = shuffle(KEY, inputs)
    changed = replace(mixed, outputs=cheats()[cheat](mixed.outputs))  # type: ignore[operator]
    stated = statement(inputs, changed.outputs)
    assert not accepted(stated, prove(stated, changed))


def test_two_proofs_of_one_mix_share_nothing() -> None:
    """Every commitment and response is masked afresh."""
    inputs = columns(3)
    mixed = shuffle(KEY, inputs)
    stated = statement(inputs, mixed.outputs)
    values = [{value for part in vars(prove(stated, mixed)).values() for value in part if value > 1} for _ in range(2)]
    assert len(values[0]) > 15 and not values[0] & values[1]
