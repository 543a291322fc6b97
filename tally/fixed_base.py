"""Powers of one base: from a table where there are many, with shared squarings where there are a few."""

from __future__ import annotations

from collections.abc import Sequence

from gmpy2 import mpz


class FixedBase:
    """base^e mod modulus for 0 ≤ e < 2^exponent_bits; the table holds base^(d·256^i) for every digit d of a byte.

    A multiplication for each byte of the exponent, instead of about ten.
    """

    def __init__(self, base: mpz, modulus: mpz, exponent_bits: int) -> None:
        self._modulus, self._bits = modulus, exponent_bits
        self._rows: list[list[mpz]] = []
        power = mpz(base) % modulus
        for _ in range(-(-exponent_bits // 8)):
            row = [mpz(1)]
            for _ in range(255):
                row.append(row[-1] * power % modulus)
            self._rows.append(row)
            power = row[-1] * power % modulus

    def pow(self, e: mpz | int) -> mpz:
        """base^e. Raises ValueError when e is outside [0, 2^exponent_bits)."""
        if e < 0 or e.bit_length() > self._bits:
            raise ValueError("exponent outside the table")
        modulus, result = self._modulus, mpz(1)
        for row, digit in zip(self._rows, int(e).to_bytes(len(self._rows), "little"), strict=True):
            if digit:
                result = result * row[digit] % modulus
        return result


def powers(base: mpz, exponents: Sequence[mpz], modulus: mpz) -> list[mpz]:
    """base^e mod modulus for each e ≥ 0: n exponents of b bits cost about b·(1 + n/2) multiplications, not 1.2·b·n."""
    squares = [base % modulus]
    for _ in range(max((e.bit_length() for e in exponents), default=0)):
        squares.append(squares[-1] * squares[-1] % modulus)
    found = []
    for e in exponents:
        product = mpz(1) % modulus
        for at, square in enumerate(squares):
            if e.bit_test(at):
                product = product * square % modulus
        found.append(product)
    return found
