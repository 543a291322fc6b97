"""The shuffle argument: complete for every size, and the two forgeries that replace all mixed ballots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import gmpy2
import pytest
from gmpy2 import mpz

from tally import mixing
from tally.mixing import MixerRandomness, Rho, Shuffled, prove
from tests.election import small_manifest
from tests.keys import secret_key
from tests.vectors.generators import derived
from verifier.checks import consistency, evidence, integrity
from verifier.crypto import group, shuffle
from verifier.crypto.group import GROUP, Group, K
from verifier.crypto.shuffle import Proof, Statement
from verifier.errors import CheckFailed, NotCanonical
from verifier.record.column import Column, read_column
from verifier.record.manifest import parse_manifest
from verifier.report import Gate
from verifier.workers import InProcess

SECRET = secret_key()
KEY = SECRET.public
N, N2 = KEY.N, KEY.N2


def ciphertexts(n: int, width: int = 1) -> list[list[mpz]]:
    return [[KEY.encrypt(mpz(100 * column + m), mpz(7 + m)) for m in range(n)] for column in range(width)]


def statement(inputs: Sequence[Sequence[mpz]], outputs: Sequence[Sequence[mpz]], **changes: object) -> Statement:
    made = Statement(KEY, b"context", b"e" * 32, inputs, outputs, b"in" * 16, b"out!" * 8)
    return replace(made, **changes)  # type: ignore[arg-type]


def accepts(asked: Statement, proof: Proof) -> bool:
    """What replay does with a mix proof."""
    gate = Gate()
    try:
        gate.run(integrity.mix_response_range, "", proof)
        gate.run(integrity.group_membership, "", proof)
        gate.run(integrity.commitment_domain, "", KEY, proof.F)
        gate.run(integrity.response_domain, "", KEY, proof.z)
        challenges = shuffle.challenges(asked, proof)
        gate.run(evidence.shuffle_product, "", proof, challenges)
        gate.run(evidence.shuffle_openings, "", asked, proof, challenges)
        gate.run(evidence.shuffle_ciphertexts, "", asked, proof, challenges, InProcess())
    except CheckFailed:
        return False
    return True


def mixed(n: int, width: int = 1) -> tuple[Statement, Proof]:
    inputs = ciphertexts(n, width)
    shuffled = mixing.shuffle(KEY, inputs)
    asked = statement(inputs, shuffled.outputs)
    return asked, prove(asked, shuffled)


@pytest.mark.parametrize("n", [1, 2, 3, 7, K, K + 1, K + 2])
def test_an_honest_mix_is_accepted_at_every_size(n: int) -> None:
    """K rows fill one commitment; one more begins a second, whose products have none or one step."""
    assert accepts(*mixed(n))


def test_answers_of_several_ciphertexts_move_together() -> None:
    asked, proof = mixed(5, width=3)
    assert accepts(asked, proof)
    torn = [asked.outputs[0], asked.outputs[1][::-1], asked.outputs[2]]
    assert not accepts(replace(asked, outputs=torn), proof)


@pytest.mark.parametrize("name", [field.name for field in fields(Proof)])
@pytest.mark.parametrize("at", [0, -1])
def test_every_part_of_a_proof_matters(name: str, at: int) -> None:
    asked, proof = mixed(4)
    values = list(getattr(proof, name))
    values[at] += 1
    assert not accepts(asked, replace(proof, **{name: values}))


@pytest.mark.parametrize(
    "change",
    [
        {"election": b"f" * 32},
        {"context": b"another"},
        {"input_digest": b"i" * 32},
        {"output_digest": b"o" * 32},
        {"key": secret_key(640).public},
    ],
)
def test_the_challenges_bind_the_whole_statement(change: dict[str, object]) -> None:
    asked, proof = mixed(3)
    other = replace(asked, **change)  # type: ignore[arg-type]
    assert shuffle.challenges(other, proof) != shuffle.challenges(asked, proof)
    assert not accepts(other, proof)


@pytest.mark.parametrize("name", shuffle.COMMITMENTS)
def test_later_challenges_depend_on_every_commitment(name: str) -> None:
    asked, proof = mixed(3)
    changed = replace(proof, **{name: [x + 1 for x in getattr(proof, name)]})
    before, after = shuffle.challenges(asked, proof), shuffle.challenges(asked, changed)
    assert before.x != after.x
    assert (before.tau != after.tau) == (name == "A")
    assert (before.y != after.y) == (name in "ABM")


def test_a_ballot_dropped_and_another_doubled_is_not_a_permutation() -> None:
    inputs = ciphertexts(4)
    honest = mixing.shuffle(KEY, inputs)
    doubled = Shuffled(
        [[inputs[0][0] * honest.randomness.draw()[1] % N2 for _ in range(4)]], [1] * 4, honest.rho, honest.randomness
    )
    asked = statement(inputs, doubled.outputs)
    assert not accepts(asked, prove(asked, doubled))


def replacing(inputs: list[list[mpz]], own: Sequence[tuple[mpz, mpz]], new: Sequence[mpz], shift: mpz) -> Shuffled:
    """A mixer who is also a voter: the first ballots are his own (m, r), replaced by `new`; all others are shifted."""
    randomness = MixerRandomness(KEY)
    outputs: list[mpz] = []
    rho: list[Rho] = []
    for at, c in enumerate(inputs[0]):
        fresh, power = randomness.draw()
        plain = new[at] if at < len(own) else shift
        outputs.append((1 + plain * N) * power * (1 if at < len(own) else c) % N2)
        rho.append(fresh)
    return Shuffled([outputs], list(range(1, len(outputs) + 1)), [rho], randomness)


def forged(
    inputs: list[list[mpz]], own: Sequence[tuple[mpz, mpz]], new: Sequence[mpz], shift: mpz, q: mpz, digits: int
) -> tuple[Statement, Proof]:
    """f_i + k_i·q opens the same commitments; the k_i are chosen so that the plaintexts agree after all."""
    shuffled = replacing(inputs, own, new, shift)
    asked = statement(inputs, shuffled.outputs)
    proof = prove(asked, shuffled)
    challenges = shuffle.challenges(asked, proof)
    x, tau = challenges.x, challenges.tau
    gap = sum(x * tau[at] * (new[at] - m) for at, (m, _) in enumerate(own))
    gap += sum(x * t * shift for t in tau[len(own) :])
    wanted = -gap * gmpy2.invert(q, N) % N
    f, z = list(proof.f), proof.z[0]
    for at in range(len(own)):
        k = wanted * gmpy2.invert(new[0], N) % N if digits == 0 else wanted >> (digits * at) & ((1 << digits) - 1)
        f[at] += k * q
        root = shuffled.randomness.product([shuffled.rho[0][at]], [mpz(1)])
        z = z * gmpy2.powmod(root, k * q, N) * gmpy2.powmod(own[at][1], -x * tau[at], N) % N
    return asked, replace(proof, f=f, z=[z])


def test_forgery_a_response_out_of_range_replaces_all_mixed_ballots(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mixer knows only a ballot of his own; V4.8 is all that stops him."""
    m, r = mpz(5), mpz(1234567)
    inputs = [[KEY.encrypt(m, r), *ciphertexts(4)[0]]]
    asked, proof = forged(inputs, [(m, r)], [mpz(77)], mpz(1000), GROUP.q, digits=0)
    assert [SECRET.decrypt(c) for c in asked.outputs[0]] == [77, 1000, 1001, 1002, 1003]
    assert not accepts(asked, proof)
    monkeypatch.setattr(integrity.mix_response_range, "function", lambda *_: None)
    assert accepts(asked, proof)


def test_forgery_a_small_q_leaves_room_inside_the_range(monkeypatch: pytest.MonkeyPatch) -> None:
    """With q below 2^{2λ+κ+2} the same works with responses in their range; V3.4 demands a large q."""
    q = gmpy2.next_prime(mpz(1) << 64)
    p = next(p for k in range(1 << 440, 1 << 441, 2) if gmpy2.is_prime(p := k * q + 1))
    toy = Group(p, q, "toy")
    for module in (shuffle, mixing, consistency):
        monkeypatch.setattr(module, "GROUP", toy)
    monkeypatch.setattr(group, "_shipped", lambda: tuple(derived(toy, K)))
    own = [(mpz(5), mpz(1234567)), (mpz(6), mpz(7654321))]
    inputs = [[*(KEY.encrypt(m, r) for m, r in own), *ciphertexts(3)[0]]]
    asked, proof = forged(inputs, own, [mpz(1), mpz(1) << 300], mpz(1000), q, digits=300)
    assert all(0 <= f < shuffle.RESPONSE_BOUND for f in proof.f)
    assert [SECRET.decrypt(c) for c in asked.outputs[0]][2:] == [1000, 1001, 1002]
    assert accepts(asked, proof)
    with pytest.raises(CheckFailed, match="commitment group is too small"):
        Gate().run(consistency.parameters_safe, "", parse_manifest(small_manifest()), 40, (512,))


def test_the_sign_of_an_output_does_not_divide_honest_checkers() -> None:
    """−1 is an N-th power: a flipped output is a re-encryption, and the proof made for it is accepted."""
    inputs = ciphertexts(3)
    shuffled = mixing.shuffle(KEY, inputs)
    shuffled.outputs[0][1] = N2 - shuffled.outputs[0][1]
    asked = statement(inputs, shuffled.outputs)
    assert all(accepts(asked, prove(asked, shuffled)) for _ in range(6))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_proof_survives_its_wire_form(n: int) -> None:
    asked, proof = mixed(n)
    wire, columns = shuffle.to_record(proof, KEY.bits)

    def column(value: object, width: int) -> list[mpz]:
        named = Column.from_record(value, width)
        return read_column(columns[named.digest], named)

    assert shuffle.from_record(wire, column, n, 1, KEY.bits) == proof
    with pytest.raises(NotCanonical):
        shuffle.from_record(wire, column, n + 1, 1, KEY.bits)
    with pytest.raises(NotCanonical):
        shuffle.from_record({**wire, "more": 1}, column, n, 1, KEY.bits)
