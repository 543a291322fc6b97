"""Random cases for both implementations, Python's and the browser's, in both directions.

`python -m tests.cross [--cases 10000] [--seed N]` says how far it is, and stops with exit code 1 at the first case in
which the two differ, which it prints. It needs Chromium.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import secrets
import sys
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from tests.election import contest, small_manifest
from tests.keys import secret_key
from tests.vectors.generate import BITS, OPERATIONS, answer_of, cached_maker, integer, integers, item
from tests.voting.booth.pages import Booth, booth, difference
from verifier.errors import VerifierError
from verifier.record.answers import Undecodable, block_bytes
from verifier.record.canonical import encode_bytes, serialise

JSON = dict[str, Any]
BATCH = 250
KEY = secret_key(BITS)
N = KEY.public.N
MODULUS = integer(N)
REFUSALS = (VerifierError, Undecodable, ValueError, TypeError, OverflowError)
IDENTIFIERS = "abcdefghijklmnopqrstuvwxyz"
BLOCKS = ((0, 0x250), (0x300, 0x370), (0x3040, 0x3100), (0x4E00, 0x4F00), (0x1F600, 0x1F640))
LETTERS = [chr(code) for block in BLOCKS for code in range(*block) if unicodedata.category(chr(code)) != "Cn"]
"""Latin, accents, kana, kanji, and beyond 16 bits; only what every version of Unicode in use has"""


# What goes in


def some_bytes(rng: random.Random, most: int = 40) -> bytes:
    return rng.randbytes(rng.randrange(most + 1))


def some_integer(rng: random.Random, bits: int = 1100) -> int:
    """Of any size: most random integers of a fixed range are long."""
    return rng.getrandbits(rng.randrange(1, bits))


def some_text(rng: random.Random, most: int = 12) -> str:
    return "".join(rng.choices(LETTERS, k=rng.randrange(most + 1)))


def some_value(rng: random.Random, depth: int = 0) -> Any:
    """A JSON value; some have no canonical form."""
    kinds: list[Callable[[], Any]] = [
        lambda: rng.choice((None, True, False)),
        lambda: rng.choice((1, -1)) * min(rng.getrandbits(rng.randrange(1, 55)), 2**53),
        lambda: some_text(rng) + rng.choice(("", "", "", "\ud800", "\U00020bb7", "\x7f")),
    ]
    if depth < 4:
        kinds += [
            lambda: [some_value(rng, depth + 1) for _ in range(rng.randrange(4))],
            lambda: {some_text(rng, 4): some_value(rng, depth + 1) for _ in range(rng.randrange(4))},
        ]
    return rng.choice(kinds)()


def some_item(rng: random.Random, depth: int = 0) -> JSON:
    kind = rng.randrange(4 if depth < 3 else 3)
    if kind == 3:
        return {"list": [some_item(rng, depth + 1) for _ in range(rng.randrange(4))]}
    return item([some_integer(rng), some_text(rng), some_bytes(rng)][kind])


def damaged(rng: random.Random, raw: bytes) -> bytes:
    """One byte other, more, or fewer."""
    at = rng.randrange(len(raw) + 1)
    extra = bytes([rng.choice(b' "\\{}[],:019-.eEtu\xff\x80=')])
    return rng.choice((raw[:at] + extra + raw[at + 1 :], raw[:at] + extra + raw[at:], raw[:at] + raw[at + 1 :]))


def some_contest(rng: random.Random) -> JSON:
    """A mixnet contest whose answers fit, or nearly."""
    kind = rng.choice(("index", "ranking", "text"))
    names = [] if kind == "text" else list(IDENTIFIERS[: rng.randrange(1, 26)])
    most = {"index": 1, "ranking": rng.randint(1, max(len(names), 1)), "text": rng.randint(1, 100)}[kind]
    least = 1 if kind == "index" else rng.randint(0, most)
    return contest("c", kind, names, least=least, most=most, width=rng.randint(2, 3), blank=rng.random() < 0.5)


def some_answer(rng: random.Random, asked: JSON) -> Any:
    """Often one that is not allowed."""
    ids = [option["id"] for option in asked["options"]]
    if asked["kind"] == "text":
        text = some_text(rng, 3 * asked["most"] // 2 + 1)
        return unicodedata.normalize(rng.choice(("NFC", "NFD")), text) if rng.random() < 0.8 else text
    if asked["kind"] == "index":
        return rng.choice([*ids, "blank", "z"])
    marks = rng.sample(ids, rng.randrange(len(ids) + 1))
    return marks if rng.random() < 0.9 else [*marks, rng.choice([*ids, "z"])]


# Cases that both compute


def encodings(rng: random.Random) -> Iterator[JSON]:
    limits = {"max_bytes": rng.choice((100, 1 << 20)), "max_depth": rng.choice((3, 12))}
    value = some_value(rng)
    yield {"operation": "serialise-json", "input": {"value": value}}
    raw = json.dumps(value, ensure_ascii=rng.random() < 0.3, separators=(",", ":"), sort_keys=rng.random() < 0.8)
    data = raw.encode("utf-8", "surrogatepass")
    data = damaged(rng, data) if rng.random() < 0.5 else data
    yield {"operation": "parse-json", "input": {"bytes": data.hex(), **limits}}
    width = rng.randrange(1, 70)
    x = some_integer(rng, 8 * width + 2)
    yield {"operation": "encode-integer", "input": {"integer": integer(x), "width": width}}
    text = encode_bytes(rng.randbytes(width))
    if rng.random() < 0.6:
        text = damaged(rng, text.encode()).decode("latin-1")
    yield {"operation": "decode-integer", "input": {"text": text, "width": width}}
    yield {"operation": "decode-bytes", "input": {"text": text, "size": width}}
    yield {"operation": "encode-bytes", "input": {"bytes": some_bytes(rng).hex()}}


def hashes(rng: random.Random) -> Iterator[JSON]:
    yield {"operation": "shake", "input": {"bytes": some_bytes(rng, 600).hex(), "length": rng.randrange(1, 500)}}
    yield {"operation": "encode-item", "input": {"item": some_item(rng)}}
    steps: list[JSON] = []
    for _ in range(rng.randrange(1, 5)):
        steps.append({"absorb": [some_item(rng) for _ in range(rng.randrange(3))]})
        steps.append({"challenge": {"label": some_text(rng, 4), "bits": 8 * rng.randrange(1, 100)}})
    given = {"kind": some_text(rng), "election": rng.randbytes(32).hex(), "steps": steps}
    yield {"operation": "transcript", "input": given}
    items = [some_item(rng) for _ in range(rng.randrange(3))]
    given = {"bound": integer(2 + some_integer(rng)), "tag": some_text(rng), "items": items}
    yield {"operation": "hash-to-range", "input": given}
    yield {"operation": "digest", "input": {"tag": some_text(rng), "items": items}}


def given_answers(rng: random.Random) -> Iterator[JSON]:
    asked = some_contest(rng)
    given = {"contest": asked, "modulus_bits": BITS, "answer": some_answer(rng, asked)}
    case = {"operation": "encode-answer", "input": given}
    yield case
    expected = expect(case)
    size = block_bytes(BITS)
    if "output" in expected and rng.random() < 0.7:
        plaintexts = [int(m, 16) for m in expected["output"]["plaintexts"]]
        plaintexts[rng.randrange(len(plaintexts))] ^= rng.choice((0, 0, 0, 1 << rng.randrange(8 * size)))
    else:
        plaintexts = [rng.getrandbits(rng.choice((8, 16, 8 * size, 8 * size + 1))) for _ in range(asked["width"])]
    given = {"contest": asked, "modulus_bits": BITS, "plaintexts": integers(plaintexts)}
    yield {"operation": "decode-answer", "input": given}


def ciphertexts(rng: random.Random) -> Iterator[JSON]:
    x = rng.choice(
        (some_integer(rng), int(N) * rng.randrange(1, 9), int(KEY.P) * some_integer(rng, 512), int(N * N - 1))
    )
    yield {"operation": "ciphertext-domain", "input": {"modulus": MODULUS, "value": integer(x)}}
    place = {"seed": rng.randbytes(32).hex(), "contest": some_text(rng), "position": rng.randrange(1000)}
    yield {"operation": "seed-randomness", "input": {"modulus": MODULUS, **place}}
    m, r = rng.randrange(int(N)), rng.randrange(1, int(N))
    given = {"modulus": MODULUS, "plaintext": integer(m), "randomness": integer(r)}
    yield {"operation": "paillier-encrypt", "input": given}
    c = int(KEY.public.encrypt(m, r))
    wrong = rng.choice((r, r, r + 1, int(N) - r))
    given = {"modulus": MODULUS, "ciphertext": integer(c), "randomness": integer(wrong)}
    yield {"operation": "recover-plaintext", "input": given}


def some_statement(rng: random.Random) -> JSON:
    return {
        "modulus": MODULUS,
        "election": rng.randbytes(32).hex(),
        "contest": some_text(rng),
        "slot": some_text(rng),
        "sequence": rng.randrange(1, 1000),
        "credential": rng.randbytes(32).hex(),
        "position": rng.randrange(10),
        "alpha": integer(rng.getrandbits(BITS // 2 + 64)),
    }


def membership(rng: random.Random) -> JSON:
    values = sorted({some_integer(rng, 500) for _ in range(rng.randrange(1, 5))})
    return {**some_statement(rng), "values": integers(values), "choice": rng.randrange(len(values))}


def knowledge(rng: random.Random) -> JSON:
    return {**some_statement(rng), "plaintext": integer(rng.randrange(int(N)))}


def proofs(rng: random.Random) -> Iterator[JSON]:
    stream = rng.randbytes(8).hex()
    yield {"operation": "prove-membership", "input": {**membership(rng), "stream": stream}}
    yield {"operation": "prove-knowledge", "input": {**knowledge(rng), "stream": stream}}


MANIFEST = small_manifest()
VOTERS = {"manifest": MANIFEST, "modulus": MODULUS, "rows": 40}
CHOICES: dict[str, list[Any]] = {
    "mayor": ["a", "b", "c", "blank"],
    "judges": [[], ["a"], ["b", "c"], ["a", "b", "c"]],
    "council": ["a", "b", "c", "d", "blank"],
    "chair": [[], ["c"], ["b", "a"], ["a", "c", "b"]],
    "name": ["", "山田", "が", "a" * 30],
}


def ballots(rng: random.Random) -> Iterator[JSON]:
    style = rng.choice(MANIFEST["styles"])
    choices = {one: rng.choice(CHOICES[one]) for one in style["contests"]}
    place = {"slot": f"slot-{rng.randrange(99)}", "sequence": rng.randrange(1, 99)}
    seeds = {name: rng.randbytes(32).hex() for name in ("credential_seed", "seed")}
    given = {**VOTERS, "style": style["id"], **place, **seeds, "choices": choices, "stream": rng.randbytes(8).hex()}
    yield {"operation": "make-ballot", "input": given}


def expect(case: JSON) -> JSON:
    """The case with what Python says: its "output", or "refused"."""
    given = case["input"]
    try:
        if case["operation"] == "shake":
            digest = hashlib.shake_256(bytes.fromhex(given["bytes"])).hexdigest(given["length"])
            return {**case, "output": {"digest": digest}}
        return {**case, "output": json.loads(json.dumps(OPERATIONS[case["operation"]](given)))}
    except REFUSALS as error:
        return {**case, "refused": {"error": type(error).__name__}}


# One makes, the other checks


def checked_by_python(rng: random.Random, opened: Booth) -> None:
    """A proof that the browser made with its own randomness holds."""
    for kind, names, given in (
        ("membership", ("values",), membership(rng)),
        ("knowledge", (), knowledge(rng)),
    ):
        [found] = opened.run([{"operation": f"prove-{kind}", "input": given}])
        statement = {name: given[name] for name in (*some_statement(rng), *names) if name != "alpha"}
        made = {name: found["output"][name] for name in ("ciphertext", "proof")}
        OPERATIONS[f"check-{kind}"]({**statement, **made})


def read_by_browser(rng: random.Random) -> JSON:
    """A ballot that Python made with its own randomness says in the browser what it was made of."""
    maker = cached_maker(VOTERS)
    style = rng.choice(maker.setting.manifest.styles)
    choices = {one: rng.choice(CHOICES[one]) for one in style.contests}
    seed = secrets.token_bytes(32)
    chosen = {one: answer_of(choice) for one, choice in choices.items()}
    ballot = maker.make(style, "slot-1", 1, rng.randbytes(32), chosen, seed)
    given = {**VOTERS, "ballot": json.loads(serialise(ballot)), "seed": encode_bytes(seed)}
    return {"operation": "read-ballot", "input": given, "output": {"answers": choices}}


# The run

MIX: list[tuple[int, Callable[[random.Random], Iterator[JSON]]]] = [
    (40, encodings),
    (25, hashes),
    (25, given_answers),
    (15, ciphertexts),
    (4, proofs),
    (1, ballots),
]


def batch(rng: random.Random) -> Iterator[JSON]:
    """About BATCH cases of every kind, with what Python says."""
    makers = rng.choices([make for _, make in MIX], [weight for weight, _ in MIX], k=BATCH // 4)
    for make in makers:
        yield from map(expect, make(rng))
    yield read_by_browser(rng)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def compare(opened: Booth, wanted: int, seed: int) -> bool:
    """Do both agree on `wanted` cases?"""
    rng, done = random.Random(seed), 0
    while done < wanted:
        cases = list(batch(rng))
        for case, found in zip(cases, opened.run(cases), strict=True):
            if fault := difference(case, found, words=False):
                say(json.dumps({"seed": seed, "operation": case["operation"], "input": case["input"], "fault": fault}))
                return False
        checked_by_python(rng, opened)
        done += len(cases) + 2
        say(f"{min(done, wanted)} of {wanted}")
    return True


def main() -> None:
    """Run them; exit code 1 if there is a difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    options = parser.parse_args()
    say(f"seed {options.seed}")
    with booth() as opened:
        agree = compare(opened, options.cases, options.seed)
    raise SystemExit(0 if agree else 1)


if __name__ == "__main__":
    main()
