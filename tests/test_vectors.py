"""The published test vectors are what this code computes, so that another implementation can be held to them."""

from __future__ import annotations

import json
import secrets
from typing import Any

import gmpy2
import pytest

from tests.vectors import generate
from tests.vectors.generate import FILES, HERE, OPERATIONS, deterministic, number, numbers
from verifier.errors import BadInteger, CheckFailed, NotCanonical
from verifier.record.answers import Undecodable
from verifier.record.entries import Type

ERRORS = {
    error.__name__: error
    for error in (BadInteger, CheckFailed, NotCanonical, OverflowError, TypeError, Undecodable, ValueError)
}


def vectors_of(name: str) -> list[dict[str, Any]]:
    return json.loads((HERE / f"{name}.json").read_text())["vectors"]


def of_operation(name: str, operation: str) -> list[dict[str, Any]]:
    return [vector for vector in vectors_of(name) if vector["operation"] == operation]


CASES = [
    pytest.param(vector, id=f"{name}-{position}-{vector['operation']}")
    for name in FILES
    for position, vector in enumerate(vectors_of(name))
]


@pytest.mark.parametrize("vector", CASES)
def test_the_code_says_what_the_vector_says(vector: dict[str, Any]) -> None:
    """From its inputs, secrets included, every output is recomputed; what is invalid is refused for its reason."""
    operation = OPERATIONS[vector["operation"]]
    if "output" in vector:
        assert json.loads(json.dumps(operation(vector["input"]))) == vector["output"]
        return
    stated = vector["refused"]
    with pytest.raises(ERRORS[stated["error"]]) as raised:
        operation(vector["input"])
    assert type(raised.value).__name__ == stated["error"]
    assert str(raised.value).startswith(stated["reason"])


@pytest.mark.parametrize("name", FILES)
def test_generating_again_changes_nothing(name: str) -> None:
    """The files are those of the generator in its present form, byte for byte."""
    assert generate.content(name) == (HERE / f"{name}.json").read_text()


def test_there_are_no_other_files() -> None:
    assert {path.stem for path in HERE.glob("*.json")} == set(FILES)
    assert sum(path.stat().st_size for path in HERE.glob("*.json")) < 3_000_000


def test_every_operation_and_every_type_of_entry_has_a_vector() -> None:
    used = {vector["operation"] for name in FILES for vector in vectors_of(name)}
    assert used == set(OPERATIONS)
    types = [vector["output"]["type"] for vector in of_operation("entries", "entry") if "output" in vector]
    assert sorted(types) == sorted(Type)


@pytest.mark.parametrize(("name", "operation"), [("ballot_proofs", "prove-membership"), ("shuffles", "shuffle")])
def test_another_stream_gives_another_proof(name: str, operation: str) -> None:
    """The proofs really come from the stream, not from somewhere fixed."""
    vector = of_operation(name, operation)[0]
    other = OPERATIONS[operation]({**vector["input"], "stream": bytes(32).hex()})
    assert other["proof"] != vector["output"]["proof"]
    assert len(other["draws"]) == len(vector["output"]["draws"])


def test_the_stream_is_as_described() -> None:
    """Values, refused attempts and shuffles follow from SHAKE-256; afterwards chance is chance again."""
    real = secrets.randbits
    with deterministic(b"seed") as draws:
        first, below, data = secrets.randbits(12), secrets.randbelow(129), secrets.token_bytes(3)
        items = list("abc")
        secrets.SystemRandom().shuffle(items)
    assert secrets.randbits is real

    def attempt(at: int, bits: int) -> int:
        size = (bits + 7) // 8
        data = generate.hashlib.shake_256(b"seed" + at.to_bytes(8, "big")).digest(size)
        return int.from_bytes(data, "big") >> (8 * size - bits)

    assert first == attempt(0, 12)
    at = next(at for at in range(1, 100) if attempt(at, 8) < 129)
    assert below == attempt(at, 8)
    assert data == attempt(at + 1, 24).to_bytes(3, "big")
    assert sorted(items) == list("abc") and len(draws) == 5
    assert draws[:3] == [format(first, "x"), format(below, "x"), data.hex().lstrip("0")]


@pytest.mark.parametrize("vector", of_operation("shuffles", "shuffle"))
def test_a_shuffle_vector_tells_all_its_secrets(vector: dict[str, Any]) -> None:
    """C_i = c_{π(i)}·ρ_i^N: permutation and ρ, computed here from the draws, explain every output."""
    given, output = vector["input"], vector["output"]
    N = number(given["modulus"])
    for inputs, outputs, rhos in zip(given["inputs"], output["outputs"], output["rho"], strict=True):
        for source, c, rho in zip(output["permutation"], numbers(outputs), numbers(rhos), strict=True):
            assert c == number(inputs[source - 1]) * gmpy2.powmod(rho, N, N * N) % (N * N)


def test_the_entries_are_one_log() -> None:
    """Every entry is at its index in the election, whose root and checkpoint the vectors state."""
    [whole] = of_operation("entries", "whole-election")
    for vector in of_operation("entries", "entry"):
        if "output" in vector:
            assert vector["output"]["leaf_hash"] == whole["output"]["leaf_hashes"][vector["input"]["index"]]
            assert vector["output"]["root"] == whole["output"]["root"]
            assert all(signature["holds"] for signature in vector["output"]["signatures"])


def test_known_answers() -> None:
    """Values from elsewhere, so that the vectors do not only agree with themselves."""
    [rfc8032, *_] = of_operation("signatures", "ed25519-sign")
    assert rfc8032["output"]["key"] == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert rfc8032["output"]["signature"].startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974")
    [empty, *_, full] = of_operation("merkle", "merkle-root")
    assert empty["output"]["root"] == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert full["output"]["root"] == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
