"""A mixer's program that works with the tests' small keys and writes down its own secrets, for a test to look for.

`python -m tests.tally.small_mixer`, the key in hex on the standard input. SECRETS names a directory: each mixing leaves
one file there, with one value in hexadecimal on each line; a permutation is one line, its values with commas between.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

from tally import fleet, mixing, worker
from tests.election import BITS
from verifier.crypto import group


def write_down(directory: Path, function: Callable[..., Any]) -> Callable[..., Any]:
    """`mixing.prove`, and what it was given and draws."""
    commit = mixing.commit

    def prove(statement: Any, shuffled: Any, workers: Any = None) -> Any:
        lines = [",".join(format(source, "x") for source in shuffled.permutation)]
        lines += [format(rho.alpha, "x") for column in shuffled.rho for rho in column]

        def watched(vectors: Any, by: Any) -> Any:
            for values, randomisers in vectors:
                lines.extend(format(value, "x") for value in (*values, *randomisers) if value.bit_length() > 64)
            return commit(vectors, by)

        mixing.commit = watched  # type: ignore[attr-defined]
        proof = function(statement, shuffled, workers)
        (directory / os.urandom(8).hex()).write_text("\n".join(lines))
        return proof

    return prove


if __name__ == "__main__":
    worker.ALLOWED_BITS = (BITS,)
    fleet.PATIENCE = 3.0
    group.derivation_problem = lambda: None  # tests of the group derive it; here it would only take time
    mixing.prove = write_down(Path(os.environ["SECRETS"]), mixing.prove)
    worker.serve(SigningKey(bytes.fromhex(sys.stdin.readline())), 2)
