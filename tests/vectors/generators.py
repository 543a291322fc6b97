"""`python -m tests.vectors.generators`: write the generators that the verifier ships; it must change nothing."""

from __future__ import annotations

from pathlib import Path

import gmpy2

from verifier.crypto import group
from verifier.crypto.group import GROUP, P_BITS, K

FILE = Path(group.__file__).with_name("generators.bin")


def derived() -> bytes:
    """g_1 … g_K, each the (p−1)/q-th power of its hashed value: 1024 powers of 2560 bits, about 7 seconds."""
    powers = (gmpy2.powmod(GROUP.hashed("g", i), GROUP.cofactor, GROUP.p) for i in range(1, K + 1))
    return b"".join(int(x).to_bytes(P_BITS // 8) for x in powers)


if __name__ == "__main__":
    FILE.write_bytes(derived())
