"""The count agrees with a second one that shares no code with it: `tests/verifier/naive.py`."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import gmpy2
import pytest
from gmpy2 import mpz

from tally.ballot import Choice, plaintexts_of
from tests.election import contest, option, small_manifest
from tests.keys import secret_key
from tests.verifier import naive
from verifier.ballots import Setting
from verifier.count import GroupCount, count_answers, count_record, count_slots, misfit, slot_bits, total_record
from verifier.outcome import outcome, outcome_record
from verifier.record.answers import block_bytes
from verifier.record.manifest import FORM_KINDS, Contest, Form, Kind, parse_manifest
from verifier.replay.groups import partition

JSON = dict[str, Any]
ELECTIONS = 200
BITS = 256
UNITS = ("north", "south", "west")
TEXTS = ("山田 太郎", "山田 太朗", "髙橋", "高橋", "Zoë")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


# Random elections


def names(rng: random.Random, most: int, least: int = 1) -> list[str]:
    return [f"候補 {number}" for number in range(rng.randint(least, most))]


def some_contest(rng: random.Random, form: Form) -> JSON:
    """Few options and few seats, so that there are many ties."""
    kind = rng.choice(FORM_KINDS[form])
    made = contest(form.lower().replace("_", "-"), kind, names(rng, 5), form=str(form), blank=rng.random() < 0.7)
    if form is Form.REVIEW:
        return {**made, "least": 0, "most": len(made["options"])}
    if form is Form.RANKING:
        return {**made, "most": rng.randint(1, len(made["options"]))}
    if form in (Form.SNTV, Form.WRITE_IN, Form.PR_CLOSED, Form.PR_OPEN):
        made["seats"] = rng.randint(1, 6)
    if form is Form.WRITE_IN:
        return {**made, "options": [], "most": 28}
    if form is Form.PR_CLOSED:
        made["options"] = [{**one, "candidates": names(rng, 3)} for one in made["options"]]
    if form is Form.PR_OPEN:
        made["options"] = open_lists(rng, rng.randint(1, 4), 5)
    return made


def open_lists(rng: random.Random, lists: int, longest: int) -> list[JSON]:
    """Lists and their candidates, some of whom are elected first, in any order."""
    made = []
    for party in LETTERS[:lists]:
        people = [f"{party}{number}" for number in range(rng.randint(1, longest))]
        first = rng.sample(people, rng.randint(0, len(people) // 2))
        made.append(option(party, f"党 {party}"))
        for one in people:
            priority = first.index(one) + 1 if one in first else 0
            made.append(option(one, f"候補 {one}", list=party, priority=priority))
    rng.shuffle(made)
    return made


def some_choice(rng: random.Random, one: JSON) -> Choice:
    ids = [part["id"] for part in one["options"]]
    blank = one["blank"] and rng.random() < 0.2
    if one["kind"] == Kind.TEXT:
        return "" if blank else rng.choice(TEXTS)
    if one["kind"] == Kind.CHOOSE_SEVERAL:
        return tuple(part for part in ids if rng.random() < 0.5)
    if one["kind"] == Kind.RANKING:
        return () if blank else tuple(rng.sample(ids, rng.randint(1, one["most"])))
    return "blank" if blank else rng.choice(ids)


def manifest_of(contests: list[JSON]) -> JSON:
    everything = [one["id"] for one in contests]
    return small_manifest(
        modulus_bits=BITS,
        minimum_group=10,
        contests=contests,
        units=[{"id": unit, "name": unit} for unit in UNITS],
        styles=[{"id": unit, "unit": unit, "contests": everything} for unit in UNITS],
    )


# What the outcome says, in the words of the second count


def said(record: JSON, form: Form) -> JSON:
    persons = lambda people: {(one["answer"], one["position"]) for one in people}  # noqa: E731
    said: JSON = {
        "elected": persons(record["elected"]),
        "lots": {(lot["decides"], frozenset(persons(lot["among"])), lot["places"]) for lot in record["lots"]},
        "vacant": record["vacant"],
        "judges": {one["answer"]: (one["dismiss"], one["keep"], one["dismissed"]) for one in record["judges"]},
        "lists": {one["answer"]: (one["votes"], one["seats"], one["contested"]) for one in record["lists"]},
        "rounds": [
            (
                {line["answer"]: line["count"] for line in one["votes"]},
                one["exhausted"],
                {gone["answer"] for gone in one["eliminated"]},
            )
            for one in record["rounds"]
        ],
    }
    if form is Form.RANKING:
        winner = record["pairs"]["winner"]
        said |= {"pairs": record["pairs"]["preferred"], "condorcet": winner and winner["answer"]}
    if form is Form.REFERENDUM:
        answered = record["answered"]
        majority = answered["majority"]
        said["leading"] = {one["answer"] for one in answered["leading"]}
        said["majority"] = majority and majority["answer"]
    return said


NOTHING: JSON = {"elected": set(), "lots": set(), "vacant": 0, "judges": {}, "lists": {}, "rounds": []}


def agree(one: JSON, total: JSON, record: JSON, choices: Sequence[Choice], invalid: int) -> None:
    assert total == naive.counts(one, choices, invalid), one
    assert said(record, Form(one["form"])) == NOTHING | naive.decide(one, choices), (one, total)


# Plaintexts


SPOILED = ([mpz(1) << 8 * block_bytes(BITS)], [mpz(5)])
"""mixed rows that are no answers: a plaintext that is too large, and padding that is not zero"""


def added_up(setting: Setting, one: Contest, choices: Sequence[Choice], b: int) -> GroupCount:
    """A homomorphic group: the slots of all answers are added up, marks packed as the freeze packs products."""
    columns = zip(*(plaintexts_of(setting, one, choice) for choice in choices), strict=True)
    m = sum((sum(column, mpz(0)) << b * at for at, column in enumerate(columns)), mpz(0))
    return count_slots(one, m, b, len(choices))


def cast_in(seed: int) -> tuple[JSON, dict[str, list[list[Choice]]]]:
    """A random election with a contest of each form: its manifest, and what each unit's ballots say in each contest."""
    rng = random.Random(seed)
    contests = [some_contest(rng, form) for form in Form]
    sizes = [rng.choice((0, 0, 1, 2, 3, 5, 8, 12)) if seed % 20 else 0 for _ in UNITS]
    cast = {one["id"]: [[some_choice(rng, one) for _ in range(size)] for size in sizes] for one in contests}
    return manifest_of(contests), cast


@pytest.mark.parametrize("seed", range(ELECTIONS))
def test_random_elections_of_every_form(seed: int) -> None:
    """Small ones: ties, blank votes, units without ballots and elections without any; mixed rows that are invalid."""
    record, cast = cast_in(seed)
    rng = random.Random(seed)
    b = slot_bits(3 * 12 + rng.randint(1, 9))
    setting = Setting(parse_manifest(record), secret_key(BITS).public, mpz(1) << b)
    for one, asked in zip(setting.manifest.contests, record["contests"], strict=True):
        groups, invalid = [], 0
        for choices in cast[one.id]:
            bad: list[int] = []
            if one.homomorphic:
                group = added_up(setting, one, choices, b)
            else:
                rows = [plaintexts_of(setting, one, choice) for choice in choices]
                for _ in range(rng.choice((0, 0, 1, 2))):
                    rows.insert(rng.randint(0, len(rows)), rng.choice(SPOILED))
                bad = [at for at, row in enumerate(rows) if row in SPOILED]
                group = count_answers(one, BITS, rows)
            assert misfit(one, group) is None
            assert count_record(group) == {**naive.counts(asked, choices, len(bad)), "invalid": bad}
            groups.append(group)
            invalid += len(bad)
        total = total_record(one, groups)
        decided = outcome_record(outcome(one, total))
        everybody = [choice for choices in cast[one.id] for choice in choices]
        agree(asked, total, decided, everybody, invalid)
        if one.form is Form.RANKING and decided["elected"]:
            ids = [part.id for part in one.options]
            winner = decided["elected"][0]["answer"]
            assert naive.winners_by_any_lot(ids, [tuple(choice) for choice in everybody if choice]) == {winner}


def test_the_random_elections_hold_what_they_are_for() -> None:
    """They would prove little if nothing ever tied: every kind of lot, seats left over, each way a runoff goes on."""
    seen: set[Any] = set()
    for seed in range(ELECTIONS):
        record, cast = cast_in(seed)
        for one in record["contests"]:
            choices = [choice for unit in cast[one["id"]] for choice in unit]
            decided = NOTHING | naive.decide(one, choices)
            form = Form(one["form"])
            seen |= {(form, lot[0]) for lot in decided["lots"]}
            seen |= {(form, "vacant")} if decided["vacant"] else set()
            seen |= {(form, "two lots")} if len(decided["lots"]) > 1 else set()
            seen |= {(form, "contested")} if any(part[2] for part in decided["lists"].values()) else set()
            seen |= {(form, "together")} if any(len(gone) > 1 for _, _, gone in decided["rounds"]) else set()
    for form in (Form.SINGLE, Form.SNTV, Form.WRITE_IN, Form.PR_CLOSED, Form.PR_OPEN, Form.RANKING):
        assert {(form, "election"), (form, "vacant")} <= seen
    assert {(Form.RANKING, "elimination"), (Form.RANKING, "together")} <= seen
    assert {(Form.PR_CLOSED, "contested"), (Form.PR_OPEN, "contested"), (Form.PR_OPEN, "two lots")} <= seen


# Ten thousand ballots


SIZES = {"north": 6203, "south": 3794, "west": 3}
FORMS = (Form.SINGLE, Form.SNTV, Form.PR_CLOSED, Form.PR_OPEN, Form.REVIEW, Form.REFERENDUM)


def large_contests(rng: random.Random) -> list[JSON]:
    """As in real elections: a mayor, a council, both proportional ones, judges, and a question."""
    closed = [option(one, f"党 {one}", candidates=names(rng, 9, 5)) for one in LETTERS[:6]]
    people = [option(f"c{number}", f"候補 {number}") for number in range(35)]
    return [
        contest("mayor", "choose-one", ["甲", "乙", "丙"]),
        {**contest("council", "index", [], form="SNTV", seats=24), "options": people},
        {**contest("block", "choose-one", [], form="PR_CLOSED", seats=11), "options": closed},
        {**contest("nation", "index", [], form="PR_OPEN", seats=20), "options": open_lists(rng, 9, 12)},
        contest("judges", "choose-several", list("甲乙丙丁戊己"), form="REVIEW", least=0, most=6),
        contest("question", "choose-one", ["賛成", "反対"], form="REFERENDUM"),
    ]


def test_requirement_34_ten_thousand_ballots() -> None:
    """34: per counting unit and contest, the counts equal those of an independent reference on 10,000 ballots.

    Every answer is encrypted under a small key. Ciphertexts of homomorphic contests are multiplied and one is opened
    for each group; those of the others are opened one by one, in another order. Proofs and mixing are tested elsewhere.
    """
    rng = random.Random(34)
    record = manifest_of(large_contests(rng))
    assert [one["form"] for one in record["contests"]] == list(FORMS)
    b = slot_bits(12_000)
    secret = secret_key(BITS)
    key = secret.public
    setting = Setting(parse_manifest(record), key, mpz(1) << b)
    cast = {
        unit: [{one["id"]: lopsided(rng, one) for one in record["contests"]} for _ in range(size)]
        for unit, size in SIZES.items()
    }
    groups = partition(SIZES, setting.manifest.minimum_group)
    assert groups == [("north",), ("south", "west")]
    for one, asked in zip(setting.manifest.contests, record["contests"], strict=True):
        found = []
        for units in groups:
            choices = [ballot[one.id] for unit in units for ballot in cast[unit]]
            sealed = [
                [key.encrypt(m, mpz(rng.randrange(2, int(key.N)))) for m in plaintexts_of(setting, one, choice)]
                for choice in choices
            ]
            if one.homomorphic:
                product = mpz(1)
                for at, column in enumerate(zip(*sealed, strict=True)):
                    product = product * gmpy2.powmod(multiplied(column, key.N2), mpz(1) << b * at, key.N2) % key.N2
                group = count_slots(one, secret.decrypt(product), b, len(choices))
                assert group.overflow == 0
            else:
                rng.shuffle(sealed)
                group = count_answers(one, BITS, [[secret.decrypt(c) for c in row] for row in sealed])
            assert misfit(one, group) is None
            assert count_record(group) == {**naive.counts(asked, choices), "invalid": []}
            found.append(group)
        everybody = [ballot[one.id] for ballots in cast.values() for ballot in ballots]
        total = total_record(one, found)
        assert total["ballots"] == 10_000
        agree(asked, total, outcome_record(outcome(one, total)), everybody, 0)


def lopsided(rng: random.Random, one: JSON) -> Choice:
    """Earlier options have more votes, so that there are winners."""
    ids = [part["id"] for part in one["options"]]
    if one["kind"] == Kind.CHOOSE_SEVERAL:
        return tuple(part for at, part in enumerate(ids) if rng.random() < 0.6 / (at + 1))
    if rng.random() < 0.05:
        return "blank"
    return ids[min(rng.randrange(len(ids)), rng.randrange(len(ids)))]


def multiplied(ciphertexts: Sequence[mpz], modulus: mpz) -> mpz:
    product = mpz(1)
    for c in ciphertexts:
        product = product * c % modulus
    return product
