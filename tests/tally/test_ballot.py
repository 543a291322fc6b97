"""Ballots made by a voter's device: what they encrypt, what is refused, and that nothing repeats or leaks.

The proofs themselves are in tests/verifier/crypto/test_ballot_proof.py.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Iterator
from functools import cache
from typing import Any

import gmpy2
import pytest
from gmpy2 import mpz
from hypothesis import given, settings
from hypothesis import strategies as st

from tally.ballot import BallotMaker, Choice, Randomness, plaintexts_of
from tests.election import BITS, VOTES, Election, contest, small_manifest
from tests.forge import at
from tests.keys import SecretKey, safe_primes
from verifier.ballots import Setting
from verifier.crypto import seed as ballot_seed
from verifier.errors import CheckFailed
from verifier.record.answers import decode_answer
from verifier.record.canonical import decode_integer, serialise
from verifier.record.entries import Type, modulus_bytes
from verifier.record.manifest import Contest

CHOICES = VOTES["v1"][1]
MARK = "\N{CJK UNIFIED IDEOGRAPH-79D8}\N{CJK UNIFIED IDEOGRAPH-5BC6}"


@cache
def election() -> Election:
    """Six voters are registered and the polls are open. Tests only read it."""
    return at("opened")


def setting() -> Setting:
    state = election().state
    return Setting(state.manifest, state.key, state.base)


@cache
def maker() -> BallotMaker:
    return BallotMaker(setting())


def the(identifier: str) -> Contest:
    return setting().manifest.contest(identifier)


def made(choices: dict[str, Choice] | None = None, seed: bytes | None = None) -> dict[str, Any]:
    """A ballot of slot v1."""
    held = election().state.slots["v1"]
    return maker().make(held.style, "v1", 1, held.credential, choices or CHOICES, seed or secrets.token_bytes(32))


def ciphertexts(ballot: dict[str, Any]) -> dict[str, list[mpz]]:
    width = 2 * modulus_bytes(setting().manifest)
    return {
        answer["contest"]: [decode_integer(c, width) for c in answer["ciphertexts"]] for answer in ballot["answers"]
    }


def strings(value: Any) -> Iterator[str]:
    """Every text in a record."""
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings(part)


# What a ballot encrypts


def test_the_ciphertexts_hold_the_choices() -> None:
    """Decrypted with the factors of N, every answer is the plaintext of the voter's choice, in the style's order."""
    decrypt = SecretKey(*safe_primes(BITS // 2)).decrypt
    sealed = ciphertexts(made())
    assert list(sealed) == list(election().state.slots["v1"].style.contests)
    for identifier, choice in CHOICES.items():
        found = [decrypt(c) for c in sealed[identifier]]
        assert found == plaintexts_of(setting(), the(identifier), choice)


def test_the_randomness_is_that_of_the_seed() -> None:
    """Whoever is shown the seed after a challenge opens every ciphertext; without it they stay shut."""
    seed = secrets.token_bytes(32)
    key = setting().key
    for identifier, found in ciphertexts(made(seed=seed)).items():
        for position, c in enumerate(found):
            m = plaintexts_of(setting(), the(identifier), CHOICES[identifier])[position]
            assert ballot_seed.plaintext(key, c, ballot_seed.randomness(key, seed, identifier, position)) == m
            other = ballot_seed.randomness(key, secrets.token_bytes(32), identifier, position)
            assert ballot_seed.plaintext(key, c, other) is None


@pytest.mark.parametrize("slot", list(VOTES))
def test_replay_accepts_what_is_made(slot: str) -> None:
    """Under the gate of the server, for every ballot style and kind of contest."""
    style, choices = VOTES[slot]
    voting = Election(small_manifest()).set_up()
    voting.register(slot, style, 0)
    voting.open_polls()
    voting.cast(slot, **choices)
    assert voting.state.cast == 1


def test_a_ballot_carries_its_slot_and_sequence() -> None:
    ballot = made()
    assert ballot.keys() == {"election", "style", "slot", "sequence", "answers"}
    assert (ballot["style"], ballot["slot"], ballot["sequence"]) == ("north", "v1", 1)


# Plaintexts


def test_choose_one_is_a_power_of_the_base() -> None:
    """B^j for option j, a blank vote last: so the sum of all ballots has a slot for each option."""
    mayor, B = the("mayor"), setting().base
    found = [plaintexts_of(setting(), mayor, choice) for choice in ("a", "b", "c", "blank")]
    assert found == [[mpz(1)], [B], [B**2], [B**3]]
    assert election().rows < B


@given(st.sets(st.sampled_from("abc")))
@settings(max_examples=8)
def test_choose_several_is_a_bit_for_each_option(marks: set[str]) -> None:
    found = plaintexts_of(setting(), the("judges"), tuple(marks))
    assert found == [mpz(option in marks) for option in "abc"]


@pytest.mark.parametrize(
    ("identifier", "choice"),
    [
        ("council", "d"),
        ("council", "blank"),
        ("chair", ()),
        ("chair", ("c", "a")),
        ("chair", ("b", "c", "a")),
        ("name", ""),
        ("name", "山田"),
        ("name", "ー" * 10),
    ],
)
def test_answers_for_the_mix_come_back(identifier: str, choice: Choice) -> None:
    plaintexts = plaintexts_of(setting(), the(identifier), choice)
    assert decode_answer(the(identifier), BITS, plaintexts) == choice
    assert all(0 <= m < setting().key.N for m in plaintexts)


REFUSED: list[tuple[str, Choice]] = [
    ("mayor", "d"),
    ("mayor", ""),
    ("mayor", "A"),
    ("mayor", ()),
    ("mayor", ("a", "b")),
    ("judges", ("d",)),
    ("judges", ("a", "blank")),
    ("judges", "abc"),
    ("judges", ("a", "b", "c", "d")),
    ("council", "e"),
    ("council", ("a", "b")),
    ("council", ()),
    ("chair", ("a", "a")),
    ("chair", ("a", "b", "c", "a")),
    ("chair", ("blank",)),
    ("name", "ー" * 11),
    ("name", "a\nb"),
    ("name", "か\N{COMBINING KATAKANA-HIRAGANA VOICED SOUND MARK}"),
]


@pytest.mark.parametrize(("identifier", "choice"), REFUSED)
def test_a_choice_that_is_not_allowed_is_refused(identifier: str, choice: Choice) -> None:
    """By name of the contest, and a device that tried would only make an invalid ballot."""
    with pytest.raises(ValueError, match=f"contest {identifier}"):
        plaintexts_of(setting(), the(identifier), choice)
    with pytest.raises(ValueError, match=f"contest {identifier}"):
        made({**CHOICES, identifier: choice})


def test_without_blank_there_is_none() -> None:
    manifest = small_manifest()
    manifest["contests"][0]["blank"] = False
    manifest["contests"][1] = contest("judges", "choose-several", ["甲", "乙", "丙"], blank=False, least=2, most=2)
    voting = Election(manifest)
    voting.append(Type.MANIFEST, manifest)
    parsed = Setting(voting.state.manifest, setting().key, setting().base)
    mayor, judges = parsed.manifest.contest("mayor"), parsed.manifest.contest("judges")
    assert plaintexts_of(parsed, judges, ("a", "c")) == [1, 0, 1]
    for refused, choice in [(mayor, "blank"), (judges, ()), (judges, ("a",)), (judges, ("a", "b", "c"))]:
        with pytest.raises(ValueError, match=f"contest {refused.id}"):
            plaintexts_of(parsed, refused, choice)


@pytest.mark.parametrize("length", [31, 60, 61, 62, 65_535, 65_536, 1 << 20])
def test_too_long_a_text_is_refused_whatever_its_length(length: int) -> None:
    """Two bytes hold the length: a text of 64 KiB does not fit even there."""
    with pytest.raises(ValueError, match="contest name"):
        plaintexts_of(setting(), the("name"), "a" * length)


def test_a_list_of_options_is_no_text() -> None:
    """It is refused, not written into the ballot the way Python prints it."""
    with pytest.raises(ValueError, match="contest name"):
        plaintexts_of(setting(), the("name"), ("a", "b"))


# Randomness


def test_two_ballots_of_the_same_choices_share_nothing_secret() -> None:
    """With fresh seeds no ciphertext, commitment, challenge or response comes twice."""
    first, second = (set(strings(made()["answers"])) for _ in range(2))
    assert first & second == set(CHOICES)


def test_proofs_are_fresh_even_with_the_same_seed() -> None:
    """A seed used again repeats the ciphertexts, as it must; two responses to one commitment would give the root."""
    seed = secrets.token_bytes(32)
    first, second = made(seed=seed), made(seed=seed)
    assert ciphertexts(first) == ciphertexts(second)
    proofs = [set(strings([answer["proofs"] for answer in ballot["answers"]])) for ballot in (first, second)]
    assert len(proofs[0]) > 50 and not proofs[0] & proofs[1]


def test_no_value_of_a_ballot_comes_twice() -> None:
    """Not within a ballot either: a nonce used for two proofs would give away both."""
    everything = list(strings(made()["answers"]))
    assert len(everything) == len(set(everything))


def test_the_voters_choice_is_nowhere_in_the_ballot() -> None:
    """Neither the text nor the length: a blank ballot has the same shape as a full one."""
    full = made({**CHOICES, "name": MARK})
    blank = made({"mayor": "blank", "judges": (), "council": "blank", "chair": (), "name": ""})
    assert MARK not in serialise(full).decode()
    assert len(serialise(full)) == len(serialise(blank))
    assert [len(text) for text in strings(full)] == [len(text) for text in strings(blank)]


def test_exponents_are_short_and_from_the_secret_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def randbits(bits: int) -> int:
        asked.append(bits)
        return 77

    randomness = Randomness(setting().key)
    monkeypatch.setattr("tally.ballot.secrets.randbits", randbits)
    assert randomness.fresh() == 77 and asked == [BITS // 2 + 64]


def test_roots_and_powers_are_of_one_base() -> None:
    randomness, key = maker().randomness, setting().key
    for _ in range(10):
        alpha = randomness.fresh()
        assert randomness.power(alpha) == gmpy2.powmod(randomness.root(alpha), key.N, key.N2)
        assert randomness.root(alpha) == gmpy2.powmod(key.h, alpha, key.N)


# Nothing leaks


def test_no_refusal_repeats_what_the_voter_chose() -> None:
    """Messages go to logs; they name the contest and never the answer."""
    for identifier, choice in [("mayor", MARK), ("judges", (MARK,)), ("council", MARK), ("chair", (MARK,))]:
        with pytest.raises(ValueError) as refusal:
            made({**CHOICES, identifier: choice})
        assert MARK not in str(refusal.value) and MARK not in repr(refusal.value.args)


@pytest.mark.parametrize("bad", ["\n", MARK * 10, "\ud800"])
def test_no_refusal_repeats_what_the_voter_wrote(bad: str) -> None:
    """Not even half a surrogate pair, which has no bytes in UTF-8 at all."""
    with pytest.raises(ValueError) as refusal:
        made({**CHOICES, "name": MARK + bad})
    assert MARK not in str(refusal.value) and MARK not in repr(refusal.value.args)


def test_the_maker_shows_no_seed() -> None:
    seed = secrets.token_bytes(32)
    made(seed=seed)
    shown = repr(maker()) + repr(vars(maker())) + repr(vars(maker().randomness))
    assert seed.hex() not in shown and repr(seed)[2:-1] not in shown


def test_a_ballot_is_only_good_for_its_own_slot() -> None:
    """Another voter who takes the ciphertexts and proofs over is refused."""
    voting = at("opened")
    stolen = copy.deepcopy(voting.ballot("v1", CHOICES))
    honest = Election(small_manifest()).set_up()
    for index, slot in enumerate(("v1", "v2")):
        honest.register(slot, "north", 2 * index)
    honest.open_polls()
    stolen["slot"] = "v2"
    with pytest.raises(CheckFailed):
        honest.append(Type.BALLOT_CAST, stolen, ["v2"])
