"""Powers of one base from a table: ⌈bits/window⌉ multiplications instead of about 1.2·bits."""

from __future__ import annotations

from gmpy2 import mpz


class FixedBase:
    """base^e mod modulus for 0 ≤ e < 2^exponent_bits; the table holds base^(d·2^(w·i)) for every digit d."""

    def __init__(self, base: mpz, modulus: mpz, exponent_bits: int, window: int = 8) -> None:
        self._modulus, self._bits, self._window = modulus, exponent_bits, window
        self._rows: list[list[mpz]] = []
        power = mpz(base) % modulus
        for _ in range(-(-exponent_bits // window)):
            row = [mpz(1)]
            for _ in range((1 << window) - 1):
                row.append(row[-1] * power % modulus)
            self._rows.append(row)
            power = row[-1] * power % modulus

    def pow(self, e: mpz | int) -> mpz:
        """base^e. Raises ValueError when e is outside [0, 2^exponent_bits)."""
        exponent = int(e)
        if exponent < 0 or exponent.bit_length() > self._bits:
            raise ValueError("exponent outside the table")
        mask = (1 << self._window) - 1
        result = mpz(1)
        for row in self._rows:
            digit = exponent & mask
            if digit:
                result = result * row[digit] % self._modulus
            exponent >>= self._window
        return result
