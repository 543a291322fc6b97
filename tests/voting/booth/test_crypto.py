"""The browser's ballot prover says what Python says, keeps its secrets, and refuses what Python refuses.

Everything runs in Chromium, from the files that voters get, under a content policy without eval.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import gmpy2
import pytest
from gmpy2 import mpz

from tally.ballot import BallotMaker, Choice
from tests import cross
from tests.election import VOTES, Election, contest, finish, option, party, small_manifest
from tests.keys import secret_key
from tests.test_vectors import vectors_of
from tests.vectors.generate import OPERATIONS
from tests.voting.booth.pages import PLAIN_HOST, Booth, booth, difference
from verifier.ballots import Setting
from verifier.crypto import seed as ballot_seed
from verifier.crypto.paillier import PublicKey
from verifier.record.canonical import decode_bytes, decode_integer, encode_bytes, encode_integer, serialise
from verifier.record.entries import Type, tracker
from verifier.record.manifest import election_id, parse_manifest

JSON = dict[str, Any]
FILES = ("canonical", "hashing", "paillier", "seeds", "ballot_proofs", "contests", "answers", "ballots", "entries")
NOT_OF_THE_BOOTH = {"check-membership", "check-knowledge", "check-ballot", "parse-receipt", "whole-election"}
"""proofs are checked by the verifier, receipts on the pages for checking"""
JUDGED_BY_REPLAY = {"election-id", "entry"}
"""the booth hashes manifests and entries; what is wrong with them otherwise is found elsewhere"""
SECRET = secret_key(512)
KEY = SECRET.public
WIDTH = 64
SEED = bytes(range(32))
ROWS = 40
CREDENTIAL = party("device")["key"]
CHOICES: dict[str, Any] = {"mayor": "b", "judges": ["a", "c"], "council": "d", "chair": ["c", "a"], "name": "山田"}
EVERY_CHOICE: dict[str, list[Any]] = {
    "mayor": ["a", "b", "c", "blank"],
    "judges": [[], ["a"], ["b"], ["c"], ["a", "b"], ["a", "c"], ["b", "c"], ["a", "b", "c"]],
    "council": ["a", "b", "c", "d", "blank"],
    "chair": [[], ["a"], ["c"], ["b", "a"], ["c", "b", "a"]],
    "name": ["", "a", "山田", "x" * 30],
}


@pytest.fixture(scope="module")
def opened() -> Iterator[Booth]:
    with booth() as found:
        yield found


@pytest.fixture
def page(opened: Booth) -> Iterator[Booth]:
    """A fresh page without a Worker, and with a console that must stay empty."""
    opened.visit()
    said: list[str] = []
    opened.page.on("console", lambda message: said.append(message.text))
    yield opened
    assert not said


def each_contest_alone(**changes: Any) -> JSON:
    """The small manifest with a ballot style for each contest, and one for all."""
    manifest = small_manifest(**changes)
    names = [part["id"] for part in manifest["contests"]]
    alone = [{"id": name, "unit": "north", "contests": [name]} for name in names]
    manifest["styles"] = [*alone, {"id": "all", "unit": "north", "contests": names}]
    return manifest


MANIFEST = each_contest_alone()


def key_record(manifest: JSON, N: mpz = KEY.N) -> JSON:
    return {"election": encode_bytes(election_id(manifest)), "modulus": encode_integer(N, WIDTH)}


def preparation(manifest: JSON = MANIFEST, **changes: Any) -> JSON:
    return {"manifest": manifest, "key": key_record(manifest), "rows": ROWS, **changes}


def request(style: str = "all", **changes: Any) -> JSON:
    return {"style": style, "slot": "v1", "sequence": 1, "credential": CREDENTIAL, "choices": CHOICES, **changes}


class Prover:
    """The Worker of a page."""

    def __init__(self, page: Booth, path: str = "/booth/worker.js") -> None:
        self.page, self.numbers = page, count(1)
        page.call("start", path)

    def ask(self, act: str, **fields: Any) -> JSON:
        """{"result"} or {"refused"}."""
        [answer] = self.page.call("ask", {"id": next(self.numbers), "do": act, **fields})
        return answer

    def get(self, act: str, **fields: Any) -> JSON:
        answer = self.ask(act, **fields)
        assert "result" in answer, answer
        return answer["result"]

    def refused(self, act: str, **fields: Any) -> JSON:
        answer = self.ask(act, **fields)
        assert "refused" in answer, answer
        return answer["refused"]


@pytest.fixture
def prover(page: Booth) -> Prover:
    """A Worker that has prepared the small election."""
    made = Prover(page)
    made.get("prepare", **preparation())
    return made


def python_ballot(manifest: JSON, choices: JSON, style: str = "all", seed: bytes = SEED) -> JSON:
    """What Python makes of the choices."""
    setting = Setting(parse_manifest(manifest), KEY, mpz(1) << ROWS.bit_length())
    [chosen_style] = [one for one in setting.manifest.styles if one.id == style]
    chosen = {one: tuple(choice) if isinstance(choice, list) else choice for one, choice in choices.items()}
    ballot = BallotMaker(setting).make(chosen_style, "v1", 1, decode_bytes(CREDENTIAL, 32), chosen, seed)
    plain: JSON = json.loads(serialise(ballot))
    return plain


# The same as Python


@pytest.mark.parametrize("name", FILES)
def test_the_browser_says_what_the_vectors_say(page: Booth, name: str) -> None:
    """Every vector of what the booth has: outputs with the drawn values are equal, refusals have the same reasons."""
    names = set(page.call("names"))
    cases = [
        vector
        for vector in vectors_of(name)
        if vector["operation"] in names and not ("refused" in vector and vector["operation"] in JUDGED_BY_REPLAY)
    ]
    faults = {
        f"{case['operation']}, {case['comment']}": fault
        for case, found in zip(cases, page.run(cases), strict=True)
        if (fault := difference(case, found))
    }
    assert cases and not faults


def test_no_operation_is_left_out(page: Booth) -> None:
    used = {vector["operation"] for name in FILES for vector in vectors_of(name)}
    assert used - set(page.call("names")) == NOT_OF_THE_BOOTH


def test_random_cases_agree_in_both_directions(page: Booth) -> None:
    """A small part of `python -m tests.cross`; the same cases at each run."""
    assert cross.compare(page, 1500, seed=2026)


def test_a_difference_between_the_two_is_found(page: Booth, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison is not blind: a Python that says something else is noticed."""
    monkeypatch.setitem(OPERATIONS, "digest", lambda given: {"digest": bytes(32).hex()})
    assert not cross.compare(page, 1500, seed=2026)


# Whole ballots


def test_an_election_sealed_in_the_browser_has_the_result_of_one_sealed_by_python(
    page: Booth, finished: Election
) -> None:
    """Replay admits every ballot and every opened one, of every kind of contest; the count is that of the choices."""
    election = voted_in(page)
    finish(election)
    assert election.state.result == finished.state.result
    assert election.state.opened == finished.state.opened == 1


def voted_in(page: Booth) -> Election:
    """The votes of tests/election.py, sealed by a Worker on a device of its own for each voter."""
    election = Election(small_manifest(), rows=ROWS).set_up()
    for index, (slot, (style, _)) in enumerate(VOTES.items()):
        election.register(slot, style, 2 * index)
    election.open_polls()
    [key] = [entry["body"] for entry in map(json.loads, election.entries) if entry["type"] == "key"]
    for slot, (style, choices) in VOTES.items():
        device = Prover(page)
        prepared = device.get("prepare", manifest=election.manifest, key=key, rows=election.rows)
        assert prepared == {"election": encode_bytes(election.election_id)}
        voter = {"style": style, "slot": slot, "credential": party(slot)["key"]}

        def seal(
            choices: dict[str, Choice], device: Prover = device, voter: JSON = voter, slot: str = slot
        ) -> tuple[JSON, str]:
            sequence = election.state.slots[slot].sequence + 1
            sealed = device.get("seal", **voter, sequence=sequence, choices=choices)
            ballot: JSON = sealed["ballot"]
            assert sealed["canonical"].encode() == serialise(ballot)
            assert sealed["tracker"] == encode_bytes(tracker(ballot))
            return ballot, sealed["tracker"]

        if slot == "v1":
            election.append(Type.BALLOT_CAST, seal({**choices, "mayor": "b"})[0], [slot])
            ballot, named = seal(choices)
            body = {"ballot": ballot, "seed": device.get("reveal", tracker=named)["seed"]}
            election.append(Type.BALLOT_OPENED, body, [slot])
        election.append(Type.BALLOT_CAST, seal(choices)[0], [slot])
    return election


def test_ballots_that_python_made_are_read(prover: Prover) -> None:
    """Every choice of every kind of contest, by the seed alone."""
    for name, choices in EVERY_CHOICE.items():
        for choice in choices:
            ballot = python_ballot(MANIFEST, {name: choice}, style=name)
            read = prover.get("read", ballot=ballot, seed=encode_bytes(SEED))
            assert read == {"answers": {name: choice}}


def test_a_ballot_has_the_same_length_and_takes_the_same_steps_whatever_is_chosen(prover: Prover) -> None:
    """Neither its size nor its progress tells how it is marked."""
    for name, choices in EVERY_CHOICE.items():
        seen = set()
        for choice in choices:
            before = len(prover.page.call("said"))
            sealed = prover.get("seal", **request(name, choices={name: choice}))
            seen.add((len(sealed["canonical"]), len(prover.page.call("said")) - before))
        assert len(seen) == 1, name


def test_all_randomness_is_fresh(prover: Prover) -> None:
    """The same choices twice: no ciphertext, commitment, challenge or response occurs twice, and no seed."""
    ballots, seeds = [], []
    for _ in range(2):
        sealed = prover.get("seal", **request())
        ballots.append(sealed["ballot"])
        seeds.append(prover.get("reveal", tracker=sealed["tracker"])["seed"])
    assert len(set(seeds)) == 2
    first, second = ({text for text in strings(ballot["answers"]) if len(text) > 20} for ballot in ballots)
    assert len(first) == 58 and not first & second  # 7 ciphertexts, 14 branches, 3 proofs of knowledge


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings(part)


@pytest.mark.parametrize("choice", [0, 1, 2])
def test_proofs_hold_and_no_symbol_tells_the_true_branch(page: Booth, choice: int) -> None:
    """Every c, a_j and z_j is a square: a uniform s or z_j would show by its Jacobi symbol in half of the cases."""
    statement = {
        "modulus": format(KEY.N, "x"),
        "election": bytes(32).hex(),
        "contest": "mayor",
        "slot": "v1",
        "sequence": 1,
        "credential": bytes(32).hex(),
        "position": 0,
    }
    values = {"values": ["1", "40", "1000"]}
    given = {**statement, **values, "choice": choice, "alpha": "123456789abcdef"}
    symbols = set()
    for found in page.run([{"operation": "prove-membership", "input": given}] * 12):
        made = {name: found["output"][name] for name in ("ciphertext", "proof")}
        assert OPERATIONS["check-membership"]({**statement, **values, **made})["holds"]
        numbers = [mpz(text, 16) for text in (made["ciphertext"], *made["proof"]["a"], *made["proof"]["z"])]
        symbols |= {(gmpy2.jacobi(x, SECRET.P), gmpy2.jacobi(x, SECRET.Q)) for x in numbers}
    assert symbols == {(1, 1)}


# Choices that are refused


@pytest.mark.parametrize(
    ("name", "choice", "reason"),
    [
        ("mayor", "z", "this option is not on the list"),
        ("mayor", ["a"], "this option is not on the list"),
        ("mayor", None, "this option is not on the list"),
        ("mayor", 0, "this option is not on the list"),
        ("judges", ["a", "a"], "the same mark twice"),
        ("judges", ["a", "z"], "these marks are not allowed"),
        ("judges", "blank", "these marks are not allowed"),
        ("judges", {"length": 0}, "these marks are not allowed"),
        ("council", "z", "unknown option"),
        ("council", [], "not exactly one option"),
        ("council", ["a", "b"], "the answer is too long"),
        ("chair", ["a", "a"], "an option ranked twice"),
        ("chair", ["a", "blank"], "unknown option"),
        ("name", "x" * 31, "the answer is too long"),
        ("name", "か\u3099", "the text is not in Unicode normal form C"),
        ("name", "a\x00", "the text holds control characters"),
        ("name", "\ud800", "the text is not Unicode"),
        ("name", ["a"], "a text was expected"),
    ],
)
def test_a_choice_that_the_contest_does_not_allow_is_refused(
    prover: Prover, name: str, choice: Any, reason: str
) -> None:
    """By the name of the contest, and nothing is sealed: not even the ballot before is kept."""
    before = prover.get("seal", **request())["tracker"]
    refused = prover.refused("seal", **request(choices={**CHOICES, name: choice}))
    assert refused == {"code": "choice", "reason": f"contest {name}: {reason}"}
    assert prover.refused("reveal", tracker=before)["code"] == "unknown-ballot"


def test_a_missing_and_a_foreign_contest_are_refused(prover: Prover) -> None:
    """A choice that would get lost is refused as well; so is what every JavaScript object has by birth."""
    without = {one: choice for one, choice in CHOICES.items() if one != "judges"}
    missing = prover.refused("seal", **request(choices=without))
    assert missing == {"code": "choice", "reason": "contest judges: there is no answer"}
    assert prover.refused("seal", **request(choices=None))["reason"] == "contest mayor: there is no answer"
    foreign = prover.refused("seal", **request("mayor"))
    assert foreign == {"code": "choice", "reason": "contest judges: it is not on this ballot"}
    named = each_contest_alone(contests=[contest("constructor", "text", [], most=30)])
    prover.get("prepare", **preparation(named))
    inherited = prover.refused("seal", **request(choices={}))
    assert inherited == {"code": "choice", "reason": "contest constructor: there is no answer"}


@pytest.mark.parametrize(
    ("limits", "choice", "reason"),
    [
        ({"blank": False}, "blank", "contest mayor: this option is not on the list"),
        ({"blank": False, "least": 1, "most": 2}, [], "contest judges: these marks are not allowed"),
        ({"least": 1, "most": 2}, ["a", "b", "c"], "contest judges: these marks are not allowed"),
    ],
)
def test_blanks_and_marks_beyond_the_limits_are_refused(page: Booth, limits: JSON, choice: Any, reason: str) -> None:
    """With the limits of the manifest at hand."""
    name = reason.split()[1].rstrip(":")
    asked = {"mayor": ("choose-one", ["甲", "乙"]), "judges": ("choose-several", ["甲", "乙", "丙"])}[name]
    manifest = each_contest_alone(contests=[contest(name, *asked, **limits)])
    device = Prover(page)
    device.get("prepare", **preparation(manifest))
    assert device.refused("seal", **request(choices={name: choice})) == {"code": "choice", "reason": reason}


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        ({"style": "east"}, "not-canonical", "the election has no such ballot style"),
        ({"slot": "V1"}, "not-canonical", "slot: an identifier of a–z, 0–9 and hyphens was expected"),
        ({"sequence": 0}, "not-canonical", "sequence: a whole number from 1 to 1000000 was expected"),
        ({"sequence": 1.5}, "not-canonical", "sequence: a whole number from 1 to 1000000 was expected"),
        ({"sequence": "1"}, "not-canonical", "sequence: a whole number from 1 to 1000000 was expected"),
        ({"credential": "AAAA"}, "bad-integer", "credential: 4 characters where 32 bytes take 43"),
    ],
)
def test_a_ballot_for_nobody_is_refused(prover: Prover, change: JSON, code: str, reason: str) -> None:
    assert prover.refused("seal", **request(**change)) == {"code": code, "reason": reason}


# Preparation


def without(record: JSON, name: str) -> JSON:
    return {key: value for key, value in record.items() if key != name}


def factor_in_base() -> mpz:
    """An odd modulus of 512 bits that shares a factor with its own h_N."""
    N = mpz(2) ** 511 + 3 - (mpz(2) ** 511 + 3) % 3 + 3
    while N % 2 == 0 or gmpy2.gcd(PublicKey(N).h, N) == 1:
        N += 3
    return N


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        ({"key": key_record(MANIFEST, KEY.N - 1)}, "bad-key", "the modulus is even"),
        ({"key": key_record(MANIFEST, KEY.N >> 2 | 1)}, "bad-key", "the modulus has not 512 bits"),
        ({"key": key_record(MANIFEST, factor_in_base())}, "bad-key", "the election's key has a factor"),
        ({"key": key_record(small_manifest())}, "bad-key", "the key is of another election"),
        ({"key": {**key_record(MANIFEST), "modulus": "AA"}}, "bad-integer", "key, modulus: 2 characters"),
        ({"key": None}, "not-canonical", "key: an object was expected"),
        ({"key": {}}, "not-canonical", "key: key 'election' is missing"),
        ({"rows": 0}, "not-canonical", "rows: a whole number"),
        ({"rows": "40"}, "not-canonical", "rows: a whole number"),
        ({"rows": None}, "not-canonical", "rows: a whole number"),
        ({"manifest": None}, "not-canonical", "manifest: an object was expected"),
        ({"manifest": without(MANIFEST, "contests")}, "not-canonical", "manifest: key 'contests' is missing"),
        ({"manifest": {**MANIFEST, "protocol": "tashika/2"}}, "not-canonical", "manifest, protocol"),
    ],
)
def test_an_election_that_cannot_be_voted_in_is_refused(page: Booth, change: JSON, code: str, reason: str) -> None:
    """And afterwards nothing is prepared, not even the election before."""
    device = Prover(page)
    device.get("prepare", **preparation())
    refused = device.refused("prepare", **preparation(**change))
    assert refused["code"] == code and refused["reason"].startswith(reason)
    assert device.refused("seal", **request())["code"] == "not-prepared"


def listed(number: int) -> list[JSON]:
    return [option(f"o{at}", f"{at}") for at in range(number)]


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        ({"kind": "approval"}, "not-canonical", "manifest, contests 0, kind: one of"),
        ({"options": []}, "not-canonical", "manifest, contests 0: a contest without options"),
        ({"most": 2}, "not-canonical", "manifest, contests 0: choosing one needs least = most = 1"),
        ({"options": [*listed(2), *listed(1)]}, "not-canonical", "manifest, contests 0: o0 is there twice"),
        ({"options": [{**listed(1)[0], "id": "blank"}]}, "not-canonical", "manifest, contests 0: the id 'blank'"),
        ({"weights": []}, "not-canonical", "manifest, contests 0: unknown key 'weights'"),
        ({"width": 2}, "not-canonical", "manifest, contests 0: only a mixnet answer"),
        ({"kind": "choose-several", "most": 9}, "not-canonical", "manifest, contests 0: at most 2 can be chosen"),
        ({"kind": "text"}, "not-canonical", "manifest, contests 0: a write-in contest lists no options"),
        ({"kind": "ranking", "least": 2}, "not-canonical", "manifest, contests 0: least is above most"),
        ({"opens": "2026-11-16"}, "not-canonical", "manifest, contests 0, opens: a time"),
        ({"options": listed(85)}, "bad-manifest", "contest mayor: 86 slots of 6 bits do not fit the modulus"),
        (
            {"kind": "text", "form": "WRITE_IN", "options": [], "most": 62},
            "bad-manifest",
            "contest mayor: answers do not fit",
        ),
        ({"id": "mayors"}, "not-canonical", "manifest, style mayor: unknown contest 'mayor'"),
    ],
)
def test_a_contest_that_makes_no_sense_is_refused(page: Booth, change: JSON, code: str, reason: str) -> None:
    manifest = small_manifest(
        contests=[{**contest("mayor", "choose-one", []), "options": listed(2), **change}],
        styles=[{"id": "mayor", "unit": "north", "contests": ["mayor"]}],
    )
    refused = Prover(page).refused("prepare", **preparation(manifest))
    assert refused["code"] == code and refused["reason"].startswith(reason)


def test_other_parts_of_a_manifest_are_hashed_and_left_alone(page: Booth) -> None:
    """The election's id covers every key of the record, also those that the booth does not know."""
    manifest = {**MANIFEST, "served": ["https://board.kakuu.example/"]}
    prepared = Prover(page).get("prepare", **preparation(manifest))
    assert prepared == {"election": encode_bytes(election_id(manifest))}
    assert election_id(manifest) != election_id(MANIFEST)


# Reading by a seed


def changed(ballot: JSON, name: str, ciphertexts: Callable[[list[str]], list[str]]) -> JSON:
    """The ballot with other ciphertexts in one answer."""
    answers = [
        {**answer, "ciphertexts": ciphertexts(answer["ciphertexts"])} if answer["contest"] == name else answer
        for answer in ballot["answers"]
    ]
    return {**ballot, "answers": answers}


def sealed(name: str, m: int) -> list[str]:
    """A ciphertext of m at the first place of a contest, with the randomness of the seed."""
    return [encode_integer(KEY.encrypt(mpz(m), ballot_seed.randomness(KEY, SEED, name, 0)), 2 * WIDTH)]


def wire(c: int) -> list[str]:
    return [encode_integer(c, 2 * WIDTH)]


@pytest.mark.parametrize(
    ("name", "ciphertexts", "code", "reason"),
    [
        ("mayor", lambda _: wire(0), "out-of-domain", "contest mayor: ciphertext 0 is none"),
        ("mayor", lambda _: wire(KEY.N), "out-of-domain", "contest mayor: ciphertext 0 is none"),
        ("mayor", lambda _: wire(SECRET.P), "out-of-domain", "contest mayor: ciphertext 0 is none"),
        ("mayor", lambda _: wire(KEY.N2 + 1), "out-of-domain", "contest mayor: ciphertext 0 is none"),
        ("mayor", lambda c: wire(KEY.N2 - decode_integer(c[0], 128)), "mismatch", "contest mayor: the seed does not"),
        ("judges", lambda c: [c[1], c[0], c[2]], "mismatch", "contest judges: the seed does not open ciphertext 0"),
        ("judges", lambda c: c[:2], "not-canonical", "ballot, answers 1, ciphertexts: a list of 3 to 3 items"),
        ("mayor", lambda c: [c[0][:-1]], "bad-integer", "ballot, answers 0, ciphertexts 0: 170 characters"),
        ("mayor", lambda _: sealed("mayor", 1000), "undecodable", "contest mayor: the ballot holds something"),
        ("council", lambda _: sealed("council", 1), "undecodable", "contest council: the padding is not zero"),
        ("name", lambda _: sealed("name", 1 << 505), "undecodable", "contest name: the plaintext is larger"),
    ],
)
def test_a_forged_ciphertext_is_refused(
    prover: Prover, name: str, ciphertexts: Callable[[list[str]], list[str]], code: str, reason: str
) -> None:
    """Outside the domain, moved, negated, of the wrong width, or sealing what cannot be voted; by its contest."""
    forged = changed(python_ballot(MANIFEST, CHOICES), name, ciphertexts)
    refused = prover.refused("read", ballot=forged, seed=encode_bytes(SEED))
    assert refused["code"] == code and refused["reason"].startswith(reason)


def test_too_many_marks_are_refused_when_read(page: Booth) -> None:
    """Each ciphertext alone is a mark, but there are more of them than the contest allows."""
    judges = ["甲", "乙", "丙"]
    wide, narrow = (
        each_contest_alone(contests=[contest("judges", "choose-several", judges, least=0, most=most)])
        for most in (3, 1)
    )
    ballot = python_ballot(wide, {"judges": ["a", "b"]})
    device = Prover(page)
    device.get("prepare", **preparation(narrow))
    forged = {**ballot, "election": encode_bytes(election_id(narrow))}
    refused = device.refused("read", ballot=forged, seed=encode_bytes(SEED))
    assert refused == {"code": "undecodable", "reason": "contest judges: a number of marks that is not allowed"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"election": encode_bytes(bytes(32))}, "other-election"),
        ({"style": "east"}, "not-canonical"),
        ({"style": "mayor"}, "not-canonical"),
        ({"slot": ""}, "not-canonical"),
        ({"sequence": 0}, "not-canonical"),
        ({"answers": []}, "not-canonical"),
        ({"note": "a"}, "not-canonical"),
    ],
)
def test_what_is_no_ballot_of_this_election_is_not_read(prover: Prover, change: JSON, code: str) -> None:
    forged = {**python_ballot(MANIFEST, CHOICES), **change}
    assert prover.refused("read", ballot=forged, seed=encode_bytes(SEED))["code"] == code


def test_answers_in_another_order_are_not_read(prover: Prover) -> None:
    ballot = python_ballot(MANIFEST, CHOICES)
    refused = prover.refused("read", ballot={**ballot, "answers": ballot["answers"][::-1]}, seed=encode_bytes(SEED))
    assert refused == {"code": "not-canonical", "reason": "ballot, answers 0: an answer to contest mayor was expected"}


def test_another_seed_opens_nothing(prover: Prover) -> None:
    """A floor division would read something from any seed; a seed of another length is refused as such."""
    ballot = python_ballot(MANIFEST, CHOICES)
    refused = prover.refused("read", ballot=ballot, seed=encode_bytes(bytes(32)))
    assert refused == {"code": "mismatch", "reason": "contest mayor: the seed does not open ciphertext 0"}
    assert prover.refused("read", ballot=ballot, seed=encode_bytes(bytes(31)))["code"] == "bad-integer"
    assert prover.refused("read", ballot=ballot, seed=None)["code"] == "bad-integer"


# The Worker keeps its secrets


def test_no_message_before_reveal_holds_seed_or_choice(page: Booth) -> None:
    """Neither the seed, in any of its forms, nor a choice is in what the Worker says before it is asked for it."""
    device = Prover(page)
    device.get("prepare", **preparation())
    refused = device.refused("seal", **request(choices={**CHOICES, "name": "架空の秘密の名前" * 9}))
    named = device.get("seal", **request(choices={**CHOICES, "name": "架空の秘密"}))["tracker"]
    before = json.dumps(page.call("said"), ensure_ascii=False)
    seed = device.get("reveal", tracker=named)["seed"]
    data = decode_bytes(seed, 32)
    for form in (
        seed,
        data.hex(),
        base64.b64encode(data).decode(),
        ",".join(map(str, data)),
        str(int.from_bytes(data)),
    ):
        assert form not in before
    assert "架空の秘密" not in before and "秘密" not in refused["reason"]
    assert seed in json.dumps(page.call("said"))


def test_a_seed_is_revealed_only_for_the_ballot_sealed_last_until_it_is_forgotten(prover: Prover) -> None:
    unknown = {"code": "unknown-ballot", "reason": "this ballot is not the one sealed last"}
    assert prover.refused("reveal", tracker=encode_bytes(bytes(32))) == unknown
    assert prover.refused("reveal") == unknown
    first = prover.get("seal", **request())["tracker"]
    second = prover.get("seal", **request())["tracker"]
    assert prover.refused("reveal", tracker=first) == unknown
    assert prover.get("reveal", tracker=second) == prover.get("reveal", tracker=second)
    assert prover.get("forget") == {}
    assert prover.refused("reveal", tracker=second) == unknown
    assert prover.get("seal", **request())["ballot"]  # the tables are still there
    third = prover.get("seal", **request())["tracker"]
    prover.get("prepare", **preparation())
    assert prover.refused("reveal", tracker=third) == unknown


def test_messages_are_answered_in_order_with_progress(page: Booth) -> None:
    """Several at once: each has its number, its progress rises evenly to 1, and none overtakes a slow one before."""
    device = Prover(page, "/tests/worker_without_speed.js")
    device.get("prepare", **preparation())
    messages = [
        {"id": "a", "do": "seal", **request()},
        {"id": "b", "do": "forget"},
        {"id": "c", "do": "seal", **request("mayor", choices={"mayor": "a"})},
    ]
    before = len(page.call("said"))
    answers = page.call("ask", *messages)
    assert all("result" in answer for answer in answers)
    branches = {"a": 4 + 3 * 2 + 4 + 3, "b": 0, "c": 4}
    expected: list[Any] = []
    for name, most in branches.items():
        expected += [(name, (done + 1) / most) for done in range(most)]
        expected.append((name, "result"))
    assert [(one["id"], one.get("progress", "result")) for one in page.call("said")[before:]] == expected


def test_preparing_tells_how_far_it_is(page: Booth) -> None:
    device = Prover(page)
    device.get("prepare", **preparation())
    shares = [one["progress"] for one in page.call("said") if "progress" in one]
    assert shares == sorted(shares) and len(shares) > 20 and shares[0] > 0 and 0.99 < shares[-1] <= 1


def test_what_nobody_prepared_or_knows_is_refused(page: Booth) -> None:
    device = Prover(page)
    assert device.refused("seal", **request())["code"] == "not-prepared"
    assert device.refused("read", ballot={}, seed="")["code"] == "not-prepared"
    for act in ("toString", "constructor", "", None, 5):
        assert device.refused(act)["code"] == "unknown-request"


def test_a_fault_of_the_program_tells_nothing(page: Booth) -> None:
    """An error that nobody expected has words of its own, which could quote a choice."""
    Prover(page)
    [answer] = page.call("askForFault", preparation())
    assert answer == {"refused": {"code": "failed", "reason": "the booth could not do this"}}


# Browsers that lack something


def test_without_chance_nothing_is_sealed(page: Booth) -> None:
    device = Prover(page, "/tests/worker_without_chance.js")
    device.get("prepare", **preparation())
    refused = device.refused("seal", **request())
    assert refused == {"code": "no-crypto", "reason": "this browser gives no random numbers"}
    assert device.refused("reveal", tracker=encode_bytes(bytes(32)))["code"] == "unknown-ballot"


def test_without_big_integers_everything_is_refused(page: Booth) -> None:
    device = Prover(page, "/tests/worker_without_bigint.js")
    assert device.refused("prepare", **preparation())["code"] == "no-crypto"


def test_without_webcrypto_everything_is_refused(page: Booth) -> None:
    """On a page without https, where Chromium really has none."""
    page.visit(PLAIN_HOST)
    assert page.page.evaluate("crypto.subtle === undefined")
    device = Prover(page)
    for act in ("prepare", "seal", "read", "reveal"):
        assert device.refused(act, **preparation())["code"] == "no-crypto"
